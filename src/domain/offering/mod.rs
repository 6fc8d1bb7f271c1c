//! An offering: it alone owns stock, window and cap, brings its certificates to life and allocates them.
//!
//! Absent on purpose: settling. Certificates do that, and tell the offering when they are paid.

mod absorb;
mod allocate;
mod decide;
mod due;
mod parted;
mod stock;

use std::collections::VecDeque;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use parted::PartedMap;
pub use stock::{Payment, Standing, Stock};

use super::commission::CommissionTerms;
use super::event::Queued;
use super::inside::{Birth, Envelope};
use super::money::Money;
use super::number::{ActorNumber, Fingerprint, Serial, WalkId};
use super::request::{IssuedOffer, RequestKey, RequestMark};
use super::time::Timestamp;

/// The state of an offering.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Offering {
    number: ActorNumber,
    offer: IssuedOffer,
    issued_by: RequestMark,
    published: Option<(Timestamp, RequestMark)>,
    commission: Commission,
    stock: Stock,
    requests: PartedMap<RequestKey, Remembered>,
    line: VecDeque<Queued>,
    /// How many of the line have named their serial.
    named_in_line: u32,
    bought: PartedMap<ActorNumber, u32>,
    cursor: u32,
    window_opened: bool,
    window_closed: bool,
    /// What went home to the commission's payer from envelopes that were here when their time was over.
    returned: Money,
}

/// Where the offering's commission stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Commission {
    /// None was attached.
    None,
    /// The payer's money is awaited; messages that depend on it wait for this walk.
    Attaching { payer: ActorNumber, terms: Arc<CommissionTerms>, mark: RequestMark, walk: WalkId },
    /// Every untouched serial has its envelope here.
    Attached { payer: ActorNumber, terms: Arc<CommissionTerms>, mark: RequestMark },
    /// The time limit has passed and the untouched envelopes went home.
    Expired { payer: ActorNumber, terms: Arc<CommissionTerms>, mark: RequestMark },
}

/// What a request that does not name its serial, or buys, has brought about: recognised for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Remembered {
    fingerprint: Fingerprint,
    effect: Effect,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Effect {
    /// It waits in the line.
    Waits(WalkId),
    /// It buys or bought this serial.
    Buys(Serial),
    /// It circulates or circulated this serial, by that walk.
    Circulates(Serial),
}

impl Offering {
    /// The offering that its first event makes.
    #[must_use]
    pub fn issued(number: ActorNumber, offer: &IssuedOffer, mark: &RequestMark) -> Offering {
        Offering {
            number,
            offer: offer.clone(),
            issued_by: mark.clone(),
            published: None,
            commission: Commission::None,
            stock: Stock::new(offer.items),
            requests: PartedMap::new(),
            line: VecDeque::new(),
            named_in_line: 0,
            bought: PartedMap::new(),
            cursor: 1,
            window_opened: false,
            window_closed: false,
            returned: Money::ZERO,
        }
    }

    /// What it was issued with.
    #[must_use]
    pub fn offer(&self) -> &IssuedOffer {
        &self.offer
    }

    /// Its serials.
    #[must_use]
    pub fn stock(&self) -> &Stock {
        &self.stock
    }

    /// Since when it is published.
    #[must_use]
    pub fn published_at(&self) -> Option<Timestamp> {
        self.published.as_ref().map(|(at, _)| *at)
    }

    /// How many requests it remembers.
    #[must_use]
    pub fn entries(&self) -> usize {
        self.requests.len()
    }

    /// How many buyers wait in its line.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.line.len()
    }

    /// How many certificates an account has bought or is paying.
    #[must_use]
    pub fn bought_by(&self, account: ActorNumber) -> u32 {
        self.bought.get(&account).copied().unwrap_or(0)
    }

    /// The envelopes of untouched serials, in minor units: part of I1.
    #[must_use]
    pub fn envelopes(&self) -> u128 {
        match &self.commission {
            Commission::Attached { terms, .. } => {
                u128::from(terms.funded.minor()) * u128::from(self.stock.untouched())
            }
            _ => 0,
        }
    }

    /// Of the commission of certificates that have not come to life: what is funded in minor units, the
    /// envelopes here and those that went home, and the latter alone.
    #[must_use]
    pub fn funded_at_home(&self) -> (u64, u64) {
        (
            u64::try_from(self.envelopes()).unwrap_or(u64::MAX).saturating_add(self.returned.minor()),
            self.returned.minor(),
        )
    }

    /// The terms of its commission, while it stands and after it has expired.
    #[must_use]
    pub fn terms(&self) -> Option<&CommissionTerms> {
        match &self.commission {
            Commission::None | Commission::Attaching { .. } => None,
            Commission::Attached { terms, .. } | Commission::Expired { terms, .. } => Some(terms),
        }
    }

    fn deadline(&self) -> Option<Timestamp> {
        let own = self.offer.expires_at;
        let commission = self.terms().and_then(|terms| terms.expires_at);
        match (own, commission) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        }
    }

    /// The first instant at which the untouched envelopes are to go home; none where there are none.
    #[must_use]
    pub fn expires_at(&self) -> Option<Timestamp> {
        matches!(self.commission, Commission::Attached { .. }).then(|| self.deadline()).flatten()
    }

    fn birth(&self, serial: Serial) -> Birth {
        let envelope = match &self.commission {
            Commission::Attached { payer, terms, .. } => {
                Some(Envelope { payer: *payer, terms: terms.clone(), deadline: self.deadline() })
            }
            _ => None,
        };
        let published_at =
            self.published_at().unwrap_or_else(|| unreachable!("certificates live after publishing"));
        Birth {
            offering: self.number,
            serial,
            currency: self.offer.currency,
            price: self.offer.price,
            payee: self.offer.payee.number,
            supplier: self.offer.supplier.number,
            published_at,
            seed: self.offer.seed,
            envelope,
        }
    }

    fn all_envelopes(&self, terms: &CommissionTerms) -> Option<Money> {
        terms.funded.checked_times(u64::from(self.offer.items))
    }
}
