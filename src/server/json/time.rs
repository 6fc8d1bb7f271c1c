//! Points of time as RFC 3339 text.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::text::Text;
use super::told::shown;
use crate::domain::Timestamp;

/// A point of time in a body.
#[derive(Clone, Copy, Debug)]
pub(in crate::server) struct Time(pub(super) Timestamp);

impl Time {
    /// What it stands for, where there is one.
    pub(in crate::server) fn point(time: Option<Time>) -> Option<Timestamp> {
        time.map(|time| time.0)
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Time, D::Error> {
        let expected =
            "a point of time as RFC 3339 text, in quotation marks, such as \"2030-01-31T18:00:00Z\"";
        let given = deserializer.deserialize_str(Text(expected))?;
        read(&given).map(Time).map_err(serde::de::Error::custom)
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&text(self.0))
    }
}

impl JsonSchema for Time {
    fn schema_name() -> Cow<'static, str> {
        "Time".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "format": "date-time",
            "pattern": r"^(19[7-9][0-9]|[2-9][0-9]{3})-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,3}0{0,6})?(Z|[+-][0-9]{2}:[0-9]{2})$",
            "description": "A point of time as RFC 3339 text, to the millisecond, from 1970 to the end of 9999-12-30. What is given is in UTC and has three decimals.",
        })
    }
}

/// As text, in UTC and always with three decimals, so that texts of times are in the order of the times. The last day of the year 9999, which no client of this door can
/// send, is cut to where the library's calendar ends.
pub(in crate::server) fn text(time: Timestamp) -> String {
    let milliseconds = i64::try_from(time.0).unwrap_or(i64::MAX);
    let time = jiff::Timestamp::from_millisecond(milliseconds).unwrap_or(jiff::Timestamp::MAX);
    format!("{time:.3}")
}

/// Reads text.
///
/// # Errors
/// What is wrong with it, in words.
fn read(text: &str) -> Result<Timestamp, String> {
    let wrong = || {
        format!(
            "is {}, which is no point of time: give RFC 3339, such as 2030-01-31T18:00:00Z, from 1970 to the end of 9999-12-30",
            shown(text)
        )
    };
    if !has_the_form(text) {
        return Err(wrong());
    }
    let time: jiff::Timestamp = text.parse().map_err(|_| wrong())?;
    let milliseconds = u64::try_from(time.as_millisecond()).map_err(|_| wrong())?;
    if time.subsec_nanosecond() % 1_000_000 != 0 {
        let given = shown(text);
        return Err(format!("is {given}, which is finer than a millisecond: give at most three decimals"));
    }
    Ok(Timestamp(milliseconds))
}

/// RFC 3339's own form: the library takes more.
fn has_the_form(text: &str) -> bool {
    let like = |text: &str, form: &str| {
        let fits = |(byte, form): (u8, u8)| if form == b'0' { byte.is_ascii_digit() } else { byte == form };
        text.len() == form.len() && text.bytes().zip(form.bytes()).all(fits)
    };
    let Some((date_and_time, rest)) = text.split_at_checked("0000-00-00T00:00:00".len()) else {
        return false;
    };
    let offset =
        rest.strip_prefix('.').map_or(rest, |rest| rest.trim_start_matches(|c: char| c.is_ascii_digit()));
    like(date_and_time, "0000-00-00T00:00:00")
        && !rest.starts_with(".Z")
        && (offset == "Z" || like(offset, "+00:00") || like(offset, "-00:00"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_of_time_reads_back_and_what_would_be_rounded_is_refused() {
        for milliseconds in [0, 1, 999, 1_000, 1_795_737_946_639, 253_402_207_200_000] {
            assert_eq!(read(&text(Timestamp(milliseconds))), Ok(Timestamp(milliseconds)));
        }
        for (milliseconds, written) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (1_893_456_000_000, "2030-01-01T00:00:00.000Z"),
            (1_893_456_000_500, "2030-01-01T00:00:00.500Z"),
            (u64::MAX, "9999-12-30T22:00:00.999Z"),
        ] {
            assert_eq!(text(Timestamp(milliseconds)), written);
        }
        assert_eq!(read("1970-01-01T01:00:00+01:00"), Ok(Timestamp(0)));
        for wrong in [
            "20300131T180000Z",
            "2030-01-31T18Z",
            "2030-01-31 18:00:00Z",
            "2030-01-31T18:00:00Z[UTC]",
            "2030-01-31T18:00:00,5Z",
            "2030-01-31T18:00:00.Z",
            "2030-01-31T18:00:00",
            "",
            "now",
            "1969-12-31T23:59:59Z",
            "2030-01-31",
            "2030-01-31T18:00:00.0001Z",
            "5",
        ] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
        let long = read(&"9".repeat(5_000)).unwrap_err();
        assert!(long.len() < 300 && long.ends_with("9999-12-30"), "{long}");
    }
}
