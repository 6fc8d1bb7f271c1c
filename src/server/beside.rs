//! A file beside the data folder that its owner alone may read: changed under a lock, and either written anew in the place of the
//! one before, or written on at its end.
//!
//! Absent on purpose: what stands in it.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use serde::Serialize;

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

/// The path of such a file.
#[derive(Clone)]
pub(super) struct Beside(PathBuf);

impl Beside {
    /// The file to the data in this folder whose name ends so.
    pub(super) fn of(data: &Path, ending: &str) -> Beside {
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

    /// Nobody else changes it while this lives.
    ///
    /// # Errors
    /// Where its folder cannot be made or it cannot be locked.
    pub(super) fn lock(&self) -> Result<File, FileError> {
        fs::create_dir_all(self.folder()).map_err(self.failed("make the folder of"))?;
        let file = File::create(self.0.with_extension("lock")).map_err(self.failed("lock"))?;
        file.lock().map_err(self.failed("lock"))?;
        Ok(file)
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
        let write = || -> io::Result<()> {
            let mut file = BufWriter::new(tempfile::NamedTempFile::new_in(self.folder())?);
            fill(&mut file)?;
            let file = file.into_inner().map_err(io::IntoInnerError::into_error)?;
            file.as_file().sync_all()?;
            file.persist(&self.0)?;
            self.sync_folder()
        };
        write().map_err(self.failed("write"))
    }

    /// Writes behind its first so many bytes, in the place of what stands there, and makes it durable.
    ///
    /// # Errors
    /// Where it cannot be written; then what stood before these bytes is all that is there.
    pub(super) fn write_behind(&self, kept: u64, bytes: &[u8]) -> Result<(), FileError> {
        let write = || -> io::Result<()> {
            let there = self.0.exists();
            let mut options = OpenOptions::new();
            let mut file = options.write(true).create(true).truncate(false).mode(0o600).open(&self.0)?;
            file.set_len(kept)?;
            file.seek(SeekFrom::Start(kept))?;
            let written = file.write_all(bytes).and_then(|()| file.sync_data());
            if written.is_err() {
                let _ = file.set_len(kept);
            }
            written?;
            if there { Ok(()) } else { self.sync_folder() }
        };
        write().map_err(self.failed("write"))
    }

    fn sync_folder(&self) -> io::Result<()> {
        File::open(self.folder())?.sync_all()
    }

    /// The error of what was being done.
    pub(super) fn failed(&self, action: &'static str) -> impl Fn(io::Error) -> FileError + '_ {
        move |source| FileError { action, path: self.0.clone(), source }
    }

    fn folder(&self) -> &Path {
        self.0.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
    }
}
