//! The audit's look at snapshots: where it begins, and whether every other state in them is what the journal makes.
//!
//! Everything is read from copies. Absent on purpose: repair.

use std::collections::HashMap;
use std::path::PathBuf;

use super::error::EngineError;
use super::restore::{self, Restored};
use crate::actors::{Replay, Room};
use crate::domain::{ActorNumber, Position};
use crate::journal::{DataFolder, FileLog, Log};
use crate::snapshot::{Generation, Manifest, inspect};

/// Where an audit begins, and what it compares on its way.
pub(super) struct Base {
    /// Houses as they are before the first record that is read.
    pub(super) replay: Replay,
    /// The states of the other snapshots.
    pub(super) held: Vec<Held>,
    /// Snapshots that an opening would pass over, and why.
    pub(super) passed_over: Vec<String>,
    /// How many snapshots are looked at whole.
    pub(super) snapshots: u64,
}

/// The states of one snapshot that the journal has not been held against yet.
pub(super) struct Held {
    path: PathBuf,
    rooms: HashMap<ActorNumber, Room>,
}

impl Base {
    /// The journal's beginning where it is there, and else the oldest snapshot that is whole.
    pub(super) fn of(log: &FileLog, folder: &DataFolder) -> Result<Base, EngineError> {
        let copies = inspect(folder.snapshots())?;
        let mut generations = copies.generations().to_vec();
        generations.reverse();
        let mut read = |of: &Generation, manifest: &Manifest, give: &mut dyn FnMut(_, _) -> _| {
            restore::read(&of.path, |visit| copies.read(of.half, manifest, visit), give)
        };
        let whole = log.oldest() == Position(1);
        let from = if whole { &[][..] } else { &generations[..] };
        let Restored { replay, manifest, passed_over } = restore::restore(log, from, &mut read, 1)?;
        let mut base = Base {
            replay,
            held: Vec::new(),
            passed_over: passed_over.into_iter().map(|(_, why)| why).collect(),
            snapshots: u64::from(manifest.is_some()),
        };
        let begins_at = manifest.map_or(0, |manifest| manifest.generation);
        for generation in generations {
            let later =
                generation.manifest.as_ref().map_or(whole, |manifest| manifest.generation > begins_at);
            if later {
                base.hold(log, generation, &mut read)?;
            }
        }
        Ok(base)
    }

    fn hold(
        &mut self,
        log: &FileLog,
        generation: Generation,
        read: &mut restore::ReadRooms<'_>,
    ) -> Result<(), EngineError> {
        let path = generation.path.clone();
        match restore::usable(log, &generation)? {
            Err(why) => self.passed_over.push(why),
            Ok(manifest) => {
                let mut rooms = HashMap::new();
                let give = &mut |number, room| {
                    rooms.insert(number, room);
                    Ok(())
                };
                match read(&generation, manifest, give)? {
                    Ok(()) => {
                        let mut held = Held { path, rooms };
                        held.begin(&self.replay)?;
                        self.held.push(held);
                        self.snapshots += 1;
                    }
                    Err(why) => self.passed_over.push(why),
                }
            }
        }
        Ok(())
    }
}

impl Held {
    /// Compares what has not changed since the audit's beginning.
    fn begin(&mut self, replay: &Replay) -> Result<(), EngineError> {
        let numbers: Vec<ActorNumber> = self.rooms.keys().copied().collect();
        for number in numbers {
            if let Some(room) = replay.room(number) {
                self.compare(replay, room.position(), number)
                    .map_err(|why| EngineError::SnapshotWrong { why })?;
            }
        }
        Ok(())
    }

    /// Compares an actor that has come to this position, where the snapshot has it there.
    pub(super) fn compare(
        &mut self,
        replay: &Replay,
        position: Position,
        actor: ActorNumber,
    ) -> Result<(), String> {
        if self.rooms.get(&actor).is_none_or(|room| room.position() != position) {
            return Ok(());
        }
        let held = self.rooms.remove(&actor);
        if held.as_ref() == replay.room(actor) {
            return Ok(());
        }
        Err(format!("{} has another state of actor {} than the records make", self.path.display(), actor.0))
    }

    /// Checks that the journal has come to every state of the snapshot.
    pub(super) fn end(&self) -> Result<(), String> {
        match self.rooms.iter().next() {
            None => Ok(()),
            Some((number, room)) => Err(format!(
                "{} has actor {} at record {}, which is not a record of it",
                self.path.display(),
                number.0,
                room.position().0
            )),
        }
    }
}
