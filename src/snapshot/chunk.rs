//! One chunk as it is stored, and the count over all of them.
//!
//! A chunk is stored under its key as
//!
//! ```text
//!  0  4  magic "hgbC"
//!  4  4  format version, 1
//!  8  4  length of the payload
//! 12  8  the first bytes of the chunk's hash
//! 20     the payload: the value that was put
//! ```
//!
//! The hash is BLAKE3 over the key's length in eight bytes, the key and the payload, so a value under another's
//! key is found. The count keeps the sum of all hashes: it is the same in any order, it can be kept up to date
//! chunk by chunk, and a chunk that is missing, too much or of an earlier generation changes it. Numbers are
//! little endian. Absent on purpose: where chunks are stored.

use std::collections::HashMap;

use super::error::SnapshotError;
use crate::limits::{CHUNK_BYTES_MAX, CHUNK_KEY_BYTES_MAX};

const MAGIC: [u8; 4] = *b"hgbC";
const VERSION: u32 = 1;
const HEAD_BYTES: usize = 20;

/// How many chunks, how long and with which hashes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    /// The count of chunks.
    pub chunks: u64,
    /// The length of all values in bytes.
    pub bytes: u64,
    /// The sum of all hashes, wrapping.
    pub digest: u128,
}

/// What the tally must know of one chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    hash: u128,
    bytes: u64,
}

impl Mark {
    fn of(key: &[u8], value: &[u8]) -> Self {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&(key.len() as u64).to_le_bytes()).update(key).update(value);
        let mut hash = [0; 16];
        hash.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
        Mark { hash: u128::from_le_bytes(hash), bytes: value.len() as u64 }
    }
}

impl Tally {
    /// Counts a chunk.
    pub fn add(&mut self, mark: Mark) {
        self.chunks = self.chunks.wrapping_add(1);
        self.bytes = self.bytes.wrapping_add(mark.bytes);
        self.digest = self.digest.wrapping_add(mark.hash);
    }

    fn take_away(&mut self, mark: Mark) {
        self.chunks = self.chunks.wrapping_sub(1);
        self.bytes = self.bytes.wrapping_sub(mark.bytes);
        self.digest = self.digest.wrapping_sub(mark.hash);
    }
}

/// What one half holds, as its writer remembers it: a mark for each chunk, not the chunk.
#[derive(Debug, Default)]
pub(super) struct Content {
    marks: HashMap<Box<[u8]>, Mark>,
    tally: Tally,
}

impl Content {
    /// Notes that the half has this chunk, and no other one of its key.
    pub fn put(&mut self, key: &[u8], mark: Mark) {
        if let Some(former) = self.marks.insert(key.into(), mark) {
            self.tally.take_away(former);
        }
        self.tally.add(mark);
    }

    /// Notes that the half has no chunk of this key.
    pub fn remove(&mut self, key: &[u8]) {
        if let Some(former) = self.marks.remove(key) {
            self.tally.take_away(former);
        }
    }

    /// The count over all its chunks.
    pub fn tally(&self) -> Tally {
        self.tally
    }
}

/// The bytes to store under a key for a value, and their mark.
pub(super) fn frame(key: &[u8], value: &[u8]) -> Result<(Vec<u8>, Mark), SnapshotError> {
    check_length("key", key.len(), CHUNK_KEY_BYTES_MAX)?;
    let length = check_length("value", value.len(), CHUNK_BYTES_MAX)?;
    let mark = Mark::of(key, value);
    let mut stored = Vec::with_capacity(HEAD_BYTES + value.len());
    stored.extend_from_slice(&MAGIC);
    stored.extend_from_slice(&VERSION.to_le_bytes());
    stored.extend_from_slice(&length.to_le_bytes());
    stored.extend_from_slice(&mark.hash.to_le_bytes()[..8]);
    stored.extend_from_slice(value);
    Ok((stored, mark))
}

/// The value in stored bytes and its mark, or why they are not the chunk of that key.
pub(super) fn unframe<'a>(key: &[u8], stored: &'a [u8]) -> Result<(&'a [u8], Mark), &'static str> {
    let (head, value) = stored.split_at_checked(HEAD_BYTES).ok_or("a chunk is too short")?;
    let (magic, rest) = head.split_at(4);
    let (version, rest) = rest.split_at(4);
    let (length, hash) = rest.split_at(4);
    if magic != MAGIC || version != VERSION.to_le_bytes() {
        return Err("a chunk does not begin like one");
    }
    if length != (value.len() as u32).to_le_bytes() {
        return Err("a chunk has another length than it says");
    }
    let mark = Mark::of(key, value);
    if hash != &mark.hash.to_le_bytes()[..8] {
        return Err("a chunk's checksum does not match its key and value");
    }
    Ok((value, mark))
}

fn check_length(part: &'static str, bytes: usize, bytes_max: u32) -> Result<u32, SnapshotError> {
    match u32::try_from(bytes) {
        Ok(length) if length <= bytes_max => Ok(length),
        _ => Err(SnapshotError::ChunkTooLarge { part, bytes: bytes as u64, bytes_max: bytes_max.into() }),
    }
}
