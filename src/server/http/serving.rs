//! What a worker serves with: requests for commands by the shortest way, everything else through actix-web's `App`.
//!
//! Of a request for a command its head is read when it comes, and then it is given back to actix, so that the next one stands in the
//! same memory, which is near. An `App` would keep each until it is answered, and make more of it than is needed here.

use std::rc::Rc;

use actix_http::body::BoxBody;
use actix_http::{Request, Response};
use actix_service::{Service, ServiceFactory, forward_ready};
use actix_web::Error;
use actix_web::dev::{AppConfig, ServiceResponse};
use actix_web::http::ConnectionType;
use futures_util::future::LocalBoxFuture;
use tracing::Instrument;

use super::gathering::Gathering;
use super::resources::{self, Head, Resource};
use super::router::{Params, Traced, command_at};

/// What a worker serves with, or what makes that for it.
pub(in crate::server) struct Serving<Rest> {
    gathering: Rc<Gathering>,
    rest: Rest,
}

impl<Rest> Serving<Rest> {
    /// Of a worker whose messages gather there, and that serves what is no command with something else.
    pub(in crate::server) fn new(gathering: Rc<Gathering>, rest: Rest) -> Serving<Rest> {
        Serving { gathering, rest }
    }
}

impl<Rest> ServiceFactory<Request> for Serving<Rest>
where
    Rest: ServiceFactory<Request, Config = AppConfig, Response = ServiceResponse, Error = Error, InitError = ()>,
    Rest::Service: 'static,
    Rest::Future: 'static,
    <Rest::Service as Service<Request>>::Future: 'static,
{
    type Response = Response<BoxBody>;
    type Error = Error;
    type Config = AppConfig;
    type Service = Serving<Rest::Service>;
    type InitError = ();
    type Future = LocalBoxFuture<'static, Result<Self::Service, ()>>;

    fn new_service(&self, config: AppConfig) -> Self::Future {
        let (gathering, rest) = (Rc::clone(&self.gathering), self.rest.new_service(config));
        Box::pin(async { Ok(Serving { gathering, rest: rest.await? }) })
    }
}

impl<Rest> Service<Request> for Serving<Rest>
where
    Rest: Service<Request, Response = ServiceResponse, Error = Error>,
    Rest::Future: 'static,
{
    type Response = Response<BoxBody>;
    type Error = Error;
    type Future = LocalBoxFuture<'static, Result<Response<BoxBody>, Error>>;

    forward_ready!(rest);

    fn call(&self, request: Request) -> Self::Future {
        if let Some((resource, params)) = command_at(request.method(), request.path()) {
            return Box::pin(command(&self.gathering, request, resource, params));
        }
        let answered = self.rest.call(request);
        Box::pin(async { Ok(answered.await?.into()) })
    }
}

/// Answers a request for a command, within its trace.
fn command(
    gathering: &Rc<Gathering>,
    mut request: Request,
    resource: &'static Resource,
    params: Params,
) -> impl Future<Output = Result<Response<BoxBody>, Error>> + use<> {
    let (traced, busy, gathering) = (Traced::of(request.head()), gathering.busy(), Rc::clone(gathering));
    let (method, ending) = (request.method().clone(), gathering.door().is_ending());
    let head = traced.span.in_scope(|| {
        let query = request.uri().query().unwrap_or_default();
        Head::read(gathering.door(), &request, query, params, resource)
    });
    let (payload, span) = (request.take_payload(), traced.span.clone());
    drop(request);
    async move {
        let mut response = resources::answered(&gathering, head, payload).instrument(span).await;
        if ending {
            response.head_mut().set_connection_type(ConnectionType::Close);
        }
        traced.answered(&method, &mut response);
        drop(busy);
        Ok(response.into())
    }
}
