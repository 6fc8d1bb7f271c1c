//! The data folder: whose it is, which format it has, and that one process has it.
//!
//! ```text
//! FORMAT    the text "hongbao store 1" and a line feed
//! lock      empty; whoever has the store open holds a lock on it
//! journal/  the segments
//! snapshots/ the snapshots, once there is one
//! ```
//!
//! `FORMAT` is written last, so a folder that has it has the rest. A folder is taken for a new
//! store only when it is empty or holds nothing but what an interrupted first start leaves.
//! One with segments and no sound `FORMAT` is a store that has lost it. Absent on purpose: what
//! the segments hold, and any other folder of the store but for whether it holds anything.

use std::{
    ffi::OsStr,
    fs::{self, File, OpenOptions, TryLockError},
    io,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use super::{
    disk::{TEMPORARY_SUFFIX, create_durably, names_in, sync_folder},
    error::JournalError,
    survey::position_in_name,
};
use crate::domain::Position;

const FORMAT: &str = "FORMAT";
const LOCK: &str = "lock";
const LOCK_PATIENCE: Duration = Duration::from_millis(500);
const LOCK_PAUSE: Duration = Duration::from_millis(10);
const JOURNAL: &str = "journal";
const SNAPSHOTS: &str = "snapshots";
const FORMAT_VERSION: u64 = 1;
const FORMAT_WORDS: &str = "hongbao store ";
/// A marker is a short line; what is longer is none.
const FORMAT_BYTES_MAX: u64 = 64;

/// An open data folder. The lock is held until this is dropped, so keep it longer than all
/// that lies in the folder.
#[derive(Debug)]
pub struct DataFolder {
    root: PathBuf,
    is_new: bool,
    lock: Option<File>,
    /// The folder itself, which is locked too: a lock on a file that somebody has removed keeps nobody out.
    folder: Option<File>,
}

impl Drop for DataFolder {
    /// Unlocks by word: closing alone would leave the lock to a process that is being started at this moment
    /// and still has a copy of every open file.
    fn drop(&mut self) {
        for lock in [&self.folder, &self.lock].into_iter().flatten() {
            let _ = lock.unlock();
        }
    }
}

enum Content {
    Store,
    New,
}

impl DataFolder {
    /// Opens the store in `root` for this process alone, or begins one there, with the
    /// folders above it if need be.
    ///
    /// # Errors
    /// `NotAFolder`, `NotAStore`, `NewerFormat`, `InUse`, `NotPermitted`, `NoRoom`,
    /// `Unmarked`, `Missing`, `JournalLost`, or `Io`; each is one line that says what to do or
    /// what failed. A folder that is not a whole store is not written to.
    pub fn open(root: impl Into<PathBuf>) -> Result<Self, JournalError> {
        let root = root.into();
        create_folders(&root)?;
        look_at(&root)?;
        let lock_path = root.join(LOCK);
        let lock = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&lock_path)
            .map_err(|source| JournalError::from_io("open", &lock_path, source))?;
        take(|| lock.try_lock(), &root, &lock_path)?;
        let folder = take_folder(&root, File::try_lock)?;
        // Another process may have begun the store between the look and the lock.
        let is_new = match look_at(&root)? {
            Content::Store => false,
            Content::New => {
                begin(&root)?;
                true
            }
        };
        require_journal(&root)?;
        Ok(DataFolder { root, is_new, lock: Some(lock), folder })
    }

    /// Opens the store in `root` for reading only and writes nothing there. Several may
    /// inspect a store at a time, and none while a process has it open.
    ///
    /// # Errors
    /// As for `open`; a folder that is not there, or is empty, is `NotAStore`.
    pub fn inspect(root: impl Into<PathBuf>) -> Result<Self, JournalError> {
        let root = root.into();
        if !is_folder(&root)? {
            return Err(not_a_store(&root, "there is no such folder"));
        }
        if let Content::New = look_at(&root)? {
            return Err(not_a_store(&root, "no store was ever begun there"));
        }
        let lock_path = root.join(LOCK);
        let lock = match File::open(&lock_path) {
            Ok(lock) => {
                take(|| lock.try_lock_shared(), &root, &lock_path)?;
                Some(lock)
            }
            // A copy of a store may come without it, and then nobody has the copy open.
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(source) => return Err(JournalError::from_io("open", &lock_path, source)),
        };
        let folder = take_folder(&root, File::try_lock_shared)?;
        require_journal(&root)?;
        Ok(DataFolder { root, is_new: false, lock, folder })
    }

    /// The data folder itself.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The folder of the journal's segments.
    pub fn journal(&self) -> PathBuf {
        self.root.join(JOURNAL)
    }

    /// The folder of the snapshots; made when the first one is.
    pub fn snapshots(&self) -> PathBuf {
        self.root.join(SNAPSHOTS)
    }

    /// Whether all records of a segment stand before a position, as the name of the segment behind it says.
    pub fn ends_before(&self, segment: &Path, position: Position) -> bool {
        let own = segment.file_name().and_then(OsStr::to_str).and_then(position_in_name);
        let Some(own) = own else { return false };
        let names = names_in(&self.journal()).unwrap_or_default();
        let next = names.iter().filter_map(|name| position_in_name(name)).filter(|next| *next > own).min();
        next.is_some_and(|next| next <= position)
    }

    /// Whether the store was begun by this opening.
    pub fn is_new(&self) -> bool {
        self.is_new
    }
}

fn not_a_store(root: &Path, why: impl Into<String>) -> JournalError {
    JournalError::NotAStore { folder: root.to_owned(), why: why.into() }
}

/// The error for a `FORMAT` that has this fault: a store's where there are segments, and else that of a folder with other
/// things in it.
fn badly_marked(root: &Path, fault: &'static str, of_another: String) -> JournalError {
    match has_segments(&root.join(JOURNAL)) {
        Ok(true) => JournalError::Unmarked { file: root.join(FORMAT), fault },
        Ok(false) => not_a_store(root, of_another),
        Err(error) => error,
    }
}

/// Whether there is a folder with a segment at `journal`.
fn has_segments(journal: &Path) -> Result<bool, JournalError> {
    Ok(journal.is_dir() && names_in(journal)?.iter().any(|name| position_in_name(name).is_some()))
}

/// Takes the lock. One that is taken is tried again for a moment: a process that was killed still holds its
/// own until the system has cleared it away.
fn take(
    try_lock: impl Fn() -> Result<(), TryLockError>,
    root: &Path,
    lock_path: &Path,
) -> Result<(), JournalError> {
    let begun = Instant::now();
    loop {
        match try_lock() {
            Ok(()) => return Ok(()),
            Err(TryLockError::WouldBlock) if begun.elapsed() < LOCK_PATIENCE => thread::sleep(LOCK_PAUSE),
            Err(TryLockError::WouldBlock) => return Err(JournalError::InUse { folder: root.to_owned() }),
            Err(TryLockError::Error(source)) => {
                return Err(JournalError::from_io("lock", lock_path, source));
            }
        }
    }
}

/// Takes the lock of the folder itself; none where its file system has no locks of folders.
fn take_folder(
    root: &Path,
    try_lock: impl Fn(&File) -> Result<(), TryLockError>,
) -> Result<Option<File>, JournalError> {
    let folder = File::open(root).map_err(|source| JournalError::from_io("open", root, source))?;
    match take(|| try_lock(&folder), root, root) {
        Ok(()) => Ok(Some(folder)),
        Err(error @ JournalError::InUse { .. }) => Err(error),
        Err(_) => Ok(None),
    }
}

/// Whether there is a folder at `path`; false when there is nothing.
fn is_folder(path: &Path) -> Result<bool, JournalError> {
    let not_a_folder = || JournalError::NotAFolder { path: path.to_owned() };
    match fs::metadata(path) {
        Ok(metadata) if metadata.is_dir() => Ok(true),
        Ok(_) => Err(not_a_folder()),
        Err(error) => match error.kind() {
            io::ErrorKind::NotFound => Ok(false),
            io::ErrorKind::NotADirectory => Err(not_a_folder()),
            _ => Err(JournalError::from_io("look at", path, error)),
        },
    }
}

/// Creates the folder and those above it, each durable in the one that holds it.
fn create_folders(root: &Path) -> Result<(), JournalError> {
    if is_folder(root)? {
        return Ok(());
    }
    let above = match root.parent() {
        Some(above) if above != Path::new("") => above,
        _ => Path::new("."),
    };
    create_folders(above)?;
    create_folder(root)?;
    sync_folder(above)
}

fn create_folder(path: &Path) -> Result<(), JournalError> {
    match fs::create_dir(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        made => made.map_err(|source| JournalError::from_io("create the folder", path, source)),
    }
}

/// Tells a store from a folder where one may begin, and refuses everything else.
fn look_at(root: &Path) -> Result<Content, JournalError> {
    let names = names_in(root)?;
    if names.iter().any(|name| name == FORMAT) {
        check_marker(root)?;
        return Ok(Content::Store);
    }
    let marker_being_made = format!("{FORMAT}{TEMPORARY_SUFFIX}");
    for name in names {
        let path = root.join(&name);
        let ours = match name.as_str() {
            LOCK => fs::metadata(&path).is_ok_and(|lock| lock.is_file() && lock.len() == 0),
            JOURNAL => path.is_dir() && names_in(&path)?.is_empty(),
            other => other == marker_being_made,
        };
        if !ours {
            let of_another = format!("it has no file {FORMAT} and holds {name:?}");
            return Err(badly_marked(root, "is missing", of_another));
        }
    }
    Ok(Content::New)
}

fn check_marker(root: &Path) -> Result<(), JournalError> {
    let path = root.join(FORMAT);
    let failed = |source| JournalError::from_io("read", &path, source);
    let length = fs::metadata(&path).map_err(failed)?.len();
    if length > FORMAT_BYTES_MAX {
        let of_another = format!("its file {FORMAT} has {length} bytes");
        return Err(badly_marked(root, "is longer than the one line of a store", of_another));
    }
    let text = fs::read(&path).map_err(failed)?;
    let version = str::from_utf8(&text)
        .ok()
        .and_then(|text| text.strip_prefix(FORMAT_WORDS))
        // Whoever writes it by hand may end its line in another way, or not at all.
        .map(|text| text.trim_end_matches(['\r', '\n']))
        .filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))
        .and_then(|digits| digits.parse::<u64>().ok());
    match version {
        Some(FORMAT_VERSION) => Ok(()),
        Some(version) if version > FORMAT_VERSION => Err(JournalError::NewerFormat { file: path, version }),
        _ => {
            let of_another = format!("its file {FORMAT} does not say so");
            Err(badly_marked(root, "does not say that this is a store", of_another))
        }
    }
}

fn begin(root: &Path) -> Result<(), JournalError> {
    create_folder(&root.join(JOURNAL))?;
    sync_folder(root)?;
    let marker = format!("{FORMAT_WORDS}{FORMAT_VERSION}\n");
    create_durably(root, FORMAT, marker.as_bytes())
}

/// Snapshots are begun behind the journal's first segment, and its newest one is never removed: where there are snapshots and
/// no segment, the journal is lost.
fn require_journal(root: &Path) -> Result<(), JournalError> {
    let (path, snapshots) = (root.join(JOURNAL), root.join(SNAPSHOTS));
    if !path.is_dir() {
        return Err(JournalError::Missing { path });
    }
    if !has_segments(&path)? && snapshots.is_dir() && !names_in(&snapshots)?.is_empty() {
        return Err(JournalError::JournalLost { journal: path, snapshots });
    }
    Ok(())
}
