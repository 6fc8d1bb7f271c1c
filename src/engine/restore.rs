//! Where a recovery begins: the newest snapshot that is whole, or the journal's beginning.
//!
//! What cannot be used is passed over and named; a store is refused by name where nothing is left that a balance can
//! be trusted to. Absent on purpose: repair.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::mpsc::{SyncSender, TrySendError};

use super::config::Progress;
use super::error::EngineError;
use super::reading::{RECORDS_BETWEEN_PROGRESS, panicked, read_beside, replay_all};
use crate::actors::{Joiner, RecoveryError, Replay, ReplayError, Room, Whole};
use crate::domain::{ActorNumber, Position};
use crate::journal::{Disk, JournalError, Log, SegmentLog};
use crate::snapshot::{Generation, Half, Manifest, SnapshotError, Visit};

/// How many parts of a generation are read ahead.
const PARTS_AHEAD: usize = 32;

/// Houses as a snapshot has them, or empty ones, and what was passed over on the way.
pub(crate) struct Restored {
    pub(crate) replay: Replay,
    /// The snapshot; none where the journal is read from its beginning.
    pub(crate) manifest: Option<Manifest>,
    /// Halves that could not be used, and why.
    pub(crate) passed_over: Vec<(Half, String)>,
}

/// Reads the rooms of one generation, each given to a function: read, or of no use and why; and what fails without
/// telling anything of the generation, such as a full disk.
pub(crate) type ReadRooms<'reader> = dyn FnMut(
        &Generation,
        &Manifest,
        &mut dyn FnMut(ActorNumber, Room) -> Result<(), String>,
    ) -> Result<Result<(), String>, SnapshotError>
    + 'reader;

/// Restores the first of the generations that is whole and fits the journal.
///
/// # Errors
/// Where a snapshot is ahead of the journal, or the journal's beginning is gone and no snapshot stands for it.
pub(crate) fn restore(
    log: &SegmentLog<impl Disk>,
    generations: &[Generation],
    read: &mut ReadRooms<'_>,
    shards: usize,
) -> Result<Restored, EngineError> {
    // Whose manifest is damaged may have been the newest, and is named whichever is used.
    let damaged = |generation: &Generation| Some((generation.half, generation.manifest.clone().err()?));
    let mut passed_over: Vec<(Half, String)> = generations.iter().filter_map(damaged).collect();
    for generation in generations.iter().filter(|generation| generation.manifest.is_ok()) {
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
    log: &SegmentLog<impl Disk>,
    generation: &'generation Generation,
) -> Result<Result<&'generation Manifest, String>, EngineError> {
    let Generation { path, manifest, .. } = generation;
    let manifest = match manifest {
        Ok(manifest) => manifest,
        Err(why) => return Ok(Err(why.clone())),
    };
    let ahead = manifest.newest > log.newest();
    // A journal without a record, begun anew, is one that is lost, where there is a snapshot.
    let lost = ahead && log.newest() == Position(0);
    if !lost && Some(manifest.identity) != log.journal_identity() {
        return Ok(Err(format!("{} belongs to another journal", path.display())));
    }
    if ahead {
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

/// A part of a generation.
enum Part {
    Rooms(Vec<(ActorNumber, Room)>),
    /// Rooms that whoever takes them decodes.
    Encoded(Whole),
}

/// Reads a generation, as `ReadRooms` does: one thread reads, this one decodes and gives. Where this one has enough to do, the other
/// decodes too.
///
/// # Errors
/// What the device says of it.
pub(super) fn read(
    path: &Path,
    read_chunks: impl FnOnce(&mut Visit<'_>) -> Result<(), SnapshotError> + Send,
    give: &mut dyn FnMut(ActorNumber, Room) -> Result<(), String>,
) -> Result<Result<(), String>, SnapshotError> {
    let (given, read) = read_beside(
        PARTS_AHEAD,
        |sender| send_parts(read_chunks, sender),
        |why| Ok(Err(why)),
        |part| match part {
            Part::Rooms(rooms) => rooms.into_iter().try_for_each(|(number, room)| give(number, room)),
            Part::Encoded(whole) => {
                let decoded = catch_unwind(AssertUnwindSafe(|| whole.rooms(&mut *give)));
                decoded.unwrap_or_else(|panic| Err(panicked(&*panic)))
            }
        },
    )?;
    let read = read?;
    Ok(match given {
        Ok(()) => read,
        Err(why) => Err(SnapshotError::Refused { path: path.to_owned(), why }.to_string()),
    })
}

/// Sends the parts of a generation, and decodes those for which there is no place ahead.
fn send_parts(
    read_chunks: impl FnOnce(&mut Visit<'_>) -> Result<(), SnapshotError>,
    sender: &SyncSender<Part>,
) -> Result<Result<(), String>, SnapshotError> {
    let gone = || "nobody takes what is read".to_owned();
    let mut joiner = Joiner::default();
    let read = read_chunks(&mut |key, value| {
        let Some(whole) = joiner.join(key, value)? else { return Ok(()) };
        match sender.try_send(Part::Encoded(whole)) {
            Err(TrySendError::Full(Part::Encoded(whole))) => {
                let mut rooms = Vec::new();
                whole.rooms(|number, room| {
                    rooms.push((number, room));
                    Ok(())
                })?;
                sender.send(Part::Rooms(rooms)).map_err(|_| gone())
            }
            sent => sent.map_err(|_| gone()),
        }
    });
    match read {
        Ok(()) => Ok(joiner.end()),
        Err(error) if error.is_of_the_generation() => Ok(Err(error.to_string())),
        Err(error) => Err(error),
    }
}

/// What a reader is shown of each record, once it is absorbed and its chain is proved.
pub(crate) type Seen<'seen> = dyn FnMut(&Replay, Position, ActorNumber) -> Result<(), String> + 'seen;

/// Replays every record of the log from one on; each is shown to `seen`. Where nobody looks, it goes faster.
///
/// # Errors
/// What reading gives, the first record that is wrong, and the first error of `seen`.
pub(crate) fn read_into(
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
