//! Failures of the engine, grouped by who must act. Refusals are not among them: those are answers.

use std::io;
use std::path::{Path, PathBuf};

use crate::actors::{RecoveryError, ReplayError};
use crate::journal::JournalError;

/// The engine cannot open, or has stopped.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// Whoever configures must act.
    #[error("{field} is {value}: give {limit}")]
    Config {
        /// The setting.
        field: &'static str,
        /// What was given.
        value: usize,
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
