//! What was acknowledged, kept outside of the store: a file for each thread, a line for each answer, written before the thread
//! goes on. A process that is killed loses nothing of it, because the operating system has it.

use std::fs::{self, File, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use crate::plan::{Place, THREADS};

/// A place and what was acknowledged there.
pub type Acknowledged = (Place, String);

fn path(folder: &Path, thread: u32) -> PathBuf {
    folder.join(format!("acknowledged-{thread}"))
}

/// The file of one thread, to be written on.
pub struct Record {
    file: File,
    thread: u32,
}

impl Record {
    /// Opens it, cuts a line that was not whole, and gives what it holds.
    pub fn open(folder: &Path, thread: u32) -> (Record, Vec<Acknowledged>) {
        let path = path(folder, thread);
        let mut file = OpenOptions::new().create(true).write(true).truncate(false).open(&path).unwrap();
        let text = fs::read_to_string(&path).unwrap();
        let whole = text.rfind('\n').map_or(0, |end| end + 1);
        file.set_len(whole as u64).unwrap();
        file.seek(SeekFrom::End(0)).unwrap();
        (Record { file, thread }, lines(&text, thread))
    }

    /// Writes one answer down.
    pub fn write(&mut self, place: Place, told: &str) {
        assert_eq!(place.thread, self.thread);
        let line = format!("{} {} {told}\n", place.step, place.index);
        self.file.write_all(line.as_bytes()).unwrap();
    }
}

/// The whole lines of a file.
fn lines(text: &str, thread: u32) -> Vec<Acknowledged> {
    let whole = text.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n'));
    let read = |line: &str| {
        let mut parts = line.splitn(3, ' ');
        let step = parts.next()?.parse().ok()?;
        let index = parts.next()?.parse().ok()?;
        Some((Place { thread, step, index }, parts.next()?.to_owned()))
    };
    whole.map(|line| read(line).unwrap_or_else(|| panic!("the line {line:?} is none"))).collect()
}

/// Everything that was acknowledged to any thread.
pub fn read_all(folder: &Path) -> Vec<Acknowledged> {
    let text = |thread| fs::read_to_string(path(folder, thread)).unwrap_or_default();
    (0..THREADS).flat_map(|thread| lines(&text(thread), thread)).collect()
}

/// How many bytes of answers there are: it grows with each.
pub fn bytes(folder: &Path) -> u64 {
    let length = |thread| fs::metadata(path(folder, thread)).map_or(0, |metadata| metadata.len());
    (0..THREADS).map(length).sum()
}
