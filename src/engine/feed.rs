//! The feed: facts in the order of the journal, each with an id behind which whoever reads can go on, also after a restart.
//!
//! It is read from the journal's files, behind what is durable, so it costs the shards nothing and tells nothing that a crash could
//! take back. How far back it reaches is how much of the journal is kept. Absent on purpose: waiting, and who may read what.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use super::open::Engine;
use crate::actors::Departing;
use crate::domain::{Fact, Position, Timestamp};
use crate::journal::{FolderDisk, Follower, Journal, JournalError, record};
use crate::limits::FEED_BYTES_AT_ONCE;

/// The id of an event in the feed: the record that it follows from, and its place there. As text, `17.0`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventId {
    /// The record.
    pub position: Position,
    /// Which of its facts, from 0.
    pub part: u32,
}

impl EventId {
    /// An id behind the whole of a record.
    #[must_use]
    pub fn behind(position: Position) -> EventId {
        EventId { position, part: u32::MAX }
    }

    /// True for an id behind the whole of its record.
    #[must_use]
    pub fn is_behind_its_record(self) -> bool {
        self.part == u32::MAX
    }
}

/// The text is no event's id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "is not the id of an event: give one as the feed has told it, or 0 to begin at the oldest that is kept"
)]
pub struct NotAnEventId;

impl fmt::Display for EventId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}.{}", self.position.0, self.part)
    }
}

impl FromStr for EventId {
    type Err = NotAnEventId;

    fn from_str(text: &str) -> Result<EventId, NotAnEventId> {
        let number = |text: &str| {
            let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
            digits.then(|| text.parse::<u64>().ok()).flatten().ok_or(NotAnEventId)
        };
        let (position, part) = match text.split_once('.') {
            Some((position, part)) => (number(position)?, number(part)?),
            None if text == "0" => (0, 0),
            None => return Err(NotAnEventId),
        };
        Ok(EventId { position: Position(position), part: u32::try_from(part).map_err(|_| NotAnEventId)? })
    }
}

/// One event of the feed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeedEvent {
    /// Its id.
    pub id: EventId,
    /// When it happened.
    pub at: Timestamp,
    /// What.
    pub fact: Fact,
}

/// The feed cannot be read from there.
#[derive(Debug, thiserror::Error)]
pub enum FeedError {
    /// What comes next is kept no more.
    #[error("what follows {asked} is kept no more: the oldest record is {}; begin anew with 0", oldest.0)]
    Lapsed {
        /// From where it was to go on.
        asked: EventId,
        /// The oldest record that is kept.
        oldest: Position,
    },
    /// The id is of no event yet.
    #[error("{asked} is ahead of the journal, which ends at record {}: it is of another store", newest.0)]
    Ahead {
        /// From where it was to go on.
        asked: EventId,
        /// The newest durable record.
        newest: Position,
    },
    /// The journal cannot be read.
    #[error(transparent)]
    Journal(#[from] JournalError),
}

/// A reader of the feed.
pub struct Feed {
    follower: Follower<FolderDisk>,
    journal: Arc<Journal<Departing>>,
    /// Everything up to here was told.
    told: EventId,
    /// True where the part that was told counts too: not where nothing was told yet.
    begun: bool,
}

impl Engine {
    /// An id behind everything that is durable now.
    #[must_use]
    pub fn newest_event(&self) -> EventId {
        EventId::behind(self.journal().durable())
    }

    /// Reads the feed behind an event; from the oldest that is kept where that is `EventId::default()`; from now on where it is
    /// none.
    ///
    /// # Errors
    /// `Lapsed` and `Ahead`; what reading gives.
    pub fn feed(&self, after: Option<EventId>) -> Result<Feed, FeedError> {
        let (journal, disk) = (Arc::clone(self.journal()), FolderDisk::new(self.journal_folder()));
        let durable = journal.durable();
        let begun = after.is_some_and(|after| after.position != Position(0));
        let told = after.unwrap_or(EventId::behind(durable));
        if told.position > durable {
            return Err(FeedError::Ahead { asked: told, newest: durable });
        }
        let next = match after {
            // Behind the whole of that record.
            Some(after) if after.is_behind_its_record() => Position(after.position.0 + 1),
            Some(after) => after.position,
            None => Position(durable.0 + 1),
        };
        let follower = Follower::new(disk, next).map_err(|error| lapsed(told, error))?;
        Ok(Feed { follower, journal, told, begun })
    }
}

impl Feed {
    /// An id behind everything that was read: whoever has it goes on there, though nothing of it was to be told.
    #[must_use]
    pub fn passed(&self) -> EventId {
        EventId::behind(Position(self.follower.next().0 - 1))
    }

    /// True where something durable was not read yet.
    #[must_use]
    pub fn has_more(&self) -> bool {
        self.follower.next() <= self.journal.durable()
    }

    /// What is there behind what was told, not all of it where there is much (`has_more`), and nothing where nothing of it is
    /// to be told. It reads files, so it belongs on a thread that may wait.
    ///
    /// # Errors
    /// `Lapsed`, where it is read slower than the journal is trimmed; what reading gives.
    pub fn read(&mut self) -> Result<Vec<FeedEvent>, FeedError> {
        let (durable, told, begun) = (self.journal.durable(), self.told, self.begun);
        let mut events = Vec::new();
        let visit = &mut |position: Position, bytes: &[u8]| {
            let record = record::decode(bytes).map_err(|error| JournalError::Corrupt {
                file: Default::default(),
                offset: 0,
                why: format!("record {} cannot be read: {error}", position.0),
            })?;
            let (actor, at) = (record.prefix.actor, record.prefix.at);
            let facts = record.events.iter().filter_map(|event| Fact::of(actor, event));
            for (part, fact) in (0_u32..).zip(facts) {
                let id = EventId { position, part };
                if !begun || id > told {
                    events.push(FeedEvent { id, at, fact });
                }
            }
            Ok(())
        };
        self.follower.read(durable, FEED_BYTES_AT_ONCE, visit).map_err(|error| lapsed(told, error))?;
        if let Some(last) = events.last() {
            (self.told, self.begun) = (last.id, true);
        }
        Ok(events)
    }
}

fn lapsed(asked: EventId, error: JournalError) -> FeedError {
    match error {
        JournalError::Trimmed { oldest, .. } => FeedError::Lapsed { asked, oldest },
        other => FeedError::Journal(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_reads_back_and_nothing_else_is_one() {
        for id in [(0, 0), (1, 0), (17, 3), (u64::MAX, u32::MAX)] {
            let id = EventId { position: Position(id.0), part: id.1 };
            assert_eq!(id.to_string().parse(), Ok(id));
        }
        assert_eq!("0".parse(), Ok(EventId::default()));
        for wrong in [
            "",
            "1",
            ".",
            "1.",
            ".1",
            "+1.0",
            "1.-1",
            "1.0.0",
            "a.b",
            "1.4294967296",
            "99999999999999999999.0",
        ] {
            assert_eq!(wrong.parse::<EventId>(), Err(NotAnEventId), "{wrong}");
        }
    }
}
