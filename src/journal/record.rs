//! A record: what one actor decided on one message (DESIGN §3).
//!
//! Its bytes are: the prefix, which says how long the events are, then by the codec the events and the onward
//! messages. Length and checksum around it are the log's.

use super::error::JournalError;
use super::log::RecordBatch;
use super::prefix::{CHAIN_AT, Prefix, PrefixError};
use crate::codec::{self, CodecError};
use crate::domain::{Event, Onward};

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
    prefix.encode_into(bytes);
    bytes.extend_from_slice(encoded_events);
    codec::encode_into(&onward, bytes)
}

/// Where in a batch the record that is pushed next tells the head of its actor's chain, so that it can be set later.
#[must_use]
pub fn chain_place(batch: &RecordBatch) -> usize {
    batch.next_record() + CHAIN_AT
}

/// Sets the head's first eight bytes in a record, at the place that `chain_place` gave before it was pushed.
pub fn set_chain(batch: &mut RecordBatch, place: usize, chain: u64) {
    batch.overwrite(place, &chain.to_le_bytes());
}

/// Reads a record back.
///
/// # Errors
/// Where the bytes are no record, or have something behind it.
pub fn decode(bytes: &[u8]) -> Result<Record<'_>, RecordError> {
    let (prefix, rest) = Prefix::decode_front(bytes)?;
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
    /// Its prefix is none.
    #[error("its prefix {0}")]
    Prefix(#[from] PrefixError),
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
