//! The files of a half as bytes: making them durable, their hash, and a copy of them.
//!
//! The hash is the first 16 bytes of BLAKE3 over all files in the order of their names: length of the path below
//! the half, the path, length of the file, its bytes. Folders count only by what is in them. Absent on purpose:
//! what the files are.

use std::{
    fs::{self, DirEntry, File},
    io::{self, Read, Write},
    path::{Path, PathBuf},
    sync::mpsc::{self, Receiver, Sender},
    thread,
};

use super::error::SnapshotError;
use crate::journal::{JournalError, sync_folder};

/// Read at once. Nothing depends on it but the number of calls to the operating system.
const PIECE_BYTES: usize = 1 << 20;

/// How many pieces may be read before they are written.
const PIECES_AHEAD: usize = 4;

/// Makes every file and every folder durable.
pub(super) fn sync(half: &Path) -> Result<(), SnapshotError> {
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
    Ok(sync_folder(half)?)
}

/// The hash of all files, as they are now.
pub(super) fn hash(half: &Path) -> Result<[u8; 16], SnapshotError> {
    Contents::of(half)?.only_hash(half)
}

/// How many bytes all files have.
pub(super) fn size(half: &Path) -> Result<u64, SnapshotError> {
    let length = |name: &PathBuf| {
        fs::metadata(half.join(name)).map(|file| file.len()).map_err(|source| unreadable(half, name, source))
    };
    Contents::of(half)?.files.iter().map(length).sum()
}

/// Makes a copy of everything in a folder that is empty, and gives the hash of the files as they were copied. Those of whose names
/// `is_linked` is true are linked, where the file system can do that, and not copied: nobody may ever write to them.
pub(super) fn copy_and_hash(
    half: &Path,
    copy: &Path,
    is_linked: fn(&Path) -> bool,
) -> Result<[u8; 16], SnapshotError> {
    let contents = Contents::of(half)?;
    for name in &contents.folders {
        let path = copy.join(name);
        fs::create_dir(&path).map_err(|source| JournalError::from_io("create the folder", &path, source))?;
    }
    let linked = |name: &Path| is_linked(name) && fs::hard_link(half.join(name), copy.join(name)).is_ok();
    // Writing takes as long as reading and hashing, and goes on beside them. Where it has failed nobody takes what is sent.
    thread::scope(|scope| {
        let (filled, to_write) = mpsc::sync_channel(PIECES_AHEAD);
        let (emptied, to_fill) = mpsc::channel();
        let writing = thread::Builder::new()
            .name("copying".to_owned())
            .spawn_scoped(scope, move || write(to_write, &emptied))
            .map_err(|source| JournalError::from_io("start the thread that copies", half, source))?;
        let begin = |name: &Path| !linked(name) && filled.send(ToWrite::File(copy.join(name))).is_ok();
        let hash = contents.hash(half, begin, |piece| {
            let _ = filled.send(ToWrite::Piece(piece));
            to_fill.try_recv().unwrap_or_default()
        });
        drop(filled);
        writing.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
        hash
    })
}

/// What is sent to the thread that writes a copy.
enum ToWrite {
    /// The file that the next pieces are for.
    File(PathBuf),
    Piece(Piece),
}

/// Writes the pieces of files one after another and gives back their memory.
fn write(to_write: Receiver<ToWrite>, emptied: &Sender<Piece>) -> Result<(), JournalError> {
    let mut open = None;
    for sent in to_write {
        match (sent, &mut open) {
            (ToWrite::File(path), _) => {
                let file = File::create_new(&path);
                open = Some((file.map_err(|source| JournalError::from_io("create", &path, source))?, path));
            }
            (ToWrite::Piece(piece), Some((file, path))) => {
                file.write_all(piece.bytes())
                    .map_err(|source| JournalError::from_io("write", &*path, source))?;
                // Nobody fills another one at the end.
                let _ = emptied.send(piece);
            }
            (ToWrite::Piece(_), None) => {}
        }
    }
    Ok(())
}

/// Bytes of a file, in memory that takes others afterwards.
struct Piece {
    memory: Box<[u8]>,
    filled: usize,
}

impl Default for Piece {
    fn default() -> Self {
        Piece { memory: vec![0; PIECE_BYTES].into(), filled: 0 }
    }
}

impl Piece {
    /// Reads what comes next in a file, or says that nothing does.
    fn fill(&mut self, file: &mut File) -> io::Result<bool> {
        self.filled = loop {
            match file.read(&mut self.memory) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => break read?,
            }
        };
        Ok(self.filled > 0)
    }

    fn bytes(&self) -> &[u8] {
        &self.memory[..self.filled]
    }
}

/// The paths below a half, sorted; a folder stands before what is in it.
#[derive(Default)]
pub(super) struct Contents {
    pub(super) files: Vec<PathBuf>,
    folders: Vec<PathBuf>,
}

impl Contents {
    pub(super) fn of(half: &Path) -> Result<Self, SnapshotError> {
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

    /// The hash of the files. `begin` is shown the name of each and says whether its pieces are to be given to `take`, which gives
    /// one to be filled in exchange.
    fn hash(
        &self,
        half: &Path,
        mut begin: impl FnMut(&Path) -> bool,
        mut take: impl FnMut(Piece) -> Piece,
    ) -> Result<[u8; 16], SnapshotError> {
        let mut hasher = blake3::Hasher::new();
        let mut piece = Piece::default();
        for name in &self.files {
            let failed = |source| unreadable(half, name, source);
            let mut file = File::open(half.join(name)).map_err(failed)?;
            let length = file.metadata().map_err(failed)?.len();
            let spelled = name.as_os_str().as_encoded_bytes();
            hasher
                .update(&(spelled.len() as u64).to_le_bytes())
                .update(spelled)
                .update(&length.to_le_bytes());
            let taken = begin(name);
            while piece.fill(&mut file).map_err(failed)? {
                hasher.update(piece.bytes());
                if taken {
                    piece = take(piece);
                }
            }
        }
        let mut short = [0; 16];
        short.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
        Ok(short)
    }

    /// The hash of the files, of which nobody takes a copy.
    fn only_hash(&self, half: &Path) -> Result<[u8; 16], SnapshotError> {
        self.hash(half, |_| false, |piece| piece)
    }
}

/// Our error for a part of a half that cannot be read: where the rights are missing the operator can help, else
/// the half counts as damaged.
pub(super) fn unreadable(half: &Path, name: &Path, source: io::Error) -> SnapshotError {
    match JournalError::from_io("read", half.join(name), source) {
        JournalError::Io { source, .. } => {
            SnapshotError::damaged(half, format!("could not read {:?}: {source}", name.display().to_string()))
        }
        of_the_operator => of_the_operator.into(),
    }
}
