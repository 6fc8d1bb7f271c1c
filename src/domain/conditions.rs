//! On what a sender makes a message depend, beside the rules: judged where the message is decided for the first time, so a repeat
//! is answered whatever has changed since (I12).

use super::inside::Body;
use super::money::Money;
use super::refusal::{Code, Refusal};
use super::request::{Request, Task};
use super::step::Decision;

/// What must hold for a message to be carried out; nothing by default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Conditions {
    /// How many entries the chain of the actor that it is addressed to must have, as its views show it: of the certificate that
    /// is shared, acquired or refunded, of the offering for what is bought or reserved, of an account for everything of its own.
    pub(super) if_sequence: Option<u64>,
    /// What one certificate may cost, where it buys or reserves one; in minor units of the buyer's currency.
    price_max: Option<Money>,
    /// How many entries there were, where the addressee has looked and somebody else decides.
    missed: Option<u64>,
}

impl Conditions {
    /// True where nothing must hold.
    #[must_use]
    pub fn is_none(&self) -> bool {
        *self == Conditions::default()
    }

    /// A chain of so many entries, and a price of at most so much, where they are given.
    #[must_use]
    pub fn of(if_sequence: Option<u64>, price_max: Option<Money>) -> Conditions {
        Conditions { if_sequence, price_max, missed: None }
    }

    /// Why a certificate of this price is not bought.
    #[must_use]
    pub fn objects_to_price(&self, price: Money) -> Option<Refusal> {
        let detail = "is less than the price: look what it costs";
        let above = self.price_max.is_some_and(|price_max| price > price_max);
        above.then(|| Refusal::new(Code::PriceAboveMax, "price_max", detail))
    }
}

/// To whom a request is addressed, in a word: whose chain a condition is about, and who knows it as a repeat.
fn addressee(task: &Task) -> &'static str {
    match task {
        Task::Circulate(task) if task.named.is_some() => "certificate",
        Task::Acquire(_) | Task::Refund(_) => "certificate",
        Task::Issue(_)
        | Task::Publish(_)
        | Task::Attach(_)
        | Task::Circulate(_)
        | Task::Purchase(_)
        | Task::Reserve(_)
        | Task::PayReservation(..)
        | Task::CancelReservation(_) => "offering",
        _ => "account",
    }
}

/// Changes a decision on a request that depends on its addressee's chain, which has so many entries, to what becomes of it.
pub fn on_condition(request: &Request, sequence: u64, decision: &mut Decision) {
    let Some(conditions) = request.conditions.as_deref() else { return };
    let Some(asked) = conditions.if_sequence else { return };
    let found = conditions.missed.unwrap_or(sequence);
    match decision {
        Decision::Record(_) if found != asked => {
            let whose = addressee(&request.task);
            let detail = format!("is {asked}, and the chain of the {whose} has {found} entries");
            *decision = Decision::Refuse(Refusal::new(Code::SequenceMismatch, "if_sequence", detail));
        }
        // A certificate that is shared has been looked at; where it is not alive its offering decides. Everything else that is
        // passed on is addressed to whoever decides, who may know it as a repeat.
        Decision::Pass(_, Body::Request(passed)) if matches!(request.task, Task::Circulate(_)) => {
            passed.conditions = Some(Box::new(Conditions { missed: Some(found), ..*conditions }));
        }
        _ => {}
    }
}
