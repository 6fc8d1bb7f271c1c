//! The hash of names in the directory: SipHash-1-3 with a secret key, as the standard library's tables have it, over the whole
//! text at once.
//!
//! Names come from clients, who must not be able to choose ones that meet in one place. The standard library's own hasher
//! takes its input piece by piece and keeps what is left of each, which costs three times as much as the hash.
//! Absent on purpose: any other use; it hashes the bytes of one text.

use std::hash::{BuildHasher, Hasher, RandomState};

/// Hashes names with a key that is drawn once and that nobody is told.
#[derive(Clone, Debug)]
pub(super) struct Keyed {
    key: [u64; 2],
}

impl Default for Keyed {
    fn default() -> Keyed {
        // Each state has a secret of its own, and nobody who does not know it can tell its hashes from chance.
        Keyed { key: [(); 2].map(|()| RandomState::new().hash_one(0)) }
    }
}

impl BuildHasher for Keyed {
    type Hasher = TextHasher;

    fn build_hasher(&self) -> TextHasher {
        TextHasher { key: self.key, hash: 0 }
    }
}

/// The hash of one text.
pub(super) struct TextHasher {
    key: [u64; 2],
    hash: u64,
}

impl Hasher for TextHasher {
    fn write(&mut self, bytes: &[u8]) {
        self.hash = sip(self.key, bytes);
    }

    /// A text ends with a byte that no text has. It tells nothing here: the hash covers the length.
    fn write_u8(&mut self, _end: u8) {}

    fn finish(&self) -> u64 {
        self.hash
    }
}

/// SipHash-1-3.
fn sip(key: [u64; 2], bytes: &[u8]) -> u64 {
    let mut state = [
        key[0] ^ 0x736F_6D65_7073_6575,
        key[1] ^ 0x646F_7261_6E64_6F6D,
        key[0] ^ 0x6C79_6765_6E65_7261,
        key[1] ^ 0x7465_6462_7974_6573,
    ];
    let (words, rest) = bytes.as_chunks::<8>();
    for word in words {
        absorb(&mut state, u64::from_le_bytes(*word));
    }
    let rest = match bytes.last_chunk::<8>() {
        // The same bytes from behind, without those that were absorbed.
        Some(last) if !rest.is_empty() => u64::from_le_bytes(*last) >> (8 * (8 - rest.len())),
        Some(_) => 0,
        None => rest.iter().rev().fold(0, |word, byte| (word << 8) | u64::from(*byte)),
    };
    absorb(&mut state, rest | ((bytes.len() as u64) << 56));
    state[2] ^= 0xFF;
    (0..3).for_each(|_| round(&mut state));
    state[0] ^ state[1] ^ state[2] ^ state[3]
}

#[inline]
fn absorb(state: &mut [u64; 4], word: u64) {
    state[3] ^= word;
    round(state);
    state[0] ^= word;
}

#[inline]
fn round(state: &mut [u64; 4]) {
    let [mut a, mut b, mut c, mut d] = *state;
    a = a.wrapping_add(b);
    b = b.rotate_left(13) ^ a;
    a = a.rotate_left(32);
    c = c.wrapping_add(d);
    d = d.rotate_left(16) ^ c;
    a = a.wrapping_add(d);
    d = d.rotate_left(21) ^ a;
    c = c.wrapping_add(b);
    b = b.rotate_left(17) ^ c;
    c = c.rotate_left(32);
    *state = [a, b, c, d];
}

#[cfg(test)]
mod tests {
    use std::hash::DefaultHasher;

    use super::*;
    use crate::domain::Name;

    #[test]
    fn it_is_the_hash_of_the_standard_library() {
        let text: Vec<u8> = (0..=255).collect();
        for length in 0..text.len() {
            let mut standard = DefaultHasher::new();
            standard.write(&text[..length]);
            assert_eq!(sip([0, 0], &text[..length]), standard.finish(), "of {length} bytes");
        }
    }

    #[test]
    fn it_depends_on_the_whole_name_and_on_the_key() {
        let (one, other) = (Keyed::default(), Keyed::default());
        let hash = |keyed: &Keyed, name: &str| keyed.hash_one(Name::new(name).unwrap());
        assert_eq!(hash(&one, "buyer-0000000001"), hash(&one, "buyer-0000000001"));
        assert_ne!(hash(&one, "buyer-0000000001"), hash(&one, "buyer-0000000002"));
        assert_ne!(hash(&one, "buyer-0000000001"), hash(&one, "buyer-000000000"));
        assert_ne!(hash(&one, "buyer-0000000001"), hash(&other, "buyer-0000000001"));
    }
}
