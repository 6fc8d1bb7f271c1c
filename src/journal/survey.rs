//! Looking at a journal: every file read and proved, and nothing written.
//!
//! Batch n + 1 is written only when batch n is durable, and a segment is created only when
//! everything before it is. So a crash can leave in disorder only the last batch of the last
//! segment, and not where the segment was created with it. There it is cut at the first bad
//! record. Any other bad place is damage: the survey stops and names it.
//!
//! A segment ends, whatever follows in it, where the next one begins: a crash while opening
//! leaves the same batch in two segments (see `recovery`).
//!
//! Absent on purpose: any repair, and any write.

use crate::limits::SEGMENT_FILE_BYTES_MAX;
use std::path::{Path, PathBuf};

use super::{
    disk::{Disk, TEMPORARY_SUFFIX},
    error::JournalError,
    findings::{Cut, Opened},
    format::{
        self, BATCH_HEAD_BYTES, BatchHead, BatchKind, HeaderFault, SEGMENT_HEADER_BYTES, Scanned,
        SegmentHeader,
    },
};
use crate::{
    domain::Position,
    planted::{self, Bug},
};

const SEGMENT_SUFFIX: &str = ".segment";
const SEGMENT_DIGITS: usize = 20;

/// A segment and how much of its file counts.
#[derive(Clone, Debug)]
pub(super) struct Segment {
    /// Its name in the folder.
    pub name: String,
    /// What its header says.
    pub header: SegmentHeader,
    /// The header and the batches that count end here.
    pub end: u64,
    /// The length of the file; what lies between `end` and here does not count.
    pub file_bytes: u64,
}

/// The last batch with records, to be written anew.
#[derive(Clone, Debug)]
pub(super) struct Tail {
    /// Where it begins in the last segment.
    pub offset: u64,
    /// Its head, made anew when records were cut.
    pub head: BatchHead,
    /// Its framed records.
    pub payload: Vec<u8>,
}

/// Everything that looking at a journal's files tells.
#[derive(Debug)]
pub(super) struct Survey {
    /// In the order of their positions.
    pub segments: Vec<Segment>,
    /// The last batch with records, of the last segment; none if that one holds no record.
    pub tail: Option<Tail>,
    /// The number that the next batch takes; a seal's own, if there is one.
    pub next_batch: u64,
    /// The position of the next record.
    pub next_position: Position,
    /// Names of files that were being created.
    pub temporaries: Vec<String>,
    /// The same for people.
    pub opened: Opened,
}

/// The name of the segment that begins at this position.
pub(super) fn segment_name(first: Position) -> String {
    format!("{:0SEGMENT_DIGITS$}{SEGMENT_SUFFIX}", first.0)
}

pub(super) fn position_in_name(name: &str) -> Option<Position> {
    let digits = name.strip_suffix(SEGMENT_SUFFIX)?;
    let all_digits = digits.len() == SEGMENT_DIGITS && digits.bytes().all(|b| b.is_ascii_digit());
    if !all_digits {
        return None;
    }
    digits.parse().ok().map(Position)
}

/// Reads and proves the whole journal, and writes nothing.
pub(super) fn survey(disk: &impl Disk) -> Result<Survey, JournalError> {
    let (names, temporaries) = sort_names(disk)?;
    let mut survey = Survey {
        segments: Vec::with_capacity(names.len()),
        tail: None,
        next_batch: 1,
        next_position: Position(1),
        opened: Opened {
            records: 0,
            oldest: Position(1),
            newest: Position(0),
            sealed: false,
            cut: None,
            segments: names.len() as u64,
            bytes: 0,
            temporaries: temporaries.len() as u64,
        },
        temporaries,
    };
    let mut bytes = Vec::new();
    for (index, (first, name)) in names.iter().enumerate() {
        let next_first = names.get(index + 1).map(|(next, _)| *next);
        read_segment(disk, name, &mut bytes)?;
        survey_segment(disk, &mut survey, *first, (name, &mut bytes), next_first)?;
    }
    let opened = &mut survey.opened;
    opened.oldest = names.first().map_or(Position(1), |(first, _)| *first);
    opened.newest = Position(survey.next_position.0 - 1);
    opened.records = survey.next_position.0 - opened.oldest.0;
    Ok(survey)
}

type Names = (Vec<(Position, String)>, Vec<String>);

fn sort_names(disk: &impl Disk) -> Result<Names, JournalError> {
    let (mut segments, mut temporaries) = (Vec::new(), Vec::new());
    for name in disk.list()? {
        let stem = name.strip_suffix(TEMPORARY_SUFFIX);
        match position_in_name(stem.unwrap_or(&name)) {
            Some(_) if stem.is_some() => temporaries.push(name),
            Some(first) => segments.push((first, name)),
            None => {
                return Err(JournalError::Stray { file: disk.path(&name) });
            }
        }
    }
    segments.sort();
    Ok((segments, temporaries))
}

/// Reads a segment's file whole, after a look at its length.
fn read_segment(disk: &impl Disk, name: &str, bytes: &mut Vec<u8>) -> Result<(), JournalError> {
    let file_bytes = disk.length(name)?;
    match usize::try_from(file_bytes) {
        Ok(length) if file_bytes <= SEGMENT_FILE_BYTES_MAX => disk.read_over(name, 0, length, bytes),
        _ => Err(JournalError::Corrupt {
            file: disk.path(name),
            offset: SEGMENT_FILE_BYTES_MAX,
            why: format!("the file has {file_bytes} bytes, more than any segment"),
        }),
    }
}

fn survey_segment(
    disk: &impl Disk,
    survey: &mut Survey,
    first: Position,
    (name, bytes): (&str, &mut Vec<u8>),
    next_first: Option<Position>,
) -> Result<(), JournalError> {
    let file = disk.path(name);
    let header = check_header(bytes, &file, first, survey)?;
    if planted::has(Bug::BadRecordSkipped) && next_first.is_none() {
        format::skip_bad_records(bytes, header.identity);
    }
    survey.next_position = first;
    survey.next_batch = header.first_batch;
    let mut walk = Walk { bytes, file, header, offset: SEGMENT_HEADER_BYTES, newest: None, survey };
    match next_first {
        Some(end) => walk.walk_up_to(end)?,
        None => walk.walk_last()?,
    }
    let end = walk.offset as u64;
    let newest = walk.newest;
    survey.tail = newest.map(|(offset, head)| {
        let start = offset + BATCH_HEAD_BYTES;
        let payload = bytes[start..start + head.payload_bytes as usize].to_vec();
        Tail { offset: offset as u64, head, payload }
    });
    survey.opened.bytes += end;
    survey.segments.push(Segment { name: name.to_owned(), header, end, file_bytes: bytes.len() as u64 });
    Ok(())
}

fn check_header(
    bytes: &[u8],
    file: &Path,
    first: Position,
    survey: &Survey,
) -> Result<SegmentHeader, JournalError> {
    let damaged = |why: String| JournalError::Corrupt { file: file.to_owned(), offset: 0, why };
    let header = SegmentHeader::decode(bytes).map_err(|fault| match fault {
        HeaderFault::Damaged(why) => damaged(why.to_owned()),
        HeaderFault::Newer(version) => {
            JournalError::NewerFormat { file: file.to_owned(), version: u64::from(version) }
        }
    })?;
    if header.first_position != first || first == Position(0) || header.first_batch == 0 {
        return Err(damaged(format!(
            "the header begins at position {}, batch {}, and the name says {}",
            header.first_position.0, header.first_batch, first.0
        )));
    }
    let Some(former) = survey.segments.last() else {
        return Ok(header);
    };
    if header.identity != former.header.identity {
        return Err(damaged("the segment belongs to another journal".to_owned()));
    }
    if header.first_batch != survey.next_batch {
        return Err(damaged(format!(
            "the segment begins with batch {} where {} should follow",
            header.first_batch, survey.next_batch
        )));
    }
    Ok(header)
}

/// A walk over the batches of one segment, which moves the survey along.
struct Walk<'walk> {
    bytes: &'walk [u8],
    file: PathBuf,
    header: SegmentHeader,
    /// Where the next batch begins; all before it counts.
    offset: usize,
    /// Where the newest batch with records begins, and its head.
    newest: Option<(usize, BatchHead)>,
    survey: &'walk mut Survey,
}

impl Walk<'_> {
    /// Walks a segment that another follows: up to where that one begins, without a fault.
    fn walk_up_to(&mut self, end: Position) -> Result<(), JournalError> {
        while self.survey.next_position < end {
            if self.offset == self.bytes.len() {
                return Err(self.damaged(
                    self.offset,
                    format!(
                        "the segment ends before position {} and the next begins at {}: records between are missing, at this one's \
                         end or with a segment that is lost",
                        self.survey.next_position.0, end.0
                    ),
                ));
            }
            let (offset, why) = match format::scan_batch(&self.bytes[self.offset..], self.header.identity) {
                Scanned::Whole(head, _) => {
                    self.check_order(&head)?;
                    if head.kind == BatchKind::Seal {
                        let why = "there is a seal where more follows";
                        return Err(self.damaged(self.offset, why.to_owned()));
                    }
                    self.step_over(&head);
                    continue;
                }
                Scanned::BadPayload(_, good, why) => (self.offset + BATCH_HEAD_BYTES + good.bytes, why),
                Scanned::BadHead(why) => (self.offset, why),
            };
            return Err(self.damaged(offset, format!("{why}, and a later segment follows")));
        }
        if self.survey.next_position > end {
            let why = "a batch reaches past the position where the next segment begins";
            return Err(self.damaged(self.offset, why.to_owned()));
        }
        Ok(())
    }

    /// Walks the last segment: to its end, its seal, or the place to cut.
    fn walk_last(&mut self) -> Result<(), JournalError> {
        while self.offset < self.bytes.len() {
            let rest = &self.bytes[self.offset..];
            match format::scan_batch(rest, self.header.identity) {
                Scanned::Whole(head, _) | Scanned::BadPayload(head, ..)
                    if head.number < self.survey.next_batch =>
                {
                    return self.cut_before("an earlier batch stands here once more", None);
                }
                Scanned::Whole(head, _) => {
                    self.check_order(&head)?;
                    if head.kind == BatchKind::Seal {
                        return self.end_with_seal();
                    }
                    self.step_over(&head);
                }
                Scanned::BadPayload(head, good, why) => {
                    self.check_order(&head)?;
                    self.refuse_if_durable(self.offset + BATCH_HEAD_BYTES + good.bytes, why)?;
                    if good.records == 0 {
                        return self.cut_before(why, Some(u64::from(head.records)));
                    }
                    self.cut_inside(&head, good, why);
                    return Ok(());
                }
                Scanned::BadHead(why) => return self.cut_before(why, None),
            }
        }
        if self.newest.is_none() && self.begins_with_a_batch() {
            return Err(self.damaged(self.offset, "the segment's first batch is missing".to_owned()));
        }
        Ok(())
    }

    fn end_with_seal(&mut self) -> Result<(), JournalError> {
        let end = self.offset + BATCH_HEAD_BYTES;
        if end != self.bytes.len() {
            let why = "there are bytes behind the seal, where nothing is ever written";
            return Err(self.damaged(end, why.to_owned()));
        }
        self.offset = end;
        self.survey.opened.sealed = true;
        Ok(())
    }

    /// Leaves out everything from here on, unless that would leave out a good batch.
    fn cut_before(&mut self, why: &'static str, records: Option<u64>) -> Result<(), JournalError> {
        self.refuse_if_durable(self.offset, why)?;
        self.survey.opened.cut = Some(self.cut(self.offset, 0, records, why));
        Ok(())
    }

    /// Keeps the good records at the beginning of the last batch.
    fn cut_inside(&mut self, head: &BatchHead, good: format::GoodPrefix, why: &'static str) {
        let start = self.offset + BATCH_HEAD_BYTES;
        let end = start + good.bytes;
        let payload = &self.bytes[start..end];
        let lost = u64::from(head.records - good.records);
        self.survey.opened.cut = Some(self.cut(end, good.records.into(), Some(lost), why));
        let kept = BatchHead::data(head.identity, head.number, head.first_position, good.records, payload);
        self.step_over(&kept);
    }

    fn cut(&self, offset: usize, kept: u64, cut: Option<u64>, why: &'static str) -> Cut {
        Cut {
            file: self.file.clone(),
            offset: offset as u64,
            bytes: (self.bytes.len() - offset) as u64,
            records_kept: kept,
            records_cut: cut,
            why,
        }
    }

    /// Refuses to cut the batch that is walked over where it was durable: no crash explains what is wrong with it then.
    fn refuse_if_durable(&self, bad: usize, why: &str) -> Result<(), JournalError> {
        if self.offset == SEGMENT_HEADER_BYTES && self.begins_with_a_batch() {
            let why = format!("{why}, and the segment's first batch was durable together with it");
            return Err(self.damaged(bad, why));
        }
        // Batches up to the one before `next_batch` were read; any newer one was written when
        // the bad place was durable already.
        let newest_read = self.survey.next_batch - 1;
        let later = format::find_batch_after(self.bytes, self.offset + 1, self.header.identity, newest_read);
        match later {
            Some(later) => {
                Err(self.damaged(bad, format!("{why}, and a later batch follows at byte {later}")))
            }
            None => Ok(()),
        }
    }

    /// True where the segment was made in one step with its first batch: all are, but for the one that a journal begins with.
    fn begins_with_a_batch(&self) -> bool {
        self.header.first_batch > 1
    }

    /// A good head with another number or position than the next means that something durable
    /// is missing before it, because it was written only after that.
    fn check_order(&self, head: &BatchHead) -> Result<(), JournalError> {
        let (number, position) = (self.survey.next_batch, self.survey.next_position);
        if (head.number, head.first_position) == (number, position) {
            return Ok(());
        }
        Err(self.damaged(
            self.offset,
            format!(
                "batch {} from position {} stands where batch {number} from position {} should",
                head.number, head.first_position.0, position.0
            ),
        ))
    }

    fn step_over(&mut self, head: &BatchHead) {
        self.newest = Some((self.offset, *head));
        self.offset += BATCH_HEAD_BYTES + head.payload_bytes as usize;
        self.survey.next_batch += 1;
        self.survey.next_position.0 += u64::from(head.records);
    }

    fn damaged(&self, offset: usize, why: String) -> JournalError {
        JournalError::Corrupt { file: self.file.clone(), offset: offset as u64, why }
    }
}
