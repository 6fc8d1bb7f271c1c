//! The passwords of accounts: hashes in a file beside the data folder, and in memory.
//!
//! They stand outside of the journal, so that they can be erased. The file has a line for each change, which is durable before it
//! counts, and the last line of an account counts: a million passwords are a million lines, and changing one writes one. Once most
//! of its lines count no more, and whenever a server starts, it is written anew with those that do. A last line that a crash has
//! torn was never acknowledged, and is cut. Here is what a command line does with it. Absent on purpose: how the file is read
//! (`reading`) and written (`changing`), what a line says (`state`), what a password may be (`password`), and trying one (`log_in`).

mod changing;
mod reading;
mod state;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

pub(super) use changing::Changed;
pub(super) use reading::Passwords;
#[cfg(test)]
pub(in crate::server) use state::tests::reads_passwords;

use super::password::{Hasher, HashingError, Password};
use crate::domain::Name;
use crate::server::beside::{Beside, FileError};

/// Passwords cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum PasswordsError {
    /// The file's failure.
    #[error(transparent)]
    File(#[from] FileError),
    /// The file holds something else.
    #[error("{} holds no passwords: line {line} {why}; restore it from a copy, or take the line out", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: u64,
        /// Why.
        why: String,
    },
    /// The file of the secret holds something else.
    #[error("{} holds no secret of sessions: {why}; remove it, which ends all sessions", path.display())]
    SecretDamaged {
        /// The file.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// The machine does not hash.
    #[error(transparent)]
    Hashing(#[from] HashingError),
    /// The machine gives no randomness.
    #[error("the machine gives no randomness: {0}")]
    Randomness(String),
}

/// The file of passwords, and beside it that of the secret which sessions are signed with.
#[derive(Clone)]
pub struct PasswordFile {
    passwords: Beside,
    sessions: Beside,
}

impl PasswordFile {
    /// The files to the data in this folder: they stand beside it.
    #[must_use]
    pub fn beside(data: &Path) -> PasswordFile {
        PasswordFile {
            passwords: Beside::of(data, ".passwords.jsonl"),
            sessions: Beside::of(data, ".sessions.json"),
        }
    }

    /// Where the passwords are.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.passwords.path()
    }

    /// Sets the password of an account; its sessions end.
    ///
    /// # Errors
    /// Where the file cannot be read or written.
    pub fn set(&self, account: &Name, password: &Password) -> Result<(), PasswordsError> {
        let hash = Hasher::new()?.hash(password)?;
        Passwords::open(self.passwords.clone())?.set(account, &hash, None).map(drop)
    }

    /// Removes the password of an account, and all that the file still had of it; its sessions end. False where it had none.
    ///
    /// # Errors
    /// Where the file cannot be read or written.
    pub fn remove(&self, account: &Name) -> Result<bool, PasswordsError> {
        let passwords = Passwords::open(self.passwords.clone())?;
        let removed = passwords.remove(account, None)?;
        passwords.write_anew()?;
        Ok(removed != Changed::Nothing)
    }

    /// All accounts that have a password, by their names.
    ///
    /// # Errors
    /// Where the file cannot be read.
    pub fn list(&self) -> Result<Vec<Name>, PasswordsError> {
        let passwords = Passwords::open(self.passwords.clone())?;
        Ok(passwords.accounts())
    }

    pub(super) fn passwords(&self) -> &Beside {
        &self.passwords
    }

    pub(super) fn sessions(&self) -> &Beside {
        &self.sessions
    }
}
