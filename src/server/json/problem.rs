//! Problems (RFC 9457): one form for everything that is not done, at every resource.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Serialize, Serializer};

use super::advice::{advice, of_field};
use crate::domain::{Code, Refusal};
use crate::limits::STOPPED_RETRY_SECONDS;

/// What the door itself refuses, before the engine is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::server) enum ProblemCode {
    /// The body is no JSON, or not of the shape that is asked for.
    Malformed,
    /// No key, or one that is unknown or revoked.
    Unauthenticated,
    /// The token of a session that was ours and counts no more.
    SessionEnded,
    /// A message without its id.
    IdempotencyKeyMissing,
    /// The same request, with the same key, is under way.
    InProgress,
    /// No such resource.
    NoSuchResource,
    /// The resource does not have this method.
    MethodNotAllowed,
    /// The body is larger than the door takes.
    TooLarge,
    /// The body is not said to be JSON.
    NotJson,
    /// The body is not there in time.
    TooSlow,
    /// The engine reads its store.
    NotReady,
    /// What was asked for is kept no more.
    Lapsed,
    /// There are as many as there may be.
    TooMany,
    /// No webhook has this id.
    UnknownWebhook,
    /// The password is not the one of the account, or there is no such account, or it has none.
    WrongPassword,
    /// Too many wrong passwords for the account.
    TooManyTries,
    /// More messages than the account may send.
    TooFast,
    /// What was asked for is longer than is given.
    TooLong,
    /// It would tell the luck of what is still to be drawn.
    DrawsOpen,
    /// A snapshot that was asked for was given up.
    SnapshotFailed,
    /// What was to be looked at cannot be read from the journal.
    Unreadable,
    /// A file beside the data could not be written, because its device is full.
    NoRoom,
}

impl ProblemCode {
    pub(super) const ALL: [ProblemCode; 22] = [
        ProblemCode::Malformed,
        ProblemCode::Unauthenticated,
        ProblemCode::SessionEnded,
        ProblemCode::IdempotencyKeyMissing,
        ProblemCode::InProgress,
        ProblemCode::NoSuchResource,
        ProblemCode::MethodNotAllowed,
        ProblemCode::TooLarge,
        ProblemCode::NotJson,
        ProblemCode::TooSlow,
        ProblemCode::NotReady,
        ProblemCode::Lapsed,
        ProblemCode::TooMany,
        ProblemCode::UnknownWebhook,
        ProblemCode::WrongPassword,
        ProblemCode::TooManyTries,
        ProblemCode::TooFast,
        ProblemCode::TooLong,
        ProblemCode::DrawsOpen,
        ProblemCode::SnapshotFailed,
        ProblemCode::Unreadable,
        ProblemCode::NoRoom,
    ];

    pub(in crate::server) fn text(self) -> &'static str {
        self.parts().1
    }

    fn parts(self) -> (u16, &'static str, &'static str) {
        match self {
            ProblemCode::Malformed => (400, "malformed", "correct the field and send it again"),
            ProblemCode::Unauthenticated => (
                401,
                "unauthenticated",
                "send a key that counts, or log in anew and send the token, as Authorization: Bearer KEY",
            ),
            ProblemCode::SessionEnded => {
                (401, "session_ended", "log in anew, and send the same again with the new token")
            }
            ProblemCode::IdempotencyKeyMissing => (
                400,
                "idempotency_key_missing",
                "send an Idempotency-Key of your own, a new one for each request",
            ),
            ProblemCode::InProgress => (
                409,
                "in_progress",
                "send it again, with the same key, after a short wait: it is answered as the first one was",
            ),
            ProblemCode::NoSuchResource => {
                (404, "no_such_resource", "look at /docs/ or /openapi.json for what there is")
            }
            ProblemCode::MethodNotAllowed => {
                (405, "method_not_allowed", "use a method that the header Allow names")
            }
            ProblemCode::TooLarge => (413, "too_large", "send less at once"),
            ProblemCode::TooSlow => (408, "too_slow", "send it again, faster, with the same key"),
            ProblemCode::NotReady => {
                (503, "not_ready", "send it again, with the same key, after a short wait")
            }
            ProblemCode::Lapsed => (410, "lapsed", "begin anew, and look at what has changed meanwhile"),
            ProblemCode::TooMany => (409, "too_many", "remove some that are not needed, and send it again"),
            ProblemCode::UnknownWebhook => {
                (404, "unknown_webhook", "look at /v1/webhooks for those that there are")
            }
            ProblemCode::WrongPassword => {
                (401, "wrong_password", "give the account and its password as they are")
            }
            ProblemCode::TooManyTries => {
                (429, "too_many_tries", "wait as long as Retry-After says; a key of the account still counts")
            }
            ProblemCode::TooFast => (
                429,
                "too_fast",
                "wait as many seconds as retry_after says, and send it again with the same key",
            ),
            ProblemCode::TooLong => (409, "too_long", "read its entries page by page instead"),
            ProblemCode::DrawsOpen => (409, "draws_open", "ask again once nothing more is to be drawn"),
            ProblemCode::SnapshotFailed => (
                503,
                "snapshot_failed",
                "see to what the detail names, such as room on the device, and ask again",
            ),
            ProblemCode::Unreadable => (
                500,
                "unreadable",
                "tell whoever runs the server, whose log says where; a look changes nothing, and may be sent again once it is mended",
            ),
            ProblemCode::NoRoom => (
                503,
                "no_room",
                "tell whoever runs the server that its device is full, and send it again once there is room",
            ),
            ProblemCode::NotJson => (415, "not_json", "send Content-Type: application/json"),
        }
    }
}

/// A problem. Its copies are one in memory.
#[derive(Clone, Debug, JsonSchema, Serialize)]
#[serde(transparent)]
pub(in crate::server) struct Problem(Arc<ProblemBody>);

/// A problem as JSON.
#[derive(Clone, Debug, JsonSchema, Serialize)]
struct ProblemBody {
    /// What the code means, as a URN of ours.
    #[serde(rename = "type", serialize_with = "urn")]
    #[schemars(with = "String")]
    kind: &'static str,
    /// The code in words.
    #[serde(serialize_with = "words")]
    #[schemars(with = "String")]
    title: &'static str,
    status: u16,
    /// The field at fault.
    #[serde(skip_serializing_if = "str::is_empty")]
    field: Cow<'static, str>,
    /// What is wrong with it.
    detail: Cow<'static, str>,
    /// The stable code: branch on this.
    #[schemars(schema_with = "super::schema::codes")]
    code: &'static str,
    /// Whether the same request may succeed later as it stands.
    retryable: bool,
    /// Whether it certainly had no effect; where it did not, repeat it with the same key.
    definite: bool,
    /// What to do.
    advice: &'static str,
    /// How many seconds to wait before it may succeed; left out where it never will.
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after: Option<u32>,
}

fn urn<S: Serializer>(code: &str, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&format_args!("urn:hongbao:code:{code}"))
}

fn words<S: Serializer>(code: &str, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&code.replace('_', " "))
}

impl Problem {
    /// One of the door's own.
    pub(in crate::server) fn new(
        code: ProblemCode,
        field: &str,
        detail: impl Into<Cow<'static, str>>,
    ) -> Problem {
        // What the first one brings about is not known yet.
        let waits = code == ProblemCode::InProgress;
        let (status, code, advice) = code.parts();
        let retryable = waits || matches!(status, 408 | 429 | 503);
        let advice = of_field(field).unwrap_or(advice);
        let field = Cow::Owned(field.to_owned());
        Problem::of((status, code, advice), field, detail.into(), (retryable, !waits))
    }

    fn of(
        (status, code, advice): (u16, &'static str, &'static str),
        field: Cow<'static, str>,
        detail: Cow<'static, str>,
        (retryable, definite): (bool, bool),
    ) -> Problem {
        let detail = match (field.is_empty(), detail.is_empty()) {
            (_, true) => Cow::Borrowed(advice),
            (true, false) => detail,
            (false, false) => Cow::Owned(format!("{field} {detail}")),
        };
        let body = ProblemBody {
            kind: code,
            title: code,
            status,
            field,
            detail,
            code,
            retryable,
            definite,
            advice,
            retry_after: retryable.then_some(1),
        };
        Problem(Arc::new(body))
    }

    /// What could not be written for want of room; nothing was changed.
    pub(in crate::server) fn no_room(detail: &'static str) -> Problem {
        let wait = Duration::from_secs(STOPPED_RETRY_SECONDS.into());
        Problem::new(ProblemCode::NoRoom, "", detail).after(wait)
    }

    /// True where the other one is a copy of it.
    pub(in crate::server) fn is(&self, other: &Problem) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// The status of its response.
    pub(in crate::server) fn status(&self) -> u16 {
        self.0.status
    }

    /// Whether the same request may succeed later as it stands.
    pub(in crate::server) fn retryable(&self) -> bool {
        self.0.retryable
    }

    /// The same, which may succeed after so long.
    pub(in crate::server) fn after(mut self, wait: Duration) -> Problem {
        let seconds = wait.as_millis().div_ceil(1_000).max(1);
        Arc::make_mut(&mut self.0).retry_after = Some(u32::try_from(seconds).unwrap_or(u32::MAX));
        self
    }

    /// After how many seconds the same may succeed; none where it never will.
    pub(in crate::server) fn retry_after(&self) -> Option<u32> {
        self.0.retry_after
    }

    /// Whether it certainly had no effect.
    pub(in crate::server) fn definite(&self) -> bool {
        self.0.definite
    }

    /// What to do.
    pub(in crate::server) fn advice(&self) -> &'static str {
        self.0.advice
    }

    /// Its code, the field at fault, and what is wrong with it.
    pub(in crate::server) fn parts(&self) -> (&'static str, &str, &str) {
        (self.0.code, &self.0.field, &self.0.detail)
    }

    /// It in one line.
    pub(in crate::server) fn words(&self) -> String {
        format!("{}: {} ({})", self.0.code, self.0.detail, self.0.advice)
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Problem {
        let Refusal { code, field, detail, after_seconds } = refusal;
        let parts = (status(code), code.text(), advice(code, &field));
        let problem = Problem::of(parts, field, detail, (code.retryable(), code.definite()));
        match if code == Code::Stopped { STOPPED_RETRY_SECONDS } else { after_seconds } {
            0 => problem,
            seconds => problem.after(Duration::from_secs(seconds.into())),
        }
    }
}

/// What a client that knows only HTTP is to make of a code.
fn status(code: Code) -> u16 {
    match code {
        // What has its form and still cannot be: what has not is `malformed`, 400.
        Code::BadText
        | Code::BadValue
        | Code::Missing
        | Code::NotANumber
        | Code::NegativeAmount
        | Code::AmountNotPositive
        | Code::TooManyDecimals
        | Code::AmountTooLarge
        | Code::UnknownCurrency
        | Code::CurrencyMismatch
        | Code::IdReused
        | Code::OrderReused => 422,
        Code::NotAllowed => 403,
        Code::BadLink
        | Code::UnknownAccount
        | Code::UnknownOffering
        | Code::UnknownCertificate
        | Code::UnknownPaymentCertificate
        | Code::UnknownTransfer
        | Code::UnknownGift
        | Code::UnknownOrder
        | Code::UnknownMandate
        | Code::UnknownRequest => 404,
        Code::SequenceMismatch | Code::PriceAboveMax => 412,
        Code::Overloaded | Code::DayFull => 429,
        Code::OutcomeUnknown | Code::Stopped => 503,
        Code::Internal => 500,
        _ => 409,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_a_status_and_no_two_have_one_text() {
        let mut texts: Vec<&str> = Code::ALL.iter().map(|code| code.text()).collect();
        texts.extend(ProblemCode::ALL.iter().map(|code| code.text()));
        let all = texts.len();
        texts.sort_unstable();
        texts.dedup();
        assert_eq!(texts.len(), all);
        for code in Code::ALL {
            let status = status(*code);
            assert!((400..=503).contains(&status), "{code}");
            assert_eq!(code.retryable() && *code != Code::Settling, matches!(status, 429 | 503), "{code}");
        }
    }

    #[test]
    fn how_long_to_wait_is_told_by_what_is_waited_for() {
        let wait = |refusal: Refusal| Problem::from(refusal).retry_after();
        assert_eq!(wait(Refusal::of(Code::Overloaded)), Some(1));
        assert_eq!(wait(Refusal::of(Code::Stopped)), Some(STOPPED_RETRY_SECONDS));
        assert_eq!(
            wait(Refusal::new(Code::DayFull, "request_id", "is one too many").after(86_399_001)),
            Some(86_400)
        );
        assert_eq!(wait(Refusal::of(Code::SoldOut)), None);
        let full = Problem::from(Refusal::of(Code::DayFull));
        assert!(full.status() == 429 && full.retryable() && full.advice().contains("retry_after"));
    }

    #[test]
    fn a_refusal_keeps_its_field_its_reason_and_its_advice() {
        let refusal = Refusal::new(Code::BadValue, "items", "is 0: give 1 to 10");
        let problem = serde_json::to_value(Problem::from(refusal)).unwrap();
        assert_eq!(
            problem,
            serde_json::json!({
                "type": "urn:hongbao:code:bad_value",
                "title": "bad value",
                "status": 422,
                "field": "items",
                "detail": "items is 0: give 1 to 10",
                "code": "bad_value",
                "retryable": false,
                "definite": true,
                "advice": "give a value within the limit",
            })
        );
    }
}
