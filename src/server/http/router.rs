//! Which handler a request is for: one look into a tree of all paths.

use std::sync::OnceLock;
use std::time::Instant;

use actix_web::dev::RequestHead;
use actix_web::http::header::{HeaderName, HeaderValue, IF_MATCH};
use actix_web::http::{ConnectionType, Method as HttpMethod};
use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use matchit::Router;
use percent_encoding::percent_decode_str;
use tracing::{Instrument, Level, Span};

use super::gathering::gathering;
use super::reply::{problem_response, response};
use super::resources::{self, Head, Method, RESOURCES, Resource};
use super::{
    description, events, history, live, messages, metrics, page, passwords, platform, ready, snapshots,
    webhooks,
};
use crate::server::door::{Busy, Door};
use crate::server::json::{Problem, ProblemCode};
use crate::server::trace::{TRACE_ID, TRACEPARENT, Trace};

/// What is done with a request.
#[derive(Clone, Copy)]
enum Handler {
    Command(&'static Resource),
    Live,
    Ready,
    Description,
    Docs,
    DocsFile,
    Messages,
    Metrics,
    Events,
    Snapshots,
    Platform,
    PrivatePage,
    Link,
    Webhooks,
    NewWebhook,
    RemoveWebhook,
    LogIn,
    SetPassword,
    RemovePassword,
    Entries,
    CertificateEntries,
    Receipt,
}

/// What there is at a path.
#[derive(Default)]
struct Handlers {
    get: Option<Handler>,
    post: Option<Handler>,
}

/// What stands in the braces of a path, in its order.
pub(super) type Params = Vec<(&'static str, String)>;

/// What there is beside the commands.
const OTHERS: [(Method, &str, Handler); 21] = [
    (Method::Get, "/livez", Handler::Live),
    (Method::Get, "/readyz", Handler::Ready),
    (Method::Get, "/metrics", Handler::Metrics),
    (Method::Get, "/openapi.json", Handler::Description),
    (Method::Get, "/docs", Handler::Docs),
    (Method::Get, "/docs/{*file}", Handler::DocsFile),
    (Method::Post, "/v1/messages", Handler::Messages),
    (Method::Get, "/v1/events", Handler::Events),
    (Method::Post, "/v1/snapshots", Handler::Snapshots),
    (Method::Get, "/v1/platform", Handler::Platform),
    (Method::Get, "/v1/accounts/{account}/page", Handler::PrivatePage),
    (Method::Get, "/v1/links/{link}", Handler::Link),
    (Method::Get, "/v1/webhooks", Handler::Webhooks),
    (Method::Post, "/v1/webhooks", Handler::NewWebhook),
    (Method::Post, "/v1/webhooks/{webhook}/remove", Handler::RemoveWebhook),
    (Method::Post, "/v1/sessions", Handler::LogIn),
    (Method::Post, "/v1/accounts/{account}/password", Handler::SetPassword),
    (Method::Post, "/v1/accounts/{account}/password/remove", Handler::RemovePassword),
    (Method::Get, "/v1/accounts/{account}/entries", Handler::Entries),
    (Method::Get, "/v1/offerings/{offering}/certificates/{serial}/entries", Handler::CertificateEntries),
    (Method::Get, "/v1/offerings/{offering}/certificates/{serial}/receipt", Handler::Receipt),
];

fn router() -> &'static Router<Handlers> {
    static ROUTER: OnceLock<Router<Handlers>> = OnceLock::new();
    ROUTER.get_or_init(|| {
        let own = RESOURCES.iter().map(|resource| (resource.0, resource.1, Handler::Command(resource)));
        let all: Vec<(Method, &str, Handler)> = own.chain(OTHERS).collect();
        let mut router = Router::new();
        for (_, path, _) in &all {
            let at = |method| {
                all.iter().find(|(own, other, _)| (*own, other) == (method, path)).map(|found| found.2)
            };
            let handlers = Handlers { get: at(Method::Get), post: at(Method::Post) };
            // A path that has two methods is there after the first.
            let _ = router.insert(*path, handlers);
        }
        // The page itself, which no file is named for.
        let _ = router.insert("/docs/", Handlers { get: Some(Handler::DocsFile), post: None });
        router
    })
}

/// The command that a request is for, and what stands in its path; none where it is for something else, or its path is wrong.
pub(super) fn command_at(method: &HttpMethod, path: &str) -> Option<(&'static Resource, Params)> {
    let found = router().at(path).ok()?;
    let Some(Handler::Command(resource)) = handler(found.value, method) else { return None };
    let params = found.params.iter().map(param).collect::<Result<Params, Problem>>().ok()?;
    let whole = params.iter().all(|(_, text)| !text.is_empty());
    whole.then_some((resource, params))
}

fn handler(there: &Handlers, method: &HttpMethod) -> Option<Handler> {
    match *method {
        HttpMethod::GET | HttpMethod::HEAD => there.get,
        HttpMethod::POST => there.post,
        _ => None,
    }
}

/// What is told of a request, and goes back with its response.
pub(super) struct Traced {
    pub(super) trace: Trace,
    pub(super) span: Span,
    begun: Option<Instant>,
}

impl Traced {
    /// Of a request that has come.
    pub(super) fn of(head: &RequestHead) -> Traced {
        static SAID: HeaderName = HeaderName::from_static(TRACEPARENT);
        let mut said = head.headers.get_all(&SAID);
        let only = said.next().filter(|_| said.next().is_none());
        let trace = Trace::of(only.and_then(|value| value.to_str().ok()));
        let span = trace.span("http", head.uri.path());
        let begun = tracing::enabled!(Level::INFO).then(Instant::now);
        Traced { trace, span, begun }
    }

    /// Tells that it is answered, and gives the trace back.
    pub(super) fn answered(self, method: &HttpMethod, response: &mut HttpResponse) {
        static GIVEN: HeaderName = HeaderName::from_static(TRACE_ID);
        let Traced { trace, span, begun } = self;
        span.in_scope(|| {
            let status = response.status().as_u16();
            if let Some(begun) = begun {
                let microseconds = u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX);
                tracing::info!(%method, status, microseconds, "answered");
            }
            if status == 500 {
                trace.tell(|| tracing::error!(%method, status, "a request met an error of the engine's own"));
            }
        });
        if let Ok(text) = HeaderValue::from_bytes(&trace.text()) {
            response.headers_mut().insert(GIVEN.clone(), text);
        }
    }
}

/// Answers a request that is for something else than a command, or wrong, within its trace.
pub(in crate::server) async fn dispatch(
    door: Data<Door>,
    request: HttpRequest,
    payload: Payload,
) -> HttpResponse {
    let (traced, method) = (Traced::of(request.head()), request.method().clone());
    let (trace, span) = (traced.trace, traced.span.clone());
    let mut response = handed_over(door, request, payload, trace).instrument(span).await;
    traced.answered(&method, &mut response);
    response
}

/// Hands a request to its handler.
async fn handed_over(door: Data<Door>, request: HttpRequest, payload: Payload, trace: Trace) -> HttpResponse {
    let Ok(found) = router().at(request.uri().path()) else { return no_such_resource(&request) };
    let Some(handler) = handler(found.value, request.method()) else { return not_allowed(found.value) };
    let params = match found.params.iter().map(param).collect::<Result<Params, Problem>>() {
        Ok(params) => params,
        Err(problem) => return problem_response(&problem),
    };
    if params.iter().any(|(_, text)| text.is_empty()) {
        return no_such_resource(&request);
    }
    if let Err(problem) = plain(handler, &request) {
        return problem_response(&problem);
    }
    // Whoever is told without end is not waited for at the end.
    let _busy = (!matches!(handler, Handler::Events)).then(|| Busy::at(&door));
    let ending = door.is_ending();
    let mut response = Box::pin(handled(handler, door, request, payload, params, trace)).await;
    if ending {
        response.head_mut().set_connection_type(ConnectionType::Close);
    }
    response
}

async fn handled(
    handler: Handler,
    door: Data<Door>,
    request: HttpRequest,
    payload: Payload,
    params: Params,
    trace: Trace,
) -> HttpResponse {
    let only = || params.first().map(|(_, text)| text.as_str()).unwrap_or_default();
    match handler {
        Handler::Command(resource) => {
            let head = Head::read(&door, &request, request.query_string(), params, resource);
            match gathering(&request) {
                Ok(gathering) => resources::answered(gathering, head, payload.into_inner()).await,
                Err(problem) => problem_response(&problem),
            }
        }
        Handler::Live => live(),
        Handler::Ready => ready(&door),
        Handler::Metrics => metrics(&door, &request),
        Handler::Description => description(),
        Handler::Docs => page::there(),
        Handler::DocsFile => page::show(&request, only()),
        Handler::Messages => messages::post(door, request, payload).await,
        Handler::Events => events::get(door, request, trace).await,
        Handler::Snapshots => snapshots::post(&door, &request, payload).await,
        Handler::Platform => platform::search(door, request).await,
        Handler::PrivatePage => platform::private(door, request, only()).await,
        Handler::Link => platform::link(door, request, only()).await,
        Handler::Webhooks => webhooks::list(door, request).await,
        Handler::NewWebhook => webhooks::create(door, request, payload).await,
        Handler::RemoveWebhook => webhooks::remove(door, request, only()).await,
        Handler::LogIn => passwords::log_in(&door, &request, payload).await,
        Handler::SetPassword => passwords::set(&door, &request, payload, only()).await,
        Handler::RemovePassword => passwords::remove(&door, &request, payload, only()).await,
        Handler::Entries => history::of_account(door, request, params).await,
        Handler::CertificateEntries => history::of_certificate(door, request, params).await,
        Handler::Receipt => history::receipt(door, request, params).await,
    }
}

/// Refuses a query or a condition where nobody would look at it.
///
/// # Errors
/// `malformed`.
fn plain(handler: Handler, request: &HttpRequest) -> Result<(), Problem> {
    let wrong = |field, detail| Err(Problem::new(ProblemCode::Malformed, field, detail));
    let condition = request.headers().contains_key(IF_MATCH);
    match handler {
        Handler::Messages if condition => {
            wrong("If-Match", "is a header here: say if_sequence in each message")
        }
        Handler::Messages if !request.query_string().is_empty() => {
            wrong("query", "is none here: say show in each message")
        }
        Handler::Messages
        | Handler::LogIn
        | Handler::SetPassword
        | Handler::RemovePassword
        | Handler::Webhooks
        | Handler::NewWebhook
        | Handler::RemoveWebhook
        | Handler::Snapshots
        | Handler::Link
        | Handler::Receipt => {
            if !request.query_string().is_empty() {
                return wrong("query", "is none here: leave it out");
            }
            if condition { wrong("If-Match", "does not go with this: leave it out") } else { Ok(()) }
        }
        _ => Ok(()),
    }
}

/// What stands for bytes that are no text is refused: they would be replaced, and two paths be one.
fn param((name, encoded): (&'static str, &str)) -> Result<(&'static str, String), Problem> {
    let wrong = |_| Problem::new(ProblemCode::Malformed, "path", "stands for bytes that are no UTF-8");
    let text = percent_decode_str(encoded).decode_utf8().map_err(wrong)?;
    Ok((name, text.into_owned()))
}

/// The response where there is nothing.
pub(super) fn no_such_resource(request: &HttpRequest) -> HttpResponse {
    let path: String = request.path().chars().take(200).collect();
    let detail = format!("there is nothing at {path}");
    response::<()>(Err(Problem::new(ProblemCode::NoSuchResource, "", detail)))
}

/// The response to a method that a resource does not have. Whoever may `GET` may `HEAD`.
fn not_allowed(handlers: &Handlers) -> HttpResponse {
    let get = handlers.get.map(|_| "GET, HEAD");
    let allow = get.into_iter().chain(handlers.post.map(|_| "POST")).collect::<Vec<_>>().join(", ");
    let problem = Problem::new(ProblemCode::MethodNotAllowed, "", format!("this resource has {allow}"));
    let mut refused = response::<()>(Err(problem));
    if let Ok(allow) = allow.parse() {
        refused.headers_mut().insert(actix_web::http::header::ALLOW, allow);
    }
    refused
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_path_leads_to_its_handler() {
        for resource in RESOURCES {
            let path = resource.1.replace(['{', '}'], "");
            let found = router().at(&path).unwrap();
            let handler = match resource.0 {
                Method::Get => found.value.get,
                Method::Post => found.value.post,
            };
            let Some(Handler::Command(there)) = handler else { panic!("{path}") };
            assert_eq!(*there, *resource);
            let names: Vec<&str> = resource.1.split(['{', '}']).skip(1).step_by(2).collect();
            assert_eq!(found.params.iter().map(|(name, _)| name).collect::<Vec<_>>(), names, "{path}");
        }
        for (_, path, _) in OTHERS {
            assert!(router().at(&path.replace(['{', '}', '*'], "")).is_ok(), "{path}");
        }
        assert!(router().at("/docs/").is_ok() && router().at("/").is_err());
    }
}
