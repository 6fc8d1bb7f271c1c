//! A running server: it listens at once, opens the engine meanwhile, and ends when it is told to, with everything answered.

use std::net::{SocketAddr, TcpListener};
use std::pin::pin;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use actix_server::{Server, ServerHandle};
use actix_web::rt;
use actix_web::web::{self, Data};
use futures_util::future;
use tokio::signal::unix::{SignalKind, signal};

use super::beside::{Version, version};
use super::door::Door;
use super::identity::{Identity, KeyFile, KeyRing, KeysError, PasswordFile, PasswordsError};
use super::management::keys_changed;
use super::room::Room;
use super::tls::{Tls, TlsError, TlsFiles};
use super::webhooks::WebhookFile;
use super::{grpc, http, webhooks};
use crate::limits::{DRAIN_FLUSH_MS, KEYS_LOOKED_AT_MS};
use crate::{ClaimedStore, Config, Engine, EngineError, Recovered};

/// What a server is to do.
pub struct ServeOptions {
    /// How the engine is opened.
    pub config: Config,
    /// Where it listens; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Where gRPC listens; nowhere where it is none.
    pub grpc: Option<SocketAddr>,
    /// Who may come in.
    pub keys: KeyFile,
    /// Who may log in.
    pub passwords: PasswordFile,
    /// How many messages a second an account may send through its keys and sessions together; 0 is as many as it likes.
    pub account_rate: u32,
    /// Who is sent what has happened.
    pub webhooks: WebhookFile,
    /// TLS for both doors; none where something before the server ends it, or nobody can listen between.
    pub tls: Option<TlsFiles>,
    /// Whether a key for everything is made, which counts as long as this server runs.
    pub dev: bool,
}

/// What a server tells whoever has started it.
pub enum Told<'told> {
    /// It listens, and answers `not_ready` until the engine is open.
    Listening {
        /// Where.
        address: SocketAddr,
        /// Where gRPC does.
        grpc: Option<SocketAddr>,
        /// Whether both speak TLS.
        tls: bool,
        /// The key for everything, where there is one.
        operator_key: Option<&'told str>,
        /// True where no key counts and nobody has a password, so that nobody can come in.
        nobody: bool,
    },
    /// The engine is open.
    Ready(&'told Recovered),
}

/// A server cannot begin, or ended by a failure.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The address is taken, or not this machine's.
    #[error(
        "cannot listen on {address}: {source}; end what listens there, or give another address with {flag}"
    )]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The flag that gives it.
        flag: &'static str,
        /// What the system says.
        source: std::io::Error,
    },
    /// TLS cannot begin.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The keys cannot be read.
    #[error(transparent)]
    Keys(#[from] KeysError),
    /// The passwords, or the secret of the sessions, cannot be read.
    #[error(transparent)]
    Passwords(#[from] PasswordsError),
    /// The engine cannot open, or has stopped.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The machine gives no threads.
    #[error("the machine refused: {0}")]
    Machine(#[from] std::io::Error),
}

/// Serves until it is told to end (SIGTERM, SIGINT): then it takes no new connections, answers what is under way, and closes
/// the engine.
///
/// # Errors
/// Where it cannot listen, the keys cannot be read, or the engine cannot open or has stopped.
pub fn serve(options: ServeOptions, tell: impl Fn(Told<'_>) + Send + 'static) -> Result<(), ServeError> {
    let ServeOptions { config, listen, grpc, keys, passwords, account_rate, webhooks, tls, dev } = options;
    let (http_tls, grpc_tls) = match tls.map(|files| files.read()).transpose()? {
        Some(Tls { http, grpc }) => (Some(http), Some(grpc)),
        None => (None, None),
    };
    let (own, operator_key) = match dev.then(KeyRing::of_operator).transpose()? {
        Some((ring, key)) => (ring, Some(key)),
        None => (KeyRing::default(), None),
    };
    let looked_at = version(keys.path());
    let ring = keys.ring()?.and(&own);
    let (no_keys, known) = (ring.is_empty(), ring.clone());
    let identity = Identity::open(ring, &passwords, account_rate)?;
    let nobody = no_keys && identity.has_no_passwords();
    let (door, room) = (Data::new(Door::new(identity, webhooks.clone())), Room::take());
    // Before it listens: whoever asks a second server would be told that the store is being read.
    let claimed = Engine::claim(config)?;
    let listener = bind(listen, "--listen")?;
    let grpc = grpc.map(|address| bind(address, "--grpc")).transpose()?;
    let grpc = grpc
        .map(|listener| grpc::start(listener, room.grpc, grpc_tls.clone(), Data::clone(&door)))
        .transpose()?;
    webhooks::start(webhooks, Data::clone(&door))?;
    tell(Told::Listening {
        address: listener.local_addr()?,
        grpc: grpc.as_ref().map(grpc::Running::address),
        tls: http_tls.is_some(),
        operator_key: operator_key.as_deref(),
        nobody,
    });
    let (ended, end) = mpsc::channel();
    // No actix system of its own: then each worker has a runtime whose tasks stand in one line with what the network brings.
    let closed = rt::Runtime::new()?.block_on(async {
        let workers = thread::available_parallelism()?.get();
        let most = (room.http / workers).max(1);
        let server = Server::build().disable_signals().workers(workers).max_concurrent_connections(most);
        let server = http::listen(server, listener, http_tls, Data::clone(&door))?.run();
        open_beside(claimed, Data::clone(&door), server.handle(), ended, tell)?;
        let watching = rt::spawn(watch(keys, own, Data::clone(&door), looked_at, known));
        let watching_passwords = rt::spawn(watch_passwords(Data::clone(&door)));
        let ending = rt::spawn(end_when_told(server.handle(), Data::clone(&door))?);
        let served = server.await;
        watching.abort();
        watching_passwords.abort();
        let closing = Data::clone(&door);
        // Within the system, which hears a second signal.
        let closed = web::block(move || close(&closing, grpc)).await.map_err(std::io::Error::other)?;
        ending.abort();
        served.map(|()| closed)
    })?;
    match end.try_recv() {
        Ok(failure) => Err(failure.into()),
        Err(_) => Ok(closed?),
    }
}

/// Waits until nothing is served any more, and closes the engine where there is one.
fn close(door: &Door, grpc: Option<grpc::Running>) -> Result<(), EngineError> {
    door.end();
    if let Some(grpc) = grpc {
        grpc.wait();
    }
    door.engine().map_or(Ok(()), |engine| engine.close())
}

fn bind(address: SocketAddr, flag: &'static str) -> Result<TcpListener, ServeError> {
    TcpListener::bind(address).map_err(|source| ServeError::Listen { address, flag, source })
}

/// At the first signal takes nothing new, answers what is under way and ends; at the second waits for nothing.
fn end_when_told(server: ServerHandle, door: Data<Door>) -> std::io::Result<impl Future<Output = ()>> {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    Ok(async move {
        future::select(pin!(terminate.recv()), pin!(interrupt.recv())).await;
        door.end();
        server.pause().await;
        let own = Data::clone(&door);
        rt::spawn(async move {
            future::select(pin!(terminate.recv()), pin!(interrupt.recv())).await;
            own.hurry();
            if let Ok(engine) = own.engine() {
                engine.give_up_snapshot();
            }
        });
        door.until_quiet().await;
        rt::time::sleep(Duration::from_millis(DRAIN_FLUSH_MS)).await;
        server.stop(false).await;
    })
}

/// Opens the engine on a thread of its own; where it cannot, the server ends.
fn open_beside(
    claimed: ClaimedStore,
    door: Data<Door>,
    server: ServerHandle,
    ended: mpsc::Sender<EngineError>,
    tell: impl Fn(Told<'_>) + Send + 'static,
) -> std::io::Result<()> {
    let open = move || match claimed.open() {
        Ok(engine) => {
            let recovered = engine.recovered().clone();
            door.open(engine);
            tell(Told::Ready(&recovered));
        }
        Err(error) => {
            let _ = ended.send(error);
            rt::System::new().block_on(server.stop(false));
        }
    };
    thread::Builder::new().name("opening".to_owned()).spawn(open).map(drop)
}

/// Takes the keys anew whenever their file has changed.
async fn watch(
    keys: KeyFile,
    own: KeyRing,
    door: Data<Door>,
    mut looked_at: Option<Version>,
    mut known: KeyRing,
) {
    loop {
        rt::time::sleep(Duration::from_millis(KEYS_LOOKED_AT_MS)).await;
        let changed = version(keys.path());
        if changed == looked_at {
            continue;
        }
        match keys.ring() {
            Ok(ring) => {
                let ring = ring.and(&own);
                keys_changed(&known, &ring);
                known.clone_from(&ring);
                door.identity().set_keys(ring);
                looked_at = changed;
            }
            // Whoever came in before still does until the next look: a file that was being repaired is no reason to turn
            // everybody out.
            Err(error) => tracing::error!(%error, "the keys were not taken anew"),
        }
    }
}

/// Takes passwords, and the secret of the sessions, anew whenever somebody has changed them. The first look is before the first
/// pause, so that nothing is missed that came between reading them and here.
async fn watch_passwords(door: Data<Door>) {
    let mut looked_at = [None, None];
    loop {
        let changed = door.identity().files().map(version);
        if changed != looked_at {
            let identity = Arc::clone(door.identity());
            match web::block(move || identity.refresh()).await {
                Ok(Ok(())) => looked_at = changed,
                Ok(Err(error)) => tracing::error!(%error, "the passwords were not taken anew"),
                Err(_) => return,
            }
        }
        rt::time::sleep(Duration::from_millis(KEYS_LOOKED_AT_MS)).await;
    }
}
