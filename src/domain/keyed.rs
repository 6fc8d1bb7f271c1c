//! The hash of keys that clients choose: SipHash-1-3 with a secret key, as the standard library's tables have it, over the whole
//! of a key at once.
//!
//! Names and request ids come from clients, who must not be able to choose ones that meet in one place. The standard library's own
//! hasher takes its input piece by piece and keeps what is left of each, which costs three times as much as the hash.

use std::hash::{BuildHasher, Hash, Hasher, RandomState};
use std::sync::LazyLock;

use siphasher::sip::SipHasher13;

/// What most keys have at most, in bytes: a request's addressee, caller and id. More would have to be emptied for each.
const KEY_BYTES: usize = 64;

/// Hashes keys with a secret that is drawn once and that nobody is told.
#[derive(Clone, Debug)]
pub(crate) struct Keyed {
    secret: [u64; 2],
}

impl Default for Keyed {
    fn default() -> Keyed {
        // Nobody who does not know a state's own secret can tell its hashes from chance.
        let secret = RandomState::new();
        Keyed { secret: [0, 1].map(|half: u64| secret.hash_one(half)) }
    }
}

/// The hash of a key, by the secret of this process.
pub(in crate::domain) fn hash_of<K: Hash>(key: &K) -> u64 {
    static OF_PROCESS: LazyLock<Keyed> = LazyLock::new(Keyed::default);
    OF_PROCESS.hash_one(key)
}

impl BuildHasher for Keyed {
    type Hasher = KeyHasher;

    #[inline]
    fn build_hasher(&self) -> KeyHasher {
        KeyHasher { secret: self.secret, bytes: [0; KEY_BYTES], length: 0 }
    }
}

/// The hash of one key, whose pieces are put together first.
pub(crate) struct KeyHasher {
    secret: [u64; 2],
    bytes: [u8; KEY_BYTES],
    length: usize,
}

impl KeyHasher {
    fn hash(&self, bytes: &[u8]) -> u64 {
        SipHasher13::new_with_keys(self.secret[0], self.secret[1]).hash(bytes)
    }

    /// Takes a piece for which there is no room: from here on a hash stands for all there was.
    #[cold]
    fn fold(&mut self, piece: &[u8]) {
        let hashes = [self.hash(&self.bytes[..self.length]), self.hash(piece)];
        for (place, hash) in self.bytes.chunks_exact_mut(8).zip(hashes) {
            place.copy_from_slice(&hash.to_le_bytes());
        }
        self.length = 8 * hashes.len();
    }
}

impl Hasher for KeyHasher {
    #[inline]
    fn write(&mut self, piece: &[u8]) {
        let end = self.length + piece.len();
        match self.bytes.get_mut(self.length..end) {
            Some(place) => {
                place.copy_from_slice(piece);
                self.length = end;
            }
            None => self.fold(piece),
        }
    }

    #[inline]
    fn finish(&self) -> u64 {
        self.hash(&self.bytes[..self.length])
    }
}

#[cfg(test)]
mod tests {
    use std::hash::{DefaultHasher, Hash};

    use super::*;
    use crate::domain::{ActorNumber, Name, RequestId, RequestKey};

    /// With a secret that is none, as `DefaultHasher` has it.
    fn open() -> Keyed {
        Keyed { secret: [0, 0] }
    }

    fn key(caller: u64, id: &str) -> RequestKey {
        RequestKey { caller: ActorNumber(caller), id: RequestId::new(id).unwrap() }
    }

    #[test]
    fn it_is_the_hash_of_the_standard_library_for_keys_that_it_has_room_for() {
        fn same(key: impl Hash) {
            let mut standard = DefaultHasher::new();
            key.hash(&mut standard);
            assert_eq!(open().hash_one(key), standard.finish());
        }
        for length in 1..=39 {
            let text = "a".repeat(length);
            same(Name::new(&*text).unwrap());
            same((Some(7_isize), key(9, &text)));
        }
        same(ActorNumber(1 << 40));
    }

    #[test]
    fn it_depends_on_the_whole_key_however_long_and_on_the_secret() {
        let (one, other) = (Keyed::default(), Keyed::default());
        assert_eq!(one.hash_one(key(1, "buyer-0000000001")), one.hash_one(key(1, "buyer-0000000001")));
        assert_ne!(one.hash_one(key(1, "buyer-0000000001")), one.hash_one(key(1, "buyer-0000000002")));
        assert_ne!(one.hash_one(key(1, "buyer-0000000001")), one.hash_one(key(2, "buyer-0000000001")));
        assert_ne!(one.hash_one(key(1, "buyer-0000000001")), other.hash_one(key(1, "buyer-0000000001")));
        let long = |place: usize, byte: u8| {
            let mut text = [0; 3 * KEY_BYTES];
            text[place] = byte;
            let mut hasher = one.build_hasher();
            text.chunks(50).for_each(|piece| hasher.write(piece));
            hasher.finish()
        };
        for place in 0..3 * KEY_BYTES {
            assert_ne!(long(place, 1), long(place, 2), "byte {place}");
        }
    }
}
