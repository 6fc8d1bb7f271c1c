//! Who somebody is, and who may send what.

mod keys;
mod line;
mod password;
mod passwords;
mod rates;
pub(super) mod rights;
mod sessions;
mod tries;
mod who;

#[cfg(test)]
pub(super) use passwords::reads_passwords;
#[cfg(test)]
pub(super) use sessions::tests::{is_own_token, own_token};

pub(super) use keys::KeyRing;
pub use keys::{KeyFile, KeysError, Role, ShownKey};
pub use password::{HashingError, Password, SentPassword};
pub use passwords::{PasswordFile, PasswordsError};
pub(super) use who::{Identity, Nobody, Session, Who};
