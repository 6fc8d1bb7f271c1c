//! What happened: the events that `absorb` applies, and nothing else changes a state.

use serde::{Deserialize, Serialize};

use super::answer::Settlement;
use super::command::StatusChange;
use super::commission::FactorSet;
use super::gift::Gift;
use super::inside::{Birth, CreditReason};
use super::merchant::{Mandate, Order, OrderKey, Registration};
use super::message::Display;
use super::money::Money;
use super::name::{Name, RequestId};
use super::number::{ActorNumber, Serial, WalkId};
use super::payment::PaymentCertificate;
use super::refusal::Code;
use super::request::{AttachTask, FoundVia, IssuedOffer, Opening, Party, RequestKey, RequestMark, Source};
use super::time::Timestamp;

/// An event of one actor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    /// Of an account.
    Account(AccountEvent),
    /// Of an offering.
    Offering(OfferingEvent),
    /// Of a certificate.
    Certificate(CertificateEvent),
}

/// What happens to an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum AccountEvent {
    /// It begins.
    Opened(Box<Opening>, RequestMark),
    /// Outside money came in.
    Deposited(Money, RequestMark),
    /// Money went out.
    CashedOut(Money, RequestMark),
    /// Its credit limit is new.
    CreditLimitSet(Money, RequestMark),
    /// It paid for a certificate or a commission.
    Debited {
        /// How much.
        amount: Money,
        /// To the offering or certificate with this number.
        to: ActorNumber,
    },
    /// It was paid.
    Credited {
        /// How much.
        amount: Money,
        /// By the actor with this number.
        from: ActorNumber,
        /// What for.
        reason: CreditReason,
    },
    /// It has circulated this certificate, which stands on its private platform from now on (P8).
    Displayed(ActorNumber),
    /// What it may do has changed.
    StatusChanged(StatusChange, RequestMark),
    /// The price of a certificate that it reserves is held (F6).
    Held {
        /// The certificate.
        certificate: ActorNumber,
        /// How much.
        amount: Money,
    },
    /// What was held for a certificate is free, or about to be paid.
    HoldFreed(ActorNumber),
    /// Of a payment certificate.
    Payment(PaymentEvent),
    /// Of a transfer.
    Transfer(TransferEvent),
    /// Of a gift.
    Gift(GiftEvent),
    /// Of a mandate.
    Mandate(MandateEvent),
    /// Of a merchant.
    Merchant(MerchantEvent),
    /// More reserve for a commission is on its way.
    TopUpBegun {
        /// How much.
        amount: Money,
        /// To the certificate with this number.
        certificate: ActorNumber,
        /// The request.
        mark: RequestMark,
        /// The walk that ends the waiting.
        walk: WalkId,
    },
    /// The commission has it.
    TopUpDone {
        /// How much.
        amount: Money,
        /// The request.
        mark: RequestMark,
    },
    /// The commission would not have it, and it is back.
    TopUpUndone {
        /// How much.
        amount: Money,
        /// The request.
        mark: RequestMark,
    },
    /// It has paid back what it was paid (F7, T14).
    PaidBack {
        /// How much.
        amount: Money,
        /// For the certificate, or to the recipient, with this number.
        to: ActorNumber,
    },
    /// It owes what it could not pay back.
    Owes(Debt),
    /// Its income has paid a part of what it owes to that account.
    DebtPaid {
        /// To whom.
        to: ActorNumber,
        /// How much.
        amount: Money,
        /// Which of its debts.
        paid_by: Income,
    },
}

/// What an account owes to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Debt {
    /// To whom.
    pub to: ActorNumber,
    /// How much, above 0.
    pub amount: Money,
    /// By which income it is paid.
    pub paid_by: Income,
}

/// Income that pays debts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Income {
    /// Cashed commissions pay what a refund has clawed back (D44).
    Commission,
    /// Sales and withheld orders pay what a payee was short of (D23).
    Sales,
}

/// What happens to a payment certificate at its issuer; its id is that of the message that issued it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PaymentEvent {
    /// Its amount is held.
    Issued(Box<PaymentCertificate>, RequestMark),
    /// Its beneficiary has it.
    Received(RequestId, RequestMark),
    /// Its beneficiary would not have it.
    Rejected(RequestId, RequestMark),
    /// So much of it is paid, and the rest is free.
    Released(RequestId, Money, RequestMark),
    /// It is void.
    Voided(RequestId, RequestMark),
    /// Its time is over.
    Expired(RequestId),
    /// It backs the commission of an offering; what is above that is free.
    Linked {
        /// Which.
        payment: RequestId,
        /// The offering.
        offering: ActorNumber,
        /// What it backs.
        amount: Money,
    },
    /// A commission that it backs has taken so much and let so much go.
    Drawn {
        /// Which.
        payment: RequestId,
        /// By the certificate or offering with this number.
        by: ActorNumber,
        /// Paid to whoever acquired.
        release: Money,
        /// Free again.
        free: Money,
    },
    /// A purchase is paid with it, and the rest is free.
    Spent {
        /// Which.
        payment: RequestId,
        /// The price.
        amount: Money,
    },
}

/// What happens to a transfer at the account that pays.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TransferEvent {
    /// In one step.
    Sent {
        /// To whom.
        to: ActorNumber,
        /// How much.
        amount: Money,
        /// The request.
        mark: RequestMark,
    },
    /// It is pending.
    Begun {
        /// To whom.
        to: ActorNumber,
        /// How much is held.
        amount: Money,
        /// Void from then on.
        expires_at: Option<Timestamp>,
        /// The request, whose id names it.
        mark: RequestMark,
    },
    /// So much of it has moved, and the rest is free.
    Posted(RequestId, Money, RequestMark),
    /// It is void.
    Voided(RequestId, RequestMark),
    /// Its time is over.
    Expired(RequestId),
}

/// What happens to a gift; named by its donor and the id of the message that gave it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum GiftEvent {
    /// At the donor: the price is on its way.
    Given {
        /// To whom.
        recipient: ActorNumber,
        /// How much.
        price: Money,
        /// Home again from then on.
        expires_at: Timestamp,
        /// The request, whose id names it.
        mark: RequestMark,
    },
    /// At the recipient: the price is earmarked.
    Arrived(RequestKey, Box<Gift>),
    /// The recipient will have it.
    Accepted(RequestKey, RequestMark),
    /// The recipient will not have it.
    Declined(RequestKey, RequestMark),
    /// Nobody has accepted it in time.
    Expired(RequestKey),
    /// It goes home, though accepted.
    Returned(RequestKey, RequestMark),
    /// It is withheld: the recipient's own money for an instant, and then the payee's (T13).
    Withheld(RequestKey, Option<OrderKey>),
    /// The recipient has the object.
    Provided(RequestKey),
    /// It could not be provided: so much came back from the payee and goes on to the donor.
    Reversed(RequestKey, Money),
}

/// What happens to a mandate at the account that granted it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum MandateEvent {
    /// It begins.
    Granted(Box<Mandate>, RequestMark),
    /// It ends.
    Revoked(RequestId, RequestMark),
    /// So much was withheld by it.
    Used(RequestId, Money),
}

/// What happens to a merchant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum MerchantEvent {
    /// It may withhold.
    Registered(Registration, RequestMark),
    /// It may no more.
    Unregistered(RequestMark),
    /// An order is under way.
    OrderBegun(Name, Box<Order>),
    /// The success instruction: the money has moved, the object is to be provided (T11).
    OrderPaid(Name),
    /// The failure instruction: no money has moved (T11).
    OrderFailed(Name, Code),
    /// The recipient has the object; the request, where it was not the settlement of a certificate.
    OrderProvided(Name, Option<RequestMark>),
    /// The money is on its way back.
    ReversalBegun(Name, RequestMark, WalkId),
    /// The payee could not cover it.
    ReversalUndone(Name),
    /// The money is back: so much now, so much as a debt of the payee.
    OrderReversed {
        /// Which.
        order: Name,
        /// Paid back now.
        paid: Money,
        /// Still to come from the payee.
        owed: Money,
    },
    /// One more request has asked for an order that there was, and was answered so much: its id serves no other
    /// (I12).
    OrderAsked(RequestMark, Money),
}

/// What happens to an offering.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum OfferingEvent {
    /// It begins.
    Issued(Box<IssuedOffer>, RequestMark),
    /// It stands on the public platform.
    Published(RequestMark, Display),
    /// Its commission waits for the payer's money.
    AttachBegun {
        /// Who pays, the terms, and what is to back them.
        attach: Box<AttachTask>,
        /// Whose request it is.
        mark: RequestMark,
        /// The walk that ends the waiting.
        walk: WalkId,
    },
    /// The payer's money is here.
    Attached,
    /// The payer's money was not there.
    AttachUndone,
    /// A circulation brings a certificate to life; its envelope leaves with it (D29).
    Touched {
        /// Which.
        serial: Serial,
        /// The request, where it did not name the serial and is remembered here.
        mark: Option<RequestMark>,
    },
    /// A circulation without a serial goes to a chain in turn (D30, D39).
    TurnTaken {
        /// The chosen chain.
        serial: Serial,
        /// The request.
        mark: RequestMark,
    },
    /// Every chain in turn refused.
    TurnUndone {
        /// The cursor as it was before, where nobody has moved it since.
        cursor: Option<u32>,
        /// The request, forgotten.
        mark: RequestMark,
    },
    /// A serial is set apart for a buyer who now pays.
    Allocated {
        /// Which.
        serial: Serial,
        /// For whom.
        buyer: ActorNumber,
        /// By which request.
        mark: RequestMark,
        /// The walk that pays.
        walk: WalkId,
    },
    /// The buyer could not pay.
    Freed(Serial),
    /// The buyer has paid, the certificate is sold.
    Paid(Serial),
    /// A buyer waits while the last serials are being paid (F5).
    Queued(Box<Queued>),
    /// A buyer in the line is served or refused.
    Unqueued(WalkId),
    /// The time limit has passed: the envelopes of untouched serials go home (C6).
    Expired,
    /// Money of untouched envelopes is on its way home to the commission's payer.
    Returned(Money),
    /// A serial is set apart for a buyer whose money is to be held (F6).
    Reserving {
        /// Which.
        serial: Serial,
        /// For whom.
        buyer: ActorNumber,
        /// By which request.
        mark: Box<RequestMark>,
        /// The walk that holds the money.
        walk: WalkId,
        /// Free again from then on.
        until: Timestamp,
    },
    /// The money is held: the serial is reserved.
    Reserved(Serial),
    /// The reservation is over: by time, or by that request.
    ReservationEnded(Serial, Option<RequestMark>),
    /// The commission of a serial that has not come to life has more reserve (D4).
    ToppedUp(Serial, Money),
    /// Its sale window has opened (F4). Nothing is judged by it; it is there to be told.
    WindowOpened,
    /// Its sale window has closed (F4).
    WindowClosed,
}

/// A buyer in an offering's line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Queued {
    /// The walk that waits.
    pub walk: WalkId,
    /// The walk's time.
    pub now: Timestamp,
    /// The buyer.
    pub buyer: Party,
    /// The serial that the buyer named.
    pub named: Option<Serial>,
    /// The request.
    pub mark: RequestMark,
    /// Out of which money.
    pub source: Source,
}

/// Why a commission went home.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum WithdrawalReason {
    /// The condition was met, by these factors.
    Condition(FactorSet),
    /// The time limit has passed (D17).
    Deadline,
}

/// What happens to a certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum CertificateEvent {
    /// It comes to life (D29).
    Begun(Birth),
    /// A circulation is in the chain (R1 to R7).
    Linked {
        /// Who.
        account: ActorNumber,
        /// Found where.
        via: FoundVia,
        /// By which request.
        mark: RequestMark,
        /// True where the hop carries a right to acquire (D33).
        right: bool,
        /// What is attached after the whole step.
        attached: Money,
        /// True where the request named no serial, so that it was addressed to the offering.
        unnamed: bool,
        /// True where this circulation withdraws the commission (W8).
        withdraws: bool,
    },
    /// The attached amount grew out of the reserve; one for every circulation, possibly of 0 (N5).
    Increased(Money),
    /// The increase was cut or left out, the reserve being short (D4).
    ReserveShort,
    /// A hop's right is used.
    Acquired {
        /// The hop, from 1.
        hop: u32,
        /// How much, possibly 0.
        amount: Money,
        /// The request, where acquiring was one of its own (Q2), and what is attached after the whole step.
        asked: Option<(RequestMark, Money)>,
    },
    /// The commission is almost met (W10).
    Prompted,
    /// The commission goes home (W6, W8, W11).
    Withdrawn(WithdrawalReason),
    /// The promises of everyone but this account are cashed (D14).
    OthersCashed(ActorNumber),
    /// It is bought.
    Sold {
        /// By whom.
        buyer: ActorNumber,
        /// By which request.
        mark: RequestMark,
        /// What becomes of the commission.
        commission: Settlement,
        /// How many credits are left for later pages.
        credits_left: u32,
    },
    /// All promises are cashed, the rest goes home (H2, H6).
    Settled,
    /// Credits of cashed promises have gone out.
    PageSent {
        /// How many, oldest first.
        credits: u32,
        /// True where the next page waits for them.
        awaited: bool,
    },
    /// One of an awaited page's credits is absorbed.
    PageCreditAbsorbed,
    /// So much has come from the payment certificate that backs the commission.
    Drawn(Money),
    /// Its reserve has grown by what the payer has added (D4).
    ToppedUp(Money),
    /// A refund has begun: the payee is asked for the price.
    RefundBegun(RequestMark, WalkId),
    /// The payee could not cover it.
    RefundUndone,
    /// The buyer gets the price back, so much now and so much as a debt of the payee; clawing back begins (F7).
    Refunded {
        /// Paid back now.
        paid: Money,
        /// Still to come from the payee.
        owed: Money,
    },
}
