//! How an engine is opened.

use std::path::PathBuf;
use std::sync::Arc;

use super::clock::{Clock, SystemClock};
use super::error::EngineError;
use crate::limits::{
    JOURNAL_BYTES_MAX, PERMITS_MAX, SEGMENT_BYTES_MAX, SEGMENT_BYTES_MIN, SNAPSHOT_EVERY_BYTES,
};

/// Where the data lies and how much the engine takes of the machine.
#[derive(Clone)]
pub struct Config {
    /// The data folder; made where there is none.
    pub data: PathBuf,
    /// How many shards: 1 to `limits::SHARDS_MAX`. By default the cores less one, at least one.
    pub shards: usize,
    /// How many messages may be under way at once: 1 to `limits::PERMITS_MAX`.
    pub permits: usize,
    /// When snapshots are taken, and how much journal is kept.
    pub keeping: Keeping,
    /// Where the time comes from.
    pub clock: Arc<dyn Clock>,
    /// Told now and then how far opening has come.
    pub progress: Progress,
}

/// When snapshots are taken, and how much of the journal is kept; in bytes of journal, but for `idle_snapshots`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keeping {
    /// A snapshot is begun after so many: at least 1. The shorter, the faster a restart, and the more is written.
    pub snapshot_every: u64,
    /// As the part that a restart would need comes near so many, the doors slow down, and at so many they answer
    /// `overloaded` until snapshots stand for it: at least four times `snapshot_every`.
    pub journal_max: u64,
    /// How much is kept behind what a restart needs, so that an audit can begin earlier.
    pub archive: u64,
    /// Actors without a record since so many snapshots leave memory, by the page of neighbouring numbers, and come back
    /// with the next message to one of them: at least 1. None: they stay, which is the default.
    pub idle_snapshots: Option<usize>,
    /// A segment that would grow past so many is followed by a new one: 4,096 to `limits::SEGMENT_BYTES_MAX`. Only
    /// whole segments are removed.
    pub segment: u64,
}

impl Keeping {
    /// Checks the bounds and how they stand to each other.
    pub(super) fn check(&self) -> Result<(), EngineError> {
        let refuse = |field, value, limit: String| Err(EngineError::Config { field, value, limit });
        if self.snapshot_every == 0 {
            return refuse("keeping.snapshot_every", 0, "at least 1 byte".to_owned());
        }
        if self.idle_snapshots == Some(0) {
            return refuse("keeping.idle_snapshots", 0, "at least 1, or none".to_owned());
        }
        let least = self.snapshot_every.saturating_mul(4);
        if self.journal_max < least {
            let limit = format!("at least {least}, four times keeping.snapshot_every");
            return refuse("keeping.journal_max", self.journal_max, limit);
        }
        if !(SEGMENT_BYTES_MIN..=SEGMENT_BYTES_MAX).contains(&self.segment) {
            let limit = format!("{SEGMENT_BYTES_MIN} to {SEGMENT_BYTES_MAX}");
            return refuse("keeping.segment", self.segment, limit);
        }
        Ok(())
    }
}

impl Default for Keeping {
    /// A snapshot every 256 MiB, 4 GiB of journal at most, no archive, segments of the usual size.
    fn default() -> Keeping {
        Keeping {
            snapshot_every: SNAPSHOT_EVERY_BYTES,
            journal_max: JOURNAL_BYTES_MAX,
            archive: 0,
            idle_snapshots: None,
            segment: SEGMENT_BYTES_MAX,
        }
    }
}

/// Is told how many of how many records are read, now and then while that goes on.
#[derive(Clone)]
pub struct Progress(Arc<dyn Fn(u64, u64) + Send + Sync>);

impl Progress {
    /// Tells it to a function.
    pub fn new(tell: impl Fn(u64, u64) + Send + Sync + 'static) -> Progress {
        Progress(Arc::new(tell))
    }

    pub(super) fn tell(&self, read: u64, records: u64) {
        (self.0)(read, records);
    }
}

impl Default for Progress {
    /// Tells nobody.
    fn default() -> Progress {
        Progress::new(|_, _| {})
    }
}

impl Config {
    /// The defaults, on this data folder.
    #[must_use]
    pub fn new(data: impl Into<PathBuf>) -> Config {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let shards = cores.saturating_sub(1).max(1);
        Config {
            data: data.into(),
            shards,
            permits: PERMITS_MAX,
            keeping: Keeping::default(),
            clock: Arc::new(SystemClock),
            progress: Progress::default(),
        }
    }

    /// The same with another number of shards.
    #[must_use]
    pub fn with_shards(mut self, shards: usize) -> Config {
        self.shards = shards;
        self
    }

    /// The same with somebody who is told how far opening has come.
    #[must_use]
    pub fn with_progress(mut self, progress: Progress) -> Config {
        self.progress = progress;
        self
    }

    /// The same with another rule for snapshots and the journal.
    #[must_use]
    pub fn with_keeping(mut self, keeping: Keeping) -> Config {
        self.keeping = keeping;
        self
    }

    /// The same with another clock.
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Config {
        self.clock = clock;
        self
    }
}
