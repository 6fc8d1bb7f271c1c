//! A page: the rooms of neighbouring numbers, which a snapshot stores together.
//!
//! Absent on purpose: what a resident does, and where pages are kept.

use std::num::{NonZeroU8, NonZeroU32};

use serde::{Deserialize, Serialize};

use crate::domain::chain::{self, Before, Entries, Head};
use crate::domain::{ActorNumber, Body, Context, Decision, Event, Position, Resident, Timestamp};

/// How many numbers a page spans: chunks of 16 to 64 KB where most of them are alive (DESIGN §4).
pub(super) const PAGE_NUMBERS: u64 = 128;

/// An actor at home: its state and its place in its chain.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Room {
    /// The state.
    pub resident: Resident,
    /// How many entries its chain has.
    pub sequence: u64,
    /// The head of its chain.
    #[serde(with = "crate::domain::wide")]
    pub head: Head,
    /// The time of its newest record.
    pub at: Timestamp,
    /// Where its newest record is of which the position is known; 0 where there is none.
    newest: Position,
}

impl Room {
    /// The room of an actor that begins.
    #[must_use]
    pub fn new(number: ActorNumber, resident: Resident) -> Room {
        let (head, at) = (chain::origin(number), Timestamp::default());
        Room { resident, sequence: 0, head, at, newest: Position(0) }
    }

    /// What the resident decides on a message.
    pub(super) fn apply(&self, context: Context, body: &Body) -> Decision {
        self.resident.apply(context, self.sequence, &self.head, body)
    }

    /// Absorbs a record's events. Its time is the walk's, or that of the newest record where that is later, and is the
    /// room's afterwards.
    pub(super) fn absorb(&mut self, now: Timestamp, events: &[Event]) {
        self.at = self.at.max(now);
        for event in events {
            self.resident.absorb(self.at, event);
        }
    }

    /// The instant at which time alone brings about something here; none where no clock comes to it.
    #[must_use]
    pub fn next_due(&self) -> Option<Timestamp> {
        self.resident.next_due(self.at).filter(|due| *due != NEVER)
    }

    /// Where its newest record is of which the position is known; 0 where there is none.
    #[must_use]
    pub fn position(&self) -> Position {
        self.newest
    }
}

/// The number of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct PageNumber(pub(super) u64);

impl PageNumber {
    pub(super) fn of(number: ActorNumber) -> PageNumber {
        PageNumber(number.0 / PAGE_NUMBERS)
    }
}

/// A room on its page. There may be millions, so none of it takes more than it must.
pub(super) struct Numbered {
    pub(super) number: ActorNumber,
    pub(super) room: Room,
    /// What the room's `next_due` is as the schedule knows it, so that not every message has to ask; `NEVER` where it
    /// has none.
    due: Timestamp,
    /// Its newest record in the turn under way, which has no position yet.
    record: Option<InTurn>,
    /// Its newest chain entry in the turn under way, whose head is not known yet.
    pub(super) entry: Option<InTurn>,
}

/// No instant at all: later than any that a clock gives.
const NEVER: Timestamp = Timestamp(u64::MAX);

/// A place among the records or entries of a turn, in four bytes with none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct InTurn(NonZeroU32);

impl InTurn {
    pub(super) fn at(place: u32) -> InTurn {
        InTurn(NonZeroU32::MIN.saturating_add(place))
    }

    pub(super) fn place(self) -> u32 {
        self.0.get() - 1
    }
}

/// A room's newest record in the turn under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Newest {
    /// The record at that place of the turn.
    Record(u32),
    /// The turn's joint at that place: a record that more messages may join.
    Joint(u32),
}

impl Numbered {
    fn new(number: ActorNumber, room: Room) -> Numbered {
        Numbered { number, room, due: NEVER, record: None, entry: None }
    }

    /// Adds an entry to its chain, of the room's time and the events that `encode` writes; gives its place. Its head is
    /// known once the entries are hashed.
    ///
    /// # Errors
    /// That of `encode`; then nothing is added.
    pub(super) fn add_entry<E>(
        &mut self,
        entries: &mut Entries,
        encode: impl FnOnce(&mut Vec<u8>) -> Result<(), E>,
    ) -> Result<u32, E> {
        let room = &mut self.room;
        let before = self.entry.map_or(Before::Head(&room.head), |entry| Before::Entry(entry.place()));
        let place = entries.add(before, room.at, encode)?;
        self.entry = Some(InTurn::at(place));
        room.sequence += 1;
        Ok(place)
    }

    /// How many entries its chain has, that of an open joint among them.
    pub(super) fn entries(&self) -> u64 {
        self.room.sequence + u64::from(matches!(self.newest(), Some(Newest::Joint(_))))
    }

    /// Its newest record in the turn under way.
    pub(super) fn newest(&self) -> Option<Newest> {
        let stored = self.record?.place();
        Some(if stored & 1 == 0 { Newest::Record(stored >> 1) } else { Newest::Joint(stored >> 1) })
    }

    /// Notes its newest record in the turn under way.
    pub(super) fn set_newest(&mut self, newest: Newest) {
        let stored = match newest {
            Newest::Record(place) => place << 1,
            Newest::Joint(place) => place << 1 | 1,
        };
        self.record = Some(InTurn::at(stored));
    }

    /// Takes the head of its newest entry, or of one before it, once it is known.
    pub(super) fn set_head(&mut self, head: &Head) {
        self.room.head = *head;
        self.entry = None;
    }

    /// True where something is due at `now`, as the schedule knows it.
    pub(super) fn is_due(&self, now: Timestamp) -> bool {
        self.due <= now && self.due != NEVER
    }

    /// What the schedule knows.
    pub(super) fn due(&self) -> Option<Timestamp> {
        (self.due != NEVER).then_some(self.due)
    }

    /// Notes what the schedule is going to know; gives what it knew.
    pub(super) fn set_due(&mut self, due: Option<Timestamp>) -> Option<Timestamp> {
        let known = self.due();
        self.due = due.unwrap_or(NEVER);
        known
    }
}

/// A room's place on its page plus one, so that none of it takes no more.
pub(super) type Seat = NonZeroU8;

/// The rooms of neighbouring numbers.
pub(super) struct Page {
    number: PageNumber,
    /// For each number of the page where its room is.
    places: [Option<Seat>; PAGE_NUMBERS as usize],
    rooms: Vec<Numbered>,
    /// The newest record of any of them.
    newest: Position,
}

const _: () = assert!(PAGE_NUMBERS <= u8::MAX as u64, "a place plus one fits a byte");

impl Page {
    pub(super) fn new(number: PageNumber) -> Page {
        Page { number, places: [None; PAGE_NUMBERS as usize], rooms: Vec::new(), newest: Position(0) }
    }

    pub(super) fn number(&self) -> PageNumber {
        self.number
    }

    /// The place of an actor's room on this page.
    pub(super) fn place(&self, number: ActorNumber) -> Option<Seat> {
        self.places[(number.0 % PAGE_NUMBERS) as usize]
    }

    /// Adds the room of an actor that has none; gives its place.
    pub(super) fn add(&mut self, number: ActorNumber, room: Room) -> Seat {
        assert!(self.place(number).is_none(), "an actor begins once");
        // At most as many rooms as the page has numbers.
        let seat = Seat::MIN.saturating_add(self.rooms.len() as u8);
        self.rooms.push(Numbered::new(number, room));
        self.places[(number.0 % PAGE_NUMBERS) as usize] = Some(seat);
        seat
    }

    pub(super) fn at(&self, seat: Seat) -> &Numbered {
        &self.rooms[usize::from(seat.get()) - 1]
    }

    pub(super) fn at_mut(&mut self, seat: Seat) -> &mut Numbered {
        &mut self.rooms[usize::from(seat.get()) - 1]
    }

    /// Notes where the newest record of a room is; gives the room.
    pub(super) fn moved_to(&mut self, seat: Seat, position: Position) -> &mut Numbered {
        self.newest = self.newest.max(position);
        let numbered = self.at_mut(seat);
        (numbered.room.newest, numbered.record) = (position, None);
        numbered
    }

    /// The newest record of any of its actors.
    pub(super) fn newest(&self) -> Position {
        self.newest
    }

    /// How many hops, requests and the like its actors remember.
    pub(super) fn entries(&self) -> usize {
        self.rooms.iter().map(|numbered| numbered.room.resident.entries()).sum()
    }

    pub(super) fn rooms(&self) -> &[Numbered] {
        &self.rooms
    }

    pub(super) fn rooms_mut(&mut self) -> &mut [Numbered] {
        &mut self.rooms
    }
}
