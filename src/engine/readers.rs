//! The readers of an engine's journal, which read single records of it: a few work at once, and those that rest keep what they know.
//!
//! Absent on purpose: what is read.

use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::domain::{Code, Refusal};
use crate::journal::{FolderDisk, Seeker};
use crate::limits::{HISTORIES_MAX, HISTORY_PATIENCE_MS, HISTORY_READERS_MAX};

/// The readers: so many at once, for which a few more wait.
pub(super) struct Readers {
    folder: PathBuf,
    state: Mutex<ReadersState>,
    /// One has come to rest.
    rested: Condvar,
}

struct ReadersState {
    /// How many histories there are.
    histories: usize,
    /// How many more readers there may be.
    more: usize,
    resting: Vec<Seeker<FolderDisk>>,
}

impl Readers {
    pub(super) fn of(folder: PathBuf) -> Arc<Readers> {
        let state = ReadersState { histories: 0, more: HISTORY_READERS_MAX, resting: Vec::new() };
        Arc::new(Readers { folder, state: Mutex::new(state), rested: Condvar::new() })
    }

    fn lock(&self) -> MutexGuard<'_, ReadersState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place for one more history, or `overloaded`.
    pub(super) fn begin(self: &Arc<Self>) -> Result<Reading, Refusal> {
        let mut state = self.lock();
        if state.histories >= HISTORIES_MAX {
            return Err(overloaded());
        }
        state.histories += 1;
        Ok(Reading { readers: Arc::clone(self), seeker: None })
    }
}

fn overloaded() -> Refusal {
    Refusal::new(Code::Overloaded, "history", "is read by as many as can: ask again in a moment")
}

/// One history's place, and its reader once it reads. Both are given back when this is dropped.
pub(super) struct Reading {
    readers: Arc<Readers>,
    seeker: Option<Seeker<FolderDisk>>,
}

impl Reading {
    /// Its reader, for which it may have to wait.
    ///
    /// # Errors
    /// `overloaded`, where none has come to rest for so long.
    pub(super) fn reader(&mut self) -> Result<&mut Seeker<FolderDisk>, Refusal> {
        let seeker = match self.seeker.take() {
            Some(seeker) => seeker,
            None => self.wait_for_a_reader()?,
        };
        Ok(self.seeker.insert(seeker))
    }

    fn wait_for_a_reader(&self) -> Result<Seeker<FolderDisk>, Refusal> {
        let patience = Duration::from_millis(HISTORY_PATIENCE_MS);
        let none = |state: &mut ReadersState| state.resting.is_empty() && state.more == 0;
        let waited = self.readers.rested.wait_timeout_while(self.readers.lock(), patience, none);
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        if let Some(seeker) = state.resting.pop() {
            return Ok(seeker);
        }
        if state.more == 0 {
            return Err(overloaded());
        }
        state.more -= 1;
        Ok(Seeker::new(FolderDisk::new(&self.readers.folder)))
    }

    /// How many bytes its reader has read in all.
    pub(super) fn bytes_read(&self) -> u64 {
        self.seeker.as_ref().map_or(0, Seeker::bytes_read)
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        let mut state = self.readers.lock();
        state.histories -= 1;
        if let Some(mut seeker) = self.seeker.take() {
            seeker.rest();
            state.resting.push(seeker);
            self.readers.rested.notify_one();
        }
    }
}
