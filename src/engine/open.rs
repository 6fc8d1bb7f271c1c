//! Opening and closing. Sending is `sending`.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::asked::AskedSnapshot;
use super::config::Config;
use super::door::Door;
use super::error::EngineError;
use super::pressure::{Gauge, Pressure};
use super::readers::Readers;
use super::restore::{self, Restored};
use super::retention::Retention;
use super::sweeps::{SnapshotStats, Sweeper, Sweeps};
use crate::actors::{Departing, Permits, Shards, Stopped, Time, unfinished_walks};
use crate::domain::Timestamp;
use crate::journal::{
    Cut, DataFolder, FileLog, FolderDisk, Journal, JournalError, JournalStats, Log, SegmentOptions,
};
use crate::limits::{PERMITS_MAX, SHARDS_MAX};
use crate::snapshot::{self, Generation, Manifest, Shelf, Snapshots};

/// A running engine over one data folder. Every method can be called from any thread.
pub struct Engine {
    door: Door,
    /// Before the shards, which it visits.
    sweeps: Sweeps,
    _pressure: Pressure,
    shards: Arc<Shards>,
    journal: Arc<Journal<Departing>>,
    permits: Arc<Permits>,
    stopped: Arc<Stopped>,
    closed: AtomicBool,
    time: Time,
    recovered: Recovered,
    readers: Arc<Readers>,
    folder: DataFolder,
}

/// What opening found.
#[derive(Clone, Debug)]
pub struct Recovered {
    /// Records read from the journal: those behind the snapshot, or all of them.
    pub records: u64,
    /// Actors taken from a snapshot; 0 where the journal was read from its beginning.
    pub actors: u64,
    /// Snapshots that could not be used, and why.
    pub passed_over: Vec<String>,
    /// Walks that were unfinished and are finished now.
    pub unfinished_walks: usize,
    /// True where the engine before was closed, false where it was cut off.
    pub sealed: bool,
    /// What was cut from the end of the log: the rest of a batch that was never answered.
    pub cut: Option<Cut>,
    /// How long opening took.
    pub took: Duration,
}

impl Recovered {
    /// True where the store held nothing.
    #[must_use]
    pub fn nothing(&self) -> bool {
        self.records == 0 && self.actors == 0
    }
}

/// A data folder that no other process can open now.
pub struct ClaimedStore {
    folder: DataFolder,
    config: Config,
}

impl ClaimedStore {
    /// Opens it, as [`Engine::open`] does.
    ///
    /// # Errors
    /// As those of [`Engine::open`].
    pub fn open(self) -> Result<Engine, EngineError> {
        Engine::open_claimed(self)
    }
}

impl Engine {
    /// Opens a data folder: locks it, reads the log, finishes what was unfinished, then takes messages.
    ///
    /// # Errors
    /// One clear line: a setting out of its bounds, a folder that is in use or is no store, damage by name,
    /// no room, no permission.
    pub fn open(config: Config) -> Result<Engine, EngineError> {
        Engine::claim(config)?.open()
    }

    /// Only locks a data folder, so that no other process has it, and reads nothing yet. It is free again once what this gives
    /// is dropped.
    ///
    /// # Errors
    /// A setting out of its bounds, a folder that is in use or is no store, no room, no permission.
    pub fn claim(config: Config) -> Result<ClaimedStore, EngineError> {
        check("shards", config.shards, SHARDS_MAX)?;
        check("permits", config.permits, PERMITS_MAX)?;
        config.keeping.check()?;
        let folder = DataFolder::open(&config.data)?;
        Ok(ClaimedStore { folder, config })
    }

    fn open_claimed(ClaimedStore { folder, config }: ClaimedStore) -> Result<Engine, EngineError> {
        let begun = Instant::now();
        // Opening the journal writes its tail anew, and a store that a later version has written is left as it is.
        let inspected = snapshot::inspect(folder.snapshots())?;
        let options =
            SegmentOptions { segment_bytes_max: config.keeping.segment, ..SegmentOptions::default() };
        let (mut log, opened) = FileLog::open_with(FolderDisk::new(folder.journal()), options)
            .map_err(|error| damaged(error, &folder, inspected.generations()))?;
        if opened.segments == 0 && !folder.is_new() {
            let journal = folder.journal().display().to_string();
            tracing::warn!(
                journal,
                "the store was begun before, and its journal holds no segment: it begins anew, empty"
            );
        }
        let mut snapshots = Snapshots::open(folder.snapshots())?;
        let generations = snapshots.generations().to_vec();
        let mut read = |of: &Generation, manifest: &Manifest, give: &mut dyn FnMut(_, _) -> _| {
            restore::read(&of.path, |visit| snapshots.read(of.half, manifest, visit), give)
        };
        let restored = restore::restore(&log, &generations, &mut read, config.shards)?;
        let Restored { mut replay, passed_over, .. } = restored;
        for (half, why) in &passed_over {
            tracing::warn!(why, "a snapshot was passed over");
            // So that the next one goes there, and not over the one that is whole.
            snapshots.distrust(*half, why);
        }
        let named = |error| EngineError::in_folder(&config.data, error);
        restore::read_into(&log, &mut replay, &config.progress, None).map_err(named)?;
        let unfinished_walks = unfinished_walks(&replay.undelivered().map_err(|error| named(error.into()))?);
        let (records, actors) = (replay.records(), replay.actors_restored());
        let time = Time::new(config.clock, replay.latest());
        let finished = replay.finish(&mut |batch| {
            let first = log.append(batch)?;
            batch.clear();
            Ok(first)
        });
        let (mut houses, common) = finished.map_err(named)?;
        if config.keeping.idle_snapshots.is_some() {
            let shelf = Arc::new(Shelf::open(folder.snapshots())?);
            houses.iter_mut().for_each(|house| house.leave_to(Arc::clone(&shelf)));
        }
        log.sync()?;
        let (milestones, identity) = (log.milestones(), log.journal_identity().unwrap_or_default());
        let journal = Journal::start(Box::new(log))?;
        let stopped = Arc::new(Stopped::default());
        let shards = Arc::new(Shards::start(houses, &journal, &stopped, &time)?);
        let (reason, wake) = (Arc::clone(&stopped), shards.waker());
        journal.on_fault(move |why| {
            reason.stop(why.to_owned());
            wake();
        });
        let permits = Permits::new(config.permits);
        let gauge = Gauge::new(Arc::clone(&journal), opened.bytes, config.keeping.journal_max);
        let gauge = Arc::new(gauge);
        let sweeps = Sweeps::start(Sweeper {
            shards: Arc::clone(&shards),
            journal: Arc::clone(&journal),
            gauge: Arc::clone(&gauge),
            common: Arc::clone(&common),
            retention: Retention::new(milestones, snapshots.needed(), config.keeping.archive),
            snapshots,
            keeping: config.keeping,
            identity,
        })?;
        let pressure = Pressure::start(gauge, Arc::clone(&permits))?;
        let took = begun.elapsed();
        tracing::info!(records, unfinished_walks, ?took, "the engine is open");
        Ok(Engine {
            door: Door::new(common),
            _pressure: pressure,
            sweeps,
            shards,
            journal,
            permits,
            stopped,
            closed: AtomicBool::new(false),
            time,
            recovered: Recovered {
                records,
                actors,
                passed_over: passed_over.into_iter().map(|(_, why)| why).collect(),
                unfinished_walks,
                sealed: opened.sealed,
                cut: opened.cut,
                took,
            },
            readers: Readers::of(folder.journal()),
            folder,
        })
    }

    /// The places of messages in the engine.
    pub(super) fn permits(&self) -> &Arc<Permits> {
        &self.permits
    }

    /// True where the engine takes messages. Whoever asks has a permit, so that closing waits for what it sends.
    pub(super) fn takes_messages(&self) -> bool {
        !self.closed.load(Ordering::SeqCst) && self.stopped.why().is_none()
    }

    pub(super) fn journal(&self) -> &Arc<Journal<Departing>> {
        &self.journal
    }

    /// Where its files stand.
    pub(super) fn journal_folder(&self) -> PathBuf {
        self.folder.journal()
    }

    pub(super) fn shards(&self) -> &Arc<Shards> {
        &self.shards
    }

    /// Lets no shard decide anything until what this gives is dropped.
    #[cfg(test)]
    pub(crate) fn hold(&self) -> Vec<std::sync::mpsc::Sender<()>> {
        let hold = |shard| {
            let ((let_go, held), (begun, has_begun)) =
                (std::sync::mpsc::channel(), std::sync::mpsc::channel());
            let visited = self.shards.visit(shard, move |_| {
                let _ = begun.send(());
                let _: Result<(), _> = held.recv();
            });
            has_begun.recv().unwrap();
            drop(visited);
            let_go
        };
        (0..self.shards.count()).map(hold).collect()
    }

    /// The time, as doors stamp it.
    pub(super) fn now(&self) -> Timestamp {
        self.time.now()
    }

    /// Who read its histories.
    pub(super) fn readers(&self) -> &Arc<Readers> {
        &self.readers
    }

    pub(super) fn door(&self) -> &Door {
        &self.door
    }

    /// What opening found.
    #[must_use]
    pub fn recovered(&self) -> &Recovered {
        &self.recovered
    }

    /// What the journal has written since it was opened.
    #[must_use]
    pub fn journal_stats(&self) -> JournalStats {
        self.journal.stats()
    }

    /// What snapshots have come to since it was opened.
    #[must_use]
    pub fn snapshot_stats(&self) -> SnapshotStats {
        self.sweeps.stats()
    }

    /// Asks for a snapshot now, whatever [`Config::keeping`] says. One that is being taken already is finished first. The
    /// journal is then trimmed as behind every other.
    #[must_use]
    pub fn snapshot(&self) -> AskedSnapshot {
        self.sweeps.ask()
    }

    /// Lets a close not wait for the snapshot that is being taken: it is given up, and no other is begun.
    pub fn give_up_snapshot(&self) {
        self.sweeps.give_up();
    }

    /// How many messages are under way.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.permits.taken()
    }

    /// How many messages wait at each shard to be decided, somewhat roughly; of a hot sale most wait at one.
    #[must_use]
    pub fn waiting(&self) -> Vec<usize> {
        self.shards.waiting()
    }

    /// Why the engine has stopped by itself, if it has.
    #[must_use]
    pub fn fault(&self) -> Option<&str> {
        self.stopped.why()
    }

    /// Takes no more messages, waits for every walk under way and for the snapshot that is being taken, and seals the log. Closing again
    /// does nothing more.
    ///
    /// # Errors
    /// Where the engine had stopped by itself, or the last sync fails. What was answered is durable all the same.
    pub fn close(&self) -> Result<(), EngineError> {
        self.closed.store(true, Ordering::SeqCst);
        while self.permits.taken() > 0 && self.stopped.why().is_none() {
            std::thread::sleep(Duration::from_micros(200));
        }
        match self.stopped.why() {
            None => self.sweeps.finish(),
            Some(_) => self.sweeps.stop(),
        }
        self.shards.quiesce();
        self.shards.stop();
        let closed = match self.stopped.why() {
            Some(why) => Err(EngineError::Stopped(why.to_owned())),
            None => self.journal.close().map_err(EngineError::from),
        };
        self.door.common().notices.end();
        closed
    }
}

/// The failure of opening the journal, with what can be done where only what no start needs is damaged.
fn damaged(error: JournalError, folder: &DataFolder, generations: &[Generation]) -> EngineError {
    let newest = generations.iter().find_map(|generation| generation.manifest.as_ref().ok());
    match (&error, newest.map(|manifest| manifest.read_from)) {
        (JournalError::Corrupt { file, .. }, Some(read_from)) if folder.ends_before(file, read_from) => {
            EngineError::ArchiveDamaged { damage: error, read_from }
        }
        _ => EngineError::Journal(error),
    }
}

fn check(field: &'static str, value: usize, most: usize) -> Result<(), EngineError> {
    if value == 0 || value > most {
        let value = value as u64;
        return Err(EngineError::Config { field, value, limit: format!("1 to {most}") });
    }
    Ok(())
}
