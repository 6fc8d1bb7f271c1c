//! A sweep: the states of a house for a snapshot, slice by slice (DESIGN §3, point 6).
//!
//! Between two slices the house works on, so a snapshot is not of one moment: every room carries the position of its
//! newest record, and a recovery leaves out what a room has seen already. Absent on purpose: what becomes of the pieces.

use super::chunks::Piece;
use super::page::{PAGE_NUMBERS, Page, PageNumber};
use super::rooms::Rooms;
use crate::codec::{self, CodecError};
use crate::domain::{ActorNumber, Position};
use crate::limits::{
    LARGE_ACTOR_ENTRIES, PAGE_ENCODED_ENTRIES_MAX, PIECE_BYTES_MAX, SLICE_BYTES_MAX,
    SLICE_COPIED_ENTRIES_MAX, SLICE_PAGES_MAX,
};
use crate::snapshot::SnapshotError;

/// What a house's sweep still has to look at.
#[derive(Default)]
pub(super) struct Sweep {
    pages: std::vec::IntoIter<PageNumber>,
    /// Large actors of the page that was looked at last; they go into slices of their own.
    large: std::vec::IntoIter<ActorNumber>,
    /// Pages that leave memory behind the others.
    leaving: std::vec::IntoIter<PageNumber>,
    /// Who leaves must not have a record behind this one.
    idle_since: Position,
}

/// How much goes into a slice.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Portion {
    /// It looks at no more pages than these.
    pub(crate) pages_max: usize,
    /// It ends once it has encoded so many bytes.
    pub(crate) bytes_max: usize,
    /// Of a page whose actors have more entries than these together, those with more than their share of them are pieces of
    /// their own.
    pub(crate) page_entries_max: usize,
    /// An actor with more entries than these is always a piece of its own.
    pub(crate) small_entries_max: usize,
    /// It ends once it has copied such actors with so many entries.
    pub(crate) copied_entries_max: usize,
}

impl Default for Portion {
    fn default() -> Portion {
        Portion {
            pages_max: SLICE_PAGES_MAX,
            bytes_max: SLICE_BYTES_MAX,
            page_entries_max: PAGE_ENCODED_ENTRIES_MAX,
            small_entries_max: LARGE_ACTOR_ENTRIES,
            copied_entries_max: SLICE_COPIED_ENTRIES_MAX,
        }
    }
}

/// Some of a house's states, between two turns.
pub struct Slice {
    /// The newest record in any of them: they may be stored once the journal is durable there.
    pub newest: Position,
    /// The states.
    pub pieces: Vec<Piece>,
    /// What it had no need of, of the memory that it was given.
    pub spare: Vec<Vec<u8>>,
    /// True where nothing is left for another slice.
    pub last: bool,
}

impl Sweep {
    pub(super) fn over(rooms: &Rooms, changed_since: Position, idle_since: Option<Position>) -> Sweep {
        Sweep {
            pages: rooms.changed_since(changed_since).into_iter(),
            large: Vec::new().into_iter(),
            leaving: idle_since.map(|before| rooms.idle_since(before)).unwrap_or_default().into_iter(),
            idle_since: idle_since.unwrap_or_default(),
        }
    }

    pub(super) fn next_slice(
        &mut self,
        rooms: &mut Rooms,
        shard: usize,
        newest: Position,
        portion: Portion,
        spare: Vec<Vec<u8>>,
    ) -> Result<Slice, SweepError> {
        let mut slice = Slice { newest, pieces: Vec::new(), spare, last: false };
        if !self.large.as_slice().is_empty() {
            slice.pieces = self.copy_large(rooms, portion.copied_entries_max);
            return Ok(slice);
        }
        let shard = u16::try_from(shard).unwrap_or(u16::MAX);
        let mut bytes_made = 0;
        for _ in 0..portion.pages_max {
            let Some(number) = self.pages.next() else {
                slice.last = !self.leave(rooms, bytes_made)?;
                break;
            };
            let page = number.0;
            if let Some(bytes) = rooms.away(number)? {
                bytes_made += bytes.len();
                slice.pieces.push(Piece::Page { page, shard, bytes, large: Vec::new() });
            } else if let Some(here) = rooms.page(number) {
                let memory = slice.spare.pop().unwrap_or_else(|| Vec::with_capacity(PIECE_BYTES_MAX / 2));
                let (bytes, large) = encode(here, portion, memory)?;
                bytes_made += bytes.len();
                self.large = large.clone().into_iter();
                slice.pieces.push(Piece::Page { page, shard, bytes, large });
            }
            if bytes_made >= portion.bytes_max || !self.large.as_slice().is_empty() {
                break;
            }
        }
        Ok(slice)
    }

    /// Copies some of the large actors. They may have changed since their page was looked at: no two states of a snapshot need
    /// be of one moment.
    fn copy_large(&mut self, rooms: &Rooms, entries_max: usize) -> Vec<Piece> {
        let (mut copies, mut entries) = (Vec::new(), 0);
        while entries < entries_max
            && let Some(number) = self.large.next()
        {
            let room = rooms
                .get(number)
                .unwrap_or_else(|| unreachable!("pages leave memory only behind the last large actor"));
            entries += room.resident.entries();
            copies.push(Piece::Large(number, Box::new(room.clone())));
        }
        copies
    }

    /// Lets some of the idle pages leave memory; true where there are more.
    fn leave(&mut self, rooms: &mut Rooms, mut bytes_made: usize) -> Result<bool, CodecError> {
        while let Some(number) = self.leaving.next() {
            // A page that was used since the sweep began stays.
            let Some(page) = rooms.page(number).filter(|page| page.newest() <= self.idle_since) else {
                continue;
            };
            let whole = Portion { small_entries_max: usize::MAX, ..Portion::default() };
            let (bytes, large) = encode(page, whole, Vec::new())?;
            assert!(large.is_empty(), "a page that remembers more is never listed to leave");
            if let Err(error) = rooms.leave(number, &bytes) {
                // Leaving is an economy: without it everybody stays, and the snapshot is none the worse.
                tracing::error!(%error, "idle actors stay in memory");
                rooms.stay();
                self.leaving = Vec::new().into_iter();
                return Ok(false);
            }
            bytes_made += bytes.len();
            if bytes_made >= SLICE_BYTES_MAX {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// The bytes of a page's rooms, in empty memory, and the large ones, which are left out.
fn encode(
    page: &Page,
    portion: Portion,
    mut bytes: Vec<u8>,
) -> Result<(Vec<u8>, Vec<ActorNumber>), CodecError> {
    let mut large = Vec::new();
    let Portion { page_entries_max, mut small_entries_max, .. } = portion;
    if page.entries() > page_entries_max {
        small_entries_max = small_entries_max.min(page_entries_max / PAGE_NUMBERS as usize);
    }
    for numbered in page.rooms() {
        if numbered.room.resident.entries() > small_entries_max {
            large.push(numbered.number);
        } else {
            codec::encode_into(&(numbered.number, &numbered.room), &mut bytes)?;
        }
    }
    Ok((bytes, large))
}

/// A sweep cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum SweepError {
    /// A state does not encode; none of ours does not.
    #[error("a state does not encode: {0}")]
    Codec(#[from] CodecError),
    /// The shelf fails.
    #[error(transparent)]
    Shelf(#[from] SnapshotError),
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::chunks::tests::{frozen, room};
    use super::*;
    use crate::actors::Room;
    use crate::domain::{
        AccountEvent, Event, Fingerprint, Money, RequestId, RequestKey, RequestMark, Timestamp,
    };
    use crate::snapshot::Shelf;

    /// The room of an account that remembers so many requests.
    fn room_of(requests: usize) -> Room {
        let mut room = room();
        for id in 0..requests {
            let id = RequestId::new(format!("{id}")).unwrap();
            let key = RequestKey { caller: ActorNumber::FUNDS_MANAGEMENT, id };
            let mark = RequestMark::new(key, Fingerprint([7; 16]));
            let deposited = AccountEvent::Deposited(Money::from_minor(1).unwrap(), mark);
            room.absorb(Timestamp(1), &[Event::Account(deposited)]);
        }
        room
    }

    #[test]
    fn a_slice_of_copies_is_no_larger_than_its_bound_or_one_actor() {
        let (mut rooms, numbers) = (Rooms::default(), 300..310);
        for number in numbers.clone() {
            rooms.add(ActorNumber(number), room_of(3));
        }
        for (copied_entries_max, expected) in [(1, 1), (3, 1), (4, 2), (6, 2), (7, 3), (1_000, 10)] {
            let portion = Portion {
                pages_max: 9,
                bytes_max: usize::MAX,
                page_entries_max: usize::MAX,
                small_entries_max: 2,
                copied_entries_max,
            };
            let mut sweep =
                Sweep { pages: vec![PageNumber::of(ActorNumber(300))].into_iter(), ..Sweep::default() };
            let (mut copied, mut last) = (Vec::new(), false);
            while !last {
                let slice = sweep.next_slice(&mut rooms, 0, Position(9), portion, Vec::new()).unwrap();
                last = slice.last;
                let large = |piece: &Piece| match piece {
                    Piece::Large(number, _) => Some(number.0),
                    Piece::Page { .. } => None,
                };
                let copies: Vec<u64> = slice.pieces.iter().filter_map(large).collect();
                assert!(copies.len() <= expected, "{copied_entries_max}: {copies:?}");
                assert!(
                    copies.is_empty() || copies.len() == slice.pieces.len(),
                    "a page is in another slice"
                );
                copied.extend(copies);
            }
            assert_eq!(copied, numbers.clone().collect::<Vec<u64>>());
        }
    }

    #[test]
    fn states_go_into_the_memory_that_is_given_as_far_as_there_is_any() {
        let capacities = |given: usize| {
            let mut rooms = Rooms::default();
            for page in [0, 1] {
                rooms.add(ActorNumber(page * PAGE_NUMBERS + 5), room_of(3));
            }
            let spare = (0..given).map(|_| Vec::with_capacity(12_345)).collect();
            let pages = vec![PageNumber(0), PageNumber(1)].into_iter();
            let mut sweep = Sweep { pages, ..Sweep::default() };
            let slice = sweep.next_slice(&mut rooms, 0, Position(9), Portion::default(), spare).unwrap();
            let memory = slice.pieces.iter().map(|piece| match piece {
                Piece::Page { bytes, .. } => bytes.capacity(),
                Piece::Large(..) => 0,
            });
            (memory.filter(|capacity| *capacity == 12_345).count(), slice.spare.len())
        };
        assert_eq!([0, 1, 2, 3].map(capacities), [(0, 0), (1, 0), (2, 0), (2, 1)]);
    }

    #[test]
    fn an_idle_page_leaves_and_comes_back_whole_unless_it_remembers_too_much_to_be_encoded_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let mut rooms = Rooms::default();
        rooms.leave_to(Arc::new(Shelf::open(folder.path()).unwrap()), 0);
        let entries =
            |page: u64| if page == 0 { LARGE_ACTOR_ENTRIES + 1 } else { PAGE_ENCODED_ENTRIES_MAX + 1 };
        for page in [0, 1] {
            let place = rooms.add(ActorNumber(page * PAGE_NUMBERS + 5), room_of(entries(page)));
            rooms.moved_to(place, Position(7));
        }
        let mut sweep = Sweep::over(&rooms, Position(9), Some(Position(7)));
        let mut slice = sweep.next_slice(&mut rooms, 0, Position(9), Portion::default(), Vec::new()).unwrap();
        while !slice.last {
            slice = sweep.next_slice(&mut rooms, 0, Position(9), Portion::default(), Vec::new()).unwrap();
        }
        assert_eq!((rooms.pages_away(), rooms.get(ActorNumber(5)).is_some()), (1, false));
        assert!(rooms.get(ActorNumber(PAGE_NUMBERS + 5)).is_some());
        let place = rooms.call_back(ActorNumber(5)).unwrap().unwrap();
        let back = &rooms.at(place).room;
        assert_eq!((back.resident == room_of(entries(0)).resident, back.position()), (true, Position(7)));
        assert_eq!(rooms.pages_away(), 0);
    }

    #[test]
    fn a_crowded_page_holds_nobody_with_more_than_a_share_of_what_may_be_encoded() {
        let mut page = Page::new(PageNumber(0));
        for number in 0..PAGE_NUMBERS {
            page.add(ActorNumber(number), room_of(number as usize % 20));
        }
        let large = |page_entries_max| {
            let portion = Portion { page_entries_max, ..Portion::default() };
            encode(&page, portion, Vec::new()).unwrap().1
        };
        let all = page.entries();
        assert_eq!(large(all), []);
        let share = (all - 1) / PAGE_NUMBERS as usize;
        let expected: Vec<ActorNumber> =
            (0..PAGE_NUMBERS).filter(|number| *number as usize % 20 > share).map(ActorNumber).collect();
        assert_eq!(large(all - 1), expected);
    }

    #[test]
    fn a_page_is_encoded_as_its_chunk_is_frozen() {
        let mut page = Page::new(PageNumber::of(ActorNumber(300)));
        page.add(ActorNumber(300), room());
        let encoded = encode(&page, Portion::default(), Vec::new()).unwrap();
        assert_eq!(encoded, (frozen(), vec![]));
    }
}
