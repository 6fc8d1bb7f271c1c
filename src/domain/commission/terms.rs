//! What a commission promises, fixed when it is attached (D37).

use serde::{Deserialize, Serialize};

use super::condition::{Condition, Observed};
use crate::domain::money::{BasisPoints, Money};
use crate::domain::refusal::{Code, Refusal};
use crate::domain::time::Timestamp;

/// When the attached amount is increased out of the reserve (D3, D5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum IncreasePolicy {
    /// On the second and every later circulation, before acquiring (N1).
    NonFirst,
    /// After each acquiring (N2).
    AfterAcquire,
    /// On every circulation, before acquiring (N3).
    EveryCommand,
}

/// By how much the attached amount is increased (D32).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Increase {
    /// By all that was acquired since the last increase (N4); goes with `NonFirst` and `AfterAcquire`.
    Equal,
    /// By a preset amount; goes with `EveryCommand`.
    Preset(Money),
    /// By a drawn amount, both bounds included; goes with `EveryCommand`.
    Random {
        /// The smallest amount.
        min: Money,
        /// The largest amount.
        max: Money,
    },
}

/// Whether a circulation acquires by itself (Q1, Q2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Acquiring {
    /// The circulation acquires.
    Automatic,
    /// A separate `Acquire` does.
    Manual,
}

/// How much one right acquires, never more than is attached (Q3 to Q5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Take {
    /// All that is attached.
    All,
    /// A certain amount.
    Amount(Money),
    /// A share of what is attached, half up to the minor unit.
    Share(BasisPoints),
    /// A drawn amount, both bounds included.
    Random {
        /// The smallest amount.
        min: Money,
        /// The largest amount.
        max: Money,
    },
    /// The double-average split over a declared number of acquirers; the last takes the rest.
    Split {
        /// The declared number of acquirers, at least 1.
        hops: u32,
    },
}

/// When promises become money (D15, D14).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Cashing {
    /// At the purchase.
    OnPurchase,
    /// When another account circulates, and at the purchase (H5).
    Immediate,
}

/// The whole of a commission's terms, for each certificate of an offering alike.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct CommissionTerms {
    /// What the payer funds for each certificate: the attached amount and the reserve (K2).
    pub funded: Money,
    /// What of it is attached at first; the rest is reserve.
    pub attached: Money,
    /// When it is increased.
    pub policy: IncreasePolicy,
    /// By how much.
    pub increase: Increase,
    /// Whether circulating acquires.
    pub acquiring: Acquiring,
    /// How much is acquired.
    pub take: Take,
    /// When promises become money.
    pub cashing: Cashing,
    /// When the commission goes home; none: never by condition (D13).
    pub condition: Option<Condition>,
    /// The commission's own time limit (W11), the first instant at which it is over.
    pub expires_at: Option<Timestamp>,
}

impl CommissionTerms {
    /// The usual terms (N2, Q1, Q3, D15): each circulation acquires all that is attached, as much follows out
    /// of the reserve, promises are cashed at the purchase; no condition and no time limit.
    #[must_use]
    pub fn new(funded: Money, attached: Money) -> CommissionTerms {
        CommissionTerms {
            funded,
            attached,
            policy: IncreasePolicy::AfterAcquire,
            increase: Increase::Equal,
            acquiring: Acquiring::Automatic,
            take: Take::All,
            cashing: Cashing::OnPurchase,
            condition: None,
            expires_at: None,
        }
    }

    /// Everything about the terms that can be judged without looking at an actor.
    ///
    /// # Errors
    /// A refusal that names the field, its limit and what to do.
    pub fn check(&self) -> Result<(), Refusal> {
        if self.funded.is_zero() {
            return Err(Refusal::new(
                Code::AmountNotPositive,
                "funded",
                "is 0: fund at least one minor unit",
            ));
        }
        if self.attached > self.funded {
            return Err(Refusal::new(
                Code::BadValue,
                "attached",
                "is more than is funded: attach at most that",
            ));
        }
        let equal = matches!(self.increase, Increase::Equal);
        if equal == (self.policy == IncreasePolicy::EveryCommand) {
            return Err(Refusal::new(
                Code::BadValue,
                "increase",
                "does not go with the policy: equal goes with non_first and after_acquire, preset and random with every_command",
            ));
        }
        if let Increase::Random { min, max } = self.increase {
            check_range("increase", min, max)?;
        }
        match self.take {
            Take::Random { min, max } => check_range("take", min, max)?,
            Take::Amount(amount) if amount.is_zero() => {
                return Err(Refusal::new(
                    Code::AmountNotPositive,
                    "take",
                    "is 0: take at least one minor unit",
                ));
            }
            Take::Share(share) if share.get() == 0 => {
                return Err(Refusal::new(
                    Code::BadValue,
                    "take",
                    "is a share of 0: give 1 to 10000 basis points",
                ));
            }
            Take::Split { hops: 0 } => {
                return Err(Refusal::new(Code::BadValue, "take", "splits among 0: declare at least 1"));
            }
            _ => {}
        }
        self.condition.as_ref().map_or(Ok(()), Condition::check)
    }

    /// D8: a commission whose initial amount alone meets its condition may not be attached.
    ///
    /// # Errors
    /// `condition_already_met`.
    pub fn check_price(&self, price: Money) -> Result<(), Refusal> {
        let observed = Observed { hops: 0, cumulative: self.attached, price, displayed_ms: 0 };
        match &self.condition {
            Some(condition) if condition.met(&observed).is_some() => {
                Err(Refusal::of(Code::ConditionAlreadyMet))
            }
            _ => Ok(()),
        }
    }
}

fn check_range(field: &'static str, min: Money, max: Money) -> Result<(), Refusal> {
    if min > max {
        return Err(Refusal::new(
            Code::BadValue,
            field,
            "has its smallest above its largest amount: swap them",
        ));
    }
    if max.is_zero() {
        return Err(Refusal::new(Code::AmountNotPositive, field, "has 0 as its largest amount: give more"));
    }
    Ok(())
}
