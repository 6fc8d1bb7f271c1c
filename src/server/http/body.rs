//! A request's body: its bytes, and whether they are text.

use std::rc::Rc;
use std::task::{Context, Waker};
use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::error::PayloadError;
use actix_web::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use actix_web::web::{self, Bytes, BytesMut};
use actix_web::{HttpMessage, HttpRequest};
use futures_util::StreamExt;
use futures_util::future::poll_fn;

use super::gathering::{Gathering, gathering};
use super::head::ascii;
use crate::limits::{BODY_BYTES_MAX, BODY_MS_MAX, LOG_IN_BODY_BYTES_MAX};
use crate::server::json::{Problem, ProblemCode};

pub(super) const NDJSON: &str = "application/x-ndjson";
pub(super) const JSON: &str = "application/json";

/// The body of a request.
///
/// # Errors
/// `too_large` or `too_slow`, or `malformed` where it breaks off.
pub(super) async fn body(request: &HttpRequest, payload: web::Payload) -> Result<Bytes, Problem> {
    is_not_too_large(request)?;
    read(gathering(request)?, payload.into_inner()).await
}

/// Refuses a body that is said to be too long.
///
/// # Errors
/// `too_large`.
pub(super) fn is_not_too_large(request: &impl HttpMessage) -> Result<(), Problem> {
    let said = request.headers().get(CONTENT_LENGTH).and_then(ascii).and_then(|length| length.parse().ok());
    if said.is_some_and(|length: usize| length > BODY_BYTES_MAX) {
        return Err(too_large(BODY_BYTES_MAX));
    }
    Ok(())
}

/// Reads a body.
///
/// # Errors
/// As for `body`.
pub(super) async fn read(gathering: &Rc<Gathering>, payload: Payload) -> Result<Bytes, Problem> {
    let read = gathering.patiently(whole(payload)).await;
    read.ok_or_else(too_slow)?.map_err(|error| match error {
        PayloadError::Overflow => too_large(BODY_BYTES_MAX),
        error => Problem::new(ProblemCode::Malformed, "body", format!("cannot be read: {error}")),
    })
}

/// All of a body; one that comes in one piece, as most do, is not copied.
async fn whole(mut payload: Payload) -> Result<Bytes, PayloadError> {
    let Some(first) = next(&mut payload).await.transpose()? else { return Ok(Bytes::new()) };
    let Some(mut more) = next(&mut payload).await.transpose()? else { return Ok(first) };
    let mut all = BytesMut::from(first);
    loop {
        if all.len() + more.len() > BODY_BYTES_MAX {
            return Err(PayloadError::Overflow);
        }
        all.extend_from_slice(&more);
        match next(&mut payload).await.transpose()? {
            Some(next) => more = next,
            None => return Ok(all.freeze()),
        }
    }
}

/// The next piece of a body. Nobody is woken by its coming: the connection's own task brings it, and asks the request that it is
/// for right behind it, as long as HTTP/1 is all that is spoken. Whoever were woken would be that same task, for nothing.
async fn next(payload: &mut Payload) -> Option<Result<Bytes, PayloadError>> {
    poll_fn(|_| payload.poll_next_unpin(&mut Context::from_waker(Waker::noop()))).await
}

/// The body of a request that needs no key, and so may not be long.
///
/// # Errors
/// As for `body`.
pub(super) async fn short_body(payload: web::Payload) -> Result<Bytes, Problem> {
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

/// True where a request's content is said to be JSON.
pub(super) fn is_json(request: &impl HttpMessage) -> bool {
    // As nearly everybody writes it.
    let said = request.headers().get(CONTENT_TYPE).is_some_and(|value| value.as_bytes() == JSON.as_bytes());
    said || content_type(request).eq_ignore_ascii_case(JSON)
}

/// What a request's content is said to be, without parameters: in letters of any size.
pub(super) fn content_type(request: &impl HttpMessage) -> &str {
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
