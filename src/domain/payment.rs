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
