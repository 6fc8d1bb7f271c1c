//! Sessions: what a token says, and how it is known for ours.
//!
//! A token is signed (HMAC-SHA-256) and kept nowhere: it says whose it is, until when it counts, and of which password it came,
//! so that another password ends it. It counts after a restart, too, because the secret stands beside the data folder; whoever
//! removes that file ends all sessions. Absent on purpose: ending one session and not the others of its account.

use std::sync::{Arc, PoisonError, RwLock};

use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use super::passwords::PasswordsError;
use crate::domain::Name;
use crate::limits::NAME_BYTES_MAX;
use crate::server::beside::Beside;
use crate::server::json::hex;

/// Begins every token, so that a leaked one can be searched for. No key begins so: a key's id is hexadecimal.
pub(super) const PREFIX: &str = "hongbao_session_";

/// Stands before what is signed, so that nothing else that is signed could be taken for a token. The number is the form's.
const SIGNED_AS: &[u8] = b"hongbao session 1\0";

/// The end and the generation, before the name.
const NUMBERS_BYTES: usize = 16;

/// A signature in hexadecimal.
const SIGNATURE_DIGITS: usize = 64;

/// What a token says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Claims {
    pub(super) account: Name,
    /// The generation of the password that it came of.
    pub(super) generation: u64,
    /// It counts until then, in seconds since 1970.
    pub(super) ends: u64,
}

/// What tokens are signed with.
#[derive(Clone)]
pub(super) struct Secret(Hmac<Sha256>);

impl Secret {
    pub(super) fn of(bytes: &[u8; 32]) -> Option<Secret> {
        Hmac::new_from_slice(bytes).ok().map(Secret)
    }

    /// The token that says this.
    pub(super) fn token(&self, claims: &Claims) -> String {
        let mut said = Vec::with_capacity(NUMBERS_BYTES + NAME_BYTES_MAX);
        said.extend(claims.ends.to_be_bytes());
        said.extend(claims.generation.to_be_bytes());
        said.extend(claims.account.as_str().as_bytes());
        let signature = self.over(&said).finalize().into_bytes();
        format!("{PREFIX}{}_{}", hex(&said), hex(&signature))
    }

    /// What a token says, where it was signed by this secret. How long that takes says nothing of the secret.
    pub(super) fn read(&self, token: &str) -> Option<Claims> {
        let (said, signature) = token.strip_prefix(PREFIX)?.split_once('_')?;
        if said.len() > 2 * (NUMBERS_BYTES + NAME_BYTES_MAX) || signature.len() != SIGNATURE_DIGITS {
            return None;
        }
        let (said, signature) = (from_hex(said)?, from_hex(signature)?);
        self.over(&said).verify_slice(&signature).ok()?;
        let (ends, rest) = said.split_first_chunk::<8>()?;
        let (generation, name) = rest.split_first_chunk::<8>()?;
        Some(Claims {
            account: Name::new(std::str::from_utf8(name).ok()?).ok()?,
            generation: u64::from_be_bytes(*generation),
            ends: u64::from_be_bytes(*ends),
        })
    }

    fn over(&self, said: &[u8]) -> Hmac<Sha256> {
        let mut signing = self.0.clone();
        signing.update(SIGNED_AS);
        signing.update(said);
        signing
    }
}

/// Bytes of small hexadecimal digits; there is one way to write them, so no two tokens say the same.
pub(super) fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digit = |digit: &u8| match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    };
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    let byte = |[high, low]: &[u8; 2]| Some(digit(high)? << 4 | digit(low)?);
    rest.is_empty().then(|| pairs.iter().map(byte).collect())?
}

/// The file of the secret.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Content {
    secret: String,
}

/// The secret beside the data, which is made when it is first needed.
pub(super) struct Sessions {
    file: Beside,
    secret: RwLock<Option<Arc<Secret>>>,
}

impl Sessions {
    /// Reads the secret, where there is one.
    ///
    /// # Errors
    /// Where the file cannot be read or holds something else.
    pub(super) fn open(file: Beside) -> Result<Sessions, PasswordsError> {
        let secret = RwLock::new(read(&file)?.map(Arc::new));
        Ok(Sessions { file, secret })
    }

    pub(super) fn file(&self) -> &Beside {
        &self.file
    }

    /// The secret, where there is one.
    pub(super) fn secret(&self) -> Option<Arc<Secret>> {
        self.secret.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Reads the secret anew.
    ///
    /// # Errors
    /// As for `open`; then the one before counts.
    pub(super) fn refresh(&self) -> Result<(), PasswordsError> {
        // Nobody takes a new one meanwhile, which would be lost.
        let mut secret = self.secret.write().unwrap_or_else(PoisonError::into_inner);
        *secret = read(&self.file)?.map(Arc::new);
        Ok(())
    }

    /// The secret, which is made where there is none.
    ///
    /// # Errors
    /// Where it cannot be read or written.
    pub(super) fn secret_or_new(&self) -> Result<Arc<Secret>, PasswordsError> {
        if let Some(secret) = self.secret() {
            return Ok(secret);
        }
        let _lock = self.file.lock()?;
        if read(&self.file)?.is_none() {
            let mut bytes = [0; 32];
            getrandom::fill(&mut bytes).map_err(|error| PasswordsError::Randomness(error.to_string()))?;
            self.file.write(&Content { secret: hex(&bytes) })?;
        }
        let secret = Arc::new(read(&self.file)?.ok_or_else(|| self.gone())?);
        *self.secret.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&secret));
        Ok(secret)
    }

    fn gone(&self) -> PasswordsError {
        damaged(&self.file, "it was removed while it was made".to_owned())
    }
}

fn read(file: &Beside) -> Result<Option<Secret>, PasswordsError> {
    let Some(text) = file.read()? else { return Ok(None) };
    let content: Content =
        serde_json::from_slice(&text).map_err(|_| damaged(file, "it is not as it was written".to_owned()))?;
    let bytes = from_hex(&content.secret).and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
    let secret = bytes.and_then(|bytes| Secret::of(&bytes));
    let why = || damaged(file, "its secret has not 64 small hexadecimal digits".to_owned());
    secret.ok_or_else(why).map(Some)
}

fn damaged(file: &Beside, why: String) -> PasswordsError {
    PasswordsError::SecretDamaged { path: file.path().to_owned(), why }
}

#[cfg(test)]
pub(in crate::server) mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn claims(account: &str) -> Claims {
        Claims { account: Name::new(account).unwrap(), generation: 7, ends: 1_900_000_000 }
    }

    fn secret(byte: u8) -> Secret {
        Secret::of(&[byte; 32]).unwrap()
    }

    /// A token of the tests' own secret.
    pub(in crate::server) fn own_token(account: &str) -> String {
        secret(9).token(&claims(account))
    }

    /// True where a text is such a token; then it is one that was given, to the letter.
    pub(in crate::server) fn is_own_token(text: &str) -> bool {
        let Some(said) = secret(9).read(text) else { return false };
        assert_eq!(secret(9).token(&said), text);
        assert_eq!(own_token(said.account.as_str()), text, "nobody has signed this");
        true
    }

    #[test]
    fn a_token_is_as_another_program_reckons() {
        // python3 -c 'import hmac; said = (1900000000).to_bytes(8, "big") + (7).to_bytes(8, "big") + b"eve"; print(said.hex(),
        // hmac.digest(bytes([1] * 32), b"hongbao session 1\0" + said, "sha256").hex())'
        let expected = "hongbao_session_00000000713fb3000000000000000007657665_db4d6d8cc9f41374fa3604a6c6efdf4db6d7c766cc67e12db1e680f975cb95e0";
        assert_eq!(secret(1).token(&claims("eve")), expected);
        assert_eq!(secret(1).read(expected), Some(claims("eve")));
        assert_eq!(secret(2).read(expected), None);
    }

    #[test]
    fn the_secret_is_made_once_and_its_owners_alone_and_removing_it_ends_all_sessions() {
        let folder = tempfile::tempdir().unwrap();
        let file = || Beside::of(&folder.path().join("data"), ".sessions.json");
        let sessions = Sessions::open(file()).unwrap();
        assert!(sessions.secret().is_none() && !file().path().exists(), "nobody needs one yet");
        let token = sessions.secret_or_new().unwrap().token(&claims("eve"));
        let mode = fs::metadata(file().path()).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let text = fs::read_to_string(file().path()).unwrap();
        sessions.secret_or_new().unwrap();
        assert_eq!(fs::read_to_string(file().path()).unwrap(), text);
        let again = Sessions::open(file()).unwrap();
        assert_eq!(again.secret().unwrap().read(&token), Some(claims("eve")));
        fs::remove_file(file().path()).unwrap();
        again.refresh().unwrap();
        assert!(again.secret().is_none());
        assert_eq!(again.secret_or_new().unwrap().read(&token), None, "another secret is another");
        for wrong in ["", "{}", r#"{"secret":"00"}"#, &text.replace("\": \"", "\": \"A")] {
            fs::write(file().path(), wrong).unwrap();
            let error = Sessions::open(file()).err().unwrap();
            assert!(matches!(error, PasswordsError::SecretDamaged { .. }), "{wrong}: {error}");
        }
    }

    #[test]
    fn no_key_is_a_token_and_a_token_has_one_way_to_be_written() {
        let token = secret(1).token(&claims("eve"));
        let whole = [
            token.to_uppercase(),
            token.replacen("657665", "65766g", 1),
            format!("{token}0"),
            format!("{token} "),
            format!("{token}_"),
            token.replacen("session_", "session__", 1),
            token[1..].to_owned(),
            token[..token.len() - 1].to_owned(),
            String::new(),
            PREFIX.to_owned(),
            format!("{PREFIX}_{}", "0".repeat(64)),
        ];
        for wrong in whole {
            assert_eq!(secret(1).read(&wrong), None, "{wrong}");
        }
        let long = "é".repeat(NAME_BYTES_MAX / 2);
        assert_eq!(secret(1).read(&secret(1).token(&claims(&long))), Some(claims(&long)));
    }

    proptest! {
        #[test]
        fn what_was_signed_is_read_and_any_other_text_is_not(
            account in "[a-zé\u{1F9E7} ]{1,30}",
            generation: u64,
            ends: u64,
            place: prop::sample::Index,
            put in any::<char>(),
        ) {
            let said = Claims { account: Name::new(&account).unwrap(), generation, ends };
            let token = secret(3).token(&said);
            prop_assert_eq!(secret(3).read(&token), Some(said));
            let mut letters: Vec<char> = token.chars().collect();
            let at = place.index(letters.len());
            if letters[at] != put {
                letters[at] = put;
                let forged: String = letters.iter().collect();
                prop_assert_eq!(secret(3).read(&forged), None);
                letters.remove(at);
                prop_assert_eq!(secret(3).read(&letters.iter().collect::<String>()), None);
            }
        }

        #[test]
        fn any_text_is_refused(said in vec(any::<u8>(), 0..200), signature in vec(any::<u8>(), 0..40), text in any::<String>()) {
            for forged in [
                text.clone(),
                format!("{PREFIX}{text}"),
                format!("{PREFIX}{}_{}", hex(&said), hex(&signature)),
                format!("{PREFIX}{}_{}", hex(&said), "0".repeat(64)),
            ] {
                prop_assert_eq!(secret(3).read(&forged), None, "{}", forged);
            }
        }
    }
}
