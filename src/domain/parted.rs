//! A map that is copied in one step: its entries stand in many small parts, which copies share until one of them
//! changes a part.
//!
//! A snapshot copies an offering while its shard waits, and an offering may remember millions of requests. The map
//! grows by one part at a time, each time moving half of one part (linear hashing), so no insertion waits for all
//! entries to be placed anew. One that has lost nearly all of them is made anew, in one step.

use std::hash::Hash;
use std::sync::{Arc, Weak};

use hashbrown::HashTable;
use serde::{Deserialize, Deserializer, Serialize, Serializer, ser::SerializeSeq};

use super::keyed::hash_of;

/// How many entries a part holds on average, at most: a copy costs a count for each part, and a change behind a
/// copy the entries of one part.
const PART_ENTRIES: usize = 256;

/// A map that has less than one in so many of the entries that it has parts for is made anew.
const FEW_OF: usize = 8;

/// A map of keys that a client may have chosen: they are hashed with a secret.
#[derive(Clone, Debug)]
pub(in crate::domain) struct PartedMap<K, V> {
    /// Never empty.
    parts: Vec<Arc<HashTable<Hashed<K, V>>>>,
    entries: usize,
}

/// An entry with the hash of its key, so that the table's growing reads and hashes no keys.
#[derive(Clone, Debug)]
struct Hashed<K, V> {
    hash: u64,
    entry: (K, V),
}

impl<K: Hash + Eq + Clone, V: Clone> PartedMap<K, V> {
    pub(in crate::domain) fn new() -> PartedMap<K, V> {
        PartedMap::with_room_for(0)
    }

    /// An empty map into which so many entries go without another part.
    pub(in crate::domain) fn with_room_for(entries: usize) -> PartedMap<K, V> {
        let table = || HashTable::with_capacity(entries.min(PART_ENTRIES));
        let parts = (0..parts_for(entries)).map(|_| Arc::new(table())).collect();
        PartedMap { parts, entries: 0 }
    }

    pub(in crate::domain) fn len(&self) -> usize {
        self.entries
    }

    pub(in crate::domain) fn iter(&self) -> impl Iterator<Item = &(K, V)> {
        self.parts.iter().flat_map(|part| part.iter().map(|hashed| &hashed.entry))
    }

    pub(in crate::domain) fn get(&self, key: &K) -> Option<&V> {
        self.get_hashed((hash_of(key), key))
    }

    /// As `get`, of a key whose `hash_of` is known.
    pub(in crate::domain) fn get_hashed(&self, (hash, key): (u64, &K)) -> Option<&V> {
        debug_assert_eq!(hash, hash_of(key));
        let part = &self.parts[place(hash, self.parts.len())];
        part.find(hash, |hashed| hashed.is(hash, key)).map(|hashed| &hashed.entry.1)
    }

    /// Reads what finding a key with this hash would read, and makes a meaningless number of it.
    pub(in crate::domain) fn glance(&self, hash: u64) -> u64 {
        let part = &self.parts[place(hash, self.parts.len())];
        part.find(hash, |hashed| hashed.hash == hash).map_or(0, |hashed| hashed.hash)
    }

    /// Adds an entry, or changes the one that there is.
    pub(in crate::domain) fn insert(&mut self, key: K, value: V) {
        self.insert_hashed(hash_of(&key), key, value);
    }

    /// As `insert`, of a key whose `hash_of` is known.
    pub(in crate::domain) fn insert_hashed(&mut self, hash: u64, key: K, value: V) {
        debug_assert_eq!(hash, hash_of(&key));
        let part = place(hash, self.parts.len());
        let part = Arc::make_mut(&mut self.parts[part]);
        if let Some(known) = part.find_mut(hash, |hashed| hashed.is(hash, &key)) {
            known.entry.1 = value;
            return;
        }
        part.insert_unique(hash, Hashed { hash, entry: (key, value) }, |hashed| hashed.hash);
        self.entries += 1;
        if self.entries > self.parts.len() * PART_ENTRIES {
            self.grow();
        }
    }

    pub(in crate::domain) fn remove(&mut self, key: &K) {
        let hash = hash_of(key);
        let part = place(hash, self.parts.len());
        let part = Arc::make_mut(&mut self.parts[part]);
        if let Ok(found) = part.find_entry(hash, |hashed| hashed.is(hash, key)) {
            found.remove();
            self.entries -= 1;
            if self.parts.len() > 1 && self.entries * FEW_OF < self.parts.len() * PART_ENTRIES {
                self.begin_anew();
            }
        }
    }

    /// Takes as many parts as its entries need, and gives the memory of the others back.
    fn begin_anew(&mut self) {
        let needed = parts_for(self.entries);
        let mut parts: Vec<HashTable<Hashed<K, V>>> = (0..needed).map(|_| HashTable::new()).collect();
        for hashed in self.parts.drain(..).flat_map(Arc::unwrap_or_clone) {
            parts[place(hashed.hash, needed)].insert_unique(hashed.hash, hashed, |hashed| hashed.hash);
        }
        self.parts = parts.into_iter().map(Arc::new).collect();
    }

    /// Its keys as it stands now.
    pub(in crate::domain) fn keys(&self) -> Keys<K, V> {
        Keys { parts: self.parts.iter().map(Arc::downgrade).collect() }
    }

    /// How many parts are shared with a copy, and how many there are.
    #[cfg(test)]
    pub(in crate::domain) fn shared(&self) -> (usize, usize) {
        (self.parts.iter().filter(|part| Arc::strong_count(part) > 1).count(), self.parts.len())
    }

    /// Adds a part: half of the entries of the part that has stood for it.
    fn grow(&mut self) {
        let added = self.parts.len();
        let halved = added - (1 << added.ilog2());
        let moves = |hashed: &mut Hashed<K, V>| place(hashed.hash, added + 1) == added;
        let mut part = HashTable::with_capacity(PART_ENTRIES);
        for hashed in Arc::make_mut(&mut self.parts[halved]).extract_if(moves) {
            part.insert_unique(hashed.hash, hashed, |hashed| hashed.hash);
        }
        self.parts.push(Arc::new(part));
    }
}

/// The keys of a map as it stood once, for somebody to whom the map does not belong, and whom it does not keep in memory.
#[derive(Debug)]
pub(in crate::domain) struct Keys<K, V> {
    parts: Vec<Weak<HashTable<Hashed<K, V>>>>,
}

impl<K: Hash + Eq, V> Keys<K, V> {
    /// Whether the map has a key; none where its part has changed since, or the map is gone.
    pub(in crate::domain) fn has(&self, key: &K) -> Option<bool> {
        let hash = hash_of(key);
        let part = self.parts[place(hash, self.parts.len())].upgrade()?;
        Some(part.find(hash, |hashed| hashed.is(hash, key)).is_some())
    }
}

impl<K: Eq, V> Hashed<K, V> {
    fn is(&self, hash: u64, key: &K) -> bool {
        self.hash == hash && self.entry.0 == *key
    }
}

fn parts_for(entries: usize) -> usize {
    entries.div_ceil(PART_ENTRIES).max(1)
}

/// The part, of so many, of a key with this hash: by bits that the table within the part does not use.
fn place(hash: u64, parts: usize) -> usize {
    let bits = (hash >> 32) as usize;
    let mask = parts.next_power_of_two() - 1;
    let place = bits & mask;
    // A part that is not there yet is still in the one that will be halved for it.
    if place < parts { place } else { bits & (mask >> 1) }
}

impl<K: Hash + Eq + Clone, V: Clone> Default for PartedMap<K, V> {
    fn default() -> PartedMap<K, V> {
        PartedMap::new()
    }
}

impl<K: Hash + Eq + Clone, V: Clone + PartialEq> PartialEq for PartedMap<K, V> {
    fn eq(&self, other: &PartedMap<K, V>) -> bool {
        self.entries == other.entries && self.iter().all(|(key, value)| other.get(key) == Some(value))
    }
}

impl<K: Serialize + Hash + Eq + Clone, V: Serialize + Clone> Serialize for PartedMap<K, V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut entries = serializer.serialize_seq(Some(self.entries))?;
        self.iter().try_for_each(|entry| entries.serialize_element(entry))?;
        entries.end()
    }
}

impl<'de, K, V> Deserialize<'de> for PartedMap<K, V>
where
    K: Deserialize<'de> + Hash + Eq + Clone,
    V: Deserialize<'de> + Clone,
{
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<PartedMap<K, V>, D::Error> {
        let entries = Vec::<(K, V)>::deserialize(deserializer)?;
        let mut map = PartedMap::with_room_for(entries.len());
        entries.into_iter().for_each(|(key, value)| map.insert(key, value));
        Ok(map)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    fn entries(map: &PartedMap<u32, u32>) -> HashMap<u32, u32> {
        let entries: HashMap<u32, u32> = map.iter().copied().collect();
        assert_eq!(entries.len(), map.len(), "no key stands twice");
        entries
    }

    #[test]
    fn it_grows_part_by_part_and_stays_even() {
        let mut map = PartedMap::new();
        for key in 0..100_000_u32 {
            map.insert(key, key + 1);
        }
        assert_eq!(map.parts.len(), 100_000_usize.div_ceil(PART_ENTRIES));
        assert!((0..100_000).all(|key| map.get(&key) == Some(&(key + 1))));
        assert_eq!(map.get(&100_000), None);
        let largest = map.parts.iter().map(|part| part.len()).max();
        assert!(largest < Some(3 * PART_ENTRIES), "{largest:?}");
    }

    #[test]
    fn one_that_has_lost_nearly_all_of_its_entries_gives_their_memory_back() {
        let mut map = PartedMap::new();
        (0..10_000_u32).for_each(|key| map.insert(key, key));
        let copy = map.clone();
        for key in 0..9_990 {
            map.remove(&key);
            let most = (map.len() * FEW_OF).div_ceil(PART_ENTRIES).max(1);
            assert!(map.parts.len() <= most, "{} parts for {}", map.parts.len(), map.len());
        }
        assert_eq!((map.parts.len(), map.len(), copy.len()), (1, 10, 10_000));
        assert!((0..10_000).all(|key| map.get(&key).is_some() == (key >= 9_990)));
        (0..9_990).for_each(|key| map.insert(key, key));
        assert!(map == copy);
    }

    #[test]
    fn keys_are_known_to_others_as_long_as_their_part_stands_as_it_was() {
        let mut map = PartedMap::new();
        (0..1_000_u32).for_each(|key| map.insert(key, key));
        let keys = map.keys();
        let copy = map.clone();
        assert!((0..2_000).all(|key| keys.has(&key) == Some(key < 1_000)));
        map.insert(2_000, 0);
        let known = (0..2_000).filter(|key| keys.has(key).is_some()).count();
        assert_eq!(known, 2_000, "the copy still stands as the map did");
        drop(copy);
        let stale = (0..1_000).filter(|key| keys.has(key).is_none()).count();
        assert!((1..1_000).contains(&stale), "one of four parts has changed: {stale} keys");
        map.remove(&7);
        assert_eq!(keys.has(&7), None);
        drop(map);
        assert!((0..2_000).all(|key| keys.has(&key).is_none()));
    }

    proptest! {
        #[test]
        fn copies_are_apart_and_every_one_is_the_map_that_it_should_be(
            before in prop::collection::vec((0_u32..2_000, 0_u32..9, prop::bool::weighted(0.8)), 0..3_000),
            after in prop::collection::vec((0_u32..2_000, 0_u32..9, prop::bool::weighted(0.8)), 0..3_000),
        ) {
            let (mut map, mut model) = (PartedMap::new(), HashMap::new());
            let mut change = |map: &mut PartedMap<u32, u32>, changes: Vec<(u32, u32, bool)>| {
                for (key, value, inserted) in changes {
                    if inserted {
                        map.insert(key, value);
                        model.insert(key, value);
                    } else {
                        map.remove(&key);
                        model.remove(&key);
                    }
                }
                model.clone()
            };
            let model_before = change(&mut map, before);
            let copy = map.clone();
            prop_assert!(copy == map);
            let model_after = change(&mut map, after);
            prop_assert_eq!(entries(&copy), model_before.clone());
            prop_assert_eq!(entries(&map), model_after.clone());
            prop_assert_eq!(copy == map, model_before == model_after);
            let mut bytes = Vec::new();
            crate::codec::encode_into(&map, &mut bytes).unwrap();
            let (read, _) = crate::codec::decode_front::<PartedMap<u32, u32>>(&bytes).unwrap();
            prop_assert!(read == map);
        }
    }
}
