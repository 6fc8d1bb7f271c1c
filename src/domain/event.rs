//! What happened: the events that `absorb` applies, and nothing else changes a state.

use serde::{Deserialize, Serialize};

use super::answer::Settlement;
use super::commission::{CommissionTerms, FactorSet};
use super::inside::{Birth, CreditReason};
use super::money::Money;
use super::number::{ActorNumber, Serial, WalkId};
use super::request::{FoundVia, IssuedOffer, Opening, Party, RequestMark};
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
        /// By the offering or certificate with this number.
        from: ActorNumber,
        /// What for.
        reason: CreditReason,
    },
}

/// What happens to an offering.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum OfferingEvent {
    /// It begins.
    Issued(Box<IssuedOffer>, RequestMark),
    /// It stands on the public platform.
    Published(RequestMark),
    /// Its commission waits for the payer's money.
    AttachBegun {
        /// Who pays.
        payer: ActorNumber,
        /// The terms.
        terms: Box<CommissionTerms>,
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
    Begun(Box<Birth>),
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
}
