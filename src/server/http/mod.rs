//! HTTP and JSON: a resource for each command, and many at once.
//!
//! Absent on purpose: who may send what (`identity`), and what a command or an answer looks like (`json`).

mod body;
mod events;
mod gathering;
mod head;
mod history;
mod listening;
mod messages;
mod openapi;
mod page;
mod passwords;
mod patient;
mod platform;
mod reply;
mod resources;
mod router;
mod serving;
mod snapshots;
mod webhooks;

use actix_web::{HttpRequest, HttpResponse};
use reply::response;
use serde_json::json;

pub(super) use listening::listen;

use super::door::Door;
use super::identity::Role;
use super::json::Problem;
use crate::domain::{Code, Refusal};

/// `GET /openapi.json`: what all this looks like.
fn description() -> HttpResponse {
    HttpResponse::Ok().content_type("application/json").body(openapi::text())
}

/// `GET /livez`: the process runs.
fn live() -> HttpResponse {
    response(Ok(json!({ "status": "alive" })))
}

/// `GET /readyz`: the engine is open and takes messages.
fn ready(door: &Door) -> HttpResponse {
    response(door.engine().and_then(|engine| match engine.fault() {
        None => Ok(json!({ "status": "ready" })),
        Some(_) => Err(Problem::from(Refusal::of(Code::Stopped))),
    }))
}

/// `GET /metrics`: what can be watched, for whoever may look at everything.
fn metrics(door: &Door, request: &HttpRequest) -> HttpResponse {
    let allowed = head::role(door, request).and_then(|role| match role {
        Role::Operator | Role::FundsManagement => Ok(()),
        _ => Err(Problem::from(Refusal::new(Code::NotAllowed, "key", "does not see what concerns all"))),
    });
    match allowed {
        Ok(()) => HttpResponse::Ok().content_type(METRICS).body(door.metrics()),
        Err(problem) => reply::problem_response(&problem),
    }
}

/// OpenMetrics, as Prometheus reads it.
const METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

#[cfg(test)]
pub(super) use messages::parsed;

/// Reads a body of a resource whose path has one field.
///
/// # Errors
/// `malformed`, with the field.
#[cfg(test)]
pub(super) fn parsed_body(
    command: &str,
    field: &'static str,
    value: &str,
    body: &str,
) -> Result<super::json::CommandBody, Problem> {
    resources::read_command(command, &[(field, serde_json::Value::from(value))], &[], body)
}
