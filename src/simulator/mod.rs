//! What stands in for the world in tests: a disk that loses power and a whole sale in one thread that is cut
//! anywhere; and a stage on which the houses play, with every invariant judged at every record.

mod crash;
#[allow(dead_code)]
mod engaging;
mod fuzz;
pub mod fuzzing;
mod gift_races;
mod judge;
mod lasting;
mod messages;
mod model;
mod plain;
mod properties;
mod recorded;
mod restoration;
mod rows;
#[cfg(feature = "schedules")]
mod schedules;
mod script;
mod seeds;
mod stage;
mod timers;
mod traces;

pub use fuzzing::{Choices, Target, fuzz};
pub use recorded::RECORDED;
