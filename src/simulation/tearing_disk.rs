//! A disk in memory that can lose its power or fail at any step, for crash tests.
//!
//! It keeps apart what programs see (as the page cache shows it) and what a loss of power
//! would leave: content that was not synced may be lost, torn at any byte or kept sector by
//! sector, and names that were not synced may be there or not. A failed sync drops what it
//! should have made durable and goes on showing it, as Linux does: a later sync that succeeds
//! does not bring it to the device.
//!
//! Absent on purpose: time, and bytes changing by themselves; tests change those through
//! [`TearingDisk::change`].

use std::{
    collections::BTreeMap,
    io,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::chance::Chance;
use super::power::{Change, Crash, FileState, NameChange};
use crate::journal::{Disk, JournalError, TEMPORARY_SUFFIX};

/// How one step on the disk goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The step does nothing and is refused by the device.
    Refused,
    /// A write stores only the first so many bytes and is then refused; another step is
    /// refused as above.
    ShortWrite(usize),
    /// The device is full.
    NoRoom,
    /// This step and every later one fails: the machine is off. `crash` tells what is left.
    PowerOff,
}

/// A disk in memory. Clones are the same disk, as several processes see it one after another.
#[derive(Clone, Debug, Default)]
pub struct TearingDisk {
    inner: Arc<Mutex<Inner>>,
}

#[derive(Clone, Debug, Default)]
struct Inner {
    files: Vec<FileState>,
    names: BTreeMap<String, usize>,
    durable_names: BTreeMap<String, usize>,
    name_changes: Vec<NameChange>,
    steps: u64,
    failure: Option<(u64, Failure)>,
}

impl TearingDisk {
    /// An empty disk that does not fail.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many steps that change or sync something were begun. Creating a file takes four:
    /// write, sync, rename, sync of the folder.
    pub fn steps(&self) -> u64 {
        self.lock().steps
    }

    /// Makes the step that is `steps_ahead` after the next one go wrong, 0 being the next.
    pub fn fail(&self, steps_ahead: u64, failure: Failure) {
        let mut inner = self.lock();
        inner.failure = Some((inner.steps + steps_ahead, failure));
    }

    /// True once a step has gone wrong as it was told to.
    pub fn has_failed(&self) -> bool {
        let inner = self.lock();
        inner.failure.is_some_and(|(at, _)| inner.steps > at)
    }

    /// True once the power has gone off at a step.
    pub fn is_off(&self) -> bool {
        let inner = self.lock();
        inner.failure.is_some_and(|(at, failure)| inner.steps > at && failure == Failure::PowerOff)
    }

    /// Ends failing. What programs see stays, as when a process is started again.
    pub fn heal(&self) {
        self.lock().failure = None;
    }

    /// Changes a file's stored bytes behind everyone's back, on the device and as shown.
    pub fn change(&self, name: &str, change: impl Fn(&mut Vec<u8>)) {
        let mut inner = self.lock();
        if let Some(&file) = inner.names.get(name) {
            let state = &mut inner.files[file];
            change(&mut state.shown);
            state.durable = state.shown.clone();
            state.changes.clear();
        }
    }

    /// How many appended bytes are not synced, over all files.
    pub fn unsynced_bytes(&self) -> u64 {
        let inner = self.lock();
        let changes = inner.files.iter().flat_map(|file| &file.changes);
        changes
            .map(|change| match change {
                Change::Write { bytes, .. } => bytes.len() as u64,
                Change::Truncate(_) => 0,
            })
            .sum()
    }

    /// The disk as a loss of power leaves it, running again. This one is not touched.
    pub fn crash(&self, crash: Crash) -> TearingDisk {
        let before = self.lock().clone();
        let mut chance = Chance(match crash {
            Crash::Torn { seed } | Crash::Sectors { seed, .. } => seed,
            _ => 0,
        });
        let mut bytes_left = match crash {
            Crash::BytesKept(bytes) => bytes,
            _ => 0,
        };
        let files = before
            .files
            .into_iter()
            .map(|file| {
                let content = file.after(crash, &mut chance, &mut bytes_left);
                FileState { shown: content.clone(), durable: content, changes: Vec::new() }
            })
            .collect();
        let mut names = before.durable_names;
        for change in before.name_changes {
            let kept = match crash {
                Crash::AllLost => false,
                Crash::AllKept | Crash::BytesKept(_) => true,
                Crash::Torn { .. } | Crash::Sectors { .. } => chance.below(2) == 1,
            };
            if kept {
                change.apply(&mut names);
            }
        }
        let inner = Inner { files, durable_names: names.clone(), names, ..Inner::default() };
        TearingDisk { inner: Arc::new(Mutex::new(inner)) }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn fault(&self, doing: &'static str, name: &str, kind: io::ErrorKind) -> JournalError {
        let source = io::Error::new(kind, "the simulated disk fails here");
        JournalError::from_io(doing, self.path(name), source)
    }

    /// Counts a step and tells whether it fails. For a short write it tells how many bytes
    /// are stored all the same.
    fn step(&self, inner: &mut Inner, doing: &'static str, name: &str) -> Result<(), Failed> {
        let this = inner.steps;
        inner.steps += 1;
        let Some((at, failure)) = inner.failure else {
            return Ok(());
        };
        let off = failure == Failure::PowerOff && this > at;
        if this != at && !off {
            return Ok(());
        }
        let (stored, kind) = match failure {
            Failure::Refused | Failure::PowerOff => (0, io::ErrorKind::Other),
            Failure::ShortWrite(stored) => (stored, io::ErrorKind::Other),
            Failure::NoRoom => (0, io::ErrorKind::StorageFull),
        };
        Err(Failed { stored, powered: failure != Failure::PowerOff, error: self.fault(doing, name, kind) })
    }

    fn write(&self, inner: &mut Inner, file: usize, name: &str, bytes: &[u8]) -> Outcome {
        let step = self.step(inner, "write", name);
        let stored = match &step {
            Ok(()) => bytes.len(),
            Err(failed) => failed.stored.min(bytes.len()),
        };
        let state = &mut inner.files[file];
        let offset = state.shown.len();
        state.shown.extend_from_slice(&bytes[..stored]);
        if stored > 0 {
            let bytes = bytes[..stored].to_vec();
            state.changes.push(Change::Write { offset, bytes });
        }
        step.map_err(|failed| failed.error)
    }

    fn sync_file(&self, inner: &mut Inner, file: usize, name: &str) -> Outcome {
        let step = self.step(inner, "sync", name);
        let state = &mut inner.files[file];
        match step {
            Ok(()) => {
                for change in std::mem::take(&mut state.changes) {
                    change.apply(&mut state.durable);
                }
                Ok(())
            }
            Err(failed) => {
                if failed.powered {
                    state.changes.clear();
                }
                Err(failed.error)
            }
        }
    }

    fn sync_names(&self, inner: &mut Inner) -> Outcome {
        self.step(inner, "sync the folder", "").map_err(|failed| failed.error)?;
        for change in std::mem::take(&mut inner.name_changes) {
            change.apply(&mut inner.durable_names);
        }
        Ok(())
    }

    fn change_names(&self, inner: &mut Inner, change: NameChange) {
        change.apply(&mut inner.names);
        inner.name_changes.push(change);
    }

    fn file(&self, inner: &Inner, doing: &'static str, name: &str) -> Result<usize, JournalError> {
        match inner.names.get(name) {
            Some(&file) => Ok(file),
            None => Err(self.fault(doing, name, io::ErrorKind::NotFound)),
        }
    }
}

type Outcome = Result<(), JournalError>;

/// A step that failed.
struct Failed {
    stored: usize,
    powered: bool,
    error: JournalError,
}

impl Disk for TearingDisk {
    fn path(&self, name: &str) -> PathBuf {
        PathBuf::from("tearing-disk").join(name)
    }

    fn list(&self) -> Result<Vec<String>, JournalError> {
        Ok(self.lock().names.keys().cloned().collect())
    }

    fn length(&self, name: &str) -> Result<u64, JournalError> {
        let inner = self.lock();
        let file = self.file(&inner, "look at", name)?;
        Ok(inner.files[file].shown.len() as u64)
    }

    fn read_over(
        &self,
        name: &str,
        offset: u64,
        length: usize,
        bytes: &mut Vec<u8>,
    ) -> Result<(), JournalError> {
        let inner = self.lock();
        let file = self.file(&inner, "read", name)?;
        let start = offset as usize;
        match inner.files[file].shown.get(start..start + length) {
            Some(shown) => {
                bytes.clear();
                bytes.extend_from_slice(shown);
                Ok(())
            }
            None => Err(self.fault("read", name, io::ErrorKind::UnexpectedEof)),
        }
    }

    fn create(&mut self, name: &str, content: &[u8]) -> Outcome {
        let inner = &mut *self.lock();
        let temporary = format!("{name}{TEMPORARY_SUFFIX}");
        let file = inner.files.len();
        inner.files.push(FileState::default());
        let set = NameChange::Set { name: temporary.clone(), file };
        self.change_names(inner, set);
        self.write(inner, file, &temporary, content)?;
        self.sync_file(inner, file, &temporary)?;
        self.step(inner, "rename into place", name).map_err(|failed| failed.error)?;
        let rename = NameChange::Rename { from: temporary, to: name.to_owned(), file };
        self.change_names(inner, rename);
        self.sync_names(inner)
    }

    fn append(&mut self, name: &str, bytes: &[u8]) -> Outcome {
        let inner = &mut *self.lock();
        let file = self.file(inner, "append to", name)?;
        self.write(inner, file, name, bytes)
    }

    fn sync(&mut self, name: &str) -> Outcome {
        let inner = &mut *self.lock();
        let file = self.file(inner, "sync", name)?;
        self.sync_file(inner, file, name)
    }

    fn sync_folder(&mut self) -> Outcome {
        self.sync_names(&mut self.lock())
    }

    fn truncate(&mut self, name: &str, length: u64) -> Outcome {
        let inner = &mut *self.lock();
        let file = self.file(inner, "truncate", name)?;
        self.step(inner, "truncate", name).map_err(|failed| failed.error)?;
        let state = &mut inner.files[file];
        let change = Change::Truncate(length as usize);
        change.apply(&mut state.shown);
        state.changes.push(change);
        Ok(())
    }

    fn remove(&mut self, name: &str) -> Outcome {
        let inner = &mut *self.lock();
        self.file(inner, "remove", name)?;
        self.step(inner, "remove", name).map_err(|failed| failed.error)?;
        let name = name.to_owned();
        self.change_names(inner, NameChange::Remove { name });
        Ok(())
    }
}
