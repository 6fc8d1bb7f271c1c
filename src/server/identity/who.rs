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
use crate::limits::SESSION_SECONDS;
use crate::server::json::{Problem, ProblemCode};

/// Who sends a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::server) struct Who {
    /// What it may do.
    pub(in crate::server) role: Role,
    /// True where it logged in, false where it has a key.
    pub(in crate::server) by_session: bool,
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
        let passwords = Passwords::open(files.passwords().clone())?;
        passwords.write_anew()?;
        Ok(Identity {
            keys: RwLock::new(Arc::new(keys)),
            passwords,
            sessions: Sessions::open(files.sessions().clone())?,
            hasher: Hasher::new()?,
            line: Line::new(),
            tries: Tries::default(),
            rates: Rates::of(account_rate),
        })
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
    pub(in crate::server) fn who(&self, shown: &str) -> Option<Who> {
        if shown.starts_with(PREFIX) {
            let account = self.account_of(shown)?;
            return Some(Who { role: Role::Account { account }, by_session: true });
        }
        let keys = Arc::clone(&self.keys.read().unwrap_or_else(PoisonError::into_inner));
        keys.role(shown).map(|role| Who { role: role.clone(), by_session: false })
    }

    /// Whose session a token is, if it counts now.
    fn account_of(&self, token: &str) -> Option<Name> {
        let Claims { account, generation, ends } = self.sessions.secret()?.read(token)?;
        (seconds() < ends && self.passwords.generation(&account) == Some(generation)).then_some(account)
    }

    /// One more message of this role: accounts have a rate, services have none.
    ///
    /// # Errors
    /// `too_fast`.
    pub(in crate::server) fn pace(&self, role: &Role) -> Result<(), Problem> {
        let (Some(rates), Role::Account { account }) = (&self.rates, role) else { return Ok(()) };
        rates.take(account).map_err(|wait| {
            let detail = format!("is more than this account may send: wait {} ms", wait.as_millis() + 1);
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
            let detail = format!("was wrong several times: wait {} s", wait.as_secs() + 1);
            Problem::new(ProblemCode::TooManyTries, field, detail).after(wait)
        })?;
        Ok(place)
    }

    /// The generation of an account's password, if this is it.
    fn judge(&self, account: &Name, password: &Password, field: &str) -> Result<u64, Problem> {
        let kept = self.passwords.of(account);
        let right = self.hasher.is_right(password, kept.as_ref().map(|kept| &*kept.hash));
        let kept = kept.filter(|_| right).ok_or_else(|| wrong_password(field))?;
        self.tries.forget(account);
        Ok(kept.generation)
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
    Problem::from(Refusal::new(Code::Internal, "", "passwords cannot be read or written now"))
}

fn seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
