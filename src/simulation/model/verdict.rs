//! What the model says of a message, and whether an engine's answer says the same.

use crate::domain::{Answer, Done, FactorSet, Settlement, Status};

/// A message is refused: by which code, where SPEC says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct No(pub(super) Option<&'static str>);

pub(super) type Decided = Result<Said, No>;

/// Refused with that code.
pub(super) fn no<T>(code: &'static str) -> Result<T, No> {
    Err(refuse(code))
}

/// Refused with that code.
pub(super) fn refuse(code: &'static str) -> No {
    No(Some(code))
}

/// Refused; more than one thing is wrong with it, or SPEC names no code.
pub(super) fn somehow<T>() -> Result<T, No> {
    Err(No(None))
}

/// What is answered where a message is carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Said {
    /// SPEC leaves open whether it is carried out; where it is, this is answered.
    Maybe(Box<Said>),
    /// Whatever it is.
    Anything,
    /// A balance after it, where nothing else was under way.
    Posted(i64),
    Held(u64),
    Status {
        status: Status,
        accepts_gifts: bool,
    },
    Attached(u64),
    Hop {
        serial: u32,
        hop: usize,
        attached: u64,
        promise: u64,
        withdrawn: bool,
    },
    Acquired {
        promise: u64,
        attached: u64,
    },
    Bought {
        serial: u32,
        price: u64,
        commission: Outcome,
    },
    Reserved {
        serial: u32,
        price: u64,
        until: u64,
    },
    Refunded {
        paid: u64,
        owed: u64,
        clawed_back: usize,
    },
    Payment {
        released: u64,
        freed: u64,
    },
    Freed(u64),
    Withheld(u64),
    Reversed {
        paid: u64,
        owed: u64,
    },
    Used(u64),
}

/// What a purchase does to the commission.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    None,
    Settled { cashed: u64, promises: usize, returned: u64 },
    Withdrawn { factors: u8, returned: u64 },
}

/// The model's word on a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It is carried out.
    Done(Said),
    /// It may be carried out, or not.
    Maybe(Said),
    /// It is refused, with that code where one is named.
    Refused(Option<&'static str>),
}

impl Verdict {
    pub(super) fn of(decided: Decided) -> Verdict {
        match decided {
            Ok(Said::Maybe(said)) => Verdict::Maybe(*said),
            Ok(said) => Verdict::Done(said),
            Err(No(code)) => Verdict::Refused(code),
        }
    }

    /// Whether an answer to a message that was alone under way is this one.
    pub(crate) fn is(&self, answer: &Answer) -> bool {
        match (self, answer) {
            (Verdict::Done(said) | Verdict::Maybe(said), Ok(done)) => said.is(done, true),
            (Verdict::Maybe(_), Err(_)) => true,
            (Verdict::Refused(code), Err(refusal)) => code.is_none_or(|code| refusal.code.text() == code),
            (Verdict::Done(_), Err(_)) | (Verdict::Refused(_), Ok(_)) => false,
        }
    }
}

impl Said {
    /// This, but where it is odd SPEC leaves open whether it is carried out.
    pub(super) fn perhaps(self, odd: bool) -> Said {
        if odd { Said::Maybe(Box::new(self)) } else { self }
    }

    /// Whether an answer says this. Balances are compared where nothing else was under way.
    pub(crate) fn is(&self, done: &Done, alone: bool) -> bool {
        match (self, done) {
            (Said::Maybe(said), done) => said.is(done, alone),
            (Said::Anything, _) => true,
            (
                Said::Posted(posted),
                Done::Deposited { posted: told }
                | Done::CashedOut { posted: told }
                | Done::Transferred { posted: told, .. },
            ) => !alone || *posted == told.minor(),
            (Said::Held(held), Done::PaymentIssued { held: told } | Done::TransferBegun { held: told }) => {
                !alone || *held == told.minor()
            }
            (
                Said::Status { status, accepts_gifts },
                Done::StatusChanged { status: told, accepts_gifts: accepts },
            ) => status == told && accepts_gifts == accepts,
            (Said::Attached(debited), Done::Attached { debited: told }) => *debited == told.minor(),
            (Said::Hop { serial, hop, attached, promise, withdrawn }, Done::Circulated(told)) => {
                let first = *hop == 1;
                (*serial, *hop, first, *attached, *promise, *withdrawn)
                    == (
                        told.serial.0,
                        told.hop as usize,
                        told.first,
                        told.attached.minor(),
                        told.promise.minor(),
                        told.withdrawn,
                    )
            }
            (Said::Acquired { promise, attached }, Done::Acquired { promise: told, attached: left }) => {
                (*promise, *attached) == (told.minor(), left.minor())
            }
            (Said::Bought { serial, price, commission }, Done::Purchased(told)) => {
                (*serial, *price) == (told.serial.0, told.price.minor())
                    && *commission == Outcome::told(&told.commission)
                    && (!alone || told.credits_left == 0)
            }
            (
                Said::Reserved { serial, price, until },
                Done::Reserved { serial: told, price: held, until: end },
            ) => (*serial, *price, *until) == (told.0, held.minor(), end.0),
            (Said::Refunded { paid, owed, clawed_back }, Done::Refunded(told)) => {
                (*paid, *owed, *clawed_back, 0)
                    == (told.paid.minor(), told.owed.minor(), told.clawed_back as usize, told.left)
            }
            (Said::Payment { released, freed }, Done::PaymentChanged { released: told, freed: free, .. }) => {
                (*released, *freed) == (told.minor(), free.minor())
            }
            (Said::Freed(freed), Done::TransferVoided { freed: told }) => *freed == told.minor(),
            (Said::Withheld(amount), Done::Withheld { amount: told }) => *amount == told.minor(),
            (Said::Reversed { paid, owed }, Done::OrderReversed { paid: told, owed: still }) => {
                (*paid, *owed) == (told.minor(), still.minor())
            }
            (Said::Used(used), Done::MandateRevoked { used: told }) => *used == told.minor(),
            _ => false,
        }
    }
}

impl Outcome {
    fn told(settlement: &Settlement) -> Outcome {
        match settlement {
            Settlement::None => Outcome::None,
            Settlement::Settled { cashed, promises, returned } => Outcome::Settled {
                cashed: cashed.minor(),
                promises: *promises as usize,
                returned: returned.minor(),
            },
            Settlement::Withdrawn { factors: FactorSet(factors), returned } => {
                Outcome::Withdrawn { factors: *factors, returned: returned.minor() }
            }
        }
    }
}
