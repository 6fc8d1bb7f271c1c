//! The passwords of accounts: hashes in a file beside the data folder, and in memory.
//!
//! They stand outside of the journal, so that they can be erased. The file has a line for each change, which is durable before it
//! counts, and the last line of an account counts: a million passwords are a million lines, and changing one writes one. Once most
//! of its lines count no more, and whenever a server starts, it is written anew with those that do. A last line that a crash has
//! torn was never acknowledged, and is cut. Absent on purpose: what a line says (`state`), what
//! a password may be (`password`), and trying one (`log_in`).

mod state;

use std::fs::File;
use std::io::{self, BufReader, Seek, SeekFrom};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{PoisonError, RwLock};

#[cfg(test)]
pub(in crate::server) use state::tests::reads_passwords;
use state::{Kept, Line, ReadError, State, set_line, text_of};

use super::password::{Hasher, HashingError, Password};
use crate::domain::Name;
use crate::limits::PASSWORD_SPARE_LINES;
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
        let mut names: Vec<Name> =
            passwords.state.read().unwrap_or_else(PoisonError::into_inner).accounts.keys().cloned().collect();
        names.sort_unstable();
        Ok(names)
    }

    pub(super) fn passwords(&self) -> &Beside {
        &self.passwords
    }

    pub(super) fn sessions(&self) -> &Beside {
        &self.sessions
    }
}

/// What came of changing a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Changed {
    /// It is changed, durably.
    Done,
    /// It was removed before already.
    Nothing,
    /// Somebody else has changed it meanwhile.
    Meanwhile,
}

/// The passwords of all accounts.
pub(super) struct Passwords {
    file: Beside,
    state: RwLock<State>,
}

impl Passwords {
    /// Reads the file.
    ///
    /// # Errors
    /// Where it cannot be read, or holds something else.
    pub(super) fn open(file: Beside) -> Result<Passwords, PasswordsError> {
        let passwords = Passwords { file, state: RwLock::default() };
        passwords.refresh()?;
        Ok(passwords)
    }

    pub(super) fn file(&self) -> &Beside {
        &self.file
    }

    /// The password of an account.
    pub(super) fn of(&self, account: &Name) -> Option<Kept> {
        self.read_state().accounts.get(account).cloned()
    }

    /// True where nobody has one.
    pub(super) fn are_none(&self) -> bool {
        self.read_state().accounts.is_empty()
    }

    /// The generation of an account's password.
    pub(super) fn generation(&self, account: &Name) -> Option<u64> {
        self.read_state().accounts.get(account).map(|kept| kept.generation)
    }

    /// Reads what others have written.
    ///
    /// # Errors
    /// As for `open`; then what was read before counts.
    pub(super) fn refresh(&self) -> Result<(), PasswordsError> {
        // Nothing is made beside the data where nobody has a password.
        if self.read_state().file.is_none() && !self.file.path().exists() {
            return Ok(());
        }
        let _lock = self.file.lock()?;
        self.refresh_locked()
    }

    fn refresh_locked(&self) -> Result<(), PasswordsError> {
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
                "the last line of {path} is torn, {torn} bytes: it was never acknowledged, and is cut"
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

    /// Sets the password of an account to that of this hash; where a generation is expected, only where it is still that one.
    ///
    /// # Errors
    /// Where the file cannot be read or written; then the password is what it was.
    pub(super) fn set(
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
    pub(super) fn remove(&self, account: &Name, expected: Option<u64>) -> Result<Changed, PasswordsError> {
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
    pub(super) fn write_anew(&self) -> Result<(), PasswordsError> {
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

    fn read_state(&self) -> std::sync::RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write_state(&self) -> std::sync::RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    const HASH: &str = "$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$aGFzaGhhc2hoYXNoaGFzaA";

    struct Folder(tempfile::TempDir);

    impl Folder {
        fn new() -> Folder {
            Folder(tempfile::tempdir().unwrap())
        }

        fn file(&self) -> Beside {
            Beside::of(&self.0.path().join("data"), ".passwords.jsonl")
        }

        fn open(&self) -> Result<Passwords, PasswordsError> {
            Passwords::open(self.file())
        }

        fn text(&self) -> String {
            fs::read_to_string(self.file().path()).unwrap()
        }
    }

    fn name(text: &str) -> Name {
        Name::new(text).unwrap()
    }

    #[test]
    fn a_change_is_one_line_that_counts_and_another_reader_sees_it() {
        let folder = Folder::new();
        let (one, other) = (folder.open().unwrap(), folder.open().unwrap());
        assert!(!folder.file().path().exists(), "nothing is made where nobody has a password");
        let (ann, ben) = (name("ann"), name("b\"en"));
        assert_eq!(one.set(&ann, HASH, None).unwrap(), Changed::Done);
        assert_eq!(other.set(&ben, HASH, None).unwrap(), Changed::Done);
        assert_eq!(folder.text().lines().count(), 2);
        let mode = fs::metadata(folder.file().path()).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        one.refresh().unwrap();
        let first = one.of(&ben).unwrap();
        assert_eq!((other.of(&ann), &*first.hash), (one.of(&ann), HASH));
        // The same again is another generation, and only whoever knows the one that counts may change it.
        assert_eq!(one.set(&ben, HASH, Some(first.generation)).unwrap(), Changed::Done);
        assert_eq!(other.set(&ben, HASH, Some(first.generation)).unwrap(), Changed::Meanwhile);
        assert_eq!(other.remove(&ben, Some(first.generation)).unwrap(), Changed::Meanwhile);
        assert_eq!(other.remove(&ben, None).unwrap(), Changed::Done);
        assert_eq!(other.remove(&ben, None).unwrap(), Changed::Nothing);
        assert_eq!(one.set(&ben, HASH, Some(first.generation)).unwrap(), Changed::Meanwhile);
        let again = folder.open().unwrap();
        assert_eq!((again.of(&ben), again.of(&ann)), (None, one.of(&ann)));
        fs::remove_file(folder.file().path()).unwrap();
        one.refresh().unwrap();
        assert_eq!(one.of(&ann), None);
    }

    #[test]
    fn a_file_that_somebody_has_changed_where_it_stands_is_read_anew() {
        let folder = Folder::new();
        let passwords = folder.open().unwrap();
        let (ann, ben, eve) = (name("ann"), name("ben"), name("eve"));
        for account in [&ann, &ben] {
            passwords.set(account, HASH, None).unwrap();
        }
        // As somebody does with an editor: a line is gone and another one is there, and the file is as long as before.
        let text = folder.text();
        let (first, second) = text.split_once('\n').unwrap();
        fs::write(folder.file().path(), format!("{second}{}\n", first.replace("ann", "eve"))).unwrap();
        passwords.refresh().unwrap();
        assert!(passwords.of(&ann).is_none() && passwords.of(&ben).is_some() && passwords.of(&eve).is_some());
        // What a writer that was killed has left is gone once somebody writes, and the lock is its owner's alone.
        let beside = |ending: &str| folder.file().path().with_extension(ending);
        fs::write(beside("new"), "a hash that counts no more").unwrap();
        passwords.set(&ann, HASH, None).unwrap();
        assert!(!beside("new").exists());
        assert_eq!(fs::metadata(beside("lock")).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn the_file_is_written_anew_once_most_of_it_counts_no_more() {
        let folder = Folder::new();
        let passwords = folder.open().unwrap();
        let ann = name("ann");
        passwords.set(&name("ben"), HASH, None).unwrap();
        passwords.set(&ann, HASH, None).unwrap();
        let text = folder.text();
        let spare = usize::try_from(PASSWORD_SPARE_LINES).unwrap();
        fs::write(folder.file().path(), text.repeat(spare / 2)).unwrap();
        for _ in 0..4 {
            passwords.set(&ann, HASH, None).unwrap();
        }
        assert_eq!(folder.text().lines().count(), spare + 4);
        passwords.set(&ann, HASH, None).unwrap();
        assert_eq!(folder.text().lines().count(), 2);
        let kept = (passwords.of(&ann), passwords.of(&name("ben")));
        let again = folder.open().unwrap();
        assert_eq!((again.of(&ann), again.of(&name("ben"))), kept);
        // Whoever has not looked for two such files reads the third, and not where the first one ended.
        let (slow, names) = (folder.open().unwrap(), ["x", "y", "z"].map(|text| name(&text.repeat(100))));
        for name in &names {
            passwords.set(name, HASH, None).unwrap();
            passwords.set(name, HASH, None).unwrap();
            passwords.write_anew().unwrap();
        }
        slow.refresh().unwrap();
        assert!(names.iter().all(|name| slow.of(name).is_some() && slow.of(name) == passwords.of(name)));
        // What was removed is nowhere once the file is written anew.
        passwords.remove(&ann, None).unwrap();
        assert!(folder.text().contains("ann"));
        again.write_anew().unwrap();
        assert!(!folder.text().contains("ann"), "{}", folder.text());
        passwords.refresh().unwrap();
        assert_eq!((passwords.of(&ann), passwords.of(&name("ben"))), (None, kept.1));
    }

    #[test]
    fn a_last_line_is_torn_anywhere_and_every_line_before_it_counts() {
        let folder = Folder::new();
        let passwords = folder.open().unwrap();
        passwords.set(&name("ann"), HASH, None).unwrap();
        let whole = folder.text();
        passwords.set(&name("ben"), HASH, None).unwrap();
        let both = folder.text();
        for end in whole.len()..=both.len() {
            let folder = Folder::new();
            fs::write(folder.file().path(), &both[..end]).unwrap();
            let read = folder.open().unwrap();
            assert!(read.of(&name("ann")).is_some(), "{end}");
            assert_eq!(read.of(&name("ben")).is_some(), end == both.len(), "{end}");
            assert_eq!(folder.text(), if end == both.len() { &both[..] } else { &whole[..] });
            read.set(&name("eve"), HASH, None).unwrap();
            assert!(folder.open().unwrap().of(&name("eve")).is_some(), "{end}");
        }
    }

    #[test]
    fn a_line_that_is_no_password_is_named_and_not_shown_and_what_counted_before_still_does() {
        let folder = Folder::new();
        let passwords = folder.open().unwrap();
        let ann = name("ann");
        passwords.set(&ann, HASH, None).unwrap();
        let whole = folder.text();
        let long = format!("{{\"removed\":{{\"account\":\"{}\"}}}}", " ".repeat(5_000));
        let wrong = [
            "",
            "secret",
            "[]",
            r#"{"removed":{"account":""}}"#,
            r#"{"set":{"account":"eve","hash":"secret","generation":"0000000000000000"}}"#,
            r#"{"set":{"account":"eve","hash":"$argon2id$secret","generation":"0"}}"#,
            r#"{"set":{"account":"eve","hash":"$argon2id$secret","generation":"+000000000000000"}}"#,
            r#"{"set":{"account":"eve","hash":"$argon2id$secret"}}"#,
            r#"{"removed":{"account":"eve","why":"secret"}}"#,
            &long,
        ];
        for line in wrong {
            fs::write(folder.file().path(), format!("{whole}{line}\n{whole}")).unwrap();
            let error = folder.open().err().unwrap_or_else(|| panic!("{line} was taken"));
            assert!(matches!(error, PasswordsError::Damaged { line: 2, .. }), "{line}: {error}");
            assert!(!error.to_string().contains("secret"), "{error}");
            assert!(passwords.refresh().is_err() && passwords.set(&ann, HASH, None).is_err());
            assert!(passwords.of(&ann).is_some());
        }
    }
}
