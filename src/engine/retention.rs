//! How much of the journal is kept: what a restart from the older of two generations needs, and an archive behind it.
//!
//! Absent on purpose: removing anything.

use crate::domain::Position;
use crate::planted::{self, Bug};

/// What of a journal is needed.
#[derive(Debug)]
pub(crate) struct Retention {
    /// Positions and how many bytes of journal stand before them, oldest first.
    milestones: Vec<(Position, u64)>,
    /// From where on each generation that counts needs the journal, older first.
    needed: Vec<Position>,
    /// How many bytes are kept that no restart needs.
    archive: u64,
}

impl Retention {
    pub(crate) fn new(milestones: Vec<(Position, u64)>, needed: Vec<Position>, archive: u64) -> Retention {
        Retention { milestones, needed, archive }
    }

    /// The first record that a restart from the newest generation reads; none where there is no generation.
    pub(crate) fn newest_needs(&self) -> Option<Position> {
        self.needed.last().copied()
    }

    /// The first record that a restart from the oldest generation that counts would read; where there is none, the
    /// oldest.
    pub(crate) fn needed_from(&self) -> Position {
        let oldest = self.milestones.first().map_or(Position(1), |(position, _)| *position);
        self.needed.first().copied().unwrap_or(oldest)
    }

    /// How many bytes of journal stand before a position, or somewhat fewer.
    pub(crate) fn bytes_before(&self, position: Position) -> u64 {
        let before = self.milestones.iter().take_while(|(at, _)| *at <= position);
        before.last().map_or(0, |(_, bytes)| *bytes)
    }

    /// From now on these generations count, and no other: from where on each needs the journal, older first.
    pub(crate) fn count(&mut self, needed: Vec<Position>) {
        self.needed = needed;
    }

    /// True where a single generation stands for what the journal no longer has: were it damaged, the store would be lost.
    pub(crate) fn hangs_by_one(&self) -> bool {
        let oldest = self.milestones.first().map_or(Position(1), |(oldest, _)| *oldest);
        let of_use = self.needed.iter().filter(|needed| **needed >= oldest).count();
        oldest > Position(1) && of_use < 2
    }

    /// A generation counts from which a restart reads on at `read_from`, begun when the journal had so many bytes. Gives
    /// the record before which nothing is needed any more, where two of them stand for it.
    pub(crate) fn stands_for(&mut self, read_from: Position, bytes: u64) -> Option<Position> {
        // A few messages' worth of journal lies between the two, which is of no account.
        self.milestones.push((read_from, bytes));
        if self.needed.len() > 1 {
            self.needed.remove(0);
        }
        self.needed.push(read_from);
        let [older, newer] = self.needed[..] else { return None };
        let older = if planted::has(Bug::TrimmedToTheNewer) { newer } else { older };
        let kept_from = self.bytes_before(older).saturating_sub(self.archive);
        let before = self.milestones.iter().take_while(|(_, bytes)| *bytes <= kept_from).last()?.0.min(older);
        self.milestones.retain(|(at, _)| *at >= before);
        Some(before)
    }
}
