//! Pressure: the thread that slows the doors as the journal that a restart would need nears its bound.
//!
//! A thread of its own, because taking a snapshot is long, and the journal grows meanwhile. Absent on purpose: taking
//! snapshots; whoever does says what they stand for.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::actors::{Departing, Permits};
use crate::journal::Journal;

/// How often the thread looks: at 100 MB/s that is half a megabyte.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// How far the journal has grown, and how much of it a restart would need.
pub(super) struct Gauge {
    journal: Arc<Journal<Departing>>,
    /// The bytes of the journal when it was opened.
    bytes_before: u64,
    /// How many bytes stand before what a restart would need.
    spare: AtomicU64,
    journal_max: u64,
}

impl Gauge {
    pub(super) fn new(journal: Arc<Journal<Departing>>, bytes_before: u64, journal_max: u64) -> Gauge {
        Gauge { journal, bytes_before, spare: AtomicU64::new(0), journal_max }
    }

    /// All bytes of journal that there ever were, as far as this opening knows.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes_before + self.journal.stats().bytes
    }

    /// Notes how many bytes stand before what a restart would need.
    pub(super) fn spare(&self, bytes: u64) {
        self.spare.store(bytes, Ordering::Release);
    }

    /// How many bytes a restart would need.
    pub(super) fn needed(&self) -> u64 {
        self.bytes().saturating_sub(self.spare.load(Ordering::Acquire))
    }

    /// True where the doors are slowed.
    pub(super) fn crowded(&self) -> bool {
        self.needed() >= slow_from(self.journal_max)
    }
}

/// The running thread.
pub(super) struct Pressure {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Pressure {
    /// Starts the thread.
    pub(super) fn start(gauge: Arc<Gauge>, permits: Arc<Permits>) -> std::io::Result<Pressure> {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let look = move || {
            while !stopped.load(Ordering::Acquire) {
                permits.allow(allowed(gauge.needed(), gauge.journal_max));
                std::thread::sleep(LOOK_EVERY);
            }
        };
        let thread = std::thread::Builder::new().name("pressure".to_owned()).spawn(look)?;
        Ok(Pressure { stop, thread: Some(thread) })
    }
}

impl Drop for Pressure {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            // It does nothing that could panic.
            let _ = thread.join();
        }
    }
}

/// From how many bytes on the doors slow down.
fn slow_from(journal_max: u64) -> u64 {
    journal_max - journal_max / 4
}

/// How many thousandths of all permits may be taken with so much journal: all below three quarters of the bound,
/// none at it.
fn allowed(needed: u64, journal_max: u64) -> u64 {
    let slow_from = slow_from(journal_max);
    if needed <= slow_from {
        return 1_000;
    }
    let room = u128::from(journal_max.saturating_sub(needed));
    u64::try_from(room * 1_000 / u128::from((journal_max - slow_from).max(1))).unwrap_or(1_000)
}

#[cfg(test)]
mod tests {
    use super::allowed;

    #[test]
    fn doors_slow_down_over_the_last_quarter_of_the_bound() {
        let cases = [(0, 1_000), (750, 1_000), (800, 800), (875, 500), (999, 4), (1_000, 0), (5_000, 0)];
        for (needed, thousandths) in cases {
            assert_eq!(allowed(needed, 1_000), thousandths, "{needed} of 1000 bytes");
        }
    }
}
