//! A payment certificate at its issuer, and the whole of what can become of it (K3, K4, D24, D37, D38).
//!
//! Absent on purpose: accounts. They hold the money.

use serde::{Deserialize, Serialize};

use super::money::Money;
use super::number::ActorNumber;
use super::refusal::Code;
use super::request::Party;
use super::time::Timestamp;

/// A payment certificate, kept by its issuer's account for ever.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaymentCertificate {
    /// What was held when it was issued.
    pub amount: Money,
    /// What was paid out of it.
    pub released: Money,
    /// What is free again.
    pub freed: Money,
    /// Who may receive it.
    pub beneficiary: Option<Party>,
    /// Not to be released before (D38).
    pub not_before: Option<Timestamp>,
    /// Over from then on, unless it backs a commission (D37).
    pub expires_at: Option<Timestamp>,
    /// The offering whose commission it backs; one at most, for ever (D24).
    pub backs: Option<ActorNumber>,
    /// How far it has come.
    pub state: PaymentState,
}

/// How far a payment certificate has come; the last four are final.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum PaymentState {
    /// Its amount is held.
    Issued,
    /// Its beneficiary has it, or it backs a commission.
    Received,
    /// Something was paid out of it, and the rest is free.
    Released,
    /// Its beneficiary would not have it.
    Rejected,
    /// Its time was over.
    Expired,
    /// Ended with nothing paid.
    Void,
}

/// What can happen to a payment certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PaymentStep {
    /// By its beneficiary.
    Receive,
    /// By its beneficiary.
    Reject,
    /// By the institution.
    Release,
    /// By the institution.
    Void,
    /// By time.
    Expire,
    /// By its issuer, who attaches a commission with it.
    Link,
    /// By its issuer, who buys with it.
    Spend,
}

impl PaymentCertificate {
    /// The whole law of a payment certificate: what a step makes of its state, or why it may not be taken.
    /// One that backs a commission is drawn on part by part, and ends when nothing of it is held any more.
    ///
    /// # Errors
    /// `payment_certificate_linked` while it backs a commission, `transfer_condition_not_met` for a release that
    /// comes too early, and `payment_certificate_ended` for everything that comes too late.
    pub fn after(&self, step: PaymentStep, now: Timestamp) -> Result<PaymentState, Code> {
        let open = matches!(self.state, PaymentState::Issued | PaymentState::Received);
        let early = self.not_before.is_some_and(|not_before| now < not_before);
        match (self.state, step) {
            _ if !open => Err(Code::PaymentCertificateEnded),
            _ if self.backs.is_some() => Err(Code::PaymentCertificateLinked),
            (_, PaymentStep::Expire) => Ok(PaymentState::Expired),
            (_, PaymentStep::Void) => Ok(PaymentState::Void),
            (_, PaymentStep::Reject) => Ok(PaymentState::Rejected),
            (PaymentState::Issued, PaymentStep::Receive) => Ok(PaymentState::Received),
            (_, PaymentStep::Receive) => Err(Code::PaymentCertificateReceived),
            (_, PaymentStep::Link) if self.beneficiary.is_none() => Ok(PaymentState::Received),
            (_, PaymentStep::Release | PaymentStep::Spend | PaymentStep::Link) if early => {
                Err(Code::TransferConditionNotMet)
            }
            (PaymentState::Received, PaymentStep::Release) => Ok(PaymentState::Released),
            (_, PaymentStep::Spend) => Ok(PaymentState::Released),
            (_, PaymentStep::Release | PaymentStep::Link) => Err(Code::TransferConditionNotMet),
        }
    }

    /// What of it is held now (I16).
    #[must_use]
    pub fn held(&self) -> Money {
        let left = self.amount.checked_sub(self.released).and_then(|left| left.checked_sub(self.freed));
        left.unwrap_or_else(|| unreachable!("no more is released and freed than was held (I16)"))
    }

    /// Notes that so much was paid out of it and so much is free again.
    pub fn settle(&mut self, release: Money, free: Money) {
        let add = |to: Money, amount| to.checked_add(amount);
        self.released =
            add(self.released, release).unwrap_or_else(|| unreachable!("it is part of the amount"));
        self.freed = add(self.freed, free).unwrap_or_else(|| unreachable!("it is part of the amount"));
    }

    /// The instant at which it expires; none while time cannot end it.
    #[must_use]
    pub fn expiry(&self) -> Option<Timestamp> {
        self.expires_at.filter(|_| self.after(PaymentStep::Expire, Timestamp::default()).is_ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::money::Currency;

    /// In the order of the table's columns.
    const STEPS: [PaymentStep; 7] = [
        PaymentStep::Receive,
        PaymentStep::Reject,
        PaymentStep::Release,
        PaymentStep::Void,
        PaymentStep::Expire,
        PaymentStep::Link,
        PaymentStep::Spend,
    ];

    const NOT_BEFORE: u64 = 1_000;

    type Row = [Result<PaymentState, Code>; 7];

    fn certificate(state: PaymentState, named: bool, linked: bool) -> PaymentCertificate {
        let amount = Money::from_minor(100).unwrap();
        PaymentCertificate {
            amount,
            released: Money::ZERO,
            freed: Money::ZERO,
            beneficiary: named.then_some(Party { number: ActorNumber(5), currency: Currency::USD }),
            not_before: Some(Timestamp(NOT_BEFORE)),
            expires_at: Some(Timestamp(5_000)),
            backs: linked.then_some(ActorNumber(6)),
            state,
        }
    }

    fn judge(certificate: &PaymentCertificate, now: u64, row: Row) {
        for (step, expected) in STEPS.into_iter().zip(row) {
            let after = certificate.after(step, Timestamp(now));
            assert_eq!(after, expected, "{step:?} at {now} of {certificate:?}");
        }
    }

    // K4, D38
    #[test]
    fn each_step_makes_of_each_open_state_what_the_table_says() {
        type State = PaymentState;
        let (received, rejected) = (Ok(State::Received), Ok(State::Rejected));
        let (released, void, expired) = (Ok(State::Released), Ok(State::Void), Ok(State::Expired));
        let (not_met, again) = (Err(Code::TransferConditionNotMet), Err(Code::PaymentCertificateReceived));
        // State, whether a beneficiary is named, whether its time has come; then the steps.
        let table: [(State, bool, bool, Row); 8] = [
            (State::Issued, false, true, [received, rejected, not_met, void, expired, received, released]),
            (State::Issued, false, false, [received, rejected, not_met, void, expired, received, not_met]),
            (State::Issued, true, true, [received, rejected, not_met, void, expired, not_met, released]),
            (State::Issued, true, false, [received, rejected, not_met, void, expired, not_met, not_met]),
            (State::Received, false, true, [again, rejected, released, void, expired, received, released]),
            (State::Received, false, false, [again, rejected, not_met, void, expired, received, not_met]),
            (State::Received, true, true, [again, rejected, released, void, expired, not_met, released]),
            (State::Received, true, false, [again, rejected, not_met, void, expired, not_met, not_met]),
        ];
        for (state, named, due, row) in table {
            let there = certificate(state, named, false);
            // Its time begins with the millisecond that it names.
            for now in if due { [NOT_BEFORE, NOT_BEFORE + 1] } else { [0, NOT_BEFORE - 1] } {
                judge(&there, now, row);
            }
            if due {
                judge(&PaymentCertificate { not_before: None, ..there }, 0, row);
            }
        }
    }

    // K4, D24, D37
    #[test]
    fn nothing_ends_what_backs_a_commission_and_nothing_moves_what_has_ended() {
        let ended =
            [PaymentState::Released, PaymentState::Rejected, PaymentState::Expired, PaymentState::Void];
        for named in [false, true] {
            for now in [0, NOT_BEFORE, 5_000, u64::MAX] {
                for state in [PaymentState::Issued, PaymentState::Received] {
                    judge(&certificate(state, named, true), now, [Err(Code::PaymentCertificateLinked); 7]);
                }
                for state in ended {
                    for linked in [false, true] {
                        let there = certificate(state, named, linked);
                        judge(&there, now, [Err(Code::PaymentCertificateEnded); 7]);
                    }
                }
            }
        }
    }

    // K4, D37
    #[test]
    fn only_what_is_open_and_backs_nothing_waits_for_its_end() {
        let expiry = |state, linked| certificate(state, true, linked).expiry();
        for state in [PaymentState::Issued, PaymentState::Received] {
            assert_eq!(expiry(state, false), Some(Timestamp(5_000)), "{state:?}");
            assert_eq!(expiry(state, true), None, "{state:?}");
        }
        for state in
            [PaymentState::Released, PaymentState::Rejected, PaymentState::Expired, PaymentState::Void]
        {
            assert_eq!(expiry(state, false), None, "{state:?}");
        }
    }
}
