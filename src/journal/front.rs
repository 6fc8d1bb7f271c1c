//! What the shards and the journal's writer share: one lock, two places to wait, one number.
//!
//! Absent on purpose: who does what with it; `handover` is the shards' side, `writer` the other.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{error::JournalError, log::RecordBatch};
use crate::{
    domain::Position,
    limits::SYNC_MICROSECONDS,
    planted::{self, Bug},
    sync::{
        Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

/// An answer that leaves the process. One that is dropped without `leave` stands for a message
/// whose outcome is unknown, and says so itself.
pub trait Departure: Send + 'static {
    /// Lets it go. This may run on the journal's thread: it must not wait for the journal and
    /// should be short.
    fn leave(self);

    /// Lets all go that leave together, in their order.
    fn leave_all(all: impl Iterator<Item = Self>)
    where
        Self: Sized,
    {
        all.for_each(Self::leave);
    }
}

/// What the journal has written since it was started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct JournalStats {
    /// Bytes written to the device, heads included, since the log was opened.
    pub bytes: u64,
    /// Records made durable.
    pub records: u64,
    /// Syncs, one for each batch that the writer took.
    pub syncs: u64,
    /// How long they took.
    pub sync_times: SyncTimes,
}

/// How long syncs took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SyncTimes {
    /// How many took no longer than each of `limits::SYNC_MICROSECONDS` and longer than the one before; behind the last one
    /// those that took longer than all.
    pub counts: [u64; SYNC_MICROSECONDS.len() + 1],
    /// All together.
    pub sum: Duration,
    /// The longest.
    pub longest: Duration,
}

impl SyncTimes {
    /// Counts one.
    pub(super) fn add(&mut self, took: Duration) {
        let place = SYNC_MICROSECONDS.partition_point(|bound| Duration::from_micros(*bound) < took);
        self.counts[place] += 1;
        self.sum += took;
        self.longest = self.longest.max(took);
    }
}

pub(super) type FaultCallback = Box<dyn FnOnce(&str) + Send>;

/// How the writer is to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// After a seal, so that the next start knows of a clean stop.
    Sealed,
    /// Without one: nobody said that this stop is on purpose.
    Unsealed,
}

/// What the shards and the writer share.
pub(super) struct Shared<A> {
    pub front: Mutex<Front<A>>,
    /// The writer waits here for something to do.
    pub work: Condvar,
    /// Everybody else waits here: for room in the front buffer, or for durability.
    pub progress: Condvar,
    pub durable: AtomicU64,
}

/// What the lock guards.
pub(super) struct Front<A> {
    /// Handed over and not yet taken by the writer.
    pub records: RecordBatch,
    /// The newest position given.
    pub newest: Position,
    /// Answers by the position that must be durable first.
    pub waiting: BTreeMap<Position, Vec<A>>,
    pub trim_before: Option<Position>,
    pub stats: JournalStats,
    pub writer_waits: bool,
    pub ending: Option<Ending>,
    /// Whether the writer ended as it was asked to.
    pub ended: bool,
    pub fault: Option<String>,
    pub on_fault: Vec<FaultCallback>,
}

impl<A> Shared<A> {
    /// The lock. Nothing under it can be left half done by a panic, so a poisoned one is taken
    /// as it is.
    pub fn lock(&self) -> MutexGuard<'_, Front<A>> {
        self.front.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn durable(&self) -> Position {
        Position(self.durable.load(Ordering::Acquire))
    }

    /// Only the writer, with the lock held, says that more is durable.
    pub fn set_durable(&self, durable: Position) {
        self.durable.store(durable.0, Ordering::Release);
    }
}

impl<A> Front<A> {
    pub fn must_take(&self) -> Result<(), JournalError> {
        match (&self.fault, self.ending) {
            (Some(why), _) => Err(JournalError::Poisoned { why: why.clone() }),
            (None, Some(_)) if !planted::has(Bug::ClosedTakes) => Err(JournalError::Closed),
            (None, _) => Ok(()),
        }
    }
}

/// Waits on `condition` and takes a poisoned lock as it is.
pub(super) fn wait<'lock, A>(
    condition: &Condvar,
    front: MutexGuard<'lock, Front<A>>,
) -> MutexGuard<'lock, Front<A>> {
    condition.wait(front).unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_sync_is_counted_once_by_how_long_it_took() {
        let mut times = SyncTimes::default();
        let micros = [0, 100, 101, 200, 5_000, 1_999_999, 2_000_000, 2_000_001, 60_000_000];
        micros.into_iter().for_each(|micros| times.add(Duration::from_micros(micros)));
        assert_eq!(times.counts.iter().sum::<u64>(), micros.len() as u64);
        assert_eq!((times.counts[0], times.counts[1], times.counts.last()), (2, 2, Some(&2)));
        assert_eq!(times.sum, Duration::from_micros(micros.iter().sum()));
        assert_eq!(times.longest, Duration::from_secs(60));
    }
}
