//! Names and request ids: text that clients choose, with one gate into it.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize, Serializer};

use crate::domain::refusal::{Code, Refusal};
use crate::limits::{NAME_BYTES_MAX, REQUEST_ID_BYTES_MAX};

/// The name of an account or an offering: 1 to 128 bytes of UTF-8 without control characters.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(try_from = "String")]
pub struct Name(Arc<str>);

/// A client's id for one request: 1 to 128 bytes of UTF-8 without control characters (DESIGN §5).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(try_from = "String")]
pub struct RequestId(Arc<str>);

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
    if text.chars().any(char::is_control) {
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
                Ok($type(Arc::from(text.as_ref())))
            }

            /// The text itself.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $type {
            type Error = Refusal;

            fn try_from(text: String) -> Result<Self, Refusal> {
                $type::new(text)
            }
        }

        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(&self.0)
            }
        }

        impl fmt::Debug for $type {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(formatter, "{:?}", &*self.0)
            }
        }
    };
}

text_type!(Name, "name", NAME_BYTES_MAX);
text_type!(RequestId, "request_id", REQUEST_ID_BYTES_MAX);
