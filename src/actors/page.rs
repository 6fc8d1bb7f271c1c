//! A page: the rooms of neighbouring numbers, which a snapshot stores together.
//!
//! Absent on purpose: what a resident does, and where pages are kept.

use serde::{Deserialize, Serialize};

use crate::domain::chain::{self, Head};
use crate::domain::{ActorNumber, Position, Resident, Timestamp};

/// How many numbers a page spans: chunks of 16 to 64 KB where most of them are alive (DESIGN §4).
const PAGE_NUMBERS: u64 = 128;

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
    pub(super) newest: Newest,
}

/// Where an actor's newest record is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Newest {
    None,
    At(Position),
    InTurn(usize),
}

impl Room {
    /// The room of an actor that begins.
    #[must_use]
    pub fn new(number: ActorNumber, resident: Resident) -> Room {
        let (head, at) = (chain::origin(number), Timestamp::default());
        Room { resident, sequence: 0, head, at, newest: Newest::None }
    }

    /// The instant at which time alone brings about something here.
    #[must_use]
    pub fn next_due(&self) -> Option<Timestamp> {
        self.resident.next_due(self.at)
    }

    /// Where its newest record is; 0 where there is none.
    #[must_use]
    pub fn position(&self) -> Position {
        match self.newest {
            Newest::At(position) => position,
            Newest::None | Newest::InTurn(_) => Position(0),
        }
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

/// A room on its page.
pub(super) struct Numbered {
    pub(super) number: ActorNumber,
    pub(super) room: Room,
    /// What the room's `next_due` is as the schedule knows it, so that not every message has to ask.
    pub(super) due: Option<Timestamp>,
    /// Where its newest entry stands among those of the turn under way, whose heads are not known yet.
    pub(super) entry: Option<u32>,
}

/// The rooms of neighbouring numbers.
pub(super) struct Page {
    number: PageNumber,
    /// For each number of the page the place of its room plus one, or 0.
    places: [u8; PAGE_NUMBERS as usize],
    rooms: Vec<Numbered>,
    /// The newest record of any of them.
    newest: Position,
}

const _: () = assert!(PAGE_NUMBERS <= u8::MAX as u64, "a place plus one fits a byte");

impl Page {
    pub(super) fn new(number: PageNumber) -> Page {
        Page { number, places: [0; PAGE_NUMBERS as usize], rooms: Vec::new(), newest: Position(0) }
    }

    pub(super) fn number(&self) -> PageNumber {
        self.number
    }

    /// The place of an actor's room on this page.
    pub(super) fn place(&self, number: ActorNumber) -> Option<u8> {
        self.places[(number.0 % PAGE_NUMBERS) as usize].checked_sub(1)
    }

    /// Adds the room of an actor that has none; gives its place.
    pub(super) fn add(&mut self, number: ActorNumber, room: Room) -> u8 {
        assert!(self.place(number).is_none(), "an actor begins once");
        self.rooms.push(Numbered { number, room, due: None, entry: None });
        // At most as many rooms as the page has numbers.
        let behind = self.rooms.len() as u8;
        self.places[(number.0 % PAGE_NUMBERS) as usize] = behind;
        behind - 1
    }

    pub(super) fn at(&self, place: u8) -> &Numbered {
        &self.rooms[usize::from(place)]
    }

    pub(super) fn at_mut(&mut self, place: u8) -> &mut Numbered {
        &mut self.rooms[usize::from(place)]
    }

    /// Notes where the newest record of a room is.
    pub(super) fn moved_to(&mut self, place: u8, position: Position) {
        self.at_mut(place).room.newest = Newest::At(position);
        self.newest = self.newest.max(position);
    }

    /// The newest record of any of its actors.
    pub(super) fn newest(&self) -> Position {
        self.newest
    }

    pub(super) fn rooms(&self) -> &[Numbered] {
        &self.rooms
    }

    pub(super) fn rooms_mut(&mut self) -> &mut [Numbered] {
        &mut self.rooms
    }
}
