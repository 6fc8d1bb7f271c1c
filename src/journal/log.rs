//! The promises of a log, and the batch of records that one append takes.
//!
//! Absent on purpose: threads and waiting. A log is owned by one caller at a time; sharing
//! it is the work of `handover`.

use super::{
    error::JournalError,
    format::{self, RECORD_HEAD_BYTES},
};
use crate::domain::Position;

/// Records in their order, framed as they will be stored (length, checksum, bytes), but with
/// zeros for the checksums: the log fills them in, so that they cost whoever pushes nothing.
///
/// Clearing or handing over keeps the memory, for the next turn.
#[derive(Clone, Debug, Default)]
pub struct RecordBatch {
    framed: Vec<u8>,
    records: u64,
}

impl RecordBatch {
    /// An empty batch without memory of its own.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a record.
    ///
    /// # Errors
    /// `RecordEmpty` and `RecordTooLarge`; the batch is then unchanged.
    pub fn push(&mut self, record: &[u8]) -> Result<(), JournalError> {
        self.push_with(|bytes| {
            bytes.extend_from_slice(record);
            Ok(())
        })
    }

    /// Adds the record that `write` appends to the bytes it is given, without a copy between.
    /// `write` must only append.
    ///
    /// # Errors
    /// Those of `write`, `RecordEmpty` and `RecordTooLarge`; the batch is then unchanged.
    pub fn push_with<E: From<JournalError>>(
        &mut self,
        write: impl FnOnce(&mut Vec<u8>) -> Result<(), E>,
    ) -> Result<(), E> {
        let start = self.framed.len();
        self.framed.extend_from_slice(&[0; RECORD_HEAD_BYTES]);
        let framed = write(&mut self.framed)
            .and_then(|()| format::set_length(&mut self.framed, start).map_err(E::from));
        match framed {
            Ok(()) => self.records += 1,
            Err(_) => self.framed.truncate(start),
        }
        framed
    }

    /// How many records it holds.
    pub fn records(&self) -> u64 {
        self.records
    }

    /// How many bytes they take with their frames.
    pub fn bytes(&self) -> u64 {
        self.framed.len() as u64
    }

    /// Whether it holds no record.
    pub fn is_empty(&self) -> bool {
        self.records == 0
    }

    /// Where the next record to be pushed will begin, behind its frame's head.
    pub(super) fn next_record(&self) -> usize {
        self.framed.len() + RECORD_HEAD_BYTES
    }

    /// Changes bytes of a record that was pushed, of the same length.
    pub(super) fn overwrite(&mut self, at: usize, bytes: &[u8]) {
        self.framed[at..at + bytes.len()].copy_from_slice(bytes);
    }

    /// The framed bytes, as they are stored but for the checksums.
    pub fn framed(&self) -> &[u8] {
        &self.framed
    }

    /// The records in their order, without frames.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        let mut at = 0;
        std::iter::from_fn(move || {
            let (record, end) = format::frame_at(&self.framed, at).ok()?;
            at = end;
            Some(record)
        })
    }

    /// Moves the records of `other` behind those here and leaves `other` empty. When this one
    /// is empty the two change places, without a copy.
    pub fn append(&mut self, other: &mut RecordBatch) {
        if self.is_empty() {
            std::mem::swap(self, other);
        } else {
            self.framed.extend_from_slice(&other.framed);
            self.records += other.records;
        }
        other.clear();
    }

    /// Forgets the records and keeps the memory.
    pub fn clear(&mut self) {
        self.framed.clear();
        self.records = 0;
    }
}

/// What a reader does with each record and its position; its first error ends the reading.
pub type Visit<'visit> = dyn FnMut(Position, &[u8]) -> Result<(), JournalError> + 'visit;

/// An append-only log of opaque records. One suite of contract tests holds every
/// implementation to what is said here.
///
/// - Positions are consecutive, begin at 1, and are given in the order of the appends.
/// - What `sync` has returned is there after any crash, in every later opening, until it is
///   trimmed. What was appended and not synced may be there after a crash, whole or as any
///   prefix of it, and never in another order or with other bytes.
/// - After a failed write or sync the log is poisoned: everything but reading is refused with
///   `Poisoned`, because nobody can know what of it reached the device.
pub trait Log: Send {
    /// Takes the records of `batch` behind those appended before and returns the position of
    /// its first, the others following one by one. An empty batch takes no position and the
    /// next one to be given is returned. Nothing is durable yet, unless so much was gathered
    /// that the log synced of its own accord.
    ///
    /// # Errors
    /// `BatchTooLarge`, without change; `ReadOnly`, `Closed`, `Poisoned`; and what writing
    /// gives, after which the log is poisoned.
    fn append(&mut self, batch: &RecordBatch) -> Result<Position, JournalError>;

    /// Makes durable all that was appended and returns the newest durable position. With
    /// nothing appended it does nothing.
    ///
    /// # Errors
    /// `ReadOnly`, `Closed`, `Poisoned`; and what writing gives, after which the log is
    /// poisoned.
    fn sync(&mut self) -> Result<Position, JournalError>;

    /// Visits every durable record from position `from` on, in order, each with its position.
    /// `Position(0)` stands for the oldest there is. A `from` past the newest visits nothing.
    ///
    /// # Errors
    /// `Trimmed`, when `from` is older than the oldest kept; `Corrupt`, when stored bytes
    /// changed since they were written; what reading gives; and the first error of `visit`,
    /// which ends the reading.
    fn read(&self, from: Position, visit: &mut Visit<'_>) -> Result<(), JournalError>;

    /// Allows the log to forget records before `before`. It forgets as much of that as it can
    /// in whole pieces, so records before `before` may remain; none from `before` on goes.
    ///
    /// # Errors
    /// `ReadOnly`, `Closed`, `Poisoned`, and what removing gives.
    fn trim(&mut self, before: Position) -> Result<(), JournalError> {
        while self.trim_one(before)? {}
        Ok(())
    }

    /// As `trim`, of one piece, so that nobody who waits for a sync waits for many. True where more of them can go.
    ///
    /// # Errors
    /// As for `trim`.
    fn trim_one(&mut self, before: Position) -> Result<bool, JournalError>;

    /// Syncs, then notes durably that the log was ended on purpose. Afterwards only reading
    /// is possible, and sealing again does nothing.
    ///
    /// # Errors
    /// As for `sync`.
    fn seal(&mut self) -> Result<(), JournalError>;

    /// The oldest position kept; one past the newest when there is no record.
    fn oldest(&self) -> Position;

    /// The newest position given, durable or not; 0 when none was ever given.
    fn newest(&self) -> Position;

    /// The newest durable position.
    fn durable(&self) -> Position;

    /// Bytes written to the device since opening, heads included.
    fn bytes_written(&self) -> u64;
}
