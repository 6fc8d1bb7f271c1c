//! What the crash test plays: scripts of phases of messages that are under way together.
//!
//! Within a phase messages may overtake each other, so they are chosen to commute; a phase begins when the
//! one before is quiet. However often a whole script is sent again, with crashes between, its end is one
//! and the same: a message that was refused is decided again, perhaps in a later state, so it is refused for ever,
//! or does then what the same message does in a later phase. Absent on purpose: draws, which depend on numbers that
//! a crash may give anew.

mod giving;
mod paying;
mod sale;

use super::messages::with_id;
use crate::domain::{Message, Timestamp};

/// Messages that are under way together, and the time at the door.
pub(super) struct Phase {
    pub now: Timestamp,
    pub messages: Vec<Message>,
}

/// What is played.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Script {
    Sale,
    Paying,
    Giving,
}

impl Script {
    /// Everything that is sent, phase by phase.
    pub fn phases(self) -> Vec<Phase> {
        match self {
            Script::Sale => sale::phases(),
            Script::Paying => numbered(paying::phases()),
            Script::Giving => numbered(giving::phases()),
        }
    }
}

/// The phases with request ids that are the same in every run: what the words of a stage have given an id of its own
/// gets its place for it.
fn numbered(mut phases: Vec<Phase>) -> Vec<Phase> {
    for phase in &mut phases {
        let now = phase.now.0;
        for (index, message) in phase.messages.iter_mut().enumerate() {
            if message.request_id.as_str().starts_with("request ") {
                *message = with_id(message.clone(), &format!("message {now}-{index}"));
            }
        }
    }
    phases
}
