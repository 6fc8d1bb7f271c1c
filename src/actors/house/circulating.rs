//! Circulations at their certificates, decided into memory that the house keeps: there are many, and most have the same few events.
//!
//! What is decided stands in `domain`, once for both ways; wherever debug assertions are on it is held against what `apply` decides.

use super::recording::Origin;
use super::{House, Place, unless_it_panics};
use crate::actors::envelope::{Envelope, Sender};
use crate::actors::turn::Turn;
use crate::domain::{Body, Certificate, Context, Decision, Request, Resident, Step, Task};
use crate::journal::JournalError;

impl House {
    /// Decides on a circulation that its certificate carries out, whether or not it lives already; else nothing is done.
    pub(super) fn circulate(
        &mut self,
        envelope: &mut Envelope,
        place: Option<Place>,
        turn: &mut Turn,
    ) -> Result<bool, JournalError> {
        let is_first = envelope.sender == Sender::Door;
        let request = match &envelope.body {
            Body::Request(request) if is_first && is_circulation(request) => &**request,
            Body::Handed(handed) => &handed.request,
            _ => return Ok(false),
        };
        let context = Context { walk: envelope.walk, now: envelope.now };
        let mut step = self.step.take().unwrap_or_default();
        step.clear();
        let room = place.map(|there| &self.rooms.at(there).room);
        let mut decide = || match (room.map(|room| &room.resident), &envelope.body) {
            (Some(Resident::Certificate(certificate)), _) => {
                certificate.circulation(context, request, &mut step)
            }
            (None, Body::Handed(handed)) => {
                Certificate::first_circulation(context, envelope.to, handed, &mut step)
            }
            _ => false,
        };
        let is_decided = if is_first { unless_it_panics(&mut decide, || false) } else { decide() };
        if is_decided {
            debug_assert_eq!(
                match room {
                    Some(room) => room.apply(context, &envelope.body),
                    None => Resident::apply_absent(context, envelope.to, &envelope.body),
                },
                Decision::Record(Step::clone(&step)),
            );
            self.record(Origin::of(envelope, place), &mut step, turn)?;
        }
        self.step = Some(step);
        Ok(is_decided)
    }
}

/// True for a circulation that depends on nothing beside the rules: conditions are judged with what `apply` decides.
fn is_circulation(request: &Request) -> bool {
    matches!(request.task, Task::Circulate(_)) && request.conditions.is_none()
}
