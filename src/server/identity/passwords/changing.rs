//! Changes of the file of passwords: a line for each, and the whole written anew where it has many that count no more.
//!
//! Absent on purpose: reading.

use std::fs::File;
use std::os::unix::fs::MetadataExt;

use super::PasswordsError;
use super::reading::Passwords;
use super::state::{Line, set_line, text_of};
use crate::domain::Name;
use crate::limits::PASSWORD_SPARE_LINES;

/// What came of changing a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::server::identity) enum Changed {
    /// It is changed, durably.
    Done,
    /// It was removed before already.
    Nothing,
    /// Somebody else has changed it meanwhile.
    Meanwhile,
}

impl Passwords {
    /// Sets the password of an account to that of this hash; where a generation is expected, only where it is still that one.
    ///
    /// # Errors
    /// Where the file cannot be read or written; then the password is what it was.
    pub(in crate::server::identity) fn set(
        &self,
        account: &Name,
        hash: &str,
        expected: Option<u64>,
    ) -> Result<Changed, PasswordsError> {
        let mut generation = [0; 8];
        getrandom::fill(&mut generation).map_err(|error| PasswordsError::Randomness(error.to_string()))?;
        let generation = u64::from_be_bytes(generation);
        let line = set_line(account, hash, generation);
        self.change(account, expected, &line)
    }

    /// Removes the password of an account; where a generation is expected, only where it is still that one.
    ///
    /// # Errors
    /// Where the file cannot be read or written; then the password is what it was.
    pub(in crate::server::identity) fn remove(
        &self,
        account: &Name,
        expected: Option<u64>,
    ) -> Result<Changed, PasswordsError> {
        self.change(account, expected, &Line::Removed { account: account.clone() })
    }

    fn change(&self, account: &Name, expected: Option<u64>, line: &Line) -> Result<Changed, PasswordsError> {
        let _lock = self.file.lock()?;
        self.refresh_locked()?;
        let there = self.generation(account);
        if expected.is_some() && there != expected {
            return Ok(Changed::Meanwhile);
        }
        if there.is_none() && matches!(line, Line::Removed { .. }) {
            return Ok(Changed::Nothing);
        }
        let text = text_of(line).map_err(self.file.failed("write"))?;
        let end = self.read_state().bytes;
        self.file.write_behind(end, &text)?;
        // The line is durable: it is read as a restart would read it.
        self.refresh_locked()?;
        let (lines, accounts) = {
            let state = self.read_state();
            (state.lines, state.accounts.len() as u64)
        };
        if lines > 2 * accounts + PASSWORD_SPARE_LINES {
            // What was asked for is done; a file that stays long is written anew another time.
            if let Err(error) = self.write_anew_locked() {
                tracing::error!(%error, "the passwords were not written anew");
            }
        }
        Ok(Changed::Done)
    }

    /// Writes the file anew where it has lines that count no more.
    ///
    /// # Errors
    /// Where it cannot be written; then the one before is still there.
    pub(in crate::server::identity) fn write_anew(&self) -> Result<(), PasswordsError> {
        if self.read_state().lines == 0 {
            return Ok(());
        }
        let _lock = self.file.lock()?;
        self.refresh_locked()?;
        self.write_anew_locked()
    }

    fn write_anew_locked(&self) -> Result<(), PasswordsError> {
        let (mut bytes, mut lines, mut last) = (0, 0, Vec::new());
        {
            let state = self.read_state();
            if state.lines == state.accounts.len() as u64 {
                return Ok(());
            }
            self.file.replace(|file| {
                for (account, kept) in &state.accounts {
                    let text = text_of(&set_line(account, &kept.hash, kept.generation))?;
                    file.write_all(&text)?;
                    bytes += text.len() as u64;
                    lines += 1;
                    last = text;
                }
                Ok(())
            })?;
        }
        let file = File::open(self.file.path()).map_err(self.file.failed("read"))?;
        let number = file.metadata().map_err(self.file.failed("read"))?.ino();
        let mut state = self.write_state();
        (state.bytes, state.lines, state.last, state.file) = (bytes, lines, last, Some((number, file)));
        Ok(())
    }
}
