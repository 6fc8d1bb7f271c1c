//! What time alone brings about in a house, as walks of its own.

use super::{House, Origin, Outside, Place};
use crate::actors::envelope::Sender;
use crate::actors::turn::{Absorbed, Turn};
use crate::domain::{ActorNumber, Timestamp};
use crate::journal::JournalError;

impl House {
    /// The instant of what time alone brings about first.
    #[must_use]
    pub fn next_due(&self) -> Option<Timestamp> {
        self.schedule.first().map(|(at, _)| at)
    }

    /// Schedules every resident: replay has made them without.
    pub(in crate::actors) fn schedule_all(&mut self) {
        for numbered in self.rooms.iter_mut() {
            let due = numbered.room.next_due();
            numbered.set_due(due);
            self.schedule.moved(numbered.number, None, due);
        }
    }

    /// One turn of what is due at `now`, at up to so many residents, as their next messages would find it.
    /// True where more is due.
    ///
    /// # Errors
    /// As for `turn`.
    pub fn fire(
        &mut self,
        now: Timestamp,
        residents_max: usize,
        outside: &mut impl Outside,
    ) -> Result<bool, JournalError> {
        let is_due = |house: &House| house.schedule.first().filter(|(at, _)| *at <= now);
        let mut turn = std::mem::take(&mut self.turn);
        for _ in 0..residents_max {
            let Some((_, actor)) = is_due(self) else { break };
            if let Some(place) = self.call_back(actor)?
                && !self.catch_up(actor, place, now, &mut turn)?
            {
                break;
            }
            let left = is_due(self).is_some_and(|(_, next)| next == actor);
            assert!(!left, "nothing is due any more at a resident that has caught up");
        }
        self.conclude(turn, outside)?;
        Ok(is_due(self).is_some())
    }

    /// Records what is due at a resident, each thing as a walk of its own, dated at its instant (D36). False where more
    /// is due than the turn takes.
    pub(super) fn catch_up(
        &mut self,
        actor: ActorNumber,
        place: Place,
        now: Timestamp,
        turn: &mut Turn,
    ) -> Result<bool, JournalError> {
        let due = |house: &House| {
            let numbered = house.rooms.at(place);
            let room = &numbered.room;
            numbered.is_due(now).then(|| room.resident.due(room.at, now)).flatten()
        };
        while let Some((at, mut step)) = due(self) {
            if turn.is_full() {
                return Ok(false);
            }
            let walk = self.common.next_walk();
            self.record(
                Origin {
                    actor,
                    place: Some(place),
                    message: Absorbed { walk, hop: 0, sender: Sender::Door, now: at },
                    ticket: None,
                },
                &mut step,
                turn,
            )?;
        }
        Ok(true)
    }
}
