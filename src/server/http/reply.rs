//! What goes back: JSON, or a problem.

use actix_web::HttpResponse;
use actix_web::body::BoxBody;
use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use serde::Serialize;

use crate::domain::{Code, Refusal};
use crate::server::json::{AnswerBody, Problem, write};

/// The response to a request.
pub(super) fn response<Body: Serialize>(answer: Result<Body, Problem>) -> HttpResponse {
    match answer {
        Ok(body) => written(|text| serde_json::to_writer(text, &body)),
        Err(problem) => problem_response(&problem),
    }
}

/// The response to a message.
pub(super) fn answer(answer: Result<AnswerBody, Problem>) -> HttpResponse {
    match answer {
        Ok(body) => written(|text| write(text, &body)),
        Err(problem) => problem_response(&problem),
    }
}

fn written(write: impl FnOnce(&mut Vec<u8>) -> Result<(), serde_json::Error>) -> HttpResponse {
    // Room for most answers, so that they are written in one go.
    let mut text = Vec::with_capacity(256);
    match write(&mut text) {
        Ok(()) => {
            let mut response = HttpResponse::with_body(StatusCode::OK, BoxBody::new(text));
            response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            response
        }
        Err(error) => {
            problem_response(&Problem::from(Refusal::new(Code::Internal, "answer", error.to_string())))
        }
    }
}

/// A problem as a response.
pub(super) fn problem_response(problem: &Problem) -> HttpResponse {
    let status = StatusCode::from_u16(problem.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = HttpResponse::build(status);
    if let Some(seconds) = problem.retry_after() {
        response.insert_header((RETRY_AFTER, seconds.to_string()));
    }
    // Nobody may have read what else comes, and nobody is going to.
    if matches!(problem.status(), 401 | 404 | 405 | 408 | 413 | 415) {
        response.force_close();
    }
    if status == StatusCode::UNAUTHORIZED {
        response.insert_header((WWW_AUTHENTICATE, "Bearer"));
    }
    let text = serde_json::to_string(problem).unwrap_or_default();
    response.content_type("application/problem+json").body(text)
}
