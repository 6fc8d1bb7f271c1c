//! The hash chain of an actor: every record with events is one entry (I9).
//!
//! An entry is keyed BLAKE3. Its key is the former head (32 bytes); what is hashed is the actor's number, the
//! entry's sequence and its time (8 bytes each, little endian), and then the events' encoding. Small events so take
//! one block of 64 bytes, and most are small. Absent on purpose: where an entry is stored.

use super::number::ActorNumber;
use super::time::Timestamp;

/// The hash of the newest entry; all zeros before the first.
pub type Head = [u8; 32];

const HEADER_BYTES: usize = 24;
/// Entries of up to so many bytes, nearly all, are put together without memory of their own.
const SHORT_BYTES: usize = 256;

/// The head after one more entry.
#[must_use]
pub fn advance(head: &Head, actor: ActorNumber, sequence: u64, at: Timestamp, events: &[u8]) -> Head {
    let mut entry = [0_u8; SHORT_BYTES];
    entry[..8].copy_from_slice(&actor.0.to_le_bytes());
    entry[8..16].copy_from_slice(&sequence.to_le_bytes());
    entry[16..HEADER_BYTES].copy_from_slice(&at.0.to_le_bytes());
    let length = HEADER_BYTES + events.len();
    let hash = match entry.get_mut(HEADER_BYTES..length) {
        Some(behind) => {
            behind.copy_from_slice(events);
            blake3::keyed_hash(head, &entry[..length])
        }
        None => blake3::keyed_hash(head, &[&entry[..HEADER_BYTES], events].concat()),
    };
    *hash.as_bytes()
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
        for events in [&[1, 2][..], &[3; 41], &[4; 232], &[5; 233], &[6; 5_000]] {
            let mut bytes = Vec::new();
            bytes.extend(5_u64.to_le_bytes());
            bytes.extend(3_u64.to_le_bytes());
            bytes.extend(1_000_u64.to_le_bytes());
            bytes.extend(events);
            let expected = *blake3::keyed_hash(&head, &bytes).as_bytes();
            assert_eq!(advance(&head, ActorNumber(5), 3, Timestamp(1_000), events), expected);
            assert_eq!(prefix(&expected).to_le_bytes(), expected[..8]);
        }
    }
}
