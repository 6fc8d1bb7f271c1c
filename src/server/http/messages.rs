//! Many messages at once: `POST /v1/messages`, a JSON array, or one message a line (NDJSON).
//!
//! Each is decided for itself, and answered in its place. Absent on purpose: all or nothing over several messages.

use std::time::Instant;

use actix_web::web::{Bytes, Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::body::{JSON, NDJSON, body, content_type, text};
use super::head::{ON_BEHALF_OF, who};
use super::reply::problem_response;
use crate::Engine;
use crate::domain::{Code, Name, Refusal, RequestId};
use crate::server::batch::{Batch, Outcome};
use crate::server::door::{Asked, Door, ReadMessage};
use crate::server::identity::Who;
use crate::server::json::{
    AnswerBody, CommandBody, Problem, ProblemCode, Within, no_lists, put, read_within, write,
};
use crate::server::metrics::Way;
use crate::server::shown::{Show, ShownBody, each_once};

/// One message.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct MessageBody {
    idempotency_key: RequestId,
    #[serde(default)]
    on_behalf_of: Option<Name>,
    /// How many entries the chain of its addressee must have, as its views show it.
    #[serde(default)]
    if_sequence: Option<u64>,
    /// What its answer is to show beside itself, as it is then.
    #[serde(default)]
    #[schemars(length(max = 3), extend("uniqueItems" = true))]
    show: Vec<Show>,
    command: CommandBody,
}

/// One answer: done, or a problem, with the status that it would have alone.
#[derive(JsonSchema, Serialize)]
pub(super) struct ItemBody {
    #[serde(skip_serializing_if = "Option::is_none")]
    idempotency_key: Option<RequestId>,
    status: u16,
    /// True where it was done before, by a message with the same key; left out where it was not.
    #[serde(default, skip_serializing_if = "is_false")]
    replayed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    answer: Option<AnswerBody>,
    #[serde(skip_serializing_if = "Option::is_none")]
    shown: Option<Box<ShownBody>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<Problem>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
fn is_false(flag: &bool) -> bool {
    !flag
}

/// The id of each message that reads so far, and all of them.
type Read = (Vec<Option<RequestId>>, Batch);

/// A body with more bytes than these is read apart, so that other connections of the same thread do not wait for it.
const READ_APART_BYTES: usize = 128 * 1024;

/// The handler.
pub(super) async fn post(door: Data<Door>, request: HttpRequest, payload: Payload) -> HttpResponse {
    match taken(door, &request, payload).await {
        Ok(response) => response,
        Err(problem) => problem_response(&problem),
    }
}

async fn taken(door: Data<Door>, request: &HttpRequest, payload: Payload) -> Result<HttpResponse, Problem> {
    let who = who(&door, request)?;
    let engine = door.engine()?;
    if request.headers().contains_key(ON_BEHALF_OF) {
        let detail = "is a header here: say on_behalf_of in each message";
        return Err(Problem::new(ProblemCode::Malformed, ON_BEHALF_OF, detail));
    }
    let said = content_type(request);
    let lines = said.eq_ignore_ascii_case(NDJSON);
    if !lines && !said.eq_ignore_ascii_case(JSON) {
        let detail = format!("is neither {JSON} nor {NDJSON}");
        return Err(Problem::new(ProblemCode::NotJson, "Content-Type", detail));
    }
    let body = body(request, payload).await?;
    let arrived = Instant::now();
    let answered = answered(&door, engine, who, body, lines).await;
    door.took(Way::HttpMessages, arrived);
    answered
}

/// The answers to a body.
///
/// # Errors
/// Where it has no messages at all, or too many of them.
async fn answered(
    door: &Data<Door>,
    engine: &Engine,
    who: Who,
    body: Bytes,
    lines: bool,
) -> Result<HttpResponse, Problem> {
    let read = if body.len() > READ_APART_BYTES {
        let door = Data::clone(door);
        let apart = actix_web::web::block(move || read_all(&door, &who, &body, lines)).await;
        apart.map_err(|error| Problem::from(Refusal::new(Code::Internal, "", error.to_string())))?
    } else {
        read_all(door, &who, &body, lines)
    };
    let items = items(door, engine, read?).await;
    written(&items, lines)
}

/// Reads all messages of a body.
///
/// # Errors
/// Where it has no messages at all, or too many of them.
fn read_all(door: &Door, who: &Who, body: &[u8], lines: bool) -> Result<Read, Problem> {
    let text = text(body)?;
    let raw = if lines { lines_of(text).collect() } else { array_of(text)? };
    let mut batch = Batch::of(raw.len())?;
    let engine = door.engine()?;
    let mut ids = Vec::with_capacity(raw.len());
    for (within, text) in raw {
        let (id, read) = match message(door, engine, who, (within, text)) {
            Ok(message) => (Some(message.message.request_id.clone()), Ok(message)),
            Err((id, problem)) => (id, Err(problem)),
        };
        ids.push(id);
        batch.add(read);
    }
    Ok((ids, batch))
}

fn written(items: &[ItemBody], lines: bool) -> Result<HttpResponse, Problem> {
    let mut written = Vec::with_capacity(items.len() * 256);
    for (place, item) in items.iter().enumerate() {
        match (lines, place) {
            (true, _) => {}
            (false, 0) => written.push(b'['),
            (false, _) => written.push(b','),
        }
        let failed = |error: serde_json::Error| {
            Problem::from(Refusal::new(Code::Internal, "answer", error.to_string()))
        };
        write_item(&mut written, item).map_err(failed)?;
        if lines {
            written.push(b'\n');
        }
    }
    if !lines {
        written.extend_from_slice(if items.is_empty() { b"[]" } else { b"]" });
    }
    Ok(HttpResponse::Ok().content_type(if lines { NDJSON } else { JSON }).body(written))
}

/// As serde writes it; what was done by hand, because it is most of a rush.
fn write_item(text: &mut Vec<u8>, item: &ItemBody) -> Result<(), serde_json::Error> {
    let ItemBody {
        idempotency_key: Some(id),
        status,
        replayed,
        answer: Some(answer),
        shown: None,
        problem: None,
    } = item
    else {
        return serde_json::to_writer(text, item);
    };
    put(text, &["{\"idempotency_key\":"]);
    serde_json::to_writer(&mut *text, id)?;
    put(text, &[",\"status\":"]);
    serde_json::to_writer(&mut *text, status)?;
    put(text, &[if *replayed { ",\"replayed\":true" } else { "" }, ",\"answer\":"]);
    write(text, answer)?;
    put(text, &["}"]);
    Ok(())
}

/// The messages of a body that has one a line, each with its line; empty lines are none.
fn lines_of(text: &str) -> impl Iterator<Item = (Within<'static>, &str)> {
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    lines.map(|(before, line)| (Within::Line(before + 1), line))
}

fn array_of(text: &str) -> Result<Vec<(Within<'static>, &str)>, Problem> {
    let array: Vec<&RawValue> = serde_json::from_str(text).map_err(|error| {
        Problem::new(ProblemCode::Malformed, "body", format!("is no JSON array of messages: {error}"))
    })?;
    Ok(array.into_iter().map(|message| (Within::Message, message.get())).collect())
}

/// The answers in their places.
async fn items(door: &Door, engine: &Engine, (ids, batch): Read) -> Vec<ItemBody> {
    let outcomes = batch.send(door, engine).answers(door, engine).await;
    let item = |(idempotency_key, Outcome { answer, replayed, shown })| {
        let (status, answer, problem) = match answer {
            Ok(answer) => (200, Some(answer), None),
            Err(problem) => (problem.status(), None, Some(problem)),
        };
        ItemBody { idempotency_key, status, replayed, answer, shown, problem }
    };
    ids.into_iter().zip(outcomes).map(item).collect()
}

fn message(
    door: &Door,
    engine: &Engine,
    who: &Who,
    (within, text): (Within<'_>, &str),
) -> Result<Asked, (Option<RequestId>, Problem)> {
    let read = parsed_within(within, text).map_err(|problem| (id_of(text), problem))?;
    let id = read.request_id.clone();
    let asked = door.message(engine, who, read);
    asked.map_err(|problem| (Some(id), problem))
}

/// Reads a message that stands alone.
///
/// # Errors
/// `malformed`, with the field.
#[cfg(test)]
pub(in crate::server) fn parsed(text: &str) -> Result<ReadMessage, Problem> {
    parsed_within(Within::Message, text)
}

/// Reads a message.
///
/// # Errors
/// `malformed`, with the field.
fn parsed_within(within: Within<'_>, text: &str) -> Result<ReadMessage, Problem> {
    no_lists(within, text)?;
    let MessageBody { idempotency_key, on_behalf_of, if_sequence, show, command } =
        read_within(within, text)?;
    let show = each_once(show)?;
    Ok(ReadMessage { request_id: idempotency_key, on_behalf_of, if_sequence, show, command })
}

/// The id of a message that does not read, where that does.
fn id_of(text: &str) -> Option<RequestId> {
    #[derive(Deserialize)]
    struct IdOnly {
        idempotency_key: RequestId,
    }
    serde_json::from_str(text).ok().map(|IdOnly { idempotency_key }| idempotency_key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_item_by_hand_is_what_serde_writes() {
        for (id, replayed, answer) in
            [("a \"key\"", false, AnswerBody::Issued { items: 7 }), ("é", true, AnswerBody::MandateGranted)]
        {
            let idempotency_key = Some(RequestId::new(id).unwrap());
            let (answer, shown, problem) = (Some(answer), None, None);
            let item = ItemBody { idempotency_key, status: 200, replayed, answer, shown, problem };
            let mut text = Vec::new();
            write_item(&mut text, &item).unwrap();
            assert_eq!(String::from_utf8(text).unwrap(), serde_json::to_string(&item).unwrap());
        }
    }
}
