//! What a door may know of an offering of which everything is sold: enough to refuse a purchase without asking (F2).
//!
//! Such an offering stays so (D23: what is refunded stays sold), and remembers no new request. Absent on purpose: every purchase
//! that it might answer in another way. That one is the offering's to answer.

use super::{Offering, Remembered};
use crate::domain::money::Currency;
use crate::domain::parted::Keys;
use crate::domain::request::{Party, RequestKey};
use crate::domain::time::{Timestamp, Window};
use crate::planted::{self, Bug};

/// An offering of which everything is sold, as doors know it.
#[derive(Debug)]
pub struct SoldOut {
    currency: Currency,
    window: Window,
    /// The requests that have made it what it is.
    own: Vec<RequestKey>,
    requests: Keys<RequestKey, Remembered>,
}

impl Offering {
    /// What a door may know of it, where everything is sold and its window has not closed: behind that it answers otherwise, also
    /// where a clock goes back.
    #[must_use]
    pub fn sold_out(&self) -> Option<SoldOut> {
        (self.stock.all_sold() && !self.window_closed).then(|| SoldOut {
            currency: self.offer.currency,
            window: self.offer.window,
            own: self.own_marks().map(|mark| mark.key.clone()).collect(),
            requests: self.requests.keys(),
        })
    }
}

impl SoldOut {
    /// True where it does not know any more whether a request is new to the offering: what it knows goes with the memory in which
    /// the offering has it.
    #[must_use]
    pub fn has_forgotten(&self, key: &RequestKey) -> bool {
        self.requests.has(key).is_none()
    }

    /// True where the offering is certain to answer `sold_out`: an open account asks, by a request that is new to it, for any
    /// certificate, on no condition, and would pay out of what it has available.
    #[must_use]
    pub fn turns_away(&self, key: &RequestKey, buyer: Party, now: Timestamp) -> bool {
        buyer.currency == self.currency
            && self.window.contains(now)
            && !self.own.contains(key)
            && (self.requests.has(key) == Some(false) || planted::has(Bug::RepeatTurnedAway))
    }
}
