//! A certificate: its share chain, its commission, its sale. It settles everyone when it is bought.
//!
//! Absent on purpose: stock, cap and window; the offering has judged them before money moves.

mod absorb;
mod circulate;
mod decide;
mod due;
mod hops;
mod refund;
mod settle;

use std::collections::VecDeque;
use std::sync::Arc;

use hops::{Addressee, Effect, Hops};
pub use hops::{Hop, Right};
use serde::{Deserialize, Serialize};

use super::answer::{Purchased, Refunded};
use super::commission::{Buckets, Observed};
use super::event::WithdrawalReason;
use super::inside::{Birth, Envelope, Series};
use super::money::Money;
use super::name::RequestId;
use super::number::{ActorNumber, Fingerprint, WalkId};
use super::request::{RequestKey, RequestMark};
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
    /// Cashed promises whose credits have not gone out yet, as indices into `hops`; in a refund those that are to be
    /// clawed back and whose accounts have not been asked yet.
    unpaid: VecDeque<u32>,
    /// Of the unpaid what is still to come from the payment certificate that backs the commission.
    awaited: Money,
    /// Credits of the page under way that are not absorbed yet.
    page_left: u32,
    /// What its commission's payer has added since it came to life (D4).
    topped_up: Money,
    refund: Option<Box<Refund>>,
}

/// A refund, of which there is one at most (F7).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refund {
    /// By which request.
    pub mark: RequestMark,
    state: RefundState,
}

/// How far a refund has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum RefundState {
    /// That walk asks the payee, who may refuse.
    Asking(WalkId),
    /// The payee has paid; this was answered.
    Paid(Refunded),
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
    /// By which request; kept without its hash, which is looked for nowhere here.
    key: RequestKey,
    fingerprint: Fingerprint,
    /// What was answered.
    pub purchased: Purchased,
}

impl Sale {
    /// True where that request has made it.
    fn is_by(&self, mark: &RequestMark) -> bool {
        self.key == mark.key && self.fingerprint == mark.fingerprint
    }
}

/// There may be millions, and what a certificate takes beyond this the allocator rounds up by 64.
const _: () =
    assert!(size_of::<Certificate>() <= 320, "a certificate has no more than five lines of a cache");

/// How many of its newest hops are read ahead.
const HOPS_GLANCED_AT: usize = 4;

impl Certificate {
    /// The certificate that its first event makes.
    #[must_use]
    pub fn begun(number: ActorNumber, birth: &Birth) -> Certificate {
        let (buckets, state) = match &birth.envelope {
            Some(envelope) => {
                (Buckets::funded(envelope.funded(), envelope.terms.attached), CommissionState::Active)
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
            awaited: Money::ZERO,
            page_left: 0,
            topped_up: Money::ZERO,
            refund: None,
        }
    }

    /// What it was born with.
    #[must_use]
    pub fn birth(&self) -> &Birth {
        &self.birth
    }

    /// Holds its series in common with whoever gave this one, which is the same.
    pub(crate) fn share(&mut self, series: &Arc<Series>) {
        debug_assert_eq!(self.birth.series, *series);
        self.birth.series = Arc::clone(series);
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
    pub fn hops(&self) -> impl DoubleEndedIterator<Item = &Hop> + Clone {
        self.hops.iter()
    }

    /// How many hops its chain has.
    #[must_use]
    pub fn hop_count(&self) -> u32 {
        self.hops.count()
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

    /// The money of cashed promises whose credits are still to go out, in minor units: part of I1.
    #[must_use]
    pub fn unpaid(&self) -> u128 {
        if self.claws_back() { 0 } else { self.promised_to_unpaid() - u128::from(self.awaited.minor()) }
    }

    /// The money in its envelope, in minor units: part of I1. Where a payment certificate backs the commission, the
    /// buckets are claims and the money is its payer's.
    #[must_use]
    pub fn envelope(&self) -> u128 {
        if self.backed() { 0 } else { u128::from(self.buckets.unspent().minor()) }
    }

    fn promised_to_unpaid(&self) -> u128 {
        self.unpaid.iter().map(|index| u128::from(self.hop(*index).promise.minor())).sum()
    }

    /// True where nothing of it is under way: no page, no money that is awaited, no refund that is not paid.
    #[must_use]
    pub fn at_rest(&self) -> bool {
        self.paid_out() && (self.refund.is_none() || self.claws_back())
    }

    /// True once every credit has gone out and no page is awaited.
    fn paid_out(&self) -> bool {
        self.unpaid.is_empty() && self.page_left == 0 && self.awaited.is_zero()
    }

    /// True where `unpaid` are those whose cashed commission is clawed back.
    fn claws_back(&self) -> bool {
        self.refunded().is_some()
    }

    /// The refund, once it was paid.
    #[must_use]
    pub fn refunded(&self) -> Option<&Refunded> {
        match &self.refund.as_ref()?.state {
            RefundState::Asking(_) => None,
            RefundState::Paid(refunded) => Some(refunded),
        }
    }

    /// What its commission was funded with, top-ups included.
    #[must_use]
    pub fn funded(&self) -> Money {
        let sum = self.birth.funded().checked_add(self.topped_up);
        sum.unwrap_or_else(|| unreachable!("both came out of one currency's whole money"))
    }

    /// What of the payment certificate that backs its commission it stands for, in minor units: the payer, the id
    /// and the amount; none where there is no such.
    #[must_use]
    pub fn claims(&self) -> Option<(ActorNumber, &RequestId, u128)> {
        let envelope = self.birth.envelope.as_ref()?;
        let claimed = u128::from(self.buckets.unspent().minor()) + u128::from(self.awaited.minor());
        Some((envelope.payer, envelope.backing.as_ref()?, claimed))
    }

    fn hop(&self, index: u32) -> &Hop {
        self.hops.at(index)
    }

    /// As `Resident::glance`.
    pub(super) fn glance(&self) -> u64 {
        let uncashed = self.uncashed.first().copied().unwrap_or(0);
        let hops = self.hops.newest().iter().rev().take(HOPS_GLANCED_AT);
        let hops =
            hops.fold(0, |read, hop| read ^ hop.account.0 ^ hop.promise.minor() ^ u64::from(hop.cashed));
        let birth = self.birth.payee.0 ^ self.birth.price.minor();
        let conditional = |envelope: &Envelope| envelope.terms.condition.is_some();
        let terms = self.birth.envelope.as_ref().is_some_and(conditional);
        hops ^ birth
            ^ u64::from(terms)
            ^ u64::from(uncashed)
            ^ self.buckets.reserve.minor()
            ^ u64::from(self.sale.is_some())
            ^ self.unpaid.len() as u64
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

    /// True once the prompt has fired and the commission still stands (W10).
    #[must_use]
    pub fn almost_met(&self) -> bool {
        self.prompted && self.active()
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
