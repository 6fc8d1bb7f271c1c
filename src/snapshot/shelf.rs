//! The shelf: where pages of idle actors lie while they are out of memory.
//!
//! It belongs to one process. Nothing on it is ever read by another: what it holds, the snapshots and the journal hold
//! too. Absent on purpose: durability.

use std::path::PathBuf;

use super::chunk::{frame, unframe};
use super::database::{self, Database};
use super::error::SnapshotError;
use super::writing::make_folder;
use crate::journal::TEMPORARY_SUFFIX;

/// The shelf's folder, without its suffix: as of everything temporary, the next start removes it.
const NAME: &str = "away";

/// Chunks out of memory.
pub struct Shelf {
    path: PathBuf,
    database: Database,
}

impl Shelf {
    /// An empty shelf in the folder of the snapshots, which must be there.
    ///
    /// # Errors
    /// What the device or sled says.
    pub fn open(snapshots: impl Into<PathBuf>) -> Result<Shelf, SnapshotError> {
        let path = snapshots.into().join(format!("{NAME}{TEMPORARY_SUFFIX}"));
        database::remove(&path, &path)?;
        make_folder(&path)?;
        let database = Database::open(&path, &path)?;
        Ok(Shelf { path, database })
    }

    /// Puts a chunk on the shelf.
    ///
    /// # Errors
    /// What the device or sled says.
    pub fn put(&self, key: &[u8], value: &[u8]) -> Result<(), SnapshotError> {
        self.database.put(key, frame(key, value)?.0)
    }

    /// A chunk on the shelf.
    ///
    /// # Errors
    /// `Damaged`, where it is not there as it was put; what the device or sled says.
    pub fn get(&self, key: &[u8]) -> Result<Vec<u8>, SnapshotError> {
        let missing = || SnapshotError::damaged(&self.path, "a chunk that was put there is missing");
        let stored = self.database.get(key)?.ok_or_else(missing)?;
        match unframe(key, &stored) {
            Ok((value, _)) => Ok(value.to_vec()),
            Err(why) => Err(SnapshotError::damaged(&self.path, why)),
        }
    }

    /// The error for a chunk that is no state of ours.
    #[must_use]
    pub fn damaged(&self, why: &str) -> SnapshotError {
        SnapshotError::damaged(&self.path, why)
    }

    /// Takes a chunk off the shelf.
    ///
    /// # Errors
    /// What the device or sled says.
    pub fn remove(&self, key: &[u8]) -> Result<(), SnapshotError> {
        self.database.remove(key)
    }
}
