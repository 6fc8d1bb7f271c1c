//! A record: what one actor decided on one message (DESIGN §3).
//!
//! Its bytes are: the prefix, which says how long the events are, by the codec the events, and to the end the onward
//! messages, each as its receiver, its length and its encoding: whoever reads the log need not read all of them.
//! Length and checksum around it are the log's.

use super::error::JournalError;
use super::log::RecordBatch;
use super::prefix::{CHAIN_AT, Prefix, PrefixError};
use crate::codec::{self, CodecError};
use crate::domain::{ActorNumber, Event, Onward};

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
    pub onward: Vec<Sent<'bytes>>,
}

/// An onward message of a record, not read yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sent<'bytes> {
    /// To whom.
    pub to: ActorNumber,
    /// The body, and the walk that it continues, by the codec.
    pub encoded: &'bytes [u8],
}

impl Sent<'_> {
    /// Reads it.
    ///
    /// # Errors
    /// Where the bytes are no message, or have something behind it.
    pub fn read(&self) -> Result<Onward, RecordError> {
        let ((body, continues), behind) = codec::decode_front(self.encoded)?;
        if behind.is_empty() { Ok(Onward { to: self.to, body, continues }) } else { Err(RecordError::Long) }
    }
}

/// Appends the record's bytes. `scratch` is memory for one message.
///
/// # Errors
/// Where something is not encodable; nothing of ours is.
pub fn encode(
    prefix: &Prefix,
    encoded_events: &[u8],
    onward: &[Onward],
    scratch: &mut Vec<u8>,
    bytes: &mut Vec<u8>,
) -> Result<(), CodecError> {
    prefix.encode_into(bytes);
    bytes.extend_from_slice(encoded_events);
    for Onward { to, body, continues } in onward {
        scratch.clear();
        codec::encode_into(&(body, continues), scratch)?;
        codec::encode_into(&(to, scratch.len() as u64), bytes)?;
        bytes.extend_from_slice(scratch);
    }
    Ok(())
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

/// Reads a record back, but for its onward messages, of which only the frames are looked at.
///
/// # Errors
/// Where the bytes are no record, or have something behind it.
pub fn decode(bytes: &[u8]) -> Result<Record<'_>, RecordError> {
    let (prefix, rest) = Prefix::decode_front(bytes)?;
    let (encoded_events, rest) =
        rest.split_at_checked(prefix.events_bytes as usize).ok_or(RecordError::Short)?;
    let (events, behind_events) = codec::decode_front::<Vec<Event>>(encoded_events)?;
    if !behind_events.is_empty() {
        return Err(RecordError::Long);
    }
    let (mut onward, mut rest) = (Vec::new(), rest);
    while !rest.is_empty() {
        let ((to, length), behind) = codec::decode_front::<(ActorNumber, u64)>(rest)?;
        let length = usize::try_from(length).map_err(|_| RecordError::Short)?;
        let (encoded, behind) = behind.split_at_checked(length).ok_or(RecordError::Short)?;
        onward.push(Sent { to, encoded });
        rest = behind;
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
