//! What time alone brings about at an offering: its envelopes go home, its window opens and closes, reservations end.
//!
//! Absent on purpose: judging by the window's events. Purchases are judged by their walk's time (F4).

use super::{Attachment, Commission, Offering};
use crate::domain::event::{Event, OfferingEvent};
use crate::domain::inside::{Body, Credit, CreditReason, Draw};
use crate::domain::money::Money;
use crate::domain::number::Serial;
use crate::domain::step::Step;
use crate::domain::time::{Timestamp, Window};

/// What can be due.
#[derive(Clone, Copy)]
enum Due {
    Expiry,
    Opening,
    Closing,
    Reservation(Serial),
}

impl Offering {
    /// The earliest of what time alone will bring about, expiry first. It is asked for after every change.
    fn earliest(&self) -> Option<(Timestamp, Due)> {
        let Window { opens, closes } = self.offer.window;
        let mut earliest = self.expires_at().map(|at| (at, Due::Expiry));
        let mut or = |at: Option<Timestamp>, due: Due| {
            if let Some(at) = at
                && earliest.is_none_or(|(earliest, _)| at < earliest)
            {
                earliest = Some((at, due));
            }
        };
        or(self.window_bound(opens, self.window_opened), Due::Opening);
        or(self.window_bound(closes, self.window_closed), Due::Closing);
        if let Some((at, serial)) = self.stock.first_end() {
            or(Some(at), Due::Reservation(serial));
        }
        earliest
    }

    /// A bound of the window that has not been told. One that had passed when the offering was published is reached by publishing.
    fn window_bound(&self, bound: Option<Timestamp>, told: bool) -> Option<Timestamp> {
        Some(bound.filter(|_| !told)?.max(self.published_at()?))
    }

    /// The instant of the earliest thing that will be due without any message.
    #[must_use]
    pub fn next_due(&self) -> Option<Timestamp> {
        self.earliest().map(|(at, _)| at)
    }

    /// The earliest thing that is due, and since when, as a step of its own (D36, F4).
    #[must_use]
    pub fn due(&self, now: Timestamp) -> Option<(Timestamp, Step)> {
        let (at, due) = self.earliest().filter(|(at, _)| now >= *at)?;
        let step = match due {
            Due::Expiry => self.expiry(),
            Due::Opening => Step::of(vec![Event::Offering(OfferingEvent::WindowOpened)]),
            Due::Closing => Step::of(vec![Event::Offering(OfferingEvent::WindowClosed)]),
            Due::Reservation(serial) => self.reservation_over(at, serial, None),
        };
        Some((at, step))
    }

    /// The untouched envelopes go home.
    fn expiry(&self) -> Step {
        let Commission::Attached(there) = &self.commission else {
            unreachable!("only an attached commission expires");
        };
        let step = Step::of(vec![Event::Offering(OfferingEvent::Expired)]);
        let amount = u64::try_from(self.enveloped()).ok().and_then(|amount| Money::from_minor(amount).ok());
        let amount = amount.unwrap_or_else(|| unreachable!("what was funded is a legal amount"));
        if amount.is_zero() { step } else { self.returning(step, there, amount) }
    }

    /// Adds to a step: this much of untouched envelopes goes home, or is free where it was only claimed.
    pub(super) fn returning(&self, mut step: Step, attachment: &Attachment, amount: Money) -> Step {
        step.events.push(Event::Offering(OfferingEvent::Returned(amount)));
        let body = match attachment.backing.clone() {
            Some(payment) => {
                let (by, release) = (self.number, Money::ZERO);
                Body::Draw(Box::new(Draw { payment, by, release, free: amount }))
            }
            None => {
                let reason = CreditReason::Returned;
                Body::Credit(Credit { amount, reason, from: self.number, awaited: false })
            }
        };
        step.sending(attachment.payer, body)
    }
}
