//! A record: what one actor decided on one message (DESIGN §3).
//!
//! Its bytes are: the prefix, which says how long the next two are, by the codec the events, the joined messages, and to
//! the end the onward messages, each as its receiver, its length and its encoding: whoever reads the log need not read all
//! of them. Length and checksum around it are the log's.

use std::borrow::Cow;
use std::mem;

use super::error::JournalError;
use super::joined::{self, Joined};
use super::log::RecordBatch;
use super::prefix::{CHAIN_AT, Cause, Prefix, PrefixError};
use crate::codec::{self, CodecError};
use crate::domain::{ActorNumber, BodyParts, Event, Onward, Position, Timestamp, WalkId};

/// A record as it is read back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record<'bytes> {
    /// Who, when, why.
    pub prefix: Prefix,
    /// The events' encoding, as the chain hashes it.
    pub encoded_events: &'bytes [u8],
    /// What happened.
    pub events: Cow<'bytes, [Event]>,
    /// The messages that it absorbs beside its first, which then all have an event each.
    pub joined: Vec<Joined>,
    /// What goes on, as it stands there.
    pub encoded_onward: &'bytes [u8],
}

impl<'bytes> Record<'bytes> {
    /// The walks of all messages that it absorbs.
    pub fn walks(&self) -> impl Iterator<Item = WalkId> {
        [self.prefix.walk].into_iter().chain(self.joined.iter().map(|joined| joined.walk))
    }

    /// The messages that it absorbs, and those that it sends.
    #[must_use]
    pub fn traffic(&self) -> Traffic<'_> {
        let Record { prefix, joined, encoded_onward, .. } = self;
        Traffic { prefix, joined, encoded_onward }
    }

    /// As `Traffic::causes`.
    pub fn causes(&self, own: Position) -> impl Iterator<Item = Cause> {
        self.traffic().causes(own)
    }

    /// Its events by the messages that brought them about, each with its walk's time.
    pub fn parts(&self) -> impl Iterator<Item = (Timestamp, &[Event])> {
        let (first, rest) = self.events.split_at(if self.joined.is_empty() { self.events.len() } else { 1 });
        let joined = self.joined.iter().zip(rest.chunks(1));
        [(self.prefix.now, first)].into_iter().chain(joined.map(|(joined, event)| (joined.now, event)))
    }

    /// As `Traffic::onward`.
    pub fn onward(&self) -> impl Iterator<Item = Result<Sent<'bytes>, RecordError>> + use<'bytes> {
        onward(self.encoded_onward)
    }
}

/// The messages of a record: those that it absorbs and those that it sends.
#[derive(Clone, Copy, Debug)]
pub struct Traffic<'record> {
    /// Who absorbs and sends them.
    pub prefix: &'record Prefix,
    joined: &'record [Joined],
    encoded_onward: &'record [u8],
}

impl<'record> Traffic<'record> {
    /// The messages that it absorbs, where `own` is the record's position; none for a walk's first.
    pub fn causes(self, own: Position) -> impl Iterator<Item = Cause> + use<'record> {
        let joined = self.joined.iter().map(|joined| joined.cause);
        let all = self.prefix.cause.into_iter().chain(joined);
        all.map(move |(record, index)| Cause { position: record.resolve(own), index })
    }

    /// What goes on; an error where the bytes end within a message, and nothing behind it.
    pub fn onward(self) -> impl Iterator<Item = Result<Sent<'record>, RecordError>> + use<'record> {
        onward(self.encoded_onward)
    }
}

fn onward(mut rest: &[u8]) -> impl Iterator<Item = Result<Sent<'_>, RecordError>> {
    std::iter::from_fn(move || {
        (!rest.is_empty()).then(|| {
            let (sent, behind) = Sent::decode_front(mem::take(&mut rest))?;
            rest = behind;
            Ok(sent)
        })
    })
}

/// An onward message of a record, not read yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sent<'bytes> {
    /// To whom.
    pub to: ActorNumber,
    /// The body, and the walk that it continues, by the codec.
    pub encoded: &'bytes [u8],
}

impl<'bytes> Sent<'bytes> {
    fn decode_front(bytes: &'bytes [u8]) -> Result<(Sent<'bytes>, &'bytes [u8]), RecordError> {
        let ((to, length), behind) = codec::decode_front::<(ActorNumber, u64)>(bytes)?;
        let length = usize::try_from(length).map_err(|_| RecordError::Short)?;
        let (encoded, behind) = behind.split_at_checked(length).ok_or(RecordError::Short)?;
        Ok((Sent { to, encoded }, behind))
    }

    /// Reads it.
    ///
    /// # Errors
    /// Where the bytes are no message, or have something behind it.
    pub fn read(&self) -> Result<Onward, RecordError> {
        let ((body, continues), behind) = codec::decode_front(self.encoded)?;
        if behind.is_empty() { Ok(Onward { to: self.to, body, continues }) } else { Err(RecordError::Long) }
    }
}

/// Appends the encoding of a record's events, as the chain hashes it.
///
/// # Errors
/// Where something is not encodable; nothing of ours is.
pub fn encode_events(events: &[Event], bytes: &mut Vec<u8>) -> Result<(), CodecError> {
    codec::encode_into(&events, bytes)
}

/// Appends the record's bytes; the lengths in the prefix are worked out here. `encode_onward` appends the onward messages.
///
/// # Errors
/// Where something is not encodable, of which nothing of ours is; and those of `encode_onward`.
pub fn encode(
    mut prefix: Prefix,
    encoded_events: &[u8],
    encoded_joined: &[u8],
    encode_onward: impl FnOnce(&mut Vec<u8>) -> Result<(), CodecError>,
    bytes: &mut Vec<u8>,
) -> Result<(), CodecError> {
    prefix.events_bytes = length(encoded_events)?;
    prefix.joined_bytes = length(encoded_joined)?;
    prefix.encode_into(bytes);
    bytes.extend_from_slice(encoded_events);
    if !encoded_joined.is_empty() {
        bytes.extend_from_slice(encoded_joined);
    }
    encode_onward(bytes)
}

/// The bytes of a record that a test makes of its parts.
#[cfg(test)]
pub(crate) fn encoded(
    prefix: Prefix,
    encoded_events: &[u8],
    joined: &[Joined],
    onward: &[Onward],
) -> Result<Vec<u8>, CodecError> {
    let (mut encoded_joined, mut bytes) = (Vec::new(), Vec::new());
    joined::encode_into(joined.iter().copied(), prefix.walk, prefix.at, &mut encoded_joined)?;
    encode(prefix, encoded_events, &encoded_joined, |bytes| encode_onward(onward, bytes), &mut bytes)?;
    Ok(bytes)
}

/// Appends onward messages.
///
/// # Errors
/// As for `encode`.
pub fn encode_onward(onward: &[Onward], bytes: &mut Vec<u8>) -> Result<(), CodecError> {
    for Onward { to, body, continues } in onward {
        codec::encode_into(to, bytes)?;
        codec::encode_counted_into(&(body, continues), bytes)?;
    }
    Ok(())
}

/// Appends one onward message within the record's own walk, the parts of whose body stand in no `Body`.
///
/// # Errors
/// As for `encode`.
pub fn encode_sent(to: ActorNumber, parts: BodyParts<'_>, bytes: &mut Vec<u8>) -> Result<(), CodecError> {
    codec::encode_into(&to, bytes)?;
    codec::encode_counted_into(&(parts, None::<(WalkId, Timestamp)>), bytes)
}

fn length(bytes: &[u8]) -> Result<u32, CodecError> {
    u32::try_from(bytes.len()).map_err(|_| CodecError::too_long())
}

/// Where in a batch the record that is pushed next tells the head of its actor's chain, so that it can be set later.
#[must_use]
pub fn chain_place(batch: &RecordBatch) -> u32 {
    let place = u32::try_from(batch.next_record() + CHAIN_AT);
    place.unwrap_or_else(|_| unreachable!("a batch has an end far below four gibibytes"))
}

/// Sets the head's first eight bytes in a record, at the place that `chain_place` gave before it was pushed.
pub fn set_chain(batch: &mut RecordBatch, place: u32, chain: u64) {
    batch.overwrite(place as usize, &chain.to_le_bytes());
}

/// What is decoded of a record, apart from its bytes.
pub struct Parts {
    prefix: Prefix,
    prefix_bytes: usize,
    /// How many.
    events: usize,
    joined: Vec<Joined>,
}

impl Parts {
    /// Decodes a record but for its onward messages; its events go behind the others in `events`, where many records
    /// need no memory of their own.
    ///
    /// # Errors
    /// Where the bytes are no record; then some of its events may be there.
    pub fn decode(bytes: &[u8], events: &mut Vec<Event>) -> Result<Parts, RecordError> {
        let (prefix, behind_prefix) = Prefix::decode_front(bytes)?;
        let (encoded, rest) =
            behind_prefix.split_at_checked(prefix.events_bytes as usize).ok_or(RecordError::Short)?;
        let (events, behind) = codec::decode_front_into(encoded, events)?;
        if !behind.is_empty() {
            return Err(RecordError::Long);
        }
        let encoded = rest.get(..prefix.joined_bytes as usize).ok_or(RecordError::Short)?;
        let joined = if encoded.is_empty() {
            Vec::new()
        } else {
            joined::decode(encoded, prefix.walk, prefix.at)?.ok_or(RecordError::Joined)?
        };
        if !joined.is_empty() && (joined.len() + 1 != events || prefix.cause.is_none()) {
            return Err(RecordError::Joined);
        }
        Ok(Parts { prefix, prefix_bytes: bytes.len() - behind_prefix.len(), events, joined })
    }

    /// Whose record it is.
    #[must_use]
    pub fn actor(&self) -> ActorNumber {
        self.prefix.actor
    }

    /// How many events it has.
    #[must_use]
    pub fn events(&self) -> usize {
        self.events
    }

    /// The record's messages, over the bytes of which it was decoded.
    #[must_use]
    pub fn traffic<'record>(&'record self, bytes: &'record [u8]) -> Traffic<'record> {
        let before =
            self.prefix_bytes + self.prefix.events_bytes as usize + self.prefix.joined_bytes as usize;
        Traffic { prefix: &self.prefix, joined: &self.joined, encoded_onward: &bytes[before..] }
    }

    /// The record, over the bytes of which it was decoded and the events that were.
    #[must_use]
    pub fn over<'bytes>(self, bytes: &'bytes [u8], events: Cow<'bytes, [Event]>) -> Record<'bytes> {
        let (encoded_events, rest) = bytes[self.prefix_bytes..].split_at(self.prefix.events_bytes as usize);
        let encoded_onward = &rest[self.prefix.joined_bytes as usize..];
        Record { prefix: self.prefix, encoded_events, events, joined: self.joined, encoded_onward }
    }
}

/// Reads a record back.
///
/// # Errors
/// Where the bytes are no record; its onward messages are looked at by `Record::onward` alone.
pub fn decode(bytes: &[u8]) -> Result<Record<'_>, RecordError> {
    let mut events = Vec::new();
    let parts = Parts::decode(bytes, &mut events)?;
    Ok(parts.over(bytes, Cow::Owned(events)))
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
    /// Its joined messages are none, or as many as its events are not.
    #[error("its joined messages do not fit it")]
    Joined,
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{
        AccountEvent, Body, Credit, CreditReason, Currency, Debit, Fingerprint, Money, Party, RequestId,
        RequestKey, RequestMark, Serial, Source,
    };
    use crate::journal::{AnswerMark, Reference};

    #[test]
    fn a_message_in_no_box_has_the_bytes_of_one_that_is_in_one() {
        let (offering, serial, amount) = (ActorNumber(7), Serial(2), Money::from_minor(300).unwrap());
        let key = RequestKey { caller: ActorNumber(300), id: RequestId::new("buy").unwrap() };
        let mark = RequestMark::new(key, Fingerprint([5; 16]));
        let debit = Debit { offering, serial, amount, mark, birth: None, source: Source::Available };
        let settle = debit.clone().paid_by(Party { number: ActorNumber(300), currency: Currency::USD });
        let to = ActorNumber(301);
        let bodies = [
            (BodyParts::Debit(serial, &settle), Body::Debit(Box::new(debit.clone()))),
            (BodyParts::Settle(&settle), Body::Settle(Box::new(settle.clone()))),
        ];
        for (parts, body) in bodies {
            let (mut sent, mut expected) = (Vec::new(), Vec::new());
            encode_sent(to, parts, &mut sent).unwrap();
            encode_onward(&[Onward::new(to, body)], &mut expected).unwrap();
            assert_eq!(sent, expected, "{parts:?}");
        }
    }

    #[test]
    fn the_bytes_of_a_record_are_frozen() {
        let (amount, to) = (Money::from_minor(300).unwrap(), ActorNumber(9));
        let events = vec![Event::Account(AccountEvent::Debited { amount, to })];
        let credit = Credit { amount, reason: CreditReason::Transfer, from: ActorNumber(7), awaited: true };
        let onward = [
            Onward::new(to, Body::Credit(credit)),
            Onward { to, body: Body::CreditAbsorbed, continues: Some((WalkId(5), Timestamp(6))) },
        ];
        let prefix = Prefix {
            walk: WalkId(1),
            hop: 0,
            cause: None,
            actor: ActorNumber(7),
            sequence: 2,
            former: Some(Reference::At(Position(3))),
            at: Timestamp(1_000),
            now: Timestamp(1_000),
            chain: 0,
            answer: AnswerMark::Done,
            events_bytes: 7,
            joined_bytes: 0,
        };
        let mut encoded_events = Vec::new();
        encode_events(&events, &mut encoded_events).unwrap();
        let bytes = encoded(prefix, &encoded_events, &[], &onward).unwrap();
        let frozen = [
            // Lengths, chain, walk, actor, sequence, former, at, answer, length of the events.
            &[0x01, 0x00, 0x11, 0x21, 0x10, 0x01, 0, 0, 0, 0, 0, 0, 0, 0, 1, 7, 2, 6, 0xE8, 3, 1, 7][..],
            // One event: of an account, debited, 300 to 9.
            &[1, 0, 4, 251, 0x2C, 1, 9],
            // To 9, eight bytes: a credit of 300 for a transfer from 7, awaited, in the record's own walk.
            &[9, 8, 6, 251, 0x2C, 1, 3, 7, 1, 0],
            // To 9, four bytes: a credit is absorbed, in walk 5 of time 6.
            &[9, 4, 7, 1, 5, 6],
        ];
        assert_eq!(bytes, frozen.concat(), "{bytes:02x?}");
        let record = decode(&bytes).unwrap();
        assert_eq!((record.prefix, &*record.events), (prefix, &events[..]));
        let sent: Vec<Onward> =
            decode(&bytes).unwrap().onward().map(|sent| sent.unwrap().read().unwrap()).collect();
        assert_eq!(sent, onward);
    }
}
