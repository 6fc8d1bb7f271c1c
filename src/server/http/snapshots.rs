//! `POST /v1/snapshots`: a snapshot now, whatever the settings say of when.
//!
//! It needs no key of its own to be sent again: a second one is another snapshot, which costs time and changes nothing.

use std::time::{Duration, Instant};

use actix_web::web::Payload;
use actix_web::{HttpRequest, HttpResponse, rt};
use schemars::JsonSchema;
use serde::Serialize;

use super::body::body;
use super::head::who;
use super::reply::problem_response;
use crate::domain::{Code, Refusal};
use crate::limits::{ANSWER_MS_MAX, SNAPSHOT_LOOKED_AT_MS};
use crate::server::door::Door;
use crate::server::identity::Role;
use crate::server::json::{Problem, ProblemCode};
use crate::server::management::Act;
use crate::{SnapshotNotTaken, SnapshotTaken};

/// An answer.
#[derive(JsonSchema, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum SnapshotAnswer {
    /// What became of a snapshot that was asked for.
    Snapshot(SnapshotBody),
}

/// What became of a snapshot.
#[derive(JsonSchema, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub(super) enum SnapshotBody {
    /// It is finished.
    Finished {
        /// 1, 2, 3 … over both halves.
        generation: u64,
        /// How many chunks of states it has.
        chunks: u64,
        /// The bytes of all its states.
        bytes: u64,
        /// The first record of the journal that a start from it reads.
        read_from: u64,
        /// How long it took.
        milliseconds: u64,
    },
    /// It goes on, and nobody waits for it here any more.
    UnderWay,
}

impl From<SnapshotTaken> for SnapshotBody {
    fn from(taken: SnapshotTaken) -> SnapshotBody {
        let SnapshotTaken { generation, chunks, bytes, read_from, took } = taken;
        let milliseconds = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        SnapshotBody::Finished { generation, chunks, bytes, read_from: read_from.0, milliseconds }
    }
}

/// The handler.
pub(super) async fn post(door: &Door, request: &HttpRequest, payload: Payload) -> HttpResponse {
    let mut act = None;
    let taken = taken(door, request, payload, &mut act).await;
    if let Some(act) = act {
        act.told(match &taken {
            Ok(SnapshotBody::Finished { .. }) => "finished",
            Ok(SnapshotBody::UnderWay) => "under_way",
            Err(problem) => problem.parts().0,
        });
    }
    match taken {
        Ok(body @ SnapshotBody::Finished { .. }) => HttpResponse::Ok().json(SnapshotAnswer::Snapshot(body)),
        Ok(body @ SnapshotBody::UnderWay) => HttpResponse::Accepted().json(SnapshotAnswer::Snapshot(body)),
        Err(problem) => problem_response(&problem),
    }
}

async fn taken(
    door: &Door,
    request: &HttpRequest,
    payload: Payload,
    act: &mut Option<Act>,
) -> Result<SnapshotBody, Problem> {
    let who = who(door, request)?;
    *act = Act::begin(&who, None, "snapshot", "");
    if !matches!(who.role, Role::Operator) {
        return Err(Problem::from(Refusal::new(Code::NotAllowed, "key", "does not ask for snapshots")));
    }
    let engine = door.engine()?;
    let body = body(request, payload).await?;
    if !matches!(body.trim_ascii(), b"" | b"{}") {
        return Err(Problem::new(ProblemCode::Malformed, "body", "is none here: leave it out"));
    }
    let (asked, begun) = (engine.snapshot(), Instant::now());
    loop {
        match asked.outcome() {
            Some(Ok(taken)) => return Ok(taken.into()),
            Some(Err(SnapshotNotTaken::Failed(why))) => {
                return Err(Problem::new(ProblemCode::SnapshotFailed, "", why));
            }
            Some(Err(SnapshotNotTaken::Ended)) => return Err(Problem::from(Refusal::of(Code::Stopped))),
            None if begun.elapsed() >= Duration::from_millis(ANSWER_MS_MAX) || door.is_ending() => {
                return Ok(SnapshotBody::UnderWay);
            }
            None => rt::time::sleep(Duration::from_millis(SNAPSHOT_LOOKED_AT_MS)).await,
        }
    }
}
