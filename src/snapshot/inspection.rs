//! Snapshots for an audit: everything is read, and nothing in their folder is written.
//!
//! Absent on purpose: a lock. Who inspects makes sure that nobody writes meanwhile.

use std::{
    env,
    path::{Path, PathBuf},
};

use super::database;
use super::error::SnapshotError;
use super::halves::{Generation, Half, find};
use super::manifest::Manifest;
use super::reading::{Visit, read_by_copy};
use crate::journal::JournalError;

/// What a folder of snapshots holds.
#[derive(Debug)]
pub struct Inspection {
    folder: PathBuf,
    generations: Vec<Generation>,
}

/// Looks at the snapshots in a folder without changing anything there. Where there is no folder there are no
/// generations.
///
/// # Errors
/// Where a manifest may not be read or is of a later version; a damaged one is told by its generation.
pub fn inspect(folder: impl Into<PathBuf>) -> Result<Inspection, SnapshotError> {
    let folder = folder.into();
    let generations = find(&folder)?;
    Ok(Inspection { folder, generations })
}

impl Inspection {
    /// What is there: the newest generation first, one with a damaged manifest last.
    pub fn generations(&self) -> &[Generation] {
        &self.generations
    }

    /// Shows every chunk of a half, in the order of their keys. What was shown counts only when this returns `Ok`.
    ///
    /// It needs as much room as the half in the folder for temporary files (`TMPDIR`).
    ///
    /// # Errors
    /// [`SnapshotError::Damaged`] where the half is not what the manifest says, [`SnapshotError::Refused`] where
    /// `visit` fails, and what the device says of the copy.
    pub fn read(&self, half: Half, manifest: &Manifest, visit: &mut Visit<'_>) -> Result<(), SnapshotError> {
        let copy = tempfile::Builder::new()
            .prefix("hongbao-")
            .tempdir()
            .map_err(|source| JournalError::from_io("create a folder in", env::temp_dir(), source))?;
        let path = half.path(&self.folder);
        let read = read_by_copy(&path, copy.path(), manifest, visit);
        discard(copy.path(), &path);
        read
    }
}

/// Removes a copy as far as possible: one that stays is in nobody's way.
pub(super) fn discard(copy: &Path, half: &Path) {
    let _ = database::remove(copy, half);
}
