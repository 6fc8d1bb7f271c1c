//! The rooms of a house, in pages of neighbouring numbers: a snapshot stores a page at a time.
//!
//! Absent on purpose: what a resident does, and the order of anything.

use std::collections::HashMap;
use std::mem;
use std::sync::Arc;

use rustc_hash::FxBuildHasher;
use serde::{Deserialize, Serialize};

use crate::codec;
use crate::domain::chain::Head;
use crate::domain::{ActorNumber, Position, Resident, Timestamp};
use crate::limits::LARGE_ACTOR_ENTRIES;
use crate::snapshot::{Shelf, SnapshotError};

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
    pub fn new(resident: Resident) -> Room {
        Room { resident, sequence: 0, head: Head::default(), at: Timestamp::default(), newest: Newest::None }
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

    fn key(self, shard: u16) -> Vec<u8> {
        let mut key = self.0.to_be_bytes().to_vec();
        key.extend(shard.to_be_bytes());
        key
    }
}

/// Rooms by their actors' numbers.
#[derive(Default)]
pub(super) struct Rooms {
    /// Numbers are the engine's own, so nobody can choose ones that collide.
    pages: HashMap<PageNumber, Page, FxBuildHasher>,
    /// Pages on the shelf, with the newest record of any of their actors.
    away: HashMap<PageNumber, Position, FxBuildHasher>,
    shelf: Option<Arc<Shelf>>,
    /// True once the shelf has failed to take a page.
    stays: bool,
    /// Whose pages these are: every shard has a part of each.
    shard: u16,
}

/// The rooms of neighbouring numbers.
pub(super) struct Page {
    /// For each number of the page the place of its room plus one, or 0.
    places: [u8; PAGE_NUMBERS as usize],
    rooms: Vec<(ActorNumber, Room)>,
    /// The newest record of any of them.
    newest: Position,
}

const _: () = assert!(PAGE_NUMBERS <= u8::MAX as u64, "a place plus one fits a byte");

impl Page {
    fn new() -> Page {
        Page { places: [0; PAGE_NUMBERS as usize], rooms: Vec::new(), newest: Position(0) }
    }

    fn place(&self, number: ActorNumber) -> Option<usize> {
        usize::from(self.places[(number.0 % PAGE_NUMBERS) as usize]).checked_sub(1)
    }

    /// The newest record of any of its actors.
    pub(super) fn newest(&self) -> Position {
        self.newest
    }

    pub(super) fn rooms(&self) -> &[(ActorNumber, Room)] {
        &self.rooms
    }
}

impl Rooms {
    pub(super) fn get(&self, number: ActorNumber) -> Option<&Room> {
        let page = self.pages.get(&PageNumber::of(number))?;
        page.place(number).map(|place| &page.rooms[place].1)
    }

    /// The room of an actor, made where there is none.
    pub(super) fn get_or_insert_with(
        &mut self,
        number: ActorNumber,
        make: impl FnOnce() -> Room,
    ) -> &mut Room {
        let page = self.pages.entry(PageNumber::of(number)).or_insert_with(Page::new);
        let place = match page.place(number) {
            Some(place) => place,
            None => {
                page.rooms.push((number, make()));
                // At most as many rooms as the page has numbers.
                page.places[(number.0 % PAGE_NUMBERS) as usize] = page.rooms.len() as u8;
                page.rooms.len() - 1
            }
        };
        &mut page.rooms[place].1
    }

    /// Notes where an actor's newest record is.
    pub(super) fn moved_to(&mut self, number: ActorNumber, position: Position) {
        if let Some(page) = self.pages.get_mut(&PageNumber::of(number))
            && let Some(place) = page.place(number)
        {
            page.rooms[place].1.newest = Newest::At(position);
            page.newest = page.newest.max(position);
        }
    }

    /// Puts a room back; the former one of that actor, if there was one.
    pub(super) fn restore(&mut self, number: ActorNumber, room: Room) -> Option<Room> {
        let position = room.position();
        let mut room = Some(room);
        let place = self.get_or_insert_with(number, || {
            room.take().unwrap_or_else(|| unreachable!("a room is made at most once"))
        });
        let former = room.map(|room| mem::replace(place, room));
        self.moved_to(number, position);
        former
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (ActorNumber, &Room)> {
        self.pages.values().flat_map(|page| page.rooms.iter()).map(|(number, room)| (*number, room))
    }

    /// Lets idle pages leave memory from now on.
    pub(super) fn leave_to(&mut self, shelf: Arc<Shelf>, shard: usize) {
        self.shelf = Some(shelf);
        self.shard = u16::try_from(shard).unwrap_or(u16::MAX);
    }

    /// Lets no more pages leave: the shelf takes nothing more.
    pub(super) fn stay(&mut self) {
        self.stays = true;
    }

    /// How many pages are on the shelf.
    pub(super) fn pages_away(&self) -> usize {
        self.away.len()
    }

    /// Makes sure that an actor is in memory, if there is such an actor.
    pub(super) fn call_back(&mut self, number: ActorNumber) -> Result<(), SnapshotError> {
        if self.away.is_empty() || !self.away.contains_key(&PageNumber::of(number)) {
            return Ok(());
        }
        let key = PageNumber::of(number).key(self.shard);
        let Some(shelf) = self.shelf.clone() else { return Ok(()) };
        let bytes = shelf.get(&key)?;
        let mut rest = &bytes[..];
        shelf.remove(&key)?;
        self.away.remove(&PageNumber::of(number));
        while !rest.is_empty() {
            let (number, room);
            ((number, room), rest) =
                codec::decode_front(rest).map_err(|error| shelf.damaged(&error.to_string()))?;
            self.restore(number, room);
        }
        Ok(())
    }

    /// Lets a page leave memory, as these bytes, where it can and none of its actors is large.
    pub(super) fn leave(&mut self, number: PageNumber, bytes: &[u8]) -> Result<(), SnapshotError> {
        let Some(shelf) = &self.shelf else { return Ok(()) };
        shelf.put(&number.key(self.shard), bytes)?;
        if let Some(page) = self.pages.remove(&number) {
            self.away.insert(number, page.newest);
        }
        Ok(())
    }

    /// The bytes of a page that is away.
    pub(super) fn away(&self, number: PageNumber) -> Result<Option<Vec<u8>>, SnapshotError> {
        match &self.shelf {
            Some(shelf) if self.away.contains_key(&number) => shelf.get(&number.key(self.shard)).map(Some),
            _ => Ok(None),
        }
    }

    /// The pages in memory without a record behind `before`, none of them large.
    pub(super) fn idle_since(&self, before: Position) -> Vec<PageNumber> {
        if self.shelf.is_none() || self.stays {
            return Vec::new();
        }
        let idle = self.pages.iter().filter(|(_, page)| {
            page.newest <= before
                && page.rooms.iter().all(|(_, room)| room.resident.entries() <= LARGE_ACTOR_ENTRIES)
        });
        idle.map(|(number, _)| *number).collect()
    }

    /// The pages with a record behind `since`, in the order of their numbers, whether in memory or away.
    pub(super) fn changed_since(&self, since: Position) -> Vec<PageNumber> {
        let here = self.pages.iter().map(|(number, page)| (*number, page.newest));
        let away = self.away.iter().map(|(number, newest)| (*number, *newest));
        let changed = here.chain(away).filter(|(_, newest)| *newest > since);
        let mut numbers: Vec<PageNumber> = changed.map(|(number, _)| number).collect();
        numbers.sort_unstable();
        numbers
    }

    pub(super) fn page(&self, number: PageNumber) -> Option<&Page> {
        self.pages.get(&number)
    }
}
