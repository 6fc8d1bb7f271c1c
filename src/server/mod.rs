//! The network door: HTTP and JSON, for services in any language.
//!
//! It reads what comes, finds out who sends it, and hands it to the engine; what is decided there goes back as it is. Absent on
//! purpose: decisions about money, and anything that an embedding service could not do as well.

mod door;
mod json;
mod keys;
mod messages;
mod platform;
mod reply;
mod resources;
mod rights;
mod run;

pub use keys::{KeyFile, KeysError, Role, ShownKey};
pub use run::{ServeError, ServeOptions, Told, serve};
