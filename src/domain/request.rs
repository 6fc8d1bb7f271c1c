//! A message after the door: names resolved to numbers, the body hashed.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};

use super::command::{Status, StatusChange, WhenShort};
use super::commission::CommissionTerms;
use super::conditions::Conditions;
use super::gift::FoundObject;
use super::keyed::hash_of;
use super::merchant::{FoundFrom, Mandate, OrderKey, Registration};
use super::message::{Clawback, Display, Information};
use super::money::{Currency, Money};
use super::name::{Name, RequestId};
use super::number::{ActorNumber, Fingerprint, Serial};
use super::refusal::{Code, Refusal};
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
#[derive(Clone, PartialEq, Eq, Hash, Serialize)]
pub struct RequestMark {
    /// Who and which.
    pub key: RequestKey,
    /// Of the whole body.
    pub fingerprint: Fingerprint,
    /// Of the key, because its target looks it up several times. Another in each process, and so never on record.
    #[serde(skip)]
    key_hash: u64,
}

impl RequestMark {
    /// The mark of a request.
    #[must_use]
    pub fn new(key: RequestKey, fingerprint: Fingerprint) -> RequestMark {
        let key_hash = hash_of(&key);
        RequestMark { key, fingerprint, key_hash }
    }

    /// The key, and its hash.
    pub(super) fn hashed_key(&self) -> (u64, &RequestKey) {
        (self.key_hash, &self.key)
    }
}

impl<'de> Deserialize<'de> for RequestMark {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<RequestMark, D::Error> {
        #[derive(Deserialize)]
        struct Stored {
            key: RequestKey,
            fingerprint: Fingerprint,
        }
        let Stored { key, fingerprint } = Stored::deserialize(deserializer)?;
        Ok(RequestMark::new(key, fingerprint))
    }
}

impl fmt::Debug for RequestMark {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let RequestMark { key, fingerprint, key_hash: _ } = self;
        formatter.debug_struct("RequestMark").field("key", key).field("fingerprint", fingerprint).finish()
    }
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
    /// What its caller's account may do, as the door knew it. A repeat is answered all the same (I12).
    pub caller_status: Status,
    /// Why it is to be refused unless it is a repeat, as those knew it through whose hands it came: the door knows
    /// who is closed, an offering its prices. Never on record.
    #[serde(skip)]
    pub objection: Option<Box<Refusal>>,
    /// On what its sender has made it depend. Never on record: what is on record is decided.
    #[serde(skip)]
    pub conditions: Option<Box<Conditions>>,
}

impl Request {
    /// Why its caller may send nothing new (D46); none where it may.
    #[must_use]
    pub fn barred(&self) -> Option<Refusal> {
        match self.caller_status {
            Status::Open => None,
            Status::Frozen => Some(Refusal::of(Code::AccountFrozen)),
            Status::Closed => Some(Refusal::of(Code::AccountClosed)),
        }
    }
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
    Publish(Display),
    /// To an offering.
    Attach(Box<AttachTask>),
    /// To a certificate, or to its offering.
    Circulate(CirculateTask),
    /// To a certificate.
    Acquire(Serial),
    /// To an offering, or first to a certificate whose private page is named.
    Purchase(PurchaseTask),
    /// To an offering, or first to a certificate whose private page is named.
    Reserve(PurchaseTask),
    /// To an offering.
    PayReservation(Party, Serial),
    /// To an offering.
    CancelReservation(Serial),
    /// To a certificate.
    Refund(Serial),
    /// To the commission's payer, first to the offering.
    TopUp(TopUpTask),
    /// To an account.
    Status(StatusChange),
    /// To the payment certificate's issuer.
    Payment(PaymentTask),
    /// To the account that pays.
    Transfer(TransferTask),
    /// To the donor (first to the offering where the object is a certificate), or to the recipient.
    Gift(GiftTask),
    /// To whoever grants.
    Mandate(MandateTask),
    /// To the merchant.
    Merchant(MerchantTask),
    /// To an account.
    ShowPage {
        /// How many of the newest entries are left out.
        skip: u32,
    },
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
    /// To whom another request of the same caller was addressed.
    ShowRequest {
        /// The other one's id.
        id: RequestId,
        /// Its certificate, which may not be alive.
        serial: Option<Serial>,
    },
}

impl Task {
    /// True for what changes nothing, which even an account that is frozen or closed may ask (D46).
    #[must_use]
    pub fn looks(&self) -> bool {
        matches!(
            self,
            Task::ShowAccount
                | Task::ShowOffering
                | Task::ShowCertificate { .. }
                | Task::ShowPage { .. }
                | Task::Payment(PaymentTask::Show(_))
                | Task::Gift(GiftTask::Show(_) | GiftTask::List { .. })
                | Task::Mandate(MandateTask::Show(_))
                | Task::Merchant(MerchantTask::ShowOrder(_))
                | Task::ShowRequest { .. }
        )
    }

    /// True for what is answered with the head of its actor's chain.
    #[must_use]
    pub fn shows_chain(&self) -> bool {
        matches!(self, Task::ShowAccount | Task::ShowOffering | Task::ShowCertificate { .. })
    }
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
    /// How long a reservation stands.
    pub reservable_ms: Option<u64>,
    /// How a purchase is refunded.
    pub refund: RefundTerms,
    /// The seed of every draw, stamped by the door and never chosen by a client (DESIGN §5).
    #[serde(with = "super::wide")]
    pub seed: [u8; 32],
}

/// How a purchase is refunded (F7, D23, D44).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct RefundTerms {
    /// What is taken back of cashed commissions.
    pub clawback: Clawback,
    /// What happens where the payee has not the whole price.
    pub when_short: WhenShort,
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

/// A purchase or a reservation under way.
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
    /// Out of which money.
    pub source: Source,
}

/// Out of which money a purchase is paid, resolved.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Source {
    /// What the buyer has available.
    Available,
    /// What the buyer's account holds, or is to hold, for its reservation.
    Reservation,
    /// A payment certificate of the buyer's.
    PaymentCertificate(Box<SpentPayment>),
    /// A gift that the buyer has accepted.
    Gift(Box<SpentGift>),
}

/// A payment certificate that pays a purchase.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct SpentPayment {
    /// Which of the buyer's.
    pub payment: RequestId,
    /// Who is to be paid; the offering says.
    pub payee: Option<ActorNumber>,
}

/// A gift that pays a purchase.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct SpentGift {
    /// Its donor, and the id of the message that gave it.
    pub key: RequestKey,
    /// The order by which a merchant withholds it; none where the recipient buys.
    pub order: Option<OrderKey>,
}

/// A commission to be attached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttachTask {
    /// Who pays.
    pub payer: Party,
    /// The terms, for each certificate.
    pub terms: CommissionTerms,
    /// The payer's payment certificate that backs it; none: it is paid into the envelopes.
    pub backing: Option<RequestId>,
}

/// More reserve for one certificate's commission.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TopUpTask {
    /// The offering.
    pub offering: ActorNumber,
    /// The certificate.
    pub serial: Serial,
    /// How much.
    pub amount: Money,
}

/// What is asked of a payment certificate, by the id of the message that issued it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PaymentTask {
    /// By its issuer.
    Issue {
        /// What is held.
        amount: Money,
        /// Who may receive it.
        beneficiary: Option<Party>,
        /// Not to be released before.
        not_before: Option<Timestamp>,
        /// Over from then on.
        expires_at: Option<Timestamp>,
    },
    /// By its beneficiary.
    Receive(RequestId),
    /// By its beneficiary.
    Reject(RequestId),
    /// By the institution.
    Release(RequestId, Money),
    /// By the institution.
    Void(RequestId),
    /// By whom it concerns.
    Show(RequestId),
}

/// What is asked of a transfer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TransferTask {
    /// In one step.
    Send {
        /// To whom.
        to: ActorNumber,
        /// How much.
        amount: Money,
    },
    /// Pending.
    Begin {
        /// To whom.
        to: ActorNumber,
        /// How much is held.
        amount: Money,
        /// Void from then on.
        expires_at: Option<Timestamp>,
    },
    /// Moves so much of it.
    Post(RequestId, Money),
    /// Frees it.
    Void(RequestId),
}

/// What is asked of a gift, by its donor and the id of the message that gave it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum GiftTask {
    /// By its donor.
    Give(Box<GiveTask>),
    /// By its recipient.
    Accept(RequestKey),
    /// By its recipient.
    Decline(RequestKey),
    /// By its recipient or its merchant.
    Return(RequestKey),
    /// By whom it concerns.
    Show(RequestKey),
    /// By the recipient.
    List {
        /// How many to leave out.
        skip: u32,
    },
}

/// A gift under way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GiveTask {
    /// To whom.
    pub recipient: Party,
    /// Who may withhold it.
    pub merchant: Option<ActorNumber>,
    /// What for.
    pub object: FoundObject,
    /// How much.
    pub price: Money,
    /// Home again from then on; none: after the usual time.
    pub expires_at: Option<Timestamp>,
}

/// What is asked of a mandate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum MandateTask {
    /// By its recipient.
    Grant(Mandate),
    /// By its recipient.
    Revoke(RequestId),
    /// By its recipient.
    Show(RequestId),
}

/// What is asked of a merchant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum MerchantTask {
    /// By the institution.
    Register(Registration),
    /// By the institution.
    Unregister,
    /// By the merchant.
    Withhold(Box<WithholdTask>),
    /// By the merchant.
    Provide(Name),
    /// By the merchant.
    Reverse(Name),
    /// By the merchant.
    ShowOrder(Name),
}

/// A withholding under way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WithholdTask {
    /// The merchant's reference.
    pub reference: Name,
    /// How much.
    pub amount: Money,
    /// Whose money.
    pub from: FoundFrom,
}
