//! A reader's copy of a half: what is copied, what is linked, and the hash of both.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use tempfile::TempDir;

use super::super::files::{copy_and_hash, hash};
use crate::journal::JournalError;
use crate::snapshot::SnapshotError;

/// A folder with files of several pieces, of less than one and of no byte, at its top and further down.
fn half() -> TempDir {
    let half = TempDir::new().unwrap();
    fs::create_dir(half.path().join("below")).unwrap();
    for (name, bytes) in [("a", 2_500_000), ("b", 0), ("below/c", 1 << 20), ("below/d", 10)] {
        let bytes: Vec<u8> = (0..bytes).map(|at: u32| (at / 3 % 251) as u8).collect();
        fs::write(half.path().join(name), bytes).unwrap();
    }
    half
}

fn inode(folder: &TempDir, name: &str) -> u64 {
    fs::metadata(folder.path().join(name)).unwrap().ino()
}

#[test]
fn a_copy_has_the_same_bytes_and_links_to_what_is_never_written_again() {
    let (half, copy) = (half(), TempDir::new().unwrap());
    let copied = copy_and_hash(half.path(), copy.path(), |name| name.starts_with("below")).unwrap();
    assert_eq!(copied, hash(half.path()).unwrap());
    assert_eq!(copied, hash(copy.path()).unwrap());
    let linked = ["a", "b", "below/c", "below/d"].map(|name| inode(&half, name) == inode(&copy, name));
    assert_eq!(linked, [false, false, true, true]);
}

#[test]
fn what_cannot_be_linked_is_copied() {
    // A link reaches no other file system, which this folder in memory is nearly everywhere.
    let (half, copy) = (half(), TempDir::new_in("/dev/shm").unwrap());
    let copied = copy_and_hash(half.path(), copy.path(), |_| true).unwrap();
    assert_eq!(copied, hash(copy.path()).unwrap());
    let device = |folder: &TempDir| fs::metadata(folder.path()).unwrap().dev();
    let links = fs::metadata(copy.path().join("below/c")).unwrap().nlink();
    assert_eq!(links == 1, device(&half) != device(&copy));
}

#[test]
fn a_copy_that_cannot_be_written_says_which_file() {
    let (half, copy) = (half(), TempDir::new().unwrap());
    fs::write(copy.path().join("a"), "in the way").unwrap();
    for never_written in [|_: &Path| false, |_: &Path| true] {
        let failed = copy_and_hash(half.path(), copy.path(), never_written).unwrap_err();
        let SnapshotError::Journal(JournalError::Io { path, .. }) = failed else {
            panic!("{failed}");
        };
        assert_eq!(path, copy.path().join("a"));
        assert_eq!(fs::read(&path).unwrap(), b"in the way");
        fs::remove_dir_all(copy.path().join("below")).unwrap();
    }
}
