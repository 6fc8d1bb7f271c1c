//! A house: the residents of one shard, and their turns. It knows no runtime.
//!
//! In a turn, messages are decided one by one; then, in this order: the turn's records are handed over,
//! its messages go out, its answers are given to whoever lets them leave when they are durable
//! (DESIGN §3, points 2 and 3).

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use rustc_hash::FxHashMap;

use super::directory::Directory;
use super::envelope::Envelope;
use super::news::News;
use super::rooms::{Newest, Room, Rooms};
use super::schedule::Schedule;
use super::sweep::{Portion, Slice, Sweep, SweepError};
use super::ticket::{Departing, Ticket};
use super::turn::{Spent, Turn};
use crate::codec;
use crate::domain::chain;
use crate::domain::supply::{Change, Supply};
use crate::domain::{
    ActorNumber, Answer, Body, Code, Context, Decision, Event, Money, Onward, Position, Refusal, Resident,
    Step, Task, Timestamp, WalkId,
};
use crate::journal::{AnswerMark, Cause, Former, JournalError, Prefix, RecordBatch, record};
use crate::limits::{TURN_MESSAGES_MAX, WAITERS_MAX};
use crate::planted::{self, Bug};
use crate::snapshot::Shelf;

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
    queue: VecDeque<Envelope>,
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
            waiting: FxHashMap::default(),
            parked: FxHashMap::default(),
            handed: Position(0),
            sweep: Sweep::default(),
            turn: Turn::default(),
            schedule: Schedule::default(),
        }
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

    /// True where messages wait to be decided.
    #[must_use]
    pub fn busy(&self) -> bool {
        !self.queue.is_empty()
    }

    /// Begins a sweep for a snapshot: everything with a record behind `changed_since` is going to be in its slices, and
    /// pages of actors without a record behind `idle_since` leave memory, where there is a shelf for them.
    /// Gives the oldest record whose message waits here to be absorbed, if there is one.
    ///
    /// Only between two turns, and once every other shard has ended the turn in which it handed over a record
    /// that the snapshot is to hold: then its messages are here.
    pub fn begin_sweep(&mut self, changed_since: Position, idle_since: Option<Position>) -> Option<Position> {
        self.sweep = Sweep::over(&self.rooms, changed_since, idle_since);
        self.queue.iter().filter_map(|envelope| envelope.cause).map(|cause| cause.position).min()
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
        for _ in 0..messages_max {
            let Some(envelope) = self.queue.pop_front() else { break };
            self.decide(envelope, &mut turn)?;
        }
        self.conclude(turn, outside)
    }

    /// The instant of what time alone brings about first.
    #[must_use]
    pub fn next_due(&self) -> Option<Timestamp> {
        self.schedule.first().map(|(at, _)| at)
    }

    /// Schedules every resident: replay has made them without.
    pub(super) fn schedule_all(&mut self) {
        for (actor, room) in self.rooms.iter() {
            self.schedule.moved(actor, None, room.next_due());
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
            self.call_back(actor)?;
            self.catch_up(actor, now, &mut turn)?;
            let left = is_due(self).is_some_and(|(_, next)| next == actor);
            assert!(!left, "nothing is due any more at a resident that has caught up");
        }
        self.conclude(turn, outside)?;
        Ok(is_due(self).is_some())
    }

    /// Records what is due at a resident, each thing as a walk of its own, dated at its instant (D36).
    fn catch_up(&mut self, actor: ActorNumber, now: Timestamp, turn: &mut Turn) -> Result<(), JournalError> {
        let due = |room: &Room| room.resident.due(room.at, now);
        while let Some((at, step)) = self.rooms.get(actor).and_then(due) {
            let walk = self.common.next_walk();
            let origin = Origin { actor, walk, now: at, hop: 0, cause: None, ticket: None };
            self.record(origin, step, turn)?;
        }
        Ok(())
    }

    fn decide(&mut self, mut envelope: Envelope, turn: &mut Turn) -> Result<(), JournalError> {
        let first = envelope.cause.is_none();
        self.call_back(envelope.to)?;
        if first && let Some(room) = self.rooms.get(envelope.to) {
            envelope.now = envelope.now.max(room.at);
        }
        self.catch_up(envelope.to, envelope.now, turn)?;
        let context = Context { walk: envelope.walk, now: envelope.now };
        let rooms = &self.rooms;
        let decided = catch_unwind(AssertUnwindSafe(|| match rooms.get(envelope.to) {
            Some(room) => room.resident.apply(context, room.sequence, &room.head, &envelope.body),
            None => Resident::apply_absent(context, envelope.to, &envelope.body),
        }));
        let decision = match decided {
            Ok(decision) => decision,
            // Nothing has moved yet: the client is told, the house goes on (DESIGN §3, point 11).
            Err(_) if first => Decision::Refuse(Refusal::of(Code::Internal)),
            Err(panic) => resume_unwind(panic),
        };
        match self.within_supply(&envelope, decision, turn) {
            Decision::Record(step) => self.record(Origin::of(envelope), step, turn)?,
            Decision::Refuse(refusal) => self.answer(Origin::of(envelope), Err(refusal), turn)?,
            Decision::Answer(done) => self.answer(Origin::of(envelope), Ok(done), turn)?,
            Decision::Pass(to, body) => {
                assert!(first, "a message whose walk is on record is decided where it arrives");
                turn.outgoing.push((None, Envelope { to, body, ..envelope }));
            }
            Decision::Wait(walk) => {
                assert!(first, "a message whose walk is on record is decided when it arrives");
                let waiting = self.waiting.entry((envelope.to, walk)).or_default();
                if waiting.len() < WAITERS_MAX {
                    waiting.push(envelope);
                } else {
                    self.answer(Origin::of(envelope), Err(Refusal::of(Code::Overloaded)), turn)?;
                }
            }
        }
        Ok(())
    }

    /// Makes sure that an actor is in memory, if there is such an actor.
    fn call_back(&mut self, number: ActorNumber) -> Result<(), JournalError> {
        self.rooms.call_back(number).map_err(|error| JournalError::Away { why: error.to_string() })
    }

    /// An answer without a change: recorded inside a walk, and only there (DESIGN §3, point 1).
    fn answer(&mut self, origin: Origin, answer: Answer, turn: &mut Turn) -> Result<(), JournalError> {
        if origin.cause.is_some() {
            return self.record(origin, Step::default().answering(answer), turn);
        }
        if let Some(ticket) = origin.ticket {
            ticket.settle(answer);
            turn.spent.push(Spent { ticket, record: None, more: 0 });
        }
        Ok(())
    }

    fn record(&mut self, origin: Origin, step: Step, turn: &mut Turn) -> Result<(), JournalError> {
        let record = turn.actors.len();
        let unrecorded = planted::has(Bug::RefusalUnrecorded) && step.events.is_empty();
        if !unrecorded {
            self.write(&origin, &step, record, turn)?;
        }
        let Origin { actor, walk, now, hop, ticket, .. } = origin;
        let mut more = 0;
        for (index, onward) in step.onward.into_iter().enumerate() {
            let index = u32::try_from(index).unwrap_or(u32::MAX);
            let (walk, now, ticket) = match onward.continues {
                Some((walk, now)) => (walk, now, self.parked.remove(&walk)),
                None => {
                    more += 1;
                    (walk, now, ticket.clone())
                }
            };
            let sender = (!unrecorded).then_some((record, index));
            let cause = None;
            let Onward { to, body, .. } = onward;
            turn.outgoing.push((sender, Envelope { to, walk, now, hop: hop + 1, cause, body, ticket }));
        }
        let record = (!unrecorded).then_some(record);
        self.wake(actor, walk);
        for (waiting, answer) in step.other_answers {
            if let Some(ticket) = self.parked.remove(&waiting) {
                ticket.settle(answer);
                turn.spent.push(Spent { ticket, record, more: 0 });
            }
            self.wake(actor, waiting);
        }
        let Some(ticket) = ticket else { return Ok(()) };
        if let Some(answer) = step.answer {
            ticket.settle(answer);
        }
        if step.early {
            turn.early.push(Arc::clone(&ticket));
        }
        if step.queued {
            self.parked.insert(walk, ticket);
        } else {
            turn.spent.push(Spent { ticket, record, more });
        }
        Ok(())
    }

    /// Absorbs the events and adds the record to the turn's batch.
    fn write(
        &mut self,
        origin: &Origin,
        step: &Step,
        index: usize,
        turn: &mut Turn,
    ) -> Result<(), JournalError> {
        let Origin { actor, walk, now, hop, cause, .. } = *origin;
        let mut events = std::mem::take(&mut turn.encoded_events);
        events.clear();
        codec::encode_into(&step.events, &mut events).map_err(record::unencodable)?;
        let due_before = self.rooms.get(actor).and_then(Room::next_due);
        let room = absorb(&mut self.rooms, actor, now, &step.events);
        self.schedule.moved(actor, due_before, room.next_due());
        if !step.events.is_empty() {
            room.sequence += 1;
            room.head = chain::advance(&room.head, actor, room.sequence, room.at, &events);
        }
        let former = match room.newest {
            Newest::None => Former::None,
            Newest::At(position) => Former::At(position),
            Newest::InTurn(former) => Former::Back((index - former) as u64),
        };
        room.newest = Newest::InTurn(index);
        let prefix = Prefix {
            walk,
            hop,
            cause,
            actor,
            sequence: room.sequence,
            former,
            at: room.at,
            now,
            chain: chain::prefix(&room.head),
            answer: AnswerMark::of(step.answer.as_ref()),
            events_bytes: u32::try_from(events.len()).unwrap_or(u32::MAX),
        };
        turn.batch.push_with(|bytes| {
            record::encode(&prefix, &events, &step.onward, bytes).map_err(record::unencodable)
        })?;
        turn.encoded_events = events;
        turn.actors.push(actor);
        turn.news.extend(step.events.iter().filter_map(|event| News::of(actor, &room.resident, event)));
        if planted::has(Bug::NameBeforeRecord) {
            turn.news.drain(..).for_each(|news| news.tell(&self.common.directory));
        }
        Ok(())
    }

    fn wake(&mut self, actor: ActorNumber, walk: WalkId) {
        if !self.waiting.is_empty()
            && let Some(envelopes) = self.waiting.remove(&(actor, walk))
        {
            self.queue.extend(envelopes);
        }
    }

    /// Holds a deposit or credit line against the bound on its currency's whole money, so that no credit
    /// inside a walk can overflow.
    fn within_supply(&self, envelope: &Envelope, decision: Decision, turn: &mut Turn) -> Decision {
        let (Body::Request(request), Decision::Record(_)) = (&envelope.body, &decision) else {
            return decision;
        };
        let account = match self.rooms.get(envelope.to) {
            Some(Room { resident: Resident::Account(account), .. }) => Some(account),
            _ => None,
        };
        let change = match (&request.task, account) {
            (Task::Open(opening), _) => {
                let Some(sum) = opening.deposit.checked_add(opening.credit_limit) else {
                    return Decision::Refuse(Refusal::of(Code::AmountTooLarge));
                };
                Change { currency: opening.currency, field: "deposit", adds: sum, frees: Money::ZERO }
            }
            (Task::Deposit(amount), Some(account)) => {
                Change { currency: account.currency(), field: "amount", adds: *amount, frees: Money::ZERO }
            }
            (Task::CashOut(amount), Some(account)) => {
                Change { currency: account.currency(), field: "amount", adds: Money::ZERO, frees: *amount }
            }
            (Task::SetCreditLimit(limit), Some(account)) => {
                let frees = account.credit_limit();
                Change { currency: account.currency(), field: "credit_limit", adds: *limit, frees }
            }
            _ => return decision,
        };
        match self.common.with_supply(|supply| supply.add(&change)) {
            Ok(()) => {
                if change.frees > change.adds {
                    turn.freed.push(change);
                }
                decision
            }
            Err(refusal) => Decision::Refuse(refusal),
        }
    }

    fn conclude(&mut self, mut turn: Turn, outside: &mut impl Outside) -> Result<(), JournalError> {
        let records = turn.actors.len();
        let mut first = Position(self.handed.0 + 1);
        if planted::has(Bug::OnwardBeforeRecord) {
            self.send(&mut turn, first, outside);
        }
        if records > 0 {
            first = outside.hand_over(&mut turn.batch)?;
            self.handed = Position(first.0 + records as u64 - 1);
            for (index, actor) in turn.actors.iter().enumerate() {
                self.rooms.moved_to(*actor, Position(first.0 + index as u64));
            }
            // Only now: a door that knows a name may send what rests on it, and that must come behind it in
            // the log.
            turn.news.drain(..).for_each(|news| news.tell(&self.common.directory));
            for change in turn.freed.drain(..) {
                self.common.with_supply(|supply| supply.free(&change));
            }
        }
        let mut leaving: Vec<Departing> = turn.early.drain(..).map(Departing::early).collect();
        let mut at = self.handed;
        for Spent { ticket, record, more } in turn.spent.drain(..) {
            let position = record.map_or(Position(0), |index| Position(first.0 + index as u64));
            if ticket.absorbed(position, more) {
                at = at.max(ticket.position());
                leaving.push(Departing::ended(ticket));
            }
        }
        self.send(&mut turn, first, outside);
        if !leaving.is_empty() {
            let at = if planted::has(Bug::AnswerBeforeSync) { Position(0) } else { at };
            outside.release(at, leaving);
        }
        turn.actors.clear();
        self.turn = turn;
        Ok(())
    }

    fn send(&mut self, turn: &mut Turn, first: Position, outside: &mut impl Outside) {
        let mut others: Vec<Vec<Envelope>> = Vec::new();
        others.resize_with(self.shards, Vec::new);
        for envelope in turn.envelopes(first) {
            let shard = shard_of(envelope.to, self.shards);
            if shard == self.shard {
                self.queue.push_back(envelope);
            } else if let Some(batch) = others.get_mut(shard) {
                batch.push(envelope);
            }
        }
        let parcels: Vec<_> =
            others.into_iter().enumerate().filter(|(_, parcel)| !parcel.is_empty()).collect();
        if !parcels.is_empty() {
            outside.send(parcels);
        }
    }
}

/// Where a record comes from: the message, without its body.
struct Origin {
    actor: ActorNumber,
    walk: WalkId,
    now: Timestamp,
    hop: u32,
    cause: Option<Cause>,
    ticket: Option<Arc<Ticket>>,
}

impl Origin {
    fn of(envelope: Envelope) -> Origin {
        let Envelope { to, walk, now, hop, cause, ticket, .. } = envelope;
        Origin { actor: to, walk, now, hop, cause, ticket }
    }
}

/// Absorbs a record's events, the first of which may begin the actor; gives its room. The record's time is
/// the walk's, or the actor's newest where that is later, and stands in the room afterwards.
pub(super) fn absorb<'rooms>(
    rooms: &'rooms mut Rooms,
    actor: ActorNumber,
    now: Timestamp,
    events: &[Event],
) -> &'rooms mut Room {
    let mut rest = events;
    let room = rooms.get_or_insert_with(actor, || {
        let begun = events.first().and_then(|event| Resident::begun(actor, event));
        rest = events.get(1..).unwrap_or_default();
        Room::new(begun.unwrap_or_else(|| unreachable!("an actor's first event is a beginning: {events:?}")))
    });
    room.at = room.at.max(now);
    for event in rest {
        room.resident.absorb(room.at, event);
    }
    room
}
