//! Reading a half: copy, compare, open, count.
//!
//! Absent on purpose: opening a half itself, and choosing one.

use std::path::Path;

use super::chunk::{Tally, unframe};
use super::database::Database;
use super::error::SnapshotError;
use super::files::copy_and_hash;
use super::manifest::Manifest;

/// Takes one chunk, as key and value, or says why it cannot.
pub type Visit<'a> = dyn FnMut(&[u8], &[u8]) -> Result<(), String> + 'a;

/// Shows every chunk of a half, by way of a copy in an empty folder, in which files may be linked of whose names `is_linked` is true.
/// What was shown counts only when this returns `Ok`.
pub(super) fn read_by_copy(
    half: &Path,
    copy: &Path,
    is_linked: fn(&Path) -> bool,
    manifest: &Manifest,
    visit: &mut Visit<'_>,
) -> Result<(), SnapshotError> {
    if copy_and_hash(half, copy, is_linked)? != manifest.files {
        return Err(SnapshotError::damaged(half, "its files are not those that its manifest names"));
    }
    let database = Database::open(copy, half)?;
    let mut tally = Tally::default();
    database.visit(|key, stored| {
        let (value, mark) = unframe(key, stored).map_err(|why| SnapshotError::damaged(half, why))?;
        tally.add(mark);
        visit(key, value).map_err(|why| SnapshotError::Refused { path: half.to_owned(), why })
    })?;
    drop(database);
    if tally != manifest.tally() {
        return Err(SnapshotError::damaged(half, "it holds other chunks than its manifest counts"));
    }
    Ok(())
}
