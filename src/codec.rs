//! How values become bytes: bincode with variable-length integers, little endian.
//!
//! The only file that names bincode. Framing (magic, version, length, checksum) is the journal's.

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
    bincode::serde::encode_into_writer(value, Behind(bytes), configuration())
        .map_err(|error| CodecError(error.to_string()))
}

/// Writes behind what is there, without the counting and the failing of a writer of files.
struct Behind<'bytes>(&'bytes mut Vec<u8>);

impl bincode::enc::write::Writer for Behind<'_> {
    #[inline]
    fn write(&mut self, bytes: &[u8]) -> Result<(), bincode::error::EncodeError> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }
}

/// Takes a value off the front of the bytes; gives it and the bytes that are left.
///
/// # Errors
/// Where the bytes are no such value.
pub fn decode_front<'bytes, T: Deserialize<'bytes>>(
    bytes: &'bytes [u8],
) -> Result<(T, &'bytes [u8]), CodecError> {
    let (value, read) = bincode::serde::borrow_decode_from_slice(bytes, configuration())
        .map_err(|error| CodecError(error.to_string()))?;
    Ok((value, bytes.get(read..).unwrap_or_default()))
}

/// As `decode_front`, for a value that may be longer than a record: a large actor's state, joined from chunks whose
/// checksums were right.
///
/// # Errors
/// Where the bytes are no such value.
pub fn decode_large<'bytes, T: Deserialize<'bytes>>(
    bytes: &'bytes [u8],
) -> Result<(T, &'bytes [u8]), CodecError> {
    let (value, read) = bincode::serde::borrow_decode_from_slice(bytes, bincode::config::standard())
        .map_err(|error| CodecError(error.to_string()))?;
    Ok((value, bytes.get(read..).unwrap_or_default()))
}

/// The hash of a command's whole body, which tells a repeat from another request with the same id (I12).
///
/// # Errors
/// Where the command is not encodable; none is.
pub fn fingerprint(command: &Command) -> Result<Fingerprint, CodecError> {
    let mut bytes = Vec::with_capacity(128);
    encode_into(command, &mut bytes)?;
    let mut short = [0; 16];
    short.copy_from_slice(&blake3::hash(&bytes).as_bytes()[..16]);
    Ok(Fingerprint(short))
}
