//! Further messages that a record absorbs beside its first: credits to one account that come in one turn are one record.
//!
//! Each of them brought about one of the record's events, in their order, and nothing else.

use super::prefix::Reference;
use crate::codec::{self, CodecError};
use crate::domain::{Timestamp, WalkId};

/// One of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Joined {
    /// The walk.
    pub walk: WalkId,
    /// How many messages the walk had taken before this one, on this way.
    pub hop: u32,
    /// The record that sent the message, and its place among that record's, from 0.
    pub cause: (Reference, u32),
    /// The walk's time, which its rules use; not behind the record's.
    pub now: Timestamp,
}

/// As it is stored: the walk as its difference to the one before, hop, the cause's record as in a prefix and index, and
/// how much the record is later.
type Stored = (u64, u32, u64, u32, u64);

/// Appends their bytes; `first` is the walk of the record's first message, `at` its time.
///
/// # Errors
/// Where something is not encodable; nothing of ours is.
pub fn encode_into(
    joined: impl IntoIterator<Item = Joined>,
    first: WalkId,
    at: Timestamp,
    bytes: &mut Vec<u8>,
) -> Result<(), CodecError> {
    let mut before = first;
    for Joined { walk, hop, cause: (record, index), now } in joined {
        let further = walk.0.wrapping_sub(before.0);
        let stored: Stored = (further, hop, Reference::to_number(Some(record)), index, at.since(now));
        codec::encode_into(&stored, bytes)?;
        before = walk;
    }
    Ok(())
}

/// Reads them; none where they say what is never written.
///
/// # Errors
/// Where the bytes are something else.
pub(super) fn decode(
    mut bytes: &[u8],
    first: WalkId,
    at: Timestamp,
) -> Result<Option<Vec<Joined>>, CodecError> {
    let mut joined = Vec::new();
    let mut before = first;
    while !bytes.is_empty() {
        let ((further, hop, record, index, later), behind) = codec::decode_front::<Stored>(bytes)?;
        let walk = WalkId(before.0.wrapping_add(further));
        let (Some(record), Some(now)) = (Reference::of_number(record), at.0.checked_sub(later)) else {
            return Ok(None);
        };
        joined.push(Joined { walk, hop, cause: (record, index), now: Timestamp(now) });
        (bytes, before) = (behind, walk);
    }
    Ok(Some(joined))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::Position;

    const AT: Timestamp = Timestamp(1_000);

    fn bytes_of(joined: &[Joined]) -> Vec<u8> {
        let mut bytes = Vec::new();
        encode_into(joined.iter().copied(), WalkId(7), AT, &mut bytes).unwrap();
        bytes
    }

    #[test]
    fn their_bytes_are_those_that_the_format_says() {
        let joined = [
            Joined { walk: WalkId(9), hop: 3, cause: (Reference::Back(5), 1), now: Timestamp(998) },
            Joined { walk: WalkId(9), hop: 2, cause: (Reference::At(Position(4)), 0), now: AT },
        ];
        assert_eq!(bytes_of(&joined), [2, 3, 11, 1, 2, 0, 2, 8, 0, 0]);
        assert_eq!(joined.map(|joined| joined.cause.0.resolve(Position(20))), [Position(15), Position(4)]);
    }

    #[test]
    fn what_is_never_written_is_none() {
        let none = |bytes: &[u8]| decode(bytes, WalkId(7), AT).unwrap().is_none();
        assert!(none(&[2, 3, 0, 1, 2]), "a message that no record has sent");
        assert!(none(&[2, 3, 11, 1, 251, 0xE9, 0x03]), "before there was any time");
        assert!(decode(&[2, 3, 11, 1], WalkId(7), AT).is_err(), "one that ends too early");
    }

    proptest! {
        #[test]
        fn all_are_read_back(stored: Vec<(u64, u32, bool, u32, u32, u16)>) {
            let joined: Vec<Joined> = stored
                .into_iter()
                .map(|(walk, hop, back, record, index, later)| {
                    let record = u64::from(record) + 1;
                    let record = if back { Reference::Back(record) } else { Reference::At(Position(record)) };
                    let now = Timestamp(AT.0 - u64::from(later) % AT.0);
                    Joined { walk: WalkId(walk), hop, cause: (record, index), now }
                })
                .collect();
            prop_assert_eq!(decode(&bytes_of(&joined), WalkId(7), AT).unwrap(), Some(joined));
        }

        #[test]
        fn any_bytes_are_read_without_a_panic(bytes: Vec<u8>) {
            let _ = decode(&bytes, WalkId(7), AT);
        }
    }
}
