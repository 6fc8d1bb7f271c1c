//! How the files of a half look from outside: whether somebody has changed one since is told without reading them.
//!
//! Whoever writes to a file, cuts it, or puts another in its place changes a mark of it, and cannot change it back: the operating system
//! keeps the time of the last change itself. It keeps it by ticks of some milliseconds, so files that were changed just before their
//! marks were taken might be changed once more unseen: such marks are of no use. What a device loses changes no mark; that is found by
//! reading, so marks are of use for a while only.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use super::error::SnapshotError;
use super::files::{Contents, unreadable};
use crate::limits::{SNAPSHOT_MARKS_SETTLED, SNAPSHOT_MARKS_TRUSTED};

/// The marks of all files of a half.
pub(super) struct Marks {
    files: Vec<(PathBuf, Mark)>,
    taken: Instant,
}

/// Device, number, length, and when it was changed last: seconds and nanoseconds.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Mark {
    device: u64,
    number: u64,
    bytes: u64,
    changed: (i64, i64),
}

impl Marks {
    /// Those of the files as they are now; none where one was changed a moment ago.
    pub(super) fn of(half: &Path) -> Result<Option<Marks>, SnapshotError> {
        let (now, taken) = (SystemTime::now(), Instant::now());
        let settled =
            now.checked_sub(SNAPSHOT_MARKS_SETTLED).and_then(|at| at.duration_since(UNIX_EPOCH).ok());
        let settled = settled.map_or((0, 0), |at| (at.as_secs() as i64, i64::from(at.subsec_nanos())));
        let mut files = Vec::new();
        for name in Contents::of(half)?.files {
            let file =
                fs::symlink_metadata(half.join(&name)).map_err(|source| unreadable(half, &name, source))?;
            let changed = (file.ctime(), file.ctime_nsec());
            if changed > settled {
                return Ok(None);
            }
            files.push((name, Mark { device: file.dev(), number: file.ino(), bytes: file.len(), changed }));
        }
        Ok(Some(Marks { files, taken }))
    }

    /// True where the files still have these marks, and these were taken not long ago.
    pub(super) fn are_still_of(&self, half: &Path) -> bool {
        let now = Marks::of(half).ok().flatten();
        self.taken.elapsed() < SNAPSHOT_MARKS_TRUSTED && now.is_some_and(|now| now.files == self.files)
    }
}
