//! Failures of the engine, grouped by who must act. Refusals are not among them: those are answers.

use std::io;
use std::path::{Path, PathBuf};

use crate::actors::{RecoveryError, ReplayError};
use crate::domain::Position;
use crate::journal::JournalError;
use crate::snapshot::SnapshotError;

/// The engine cannot open, or has stopped.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// Whoever configures must act.
    #[error("{field} is {value}: give {limit}")]
    Config {
        /// The setting.
        field: &'static str,
        /// What was given.
        value: u64,
        /// What may be given.
        limit: String,
    },
    /// Whoever runs the machine must act: folder, permissions, room, another process, damage.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// Whoever runs the machine must act: no threads or no randomness.
    #[error("the machine refused: {0}")]
    Machine(#[from] io::Error),
    /// The records are whole but do not follow from each other: the store is damaged, or this is a bug of ours.
    #[error("{}: {error}", folder.display())]
    Replay {
        /// The data folder.
        folder: PathBuf,
        /// The record and what is wrong.
        error: ReplayError,
    },
    /// Whoever keeps the copies must act: the snapshot holds what the journal does not.
    #[error(
        "{} holds states up to record {}, and the journal ends at record {}: its end is lost, restore it from a copy",
        path.display(), snapshot.0, journal.0
    )]
    SnapshotAhead {
        /// The snapshot.
        path: PathBuf,
        /// The newest record in its states.
        snapshot: Position,
        /// The newest record of the journal.
        journal: Position,
    },
    /// Whoever keeps the copies must act: a part of the archive is damaged that no start needs.
    #[error(
        "{damage}; or move it and all segments before it out of that folder and start again: a snapshot stands for their \
         records and goes on from record {}, so what is lost is what histories and audits would read of that time",
        read_from.0
    )]
    ArchiveDamaged {
        /// What is damaged, and where.
        damage: JournalError,
        /// The first record that a start reads.
        read_from: Position,
    },
    /// A snapshot's states are not what the records make: damage that no checksum has found, or a bug of ours.
    #[error("first difference: {why}")]
    SnapshotWrong {
        /// Which state of which snapshot.
        why: String,
    },
    /// Whoever keeps the copies must act: nothing stands for what the journal no longer has.
    #[error("the journal begins at record {} and no snapshot stands for what was before ({why}): restore the store from a copy", oldest.0)]
    BeginningGone {
        /// The oldest record of the journal.
        oldest: Position,
        /// Why no snapshot can be used.
        why: String,
    },
    /// Whoever runs the machine must act: the snapshots' folder cannot be worked with.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
    /// The engine had stopped by itself before it was closed.
    #[error("the engine had stopped: {0}")]
    Stopped(String),
}

impl EngineError {
    /// The failure of a recovery, with the data folder where the error itself does not name a file.
    pub(super) fn in_folder(folder: &Path, error: RecoveryError) -> EngineError {
        match error {
            RecoveryError::Journal(error) => EngineError::Journal(error),
            RecoveryError::Replay(error) => EngineError::Replay { folder: folder.to_owned(), error },
        }
    }
}
