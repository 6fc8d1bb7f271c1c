//! A request's body: its bytes, and how JSON is read from them.

use std::time::Duration;

use actix_web::http::header::CONTENT_TYPE;
use actix_web::web::{Bytes, Payload};
use actix_web::{FromRequest, HttpRequest};
use serde::Deserialize;
use serde_json::Value;

use crate::limits::{BODY_BYTES_MAX, BODY_MS_MAX};
use crate::server::json::{Problem, ProblemCode};

pub(super) const NDJSON: &str = "application/x-ndjson";
pub(super) const JSON: &str = "application/json";

/// The body of a request.
///
/// # Errors
/// `too_large` or `too_slow`, or `malformed` where it breaks off.
pub(super) async fn body(request: &HttpRequest, payload: Payload) -> Result<Bytes, Problem> {
    let mut payload = payload.into_inner();
    let read = Bytes::from_request(request, &mut payload);
    let read = actix_web::rt::time::timeout(Duration::from_millis(BODY_MS_MAX), read).await;
    let Ok(read) = read else {
        let detail = format!("is not there after {BODY_MS_MAX} ms: send it faster");
        return Err(Problem::new(ProblemCode::TooSlow, "body", detail));
    };
    read.map_err(|error| {
        if error.as_response_error().status_code().as_u16() == 413 {
            let detail = format!("has more than {BODY_BYTES_MAX} bytes");
            return Problem::new(ProblemCode::TooLarge, "body", detail);
        }
        Problem::new(ProblemCode::Malformed, "body", format!("cannot be read: {error}"))
    })
}

/// What a request's content is said to be, in small letters and without parameters.
pub(super) fn content_type(request: &HttpRequest) -> String {
    let value = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let value = value.and_then(|value| value.split(';').next()).unwrap_or_default();
    value.trim().to_ascii_lowercase()
}

/// The body as text.
///
/// # Errors
/// `malformed`, with the byte.
pub(super) fn text(body: &[u8]) -> Result<&str, Problem> {
    std::str::from_utf8(body).map_err(|error| {
        let detail = format!("is no UTF-8 at byte {}", error.valid_up_to());
        Problem::new(ProblemCode::Malformed, "body", detail)
    })
}

/// Reads JSON; where it is wrong, a second look finds the field.
///
/// # Errors
/// `malformed`, with the field.
pub(super) fn read<'text, T: Deserialize<'text>>(text: &'text str) -> Result<T, Problem> {
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
pub(super) fn malformed(path: &str, why: &str) -> Problem {
    let told = ["missing field `", "duplicate field `"].iter().find_map(|words| why.strip_prefix(words));
    let told = told.and_then(|rest| rest.split('`').next());
    let field = match (path, told) {
        ("" | ".", None) => "body".to_owned(),
        ("" | ".", Some(told)) => told.to_owned(),
        (path, None) => path.to_owned(),
        (path, Some(told)) => format!("{path}.{told}"),
    };
    let (field, why) = (cut(&field), cut(why));
    Problem::new(ProblemCode::Malformed, field, format!("cannot be read: {why}"))
}

/// The beginning of a text that may be any client's.
fn cut(text: &str) -> &str {
    const CHARACTERS_MAX: usize = 300;
    text.char_indices().nth(CHARACTERS_MAX).map_or(text, |(end, _)| &text[..end])
}

/// Refuses a text in which a list stands for an object: serde would take its parts in the order of the fields, which no client
/// should know. The one list that there is, of payers, is none.
///
/// # Errors
/// `malformed`, with the member.
pub(super) fn no_lists(text: &str) -> Result<(), Problem> {
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
        Value::Array(_) => name == "payers",
        Value::Object(members) => members.iter().all(|(name, value)| list_in(name, value)),
        _ => true,
    }
}
