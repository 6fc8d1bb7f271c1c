//! What stands in for the world in tests: here a disk that loses power.

mod power;
mod tearing_disk;

pub use power::Crash;
pub use tearing_disk::{Failure, TearingDisk};
