//! The network door: HTTP and JSON, for services in any language.
//!
//! It reads what comes, finds out who sends it, and hands it to the engine; what is decided there goes back as it is. Absent on
//! purpose: decisions about money, and anything that an embedding service could not do as well.

mod batch;
mod begun;
mod beside;
mod door;
mod feed;
#[cfg(test)]
mod fuzz;
mod grpc;
mod http;
mod identity;
mod json;
mod management;
mod metrics;
mod places;
mod room;
mod run;
mod shown;
mod tls;
mod trace;
mod webhooks;

pub use beside::FileError;
pub use identity::{
    HashingError, KeyFile, KeysError, Password, PasswordFile, PasswordsError, Role, SentPassword, ShownKey,
};
pub use run::{ServeError, ServeOptions, Told, serve};
pub use tls::{TlsError, TlsFiles};
#[cfg(feature = "otlp")]
pub use trace::otlp;
pub use webhooks::{MadeWebhook, NewWebhook, ShownWebhook, WebhookFile, WebhooksError};
