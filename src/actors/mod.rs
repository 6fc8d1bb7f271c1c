//! Actors at work: residents of houses, one house a shard, each shard an actix actor on its own Arbiter.
//!
//! Everything but `shard` and `directory` knows no runtime, so recovery, audit and the crash test run it
//! in one thread. Absent on purpose: waiting. No actor awaits another; what must go on goes on as a message.

mod chunks;
mod clock;
mod departing;
mod directory;
mod envelope;
mod house;
mod inbox;
pub mod invariants;
mod news;
mod notices;
mod page;
mod page_places;
mod permits;
mod platform;
mod replay;
mod reply;
mod rooms;
mod schedule;
mod series;
mod shard;
mod stopped;
mod sweep;
mod ticket;
mod turn;
mod undelivered;
mod worker;

#[cfg(test)]
#[cfg(feature = "schedules")]
mod tests;

pub use chunks::{Joiner, Piece, Whole, large_key};
pub use clock::{Clock, Time};
pub use departing::{Departing, Refused};
pub use directory::{AccountEntry, Directory, OfferingEntry};
pub use envelope::Envelope;
pub use house::{Common, House, Outside, shard_of};
#[cfg(all(test, feature = "schedules"))]
pub(crate) use inbox::{Inbox, Wakes, all_at_rest};
pub use notices::Notices;
pub use page::Room;
pub use permits::{Permit, Permits};
pub(crate) use replay::NEAR_RECORDS;
pub use replay::{RecoveryError, Replay, ReplayError, unfinished_walks};
pub use reply::{Reply, Sink};
pub use shard::Shards;
pub use stopped::Stopped;
pub(crate) use sweep::Portion;
pub use sweep::{Slice, SweepError};
pub use ticket::{Booklet, Ticket};
pub(crate) use undelivered::Undelivered;
#[cfg(all(test, feature = "schedules"))]
pub(crate) use worker::Worker;
