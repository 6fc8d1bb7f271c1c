//! What the scripts come to when nothing disturbs them, for whoever needs real records, messages and states.

use std::rc::Rc;
use std::sync::LazyLock;

use super::crash::undisturbed;
use super::script::Script;
use crate::actors::{Piece, Replay};
use crate::domain::{Message, Position};

/// One script's end.
pub struct Recorded {
    /// What was sent.
    pub messages: Vec<Message>,
    /// The log, from its first record on.
    pub records: Vec<Vec<u8>>,
    /// Every actor's state as a snapshot stores it: keys and values, some actors in parts.
    pub chunks: Vec<(Vec<u8>, Vec<u8>)>,
}

/// All scripts, played once for the whole process.
pub static RECORDED: LazyLock<Vec<Recorded>> =
    LazyLock::new(|| [Script::Sale, Script::Paying, Script::Giving].map(record).into());

/// Parts of an actor that is stored on its own.
const PART_BYTES: usize = 100;

fn record(script: Script) -> Recorded {
    let phases: Rc<[_]> = script.phases().into();
    let (_, records) = undisturbed(&phases);
    let mut replay = Replay::new(1);
    for (position, bytes) in (1..).zip(&records) {
        replay.record(Position(position), bytes).unwrap();
    }
    let rooms = replay.houses()[0].rooms().map(|(number, room)| Piece::Large(number, Box::new(room.clone())));
    // Every other actor in one part, as on a page of its own.
    let mut chunks: Vec<_> = rooms
        .enumerate()
        .flat_map(|(index, piece)| {
            if index % 2 == 0 {
                return piece.into_chunks_of(PART_BYTES).unwrap();
            }
            let whole = piece.into_chunks_of(usize::MAX).unwrap();
            let on_pages =
                whole.into_iter().map(|(key, value)| ([&[0], &key[1..]].concat(), value[1..].to_vec()));
            on_pages.collect()
        })
        .collect();
    chunks.sort();
    let messages = phases.iter().flat_map(|phase| &phase.messages).cloned().collect();
    Recorded { messages, records, chunks }
}
