//! `GET /v1/events`: the feed as server-sent events.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use actix_web::http::Method;
use actix_web::http::header::HeaderName;
use actix_web::web::{Bytes, Data};
use actix_web::{HttpRequest, HttpResponse, rt, web};
use futures_util::stream;
use schemars::JsonSchema;
use serde::Deserialize;

use super::head::{authorization, header, on_behalf_of, role};
use super::platform::read_query;
use super::reply::{problem_response, response};
use crate::domain::{ActorNumber, Code, Refusal};
use crate::limits::{FEED_ALIVE_MS, FEED_LOOKED_AT_MS};
use crate::server::door::Door;
use crate::server::feed::{EventBody, Known, Wanted, wrong_types};
use crate::server::identity::rights;
use crate::server::json::{Problem, ProblemCode};
use crate::server::places::Place;
use crate::server::trace::Trace;
use crate::{EventId, Feed, FeedError, FeedEvent};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct EventsQuery {
    /// The id behind which to go on, or 0 for the oldest that is kept; left out, from now on. The header Last-Event-ID says the
    /// same, and counts before it.
    #[schemars(regex(pattern = r"^(0|[0-9]{1,18}\.[0-9]{1,10})$"))]
    after: Option<String>,
    /// Only of these types, with commas between.
    types: Option<String>,
    /// Only of subjects that begin so.
    subject: Option<String>,
}

/// The handler.
pub(super) async fn get(door: Data<Door>, request: HttpRequest, trace: Trace) -> HttpResponse {
    let (feed, wanted, own) = match begun(&door, &request, &trace) {
        Ok(begun) => begun,
        Err(problem) => return problem_response(&problem),
    };
    if *request.method() == Method::HEAD {
        return HttpResponse::Ok().content_type("text/event-stream").finish();
    }
    let authorization = authorization(&request).unwrap_or_default().to_owned();
    let listening = match door.listeners().take(wanted.account.clone()) {
        Ok(listening) => listening,
        Err(problem) => return response::<()>(Err(problem)),
    };
    let listener = Listener {
        door,
        authorization,
        feed: Some(feed),
        wanted,
        own,
        known: Known::default(),
        waiting: VecDeque::new(),
        told_at: Instant::now(),
        trace,
        _listening: listening,
    };
    HttpResponse::Ok()
        .content_type("text/event-stream")
        .insert_header(("Cache-Control", "no-store"))
        .insert_header(("X-Accel-Buffering", "no"))
        .streaming(stream::unfold(listener, |mut listener| async move {
            let next = listener.next().await?;
            Some((Ok::<Bytes, actix_web::Error>(next), listener))
        }))
}

type Begun = (Feed, Wanted, Option<ActorNumber>);

fn begun(door: &Door, request: &HttpRequest, trace: &Trace) -> Result<Begun, Problem> {
    let role = role(door, request)?;
    door.identity().pace(&role)?;
    let on_behalf_of = on_behalf_of(request)?;
    rights::caller(&role, on_behalf_of.clone())?;
    let engine = door.engine()?;
    let asked: EventsQuery = read_query(request)?;
    let wrong = |field: &str, detail: String| Problem::new(ProblemCode::Malformed, field, detail);
    static HEADER: HeaderName = HeaderName::from_static("last-event-id");
    let last = header(request, &HEADER, "Last-Event-ID")?.filter(|last| !last.is_empty()).map(str::to_owned);
    let field = if last.is_some() { "Last-Event-ID" } else { "after" };
    let after = last
        .or(asked.after)
        .map(|text| text.parse::<EventId>().map_err(|error| wrong(field, error.to_string())));
    let types: Vec<String> =
        asked.types.iter().flat_map(|types| types.split(',')).map(str::to_owned).collect();
    if let Some(why) = wrong_types(&types) {
        return Err(wrong("types", why));
    }
    let wanted =
        Wanted { types, subject: asked.subject.unwrap_or_default(), account: on_behalf_of }.for_role(&role);
    let own = match &wanted.account {
        Some(account) => Some(engine.number_of(account).ok_or_else(|| {
            Problem::from(Refusal::new(Code::UnknownAccount, "account", format!("{account} is not open")))
        })?),
        None => None,
    };
    let feed = engine.feed(after.transpose()?).map_err(|error| problem(&error, trace))?;
    Ok((feed, wanted, own))
}

fn problem(error: &FeedError, trace: &Trace) -> Problem {
    match error {
        FeedError::Lapsed { .. } => Problem::new(ProblemCode::Lapsed, "", error.to_string()),
        FeedError::Ahead { .. } => Problem::new(ProblemCode::Malformed, "after", error.to_string()),
        FeedError::Journal(error) => {
            trace.tell(|| tracing::error!(%error, "the feed cannot be read"));
            Problem::new(
                ProblemCode::Unreadable,
                "",
                "the journal cannot be read where the next events stand",
            )
        }
    }
}

struct Listener {
    door: Data<Door>,
    authorization: String,
    /// None once it has ended.
    feed: Option<Feed>,
    wanted: Wanted,
    own: Option<ActorNumber>,
    known: Known,
    waiting: VecDeque<FeedEvent>,
    told_at: Instant,
    trace: Trace,
    _listening: Place,
}

impl Listener {
    /// What is sent next; none at the end.
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            // A key that was revoked meanwhile hears nothing more.
            if self.door.is_ending() || self.door.role(Some(&self.authorization)).is_err() {
                return None;
            }
            if let Some(event) = self.waiting.pop_front() {
                match self.told(event).await {
                    Ok(Some(text)) => {
                        self.told_at = Instant::now();
                        return Some(text);
                    }
                    Ok(None) => continue,
                    Err(()) => return None,
                }
            }
            let mut feed = self.feed.take()?;
            let read = web::block(move || (feed.read(), feed)).await;
            match read {
                Ok((Ok(events), feed)) => {
                    self.feed = Some(feed);
                    self.waiting.extend(events);
                }
                Ok((Err(error), _)) => return Some(last_words(&problem(&error, &self.trace))),
                Err(_) => return None,
            }
            let more = self.feed.as_ref().is_some_and(Feed::has_more);
            if self.waiting.is_empty() && !more {
                if self.told_at.elapsed() >= Duration::from_millis(FEED_ALIVE_MS) {
                    self.told_at = Instant::now();
                    // The id moves on with what was passed over, so that whoever goes on behind it has not lapsed.
                    let passed = self.feed.as_ref().map(Feed::passed)?;
                    return Some(Bytes::from(format!("id: {passed}\n\n")));
                }
                rt::time::sleep(Duration::from_millis(FEED_LOOKED_AT_MS)).await;
            }
        }
    }

    /// An event as text, where it is wanted; an error where the engine has gone.
    async fn told(&mut self, event: FeedEvent) -> Result<Option<Bytes>, ()> {
        let engine = self.door.engine().map_err(drop)?;
        let (body, concerned) = loop {
            match EventBody::of(engine, &mut self.known, event.clone()).await {
                Ok(told) => break told,
                // Nothing is left out because the engine was busy.
                Err(refusal) if refusal.code == Code::Overloaded => {
                    rt::time::sleep(Duration::from_millis(FEED_LOOKED_AT_MS)).await;
                }
                // The engine has ended: whoever listens goes on behind the last id once it is there again.
                Err(refusal) if refusal.code.retryable() => return Err(()),
                // A bug of ours; one event is not to keep all that follow.
                Err(refusal) => {
                    let told = || tracing::error!(%refusal, id = %event.id, "an event cannot be told");
                    self.trace.tell(told);
                    return Ok(None);
                }
            }
        };
        if !self.wanted.has(&body, &concerned, self.own) {
            return Ok(None);
        }
        let json = serde_json::to_string(&body).map_err(drop)?;
        Ok(Some(Bytes::from(format!("id: {}\nevent: {}\ndata: {json}\n\n", body.id, body.kind))))
    }
}

/// Why the stream ends, as its last event.
fn last_words(problem: &Problem) -> Bytes {
    let json = serde_json::to_string(problem).unwrap_or_default();
    Bytes::from(format!("event: problem\ndata: {json}\n\n"))
}
