//! How JSON is read: what is wrong with it is told with its field.

use serde::de::value::Error as Wrong;
use serde::de::{DeserializeOwned, IntoDeserializer};
use serde_json::Value;
use serde_json::value::RawValue;
use serde_path_to_error::{Path, Segment};

use super::problem::{Problem, ProblemCode};
use super::told::{cut, told, without_a_place};

/// What a text is, for the names of its fields: those of a command have the same wherever it stands.
#[derive(Clone, Copy)]
pub(in crate::server) enum Within<'text> {
    /// The whole of a body, or a query.
    Body,
    /// A command alone, with those of its fields that stand elsewhere and are not to be given here: in a path.
    Command(&'text [(&'static str, Value)]),
    /// A message, in which a command stands.
    Message,
    /// The same, of a body with one message a line: the one that stands in this line, from 1.
    Line(usize),
}

impl Within<'_> {
    /// The field at a path, and what the whole is called.
    fn field(self, path: &Path) -> (String, &'static str) {
        let parts: Vec<&Segment> = path.iter().collect();
        // The first part of a command's path is its name.
        let (rest, whole) = match (self, &*parts) {
            (Within::Message | Within::Line(_), [Segment::Map { key }, _, rest @ ..]) if key == "command" => {
                (rest, "command")
            }
            (Within::Command(_), [_, rest @ ..]) => (rest, "body"),
            (_, rest) => (rest, "body"),
        };
        let mut field = String::new();
        for part in rest {
            let before = if field.is_empty() || matches!(part, Segment::Seq { .. }) { "" } else { "." };
            field = format!("{field}{before}{part}");
        }
        (field, whole)
    }

    /// Where in the body something stands that was found there in the text.
    fn place(self, error: &serde_json::Error) -> (usize, usize) {
        let line = if let Within::Line(line) = self { line } else { error.line() };
        (line, error.column())
    }

    fn is_beside(self, name: &str) -> bool {
        matches!(self, Within::Command(fields) if fields.iter().any(|(field, _)| *field == name))
    }
}

/// Reads a body; where it is wrong, a second look finds the field.
///
/// # Errors
/// `malformed`, with the field.
pub(in crate::server) fn read<T: DeserializeOwned>(text: &str) -> Result<T, Problem> {
    read_within(Within::Body, text)
}

/// As `read`, of a text that may be something else than a body.
///
/// # Errors
/// `malformed`, with the field.
pub(in crate::server) fn read_within<T: DeserializeOwned>(
    within: Within<'_>,
    text: &str,
) -> Result<T, Problem> {
    if let Ok(read) = serde_json::from_str(text) {
        return Ok(read);
    }
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let error = match serde_path_to_error::deserialize(&mut deserializer) {
        Ok(read) => return deserializer.end().map(|()| read).map_err(|error| no_json(within, &error)),
        Err(error) => error,
    };
    let path = error.path().clone();
    let error = error.into_inner();
    if error.is_data() {
        return Err(malformed(within, &path, &error.to_string()));
    }
    whole_within(within, text)?;
    // Where a word should stand and none does, serde says no more than where the text has no form at all; of a value it says what is there.
    // What has JSON's form and is no value, such as a number above all numbers, has its field all the same.
    let read = serde_json::from_str(text).map(serde_path_to_error::deserialize::<Value, T>);
    match read {
        Ok(Err(error)) => Err(malformed(within, error.path(), &error.inner().to_string())),
        Ok(Ok(_)) | Err(_) => Err(malformed(within, &path, &error.to_string())),
    }
}

/// Reads a field whose text stands alone, as it is read in a body.
///
/// # Errors
/// `malformed`, with the field.
pub(in crate::server) fn said<T: DeserializeOwned>(field: &str, text: &str) -> Result<T, Problem> {
    T::deserialize(text.into_deserializer())
        .map_err(|error: Wrong| wrong(Within::Body, (field.to_owned(), "body"), &error.to_string()))
}

/// A text as one value, of which nothing is read yet.
///
/// # Errors
/// `malformed`, where it is none.
pub(in crate::server) fn whole(text: &str) -> Result<&str, Problem> {
    whole_within(Within::Body, text)
}

fn whole_within<'text>(within: Within<'_>, text: &'text str) -> Result<&'text str, Problem> {
    serde_json::from_str::<&RawValue>(text).map(RawValue::get).map_err(|error| no_json(within, &error))
}

/// The problem of a text that has not JSON's form: where it breaks off is all that is known.
fn no_json(within: Within<'_>, error: &serde_json::Error) -> Problem {
    let ((line, column), why) = (within.place(error), error.to_string());
    let detail = format!("is no JSON: {} at line {line} column {column}", without_a_place(&why));
    Problem::new(ProblemCode::Malformed, "body", detail)
}

/// The problem of a value that does not read. serde tells of a field that is left out or there twice only in words.
pub(in crate::server) fn malformed(within: Within<'_>, path: &Path, why: &str) -> Problem {
    wrong(within, within.field(path), why)
}

fn wrong(within: Within<'_>, (field, whole): (String, &'static str), why: &str) -> Problem {
    let named = ["missing field `", "duplicate field `"].iter().find_map(|words| why.strip_prefix(words));
    let named = named.and_then(|rest| rest.split('`').next());
    let field = match (&*field, named) {
        ("", None) => whole.to_owned(),
        ("", Some(named)) => named.to_owned(),
        (_, None) => field,
        (_, Some(named)) => format!("{field}.{named}"),
    };
    Problem::new(ProblemCode::Malformed, &cut(&field, 300), told(why, |name| within.is_beside(name)))
}

/// Refuses a text in which a list stands for an object: serde would take its parts in the order of the fields, which no client
/// should know. The lists that there are, of payers and of what to show, are none.
///
/// # Errors
/// `malformed`, with the member.
pub(in crate::server) fn no_lists(within: Within<'_>, text: &str) -> Result<(), Problem> {
    if !text.contains('[') {
        return Ok(());
    }
    // A command that stands alone has its name outside of this text.
    let here = if matches!(within, Within::Command(_)) { Within::Body } else { within };
    let (value, mut path): (Value, _) = (read_within(here, text)?, Vec::new());
    if !has_a_list(&mut path, &value) {
        return Ok(());
    }
    let field = match (within, &*path) {
        (Within::Message | Within::Line(_), ["command", _, rest @ ..]) => (rest.join("."), "command"),
        (_, path) => (path.join("."), "body"),
    };
    Err(wrong(within, field, "is a list: give an object or a value"))
}

/// Finds a list that may not be, and the path to it.
fn has_a_list<'value>(path: &mut Vec<&'value str>, value: &'value Value) -> bool {
    match value {
        Value::Array(_) => !matches!(path.last(), Some(&"payers" | &"show")),
        Value::Object(members) => members.iter().any(|(name, value)| {
            path.push(name);
            let found = has_a_list(path, value);
            if !found {
                path.pop();
            }
            found
        }),
        _ => false,
    }
}
