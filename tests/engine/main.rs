//! The engine through its library, as a program embeds it, with one shard and with three.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on should end there")]

mod answers;
mod attacks;
mod backing;
mod conditions;
#[path = "../common/copying.rs"]
mod copying;
mod display;
mod gifts;
mod history;
mod house;
mod notices;
mod platforms;
mod races;
mod snapshots;
mod time;
mod totals;
