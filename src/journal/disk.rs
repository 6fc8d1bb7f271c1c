//! The few things the journal asks of a disk, and the disk that is a folder.
//!
//! A [`Disk`] is one flat folder of named files. Absent on purpose: overwriting inside a
//! file, any order between writes that were not synced, and retrying.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Seek, SeekFrom, Write},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use super::error::JournalError;

/// Behind the name of a file while it is being created. After a crash such a file may remain
/// and means nothing.
pub const TEMPORARY_SUFFIX: &str = ".new";

/// A flat folder of files that survives a loss of power as far as it was synced.
///
/// Every error names the file and what was being done to it. After an error of a method that
/// changes something, how much of it was done is unknown.
pub trait Disk: Send {
    /// The path of the file of that name, or of the folder for an empty name, for messages.
    fn path(&self, name: &str) -> PathBuf;

    /// The names of all files, temporary ones included, in no order.
    fn list(&self) -> Result<Vec<String>, JournalError>;

    /// The length of a file in bytes.
    fn length(&self, name: &str) -> Result<u64, JournalError>;

    /// The `length` bytes of a file from `offset` on; all of them, or it is an error.
    fn read(&self, name: &str, offset: u64, length: usize) -> Result<Vec<u8>, JournalError> {
        let mut bytes = Vec::new();
        self.read_over(name, offset, length, &mut bytes)?;
        Ok(bytes)
    }

    /// As `read`, in the place of what `bytes` held: memory that one file after another is read into is given by the
    /// system once.
    fn read_over(
        &self,
        name: &str,
        offset: u64,
        length: usize,
        bytes: &mut Vec<u8>,
    ) -> Result<(), JournalError>;

    /// Creates a file with this content, or puts it in the place of the one of that name. It
    /// is durable when this returns; after a crash before that, either nothing has changed
    /// under that name or all has.
    fn create(&mut self, name: &str, content: &[u8]) -> Result<(), JournalError>;

    /// Writes bytes behind the last of a file. They are durable after the next `sync`; after
    /// a crash before that, any of them may be there.
    fn append(&mut self, name: &str, bytes: &[u8]) -> Result<(), JournalError>;

    /// Makes the content and the length of a file durable.
    fn sync(&mut self, name: &str) -> Result<(), JournalError>;

    /// Makes durable which names there are.
    fn sync_folder(&mut self) -> Result<(), JournalError>;

    /// Cuts a file to `length` bytes, durable after the next `sync`.
    fn truncate(&mut self, name: &str, length: u64) -> Result<(), JournalError>;

    /// Removes a file, durable after the next `sync_folder`.
    fn remove(&mut self, name: &str) -> Result<(), JournalError>;
}

/// A [`Disk`] that is a folder of the file system.
#[derive(Debug)]
pub struct FolderDisk {
    folder: PathBuf,
    /// The file appended to last. Keeping it open also keeps errors of its writing back to
    /// the device from being told to somebody else.
    appended: Option<(String, File)>,
}

impl FolderDisk {
    /// The disk in `folder`, which must be there.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        FolderDisk { folder: folder.into(), appended: None }
    }

    fn open_to_append(&mut self, name: &str) -> Result<&mut File, JournalError> {
        let path = self.path(name);
        let file = match self.appended.take() {
            Some((open, file)) if open == name => file,
            _ => OpenOptions::new()
                .append(true)
                .open(&path)
                .map_err(|source| JournalError::from_io("open", path, source))?,
        };
        let (_, file) = self.appended.insert((name.to_owned(), file));
        Ok(file)
    }

    fn forget_open(&mut self, name: &str) {
        self.appended.take_if(|(open, _)| open == name);
    }
}

impl Disk for FolderDisk {
    fn path(&self, name: &str) -> PathBuf {
        if name.is_empty() { self.folder.clone() } else { self.folder.join(name) }
    }

    fn list(&self) -> Result<Vec<String>, JournalError> {
        names_in(&self.folder)
    }

    fn length(&self, name: &str) -> Result<u64, JournalError> {
        let path = self.path(name);
        match fs::metadata(&path) {
            Ok(metadata) => Ok(metadata.len()),
            Err(source) => Err(JournalError::from_io("look at", path, source)),
        }
    }

    fn read_over(
        &self,
        name: &str,
        offset: u64,
        length: usize,
        bytes: &mut Vec<u8>,
    ) -> Result<(), JournalError> {
        let path = self.path(name);
        let mut read = || -> io::Result<()> {
            let mut file = File::open(&path)?;
            file.seek(SeekFrom::Start(offset))?;
            bytes.resize(length, 0);
            file.read_exact(bytes)
        };
        read().map_err(|source| JournalError::from_io("read", path, source))
    }

    fn create(&mut self, name: &str, content: &[u8]) -> Result<(), JournalError> {
        self.forget_open(name);
        create_durably(&self.folder, name, content)
    }

    fn append(&mut self, name: &str, bytes: &[u8]) -> Result<(), JournalError> {
        let path = self.path(name);
        self.open_to_append(name)?
            .write_all(bytes)
            .map_err(|source| JournalError::from_io("append to", path, source))
    }

    fn sync(&mut self, name: &str) -> Result<(), JournalError> {
        let path = self.path(name);
        let file = self.open_to_append(name)?;
        let synced = file.sync_data().and_then(|()| file.metadata());
        let written = synced.map_err(|source| JournalError::from_io("sync", &path, source))?;
        // What another file stands in the place of is durable, and nobody will ever read it.
        let in_place = identity(&path) == Some((written.dev(), written.ino()));
        if in_place { Ok(()) } else { Err(JournalError::Removed { path }) }
    }

    fn sync_folder(&mut self) -> Result<(), JournalError> {
        sync_folder(&self.folder)
    }

    fn truncate(&mut self, name: &str, length: u64) -> Result<(), JournalError> {
        let path = self.path(name);
        self.open_to_append(name)?
            .set_len(length)
            .map_err(|source| JournalError::from_io("truncate", path, source))
    }

    fn remove(&mut self, name: &str) -> Result<(), JournalError> {
        self.forget_open(name);
        let path = self.path(name);
        fs::remove_file(&path).map_err(|source| JournalError::from_io("remove", path, source))
    }
}

/// The names of everything in a folder, in no order. A name that is not Unicode is given with
/// its odd parts replaced, which makes it a stranger to every reader.
pub(crate) fn names_in(folder: &Path) -> Result<Vec<String>, JournalError> {
    let list = || -> io::Result<Vec<String>> {
        fs::read_dir(folder)?.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect()
    };
    list().map_err(|source| JournalError::from_io("list", folder, source))
}

/// Creates or replaces the file `name` in `folder` so that a crash leaves either what was
/// there before or all of `content`.
pub(crate) fn create_durably(folder: &Path, name: &str, content: &[u8]) -> Result<(), JournalError> {
    let path = folder.join(name);
    let temporary = folder.join(format!("{name}{TEMPORARY_SUFFIX}"));
    let write = || -> io::Result<()> {
        let mut file = File::create(&temporary)?;
        file.write_all(content)?;
        file.sync_all()
    };
    write().map_err(|source| {
        // Where there was no room for it there is none to spare either.
        let _ = fs::remove_file(&temporary);
        JournalError::from_io("write", &temporary, source)
    })?;
    fs::rename(&temporary, &path)
        .map_err(|source| JournalError::from_io("rename into place", &path, source))?;
    sync_folder(folder)
}

/// The device and the number of what stands at a path; none where nothing does.
pub(crate) fn identity(path: &Path) -> Option<(u64, u64)> {
    fs::metadata(path).ok().map(|metadata| (metadata.dev(), metadata.ino()))
}

/// Makes durable which names a folder holds.
pub(crate) fn sync_folder(folder: &Path) -> Result<(), JournalError> {
    File::open(folder)
        .and_then(|open| open.sync_all())
        .map_err(|source| JournalError::from_io("sync the folder", folder, source))
}
