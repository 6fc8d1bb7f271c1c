//! A record: what one actor decided on one message (DESIGN §3).
//!
//! Its bytes are: the prefix, the events' length (in it), the events, the onward messages, each by the
//! codec. Length and checksum around it are the log's.

use serde::{Deserialize, Serialize};

use super::error::JournalError;
use crate::codec::{self, CodecError};
use crate::domain::{ActorNumber, Answer, Code, Event, Onward, Position, Timestamp, WalkId};

/// Which onward message of which record brought this record about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Cause {
    /// The record that sent it.
    pub position: Position,
    /// Its place among that record's onward messages, from 0.
    pub index: u32,
}

/// The same actor's record before this one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Former {
    /// There is none.
    None,
    /// At that position.
    At(Position),
    /// So many records before this one, where its position was not given yet.
    Back(u64),
}

impl Former {
    /// Its position, where `own` is this record's.
    #[must_use]
    pub fn resolve(self, own: Position) -> Position {
        match self {
            Former::None => Position(0),
            Former::At(position) => position,
            Former::Back(records) => Position(own.0.saturating_sub(records)),
        }
    }
}

/// What was answered, for whoever reads the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum AnswerMark {
    /// Nothing yet, or by another record.
    None,
    /// Done.
    Done,
    /// Refused.
    Refused(Code),
}

impl AnswerMark {
    /// The mark of an answer.
    #[must_use]
    pub fn of(answer: Option<&Answer>) -> AnswerMark {
        match answer {
            None => AnswerMark::None,
            Some(Ok(_)) => AnswerMark::Done,
            Some(Err(refusal)) => AnswerMark::Refused(refusal.code),
        }
    }
}

/// Everything in a record but events and onward messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prefix {
    /// The walk.
    pub walk: WalkId,
    /// How many messages the walk had taken before this one, on this way.
    pub hop: u32,
    /// The message's own record; none for a walk's first.
    pub cause: Option<Cause>,
    /// Who decided.
    pub actor: ActorNumber,
    /// The number of the actor's chain entries with this record; one without events adds none.
    pub sequence: u64,
    /// The same actor's record before.
    pub former: Former,
    /// The record's time; an actor's times never fall.
    pub at: Timestamp,
    /// The walk's time, which its rules use.
    pub now: Timestamp,
    /// The first eight bytes of the actor's chain head after it.
    pub chain: u64,
    /// What was answered.
    pub answer: AnswerMark,
    /// The bytes of the events' encoding.
    pub events_bytes: u32,
}

/// A record as it is read back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record<'bytes> {
    /// Who, when, why.
    pub prefix: Prefix,
    /// The events' encoding, as the chain hashes it.
    pub encoded_events: &'bytes [u8],
    /// What happened.
    pub events: Vec<Event>,
    /// What goes on.
    pub onward: Vec<Onward>,
}

/// Appends the record's bytes.
///
/// # Errors
/// Where something is not encodable; nothing of ours is.
pub fn encode(
    prefix: &Prefix,
    encoded_events: &[u8],
    onward: &[Onward],
    bytes: &mut Vec<u8>,
) -> Result<(), CodecError> {
    codec::encode_into(prefix, bytes)?;
    bytes.extend_from_slice(encoded_events);
    codec::encode_into(&onward, bytes)
}

/// Reads a record back.
///
/// # Errors
/// Where the bytes are no record, or have something behind it.
pub fn decode(bytes: &[u8]) -> Result<Record<'_>, RecordError> {
    let (prefix, rest) = codec::decode_front::<Prefix>(bytes)?;
    let (encoded_events, rest) =
        rest.split_at_checked(prefix.events_bytes as usize).ok_or(RecordError::Short)?;
    let (events, behind_events) = codec::decode_front::<Vec<Event>>(encoded_events)?;
    let (onward, behind) = codec::decode_front::<Vec<Onward>>(rest)?;
    if !behind_events.is_empty() || !behind.is_empty() {
        return Err(RecordError::Long);
    }
    Ok(Record { prefix, encoded_events, events, onward })
}

/// Bytes that are no record.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// A value in it does not decode.
    #[error("a value does not decode: {0}")]
    Value(#[from] CodecError),
    /// It ends too early.
    #[error("it ends too early")]
    Short,
    /// There is something behind its end.
    #[error("there are bytes behind its end")]
    Long,
}

/// The failure of a value that does not encode; nothing of ours is such a value.
#[must_use]
pub fn unencodable(error: CodecError) -> JournalError {
    JournalError::Stopped { why: format!("a record does not encode: {error}") }
}
