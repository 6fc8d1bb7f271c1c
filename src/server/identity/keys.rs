//! Keys: who a client is. They stand in one file, hashed, beside the data folder.
//!
//! A secret is 32 random bytes, so its plain hash tells nothing of it; what people choose themselves would need more. Absent on
//! purpose: what a key may do (`rights`).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::sessions::from_hex;
use crate::domain::Name;
use crate::limits::KEYS_MAX;
use crate::server::beside::{Beside, FileError};
use crate::server::json::hex;

/// What a key is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "role", rename_all = "snake_case")]
pub enum Role {
    /// Everything, as the institution or as any account: for development and emergencies.
    Operator,
    /// The funds-management institution (P7).
    FundsManagement,
    /// An account, with all that is its own.
    Account {
        /// Which.
        account: Name,
    },
    /// A supplier's service: its offerings and their commissions.
    Supplier {
        /// The supplier's account.
        account: Name,
    },
    /// A merchant's product server: its orders.
    ProductServer {
        /// The merchant's account.
        account: Name,
    },
}

impl Role {
    /// The role in one word.
    #[must_use]
    pub fn text(&self) -> &'static str {
        match self {
            Role::Operator => "operator",
            Role::FundsManagement => "funds_management",
            Role::Account { .. } => "account",
            Role::Supplier { .. } => "supplier",
            Role::ProductServer { .. } => "product_server",
        }
    }

    /// The account that it belongs to.
    #[must_use]
    pub fn account(&self) -> Option<&Name> {
        match self {
            Role::Operator | Role::FundsManagement => None,
            Role::Account { account } | Role::Supplier { account } | Role::ProductServer { account } => {
                Some(account)
            }
        }
    }
}

/// The file.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Content {
    keys: BTreeMap<String, Kept>,
}

/// A key as the file has it.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Kept {
    secret_sha256: String,
    created_at: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    revoked_at: Option<String>,
    #[serde(flatten)]
    role: Role,
}

/// A key as it is listed: all but its secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShownKey {
    /// Its id: the middle part of the key.
    pub id: String,
    /// What it is for.
    pub role: Role,
    /// When it was made, as RFC 3339 text.
    pub created_at: String,
    /// When it was revoked.
    pub revoked_at: Option<String>,
}

/// Keys cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// The file's failure.
    #[error(transparent)]
    File(#[from] FileError),
    /// The file holds something else.
    #[error("{} holds no keys: {why}; restore it from a copy, or remove it and make new keys", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// No key of this id.
    #[error("{} has no key {id:?}: `hongbao keys list` shows all", path.display())]
    Unknown {
        /// The file.
        path: PathBuf,
        /// What was asked for.
        id: String,
    },
    /// The file is full.
    #[error("{} has {KEYS_MAX} keys that are not revoked, and takes no more: revoke some", path.display())]
    Full {
        /// The file.
        path: PathBuf,
    },
    /// The machine gives no randomness.
    #[error("the machine gives no randomness: {0}")]
    Randomness(String),
}

/// Begins every key, so that a leaked one can be searched for.
const PREFIX: &str = "hongbao";

/// The file of keys, for whoever makes and revokes them.
pub struct KeyFile(Beside);

impl KeyFile {
    /// The file of the keys to the data in this folder: it stands beside it.
    #[must_use]
    pub fn beside(data: &Path) -> KeyFile {
        KeyFile(Beside::of(data, ".keys.json"))
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// Makes a key and gives it: it is shown once, and only its hash is kept.
    ///
    /// # Errors
    /// Where the file cannot be read or written, or is full.
    pub fn create(&self, role: Role) -> Result<String, KeysError> {
        let _lock = self.0.lock()?;
        let mut content = self.content()?;
        if content.keys.values().filter(|key| key.revoked_at.is_none()).count() >= KEYS_MAX {
            return Err(KeysError::Full { path: self.path().to_owned() });
        }
        let (id, secret, key) = new_key()?;
        let created_at = now();
        content
            .keys
            .insert(id, Kept { secret_sha256: hex(&hash(&secret)), created_at, revoked_at: None, role });
        self.0.write(&content)?;
        Ok(key)
    }

    /// Revokes a key, for good; one that is revoked stays so.
    ///
    /// # Errors
    /// Where there is no such key, or the file cannot be read or written.
    pub fn revoke(&self, id: &str) -> Result<(), KeysError> {
        let _lock = self.0.lock()?;
        let mut content = self.content()?;
        let unknown = || KeysError::Unknown { path: self.path().to_owned(), id: id.to_owned() };
        content.keys.get_mut(id).ok_or_else(unknown)?.revoked_at.get_or_insert_with(now);
        Ok(self.0.write(&content)?)
    }

    /// All keys, by their ids.
    ///
    /// # Errors
    /// Where the file cannot be read.
    pub fn list(&self) -> Result<Vec<ShownKey>, KeysError> {
        let shown = |(id, key): (String, Kept)| {
            let Kept { created_at, revoked_at, role, .. } = key;
            ShownKey { id, role, created_at, revoked_at }
        };
        Ok(self.content()?.keys.into_iter().map(shown).collect())
    }

    /// The keys that count now.
    pub(in crate::server) fn ring(&self) -> Result<KeyRing, KeysError> {
        let counting = self.content()?.keys.into_iter().filter(|(_, key)| key.revoked_at.is_none());
        let kept = |(id, key): (String, Kept)| {
            let why = || format!("the hash of {id} has not 64 hexadecimal digits");
            let damaged = || self.damaged(why());
            Ok((id.as_str().into(), (hash_of(&key.secret_sha256).ok_or_else(damaged)?, key.role)))
        };
        Ok(KeyRing(counting.map(kept).collect::<Result<_, KeysError>>()?))
    }

    fn content(&self) -> Result<Content, KeysError> {
        let Some(text) = self.0.read()? else { return Ok(Content::default()) };
        serde_json::from_slice(&text).map_err(|error| self.damaged(error.to_string()))
    }

    fn damaged(&self, why: String) -> KeysError {
        KeysError::Damaged { path: self.path().to_owned(), why }
    }
}

/// Keys that count, by their ids: the hash of each one's secret, and its role.
#[derive(Clone, Debug, Default)]
pub(in crate::server) struct KeyRing(BTreeMap<Arc<str>, (Hash, Role)>);

/// SHA-256.
type Hash = [u8; 32];

impl KeyRing {
    /// One key for everything, made now and kept nowhere.
    pub(in crate::server) fn of_operator() -> Result<(KeyRing, String), KeysError> {
        let (id, secret, key) = new_key()?;
        Ok((KeyRing(BTreeMap::from([(id.into(), (hash(&secret), Role::Operator))])), key))
    }

    pub(in crate::server) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The keys of both.
    pub(in crate::server) fn and(mut self, other: &KeyRing) -> KeyRing {
        self.0.extend(other.0.clone());
        self
    }

    /// Those that the others have not: ids and roles.
    pub(in crate::server) fn without<'ring>(
        &'ring self,
        others: &'ring KeyRing,
    ) -> impl Iterator<Item = (&'ring str, &'ring Role)> {
        let these = self.0.iter().filter(|(id, _)| !others.0.contains_key(*id));
        these.map(|(id, (_, role))| (&**id, role))
    }

    /// The id and the role of a key, if it is one of these. How long that takes says nothing of a secret.
    pub(in crate::server) fn find(&self, key: &str) -> Option<(&Arc<str>, &Role)> {
        let (id, secret) = key.strip_prefix(PREFIX)?.strip_prefix('_')?.split_once('_')?;
        let (id, (kept, role)) = self.0.get_key_value(id)?;
        bool::from(kept.ct_eq(&hash(secret))).then_some((id, role))
    }
}

fn new_key() -> Result<(String, String, String), KeysError> {
    let random = |bytes: &mut [u8]| -> Result<String, KeysError> {
        getrandom::fill(bytes).map_err(|error| KeysError::Randomness(error.to_string()))?;
        Ok(hex(bytes))
    };
    let (id, secret) = (random(&mut [0; 8])?, random(&mut [0; 32])?);
    let key = format!("{PREFIX}_{id}_{secret}");
    Ok((id, secret, key))
}

fn hash(secret: &str) -> Hash {
    Sha256::digest(secret.as_bytes()).into()
}

fn hash_of(digits: &str) -> Option<Hash> {
    Hash::try_from(from_hex(&digits.to_ascii_lowercase())?).ok()
}

fn now() -> String {
    // To the second: nobody needs more of a key's age.
    jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn role(ring: &KeyRing, key: &str) -> Option<Role> {
        ring.find(key).map(|(_, role)| role.clone())
    }

    #[test]
    fn a_key_is_known_until_it_is_revoked_and_its_secret_is_nowhere() {
        let folder = tempfile::tempdir().unwrap();
        let file = KeyFile::beside(&folder.path().join("data"));
        assert!(file.ring().unwrap().is_empty(), "no file is no key");
        let mall = Role::Supplier { account: Name::new("mall").unwrap() };
        let (first, second) = (file.create(Role::Operator).unwrap(), file.create(mall.clone()).unwrap());
        let ring = file.ring().unwrap();
        assert_eq!((role(&ring, &first), role(&ring, &second)), (Some(Role::Operator), Some(mall.clone())));
        let id = |key: &str| key.split('_').nth(1).unwrap().to_owned();
        let secret = |key: &str| key.split('_').nth(2).unwrap().to_owned();
        let crossed = format!("hongbao_{}_{}", id(&first), secret(&second));
        for wrong in ["", "hongbao", &first[1..], &first[..first.len() - 1], &format!("{first}_"), &crossed] {
            assert_eq!(role(&ring, wrong), None, "{wrong}");
        }
        let text = fs::read_to_string(file.path()).unwrap();
        assert!(!text.contains(&secret(&first)) && text.contains(&id(&first)), "{text}");
        assert_eq!(fs::metadata(file.path()).unwrap().permissions().mode() & 0o777, 0o600);

        file.revoke(&id(&first)).unwrap();
        let revoked_at =
            file.list().unwrap().iter().find(|key| key.id == id(&first)).unwrap().revoked_at.clone();
        file.revoke(&id(&first)).unwrap();
        assert_eq!(role(&file.ring().unwrap(), &first), None);
        assert_eq!(role(&file.ring().unwrap(), &second), Some(mall));
        assert!(revoked_at.is_some() && matches!(file.revoke("nobody"), Err(KeysError::Unknown { .. })));

        let long = text.replace("\"secret_sha256\": \"", "\"secret_sha256\": \"0");
        fs::write(file.path(), long).unwrap();
        assert!(matches!(file.ring(), Err(KeysError::Damaged { .. })));
        fs::write(file.path(), "{}").unwrap();
        assert!(matches!(file.ring(), Err(KeysError::Damaged { .. })));
        assert!(matches!(file.create(Role::Operator), Err(KeysError::Damaged { .. })));
        assert_eq!(
            fs::read_to_string(file.path()).unwrap(),
            "{}",
            "what is no file of keys is left as it is"
        );
    }
}
