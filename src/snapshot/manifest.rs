//! What makes a half count: its manifest, and the manifest's bytes in format version 1.
//!
//! ```text
//!  0  8  magic "hongbaoS"
//!  8  4  format version
//! 12  4  length of the payload
//! 16     payload: the fields of `Manifest` in their order, by `codec`
//!     4  CRC32 of everything before
//! ```
//!
//! Fixed numbers are little endian. Every later version keeps the places of magic and version and the checksum
//! over everything at the end, so that a damaged version is told from a newer one. Absent on purpose: files.

use serde::{Deserialize, Serialize};

use super::chunk::Tally;
use crate::codec::{CodecError, decode_front, encode_into};
use crate::domain::Position;
use crate::limits::MANIFEST_BYTES_MAX;

const MAGIC: [u8; 8] = *b"hongbaoS";
const VERSION: u32 = 1;
const HEAD_BYTES: usize = 16;
const CHECKSUM_BYTES: usize = 4;

/// Which part of the journal a generation stands for, in the words of whoever wrote it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Coverage {
    /// Of the journal that it belongs to.
    pub identity: u64,
    /// The first record that a recovery must read.
    pub read_from: Position,
    /// The newest record in any of its states.
    pub newest: Position,
    /// The number of the next walk when it began.
    pub walks: u64,
}

/// What a finished generation says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// 1, 2, 3 … over both halves.
    pub generation: u64,
    /// Of the journal that it belongs to.
    pub identity: u64,
    /// The first record that a recovery must read.
    pub read_from: Position,
    /// The newest record in any of its states.
    pub newest: Position,
    /// The number of the next walk when it began.
    pub walks: u64,
    /// How many chunks there are.
    pub chunks: u64,
    /// The length of all their values in bytes.
    pub bytes: u64,
    /// The sum of the hashes of all chunks, in any order.
    pub digest: [u8; 16],
    /// The hash of the half's files, with their names.
    pub files: [u8; 16],
}

impl Manifest {
    pub(super) fn new(generation: u64, coverage: Coverage, tally: Tally, files: [u8; 16]) -> Self {
        let Coverage { identity, read_from, newest, walks } = coverage;
        let Tally { chunks, bytes, digest } = tally;
        let digest = digest.to_le_bytes();
        Manifest { generation, identity, read_from, newest, walks, chunks, bytes, digest, files }
    }

    /// How much the half holds.
    pub(super) fn tally(&self) -> Tally {
        Tally { chunks: self.chunks, bytes: self.bytes, digest: u128::from_le_bytes(self.digest) }
    }

    /// The bytes of the manifest's file.
    pub(super) fn encode(&self) -> Result<Vec<u8>, CodecError> {
        let mut payload = Vec::with_capacity(128);
        encode_into(self, &mut payload)?;
        let length = u32::try_from(payload.len()).unwrap_or(u32::MAX);
        let mut bytes = Vec::with_capacity(HEAD_BYTES + payload.len() + CHECKSUM_BYTES);
        bytes.extend_from_slice(&MAGIC);
        bytes.extend_from_slice(&VERSION.to_le_bytes());
        bytes.extend_from_slice(&length.to_le_bytes());
        bytes.extend_from_slice(&payload);
        let checksum = crc32fast::hash(&bytes);
        bytes.extend_from_slice(&checksum.to_le_bytes());
        Ok(bytes)
    }

    /// The manifest that a file's bytes say.
    pub(super) fn decode(bytes: &[u8]) -> Result<Self, Fault> {
        let damaged = |why: &str| Fault::Damaged(why.to_owned());
        if bytes.len() as u64 > MANIFEST_BYTES_MAX {
            return Err(damaged("it is longer than any manifest"));
        }
        let (covered, checksum) = bytes.split_last_chunk().ok_or_else(|| damaged("it is too short"))?;
        let magic = covered.first_chunk::<8>().ok_or_else(|| damaged("it is too short"))?;
        if *magic != MAGIC {
            return Err(damaged("it does not begin like a manifest"));
        }
        if crc32fast::hash(covered) != u32::from_le_bytes(*checksum) {
            return Err(damaged("its checksum does not match"));
        }
        let number = |at: usize| covered.get(at..).and_then(<[u8]>::first_chunk).copied();
        let version = number(8).map(u32::from_le_bytes).ok_or_else(|| damaged("it is too short"))?;
        if version > VERSION {
            return Err(Fault::Newer(version));
        }
        let payload = covered.get(HEAD_BYTES..).ok_or_else(|| damaged("it is too short"))?;
        let length = number(12).map(u32::from_le_bytes).unwrap_or_default();
        if version != VERSION || length as usize != payload.len() {
            return Err(damaged("its version or its length is none"));
        }
        match decode_front(payload) {
            Ok((manifest, [])) => Ok(manifest),
            Ok(_) => Err(damaged("bytes are left behind its fields")),
            Err(error) => Err(Fault::Damaged(error.to_string())),
        }
    }
}

/// Why a manifest's bytes are refused.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// They are not what was written.
    Damaged(String),
    /// They are whole and of this later version.
    Newer(u32),
}
