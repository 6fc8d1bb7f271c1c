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
    /// `payment_certificate_linked` while it backs a commission, `transfer_condition_not_met` for a release, a
    /// purchase or a linking that comes too early, and `payment_certificate_ended` for everything that comes too
    /// late.
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
            // What it backs may be cashed at any time from now on, so its own time comes first (D38).
            (_, PaymentStep::Release | PaymentStep::Spend | PaymentStep::Link) if early => {
                Err(Code::TransferConditionNotMet)
            }
            // What is promised to somebody backs no commission; what is promised to nobody triggers by itself (D38).
            (_, PaymentStep::Link) if self.beneficiary.is_none() => Ok(PaymentState::Received),
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

    use PaymentState::{Expired, Issued, Received, Rejected, Released, Void};
    use PaymentStep::{Expire, Link, Receive, Reject, Release, Spend, Void as VoidIt};

    // K4, D24, D37, D38: the whole law, as docs/STATES.md draws it.
    #[test]
    fn a_payment_certificate_takes_the_steps_that_are_drawn_and_no_others() {
        let amount = Money::from_minor(100).unwrap();
        let somebody = Party { number: ActorNumber(3), currency: Currency::USD };
        for state in [Issued, Received, Released, Rejected, Expired, Void] {
            for step in [Receive, Reject, Release, VoidIt, Expire, Link, Spend] {
                for (beneficiary, early, linked) in [None, Some(somebody)].into_iter().flat_map(|to| {
                    [(to, false, false), (to, true, false), (to, false, true), (to, true, true)]
                }) {
                    let payment = PaymentCertificate {
                        amount,
                        released: Money::ZERO,
                        freed: Money::ZERO,
                        beneficiary,
                        not_before: Some(Timestamp(50)),
                        expires_at: Some(Timestamp(90)),
                        backs: linked.then_some(ActorNumber(9)),
                        state,
                    };
                    let open = matches!(state, Issued | Received);
                    let expected = match step {
                        _ if !open => Err(Code::PaymentCertificateEnded),
                        _ if linked => Err(Code::PaymentCertificateLinked),
                        Receive if state == Received => Err(Code::PaymentCertificateReceived),
                        Receive => Ok(Received),
                        Reject => Ok(Rejected),
                        VoidIt => Ok(Void),
                        Expire => Ok(Expired),
                        Link if !early && beneficiary.is_none() => Ok(Received),
                        Spend if !early => Ok(Released),
                        Release if !early && state == Received => Ok(Released),
                        Release | Spend | Link => Err(Code::TransferConditionNotMet),
                    };
                    let now = Timestamp(if early { 49 } else { 50 });
                    assert_eq!(
                        payment.after(step, now),
                        expected,
                        "{state:?}, {step:?}, early {early}, linked {linked}"
                    );
                    assert_eq!(payment.expiry().is_some(), open && !linked);
                }
            }
        }
    }
}
