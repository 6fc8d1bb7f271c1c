//! Names and request ids: text that clients choose, with one gate into it.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, Visitor};
use serde::{Serialize, Serializer};
use smol_str::SmolStr;

use crate::domain::refusal::{Code, Refusal};
use crate::limits::{NAME_BYTES_MAX, REQUEST_ID_BYTES_MAX};

/// The name of an account or an offering: 1 to 128 bytes of UTF-8 without control characters.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(SmolStr);

/// A client's id for one request: 1 to 128 bytes of UTF-8 without control characters (DESIGN §5).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(SmolStr);

fn check(field: &'static str, text: &str, bytes_max: usize) -> Result<(), Refusal> {
    if text.is_empty() {
        return Err(Refusal::new(Code::BadText, field, format!("is empty: give 1 to {bytes_max} bytes")));
    }
    if text.len() > bytes_max {
        let length = text.len();
        return Err(Refusal::new(
            Code::BadText,
            field,
            format!("has {length} bytes: give at most {bytes_max}"),
        ));
    }
    // Nearly all text is of such bytes alone, and a look at each is a fraction of one at each letter.
    let plain = text.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    if !plain && text.chars().any(char::is_control) {
        return Err(Refusal::new(Code::BadText, field, "has a control character: give printable text"));
    }
    Ok(())
}

macro_rules! text_type {
    ($type:ident, $field:literal, $bytes_max:expr) => {
        impl $type {
            /// The one gate: refused with the field's name where it is empty, too long or not printable.
            ///
            /// # Errors
            /// `bad_text`, naming the field and its limit.
            pub fn new(text: impl AsRef<str>) -> Result<Self, Refusal> {
                check($field, text.as_ref(), $bytes_max)?;
                Ok($type(SmolStr::new(text.as_ref())))
            }

            /// The text itself.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Text;

                impl Visitor<'_> for Text {
                    type Value = $type;

                    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                        write!(formatter, "a {} of 1 to {} bytes", $field, $bytes_max)
                    }

                    fn visit_str<E: Error>(self, text: &str) -> Result<$type, E> {
                        $type::new(text).map_err(E::custom)
                    }
                }

                deserializer.deserialize_str(Text)
            }
        }

        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(self.as_str())
            }
        }

        impl fmt::Debug for $type {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(formatter, "{:?}", self.as_str())
            }
        }
    };
}

text_type!(Name, "name", NAME_BYTES_MAX);
text_type!(RequestId, "request_id", REQUEST_ID_BYTES_MAX);
