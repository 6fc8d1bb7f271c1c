//! A snapshot under way: what it is going to stand for, and what becomes of its slices. The engine's thread and the
//! crash test both take their snapshots by it.
//!
//! Absent on purpose: threads, waiting, and where chunks are kept.

use std::collections::HashMap;
use std::ops::Range;

use crate::actors::{Piece, Slice, large_key};
use crate::codec::CodecError;
use crate::domain::{ActorNumber, Position};
use crate::planted::{self, Bug};
use crate::snapshot::Coverage;

/// What was stored in a half, so that the next generation there needs what has changed only.
#[derive(Default)]
pub(crate) struct Written {
    /// Every record up to here is in its states.
    up_to: Position,
    /// Large actors with their shards, as every shard has a part of each page, and how many parts each has.
    large: HashMap<(usize, ActorNumber), u32>,
}

/// A chunk's key, and its new value; none where it is to be removed.
pub(crate) type Change = (Vec<u8>, Option<Vec<u8>>);

/// A snapshot under way.
pub(crate) struct Taking {
    half: usize,
    written: Written,
    everything_up_to: Position,
    walks: u64,
    oldest_waiting: Option<Position>,
    newest: Position,
}

impl Taking {
    /// Begins one in a half that from here on stands for nothing; `fresh` where nothing is in it.
    ///
    /// `everything_up_to` is the newest position given, and `walks` the number of the next walk, read in this order:
    /// no record up to that position is then of a walk that the snapshot does not count.
    pub(crate) fn begin(
        halves: &mut [Option<Written>; 2],
        half: usize,
        fresh: bool,
        everything_up_to: Position,
        walks: u64,
    ) -> Taking {
        let mut written = halves[half].take().filter(|_| !fresh).unwrap_or_default();
        if planted::has(Bug::OtherHalfCounted)
            && let Some(other) = &halves[1 - half]
        {
            written.up_to = written.up_to.max(other.up_to);
        }
        Taking { half, written, everything_up_to, walks, oldest_waiting: None, newest: everything_up_to }
    }

    /// Only what has a record behind this is swept. Houses are asked to begin once each has ended the turn that it
    /// was in when the snapshot began: then the messages of all records up to there have arrived.
    pub(crate) fn changed_since(&self) -> Position {
        self.written.up_to
    }

    /// Notes the oldest record whose message waits in a house that has begun its sweep.
    pub(crate) fn waits(&mut self, oldest: Option<Position>) {
        self.oldest_waiting = self.oldest_waiting.into_iter().chain(oldest).min();
    }

    /// Notes a slice. It may be stored once the journal is durable up to the position that this gives.
    pub(crate) fn holds(&mut self, slice: &Slice) -> Position {
        self.newest = self.newest.max(slice.newest);
        if planted::has(Bug::SliceBeforeSync) { Position(0) } else { slice.newest }
    }

    /// What a piece of a shard's slice changes in the half.
    ///
    /// # Errors
    /// Where a state does not encode; none of ours does not.
    pub(crate) fn changes(
        &mut self,
        shard: usize,
        piece: Piece,
        part_bytes_max: usize,
    ) -> Result<Vec<Change>, CodecError> {
        let mut changes = Vec::new();
        let mut remove = |number, parts: Range<u32>| {
            changes.extend(parts.map(|part| (large_key(number, part), None)));
        };
        let number = match &piece {
            Piece::Large(number, _) => Some(*number),
            Piece::Page { page, large, .. } => {
                let gone = |(of, number): &(usize, ActorNumber)| {
                    *of == shard && Piece::spans(*page, *number) && !large.contains(number)
                };
                for ((_, number), parts) in self.written.large.extract_if(|key, _| gone(key)) {
                    remove(number, 0..parts);
                }
                None
            }
        };
        let chunks = piece.into_chunks_of(part_bytes_max)?;
        if let Some(number) = number {
            let parts = u32::try_from(chunks.len()).unwrap_or(u32::MAX);
            let before = self.written.large.insert((shard, number), parts).unwrap_or(0);
            remove(number, parts..before);
        }
        changes.extend(chunks.into_iter().map(|(key, value)| (key, Some(value))));
        Ok(changes)
    }

    /// What it stands for once all its slices are stored.
    pub(crate) fn coverage(&self, identity: u64) -> Coverage {
        let after_everything = Position(self.everything_up_to.0 + 1);
        let waiting = self.oldest_waiting.filter(|_| !planted::has(Bug::WaitingForgotten));
        let read_from = waiting.map_or(after_everything, |waiting| waiting.min(after_everything));
        Coverage { identity, read_from, newest: self.newest, walks: self.walks }
    }

    /// Ends it, once it counts.
    pub(crate) fn finished(mut self, halves: &mut [Option<Written>; 2]) {
        self.written.up_to = self.everything_up_to;
        halves[self.half] = Some(self.written);
    }
}
