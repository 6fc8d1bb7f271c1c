//! Time as an engine tells it: a clock, and the bound below which it never falls.
//!
//! Absent on purpose: any clock that reads the machine's.

use std::sync::Arc;

use crate::domain::Timestamp;

/// Reads the time that doors stamp on messages, and by which shards find what is due.
pub trait Clock: Send + Sync {
    /// Now.
    fn now(&self) -> Timestamp;
}

/// The time of one engine.
#[derive(Clone)]
pub struct Time {
    clock: Arc<dyn Clock>,
    not_before: Timestamp,
}

impl Time {
    /// The time of an engine whose log has come to `not_before` when it was opened.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>, not_before: Timestamp) -> Time {
        Time { clock, not_before }
    }

    /// Now; never before the log's greatest time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.now().max(self.not_before)
    }
}
