//! A message after the door: names resolved to numbers, the body hashed.

use serde::{Deserialize, Serialize};

use super::commission::CommissionTerms;
use super::message::Information;
use super::money::{Currency, Money};
use super::name::{Name, RequestId};
use super::number::{ActorNumber, Fingerprint, Serial};
use super::time::{Timestamp, Window};

/// What makes a request one request at its target: who sent it and the client's id.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RequestKey {
    /// The caller; `ActorNumber::FUNDS_MANAGEMENT` for the institution.
    pub caller: ActorNumber,
    /// The client's id.
    pub id: RequestId,
}

/// The key of a request and the hash of its body, kept with what the request brought about.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct RequestMark {
    /// Who and which.
    pub key: RequestKey,
    /// Of the whole body.
    pub fingerprint: Fingerprint,
}

/// An account in a message: its number, and its currency, which never changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Party {
    /// The account's number.
    pub number: ActorNumber,
    /// The account's currency.
    pub currency: Currency,
}

/// Where a certificate was found, resolved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum FoundVia {
    /// The public platform.
    Public,
    /// The private page of an account.
    PrivatePage(ActorNumber),
    /// A page link.
    Link,
}

/// A request as its actor receives it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// Who sent it, which, and the hash of its body.
    pub mark: RequestMark,
    /// What is asked.
    pub task: Task,
}

/// What is asked, with everything resolved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Task {
    /// To an account that does not exist yet.
    Open(Opening),
    /// To an account.
    Deposit(Money),
    /// To an account.
    CashOut(Money),
    /// To an account.
    SetCreditLimit(Money),
    /// To an offering that does not exist yet.
    Issue(Box<IssuedOffer>),
    /// To an offering.
    Publish,
    /// To an offering.
    Attach(Party, Box<CommissionTerms>),
    /// To a certificate, or to its offering.
    Circulate(CirculateTask),
    /// To a certificate.
    Acquire(Serial),
    /// To an offering, or first to a certificate whose private page is named.
    Purchase(PurchaseTask),
    /// To an account.
    ShowAccount,
    /// To an offering.
    ShowOffering,
    /// To a certificate, or to its offering while it is untouched.
    ShowCertificate {
        /// The certificate.
        serial: Serial,
        /// The first hop shown, from 1.
        from_hop: u32,
    },
}

/// How an account begins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opening {
    /// Its name.
    pub name: Name,
    /// Its one currency.
    pub currency: Currency,
    /// Its first deposit.
    pub deposit: Money,
    /// How far below 0 it may go.
    pub credit_limit: Money,
}

/// An offer, resolved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IssuedOffer {
    /// The offering's name.
    pub name: Name,
    /// Who issues it.
    pub supplier: Party,
    /// Who is paid.
    pub payee: Party,
    /// The price of one certificate.
    pub price: Money,
    /// Of price and commission.
    pub currency: Currency,
    /// How many certificates.
    pub items: u32,
    /// The texts.
    pub information: Information,
    /// Who may attach a commission beside the supplier.
    pub payers: Vec<ActorNumber>,
    /// When it sells.
    pub window: Window,
    /// The most for one account.
    pub cap: Option<u32>,
    /// When its commission goes home at the latest.
    pub expires_at: Option<Timestamp>,
    /// The seed of every draw, stamped by the door and never chosen by a client (DESIGN §5).
    #[serde(with = "super::wide")]
    pub seed: [u8; 32],
}

/// A circulation under way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CirculateTask {
    /// Who circulates.
    pub party: Party,
    /// The certificate that the client named.
    pub named: Option<Serial>,
    /// Where the client found it.
    pub via: FoundVia,
}

/// A purchase under way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PurchaseTask {
    /// Who buys.
    pub buyer: Party,
    /// The certificate that the client named.
    pub named: Option<Serial>,
    /// Where the client found it.
    pub via: FoundVia,
    /// True once a named page's certificate has found the page's account in its chain.
    pub page_found: bool,
}
