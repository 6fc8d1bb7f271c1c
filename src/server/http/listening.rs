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

#[cfg(test)]
mod tests {
    use actix_service::Service;
    use tempfile::TempDir;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
    use tokio::task::{LocalSet, spawn_local};
    use tokio::time::{Instant, sleep, timeout};

    use super::super::patient::tests::by_its_own_clock;
    use super::*;
    use crate::limits::{ASKING_SECONDS_MAX, STILL_SECONDS_MAX};
    use crate::server::identity::{Identity, KeyRing, PasswordFile};
    use crate::server::webhooks::WebhookFile;

    /// What a client's pipe holds: more than a short answer, and less than the largest file.
    const PIPE_BYTES: usize = 16 * 1024;

    const SHORT: &str = "GET /livez HTTP/1.1\r\nHost: x\r\n\r\n";

    /// The client's end of a connection that is served, and the task that serves it.
    async fn connected() -> (DuplexStream, tokio::task::JoinHandle<Result<(), DispatchError>>) {
        let folder = TempDir::new().unwrap();
        let beside = folder.path().join("data");
        let identity = Identity::open(KeyRing::default(), &PasswordFile::beside(&beside), 0).unwrap();
        let door = Data::new(Door::new(identity, WebhookFile::beside(&beside)));
        let served = service::<DuplexStream>(door).new_service(()).await.unwrap();
        let (client, server) = duplex(PIPE_BYTES);
        let serving = async move { served.call((Patient::new(server), Protocol::Http1, None)).await };
        (client, spawn_local(serving))
    }

    /// Takes an answer of few bytes.
    async fn answered(client: &mut DuplexStream) {
        let mut answer = vec![0; 4_096];
        let length = client.read(&mut answer).await.unwrap();
        assert!(
            answer[..length].starts_with(b"HTTP/1.1 200 OK"),
            "{:?}",
            String::from_utf8_lossy(&answer[..length])
        );
    }

    /// For how many seconds somebody keeps a connection who has been answered once, sends this, and of more one byte every so many
    /// seconds; and takes nothing.
    fn kept(sent: &str, a_byte_every: Option<u64>) -> u64 {
        let mut seconds = 0;
        by_its_own_clock(LocalSet::new().run_until(async {
            let (mut client, serving) = connected().await;
            client.write_all(SHORT.as_bytes()).await.unwrap();
            answered(&mut client).await;
            let begun = Instant::now();
            // What does not go into the pipe is not sent.
            let _ = timeout(Duration::from_secs(1), client.write_all(sent.as_bytes())).await;
            let trickling = async {
                while let Some(every) = a_byte_every {
                    sleep(Duration::from_secs(every)).await;
                    let _ = timeout(Duration::from_secs(1), client.write_all(b"G")).await;
                }
                std::future::pending::<()>().await;
            };
            tokio::select! {
                () = trickling => {}
                ended = timeout(Duration::from_secs(10_000), serving) => drop(ended.unwrap().unwrap()),
            }
            seconds = begun.elapsed().as_secs();
        }));
        seconds
    }

    #[test]
    fn nobody_keeps_a_connection_who_asks_and_is_not_answered() {
        assert_eq!(kept("GET /li", None), ASKING_SECONDS_MAX);
        assert_eq!(kept("GET /li", Some(20)), ASKING_SECONDS_MAX);
    }

    #[test]
    fn nobody_keeps_a_connection_with_a_body_that_is_not_wanted_and_does_not_end() {
        let kept = kept("GET /livez HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n", None);
        assert!(kept <= STILL_SECONDS_MAX + 1, "{kept}");
    }

    #[test]
    fn nobody_keeps_a_connection_who_takes_no_answer() {
        let kept = kept("GET /docs/swagger-ui-bundle.js HTTP/1.1\r\nHost: x\r\n\r\n", None);
        assert!((STILL_SECONDS_MAX..STILL_SECONDS_MAX + 5).contains(&kept), "{kept}");
    }
}
