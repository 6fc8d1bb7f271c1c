//! Recording: a step becomes a record of the turn, messages to send, and answers to give.

use std::sync::Arc;

use super::{House, Place};
use crate::actors::envelope::{Envelope, Sender};
use crate::actors::news::DirectoryNews;
use crate::actors::page::{InTurn, Numbered, Room};
use crate::actors::rooms::Rooms;
use crate::actors::ticket::Ticket;
use crate::actors::turn::{Chained, Spent, Turn};
use crate::codec;
use crate::domain::{
    ActorNumber, Body, Event, News, Onward, OrderKey, Position, Resident, Step, Timestamp, WalkId, chain,
};
use crate::journal::{AnswerMark, JournalError, Prefix, Reference, record};
use crate::planted::{self, Bug};

/// Where a record comes from: the message, without its body.
pub(super) struct Origin {
    pub(super) actor: ActorNumber,
    /// Where the actor's room is; none where there is none yet.
    pub(super) place: Option<Place>,
    pub(super) walk: WalkId,
    pub(super) now: Timestamp,
    pub(super) hop: u32,
    pub(super) sender: Sender,
    pub(super) ticket: Option<Arc<Ticket>>,
}

impl Origin {
    pub(super) fn of(envelope: Envelope, place: Option<Place>) -> Origin {
        let Envelope { to, walk, now, hop, sender, ticket, .. } = envelope;
        Origin { actor: to, place, walk, now, hop, sender, ticket }
    }
}

impl House {
    pub(super) fn record(
        &mut self,
        mut origin: Origin,
        mut step: Step,
        turn: &mut Turn,
    ) -> Result<(), JournalError> {
        if planted::has(Bug::OrderPaidTooSoon) {
            tell_too_soon(&mut step);
        }
        let record = turn.next_record();
        let unrecorded = planted::has(Bug::RefusalUnrecorded) && step.events.is_empty();
        if !unrecorded {
            self.write(&mut origin, &step, record, turn)?;
        }
        let Origin { actor, walk, now, hop, mut ticket, .. } = origin;
        if let Some(ticket) = &ticket {
            if let Some(answer) = step.answer {
                ticket.settle(answer);
            }
            if step.early {
                turn.early.push(Arc::clone(ticket));
            }
        }
        let mut followers = step.onward.iter().filter(|onward| onward.continues.is_none()).count();
        if let Some(ticket) = &ticket {
            ticket.followed_by(followers);
        }
        for (index, onward) in step.onward.into_iter().enumerate() {
            let index = u32::try_from(index).unwrap_or(u32::MAX);
            let (walk, now, ticket) = match onward.continues {
                Some((walk, now)) => (walk, now, self.parked.remove(&walk)),
                None => {
                    followers -= 1;
                    // The last one takes it along.
                    (walk, now, if followers == 0 { ticket.take() } else { ticket.clone() })
                }
            };
            let sender = if unrecorded { Sender::Door } else { Sender::OfTurn { record, index } };
            let Onward { to, body, .. } = onward;
            self.send_on(Envelope { to, walk, now, hop: hop + 1, sender, body, ticket }, turn);
        }
        let record = (!unrecorded).then_some(record);
        self.wake(actor, walk);
        for (waiting, answer) in step.other_answers {
            if let Some(ticket) = self.parked.remove(&waiting) {
                ticket.settle(answer);
                turn.spent.push(Spent { ticket, record });
            }
            self.wake(actor, waiting);
        }
        let Some(ticket) = ticket else { return Ok(()) };
        if step.queued {
            self.parked.insert(walk, ticket);
        } else {
            turn.spent.push(Spent { ticket, record });
        }
        Ok(())
    }

    /// Absorbs the events and adds the record to the turn's batch.
    fn write(
        &mut self,
        origin: &mut Origin,
        step: &Step,
        index: u32,
        turn: &mut Turn,
    ) -> Result<(), JournalError> {
        let Origin { actor, walk, now, hop, sender, .. } = *origin;
        let mut events = std::mem::take(&mut turn.encoded_events);
        events.clear();
        codec::encode_into(&step.events, &mut events).map_err(record::unencodable)?;
        let listens = self.common.notices.wanted();
        if let Some(there) = origin.place.filter(|_| listens) {
            let Numbered { room, .. } = self.rooms.at(there);
            let at = room.at.max(now);
            let told = step.events.iter().flat_map(|event| News::before(&room.resident, actor, event));
            turn.notices.extend(told.map(|news| (index, at, news)));
        }
        let place = absorb(&mut self.rooms, origin.place, actor, now, &step.events);
        origin.place = Some(place);
        let numbered = self.rooms.at_mut(place);
        let next_due = numbered.room.next_due();
        self.schedule.moved(actor, numbered.set_due(next_due), next_due);
        if !step.events.is_empty() {
            numbered.add_entry(&mut turn.entries, &events);
        }
        if let Some(entry) = numbered.entry {
            let (entry, at) = (entry.place(), record::chain_place(&turn.batch));
            turn.chained.push(Chained { entry, place, at });
        }
        let room = &numbered.room;
        let former = match numbered.record.replace(InTurn::at(index)) {
            Some(former) => Some(Reference::Back(u64::from(index - former.place()))),
            None => Some(room.position()).filter(|position| *position > Position(0)).map(Reference::At),
        };
        let cause = match sender {
            Sender::Door => None,
            Sender::Record { position, index } => Some((Reference::At(position), index)),
            Sender::OfTurn { record, index: message } => {
                Some((Reference::Back(u64::from(index - record)), message))
            }
        };
        let prefix = Prefix {
            walk,
            hop,
            cause,
            actor,
            sequence: room.sequence,
            former,
            at: room.at,
            now,
            // Set anew where the head is not known yet.
            chain: chain::prefix(&room.head),
            answer: AnswerMark::of(step.answer.as_ref()),
            events_bytes: u32::try_from(events.len()).unwrap_or(u32::MAX),
        };
        turn.batch.push_with(|bytes| {
            record::encode(&prefix, &events, &step.onward, &mut turn.encoded_onward, bytes)
                .map_err(record::unencodable)
        })?;
        turn.encoded_events = events;
        if listens {
            let told = step.events.iter().filter_map(|event| News::after(&room.resident, actor, event));
            turn.notices.extend(told.map(|news| (index, room.at, news)));
        }
        turn.places.push(place);
        turn.news
            .extend(step.events.iter().filter_map(|event| DirectoryNews::of(actor, &room.resident, event)));
        if planted::has(Bug::NameBeforeRecord) {
            turn.news.drain(..).for_each(|news| news.tell(&self.common.directory));
        }
        Ok(())
    }

    /// Hashes the turn's entries so far, many side by side, into their actors' heads and their records.
    pub(super) fn hash_chains(&mut self, turn: &mut Turn) {
        let heads = turn.entries.heads();
        for Chained { entry, place, at } in turn.chained.drain(..) {
            let head = &heads[entry as usize];
            self.rooms.at_mut(place).set_head(head);
            record::set_chain(&mut turn.batch, at, chain::prefix(head));
        }
        turn.entries.clear();
    }

    fn wake(&mut self, actor: ActorNumber, walk: WalkId) {
        if !self.waiting.is_empty()
            && let Some(envelopes) = self.waiting.remove(&(actor, walk))
        {
            self.queue.extend(envelopes);
        }
    }
}

/// The planted bug of that name: the recipient of a gift tells its merchant, and not the payee, behind whose credit
/// that comes.
fn tell_too_soon(step: &mut Step) {
    step.onward.retain(|onward| !matches!(onward.body, Body::OrderPaid(_)));
    for index in 0..step.onward.len() {
        if let Body::Withheld(withheld) = &step.onward[index].body {
            let OrderKey { merchant, reference } = withheld.order.clone();
            step.send(merchant, Body::OrderPaid(reference));
        }
    }
}

/// Absorbs a record's events, the first of which begins the actor where it has no place yet; gives its place.
/// The record's time is the walk's, or the actor's newest where that is later, and stands in the room afterwards.
pub(in crate::actors) fn absorb(
    rooms: &mut Rooms,
    place: Option<Place>,
    actor: ActorNumber,
    now: Timestamp,
    events: &[Event],
) -> Place {
    let (place, rest) = match place {
        Some(place) => (place, events),
        None => {
            let begun = events.first().and_then(|event| Resident::begun(actor, event));
            let begun =
                begun.unwrap_or_else(|| unreachable!("an actor's first event is a beginning: {events:?}"));
            (rooms.add(actor, Room::new(actor, begun)), &events[1..])
        }
    };
    let room = &mut rooms.at_mut(place).room;
    room.at = room.at.max(now);
    for event in rest {
        room.resident.absorb(room.at, event);
    }
    place
}
