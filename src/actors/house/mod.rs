//! A house: the residents of one shard, and their turns. It knows no runtime.
//!
//! In a turn, messages are decided one by one; then, in this order: the turn's records are handed over,
//! its messages go out, its answers are given to whoever lets them leave when they are durable
//! (DESIGN §3, points 2 and 3).

mod concluding;
mod recording;
mod supply;
mod timing;

use std::collections::VecDeque;
use std::hint::black_box;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use rustc_hash::FxHashMap;

use recording::Origin;
pub(super) use recording::absorb;

use super::directory::Directory;
use super::envelope::{Envelope, Sender};
use super::notices::Notices;
use super::page::{Newest, Room};
use super::rooms::{Place, Rooms};
use super::schedule::Schedule;
use super::sweep::{Portion, Slice, Sweep, SweepError};
use super::ticket::{Departing, Ticket};
use super::turn::{Spent, Turn};
use crate::domain::supply::Supply;
use crate::domain::{
    ActorNumber, Answer, Body, Code, Context, Decision, Position, Refusal, Resident, Step, WalkId,
    on_condition,
};
use crate::journal::{JournalError, RecordBatch};
use crate::limits::{TURN_MESSAGES_MAX, WAITERS_MAX};
use crate::planted::{self, Bug};
use crate::snapshot::Shelf;

/// How many messages are looked at together before the first of them is decided.
const NEAR_MESSAGES: usize = 128;

/// What a house needs of the world.
pub trait Outside {
    /// Gives a turn's records to the log and returns the position of the first (never called with none).
    ///
    /// # Errors
    /// Where the log takes no more; the house then stops.
    fn hand_over(&mut self, batch: &mut RecordBatch) -> Result<Position, JournalError>;

    /// Sends a turn's messages to the other shards, each shard's in order, and to all of them at once: what one
    /// shard sends on after taking its part comes behind the part of every other (a certificate's birth stands
    /// before the settlement that a buyer on a third shard sends).
    fn send(&mut self, parcels: Vec<(usize, Vec<Envelope>)>);

    /// Lets answers leave once the log is durable up to `at`.
    fn release(&mut self, at: Position, answers: Vec<Departing>);
}

/// The shard of an actor among so many.
#[must_use]
pub fn shard_of(number: ActorNumber, shards: usize) -> usize {
    // Neighbouring numbers (an offering's certificates) are spread: Fibonacci hashing, its upper half.
    let spread = number.0.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32;
    usize::try_from(spread).unwrap_or(0) % shards
}

/// What all houses of an engine share.
#[derive(Debug, Default)]
pub struct Common {
    /// Names to numbers.
    pub directory: Directory,
    /// The bound on each currency's whole money.
    pub supply: Mutex<Supply>,
    /// The number of the next walk.
    pub walks: AtomicU64,
    /// What listeners are told of.
    pub notices: Notices,
}

impl Common {
    /// A new walk.
    pub fn next_walk(&self) -> WalkId {
        WalkId(self.walks.fetch_add(1, Ordering::Relaxed))
    }

    /// Works on the supply.
    pub fn with_supply<T>(&self, work: impl FnOnce(&mut Supply) -> T) -> T {
        work(&mut self.supply.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The residents of one shard.
pub struct House {
    shard: usize,
    shards: usize,
    common: Arc<Common>,
    rooms: Rooms,
    /// Messages from elsewhere.
    queue: VecDeque<Envelope>,
    /// Messages that its own residents have sent each other. They come before the queue, and mostly their turn is the
    /// one that has sent them.
    inside: VecDeque<Envelope>,
    /// Messages that are decided again once that actor records that walk's next step.
    waiting: FxHashMap<(ActorNumber, WalkId), Vec<Envelope>>,
    /// Tickets of walks that wait in an offering's line.
    parked: FxHashMap<WalkId, Arc<Ticket>>,
    /// The newest position that this house has handed over.
    handed: Position,
    /// The sweep that is under way.
    sweep: Sweep,
    /// Empty between two turns; it keeps its memory, which would cost a fifth of a turn to get anew.
    turn: Turn,
    /// What time alone will bring about.
    schedule: Schedule,
    /// True where every message waits for the next turn.
    step_by_step: bool,
}

impl House {
    /// An empty house: one of `shards`.
    #[must_use]
    pub fn new(shard: usize, shards: usize, common: Arc<Common>) -> House {
        House {
            shard,
            shards,
            common,
            rooms: Rooms::default(),
            queue: VecDeque::new(),
            inside: VecDeque::new(),
            waiting: FxHashMap::default(),
            parked: FxHashMap::default(),
            handed: Position(0),
            sweep: Sweep::default(),
            turn: Turn::default(),
            schedule: Schedule::default(),
            step_by_step: false,
        }
    }

    /// Whether every message is to wait for the next turn, as it would for a house on another thread, so that walks
    /// meet each other between any two hops; only while all is quiet. For a simulation.
    pub(crate) fn go_step_by_step(&mut self, step_by_step: bool) {
        self.step_by_step = step_by_step;
    }

    /// Its residents that are in memory.
    pub fn rooms(&self) -> impl Iterator<Item = (ActorNumber, &Room)> {
        self.rooms.iter()
    }

    /// One resident's room, where it is in memory.
    #[must_use]
    pub fn room(&self, number: ActorNumber) -> Option<&Room> {
        self.rooms.get(number)
    }

    /// One resident's room, which comes back into memory where it was away.
    ///
    /// # Errors
    /// Where the shelf fails.
    pub fn look_at(&mut self, number: ActorNumber) -> Result<Option<&Room>, JournalError> {
        let place = self.call_back(number)?;
        Ok(place.map(|place| self.at(place)))
    }

    /// Where a resident's room is, where it is in memory.
    pub(super) fn find(&self, number: ActorNumber) -> Option<Place> {
        self.rooms.find(number)
    }

    /// The room at a place that was found.
    pub(super) fn at(&self, place: Place) -> &Room {
        &self.rooms.at(place).room
    }

    pub(super) fn rooms_mut(&mut self) -> &mut Rooms {
        &mut self.rooms
    }

    /// Notes up to where the log was read before the house began to work.
    pub fn begins_after(&mut self, position: Position) {
        self.handed = position;
    }

    /// Puts messages into its queue.
    pub fn deliver(&mut self, envelopes: impl IntoIterator<Item = Envelope>) {
        self.queue.extend(envelopes);
    }

    /// Puts messages that were under way before a restart into the house, in the order of their causes: before
    /// everything else, and before what comes of them.
    pub(in crate::actors) fn resume(&mut self, envelope: Envelope) {
        self.inside.push_back(envelope);
    }

    /// True where messages wait to be decided.
    #[must_use]
    pub fn busy(&self) -> bool {
        !(self.queue.is_empty() && self.inside.is_empty())
    }

    /// How many messages wait to be decided.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.queue.len() + self.inside.len()
    }

    /// Begins a sweep for a snapshot: everything with a record behind `changed_since` is going to be in its slices, and
    /// pages of actors without a record behind `idle_since` leave memory, where there is a shelf for them.
    /// Gives the oldest record whose message waits here to be absorbed, if there is one.
    ///
    /// Only between two turns, and once every other shard has ended the turn in which it handed over a record
    /// that the snapshot is to hold: then its messages are here.
    pub fn begin_sweep(&mut self, changed_since: Position, idle_since: Option<Position>) -> Option<Position> {
        self.sweep = Sweep::over(&self.rooms, changed_since, idle_since);
        let position = |envelope: &Envelope| match envelope.sender {
            Sender::Record { position, .. } => Some(position),
            Sender::Door => None,
            Sender::OfTurn { .. } => unreachable!("between two turns every record has its position"),
        };
        self.inside.iter().chain(&self.queue).filter_map(position).min()
    }

    /// The next slice of the sweep; only between two turns.
    ///
    /// # Errors
    /// Where a state does not encode, which none of ours does not, or the shelf fails.
    pub fn next_slice(&mut self) -> Result<Slice, SweepError> {
        self.next_slice_of(Portion::default())
    }

    /// As `next_slice`, of a size of one's own.
    pub(crate) fn next_slice_of(&mut self, portion: Portion) -> Result<Slice, SweepError> {
        self.sweep.next_slice(&mut self.rooms, self.shard, self.handed, portion)
    }

    /// Lets pages of idle actors leave memory from now on.
    pub fn leave_to(&mut self, shelf: Arc<Shelf>) {
        self.rooms.leave_to(shelf, self.shard);
    }

    /// How many pages of idle actors are out of memory.
    #[must_use]
    pub fn pages_away(&self) -> usize {
        self.rooms.pages_away()
    }

    /// One turn: decides up to `limits::TURN_MESSAGES_MAX` messages and lets out what comes of them.
    ///
    /// # Errors
    /// Where the log takes no more. The house must not be used after that, nor after a panic.
    pub fn turn(&mut self, outside: &mut impl Outside) -> Result<(), JournalError> {
        self.turn_of(TURN_MESSAGES_MAX, outside)
    }

    /// One turn of at most so many messages.
    pub(crate) fn turn_of(
        &mut self,
        messages_max: usize,
        outside: &mut impl Outside,
    ) -> Result<(), JournalError> {
        let mut turn = std::mem::take(&mut self.turn);
        let mut left = messages_max;
        // What follows from messages is decided, in its order, before more from elsewhere.
        'turn: while left > 0 && self.busy() {
            let inside = !self.inside.is_empty();
            let next = if inside { &self.inside } else { &self.queue };
            let near = left.min(next.len()).min(NEAR_MESSAGES);
            let mut places = look_ahead(&self.rooms, next.iter().take(near));
            for place in places.iter_mut().take(near) {
                if turn.is_full() {
                    break 'turn;
                }
                let next = if inside { &mut self.inside } else { &mut self.queue };
                let Some(envelope) = next.pop_front() else { break };
                if let Some(put_off) = self.decide(envelope, place.take(), &mut turn)? {
                    let next = if inside { &mut self.inside } else { &mut self.queue };
                    next.push_front(put_off);
                    break 'turn;
                }
            }
            left -= near;
        }
        self.conclude(turn, outside)
    }

    /// Decides on a message to an actor whose room is at `place`, where that is known. Gives it back where more is due
    /// at its actor than the turn takes.
    fn decide(
        &mut self,
        mut envelope: Envelope,
        place: Option<Place>,
        turn: &mut Turn,
    ) -> Result<Option<Envelope>, JournalError> {
        let first = envelope.sender == Sender::Door;
        let place = match place {
            Some(place) => Some(place),
            // It may have begun since the look ahead.
            None => self.call_back(envelope.to)?,
        };
        if first && let Some(place) = place {
            envelope.now = envelope.now.max(self.rooms.at(place).room.at);
        }
        if !self.catch_up(envelope.to, place, envelope.now, turn)? {
            return Ok(Some(envelope));
        }
        if let Some(place) = place.filter(|_| envelope.body.shows_chain()) {
            // It is going to see the head of the actor's chain.
            if let Some(Newest::Joint(joint)) = self.rooms.at(place).newest() {
                self.close(joint, turn)?;
            }
            if self.rooms.at(place).entry.is_some() {
                self.hash_chains(turn);
            }
        }
        let context = Context { walk: envelope.walk, now: envelope.now };
        let room = place.map(|place| &self.rooms.at(place).room);
        let decided = catch_unwind(AssertUnwindSafe(|| match room {
            Some(room) => room.resident.apply(context, room.sequence, &room.head, &envelope.body),
            None => Resident::apply_absent(context, envelope.to, &envelope.body),
        }));
        let decision = match decided {
            Ok(decision) => decision,
            // Nothing has moved yet: the client is told, the house goes on (DESIGN §3, point 11).
            Err(_) if first => Decision::Refuse(Refusal::of(Code::Internal)),
            Err(panic) => resume_unwind(panic),
        };
        let decision = on_condition(&envelope.body, room.map_or(0, |room| room.sequence), decision);
        match self.within_supply(&envelope, room, decision, turn) {
            Decision::Record(step) => self.record(Origin::of(envelope, place), step, turn)?,
            Decision::Refuse(refusal) => self.answer(Origin::of(envelope, place), Err(refusal), turn)?,
            Decision::Answer(done) => {
                let looks = matches!(&envelope.body, Body::Request(request) if request.task.looks());
                if let Some(ticket) = envelope.ticket.as_ref().filter(|_| first && !looks) {
                    ticket.is_of_a_repeat();
                }
                self.answer(Origin::of(envelope, place), Ok(done), turn)?;
            }
            Decision::Pass(to, body) => {
                assert!(first, "a message whose walk is on record is decided where it arrives");
                self.send_on(Envelope { to, body, ..envelope }, turn);
            }
            Decision::Wait(walk) => {
                assert!(first, "a message whose walk is on record is decided when it arrives");
                let waiting = self.waiting.entry((envelope.to, walk)).or_default();
                if waiting.len() < WAITERS_MAX {
                    waiting.push(envelope);
                } else {
                    self.answer(Origin::of(envelope, place), Err(Refusal::of(Code::Overloaded)), turn)?;
                }
            }
        }
        Ok(None)
    }

    /// Sends a message on: to an actor of this house within the turn. Where a page's credit is absorbed that does not
    /// hurry, and others have their turn between two pages.
    fn send_on(&mut self, envelope: Envelope, turn: &mut Turn) {
        let waits = self.step_by_step || planted::has(Bug::OnwardBeforeRecord);
        let here = shard_of(envelope.to, self.shards) == self.shard;
        if here && !waits && !matches!(envelope.body, Body::CreditAbsorbed) {
            self.inside.push_back(envelope);
        } else {
            turn.outgoing.push(envelope);
        }
    }

    /// Makes sure that an actor is in memory, if there is such an actor, and says where.
    fn call_back(&mut self, number: ActorNumber) -> Result<Option<Place>, JournalError> {
        self.rooms.call_back(number).map_err(|error| JournalError::Away { why: error.to_string() })
    }

    /// An answer without a change: recorded inside a walk, and only there (DESIGN §3, point 1).
    fn answer(&mut self, origin: Origin, answer: Answer, turn: &mut Turn) -> Result<(), JournalError> {
        if origin.message.sender != Sender::Door {
            return self.record(origin, Step::default().answering(answer), turn);
        }
        if let Some(ticket) = origin.ticket {
            ticket.settle(answer);
            turn.spent.push(Spent { ticket, record: None });
        }
        Ok(())
    }
}

/// Looks up the rooms of the next messages, and reads what is read first in each: so the processor waits for
/// the memory of many at once, and not of one after the other.
fn look_ahead<'message>(
    rooms: &Rooms,
    messages: impl Iterator<Item = &'message Envelope> + Clone,
) -> [Option<Place>; NEAR_MESSAGES] {
    let mut places = [None; NEAR_MESSAGES];
    for (place, envelope) in places.iter_mut().zip(messages.clone()) {
        *place = rooms.find(envelope.to);
    }
    let near = || places.iter().zip(messages.clone());
    let rooms = || near().filter_map(|(place, envelope)| Some((&rooms.at((*place)?).room, envelope)));
    black_box(near().fold(0, |read, (_, envelope)| read ^ envelope.glance()));
    black_box(rooms().fold(0, |read, (room, _)| read ^ room.at.0 ^ u64::from(room.head[0])));
    black_box(rooms().fold(0, |read, (room, envelope)| read ^ room.resident.glance(Some(&envelope.body))));
    places
}
