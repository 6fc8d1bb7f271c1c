//! What an offering's events change.

use std::sync::Arc;

use super::{Commission, Effect, Offering, Remembered};
use crate::domain::event::OfferingEvent;
use crate::domain::number::ActorNumber;
use crate::domain::request::RequestMark;
use crate::domain::time::Timestamp;

impl Offering {
    /// Takes an event that was decided before; `at` is the record's time.
    pub fn absorb(&mut self, at: Timestamp, event: &OfferingEvent) {
        match event {
            OfferingEvent::Issued(..) => unreachable!("an offering is issued once"),
            OfferingEvent::Published(mark) => self.published = Some((at, mark.clone())),
            OfferingEvent::AttachBegun { payer, terms, mark, walk } => {
                self.commission = Commission::Attaching {
                    payer: *payer,
                    terms: Arc::new((**terms).clone()),
                    mark: mark.clone(),
                    walk: *walk,
                };
            }
            OfferingEvent::Attached => {
                let Commission::Attaching { payer, terms, mark, .. } =
                    std::mem::replace(&mut self.commission, Commission::None)
                else {
                    unreachable!("money for a commission comes while it is awaited");
                };
                self.commission = Commission::Attached { payer, terms, mark };
            }
            OfferingEvent::AttachUndone => self.commission = Commission::None,
            OfferingEvent::Touched { serial, mark } => {
                self.stock.touch(*serial);
                if let Some(mark) = mark {
                    self.remember(mark, Effect::Circulates(*serial));
                }
            }
            OfferingEvent::TurnTaken { serial, mark } => {
                self.cursor = serial.0 + 1;
                self.remember(mark, Effect::Circulates(*serial));
            }
            OfferingEvent::TurnUndone { cursor, mark } => {
                if let Some(cursor) = cursor {
                    self.cursor = *cursor;
                }
                self.requests.remove(&mark.key);
            }
            OfferingEvent::Allocated { serial, buyer, mark, walk } => {
                self.stock.allocate(*serial, *buyer, *walk, mark.clone());
                self.remember(mark, Effect::Buys(*serial));
                self.count(*buyer, 1);
            }
            OfferingEvent::Freed(serial) => {
                let Some(payment) = self.stock.free(*serial) else {
                    unreachable!("only a serial in payment is freed");
                };
                self.requests.remove(&payment.mark.key);
                self.count(payment.buyer, -1);
            }
            OfferingEvent::Paid(serial) => {
                let sold = self.stock.sell(*serial);
                assert!(sold.is_some(), "only a serial in payment is sold, once (I4)");
            }
            OfferingEvent::Queued(queued) => {
                self.remember(&queued.mark, Effect::Waits(queued.walk));
                self.named_in_line += u32::from(queued.named.is_some());
                self.line.push_back((**queued).clone());
            }
            OfferingEvent::Unqueued(walk) => {
                if let Some(index) = self.line.iter().position(|queued| queued.walk == *walk)
                    && let Some(queued) = self.line.remove(index)
                {
                    self.named_in_line -= u32::from(queued.named.is_some());
                    self.requests.remove(&queued.mark.key);
                }
            }
            OfferingEvent::Expired => {
                let Commission::Attached { payer, terms, mark } =
                    std::mem::replace(&mut self.commission, Commission::None)
                else {
                    unreachable!("only an attached commission expires");
                };
                self.commission = Commission::Expired { payer, terms, mark };
            }
            OfferingEvent::WindowOpened => {
                assert!(!self.window_opened, "a window opens once (F4)");
                self.window_opened = true;
            }
            OfferingEvent::WindowClosed => {
                assert!(!self.window_closed, "a window closes once (F4)");
                self.window_closed = true;
            }
            OfferingEvent::Returned(amount) => {
                let sum = self.returned.checked_add(*amount);
                self.returned = sum.unwrap_or_else(|| unreachable!("no more goes home than was funded"));
            }
        }
    }

    fn remember(&mut self, mark: &RequestMark, effect: Effect) {
        self.requests.insert(mark.key.clone(), Remembered { fingerprint: mark.fingerprint, effect });
    }

    fn count(&mut self, buyer: ActorNumber, change: i32) {
        if self.offer.cap.is_none() {
            return;
        }
        match self.bought_by(buyer).saturating_add_signed(change) {
            0 => self.bought.remove(&buyer),
            count => self.bought.insert(buyer, count),
        }
    }
}
