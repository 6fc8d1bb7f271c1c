//! The bounds of the journal, each with its reason.

/// A segment that would grow past this many bytes is followed by a new one: small enough to be
/// read into memory whole at a start, large enough that making files is rare.
pub const SEGMENT_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// Payload bytes gathered for one sync before the next to hand over must wait: past some
/// megabytes a sync costs in proportion to its bytes, so more would buy delay and no speed.
/// The records of one turn are never split, so a batch may be larger by that turn.
pub const BATCH_BYTES_MAX: u64 = 8 * 1024 * 1024;

/// No batch on disk has a longer payload, so a damaged length cannot ask for more memory.
pub const BATCH_PAYLOAD_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// No record is longer: many times what the largest decision of one actor needs, and still
/// small beside the memory of any machine that runs the engine.
pub const RECORD_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// No segment file is longer, because a segment holds at least one batch however large, and
/// otherwise stops at its roll size. The last kibibyte is for the heads.
pub const SEGMENT_FILE_BYTES_MAX: u64 = SEGMENT_BYTES_MAX + BATCH_PAYLOAD_BYTES_MAX + 1024;

const _: () = assert!(RECORD_BYTES_MAX < BATCH_PAYLOAD_BYTES_MAX);
const _: () = assert!(BATCH_BYTES_MAX <= SEGMENT_BYTES_MAX);
const _: () = assert!(BATCH_PAYLOAD_BYTES_MAX <= u32::MAX as u64);
