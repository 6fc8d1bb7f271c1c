//! Which serials are untouched, alive, in payment and sold (D29, D39).
//!
//! An untouched serial costs nothing here, and `sold out` is known without looking at any serial (F2).

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use roaring::RoaringBitmap;
use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

use crate::domain::money::Money;
use crate::domain::number::{ActorNumber, Serial, WalkId};
use crate::domain::request::RequestMark;
use crate::domain::time::Timestamp;

/// The serials of one offering.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stock {
    items: u32,
    /// From here on serials are untouched, but for those in `ahead`.
    next: u32,
    /// Touched serials from `next` on.
    ahead: RoaringBitmap,
    /// Serials before `next` that are untouched again, their payment having failed.
    untouched_again: RoaringBitmap,
    /// Circulated, unsold, not in payment.
    alive: RoaringBitmap,
    /// Circulated and unsold, in payment or not.
    chains: RoaringBitmap,
    /// No more than there are permits.
    in_payment: FxHashMap<u32, Payment>,
    reserved: BTreeMap<u32, Reservation>,
    /// Reserved serials by the end of their time.
    ends: BTreeSet<(Timestamp, u32)>,
    /// How many that are reserved, or whose money is being held for it, have no hop: their envelopes stay.
    dormant: u32,
    sold: u32,
}

/// A serial whose buyer is paying.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payment {
    /// The buyer.
    pub buyer: ActorNumber,
    /// The walk that pays.
    pub walk: WalkId,
    /// The purchase.
    pub mark: RequestMark,
    /// True where the certificate had come to life before.
    pub alive: bool,
    /// Where the money is not taken but held: until when the reservation is to stand.
    pub until: Option<Timestamp>,
    /// What its commission's payer has added to the envelope that is under way (D4).
    pub topped_up: Money,
}

/// A serial that is reserved (F6).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reservation {
    /// For whom.
    pub buyer: ActorNumber,
    /// Free again from then on.
    pub until: Timestamp,
    /// By which request.
    pub mark: RequestMark,
}

/// Where a serial stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Unsold, no hop, not in payment.
    Untouched,
    /// Circulated and unsold.
    Alive,
    /// Its buyer is paying, or the money of a reservation is being held.
    InPayment,
    /// It is reserved.
    Reserved,
    /// Sold.
    Sold,
}

impl Stock {
    /// All serials untouched.
    #[must_use]
    pub fn new(items: u32) -> Stock {
        Stock {
            items,
            next: 1,
            ahead: RoaringBitmap::new(),
            untouched_again: RoaringBitmap::new(),
            alive: RoaringBitmap::new(),
            chains: RoaringBitmap::new(),
            in_payment: FxHashMap::default(),
            reserved: BTreeMap::new(),
            ends: BTreeSet::new(),
            dormant: 0,
            sold: 0,
        }
    }

    /// Where a serial stands; none where the offering has no such serial.
    #[must_use]
    pub fn standing(&self, serial: Serial) -> Option<Standing> {
        if !self.has(serial) {
            return None;
        }
        Some(if self.in_payment.contains_key(&serial.0) {
            Standing::InPayment
        } else if self.reserved.contains_key(&serial.0) {
            Standing::Reserved
        } else if self.has_chain(serial) {
            Standing::Alive
        } else if self.is_untouched(serial.0) {
            Standing::Untouched
        } else {
            Standing::Sold
        })
    }

    /// True where the offering has such a serial.
    #[must_use]
    pub fn has(&self, serial: Serial) -> bool {
        (1..=self.items).contains(&serial.0)
    }

    /// As `Resident::glance`, for a serial.
    pub(super) fn glance(&self, serial: Serial) -> u64 {
        let (alive, payment) = (self.alive.contains(serial.0), self.in_payment.contains_key(&serial.0));
        u64::from(alive) ^ u64::from(self.has_chain(serial)) ^ u64::from(payment)
    }

    fn is_untouched(&self, serial: u32) -> bool {
        if serial >= self.next { !self.ahead.contains(serial) } else { self.untouched_again.contains(serial) }
    }

    /// How many serials are untouched.
    #[must_use]
    pub fn untouched(&self) -> u32 {
        let ahead = u32::try_from(self.ahead.len()).unwrap_or(u32::MAX);
        let again = u32::try_from(self.untouched_again.len()).unwrap_or(u32::MAX);
        (self.items + 1 - self.next) - ahead + again
    }

    /// How many have no hop and are neither sold nor being paid: their envelopes are at the offering.
    #[must_use]
    pub fn enveloped(&self) -> u32 {
        self.untouched() + self.dormant
    }

    /// How many are reserved.
    #[must_use]
    pub fn reserved(&self) -> u32 {
        u32::try_from(self.reserved.len()).unwrap_or(u32::MAX)
    }

    /// True where a serial is circulated and unsold, whatever else it is.
    #[must_use]
    pub fn has_chain(&self, serial: Serial) -> bool {
        self.chains.contains(serial.0)
    }

    /// Every reservation by its serial.
    pub fn reservations(&self) -> impl Iterator<Item = (Serial, &Reservation)> {
        self.reserved.iter().map(|(serial, reservation)| (Serial(*serial), reservation))
    }

    /// The reservation of a serial.
    #[must_use]
    pub fn reservation(&self, serial: Serial) -> Option<&Reservation> {
        self.reserved.get(&serial.0)
    }

    /// The reservation whose time is over first.
    #[must_use]
    pub fn first_end(&self) -> Option<(Timestamp, Serial)> {
        self.ends.first().map(|(at, serial)| (*at, Serial(*serial)))
    }

    /// How many are being paid, or held for a reservation.
    #[must_use]
    pub fn payments(&self) -> usize {
        self.in_payment.len()
    }

    /// How many are sold.
    #[must_use]
    pub fn sold(&self) -> u32 {
        self.sold
    }

    /// How many are neither sold, nor in payment, nor reserved.
    #[must_use]
    pub fn left(&self) -> u32 {
        self.untouched() + u32::try_from(self.alive.len()).unwrap_or(u32::MAX)
    }

    /// True where every serial is sold, and none of them is still being paid.
    #[must_use]
    pub fn all_sold(&self) -> bool {
        self.sold == self.items
    }

    /// The lowest untouched serial.
    #[must_use]
    pub fn lowest_untouched(&self) -> Option<Serial> {
        let again = self.untouched_again.min();
        again.or_else(|| (self.next <= self.items).then_some(self.next)).map(Serial)
    }

    /// The lowest circulated, unsold serial that is not in payment.
    #[must_use]
    pub fn lowest_alive(&self) -> Option<Serial> {
        self.alive.min().map(Serial)
    }

    /// The first living chain at or after `cursor`, going round (D30). One in payment counts: it may fail.
    #[must_use]
    pub fn chain_from(&self, cursor: u32) -> Option<Serial> {
        self.chains.range(cursor..).next().or_else(|| self.chains.min()).map(Serial)
    }

    /// The payment of a serial.
    #[must_use]
    pub fn payment(&self, serial: Serial) -> Option<&Payment> {
        self.in_payment.get(&serial.0)
    }

    /// Any payment under way.
    #[must_use]
    pub fn any_payment(&self) -> Option<&Payment> {
        self.in_payment.values().min_by_key(|payment| payment.walk)
    }

    /// True where no serial was ever touched, sold or set apart (D37).
    #[must_use]
    pub fn pristine(&self) -> bool {
        self.untouched() == self.items
    }

    fn take_untouched(&mut self, serial: u32) {
        match serial.cmp(&self.next) {
            Ordering::Less => drop(self.untouched_again.remove(serial)),
            Ordering::Equal => {
                self.next += 1;
                while !self.ahead.is_empty() && self.ahead.remove(self.next) {
                    self.next += 1;
                }
            }
            Ordering::Greater => drop(self.ahead.insert(serial)),
        }
    }

    /// A circulation brings a serial to life that had no hop.
    pub fn touch(&mut self, serial: Serial) {
        if self.reserved.contains_key(&serial.0) {
            self.dormant -= 1;
        } else {
            self.take_untouched(serial.0);
            self.alive.insert(serial.0);
        }
        self.chains.insert(serial.0);
    }

    /// A serial is set apart for a buyer, who pays for it, or, with a time, reserves it.
    pub fn allocate(&mut self, serial: Serial, payment: Payment) {
        let alive = self.has_chain(serial);
        match self.reserved.remove(&serial.0) {
            Some(reservation) => {
                self.ends.remove(&(reservation.until, serial.0));
                self.dormant -= u32::from(!alive);
            }
            None if alive => drop(self.alive.remove(serial.0)),
            None => self.take_untouched(serial.0),
        }
        self.dormant += u32::from(!alive && payment.until.is_some());
        self.in_payment.insert(serial.0, Payment { alive, ..payment });
    }

    /// The money of a reservation is held; false where none was being held.
    pub fn reserve(&mut self, serial: Serial) -> bool {
        let Some(Payment { buyer, mark, until: Some(until), .. }) = self.in_payment.remove(&serial.0) else {
            return false;
        };
        self.ends.insert((until, serial.0));
        self.reserved.insert(serial.0, Reservation { buyer, until, mark });
        true
    }

    /// A reservation is over; gives it back, or none where there was none.
    pub fn end_reservation(&mut self, serial: Serial) -> Option<Reservation> {
        let reservation = self.reserved.remove(&serial.0)?;
        self.ends.remove(&(reservation.until, serial.0));
        let alive = self.has_chain(serial);
        self.dormant -= u32::from(!alive);
        self.give_back(serial, alive);
        Some(reservation)
    }

    /// A payment failed; gives the payment back, or none where there was none.
    pub fn free(&mut self, serial: Serial) -> Option<Payment> {
        let payment = self.in_payment.remove(&serial.0)?;
        self.dormant -= u32::from(!payment.alive && payment.until.is_some());
        self.give_back(serial, payment.alive);
        Some(payment)
    }

    fn give_back(&mut self, serial: Serial, alive: bool) {
        if alive {
            self.alive.insert(serial.0);
        } else if serial.0 >= self.next {
            self.ahead.remove(serial.0);
        } else {
            self.untouched_again.insert(serial.0);
        }
    }

    /// A payment is done.
    pub fn sell(&mut self, serial: Serial) -> Option<Payment> {
        let payment = self.in_payment.remove(&serial.0)?;
        self.chains.remove(serial.0);
        self.sold += 1;
        Some(payment)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::RequestId;
    use crate::domain::number::Fingerprint;
    use crate::domain::request::RequestKey;

    fn payment(walk: u64) -> Payment {
        let id = RequestId::new("purchase").unwrap();
        let mark = RequestMark::new(RequestKey { caller: ActorNumber(9), id }, Fingerprint::default());
        let (buyer, walk) = (ActorNumber(9), WalkId(walk));
        Payment { buyer, walk, mark, alive: false, until: None, topped_up: Money::ZERO }
    }

    #[test]
    fn a_freed_serial_is_untouched_again_and_comes_first() {
        let mut stock = Stock::new(3);
        stock.allocate(Serial(1), payment(1));
        stock.allocate(Serial(2), payment(2));
        assert_eq!(stock.lowest_untouched(), Some(Serial(3)));
        stock.free(Serial(1));
        assert_eq!(stock.lowest_untouched(), Some(Serial(1)));
        assert_eq!((stock.untouched(), stock.left(), stock.sold()), (2, 2, 0));
        stock.sell(Serial(2));
        assert_eq!(stock.standing(Serial(2)), Some(Standing::Sold));
        assert_eq!(stock.standing(Serial(4)), None);
    }

    #[test]
    fn a_serial_freed_ahead_of_the_lowest_is_untouched_again_in_its_own_place() {
        let mut stock = Stock::new(4);
        stock.allocate(Serial(3), payment(1));
        stock.free(Serial(3));
        assert_eq!(stock, Stock::new(4));
        assert_eq!(stock.standing(Serial(3)), Some(Standing::Untouched));
        assert_eq!(stock.lowest_untouched(), Some(Serial(1)));
        stock.allocate(Serial(3), payment(2));
        for serial in [1, 2] {
            stock.touch(Serial(serial));
        }
        stock.free(Serial(3));
        assert_eq!((stock.untouched(), stock.lowest_untouched()), (2, Some(Serial(3))));
    }

    #[test]
    fn a_reserved_serial_comes_back_as_what_it_has_become() {
        let mut stock = Stock::new(3);
        let until = Some(Timestamp(50));
        for serial in [1, 2] {
            stock.allocate(Serial(serial), Payment { until, ..payment(1) });
            assert!(stock.reserve(Serial(serial)));
        }
        assert!(!stock.reserve(Serial(3)), "nothing is being held for it");
        assert_eq!((stock.untouched(), stock.enveloped(), stock.left(), stock.reserved()), (1, 3, 1, 2));
        assert_eq!(stock.lowest_untouched(), Some(Serial(3)));
        stock.touch(Serial(2));
        assert_eq!(
            (stock.enveloped(), stock.lowest_alive(), stock.chain_from(1)),
            (2, None, Some(Serial(2)))
        );
        assert_eq!(stock.first_end(), Some((Timestamp(50), Serial(1))));
        stock.end_reservation(Serial(1));
        stock.end_reservation(Serial(2));
        assert_eq!((stock.lowest_untouched(), stock.lowest_alive()), (Some(Serial(1)), Some(Serial(2))));
        assert_eq!((stock.enveloped(), stock.reserved(), stock.first_end()), (2, 0, None));
    }

    #[test]
    fn serials_touched_out_of_order_are_not_untouched() {
        let mut stock = Stock::new(4);
        stock.touch(Serial(2));
        stock.touch(Serial(4));
        assert_eq!(stock.lowest_untouched(), Some(Serial(1)));
        stock.touch(Serial(1));
        assert_eq!(stock.lowest_untouched(), Some(Serial(3)));
        assert_eq!((stock.untouched(), stock.lowest_alive()), (1, Some(Serial(1))));
        assert_eq!(stock.chain_from(3), Some(Serial(4)));
        assert_eq!(stock.chain_from(5), Some(Serial(1)));
    }
}
