//! The bounds of a sale: of what a file of orders says, and of a made-up rush.

use super::{BATCH_MESSAGES_MAX, HOPS_MAX, PERMITS_MAX};

/// Largest file of orders, in bytes: it is read whole, so this is the memory it may take.
pub const ORDERS_FILE_BYTES_MAX: u64 = 1 << 30;

/// Most data lines in a file of orders: with the smallest plausible line they fill a fifth of
/// `ORDERS_FILE_BYTES_MAX`, and as values they fit into a few gigabytes.
pub const ORDERS_LINES_MAX: u64 = 10_000_000;

/// Longest line in a file of orders, in bytes: four short columns and room for ignored ones.
pub const ORDERS_LINE_BYTES_MAX: usize = 4_096;

/// Most units in one order: above it a column has been mistaken for another, such as a date.
pub const ORDER_UNITS_MAX: u32 = 1_000_000;

/// Longest customer id, in bytes: a UUID has 36, a hash in hexadecimal 64.
pub const CUSTOMER_BYTES_MAX: usize = 64;

const _: () =
    assert!(ORDERS_LINES_MAX < ORDERS_FILE_BYTES_MAX, "a full file can hold the most lines there may be");

/// Most buyers of a made-up rush: each takes an account for ever, some hundred bytes, so a few gigabytes.
pub const RUSH_BUYERS_MAX: u32 = 10_000_000;

/// The accounts that circulate in a made-up rush, and so the most who share one certificate: enough that
/// they work on every shard, and few enough that each has many promises.
pub const RUSH_SHARERS: u32 = 10_000;

/// Most circulations of a made-up rush: each is kept in its certificate's chain, some hundred bytes.
pub const RUSH_CIRCULATIONS_MAX: u64 = 50_000_000;

/// Most offerings of a made-up rush beside the hot one: each stands in the directory and on the public platform.
pub const RUSH_OFFERINGS_MAX: u32 = 1_000_000;

/// Messages in one batch of a made-up rush, unless it is told otherwise: many enough that a batch costs little beside
/// its messages, few enough that the first of them does not wait long for the last.
pub const RUSH_BATCH_MESSAGES: u32 = 1_024;

/// Batches of a made-up rush under way at once, unless it is told otherwise. A sync covers some thousands of messages,
/// so while one is written the next must be there already; more would buy delay and no speed.
pub const RUSH_BATCHES_AT_ONCE: u32 = 8;

/// Most messages of a made-up rush under way at once: it alone never fills the house, even while walks linger that
/// have answered.
pub const RUSH_IN_FLIGHT_MAX: u32 = PERMITS_MAX as u32 / 2;

const _: () = assert!(RUSH_SHARERS <= HOPS_MAX, "all sharers fit one chain");
const _: () = assert!(RUSH_BATCH_MESSAGES as usize <= BATCH_MESSAGES_MAX, "a rush's batch is a batch");
const _: () = assert!(
    RUSH_BATCH_MESSAGES * RUSH_BATCHES_AT_ONCE <= RUSH_IN_FLIGHT_MAX,
    "a rush that is told nothing else keeps to its bound"
);
