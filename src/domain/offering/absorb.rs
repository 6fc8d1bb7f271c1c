//! What an offering's events change.

use std::sync::Arc;

use super::{Attachment, Commission, Effect, Offering, Payment, Published, Remembered};
use crate::domain::answer::FrozenRow;
use crate::domain::event::OfferingEvent;
use crate::domain::message::Display;
use crate::domain::money::Money;
use crate::domain::number::ActorNumber;
use crate::domain::request::RequestMark;
use crate::domain::time::Timestamp;
use crate::planted::{self, Bug};

impl Offering {
    /// Takes an event that was decided before; `at` is the record's time.
    pub fn absorb(&mut self, at: Timestamp, event: &OfferingEvent) {
        match event {
            OfferingEvent::Issued(..) => unreachable!("an offering is issued once"),
            OfferingEvent::Published(mark, display) => {
                let frozen = (*display == Display::Snapshot).then(|| FrozenRow {
                    at,
                    price: self.offer.price,
                    label: self.label(Money::ZERO),
                    left: self.stock.left(),
                });
                self.published = Some(Published { at, mark: mark.clone(), display: *display, frozen });
            }
            OfferingEvent::AttachBegun { attach, mark, walk } => {
                let attachment = Attachment {
                    payer: attach.payer.number,
                    terms: Arc::new(attach.terms.clone()),
                    mark: mark.clone(),
                    backing: attach.backing.clone(),
                };
                self.commission = Commission::Attaching(attachment, *walk);
            }
            OfferingEvent::Attached => {
                let former = std::mem::replace(&mut self.commission, Commission::None);
                let Commission::Attaching(attachment, _) = former else {
                    unreachable!("money for a commission comes while it is awaited");
                };
                self.commission = Commission::Attached(attachment);
                self.forget_series();
            }
            OfferingEvent::AttachUndone => self.commission = Commission::None,
            OfferingEvent::Touched { serial, mark } => {
                self.stock.touch(*serial);
                self.topped_up.remove(&serial.0);
                if let Some(mark) = mark {
                    self.remember(mark, Effect::Circulates(*serial));
                }
            }
            OfferingEvent::TurnTaken { serial, mark } => {
                self.cursor = serial.0 + u32::from(!planted::has(Bug::CursorStands));
                self.remember(mark, Effect::Circulates(*serial));
            }
            OfferingEvent::TurnUndone { cursor, mark } => {
                if let Some(cursor) = cursor {
                    self.cursor = *cursor;
                }
                self.requests.remove(&mark.key);
            }
            OfferingEvent::Allocated { serial, buyer, mark, walk } => {
                // A reservation was counted when it was made (D39).
                if self.stock.reservation(*serial).is_none() {
                    self.count(*buyer, 1);
                }
                let topped_up = self.topped_up.remove(&serial.0).unwrap_or_default();
                let (buyer, walk, kept) = (*buyer, *walk, mark.clone());
                let payment = Payment { buyer, walk, mark: kept, alive: false, until: None, topped_up };
                self.stock.allocate(*serial, payment);
                self.remember(mark, Effect::Buys(*serial));
            }
            OfferingEvent::Reserving { serial, buyer, mark, walk, until } => {
                let (topped_up, until) = (Money::ZERO, Some(*until));
                let (kept, walk) = ((**mark).clone(), *walk);
                let payment = Payment { buyer: *buyer, walk, mark: kept, alive: false, until, topped_up };
                self.stock.allocate(*serial, payment);
                self.remember(mark, Effect::Reserves(*serial, until.unwrap_or_default()));
                self.count(*buyer, 1);
            }
            OfferingEvent::Reserved(serial) => {
                assert!(self.stock.reserve(*serial), "a serial is reserved once its money is held (F6)");
            }
            OfferingEvent::ReservationEnded(serial, mark) => {
                let Some(reservation) = self.stock.end_reservation(*serial) else {
                    unreachable!("only a reservation that stands ends");
                };
                self.count(reservation.buyer, -1);
                if let Some(mark) = mark {
                    self.remember(mark, Effect::Cancels(*serial));
                }
            }
            OfferingEvent::ToppedUp(serial, amount) => {
                let sum = self.topped_up.entry(serial.0).or_default();
                *sum = sum
                    .checked_add(*amount)
                    .unwrap_or_else(|| unreachable!("what was added came out of one currency's whole money"));
            }
            OfferingEvent::Freed(serial) => {
                let Some(payment) = self.stock.free(*serial) else {
                    unreachable!("only a serial in payment is freed");
                };
                self.requests.remove(&payment.mark.key);
                self.count(payment.buyer, -1);
                if !payment.topped_up.is_zero() && matches!(self.commission, Commission::Attached(_)) {
                    self.topped_up.insert(serial.0, payment.topped_up);
                }
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
                let former = std::mem::replace(&mut self.commission, Commission::None);
                let Commission::Attached(attachment) = former else {
                    unreachable!("only an attached commission expires");
                };
                self.commission = Commission::Expired(attachment);
                self.topped_up.clear();
                self.forget_series();
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
        let (hash, key) = mark.hashed_key();
        let remembered = Remembered { fingerprint: mark.fingerprint, effect };
        self.requests.insert_hashed(hash, key.clone(), remembered);
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
