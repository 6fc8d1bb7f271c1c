//! How the files of a half look from outside: whether somebody has changed one since is told without reading them.
//!
//! Whoever writes to a file, cuts it, or puts another in its place changes a mark of it, and cannot change it back: the operating system
//! keeps the time of the last change itself. It keeps it by ticks, so a file that was changed just before its mark was taken might be
//! changed once more unseen: then there are no marks. What a device loses changes no mark; that is found by reading alone. Absent on
//! purpose: how long marks may stand for reading.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::error::SnapshotError;
use super::files::{Contents, unreadable};
use crate::limits::{SNAPSHOT_MARKS_COARSE, SNAPSHOT_MARKS_SETTLED};

/// The marks of all files of a half.
#[derive(PartialEq, Eq)]
pub(super) struct Marks(Vec<(PathBuf, Mark)>);

/// Device, number, length, and when it was changed last.
#[derive(PartialEq, Eq)]
struct Mark {
    device: u64,
    number: u64,
    bytes: u64,
    changed: Duration,
}

impl Marks {
    /// Those of the files, where it is that time; none where one was changed a moment ago.
    ///
    /// # Errors
    /// Where a file cannot be looked at.
    pub(super) fn as_of(half: &Path, now: SystemTime) -> Result<Option<Marks>, SnapshotError> {
        let now = now.duration_since(UNIX_EPOCH).unwrap_or_default();
        let mut marks = Vec::new();
        for name in Contents::of(half)?.files {
            let file =
                fs::symlink_metadata(half.join(&name)).map_err(|source| unreadable(half, &name, source))?;
            let seconds = u64::try_from(file.ctime()).unwrap_or(u64::MAX);
            let nanoseconds = u64::try_from(file.ctime_nsec()).unwrap_or_default();
            let changed = Duration::from_secs(seconds).saturating_add(Duration::from_nanos(nanoseconds));
            // A file system that counts whole seconds knows no parts of one.
            let tick = if nanoseconds == 0 { SNAPSHOT_MARKS_COARSE } else { SNAPSHOT_MARKS_SETTLED };
            if changed.saturating_add(tick) > now {
                return Ok(None);
            }
            marks.push((name, Mark { device: file.dev(), number: file.ino(), bytes: file.len(), changed }));
        }
        Ok(Some(Marks(marks)))
    }
}
