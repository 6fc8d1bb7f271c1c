//! A file beside the data folder that its owner alone may read: changed under a lock, and either written anew in the place of the
//! one before, or written on at its end.
//!
//! Absent on purpose: what stands in it.

use std::fs::{self, File, OpenOptions, Permissions, TryLockError};
use std::io::{self, BufWriter, Seek, SeekFrom, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use serde::Serialize;

use crate::limits::{FILE_LOCK_MS_MAX, FILE_LOCK_TRIED_MS};

/// A file cannot be read or written.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action} {}: {source}", path.display())]
pub struct FileError {
    /// What was being done.
    pub action: &'static str,
    /// The file.
    pub path: PathBuf,
    /// What the system says.
    pub source: io::Error,
}

/// What is done last of a change.
const SYNC_FOLDER: &str = "sync the folder of";

impl FileError {
    /// True where the device has no room, or none for whoever writes, and the file is as it was: it can be tried again. What comes of
    /// a change whose name alone could not be made durable is not known.
    pub(super) fn is_for_want_of_room(&self) -> bool {
        let no_room = matches!(self.source.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded);
        no_room && self.action != SYNC_FOLDER
    }
}

/// What tells a file from another one in its place, or from itself before it was written on.
pub(super) type Version = (SystemTime, u64, u64);

/// The version of a file; none where it is not there.
pub(super) fn version(path: &Path) -> Option<Version> {
    let metadata = fs::metadata(path).ok()?;
    Some((metadata.modified().ok()?, metadata.ino(), metadata.len()))
}

/// The path of such a file.
#[derive(Clone)]
pub(super) struct Beside(PathBuf);

impl Beside {
    /// The file to the data in this folder whose name ends so; of a folder that is named without its name, such as `.`, it has the
    /// one that the folder has.
    pub(super) fn of(data: &Path, ending: &str) -> Beside {
        let whole = if data.file_name().is_none() { fs::canonicalize(data).ok() } else { None };
        let data = whole.as_deref().unwrap_or(data);
        let mut name = data.file_name().unwrap_or(data.as_os_str()).to_owned();
        name.push(ending);
        Beside(data.with_file_name(name))
    }

    /// Another file beside it, with another ending.
    pub(super) fn with_ending(&self, ending: &str) -> Beside {
        Beside(self.0.with_extension(ending))
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    /// Its content; none where there is none of it.
    ///
    /// # Errors
    /// Where it is there and cannot be read.
    pub(super) fn read(&self) -> Result<Option<Vec<u8>>, FileError> {
        match fs::read(&self.0) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            read => read.map(Some).map_err(self.failed("read")),
        }
    }

    /// Nobody else changes it while this lives. What a writer that was killed has left beside it is removed.
    ///
    /// # Errors
    /// Where its folder cannot be made or it cannot be locked, also because somebody else holds it for `limits::FILE_LOCK_MS_MAX`.
    pub(super) fn lock(&self) -> Result<File, FileError> {
        fs::create_dir_all(self.folder()).map_err(self.failed("make the folder of"))?;
        let open = || -> io::Result<File> {
            // Whoever can open it can hold it, so nobody else may.
            let mut options = OpenOptions::new();
            let file = options.write(true).create(true).truncate(false).mode(0o600);
            let file = file.open(self.0.with_extension("lock"))?;
            // Where it is another user's this may not be done, and need not.
            let _ = file.set_permissions(Permissions::from_mode(0o600));
            let owner = fs::metadata(&self.0).or_else(|_| fs::metadata(self.folder()))?;
            let _ = fchown(&file, Some(owner.uid()), Some(owner.gid()));
            Ok(file)
        };
        let file = open().map_err(self.failed("lock"))?;
        let begun = Instant::now();
        loop {
            match file.try_lock() {
                Ok(()) => break,
                Err(TryLockError::Error(error)) => return Err(self.failed("lock")(error)),
                Err(TryLockError::WouldBlock)
                    if begun.elapsed() >= Duration::from_millis(FILE_LOCK_MS_MAX) =>
                {
                    let held = format!("somebody else has held it for {FILE_LOCK_MS_MAX} ms");
                    return Err(self.failed("lock")(io::Error::new(io::ErrorKind::WouldBlock, held)));
                }
                Err(TryLockError::WouldBlock) => {
                    std::thread::sleep(Duration::from_millis(FILE_LOCK_TRIED_MS));
                }
            }
        }
        let _ = fs::remove_file(self.unfinished());
        Ok(file)
    }

    /// What a file is written to before it is put in its place.
    fn unfinished(&self) -> PathBuf {
        self.0.with_extension("new")
    }

    /// Puts a new one in its place.
    ///
    /// # Errors
    /// Where it cannot be written; then the one before is still there.
    pub(super) fn write(&self, content: &impl Serialize) -> Result<(), FileError> {
        self.replace(|file| {
            serde_json::to_writer_pretty(&mut *file, content)?;
            file.write_all(b"\n")
        })
    }

    /// Puts a new one in its place, with what this writes.
    ///
    /// # Errors
    /// Where it cannot be written; then the one before is still there.
    pub(super) fn replace(
        &self,
        fill: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> Result<(), FileError> {
        let unfinished = self.unfinished();
        let write = || -> io::Result<()> {
            let _ = fs::remove_file(&unfinished);
            let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&unfinished)?;
            // Whoever else works with it, such as a server of another user, still may.
            if let Ok(before) = fs::metadata(&self.0) {
                let own = file.metadata()?;
                if (own.uid(), own.gid()) != (before.uid(), before.gid()) {
                    fchown(&file, Some(before.uid()), Some(before.gid()))?;
                }
            }
            let mut file = BufWriter::new(file);
            fill(&mut file)?;
            let file = file.into_inner().map_err(io::IntoInnerError::into_error)?;
            file.sync_all()?;
            fs::rename(&unfinished, &self.0)
        };
        let written = write();
        if written.is_err() {
            let _ = fs::remove_file(&unfinished);
        }
        written.map_err(self.failed("write"))?;
        self.sync_folder()
    }

    /// Writes behind its first so many bytes, in the place of what stands there, and makes it durable.
    ///
    /// # Errors
    /// Where it cannot be written; then what stood before these bytes is all that is there.
    pub(super) fn write_behind(&self, kept: u64, bytes: &[u8]) -> Result<(), FileError> {
        let there = self.0.exists();
        let write = || -> io::Result<()> {
            let mut options = OpenOptions::new();
            let mut file = options.write(true).create(true).truncate(false).mode(0o600).open(&self.0)?;
            file.set_len(kept)?;
            file.seek(SeekFrom::Start(kept))?;
            let written = file.write_all(bytes).and_then(|()| file.sync_data());
            if written.is_err() {
                let _ = file.set_len(kept);
            }
            written
        };
        write().map_err(self.failed("write"))?;
        if there { Ok(()) } else { self.sync_folder() }
    }

    fn sync_folder(&self) -> Result<(), FileError> {
        let synced = File::open(self.folder()).and_then(|folder| folder.sync_all());
        synced.map_err(self.failed(SYNC_FOLDER))
    }

    /// The error of what was being done.
    pub(super) fn failed(&self, action: &'static str) -> impl Fn(io::Error) -> FileError + '_ {
        move |source| FileError { action, path: self.0.clone(), source }
    }

    fn folder(&self) -> &Path {
        self.0.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_has_one_such_file_however_it_is_named() {
        let above = tempfile::tempdir().unwrap();
        let above = above.path().canonicalize().unwrap();
        fs::create_dir_all(above.join("data/journal")).unwrap();
        for data in ["data", "data/", "data/.", "data/journal/.."] {
            let file = Beside::of(&above.join(data), ".keys.json");
            assert_eq!(file.path(), above.join("data.keys.json"), "{data}");
        }
    }
}
