//! How values become bytes: bincode with variable-length integers, little endian.
//!
//! bincode says what the form is, and no file but this calls it. Values are written by `encoder` and read by `decoder`, which
//! cost a fraction of bincode; so that they cannot part from it, bincode writes and reads every value too in this package's
//! own tests, of which the simulated markets are a part, and what `decoder` does not read bincode does. Framing (magic,
//! version, length, checksum) is the journal's.

mod decoder;
mod encoder;
#[cfg(test)]
mod tests;

use decoder::{COUNTED_FOR_A_BYTE_MAX, Decoder};
use encoder::{Encoder, Few, ONE_BYTE_MAX, Unencodable};
use serde::{Deserialize, Serialize};

use crate::domain::{Command, Fingerprint};
use crate::limits::RECORD_BYTES_MAX;

/// Stored bytes do not decode, or a value does not encode.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct CodecError(String);

impl CodecError {
    /// For what has more bytes than four bytes can count.
    pub(crate) fn too_long() -> CodecError {
        CodecError("it has more than 4 GiB".to_owned())
    }
}

fn configuration() -> impl bincode::config::Config {
    bincode::config::standard().with_limit::<{ RECORD_BYTES_MAX as usize }>()
}

/// Appends a value's bytes.
///
/// # Errors
/// Where the value is not encodable; nothing of ours is.
pub fn encode_into<T: Serialize>(value: &T, bytes: &mut Vec<u8>) -> Result<(), CodecError> {
    let start = bytes.len();
    value.serialize(Encoder(bytes)).map_err(unencodable)?;
    if cfg!(test) {
        assert_eq!(bytes[start..], by_bincode(value), "these bytes are not bincode's");
    }
    Ok(())
}

/// Appends how many bytes a value has, and then these.
///
/// # Errors
/// As for `encode_into`.
pub fn encode_counted_into<T: Serialize>(value: &T, bytes: &mut Vec<u8>) -> Result<(), CodecError> {
    let start = bytes.len();
    // The number's one byte, which nearly always is enough.
    bytes.push(0);
    encode_into(value, bytes)?;
    let length = bytes.len() - start - 1;
    match u8::try_from(length) {
        Ok(length) if length <= ONE_BYTE_MAX => bytes[start] = length,
        _ => make_room_for_length(bytes, start, length)?,
    }
    Ok(())
}

/// Puts a length that takes more bytes where one was left free for it.
#[cold]
fn make_room_for_length(bytes: &mut Vec<u8>, start: usize, length: usize) -> Result<(), CodecError> {
    let mut number = Few::new();
    length.serialize(Encoder(&mut number)).map_err(unencodable)?;
    bytes.splice(start..=start, number.bytes().iter().copied());
    Ok(())
}

#[cold]
fn unencodable(why: Unencodable) -> CodecError {
    CodecError(why.to_string())
}

/// A value's bytes as bincode gives them, which is what ours are held against.
fn by_bincode<T: Serialize>(value: &T) -> Vec<u8> {
    bincode::serde::encode_to_vec(value, configuration()).unwrap_or_default()
}

/// Takes a value off the front of the bytes; gives it and the bytes that are left.
///
/// # Errors
/// Where the bytes are no such value.
#[inline]
pub fn decode_front<'bytes, T: Deserialize<'bytes>>(
    bytes: &'bytes [u8],
) -> Result<(T, &'bytes [u8]), CodecError> {
    if bytes.len() <= UNBOUNDED_BYTES_MAX {
        let mut decoder = Decoder(bytes);
        if let Some(value) = decode_next(&mut decoder, configuration()) {
            return Ok((value, decoder.0));
        }
    }
    decode_by_bincode(bytes, configuration())
}

/// Takes a sequence off the front of the bytes and puts its values behind others, so that many sequences need no memory of
/// their own; gives how many they are and the bytes that are left.
///
/// # Errors
/// Where the bytes are no such sequence; then some of its values may be there.
pub fn decode_front_into<'bytes, T: Deserialize<'bytes>>(
    bytes: &'bytes [u8],
    values: &mut Vec<T>,
) -> Result<(usize, &'bytes [u8]), CodecError> {
    let others = values.len();
    let (count, mut rest) = decode_front::<u64>(bytes)?;
    for _ in 0..count {
        let value;
        (value, rest) = decode_front(rest)?;
        values.push(value);
    }
    Ok((values.len() - others, rest))
}

/// As `decode_front`, for values that may be longer than a record: the states of a page, or a large actor's, joined from chunks
/// whose checksums were right.
///
/// # Errors
/// Where the bytes are no such value.
pub fn decode_large<'bytes, T: Deserialize<'bytes>>(
    bytes: &'bytes [u8],
) -> Result<(T, &'bytes [u8]), CodecError> {
    let mut decoder = Decoder(bytes);
    match decode_next(&mut decoder, bincode::config::standard()) {
        Some(value) => Ok((value, decoder.0)),
        None => decode_by_bincode(bytes, bincode::config::standard()),
    }
}

/// In so few bytes no value passes bincode's bound, unless a length in it says that there are more.
const UNBOUNDED_BYTES_MAX: usize = RECORD_BYTES_MAX as usize / COUNTED_FOR_A_BYTE_MAX;

/// Reads a value without bincode, as it does with these choices; none where bincode has to look at it.
#[inline(always)]
fn decode_next<'bytes, T: Deserialize<'bytes>>(
    decoder: &mut Decoder<'bytes>,
    choices: impl bincode::config::Config,
) -> Option<T> {
    let bytes = decoder.0;
    let value = T::deserialize(&mut *decoder).ok()?;
    if cfg!(test) {
        let read = decode_by_bincode::<T>(bytes, choices).map(|(_, rest)| rest.len()).ok();
        assert_eq!(read, Some(decoder.0.len()), "bincode does not read these bytes so");
    }
    Some(value)
}

#[cold]
fn decode_by_bincode<'bytes, T: Deserialize<'bytes>>(
    bytes: &'bytes [u8],
    choices: impl bincode::config::Config,
) -> Result<(T, &'bytes [u8]), CodecError> {
    let (value, read) = bincode::serde::borrow_decode_from_slice(bytes, choices)
        .map_err(|error| CodecError(error.to_string()))?;
    Ok((value, bytes.get(read..).unwrap_or_default()))
}

/// The hash of a command's whole body, which tells a repeat from another request with the same id (I12).
///
/// # Errors
/// Where the command is not encodable; none is.
pub fn fingerprint(command: &Command) -> Result<Fingerprint, CodecError> {
    let mut encoded = Few::new();
    command.serialize(Encoder(&mut encoded)).map_err(unencodable)?;
    if cfg!(test) {
        assert_eq!(encoded.bytes(), by_bincode(command), "these bytes are not bincode's");
    }
    let mut short = [0; 16];
    short.copy_from_slice(&blake3::hash(encoded.bytes()).as_bytes()[..16]);
    Ok(Fingerprint(short))
}

#[cfg(test)]
mod frozen {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;
    use crate::domain::{
        ActorNumber, Balance, BasisPoints, Code, Currency, Display, Event, FoundVia, Money, Name,
        OfferingEvent, RequestId, Serial, Timestamp, Via,
    };

    #[track_caller]
    fn stored<T: Serialize + for<'de> Deserialize<'de> + PartialEq + std::fmt::Debug>(
        value: T,
        bytes: &[u8],
    ) {
        let mut encoded = Vec::new();
        encode_into(&value, &mut encoded).unwrap();
        assert_eq!(encoded, bytes, "{value:?}: {encoded:02x?}");
        assert_eq!(decode_front::<T>(bytes).unwrap(), (value, &[][..]));
    }

    #[test]
    fn numbers_take_the_bytes_that_the_format_says() {
        stored(250_u64, &[250]);
        stored(251_u64, &[251, 251, 0]);
        stored(65_535_u32, &[251, 0xFF, 0xFF]);
        stored(65_536_u32, &[252, 0, 0, 1, 0]);
        stored(1_u64 << 32, &[253, 0, 0, 0, 0, 1, 0, 0, 0]);
        stored(1_u128 << 64, &[254, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0]);
        stored(255_u8, &[255]);
        stored(true, &[1]);
    }

    #[test]
    fn values_take_the_bytes_that_the_format_says() {
        stored(Money::from_minor(251).unwrap(), &[251, 251, 0]);
        stored(Balance::from_minor(125), &[250]);
        stored(Balance::from_minor(-126), &[251, 251, 0]);
        stored(BasisPoints::new(10_000).unwrap(), &[251, 0x10, 0x27]);
        stored(Currency::USD, b"\x03USD");
        stored(Timestamp(0x0102_0304_0506), &[253, 6, 5, 4, 3, 2, 1, 0, 0]);
        stored((ActorNumber(7), Serial(8)), &[7, 8]);
        stored(Name::new("买家").unwrap(), "\u{6}买家".as_bytes());
        stored(RequestId::new("id").unwrap(), b"\x02id");
        stored([3_u64, 4], &[3, 4]);
        stored(vec![3_u64, 4], &[2, 3, 4]);
        stored((None::<u32>, Some(5_u32)), &[0, 1, 5]);
        stored(BTreeMap::from([(1_u32, 2_u32)]), &[1, 1, 2]);
        stored(BTreeSet::from([9_u32]), &[1, 9]);
        stored((Display::Snapshot, FoundVia::PrivatePage(ActorNumber(300))), &[2, 1, 251, 0x2C, 1]);
        // By its place, which is one less than its number.
        stored(Code::NotAllowed, &[0]);
        stored(Event::Offering(OfferingEvent::Paid(Serial(6))), &[1, 10, 6]);
    }

    // I12: ids of former requests are told from others by this.
    #[test]
    fn the_fingerprint_of_a_command_is_frozen() {
        let command = Command::purchase(Name::new("tea").unwrap(), Some(Serial(2)), Via::Link);
        let mut encoded = Vec::new();
        encode_into(&command, &mut encoded).unwrap();
        assert_eq!(encoded, [10, 3, b't', b'e', b'a', 1, 2, 2, 0]);
        let hex: String = fingerprint(&command).unwrap().0.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, "ea1523dcecd8fb3d6f9972ed71af2cfa");
    }
}
