//! A log in memory that fails where it is told to, for tests of the front.

use std::{
    io,
    sync::{
        Arc,
        mpsc::{Receiver, Sender, channel},
    },
    time::Duration,
};

use super::*;
use crate::journal::{JournalError, Visit};

/// What goes wrong at one sync, counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// The write is refused before anything is stored.
    AppendFails,
    /// Only some records of the batch are stored.
    ShortWrite,
    /// Everything is written and the sync fails.
    SyncFails,
    /// The log gives another position than the next.
    WrongPosition,
    /// The log panics.
    Panic,
    /// Sealing fails.
    SealFails,
}

/// The log. What it made durable can be looked at from outside.
pub struct ScriptedLog {
    trouble: Option<(u64, Trouble)>,
    syncs: u64,
    appended: Vec<Vec<u8>>,
    stored: Arc<std::sync::Mutex<Stored>>,
    gate: Option<Receiver<()>>,
    trims: Option<(Sender<u64>, Receiver<()>)>,
}

/// What reached the device.
#[derive(Debug, Default)]
pub struct Stored {
    pub records: Vec<Vec<u8>>,
    pub durable: u64,
    pub sealed: bool,
    pub trimmed: u64,
}

impl ScriptedLog {
    pub fn new(trouble: Option<(u64, Trouble)>) -> (Self, Arc<std::sync::Mutex<Stored>>) {
        let stored = Arc::default();
        let log = ScriptedLog {
            trouble,
            syncs: 0,
            appended: Vec::new(),
            stored: Arc::clone(&stored),
            gate: None,
            trims: None,
        };
        (log, stored)
    }

    /// As `new`, and each sync with records waits for a message. Dropping the sender opens the
    /// gate for good.
    pub fn gated() -> (Self, Arc<std::sync::Mutex<Stored>>, Sender<()>) {
        let (mut log, stored) = Self::new(None);
        let (sender, receiver) = channel();
        log.gate = Some(receiver);
        (log, stored, sender)
    }

    /// As `new`; whenever it has removed a piece it says what was durable by then, and waits for a message.
    pub fn telling_trims() -> (Self, Arc<std::sync::Mutex<Stored>>, Receiver<u64>, Sender<()>) {
        let (mut log, stored) = Self::new(None);
        let (told, trims) = channel();
        let (go_on, waits) = channel();
        log.trims = Some((told, waits));
        (log, stored, trims, go_on)
    }

    fn is_time_for(&self, trouble: Trouble) -> bool {
        self.trouble == Some((self.syncs + 1, trouble))
    }
}

fn refused() -> JournalError {
    JournalError::from_io("write", "scripted", io::Error::other("it was told to fail"))
}

impl Log for ScriptedLog {
    fn append(&mut self, batch: &RecordBatch) -> Result<Position, JournalError> {
        if self.is_time_for(Trouble::AppendFails) {
            return Err(refused());
        }
        let first = self.newest().0 + 1;
        self.appended.extend(batch.iter().map(<[u8]>::to_vec));
        let off = u64::from(self.is_time_for(Trouble::WrongPosition));
        Ok(Position(first + off))
    }

    fn sync(&mut self) -> Result<Position, JournalError> {
        if self.appended.is_empty() {
            return Ok(self.newest());
        }
        if let Some(gate) = &self.gate {
            // The time is only for a test that fails with the gate closed.
            let _ = gate.recv_timeout(Duration::from_secs(10));
        }
        assert!(!self.is_time_for(Trouble::Panic), "it was told to panic");
        if self.is_time_for(Trouble::ShortWrite) {
            self.appended.truncate(1);
        }
        let mut stored = self.stored.lock().unwrap();
        stored.records.append(&mut self.appended);
        if self.is_time_for(Trouble::SyncFails) || self.is_time_for(Trouble::ShortWrite) {
            return Err(refused());
        }
        self.syncs += 1;
        stored.durable = stored.records.len() as u64;
        Ok(Position(stored.durable))
    }

    fn read(&self, from: Position, visit: &mut Visit<'_>) -> Result<(), JournalError> {
        let stored = self.stored.lock().unwrap();
        for (index, record) in stored.records.iter().enumerate() {
            let position = Position(index as u64 + 1);
            if position >= from {
                visit(position, record)?;
            }
        }
        Ok(())
    }

    fn trim_one(&mut self, before: Position) -> Result<bool, JournalError> {
        let mut stored = self.stored.lock().unwrap();
        stored.trimmed = (stored.trimmed + 1).min(before.0);
        let (durable, more) = (stored.durable, stored.trimmed < before.0);
        drop(stored);
        if let Some((told, go_on)) = &self.trims {
            told.send(durable).unwrap();
            let _ = go_on.recv_timeout(Duration::from_secs(10));
        }
        Ok(more)
    }

    fn seal(&mut self) -> Result<(), JournalError> {
        if self.is_time_for(Trouble::SealFails) {
            return Err(refused());
        }
        self.sync()?;
        self.stored.lock().unwrap().sealed = true;
        Ok(())
    }

    fn oldest(&self) -> Position {
        Position(1)
    }

    fn newest(&self) -> Position {
        let stored = self.stored.lock().unwrap();
        Position((stored.records.len() + self.appended.len()) as u64)
    }

    fn durable(&self) -> Position {
        Position(self.stored.lock().unwrap().durable)
    }

    fn bytes_written(&self) -> u64 {
        let stored = self.stored.lock().unwrap();
        stored.records.iter().map(|record| record.len() as u64).sum()
    }
}
