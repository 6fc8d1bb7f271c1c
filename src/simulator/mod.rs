//! What stands in for the world in tests: a disk that loses power, and a whole sale in one thread that is
//! cut anywhere.

mod crash;
mod judge;
mod ledger;
mod power;
mod script;
mod tearing_disk;
mod watched_disk;
mod world;

pub use power::Crash;
pub use tearing_disk::{Failure, TearingDisk};
