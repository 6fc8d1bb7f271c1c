//! The engine: opening a store, sending messages, closing. It needs no socket and no runtime of the caller's.
//!
//! Absent on purpose: decisions. Doors resolve and stamp; actors decide.

mod asked;
mod audit;
mod clock;
mod config;
mod deliver;
mod digest;
mod door;
mod entry;
mod error;
mod feed;
mod held;
mod history;
mod lookup;
mod open;
mod platform;
mod pressure;
mod readers;
mod reading;
mod receipts;
mod restore;
mod retention;
mod sending;
mod slice_times;
mod subscription;
mod sweeps;
mod taking;

pub use asked::{AskedSnapshot, SnapshotNotTaken, SnapshotOutcome, SnapshotTaken};
pub use audit::{Audit, AuditError, CurrencyTotals, Totals, audit, audit_telling};
pub use clock::{Clock, ManualClock, SystemClock};
pub use config::{Config, Keeping, Progress};
pub use deliver::{Answers, Replies, Reply};
#[cfg(test)]
pub(crate) use digest::state_lines;
pub use door::Door;
pub use entry::{HistoryRow, WantedRows};
pub use error::EngineError;
pub use feed::{EventId, Feed, FeedError, FeedEvent, NotAnEventId};
pub use history::{
    History, HistoryCursor, HistoryError, HistoryPage, HistoryQuery, NotACursor, Standing, Who,
};
pub use open::{ClaimedStore, Engine, Recovered};
pub use platform::{
    LinkedPage, PlatformCursor, PlatformPage, PlatformQuery, PlatformRow, PrivatePage, Shown,
};
pub use receipts::Unwritten;
pub(crate) use restore::{Restored, read_into, restore};
pub(crate) use retention::Retention;
pub use subscription::{Heard, Subscription};
pub use sweeps::SnapshotStats;
pub(crate) use taking::{Taking, Written};
