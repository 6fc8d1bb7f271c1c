//! What can go wrong in the journal, grouped by who must act.
//!
//! Every message is one line and names the file. Absent on purpose: anything that is retried
//! here. A write or sync that failed has an unknown outcome, and only a new start finds out.

use std::{io, path::PathBuf};

use crate::domain::Position;

/// A failure of the journal. The groups follow one another in the order of the variants: the
/// operator of the machine, whoever keeps the copies, the calling program.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    // For the operator.
    /// The device or the quota is full. Nothing that was answered is lost.
    #[error("no room to {doing} {}: make room on that device and start again", path.display())]
    NoRoom {
        /// What was being done, as the rest of the sentence "could not …".
        doing: &'static str,
        /// The file or folder it was done to.
        path: PathBuf,
    },
    /// The process may not do this, or the file system is mounted for reading only.
    #[error("not permitted to {doing} {} ({source}): give this process that right or choose another folder", path.display())]
    NotPermitted {
        /// What was being done.
        doing: &'static str,
        /// The file or folder it was done to.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// Any other failure of the operating system or the device.
    #[error("could not {doing} {}: {source}", path.display())]
    Io {
        /// What was being done.
        doing: &'static str,
        /// The file or folder it was done to.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// Somebody has removed or moved a file or a folder that is worked with.
    #[error("{} was removed or moved while it was written to: put it back, or restore the store from a copy", path.display())]
    Removed {
        /// The file or folder.
        path: PathBuf,
    },
    /// Another process holds the data folder.
    #[error("{} is in use by this or another process: end that process, or drop the engine where it is this one, or choose another folder", folder.display())]
    InUse {
        /// The data folder.
        folder: PathBuf,
    },
    /// The data folder's path names something that is no folder.
    #[error("{} is not a folder: choose another path for the data", path.display())]
    NotAFolder {
        /// The path as given.
        path: PathBuf,
    },
    /// The folder holds other things, or nothing where a store was expected.
    #[error("{} is not a hongbao store ({why}): choose another folder", folder.display())]
    NotAStore {
        /// The folder as given.
        folder: PathBuf,
        /// What was found or missed.
        why: String,
    },
    /// The file was written by a later version of hongbao.
    #[error("{} has format {version}, newer than this hongbao reads: start the newer hongbao", file.display())]
    NewerFormat {
        /// The file that says so.
        file: PathBuf,
        /// The version it gives.
        version: u64,
    },

    // For whoever keeps the copies.
    /// Stored bytes are not what was written, and no crash explains it.
    #[error("{} is damaged at byte {offset}: {why}; restore it from a copy", file.display())]
    Corrupt {
        /// The damaged file.
        file: PathBuf,
        /// Where in the file, in bytes from its beginning.
        offset: u64,
        /// What is wrong there.
        why: String,
    },
    /// A file that the journal never made lies in its folder.
    #[error("{} does not belong in the journal's folder: move it elsewhere", file.display())]
    Stray {
        /// The file.
        file: PathBuf,
    },
    /// Something that every store has is not there.
    #[error("{} is missing from the store: restore it from a copy", path.display())]
    Missing {
        /// What is missing.
        path: PathBuf,
    },

    /// The file that says what the folder is has been lost, or damaged, and the journal is there.
    #[error(
        "{} {fault}, and beside it is a journal: the store has lost its mark; put that file back from a copy of the store, \
         or write it with the one line \"hongbao store 1\"",
        file.display()
    )]
    Unmarked {
        /// Where the file was, or is.
        file: PathBuf,
        /// What is wrong with it.
        fault: &'static str,
    },
    /// There is no segment, and snapshots say that there were some.
    #[error(
        "{} holds no segment, and {} is not empty: the journal is lost; restore the store from a copy",
        journal.display(), snapshots.display()
    )]
    JournalLost {
        /// The folder where the segments were.
        journal: PathBuf,
        /// The folder of the snapshots.
        snapshots: PathBuf,
    },

    // For the calling program.
    /// A record without bytes: a length of zero is kept to mean damage.
    #[error("a record must have at least one byte")]
    RecordEmpty,
    /// A record longer than any may be.
    #[error("a record of {bytes} bytes is longer than the {bytes_max} allowed")]
    RecordTooLarge {
        /// Its length.
        bytes: u64,
        /// The bound.
        bytes_max: u64,
    },
    /// The records handed over at once are longer than one batch may be.
    #[error("records of {bytes} bytes in one batch are more than the {bytes_max} allowed")]
    BatchTooLarge {
        /// Their length with frames.
        bytes: u64,
        /// The bound.
        bytes_max: u64,
    },
    /// The records asked for were trimmed.
    #[error("position {} was trimmed: the oldest record kept is {}", asked.0, oldest.0)]
    Trimmed {
        /// The first position asked for.
        asked: Position,
        /// The oldest one there is.
        oldest: Position,
    },
    /// The log was opened for reading only.
    #[error("this log was opened for reading only")]
    ReadOnly,
    /// The log was sealed or its journal closed: nothing more is taken.
    #[error("the journal is closed")]
    Closed,
    /// A reader's own `visit` ended the reading.
    #[error("reading the journal was stopped: {why}")]
    Stopped {
        /// In the words of the reader.
        why: String,
    },
    /// An actor that is out of memory cannot be brought back.
    #[error("an idle actor cannot be brought back to memory ({why}): start again")]
    Away {
        /// What its shelf says.
        why: String,
    },
    /// An earlier write or sync failed: nothing more is taken until a new start.
    #[error("the journal stopped after a failure ({why}): start again")]
    Poisoned {
        /// The first failure.
        why: String,
    },
}

impl JournalError {
    /// The error for a failed call to the operating system, sorted by who must act.
    pub fn from_io(doing: &'static str, path: impl Into<PathBuf>, source: io::Error) -> Self {
        let path = path.into();
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => JournalError::NoRoom { doing, path },
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                JournalError::NotPermitted { doing, path, source }
            }
            _ => JournalError::Io { doing, path, source },
        }
    }
}
