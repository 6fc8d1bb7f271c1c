//! The two halves, and which generations their manifests name.
//!
//! Absent on purpose: writing anything.

use std::{
    fs::{self, File},
    io::{self, Read},
    path::{Path, PathBuf},
};

use super::error::SnapshotError;
use super::manifest::{Fault, Manifest};
use crate::journal::JournalError;
use crate::limits::MANIFEST_BYTES_MAX;

/// One of the two places that generations are written to in turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Half {
    /// The folder `one`.
    One,
    /// The folder `two`.
    Two,
}

impl Half {
    /// Both of them.
    pub const BOTH: [Half; 2] = [Half::One, Half::Two];

    /// The name of its folder.
    pub fn name(self) -> &'static str {
        match self {
            Half::One => "one",
            Half::Two => "two",
        }
    }

    /// The path of its folder within that of the snapshots.
    pub(super) fn path(self, folder: &Path) -> PathBuf {
        folder.join(self.name())
    }

    /// The name of its manifest.
    pub(super) fn manifest_name(self) -> String {
        format!("{}.manifest", self.name())
    }
}

/// A half that has a manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Generation {
    /// Where it is.
    pub half: Half,
    /// The folder of the half, for messages.
    pub path: PathBuf,
    /// What the manifest says, or why it cannot be used, in one line.
    pub manifest: Result<Manifest, String>,
}

impl Generation {
    /// Its number, where it is known.
    pub(super) fn number(&self) -> Option<u64> {
        self.manifest.as_ref().ok().map(|manifest| manifest.generation)
    }
}

/// Every half with a manifest: the newest generation first, one with a damaged manifest last.
///
/// # Errors
/// Where a manifest may not be read or is of a later version.
pub(super) fn find(folder: &Path) -> Result<Vec<Generation>, SnapshotError> {
    let mut found = Vec::new();
    for half in Half::BOTH {
        if let Some(manifest) = read_manifest(&folder.join(half.manifest_name()))? {
            found.push(Generation { half, path: half.path(folder), manifest });
        }
    }
    found.sort_by_key(|generation| std::cmp::Reverse(generation.number()));
    Ok(found)
}

fn read_manifest(path: &Path) -> Result<Option<Result<Manifest, String>>, SnapshotError> {
    let damaged = |why: String| Ok(Some(Err(format!("{} is damaged: {why}", path.display()))));
    let read = || -> io::Result<Option<Vec<u8>>> {
        if !fs::metadata(path)?.is_file() {
            return Ok(None);
        }
        let mut bytes = Vec::new();
        File::open(path)?.take(MANIFEST_BYTES_MAX + 1).read_to_end(&mut bytes)?;
        Ok(Some(bytes))
    };
    let bytes = match read() {
        Ok(Some(bytes)) => bytes,
        Ok(None) => return damaged("it is no file".to_owned()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => match JournalError::from_io("read", path, error) {
            JournalError::Io { source, .. } => return damaged(source.to_string()),
            of_the_operator => return Err(of_the_operator.into()),
        },
    };
    match Manifest::decode(&bytes) {
        Ok(manifest) => Ok(Some(Ok(manifest))),
        Err(Fault::Damaged(why)) => damaged(why),
        Err(Fault::Newer(version)) => {
            Err(JournalError::NewerFormat { file: path.to_owned(), version: version.into() }.into())
        }
    }
}
