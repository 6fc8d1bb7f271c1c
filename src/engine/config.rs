//! How an engine is opened.

use std::path::PathBuf;
use std::sync::Arc;

use super::clock::{Clock, SystemClock};
use crate::limits::PERMITS_MAX;

/// Where the data lies and how much the engine takes of the machine.
#[derive(Clone)]
pub struct Config {
    /// The data folder; made where there is none.
    pub data: PathBuf,
    /// How many shards: 1 to `limits::SHARDS_MAX`. By default the cores less one, at least one.
    pub shards: usize,
    /// How many messages may be under way at once: 1 to `limits::PERMITS_MAX`.
    pub permits: usize,
    /// Where the time comes from.
    pub clock: Arc<dyn Clock>,
    /// Told now and then how far opening has come.
    pub progress: Progress,
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

    /// The same with another clock.
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Config {
        self.clock = clock;
        self
    }
}
