//! The passwords of all accounts as their file says, read on where others have written.
//!
//! Absent on purpose: writing.

use std::fs::File;
use std::io::{self, BufReader, Seek, SeekFrom};
use std::os::unix::fs::MetadataExt;
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use super::PasswordsError;
use super::state::{Kept, ReadError, State};
use crate::domain::Name;
use crate::server::beside::Beside;

/// The passwords of all accounts.
pub(in crate::server::identity) struct Passwords {
    pub(super) file: Beside,
    state: RwLock<State>,
}

impl Passwords {
    /// Reads the file.
    ///
    /// # Errors
    /// Where it cannot be read, or holds something else.
    pub(in crate::server::identity) fn open(file: Beside) -> Result<Passwords, PasswordsError> {
        let passwords = Passwords { file, state: RwLock::default() };
        passwords.refresh()?;
        Ok(passwords)
    }

    pub(in crate::server::identity) fn file(&self) -> &Beside {
        &self.file
    }

    /// The password of an account.
    pub(in crate::server::identity) fn of(&self, account: &Name) -> Option<Kept> {
        self.read_state().accounts.get(account).cloned()
    }

    /// True where nobody has one.
    pub(in crate::server::identity) fn are_none(&self) -> bool {
        self.read_state().accounts.is_empty()
    }

    /// Who has one, by their names.
    pub(super) fn accounts(&self) -> Vec<Name> {
        let mut names: Vec<Name> = self.read_state().accounts.keys().cloned().collect();
        names.sort_unstable();
        names
    }

    /// The generation of an account's password.
    pub(in crate::server::identity) fn generation(&self, account: &Name) -> Option<u64> {
        self.read_state().accounts.get(account).map(|kept| kept.generation)
    }

    /// Reads what others have written.
    ///
    /// # Errors
    /// As for `open`; then what was read before counts.
    pub(in crate::server::identity) fn refresh(&self) -> Result<(), PasswordsError> {
        // Nothing is made beside the data where nobody has a password.
        if self.read_state().file.is_none() && !self.file.path().exists() {
            return Ok(());
        }
        let _lock = self.file.lock()?;
        self.refresh_locked()
    }

    pub(super) fn refresh_locked(&self) -> Result<(), PasswordsError> {
        let file = match File::open(self.file.path()) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                *self.write_state() = State::default();
                return Ok(());
            }
            opened => opened.map_err(self.file.failed("read"))?,
        };
        let metadata = file.metadata().map_err(self.file.failed("read"))?;
        let (number, length) = (metadata.ino(), metadata.len());
        let known = {
            let state = self.read_state();
            let same = state.file.as_ref().is_some_and(|(known, _)| *known == number);
            if same && state.bytes <= length && state.ends_in(&file) { state.bytes } else { 0 }
        };
        if known == length && known > 0 {
            return Ok(());
        }
        let mut lines = BufReader::new(&file);
        let torn = if known > 0 {
            lines.seek(SeekFrom::Start(known)).map_err(self.file.failed("read"))?;
            let mut state = self.write_state();
            state.read(&mut lines).map_err(|error| self.failed(&state, error))?
        } else {
            // Whoever logs in meanwhile is judged by what counted before; so is everybody where a line is wrong.
            let mut new = State::default();
            let torn = new.read(&mut lines).map_err(|error| self.failed(&new, error))?;
            new.file = Some((number, file));
            *self.write_state() = new;
            torn
        };
        if torn > 0 {
            let path = self.file.path().display();
            tracing::warn!(
                "the last line of {path} is torn, {torn} bytes, as by a crash while it was written, before anybody heard that it was: it is cut"
            );
            self.file.write_behind(self.read_state().bytes, b"")?;
        }
        Ok(())
    }

    /// The error of what was being read behind the lines of this state.
    fn failed(&self, state: &State, error: ReadError) -> PasswordsError {
        match error {
            ReadError::File(source) => self.file.failed("read")(source).into(),
            ReadError::Line(why) => {
                PasswordsError::Damaged { path: self.file.path().to_owned(), line: state.lines + 1, why }
            }
        }
    }

    pub(super) fn read_state(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn write_state(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }
}
