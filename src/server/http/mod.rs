//! HTTP and JSON: a resource for each command, and many at once.
//!
//! Absent on purpose: who may send what (`identity`), and what a command or an answer looks like (`json`).

mod body;
mod events;
mod head;
mod messages;
mod openapi;
mod page;
mod platform;
mod reply;
mod resources;
mod router;

use actix_web::HttpResponse;
use reply::response;
use serde_json::json;

pub(super) use router::dispatch;

use super::door::Door;
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
