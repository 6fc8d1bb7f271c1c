//! How text is read whose type has no bound of its own: where it stands, and memory is taken for it only once it was found to be
//! there. As serde reads a `String`, a length that is not true asks for that much memory first.
//!
//! Absent on purpose: what text may say, which the door decides.

use std::convert::Infallible;
use std::fmt;

use serde::de::{Deserializer, Error, Visitor};

/// Reads text.
pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    read(deserializer, |text| Ok::<String, Infallible>(text.to_owned()))
}

/// Reads text and makes of it what it stands for.
pub(crate) fn read<'de, D: Deserializer<'de>, T, Wrong: fmt::Display>(
    deserializer: D,
    make: fn(&str) -> Result<T, Wrong>,
) -> Result<T, D::Error> {
    struct Text<T, Wrong>(fn(&str) -> Result<T, Wrong>);

    impl<T, Wrong: fmt::Display> Visitor<'_> for Text<T, Wrong> {
        type Value = T;

        fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            formatter.write_str("text")
        }

        fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
            (self.0)(text).map_err(E::custom)
        }
    }

    deserializer.deserialize_str(Text(make))
}

#[cfg(test)]
mod tests {
    use crate::codec::decode_large;
    use crate::domain::{Currency, FoundObject, GiftObject, Information};

    #[test]
    fn a_length_that_is_not_true_asks_for_no_memory() {
        let length = |bytes: u64| [&[0xFD][..], &bytes.to_le_bytes()].concat();
        for bytes in [1 << 20, 1 << 32, 1 << 40, u64::MAX >> 1, u64::MAX] {
            let memory = allocation_counter::measure(|| {
                assert!(decode_large::<Currency>(&length(bytes)).is_err());
                assert!(decode_large::<Information>(&length(bytes)).is_err());
                let goods = [&[0, 0][..], &length(bytes)].concat();
                assert!(decode_large::<GiftObject>(&goods).is_err());
                assert!(decode_large::<FoundObject>(&goods).is_err());
            });
            assert!(memory.bytes_max < 10_000, "{} bytes of memory for one of {bytes}", memory.bytes_max);
        }
    }

    #[test]
    fn text_is_read_back() {
        let information = Information { product: "a teapot, é".to_owned(), ..Information::default() };
        let mut bytes = Vec::new();
        crate::codec::encode_into(&information, &mut bytes).unwrap();
        assert_eq!(decode_large(&bytes).unwrap(), (information, &[][..]));
    }
}
