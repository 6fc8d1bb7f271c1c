//! Where the batches of a segment and their records begin and end, read by the format's own description
//! (`journal/format.rs`) and without any code of the engine.

use std::fs;
use std::path::{Path, PathBuf};

const SEGMENT_HEADER_BYTES: usize = 40;
const BATCH_HEAD_BYTES: usize = 48;
const RECORD_HEAD_BYTES: usize = 8;

/// One batch of a segment; offsets are bytes of its file.
#[derive(Clone, Debug)]
pub struct Batch {
    /// Where its head begins.
    pub start: usize,
    /// Where each of its records ends; none in a seal.
    pub records_end: Vec<usize>,
}

fn number(bytes: &[u8], at: usize) -> usize {
    u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize
}

/// The batches of a segment that is whole.
pub fn batches(segment: &[u8]) -> Vec<Batch> {
    let mut found = Vec::new();
    let mut start = SEGMENT_HEADER_BYTES;
    while start < segment.len() {
        assert_eq!(segment[start..start + 4], *b"hgbB", "no batch begins at {start}");
        let (count, length) = (number(segment, start + 32), number(segment, start + 36));
        let mut end = start + BATCH_HEAD_BYTES;
        let records_end = (0..count).map(|_| {
            end += RECORD_HEAD_BYTES + number(segment, end);
            end
        });
        let records_end: Vec<usize> = records_end.collect();
        assert_eq!(end, start + BATCH_HEAD_BYTES + length, "the records of the batch at {start} fill it");
        found.push(Batch { start, records_end });
        start = end;
    }
    found
}

/// The segments of a store, oldest first.
pub fn segments(data: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(data.join("journal")).unwrap();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}
