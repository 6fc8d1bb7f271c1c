//! Points of time as RFC 3339 text.

use serde::{Deserialize, Deserializer, Serializer};

use crate::domain::Timestamp;

/// As text, in UTC and with milliseconds where there are any. The last day of the year 9999, which no client of this door can
/// send, is cut to where the library's calendar ends.
pub(in crate::server) fn text(time: Timestamp) -> String {
    let milliseconds = i64::try_from(time.0).unwrap_or(i64::MAX);
    jiff::Timestamp::from_millisecond(milliseconds).unwrap_or(jiff::Timestamp::MAX).to_string()
}

/// Reads text.
///
/// # Errors
/// What is wrong with it, in words.
fn read(text: &str) -> Result<Timestamp, String> {
    let wrong = || {
        format!(
            "{text:?} is no point of time: give RFC 3339, such as 2030-01-31T18:00:00Z, from 1970 to 9999"
        )
    };
    let time: jiff::Timestamp = text.parse().map_err(|_| wrong())?;
    let milliseconds = u64::try_from(time.as_millisecond()).map_err(|_| wrong())?;
    if time.subsec_nanosecond() % 1_000_000 != 0 {
        return Err(format!("{text:?} is finer than a millisecond: give at most three decimals"));
    }
    Ok(Timestamp(milliseconds))
}

/// For `serde(with)`.
pub(super) mod optional {
    use super::{Deserialize, Deserializer, Serializer, Timestamp, read, text};

    pub(in crate::server::json) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Timestamp>, D::Error> {
        let given: Option<String> = Option::deserialize(deserializer)?;
        given.map(|given| read(&given)).transpose().map_err(serde::de::Error::custom)
    }

    pub(in crate::server::json) fn serialize<S: Serializer>(
        time: &Option<Timestamp>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match time {
            Some(time) => serializer.serialize_str(&text(*time)),
            None => serializer.serialize_none(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_of_time_reads_back_and_what_would_be_rounded_is_refused() {
        for milliseconds in [0, 1, 999, 1_000, 1_795_737_946_639, 253_402_207_200_000] {
            assert_eq!(read(&text(Timestamp(milliseconds))), Ok(Timestamp(milliseconds)));
        }
        assert_eq!(read("1970-01-01T01:00:00+01:00"), Ok(Timestamp(0)));
        for wrong in ["", "now", "1969-12-31T23:59:59Z", "2030-01-31", "2030-01-31T18:00:00.0001Z", "5"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
