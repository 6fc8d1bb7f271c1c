//! A password: what it may be, and the hash of it that is kept.
//!
//! A hash is argon2id with the parameters that OWASP names (`limits`), as text in the PHC form, which names them too. Absent on
//! purpose: showing a password, in an error, a log or for debugging.

use std::borrow::Cow;
use std::fmt;

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserialize, Deserializer, Error};
use serde_json::Value;

use crate::domain::{Code, Refusal};
use crate::limits::{
    PASSWORD_BYTES_MAX, PASSWORD_CHARACTERS_MAX, PASSWORD_CHARACTERS_MIN, PASSWORD_LANES,
    PASSWORD_MEMORY_KIB, PASSWORD_PASSES,
};

/// A password as it was sent: any text.
pub struct SentPassword(String);

/// A password that may be tried: text of at most 512 bytes.
pub struct Password(String);

impl SentPassword {
    /// A password of this text.
    #[must_use]
    pub fn new(text: String) -> SentPassword {
        SentPassword(text)
    }

    /// It as one to try; `field` is what it was sent as.
    ///
    /// # Errors
    /// `bad_text` where it is longer than any password.
    pub fn to_try(self, field: &'static str) -> Result<Password, Refusal> {
        if self.0.len() > PASSWORD_BYTES_MAX {
            let detail =
                format!("has {} bytes: give at most {PASSWORD_CHARACTERS_MAX} characters", self.0.len());
            return Err(Refusal::new(Code::BadText, field, detail));
        }
        Ok(Password(self.0))
    }

    /// It as one to set.
    ///
    /// # Errors
    /// `bad_text` where it is shorter than 8 characters or longer than 128.
    pub fn to_set(self, field: &'static str) -> Result<Password, Refusal> {
        let characters = self.0.chars().count();
        if !(PASSWORD_CHARACTERS_MIN..=PASSWORD_CHARACTERS_MAX).contains(&characters) {
            let detail = format!(
                "has {characters} characters: give {PASSWORD_CHARACTERS_MIN} to {PASSWORD_CHARACTERS_MAX}"
            );
            return Err(Refusal::new(Code::BadText, field, detail));
        }
        self.to_try(field)
    }
}

impl fmt::Debug for SentPassword {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("SentPassword(…)")
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Password(…)")
    }
}

impl<'de> Deserialize<'de> for SentPassword {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // serde's own words about a value of another type would show it.
        match Value::deserialize(deserializer)? {
            Value::String(text) => Ok(SentPassword(text)),
            _ => Err(D::Error::custom("is no text: give text, in quotation marks")),
        }
    }
}

impl JsonSchema for SentPassword {
    fn schema_name() -> Cow<'static, str> {
        "Password".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "format": "password",
            "minLength": PASSWORD_CHARACTERS_MIN,
            "maxLength": PASSWORD_CHARACTERS_MAX,
            "description": "Any characters, each as it is.",
        })
    }
}

/// A password cannot be hashed.
#[derive(Debug, thiserror::Error)]
#[error("a password cannot be hashed: {0}")]
pub struct HashingError(String);

/// Makes hashes, and tries passwords against them.
pub(super) struct Hasher {
    argon2: Argon2<'static>,
    /// Of no password: what is tried where there is none, so that it takes as long.
    nobodys: PasswordHash,
}

impl Hasher {
    /// One with the parameters of `limits`.
    pub(super) fn new() -> Result<Hasher, HashingError> {
        Hasher::with(PASSWORD_MEMORY_KIB, PASSWORD_PASSES)
    }

    /// One whose hashes cost next to nothing.
    #[cfg(test)]
    pub(super) fn cheap() -> Hasher {
        Hasher::with(8, 1).unwrap()
    }

    fn with(memory_kib: u32, passes: u32) -> Result<Hasher, HashingError> {
        let failed = |error: argon2::Error| HashingError(error.to_string());
        let parameters = Params::new(memory_kib, passes, PASSWORD_LANES, None).map_err(failed)?;
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, parameters);
        let nobodys = hash_of(&argon2, &random::<32>()?)?;
        Ok(Hasher { argon2, nobodys })
    }

    /// The hash of a password, with a salt of its own.
    pub(super) fn hash(&self, password: &Password) -> Result<String, HashingError> {
        Ok(hash_of(&self.argon2, password.0.as_bytes())?.to_string())
    }

    /// True where the password is the one of this hash. Where there is none it takes as long, and is false.
    pub(super) fn is_right(&self, password: &Password, kept: Option<&str>) -> bool {
        let read = kept.map(PasswordHash::new);
        let (hash, counts) = match &read {
            Some(Ok(hash)) if self.is_no_dearer(hash) => (hash, true),
            Some(_) => {
                tracing::error!("a password's hash cannot be read: set the password anew");
                (&self.nobodys, false)
            }
            None => (&self.nobodys, false),
        };
        self.argon2.verify_password(password.0.as_bytes(), hash).is_ok() && counts
    }

    /// False where trying it would take more memory or time than our own do.
    fn is_no_dearer(&self, hash: &PasswordHash) -> bool {
        let own = self.argon2.params();
        Params::try_from(hash).is_ok_and(|its| {
            its.m_cost() <= own.m_cost() && its.t_cost() <= own.t_cost() && its.p_cost() <= own.p_cost()
        })
    }
}

fn hash_of(argon2: &Argon2<'_>, password: &[u8]) -> Result<PasswordHash, HashingError> {
    let failed = |error: argon2::password_hash::Error| HashingError(error.to_string());
    argon2.hash_password_with_salt(password, &random::<16>()?).map_err(failed)
}

fn random<const BYTES: usize>() -> Result<[u8; BYTES], HashingError> {
    let mut bytes = [0; BYTES];
    getrandom::fill(&mut bytes).map_err(|error| HashingError(error.to_string()))?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn password(text: &str) -> Password {
        SentPassword::new(text.to_owned()).to_try("password").unwrap()
    }

    #[test]
    fn a_hash_knows_its_password_and_no_other_and_names_its_parameters() {
        let hasher = Hasher::new().unwrap();
        let hash = hasher.hash(&password("correct horse")).unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert!(hasher.is_right(&password("correct horse"), Some(&hash)));
        assert!(!hasher.is_right(&password("correct horsf"), Some(&hash)));
    }

    #[test]
    fn two_hashes_of_one_password_differ_and_none_is_right_where_there_is_none() {
        let hasher = Hasher::cheap();
        let hash = || hasher.hash(&password("correct horse")).unwrap();
        let (first, second) = (hash(), hash());
        assert_ne!(first, second);
        assert!(hasher.is_right(&password("correct horse"), Some(&second)));
        assert!(!hasher.is_right(&password("correct horse"), None));
        // What would take more memory than is allowed is not tried.
        let dear = first.replace("m=8,", "m=4000000,");
        assert_ne!(dear, first);
        for unreadable in ["", "$argon2id$", "plain", &dear] {
            assert!(!hasher.is_right(&password("correct horse"), Some(unreadable)), "{unreadable}");
        }
    }

    #[test]
    fn a_password_has_8_to_128_characters_and_is_never_shown() {
        let set = |text: &str| SentPassword::new(text.to_owned()).to_set("password");
        for fits in ["12345678", "\u{1F9E7}\0é 5678", &"\u{1F9E7}".repeat(128)] {
            assert!(set(fits).is_ok(), "{fits}");
        }
        for wrong in ["", "1234567", &"é".repeat(7), &"x".repeat(129)] {
            let refusal = set(wrong).unwrap_err();
            assert_eq!((refusal.code, &*refusal.field), (Code::BadText, "password"));
            assert!(refusal.detail.contains("give 8 to 128"), "{refusal}");
        }
        assert!(SentPassword::new("x".repeat(513)).to_try("password").is_err());
        let secret = "correct horse";
        let shown = format!("{:?} {:?}", password(secret), SentPassword::new(secret.to_owned()));
        assert_eq!(shown, "Password(…) SentPassword(…)");
        let wrong = serde_json::from_str::<SentPassword>("8675309123").unwrap_err().to_string();
        assert!(!wrong.contains("8675309123"), "{wrong}");
    }
}
