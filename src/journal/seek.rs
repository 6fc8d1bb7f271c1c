//! Reading single records, wherever they stand: an actor's chain is read backwards, and its records lie far apart.
//!
//! A segment is found by its name, and a batch in it by the heads of the batches before it, of which some are remembered, so that
//! nothing is read from the journal's beginning. Absent on purpose: what is not durable; whoever asks keeps behind it.

use std::collections::BTreeMap;

use super::{
    disk::Disk,
    error::JournalError,
    follow::oldest,
    format::{self, BATCH_HEAD_BYTES, BatchHead, BatchKind, SEGMENT_HEADER_BYTES, Scanned, SegmentHeader},
    segments::visit_records,
    survey::{position_in_name, segment_name},
};
use crate::domain::Position;
use crate::limits::{SEEK_SEGMENTS_MAX, SEEK_STEP_BYTES};

/// A reader of single records. It remembers where batches begin, and the batch that it has read last.
#[derive(Debug)]
pub struct Seeker<D: Disk> {
    disk: D,
    /// By the first position of each segment.
    known: BTreeMap<Position, Places>,
    batch: Option<Batch>,
    /// Memory for a batch.
    bytes: Vec<u8>,
    bytes_read: u64,
}

/// Where some batches of one segment begin.
#[derive(Debug)]
struct Places {
    name: String,
    identity: u64,
    /// First position and place, in their order; `SEEK_STEP_BYTES` apart, or a batch's length where that is more.
    batches: Vec<(Position, u64)>,
}

impl Places {
    /// The last that is known at or before a record.
    fn before(&self, position: Position) -> Option<(Position, u64)> {
        let behind = self.batches.partition_point(|(first, _)| *first <= position);
        self.batches.get(behind.checked_sub(1)?).copied()
    }

    fn note(&mut self, first: Position, offset: u64) {
        if self.batches.last().is_none_or(|(_, last)| offset >= last + SEEK_STEP_BYTES as u64) {
            self.batches.push((first, offset));
        }
    }
}

/// A batch that was read, and where its records stand in the reader's memory.
#[derive(Debug)]
struct Batch {
    first: Position,
    records: Vec<std::ops::Range<usize>>,
}

impl Batch {
    fn record(&self, position: Position) -> Option<std::ops::Range<usize>> {
        let place = usize::try_from(position.0.checked_sub(self.first.0)?).ok()?;
        self.records.get(place).cloned()
    }
}

impl<D: Disk> Seeker<D> {
    /// A reader of the journal on a disk.
    pub fn new(disk: D) -> Seeker<D> {
        Seeker { disk, known: BTreeMap::new(), batch: None, bytes: Vec::new(), bytes_read: 0 }
    }

    /// How many bytes it has read in all.
    pub fn bytes_read(&self) -> u64 {
        self.bytes_read
    }

    /// Lets go of the memory that the batch takes which it has read last.
    pub fn rest(&mut self) {
        (self.batch, self.bytes) = (None, Vec::new());
    }

    /// The bytes of a record, which must be durable.
    ///
    /// # Errors
    /// `Trimmed`, where it is kept no more; `Corrupt`, where stored bytes have changed or it never was; what reading gives.
    pub fn record(&mut self, position: Position) -> Result<&[u8], JournalError> {
        let there = self.batch.as_ref().and_then(|batch| batch.record(position));
        let range = match there {
            Some(range) => range,
            None => self.find(position).map_err(|error| match oldest(&self.disk) {
                Ok(oldest) if oldest > position => JournalError::Trimmed { asked: position, oldest },
                _ => error,
            })?,
        };
        Ok(&self.bytes[range])
    }

    /// Reads the batch of a record, and gives where the record stands in it.
    fn find(&mut self, position: Position) -> Result<std::ops::Range<usize>, JournalError> {
        self.batch = None;
        let first = self.segment_of(position)?;
        let mut places = match self.known.remove(&first) {
            Some(places) => places,
            None => self.begin(first)?,
        };
        let found = self.walk(&mut places, position);
        self.known.insert(first, places);
        if self.known.len() > SEEK_SEGMENTS_MAX {
            self.known.pop_first();
        }
        let batch = found?;
        let range = batch.record(position);
        self.batch = Some(batch);
        range.ok_or_else(|| self.missing(&segment_name(first), position, 0))
    }

    /// Goes from head to head, and reads the batch that has the record.
    fn walk(&mut self, places: &mut Places, position: Position) -> Result<Batch, JournalError> {
        let length = self.disk.length(&places.name)?;
        let (mut first, mut offset) =
            places.before(position).ok_or_else(|| self.missing(&places.name, position, 0))?;
        // What was read of the file at once, and where that begins: mostly it has the heads of many batches.
        let (mut window, mut start) = (Vec::new(), 0);
        loop {
            if length.saturating_sub(offset) < BATCH_HEAD_BYTES as u64 {
                return Err(self.missing(&places.name, position, offset));
            }
            let within = usize::try_from(offset - start).unwrap_or(usize::MAX);
            let head = match window.get(within..).filter(|rest: &&[u8]| rest.len() >= BATCH_HEAD_BYTES) {
                Some(rest) => BatchHead::decode(rest, places.identity),
                None => {
                    let step = (length - offset).min(SEEK_STEP_BYTES as u64);
                    // No more than a step.
                    self.disk.read_over(&places.name, offset, step as usize, &mut window)?;
                    self.bytes_read += step;
                    start = offset;
                    BatchHead::decode(&window, places.identity)
                }
            };
            let head = head.map_err(|why| self.damaged(&places.name, offset, why))?;
            if head.first_position != first {
                return Err(self.damaged(&places.name, offset, "a batch has changed its place"));
            }
            let behind = head.next_position().unwrap_or(first);
            let bytes = BATCH_HEAD_BYTES + head.payload_bytes as usize;
            if head.kind == BatchKind::Data && position < behind {
                return self.read_batch(places, offset, bytes);
            }
            (first, offset) = (behind, offset + bytes as u64);
            places.note(first, offset);
        }
    }

    fn read_batch(&mut self, places: &Places, offset: u64, length: usize) -> Result<Batch, JournalError> {
        self.disk.read_over(&places.name, offset, length, &mut self.bytes)?;
        self.bytes_read += length as u64;
        let (head, payload) = match format::scan_batch(&self.bytes, places.identity) {
            Scanned::Whole(head, payload) => (head, payload),
            Scanned::BadPayload(_, _, why) | Scanned::BadHead(why) => {
                return Err(self.damaged(&places.name, offset, why));
            }
        };
        let mut records = Vec::with_capacity(head.records as usize);
        let mut start = BATCH_HEAD_BYTES;
        visit_records(&head, payload, head.first_position, &mut |_, record| {
            start += format::RECORD_HEAD_BYTES;
            records.push(start..start + record.len());
            start += record.len();
            Ok(())
        })?;
        Ok(Batch { first: head.first_position, records })
    }

    /// The first position of the segment that a record stands in.
    fn segment_of(&self, position: Position) -> Result<Position, JournalError> {
        let names = self.disk.list()?;
        let firsts =
            names.iter().filter_map(|name| position_in_name(name)).filter(|first| *first <= position);
        Ok(firsts.max().unwrap_or(position))
    }

    fn begin(&self, first: Position) -> Result<Places, JournalError> {
        let name = segment_name(first);
        let header = self.disk.read(&name, 0, SEGMENT_HEADER_BYTES)?;
        let header = SegmentHeader::decode(&header)
            .map_err(|_| self.damaged(&name, 0, "the segment's header has changed"))?;
        let batches = vec![(header.first_position, SEGMENT_HEADER_BYTES as u64)];
        Ok(Places { name, identity: header.identity, batches })
    }

    fn damaged(&self, name: &str, offset: u64, why: &str) -> JournalError {
        let why = format!("{why}, though it was whole when it was written");
        JournalError::Corrupt { file: self.disk.path(name), offset, why }
    }

    fn missing(&self, name: &str, position: Position, offset: u64) -> JournalError {
        let why = format!("record {} should stand there and does not", position.0);
        JournalError::Corrupt { file: self.disk.path(name), offset, why }
    }
}
