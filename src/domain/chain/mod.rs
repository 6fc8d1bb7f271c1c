//! The hash chain of an actor: every record with events is one entry (I9).
//!
//! The head after an entry is the BLAKE3 hash of: the head before it (32 bytes), the entry's time (8, little endian),
//! the length of the events' encoding (4, little endian), that encoding, and zeros up to a multiple of 64 bytes. Before
//! the first entry the head is the actor's number (8 bytes, little endian), and then zeros. So an entry is whole blocks
//! of the hash, and the entries of independent actors can be hashed side by side. Absent on purpose: where an entry
//! is stored.

mod entries;
mod lanes;

pub use entries::{Before, Entries};

use std::convert::Infallible;

use super::number::ActorNumber;
use super::time::Timestamp;

/// The hash of the newest entry; before the first the actor's number.
pub type Head = [u8; HEAD_BYTES];

const HEAD_BYTES: usize = 32;
/// What the hash takes at once.
const BLOCK_BYTES: usize = 64;
/// Where the length of the events stands.
const LENGTH_AT: usize = HEAD_BYTES + 8;
const HEADER_BYTES: usize = LENGTH_AT + 4;

/// The head before an actor's first entry.
#[must_use]
pub fn origin(actor: ActorNumber) -> Head {
    let mut head = Head::default();
    head[..8].copy_from_slice(&actor.0.to_le_bytes());
    head
}

/// The head after one more entry.
#[must_use]
pub fn advance(head: &Head, at: Timestamp, events: &[u8]) -> Head {
    let mut entry = Vec::new();
    let encode = |entry: &mut Vec<u8>| {
        entry.extend_from_slice(events);
        Ok::<(), Infallible>(())
    };
    let Ok(_) = write(&mut entry, head, at, encode);
    *blake3::hash(&entry).as_bytes()
}

/// Appends an entry's bytes, of which `encode` appends those of its events; gives how many these are.
fn write<E>(
    bytes: &mut Vec<u8>,
    head: &Head,
    at: Timestamp,
    encode: impl FnOnce(&mut Vec<u8>) -> Result<(), E>,
) -> Result<u32, E> {
    let start = bytes.len();
    bytes.extend_from_slice(&[0; HEADER_BYTES]);
    let header = bytes.last_chunk_mut::<HEADER_BYTES>().unwrap_or_else(|| unreachable!("it was just added"));
    header[..HEAD_BYTES].copy_from_slice(head);
    header[HEAD_BYTES..LENGTH_AT].copy_from_slice(&at.0.to_le_bytes());
    encode(bytes)?;
    let events = u32::try_from(bytes.len() - start - HEADER_BYTES)
        .unwrap_or_else(|_| unreachable!("a record's bound is far below the length's four bytes"));
    bytes[start + LENGTH_AT..start + HEADER_BYTES].copy_from_slice(&events.to_le_bytes());
    // A copy of so many is a few moves, and as many as are wanted a call.
    let end = start + (bytes.len() - start).next_multiple_of(BLOCK_BYTES);
    bytes.extend_from_slice(&[0; BLOCK_BYTES]);
    bytes.truncate(end);
    Ok(events)
}

/// The first eight bytes of a head, as a record carries them to be checked against.
#[must_use]
pub fn prefix(head: &Head) -> u64 {
    head.iter().take(8).rev().fold(0, |number, byte| number << 8 | u64::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_has_the_bytes_that_the_format_says() {
        let head = origin(ActorNumber(0x0102));
        assert_eq!((head[0], head[1], &head[2..]), (2, 1, &[0; 30][..]));
        for (events, padding) in [(vec![1, 2], 18), (vec![3; 20], 0), (vec![4; 21], 63), (vec![6; 5_000], 12)]
        {
            let mut bytes = head.to_vec();
            bytes.extend(1_000_u64.to_le_bytes());
            bytes.extend((events.len() as u32).to_le_bytes());
            bytes.extend(&events);
            bytes.extend(vec![0; padding]);
            let expected = *blake3::hash(&bytes).as_bytes();
            assert_eq!(advance(&head, Timestamp(1_000), &events), expected);
            assert_eq!(prefix(&expected).to_le_bytes(), expected[..8]);
        }
    }
    #[test]
    fn the_heads_of_a_chain_are_frozen() {
        let hex = |head: &Head| head.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        let begun = advance(&origin(ActorNumber(7)), Timestamp(1_000), b"hong");
        let second = advance(&begun, Timestamp(1_001), &[0xBA; 100]);
        assert_eq!(hex(&begun), "41cd33c5c111f4b9673fb0f478486a6fd4cd7fbe510ca3ac6e8065c343f8b310");
        assert_eq!(hex(&second), "d337ed10233ec489d495b34295e0a5e16eb0b838e06f76bd42a97c5221afe065");
    }
}
