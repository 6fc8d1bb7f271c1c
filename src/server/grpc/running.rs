//! A gRPC server on threads of its own.

use std::net::{SocketAddr, TcpListener};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use actix_web::web::Data;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::server::TcpIncoming;
use tonic::transport::{Identity, Server, ServerTlsConfig};
use tonic_health::ServingStatus;
use tonic_health::server::HealthReporter;

use super::connections::limited;
use super::service::Calls;
use super::{Service, with_a_key};
use crate::limits::{
    ANSWER_MS_MAX, BODY_MS_MAX, DRAIN_FLUSH_MS, KEPT_ALIVE_MS, LOG_IN_BODY_BYTES_MAX, READY_LOOKED_AT_MS,
    STREAMS_MAX,
};
use crate::proto::{DESCRIPTION, sessions_server::SessionsServer};
use crate::server::door::Door;

/// A server that runs until the door says that it is to end.
pub(in crate::server) struct Running {
    thread: JoinHandle<()>,
    address: SocketAddr,
}

impl Running {
    /// Where it listens.
    pub(in crate::server) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Waits until it has ended.
    pub(in crate::server) fn wait(self) {
        if self.thread.join().is_err() {
            tracing::error!("the gRPC server ended by a panic");
        }
    }
}

/// Starts a server at an address.
///
/// # Errors
/// Where it cannot listen there, or the machine gives no threads.
pub(in crate::server) fn start(
    listener: TcpListener,
    connections: usize,
    tls: Option<Identity>,
    door: Data<Door>,
) -> std::io::Result<Running> {
    let address = listener.local_addr()?;
    listener.set_nonblocking(true)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().thread_name("grpc").enable_all().build()?;
    let run = move || runtime.block_on(serve(listener, connections, tls, door));
    let thread = thread::Builder::new().name("grpc".to_owned()).spawn(run)?;
    Ok(Running { thread, address })
}

async fn serve(listener: TcpListener, connections: usize, tls: Option<Identity>, door: Data<Door>) {
    let (reporter, health) = tonic_health::server::health_reporter();
    let watched = tokio::spawn(watch_readiness(reporter, Data::clone(&door)));
    let service = Service { door: Data::clone(&door) };
    let sessions = SessionsServer::new(service.clone()).max_decoding_message_size(LOG_IN_BODY_BYTES_MAX);
    let own = Data::clone(&door);
    let service = InterceptedService::new(Calls(service), move |request| with_a_key(&own, request));
    let description = tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(DESCRIPTION)
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
        .build_v1();
    let incoming = tokio::net::TcpListener::from_std(listener).map(TcpIncoming::from);
    let (description, incoming) = match (description, incoming) {
        (Ok(description), Ok(incoming)) => {
            (description, limited(incoming.with_nodelay(Some(true)), connections, Data::clone(&door)))
        }
        (Err(error), _) => return tracing::error!(%error, "the gRPC server has no description"),
        (_, Err(error)) => return tracing::error!(%error, "the gRPC server cannot listen"),
    };
    let alive = Duration::from_millis(KEPT_ALIVE_MS);
    let mut builder = Server::builder();
    if let Some(identity) = tls {
        builder = match builder.tls_config(ServerTlsConfig::new().identity(identity)) {
            Ok(builder) => builder,
            Err(error) => return tracing::error!(%error, "gRPC cannot begin with TLS"),
        };
    }
    let served = builder
        .http2_keepalive_interval(Some(alive))
        .http2_keepalive_timeout(Some(alive))
        .max_concurrent_streams(STREAMS_MAX)
        // A message has so long to come, and an answer; a stream's answers are not meant.
        .timeout(Duration::from_millis(BODY_MS_MAX + ANSWER_MS_MAX))
        .add_service(service)
        .add_service(sessions)
        .add_service(health)
        .add_service(description)
        .serve_with_incoming_shutdown(incoming, door.until_ending());
    // Connections that say nothing, and calls that only listen, are not waited for.
    let enough = async {
        door.until_ending().await;
        door.until_quiet().await;
        tokio::time::sleep(Duration::from_millis(DRAIN_FLUSH_MS)).await;
        Ok(())
    };
    let served = tokio::select! {
        served = served => served,
        enough = enough => enough,
    };
    watched.abort();
    if let Err(error) = served {
        tracing::error!(%error, "the gRPC server failed");
    }
}

/// Reports whether messages are taken.
async fn watch_readiness(reporter: HealthReporter, door: Data<Door>) {
    let mut told = None;
    loop {
        let ready = door.engine().is_ok_and(|engine| engine.fault().is_none());
        if told != Some(ready) {
            let status = if ready { ServingStatus::Serving } else { ServingStatus::NotServing };
            reporter.set_service_status("", status).await;
            reporter.set_service_status("hongbao.v1.Hongbao", status).await;
            told = Some(ready);
        }
        tokio::time::sleep(Duration::from_millis(READY_LOOKED_AT_MS)).await;
    }
}
