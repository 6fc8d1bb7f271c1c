//! A certificate: its share chain, its commission, its sale. It settles everyone when it is bought.
//!
//! Absent on purpose: stock, cap and window; the offering has judged them before money moves.

mod absorb;
mod circulate;
mod decide;
mod due;
mod hops;
mod settle;

use std::collections::VecDeque;

use hops::{Addressee, Effect, Hops};
pub use hops::{Hop, Right};
use serde::{Deserialize, Serialize};

use super::answer::Purchased;
use super::commission::{Buckets, Observed};
use super::event::WithdrawalReason;
use super::inside::Birth;
use super::money::Money;
use super::number::ActorNumber;
use super::request::RequestMark;
use super::time::Timestamp;

/// The state of a certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Certificate {
    number: ActorNumber,
    birth: Birth,
    buckets: Buckets,
    state: CommissionState,
    hops: Hops,
    /// Hops whose promise above 0 is not cashed, as rising indices into `hops`.
    uncashed: Vec<u32>,
    /// How many hops have used their right.
    acquirers: u32,
    prompted: bool,
    sale: Option<Sale>,
    /// Cashed promises whose credits have not gone out yet, as indices into `hops`.
    unpaid: VecDeque<u32>,
    /// Credits of the page under way that are not absorbed yet.
    page_left: u32,
}

/// Where the commission stands; the last two are final and exclude each other (I7).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum CommissionState {
    /// There is none.
    None,
    /// It can be acquired, cashed or withdrawn.
    Active,
    /// Cashed at a purchase, the rest returned.
    Settled,
    /// Returned, by condition or time limit.
    Withdrawn(WithdrawalReason),
}

/// The sale.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sale {
    /// Who bought it.
    pub buyer: ActorNumber,
    /// When.
    pub at: Timestamp,
    /// By which request.
    pub mark: RequestMark,
    /// What was answered.
    pub purchased: Purchased,
}

impl Certificate {
    /// The certificate that its first event makes.
    #[must_use]
    pub fn begun(number: ActorNumber, birth: &Birth) -> Certificate {
        let (buckets, state) = match &birth.envelope {
            Some(envelope) => {
                (Buckets::funded(envelope.terms.funded, envelope.terms.attached), CommissionState::Active)
            }
            None => (Buckets::default(), CommissionState::None),
        };
        Certificate {
            number,
            birth: birth.clone(),
            buckets,
            state,
            hops: Hops::default(),
            uncashed: Vec::new(),
            acquirers: 0,
            prompted: false,
            sale: None,
            unpaid: VecDeque::new(),
            page_left: 0,
        }
    }

    /// What it was born with.
    #[must_use]
    pub fn birth(&self) -> &Birth {
        &self.birth
    }

    /// The five buckets.
    #[must_use]
    pub fn buckets(&self) -> &Buckets {
        &self.buckets
    }

    /// Where its commission stands.
    #[must_use]
    pub fn state(&self) -> CommissionState {
        self.state
    }

    /// Its chain, oldest first.
    #[must_use]
    pub fn hops(&self) -> &[Hop] {
        self.hops.as_slice()
    }

    /// Its sale.
    #[must_use]
    pub fn sale(&self) -> Option<&Sale> {
        self.sale.as_ref()
    }

    /// The account linked now (R2).
    #[must_use]
    pub fn linked(&self) -> Option<ActorNumber> {
        self.hops().last().map(|hop| hop.account)
    }

    /// Cashed promises whose credits are still to go out, in minor units: part of I1.
    #[must_use]
    pub fn unpaid(&self) -> u128 {
        self.unpaid.iter().map(|index| u128::from(self.hop(*index).promise.minor())).sum()
    }

    fn hop(&self, index: u32) -> &Hop {
        self.hops.at(index)
    }

    fn hop_count(&self) -> u32 {
        self.hops.count()
    }

    /// As `Resident::glance`.
    pub(super) fn glance(&self) -> u64 {
        let linked = self.linked().map_or(0, |account| account.0);
        let uncashed = self.uncashed.first().copied().unwrap_or(0);
        linked ^ u64::from(uncashed) ^ self.birth.price.minor() ^ self.buckets.reserve.minor()
    }

    /// What a hop's promise is worth: nothing once the commission went home before it was cashed (D9).
    #[must_use]
    pub fn promise_of(&self, hop: &Hop) -> Money {
        if !hop.cashed && matches!(self.state, CommissionState::Withdrawn(_)) {
            Money::ZERO
        } else {
            hop.promise
        }
    }

    fn active(&self) -> bool {
        self.state == CommissionState::Active
    }

    fn observed(&self, hops: u32, buckets: &Buckets, now: Timestamp) -> Observed {
        Observed {
            hops,
            cumulative: buckets.cumulative,
            price: self.birth.price,
            displayed_ms: now.since(self.birth.published_at),
        }
    }
}
