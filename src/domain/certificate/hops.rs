//! The share chain of a certificate: its hops, oldest first, found by their accounts and by their requests.
//!
//! Most chains are short and are looked through; a long one keeps an index, which is made of its hops and never
//! stored. Absent on purpose: who may circulate, and what a hop acquires.

use std::collections::HashMap;

use rustc_hash::FxHashMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::domain::money::Money;
use crate::domain::name::RequestId;
use crate::domain::number::{ActorNumber, Fingerprint};
use crate::domain::request::{CirculateTask, FoundVia, RequestKey, RequestMark};
use crate::domain::time::Timestamp;

/// Chains of up to so many hops are looked through.
const SHORT_CHAIN: usize = 16;

/// Up to so many hops a chain has room for exactly those that it has.
const ROOM_FOR: usize = 3;

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
    chain: Vec<Hop>,
    /// There once the chain is no longer short.
    index: Option<Box<Index>>,
}

#[derive(Clone, Debug, Default)]
struct Index {
    /// The first hop of each account.
    accounts: FxHashMap<ActorNumber, u32>,
    requests: HashMap<(Addressee, RequestKey), Remembered>,
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
        let asked = self.asked.as_deref().map(|(RequestMark { key, fingerprint }, attached)| {
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

impl Index {
    fn of(chain: &[Hop]) -> Index {
        let mut index = Index::default();
        (0..).zip(chain).for_each(|(place, hop)| index.add(place, hop));
        index
    }

    fn add(&mut self, place: u32, hop: &Hop) {
        self.accounts.entry(hop.account).or_insert(place);
        self.requests.extend(hop.requests(place).map(|known| {
            let key = RequestKey { caller: known.caller, id: known.id.clone() };
            ((known.addressee, key), known.remembered)
        }));
    }
}

impl Hops {
    pub(super) fn as_slice(&self) -> &[Hop] {
        &self.chain
    }

    pub(super) fn count(&self) -> u32 {
        u32::try_from(self.chain.len()).unwrap_or(u32::MAX)
    }

    /// When the hop with that place was unlinked; none for the newest.
    pub(super) fn unlinked_at(&self, index: usize) -> Option<Timestamp> {
        self.chain.get(index + 1).map(|next| next.linked_at)
    }

    pub(super) fn at(&self, index: u32) -> &Hop {
        &self.chain[index as usize]
    }

    /// Changes a hop's money; what it is found by stays.
    pub(super) fn cash(&mut self, index: u32) -> Money {
        let hop = &mut self.chain[index as usize];
        hop.cashed = true;
        hop.promise
    }

    /// Adds the newest hop, which unlinks the one before.
    pub(super) fn link(&mut self, hop: Hop) {
        if self.chain.len() < ROOM_FOR {
            // Most chains stay as short as this, and each would have room for more than it needs.
            self.chain.reserve_exact(1);
        }
        if let Some(index) = &mut self.index {
            index.add(u32::try_from(self.chain.len()).unwrap_or(u32::MAX), &hop);
        }
        self.chain.push(hop);
        self.keep_index();
    }

    /// Notes what a hop has acquired, and by which request where it was one of its own.
    pub(super) fn acquired(&mut self, index: u32, promise: Money, asked: Option<&(RequestMark, Money)>) {
        let hop = &mut self.chain[index as usize];
        hop.right = Right::Used;
        hop.promise = promise;
        hop.asked = asked.map(|asked| Box::new(asked.clone()));
        if let Some(there) = &mut self.index {
            there.add(index, hop);
        }
    }

    fn keep_index(&mut self) {
        if self.index.is_none() && self.chain.len() > SHORT_CHAIN {
            self.index = Some(Box::new(Index::of(&self.chain)));
        }
    }

    /// The first hop of an account.
    pub(super) fn first_of(&self, account: ActorNumber) -> Option<u32> {
        match &self.index {
            Some(index) => index.accounts.get(&account).copied(),
            None => (0..).zip(&self.chain).find(|(_, hop)| hop.account == account).map(|(place, _)| place),
        }
    }

    /// What a request with this key has brought about here.
    pub(super) fn remembered(&self, addressee: Addressee, key: &RequestKey) -> Option<Remembered> {
        match &self.index {
            Some(index) => index.requests.get(&(addressee, key.clone())).copied(),
            None => (0..)
                .zip(&self.chain)
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
        self.chain == other.chain
    }
}

impl Eq for Hops {}

impl Serialize for Hops {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.chain.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Hops {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Hops, D::Error> {
        let mut hops = Hops { chain: Vec::deserialize(deserializer)?, index: None };
        hops.keep_index();
        Ok(hops)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(caller: u64, id: u32) -> RequestMark {
        let key = RequestKey { caller: ActorNumber(caller), id: RequestId::new(id.to_string()).unwrap() };
        RequestMark { key, fingerprint: Fingerprint([id as u8; 16]) }
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
        for length in [1, 3, SHORT_CHAIN as u32, SHORT_CHAIN as u32 + 1, 40] {
            let mut hops = Hops::default();
            for place in 0..length {
                hops.link(hop(place));
                if place.is_multiple_of(4) {
                    // The same id as the hop's own, at the other addressee where that is the offering.
                    hops.acquired(place, Money::ZERO, Some(&(mark(9, 100 + place), Money::ZERO)));
                }
            }
            assert_eq!(hops.index.is_some(), length as usize > SHORT_CHAIN);
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
                    let asked = hops.remembered(Addressee::Certificate, &mark(9, 100 + place).key);
                    let effect = Effect::Acquired(place, Money::ZERO);
                    let fingerprint = mark(9, 100 + place).fingerprint;
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
}
