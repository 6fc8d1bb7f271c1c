//! Every record of a store from its beginning, replayed as it comes and judged: what a log that has been trimmed no longer
//! knows.
//!
//! Absent on purpose: the log. Whether it still has what is here is for whoever opens it to see.

use super::history::History;
use crate::actors::{House, Replay, invariants, shard_of};
#[cfg(test)]
use crate::domain::Event;
use crate::domain::{ActorNumber, Body, Position, Timestamp};
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

    /// Takes it as `take` does, and leaves the invariants to whoever looks when all is quiet.
    pub(crate) fn add(&mut self, bytes: &[u8]) -> Result<(), String> {
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

    /// The records, oldest first.
    #[cfg(test)]
    pub(crate) fn encoded(&self) -> &[Vec<u8>] {
        &self.records
    }

    /// Every event so far, with its actor and its record's time.
    #[cfg(test)]
    pub(crate) fn events(&self) -> &[(ActorNumber, Timestamp, Event)] {
        self.history.events()
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

    /// Whether a replay that may have begun with a snapshot has come as far as all records.
    pub(crate) fn knows_replay(&self, other: &Replay) -> Result<(), String> {
        Standing::of(other)?.holds(&Standing::of(&self.replay)?)
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

/// How far a replay has come, beside the rooms.
pub(crate) struct Standing {
    pub(crate) latest: Timestamp,
    pub(crate) walks: u64,
    under_way: Vec<(ActorNumber, Body)>,
}

impl Standing {
    pub(crate) fn of(replay: &Replay) -> Result<Standing, String> {
        let undelivered = replay.undelivered().map_err(|error| error.to_string())?;
        let under_way = undelivered.into_iter().map(|envelope| (envelope.to, envelope.body)).collect();
        Ok(Standing { latest: replay.latest(), walks: replay.walks(), under_way })
    }

    /// Whether it is that of all records: the time, what is under way, and that no walk's number is given out again.
    pub(crate) fn holds(&self, whole: &Standing) -> Result<(), String> {
        if self.walks < whole.walks {
            return Err(format!("the next walk is {}, and number {} is taken", self.walks, whole.walks - 1));
        }
        if self.latest != whole.latest {
            return Err(format!("the latest time is {}, not {}", self.latest.0, whole.latest.0));
        }
        if self.under_way != whole.under_way {
            let (ours, theirs) = (&self.under_way, &whole.under_way);
            return Err(format!("undelivered are\n  {ours:?}\nand not\n  {theirs:?}"));
        }
        Ok(())
    }
}
