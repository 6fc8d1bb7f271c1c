//! Who somebody is: by a key, or by a session that began with a password; and passwords as they are set, removed and tried.
//!
//! A password that is wrong, an account without one and a name that no account has are one: the same answer, the same count of
//! tries, the same hash to wait for.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use super::keys::{KeyRing, Role};
use super::line::{Line, Place};
use super::password::{Hasher, Password};
use super::passwords::{Changed, PasswordFile, Passwords, PasswordsError};
use super::rates::Rates;
use super::sessions::{Claims, PREFIX, Sessions};
use super::tries::Tries;
use crate::domain::{Code, Name, Refusal};
use crate::limits::{SESSION_SECONDS, WRONG_PASSWORDS_MAX};
use crate::server::json::{Problem, ProblemCode};

/// Who sends a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::server) struct Who {
    /// What it may do.
    pub(in crate::server) role: Role,
    /// The id of its key; none where it logged in.
    key: Option<Arc<str>>,
}

impl Who {
    /// Who logged in with a role.
    pub(in crate::server) fn by_session(role: Role) -> Who {
        Who { role, key: None }
    }

    /// Who has a key of this id.
    pub(super) fn by_key(role: Role, id: &Arc<str>) -> Who {
        Who { role, key: Some(Arc::clone(id)) }
    }

    /// The id of its key, or `session` where it logged in.
    pub(in crate::server) fn key(&self) -> &str {
        self.key.as_deref().unwrap_or("session")
    }

    /// True where it logged in, false where it has a key.
    pub(super) fn has_logged_in(&self) -> bool {
        self.key.is_none()
    }
}

/// Why nobody is known by what was shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::server) enum Nobody {
    /// It is none of ours, or a key that was revoked: nobody is told which.
    Unknown,
    /// We have signed it, so whoever shows it had that session; it is over.
    Ended,
}

/// A session that has begun.
pub(in crate::server) struct Session {
    pub(in crate::server) token: String,
    pub(in crate::server) account: Name,
    /// Until when it counts, in milliseconds since 1970.
    pub(in crate::server) expires_at_ms: u64,
}

/// Everything by which somebody is known.
pub(in crate::server) struct Identity {
    keys: RwLock<Arc<KeyRing>>,
    passwords: Passwords,
    sessions: Sessions,
    hasher: Hasher,
    line: Line,
    tries: Tries,
    /// None where nothing limits how fast accounts send.
    rates: Option<Rates>,
}

impl Identity {
    /// Reads what stands beside the data; what does not count any more is taken out of it.
    ///
    /// # Errors
    /// Where it cannot be read or written, or is something else.
    pub(in crate::server) fn open(
        keys: KeyRing,
        files: &PasswordFile,
        account_rate: u32,
    ) -> Result<Identity, PasswordsError> {
        Identity::with(keys, files, account_rate, Hasher::new()?)
    }

    fn with(
        keys: KeyRing,
        files: &PasswordFile,
        account_rate: u32,
        hasher: Hasher,
    ) -> Result<Identity, PasswordsError> {
        let passwords = Passwords::open(files.passwords().clone())?;
        // It only has more lines than it needs.
        if let Err(error) = passwords.write_anew() {
            tracing::warn!(%error, "what the file of passwords has too much was not taken out of it");
        }
        Ok(Identity {
            keys: RwLock::new(Arc::new(keys)),
            passwords,
            sessions: Sessions::open(files.sessions().clone())?,
            hasher,
            line: Line::new(),
            tries: Tries::default(),
            rates: Rates::of(account_rate),
        })
    }

    /// True where nobody has a password.
    pub(in crate::server) fn has_no_passwords(&self) -> bool {
        self.passwords.are_none()
    }

    /// From now on these keys count.
    pub(in crate::server) fn set_keys(&self, keys: KeyRing) {
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(keys);
    }

    /// Takes what others have changed of passwords and of the sessions' secret.
    ///
    /// # Errors
    /// Where it cannot be read; then what counted before still does.
    pub(in crate::server) fn refresh(&self) -> Result<(), PasswordsError> {
        self.passwords.refresh()?;
        self.sessions.refresh()
    }

    /// Who shows this key or token.
    ///
    /// # Errors
    /// Where it does not count.
    pub(in crate::server) fn who(&self, shown: &str) -> Result<Who, Nobody> {
        if shown.starts_with(PREFIX) {
            let account = self.account_of(shown)?;
            return Ok(Who::by_session(Role::Account { account }));
        }
        let keys = Arc::clone(&self.keys.read().unwrap_or_else(PoisonError::into_inner));
        let (id, role) = keys.find(shown).ok_or(Nobody::Unknown)?;
        Ok(Who::by_key(role.clone(), id))
    }

    /// Whose session a token is, if it counts now.
    fn account_of(&self, token: &str) -> Result<Name, Nobody> {
        let said = self.sessions.secret().and_then(|secret| secret.read(token));
        let Claims { account, generation, ends } = said.ok_or(Nobody::Unknown)?;
        let counts = seconds() < ends && self.passwords.generation(&account) == Some(generation);
        if counts { Ok(account) } else { Err(Nobody::Ended) }
    }

    /// One more message of this role: accounts have a rate, services have none.
    ///
    /// # Errors
    /// `too_fast`.
    pub(in crate::server) fn pace(&self, role: &Role) -> Result<(), Problem> {
        let (Some(rates), Role::Account { account }) = (&self.rates, role) else { return Ok(()) };
        rates.take(account).map_err(|wait| {
            let most = rates.messages_a_second;
            let wait_ms = wait.as_nanos().div_ceil(1_000_000);
            let detail = format!("is above {most} messages a second for this account: wait {wait_ms} ms");
            Problem::new(ProblemCode::TooFast, "rate", detail).after(wait)
        })
    }

    /// Begins a session.
    ///
    /// # Errors
    /// `wrong_password`, `too_many_tries`, or `overloaded` where too many passwords wait to be looked at.
    pub(in crate::server) async fn log_in(
        self: &Arc<Self>,
        account: Name,
        password: Password,
    ) -> Result<Session, Problem> {
        let (place, own) = (self.begin_try(&account, "password")?, Arc::clone(self));
        let judge = move || {
            let generation = own.judge(&account, &password, "password")?;
            let ends = seconds() + SESSION_SECONDS;
            let secret = own.sessions.secret_or_new().map_err(|error| failed(&error))?;
            let token = secret.token(&Claims { account: account.clone(), generation, ends });
            Ok(Session { token, account, expires_at_ms: ends * 1_000 })
        };
        place.run(judge).await?
    }

    /// Sets the password of an account, with the current one where it is given. It is durable when this is done.
    ///
    /// # Errors
    /// As for `log_in`, of the current password.
    pub(in crate::server) async fn set_password(
        self: &Arc<Self>,
        account: Name,
        new: Password,
        current: Option<Password>,
    ) -> Result<(), Problem> {
        let own = Arc::clone(self);
        self.change(account, current, move |account, generation| {
            let hash = own.hasher.hash(&new).map_err(PasswordsError::from)?;
            own.passwords.set(account, &hash, generation)
        })
        .await
    }

    /// Removes the password of an account, as one is set.
    ///
    /// # Errors
    /// As for `set_password`.
    pub(in crate::server) async fn remove_password(
        self: &Arc<Self>,
        account: Name,
        current: Option<Password>,
    ) -> Result<(), Problem> {
        let own = Arc::clone(self);
        self.change(account, current, move |account, generation| own.passwords.remove(account, generation))
            .await
    }

    async fn change(
        self: &Arc<Self>,
        account: Name,
        current: Option<Password>,
        change: impl FnOnce(&Name, Option<u64>) -> Result<Changed, PasswordsError> + Send + 'static,
    ) -> Result<(), Problem> {
        let place = if current.is_some() {
            self.begin_try(&account, "current_password")?
        } else {
            self.line.place()?
        };
        let own = Arc::clone(self);
        let work = move || {
            let generation =
                current.map(|current| own.judge(&account, &current, "current_password")).transpose()?;
            match change(&account, generation) {
                Ok(Changed::Done | Changed::Nothing) => Ok(()),
                Ok(Changed::Meanwhile) => Err(wrong_password("current_password")),
                Err(error) => Err(failed(&error)),
            }
        };
        place.run(work).await?
    }

    /// A place in the line, for a try that counts.
    fn begin_try(&self, account: &Name, field: &str) -> Result<Place, Problem> {
        let place = self.line.place()?;
        self.tries.begin(account, Instant::now()).map_err(|wait| {
            let seconds = wait.as_nanos().div_ceil(1_000_000_000);
            let detail = format!("was wrong {WRONG_PASSWORDS_MAX} times or more: wait {seconds} s");
            Problem::new(ProblemCode::TooManyTries, field, detail).after(wait)
        })?;
        Ok(place)
    }

    /// The generation of an account's password, if this is it.
    fn judge(&self, account: &Name, password: &Password, field: &str) -> Result<u64, Problem> {
        let kept = self.passwords.of(account);
        let right = self.hasher.is_right(password, kept.as_ref().map(|kept| &*kept.hash));
        match kept {
            Some(kept) if right => {
                self.tries.forget(account);
                Ok(kept.generation)
            }
            _ => {
                self.tries.was_wrong(account, Instant::now());
                Err(wrong_password(field))
            }
        }
    }

    /// The files that are read anew when somebody changes them.
    pub(in crate::server) fn files(&self) -> [&std::path::Path; 2] {
        [self.passwords.file().path(), self.sessions.file().path()]
    }
}

fn wrong_password(field: &str) -> Problem {
    Problem::new(ProblemCode::WrongPassword, field, "is not the one of this account")
}

/// What it was is for whoever runs the machine, and not for a client.
fn failed(error: &PasswordsError) -> Problem {
    tracing::error!(%error, "a password was not looked at");
    if matches!(error, PasswordsError::File(error) if error.is_for_want_of_room()) {
        return Problem::no_room("passwords cannot be written: the device has no room");
    }
    Problem::from(Refusal::new(Code::Internal, "", "passwords cannot be read or written now"))
}

fn seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

#[cfg(test)]
mod tests {
    use super::super::password::SentPassword;
    use super::*;

    fn identity(folder: &tempfile::TempDir, account_rate: u32) -> Arc<Identity> {
        let files = PasswordFile::beside(&folder.path().join("data"));
        let own = Identity::with(KeyRing::default(), &files, account_rate, Hasher::cheap()).unwrap();
        Arc::new(own)
    }

    fn password(text: &str) -> Password {
        SentPassword::new(text.to_owned()).to_try("password").unwrap()
    }

    fn eve() -> Name {
        Name::new("eve").unwrap()
    }

    fn on_a_runtime<T>(work: impl Future<Output = T>) -> T {
        tokio::runtime::Runtime::new().unwrap().block_on(work)
    }

    #[test]
    fn a_session_counts_until_its_end_and_as_long_as_its_password_and_the_secret_do() {
        let folder = tempfile::tempdir().unwrap();
        let own = identity(&folder, 0);
        assert!(own.has_no_passwords());
        let session = on_a_runtime(async {
            own.set_password(eve(), password("correct horse"), None).await.unwrap();
            own.log_in(eve(), password("correct horse")).await.unwrap()
        });
        let who = own.who(&session.token).unwrap();
        assert_eq!(who, Who::by_session(Role::Account { account: eve() }));
        assert!(session.expires_at_ms / 1_000 - seconds() <= SESSION_SECONDS);
        let generation = own.passwords.generation(&eve()).unwrap();
        let signed = |generation, ends| {
            let claims = Claims { account: eve(), generation, ends };
            own.sessions.secret().unwrap().token(&claims)
        };
        assert!(own.who(&signed(generation, seconds() + 5)).is_ok());
        let ended = Err(Nobody::Ended);
        assert_eq!(own.who(&signed(generation, seconds())), ended, "its time is over");
        assert_eq!(own.who(&signed(generation ^ 1, seconds() + 5)), ended, "it is of another password");
        let (rest, last) = session.token.split_at(session.token.len() - 1);
        let forged = format!("{rest}{}", if last == "0" { "1" } else { "0" });
        for nobody in [&*forged, &signed(generation, 0)[..40], PREFIX, "hongbao_0_0", ""] {
            assert_eq!(own.who(nobody), Err(Nobody::Unknown), "{nobody}: nobody has signed it");
        }
        // Another server's on the same files knows it, and not once the password is the same again.
        let again = identity(&folder, 0);
        assert!(again.who(&session.token).is_ok());
        on_a_runtime(own.set_password(eve(), password("correct horse"), None)).unwrap();
        assert_eq!(own.who(&session.token), ended);
        assert!(again.who(&session.token).is_ok(), "it has not looked yet");
        again.refresh().unwrap();
        assert_eq!(again.who(&session.token), ended);
        // Without its secret nobody knows that it was ever ours.
        std::fs::remove_file(own.files()[1]).unwrap();
        again.refresh().unwrap();
        assert_eq!(again.who(&session.token), Err(Nobody::Unknown));
    }

    #[test]
    fn many_tries_at_once_are_no_more_than_one_after_another() {
        let folder = tempfile::tempdir().unwrap();
        let own = identity(&folder, 0);
        on_a_runtime(async {
            own.set_password(eve(), password("correct horse"), None).await.unwrap();
            let tries = (0..20).map(|_| own.log_in(eve(), password("incorrect")));
            let tried = futures_util::future::join_all(tries).await;
            let code = |code: &str| {
                tried.iter().filter(|one| one.as_ref().err().is_some_and(|why| why.parts().0 == code)).count()
            };
            assert_eq!((code("wrong_password"), code("too_many_tries")), (5, 15));
            let right = own.log_in(eve(), password("correct horse")).await.err().unwrap();
            assert_eq!((right.parts().0, right.status()), ("too_many_tries", 429));
            assert_eq!(right.retry_after(), Some(1));
            // A key and an operator need no try.
            own.set_password(eve(), password("another horse"), None).await.unwrap();
        });
    }

    #[test]
    fn accounts_have_a_rate_and_services_have_none() {
        let folder = tempfile::tempdir().unwrap();
        let own = identity(&folder, 1);
        let account = Role::Account { account: eve() };
        let services = [
            Role::Operator,
            Role::FundsManagement,
            Role::Supplier { account: eve() },
            Role::ProductServer { account: eve() },
        ];
        assert!(own.pace(&account).is_ok() && own.pace(&account).is_ok());
        let refused = own.pace(&account).unwrap_err();
        assert_eq!((refused.parts().0, refused.status(), refused.retryable()), ("too_fast", 429, true));
        assert!(refused.retry_after() == Some(1) && refused.definite());
        assert!((0..1_000).all(|_| services.iter().all(|role| own.pace(role).is_ok())));
        assert!((0..1_000).all(|_| identity(&folder, 0).pace(&account).is_ok()));
    }
}
