//! What seeds have gone through, and what one of them has found.

use std::fmt;

/// What a seed has gone through.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Actions: a message comes in, a shard turns, the journal syncs; what others do within one is not counted.
    pub steps: u64,
    /// Messages sent, those sent again included.
    pub messages: u64,
    /// Messages that were carried out.
    pub done: u64,
    /// Messages that were refused.
    pub refused: u64,
    /// Definite answers that have left; what each rests on was there at every restart.
    pub answers: u64,
    /// Processes that were killed, and went on with what programs see of the disk.
    pub kills: u64,
    /// Losses of power.
    pub powers_off: u64,
    /// Failures of the disk that stopped a process or kept it from starting.
    pub disk_failures: u64,
    /// Starts, the first included.
    pub starts: u64,
    /// Starts that read a snapshot.
    pub from_snapshots: u64,
    /// Newest snapshots that were damaged, so that a start had to pass over them.
    pub snapshots_lost: u64,
    /// Messages that a start found under way.
    pub unfinished: u64,
    /// Records that there are at the end.
    pub records: u64,
    /// How often all was quiet, and the model agreed.
    pub agreements: u64,
}

impl Counts {
    /// Adds another seed's.
    pub fn add(&mut self, other: &Counts) {
        self.steps += other.steps;
        self.messages += other.messages;
        self.done += other.done;
        self.refused += other.refused;
        self.answers += other.answers;
        self.kills += other.kills;
        self.powers_off += other.powers_off;
        self.disk_failures += other.disk_failures;
        self.starts += other.starts;
        self.from_snapshots += other.from_snapshots;
        self.snapshots_lost += other.snapshots_lost;
        self.unfinished += other.unfinished;
        self.records += other.records;
        self.agreements += other.agreements;
    }
}

/// A seed that has found something wrong.
#[derive(Clone, Debug)]
pub struct Failed {
    /// The seed.
    pub seed: u64,
    /// How many steps it had taken.
    pub steps: u64,
    /// In which batch it was.
    pub batch: u64,
    /// What is wrong.
    pub why: String,
    /// What was said last, and what was answered.
    pub last: Vec<String>,
}

impl fmt::Display for Failed {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Failed { seed, steps, batch, why, last } = self;
        writeln!(formatter, "seed {seed}, behind {steps} steps, in batch {batch}: {why}")?;
        writeln!(formatter, "the last messages:")?;
        last.iter().try_for_each(|line| writeln!(formatter, "  {line}"))
    }
}
