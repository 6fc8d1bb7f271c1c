//! What stands in for the world in tests: a disk that loses power and a whole sale in one thread that is cut
//! anywhere; and a stage on which the houses play, with every invariant judged at every record.

mod crash;
#[allow(dead_code)]
mod engaging;
mod gift_races;
mod history;
mod judge;
mod ledger;
mod messages;
mod model;
mod power;
mod properties;
mod restoration;
mod rows;
mod script;
mod snapshots;
mod stage;
mod tearing_disk;
mod timers;
mod traces;
mod watched_disk;
mod world;

pub use power::Crash;
pub use tearing_disk::{Failure, TearingDisk};
