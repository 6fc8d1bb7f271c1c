//! The hash chain of an actor: every record with events is one entry (I9).
//!
//! An entry is BLAKE3 over: the former head (32 bytes), the actor's number, the entry's sequence and
//! its time (8 bytes each, little endian), the length of the events' encoding (8 bytes), and that
//! encoding, filled with zeros to a multiple of 64 bytes, so that the chains of independent actors
//! can be hashed side by side. Absent on purpose: where an entry is stored.

use super::number::ActorNumber;
use super::time::Timestamp;

/// The hash of the newest entry; all zeros before the first.
pub type Head = [u8; 32];

const HEADER_BYTES: usize = 64;
const BLOCK_BYTES: usize = 64;

/// The head after one more entry.
#[must_use]
pub fn advance(head: &Head, actor: ActorNumber, sequence: u64, at: Timestamp, events: &[u8]) -> Head {
    let mut header = [0_u8; HEADER_BYTES];
    header[..32].copy_from_slice(head);
    header[32..40].copy_from_slice(&actor.0.to_le_bytes());
    header[40..48].copy_from_slice(&sequence.to_le_bytes());
    header[48..56].copy_from_slice(&at.0.to_le_bytes());
    header[56..64].copy_from_slice(&(events.len() as u64).to_le_bytes());
    let padding = events.len().next_multiple_of(BLOCK_BYTES) - events.len();
    let mut hasher = blake3::Hasher::new();
    hasher.update(&header);
    hasher.update(events);
    hasher.update(&[0_u8; BLOCK_BYTES][..padding]);
    *hasher.finalize().as_bytes()
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
        let head = [7_u8; 32];
        let mut bytes = head.to_vec();
        bytes.extend(5_u64.to_le_bytes());
        bytes.extend(3_u64.to_le_bytes());
        bytes.extend(1_000_u64.to_le_bytes());
        bytes.extend(2_u64.to_le_bytes());
        bytes.extend([1, 2]);
        bytes.resize(128, 0);
        let expected = *blake3::hash(&bytes).as_bytes();
        assert_eq!(advance(&head, ActorNumber(5), 3, Timestamp(1_000), &[1, 2]), expected);
        assert_eq!(prefix(&expected).to_le_bytes(), expected[..8]);
    }
}
