//! What goes back: JSON, or a problem.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{RETRY_AFTER, WWW_AUTHENTICATE};
use serde::Serialize;

use crate::server::json::Problem;

/// The response to a request.
pub(super) fn response<Body: Serialize>(answer: Result<Body, Problem>) -> HttpResponse {
    match answer {
        Ok(body) => HttpResponse::Ok().json(body),
        Err(problem) => problem_response(&problem),
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
