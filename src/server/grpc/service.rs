//! The service Hongbao as tonic asks for it: which call a request is, and how each is read and written.
//!
//! What is made of `proto/hongbao.proto` would read batches as prost does. Absent on purpose: what a call does.

use std::convert::Infallible;

use tonic::body::Body;
use tonic::codegen::{self, BoxFuture, Context, Poll, StdError, http};
use tonic::server::{Grpc, NamedService, StreamingService, UnaryService};
use tonic::{Request, Response, Status, Streaming};
use tonic_prost::ProstCodec;

use super::codec::BatchCodec;
use super::forms::{ReadBatch, WrittenAnswers};
use super::{Answering, Service};
use crate::limits::BODY_BYTES_MAX;
use crate::proto;
use crate::proto::hongbao_server::SERVICE_NAME;

/// The service Hongbao.
#[derive(Clone)]
pub(super) struct Calls(pub(super) Service);

struct Submit(Service);

impl StreamingService<ReadBatch> for Submit {
    type Response = WrittenAnswers;
    type ResponseStream = Answering;
    type Future = BoxFuture<Response<Answering>, Status>;

    fn call(&mut self, request: Request<Streaming<ReadBatch>>) -> Self::Future {
        let service = self.0.clone();
        Box::pin(async move { service.submit(request) })
    }
}

struct Send(Service);

impl UnaryService<proto::Message> for Send {
    type Response = proto::Answer;
    type Future = BoxFuture<Response<proto::Answer>, Status>;

    fn call(&mut self, request: Request<proto::Message>) -> Self::Future {
        let service = self.0.clone();
        Box::pin(async move { service.send(request).await })
    }
}

impl<Sent> codegen::Service<http::Request<Sent>> for Calls
where
    Sent: codegen::Body + std::marker::Send + 'static,
    Sent::Error: Into<StdError> + std::marker::Send + 'static,
{
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<http::Response<Body>, Infallible>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Sent>) -> Self::Future {
        let service = self.0.clone();
        let call = request.uri().path().strip_prefix('/').and_then(|path| path.split_once('/'));
        match call {
            Some((SERVICE_NAME, "Submit")) => Box::pin(async move {
                let mut grpc =
                    Grpc::new(BatchCodec).apply_max_message_size_config(Some(BODY_BYTES_MAX), None);
                Ok(grpc.streaming(Submit(service), request).await)
            }),
            Some((SERVICE_NAME, "Send")) => Box::pin(async move {
                let codec: ProstCodec<proto::Answer, proto::Message> = ProstCodec::default();
                let mut grpc = Grpc::new(codec).apply_max_message_size_config(Some(BODY_BYTES_MAX), None);
                Ok(grpc.unary(Send(service), request).await)
            }),
            _ => Box::pin(async { Ok(Status::unimplemented("").into_http()) }),
        }
    }
}

impl NamedService for Calls {
    const NAME: &'static str = SERVICE_NAME;
}
