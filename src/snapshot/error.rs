//! What can go wrong with snapshots, grouped by who must act.
//!
//! Every message is one line and names the folder. Absent on purpose: falling back on another generation, which
//! is for whoever asked.

use std::path::{Path, PathBuf};

use crate::journal::JournalError;

/// A failure of the snapshots. The groups follow one another in the order of the variants: the operator of the
/// machine, whoever chooses the generation to start from, the calling program.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    // For the operator.
    /// A failure of the device or the rights to it, or a manifest of a later version: the same as in the journal.
    #[error(transparent)]
    Journal(#[from] JournalError),

    /// The device has little room left, which is the journal's.
    #[error(
        "no room for a snapshot in {}: the device has {free} bytes free, and the last {left} are left to the journal; make room on \
         that device, and the next snapshot goes on", folder.display()
    )]
    NoRoom {
        /// The folder of the half.
        folder: PathBuf,
        /// How many bytes are free.
        free: u64,
        /// How many a snapshot leaves.
        left: u64,
    },

    /// An audit reads a copy, and the copy cannot be made in the folder for temporary files.
    #[error(
        "cannot copy the snapshot {} into {}, the folder for temporary files ({why}): \
         name a folder with room for {bytes} bytes by the variable TMPDIR",
        half.display(), folder.display()
    )]
    NotCopied {
        /// The folder of the half.
        half: PathBuf,
        /// The folder for temporary files.
        folder: PathBuf,
        /// How many bytes the copy may come to.
        bytes: u64,
        /// What the operating system said.
        why: String,
    },

    // For whoever chooses the generation.
    /// The half does not hold what its manifest says, or sled cannot work in it.
    #[error("the snapshot {} is damaged ({why})", path.display())]
    Damaged {
        /// The folder of the half, or its manifest.
        path: PathBuf,
        /// What is wrong, in one line.
        why: String,
    },
    /// The reader's own `visit` ended the reading: it cannot use what the half holds.
    #[error("the snapshot {} was refused ({why})", path.display())]
    Refused {
        /// The folder of the half.
        path: PathBuf,
        /// In the words of the reader.
        why: String,
    },

    // For the calling program.
    /// A chunk with a longer key or value than any may have.
    #[error("a chunk's {part} of {bytes} bytes is longer than the {bytes_max} allowed")]
    ChunkTooLarge {
        /// Its key or its value.
        part: &'static str,
        /// The length.
        bytes: u64,
        /// The bound.
        bytes_max: u64,
    },
    /// A call that the one before it does not allow.
    #[error("the snapshot cannot {what}: {why}")]
    OutOfTurn {
        /// What was asked for.
        what: &'static str,
        /// What stands against it.
        why: &'static str,
    },
}

impl SnapshotError {
    /// True where it tells that a generation is of no use; false where it tells nothing of it.
    #[must_use]
    pub fn is_of_the_generation(&self) -> bool {
        matches!(self, SnapshotError::Damaged { .. } | SnapshotError::Refused { .. })
    }

    /// The error for a half or a manifest that is not what was written; its reason becomes one line.
    pub(super) fn damaged(path: &Path, why: impl AsRef<str>) -> Self {
        let why = why.as_ref().split_whitespace().collect::<Vec<_>>().join(" ");
        SnapshotError::Damaged { path: path.to_owned(), why }
    }
}
