//! A merchant at its own account: its registration and its orders (T5, T10 to T15).
//!
//! Absent on purpose: gifts and mandates. Their recipients' accounts decide whether they may be withheld.

use serde::{Deserialize, Serialize};

use super::command::WhenShort;
use super::money::Money;
use super::name::{Name, RequestId};
use super::number::{ActorNumber, Fingerprint, WalkId};
use super::parted::PartedMap;
use super::refusal::Code;
use super::request::{Party, RequestKey, RequestMark};
use super::time::Timestamp;

/// A merchant's part of its account.
#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub struct Merchant {
    /// The newest registration; none once it has ended.
    pub registration: Option<Registration>,
    /// Every order by its reference, for ever: a reference is used once.
    pub(super) orders: PartedMap<Name, Order>,
    /// The requests that have withheld or provided, recognised for ever by their ids (DESIGN §5).
    pub(super) asked: PartedMap<RequestId, Fingerprint>,
    /// Orders that are under way, or paid and neither provided nor reversed.
    pub open: u32,
}

/// What the institution has registered a merchant with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Registration {
    /// Who is paid.
    pub payee: Party,
    /// Whose certificates it may withhold.
    pub supplier: ActorNumber,
    /// What a reversal does where the payee has not the whole amount.
    pub when_short: WhenShort,
}

/// Names an order: references are unique for each merchant (D43).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct OrderKey {
    /// The merchant.
    pub merchant: ActorNumber,
    /// Its reference.
    pub reference: Name,
}

/// Whose money an order withholds.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct FoundFrom {
    /// The recipient: the source of the payment on record (T13).
    pub recipient: Party,
    /// By which right.
    pub right: WithholdingRight,
}

/// By which right money is withheld.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum WithholdingRight {
    /// An accepted gift: its donor and the id of the message that gave it.
    Gift(RequestKey),
    /// A mandate: the id of the message that granted it.
    Mandate(RequestId),
}

/// One order of a merchant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// How much.
    pub amount: Money,
    /// Whose money.
    pub from: FoundFrom,
    /// Who was paid.
    pub payee: ActorNumber,
    /// How far it has come.
    pub state: OrderState,
    /// True where a certificate was withheld: then it was provided at once (D43).
    pub certificate: bool,
    /// The request that withholds it or pays it back, while that is under way.
    pub asked: Option<Box<RequestMark>>,
}

/// How far an order has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum OrderState {
    /// That walk withholds it.
    Begun(WalkId),
    /// The money has moved, and the merchant is told to provide (T11).
    Paid,
    /// Provided (T12).
    Provided,
    /// That walk pays it back.
    Reversing(WalkId),
    /// Paid back (T14).
    Reversed,
}

/// What can happen to an order behind its payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrderStep {
    /// The object is handed over.
    Provide,
    /// The money goes back.
    Reverse,
}

/// What to do about a step of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrderNext {
    /// Take it.
    Go,
    /// Decide again when that walk goes on.
    Wait(WalkId),
}

impl Order {
    /// The law of a paid order: whether a step may be taken now.
    ///
    /// # Errors
    /// `already_provided`, `not_reversible`, or `order_ended` where it was paid back.
    pub fn next(&self, step: OrderStep) -> Result<OrderNext, Code> {
        match (self.state, step) {
            (OrderState::Begun(walk) | OrderState::Reversing(walk), _) => Ok(OrderNext::Wait(walk)),
            (OrderState::Paid, _) => Ok(OrderNext::Go),
            (OrderState::Provided, OrderStep::Provide) => Err(Code::AlreadyProvided),
            (OrderState::Provided, OrderStep::Reverse) => Err(Code::NotReversible),
            (OrderState::Reversed, _) => Err(Code::OrderEnded),
        }
    }
}

impl OrderState {
    /// True while something is still to be done about it.
    #[must_use]
    pub fn open(self) -> bool {
        !matches!(self, OrderState::Provided | OrderState::Reversed)
    }
}

/// A recipient's standing authorisation of a merchant (T15), kept by the recipient's account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mandate {
    /// Whom.
    pub merchant: ActorNumber,
    /// In all.
    pub amount_max: Money,
    /// At a time.
    pub amount_max_per_use: Money,
    /// Over from then on.
    pub ends_at: Option<Timestamp>,
    /// What was withheld by it.
    pub used: Money,
    /// True once it was revoked.
    pub revoked: bool,
}

impl Mandate {
    /// The law of a mandate: whether a merchant may withhold so much now.
    ///
    /// # Errors
    /// `outside_mandate`, with nothing said of which bound: the merchant is not its owner.
    pub fn allows(&self, merchant: ActorNumber, amount: Money, now: Timestamp) -> Result<(), Code> {
        let sum = self.used.checked_add(amount);
        let within = sum.is_some_and(|sum| sum <= self.amount_max) && amount <= self.amount_max_per_use;
        let over = self.revoked || self.ends_at.is_some_and(|ends_at| now >= ends_at);
        if merchant == self.merchant && within && !over { Ok(()) } else { Err(Code::OutsideMandate) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::money::Currency;

    fn money(minor: u64) -> Money {
        Money::from_minor(minor).unwrap()
    }

    // T12, T14, D43: the law of a paid order, as docs/STATES.md draws it.
    #[test]
    fn an_order_is_provided_or_reversed_once_and_waits_while_it_is_under_way() {
        let recipient = Party { number: ActorNumber(2), currency: Currency::USD };
        let right = WithholdingRight::Mandate(RequestId::new("mandate").unwrap());
        let from = FoundFrom { recipient, right };
        let walk = WalkId(7);
        for (state, provide, reverse) in [
            (OrderState::Begun(walk), Ok(OrderNext::Wait(walk)), Ok(OrderNext::Wait(walk))),
            (OrderState::Paid, Ok(OrderNext::Go), Ok(OrderNext::Go)),
            (OrderState::Provided, Err(Code::AlreadyProvided), Err(Code::NotReversible)),
            (OrderState::Reversing(walk), Ok(OrderNext::Wait(walk)), Ok(OrderNext::Wait(walk))),
            (OrderState::Reversed, Err(Code::OrderEnded), Err(Code::OrderEnded)),
        ] {
            let order = Order {
                amount: money(5),
                from: from.clone(),
                payee: ActorNumber(3),
                state,
                certificate: false,
                asked: None,
            };
            assert_eq!(
                (order.next(OrderStep::Provide), order.next(OrderStep::Reverse)),
                (provide, reverse),
                "{state:?}"
            );
        }
    }

    // T15
    #[test]
    fn a_mandate_allows_its_merchant_its_sum_its_use_and_its_time() {
        let whole = Mandate {
            merchant: ActorNumber(3),
            amount_max: money(100),
            amount_max_per_use: money(60),
            ends_at: Some(Timestamp(50)),
            used: money(50),
            revoked: false,
        };
        let cases = [
            (whole, 3, 50, 49, true),
            (whole, 4, 50, 49, false),
            (whole, 3, 51, 49, false),
            (whole, 3, 50, 50, false),
            (Mandate { used: money(0), ..whole }, 3, 60, 49, true),
            (Mandate { used: money(0), ..whole }, 3, 61, 49, false),
            (Mandate { ends_at: None, ..whole }, 3, 50, 5_000, true),
            (Mandate { revoked: true, ..whole }, 3, 1, 0, false),
        ];
        for (mandate, merchant, amount, now, allowed) in cases {
            let judged = mandate.allows(ActorNumber(merchant), money(amount), Timestamp(now));
            assert_eq!(judged.is_ok(), allowed, "{mandate:?}, {merchant}, {amount}, {now}");
        }
    }
}
