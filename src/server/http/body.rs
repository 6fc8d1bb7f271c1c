//! A request's body: its bytes, and whether they are text.

use std::time::Duration;

use actix_web::http::header::CONTENT_TYPE;
use actix_web::web::{Bytes, Payload};
use actix_web::{FromRequest, HttpRequest};

use crate::limits::{BODY_BYTES_MAX, BODY_MS_MAX, LOG_IN_BODY_BYTES_MAX};
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
    let read = read.map_err(|_| too_slow())?;
    read.map_err(|error| {
        if error.as_response_error().status_code().as_u16() == 413 {
            return too_large(BODY_BYTES_MAX);
        }
        Problem::new(ProblemCode::Malformed, "body", format!("cannot be read: {error}"))
    })
}

/// The body of a request that needs no key, and so may not be long.
///
/// # Errors
/// As for `body`.
pub(super) async fn short_body(payload: Payload) -> Result<Bytes, Problem> {
    let read = payload.to_bytes_limited(LOG_IN_BODY_BYTES_MAX);
    match actix_web::rt::time::timeout(Duration::from_millis(BODY_MS_MAX), read).await {
        Ok(Ok(Ok(bytes))) => Ok(bytes),
        Ok(Ok(Err(error))) => {
            Err(Problem::new(ProblemCode::Malformed, "body", format!("cannot be read: {error}")))
        }
        Ok(Err(_)) => Err(too_large(LOG_IN_BODY_BYTES_MAX)),
        Err(_) => Err(too_slow()),
    }
}

fn too_slow() -> Problem {
    let detail = format!("is not there after {BODY_MS_MAX} ms: send it faster");
    Problem::new(ProblemCode::TooSlow, "body", detail)
}

fn too_large(most: usize) -> Problem {
    Problem::new(ProblemCode::TooLarge, "body", format!("has more than {most} bytes"))
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
