//! What stands before a request's body: who sends it, as whom, its id, and the fields of its path and query.

use actix_web::http::header::{AUTHORIZATION, HeaderName, HeaderValue, IF_MATCH};
use actix_web::{HttpMessage, HttpRequest, web};
use percent_encoding::percent_decode_str;
use serde_json::Value;

use crate::domain::{Name, Refusal, RequestId};
use crate::server::door::Door;
use crate::server::identity::{Role, Who};
use crate::server::json::{Problem, ProblemCode, said};
use crate::server::management::Act;
use crate::server::shown::{Show, each_once};

/// The header by which a request says as whom it is sent.
pub(super) const ON_BEHALF_OF: &str = "On-Behalf-Of";

const IDEMPOTENCY_KEY: &str = "Idempotency-Key";

/// Fields that are numbers where a path or a query has them.
const NUMBERS: [&str; 3] = ["serial", "from_hop", "skip"];

/// Who sends this request.
///
/// # Errors
/// `unauthenticated` or `session_ended`.
pub(super) fn role(door: &Door, request: &impl HttpMessage) -> Result<Role, Problem> {
    door.role(authorization(request))
}

/// Who sends this request, and by what it is known.
///
/// # Errors
/// As for `role`.
pub(super) fn who(door: &Door, request: &impl HttpMessage) -> Result<Who, Problem> {
    door.who(authorization(request))
}

/// What a request says of its key, where it says it once.
pub(super) fn authorization(request: &impl HttpMessage) -> Option<&str> {
    let mut headers = request.headers().get_all(AUTHORIZATION);
    let header = headers.next().filter(|_| headers.next().is_none());
    header.and_then(ascii)
}

/// A header's text, where it is ASCII.
pub(super) fn ascii(value: &HeaderValue) -> Option<&str> {
    let bytes = value.as_bytes();
    if bytes.is_ascii() { std::str::from_utf8(bytes).ok() } else { None }
}

/// As whom the request is sent, where it says so.
pub(super) fn on_behalf_of(request: &impl HttpMessage) -> Result<Option<Name>, Problem> {
    static HEADER: HeaderName = HeaderName::from_static("on-behalf-of");
    let header = header(request, &HEADER, ON_BEHALF_OF)?;
    let name = |text: &str| {
        let refused = |refusal: Refusal| Refusal { field: ON_BEHALF_OF.into(), ..refusal };
        Name::new(text).map_err(|refusal| Problem::from(refused(refusal)))
    };
    header.map(name).transpose()
}

/// An act of management by whoever sends this request; as whom is left out where it is not said in its form.
pub(super) fn act_of(who: &Who, request: &HttpRequest, act: &'static str, on: &str) -> Option<Act> {
    Act::begin(who, on_behalf_of(request).ok().flatten(), act, on)
}

pub(super) fn idempotency_key(request: &impl HttpMessage) -> Result<RequestId, Problem> {
    static HEADER: HeaderName = HeaderName::from_static("idempotency-key");
    let missing = || Problem::new(ProblemCode::IdempotencyKeyMissing, IDEMPOTENCY_KEY, "is left out");
    let text = header(request, &HEADER, IDEMPOTENCY_KEY)?.ok_or_else(missing)?;
    let refused = |refusal: Refusal| Refusal { field: IDEMPOTENCY_KEY.into(), ..refusal };
    RequestId::new(text).map_err(|refusal| Problem::from(refused(refusal)))
}

/// How many entries the chain of the addressee must have: the `ETag` of a view of it.
///
/// # Errors
/// `malformed`, where it is no such tag.
pub(super) fn if_match(request: &impl HttpMessage) -> Result<Option<u64>, Problem> {
    let Some(text) = header(request, &IF_MATCH, "If-Match")? else { return Ok(None) };
    if text.trim() == "*" {
        return Ok(None);
    }
    // With its quotes or, as people write it, without.
    let quoted = text.trim().strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    let digits = Some(quoted.unwrap_or(text.trim()));
    let digits = digits.filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()));
    let wrong = || {
        Problem::new(
            ProblemCode::Malformed,
            "If-Match",
            "is no sequence: give an ETag as it was shown, such as \"17\"",
        )
    };
    digits.and_then(|digits| digits.parse().ok()).map(Some).ok_or_else(wrong)
}

/// What the answer to a `POST` is to show beside itself: `show`, the only member of its query, with commas between.
///
/// # Errors
/// `malformed`, with the field.
pub(super) fn show(query_string: &str) -> Result<Vec<Show>, Problem> {
    let mut all = Vec::new();
    if query_string.is_empty() {
        return Ok(all);
    }
    for (name, value) in query(query_string)? {
        if name != "show" {
            let detail = "is no member of this query: it takes show";
            return Err(Problem::new(ProblemCode::Malformed, &name, detail));
        }
        for word in value.as_str().unwrap_or_default().split(',').filter(|word| !word.is_empty()) {
            all.push(said("show", word)?);
        }
    }
    each_once(all)
}

/// A header's text, which may be any UTF-8; `name` is how people write it.
pub(super) fn header<'request>(
    request: &'request impl HttpMessage,
    header: &'static HeaderName,
    name: &'static str,
) -> Result<Option<&'request str>, Problem> {
    let mut all = request.headers().get_all(header);
    let Some(value) = all.next() else { return Ok(None) };
    if all.next().is_some() {
        return Err(Problem::new(ProblemCode::Malformed, name, "is there twice: send it once"));
    }
    let no_text = |_| Problem::new(ProblemCode::Malformed, name, "is no UTF-8");
    std::str::from_utf8(value.as_bytes()).map(Some).map_err(no_text)
}

/// The members of a query.
pub(super) fn query(query_string: &str) -> Result<Vec<(String, Value)>, Problem> {
    let wrong = |error| Problem::new(ProblemCode::Malformed, "query", format!("cannot be read: {error}"));
    is_text("query", query_string)?;
    let pairs = web::Query::<Vec<(String, String)>>::from_query(query_string).map_err(wrong)?;
    fields(pairs.into_inner())
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

/// Refuses what stands for bytes that are no text: they would be replaced, and two paths be one.
///
/// # Errors
/// `malformed`.
fn is_text(what: &'static str, encoded: &str) -> Result<(), Problem> {
    match percent_decode_str(encoded).decode_utf8() {
        Ok(_) => Ok(()),
        Err(_) => Err(Problem::new(ProblemCode::Malformed, what, "stands for bytes that are no UTF-8")),
    }
}

/// The fields that stand in a path or a query: some are numbers.
///
/// # Errors
/// `malformed`, where one of those is none.
pub(super) fn fields<Name: AsRef<str>>(texts: Vec<(Name, String)>) -> Result<Vec<(Name, Value)>, Problem> {
    let field = |(name, text): (Name, String)| {
        let value = value(name.as_ref(), text)?;
        Ok((name, value))
    };
    texts.into_iter().map(field).collect()
}
