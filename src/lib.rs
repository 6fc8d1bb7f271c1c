//! hongbao: an in-memory engine for flash sales in which every certificate and every account is an actor.
//!
//! Start at [`Engine`]: open it on a folder, send it [`domain::Message`]s, close it. `ARCHITECTURE.md` has the
//! way of one message and the contract of durability.

pub mod actors;
pub mod cli;
pub mod client;
mod codec;
pub mod domain;
mod engine;
pub mod journal;
pub mod limits;
mod panics;
mod planted;
pub mod proto;
pub mod receipt;
pub mod server;
pub mod simulation;
#[cfg(test)]
mod simulator;
pub mod snapshot;
mod sync;

pub use engine::{
    Answers, AskedSnapshot, Audit, AuditError, ClaimedStore, Clock, Config, CurrencyTotals, Door, Engine,
    EngineError, EventId, Feed, FeedError, FeedEvent, Heard, History, HistoryCursor, HistoryError,
    HistoryPage, HistoryQuery, HistoryRow, Keeping, LinkedPage, ManualClock, NotACursor, NotAnEventId,
    PlatformCursor, PlatformPage, PlatformQuery, PlatformRow, PrivatePage, Progress, Recovered, Replies,
    Reply, Shown, SnapshotNotTaken, SnapshotOutcome, SnapshotStats, SnapshotTaken, Standing, Subscription,
    SystemClock, Totals, Unwritten, WantedRows, Who, audit, audit_telling,
};

/// The README's example compiles.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
