//! What time alone brings about at a certificate: its commission goes home, or is almost met.

use super::Certificate;
use crate::domain::event::{CertificateEvent, Event, WithdrawalReason};
use crate::domain::money::Money;
use crate::domain::step::Step;
use crate::domain::time::Timestamp;
use crate::planted::{self, Bug};

/// What can be due.
#[derive(Clone, Copy)]
enum Due {
    Expiry,
    Prompt,
}

impl Certificate {
    /// The earliest of what time alone will bring about, expiry first (D35).
    fn earliest(&self, since: Timestamp) -> Option<(Timestamp, Due)> {
        let envelope = self.birth.envelope.as_ref().filter(|_| self.active())?;
        let prompt = self.prompt_due(since).map(|at| (at, Due::Prompt));
        let late = u64::from(planted::has(Bug::DeadlineMissed));
        match envelope.deadline.map(|at| (Timestamp(at.0 + late), Due::Expiry)) {
            Some(expiry) => Some(prompt.filter(|(at, _)| *at < expiry.0).unwrap_or(expiry)),
            None => prompt,
        }
    }

    /// W10, D35: when the time on display will make the condition almost met, as chain and amounts stand since
    /// `since`. A time before that is none: the chain was another one then.
    fn prompt_due(&self, since: Timestamp) -> Option<Timestamp> {
        if self.prompted || self.hop_count() == 0 {
            return None;
        }
        let condition = self.birth.envelope.as_ref()?.terms.condition.as_ref()?;
        let displayed = self.birth.published_at.0.checked_add(condition.prompt_displayed_ms()?)?;
        let at = Timestamp(displayed).max(since);
        condition.almost_met(&self.observed(self.hop_count(), &self.buckets, at)).then_some(at)
    }

    /// The instant of the earliest thing that will be due without any message; `since` is the time of the
    /// certificate's newest record.
    #[must_use]
    pub fn next_due(&self, since: Timestamp) -> Option<Timestamp> {
        self.earliest(since).map(|(at, _)| at)
    }

    /// The earliest thing that is due, and since when, as a step of its own (D36).
    #[must_use]
    pub fn due(&self, since: Timestamp, now: Timestamp) -> Option<(Timestamp, Step)> {
        let (at, due) = self.earliest(since).filter(|(at, _)| now >= *at)?;
        let step = |event| Step::of(vec![Event::Certificate(event)]);
        let step = match due {
            Due::Expiry => {
                let mut withdrawn = step(CertificateEvent::Withdrawn(WithdrawalReason::Deadline));
                self.send_home(&mut withdrawn, Money::ZERO, self.buckets.unspent());
                withdrawn
            }
            Due::Prompt => step(CertificateEvent::Prompted),
        };
        Some((at, step))
    }
}
