//! Names to numbers, for the doors. The only file that names dashmap.
//!
//! A name is reserved before its actor begins, and live once it has: a message never overtakes a beginning.
//! Absent on purpose: shards. They follow from the number. No reference into a map outlives its line.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use dashmap::DashMap;

use super::platform::Platform;
use crate::domain::{ActorNumber, Currency, Information, Keyed, Name, SoldOut, Status};

/// What a door knows of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccountEntry {
    /// Its number.
    pub number: ActorNumber,
    /// Its currency.
    pub currency: Currency,
    /// True once it is open.
    pub live: bool,
    /// What it may do.
    pub status: Status,
}

/// What a door knows of an offering.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OfferingEntry {
    /// Its number; its certificates' follow.
    pub number: ActorNumber,
    /// How many certificates it has.
    pub items: u32,
    /// True once it is issued.
    pub live: bool,
}

/// An offering as the directory keeps it.
#[derive(Debug)]
struct Listed {
    entry: OfferingEntry,
    /// Once everything is sold.
    sold_out: Option<Arc<SoldOut>>,
}

impl From<OfferingEntry> for Listed {
    fn from(entry: OfferingEntry) -> Listed {
        Listed { entry, sold_out: None }
    }
}

/// In how many parts each map stands: a door waits for the growth of a small one, and doors seldom meet at one.
const PARTS: usize = 256;

/// Every name of the engine.
#[derive(Debug)]
pub struct Directory {
    accounts: DashMap<Name, AccountEntry, Keyed>,
    offerings: DashMap<Name, Listed, Keyed>,
    platform: Mutex<Platform>,
    next: AtomicU64,
}

impl Default for Directory {
    fn default() -> Directory {
        Directory {
            accounts: DashMap::with_hasher_and_shard_amount(Keyed::default(), PARTS),
            offerings: DashMap::with_hasher_and_shard_amount(Keyed::default(), PARTS),
            platform: Mutex::default(),
            next: AtomicU64::new(1),
        }
    }
}

impl Directory {
    /// The account of that name, live or reserved.
    #[must_use]
    pub fn account(&self, name: &Name) -> Option<AccountEntry> {
        self.accounts.get(name).map(|entry| *entry)
    }

    /// The offering of that name, live or reserved.
    #[must_use]
    pub fn offering(&self, name: &Name) -> Option<OfferingEntry> {
        self.offerings.get(name).map(|listed| listed.entry)
    }

    /// The account of that name, reserved with a new number where there is none.
    pub fn reserve_account(&self, name: &Name, currency: Currency) -> AccountEntry {
        let status = Status::Open;
        let reserve = || AccountEntry { number: self.numbers(1), currency, live: false, status };
        *self.accounts.entry(name.clone()).or_insert_with(reserve)
    }

    /// The offering of that name, reserved with new numbers for it and its certificates where there is none.
    pub fn reserve_offering(&self, name: &Name, items: u32) -> OfferingEntry {
        let reserve = || OfferingEntry { number: self.numbers(1 + u64::from(items)), items, live: false };
        self.offerings.entry(name.clone()).or_insert_with(|| reserve().into()).entry
    }

    fn numbers(&self, count: u64) -> ActorNumber {
        ActorNumber(self.next.fetch_add(count, Ordering::Relaxed))
    }

    /// The account is open.
    pub fn account_opened(&self, name: &Name, number: ActorNumber, currency: Currency) {
        let status = Status::Open;
        self.accounts.insert(name.clone(), AccountEntry { number, currency, live: true, status });
        self.next.fetch_max(number.0 + 1, Ordering::Relaxed);
    }

    /// What the account may do has changed.
    pub fn account_changed(&self, name: &Name, status: Status) {
        if let Some(mut entry) = self.accounts.get_mut(name) {
            entry.status = status;
        }
    }

    /// The offering is issued.
    pub fn offering_issued(&self, name: &Name, number: ActorNumber, items: u32) {
        self.offerings.insert(name.clone(), OfferingEntry { number, items, live: true }.into());
        self.next.fetch_max(number.0 + u64::from(items) + 1, Ordering::Relaxed);
    }

    /// What doors are to know of an offering of which everything is sold; none: they are to ask it.
    pub fn offering_sold_out(&self, name: &Name, sold_out: Option<Arc<SoldOut>>) {
        if let Some(mut listed) = self.offerings.get_mut(name) {
            listed.sold_out = sold_out;
        }
    }

    /// What doors know of an offering of which everything is sold.
    #[must_use]
    pub fn sold_out(&self, offering: &Name) -> Option<Arc<SoldOut>> {
        self.offerings.get(offering)?.sold_out.clone()
    }

    /// The offering stands on the public platform.
    pub fn offering_published(&self, name: &Name, number: ActorNumber, information: &Information) {
        self.platform().add(number, name, information);
    }

    /// Up to `most` published offerings behind the one with number `after` whose product has every word of the text,
    /// in the order of their numbers.
    #[must_use]
    pub fn published(&self, text: &str, after: ActorNumber, most: usize) -> Vec<(ActorNumber, Name)> {
        self.platform().find(text, after, most)
    }

    /// The published offering at or nearest before a number: that of a certificate, where it is one of a published
    /// offering.
    #[must_use]
    pub fn holding(&self, number: ActorNumber) -> Option<(ActorNumber, Name)> {
        self.platform().holding(number)
    }

    fn platform(&self) -> MutexGuard<'_, Platform> {
        self.platform.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
