//! Reading a journal that goes on being written: its durable records from a position on, some at a time.
//!
//! Nothing is asked of the writer but how far the journal is durable: what is durable stands in the files, and stays as it is.
//! Absent on purpose: waiting for more.

use super::{
    disk::Disk,
    error::JournalError,
    format::{self, BATCH_HEAD_BYTES, BatchKind, SEGMENT_HEADER_BYTES, Scanned, SegmentHeader},
    log::Visit,
    segments::visit_records,
    survey::{position_in_name, segment_name},
};
use crate::domain::Position;

/// A reader with a place of its own.
#[derive(Debug)]
pub struct Follower<D: Disk> {
    disk: D,
    /// The next record that was not visited.
    next: Position,
    place: Option<Place>,
    bytes: Vec<u8>,
}

/// Where the next batch begins.
#[derive(Clone, Debug)]
struct Place {
    segment: String,
    identity: u64,
    offset: u64,
    /// The first position of that batch.
    first: Position,
}

impl<D: Disk> Follower<D> {
    /// Follows from this position on; from the oldest record that is kept where it is 0.
    ///
    /// # Errors
    /// `Trimmed`, where that record is kept no more; what reading gives.
    pub fn new(disk: D, next: Position) -> Result<Follower<D>, JournalError> {
        let oldest = oldest(&disk)?;
        if next != Position(0) && next < oldest {
            return Err(JournalError::Trimmed { asked: next, oldest });
        }
        Ok(Follower { disk, next: next.max(oldest), place: None, bytes: Vec::new() })
    }

    /// The next record that was not visited.
    pub fn next(&self) -> Position {
        self.next
    }

    /// Visits records up to the durable one, batch by batch, until it has read so many bytes.
    ///
    /// # Errors
    /// `Trimmed`, where it is behind what is kept; `Corrupt`, where stored bytes have changed; what reading gives; and the first
    /// error of `visit`.
    pub fn read(
        &mut self,
        durable: Position,
        bytes_max: u64,
        visit: &mut Visit<'_>,
    ) -> Result<(), JournalError> {
        self.read_batches(durable, bytes_max, visit).map_err(|error| match oldest(&self.disk) {
            Ok(oldest) if oldest > self.next => JournalError::Trimmed { asked: self.next, oldest },
            _ => error,
        })
    }

    fn read_batches(
        &mut self,
        durable: Position,
        bytes_max: u64,
        visit: &mut Visit<'_>,
    ) -> Result<(), JournalError> {
        let mut read = 0;
        while self.next <= durable && read < bytes_max {
            let place = match self.place.take() {
                Some(place) => place,
                None => self.begin(self.segment_of(self.next)?)?,
            };
            let there = self.disk.length(&place.segment)?.saturating_sub(place.offset);
            if there < BATCH_HEAD_BYTES as u64 {
                // What is durable goes on in another segment, named by its first position.
                self.place = Some(self.begin(segment_name(place.first))?);
                continue;
            }
            read += self.read_batch(place, visit)?;
        }
        Ok(())
    }

    /// Reads the batch at a place, or passes over it, and gives how many bytes were read.
    fn read_batch(&mut self, place: Place, visit: &mut Visit<'_>) -> Result<u64, JournalError> {
        let damaged = |why: &str| JournalError::Corrupt {
            file: self.disk.path(&place.segment),
            offset: place.offset,
            why: format!("{why}, though it was whole when it was written"),
        };
        self.disk.read_over(&place.segment, place.offset, BATCH_HEAD_BYTES, &mut self.bytes)?;
        let head = format::BatchHead::decode(&self.bytes, place.identity).map_err(damaged)?;
        let behind = head.next_position().unwrap_or(head.first_position);
        let bytes = BATCH_HEAD_BYTES as u64 + u64::from(head.payload_bytes);
        if head.first_position != place.first {
            return Err(damaged("a batch has changed its place"));
        }
        let wanted = head.kind == BatchKind::Data && behind > self.next;
        if wanted {
            let length = BATCH_HEAD_BYTES + head.payload_bytes as usize;
            self.disk.read_over(&place.segment, place.offset, length, &mut self.bytes)?;
            match format::scan_batch(&self.bytes, place.identity) {
                Scanned::Whole(head, payload) => visit_records(&head, payload, self.next, visit)?,
                Scanned::BadPayload(_, _, why) | Scanned::BadHead(why) => return Err(damaged(why)),
            }
            self.next = behind;
        }
        self.place = Some(Place { offset: place.offset + bytes, first: behind, ..place });
        Ok(if wanted { bytes } else { BATCH_HEAD_BYTES as u64 })
    }

    /// The segment that a record stands in.
    fn segment_of(&self, position: Position) -> Result<String, JournalError> {
        let names = self.disk.list()?;
        let firsts =
            names.iter().filter_map(|name| position_in_name(name)).filter(|first| *first <= position);
        Ok(segment_name(firsts.max().unwrap_or(position)))
    }

    /// The place of a segment's first batch.
    fn begin(&self, segment: String) -> Result<Place, JournalError> {
        let header = self.disk.read(&segment, 0, SEGMENT_HEADER_BYTES)?;
        let header = SegmentHeader::decode(&header).map_err(|_| JournalError::Corrupt {
            file: self.disk.path(&segment),
            offset: 0,
            why: "the segment's header has changed".to_owned(),
        })?;
        let (identity, first) = (header.identity, header.first_position);
        Ok(Place { segment, identity, offset: SEGMENT_HEADER_BYTES as u64, first })
    }
}

/// The first record of the oldest segment.
pub(super) fn oldest(disk: &impl Disk) -> Result<Position, JournalError> {
    let names = disk.list()?;
    Ok(names.iter().filter_map(|name| position_in_name(name)).min().unwrap_or(Position(1)))
}
