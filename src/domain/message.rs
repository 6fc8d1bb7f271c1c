//! What a client sends: one `Message` type behind every door.
//!
//! Absent on purpose: numbers of actors and points of time. The door resolves names and stamps the time.

use serde::{Deserialize, Serialize};

use super::commission::CommissionTerms;
use super::money::{Currency, Money};
use super::name::{Name, RequestId};
use super::number::Serial;
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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

/// What can be asked of the engine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Command {
    /// Opens an account, with a first deposit where the institution asks (P10).
    OpenAccount {
        /// Its name; a second account of that name is refused.
        account: Name,
        /// Its one currency (D31).
        currency: Currency,
        /// The first deposit, in minor units; above 0 only from the institution.
        deposit: Money,
        /// How far below 0 it may go, in minor units; above 0 only from the institution.
        credit_limit: Money,
    },
    /// Brings outside money in (P10); the institution's.
    Deposit {
        /// The account.
        account: Name,
        /// Minor units, above 0.
        amount: Money,
    },
    /// Settles a cash-out to a bank, up to posted less held (D45); the institution's.
    CashOut {
        /// The account.
        account: Name,
        /// Minor units, above 0.
        amount: Money,
    },
    /// Sets how far below 0 an account may go; the institution's.
    SetCreditLimit {
        /// The account.
        account: Name,
        /// Minor units.
        credit_limit: Money,
    },
    /// Issues an offering of `items` certificates (P4, C1 to C3); the caller is its supplier.
    Issue {
        /// The offering's name.
        offering: Name,
        /// What is sold, to whom the money goes, and by which rules.
        offer: Box<Offer>,
    },
    /// Puts an offering on the public platform (V1); its supplier's.
    Publish {
        /// The offering.
        offering: Name,
    },
    /// Funds a commission for every certificate of the offering from the caller's account (C7, D37).
    AttachCommission {
        /// The offering.
        offering: Name,
        /// The terms, for each certificate.
        terms: Box<CommissionTerms>,
    },
    /// Shares a certificate (R1 to R7); the caller becomes the linked account.
    Circulate {
        /// The offering.
        offering: Name,
        /// The certificate; none: the engine chooses (D30).
        serial: Option<Serial>,
        /// Where the caller found it (R5).
        via: Via,
    },
    /// Acquires a commission by an unused right (Q2).
    Acquire {
        /// The offering.
        offering: Name,
        /// The certificate.
        serial: Serial,
    },
    /// Buys a certificate (H1, F1).
    Purchase {
        /// The offering.
        offering: Name,
        /// The certificate; none: any (D29).
        serial: Option<Serial>,
        /// Where the caller found it.
        via: Via,
    },
    /// Shows an account as it is.
    ShowAccount {
        /// The account.
        account: Name,
    },
    /// Shows an offering: its platform row, its stock, its texts.
    ShowOffering {
        /// The offering.
        offering: Name,
    },
    /// Shows a certificate with a page of its chain.
    ShowCertificate {
        /// The offering.
        offering: Name,
        /// The certificate.
        serial: Serial,
        /// The first hop of the page, from 1.
        from_hop: u32,
    },
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

/// What a supplier offers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
}

impl Offer {
    /// An offer that sells from publishing on, without a cap, a time limit or payers beside the supplier.
    #[must_use]
    pub fn new(payee: Name, price: Money, currency: Currency, items: u32, information: Information) -> Offer {
        let (payers, window) = (Vec::new(), Window::default());
        Offer { payee, price, currency, items, information, payers, window, cap: None, expires_at: None }
    }
}

/// The texts that a certificate carries (C1, C2). Each at most `limits::TEXT_BYTES_MAX` bytes.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Information {
    /// The product's name; needed.
    pub product_name: String,
    /// How the money is settled; needed.
    pub settlement: String,
    /// What the product is.
    pub product: String,
    /// Who trades it, and how.
    pub trade: String,
    /// How it travels.
    pub logistics: String,
    /// How it is insured.
    pub insurance: String,
    /// The rules of the trade.
    pub trade_rules: String,
    /// What service goes with it.
    pub service: String,
    /// What the supplier commits to.
    pub commitment_letter: String,
    /// How it is performed.
    pub performance: String,
    /// What is shown when it changes hands.
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
