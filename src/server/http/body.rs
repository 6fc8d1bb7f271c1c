//! A request's body: its bytes, and whether they are text.

use std::time::Duration;

use actix_web::HttpRequest;
use actix_web::error::PayloadError;
use actix_web::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use actix_web::web::{Bytes, BytesMut, Payload};
use futures_util::StreamExt;

use super::gathering::gathering;
use super::head::ascii;
use crate::limits::{BODY_BYTES_MAX, BODY_MS_MAX, LOG_IN_BODY_BYTES_MAX};
use crate::server::json::{Problem, ProblemCode};

pub(super) const NDJSON: &str = "application/x-ndjson";
pub(super) const JSON: &str = "application/json";

/// The body of a request.
///
/// # Errors
/// `too_large` or `too_slow`, or `malformed` where it breaks off.
pub(super) async fn body(request: &HttpRequest, payload: Payload) -> Result<Bytes, Problem> {
    let said = request.headers().get(CONTENT_LENGTH).and_then(ascii).and_then(|length| length.parse().ok());
    if said.is_some_and(|length: usize| length > BODY_BYTES_MAX) {
        return Err(too_large(BODY_BYTES_MAX));
    }
    let read = gathering(request)?.patiently(whole(payload)).await;
    read.ok_or_else(too_slow)?.map_err(|error| match error {
        PayloadError::Overflow => too_large(BODY_BYTES_MAX),
        error => Problem::new(ProblemCode::Malformed, "body", format!("cannot be read: {error}")),
    })
}

/// All of a body; one that comes in one piece, as most do, is not copied.
async fn whole(mut payload: Payload) -> Result<Bytes, PayloadError> {
    let Some(first) = payload.next().await.transpose()? else { return Ok(Bytes::new()) };
    let Some(mut more) = payload.next().await.transpose()? else { return Ok(first) };
    let mut all = BytesMut::from(first);
    loop {
        if all.len() + more.len() > BODY_BYTES_MAX {
            return Err(PayloadError::Overflow);
        }
        all.extend_from_slice(&more);
        match payload.next().await.transpose()? {
            Some(next) => more = next,
            None => return Ok(all.freeze()),
        }
    }
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

/// What a request's content is said to be, without parameters: in letters of any size.
pub(super) fn content_type(request: &HttpRequest) -> &str {
    let value = request.headers().get(CONTENT_TYPE).and_then(ascii);
    let value = value.and_then(|value| value.split(';').next()).unwrap_or_default();
    value.trim()
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
