//! A certificate: its share chain, its commission, its sale. It settles everyone when it is bought.
//!
//! Absent on purpose: stock, cap and window; the offering has judged them before money moves.

mod absorb;
mod circulate;
mod decide;
mod due;
mod settle;

use std::collections::{BTreeSet, HashMap, VecDeque};

use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

use super::answer::Purchased;
use super::commission::{Buckets, Observed};
use super::event::WithdrawalReason;
use super::inside::Birth;
use super::money::Money;
use super::number::{ActorNumber, Fingerprint};
use super::request::{CirculateTask, FoundVia, RequestKey, RequestMark};
use super::time::Timestamp;

/// The state of a certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Certificate {
    number: ActorNumber,
    birth: Birth,
    buckets: Buckets,
    state: CommissionState,
    hops: Vec<Hop>,
    /// The first hop of each account, as an index into `hops`.
    members: FxHashMap<ActorNumber, u32>,
    requests: HashMap<(Addressee, RequestKey), Remembered>,
    /// Hops whose promise above 0 is not cashed, as indices into `hops`.
    uncashed: BTreeSet<u32>,
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

/// One circulation in the chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hop {
    /// Who circulated.
    pub account: ActorNumber,
    /// Found where.
    pub via: FoundVia,
    /// By which request.
    pub key: RequestKey,
    /// When it was linked.
    pub linked_at: Timestamp,
    /// When the next one unlinked it.
    pub unlinked_at: Option<Timestamp>,
    /// What became of its right to acquire.
    pub right: Right,
    /// What it has acquired.
    pub promise: Money,
    /// True once the promise is money.
    pub cashed: bool,
    attached_after: Money,
    acquired_by_itself: bool,
    withdrew: bool,
}

/// A hop's right to acquire (D33).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Right {
    /// It carries none.
    None,
    /// Not used yet.
    Unused,
    /// Used, possibly for a promise of 0.
    Used,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Remembered {
    fingerprint: Fingerprint,
    effect: Effect,
}

/// To whom a request was addressed: request ids are scoped by it (DESIGN §5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
enum Addressee {
    /// To the offering, without a serial.
    Offering,
    /// To this certificate.
    Certificate,
}

impl Addressee {
    fn of(task: &CirculateTask) -> Addressee {
        if task.named.is_some() { Addressee::Certificate } else { Addressee::Offering }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Effect {
    /// The hop, as an index into `hops`.
    Hop(u32),
    /// An acquiring of its own: the hop, and what was attached after it.
    Acquired(u32, Money),
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
            hops: Vec::new(),
            members: FxHashMap::default(),
            requests: HashMap::new(),
            uncashed: BTreeSet::new(),
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
        &self.hops
    }

    /// Its sale.
    #[must_use]
    pub fn sale(&self) -> Option<&Sale> {
        self.sale.as_ref()
    }

    /// The account linked now (R2).
    #[must_use]
    pub fn linked(&self) -> Option<ActorNumber> {
        self.hops.last().map(|hop| hop.account)
    }

    /// Cashed promises whose credits are still to go out, in minor units: part of I1.
    #[must_use]
    pub fn unpaid(&self) -> u128 {
        self.unpaid.iter().map(|index| u128::from(self.hop(*index).promise.minor())).sum()
    }

    fn hop(&self, index: u32) -> &Hop {
        &self.hops[index as usize]
    }

    fn hop_count(&self) -> u32 {
        u32::try_from(self.hops.len()).unwrap_or(u32::MAX)
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
