//! A resource for each command and query: one table, one handler.
//!
//! What stands in braces in a path is a field of the command, and so is each member of a body or a query.

use actix_web::web::{self, Bytes, Data, Payload, ServiceConfig};
use actix_web::{FromRequest, HttpRequest, HttpResponse};
use percent_encoding::percent_decode_str;
use serde_json::Value;
use serde_json::value::RawValue;

use super::door::{Door, body, content_type, within};
use super::json::{CommandBody, Problem, ProblemCode};
use super::messages::{JSON, malformed, no_lists, read, text};
use super::reply::{answered, response};
use crate::domain::{Name, Refusal, RequestId};

/// How a resource is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Method {
    Get,
    Post,
}

use Method::{Get, Post};

/// Method, path, and the command that they stand for.
pub(super) type Resource = (Method, &'static str, &'static str);

/// All of them.
pub(super) const RESOURCES: &[Resource] = &[
    (Post, "/v1/accounts", "open_account"),
    (Get, "/v1/accounts/{account}", "show_account"),
    (Post, "/v1/accounts/{account}/deposits", "deposit"),
    (Post, "/v1/accounts/{account}/cash-outs", "cash_out"),
    (Post, "/v1/accounts/{account}/credit-limit", "set_credit_limit"),
    (Post, "/v1/accounts/{account}/freeze", "freeze"),
    (Post, "/v1/accounts/{account}/unfreeze", "unfreeze"),
    (Post, "/v1/accounts/{account}/close", "close"),
    (Post, "/v1/accounts/{account}/accept-gifts", "accept_gifts"),
    (Post, "/v1/offerings", "issue"),
    (Get, "/v1/offerings/{offering}", "show_offering"),
    (Post, "/v1/offerings/{offering}/publish", "publish"),
    (Post, "/v1/offerings/{offering}/commission", "attach_commission"),
    (Post, "/v1/offerings/{offering}/circulations", "circulate"),
    (Post, "/v1/offerings/{offering}/purchases", "purchase"),
    (Post, "/v1/offerings/{offering}/reservations", "reserve"),
    (Get, "/v1/offerings/{offering}/certificates/{serial}", "show_certificate"),
    (Post, "/v1/offerings/{offering}/certificates/{serial}/circulations", "circulate"),
    (Post, "/v1/offerings/{offering}/certificates/{serial}/acquisitions", "acquire"),
    (Post, "/v1/offerings/{offering}/certificates/{serial}/purchases", "purchase"),
    (Post, "/v1/offerings/{offering}/certificates/{serial}/reservations", "reserve"),
    (Post, "/v1/offerings/{offering}/certificates/{serial}/reservation/pay", "pay_reservation"),
    (Post, "/v1/offerings/{offering}/certificates/{serial}/reservation/cancel", "cancel_reservation"),
    (Post, "/v1/offerings/{offering}/certificates/{serial}/top-ups", "top_up"),
    (Post, "/v1/offerings/{offering}/certificates/{serial}/refund", "refund"),
    (Post, "/v1/transfers", "transfer"),
    (Post, "/v1/pending-transfers", "begin_transfer"),
    (Post, "/v1/pending-transfers/{from}/{transfer}/post", "post_transfer"),
    (Post, "/v1/pending-transfers/{from}/{transfer}/void", "void_transfer"),
    (Post, "/v1/payment-certificates", "issue_payment"),
    (Get, "/v1/payment-certificates/{issuer}/{payment}", "show_payment"),
    (Post, "/v1/payment-certificates/{issuer}/{payment}/receive", "receive_payment"),
    (Post, "/v1/payment-certificates/{issuer}/{payment}/reject", "reject_payment"),
    (Post, "/v1/payment-certificates/{issuer}/{payment}/release", "release_payment"),
    (Post, "/v1/payment-certificates/{issuer}/{payment}/void", "void_payment"),
    (Post, "/v1/gifts", "give"),
    (Get, "/v1/gifts", "list_gifts"),
    (Post, "/v1/gifts/{donor}/{gift}/accept", "accept_gift"),
    (Post, "/v1/gifts/{donor}/{gift}/decline", "decline_gift"),
    (Post, "/v1/gifts/{donor}/{gift}/return", "return_gift"),
    (Get, "/v1/accounts/{recipient}/gifts/{donor}/{gift}", "show_gift"),
    (Post, "/v1/mandates", "grant_mandate"),
    (Get, "/v1/mandates/{mandate}", "show_mandate"),
    (Post, "/v1/mandates/{mandate}/revoke", "revoke_mandate"),
    (Post, "/v1/merchants/{merchant}/register", "register_merchant"),
    (Post, "/v1/merchants/{merchant}/unregister", "unregister_merchant"),
    (Post, "/v1/orders", "withhold"),
    (Get, "/v1/orders/{order}", "show_order"),
    (Post, "/v1/orders/{order}/provide", "provide"),
    (Post, "/v1/orders/{order}/reverse", "reverse_order"),
];

/// The header by which a request says as whom it is sent.
pub(super) const ON_BEHALF_OF: &str = "On-Behalf-Of";

/// Fields that are numbers where a path or a query has them.
const NUMBERS: [&str; 3] = ["serial", "from_hop", "skip"];

/// Adds all resources.
pub(super) fn configure(services: &mut ServiceConfig) {
    let mut paths: Vec<&str> = RESOURCES.iter().map(|(_, path, _)| *path).collect();
    paths.dedup();
    for path in paths {
        let mut resource = web::resource(path);
        let mut methods = Vec::new();
        for resource_of in RESOURCES.iter().filter(|(_, other, _)| *other == path) {
            let route = match resource_of.0 {
                Get => web::get(),
                Post => web::post(),
            };
            methods.push(resource_of.0);
            resource =
                resource.route(route.to(move |door: Data<Door>, request: HttpRequest, payload: Payload| {
                    handle(door, request, payload, *resource_of)
                }));
        }
        services.service(resource.default_service(web::to(move || not_allowed(methods.clone()))));
    }
}

/// The response to a method that a resource does not have.
pub(super) async fn not_allowed(methods: Vec<Method>) -> HttpResponse {
    let names: Vec<&str> = methods.iter().map(|method| if *method == Get { "GET" } else { "POST" }).collect();
    let allow = names.join(", ");
    let problem = Problem::new(ProblemCode::MethodNotAllowed, "", format!("this resource has {allow}"));
    let mut refused = response::<()>(Err(problem));
    if let Ok(allow) = allow.parse() {
        refused.headers_mut().insert(actix_web::http::header::ALLOW, allow);
    }
    refused
}

async fn handle(
    door: Data<Door>,
    request: HttpRequest,
    payload: Payload,
    (method, path, command): Resource,
) -> HttpResponse {
    response(
        async {
            let role = door.role(&request)?;
            let engine = door.engine()?;
            let on_behalf_of = on_behalf_of(&request)?;
            let mut fields = path_fields(&request, path)?;
            let (request_id, bytes) = match method {
                Get => {
                    fields.extend(query(&request)?);
                    (RequestId::new("look")?, Bytes::new())
                }
                Post => (idempotency_key(&request)?, object(&request, payload).await?),
            };
            let asked = read_command(command, &fields, text(&bytes)?)?.command()?;
            let message = door.message(engine, &role, on_behalf_of, request_id, asked)?;
            within(async {
                let answer = engine.send(message.clone()).await;
                answered(engine, &message, answer).await
            })
            .await
        }
        .await,
    )
}

/// A command of the fields of a path or a query, and of a body that is an object or empty. All stand in one object when it is
/// read, so none can be there twice.
fn read_command(command: &str, fields: &[(String, Value)], body: &str) -> Result<CommandBody, Problem> {
    // Only a whole value is taken, so nothing in it can end the object that it stands in.
    let whole = if body.is_empty() { "{}" } else { read::<&RawValue>(body)?.get() };
    no_lists(whole)?;
    let Some(members) = whole.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) else {
        return Err(Problem::new(ProblemCode::Malformed, "body", "is no JSON object"));
    };
    let own = fields.iter().map(|(name, value)| format!("{}:{value}", Value::from(name.as_str())));
    let members = own.chain((!members.trim().is_empty()).then(|| members.to_owned()));
    let text = format!("{{\"{command}\":{{{}}}}}", members.collect::<Vec<_>>().join(","));
    let mut deserializer = serde_json::Deserializer::from_str(&text);
    serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let path = error.path().to_string();
        let field = path.strip_prefix(command).map_or(path.as_str(), |rest| rest.trim_start_matches('.'));
        let why = error.inner().to_string();
        // Lines and columns are of this text, and not of what was sent.
        let why = why.rfind(" at line ").map_or(why.as_str(), |end| &why[..end]);
        malformed(field, why)
    })
}

/// As whom the request is sent, where it says so.
pub(super) fn on_behalf_of(request: &HttpRequest) -> Result<Option<Name>, Problem> {
    let header = header(request, ON_BEHALF_OF)?;
    let name = |text: &str| {
        let refused = |refusal: Refusal| Refusal { field: ON_BEHALF_OF.into(), ..refusal };
        Name::new(text).map_err(|refusal| Problem::from(refused(refusal)))
    };
    header.map(name).transpose()
}

fn idempotency_key(request: &HttpRequest) -> Result<RequestId, Problem> {
    let missing = || Problem::new(ProblemCode::IdempotencyKeyMissing, "Idempotency-Key", "is left out");
    let text = header(request, "Idempotency-Key")?.ok_or_else(missing)?;
    let refused = |refusal: Refusal| Refusal { field: "Idempotency-Key".into(), ..refusal };
    RequestId::new(text).map_err(|refusal| Problem::from(refused(refusal)))
}

/// A header's text, which may be any UTF-8.
fn header<'request>(
    request: &'request HttpRequest,
    name: &'static str,
) -> Result<Option<&'request str>, Problem> {
    let mut all = request.headers().get_all(name);
    let Some(value) = all.next() else { return Ok(None) };
    if all.next().is_some() {
        return Err(Problem::new(ProblemCode::Malformed, name, "is there twice: send it once"));
    }
    let no_text = |_| Problem::new(ProblemCode::Malformed, name, "is no UTF-8");
    std::str::from_utf8(value.as_bytes()).map(Some).map_err(no_text)
}

/// The members of a query.
pub(super) fn query(request: &HttpRequest) -> Result<Vec<(String, Value)>, Problem> {
    let wrong = |error| Problem::new(ProblemCode::Malformed, "query", format!("cannot be read: {error}"));
    is_text("query", request.query_string())?;
    let pairs = web::Query::<Vec<(String, String)>>::from_query(request.query_string()).map_err(wrong)?;
    pairs.into_inner().into_iter().map(|(name, text)| Ok((name.clone(), value(&name, text)?))).collect()
}

fn value(name: &str, text: String) -> Result<Value, Problem> {
    if !NUMBERS.contains(&name) {
        return Ok(Value::String(text));
    }
    let number: Result<u32, _> = text.parse();
    number.map(Value::from).map_err(|_| {
        let detail = format!("is {text:?}: give a number from 0 to {}", u32::MAX);
        Problem::new(ProblemCode::Malformed, name, detail)
    })
}

async fn object(request: &HttpRequest, payload: Payload) -> Result<Bytes, Problem> {
    let body = body(request, payload).await?;
    if !body.is_empty() && content_type(request) != JSON {
        return Err(Problem::new(ProblemCode::NotJson, "Content-Type", "is not application/json"));
    }
    Ok(body)
}

/// Refuses what stands for bytes that are no text: they would be replaced, and two paths be one.
///
/// # Errors
/// `malformed`.
pub(super) fn is_text(what: &'static str, encoded: &str) -> Result<(), Problem> {
    match percent_decode_str(encoded).decode_utf8() {
        Ok(_) => Ok(()),
        Err(_) => Err(Problem::new(ProblemCode::Malformed, what, "stands for bytes that are no UTF-8")),
    }
}

/// What stands in the braces of the path.
fn path_fields(request: &HttpRequest, path: &'static str) -> Result<Vec<(String, Value)>, Problem> {
    is_text("path", request.path())?;
    let names = path.split(['{', '}']).skip(1).step_by(2);
    let texts = web::Path::<Vec<String>>::extract(request).into_inner();
    let wrong = |error| Problem::new(ProblemCode::Malformed, "path", format!("cannot be read: {error}"));
    let fields = names.zip(texts.map_err(wrong)?.into_inner());
    fields.map(|(name, text)| Ok((name.to_owned(), value(name, text)?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_resource_is_written_down_and_every_one_that_is_written_down_is_there() {
        let page = include_str!("../../docs/API.md");
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
            .map(|(method, path, command)| {
                let method = if *method == Get { "GET" } else { "POST" };
                (method.to_owned(), (*path).to_owned(), (*command).to_owned())
            })
            .collect();
        assert_eq!(written, there);
    }

    #[test]
    fn every_command_has_a_resource() {
        for command in CommandBody::names() {
            assert!(RESOURCES.iter().any(|(_, _, named)| *named == command), "{command} has no resource");
        }
    }

    #[test]
    fn a_body_stands_within_its_command_and_nothing_of_it_gets_out() {
        let field = |name: &str, value: &str| (name.to_owned(), Value::from(value));
        let fields = [field("offering", "a \"teapot\"")];
        for body in ["", "{}", " {} ", r#"{"serial": 2}"#, " {\n\t\"serial\" : 2 }\n"] {
            let read = read_command("purchase", &fields, body).unwrap();
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
        ] {
            assert!(read_command("purchase", &fields, body).is_err(), "{body}");
        }
    }
}
