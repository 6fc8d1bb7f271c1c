//! The passwords of all accounts in memory, made of the lines of their file: what a line says, and how far it was read.
//!
//! Absent on purpose: opening, locking and writing the file (`passwords`).

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufRead, Read};
use std::os::unix::fs::FileExt;

use serde::{Deserialize, Serialize};

use crate::domain::Name;
use crate::limits::{PASSWORD_HASH_BYTES_MAX, PASSWORD_LINE_BYTES_MAX};

/// A password as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::server::identity) struct Kept {
    /// Its hash, in the PHC form.
    pub(in crate::server::identity) hash: Box<str>,
    /// A number drawn for it, by which its sessions are known.
    pub(in crate::server::identity) generation: u64,
}

/// A line of the file.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Line {
    Set { account: Name, hash: String, generation: String },
    Removed { account: Name },
}

/// The passwords in memory, and how far the file was read.
#[derive(Default)]
pub(super) struct State {
    pub(super) accounts: HashMap<Name, Kept>,
    /// The bytes of all whole lines.
    pub(super) bytes: u64,
    pub(super) lines: u64,
    /// The last whole line: where it stands no more, somebody has changed what was read.
    pub(super) last: Vec<u8>,
    /// Which file it was: it is another one after it was written anew. It is kept open, so that no other gets its number.
    pub(super) file: Option<(u64, File)>,
}

impl State {
    fn take(&mut self, line: Line) -> Result<(), String> {
        match line {
            Line::Set { account, hash, generation } => {
                if !hash.starts_with("$argon2id$") || hash.len() > PASSWORD_HASH_BYTES_MAX {
                    return Err("has a hash that is none of argon2id".to_owned());
                }
                let digits =
                    generation.len() == 16 && generation.bytes().all(|digit| digit.is_ascii_hexdigit());
                let number = digits.then(|| u64::from_str_radix(&generation, 16).ok()).flatten();
                let generation = number.ok_or("has a generation without 16 hexadecimal digits")?;
                self.accounts.insert(account, Kept { hash: hash.into(), generation });
            }
            Line::Removed { account } => {
                self.accounts.remove(&account);
            }
        }
        Ok(())
    }

    /// True where the last line that was read stands there still.
    pub(super) fn ends_in(&self, file: &File) -> bool {
        let mut there = vec![0; self.last.len()];
        let read = file.read_exact_at(&mut there, self.bytes - self.last.len() as u64);
        read.is_ok() && there == self.last
    }

    /// Reads all whole lines that are left, and gives the bytes of a last one that is torn.
    pub(super) fn read(&mut self, from: &mut impl BufRead) -> Result<usize, ReadError> {
        let mut line = Vec::new();
        loop {
            line.clear();
            from.take(PASSWORD_LINE_BYTES_MAX).read_until(b'\n', &mut line)?;
            if line.last() != Some(&b'\n') {
                if line.len() as u64 == PASSWORD_LINE_BYTES_MAX {
                    return Err(ReadError::Line(format!("has more than {PASSWORD_LINE_BYTES_MAX} bytes")));
                }
                return Ok(line.len());
            }
            // serde's words would show what stands there.
            let read = serde_json::from_slice(&line);
            let read = read.map_err(|_| ReadError::Line("is not as it was written".to_owned()))?;
            self.take(read).map_err(ReadError::Line)?;
            self.bytes += line.len() as u64;
            self.lines += 1;
            self.last.clone_from(&line);
        }
    }
}

/// Why lines do not read.
pub(super) enum ReadError {
    /// The line behind those that were read is wrong.
    Line(String),
    /// The file cannot be read.
    File(io::Error),
}

impl From<io::Error> for ReadError {
    fn from(error: io::Error) -> ReadError {
        ReadError::File(error)
    }
}

/// The line that sets a password.
pub(super) fn set_line(account: &Name, hash: &str, generation: u64) -> Line {
    Line::Set { account: account.clone(), hash: hash.to_owned(), generation: format!("{generation:016x}") }
}

/// A line as it is written.
pub(super) fn text_of(line: &Line) -> io::Result<Vec<u8>> {
    let mut text = serde_json::to_vec(line)?;
    text.push(b'\n');
    Ok(text)
}

#[cfg(test)]
pub(in crate::server) mod tests {
    use super::*;

    /// True where these bytes are a file of passwords; then what it says, written anew, says the same.
    pub(in crate::server) fn reads_passwords(mut bytes: &[u8]) -> bool {
        let (whole, mut state) = (bytes, State::default());
        let Ok(torn) = state.read(&mut bytes) else { return false };
        assert_eq!(state.bytes + torn as u64, whole.len() as u64);
        let lines = state.accounts.iter();
        let text: Vec<u8> = lines
            .flat_map(|(name, kept)| text_of(&set_line(name, &kept.hash, kept.generation)).unwrap())
            .collect();
        let mut again = State::default();
        assert!(matches!(again.read(&mut &text[..]), Ok(0)));
        assert_eq!(again.accounts, state.accounts);
        true
    }
}
