//! The snapshots of a running engine: reading them at its start, then writing one generation after another.
//!
//! Absent on purpose: going on after a failure inside a half. Whatever fails there, the half counts no more and is
//! made anew by the next generation in it.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::{Duration, Instant, SystemTime},
};

use rustix::fs::statvfs;

use super::chunk::{Content, frame};
use super::database::{self, Database, is_written_once};
use super::error::SnapshotError;
use super::files::{hash, size, sync};
use super::halves::{Generation, Half, find};
use super::inspection::discard;
use super::manifest::{Coverage, Manifest};
use super::marks::Marks;
use super::reading::{Visit, read_by_copy};
use crate::domain::Position;
use crate::journal::{JournalError, TEMPORARY_SUFFIX, create_durably, identity, names_in, sync_folder};
use crate::limits::{HALF_GROWTH_MAX, HALF_SPARE_BYTES, SNAPSHOT_MARKS_TRUSTED, SNAPSHOT_ROOM_LEFT_BYTES};

/// The folder for the copy that is read, without its suffix.
const COPY: &str = "reading";

/// A generation that was begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Begun {
    /// Where it is being written.
    pub half: Half,
    /// The number it will have.
    pub generation: u64,
    /// Whether the half is empty. Everything must then be put; otherwise it still holds what the generation before
    /// in the same half held, and only what changed since must be put or removed.
    pub fresh: bool,
}

/// The snapshots in a folder. One thread owns them, in one process at a time; the lock of the data folder sees to
/// that.
pub struct Snapshots {
    folder: PathBuf,
    generations: Vec<Generation>,
    /// The highest number that any generation was found to have.
    number_max: u64,
    /// What each half holds, where this process wrote it and finished, and sled has not let it outgrow its bound.
    known: [Option<Content>; 2],
    /// How the files of each half looked before they had the hash that its manifest says.
    looked: [Option<Looked>; 2],
    /// For how long a half is relied on by its marks.
    trusted_for: Duration,
    /// How many halves were read for nothing but their hash.
    #[cfg(test)]
    pub(super) read: usize,
    /// By how much the clock is ahead where marks are taken.
    #[cfg(test)]
    pub(super) ahead: Duration,
    writing: Option<Writing>,
    /// The device and the number of the folder, by which it is told from another of its path.
    place: (u64, u64),
    /// Where a generation was given up whose files may still be there.
    given_up: Option<Half>,
    /// How many bytes of its device a generation leaves free.
    room_left: u64,
}

/// A half that was looked at.
struct Looked {
    marks: Marks,
    /// Since when nothing of it was read, and found to be what it should be.
    unread_since: Instant,
}

struct Writing {
    begun: Begun,
    /// As in `Looked`, of what the half holds already.
    unread_since: Instant,
    database: Database,
    content: Content,
}

impl Snapshots {
    /// Opens the snapshots in a folder, which is made durably where there is none; the folder above it must be
    /// there. What an interrupted process left of a copy or a manifest is removed.
    ///
    /// # Errors
    /// What the device says, and [`JournalError::NewerFormat`] where a manifest is of a later version.
    pub fn open(folder: impl Into<PathBuf>) -> Result<Self, SnapshotError> {
        let folder = folder.into();
        make_folder(&folder)?;
        for name in names_in(&folder)?.iter().filter(|name| name.ends_with(TEMPORARY_SUFFIX)) {
            remove_temporary(&folder.join(name))?;
        }
        let generations = find(&folder)?;
        let place = identity(&folder).ok_or_else(|| JournalError::Removed { path: folder.clone() })?;
        let number_max = generations.iter().filter_map(Generation::number).max().unwrap_or(0);
        Ok(Snapshots {
            folder,
            generations,
            number_max,
            known: [None, None],
            looked: [None, None],
            trusted_for: SNAPSHOT_MARKS_TRUSTED,
            #[cfg(test)]
            read: 0,
            #[cfg(test)]
            ahead: Duration::ZERO,
            writing: None,
            place,
            given_up: None,
            room_left: SNAPSHOT_ROOM_LEFT_BYTES,
        })
    }

    /// What is there: the newest generation first, one with a damaged manifest or of which reading has failed last.
    pub fn generations(&self) -> &[Generation] {
        &self.generations
    }

    /// From where on the generations that count need the journal, older first.
    pub fn needed(&self) -> Vec<Position> {
        let counting =
            self.generations.iter().rev().filter_map(|generation| generation.manifest.as_ref().ok());
        counting.map(|manifest| manifest.read_from).collect()
    }

    /// When the newest generation that counts was finished, as its manifest's file says.
    pub fn newest_at(&self) -> Option<SystemTime> {
        let newest = self.generations.iter().find(|generation| generation.manifest.is_ok())?;
        let manifest = self.folder.join(newest.half.manifest_name());
        fs::metadata(manifest).and_then(|metadata| metadata.modified()).ok()
    }

    /// Shows every chunk of a half, in the order of their keys. What was shown counts only when this returns `Ok`.
    ///
    /// The half itself is not touched: a copy of it is made beside it and removed, so there must be room for one.
    ///
    /// # Errors
    /// [`SnapshotError::Damaged`] where the half is not what the manifest says, [`SnapshotError::Refused`] where
    /// `visit` fails: after both the next generation is written here. What the device says of the copy changes
    /// nothing.
    pub fn read(
        &mut self,
        half: Half,
        manifest: &Manifest,
        visit: &mut Visit<'_>,
    ) -> Result<(), SnapshotError> {
        if self.writing.as_ref().is_some_and(|writing| writing.begun.half == half) {
            return Err(SnapshotError::OutOfTurn { what: "be read", why: "it is being written" });
        }
        let path = half.path(&self.folder);
        let copy = self.folder.join(format!("{COPY}{TEMPORARY_SUFFIX}"));
        database::remove(&copy, &path)?;
        fs::create_dir(&copy).map_err(|source| JournalError::from_io("create the folder", &copy, source))?;
        let read = read_by_copy(&path, &copy, is_written_once, manifest, visit);
        discard(&copy, &path);
        if let Err(SnapshotError::Damaged { why, .. } | SnapshotError::Refused { why, .. }) = &read {
            self.distrust(half, why);
        }
        read
    }

    /// Counts a half as damaged in this process, so that the next generation is written there and the other half
    /// stays. For a generation that is whole and yet of no use, such as that of another journal.
    pub fn distrust(&mut self, half: Half, why: &str) {
        for generation in self.generations.iter_mut().filter(|generation| generation.half == half) {
            generation.manifest = Err(why.to_owned());
        }
        self.generations.sort_by_key(|generation| std::cmp::Reverse(generation.number()));
        self.known[half as usize] = None;
    }

    /// Distrusts halves whose files are no longer those that their manifests name, so that nobody goes on with what is damaged, and
    /// the half that is whole is not the one that is written.
    fn distrust_what_has_changed(&mut self) {
        let counting = self.generations.iter().filter(|generation| generation.manifest.is_ok());
        let counting: Vec<Half> = counting.map(|generation| generation.half).collect();
        for half in counting {
            if self.is_as_finished(half) {
                continue;
            }
            let path = half.path(&self.folder);
            let why = format!("the files of {} have changed since they were finished", path.display());
            tracing::warn!(why, "a snapshot is of no use any more");
            self.distrust(half, &why);
        }
    }

    /// # Errors
    /// Where the folder was moved away: what has its path now is another store's.
    fn must_be_in_place(&self) -> Result<(), SnapshotError> {
        if identity(&self.folder) == Some(self.place) {
            return Ok(());
        }
        Err(JournalError::Removed { path: self.folder.clone() }.into())
    }

    fn marks(&self, path: &Path) -> Result<Option<Marks>, SnapshotError> {
        let now = SystemTime::now();
        #[cfg(test)]
        let now = now + self.ahead;
        Marks::as_of(path, now)
    }

    fn is_as_finished(&mut self, half: Half) -> bool {
        let of_half = self.generations.iter().find(|generation| generation.half == half);
        let Some(Ok(manifest)) = of_half.map(|generation| generation.manifest.as_ref()) else { return false };
        let path = half.path(&self.folder);
        let (marks, unread_since) = (self.marks(&path).ok().flatten(), Instant::now());
        let looked = self.looked[half as usize].as_ref();
        let relied_on = |looked: &Looked| {
            looked.unread_since.elapsed() < self.trusted_for && Some(&looked.marks) == marks.as_ref()
        };
        if looked.is_some_and(relied_on) {
            return true;
        }
        #[cfg(test)]
        {
            self.read += 1;
        }
        let as_finished = hash(&path).is_ok_and(|now| now == manifest.files);
        let looked = marks.map(|marks| Looked { marks, unread_since });
        self.looked[half as usize] = looked.filter(|_| as_finished);
        as_finished
    }

    /// Begins a generation in the older half: the one without a generation that can be used, else the one with the
    /// lower number. From now on that half does not count, until [`Snapshots::finish`].
    ///
    /// # Errors
    /// [`SnapshotError::OutOfTurn`] where one is begun already; [`SnapshotError::NoRoom`] where the device has hardly any left, which
    /// changes nothing; and what the device or sled says.
    pub fn begin(&mut self) -> Result<Begun, SnapshotError> {
        if self.writing.is_some() {
            return Err(SnapshotError::OutOfTurn { what: "be begun", why: "a generation is being written" });
        }
        self.must_be_in_place()?;
        self.distrust_what_has_changed();
        let half = self.older();
        let path = half.path(&self.folder);
        leave_room(&self.folder, self.room_left)?;
        let known = self.known[half as usize].take();
        let looked = self.looked[half as usize].take();
        remove_durably(&self.folder, &half.manifest_name())?;
        self.generations.retain(|generation| generation.half != half);
        let begun = Begun { half, generation: self.number_max.saturating_add(1), fresh: known.is_none() };
        if begun.fresh {
            database::remove(&path, &path)?;
            make_folder(&path)?;
        }
        let database = Database::open(&path, &path)?;
        let unread_since =
            looked.filter(|_| !begun.fresh).map_or_else(Instant::now, |looked| looked.unread_since);
        self.writing = Some(Writing { begun, unread_since, database, content: known.unwrap_or_default() });
        Ok(begun)
    }

    /// Stores a chunk in the generation that was begun, in the place of the one of that key.
    ///
    /// # Errors
    /// [`SnapshotError::ChunkTooLarge`], which changes nothing. After an error of the device or of sled, and
    /// [`SnapshotError::NoRoom`], the generation is abandoned.
    pub fn put(&mut self, key: &[u8], value: &[u8]) -> Result<(), SnapshotError> {
        let (stored, mark) = frame(key, value)?;
        let room = leave_room(&self.folder, self.room_left);
        self.change("take a chunk", |writing| {
            room?;
            writing.database.put(key, stored)?;
            writing.content.put(key, mark);
            Ok(())
        })
    }

    /// Removes a chunk from the generation that was begun; where there is none of that key, nothing happens.
    ///
    /// # Errors
    /// After an error of the device or of sled the generation is abandoned.
    pub fn remove(&mut self, key: &[u8]) -> Result<(), SnapshotError> {
        self.change("lose a chunk", |writing| {
            writing.database.remove(key)?;
            writing.content.remove(key);
            Ok(())
        })
    }

    /// Makes the generation that was begun durable, with every file and folder of it, and then count.
    ///
    /// # Errors
    /// What the device or sled says; the generation is then abandoned.
    pub fn finish(&mut self, coverage: Coverage) -> Result<Manifest, SnapshotError> {
        let Some(Writing { begun, unread_since, database, content }) = self.writing.take() else {
            return Err(SnapshotError::OutOfTurn { what: "be finished", why: "none was begun" });
        };
        let path = begun.half.path(&self.folder);
        self.given_up = Some(begun.half);
        database.close()?;
        sync(&path)?;
        let marks = self.marks(&path)?;
        let files = hash(&path)?;
        sync_folder(&self.folder)?;
        let manifest = Manifest::new(begun.generation, coverage, content.tally(), files);
        let bytes = manifest.encode().map_err(|error| SnapshotError::damaged(&path, error.to_string()))?;
        let outgrown = size(&path)? > half_bytes_max(content.tally().bytes);
        create_durably(&self.folder, &begun.half.manifest_name(), &bytes)?;
        self.given_up = None;
        self.number_max = begun.generation;
        self.known[begun.half as usize] = (!outgrown).then_some(content);
        self.looked[begun.half as usize] = marks.map(|marks| Looked { marks, unread_since });
        self.generations.insert(0, Generation { half: begun.half, path, manifest: Ok(manifest.clone()) });
        Ok(manifest)
    }

    /// Gives up the generation that was begun. Its half does not count, and the next one there is fresh.
    pub fn abandon(&mut self) {
        if let Some(writing) = self.writing.take() {
            self.given_up = Some(writing.begun.half);
        }
    }

    /// Removes what a generation that was given up has written, if there is any, so that others have the room. Waits until sled has
    /// let go of it.
    ///
    /// # Errors
    /// What the device says; then the next generation in that half tries it again.
    pub fn clear_away(&mut self) -> Result<(), SnapshotError> {
        let Some(half) = self.given_up.take() else { return Ok(()) };
        let path = half.path(&self.folder);
        database::remove(&path, &path)
    }

    /// Lets halves be relied on by their marks for so long instead.
    #[cfg(test)]
    pub(super) fn trusting_for(mut self, trusted_for: Duration) -> Snapshots {
        self.trusted_for = trusted_for;
        self
    }

    /// Lets generations leave so many bytes of their device free instead.
    #[cfg(test)]
    pub(super) fn leaving_room_of(mut self, bytes: u64) -> Snapshots {
        self.room_left = bytes;
        self
    }

    fn change(
        &mut self,
        what: &'static str,
        change: impl FnOnce(&mut Writing) -> Result<(), SnapshotError>,
    ) -> Result<(), SnapshotError> {
        let writing =
            self.writing.as_mut().ok_or(SnapshotError::OutOfTurn { what, why: "none was begun" })?;
        let changed = change(writing);
        if changed.is_err() {
            self.abandon();
        }
        changed
    }

    pub(super) fn older(&self) -> Half {
        let number = |half| self.generations.iter().find(|generation| generation.half == half)?.number();
        if number(Half::Two) < number(Half::One) { Half::Two } else { Half::One }
    }
}

/// The most bytes that the files of a half may have for the next generation in it to go on with them, by the bytes of its
/// values.
pub(super) fn half_bytes_max(values: u64) -> u64 {
    HALF_SPARE_BYTES.saturating_add(values.saturating_mul(HALF_GROWTH_MAX))
}

/// # Errors
/// [`SnapshotError::NoRoom`] where the device of a folder has fewer bytes free.
fn leave_room(folder: &Path, left: u64) -> Result<(), SnapshotError> {
    // A file system that does not say how much it has is written to until it says that it is full.
    let Some(device) = statvfs(folder).ok().filter(|device| device.f_blocks > 0) else { return Ok(()) };
    let free = device.f_bavail.saturating_mul(device.f_frsize);
    if free < left { Err(SnapshotError::NoRoom { folder: folder.to_owned(), free, left }) } else { Ok(()) }
}

pub(super) fn make_folder(path: &Path) -> Result<(), SnapshotError> {
    match fs::create_dir(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(source) => Err(JournalError::from_io("create the folder", path, source).into()),
        Ok(()) => Ok(path.parent().map_or(Ok(()), sync_folder)?),
    }
}

fn remove_temporary(path: &Path) -> Result<(), SnapshotError> {
    if path.is_dir() {
        // A shelf of an engine that was dropped a moment ago may still be on its way to its end.
        return database::remove(path, path);
    }
    Ok(fs::remove_file(path).map_err(|source| JournalError::from_io("remove", path, source))?)
}

fn remove_durably(folder: &Path, name: &str) -> Result<(), JournalError> {
    let path = folder.join(name);
    match fs::remove_file(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(source) => Err(JournalError::from_io("remove", path, source)),
        Ok(()) => sync_folder(folder),
    }
}
