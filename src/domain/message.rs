//! What a client sends: one `Message` type behind every door.
//!
//! Absent on purpose: numbers of actors and points of time. The door resolves names and stamps the time.

use serde::{Deserialize, Serialize};

use super::command::{Command, WhenShort};
use super::money::{Currency, Money};
use super::name::{Name, RequestId};
use super::time::{Timestamp, Window};

/// Who sends a message.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Caller {
    /// An account, acting for itself.
    Account(Name),
    /// The funds-management institution: it alone moves money in, out and on credit (P7).
    FundsManagement,
}

/// One message of one caller. The same `request_id` to the same target is one request (I12).
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Message {
    /// Who sends it.
    pub caller: Caller,
    /// The client's id for it; repeats with the same id have no second effect.
    pub request_id: RequestId,
    /// What is asked.
    pub command: Command,
}

impl Message {
    /// A message of an account.
    ///
    /// # Errors
    /// `bad_text` where a name or the request id is empty, too long or not printable.
    pub fn from_account(
        account: &str,
        request_id: &str,
        command: Command,
    ) -> Result<Message, super::Refusal> {
        Ok(Message {
            caller: Caller::Account(Name::new(account)?),
            request_id: RequestId::new(request_id)?,
            command,
        })
    }

    /// A message of the funds-management institution.
    ///
    /// # Errors
    /// `bad_text` where the request id is empty, too long or not printable.
    pub fn from_funds_management(request_id: &str, command: Command) -> Result<Message, super::Refusal> {
        Ok(Message { caller: Caller::FundsManagement, request_id: RequestId::new(request_id)?, command })
    }
}

/// Where a certificate was found (R5, D40). A private page or a link names its serial.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Via {
    /// The public platform.
    Public,
    /// An account's private page; the account must be in the certificate's chain.
    PrivatePage(Name),
    /// A page link on an outside site.
    Link,
}

/// Out of which money a purchase is paid.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub enum PaidFrom {
    /// What the buyer has available.
    #[default]
    Available,
    /// A gift that the buyer has accepted, whose object is this very certificate (T16).
    Gift {
        /// Who gave it.
        donor: Name,
        /// The id of the message that gave it.
        gift: RequestId,
    },
    /// A payment certificate that the buyer has issued; what it holds beyond the price is freed (K4, D38).
    PaymentCertificate(RequestId),
}

/// Out of which money a commission is funded.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub enum Funding {
    /// Paid now into the envelopes of the certificates (K2).
    #[default]
    Envelope,
    /// Claims on a payment certificate that the payer has issued: no money moves until they are cashed (K3).
    PaymentCertificate(RequestId),
}

/// How the public platform shows an offering (V2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub enum Display {
    /// As it is, with live values.
    #[default]
    Certificate,
    /// As the information by which it is found: name and link, nothing else.
    AcquisitionInformation,
    /// As it was when it was published, with that time.
    Snapshot,
}

/// What a refund takes back of commissions that were cashed (D44).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub enum Clawback {
    /// Nothing.
    #[default]
    None,
    /// From each what is available there, at most what was cashed.
    Reserve,
    /// The same, and the rest is a debt that the account's later commissions pay.
    Receivable,
}

/// What a supplier offers.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Offer {
    /// The receiving account (P4).
    pub payee: Name,
    /// The price of one certificate, in minor units, above 0.
    pub price: Money,
    /// The currency of price and commission.
    pub currency: Currency,
    /// How many certificates: 1 to `limits::OFFERING_ITEMS_MAX` (C3).
    pub items: u32,
    /// The texts of the certificate (C1, C2).
    pub information: Information,
    /// Accounts beside the supplier that may attach a commission (C7).
    pub payers: Vec<Name>,
    /// When it sells (F4).
    pub window: Window,
    /// The most certificates for one account (F3); none: no cap.
    pub cap: Option<u32>,
    /// When its commission goes home at the latest (C6).
    pub expires_at: Option<Timestamp>,
    /// How long a reservation stands, in milliseconds (F6); none: its certificates cannot be reserved.
    pub reservable_ms: Option<u64>,
    /// What a refund takes back of cashed commissions (F7).
    pub clawback: Clawback,
    /// What a refund does where the payee has not the whole price (D23).
    pub when_short: WhenShort,
}

impl Offer {
    /// An offer that sells from publishing on, without a cap, a time limit or payers beside the supplier.
    #[must_use]
    pub fn new(payee: Name, price: Money, currency: Currency, items: u32, information: Information) -> Offer {
        let (payers, window) = (Vec::new(), Window::default());
        Offer {
            payee,
            price,
            currency,
            items,
            information,
            payers,
            window,
            cap: None,
            expires_at: None,
            reservable_ms: None,
            clawback: Clawback::None,
            when_short: WhenShort::Refuse,
        }
    }
}

/// The texts that a certificate carries (C1, C2). Each at most `limits::TEXT_BYTES_MAX` bytes.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct Information {
    /// The product's name; needed.
    #[serde(deserialize_with = "super::text::deserialize")]
    pub product_name: String,
    /// How the money is settled; needed.
    #[serde(deserialize_with = "super::text::deserialize")]
    pub settlement: String,
    /// What the product is.
    #[serde(deserialize_with = "super::text::deserialize")]
    pub product: String,
    /// Who trades it, and how.
    #[serde(deserialize_with = "super::text::deserialize")]
    pub trade: String,
    /// How it travels.
    #[serde(deserialize_with = "super::text::deserialize")]
    pub logistics: String,
    /// How it is insured.
    #[serde(deserialize_with = "super::text::deserialize")]
    pub insurance: String,
    /// The rules of the trade.
    #[serde(deserialize_with = "super::text::deserialize")]
    pub trade_rules: String,
    /// What service goes with it.
    #[serde(deserialize_with = "super::text::deserialize")]
    pub service: String,
    /// What the supplier commits to.
    #[serde(deserialize_with = "super::text::deserialize")]
    pub commitment_letter: String,
    /// How it is performed.
    #[serde(deserialize_with = "super::text::deserialize")]
    pub performance: String,
    /// What is shown when it changes hands.
    #[serde(deserialize_with = "super::text::deserialize")]
    pub transfer_prompt: String,
}

impl Information {
    /// The two texts that a certificate must have (C1); the others are empty.
    pub fn new(product_name: impl Into<String>, settlement: impl Into<String>) -> Information {
        let (product_name, settlement) = (product_name.into(), settlement.into());
        Information { product_name, settlement, ..Information::default() }
    }

    /// Every text with its field's name.
    #[must_use]
    pub fn texts(&self) -> [(&'static str, &str); 11] {
        [
            ("information.product_name", &self.product_name),
            ("information.settlement", &self.settlement),
            ("information.product", &self.product),
            ("information.trade", &self.trade),
            ("information.logistics", &self.logistics),
            ("information.insurance", &self.insurance),
            ("information.trade_rules", &self.trade_rules),
            ("information.service", &self.service),
            ("information.commitment_letter", &self.commitment_letter),
            ("information.performance", &self.performance),
            ("information.transfer_prompt", &self.transfer_prompt),
        ]
    }
}
