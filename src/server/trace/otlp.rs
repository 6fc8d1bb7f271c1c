//! Sending traces to a collector, by OTLP over gRPC; only with the feature `otlp`.
//!
//! Spans wait in a queue of a bounded length and go in batches, from a thread of their own; where the collector does not take them
//! they are dropped and that is logged, and nobody waits. Absent on purpose: metrics and logs, which have ways of their own.

use std::cell::Cell;
use std::time::Duration;

use opentelemetry::trace::{
    SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState, TracerProvider,
};
use opentelemetry::{Context, KeyValue};
use opentelemetry_otlp::{ExporterBuildError, SpanExporter, WithExportConfig, WithTonicConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{IdGenerator, RandomIdGenerator, SdkTracerProvider};
use tokio::runtime::{Builder, Runtime};
use tonic::transport::ClientTlsConfig;
use tracing::Span;
use tracing_opentelemetry::{OpenTelemetryLayer, OpenTelemetrySpanExt};

use super::Trace;
use crate::limits::OTLP_MS_MAX;

thread_local! {
    /// The id of the trace that is begun on this thread right now.
    static BEGUN: Cell<Option<u128>> = const { Cell::new(None) };
}

/// Why traces cannot be sent.
#[derive(Debug, thiserror::Error)]
pub enum OtlpError {
    /// The machine gives no threads.
    #[error("traces cannot be sent: the machine refused: {0}")]
    Machine(#[from] std::io::Error),
    /// The address is none.
    #[error(
        "--otlp: traces cannot be sent there: {0}; give the collector's address, such as http://127.0.0.1:4317"
    )]
    Address(#[from] ExporterBuildError),
}

/// What sends traces, as long as this lives; what waits is sent when it is dropped.
pub struct Sending {
    provider: SdkTracerProvider,
    runtime: Option<Runtime>,
}

impl Drop for Sending {
    fn drop(&mut self) {
        if let Err(error) = self.provider.shutdown_with_timeout(Duration::from_millis(OTLP_MS_MAX)) {
            tracing::warn!(%error, "the last traces were not sent");
        }
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// A layer of the subscriber that sends all spans it is shown to a collector, and what sends them.
///
/// # Errors
/// Where the address is none, or the machine gives no threads.
pub fn layer<S>(
    url: &str,
) -> Result<(OpenTelemetryLayer<S, opentelemetry_sdk::trace::SdkTracer>, Sending), OtlpError>
where
    S: tracing::Subscriber + for<'span> tracing_subscriber::registry::LookupSpan<'span>,
{
    let runtime = Builder::new_multi_thread().worker_threads(1).thread_name("otlp").enable_all().build()?;
    // The channel to the collector lives on it.
    let entered = runtime.enter();
    let mut exporter = SpanExporter::builder()
        .with_tonic()
        .with_endpoint(url)
        .with_timeout(Duration::from_millis(OTLP_MS_MAX));
    if url.starts_with("https:") {
        exporter = exporter.with_tls_config(ClientTlsConfig::new().with_webpki_roots());
    }
    let provider = SdkTracerProvider::builder()
        .with_id_generator(Ids(RandomIdGenerator::default()))
        .with_resource(
            Resource::builder()
                .with_service_name("hongbao")
                .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
                .build(),
        )
        .with_batch_exporter(exporter.build()?)
        .build();
    drop(entered);
    let tracer = provider.tracer("hongbao");
    let layer = tracing_opentelemetry::layer().with_tracer(tracer).with_location(false).with_threads(false);
    Ok((layer, Sending { provider, runtime: Some(runtime) }))
}

/// Makes a span part of a trace, under the span of whoever sends.
pub(super) fn join(span: &Span, trace: &Trace) {
    if span.is_disabled() {
        return;
    }
    match trace.parent {
        Some(parent) => {
            let flags = if parent.sampled { TraceFlags::SAMPLED } else { TraceFlags::default() };
            let (id, sender) = (TraceId::from(trace.id), SpanId::from(parent.span));
            let sender = SpanContext::new(id, sender, flags, true, TraceState::default());
            // Nobody has begun it yet, and where no traces are sent there is nothing to do.
            let _ = span.set_parent(Context::new().with_remote_span_context(sender));
        }
        None => {
            BEGUN.set(Some(trace.id));
            // It begins here and now, and takes its id.
            let _ = span.context();
            BEGUN.set(None);
        }
    }
}

/// Ids of traces are those of the requests.
#[derive(Debug)]
struct Ids(RandomIdGenerator);

impl IdGenerator for Ids {
    fn new_trace_id(&self) -> TraceId {
        BEGUN.get().map_or_else(|| self.0.new_trace_id(), TraceId::from)
    }

    fn new_span_id(&self) -> SpanId {
        self.0.new_span_id()
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::net::TcpListener;
    use std::sync::{Arc, Mutex};
    use std::task::{Context, Poll};

    use prost::Message;
    use tonic::body::Body;
    use tonic::codegen::{BoxFuture, Service, http};
    use tonic::server::{Grpc, NamedService, UnaryService};
    use tonic::transport::Server;
    use tonic::transport::server::TcpIncoming;
    use tonic::{Request, Response, Status};
    use tonic_prost::ProstCodec;
    use tracing_subscriber::layer::SubscriberExt;
    use tracing_subscriber::registry;

    use super::*;

    /// What is sent, as far as it is looked at.
    #[derive(Clone, PartialEq, Message)]
    struct Export {
        #[prost(message, repeated, tag = "1")]
        resources: Vec<OfResource>,
    }

    #[derive(Clone, PartialEq, Message)]
    struct OfResource {
        #[prost(message, repeated, tag = "2")]
        scopes: Vec<OfScope>,
    }

    #[derive(Clone, PartialEq, Message)]
    struct OfScope {
        #[prost(message, repeated, tag = "2")]
        spans: Vec<Sent>,
    }

    #[derive(Clone, PartialEq, Message)]
    struct Sent {
        #[prost(bytes = "vec", tag = "1")]
        trace: Vec<u8>,
        #[prost(bytes = "vec", tag = "4")]
        parent: Vec<u8>,
        #[prost(string, tag = "5")]
        name: String,
    }

    /// What a collector says.
    #[derive(Clone, PartialEq, Message)]
    struct Taken {}

    /// A collector of traces, and what it has taken.
    #[derive(Clone, Default)]
    struct Collector(Arc<Mutex<Vec<Sent>>>);

    impl NamedService for Collector {
        const NAME: &'static str = "opentelemetry.proto.collector.trace.v1.TraceService";
    }

    impl Service<http::Request<Body>> for Collector {
        type Response = http::Response<Body>;
        type Error = Infallible;
        type Future = BoxFuture<http::Response<Body>, Infallible>;

        fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
            Poll::Ready(Ok(()))
        }

        fn call(&mut self, request: http::Request<Body>) -> Self::Future {
            let own = self.clone();
            Box::pin(async { Ok(Grpc::new(ProstCodec::default()).unary(own, request).await) })
        }
    }

    impl UnaryService<Export> for Collector {
        type Response = Taken;
        type Future = BoxFuture<Response<Taken>, Status>;

        fn call(&mut self, request: Request<Export>) -> Self::Future {
            let scopes = request.into_inner().resources.into_iter().flat_map(|resource| resource.scopes);
            self.0.lock().unwrap().extend(scopes.flat_map(|scope| scope.spans));
            Box::pin(async { Ok(Response::new(Taken {})) })
        }
    }

    #[test]
    fn a_collector_is_sent_each_request_under_the_id_of_its_trace_and_beneath_whoever_sent_it() {
        let (collector, runtime) = (Collector::default(), Runtime::new().unwrap());
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        listener.set_nonblocking(true).unwrap();
        let service = collector.clone();
        runtime.spawn(async {
            let incoming = TcpIncoming::from(tokio::net::TcpListener::from_std(listener).unwrap());
            Server::builder().add_service(service).serve_with_incoming(incoming).await.unwrap();
        });
        let (layer, sending) = layer(&url).unwrap();
        let said = Trace::of(Some("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"));
        let own = Trace::of(None);
        tracing::subscriber::with_default(registry().with(layer), || {
            for trace in [said, own] {
                drop(trace.span("http", "/livez"));
            }
        });
        // What waits is sent with its end.
        drop(sending);
        let taken = collector.0.lock().unwrap().clone();
        let of = |trace: &Trace, parent: &[u8]| Sent {
            trace: trace.id.to_be_bytes().to_vec(),
            parent: parent.to_vec(),
            name: "request".to_owned(),
        };
        assert_eq!(taken, [of(&said, &0x00f0_67aa_0ba9_02b7_u64.to_be_bytes()), of(&own, &[])]);
        runtime.shutdown_background();
    }
}
