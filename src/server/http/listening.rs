//! From a listener to what a worker serves with: streams, with TLS or without, and HTTP on them.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::rc::Rc;
use std::time::Duration;

use actix_http::error::DispatchError;
use actix_http::{Extensions, HttpService, Protocol};
use actix_server::ServerBuilder;
use actix_service::{IntoServiceFactory, ServiceFactory, ServiceFactoryExt, fn_service, map_config};
use actix_tls::accept::TlsError;
use actix_tls::accept::rustls_0_23::{Acceptor, TlsStream};
use actix_web::dev::AppConfig;
use actix_web::web::{self, Data};
use actix_web::{App, Error};
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

use super::gathering::Gathering;
use super::patient::Patient;
use super::router::dispatch;
use super::serving::Serving;
use crate::limits::{CLOSE_MS_MAX, CONNECTION_REST_SECONDS};
use crate::server::door::Door;

/// A stream, what is spoken on it, and who is at its other end.
type Spoken<Io> = (Patient<Io>, Protocol, Option<SocketAddr>);

/// Serves HTTP at a listener, with TLS where there is a configuration of it.
///
/// # Errors
/// Where the system does not let it.
pub(in crate::server) fn listen(
    server: ServerBuilder,
    listener: TcpListener,
    tls: Option<ServerConfig>,
    door: Data<Door>,
) -> io::Result<ServerBuilder> {
    let Some(tls) = tls else {
        let plain = move || {
            let spoken = |stream: TcpStream| async {
                let peer = stream.peer_addr().ok();
                Ok::<Spoken<TcpStream>, DispatchError>((Patient::new(stream), Protocol::Http1, peer))
            };
            fn_service(spoken).and_then(service(Data::clone(&door)))
        };
        return server.listen("http", listener, plain);
    };
    let encrypted = move || {
        let spoken = |stream: TlsStream<TcpStream>| async {
            let peer = stream.get_ref().0.peer_addr().ok();
            Ok::<Spoken<TlsStream<TcpStream>>, _>((Patient::new(stream), Protocol::Http1, peer))
        };
        Acceptor::new(tls.clone())
            .map_init_err(|_| ())
            .map_err(TlsError::into_service_error)
            .and_then(spoken)
            .and_then(service(Data::clone(&door)).map_err(TlsError::Service))
    };
    server.listen("https", listener, encrypted)
}

/// What serves HTTP on a stream.
fn service<Io: AsyncRead + AsyncWrite + Unpin + 'static>(
    door: Data<Door>,
) -> impl ServiceFactory<Spoken<Io>, Config = (), Response = (), Error = DispatchError, InitError = ()> {
    let gathering = Gathering::new(Data::clone(&door));
    let rest = App::new()
        .app_data(Data::clone(&door))
        .app_data(Rc::clone(&gathering))
        .default_service(web::to(dispatch));
    let serving = Serving::new(gathering, rest.into_factory());
    let serving =
        map_config(serving, |()| AppConfig::default()).map_err(|error: Error| error.error_response());
    HttpService::build()
        .keep_alive(Duration::from_secs(CONNECTION_REST_SECONDS))
        .client_disconnect_timeout(Duration::from_millis(CLOSE_MS_MAX))
        .on_connect_ext(move |_: &Patient<Io>, kept: &mut Extensions| {
            kept.insert(door.connection("http"));
        })
        .finish(serving)
}
