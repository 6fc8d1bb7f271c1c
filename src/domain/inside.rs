//! The messages that actors send each other inside a walk.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::commission::CommissionTerms;
use super::money::{Currency, Money};
use super::number::{ActorNumber, Serial};
use super::refusal::Code;
use super::request::{Party, Request, RequestMark};
use super::time::Timestamp;

/// Everything that can arrive at an actor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Body {
    /// From a door, to its target.
    Request(Box<Request>),
    /// A request that an offering hands to a certificate that it has chosen or brought to life.
    Handed(Box<Handed>),
    /// A repeat of a request that this certificate has made a hop or a sale of.
    Repeat(Box<Request>),
    /// Offering to buyer: pay for an allocated certificate.
    Debit(Box<Debit>),
    /// Buyer to offering: the money is not there; the serial is free again.
    DebitRefused(Box<DebitRefused>),
    /// Buyer to certificate: the price is paid, settle everybody.
    Settle(Box<Settle>),
    /// To an account: money that nothing refuses.
    Credit(Credit),
    /// Account to certificate: a credit of a page is absorbed.
    CreditAbsorbed,
    /// Certificate to offering: the serial is paid and sold.
    Paid(Serial),
    /// Certificate to offering: a circulation in turn was refused; try the next one.
    TurnRefused(Box<TurnRefused>),
    /// Offering to payer: fund the commission of all its certificates.
    DebitCommission {
        /// Who asks.
        offering: ActorNumber,
        /// How much.
        amount: Money,
    },
    /// Payer to offering: the money for all its certificates.
    CommissionFunded(Money),
    /// Payer to offering: the money is not there.
    CommissionRefused(Code),
}

/// A circulation on its way from the offering to a certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Handed {
    /// The request, a circulation.
    pub request: Request,
    /// What brings the certificate to life, where this is its first message (D29).
    pub birth: Option<Box<Birth>>,
    /// Where the offering chose in turn (D30): how to go on if this certificate refuses.
    pub turn: Option<Turn>,
}

/// Where a circulation in turn stands (D39).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Turn {
    /// The certificate that was chosen.
    pub serial: Serial,
    /// The cursor before the walk moved it, restored if every one refuses.
    pub cursor_before: u32,
    /// The first serial that was tried; the round ends where it would come again.
    pub tried_first: Serial,
    /// How many were tried; the round ends at `limits::TURN_TRIES_MAX` too.
    pub tries: u32,
}

/// A circulation in turn that its certificate refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TurnRefused {
    /// The request, a circulation.
    pub request: Request,
    /// Where the round stands.
    pub turn: Turn,
    /// Why it was refused.
    pub code: Code,
}

/// What an offering hands over when it brings a certificate to life, envelope included (D29).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Birth {
    /// The offering.
    pub offering: ActorNumber,
    /// The serial.
    pub serial: Serial,
    /// Its currency.
    pub currency: Currency,
    /// Its price.
    pub price: Money,
    /// Who is paid.
    pub payee: ActorNumber,
    /// Who issued it; acquires nothing (D33).
    pub supplier: ActorNumber,
    /// Since when it is displayed (W4).
    pub published_at: Timestamp,
    /// The seed of every draw.
    #[serde(with = "super::wide")]
    pub seed: [u8; 32],
    /// The envelope: its payer, terms and limit; none where there is no commission any more.
    pub envelope: Option<Envelope>,
}

impl Birth {
    /// The money that travels with it.
    #[must_use]
    pub fn money(&self) -> Money {
        self.envelope.as_ref().map_or(Money::ZERO, |envelope| envelope.terms.funded)
    }
}

/// A certificate's funded commission.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Envelope {
    /// Who funded it and gets back what is returned (P5).
    pub payer: ActorNumber,
    /// The terms, which all certificates of the offering share.
    pub terms: Arc<CommissionTerms>,
    /// The first instant at which it is over: the earlier of the certificate's and the commission's (D17).
    pub deadline: Option<Timestamp>,
}

/// A demand for the price.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Debit {
    /// Who asks and waits for a refusal.
    pub offering: ActorNumber,
    /// What is bought.
    pub serial: Serial,
    /// The price.
    pub amount: Money,
    /// Whose purchase it is.
    pub mark: RequestMark,
    /// What brings the certificate to life, where nothing has yet.
    pub birth: Option<Box<Birth>>,
}

/// The buyer cannot pay.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DebitRefused {
    /// What is free again.
    pub serial: Serial,
    /// Why.
    pub code: Code,
    /// The envelope goes back with it.
    pub birth: Option<Box<Birth>>,
}

/// A paid certificate, to be settled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settle {
    /// The offering, to be told.
    pub offering: ActorNumber,
    /// Who bought it.
    pub buyer: Party,
    /// What was paid.
    pub price: Money,
    /// Whose purchase it is.
    pub mark: RequestMark,
    /// What brings the certificate to life, where nothing has yet.
    pub birth: Option<Box<Birth>>,
}

/// Money for an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credit {
    /// How much, above 0.
    pub amount: Money,
    /// What for.
    pub reason: CreditReason,
    /// The certificate or offering that it comes from.
    pub from: ActorNumber,
    /// True where `from` sends the next page once this one is absorbed.
    pub awaited: bool,
}

/// What a credit is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum CreditReason {
    /// The price, to the payee.
    Sale,
    /// A cashed promise.
    Commission,
    /// What is left of a commission, to its payer.
    Returned,
}

impl Body {
    /// The money that travels with the message, in minor units: part of I1 while it is under way.
    #[must_use]
    pub fn money(&self) -> u128 {
        let of = |money: Money| u128::from(money.minor());
        let born = |birth: &Option<Box<Birth>>| birth.as_ref().map_or(0, |birth| of(birth.money()));
        match self {
            Body::Handed(handed) => born(&handed.birth),
            Body::Debit(debit) => born(&debit.birth),
            Body::DebitRefused(refused) => born(&refused.birth),
            Body::Settle(settle) => of(settle.price) + born(&settle.birth),
            Body::Credit(credit) => of(credit.amount),
            Body::CommissionFunded(amount) => of(*amount),
            _ => 0,
        }
    }
}
