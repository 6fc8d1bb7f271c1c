//! The log of segments on a disk.
//!
//! What is appended gathers in memory; a sync writes it as one batch and makes it durable, so
//! batch n + 1 is written only when batch n is durable. Recovery rests on that order. A
//! segment that has grown enough is followed by a new one, which is created in one step with
//! the batch that no longer went into the old.
//!
//! Absent on purpose: threads, a second attempt at anything that failed, and an index: a
//! reader passes over what it does not want.

use crate::limits::{BATCH_BYTES_MAX, BATCH_PAYLOAD_BYTES_MAX, SEGMENT_BYTES_MAX, SEGMENT_FILE_BYTES_MAX};
use std::{
    hash::{BuildHasher, Hasher, RandomState},
    io,
};

use super::{
    disk::{Disk, FolderDisk},
    error::JournalError,
    findings::Opened,
    format::{
        self, BATCH_HEAD_BYTES, BatchHead, BatchKind, RECORD_HEAD_BYTES, SEGMENT_HEADER_BYTES, Scanned,
        SegmentHeader,
    },
    log::{Log, RecordBatch, Visit},
    recovery,
    survey::{self, Segment, Survey, Tail},
};
use crate::domain::Position;
use crate::planted::{self, Bug};

/// The log of segments in a folder.
pub type FileLog = SegmentLog<FolderDisk>;

/// What a caller may choose about a log of segments.
#[derive(Clone, Copy, Debug)]
pub struct SegmentOptions {
    /// A segment that would grow past this many bytes is followed by a new one.
    pub segment_bytes_max: u64,
    /// The identity of a journal that begins now. Nobody who chooses the bytes of records may
    /// be able to guess it. A journal that is there already keeps its own.
    pub new_identity: u64,
}

impl Default for SegmentOptions {
    /// Segments of the usual size, and an identity drawn from the operating system's chance.
    fn default() -> Self {
        SegmentOptions {
            segment_bytes_max: SEGMENT_BYTES_MAX,
            new_identity: RandomState::new().build_hasher().finish(),
        }
    }
}

/// A [`Log`] in segment files on a [`Disk`].
#[derive(Debug)]
pub struct SegmentLog<D: Disk> {
    disk: D,
    segment_bytes_max: u64,
    state: State,
    /// In the order of their positions. The last is the one written to, and there is always
    /// one unless a journal that never began was opened for reading.
    segments: Vec<Segment>,
    /// Records of a cut last batch. Only while reading: opening for writing stores them anew.
    kept: Option<Tail>,
    /// Room for the next batch's head, then the framed records gathered for it.
    gathered: Vec<u8>,
    gathered_records: u32,
    next_batch: u64,
    newest: Position,
    durable: Position,
    bytes_written: u64,
}

#[derive(Debug)]
enum State {
    Writing,
    ReadOnly,
    Sealed,
    Poisoned(String),
}

impl<D: Disk> SegmentLog<D> {
    /// Opens the journal on `disk` for writing, or begins one there. All that `Opened` counts
    /// is durable when this returns, and what it says was cut is gone.
    ///
    /// # Errors
    /// `Corrupt`, `NewerFormat` and `Stray` name the file; nothing was written then. Otherwise
    /// what reading and writing give; opening again is safe.
    pub fn open(disk: D) -> Result<(Self, Opened), JournalError> {
        Self::open_with(disk, SegmentOptions::default())
    }

    /// As `open`, with choices.
    ///
    /// # Errors
    /// As for `open`.
    pub fn open_with(mut disk: D, options: SegmentOptions) -> Result<(Self, Opened), JournalError> {
        let mut survey = survey::survey(&disk)?;
        let written = recovery::make_ready(&mut disk, &mut survey, options.new_identity)?;
        if let Some(cut) = &survey.opened.cut {
            tracing::warn!(%cut, "the journal was not ended on purpose");
        }
        let (mut log, opened) = Self::of_survey(disk, survey, State::Writing);
        log.segment_bytes_max = options.segment_bytes_max.min(SEGMENT_BYTES_MAX);
        log.bytes_written = written;
        Ok((log, opened))
    }

    /// Opens the journal on `disk` for reading only and writes nothing: the same records and
    /// the same findings as `open`, files that were being created left where they are.
    ///
    /// # Errors
    /// As for `open`, as far as they come from reading.
    pub fn inspect(disk: D) -> Result<(Self, Opened), JournalError> {
        let mut survey = survey::survey(&disk)?;
        let part_of_a_batch = survey.opened.cut.as_ref().is_some_and(|cut| cut.records_kept > 0);
        if !part_of_a_batch {
            survey.tail = None;
        }
        if let (Some(last), Some(tail)) = (survey.segments.last_mut(), &survey.tail) {
            last.end = tail.offset;
        }
        Ok(Self::of_survey(disk, survey, State::ReadOnly))
    }

    fn of_survey(disk: D, survey: Survey, state: State) -> (Self, Opened) {
        let newest = Position(survey.next_position.0 - 1);
        let kept = match state {
            State::ReadOnly => survey.tail,
            _ => None,
        };
        let log = SegmentLog {
            disk,
            segment_bytes_max: SEGMENT_BYTES_MAX,
            state,
            segments: survey.segments,
            kept,
            gathered: vec![0; BATCH_HEAD_BYTES],
            gathered_records: 0,
            next_batch: survey.next_batch,
            newest,
            durable: newest,
            bytes_written: 0,
        };
        (log, survey.opened)
    }

    /// Which journal this is, so that nothing that belongs to another is taken for its own; none where it never began.
    #[must_use]
    pub fn journal_identity(&self) -> Option<u64> {
        self.segments.last().map(|last| last.header.identity)
    }

    /// Where each segment begins: its first position, and how many bytes of segments stand before it.
    #[must_use]
    pub fn milestones(&self) -> Vec<(Position, u64)> {
        let mut bytes = 0;
        let mut milestones = Vec::with_capacity(self.segments.len());
        for segment in &self.segments {
            milestones.push((segment.header.first_position, bytes));
            bytes += segment.end;
        }
        milestones
    }

    fn must_be_writing(&self) -> Result<(), JournalError> {
        match &self.state {
            State::Writing => Ok(()),
            State::ReadOnly => Err(JournalError::ReadOnly),
            State::Sealed => Err(JournalError::Closed),
            State::Poisoned(why) => Err(JournalError::Poisoned { why: why.clone() }),
        }
    }

    /// Passes the outcome of a write on and, when it failed, refuses everything after it.
    fn poison_on_failure<T>(&mut self, outcome: Result<T, JournalError>) -> Result<T, JournalError> {
        if let Err(error) = &outcome {
            self.state = State::Poisoned(error.to_string());
        }
        outcome
    }

    fn write_gathered(&mut self) -> Result<(), JournalError> {
        let identity = self.identity();
        let (room, payload) = self.gathered.split_at_mut(BATCH_HEAD_BYTES);
        let first = Position(self.durable.0 + 1);
        let head = BatchHead::data(identity, self.next_batch, first, self.gathered_records, payload);
        room.copy_from_slice(&head.encode());

        let bytes = self.gathered.len() as u64;
        let fits = |last: &&mut Segment| {
            last.end == SEGMENT_HEADER_BYTES as u64 || last.end + bytes <= self.segment_bytes_max
        };
        match self.segments.last_mut().filter(fits) {
            Some(last) => {
                self.disk.append(&last.name, &self.gathered)?;
                if !planted::has(Bug::SyncSkipped) {
                    let synced = self.disk.sync(&last.name);
                    if planted::has(Bug::FailedSyncCounts) { Ok(()) } else { synced }?;
                }
                last.end += bytes;
                self.bytes_written += bytes;
                Ok(())
            }
            None => self.begin_segment(identity, first),
        }
    }

    fn begin_segment(&mut self, identity: u64, first: Position) -> Result<(), JournalError> {
        let header = SegmentHeader { identity, first_position: first, first_batch: self.next_batch };
        let name = survey::segment_name(first);
        let mut content = header.encode().to_vec();
        content.extend_from_slice(&self.gathered);
        self.disk.create(&name, &content)?;
        let bytes = content.len() as u64;
        self.bytes_written += bytes;
        self.segments.push(Segment { name, header, end: bytes, file_bytes: bytes });
        Ok(())
    }

    fn write_seal(&mut self) -> Result<(), JournalError> {
        let next = Position(self.durable.0 + 1);
        let seal = BatchHead::seal(self.identity(), self.next_batch, next).encode();
        if let Some(last) = self.segments.last_mut() {
            self.disk.append(&last.name, &seal)?;
            self.disk.sync(&last.name)?;
            last.end += seal.len() as u64;
            self.bytes_written += seal.len() as u64;
        }
        Ok(())
    }

    fn identity(&self) -> u64 {
        let last = self.segments.last();
        assert!(last.is_some(), "a journal open for writing has a segment");
        last.map_or(0, |last| last.header.identity)
    }

    fn read_segment_from(
        &self,
        segment: &Segment,
        from: Position,
        bytes: &mut Vec<u8>,
        visit: &mut Visit<'_>,
    ) -> Result<(), JournalError> {
        let damaged = |offset: usize, why: &str| JournalError::Corrupt {
            file: self.disk.path(&segment.name),
            offset: offset as u64,
            why: format!("{why}, though it was whole when the journal was opened or written"),
        };
        assert!(segment.end <= SEGMENT_FILE_BYTES_MAX, "no segment is longer than its bound");
        self.disk.read_over(&segment.name, 0, segment.end as usize, bytes)?;
        if SegmentHeader::decode(bytes) != Ok(segment.header) {
            return Err(damaged(0, "the segment's header has changed"));
        }
        let mut offset = SEGMENT_HEADER_BYTES;
        let mut expected = (segment.header.first_batch, segment.header.first_position);
        while offset < bytes.len() {
            let (head, payload) = match format::scan_batch(&bytes[offset..], segment.header.identity) {
                Scanned::Whole(head, payload) => (head, payload),
                Scanned::BadPayload(_, good, why) => {
                    return Err(damaged(offset + BATCH_HEAD_BYTES + good.bytes, why));
                }
                Scanned::BadHead(why) => return Err(damaged(offset, why)),
            };
            if (head.number, head.first_position) != expected {
                return Err(damaged(offset, "a batch has changed its place"));
            }
            if head.kind == BatchKind::Data {
                visit_records(&head, payload, from, visit)?;
            }
            expected.0 += 1;
            expected.1.0 += u64::from(head.records);
            offset += BATCH_HEAD_BYTES + payload.len();
        }
        Ok(())
    }
}

pub(super) fn visit_records(
    head: &BatchHead,
    payload: &[u8],
    from: Position,
    visit: &mut Visit<'_>,
) -> Result<(), JournalError> {
    if head.next_position().is_some_and(|next| next <= from) {
        return Ok(());
    }
    let (mut at, mut position) = (0, head.first_position);
    while let Ok((record, end)) = format::frame_at(payload, at) {
        if position >= from {
            visit(position, record)?;
        }
        at = end;
        position.0 += 1;
    }
    Ok(())
}

impl<D: Disk> Log for SegmentLog<D> {
    fn append(&mut self, batch: &RecordBatch) -> Result<Position, JournalError> {
        self.must_be_writing()?;
        if batch.bytes() > BATCH_PAYLOAD_BYTES_MAX {
            return Err(JournalError::BatchTooLarge {
                bytes: batch.bytes(),
                bytes_max: BATCH_PAYLOAD_BYTES_MAX,
            });
        }
        let gathered = (self.gathered.len() - BATCH_HEAD_BYTES) as u64;
        if gathered > 0 && gathered + batch.bytes() > BATCH_BYTES_MAX {
            self.sync()?;
        }
        let first = Position(self.newest.0 + 1);
        let start = self.gathered.len();
        self.gathered.extend_from_slice(batch.framed());
        format::set_checksums(&mut self.gathered[start..]);
        // A record takes more than a frame's head, so the bound on bytes bounds the count.
        const { assert!(BATCH_PAYLOAD_BYTES_MAX / RECORD_HEAD_BYTES as u64 <= u32::MAX as u64) };
        self.gathered_records += batch.records() as u32;
        self.newest.0 += batch.records();
        Ok(first)
    }

    fn sync(&mut self) -> Result<Position, JournalError> {
        self.must_be_writing()?;
        if self.gathered_records == 0 {
            return Ok(self.durable);
        }
        let written = self.write_gathered();
        self.poison_on_failure(written)?;
        self.gathered.truncate(BATCH_HEAD_BYTES);
        self.gathered_records = 0;
        self.next_batch += 1;
        self.durable = self.newest;
        Ok(self.durable)
    }

    fn read(&self, from: Position, visit: &mut Visit<'_>) -> Result<(), JournalError> {
        let oldest = self.oldest();
        if from < oldest && from != Position(0) {
            return Err(JournalError::Trimmed { asked: from, oldest });
        }
        let mut bytes = Vec::new();
        for (index, segment) in self.segments.iter().enumerate() {
            let next = self.segments.get(index + 1);
            let all_before = next.is_some_and(|next| next.header.first_position <= from);
            if !all_before {
                self.read_segment_from(segment, from, &mut bytes, visit)?;
            }
        }
        match &self.kept {
            Some(kept) => visit_records(&kept.head, &kept.payload, from, visit),
            None => Ok(()),
        }
    }

    fn trim_one(&mut self, before: Position) -> Result<bool, JournalError> {
        self.must_be_writing()?;
        let removable = |segments: &[Segment]| {
            let next = segments.get(1);
            next.is_some_and(|next| next.header.first_position <= before)
        };
        if removable(&self.segments) {
            let oldest = &self.segments[0];
            match self.disk.remove(&oldest.name) {
                // Somebody else has removed it.
                Err(JournalError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {}
                removed => removed?,
            }
            self.segments.remove(0);
            // One by one from the oldest on, because a crash that kept an older segment and
            // not a newer one would look like a loss in the middle.
            let synced = self.disk.sync_folder();
            self.poison_on_failure(synced)?;
        }
        Ok(removable(&self.segments))
    }

    fn seal(&mut self) -> Result<(), JournalError> {
        if matches!(self.state, State::Sealed) {
            return Ok(());
        }
        self.sync()?;
        let written = self.write_seal();
        self.poison_on_failure(written)?;
        self.state = State::Sealed;
        Ok(())
    }

    fn oldest(&self) -> Position {
        self.segments.first().map_or(Position(1), |oldest| oldest.header.first_position)
    }

    fn newest(&self) -> Position {
        self.newest
    }

    fn durable(&self) -> Position {
        self.durable
    }

    fn bytes_written(&self) -> u64 {
        self.bytes_written
    }
}
