//! The stored bytes of the journal, format version 1. All numbers are little endian; every
//! byte is covered by a CRC32 (the polynomial of zlib).
//!
//! A segment file is a header, then batches without a gap:
//!
//! ```text
//! header, 40 bytes                          batch head, 48 bytes
//!  0  8  magic "hongbaoJ"                    0  4  magic "hgbB"
//!  8  4  format version                      4  4  kind: 1 data, 2 seal
//! 12  8  identity of the store's journal     8  8  identity, as in the header
//! 20  8  position of the first record       16  8  number of the batch
//! 28  8  number of the first batch          24  8  position of its first record
//! 36  4  CRC32 of bytes 0 to 35             32  4  count of records
//!                                           36  4  length of the payload
//! record frame                              40  4  CRC32 of the payload
//!  0  4  length of the record, at least 1   44  4  CRC32 of bytes 0 to 43
//!  4  4  CRC32 of bytes 0 to 3 and 8 on     48     payload: record frames
//!  8     the record
//! ```
//!
//! Batches are numbered from 1, consecutively over the whole journal. A seal has no records
//! and no payload, takes the next number, names the position after the newest, and is the last
//! thing in a journal: what is appended after another start takes its place and number. The
//! identity is drawn when a journal begins. A record may hold any bytes, even those of a
//! batch, but whoever chose them did not know the identity, so no record is ever mistaken for
//! a batch. Every later version keeps the length of the header and the places of its magic,
//! version and checksum, so that a damaged version is told from a newer one.
//!
//! Absent on purpose: files and their order, and what follows from a bad place. Everything
//! here is a function of bytes.

use crc32fast::Hasher;

use super::error::JournalError;
use crate::domain::Position;
use crate::limits::{BATCH_PAYLOAD_BYTES_MAX, JOURNAL_NUMBER_MAX, RECORD_BYTES_MAX};
use crate::planted::{self, Bug};

/// The format version that is written here, and the newest that is read.
pub(super) const VERSION: u32 = 1;
/// Length of a segment's header.
pub(super) const SEGMENT_HEADER_BYTES: usize = 40;
/// Length of a batch's head, and so of a seal.
pub(super) const BATCH_HEAD_BYTES: usize = 48;
/// Length of what precedes each record.
pub(super) const RECORD_HEAD_BYTES: usize = 8;

const SEGMENT_MAGIC: [u8; 8] = *b"hongbaoJ";
const BATCH_MAGIC: [u8; 4] = *b"hgbB";
const KIND_DATA: u32 = 1;
const KIND_SEAL: u32 = 2;

/// The first bytes of every segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SegmentHeader {
    /// Drawn when the journal began; the same in all its segments and batches.
    pub identity: u64,
    /// Position of the first record in the segment.
    pub first_position: Position,
    /// Number of the first batch in the segment.
    pub first_batch: u64,
}

/// Why the first bytes of a segment are refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HeaderFault {
    /// They are not what was written.
    Damaged(&'static str),
    /// They are whole and of this later version.
    Newer(u32),
}

impl SegmentHeader {
    /// The header's bytes.
    pub fn encode(&self) -> [u8; SEGMENT_HEADER_BYTES] {
        let mut bytes = [0; SEGMENT_HEADER_BYTES];
        bytes[0..8].copy_from_slice(&SEGMENT_MAGIC);
        bytes[8..12].copy_from_slice(&VERSION.to_le_bytes());
        bytes[12..20].copy_from_slice(&self.identity.to_le_bytes());
        bytes[20..28].copy_from_slice(&self.first_position.0.to_le_bytes());
        bytes[28..36].copy_from_slice(&self.first_batch.to_le_bytes());
        let checksum = crc32fast::hash(&bytes[..36]);
        bytes[36..40].copy_from_slice(&checksum.to_le_bytes());
        bytes
    }

    /// Reads the header at the beginning of `bytes`.
    pub fn decode(bytes: &[u8]) -> Result<Self, HeaderFault> {
        let Some(bytes) = bytes.first_chunk::<SEGMENT_HEADER_BYTES>() else {
            return Err(HeaderFault::Damaged("the segment's header is cut short"));
        };
        if bytes[0..8] != SEGMENT_MAGIC {
            return Err(HeaderFault::Damaged("this is not the header of a segment"));
        }
        if crc32fast::hash(&bytes[..36]) != u32_at(bytes, 36) {
            return Err(HeaderFault::Damaged("the segment's header does not match its checksum"));
        }
        let header = SegmentHeader {
            identity: u64_at(bytes, 12),
            first_position: Position(u64_at(bytes, 20)),
            first_batch: u64_at(bytes, 28),
        };
        match u32_at(bytes, 8) {
            VERSION if header.first_position.0.max(header.first_batch) >= JOURNAL_NUMBER_MAX => {
                Err(HeaderFault::Damaged("the segment's header has a number that no journal reaches"))
            }
            VERSION => Ok(header),
            0 => Err(HeaderFault::Damaged("the segment has format version 0")),
            newer => Err(HeaderFault::Newer(newer)),
        }
    }
}

/// What a batch is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BatchKind {
    /// It carries records.
    Data,
    /// It says that the journal was ended on purpose.
    Seal,
}

/// The first bytes of every batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct BatchHead {
    /// Data or seal.
    pub kind: BatchKind,
    /// The journal's identity.
    pub identity: u64,
    /// Consecutive over the whole journal, from 1.
    pub number: u64,
    /// Position of the batch's first record; of a seal, one past the newest record.
    pub first_position: Position,
    /// How many records the payload holds.
    pub records: u32,
    /// How many bytes the payload has.
    pub payload_bytes: u32,
    /// Checksum of the payload.
    pub payload_checksum: u32,
}

impl BatchHead {
    /// The head of a data batch over these framed records.
    pub fn data(identity: u64, number: u64, first_position: Position, records: u32, payload: &[u8]) -> Self {
        assert!(
            payload.len() as u64 <= BATCH_PAYLOAD_BYTES_MAX,
            "a batch never has a payload longer than its bound"
        );
        BatchHead {
            kind: BatchKind::Data,
            identity,
            number,
            first_position,
            records,
            payload_bytes: payload.len() as u32,
            payload_checksum: crc32fast::hash(payload),
        }
    }

    /// The seal behind everything before `next_position`.
    pub fn seal(identity: u64, number: u64, next_position: Position) -> Self {
        BatchHead {
            kind: BatchKind::Seal,
            identity,
            number,
            first_position: next_position,
            records: 0,
            payload_bytes: 0,
            payload_checksum: 0,
        }
    }

    /// The position after the batch's last record; none past the end of numbers.
    pub fn next_position(&self) -> Option<Position> {
        let next = self.first_position.0.checked_add(u64::from(self.records))?;
        Some(Position(next))
    }

    /// The head's bytes.
    pub fn encode(&self) -> [u8; BATCH_HEAD_BYTES] {
        let kind = match self.kind {
            BatchKind::Data => KIND_DATA,
            BatchKind::Seal => KIND_SEAL,
        };
        let mut bytes = [0; BATCH_HEAD_BYTES];
        bytes[0..4].copy_from_slice(&BATCH_MAGIC);
        bytes[4..8].copy_from_slice(&kind.to_le_bytes());
        bytes[8..16].copy_from_slice(&self.identity.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.number.to_le_bytes());
        bytes[24..32].copy_from_slice(&self.first_position.0.to_le_bytes());
        bytes[32..36].copy_from_slice(&self.records.to_le_bytes());
        bytes[36..40].copy_from_slice(&self.payload_bytes.to_le_bytes());
        bytes[40..44].copy_from_slice(&self.payload_checksum.to_le_bytes());
        let checksum = crc32fast::hash(&bytes[..44]);
        bytes[44..48].copy_from_slice(&checksum.to_le_bytes());
        bytes
    }

    pub fn decode(bytes: &[u8], identity: u64) -> Result<Self, &'static str> {
        let Some(bytes) = bytes.first_chunk::<BATCH_HEAD_BYTES>() else {
            return Err("the head of a batch is cut short");
        };
        if bytes[0..4] != BATCH_MAGIC {
            return Err("no batch begins here");
        }
        if crc32fast::hash(&bytes[..44]) != u32_at(bytes, 44) {
            return Err("the head of a batch does not match its checksum");
        }
        let head = BatchHead {
            kind: match u32_at(bytes, 4) {
                KIND_DATA => BatchKind::Data,
                KIND_SEAL => BatchKind::Seal,
                _ => return Err("the batch is of a kind that is never written"),
            },
            identity: u64_at(bytes, 8),
            number: u64_at(bytes, 16),
            first_position: Position(u64_at(bytes, 24)),
            records: u32_at(bytes, 32),
            payload_bytes: u32_at(bytes, 36),
            payload_checksum: u32_at(bytes, 40),
        };
        if head.identity != identity {
            return Err("the batch belongs to another journal");
        }
        let room = u64::from(head.payload_bytes);
        let within = head.number < JOURNAL_NUMBER_MAX
            && head.next_position().is_some_and(|next| next.0 < JOURNAL_NUMBER_MAX);
        let plausible = match head.kind {
            BatchKind::Seal => (head.records, room, head.payload_checksum) == (0, 0, 0),
            BatchKind::Data => {
                head.records > 0
                    && room > u64::from(head.records) * RECORD_HEAD_BYTES as u64
                    && room <= BATCH_PAYLOAD_BYTES_MAX
            }
        };
        if !plausible || !within {
            return Err("the head of a batch says what is never written");
        }
        Ok(head)
    }
}

/// What stands at a place where a batch should begin.
#[derive(Debug)]
pub(super) enum Scanned<'bytes> {
    /// A batch, whole: its head and payload match their checksums, its frames their count.
    Whole(BatchHead, &'bytes [u8]),
    /// A good head over a payload that is cut short or damaged, and the records at its
    /// beginning that match their own checksums.
    BadPayload(BatchHead, GoodPrefix, &'static str),
    /// Nothing that can be read as the head of a batch, and why.
    BadHead(&'static str),
}

/// The good records at the beginning of a bad payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct GoodPrefix {
    /// How many they are.
    pub records: u32,
    /// How many bytes of the payload they take.
    pub bytes: usize,
}

/// Reads the batch at the beginning of `bytes`, which may go on behind it.
pub(super) fn scan_batch(bytes: &[u8], identity: u64) -> Scanned<'_> {
    let head = match BatchHead::decode(bytes, identity) {
        Ok(head) => head,
        Err(why) => return Scanned::BadHead(why),
    };
    let there = &bytes[BATCH_HEAD_BYTES..];
    let length = head.payload_bytes as usize;
    let Some(payload) = there.get(..length) else {
        let why = "the payload of a batch is cut short";
        return Scanned::BadPayload(head, good_prefix(there, head.records), why);
    };
    if crc32fast::hash(payload) != head.payload_checksum && !planted::has(Bug::ChecksumIgnored) {
        let why = "a record does not match its checksum";
        return Scanned::BadPayload(head, good_prefix(payload, head.records), why);
    }
    if count_frames(payload) != Some(head.records) {
        return Scanned::BadHead("the records of a batch are not as many as its head says");
    }
    Scanned::Whole(head, payload)
}

/// Looks from `from` on for what proves that the batch behind `number` was durable, and returns where it begins: a whole batch of
/// this journal with a number above `number`, or the head of one that was begun behind it.
pub(super) fn find_batch_after(bytes: &[u8], from: usize, identity: u64, number: u64) -> Option<usize> {
    let end = bytes.len().saturating_sub(BATCH_HEAD_BYTES - 1);
    (from..end).find(|&at| {
        bytes[at] == BATCH_MAGIC[0]
            && match scan_batch(&bytes[at..], identity) {
                Scanned::Whole(head, _) => head.number > number,
                Scanned::BadPayload(head, ..) => head.number > number + 1,
                Scanned::BadHead(_) => false,
            }
    })
}

/// Fills in the length in the frame whose eight bytes were left free at `start` and whose record
/// is all that follows in `framed`.
pub(super) fn set_length(framed: &mut [u8], start: usize) -> Result<(), JournalError> {
    let (head, record) = framed[start..].split_at_mut(RECORD_HEAD_BYTES);
    let length = check_record_length(record.len() as u64)?;
    head[..4].copy_from_slice(&length.to_le_bytes());
    Ok(())
}

/// Fills in the checksums of frames that are whole but for them.
pub(super) fn set_checksums(framed: &mut [u8]) {
    let mut start = 0;
    while let Ok((record, end)) = frame_at(framed, start) {
        let checksum = record_checksum(record.len() as u32, record);
        framed[start + 4..start + RECORD_HEAD_BYTES].copy_from_slice(&checksum.to_le_bytes());
        start = end;
    }
}

/// The record framed at `at` and the place after it, its checksum not looked at: the batch's
/// own covers it.
pub(super) fn frame_at(payload: &[u8], at: usize) -> Result<(&[u8], usize), &'static str> {
    let Some(length) = payload
        .get(at..)
        .and_then(|rest| rest.first_chunk::<RECORD_HEAD_BYTES>())
        .map(|head| u32_at(head, 0))
    else {
        return Err("a record is cut short");
    };
    if length == 0 || u64::from(length) > RECORD_BYTES_MAX {
        return Err("a record has a length that is never written");
    }
    let start = at + RECORD_HEAD_BYTES;
    let end = start + length as usize;
    match payload.get(start..end) {
        Some(record) => Ok((record, end)),
        None => Err("a record is cut short"),
    }
}

fn count_frames(payload: &[u8]) -> Option<u32> {
    let (mut at, mut records) = (0, 0);
    while at < payload.len() {
        (_, at) = frame_at(payload, at).ok()?;
        records += 1;
    }
    Some(records)
}

fn good_prefix(payload: &[u8], records_max: u32) -> GoodPrefix {
    let mut good = GoodPrefix { records: 0, bytes: 0 };
    while good.records < records_max {
        let Ok((record, end)) = frame_at(payload, good.bytes) else {
            break;
        };
        let stored = u32_at(payload, good.bytes + 4);
        if stored != record_checksum(record.len() as u32, record) {
            break;
        }
        good.records += 1;
        good.bytes = end;
    }
    good
}

/// The longest record a batch takes, for the frame's own check.
fn check_record_length(bytes: u64) -> Result<u32, JournalError> {
    if bytes == 0 {
        return Err(JournalError::RecordEmpty);
    }
    match u32::try_from(bytes) {
        Ok(length) if bytes <= RECORD_BYTES_MAX => Ok(length),
        _ => Err(JournalError::RecordTooLarge { bytes, bytes_max: RECORD_BYTES_MAX }),
    }
}

/// The planted bug of that name: takes the bad records out of the last batch of a segment, so that those
/// behind them close up and count as its good ones.
pub(super) fn skip_bad_records(segment: &mut Vec<u8>, identity: u64) {
    let mut start = SEGMENT_HEADER_BYTES;
    while let Scanned::Whole(_, payload) = scan_batch(&segment[start..], identity) {
        start += BATCH_HEAD_BYTES + payload.len();
    }
    if !matches!(scan_batch(&segment[start..], identity), Scanned::BadPayload(..)) {
        return;
    }
    let payload = segment.split_off(start + BATCH_HEAD_BYTES);
    let mut at = 0;
    while let Ok((record, end)) = frame_at(&payload, at) {
        if u32_at(&payload, at + 4) == record_checksum(record.len() as u32, record) {
            segment.extend_from_slice(&payload[at..end]);
        }
        at = end;
    }
}

fn record_checksum(length: u32, record: &[u8]) -> u32 {
    let mut hasher = match LENGTH_CHECKSUMS.get(length as usize) {
        Some(of_length) => Hasher::new_with_initial(*of_length),
        None => Hasher::new_with_initial(length_checksum(length)),
    };
    hasher.update(record);
    hasher.finalize()
}

/// The checksums of the lengths that most records have: so no record is hashed in two pieces, of which the first has four
/// bytes.
static LENGTH_CHECKSUMS: [u32; 512] = {
    let mut checksums = [0; 512];
    let mut length = 0;
    while length < checksums.len() {
        checksums[length] = length_checksum(length as u32);
        length += 1;
    }
    checksums
};

/// The checksum of the four bytes of a length, bit by bit.
const fn length_checksum(length: u32) -> u32 {
    let (mut checksum, mut bits) = (!length, 0);
    while bits < 32 {
        let odd = checksum & 1 == 1;
        checksum >>= 1;
        if odd {
            checksum ^= 0xEDB8_8320;
        }
        bits += 1;
    }
    !checksum
}

/// The number in the four bytes at `at`, which the caller has seen to be there.
fn u32_at(bytes: &[u8], at: usize) -> u32 {
    let mut number = [0; 4];
    number.copy_from_slice(&bytes[at..at + 4]);
    u32::from_le_bytes(number)
}

/// The number in the eight bytes at `at`, which the caller has seen to be there.
fn u64_at(bytes: &[u8], at: usize) -> u64 {
    let mut number = [0; 8];
    number.copy_from_slice(&bytes[at..at + 8]);
    u64::from_le_bytes(number)
}
