//! For how long slices of snapshots hold their shards: by the clock, and of the processor's time alone.

use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use rustix::time::{ClockId, Timespec, clock_gettime};

/// A slice that takes longer is counted as one that takes a minute.
const NANOSECONDS_MAX: u64 = 60_000_000_000;

/// How long one slice took.
#[derive(Clone, Copy, Debug)]
pub(super) struct SliceTime {
    /// By the clock: what its shard waited for.
    pub(super) held: Duration,
    /// What the shard's thread had of the processor meanwhile.
    processor: Duration,
}

impl SliceTime {
    /// Does something on this thread and says how long it took.
    pub(super) fn of<T>(slice: impl FnOnce() -> T) -> (T, SliceTime) {
        let processor = || duration(clock_gettime(ClockId::ThreadCPUTime));
        let (begun, begun_processor) = (Instant::now(), processor());
        let made = slice();
        let processor = processor().saturating_sub(begun_processor);
        (made, SliceTime { held: begun.elapsed(), processor })
    }
}

fn duration(time: Timespec) -> Duration {
    Duration::try_from(time).unwrap_or_default()
}

/// The times of all slices so far.
pub(super) struct SliceTimes {
    held: Histogram<u64>,
    processor: Histogram<u64>,
}

impl SliceTimes {
    /// # Errors
    /// Never: the bounds are right.
    pub(super) fn new() -> std::io::Result<SliceTimes> {
        let empty = || Histogram::new_with_bounds(1, NANOSECONDS_MAX, 3).map_err(std::io::Error::other);
        Ok(SliceTimes { held: empty()?, processor: empty()? })
    }

    pub(super) fn add(&mut self, time: SliceTime) {
        let nanoseconds = |time: Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        self.held.saturating_record(nanoseconds(time.held));
        self.processor.saturating_record(nanoseconds(time.processor));
    }

    /// What 999 of a thousand slices held their shard for at most, and what they had of the processor; to three digits.
    pub(super) fn p999(&self) -> (Duration, Duration) {
        let at = |times: &Histogram<u64>| Duration::from_nanos(times.value_at_quantile(0.999));
        (at(&self.held), at(&self.processor))
    }
}
