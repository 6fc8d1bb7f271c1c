//! The journal: an append-only log of opaque records, durable by one sync for many.
//!
//! What is here: the promises of a log ([`Log`]), the log of segments in a folder
//! ([`FileLog`]), what opening it finds ([`Opened`]), the front that every shard hands its
//! records to ([`Journal`]) and the folder that all of it lives in ([`DataFolder`]).
//!
//! Absent on purpose: what a record means, snapshots, the order of walks, any `async`, and
//! any decision to go on after a failed write or sync.

mod disk;
mod error;
mod findings;
mod folder;
mod follow;
mod format;
mod front;
mod handover;
mod joined;
mod log;
mod prefix;
pub mod record;
mod recovery;
mod seek;
mod segments;
mod survey;
mod writer;

#[cfg(test)]
pub(crate) mod tests;

pub use disk::{Disk, FolderDisk, TEMPORARY_SUFFIX};
pub(crate) use disk::{create_durably, identity, names_in, sync_folder};
pub use error::JournalError;
pub use findings::{Cut, Opened};
pub use folder::DataFolder;
pub use follow::Follower;
pub use front::{Departure, JournalStats, SyncTimes};
pub use handover::Journal;
pub use joined::{Joined, encode_into as encode_joined};
pub use log::{Log, RecordBatch, Visit};
pub use prefix::{AnswerMark, Cause, Prefix, PrefixError, Reference};
pub use record::{Record, Sent};
pub use seek::Seeker;
pub use segments::{FileLog, SegmentLog, SegmentOptions};
