//! The only file that names sled: one half open, its chunks as sled keeps them.
//!
//! Nothing that sled does passes this file but as a value: its panics are caught, and its errors become ours.
//! Absent on purpose: its compression, and relying on its flush, which does not fsync on Linux
//! (spacejam/sled#1452), on its bound of memory, on its coming to an end after a failed write, on its threads to be
//! gone when it was dropped, and on its reading of damaged bytes.

use std::{
    fs::{self, File, TryLockError},
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use super::error::SnapshotError;
use crate::journal::JournalError;
use crate::limits::SNAPSHOT_CACHE_BYTES;
use crate::panics;

/// The file that sled locks for as long as any of its threads works in the folder.
const LOCKED: &str = "db";
/// The folder where sled keeps long values, each in a file that it creates, and later removes, but never writes again.
const BLOBS: &str = "blobs";
/// Many times what giving the largest half to a busy device takes.
const CLOSE_PATIENCE: Duration = Duration::from_secs(300);
const RELEASE_PATIENCE: Duration = Duration::from_secs(30);
const RELEASE_PAUSE: Duration = Duration::from_millis(2);

/// An open database. Dropping it leaves its folder in an unknown state; [`Database::close`] does not.
pub(super) struct Database {
    folder: PathBuf,
    /// What messages call the folder: for a copy, that of which it is one.
    named: PathBuf,
    /// Taken out by dropping alone.
    sled: Option<sled::Db>,
}

impl Database {
    /// Opens the database in a folder, or begins one in an empty folder.
    pub fn open(folder: &Path, named: &Path) -> Result<Self, SnapshotError> {
        let config = sled::Config::new()
            .path(folder)
            .mode(sled::Mode::HighThroughput)
            .cache_capacity(SNAPSHOT_CACHE_BYTES)
            .flush_every_ms(None)
            .use_compression(false);
        let sled = guarded(named, || config.open())?;
        Ok(Database { folder: folder.to_owned(), named: named.to_owned(), sled: Some(sled) })
    }

    /// Stores bytes under a key, in the place of what was there.
    pub fn put(&self, key: &[u8], stored: Vec<u8>) -> Result<(), SnapshotError> {
        guarded(&self.named, || self.sled()?.insert(key, stored)).map(drop)
    }

    /// What is stored under a key.
    pub fn get(&self, key: &[u8]) -> Result<Option<sled::IVec>, SnapshotError> {
        guarded(&self.named, || self.sled()?.get(key))
    }

    /// Removes a key and what is stored under it.
    pub fn remove(&self, key: &[u8]) -> Result<(), SnapshotError> {
        guarded(&self.named, || self.sled()?.remove(key)).map(drop)
    }

    /// Shows every key with what is stored under it, in the order of the keys.
    pub fn visit(
        &self,
        mut visit: impl FnMut(&[u8], &[u8]) -> Result<(), SnapshotError>,
    ) -> Result<(), SnapshotError> {
        let mut entries = guarded(&self.named, || Ok(self.sled()?.iter()))?;
        while let Some((key, stored)) = guarded(&self.named, || entries.next().transpose())? {
            visit(&key, &stored)?;
        }
        Ok(())
    }

    /// Gives everything to the operating system and waits until sled has let go of the folder. Nothing is durable
    /// by that.
    pub fn close(mut self) -> Result<(), SnapshotError> {
        let (done, closed) = mpsc::sync_channel(1);
        let named = self.named.clone();
        self.let_go(move |sled| {
            let flushed = guarded(&named, || sled.flush());
            let dropped = guarded(&named, || {
                drop(sled);
                Ok(())
            });
            let _ = done.send(flushed.and(dropped));
        });
        match closed.recv_timeout(CLOSE_PATIENCE) {
            Ok(closed) => closed?,
            Err(_) => return Err(SnapshotError::damaged(&self.named, "sled does not come to an end")),
        }
        wait_until_released(&self.folder, &self.named)
    }

    fn sled(&self) -> sled::Result<&sled::Db> {
        self.sled.as_ref().ok_or_else(|| sled::Error::Unsupported("the database is closed".to_owned()))
    }

    /// Hands sled to a thread of its own to end it there: after a failed write, such as on a full device, its flush
    /// may wait for ever, and dropping it flushes.
    fn let_go(&mut self, end: impl FnOnce(sled::Db) + Send + 'static) {
        if let Some(sled) = self.sled.take() {
            // Without a thread sled is dropped here, and whoever waits for the end hears that there is none.
            let _ = thread::Builder::new().name("snapshot end".to_owned()).spawn(move || end(sled));
        }
    }
}

impl Drop for Database {
    /// Nobody waits here: who uses the folder next waits for its release.
    fn drop(&mut self) {
        let named = self.named.clone();
        self.let_go(move |sled| {
            let _ = guarded(&named, || {
                drop(sled);
                Ok(())
            });
        });
    }
}

/// True for a file, named as below the database's folder, that sled only reads or removes once it is whole.
pub(super) fn is_written_once(name: &Path) -> bool {
    name.starts_with(BLOBS)
}

/// Waits until no thread of sled works in the folder any more; without a folder there is none.
pub(super) fn wait_until_released(folder: &Path, named: &Path) -> Result<(), SnapshotError> {
    let path = folder.join(LOCKED);
    let failed = |source| JournalError::from_io("lock", &path, source);
    let file = match File::open(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        opened => opened.map_err(failed)?,
    };
    let begun = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file.unlock().map_err(failed)?),
            Err(TryLockError::WouldBlock) if begun.elapsed() < RELEASE_PATIENCE => {
                thread::sleep(RELEASE_PAUSE)
            }
            Err(TryLockError::WouldBlock) => {
                return Err(SnapshotError::damaged(named, "sled does not let go of it"));
            }
            Err(TryLockError::Error(source)) => return Err(failed(source).into()),
        }
    }
}

/// Lets sled work and takes its failure and its panic alike.
fn guarded<T>(named: &Path, work: impl FnOnce() -> sled::Result<T>) -> Result<T, SnapshotError> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(sorted(named, error)),
        Err(panic) => {
            Err(SnapshotError::damaged(named, format!("sled panicked: {}", panics::words(&*panic))))
        }
    }
}

/// Our error for one of sled's: the operator's where the device is full or closed to us, else damage.
fn sorted(named: &Path, error: sled::Error) -> SnapshotError {
    if let sled::Error::Io(source) = error {
        return match JournalError::from_io("work in the snapshot", named, source) {
            JournalError::Io { source, .. } => SnapshotError::damaged(named, format!("sled: {source}")),
            of_the_operator => of_the_operator.into(),
        };
    }
    SnapshotError::damaged(named, format!("sled: {error}"))
}

/// Removes a database's folder with all that is in it, when sled has let go of it.
pub(super) fn remove(folder: &Path, named: &Path) -> Result<(), SnapshotError> {
    wait_until_released(folder, named)?;
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => Ok(removed.map_err(|source| JournalError::from_io("remove", folder, source))?),
    }
}
