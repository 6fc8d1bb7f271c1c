//! Snapshots that somebody has asked for, and what became of them.
//!
//! Whoever asks is told of one that began after the asking, so that it stands for everything that was answered before. Absent on
//! purpose: a snapshot for each who asks; all who wait are told of the same.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::domain::Position;

/// A snapshot that was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SnapshotTaken {
    /// 1, 2, 3 … over both halves.
    pub generation: u64,
    /// How many chunks of states it has.
    pub chunks: u64,
    /// The bytes of all its states.
    pub bytes: u64,
    /// The first record of the journal that a start from it reads.
    pub read_from: Position,
    /// How long it took.
    pub took: Duration,
}

/// No snapshot was taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SnapshotNotTaken {
    /// It was begun and given up; nothing is lost, and the next one may succeed.
    #[error("the snapshot failed: {0}")]
    Failed(String),
    /// The engine is closed or has stopped.
    #[error("the engine has stopped and takes no snapshot")]
    Ended,
}

/// What became of a snapshot.
pub type SnapshotOutcome = Result<SnapshotTaken, SnapshotNotTaken>;

/// A snapshot that was asked for. Dropping it takes nothing back.
pub struct AskedSnapshot {
    asked: Arc<Asked>,
    number: u64,
}

impl AskedSnapshot {
    /// What became of it, where that is known yet.
    #[must_use]
    pub fn outcome(&self) -> Option<SnapshotOutcome> {
        self.asked.lock().outcome_of(self.number)
    }

    /// Waits until it is known, but no longer than so long.
    #[must_use]
    pub fn wait(&self, longest: Duration) -> Option<SnapshotOutcome> {
        let open = |state: &mut State| state.outcome_of(self.number).is_none();
        let waited = self.asked.told.wait_timeout_while(self.asked.lock(), longest, open);
        let (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        state.outcome_of(self.number)
    }
}

/// What those who ask share with the thread that takes snapshots.
#[derive(Default)]
pub(super) struct Asked {
    state: Mutex<State>,
    told: Condvar,
}

#[derive(Default)]
struct State {
    /// How many have asked.
    asked: u64,
    /// How many of them are told.
    served: u64,
    /// What the newest of those were told.
    outcome: Option<SnapshotOutcome>,
    ended: bool,
}

impl State {
    fn outcome_of(&self, number: u64) -> Option<SnapshotOutcome> {
        if number <= self.served {
            return self.outcome.clone();
        }
        self.ended.then_some(Err(SnapshotNotTaken::Ended))
    }
}

impl Asked {
    /// Asks for a snapshot.
    pub(super) fn ask(self: &Arc<Asked>) -> AskedSnapshot {
        let mut state = self.lock();
        state.asked += 1;
        AskedSnapshot { asked: Arc::clone(self), number: state.asked }
    }

    /// Those whom the snapshot that begins now is for: how many have asked so far, where somebody waits.
    pub(super) fn waiting(&self) -> Option<u64> {
        let state = self.lock();
        (state.asked > state.served).then_some(state.asked)
    }

    /// Tells all who had asked by then.
    pub(super) fn tell(&self, up_to: u64, outcome: SnapshotOutcome) {
        let mut state = self.lock();
        state.served = up_to;
        state.outcome = Some(outcome);
        drop(state);
        self.told.notify_all();
    }

    /// Tells everybody that no snapshot comes any more.
    pub(super) fn end(&self) {
        self.lock().ended = true;
        self.told.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(generation: u64) -> SnapshotOutcome {
        Ok(SnapshotTaken {
            generation,
            chunks: 1,
            bytes: 2,
            read_from: Position(3),
            took: Duration::from_millis(4),
        })
    }

    #[test]
    fn who_asks_while_one_is_taken_is_told_of_the_next() {
        let asked = Arc::new(Asked::default());
        assert_eq!(asked.waiting(), None);
        let (one, two) = (asked.ask(), asked.ask());
        let begun = asked.waiting().unwrap();
        let late = asked.ask();
        assert_eq!(one.wait(Duration::ZERO), None);
        asked.tell(begun, taken(1));
        assert_eq!([&one, &two].map(AskedSnapshot::outcome), [Some(taken(1)), Some(taken(1))]);
        assert_eq!(late.outcome(), None);
        let next = asked.waiting().unwrap();
        asked.tell(next, Err(SnapshotNotTaken::Failed("no room".to_owned())));
        assert_eq!(late.outcome(), Some(Err(SnapshotNotTaken::Failed("no room".to_owned()))));
        assert_eq!(asked.waiting(), None);
    }

    #[test]
    fn who_waits_is_woken_by_the_outcome_and_by_the_end() {
        let asked = Arc::new(Asked::default());
        let long = Duration::from_secs(60);
        let (one, two) = (asked.ask(), asked.ask());
        let waits = std::thread::spawn(move || one.wait(long));
        asked.tell(1, taken(7));
        assert_eq!(waits.join().unwrap(), Some(taken(7)));
        let waits = std::thread::spawn(move || two.wait(long));
        asked.end();
        assert_eq!(waits.join().unwrap(), Some(Err(SnapshotNotTaken::Ended)));
        assert_eq!(asked.ask().outcome(), Some(Err(SnapshotNotTaken::Ended)), "nor does one come later");
    }
}
