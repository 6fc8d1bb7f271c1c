//! Where a recovery begins: the newest snapshot that is whole, or the journal's beginning.
//!
//! What cannot be used is passed over and named; a store is refused by name where nothing is left that a balance can
//! be trusted to. Absent on purpose: repair.

use std::mem;
use std::path::Path;
use std::sync::mpsc::{self, SyncSender};
use std::thread;

use super::config::Progress;
use super::error::EngineError;
use super::reading::{RECORDS_BETWEEN_PROGRESS, replay_all};
use crate::actors::{Joiner, RecoveryError, Replay, ReplayError, Room};
use crate::domain::{ActorNumber, Position};
use crate::journal::{FileLog, JournalError, Log};
use crate::panics;
use crate::snapshot::{Generation, Half, Manifest, SnapshotError, Visit};

/// How many rooms are handed from one thread to the other together, and how often ahead.
const STRETCH_ROOMS: usize = 1_024;
const STRETCHES_AHEAD: usize = 8;

/// Houses as a snapshot has them, or empty ones, and what was passed over on the way.
pub(super) struct Restored {
    pub(super) replay: Replay,
    /// The snapshot; none where the journal is read from its beginning.
    pub(super) manifest: Option<Manifest>,
    /// Halves that could not be used, and why.
    pub(super) passed_over: Vec<(Half, String)>,
}

/// Reads the rooms of one generation, each given to a function: read, or of no use and why; and what fails without
/// telling anything of the generation, such as a full disk.
pub(super) type ReadRooms<'reader> = dyn FnMut(
        &Generation,
        &Manifest,
        &mut dyn FnMut(ActorNumber, Room) -> Result<(), String>,
    ) -> Result<Result<(), String>, SnapshotError>
    + 'reader;

/// Restores the first of the generations that is whole and fits the journal.
///
/// # Errors
/// Where a snapshot is ahead of the journal, or the journal's beginning is gone and no snapshot stands for it.
pub(super) fn restore(
    log: &FileLog,
    generations: &[Generation],
    read: &mut ReadRooms<'_>,
    shards: usize,
) -> Result<Restored, EngineError> {
    let mut passed_over: Vec<(Half, String)> = Vec::new();
    for generation in generations {
        let half = generation.half;
        let manifest = match usable(log, generation)? {
            Ok(manifest) => manifest,
            Err(why) => {
                passed_over.push((half, why));
                continue;
            }
        };
        let mut replay = Replay::new(shards);
        match read(generation, manifest, &mut |number, room| replay.restore(number, room))? {
            Ok(()) => {
                replay.restored(manifest.read_from, manifest.walks);
                return Ok(Restored { replay, manifest: Some(manifest.clone()), passed_over });
            }
            Err(why) => passed_over.push((half, why)),
        }
    }
    if log.oldest() > Position(1) {
        let mut whys: Vec<&str> = passed_over.iter().map(|(_, why)| why.as_str()).collect();
        if whys.is_empty() {
            whys.push("there is no snapshot");
        }
        return Err(EngineError::BeginningGone { oldest: log.oldest(), why: whys.join("; ") });
    }
    Ok(Restored { replay: Replay::new(shards), manifest: None, passed_over })
}

/// The manifest of a generation that fits the journal, or why the generation is passed over.
///
/// # Errors
/// Where it is ahead of the journal.
pub(super) fn usable<'generation>(
    log: &FileLog,
    generation: &'generation Generation,
) -> Result<Result<&'generation Manifest, String>, EngineError> {
    let Generation { path, manifest, .. } = generation;
    let manifest = match manifest {
        Ok(manifest) => manifest,
        Err(why) => return Ok(Err(why.clone())),
    };
    if Some(manifest.identity) != log.journal_identity() {
        return Ok(Err(format!("{} belongs to another journal", path.display())));
    }
    if manifest.newest > log.newest() {
        let (snapshot, journal) = (manifest.newest, log.newest());
        return Err(EngineError::SnapshotAhead { path: path.clone(), snapshot, journal });
    }
    if manifest.read_from < log.oldest() {
        return Ok(Err(format!(
            "{} needs the journal from record {} on, which begins at {}",
            path.display(),
            manifest.read_from.0,
            log.oldest().0
        )));
    }
    Ok(Ok(manifest))
}

/// Reads a generation, as `ReadRooms` does: one thread reads and decodes, this one gives.
///
/// # Errors
/// What the device says of it.
pub(super) fn read(
    path: &Path,
    read_chunks: impl FnOnce(&mut Visit<'_>) -> Result<(), SnapshotError> + Send,
    give: &mut dyn FnMut(ActorNumber, Room) -> Result<(), String>,
) -> Result<Result<(), String>, SnapshotError> {
    let (sender, stretches) = mpsc::sync_channel::<Vec<(ActorNumber, Room)>>(STRETCHES_AHEAD);
    thread::scope(|scope| {
        let reader = thread::Builder::new()
            .name("reading".to_owned())
            .spawn_scoped(scope, move || decode(read_chunks, &sender))
            .map_err(|source| JournalError::from_io("start the thread of", "reading", source))?;
        // A refusal ends the receiving, and so the reading.
        let given = stretches.into_iter().flatten().try_for_each(|(number, room)| give(number, room));
        let read = reader
            .join()
            .unwrap_or_else(|panic| Ok(Err(format!("reading it panicked: {}", panics::words(&*panic)))));
        match given {
            Ok(()) => read,
            Err(why) => Ok(Err(SnapshotError::Refused { path: path.to_owned(), why }.to_string())),
        }
    })
}

/// Decodes the rooms of a generation and sends them, many together.
fn decode(
    read_chunks: impl FnOnce(&mut Visit<'_>) -> Result<(), SnapshotError>,
    sender: &SyncSender<Vec<(ActorNumber, Room)>>,
) -> Result<Result<(), String>, SnapshotError> {
    let mut failed = None;
    let mut rooms = Vec::new();
    let send = |rooms: &mut Vec<_>| {
        sender.send(mem::take(rooms)).map_err(|_| "nobody takes what is read".to_owned())
    };
    let joined = join(
        |visit| {
            read_chunks(visit).map_err(|error| {
                let why = error.to_string();
                failed = Some(error).filter(|error| !error.is_of_the_generation());
                why
            })
        },
        &mut |number, room| {
            rooms.push((number, room));
            if rooms.len() < STRETCH_ROOMS { Ok(()) } else { send(&mut rooms) }
        },
    );
    match failed {
        Some(error) => Err(error),
        None => Ok(joined.and_then(|()| send(&mut rooms))),
    }
}

/// Joins the chunks of a generation, which `read_chunks` visits, to rooms.
///
/// # Errors
/// What is wrong, in words that name the generation.
pub(crate) fn join<E: std::fmt::Display>(
    read_chunks: impl FnOnce(&mut dyn FnMut(&[u8], &[u8]) -> Result<(), String>) -> Result<(), E>,
    give: &mut dyn FnMut(ActorNumber, Room) -> Result<(), String>,
) -> Result<(), String> {
    let mut joiner = Joiner::default();
    read_chunks(&mut |key, value| joiner.join(key, value, &mut *give)).map_err(|error| error.to_string())?;
    joiner.end()
}

/// What a reader is shown of each record, once it is absorbed and its chain is proved.
pub(super) type Seen<'seen> = dyn FnMut(&Replay, Position, ActorNumber) -> Result<(), String> + 'seen;

/// Replays every record of the log from one on; each is shown to `seen`. Where nobody looks, it goes faster.
///
/// # Errors
/// What reading gives, the first record that is wrong, and the first error of `seen`.
pub(super) fn read_into(
    log: &(impl Log + Sync),
    replay: &mut Replay,
    progress: &Progress,
    seen: Option<&mut Seen<'_>>,
) -> Result<(), RecoveryError> {
    let from = Position(replay.newest().0 + 1);
    let Some(seen) = seen else { return replay_all(log, replay, from, progress) };
    let records = (log.newest().0 + 1).saturating_sub(from.0);
    let mut wrong = None;
    let read = log.read(from, &mut |position, bytes| {
        if replay.records().is_multiple_of(RECORDS_BETWEEN_PROGRESS) {
            progress.tell(replay.records(), records);
        }
        let absorbed = replay
            .record(position, bytes)
            .and_then(|actor| seen(replay, position, actor).map_err(|why| ReplayError { position, why }));
        absorbed.map_err(|error| {
            let why = error.to_string();
            wrong = Some(error);
            JournalError::Stopped { why }
        })
    });
    match (wrong, read) {
        (Some(error), _) => Err(error.into()),
        (None, read) => Ok(read?),
    }
}
