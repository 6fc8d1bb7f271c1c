//! The hash of names in the directory: SipHash-1-3 with a secret key, as the standard library's tables have it, over the whole
//! text at once.
//!
//! Names come from clients, who must not be able to choose ones that meet in one place. The standard library's own hasher
//! takes its input piece by piece and keeps what is left of each, which costs three times as much as the hash.
//! Absent on purpose: any other use; it hashes the bytes of one text.

use std::hash::{BuildHasher, Hasher, RandomState};

use siphasher::sip::SipHasher13;

/// Hashes names with a key that is drawn once and that nobody is told.
#[derive(Clone, Debug)]
pub(super) struct Keyed {
    key: [u64; 2],
}

impl Default for Keyed {
    fn default() -> Keyed {
        // Nobody who does not know a state's own secret can tell its hashes from chance.
        let secret = RandomState::new();
        Keyed { key: [0, 1].map(|half: u64| secret.hash_one(half)) }
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
        debug_assert_eq!(self.hash, 0, "a text comes in one piece");
        self.hash = SipHasher13::new_with_keys(self.key[0], self.key[1]).hash(bytes);
    }

    /// A text ends with a byte that no text has. It tells nothing here: the hash covers the length.
    fn write_u8(&mut self, _end: u8) {}

    fn finish(&self) -> u64 {
        self.hash
    }
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
            let mut keyed = Keyed { key: [0, 0] }.build_hasher();
            keyed.write(&text[..length]);
            assert_eq!(keyed.finish(), standard.finish(), "of {length} bytes");
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
