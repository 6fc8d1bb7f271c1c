//! An offering: it alone owns stock, window and cap, brings its certificates to life and allocates them.
//!
//! Absent on purpose: settling. Certificates do that, and tell the offering when they are paid.

mod absorb;
mod allocate;
mod asked;
mod decide;
mod due;
mod reserve;
mod series;
mod sold_out;
mod stock;
mod topping;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::parted::PartedMap;
use series::NewestSeries;
pub use sold_out::SoldOut;
pub use stock::{Payment, Reservation, Standing, Stock};

use super::answer::FrozenRow;
use super::commission::CommissionTerms;
use super::event::Queued;
use super::inside::Body;
use super::message::Display;
use super::money::Money;
use super::name::RequestId;
use super::number::{ActorNumber, Fingerprint, Serial, WalkId};
use super::request::{IssuedOffer, RequestKey, RequestMark, Task};
use super::time::Timestamp;

/// The state of an offering.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Offering {
    number: ActorNumber,
    offer: IssuedOffer,
    issued_by: RequestMark,
    published: Option<Published>,
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
    /// What its commission's payer has added to envelopes that are here (D4).
    topped_up: BTreeMap<u32, Money>,
    #[serde(skip)]
    newest_series: NewestSeries,
}

/// How it stands on the public platform.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Published {
    at: Timestamp,
    mark: RequestMark,
    display: Display,
    /// As it was then, where it is shown so (V2).
    frozen: Option<FrozenRow>,
}

/// Where the offering's commission stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Commission {
    /// None was attached.
    None,
    /// The payer's money is awaited; messages that depend on it wait for this walk.
    Attaching(Attachment, WalkId),
    /// Every untouched serial has its envelope here.
    Attached(Attachment),
    /// The time limit has passed and the untouched envelopes went home.
    Expired(Attachment),
}

/// A commission as it was attached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Attachment {
    payer: ActorNumber,
    terms: Arc<CommissionTerms>,
    mark: RequestMark,
    /// The payer's payment certificate that backs it; none: its money is in the envelopes.
    backing: Option<RequestId>,
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
    /// It reserves or reserved this serial, until then.
    Reserves(Serial, Timestamp),
    /// It has ended the reservation of this serial.
    Cancels(Serial),
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
            topped_up: BTreeMap::new(),
            newest_series: NewestSeries::default(),
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
        self.published.as_ref().map(|published| published.at)
    }

    /// As `Resident::glance`.
    pub(super) fn glance(&self, body: Option<&Body>) -> u64 {
        match body {
            Some(Body::Request(request)) => {
                let serial = match &request.task {
                    Task::Purchase(task) => task.named,
                    Task::Circulate(task) => task.named,
                    _ => None,
                };
                let stock = serial.map_or(0, |serial| self.stock.glance(serial));
                let due = self.next_due().unwrap_or_default();
                self.requests.glance(request.mark.hashed_key().0) ^ stock ^ due.0
            }
            Some(Body::Paid(serial)) => {
                u64::from(self.stock.payment(*serial).is_some()) ^ self.line.len() as u64
            }
            _ => u64::from(self.stock.sold()),
        }
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

    /// What is funded for the envelopes that are here, in minor units: those of serials that have no hop.
    fn enveloped(&self) -> u128 {
        match &self.commission {
            Commission::Attached(Attachment { terms, .. }) => {
                let topped_up = self.topped_up.values().map(|amount| u128::from(amount.minor()));
                u128::from(terms.funded.minor()) * u128::from(self.stock.enveloped())
                    + topped_up.sum::<u128>()
            }
            _ => 0,
        }
    }

    /// The money in the envelopes that are here, in minor units: part of I1.
    #[must_use]
    pub fn envelopes(&self) -> u128 {
        if self.claims_on().is_some() { 0 } else { self.enveloped() }
    }

    /// The payment certificate that backs its commission: the payer and the id; none where it was paid into
    /// envelopes.
    #[must_use]
    pub fn claims_on(&self) -> Option<(ActorNumber, &RequestId)> {
        match &self.commission {
            Commission::Attached(there) | Commission::Expired(there) => {
                there.backing.as_ref().map(|backing| (there.payer, backing))
            }
            Commission::None | Commission::Attaching(..) => None,
        }
    }

    /// What of the payment certificate that backs its commission stands for serials that have no hop.
    #[must_use]
    pub fn claims(&self) -> u128 {
        if self.claims_on().is_some() { self.enveloped() } else { 0 }
    }

    /// Of the commission of certificates that have not come to life: what is funded in minor units, the
    /// envelopes here and those that went home, and the latter alone.
    #[must_use]
    pub fn funded_at_home(&self) -> (u64, u64) {
        (
            u64::try_from(self.enveloped()).unwrap_or(u64::MAX).saturating_add(self.returned.minor()),
            self.returned.minor(),
        )
    }

    /// The terms of its commission, while it stands and after it has expired.
    #[must_use]
    pub fn terms(&self) -> Option<&CommissionTerms> {
        match &self.commission {
            Commission::None | Commission::Attaching(..) => None,
            Commission::Attached(there) | Commission::Expired(there) => Some(&there.terms),
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
        matches!(self.commission, Commission::Attached(_)).then(|| self.deadline()).flatten()
    }

    /// What was added to a serial's envelope, which is here or comes back from a payment that has failed.
    fn topped_up_for(&self, serial: Serial) -> Money {
        let under_way = || self.stock.payment(serial).map(|payment| payment.topped_up);
        self.topped_up.get(&serial.0).copied().or_else(under_way).unwrap_or_default()
    }

    fn all_envelopes(&self, terms: &CommissionTerms) -> Option<Money> {
        terms.funded.checked_times(u64::from(self.offer.items))
    }
}
