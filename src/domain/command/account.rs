//! What an account may do, and what changes that (D46, D22).

use serde::{Deserialize, Serialize};

/// What an account may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub enum Status {
    /// Everything.
    #[default]
    Open,
    /// No commands of its own; credits, and what it had committed, go on.
    Frozen,
    /// Nothing any more; a credit that was under way still arrives.
    Closed,
}

/// A change of what an account may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum StatusChange {
    /// No commands of its own from now on; the institution's.
    Freeze,
    /// Its commands again; the institution's.
    Unfreeze,
    /// For ever; the institution's, or the account's own. Only when empty and party to nothing open.
    Close,
    /// Whether gifts are accepted as they arrive (D22); the account's own.
    AcceptGifts {
        /// True: without being asked.
        by_itself: bool,
    },
}
