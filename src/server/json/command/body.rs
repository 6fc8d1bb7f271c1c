//! Every command, with its fields.

use schemars::JsonSchema;
use serde::Deserialize;
use strum::IntoStaticStr;

use super::parts::{DisplayBody, ObjectBody, PaidFromBody, ViaBody, WithholdFromBody};
use crate::domain::{Code, Currency, Money, Name, Refusal, RequestId, Serial};
use crate::server::json::amount::{Amount, money};
use crate::server::json::offer::{OfferBody, WhenShortBody};
use crate::server::json::terms::TermsBody;
use crate::server::json::time::Time;

/// A command, with amounts as text.
#[derive(Clone, Debug, Deserialize, IntoStaticStr, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[strum(serialize_all = "snake_case")]
pub(in crate::server) enum CommandBody {
    /// Opens an account. A first deposit and a credit limit are the institution's to give.
    OpenAccount {
        account: Name,
        currency: Currency,
        #[serde(default = "Amount::nothing")]
        deposit: Amount,
        #[serde(default = "Amount::nothing")]
        credit_limit: Amount,
    },
    /// Brings outside money in; the institution's.
    Deposit { account: Name, amount: Amount, currency: Currency },
    /// Pays money out, up to what is posted and not held; the institution's.
    CashOut { account: Name, amount: Amount, currency: Currency },
    /// Sets how far below 0 an account may go; the institution's.
    SetCreditLimit { account: Name, credit_limit: Amount, currency: Currency },
    /// Leaves an account no commands of its own; the institution's. Credits, and what it had committed, go on.
    Freeze { account: Name },
    /// Gives an account its commands back; the institution's.
    Unfreeze { account: Name },
    /// Closes an account for ever: its own, or the institution's. It has to be empty, and party to nothing open.
    Close { account: Name },
    /// Says whether gifts are accepted as they arrive; the account's own.
    AcceptGifts { account: Name, by_itself: bool },
    /// Issues an offering of certificates; the caller is its supplier.
    Issue { offering: Name, offer: Box<OfferBody> },
    /// Puts an offering on the public platform; its supplier's.
    Publish {
        offering: Name,
        #[serde(default)]
        display: DisplayBody,
    },
    /// Funds a commission for every certificate of an offering, out of the caller's account or a payment certificate of
    /// its own.
    AttachCommission {
        offering: Name,
        terms: Box<TermsBody>,
        currency: Currency,
        #[serde(default)]
        payment_certificate: Option<RequestId>,
    },
    /// Adds to the reserve of one certificate's commission; its payer's.
    TopUp { offering: Name, serial: Serial, amount: Amount, currency: Currency },
    /// Shares a certificate: the caller becomes its linked account. Without a serial the engine chooses the chain.
    Circulate {
        offering: Name,
        #[serde(default)]
        serial: Option<Serial>,
        #[serde(default)]
        via: ViaBody,
    },
    /// Acquires a commission by a right that the caller has and has not used.
    Acquire { offering: Name, serial: Serial },
    /// Buys a certificate, and settles everyone who shared it. Without a serial any is bought.
    Purchase {
        offering: Name,
        #[serde(default)]
        serial: Option<Serial>,
        #[serde(default)]
        via: ViaBody,
        #[serde(default)]
        paid_from: PaidFromBody,
        /// What one may cost at most, in `currency`.
        #[serde(default)]
        price_max: Option<Amount>,
        #[serde(default)]
        currency: Option<Currency>,
    },
    /// Sets a certificate and its price apart, to be paid later. Without a serial any is reserved.
    Reserve {
        offering: Name,
        #[serde(default)]
        serial: Option<Serial>,
        #[serde(default)]
        via: ViaBody,
        /// What one may cost at most, in `currency`.
        #[serde(default)]
        price_max: Option<Amount>,
        #[serde(default)]
        currency: Option<Currency>,
    },
    /// Buys what the caller has reserved, out of the money that is held for it.
    PayReservation { offering: Name, serial: Serial },
    /// Gives a reservation up: stock and money are free again.
    CancelReservation { offering: Name, serial: Serial },
    /// Pays a purchase back, once, and claws cashed commission back as the offering says; its supplier's.
    Refund { offering: Name, serial: Serial },
    /// Moves money from the caller to another account.
    Transfer { to: Name, amount: Amount, currency: Currency },
    /// Holds money for another account, to be posted or voided later; the request's key names it.
    BeginTransfer {
        to: Name,
        amount: Amount,
        currency: Currency,
        #[serde(default)]
        expires_at: Option<Time>,
    },
    /// Moves a pending transfer's money, up to what is held, and frees the rest; whoever began it, or the institution.
    PostTransfer { from: Name, transfer: RequestId, amount: Amount, currency: Currency },
    /// Frees a pending transfer's money again; whoever began it, or the institution.
    VoidTransfer { from: Name, transfer: RequestId },
    /// Issues a payment certificate: the amount is held; the request's key names it.
    IssuePayment {
        amount: Amount,
        currency: Currency,
        #[serde(default)]
        beneficiary: Option<Name>,
        #[serde(default)]
        not_before: Option<Time>,
        #[serde(default)]
        expires_at: Option<Time>,
    },
    /// Receives a payment certificate; its beneficiary's.
    ReceivePayment { issuer: Name, payment: RequestId },
    /// Rejects a payment certificate, whose money is free again; its beneficiary's.
    RejectPayment { issuer: Name, payment: RequestId },
    /// Pays out of a payment certificate whose condition holds; the institution's. The rest is free again.
    ReleasePayment { issuer: Name, payment: RequestId, amount: Amount, currency: Currency },
    /// Voids a payment certificate; the institution's.
    VoidPayment { issuer: Name, payment: RequestId },
    /// Gives a gift: the price is earmarked at the recipient for this object and nothing else; the request's key names it.
    Give {
        recipient: Name,
        #[serde(default)]
        merchant: Option<Name>,
        object: ObjectBody,
        price: Amount,
        currency: Currency,
        #[serde(default)]
        expires_at: Option<Time>,
    },
    /// Accepts a gift, which authorises its merchant to withhold it once; the recipient's.
    AcceptGift { donor: Name, gift: RequestId },
    /// Declines a gift: the money goes home; the recipient's.
    DeclineGift { donor: Name, gift: RequestId },
    /// Sends a gift home that was accepted and is not withheld; the recipient's, or its merchant's.
    ReturnGift { recipient: Name, donor: Name, gift: RequestId },
    /// Authorises a merchant to withhold from the caller's available money, within two limits; the request's key names it.
    GrantMandate {
        merchant: Name,
        amount_max: Amount,
        amount_max_per_use: Amount,
        currency: Currency,
        #[serde(default)]
        ends_at: Option<Time>,
    },
    /// Ends a mandate; whoever granted it.
    RevokeMandate { mandate: RequestId },
    /// Registers an account as a merchant's, or changes its registration; the institution's.
    RegisterMerchant {
        merchant: Name,
        payee: Name,
        #[serde(default)]
        supplier: Option<Name>,
        #[serde(default)]
        when_short: WhenShortBody,
    },
    /// Ends a merchant's registration; the institution's. Orders that are paid go on.
    UnregisterMerchant { merchant: Name },
    /// Withholds the price of one order, once for one reference; the caller is the merchant.
    Withhold { order: Name, amount: Amount, currency: Currency, from: WithholdFromBody },
    /// Notes that an order's object was handed over; the caller is the merchant.
    Provide { order: Name },
    /// Pays an order back that cannot be provided, payee to recipient to donor; the caller is the merchant.
    ReverseOrder { order: Name },
    /// Shows an account with its balances; its own, or the institution's.
    ShowAccount { account: Name },
    /// Shows an offering: price, stock, terms and texts.
    ShowOffering { offering: Name },
    /// Shows a certificate: its commission, its chain from a hop on, its sale.
    ShowCertificate {
        offering: Name,
        serial: Serial,
        #[serde(default = "first_hop")]
        from_hop: u32,
    },
    /// Shows what a request of the caller's to an account was answered, by its key: an opening, a transfer, a gift, an order.
    ShowAccountRequest { account: Name, request: RequestId },
    /// Shows what a request of the caller's to an offering was answered, by its key.
    ShowOfferingRequest { offering: Name, request: RequestId },
    /// Shows what a request of the caller's to a certificate was answered, by its key.
    ShowCertificateRequest { offering: Name, serial: Serial, request: RequestId },
    /// Shows a gift; its donor's, its recipient's, its merchant's and the institution's.
    ShowGift { recipient: Name, donor: Name, gift: RequestId },
    /// Lists the gifts that wait at the caller to be accepted or withheld.
    ListGifts {
        #[serde(default)]
        skip: u32,
    },
    /// Shows a payment certificate; its issuer's, its beneficiary's and the institution's.
    ShowPayment { issuer: Name, payment: RequestId },
    /// Shows a mandate; whoever granted it.
    ShowMandate { mandate: RequestId },
    /// Shows an order; the caller is the merchant.
    ShowOrder { order: Name },
}

fn first_hop() -> u32 {
    1
}

impl CommandBody {
    /// What it is called.
    pub(in crate::server) fn name(&self) -> &'static str {
        self.into()
    }

    /// What one may cost at most, where it says so.
    ///
    /// # Errors
    /// Where it is no amount, or one of amount and currency is without the other.
    pub(in crate::server) fn price_max(&self) -> Result<Option<Money>, Refusal> {
        let (CommandBody::Purchase { price_max, currency, .. }
        | CommandBody::Reserve { price_max, currency, .. }) = self
        else {
            return Ok(None);
        };
        match (price_max, currency) {
            (None, None) => Ok(None),
            (Some(price_max), Some(currency)) => money("price_max", price_max, *currency).map(Some),
            (Some(_), None) => {
                Err(Refusal::new(Code::Missing, "currency", "is left out: price_max needs it"))
            }
            (None, Some(_)) => {
                Err(Refusal::new(Code::Missing, "price_max", "is left out: currency is for it"))
            }
        }
    }
}

#[cfg(test)]
impl CommandBody {
    /// The names of all commands, as serde lists them where one is unknown.
    pub(in crate::server) fn names() -> Vec<String> {
        let unknown =
            serde_json::from_str::<CommandBody>(r#"{"Amount::nothing":{}}"#).unwrap_err().to_string();
        let names: Vec<String> = unknown.split('`').skip(3).step_by(2).map(str::to_owned).collect();
        assert!(names.len() > 40, "{unknown}");
        names
    }
}
