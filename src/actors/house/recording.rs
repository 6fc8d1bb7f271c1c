//! Recording: a step becomes a record of the turn, messages to send, and answers to give.

use std::sync::Arc;
use std::{mem, slice};

use super::{House, Place};
use crate::actors::envelope::{Envelope, Sender};
use crate::actors::news::DirectoryNews;
use crate::actors::page::{InTurn, Newest, Numbered, Room};
use crate::actors::rooms::Rooms;
use crate::actors::schedule::Schedule;
use crate::actors::ticket::Ticket;
use crate::actors::turn::{Absorbed, InBatch, Joint, Spent, Turn};
use crate::codec::{self, CodecError};
use crate::domain::{
    ActorNumber, Body, Event, News, Onward, OrderKey, Position, Resident, Step, Timestamp, WalkId, chain,
};
use crate::journal::{AnswerMark, Joined, JournalError, Prefix, Reference, encode_joined, record};
use crate::limits::JOINT_BYTES_MAX;
use crate::planted::{self, Bug};

/// Where a record comes from: the message, without its body.
pub(super) struct Origin {
    pub(super) actor: ActorNumber,
    /// Where the actor's room is; none where there is none yet.
    pub(super) place: Option<Place>,
    pub(super) message: Absorbed,
    pub(super) ticket: Option<Arc<Ticket>>,
}

impl Origin {
    pub(super) fn of(envelope: &mut Envelope, place: Option<Place>) -> Origin {
        let Envelope { to, walk, now, hop, sender, .. } = *envelope;
        Origin {
            actor: to,
            place,
            message: Absorbed { walk, hop, sender, now },
            ticket: envelope.ticket.take(),
        }
    }
}

/// What stands in a record beside its place and its events.
pub(super) struct Contents<'turn, EncodeOnward> {
    /// The further messages of a joint, encoded.
    pub(super) joined: &'turn [u8],
    pub(super) answer: AnswerMark,
    /// Appends the onward messages.
    pub(super) encode_onward: EncodeOnward,
}

type Encoded = Result<(), CodecError>;

/// A record that only changes something.
fn nothing_follows(joined: &[u8]) -> Contents<'_, impl FnOnce(&mut Vec<u8>) -> Encoded> {
    Contents { joined, answer: AnswerMark::None, encode_onward: |_: &mut Vec<u8>| Ok(()) }
}

/// How no events are encoded: their number.
const NO_EVENTS: &[u8] = &[0];

impl House {
    pub(super) fn record(
        &mut self,
        mut origin: Origin,
        step: &mut Step,
        turn: &mut Turn,
    ) -> Result<(), JournalError> {
        if planted::has(Bug::OrderPaidTooSoon) {
            tell_too_soon(step);
        }
        if let Some(place) = origin.place {
            match self.rooms.at(place).newest() {
                Some(newest) if self.joins(&origin, step) => {
                    let ticket = origin.ticket.take();
                    return self.join((place, newest), &origin.message, &step.events[0], ticket, turn);
                }
                Some(Newest::Joint(joint)) => self.close(joint, turn)?,
                _ => {}
            }
        }
        let record = turn.next_record();
        let unrecorded = planted::has(Bug::RefusalUnrecorded) && step.events.is_empty();
        if !unrecorded {
            self.write(&mut origin, step, record, turn)?;
        }
        let Origin { actor, message: Absorbed { walk, now, hop, .. }, mut ticket, .. } = origin;
        if let Some(ticket) = &ticket {
            if let Some(answer) = step.answer.take() {
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
        for (index, onward) in step.onward.drain(..).enumerate() {
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
        let record = (!unrecorded).then_some(InTurn::at(record));
        self.wake(actor, walk);
        for (waiting, answer) in step.other_answers.drain(..) {
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

    /// Records what was decided on a message without a step; gives the record's place in the turn.
    pub(super) fn record_plain(
        &mut self,
        place: Place,
        message: &Absorbed,
        events: &[Event],
        contents: Contents<'_, impl FnOnce(&mut Vec<u8>) -> Encoded>,
        turn: &mut Turn,
    ) -> Result<u32, JournalError> {
        if let Some(Newest::Joint(joint)) = self.rooms.at(place).newest() {
            self.close(joint, turn)?;
        }
        let record = turn.next_record();
        let numbered = self.rooms.at_mut(place);
        change(numbered, message.now, events, &mut self.schedule, &mut turn.news);
        let actor = numbered.number;
        let encode = |bytes: &mut Vec<u8>| record::encode_events(events, bytes);
        put(numbered, place, message, Some(encode), contents, turn)?;
        self.wake(actor, message.walk);
        Ok(record)
    }

    /// Records the event of a message from which nothing else follows; nobody listens.
    pub(super) fn record_sole(
        &mut self,
        place: Place,
        message: &Absorbed,
        event: &Event,
        ticket: Option<Arc<Ticket>>,
        turn: &mut Turn,
    ) -> Result<(), JournalError> {
        let numbered = self.rooms.at_mut(place);
        if let Some(newest) = numbered.newest() {
            return self.join((place, newest), message, event, ticket, turn);
        }
        let record = turn.next_record();
        let (actor, events) = (numbered.number, slice::from_ref(event));
        change(numbered, message.now, events, &mut self.schedule, &mut turn.news);
        let encode = |bytes: &mut Vec<u8>| record::encode_events(events, bytes);
        put(numbered, place, message, Some(encode), nothing_follows(&[]), turn)?;
        self.wake(actor, message.walk);
        turn.spent.extend(ticket.map(|ticket| Spent { ticket, record: Some(InTurn::at(record)) }));
        Ok(())
    }

    /// True where a message may share a record with others: it is on its way in a walk, one event comes of it, and
    /// nothing follows. Where somebody listens each has a record of its own, which the notices name.
    fn joins(&self, origin: &Origin, step: &Step) -> bool {
        let Step { events, onward, answer, other_answers, queued, early } = step;
        let nothing_follows =
            onward.is_empty() && answer.is_none() && other_answers.is_empty() && !queued && !early;
        nothing_follows
            && events.len() == 1
            && origin.message.sender != Sender::Door
            && !self.common.notices.wanted()
    }

    /// Absorbs the event of a message, and lets it share a record with others of the turn, behind its actor's newest.
    fn join(
        &mut self,
        (place, newest): (Place, Newest),
        message: &Absorbed,
        event: &Event,
        ticket: Option<Arc<Ticket>>,
        turn: &mut Turn,
    ) -> Result<(), JournalError> {
        let index = match newest {
            Newest::Joint(joint) => joint,
            Newest::Record(former) => turn.begin_joint(place, former),
        };
        let joint = &mut turn.joints[index as usize];
        codec::encode_into(event, &mut joint.events).map_err(record::unencodable)?;
        joint.messages.push(*message);
        joint.tickets.extend(ticket);
        let ends = joint.events.len() >= JOINT_BYTES_MAX;
        let numbered = self.rooms.at_mut(place);
        let actor = numbered.number;
        numbered.set_newest(Newest::Joint(index));
        change(numbered, message.now, slice::from_ref(event), &mut self.schedule, &mut turn.news);
        self.wake(actor, message.walk);
        if ends { self.close(index, turn) } else { Ok(()) }
    }

    /// Puts a joint into the turn's batch.
    pub(super) fn close(&mut self, index: u32, turn: &mut Turn) -> Result<(), JournalError> {
        let mut joints = mem::take(&mut turn.joints);
        let closed = self.put_joint(&mut joints[index as usize], turn);
        turn.joints = joints;
        closed
    }

    fn put_joint(&mut self, joint: &mut Joint, turn: &mut Turn) -> Result<(), JournalError> {
        let Some(place) = joint.place.take() else { return Ok(()) };
        let Joint { former, messages, events, joined, tickets, .. } = joint;
        let record = turn.next_record();
        let numbered = self.rooms.at_mut(place);
        numbered.set_newest(Newest::Record(*former));
        let (first, others) = messages.split_first().unwrap_or_else(|| unreachable!("it has messages"));
        let others = others.iter().map(|message| Joined {
            walk: message.walk,
            hop: message.hop,
            cause: message
                .cause(record)
                .unwrap_or_else(|| unreachable!("only messages of walks share a record")),
            now: message.now,
        });
        joined.clear();
        encode_joined(others, first.walk, numbered.room.at, joined).map_err(record::unencodable)?;
        let encode = |bytes: &mut Vec<u8>| {
            codec::encode_into(&messages.len(), bytes)?;
            bytes.extend_from_slice(events);
            Ok(())
        };
        put(numbered, place, first, Some(encode), nothing_follows(joined), turn)?;
        let record = Some(InTurn::at(record));
        turn.spent.extend(tickets.drain(..).map(|ticket| Spent { ticket, record }));
        messages.clear();
        events.clear();
        Ok(())
    }

    /// Puts all joints into the turn's batch.
    pub(super) fn close_all(&mut self, turn: &mut Turn) -> Result<(), JournalError> {
        let mut joints = mem::take(&mut turn.joints);
        let begun = mem::take(&mut turn.joints_begun);
        let closed = joints[..begun].iter_mut().try_for_each(|joint| self.put_joint(joint, turn));
        turn.joints = joints;
        closed
    }

    /// Absorbs the events and adds the record to the turn's batch.
    fn write(
        &mut self,
        origin: &mut Origin,
        step: &Step,
        index: u32,
        turn: &mut Turn,
    ) -> Result<(), JournalError> {
        let (actor, message) = (origin.actor, origin.message);
        let listens = self.common.notices.wanted();
        let (place, events) = match origin.place {
            Some(place) => (place, &step.events[..]),
            None => {
                let (place, rest) = begin(&mut self.rooms, actor, message.now, &step.events);
                turn.news.extend(begun(&self.rooms.at(place).room, actor, &step.events));
                (place, rest)
            }
        };
        if let Some(there) = origin.place.filter(|_| listens) {
            let room = &self.rooms.at(there).room;
            let at = room.at.max(message.now);
            let told = step.events.iter().flat_map(|event| News::before(&room.resident, actor, event));
            turn.notices.extend(told.map(|news| (index, at, news)));
        }
        origin.place = Some(place);
        let numbered = self.rooms.at_mut(place);
        change(numbered, message.now, events, &mut self.schedule, &mut turn.news);
        let encode = |bytes: &mut Vec<u8>| record::encode_events(&step.events, bytes);
        let encode = (!step.events.is_empty()).then_some(encode);
        let answer = AnswerMark::of(step.answer.as_ref());
        let encode_onward = |bytes: &mut Vec<u8>| record::encode_onward(&step.onward, bytes);
        put(numbered, place, &message, encode, Contents { joined: &[], answer, encode_onward }, turn)?;
        if listens {
            let room = &numbered.room;
            let told = step.events.iter().filter_map(|event| News::after(&room.resident, actor, event));
            turn.notices.extend(told.map(|news| (index, room.at, news)));
        }
        if planted::has(Bug::NameBeforeRecord) {
            turn.news.drain(..).for_each(|news| news.tell(&self.common.directory));
        }
        Ok(())
    }

    /// Hashes the turn's entries so far, many side by side, into their actors' heads and their records.
    pub(super) fn hash_chains(&mut self, turn: &mut Turn) {
        turn.tell_heads();
        for record in &mut turn.records[turn.telling..] {
            if let Some(entry) = record.entry.take() {
                self.rooms.at_mut(record.place).set_head(turn.entries.head(entry.place()));
            }
        }
        turn.entries.clear();
        turn.telling = turn.records.len();
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

/// What the directory is told of the event that has begun an actor.
fn begun(room: &Room, actor: ActorNumber, events: &[Event]) -> Option<DirectoryNews> {
    events.first().and_then(|event| DirectoryNews::of(actor, &room.resident, event))
}

/// Absorbs events, and notes what follows from them for the schedule and for the directory.
#[inline(always)]
fn change(
    numbered: &mut Numbered,
    now: Timestamp,
    events: &[Event],
    schedule: &mut Schedule,
    news: &mut Vec<DirectoryNews>,
) {
    numbered.room.absorb(now, events);
    let next_due = numbered.room.next_due();
    if next_due != numbered.due() {
        schedule.moved(numbered.number, numbered.set_due(next_due), next_due);
    }
    for event in events.iter().filter(|event| DirectoryNews::is(event)) {
        news.extend(DirectoryNews::of(numbered.number, &numbered.room.resident, event));
    }
}

/// Adds a record of absorbed events to the turn's batch, and its entry to the turn's; `encode` writes the events, and is none
/// where there are none.
fn put(
    numbered: &mut Numbered,
    place: Place,
    message: &Absorbed,
    encode: Option<impl FnOnce(&mut Vec<u8>) -> Encoded>,
    contents: Contents<'_, impl FnOnce(&mut Vec<u8>) -> Encoded>,
    turn: &mut Turn,
) -> Result<(), JournalError> {
    let Contents { joined, answer, encode_onward } = contents;
    let record = turn.next_record();
    let events = match encode {
        Some(encode) => {
            let entry = numbered.add_entry(&mut turn.entries, encode).map_err(record::unencodable)?;
            turn.entries.events(entry)
        }
        None => NO_EVENTS,
    };
    let former = match numbered.newest() {
        Some(Newest::Record(former)) => Some(Reference::Back(u64::from(record - former))),
        Some(Newest::Joint(_)) => unreachable!("a joint is closed before another record of its actor"),
        None => Some(numbered.room.position()).filter(|position| *position > Position(0)).map(Reference::At),
    };
    numbered.set_newest(Newest::Record(record));
    let room = &numbered.room;
    let prefix = Prefix {
        walk: message.walk,
        hop: message.hop,
        cause: message.cause(record),
        actor: numbered.number,
        sequence: room.sequence,
        former,
        at: room.at,
        now: message.now,
        // Set anew where the head is not known yet.
        chain: chain::prefix(&room.head),
        answer,
        events_bytes: 0,
        joined_bytes: 0,
    };
    turn.records.push(InBatch { place, entry: numbered.entry, chain_at: record::chain_place(&turn.batch) });
    turn.batch.push_with(|bytes| {
        record::encode(prefix, events, joined, encode_onward, bytes).map_err(record::unencodable)
    })
}

/// Gives an actor that begins with the first of these events its place; what is left of them is to be absorbed.
fn begin<'events>(
    rooms: &mut Rooms,
    actor: ActorNumber,
    now: Timestamp,
    events: &'events [Event],
) -> (Place, &'events [Event]) {
    let begun = events.first().and_then(|event| Resident::begun(actor, event));
    let begun = begun.unwrap_or_else(|| unreachable!("an actor's first event is a beginning: {events:?}"));
    let mut room = Room::new(actor, begun);
    room.at = now;
    (rooms.add(actor, room), &events[1..])
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
        None => begin(rooms, actor, now, events),
    };
    rooms.at_mut(place).room.absorb(now, rest);
    place
}
