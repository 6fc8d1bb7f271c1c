//! States as chunks, keys and values, and the rooms of chunks again.
//!
//! A page of rooms is a chunk; a large room is one or several of its own. Absent on purpose: where chunks are kept.

use super::page::{PageNumber, Room};
use crate::codec::{self, CodecError};
use crate::domain::ActorNumber;
use crate::limits::PIECE_BYTES_MAX;

/// What is stored together.
pub enum Piece {
    /// The rooms of a page, but for the large ones.
    Page {
        /// The page.
        page: u64,
        /// The shard whose part of it this is.
        shard: u16,
        /// The rooms, encoded.
        bytes: Vec<u8>,
        /// Actors of this page that are pieces of their own.
        large: Vec<ActorNumber>,
    },
    /// A room too large to be encoded while its shard waits.
    Large(ActorNumber, Box<Room>),
}

/// A key and its value.
type Chunk = (Vec<u8>, Vec<u8>);

/// The kinds of chunks, the first byte of their keys.
const PAGE: u8 = 0;
const LARGE: u8 = 1;

impl Piece {
    /// The chunks that the piece is stored as, keys and values. A large room is encoded here, wherever that is.
    ///
    /// # Errors
    /// Where a state does not encode; none of ours does not.
    pub fn into_chunks(self) -> Result<Vec<Chunk>, CodecError> {
        self.into_chunks_of(PIECE_BYTES_MAX)
    }

    /// As `into_chunks`, with parts of a large room of at most so many bytes.
    pub(crate) fn into_chunks_of(self, part_bytes_max: usize) -> Result<Vec<Chunk>, CodecError> {
        match self {
            Piece::Page { page, shard, bytes, .. } => {
                let mut key = vec![PAGE];
                key.extend(page.to_be_bytes());
                key.extend(shard.to_be_bytes());
                Ok(vec![(key, bytes)])
            }
            Piece::Large(number, room) => {
                let mut bytes = Vec::new();
                codec::encode_into(&(number, room), &mut bytes)?;
                let parts = bytes.chunks(part_bytes_max);
                let last = parts.len() - 1;
                let chunk = |(part, bytes): (usize, &[u8])| {
                    let mut value = vec![u8::from(part == last)];
                    value.extend_from_slice(bytes);
                    (large_key(number, u32::try_from(part).unwrap_or(u32::MAX)), value)
                };
                Ok(parts.enumerate().map(chunk).collect())
            }
        }
    }

    /// True where an actor belongs to this page.
    #[must_use]
    pub fn spans(page: u64, number: ActorNumber) -> bool {
        PageNumber::of(number) == PageNumber(page)
    }
}

/// The key of a part of a large room; the parts follow each other.
#[must_use]
pub fn large_key(number: ActorNumber, part: u32) -> Vec<u8> {
    let mut key = vec![LARGE];
    key.extend(number.0.to_be_bytes());
    key.extend(part.to_be_bytes());
    key
}

/// Chunks that make whole rooms, which are still bytes.
pub enum Whole {
    /// Those of a page.
    Page(Vec<u8>),
    /// A large one.
    Large(Vec<u8>),
}

impl Whole {
    /// Gives the rooms.
    ///
    /// # Errors
    /// What is wrong with the bytes, in words.
    pub fn rooms(&self, mut give: impl FnMut(ActorNumber, Room) -> Result<(), String>) -> Result<(), String> {
        let next =
            |bytes| codec::decode_large::<(ActorNumber, Room)>(bytes).map_err(|error| error.to_string());
        match self {
            Whole::Page(bytes) => {
                let mut rest = &bytes[..];
                while !rest.is_empty() {
                    let (number, room);
                    ((number, room), rest) = next(rest)?;
                    give(number, room)?;
                }
                Ok(())
            }
            Whole::Large(bytes) => match next(bytes)? {
                ((number, room), []) => give(number, room),
                ((number, _), _) => Err(format!("actor {} has bytes behind its end", number.0)),
            },
        }
    }
}

/// Joins chunks, which come in the order of their keys, to whole rooms again.
#[derive(Default)]
pub struct Joiner {
    /// The parts so far of the large room under way, and the key of its next one.
    large: Option<(Vec<u8>, Vec<u8>)>,
}

impl Joiner {
    /// Takes the next chunk; gives what is whole with it, which is nothing where a large room has further parts.
    ///
    /// # Errors
    /// What is wrong with the chunk, in words.
    pub fn join(&mut self, key: &[u8], value: &[u8]) -> Result<Option<Whole>, String> {
        match (key.first(), self.large.take()) {
            (Some(&PAGE), None) => Ok(Some(Whole::Page(value.to_vec()))),
            (Some(&LARGE), former) => {
                let (number, part) = large_parts(key).ok_or("a chunk's key is too short")?;
                let (mut bytes, expected) = former.unwrap_or_else(|| (Vec::new(), large_key(number, 0)));
                if key != expected {
                    return Err(format!("the part of actor {} before its part {part} is missing", number.0));
                }
                let (last, more) = value.split_first().ok_or("a chunk is empty")?;
                bytes.extend_from_slice(more);
                if *last == 0 {
                    self.large = Some((bytes, large_key(number, part + 1)));
                    return Ok(None);
                }
                Ok(Some(Whole::Large(bytes)))
            }
            _ => Err("a chunk stands where it does not belong".to_owned()),
        }
    }

    /// Checks that nothing is half joined.
    ///
    /// # Errors
    /// Where a large room's last part is missing.
    pub fn end(self) -> Result<(), String> {
        if self.large.is_some() {
            Err("the last part of a large actor is missing".to_owned())
        } else {
            Ok(())
        }
    }
}

fn large_parts(key: &[u8]) -> Option<(ActorNumber, u32)> {
    let number = key.get(1..9)?.try_into().ok()?;
    let part = key.get(9..13)?.try_into().ok()?;
    Some((ActorNumber(u64::from_be_bytes(number)), u32::from_be_bytes(part)))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::domain::{
        Account, Currency, Fingerprint, Money, Name, Opening, RequestId, RequestKey, RequestMark, Resident,
    };

    /// The room of an account that nothing has happened to.
    pub(in super::super) fn room() -> Room {
        let (number, name) = (ActorNumber(300), Name::new("ann").unwrap());
        let (deposit, credit_limit) = (Money::from_minor(5).unwrap(), Money::from_minor(9).unwrap());
        let opening = Opening { name, currency: Currency::USD, deposit, credit_limit };
        let key = RequestKey { caller: ActorNumber::FUNDS_MANAGEMENT, id: RequestId::new("id").unwrap() };
        let mark = RequestMark::new(key, Fingerprint([7; 16]));
        Room::new(number, Resident::Account(Account::opened(number, &opening, &mark)))
    }

    /// The number of an idle account, and its room.
    pub(in super::super) fn frozen() -> Vec<u8> {
        [
            // The actor's number. An account: its number, name, currency, first deposit, the id that opened it.
            &[251, 0x2C, 1, 0, 251, 0x2C, 1][..],
            b"\x03ann\x03USD\x05\x02id",
            // The fingerprint of that request, and that it was another's.
            &[254, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 0],
            // Posted, held, credit limit; it remembers nothing and is engaged in nothing.
            &[10, 0, 9, 0, 0],
            // Entries in the chain, its head, time and position of the newest record.
            &[0, 251, 0x2C, 1, 0, 0, 0],
        ]
        .concat()
    }

    #[test]
    fn the_chunks_of_a_page_and_of_a_large_actor_are_frozen() {
        let mut bytes = Vec::new();
        codec::encode_into(&(ActorNumber(300), room()), &mut bytes).unwrap();
        let piece = Piece::Page { page: 2, shard: 0x0102, bytes, large: Vec::new() };
        let key = vec![0, 0, 0, 0, 0, 0, 0, 0, 2, 1, 2];
        assert_eq!(piece.into_chunks().unwrap(), [(key, frozen())]);

        let parts = Piece::Large(ActorNumber(300), Box::new(room())).into_chunks_of(40).unwrap();
        let key = |part| vec![1, 0, 0, 0, 0, 0, 0, 1, 0x2C, 0, 0, 0, part];
        let whole = frozen();
        let part = |last: u8, bytes: &[u8]| [&[last], bytes].concat();
        assert_eq!(parts, [(key(0), part(0, &whole[..40])), (key(1), part(1, &whole[40..]))]);

        let (mut joiner, mut joined) = (Joiner::default(), Vec::new());
        for (key, value) in &parts {
            let Some(whole) = joiner.join(key, value).unwrap() else { continue };
            whole
                .rooms(|number, room| {
                    joined.push((number, room));
                    Ok(())
                })
                .unwrap();
        }
        joiner.end().unwrap();
        assert_eq!(joined, [(ActorNumber(300), room())]);
    }

    #[test]
    fn a_large_actor_is_one_room_and_no_more() {
        let refused = |bytes: &[u8]| {
            let value = [&[1], bytes].concat();
            let whole = Joiner::default().join(&large_key(ActorNumber(300), 0), &value).unwrap().unwrap();
            whole.rooms(|_, _| Ok(())).unwrap_err()
        };
        assert!(!refused(&[]).is_empty());
        for behind in [&[0][..], &frozen()] {
            assert_eq!(refused(&[&frozen(), behind].concat()), "actor 300 has bytes behind its end");
        }
    }
}
