//! A resource for each command and query: one table, one handler.
//!
//! What stands in braces in a path is a field of the command, and so is each member of a body or a query.

use std::fmt::Display;
use std::rc::Rc;
use std::time::Instant;

use actix_web::http::header::{ETAG, HeaderName, HeaderValue};
use actix_web::web::{Bytes, Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use serde::Serialize;
use serde_json::Value;

use super::body::{JSON, body, content_type, text};
use super::gathering::gathering;
use super::head::{fields, idempotency_key, if_match, on_behalf_of, query, show, who};
use super::reply::{self, problem_response, response};
use super::router::Params;
use crate::Engine;
use crate::domain::{Code, Refusal};
use crate::server::batch::{Outcome, begins, in_progress};
use crate::server::begun::Commands;
use crate::server::door::{Asked, Door, ReadMessage};
use crate::server::identity::Who;
use crate::server::json::{
    AnswerBody, CommandBody, Problem, ProblemCode, Within, no_lists, put, read_within, whole,
};
use crate::server::metrics::Way;
use crate::server::shown::ShownBody;

/// How a resource is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Method {
    Get,
    Post,
}

use Method::{Get, Post};

/// Method, path, the command that they stand for, and the type of its answer.
pub(super) type Resource = (Method, &'static str, &'static str, &'static str);

/// All of them.
pub(super) const RESOURCES: &[Resource] = &[
    (Post, "/v1/accounts", "open_account", "opened"),
    (Get, "/v1/accounts/{account}", "show_account", "account"),
    (Post, "/v1/accounts/{account}/deposits", "deposit", "deposited"),
    (Post, "/v1/accounts/{account}/cash-outs", "cash_out", "cashed_out"),
    (Post, "/v1/accounts/{account}/credit-limit", "set_credit_limit", "credit_limit_set"),
    (Post, "/v1/accounts/{account}/freeze", "freeze", "status_changed"),
    (Post, "/v1/accounts/{account}/unfreeze", "unfreeze", "status_changed"),
    (Post, "/v1/accounts/{account}/close", "close", "status_changed"),
    (Post, "/v1/accounts/{account}/accept-gifts", "accept_gifts", "status_changed"),
    (Post, "/v1/offerings", "issue", "issued"),
    (Get, "/v1/offerings/{offering}", "show_offering", "offering"),
    (Post, "/v1/offerings/{offering}/publish", "publish", "published"),
    (Post, "/v1/offerings/{offering}/commission", "attach_commission", "attached"),
    (Post, "/v1/offerings/{offering}/circulations", "circulate", "circulated"),
    (Post, "/v1/offerings/{offering}/purchases", "purchase", "purchased"),
    (Post, "/v1/offerings/{offering}/reservations", "reserve", "reserved"),
    (Get, "/v1/offerings/{offering}/certificates/{serial}", "show_certificate", "certificate"),
    (Post, "/v1/offerings/{offering}/certificates/{serial}/circulations", "circulate", "circulated"),
    (Post, "/v1/offerings/{offering}/certificates/{serial}/acquisitions", "acquire", "acquired"),
    (Post, "/v1/offerings/{offering}/certificates/{serial}/purchases", "purchase", "purchased"),
    (Post, "/v1/offerings/{offering}/certificates/{serial}/reservations", "reserve", "reserved"),
    (Post, "/v1/offerings/{offering}/certificates/{serial}/reservation/pay", "pay_reservation", "purchased"),
    (
        Post,
        "/v1/offerings/{offering}/certificates/{serial}/reservation/cancel",
        "cancel_reservation",
        "reservation_cancelled",
    ),
    (Post, "/v1/offerings/{offering}/certificates/{serial}/top-ups", "top_up", "topped_up"),
    (Post, "/v1/offerings/{offering}/certificates/{serial}/refund", "refund", "refunded"),
    (Get, "/v1/accounts/{account}/requests/{request}", "show_account_request", "request"),
    (Get, "/v1/offerings/{offering}/requests/{request}", "show_offering_request", "request"),
    (
        Get,
        "/v1/offerings/{offering}/certificates/{serial}/requests/{request}",
        "show_certificate_request",
        "request",
    ),
    (Post, "/v1/transfers", "transfer", "transferred"),
    (Post, "/v1/pending-transfers", "begin_transfer", "transfer_begun"),
    (Post, "/v1/pending-transfers/{from}/{transfer}/post", "post_transfer", "transferred"),
    (Post, "/v1/pending-transfers/{from}/{transfer}/void", "void_transfer", "transfer_voided"),
    (Post, "/v1/payment-certificates", "issue_payment", "payment_issued"),
    (Get, "/v1/payment-certificates/{issuer}/{payment}", "show_payment", "payment"),
    (Post, "/v1/payment-certificates/{issuer}/{payment}/receive", "receive_payment", "payment_changed"),
    (Post, "/v1/payment-certificates/{issuer}/{payment}/reject", "reject_payment", "payment_changed"),
    (Post, "/v1/payment-certificates/{issuer}/{payment}/release", "release_payment", "payment_changed"),
    (Post, "/v1/payment-certificates/{issuer}/{payment}/void", "void_payment", "payment_changed"),
    (Post, "/v1/gifts", "give", "given"),
    (Get, "/v1/gifts", "list_gifts", "gifts"),
    (Post, "/v1/gifts/{donor}/{gift}/accept", "accept_gift", "gift_changed"),
    (Post, "/v1/gifts/{donor}/{gift}/decline", "decline_gift", "gift_changed"),
    (Post, "/v1/gifts/{donor}/{gift}/return", "return_gift", "gift_changed"),
    (Get, "/v1/accounts/{recipient}/gifts/{donor}/{gift}", "show_gift", "gift"),
    (Post, "/v1/mandates", "grant_mandate", "mandate_granted"),
    (Get, "/v1/mandates/{mandate}", "show_mandate", "mandate"),
    (Post, "/v1/mandates/{mandate}/revoke", "revoke_mandate", "mandate_revoked"),
    (Post, "/v1/merchants/{merchant}/register", "register_merchant", "registered"),
    (Post, "/v1/merchants/{merchant}/unregister", "unregister_merchant", "registered"),
    (Post, "/v1/orders", "withhold", "withheld"),
    (Get, "/v1/orders/{order}", "show_order", "order"),
    (Post, "/v1/orders/{order}/provide", "provide", "provided"),
    (Post, "/v1/orders/{order}/reverse", "reverse_order", "order_reversed"),
];

/// Does what a resource is for.
pub(super) async fn handle(
    door: &Data<Door>,
    request: &HttpRequest,
    payload: Payload,
    params: Params,
    resource: &Resource,
) -> HttpResponse {
    match answered(door, request, payload, params, resource).await {
        Ok(outcome) => written(outcome),
        Err(problem) => problem_response(&problem),
    }
}

fn written(Outcome { answer, replayed, shown }: Outcome) -> HttpResponse {
    let sequence = answer.as_ref().ok().and_then(AnswerBody::sequence);
    let mut response = match shown {
        None => reply::answer(answer),
        Some(shown) => response(answer.map(|answer| AnsweredBody { answer, shown })),
    };
    if replayed {
        response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    }
    if let Some(tag) = sequence.and_then(|sequence| HeaderValue::from_str(&format!("\"{sequence}\"")).ok()) {
        response.headers_mut().insert(ETAG, tag);
    }
    response
}

/// An answer, and what is shown beside it.
#[derive(Serialize)]
struct AnsweredBody {
    #[serde(flatten)]
    answer: AnswerBody,
    shown: Box<ShownBody>,
}

/// What becomes of a request: it is read, and then it is sent. What reading needs is gone by then, so that who waits keeps little.
async fn answered(
    door: &Door,
    request: &HttpRequest,
    payload: Payload,
    params: Params,
    resource: &Resource,
) -> Result<Outcome, Problem> {
    let (asked, arrived) = read(door, request, payload, params, resource).await?;
    let outcome = sent(door, request, asked).await;
    door.took(Way::HttpSingle, arrived);
    outcome
}

/// The message of a request, as the door judges it, and when it was whole.
///
/// # Errors
/// What turns a request away before it is one.
async fn read(
    door: &Door,
    request: &HttpRequest,
    payload: Payload,
    params: Params,
    (method, _, command, _): &Resource,
) -> Result<(Result<Rc<Asked>, Problem>, Instant), Problem> {
    let who = who(door, request)?;
    let engine = door.engine()?;
    let on_behalf_of = on_behalf_of(request)?;
    let path = fields(params)?;
    match method {
        Get => {
            let arrived = Instant::now();
            let read = || -> Result<ReadMessage, Problem> {
                Ok(ReadMessage::look(on_behalf_of, read_command(command, &path, &query(request)?, "")?)?)
            };
            Ok((judged(door, engine, &who, read()), arrived))
        }
        Post => {
            let (request_id, if_sequence, show) =
                (idempotency_key(request)?, if_match(request)?, show(request)?);
            let bytes = object(request, payload).await?;
            let arrived = Instant::now();
            let command = text(&bytes).and_then(|text| read_command(command, &path, &[], text));
            // They stand in the connection's memory, which it can use again.
            drop(bytes);
            let read = |command| ReadMessage { request_id, on_behalf_of, if_sequence, show, command };
            Ok((judged(door, engine, &who, command.map(read)), arrived))
        }
    }
}

/// A message that was read, as the door judges it.
fn judged(
    door: &Door,
    engine: &Engine,
    who: &Who,
    read: Result<ReadMessage, Problem>,
) -> Result<Rc<Asked>, Problem> {
    Ok(Rc::new(door.message(engine, who, read?)?))
}

/// What becomes of a message.
async fn sent(
    door: &Door,
    request: &HttpRequest,
    asked: Result<Rc<Asked>, Problem>,
) -> Result<Outcome, Problem> {
    let (engine, gathering) = (door.engine()?, gathering(request)?);
    let asked = asked?;
    let mut noted = door.begun().batch_of(1);
    if !begins(&mut noted, &mut Commands::default(), &asked) {
        let problem = in_progress();
        Door::tell(&mut door.tally(), &asked, problem.parts().0);
        return Err(problem);
    }
    let (answer, replayed) = gathering.send(&asked, noted).await;
    Ok(Outcome::of(door, engine, &asked, answer, replayed).await)
}

/// Says that what is answered was done before, by a request with the same key.
pub(super) const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// A command of the fields of a path and a query, and of a body that is an object or empty. All stand in one object when it is
/// read, so none can be there twice.
pub(super) fn read_command(
    command: &str,
    path: &[(String, Value)],
    query: &[(String, Value)],
    body: &str,
) -> Result<CommandBody, Problem> {
    if is_plain(body)
        && let Ok(text) = within(command, path, query, &body[1..body.len() - 1])
        && let Ok(read) = serde_json::from_str(&text)
    {
        return Ok(read);
    }
    // Only a whole value is taken, so nothing in it can end the object that it stands in.
    let whole = if body.is_empty() { "{}" } else { whole(body)? };
    no_lists(Within::Command(path), whole)?;
    let Some(members) = whole.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) else {
        return Err(Problem::new(ProblemCode::Malformed, "body", "is no JSON object"));
    };
    read_within(Within::Command(path), &within(command, path, query, members)?)
}

/// True for an object without others and without lists: it needs no look of its own, because nothing but a brace can end the object
/// that it stands in. What is wrong with it is found by the longer way.
fn is_plain(body: &str) -> bool {
    let within = body.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
    within.is_some_and(|members| !members.bytes().any(|byte| matches!(byte, b'{' | b'}' | b'[')))
}

/// A command with the fields of a path and a query, and the members of a body.
fn within(
    command: &str,
    path: &[(String, Value)],
    query: &[(String, Value)],
    members: &str,
) -> Result<String, Problem> {
    let mut all = Vec::with_capacity(command.len() + members.len() + 64 * (path.len() + query.len()) + 8);
    let failed = |why: &dyn Display| Problem::from(Refusal::new(Code::Internal, "body", why.to_string()));
    let mut before = "";
    put(&mut all, &["{\"", command, "\":{"]);
    for (name, value) in path.iter().chain(query) {
        put(&mut all, &[before]);
        // A name may be any client's, where it is a query's.
        serde_json::to_writer(&mut all, name).map_err(|error| failed(&error))?;
        all.push(b':');
        serde_json::to_writer(&mut all, value).map_err(|error| failed(&error))?;
        before = ",";
    }
    // What is white to JSON, and no more: something else is no member.
    if !members.bytes().all(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r')) {
        put(&mut all, &[before, members]);
    }
    put(&mut all, &["}}"]);
    String::from_utf8(all).map_err(|error| failed(&error))
}

/// The body of a request that takes an object, which may be left out.
///
/// # Errors
/// As for `body`, and `not_json`.
pub(super) async fn object(request: &HttpRequest, payload: Payload) -> Result<Bytes, Problem> {
    let body = body(request, payload).await?;
    if !body.is_empty() && !content_type(request).eq_ignore_ascii_case(JSON) {
        return Err(Problem::new(ProblemCode::NotJson, "Content-Type", "is not application/json"));
    }
    Ok(body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_resource_is_written_down_and_every_one_that_is_written_down_is_there() {
        let page = include_str!("../../../docs/API.md");
        let written: Vec<(String, String, String)> = page
            .lines()
            .filter(|line| line.starts_with("| GET | `") || line.starts_with("| POST | `"))
            .map(|line| {
                let mut cells = line.split('|').map(|cell| cell.trim().trim_matches('`').to_owned()).skip(1);
                let mut next = || cells.next().unwrap();
                (next(), next(), next())
            })
            .collect();
        let there: Vec<(String, String, String)> = RESOURCES
            .iter()
            .map(|(method, path, command, _)| {
                let method = if *method == Get { "GET" } else { "POST" };
                (method.to_owned(), (*path).to_owned(), (*command).to_owned())
            })
            .collect();
        assert_eq!(written, there);
    }

    #[test]
    fn every_command_has_a_resource() {
        for command in CommandBody::names() {
            assert!(RESOURCES.iter().any(|(_, _, named, _)| *named == command), "{command} has no resource");
        }
    }

    #[test]
    fn a_body_stands_within_its_command_and_nothing_of_it_gets_out() {
        let field = |name: &str, value: &str| (name.to_owned(), Value::from(value));
        let fields = [field("offering", "a \"teapot\"")];
        for body in ["", "{}", " {} ", r#"{"serial": 2}"#, " {\n\t\"serial\" : 2 }\n"] {
            let read = read_command("purchase", &fields, &[], body).unwrap();
            let CommandBody::Purchase { offering, .. } = read else { panic!("{read:?}") };
            assert_eq!(offering.as_str(), "a \"teapot\"");
        }
        for body in [
            "{}}",
            "{},{}",
            r#"{"serial":2}},"deposit":{"#,
            "7",
            "[]",
            "null",
            r#""{}""#,
            r#"{"offering":"b"}"#,
            "{,}",
            "{\u{a0}}",
        ] {
            assert!(read_command("purchase", &fields, &[], body).is_err(), "{body}");
        }
        for name in ["\"", "a\":1,\"serial", "serial\":1},\"x\":{\"a"] {
            assert!(
                read_command("purchase", &[], &[field(name, "1")], r#"{"offering":"b"}"#).is_err(),
                "{name}"
            );
        }
    }
}
