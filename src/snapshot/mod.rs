//! Snapshots: what a start may read instead of the journal's beginning.
//!
//! ```text
//! one/  two/          the halves, each a sled database of chunks
//! one.manifest        says that the half is whole, and of what; two.manifest likewise
//! *.new               something being made, or a copy being read; means nothing after a crash
//! ```
//!
//! A generation is written into the older half, so the newer one always stays whole. A half counts only with
//! its manifest, which is removed before the half is touched and put back when all its files are durable. From
//! then on nobody opens the half but the next generation in it: sled writes when it opens, and what it does with
//! damaged bytes is unknown, so a reader opens a copy, and only after the copy's files were found to be those
//! that the manifest names. Of files that sled never writes again a start's copy has links, where the file system has them.
//!
//! sled keeps what was overwritten, so a half grows with every generation in it; one that has outgrown its bound
//! (`limits::HALF_GROWTH_MAX`) begins afresh.
//!
//! Absent on purpose: what a chunk means, which chunks are out of date, when a generation begins and what it
//! allows to trim. A snapshot is never the source of truth: the journal or the other half replaces it.

mod chunk;
mod database;
mod error;
mod files;
mod halves;
mod inspection;
mod manifest;
mod marks;
mod reading;
mod shelf;
mod writing;

#[cfg(test)]
mod tests;

pub use error::SnapshotError;
pub use halves::{Generation, Half};
pub use inspection::{Inspection, inspect};
pub use manifest::{Coverage, Manifest};
pub use reading::Visit;
pub use shelf::Shelf;
pub use writing::{Begun, Snapshots};
