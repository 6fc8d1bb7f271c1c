//! How JSON is read: what is wrong with it is told with its field.

use serde::de::value::Error as Wrong;
use serde::de::{DeserializeOwned, IntoDeserializer};
use serde_json::Value;
use serde_json::value::RawValue;

use super::problem::{Problem, ProblemCode};
use super::told::told;

/// What a text is, for the names of its fields: those of a command have the same wherever it stands.
#[derive(Clone, Copy)]
pub(in crate::server) enum Within<'text> {
    /// The whole of a body, or a query.
    Body,
    /// A command alone, some of whose fields stand elsewhere, such as in a path.
    Command(&'text [(String, Value)]),
    /// A message, in which a command stands.
    Message,
}

impl<'text> Within<'text> {
    /// The field at a path, and what the whole is called.
    fn field(self, path: &'text str) -> (&'text str, &'static str) {
        // The first part of a command's path is its name.
        let of_command = |path: &'text str| path.split_once('.').map_or("", |(_, field)| field);
        match (self, path.strip_prefix("command.")) {
            (Within::Message, Some(rest)) => (of_command(rest), "command"),
            (Within::Command(_), _) => (of_command(path), "body"),
            (Within::Body | Within::Message, _) => (path, "body"),
        }
    }

    fn is_beside(self, name: &str) -> bool {
        matches!(self, Within::Command(fields) if fields.iter().any(|(field, _)| field == name))
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
        Ok(read) => return deserializer.end().map(|()| read).map_err(|error| no_json(&error)),
        Err(error) => error,
    };
    let path = error.path().to_string();
    let error = error.into_inner();
    if error.is_data() {
        return Err(malformed(within, &path, &error.to_string()));
    }
    // Where a word should stand and none does, serde says no more than where the text has no form at all; of a value it says what is there.
    let read: Value = serde_json::from_str(text).map_err(|error| no_json(&error))?;
    match serde_path_to_error::deserialize::<_, T>(read) {
        Ok(_) => Err(malformed(within, &path, &error.to_string())),
        Err(error) => Err(malformed(within, &error.path().to_string(), &error.inner().to_string())),
    }
}

/// Reads a field whose text stands alone, as it is read in a body.
///
/// # Errors
/// `malformed`, with the field.
pub(in crate::server) fn said<T: DeserializeOwned>(field: &str, text: &str) -> Result<T, Problem> {
    T::deserialize(text.into_deserializer())
        .map_err(|error: Wrong| malformed(Within::Body, field, &error.to_string()))
}

/// A text as one value, of which nothing is read yet.
///
/// # Errors
/// `malformed`, where it is none.
pub(in crate::server) fn whole(text: &str) -> Result<&str, Problem> {
    serde_json::from_str::<&RawValue>(text).map(RawValue::get).map_err(|error| no_json(&error))
}

/// The problem of a text that has not JSON's form: where it breaks off is all that is known.
fn no_json(error: &serde_json::Error) -> Problem {
    Problem::new(ProblemCode::Malformed, "body", format!("is no JSON: {error}"))
}

/// The problem of a value that does not read. serde tells of a field that is left out or there twice only in words.
pub(in crate::server) fn malformed(within: Within<'_>, path: &str, why: &str) -> Problem {
    let named = ["missing field `", "duplicate field `"].iter().find_map(|words| why.strip_prefix(words));
    let named = named.and_then(|rest| rest.split('`').next());
    let field = match (within.field(path), named) {
        (("" | ".", whole), None) => whole.to_owned(),
        (("" | ".", _), Some(named)) => named.to_owned(),
        ((path, _), None) => path.to_owned(),
        ((path, _), Some(named)) => format!("{path}.{named}"),
    };
    let why = told(why, |name| within.is_beside(name));
    Problem::new(ProblemCode::Malformed, &cut(&field), cut(&why))
}

/// The beginning of a text that may be any client's.
fn cut(text: &str) -> String {
    const CHARACTERS_MAX: usize = 300;
    match text.char_indices().nth(CHARACTERS_MAX) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", &text[..end]),
    }
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
    let (value, mut path): (Value, _) = (read(text)?, Vec::new());
    if !has_a_list(&mut path, &value) {
        return Ok(());
    }
    // A command that stands alone has its name outside of this text.
    let path = path.join(".");
    let path = if matches!(within, Within::Command(_)) { format!(".{path}") } else { path };
    Err(malformed(within, &path, "is a list: give an object or a value"))
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
