//! Messages that a record has sent and no record has absorbed, as a log that is read tells them (DESIGN §3, point 8).
//!
//! What of them is left behind the last record is to be delivered. Absent on purpose: the actors.

use rustc_hash::FxHashMap;

use super::envelope::Envelope;
use super::replay::ReplayError;
use crate::domain::{ActorNumber, Onward, Position, Timestamp, WalkId};
use crate::journal::record::Traffic;
use crate::journal::{Cause, Sent};

/// Such messages, after some of a log's records.
#[derive(Default)]
pub(crate) struct Undelivered {
    messages: FxHashMap<Cause, Message>,
    /// The first record that is read.
    reads_from: Position,
    /// True where messages that a later record absorbs are read too.
    reads_all: bool,
}

/// A message as its record has it: most are absorbed a little later, and never read here.
struct Message {
    to: ActorNumber,
    walk: WalkId,
    now: Timestamp,
    hop: u32,
    encoded: Vec<u8>,
}

impl Message {
    fn read(&self, cause: Cause) -> Result<Envelope, ReplayError> {
        let sent = Sent { to: self.to, encoded: &self.encoded };
        let wrong = |why| ReplayError { position: cause.position, why };
        let Onward { to, body, continues } = sent.read().map_err(|error| wrong(error.to_string()))?;
        let (walk, now) = continues.unwrap_or((self.walk, self.now));
        Ok(Envelope { to, walk, now, hop: self.hop, sender: cause.into(), body, ticket: None })
    }
}

impl Undelivered {
    /// Notes from which record on the log is read.
    pub(super) fn reads_from(&mut self, first: Position) {
        self.reads_from = first;
    }

    /// Reads every message from now on, and not only those that nobody absorbs.
    pub(super) fn read_all(&mut self) {
        self.reads_all = true;
    }

    /// Takes the messages that a record absorbs.
    ///
    /// # Errors
    /// Where one is not there, or is another actor's, in words.
    pub(super) fn absorbed(&mut self, position: Position, traffic: Traffic<'_>) -> Result<(), String> {
        for cause in traffic.causes(position) {
            // A message from before the first record that is read was absorbed before the snapshot.
            if cause.position >= self.reads_from
                && self.messages.remove(&cause).is_none_or(|message| message.to != traffic.prefix.actor)
            {
                return Err(format!(
                    "message {} of record {} is not for it to absorb",
                    cause.index, cause.position.0
                ));
            }
        }
        Ok(())
    }

    /// Adds the messages that a record sends.
    ///
    /// # Errors
    /// Where the bytes of one are none, in words.
    pub(super) fn sent(&mut self, position: Position, traffic: Traffic<'_>) -> Result<(), String> {
        let prefix = traffic.prefix;
        for (index, onward) in traffic.onward().enumerate() {
            let onward = onward.map_err(|error| error.to_string())?;
            if self.reads_all {
                onward.read().map_err(|error| format!("its message {index} is none: {error}"))?;
            }
            let cause = Cause { position, index: u32::try_from(index).unwrap_or(u32::MAX) };
            let (to, encoded) = (onward.to, onward.encoded.to_vec());
            let (walk, now, hop) = (prefix.walk, prefix.now, prefix.hop.saturating_add(1));
            self.messages.insert(cause, Message { to, walk, now, hop, encoded });
        }
        Ok(())
    }

    /// Follows a record: what it absorbs, then what it sends.
    ///
    /// # Errors
    /// What is wrong with one of them, in words.
    pub(crate) fn follow(&mut self, position: Position, traffic: Traffic<'_>) -> Result<(), String> {
        self.absorbed(position, traffic)?;
        self.sent(position, traffic)
    }

    /// All of them, in the order of their causes.
    ///
    /// # Errors
    /// Names the record of a message that cannot be read.
    pub(super) fn read(&self) -> Result<Vec<Envelope>, ReplayError> {
        let mut causes: Vec<&Cause> = self.messages.keys().collect();
        causes.sort_unstable();
        causes.into_iter().map(|cause| self.messages[cause].read(*cause)).collect()
    }
}
