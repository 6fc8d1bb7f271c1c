//! The rooms of a house, in pages that may leave memory and come back.
//!
//! Absent on purpose: what a resident does, and the order of anything.

use std::collections::HashMap;
use std::mem;
use std::sync::Arc;

use rustc_hash::FxBuildHasher;

use super::chunks::Whole;
use super::page::{Numbered, Page, PageNumber, Room, Seat};
use super::page_places::PagePlaces;
use super::series::KnownSeries;
use crate::domain::{ActorNumber, Position};
use crate::limits::PAGE_ENCODED_ENTRIES_MAX;
use crate::snapshot::{Shelf, SnapshotError};

/// Where a room is: found once for a message, and good until pages leave memory, so for the whole of a turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    page: u32,
    room: Seat,
}

/// Rooms by their actors' numbers.
#[derive(Default)]
pub(super) struct Rooms {
    pages: Vec<Page>,
    places: PagePlaces,
    /// Pages on the shelf, with the newest record of any of their actors.
    away: HashMap<PageNumber, Position, FxBuildHasher>,
    shelf: Option<Arc<Shelf>>,
    /// True once the shelf has failed to take a page.
    stays: bool,
    /// Whose pages these are: every shard has a part of each.
    shard: u16,
}

impl Rooms {
    /// Where an actor's room is, if there is such an actor and it is in memory.
    pub(super) fn find(&self, number: ActorNumber) -> Option<Place> {
        let page = self.places.get(PageNumber::of(number))?;
        let room = self.pages[page as usize].place(number)?;
        Some(Place { page, room })
    }

    pub(super) fn get(&self, number: ActorNumber) -> Option<&Room> {
        self.find(number).map(|place| &self.at(place).room)
    }

    pub(super) fn at(&self, place: Place) -> &Numbered {
        self.pages[place.page as usize].at(place.room)
    }

    pub(super) fn at_mut(&mut self, place: Place) -> &mut Numbered {
        self.pages[place.page as usize].at_mut(place.room)
    }

    /// Adds the room of an actor that has none.
    pub(super) fn add(&mut self, number: ActorNumber, room: Room) -> Place {
        let (pages, page_number) = (&mut self.pages, PageNumber::of(number));
        let page = self.places.get(page_number).unwrap_or_else(|| {
            pages.push(Page::new(page_number));
            let place = u32::try_from(pages.len() - 1);
            let place = place.unwrap_or_else(|_| unreachable!("memory ends before page numbers"));
            self.places.put(page_number, place);
            place
        });
        Place { page, room: pages[page as usize].add(number, room) }
    }

    /// Notes where an actor's newest record is; gives its room.
    pub(super) fn moved_to(&mut self, place: Place, position: Position) -> &mut Numbered {
        self.pages[place.page as usize].moved_to(place.room, position)
    }

    /// Puts a room back; the former one of that actor, if there was one.
    pub(super) fn restore(&mut self, number: ActorNumber, room: Room) -> Option<Room> {
        let (position, due) = (room.position(), room.next_due());
        let (place, former) = match self.find(number) {
            Some(place) => (place, Some(mem::replace(&mut self.at_mut(place).room, room))),
            None => (self.add(number, room), None),
        };
        self.at_mut(place).set_due(due);
        self.moved_to(place, position);
        former
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (ActorNumber, &Room)> {
        self.pages.iter().flat_map(Page::rooms).map(|numbered| (numbered.number, &numbered.room))
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Numbered> {
        self.pages.iter_mut().flat_map(Page::rooms_mut)
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

    /// Makes sure that an actor is in memory, if there is such an actor, and gives its place.
    pub(super) fn call_back(&mut self, number: ActorNumber) -> Result<Option<Place>, SnapshotError> {
        if self.away.contains_key(&PageNumber::of(number)) {
            self.take_back(PageNumber::of(number))?;
        }
        Ok(self.find(number))
    }

    fn take_back(&mut self, number: PageNumber) -> Result<(), SnapshotError> {
        let Some(shelf) = self.shelf.clone() else { return Ok(()) };
        let key = self.key(number);
        let page = Whole::Page(shelf.get(&key)?);
        shelf.remove(&key)?;
        self.away.remove(&number);
        let mut series = KnownSeries::default();
        let back = page.rooms(|number, mut room| {
            series.share(&mut room);
            self.restore(number, room);
            Ok(())
        });
        back.map_err(|why| shelf.damaged(&why))
    }

    /// Lets a page leave memory, as these bytes, where it can.
    pub(super) fn leave(&mut self, number: PageNumber, bytes: &[u8]) -> Result<(), SnapshotError> {
        let Some(shelf) = &self.shelf else { return Ok(()) };
        shelf.put(&self.key(number), bytes)?;
        if let Some(index) = self.places.remove(number) {
            let page = self.pages.swap_remove(index as usize);
            if let Some(moved) = self.pages.get(index as usize) {
                self.places.put(moved.number(), index);
            }
            self.away.insert(number, page.newest());
        }
        Ok(())
    }

    /// The bytes of a page that is away.
    pub(super) fn away(&self, number: PageNumber) -> Result<Option<Vec<u8>>, SnapshotError> {
        match &self.shelf {
            Some(shelf) if self.away.contains_key(&number) => shelf.get(&self.key(number)).map(Some),
            _ => Ok(None),
        }
    }

    fn key(&self, page: PageNumber) -> Vec<u8> {
        [&page.0.to_be_bytes()[..], &self.shard.to_be_bytes()].concat()
    }

    /// The pages in memory without a record behind `before` that remember no more than is encoded, and decoded again, at once.
    pub(super) fn idle_since(&self, before: Position) -> Vec<PageNumber> {
        if self.shelf.is_none() || self.stays {
            return Vec::new();
        }
        let idle = |page: &&Page| page.newest() <= before && page.entries() <= PAGE_ENCODED_ENTRIES_MAX;
        self.pages.iter().filter(idle).map(Page::number).collect()
    }

    /// The pages with a record behind `since`, in the order of their numbers, whether in memory or away.
    pub(super) fn changed_since(&self, since: Position) -> Vec<PageNumber> {
        let here = self.pages.iter().map(|page| (page.number(), page.newest()));
        let away = self.away.iter().map(|(number, newest)| (*number, *newest));
        let changed = here.chain(away).filter(|(_, newest)| *newest > since);
        let mut numbers: Vec<PageNumber> = changed.map(|(number, _)| number).collect();
        numbers.sort_unstable();
        numbers
    }

    pub(super) fn page(&self, number: PageNumber) -> Option<&Page> {
        self.places.get(number).map(|index| &self.pages[index as usize])
    }
}
