//! The share chain of a certificate: its hops, oldest first, found by their accounts and by their requests.
//!
//! Most chains are short and are looked through; a long one keeps an index, which is made of its hops and never
//! stored. A snapshot copies a certificate while its shard waits, so the index and all but the newest hops of a long chain stand
//! in parts that copies share. Absent on purpose: who may circulate, and what a hop acquires.

use std::iter;
use std::sync::Arc;

use serde::ser::SerializeSeq;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::domain::money::Money;
use crate::domain::name::RequestId;
use crate::domain::number::{ActorNumber, Fingerprint};
use crate::domain::parted::PartedMap;
use crate::domain::request::{CirculateTask, FoundVia, RequestKey, RequestMark};
use crate::domain::time::Timestamp;

/// Chains of up to so many hops are looked through.
const SHORT_CHAIN: usize = 16;

/// Up to so many hops a chain has room for exactly those that it has.
const ROOM_FOR: usize = 3;

/// So many hops of a long chain stand together.
const PART_HOPS: usize = 256;

/// One circulation in the chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hop {
    /// Who circulated.
    pub account: ActorNumber,
    /// Found where.
    pub via: FoundVia,
    /// The id of its request; the account itself sent it.
    pub id: RequestId,
    /// Of the request's whole body.
    pub(super) fingerprint: Fingerprint,
    /// When it was linked, and the one before unlinked.
    pub linked_at: Timestamp,
    /// What became of its right to acquire.
    pub right: Right,
    /// What it has acquired.
    pub promise: Money,
    /// True once the promise is money.
    pub cashed: bool,
    pub(super) addressee: Addressee,
    pub(super) attached_after: Money,
    /// Where it acquired by a request of its own: that, and what was attached after it.
    pub(super) asked: Option<Box<(RequestMark, Money)>>,
    pub(super) withdrew: bool,
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

/// To whom a request was addressed: request ids are scoped by it (DESIGN §5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(super) enum Addressee {
    /// To the offering, without a serial.
    Offering,
    /// To this certificate.
    Certificate,
}

impl Addressee {
    pub(super) fn of(task: &CirculateTask) -> Addressee {
        if task.named.is_some() { Addressee::Certificate } else { Addressee::Offering }
    }
}

/// A request that the chain remembers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Remembered {
    pub(super) fingerprint: Fingerprint,
    pub(super) effect: Effect,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    /// The hop, as an index into the chain.
    Hop(u32),
    /// An acquiring of its own: the hop, and what was attached after it.
    Acquired(u32, Money),
}

/// The hops of a chain.
#[derive(Clone, Debug, Default)]
pub(super) struct Hops {
    /// All of them, or those of a long chain that are not in whole parts.
    newest: Vec<Hop>,
    /// There once the chain is no longer short.
    long: Option<Box<Long>>,
}

/// What a long chain has beside its newest hops.
#[derive(Clone, Debug, Default)]
struct Long {
    /// The hops before the newest, in whole parts.
    older: Vec<Arc<Vec<Hop>>>,
    /// The first hop of each account.
    accounts: PartedMap<ActorNumber, u32>,
    requests: PartedMap<(Addressee, RequestKey), Remembered>,
}

/// A request of a hop, and what it has brought about.
struct Known<'hop> {
    addressee: Addressee,
    caller: ActorNumber,
    id: &'hop RequestId,
    remembered: Remembered,
}

impl Hop {
    /// The requests that it remembers, where `index` is its place.
    fn requests(&self, index: u32) -> impl Iterator<Item = Known<'_>> {
        let effect = Effect::Hop(index);
        let linked = Known {
            addressee: self.addressee,
            caller: self.account,
            id: &self.id,
            remembered: Remembered { fingerprint: self.fingerprint, effect },
        };
        let asked = self.asked.as_deref().map(|(RequestMark { key, fingerprint, .. }, attached)| {
            let effect = Effect::Acquired(index, *attached);
            Known {
                addressee: Addressee::Certificate,
                caller: key.caller,
                id: &key.id,
                remembered: Remembered { fingerprint: *fingerprint, effect },
            }
        });
        std::iter::once(linked).chain(asked)
    }
}

impl Long {
    /// Of no hops yet, with room for so many.
    fn with_room_for(hops: usize) -> Long {
        // An account may have any number of them.
        let (accounts, requests) = (PartedMap::new(), PartedMap::with_room_for(hops));
        Long { older: Vec::with_capacity(hops / PART_HOPS), accounts, requests }
    }

    fn of(chain: &[Hop]) -> Long {
        let mut long = Long::with_room_for(chain.len());
        (0..).zip(chain).for_each(|(place, hop)| long.know(place, hop));
        long
    }

    /// Knows a hop by its account and its requests from now on.
    fn know(&mut self, place: u32, hop: &Hop) {
        if self.accounts.get(&hop.account).is_none() {
            self.accounts.insert(hop.account, place);
        }
        for known in hop.requests(place) {
            let key = RequestKey { caller: known.caller, id: known.id.clone() };
            self.requests.insert((known.addressee, key), known.remembered);
        }
    }
}

impl Hops {
    fn older(&self) -> &[Arc<Vec<Hop>>] {
        self.long.as_deref().map_or(&[], |long| &long.older)
    }

    /// All, oldest first.
    pub(super) fn iter(&self) -> impl DoubleEndedIterator<Item = &Hop> + Clone {
        self.from(0)
    }

    /// All from one on, found without looking at those before it.
    pub(super) fn from(&self, index: u32) -> impl DoubleEndedIterator<Item = &Hop> + Clone {
        let index = index as usize;
        let whole = self.older().len() * PART_HOPS;
        let parts = &self.older()[(index / PART_HOPS).min(self.older().len())..];
        let newest = &self.newest[index.saturating_sub(whole).min(self.newest.len())..];
        let skip = if parts.is_empty() { 0 } else { index % PART_HOPS };
        let (first, parts) =
            parts.split_first().map_or((&[][..], parts), |(first, rest)| (&first[skip..], rest));
        first.iter().chain(parts.iter().flat_map(|part| part.iter())).chain(newest)
    }

    /// The newest hops, oldest of them first; all of a short chain.
    pub(super) fn newest(&self) -> &[Hop] {
        &self.newest
    }

    /// The newest.
    pub(super) fn last(&self) -> Option<&Hop> {
        self.newest.last().or_else(|| self.older().last()?.last())
    }

    pub(super) fn count(&self) -> u32 {
        u32::try_from(self.older().len() * PART_HOPS + self.newest.len()).unwrap_or(u32::MAX)
    }

    fn get(&self, index: usize) -> Option<&Hop> {
        match self.older().get(index / PART_HOPS) {
            Some(part) => part.get(index % PART_HOPS),
            None => self.newest.get(index - self.older().len() * PART_HOPS),
        }
    }

    /// When the hop with that place was unlinked; none for the newest.
    pub(super) fn unlinked_at(&self, index: usize) -> Option<Timestamp> {
        self.get(index + 1).map(|next| next.linked_at)
    }

    pub(super) fn at(&self, index: u32) -> &Hop {
        self.get(index as usize).unwrap_or_else(|| unreachable!("a chain has no hop {index}"))
    }

    fn at_mut(&mut self, index: u32) -> &mut Hop {
        let index = index as usize;
        let older = self.long.as_mut().map_or(&mut [][..], |long| &mut long.older);
        let whole = older.len() * PART_HOPS;
        match older.get_mut(index / PART_HOPS) {
            Some(part) => &mut Arc::make_mut(part)[index % PART_HOPS],
            None => &mut self.newest[index - whole],
        }
    }

    /// Changes a hop's money; what it is found by stays.
    pub(super) fn cash(&mut self, index: u32) -> Money {
        let hop = self.at_mut(index);
        hop.cashed = true;
        hop.promise
    }

    /// Adds the newest hop, which unlinks the one before.
    #[inline(always)]
    pub(super) fn link(&mut self, hop: Hop) {
        let place = self.count();
        if let Some(long) = &mut self.long {
            long.know(place, &hop);
            if self.newest.len() == PART_HOPS {
                let room = Vec::with_capacity(PART_HOPS);
                long.older.push(Arc::new(std::mem::replace(&mut self.newest, room)));
            }
        } else if self.newest.len() < ROOM_FOR {
            // Most chains stay as short as this, and each would have room for more than it needs.
            self.newest.reserve_exact(1);
        }
        // Made where it stays.
        self.newest.extend(iter::once_with(|| hop));
        if self.long.is_none() && self.newest.len() > SHORT_CHAIN {
            self.long = Some(Box::new(Long::of(&self.newest)));
        }
    }

    /// Notes what a hop has acquired, and by which request where it was one of its own.
    pub(super) fn acquired(&mut self, index: u32, promise: Money, asked: Option<&(RequestMark, Money)>) {
        let hop = self.at_mut(index);
        hop.right = Right::Used;
        hop.promise = promise;
        hop.asked = asked.map(|asked| Box::new(asked.clone()));
        if asked.is_some() && self.long.is_some() {
            let hop = self.at(index).clone();
            if let Some(long) = &mut self.long {
                long.know(index, &hop);
            }
        }
    }

    /// The first hop of an account.
    pub(super) fn first_of(&self, account: ActorNumber) -> Option<u32> {
        match &self.long {
            Some(long) => long.accounts.get(&account).copied(),
            None => (0..).zip(&self.newest).find(|(_, hop)| hop.account == account).map(|(place, _)| place),
        }
    }

    /// What a request with this key has brought about here.
    pub(super) fn remembered(&self, addressee: Addressee, key: &RequestKey) -> Option<Remembered> {
        match &self.long {
            Some(long) => long.requests.get(&(addressee, key.clone())).copied(),
            None => (0..)
                .zip(&self.newest)
                .flat_map(|(place, hop)| hop.requests(place))
                .find(|known| {
                    known.addressee == addressee && known.caller == key.caller && *known.id == key.id
                })
                .map(|known| known.remembered),
        }
    }
}

impl PartialEq for Hops {
    fn eq(&self, other: &Hops) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for Hops {}

impl Serialize for Hops {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut hops = serializer.serialize_seq(Some(self.count() as usize))?;
        self.iter().try_for_each(|hop| hops.serialize_element(hop))?;
        hops.end()
    }
}

impl<'de> Deserialize<'de> for Hops {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Hops, D::Error> {
        let chain = Vec::<Hop>::deserialize(deserializer)?;
        let long = (chain.len() > SHORT_CHAIN).then(|| Box::new(Long::with_room_for(chain.len())));
        let mut hops = Hops { newest: Vec::new(), long };
        chain.into_iter().for_each(|hop| hops.link(hop));
        Ok(hops)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(caller: u64, id: u32) -> RequestMark {
        let key = RequestKey { caller: ActorNumber(caller), id: RequestId::new(id.to_string()).unwrap() };
        RequestMark::new(key, Fingerprint([id as u8; 16]))
    }

    fn hop(place: u32) -> Hop {
        // Three accounts in turn; every other request named no serial.
        let account = u64::from(place % 3);
        Hop {
            account: ActorNumber(account),
            via: FoundVia::Public,
            id: mark(account, place).key.id,
            fingerprint: mark(account, place).fingerprint,
            linked_at: Timestamp(u64::from(place)),
            right: Right::Unused,
            promise: Money::ZERO,
            cashed: false,
            addressee: if place.is_multiple_of(2) { Addressee::Certificate } else { Addressee::Offering },
            attached_after: Money::ZERO,
            asked: None,
            withdrew: false,
        }
    }

    #[test]
    fn short_and_long_chains_find_the_same_also_when_read_back() {
        for length in [1, 3, SHORT_CHAIN as u32, SHORT_CHAIN as u32 + 1, 40, 256, 257, 600] {
            let mut hops = Hops::default();
            for place in 0..length {
                hops.link(hop(place));
                if place.is_multiple_of(4) {
                    // The same id as the hop's own, at the other addressee where that is the offering.
                    hops.acquired(place, Money::ZERO, Some(&(mark(9, 10_000 + place), Money::ZERO)));
                }
            }
            assert_eq!(hops.long.is_some(), length as usize > SHORT_CHAIN);
            let mut bytes = Vec::new();
            crate::codec::encode_into(&hops, &mut bytes).unwrap();
            let (read, _) = crate::codec::decode_front::<Hops>(&bytes).unwrap();
            assert_eq!(read, hops);
            for hops in [&hops, &read] {
                assert_eq!(hops.first_of(ActorNumber(1)), (length > 1).then_some(1), "{length}");
                assert_eq!(hops.first_of(ActorNumber(7)), None);
                for place in 0..length {
                    let hop = hop(place);
                    let own = Remembered { fingerprint: hop.fingerprint, effect: Effect::Hop(place) };
                    let key = RequestKey { caller: hop.account, id: hop.id };
                    assert_eq!(hops.remembered(hop.addressee, &key), Some(own));
                    let other = match hop.addressee {
                        Addressee::Offering => Addressee::Certificate,
                        Addressee::Certificate => Addressee::Offering,
                    };
                    assert_eq!(hops.remembered(other, &key), None);
                    let asked = hops.remembered(Addressee::Certificate, &mark(9, 10_000 + place).key);
                    let effect = Effect::Acquired(place, Money::ZERO);
                    let fingerprint = mark(9, 10_000 + place).fingerprint;
                    assert_eq!(
                        asked,
                        (place.is_multiple_of(4)).then_some(Remembered { fingerprint, effect })
                    );
                    let unlinked = (place + 1 < length).then(|| Timestamp(u64::from(place) + 1));
                    assert_eq!(hops.unlinked_at(place as usize), unlinked);
                }
            }
        }
    }

    #[test]
    fn a_copy_shares_the_older_hops_until_one_of_them_changes() {
        let mut hops = Hops::default();
        (0..1_000).for_each(|place| hops.link(hop(place)));
        let copy = hops.clone();
        let shared = |hops: &Hops| hops.older().iter().filter(|part| Arc::strong_count(part) > 1).count();
        assert_eq!((hops.older().len(), shared(&hops)), (3, 3));
        hops.cash(300);
        assert_eq!(shared(&hops), 2);
        assert!(hops.at(300).cashed && !copy.at(300).cashed && hops != copy);
        for from in [0, 1, 255, 256, 257, 767, 768, 769, 999, 1_000, 2_000] {
            let places = |hops: &Hops| hops.from(from).map(|hop| hop.linked_at.0).collect::<Vec<_>>();
            assert_eq!(places(&hops), (u64::from(from)..1_000).collect::<Vec<_>>(), "{from}");
        }
        let newest_first: Vec<u64> = hops.iter().rev().map(|hop| hop.linked_at.0).collect();
        assert_eq!(newest_first, (0..1_000).rev().collect::<Vec<_>>());
        assert_eq!(hops.last().map(|hop| hop.linked_at), Some(Timestamp(999)));
    }
}
