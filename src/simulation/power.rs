//! What a loss of power leaves of files and names that were not synced.
//!
//! Absent on purpose: the disk itself, which only keeps the changes apart from what is durable.

use std::collections::BTreeMap;

use super::chance::Chance;

/// What a loss of power leaves of everything that was not synced.
#[derive(Clone, Copy, Debug)]
pub enum Crash {
    /// Nothing of it.
    AllLost,
    /// All of it.
    AllKept,
    /// All names, all truncations, and of appended bytes the first so many, counted over the
    /// files in the order in which these were made.
    BytesKept(u64),
    /// Any names, and of each file's changes any first part, torn at any byte.
    Torn {
        /// Chooses among the outcomes; the same seed, the same outcome.
        seed: u64,
    },
    /// Any names, and of appended bytes any sectors, the others read as zeros.
    Sectors {
        /// Chooses among the outcomes.
        seed: u64,
        /// Length of a sector, at least 1.
        sector_bytes: u64,
        /// One sector of so many is lost.
        lost_one_in: u64,
    },
}

impl Crash {
    /// Any of them; so many bytes are not synced.
    pub(crate) fn any(chance: &mut Chance, unsynced_bytes: u64) -> Crash {
        let seed = chance.below(u64::MAX);
        match chance.below(9) {
            0 | 1 => Crash::AllLost,
            2 => Crash::AllKept,
            3 => Crash::BytesKept(chance.below(1 + unsynced_bytes)),
            4 | 5 => Crash::Torn { seed },
            _ => Crash::Sectors {
                seed,
                sector_bytes: [32, 64, 512, 4_096][chance.place(4)],
                lost_one_in: [2, 8, 20][chance.place(3)],
            },
        }
    }
}

/// A file: what programs see, what a loss of power leaves for certain, and what lies between.
#[derive(Clone, Debug, Default)]
pub(super) struct FileState {
    pub shown: Vec<u8>,
    pub durable: Vec<u8>,
    pub changes: Vec<Change>,
}

/// A change of a file's content.
#[derive(Clone, Debug)]
pub(super) enum Change {
    Write { offset: usize, bytes: Vec<u8> },
    Truncate(usize),
}

/// A change of the names in the folder.
#[derive(Clone, Debug)]
pub(super) enum NameChange {
    Set { name: String, file: usize },
    Rename { from: String, to: String, file: usize },
    Remove { name: String },
}

impl Change {
    pub fn apply(&self, content: &mut Vec<u8>) {
        match self {
            Change::Write { offset, bytes } => {
                let end = offset + bytes.len();
                if content.len() < end {
                    content.resize(end, 0);
                }
                content[*offset..end].copy_from_slice(bytes);
            }
            Change::Truncate(length) => content.resize(*length, 0),
        }
    }
}

impl NameChange {
    pub fn apply(&self, names: &mut BTreeMap<String, usize>) {
        match self {
            NameChange::Set { name, file } => {
                names.insert(name.clone(), *file);
            }
            NameChange::Rename { from, to, file } => {
                names.remove(from);
                names.insert(to.clone(), *file);
            }
            NameChange::Remove { name } => {
                names.remove(name);
            }
        }
    }
}

impl FileState {
    /// The content that a loss of power leaves.
    pub fn after(self, crash: Crash, chance: &mut Chance, bytes_left: &mut u64) -> Vec<u8> {
        let mut content = self.durable;
        let changes_kept = match crash {
            Crash::AllLost => 0,
            Crash::Torn { .. } => chance.below(self.changes.len() as u64 + 1) as usize,
            _ => self.changes.len(),
        };
        for (index, change) in self.changes.iter().enumerate() {
            let torn_here = matches!(crash, Crash::Torn { .. }) && index == changes_kept;
            if index >= changes_kept && !torn_here {
                break;
            }
            let Change::Write { offset, bytes } = change else {
                if !torn_here {
                    change.apply(&mut content);
                }
                continue;
            };
            let mut bytes = bytes.clone();
            match crash {
                Crash::BytesKept(_) => {
                    bytes.truncate(*bytes_left as usize);
                    *bytes_left -= bytes.len() as u64;
                }
                Crash::Torn { .. } if torn_here => {
                    bytes.truncate(chance.below(bytes.len() as u64) as usize);
                }
                Crash::Sectors { sector_bytes, lost_one_in, .. } => {
                    lose_sectors(&mut bytes, *offset as u64, (sector_bytes.max(1), lost_one_in), chance);
                }
                _ => {}
            }
            if !bytes.is_empty() {
                let offset = *offset;
                Change::Write { offset, bytes }.apply(&mut content);
            }
        }
        content
    }
}

/// Zeroes any of the sectors that `bytes`, written at `offset`, reach into, and now and then
/// leaves out the last of them altogether.
fn lose_sectors(
    bytes: &mut Vec<u8>,
    offset: u64,
    (sector_bytes, lost_one_in): (u64, u64),
    chance: &mut Chance,
) {
    let mut start = 0;
    while start < bytes.len() {
        let in_sector = (offset + start as u64) % sector_bytes;
        let end = bytes.len().min(start + (sector_bytes - in_sector) as usize);
        if chance.once_in(lost_one_in) {
            if end == bytes.len() && chance.below(2) == 0 {
                bytes.truncate(start);
                return;
            }
            bytes[start..end].fill(0);
        }
        start = end;
    }
}
