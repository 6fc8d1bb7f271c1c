//! The files of a half as bytes: making them durable, their hash, and a copy of them.
//!
//! The hash is the first 16 bytes of BLAKE3 over all files in the order of their names: length of the path below
//! the half, the path, length of the file, its bytes. Folders count only by what is in them. Absent on purpose:
//! what the files are.

use std::{
    ffi::OsString,
    fs::{self, DirEntry, File},
    io::{self, Read, Write},
    path::{Path, PathBuf},
    sync::mpsc,
    thread,
};

use super::error::SnapshotError;
use crate::journal::{JournalError, sync_folder};

/// Read at once. Nothing depends on it but the number of calls to the operating system.
const PIECE_BYTES: usize = 1 << 20;

/// How many pieces of a long file may be read before they are written.
const PIECES_AHEAD: usize = 4;

/// Makes every file and every folder durable, and gives the hash of the files.
pub(super) fn sync_and_hash(half: &Path) -> Result<[u8; 16], SnapshotError> {
    let contents = Contents::of(half)?;
    for name in &contents.files {
        let path = half.join(name);
        File::open(&path)
            .and_then(|file| file.sync_all())
            .map_err(|source| JournalError::from_io("sync", &path, source))?;
    }
    for name in &contents.folders {
        sync_folder(&half.join(name))?;
    }
    sync_folder(half)?;
    contents.hash(half, None)
}

/// The hash of all files, as they are now.
pub(super) fn hash(half: &Path) -> Result<[u8; 16], SnapshotError> {
    Contents::of(half)?.hash(half, None)
}

/// How many bytes all files have.
pub(super) fn size(half: &Path) -> Result<u64, SnapshotError> {
    let length = |name: &PathBuf| {
        fs::metadata(half.join(name)).map(|file| file.len()).map_err(|source| unreadable(half, name, source))
    };
    Contents::of(half)?.files.iter().map(length).sum()
}

/// Copies everything into a folder that is empty, and gives the hash of the files as they were copied.
pub(super) fn copy_and_hash(half: &Path, copy: &Path) -> Result<[u8; 16], SnapshotError> {
    let contents = Contents::of(half)?;
    for name in &contents.folders {
        let path = copy.join(name);
        fs::create_dir(&path).map_err(|source| JournalError::from_io("create the folder", &path, source))?;
    }
    contents.hash(half, Some(copy))
}

/// The paths below a half, sorted; a folder stands before what is in it.
#[derive(Default)]
struct Contents {
    files: Vec<PathBuf>,
    folders: Vec<PathBuf>,
}

impl Contents {
    fn of(half: &Path) -> Result<Self, SnapshotError> {
        let mut contents = Contents::default();
        let mut waiting = vec![PathBuf::new()];
        while let Some(folder) = waiting.pop() {
            let entries: Vec<DirEntry> = fs::read_dir(half.join(&folder))
                .and_then(Iterator::collect)
                .map_err(|source| unreadable(half, &folder, source))?;
            for entry in entries {
                let name = folder.join(entry.file_name());
                let kind = entry.file_type().map_err(|source| unreadable(half, &name, source))?;
                if kind.is_dir() {
                    waiting.push(name.clone());
                    contents.folders.push(name);
                } else if kind.is_file() {
                    contents.files.push(name);
                } else {
                    return Err(SnapshotError::damaged(half, format!("{} is no file", name.display())));
                }
            }
        }
        contents.files.sort();
        contents.folders.sort();
        Ok(contents)
    }

    /// The hash of the files, which are written into a copy's folder, where there is one, as they are read.
    fn hash(&self, half: &Path, copy: Option<&Path>) -> Result<[u8; 16], SnapshotError> {
        let mut hasher = blake3::Hasher::new();
        for name in &self.files {
            pour(half, name, &mut hasher, copy.map(|copy| copy.join(name)).as_deref())?;
        }
        let mut short = [0; 16];
        short.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
        Ok(short)
    }
}

/// Hashes one file of a half and writes its bytes to `target`, where there is one.
fn pour(
    half: &Path,
    name: &Path,
    hasher: &mut blake3::Hasher,
    target: Option<&Path>,
) -> Result<(), SnapshotError> {
    let failed = |source| unreadable(half, name, source);
    let spoilt = |path: &Path, source| JournalError::from_io("write", path, source);
    let mut source = File::open(half.join(name)).map_err(failed)?;
    let length = source.metadata().map_err(failed)?.len();
    let spelled: OsString = name.as_os_str().to_owned();
    let spelled = spelled.as_encoded_bytes();
    hasher.update(&(spelled.len() as u64).to_le_bytes()).update(spelled).update(&length.to_le_bytes());
    let Some(path) = target else {
        return each_piece(&mut source, |piece| {
            hasher.update(&piece);
            Some(piece)
        })
        .map_err(failed);
    };
    let mut file = File::create(path).map_err(|source| spoilt(path, source))?;
    // Writing takes as long as reading and hashing, and goes on beside them.
    thread::scope(|scope| {
        let (filled, to_write) = mpsc::sync_channel::<Vec<u8>>(PIECES_AHEAD);
        let (emptied, to_fill) = mpsc::channel();
        let write = move || {
            to_write.into_iter().try_for_each(|piece| {
                file.write_all(&piece)?;
                // Nobody fills another one at the end.
                let _ = emptied.send(piece);
                Ok(())
            })
        };
        let writing = thread::Builder::new().name("copying".to_owned()).spawn_scoped(scope, write);
        let refused = |source| JournalError::from_io("start the thread that copies", half.join(name), source);
        let writing = writing.map_err(refused)?;
        let read = each_piece(&mut source, |piece| {
            hasher.update(&piece);
            // Where nothing is written any more, the writer says why.
            filled.send(piece).ok()?;
            Some(to_fill.try_recv().unwrap_or_default())
        });
        drop(filled);
        let written = writing.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        read.map_err(failed)?;
        Ok(written.map_err(|source| spoilt(path, source))?)
    })
}

/// Reads a file piece by piece; each is given away for memory to read the next one into, or for none, which ends it.
fn each_piece(source: &mut File, mut give: impl FnMut(Vec<u8>) -> Option<Vec<u8>>) -> io::Result<()> {
    let mut piece = vec![0; PIECE_BYTES];
    loop {
        let read = match source.read(&mut piece) {
            Ok(0) => return Ok(()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            read => read?,
        };
        piece.truncate(read);
        match give(piece) {
            Some(next) => {
                piece = next;
                piece.resize(PIECE_BYTES, 0);
            }
            None => return Ok(()),
        }
    }
}

/// Our error for a part of a half that cannot be read: where the rights are missing the operator can help, else
/// the half counts as damaged.
fn unreadable(half: &Path, name: &Path, source: io::Error) -> SnapshotError {
    match JournalError::from_io("read", half.join(name), source) {
        JournalError::Io { source, .. } => {
            SnapshotError::damaged(half, format!("could not read {:?}: {source}", name.display().to_string()))
        }
        of_the_operator => of_the_operator.into(),
    }
}
