//! Which serials are untouched, alive, in payment and sold (D29, D39).
//!
//! An untouched serial costs nothing here, and `sold out` is known without looking at any serial (F2).

use roaring::RoaringBitmap;
use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

use crate::domain::number::{ActorNumber, Serial, WalkId};
use crate::domain::request::RequestMark;

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
}

/// Where a serial stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Unsold, no hop, not in payment.
    Untouched,
    /// Circulated and unsold.
    Alive,
    /// Its buyer is paying.
    InPayment,
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
            sold: 0,
        }
    }

    /// Where a serial stands; none where the offering has no such serial.
    #[must_use]
    pub fn standing(&self, serial: Serial) -> Option<Standing> {
        if serial.0 == 0 || serial.0 > self.items {
            return None;
        }
        Some(if self.in_payment.contains_key(&serial.0) {
            Standing::InPayment
        } else if self.alive.contains(serial.0) {
            Standing::Alive
        } else if self.is_untouched(serial.0) {
            Standing::Untouched
        } else {
            Standing::Sold
        })
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

    /// How many are sold.
    #[must_use]
    pub fn sold(&self) -> u32 {
        self.sold
    }

    /// How many are neither sold nor in payment.
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
        if serial >= self.next {
            self.ahead.insert(serial);
            while self.ahead.remove(self.next) {
                self.next += 1;
            }
        } else {
            self.untouched_again.remove(serial);
        }
    }

    /// A circulation brings an untouched serial to life.
    pub fn touch(&mut self, serial: Serial) {
        self.take_untouched(serial.0);
        self.alive.insert(serial.0);
        self.chains.insert(serial.0);
    }

    /// A serial is set apart for a buyer.
    pub fn allocate(&mut self, serial: Serial, buyer: ActorNumber, walk: WalkId, mark: RequestMark) {
        let alive = self.alive.remove(serial.0);
        if !alive {
            self.take_untouched(serial.0);
        }
        self.in_payment.insert(serial.0, Payment { buyer, walk, mark, alive });
    }

    /// A payment failed; gives the payment back, or none where there was none.
    pub fn free(&mut self, serial: Serial) -> Option<Payment> {
        let payment = self.in_payment.remove(&serial.0)?;
        if payment.alive {
            self.alive.insert(serial.0);
        } else if serial.0 >= self.next {
            self.ahead.remove(serial.0);
        } else {
            self.untouched_again.insert(serial.0);
        }
        Some(payment)
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

    fn mark() -> RequestMark {
        let id = RequestId::new("purchase").unwrap();
        RequestMark { key: RequestKey { caller: ActorNumber(9), id }, fingerprint: Fingerprint::default() }
    }

    #[test]
    fn a_freed_serial_is_untouched_again_and_comes_first() {
        let mut stock = Stock::new(3);
        stock.allocate(Serial(1), ActorNumber(9), WalkId(1), mark());
        stock.allocate(Serial(2), ActorNumber(9), WalkId(2), mark());
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
        stock.allocate(Serial(3), ActorNumber(9), WalkId(1), mark());
        stock.free(Serial(3));
        assert_eq!(stock, Stock::new(4));
        assert_eq!(stock.standing(Serial(3)), Some(Standing::Untouched));
        assert_eq!(stock.lowest_untouched(), Some(Serial(1)));
        stock.allocate(Serial(3), ActorNumber(9), WalkId(2), mark());
        for serial in [1, 2] {
            stock.touch(Serial(serial));
        }
        stock.free(Serial(3));
        assert_eq!((stock.untouched(), stock.lowest_untouched()), (2, Some(Serial(3))));
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
