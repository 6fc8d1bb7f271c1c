//! Every record of a store from its beginning, replayed as it comes and judged: what a log that has been trimmed no longer
//! knows.
//!
//! Absent on purpose: the log. Whether it still has what is here is for whoever opens it to see.

use super::history::History;
use crate::actors::{House, Replay, invariants, shard_of};
use crate::domain::Position;
use crate::journal::record;

/// The records so far, and what they make.
pub(crate) struct Chronicle {
    records: Vec<Vec<u8>>,
    replay: Replay,
    history: History,
}

impl Chronicle {
    /// One without records yet.
    pub(crate) fn new() -> Chronicle {
        Chronicle { records: Vec::new(), replay: Replay::new(1), history: History::default() }
    }

    /// Takes the next record: it must follow from those before, and leave every invariant whole.
    pub(crate) fn take(&mut self, bytes: &[u8]) -> Result<(), String> {
        self.add(bytes)?;
        let undelivered = self.replay.undelivered().map_err(|error| error.to_string())?;
        invariants::check(self.replay.houses(), &undelivered)
            .map_err(|why| format!("behind record {}: {why}", self.records.len()))
    }

    fn add(&mut self, bytes: &[u8]) -> Result<(), String> {
        let position = Position(self.records.len() as u64 + 1);
        self.records.push(bytes.to_vec());
        let actor = self.replay.record(position, bytes).map_err(|error| format!("I11: {error}"))?;
        let record = record::decode(bytes).map_err(|error| error.to_string())?;
        match self.replay.room(actor) {
            Some(room) => self
                .history
                .record(&record, &room.resident)
                .map_err(|why| format!("behind record {}: {why}", position.0)),
            None => Err(format!("the actor of record {} is not there", position.0)),
        }
    }

    /// How many records there are.
    pub(crate) fn records(&self) -> u64 {
        self.records.len() as u64
    }

    /// Forgets what a crash has taken back: everything behind the first so many records.
    pub(crate) fn cut(self, survivors: u64) -> Result<Chronicle, String> {
        if self.records() == survivors {
            return Ok(self);
        }
        let mut kept = Chronicle::new();
        let survivors = usize::try_from(survivors).unwrap_or(usize::MAX);
        self.records.iter().take(survivors).try_for_each(|bytes| kept.add(bytes))?;
        Ok(kept)
    }

    /// Whether a record that a log still has is the one that was handed over.
    pub(crate) fn knows(&self, position: Position, bytes: &[u8]) -> Result<(), String> {
        match position.0.checked_sub(1).and_then(|index| self.records.get(usize::try_from(index).ok()?)) {
            Some(known) if known == bytes => Ok(()),
            Some(_) => Err(format!("record {} is not the one that was handed over", position.0)),
            None => Err(format!("record {} was never handed over", position.0)),
        }
    }

    /// Whether a replay that may have begun with a snapshot has come to the same: the time, what is under way, and that no
    /// walk's number is given out again.
    pub(crate) fn knows_replay(&self, other: &Replay) -> Result<(), String> {
        if other.walks() < self.replay.walks() {
            return Err(format!(
                "the next walk is {}, and number {} is taken",
                other.walks(),
                self.replay.walks() - 1
            ));
        }
        if other.latest() != self.replay.latest() {
            return Err(format!("the latest time is {}, not {}", other.latest().0, self.replay.latest().0));
        }
        let under_way = |replay: &Replay| {
            let undelivered = replay.undelivered().map_err(|error| error.to_string())?;
            Ok::<_, String>(
                undelivered.into_iter().map(|envelope| (envelope.to, envelope.body)).collect::<Vec<_>>(),
            )
        };
        let (ours, theirs) = (under_way(&self.replay)?, under_way(other)?);
        if ours == theirs {
            Ok(())
        } else {
            Err(format!("under way are\n  {theirs:?}\nand by all records\n  {ours:?}"))
        }
    }

    /// I11: houses are what the records make, bit for bit.
    pub(crate) fn is_lived_by(&self, houses: &[&House]) -> Result<(), String> {
        let ours: usize = self.replay.houses().iter().map(|house| house.rooms().count()).sum();
        let theirs: usize = houses.iter().map(|house| house.rooms().count()).sum();
        if ours != theirs {
            return Err(format!("I11: {theirs} actors live, and the records make {ours}"));
        }
        for (number, room) in self.replay.houses().iter().flat_map(House::rooms) {
            let lives = houses[shard_of(number, houses.len())].room(number);
            if lives != Some(room) {
                return Err(format!(
                    "I11: actor {} is\n  {lives:?}\nand by the records\n  {room:?}",
                    number.0
                ));
            }
        }
        Ok(())
    }

    /// What must hold besides where nothing is under way.
    pub(crate) fn is_quiet(&self) -> Result<(), String> {
        let undelivered = self.replay.undelivered().map_err(|error| error.to_string())?;
        if let Some(envelope) = undelivered.first() {
            return Err(format!("I14: all is quiet, and nobody has absorbed {:?}", envelope.body));
        }
        invariants::check(self.replay.houses(), &[])?;
        self.history.check_quiet(self.replay.houses())
    }
}
