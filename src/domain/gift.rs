//! A gift at its recipient, and the whole of what can become of it (T1 to T14, D21, D22, D43).
//!
//! Absent on purpose: accounts. They hold the money, ask `after` what a step makes of a gift, and do that.

use serde::{Deserialize, Serialize};

use super::command::GoodsKind;
use super::merchant::OrderKey;
use super::money::Money;
use super::number::{ActorNumber, Serial};
use super::refusal::Code;
use super::time::Timestamp;

/// A gift, kept by its recipient's account for ever.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gift {
    /// Who may withhold it; none: merchants of the certificate's supplier.
    pub merchant: Option<ActorNumber>,
    /// What for.
    pub object: FoundObject,
    /// The money.
    pub price: Money,
    /// Home again from then on, unless accepted.
    pub expires_at: Timestamp,
    /// How far it has come.
    pub state: GiftState,
    /// The order that has withheld it; none where its recipient bought with it.
    pub order: Option<OrderKey>,
}

/// The object of a gift, resolved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FoundObject {
    /// A product or a service of the merchant.
    Goods {
        /// Of which kind.
        kind: GoodsKind,
        /// What it is.
        #[serde(deserialize_with = "super::text::deserialize")]
        description: String,
    },
    /// One of our certificates.
    Certificate {
        /// Its offering.
        offering: ActorNumber,
        /// Its serial.
        serial: Serial,
    },
}

/// How far a gift has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum GiftState {
    /// Its money is earmarked, and its recipient has not answered.
    Requested,
    /// Its recipient has accepted: it may be withheld, once.
    Accepted,
    /// Its recipient would not have it; the money is home.
    Declined,
    /// Nobody accepted it in time; the money is home.
    Expired,
    /// Accepted and sent home before it was withheld.
    Returned,
    /// Its payee has the money.
    Withheld,
    /// Its recipient has the object.
    Provided,
    /// It could not be provided; the money went back all the way.
    Reversed,
}

/// What can happen to a gift.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum GiftStep {
    /// By the recipient, or by itself where the recipient has said so.
    Accept,
    /// By the recipient.
    Decline,
    /// By time.
    Expire,
    /// By the recipient or the merchant.
    Return,
    /// By the merchant; of a certificate also by the recipient's purchase.
    Withhold,
    /// By the merchant; of a certificate with the settlement.
    Provide,
    /// By the merchant.
    Reverse,
}

impl GiftState {
    /// The whole law of a gift: what a step makes of it, or why it may not be taken.
    ///
    /// # Errors
    /// `gift_not_accepted` before acceptance, `already_provided` after the object was handed over, `not_reversible`
    /// for what may not be taken back, and `gift_ended` for everything that comes too late.
    pub fn after(self, step: GiftStep, object: &FoundObject) -> Result<GiftState, Code> {
        let goods = matches!(object, FoundObject::Goods { .. });
        match (self, step) {
            (GiftState::Requested, GiftStep::Accept) => Ok(GiftState::Accepted),
            (GiftState::Requested, GiftStep::Decline) => Ok(GiftState::Declined),
            (GiftState::Requested, GiftStep::Expire) => Ok(GiftState::Expired),
            (GiftState::Accepted, GiftStep::Return) => Ok(GiftState::Returned),
            (GiftState::Accepted, GiftStep::Withhold) => Ok(GiftState::Withheld),
            (GiftState::Withheld, GiftStep::Provide) => Ok(GiftState::Provided),
            (GiftState::Withheld, GiftStep::Reverse) if goods => Ok(GiftState::Reversed),
            (GiftState::Requested, _) => Err(Code::GiftNotAccepted),
            (GiftState::Provided, GiftStep::Provide) => Err(Code::AlreadyProvided),
            (GiftState::Provided | GiftState::Withheld, GiftStep::Reverse) => Err(Code::NotReversible),
            (
                GiftState::Accepted
                | GiftState::Declined
                | GiftState::Expired
                | GiftState::Returned
                | GiftState::Withheld
                | GiftState::Provided
                | GiftState::Reversed,
                _,
            ) => Err(Code::GiftEnded),
        }
    }

    /// The state in one word.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            GiftState::Requested => "requested",
            GiftState::Accepted => "accepted",
            GiftState::Declined => "declined",
            GiftState::Expired => "expired",
            GiftState::Returned => "returned",
            GiftState::Withheld => "withheld",
            GiftState::Provided => "provided",
            GiftState::Reversed => "reversed",
        }
    }

    /// True while something is still to be done about it: its money is earmarked, or its object is to come (D46).
    #[must_use]
    pub fn open(self) -> bool {
        self.earmarked() || self == GiftState::Withheld
    }

    /// True while its money is earmarked at its recipient (T8).
    #[must_use]
    pub fn earmarked(self) -> bool {
        matches!(self, GiftState::Requested | GiftState::Accepted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use GiftState::{Accepted, Declined, Expired, Provided, Requested, Returned, Reversed, Withheld};
    use GiftStep::{Accept, Decline, Expire, Provide, Return, Reverse, Withhold};

    const STATES: [GiftState; 8] =
        [Requested, Accepted, Declined, Expired, Returned, Withheld, Provided, Reversed];
    const STEPS: [GiftStep; 7] = [Accept, Decline, Expire, Return, Withhold, Provide, Reverse];

    // T9 to T14, D43: the whole law, as docs/STATES.md draws it.
    #[test]
    fn a_gift_takes_the_steps_that_are_drawn_and_no_others() {
        let goods = FoundObject::Goods { kind: GoodsKind::Gold, description: "a coin".to_owned() };
        let certificate = FoundObject::Certificate { offering: ActorNumber(1), serial: Serial(1) };
        for object in [goods, certificate] {
            let reverses = matches!(object, FoundObject::Goods { .. });
            for state in STATES {
                for step in STEPS {
                    let expected = match (state, step) {
                        (Requested, Accept) => Ok(Accepted),
                        (Requested, Decline) => Ok(Declined),
                        (Requested, Expire) => Ok(Expired),
                        (Accepted, Return) => Ok(Returned),
                        (Accepted, Withhold) => Ok(Withheld),
                        (Withheld, Provide) => Ok(Provided),
                        (Withheld, Reverse) if reverses => Ok(Reversed),
                        (Requested, _) => Err(Code::GiftNotAccepted),
                        (Provided, Provide) => Err(Code::AlreadyProvided),
                        (Withheld | Provided, Reverse) => Err(Code::NotReversible),
                        _ => Err(Code::GiftEnded),
                    };
                    assert_eq!(state.after(step, &object), expected, "{state:?}, {step:?}, {object:?}");
                }
            }
        }
        assert_eq!(STATES.map(GiftState::earmarked), [true, true, false, false, false, false, false, false]);
        assert_eq!(STATES.map(GiftState::open), [true, true, false, false, false, true, false, false]);
    }
}
