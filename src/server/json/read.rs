//! How JSON is read: what is wrong with it is told with its field.

use serde::Deserialize;
use serde_json::Value;

use super::problem::{Problem, ProblemCode};

/// Reads JSON; where it is wrong, a second look finds the field.
///
/// # Errors
/// `malformed`, with the field.
pub(in crate::server) fn read<'text, T: Deserialize<'text>>(text: &'text str) -> Result<T, Problem> {
    if let Ok(read) = serde_json::from_str(text) {
        return Ok(read);
    }
    let mut deserializer = serde_json::Deserializer::from_str(text);
    match serde_path_to_error::deserialize(&mut deserializer) {
        Ok(read) => match deserializer.end() {
            Ok(()) => Ok(read),
            Err(error) => Err(malformed("", &error.to_string())),
        },
        Err(error) => Err(malformed(&error.path().to_string(), &error.inner().to_string())),
    }
}

/// The problem of a value that does not read. serde tells of a field that is left out or there twice only in words.
pub(in crate::server) fn malformed(path: &str, why: &str) -> Problem {
    let told = ["missing field `", "duplicate field `"].iter().find_map(|words| why.strip_prefix(words));
    let told = told.and_then(|rest| rest.split('`').next());
    let field = match (path, told) {
        ("" | ".", None) => "body".to_owned(),
        ("" | ".", Some(told)) => told.to_owned(),
        (path, None) => path.to_owned(),
        (path, Some(told)) => format!("{path}.{told}"),
    };
    let (field, why) = (cut(&field), cut(why));
    Problem::new(ProblemCode::Malformed, &field, format!("cannot be read: {why}"))
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
pub(in crate::server) fn no_lists(text: &str) -> Result<(), Problem> {
    if !text.contains('[') {
        return Ok(());
    }
    let value: Value = read(text)?;
    if list_in("", &value) {
        Ok(())
    } else {
        Err(malformed("", "a list stands where an object or a value should"))
    }
}

/// True where every list is one that may be.
fn list_in(name: &str, value: &Value) -> bool {
    match value {
        Value::Array(_) => matches!(name, "payers" | "show"),
        Value::Object(members) => members.iter().all(|(name, value)| list_in(name, value)),
        _ => true,
    }
}
