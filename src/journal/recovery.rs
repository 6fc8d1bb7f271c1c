//! Making a journal ready for writing: its tail written anew.
//!
//! What a survey read may never have reached the device: after a failed sync the operating
//! system goes on showing the bytes it failed to write. So opening for writing puts the last
//! batch anew into a segment of its own, durable with its name, and then cuts the old segment
//! before that batch. A crash between the two leaves the batch in both, which the survey
//! expects. When the batch was the first of its segment, the new file takes the place of the
//! old in one step; a last segment without any good batch is made anew without one. What lies
//! before the last batch was durable before that batch was written. A seal is not written
//! anew: what follows takes its place.
//!
//! Absent on purpose: repair of anything but the tail.

use super::{
    disk::Disk,
    error::JournalError,
    format::SegmentHeader,
    survey::{Segment, Survey, segment_name},
};
use crate::domain::Position;

/// Makes a surveyed journal ready for writing: everything the survey counted is durable when
/// this returns, and the last segment is one that may be appended to. Returns the bytes
/// written. `new_identity` is for a journal that begins now.
pub(super) fn make_ready(
    disk: &mut impl Disk,
    survey: &mut Survey,
    new_identity: u64,
) -> Result<u64, JournalError> {
    if !survey.temporaries.is_empty() {
        for name in &survey.temporaries {
            disk.remove(name)?;
        }
        disk.sync_folder()?;
    }
    let header = fresh_header(survey, new_identity);
    let name = segment_name(header.first_position);
    let mut content = header.encode().to_vec();
    if let Some(tail) = &survey.tail {
        content.extend_from_slice(&tail.head.encode());
        content.extend_from_slice(&tail.payload);
    }
    disk.create(&name, &content)?;

    let replaced = survey.segments.pop_if(|last| last.name == name).is_some();
    if let (false, Some(last), Some(tail)) = (replaced, survey.segments.last_mut(), &survey.tail) {
        last.end = tail.offset;
    }
    for segment in &mut survey.segments {
        if segment.file_bytes > segment.end {
            disk.truncate(&segment.name, segment.end)?;
            disk.sync(&segment.name)?;
            segment.file_bytes = segment.end;
        }
    }
    let bytes = content.len() as u64;
    survey.segments.push(Segment { name, header, end: bytes, file_bytes: bytes });
    Ok(bytes)
}

/// The header of the segment that the tail goes into: a new one at the tail's position, or,
/// without a tail, the last one made anew.
fn fresh_header(survey: &Survey, new_identity: u64) -> SegmentHeader {
    match (&survey.tail, survey.segments.last()) {
        (Some(tail), _) => SegmentHeader {
            identity: tail.head.identity,
            first_position: tail.head.first_position,
            first_batch: tail.head.number,
        },
        (None, Some(last)) => last.header,
        (None, None) => SegmentHeader { identity: new_identity, first_position: Position(1), first_batch: 1 },
    }
}
