//! Snapshots for an audit: everything is read, and nothing in their folder is written.
//!
//! Absent on purpose: a lock. Who inspects makes sure that nobody writes meanwhile.

use std::{
    env,
    path::{Path, PathBuf},
};

use super::database;
use super::error::SnapshotError;
use super::files::size;
use super::halves::{Generation, Half, find};
use super::manifest::Manifest;
use super::reading::{Visit, read_by_copy};
use crate::journal::JournalError;

/// What sled adds to a copy when it opens it is less: half of it, filled with zeros.
const ADDED_BYTES: u64 = 1 << 20;

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
    /// It needs as much room as the half, and a mebibyte, in the folder for temporary files (`TMPDIR`).
    ///
    /// # Errors
    /// [`SnapshotError::Damaged`] where the half is not what the manifest says, [`SnapshotError::Refused`] where
    /// `visit` fails, [`SnapshotError::NotCopied`] where there is no room for the copy or no right to make it, and what the
    /// device says of the half.
    pub fn read(&self, half: Half, manifest: &Manifest, visit: &mut Visit<'_>) -> Result<(), SnapshotError> {
        let path = half.path(&self.folder);
        let copy = match tempfile::Builder::new().prefix("hongbao-").tempdir() {
            Ok(copy) => copy,
            Err(error) => {
                // Behind that stands the folder once more, with a name in it that nobody has chosen.
                let said = error.to_string();
                let why = said.split(" at path ").next().unwrap_or_default();
                return Err(not_copied(path, why.to_owned()));
            }
        };
        // What may be left of it is for anybody to change.
        let read = read_by_copy(&path, copy.path(), |_| false, manifest, visit);
        discard(copy.path(), &path);
        read.map_err(|error| match why_not_copied(&error, copy.path()) {
            Some(why) => not_copied(path, why),
            None => error,
        })
    }
}

/// What is wrong with the copy, where the failure is one of it: nothing else is written.
fn why_not_copied(error: &SnapshotError, copy: &Path) -> Option<String> {
    match error {
        SnapshotError::Journal(JournalError::NoRoom { .. }) => Some("no room".to_owned()),
        SnapshotError::Journal(
            JournalError::NotPermitted { path, source, .. } | JournalError::Io { path, source, .. },
        ) if path.starts_with(copy) => Some(source.to_string()),
        _ => None,
    }
}

fn not_copied(half: PathBuf, why: String) -> SnapshotError {
    match size(&half) {
        Ok(bytes) => {
            let bytes = bytes + ADDED_BYTES;
            SnapshotError::NotCopied { half, folder: env::temp_dir(), bytes, why }
        }
        Err(error) => error,
    }
}

/// Removes a copy as far as possible: one that stays is in nobody's way.
pub(super) fn discard(copy: &Path, half: &Path) {
    let _ = database::remove(copy, half);
}
