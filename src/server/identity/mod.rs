//! Who somebody is, and who may send what.

mod keys;
pub(super) mod rights;

pub(super) use keys::KeyRing;
pub use keys::{KeyFile, KeysError, Role, ShownKey};
