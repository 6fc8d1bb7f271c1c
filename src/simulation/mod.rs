//! The whole engine in one thread, on a scripted clock and a disk in memory that fails: `hongbao simulate`.
//!
//! Decisions, walks, turns, the journal's format, snapshots and recovery are the shipped ones; actix, sockets, threads, sled
//! and the real disk are replaced. A seed says everything that happens: what clients ask, in which order it is decided, when
//! the power goes off and what the disk has kept of it. Whenever all is quiet, a naive model of the market that was written
//! from SPEC alone must agree with every answer and every balance.
//!
//! ```text
//! chance, power, tearing_disk    luck, and a disk that loses what was not synced
//! world, snapshots, recovery     a process in one thread; how another one starts on what it has left
//! chronicle, history             every record replayed and judged as it comes
//! setting, acts, earlier         the market, and what its people do by and by
//! messages, engaging             the words in which they say it
//! model, agreement               what SPEC says of it, and in which order of what was under way
//! script, run, counts, shrink    one seed, and the smallest part of it that still fails
//! ```
//!
//! Absent on purpose: time that passes by itself, and anything that a seed does not decide.

pub(crate) mod acts;
mod agreement;
pub(crate) mod chance;
pub(crate) mod chronicle;
mod counts;
mod earlier;
pub(crate) mod engaging;
#[cfg_attr(not(test), expect(dead_code, reason = "the crash test watches more of it"))]
pub(crate) mod history;
#[cfg_attr(not(test), expect(dead_code, reason = "the crash test watches more of it"))]
pub(crate) mod ledger;
pub(crate) mod messages;
mod model;
mod observed;
pub(crate) mod power;
pub(crate) mod recovery;
mod run;
mod script;
pub(crate) mod setting;
mod shown;
mod shrink;
pub(crate) mod snapshots;
#[cfg_attr(not(test), expect(dead_code, reason = "the crash test watches more of it"))]
pub(crate) mod tearing_disk;
#[cfg_attr(not(test), expect(dead_code, reason = "the crash test watches more of it"))]
pub(crate) mod watched_disk;
#[cfg_attr(not(test), expect(dead_code, reason = "the crash test watches more of it"))]
pub(crate) mod world;

pub use counts::{Counts, Failed};
pub use run::{run, run_telling};
pub use script::Cut;
pub use shrink::{Shrunk, shrink};

use crate::domain::Timestamp;

/// Where the clock of a market begins.
pub(crate) const START: Timestamp = Timestamp(1_000_000);
