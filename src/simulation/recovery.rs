//! A process starts on what another has left: the engine's own opening, from a disk in memory and snapshots in memory.
//!
//! Whatever survives is held against the chronicle of everything that was handed over, and against every answer that has
//! left. Absent on purpose: threads, and sled.

use std::path::PathBuf;
use std::rc::Rc;

use super::chronicle::Chronicle;
use super::ledger::{SharedLedger, is_definite};
use super::snapshots::{Generation, IDENTITY};
use super::watched_disk::WatchedDisk;
use super::world::{Beginning, Play, WatchedLog, World};
use crate::actors::{RecoveryError, Replay, invariants};
use crate::engine::{Progress, Restored, read_into, restore};
use crate::journal::{JournalError, Log, SegmentLog, SegmentOptions};
use crate::snapshot::{Generation as Found, Half, Manifest, SnapshotError};

/// What a process finds, and who outlives it.
pub(crate) struct Store {
    pub disk: WatchedDisk,
    pub snapshots: Vec<Rc<Generation>>,
    /// The half of them that does not read, if one does not.
    pub damaged: Option<usize>,
    pub ledger: SharedLedger,
    pub chronicle: Chronicle,
}

/// How a process is to begin.
#[derive(Clone, Copy)]
pub(crate) struct Start {
    pub shards: usize,
    pub segment_bytes_max: u64,
    pub play: Play,
}

/// A process that has started.
pub(crate) struct Started {
    pub world: World,
    /// True where it has read a snapshot.
    pub from_snapshot: bool,
    /// How many walks it had to finish.
    pub unfinished: usize,
}

/// Why a process has not started.
pub(crate) enum NotStarted {
    /// The disk has failed as it was told to; the same store is there for another try.
    Down(Box<Store>),
    /// What is there is not what must be there.
    Wrong(String),
}

/// Starts a process.
pub(crate) fn start(store: Store, start: Start) -> Result<Started, NotStarted> {
    let Store { disk, mut snapshots, damaged, ledger, mut chronicle } = store;
    let told_to_fail = || disk.inside().has_failed();
    match opened(&disk, &snapshots, damaged, &ledger, &mut chronicle, start) {
        Ok((beginning, bytes, restored)) => {
            // The engine distrusts a half that it had to pass over.
            snapshots.retain(|generation| Some(generation.half) != damaged);
            let world = World::new(beginning, start.play).after(snapshots, ledger, chronicle, bytes);
            Ok(Started { world, from_snapshot: restored.0, unfinished: restored.1 })
        }
        Err(Trouble::Disk(_)) if told_to_fail() => {
            Err(NotStarted::Down(Box::new(Store { disk, snapshots, damaged, ledger, chronicle })))
        }
        Err(trouble) => Err(NotStarted::Wrong(trouble.why())),
    }
}

/// What has kept a process from starting.
pub(crate) enum Trouble {
    /// The disk did not do what it was asked.
    Disk(String),
    /// What is there is not what must be there.
    Wrong(String),
}

impl Trouble {
    /// In words.
    pub(crate) fn why(self) -> String {
        match self {
            Trouble::Disk(why) | Trouble::Wrong(why) => why,
        }
    }
}

impl From<String> for Trouble {
    fn from(why: String) -> Trouble {
        Trouble::Wrong(why)
    }
}

fn opened(
    disk: &WatchedDisk,
    snapshots: &[Rc<Generation>],
    damaged: Option<usize>,
    ledger: &SharedLedger,
    chronicle: &mut Chronicle,
    start: Start,
) -> Result<(Beginning, u64, (bool, usize)), Trouble> {
    let options = SegmentOptions { segment_bytes_max: start.segment_bytes_max, new_identity: IDENTITY };
    let (log, found) = SegmentLog::open_with(disk.clone(), options)
        .map_err(|error| Trouble::Disk(format!("the log does not open: {error}")))?;
    survives(&log, ledger, chronicle)?;
    let Restored { mut replay, manifest, passed_over } = restored(&log, snapshots, damaged, start.shards)?;
    let halves: Vec<Half> = passed_over.iter().map(|(half, _)| *half).collect();
    // The damaged one is the newest, so it is looked at, and nothing else is passed over.
    if halves != damaged.map(|half| Half::BOTH[half]).into_iter().collect::<Vec<_>>() {
        return Err(Trouble::Wrong(format!("passed over were {passed_over:?}, and damaged {damaged:?}")));
    }
    read_into(&log, &mut replay, &Progress::default(), Some(&mut |_, _, _| Ok(())))
        .map_err(|error| error.to_string())?;
    chronicle.knows_replay(&replay)?;
    let mut wrong = None;
    let finished = finish(replay, log, disk, &mut |bytes| {
        if let Err(why) = chronicle.take(bytes) {
            wrong.get_or_insert(why);
        }
    });
    if let Some(why) = wrong {
        return Err(Trouble::Wrong(format!("finishing what was under way: {why}")));
    }
    let (beginning, unfinished) = finished?;
    chronicle
        .is_lived_by(&beginning.houses.iter().collect::<Vec<_>>())
        .map_err(|why| format!("behind a recovery: {why}"))?;
    Ok((beginning, found.bytes, (manifest.is_some(), unfinished)))
}

/// Finishes what a log has left under way, and syncs: what the engine does before its doors open. `told` hears of each record
/// of that. Gives where a world begins then, and how many messages were under way.
pub(crate) fn finish(
    replay: Replay,
    mut log: WatchedLog,
    disk: &WatchedDisk,
    told: &mut dyn FnMut(&[u8]),
) -> Result<(Beginning, usize), Trouble> {
    let undelivered = replay.undelivered().map_err(|error| error.to_string())?;
    invariants::check(replay.houses(), &undelivered).map_err(|why| format!("behind a replay: {why}"))?;
    let not_before = replay.latest();
    let finished = replay.finish(&mut |batch| {
        let first = log.append(batch)?;
        disk.expects(batch);
        batch.iter().for_each(&mut *told);
        batch.clear();
        Ok(first)
    });
    let (houses, common) = finished.map_err(|error| match error {
        RecoveryError::Journal(error) => Trouble::Disk(error.to_string()),
        RecoveryError::Replay(error) => Trouble::Wrong(error.to_string()),
    })?;
    log.sync().map_err(|error| Trouble::Disk(error.to_string()))?;
    Ok((Beginning { houses, common, log, disk: disk.clone(), not_before }, undelivered.len()))
}

/// What the log still has is what was handed over, and everything that an answer has rested on.
fn survives(log: &WatchedLog, ledger: &SharedLedger, chronicle: &mut Chronicle) -> Result<(), String> {
    let newest = log.newest();
    let mut different = None;
    let read = log.read(log.oldest(), &mut |position, bytes| {
        chronicle.knows(position, bytes).map_err(|why| {
            different.get_or_insert(why.clone());
            JournalError::Stopped { why }
        })
    });
    if let Some(why) = different {
        return Err(why);
    }
    read.map_err(|error| format!("the log does not read: {error}"))?;
    let mut ledger = ledger.lock();
    ledger.goes_on();
    if let Some(left) = ledger.left.iter().find(|left| left.rests_on > newest && is_definite(&left.answer)) {
        return Err(format!(
            "I19: an answer has left that rests on record {}, and {} survived: {:?}",
            left.rests_on.0, newest.0, left.answer
        ));
    }
    let whole = std::mem::replace(chronicle, Chronicle::new());
    *chronicle = whole.cut(newest.0)?;
    Ok(())
}

/// The engine's choice among the snapshots, and what it makes of them.
fn restored(
    log: &WatchedLog,
    snapshots: &[Rc<Generation>],
    damaged: Option<usize>,
    shards: usize,
) -> Result<Restored, String> {
    let mut newest_first: Vec<&Rc<Generation>> = snapshots.iter().collect();
    newest_first.sort_by_key(|generation| std::cmp::Reverse(generation.number));
    let found: Vec<Found> = newest_first.iter().map(|generation| found(generation)).collect();
    let mut read = |of: &Found, _: &Manifest, give: &mut dyn FnMut(_, _) -> Result<(), String>| {
        if damaged.is_some_and(|half| Half::BOTH[half] == of.half) {
            return Ok(Err("it is damaged".to_owned()));
        }
        let chosen = snapshots.iter().find(|generation| Half::BOTH[generation.half] == of.half);
        Ok::<_, SnapshotError>(chosen.map_or(Ok(()), |chosen| chosen.rooms(give)))
    };
    restore(log, &found, &mut read, shards).map_err(|error| error.to_string())
}

fn found(generation: &Generation) -> Found {
    let coverage = generation.coverage;
    let manifest = Manifest {
        generation: generation.number,
        identity: coverage.identity,
        read_from: coverage.read_from,
        newest: coverage.newest,
        walks: coverage.walks,
        chunks: generation.chunks.len() as u64,
        bytes: 0,
        digest: [0; 16],
        files: [0; 16],
    };
    let half = Half::BOTH[generation.half];
    Found { half, path: PathBuf::from(half.name()), manifest: Ok(manifest) }
}

/// An empty store, and nobody who knows it.
pub(crate) fn nothing() -> Store {
    Store {
        disk: WatchedDisk::default(),
        snapshots: Vec::new(),
        damaged: None,
        ledger: SharedLedger::default(),
        chronicle: Chronicle::new(),
    }
}
