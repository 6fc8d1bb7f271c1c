//! What opening a journal found, for whoever opens it and for people.
//!
//! Absent on purpose: how it was found.

use std::{fmt, path::PathBuf};

use crate::domain::Position;

/// What opening a journal found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opened {
    /// How many records it holds.
    pub records: u64,
    /// The oldest record's position; one past the newest when there is none.
    pub oldest: Position,
    /// The newest record's position; 0 when there never was one.
    pub newest: Position,
    /// Whether the journal was ended on purpose, so that every byte of it is proved.
    pub sealed: bool,
    /// What a crash left of a last batch and is not part of the journal.
    pub cut: Option<Cut>,
    /// How many segment files there were.
    pub segments: u64,
    /// How many bytes of them were read and proved.
    pub bytes: u64,
    /// Files that a crash left while they were being created. Opening for writing removes them.
    pub temporaries: u64,
}

/// The end of the last batch, which no crash-free writing leaves, and which opening leaves out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cut {
    /// The segment's path.
    pub file: PathBuf,
    /// Where the cut is, in bytes from the beginning of the file.
    pub offset: u64,
    /// How many bytes were there from `offset` on.
    pub bytes: u64,
    /// How many records of that last batch were good and are kept.
    pub records_kept: u64,
    /// How many records of that batch are lost; none when its head cannot be read.
    pub records_cut: Option<u64>,
    /// What is wrong at `offset`.
    pub why: &'static str,
}

impl fmt::Display for Cut {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "the last batch was cut at byte {} of {}: {}; {} bytes left out, {} records of the batch kept, ",
            self.offset,
            self.file.display(),
            self.why,
            self.bytes,
            self.records_kept,
        )?;
        match self.records_cut {
            Some(records) => write!(formatter, "{records} cut"),
            None => write!(formatter, "its head cannot be read"),
        }
    }
}
