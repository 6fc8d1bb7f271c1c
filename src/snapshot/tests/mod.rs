//! Tests of the snapshots: what a generation keeps, and what damage does to it.

mod copying;
mod damage;
mod fuzz;
mod generations;
mod inspecting;
mod manifests;
mod marks;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use tempfile::TempDir;

use super::{Begun, Coverage, Generation, Half, Manifest, SnapshotError, Snapshots};
use crate::domain::Position;

type Chunks = BTreeMap<Vec<u8>, Vec<u8>>;

/// A folder above the snapshots, and theirs.
struct Place {
    above: TempDir,
}

impl Place {
    fn new() -> Self {
        Place { above: TempDir::new().unwrap() }
    }

    fn folder(&self) -> PathBuf {
        self.above.path().join("snapshots")
    }

    fn half(&self, half: Half) -> PathBuf {
        self.folder().join(half.name())
    }

    fn open(&self) -> Snapshots {
        Snapshots::open(self.folder()).unwrap()
    }
}

fn coverage(newest: u64) -> Coverage {
    Coverage { identity: 7, read_from: Position(newest / 2), newest: Position(newest), walks: newest + 1 }
}

/// Chunks of several kilobytes, other ones for another seed.
fn chunks(seed: u64, count: u64) -> Chunks {
    (0..count)
        .map(|number| {
            let word = blake3::hash(&[seed.to_le_bytes(), number.to_le_bytes()].concat());
            let bytes = 100 + (number as usize * 977) % 9_000;
            (number.to_be_bytes().to_vec(), word.as_bytes().iter().copied().cycle().take(bytes).collect())
        })
        .collect()
}

/// Writes a whole generation with exactly these chunks, `former` being what its half held before.
fn write(snapshots: &mut Snapshots, chunks: &Chunks, former: &Chunks) -> (Begun, Manifest) {
    let begun = snapshots.begin().unwrap();
    let nothing = Chunks::new();
    let former = if begun.fresh { &nothing } else { former };
    for key in former.keys().filter(|key| !chunks.contains_key(*key)) {
        snapshots.remove(key).unwrap();
    }
    for (key, value) in chunks.iter().filter(|(key, value)| former.get(*key) != Some(value)) {
        snapshots.put(key, value).unwrap();
    }
    let manifest = snapshots.finish(coverage(begun.generation)).unwrap();
    assert_eq!((manifest.generation, manifest.chunks), (begun.generation, chunks.len() as u64));
    (begun, manifest)
}

fn read(snapshots: &mut Snapshots, half: Half, manifest: &Manifest) -> Result<Chunks, SnapshotError> {
    let mut found = Chunks::new();
    snapshots.read(half, manifest, &mut |key, value| {
        assert_eq!(found.insert(key.to_vec(), value.to_vec()), None, "a key is shown once");
        Ok(())
    })?;
    Ok(found)
}

fn numbers(generations: &[Generation]) -> Vec<(Half, Option<u64>)> {
    generations.iter().map(|generation| (generation.half, generation.number())).collect()
}

/// Every file below a folder with its bytes and the time of its last change.
fn files(folder: &Path) -> BTreeMap<PathBuf, (Vec<u8>, std::time::SystemTime)> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let changed = fs::metadata(&path).unwrap().modified().unwrap();
        if path.is_dir() {
            found.extend(files(&path));
            found.insert(path, (Vec::new(), changed));
        } else {
            found.insert(path.clone(), (fs::read(&path).unwrap(), changed));
        }
    }
    found
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy_folder(&path, &target);
        } else {
            fs::copy(&path, &target).unwrap();
        }
    }
}

/// The reason of an error that names this half, and is one line.
fn damage_of(error: &SnapshotError, half: &Path) -> String {
    let line = error.to_string();
    assert!(!line.contains('\n') && line.contains(&half.display().to_string()), "{line}");
    match error {
        SnapshotError::Damaged { why, .. } => why.clone(),
        other => panic!("{other}"),
    }
}
