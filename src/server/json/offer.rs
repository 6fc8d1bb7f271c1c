//! What a supplier offers, as JSON.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::amount::{Amount, money};
use super::time::Time;
use crate::domain::{Clawback, Currency, Information, Money, Name, Offer, Refusal, WhenShort, Window};

/// `Offer`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::server) struct OfferBody {
    payee: Name,
    price: Amount,
    pub(super) currency: Currency,
    items: u32,
    information: InformationBody,
    #[serde(default)]
    payers: Vec<Name>,
    #[serde(default)]
    window: WindowBody,
    #[serde(default)]
    cap: Option<u32>,
    #[serde(default)]
    expires_at: Option<Time>,
    #[serde(default)]
    reservable_ms: Option<u64>,
    #[serde(default)]
    clawback: ClawbackBody,
    #[serde(default)]
    when_short: WhenShortBody,
}

/// When an offering sells.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WindowBody {
    #[serde(default)]
    opens: Option<Time>,
    #[serde(default)]
    closes: Option<Time>,
}

/// The texts of a certificate; the first two are needed.
#[derive(Clone, Debug, Deserialize, JsonSchema, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct InformationBody {
    product_name: String,
    settlement: String,
    #[serde(default)]
    product: String,
    #[serde(default)]
    trade: String,
    #[serde(default)]
    logistics: String,
    #[serde(default)]
    insurance: String,
    #[serde(default)]
    trade_rules: String,
    #[serde(default)]
    service: String,
    #[serde(default)]
    commitment_letter: String,
    #[serde(default)]
    performance: String,
    #[serde(default)]
    transfer_prompt: String,
}

#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum ClawbackBody {
    #[default]
    None,
    Reserve,
    Receivable,
}

/// What becomes of a refund or a reversal where the payee has not the whole amount.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(in crate::server) enum WhenShortBody {
    #[default]
    Refuse,
    Receivable,
}

impl WhenShortBody {
    pub(super) fn when_short(self) -> WhenShort {
        match self {
            WhenShortBody::Refuse => WhenShort::Refuse,
            WhenShortBody::Receivable => WhenShort::Receivable,
        }
    }
}

impl OfferBody {
    /// The offer that it stands for.
    ///
    /// # Errors
    /// Names the price, where it is none.
    pub(super) fn offer(self) -> Result<Offer, Refusal> {
        let price: Money = money("price", &self.price, self.currency)?;
        let window =
            Window { opens: Time::point(self.window.opens), closes: Time::point(self.window.closes) };
        let clawback = match self.clawback {
            ClawbackBody::None => Clawback::None,
            ClawbackBody::Reserve => Clawback::Reserve,
            ClawbackBody::Receivable => Clawback::Receivable,
        };
        Ok(Offer {
            payee: self.payee,
            price,
            currency: self.currency,
            items: self.items,
            information: self.information.information(),
            payers: self.payers,
            window,
            cap: self.cap,
            expires_at: Time::point(self.expires_at),
            reservable_ms: self.reservable_ms,
            clawback,
            when_short: self.when_short.when_short(),
        })
    }
}

impl WindowBody {
    pub(super) fn of(window: Window) -> WindowBody {
        WindowBody { opens: window.opens.map(Time), closes: window.closes.map(Time) }
    }
}

impl InformationBody {
    fn information(self) -> Information {
        Information {
            product_name: self.product_name,
            settlement: self.settlement,
            product: self.product,
            trade: self.trade,
            logistics: self.logistics,
            insurance: self.insurance,
            trade_rules: self.trade_rules,
            service: self.service,
            commitment_letter: self.commitment_letter,
            performance: self.performance,
            transfer_prompt: self.transfer_prompt,
        }
    }

    pub(super) fn of(texts: Information) -> InformationBody {
        InformationBody {
            product_name: texts.product_name,
            settlement: texts.settlement,
            product: texts.product,
            trade: texts.trade,
            logistics: texts.logistics,
            insurance: texts.insurance,
            trade_rules: texts.trade_rules,
            service: texts.service,
            commitment_letter: texts.commitment_letter,
            performance: texts.performance,
            transfer_prompt: texts.transfer_prompt,
        }
    }
}
