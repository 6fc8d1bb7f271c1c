//! What the engine answers: done, with the facts, or refused.

use serde::{Deserialize, Serialize};

use super::command::Status;
use super::commission::{CommissionTerms, FactorSet};
use super::gift::{Gift, GiftState};
use super::link::PageLink;
use super::merchant::{Mandate, Order};
use super::message::{Display, Information};
use super::money::{Balance, Currency, Money};
use super::name::{Name, RequestId};
use super::number::{ActorNumber, Serial};
use super::payment::{PaymentCertificate, PaymentState};
use super::refusal::Refusal;
use super::request::FoundVia;
use super::time::{Timestamp, Window};

/// The answer to one message.
pub type Answer = Result<Done, Refusal>;

/// A message was carried out; a repeat of it gets an equal one (I12).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Done {
    /// The account is open.
    Opened {
        /// Its posted balance at opening.
        posted: Balance,
    },
    /// Money came in.
    Deposited {
        /// The posted balance after it.
        posted: Balance,
    },
    /// Money went out.
    CashedOut {
        /// The posted balance after it.
        posted: Balance,
    },
    /// The credit limit is set.
    CreditLimitSet {
        /// The limit.
        credit_limit: Money,
    },
    /// The offering is issued.
    Issued {
        /// How many certificates it has.
        items: u32,
    },
    /// The offering stands on the public platform.
    Published {
        /// Since when.
        at: Timestamp,
    },
    /// The commission is funded and attached.
    Attached {
        /// What its payer paid for all certificates.
        debited: Money,
    },
    /// The circulation is in the chain.
    Circulated(Circulated),
    /// The promise is acquired.
    Acquired {
        /// The account's promise.
        promise: Money,
        /// What is attached after it.
        attached: Money,
    },
    /// The certificate is bought.
    Purchased(Purchased),
    /// The commission has more reserve.
    ToppedUp {
        /// By so much.
        amount: Money,
    },
    /// The certificate is set apart, and its price is held.
    Reserved {
        /// Which.
        serial: Serial,
        /// What is held.
        price: Money,
        /// Free again from then on.
        until: Timestamp,
    },
    /// The reservation is given up, stock and money are free.
    ReservationCancelled {
        /// Which.
        serial: Serial,
    },
    /// The purchase is paid back.
    Refunded(Refunded),
    /// What the account may do has changed.
    StatusChanged {
        /// What it may do now.
        status: Status,
        /// Whether gifts are accepted as they arrive.
        accepts_gifts: bool,
    },
    /// The payment certificate is issued.
    PaymentIssued {
        /// What the account holds in all, this included.
        held: Money,
    },
    /// The payment certificate has come on.
    PaymentChanged {
        /// How far.
        state: PaymentState,
        /// What was paid out of it.
        released: Money,
        /// What is free again.
        freed: Money,
    },
    /// The transfer has moved the money.
    Transferred {
        /// What has moved.
        amount: Money,
        /// The payer's posted balance after it.
        posted: Balance,
    },
    /// The transfer is pending.
    TransferBegun {
        /// What the account holds in all, this included.
        held: Money,
    },
    /// The pending transfer is void.
    TransferVoided {
        /// What is free again.
        freed: Money,
    },
    /// The gift is given: its money is earmarked at the recipient.
    Given {
        /// Home again from then on, unless accepted.
        expires_at: Timestamp,
    },
    /// The gift has come on.
    GiftChanged {
        /// How far.
        state: GiftState,
    },
    /// The mandate is granted.
    MandateGranted,
    /// The mandate is revoked.
    MandateRevoked {
        /// What was withheld by it.
        used: Money,
    },
    /// The merchant's registration is changed.
    Registered {
        /// True where it may withhold from now on.
        registered: bool,
    },
    /// The order is withheld: the payee has the money.
    Withheld {
        /// How much.
        amount: Money,
    },
    /// The object is provided.
    Provided,
    /// The order is paid back.
    OrderReversed {
        /// Paid back now.
        paid: Money,
        /// Still to come from the payee.
        owed: Money,
    },
    /// A gift as it is.
    Gift(Box<GiftView>),
    /// The gifts that wait at an account.
    Gifts(Vec<GiftView>),
    /// A payment certificate as it is.
    Payment(Box<PaymentCertificate>),
    /// A mandate as it is.
    Mandate(Box<Mandate>),
    /// An order as it is.
    Order(Box<Order>),
    /// A private platform, newest entries first.
    Page(PageView),
    /// An account as it is.
    Account(Box<AccountView>),
    /// An offering as it is.
    Offering(Box<OfferingView>),
    /// A certificate as it is.
    Certificate(Box<CertificateView>),
    /// The request was carried out, and this is what it was answered; none where its actor remembers that it was, and no more.
    Request(Option<Box<Done>>),
}

/// R1: hop, attached, own promise.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Circulated {
    /// The certificate.
    pub serial: Serial,
    /// The hop's number in the chain, from 1.
    pub hop: u32,
    /// True for hop 1 alone (R6).
    pub first: bool,
    /// What is attached after it.
    pub attached: Money,
    /// What this hop acquired by itself.
    pub promise: Money,
    /// True where this circulation met the withdrawal condition (W8).
    pub withdrawn: bool,
}

/// H1: what a purchase settled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Purchased {
    /// The certificate.
    pub serial: Serial,
    /// What the buyer paid and the payee got.
    pub price: Money,
    /// What became of the commission.
    pub commission: Settlement,
    /// Credits that go out page by page after this answer; 0 where all are done.
    pub credits_left: u32,
}

/// F7: what a refund brings back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refunded {
    /// The certificate; it stays sold.
    pub serial: Serial,
    /// What the buyer gets back now.
    pub paid: Money,
    /// What the payee still owes the buyer.
    pub owed: Money,
    /// From how many accounts cashed commission is clawed back.
    pub clawed_back: u32,
    /// How many of them are asked page by page after this answer; 0 where all are done.
    pub left: u32,
}

/// A gift, read from its recipient's account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GiftView {
    /// Its donor.
    pub donor: ActorNumber,
    /// The id of the message that gave it.
    pub gift: RequestId,
    /// Everything else.
    pub state: Gift,
}

/// A page of a private platform.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageView {
    /// The numbers of certificates that the account has circulated, newest first, at most
    /// `limits::PAGE_ENTRIES_MAX`.
    pub certificates: Vec<ActorNumber>,
    /// How many the account has circulated in all.
    pub entries: u32,
}

/// An offering as it was when it was published (V2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FrozenRow {
    /// When.
    pub at: Timestamp,
    /// Price of one certificate.
    pub price: Money,
    /// What an untouched certificate showed.
    pub label: Option<CommissionLabel>,
    /// How many were neither sold nor in payment.
    pub left: u32,
}

/// What a purchase did to the commission.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Settlement {
    /// There was none, or it had ended before.
    None,
    /// Cashed to everyone who acquired; the rest went home (H2, H6).
    Settled {
        /// The sum of the promises cashed by this purchase.
        cashed: Money,
        /// How many promises above 0 they were.
        promises: u32,
        /// What went back to the payer.
        returned: Money,
    },
    /// The condition was met: nothing was cashed (W6).
    Withdrawn {
        /// The factors that held.
        factors: FactorSet,
        /// What went back to the payer.
        returned: Money,
    },
}

/// An account, read from the live actor (D26).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountView {
    /// Its name.
    pub name: Name,
    /// Its number, by which notices and views of others name it.
    pub number: ActorNumber,
    /// Its currency.
    pub currency: Currency,
    /// Its balance; below 0 only within the credit limit.
    pub posted: Balance,
    /// The part of it that is held.
    pub held: Money,
    /// Gifts, not part of posted.
    pub earmarked: Money,
    /// How far below 0 it may go.
    pub credit_limit: Money,
    /// posted - held + credit limit.
    pub available: Money,
    /// What it owes to others, paid by its later income.
    pub owed: Money,
    /// What it may do.
    pub status: Status,
    /// Whether gifts are accepted as they arrive.
    pub accepts_gifts: bool,
    /// How many entries its chain has.
    pub sequence: u64,
    /// The head of its chain.
    pub head: [u8; 32],
}

/// An offering, read from the live actor. Its first fields are the platform's row (V3).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OfferingView {
    /// Its name.
    pub name: Name,
    /// Its number, part of the key of every draw (D42).
    pub number: ActorNumber,
    /// Who offers it.
    pub supplier: ActorNumber,
    /// Who is paid.
    pub payee: ActorNumber,
    /// Price of one certificate.
    pub price: Money,
    /// Its currency.
    pub currency: Currency,
    /// What an untouched certificate shows; none where there is no commission (K5).
    pub label: Option<CommissionLabel>,
    /// Since when it is published.
    pub published_at: Option<Timestamp>,
    /// How the platform shows it (V2).
    pub display: Display,
    /// As it was when it was published, where it is shown so.
    pub frozen: Option<FrozenRow>,
    /// Its page link (V5).
    pub link: PageLink,
    /// How many certificates it has.
    pub items: u32,
    /// How many are sold.
    pub sold: u32,
    /// How many are neither sold, nor in payment, nor reserved.
    pub left: u32,
    /// How many are reserved.
    pub reserved: u32,
    /// When it sells.
    pub window: Window,
    /// The most for one account.
    pub cap: Option<u32>,
    /// The time limit of its commission, if it has one.
    pub expires_at: Option<Timestamp>,
    /// The terms of its commission.
    pub terms: Option<CommissionTerms>,
    /// The texts.
    pub information: Information,
    /// How many entries its chain has.
    pub sequence: u64,
    /// The head of its chain.
    pub head: [u8; 32],
}

/// K5: the amounts of a commission, as shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommissionLabel {
    /// Can be acquired now.
    pub attached: Money,
    /// Funded and not yet shown.
    pub reserve: Money,
    /// Initial attached and every increase.
    pub cumulative: Money,
}

/// A certificate, read from the live actor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CertificateView {
    /// Its offering's number.
    pub offering: ActorNumber,
    /// Its serial.
    pub serial: Serial,
    /// Its page link, the same for ever (V5).
    pub link: PageLink,
    /// Its price.
    pub price: Money,
    /// Its commission's amounts; none where there is no commission or it has ended (K5).
    pub label: Option<CommissionLabel>,
    /// Promised and not cashed, over all accounts.
    pub promised: Money,
    /// Cashed, over all accounts.
    pub cashed: Money,
    /// Gone back to the payer.
    pub returned: Money,
    /// The account that is linked now.
    pub linked: Option<ActorNumber>,
    /// How many hops the whole chain has.
    pub hops: u32,
    /// A page of the chain, at most `limits::HOPS_PER_VIEW_MAX`.
    pub chain: Vec<HopView>,
    /// True once the prompt has fired and the commission still stands (W10).
    pub almost_met: bool,
    /// The sale, if it is sold.
    pub sale: Option<SaleView>,
    /// True once the purchase is refunded; it stays sold.
    pub refunded: bool,
    /// How many entries its hash chain has.
    pub sequence: u64,
    /// The head of its hash chain.
    pub head: [u8; 32],
}

/// One hop of a certificate's chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HopView {
    /// Its number, from 1.
    pub hop: u32,
    /// Who circulated.
    pub account: ActorNumber,
    /// The id of the request that made it.
    pub request_id: RequestId,
    /// Where it was found.
    pub via: FoundVia,
    /// When it was linked.
    pub linked_at: Timestamp,
    /// When the next one unlinked it (R3).
    pub unlinked_at: Option<Timestamp>,
    /// The promise acquired by it.
    pub promise: Money,
    /// True once the promise is money.
    pub cashed: bool,
}

/// The sale of a certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SaleView {
    /// Who bought it.
    pub buyer: ActorNumber,
    /// When.
    pub at: Timestamp,
    /// The id of the request that bought it.
    pub request_id: RequestId,
    /// What the purchase was answered.
    pub purchased: Purchased,
}
