//! A log in memory for models of threads: each step of it is a place where another thread may go on.

use crate::domain::Position;
use crate::journal::{JournalError, Log, RecordBatch, Visit};
use crate::sync::{Arc, Mutex, MutexGuard};

/// What reached the device. Each use of its lock is a place where another thread may go on.
#[derive(Debug, Default)]
pub(crate) struct Stored {
    appended: Vec<Vec<u8>>,
    pub records: Vec<Vec<u8>>,
    pub seals: u64,
    /// Whether the log has failed or was sealed.
    ended: bool,
    pub used_after_its_end: bool,
}

/// A device that all threads of a model look at.
#[derive(Clone, Debug, Default)]
pub(crate) struct Device(Arc<Mutex<Stored>>);

impl Device {
    pub(crate) fn look(&self) -> MutexGuard<'_, Stored> {
        self.0.lock().unwrap()
    }

    /// How many records are durable.
    pub(crate) fn durable(&self) -> u64 {
        self.look().records.len() as u64
    }
}

/// Where a log fails: at the write of this batch, counted from 1, at its sync, or when it is sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    Write(u64),
    Sync(u64),
    Seal,
}

/// A log on that device.
pub(crate) struct ModelLog {
    device: Device,
    fault: Option<Fault>,
    batches: u64,
}

impl ModelLog {
    /// A log that fails there, or never.
    pub(crate) fn boxed(device: &Device, fault: Option<Fault>) -> Box<dyn Log> {
        Box::new(ModelLog { device: device.clone(), fault, batches: 0 })
    }

    fn step(&self, fault: Fault, change: impl FnOnce(&mut Stored)) -> Result<(), JournalError> {
        let mut stored = self.device.look();
        stored.used_after_its_end |= stored.ended;
        if self.fault == Some(fault) {
            stored.ended = true;
            let refused = std::io::Error::other("it was told to fail");
            return Err(JournalError::from_io("write", "the model", refused));
        }
        change(&mut stored);
        Ok(())
    }
}

impl Log for ModelLog {
    fn append(&mut self, batch: &RecordBatch) -> Result<Position, JournalError> {
        self.batches += 1;
        let first = self.newest().0 + 1;
        self.step(Fault::Write(self.batches), |stored| {
            stored.appended.extend(batch.iter().map(<[u8]>::to_vec));
        })?;
        Ok(Position(first))
    }

    fn sync(&mut self) -> Result<Position, JournalError> {
        if self.batches > 0 {
            self.step(Fault::Sync(self.batches), |stored| stored.records.append(&mut stored.appended))?;
        }
        Ok(self.newest())
    }

    fn read(&self, _from: Position, _visit: &mut Visit<'_>) -> Result<(), JournalError> {
        unreachable!("a front does not read")
    }

    fn trim_one(&mut self, _before: Position) -> Result<bool, JournalError> {
        Ok(false)
    }

    fn seal(&mut self) -> Result<(), JournalError> {
        self.step(Fault::Seal, |stored| {
            stored.seals += 1;
            stored.ended = true;
        })
    }

    fn oldest(&self) -> Position {
        Position(1)
    }

    fn newest(&self) -> Position {
        let stored = self.device.look();
        Position((stored.records.len() + stored.appended.len()) as u64)
    }

    fn durable(&self) -> Position {
        Position(self.device.durable())
    }

    fn bytes_written(&self) -> u64 {
        0
    }
}
