//! Entries of many chains, gathered and then hashed together.
//!
//! An entry whose head before is that of another gathered one waits for it: entries are hashed in waves, each of
//! entries that do not depend on each other, and within a wave those of one length side by side.

use super::lanes::{self, LANES};
use super::{BLOCK_BYTES, HEAD_BYTES, HEADER_BYTES, Head, write};
use crate::domain::time::Timestamp;

/// Entries of up to so many blocks, nearly all, are hashed side by side; longer ones one by one.
const BLOCKS_SIDE_BY_SIDE: usize = 4;
/// A wave has its entries by their number of blocks, and all longer ones together.
const CLASSES: usize = BLOCKS_SIDE_BY_SIDE + 1;

/// The head before an entry.
#[derive(Clone, Copy, Debug)]
pub enum Before<'head> {
    /// It is known.
    Head(&'head Head),
    /// It is that of the gathered entry with this place.
    Entry(u32),
}

/// Entries in the order in which they were gathered. Clearing keeps the memory.
#[derive(Default)]
pub struct Entries {
    bytes: Vec<u8>,
    entries: Vec<Entry>,
    heads: Vec<Head>,
    /// The entries' places, in the order in which they are hashed.
    order: Vec<u32>,
    /// For each class of each wave the end of its part of `order`.
    ends: Vec<u32>,
    waves: usize,
}

struct Entry {
    start: usize,
    /// How many bytes its events have.
    events: u32,
    before: Option<u32>,
    wave: u32,
    class: u8,
}

impl Entries {
    /// Gathers an entry of the events whose encoding `encode` appends; gives its place.
    ///
    /// # Errors
    /// That of `encode`; then nothing is gathered.
    pub fn add<E>(
        &mut self,
        before: Before<'_>,
        at: Timestamp,
        encode: impl FnOnce(&mut Vec<u8>) -> Result<(), E>,
    ) -> Result<u32, E> {
        let start = self.bytes.len();
        let (head, before, wave) = match before {
            Before::Head(head) => (head, None, 0),
            Before::Entry(place) => (&[0; HEAD_BYTES], Some(place), self.entries[place as usize].wave + 1),
        };
        let events = match write(&mut self.bytes, head, at, encode) {
            Ok(events) => events,
            Err(error) => {
                self.bytes.truncate(start);
                return Err(error);
            }
        };
        let blocks = (self.bytes.len() - start) / BLOCK_BYTES;
        // At most CLASSES - 1.
        let class = (blocks - 1).min(BLOCKS_SIDE_BY_SIDE) as u8;
        self.waves = self.waves.max(wave as usize + 1);
        self.entries.push(Entry { start, events, before, wave, class });
        Ok(u32::try_from(self.entries.len() - 1)
            .unwrap_or_else(|_| unreachable!("memory ends before places do")))
    }

    /// The encoding of an entry's events.
    #[must_use]
    pub fn events(&self, place: u32) -> &[u8] {
        let Entry { start, events, .. } = self.entries[place as usize];
        &self.bytes[start + HEADER_BYTES..][..events as usize]
    }

    /// True where nothing is gathered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The head after an entry, once all are hashed.
    #[must_use]
    pub fn head(&self, place: u32) -> &Head {
        &self.heads[place as usize]
    }

    /// The head after each entry, in the order of their places, once all are hashed.
    #[must_use]
    pub fn heads(&self) -> &[Head] {
        &self.heads
    }

    /// Hashes all entries.
    pub fn hash(&mut self) {
        self.put_in_order();
        self.heads.clear();
        self.heads.resize(self.entries.len(), Head::default());
        let mut begin = 0;
        for part in 0..self.ends.len() {
            let end = self.ends[part] as usize;
            if begin < end {
                self.hash_part(part % CLASSES, begin..end);
            }
            begin = end;
        }
    }

    /// Forgets all entries.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.entries.clear();
        self.heads.clear();
        self.waves = 0;
    }

    /// Sorts the places by wave and class, by counting.
    fn put_in_order(&mut self) {
        let part = |entry: &Entry| entry.wave as usize * CLASSES + usize::from(entry.class);
        self.ends.clear();
        self.ends.resize(self.waves * CLASSES, 0);
        self.entries.iter().for_each(|entry| self.ends[part(entry)] += 1);
        let mut begin = 0;
        for end in &mut self.ends {
            // Where the part begins; placing its entries moves it to its end.
            begin += std::mem::replace(end, begin);
        }
        self.order.clear();
        self.order.resize(self.entries.len(), 0);
        for (place, entry) in (0..).zip(&self.entries) {
            let next = &mut self.ends[part(entry)];
            self.order[*next as usize] = place;
            *next += 1;
        }
    }

    fn hash_part(&mut self, class: usize, part: std::ops::Range<usize>) {
        for place in &self.order[part.clone()] {
            let Entry { start, before, .. } = self.entries[*place as usize];
            if let Some(before) = before {
                self.bytes[start..start + HEAD_BYTES].copy_from_slice(&self.heads[before as usize]);
            }
        }
        match class {
            0 => self.hash_blocks::<{ BLOCK_BYTES }>(part),
            1 => self.hash_blocks::<{ 2 * BLOCK_BYTES }>(part),
            2 => self.hash_blocks::<{ 3 * BLOCK_BYTES }>(part),
            3 => self.hash_blocks::<{ 4 * BLOCK_BYTES }>(part),
            _ => self.hash_long(part),
        }
    }

    fn hash_blocks<const BYTES: usize>(&mut self, part: std::ops::Range<usize>) {
        for places in self.order[part].chunks(LANES) {
            let mut inputs = [&[0; BYTES]; LANES];
            for (input, place) in inputs.iter_mut().zip(places) {
                let start = self.entries[*place as usize].start;
                *input = self.bytes[start..]
                    .first_chunk()
                    .unwrap_or_else(|| unreachable!("an entry is as long as its class says"));
            }
            let heads = lanes::hash(&inputs[..places.len()]);
            for (place, head) in places.iter().zip(heads) {
                self.heads[*place as usize] = head;
            }
        }
    }

    fn hash_long(&mut self, part: std::ops::Range<usize>) {
        for place in &self.order[part] {
            let start = self.entries[*place as usize].start;
            let next = self.entries.get(*place as usize + 1);
            let end = next.map_or(self.bytes.len(), |next| next.start);
            self.heads[*place as usize] = *blake3::hash(&self.bytes[start..end]).as_bytes();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::convert::Infallible;

    use proptest::prelude::*;

    use super::*;
    use crate::domain::chain::{advance, origin};
    use crate::domain::number::ActorNumber;

    proptest! {
        #[test]
        fn gathered_entries_have_the_heads_of_entries_one_by_one(
            batches in prop::collection::vec(
                prop::collection::vec((0_u64..20, 0_usize..400, any::<u8>()), 0..200),
                1..4,
            ),
        ) {
            let mut gathered = Entries::default();
            let (mut heads, mut at) = (HashMap::new(), 0);
            for batch in batches {
                let mut expected = Vec::new();
                let mut newest: HashMap<u64, u32> = HashMap::new();
                let before = heads.clone();
                for (actor, length, byte) in batch {
                    at += 1;
                    let events = vec![byte; length];
                    let beginning = origin(ActorNumber(actor));
                    let known = before.get(&actor).unwrap_or(&beginning);
                    let former = newest.get(&actor).map_or(Before::Head(known), |place| Before::Entry(*place));
                    let encode = |bytes: &mut Vec<u8>| {
                        bytes.extend_from_slice(&events);
                        Ok::<(), Infallible>(())
                    };
                    let place = gathered.add(former, Timestamp(at), encode).unwrap();
                    prop_assert_eq!(gathered.events(place), &events[..]);
                    newest.insert(actor, place);
                    let head = heads.entry(actor).or_insert(beginning);
                    *head = advance(head, Timestamp(at), &events);
                    expected.push(*head);
                }
                gathered.hash();
                prop_assert_eq!(gathered.heads(), &expected[..]);
                gathered.clear();
                prop_assert!(gathered.is_empty());
            }
        }
    }
}
