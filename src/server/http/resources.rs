//! A resource for each command and query: one table, one handler.
//!
//! What stands in braces in a path is a field of the command, and so is each member of a body or a query.

use std::fmt::Display;
use std::rc::Rc;
use std::time::Instant;

use actix_web::dev::Payload;
use actix_web::http::header::{ETAG, HeaderName, HeaderValue};
use actix_web::web::{self, Bytes};
use actix_web::{HttpMessage, HttpRequest, HttpResponse};
use serde::Serialize;
use serde_json::Value;

use super::body::{self, body, is_json, is_not_too_large, text};
use super::gathering::Gathering;
use super::head::{fields, idempotency_key, if_match, on_behalf_of, query, show, who};
use super::reply::{self, problem_response, response};
use super::router::Params;
use crate::domain::{Code, Name, Refusal, RequestId};
use crate::server::batch::{Outcome, in_progress};
use crate::server::begun::UnderWay;
use crate::server::door::{Asked, Door, ReadMessage};
use crate::server::identity::{Who, rights};
use crate::server::json::{
    AnswerBody, CommandBody, Problem, ProblemCode, Within, no_lists, put, read_apart, read_within, whole,
};
use crate::server::metrics::Way;
use crate::server::shown::{Show, ShownBody};

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

/// What the head of a request for a command says: all that is needed of it, so that the request itself is not kept until its body is
/// there and its message answered.
pub(super) struct Head {
    who: Who,
    on_behalf_of: Option<Name>,
    path: Vec<(&'static str, Value)>,
    asks: Asks,
    command: &'static str,
}

enum Asks {
    /// `GET`, with what its query says.
    Look(Result<Vec<(String, Value)>, Problem>),
    /// `POST`, of a body that is JSON or has to be empty.
    Change { request_id: RequestId, if_sequence: Option<u64>, show: Vec<Show>, is_json: bool },
}

impl Head {
    /// Reads what stands before a body.
    ///
    /// # Errors
    /// What turns a request away before it is one.
    pub(super) fn read(
        door: &Door,
        request: &impl HttpMessage,
        query_string: &str,
        params: Params,
        (method, _, command, _): &Resource,
    ) -> Result<Head, Problem> {
        let who = who(door, request)?;
        door.engine()?;
        let on_behalf_of = on_behalf_of(request)?;
        let path = fields(params)?;
        let asks = match method {
            Get => Asks::Look(query(query_string)),
            Post => {
                let (request_id, if_sequence) = (idempotency_key(request)?, if_match(request)?);
                let show = show(query_string)?;
                is_not_too_large(request)?;
                let is_json = is_json(request);
                Asks::Change { request_id, if_sequence, show, is_json }
            }
        };
        Ok(Head { who, on_behalf_of, path, asks, command })
    }
}

/// Does what a resource is for.
pub(super) async fn answered(
    gathering: &Rc<Gathering>,
    head: Result<Head, Problem>,
    payload: Payload,
) -> HttpResponse {
    let outcome = match head {
        Ok(head) => outcome(gathering, head, payload).await,
        Err(problem) => Err(problem),
    };
    match outcome {
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

/// What becomes of a request: its message is read, and then it is sent. What reading needs is gone by then, so that who waits keeps
/// little.
async fn outcome(gathering: &Rc<Gathering>, head: Head, payload: Payload) -> Result<Outcome, Problem> {
    let door = gathering.door();
    let (asked, arrived) = message(gathering, head, payload).await?;
    let sent = asked.and_then(|asked| Ok((begins(door, &asked)?, asked)));
    let (noted, asked) = match sent {
        Ok(sent) => sent,
        Err(problem) => {
            door.took(Way::HttpSingle, arrived);
            return Err(problem);
        }
    };
    let (answer, replayed) = gathering.send(&asked, noted, arrived).await;
    let outcome = Outcome::of(door.engine()?, &asked, answer, replayed).await;
    if !asked.show.is_empty() {
        door.took(Way::HttpSingle, arrived);
    }
    Ok(outcome)
}

/// Notes a message that is going to be sent; nothing of a look.
///
/// # Errors
/// `in_progress`.
fn begins(door: &Door, asked: &Asked) -> Result<Option<u64>, Problem> {
    if rights::looks(&asked.message.command) {
        return Ok(None);
    }
    door.begun().begin(&asked.message).map_err(|UnderWay| {
        let problem = in_progress();
        Door::tell(&mut door.tally(), asked, problem.parts().0);
        problem
    })
}

/// The message of a request, as the door judges it, and when it was whole.
///
/// # Errors
/// Where its body is not there.
async fn message(
    gathering: &Rc<Gathering>,
    Head { who, on_behalf_of, path, asks, command }: Head,
    payload: Payload,
) -> Result<(Result<Rc<Asked>, Problem>, Instant), Problem> {
    let door = gathering.door();
    let (read, arrived) = match asks {
        Asks::Look(query) => {
            let arrived = Instant::now();
            let command = query.and_then(|query| read_command(command, &path, &query, ""));
            let read = |command| ReadMessage::look(on_behalf_of, command).map_err(Problem::from);
            (command.and_then(read), arrived)
        }
        Asks::Change { request_id, if_sequence, show, is_json } => {
            let bytes = body::read(gathering, payload).await?;
            if !bytes.is_empty() && !is_json {
                return Err(no_json());
            }
            let arrived = Instant::now();
            let command = text(&bytes).and_then(|text| read_command(command, &path, &[], text));
            // They stand in the connection's memory, which it can use again.
            drop(bytes);
            let read = |command| ReadMessage { request_id, on_behalf_of, if_sequence, show, command };
            (command.map(read), arrived)
        }
    };
    let engine = door.engine()?;
    Ok((read.and_then(|read| Ok(Rc::new(door.message(engine, &who, read)?))), arrived))
}

/// Says that what is answered was done before, by a request with the same key.
pub(super) const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// A command of the fields of a path and a query, and of a body that is an object or empty. All stand in one object when it is
/// read, so none can be there twice.
pub(super) fn read_command(
    command: &str,
    path: &[(&'static str, Value)],
    query: &[(String, Value)],
    body: &str,
) -> Result<CommandBody, Problem> {
    let body = if body.is_empty() { "{}" } else { body };
    let of_path = path.iter().map(|(name, value)| (*name, value));
    let fields = of_path.chain(query.iter().map(|(name, value)| (name.as_str(), value)));
    // Whether a list stands where one may is looked at below.
    if !body.contains('[')
        && let Some(read) = read_apart(command, fields.clone(), body)
    {
        return Ok(read);
    }
    // Only a whole value is taken, so nothing in it can end the object that it stands in.
    let whole = whole(body)?;
    no_lists(Within::Command(path), whole)?;
    let Some(members) = whole.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) else {
        return Err(Problem::new(ProblemCode::Malformed, "body", "is no JSON object"));
    };
    read_within(Within::Command(path), &within(command, fields, members)?)
}

/// The text of a command with the fields of a path and a query, and the members of a body.
fn within<'field>(
    command: &str,
    fields: impl Iterator<Item = (&'field str, &'field Value)>,
    members: &str,
) -> Result<String, Problem> {
    let mut all = Vec::with_capacity(command.len() + members.len() + 256);
    let failed = |why: &dyn Display| Problem::from(Refusal::new(Code::Internal, "body", why.to_string()));
    let mut before = "";
    put(&mut all, &["{\"", command, "\":{"]);
    for (name, value) in fields {
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
pub(super) async fn object(request: &HttpRequest, payload: web::Payload) -> Result<Bytes, Problem> {
    let body = body(request, payload).await?;
    if !body.is_empty() && !is_json(request) {
        return Err(no_json());
    }
    Ok(body)
}

fn no_json() -> Problem {
    Problem::new(ProblemCode::NotJson, "Content-Type", "is not application/json")
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
    fn a_command_whose_path_has_a_serial_is_read_from_where_its_parts_stand() {
        let field = |name: &'static str| match name {
            "serial" => (name, Value::from(2)),
            _ => (name, Value::from("a")),
        };
        let mut read = 0;
        for (_, path, command, _) in RESOURCES.iter().filter(|(_, path, ..)| path.contains("{serial}")) {
            let fields: Vec<_> = path.split(['{', '}']).skip(1).step_by(2).map(field).collect();
            let body = if *command == "top_up" { r#"{"amount":"1.00","currency":"USD"}"# } else { "{}" };
            let fields = fields.iter().map(|(name, value)| (*name, value));
            let apart = read_apart(command, fields.clone(), body);
            let text = within(command, fields, &body[1..body.len() - 1]).unwrap();
            let whole: CommandBody = serde_json::from_str(&text).unwrap();
            assert_eq!(format!("{:?}", apart.unwrap()), format!("{whole:?}"), "{path}");
            read += 1;
        }
        assert!(read > 8);
    }

    #[test]
    fn a_body_stands_within_its_command_and_nothing_of_it_gets_out() {
        let fields = [("offering", Value::from("a \"teapot\""))];
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
                read_command("purchase", &[], &[(name.to_owned(), "1".into())], r#"{"offering":"b"}"#)
                    .is_err(),
                "{name}"
            );
        }
    }
}
