//! gRPC: the same messages as over HTTP, in streams of batches, for throughput.
//!
//! Absent on purpose: what a command or an answer says; that is `json`'s, and `forms` has the two ways between.

mod codec;
mod connections;
mod forms;
mod running;
mod service;

use std::pin::Pin;
use std::time::Instant;

use actix_web::web::Data;
use futures_util::{Stream, StreamExt};
use tonic::metadata::{MetadataMap, MetadataValue};
use tonic::{Code as StatusCode, Request, Response, Status, Streaming};
use tracing::{Instrument, Span};

use super::batch::{Batch, Outcome, Sent};
use super::door::{Busy, Door, ReadMessage, within};
use super::identity::Who;
use super::json::Problem;
use super::metrics::Way;
use super::trace::{TRACE_ID, TRACEPARENT, Trace};
use crate::limits::STREAM_BATCHES_MAX;
use crate::proto;
use crate::proto::sessions_server::Sessions;
use forms::{ReadBatch, WrittenAnswers};

#[cfg(test)]
pub(super) use forms::parsed;
pub(super) use running::{Running, start};

/// Both services.
#[derive(Clone)]
struct Service {
    door: Data<Door>,
}

type Answering = Pin<Box<dyn Stream<Item = Result<WrittenAnswers, Status>> + Send>>;

impl Service {
    fn submit(&self, request: Request<Streaming<ReadBatch>>) -> Result<Response<Answering>, Status> {
        let trace = trace(request.metadata());
        let span = trace.span("grpc", "Submit");
        let begun = span.in_scope(|| self.begun(request, &span));
        answered(begun, &trace, &span)
    }

    async fn send(&self, request: Request<proto::Message>) -> Result<Response<proto::Answer>, Status> {
        let trace = trace(request.metadata());
        let span = trace.span("grpc", "Send");
        let sent = self.sent(request).instrument(span.clone()).await;
        answered(sent, &trace, &span)
    }
}

#[tonic::async_trait]
impl Sessions for Service {
    async fn log_in(
        &self,
        request: Request<proto::Credentials>,
    ) -> Result<Response<proto::LoggedIn>, Status> {
        let trace = trace(request.metadata());
        let span = trace.span("grpc", "LogIn");
        let begun = self.logged_in(request).instrument(span.clone()).await;
        answered(Ok(Response::new(begun)), &trace, &span)
    }
}

impl Service {
    fn begun(
        &self,
        request: Request<Streaming<ReadBatch>>,
        span: &Span,
    ) -> Result<Response<Answering>, Status> {
        let authorization = authorization(request.metadata());
        self.door.engine().map_err(|problem| status(&problem))?;
        let (door, ending) = (Data::clone(&self.door), Data::clone(&self.door));
        let end = async move { ending.until_ending().await };
        let batches = request.into_inner().take_until(Box::pin(end));
        // A batch is sent when it is taken, so they are sent in their order; and none is taken while so many wait.
        let span = span.clone();
        let answers = batches.map(move |batch| {
            let begun = span.in_scope(|| begin(&door, authorization.as_deref(), batch, forms::answers));
            begun.instrument(span.clone())
        });
        Ok(Response::new(Box::pin(answers.buffered(STREAM_BATCHES_MAX))))
    }

    async fn sent(&self, request: Request<proto::Message>) -> Result<Response<proto::Answer>, Status> {
        let authorization = authorization(request.metadata());
        let messages = Ok(vec![forms::message(request.into_inner())]);
        let only = |_, outcomes: Result<Vec<Outcome>, Problem>| match outcomes {
            Ok(outcomes) => outcomes.into_iter().next(),
            Err(problem) => Some(Outcome::refused(problem)),
        };
        let batch = Ok(ReadBatch { id: 0, messages });
        let outcome = begin(&self.door, authorization.as_deref(), batch, only).await?;
        let outcome = outcome.ok_or_else(|| Status::internal("there is no answer"))?;
        Ok(Response::new(forms::answer(outcome)))
    }

    async fn logged_in(&self, request: Request<proto::Credentials>) -> proto::LoggedIn {
        use proto::logged_in::Outcome;
        let _busy = Busy::at(&self.door);
        let begun = match forms::credentials(request.into_inner()) {
            Ok((account, password)) => within(self.door.identity().log_in(account, password)).await,
            Err(problem) => Err(problem),
        };
        self.door.count("log_in", begun.as_ref().map(|_| ()));
        let outcome = match begun {
            Ok(session) => Outcome::Session(forms::session(session)),
            Err(problem) => Outcome::Problem(forms::problem(&problem)),
        };
        proto::LoggedIn { outcome: Some(outcome) }
    }
}

/// The trace of a call, which it may say once.
fn trace(metadata: &MetadataMap) -> Trace {
    let mut all = metadata.get_all(TRACEPARENT).iter();
    let only = all.next().filter(|_| all.next().is_none());
    Trace::of(only.and_then(|value| value.to_str().ok()))
}

/// An answer, or what ends the call, with the trace.
fn answered<T>(
    answered: Result<Response<T>, Status>,
    trace: &Trace,
    span: &Span,
) -> Result<Response<T>, Status> {
    let code = answered.as_ref().map_or_else(Status::code, |_| StatusCode::Ok);
    span.in_scope(|| {
        tracing::info!(?code, "answered");
        if code == StatusCode::Internal {
            trace.tell(|| tracing::error!("a call met an error of the engine's own"));
        }
    });
    let Ok(text) = MetadataValue::try_from(&trace.text()[..]) else { return answered };
    match answered {
        Ok(mut response) => {
            response.metadata_mut().insert(TRACE_ID, text);
            Ok(response)
        }
        Err(mut status) => {
            status.metadata_mut().insert(TRACE_ID, text);
            Err(status)
        }
    }
}

/// Sends a batch; what it gives waits for the answers, as they are written. Who sends it is judged anew for each.
fn begin<Written, Write: FnOnce(u64, Result<Vec<Outcome>, Problem>) -> Written>(
    door: &Data<Door>,
    authorization: Option<&str>,
    batch: Result<ReadBatch, Status>,
    write: Write,
) -> impl Future<Output = Result<Written, Status>> + use<Written, Write> {
    let (busy, door, arrived) = (Busy::at(door), Data::clone(door), Instant::now());
    let begun = batch.and_then(|ReadBatch { id, messages }| {
        let who = door.who(authorization).map_err(|problem| status(&problem))?;
        Ok((id, sent(&door, &who, messages)))
    });
    async move {
        let (id, sent) = begun?;
        let outcomes = match sent {
            Ok(sent) => {
                let engine = door.engine().map_err(|problem| status(&problem))?;
                Ok(sent.answers(&door, engine).await)
            }
            Err(problem) => Err(problem),
        };
        let written = write(id, outcomes);
        door.took(Way::Grpc, arrived);
        drop(busy);
        Ok(written)
    }
}

fn sent(
    door: &Door,
    who: &Who,
    messages: Result<Vec<Result<ReadMessage, Problem>>, Problem>,
) -> Result<Sent, Problem> {
    let (engine, messages) = (door.engine()?, messages?);
    let mut batch = Batch::of(messages.len())?;
    for read in messages {
        batch.add(read.and_then(|read| door.message(engine, who, read)));
    }
    Ok(batch.send(door, engine))
}

/// What a call says of its key, where it says it once.
fn authorization(metadata: &MetadataMap) -> Option<String> {
    let mut all = metadata.get_all("authorization").iter();
    let only = all.next().filter(|_| all.next().is_none());
    only.and_then(|value| value.to_str().ok()).map(str::to_owned)
}

/// Turns away whoever has no key that counts, before a message is read.
fn with_a_key(door: &Door, request: Request<()>) -> Result<Request<()>, Status> {
    let authorization = authorization(request.metadata());
    let Err(problem) = door.role(authorization.as_deref()) else { return Ok(request) };
    let trace = trace(request.metadata());
    let turned_away = answered::<()>(Err(status(&problem)), &trace, &trace.span("grpc", "without a key"));
    Err(turned_away.err().unwrap_or_else(|| status(&problem)))
}

/// What ends a call as a whole.
fn status(problem: &Problem) -> Status {
    let code = match problem.status() {
        401 => StatusCode::Unauthenticated,
        403 => StatusCode::PermissionDenied,
        429 | 503 => StatusCode::Unavailable,
        _ => StatusCode::InvalidArgument,
    };
    Status::new(code, problem.words())
}
