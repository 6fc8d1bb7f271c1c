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
    /// Nothing any more. Money that others owe or hold for it still comes in, and the institution pays it out.
    Closed,
}

/// A change of what an account may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum StatusChange {
    /// No commands of its own from now on; the institution's.
    Freeze,
    /// Its commands again; the institution's.
    Unfreeze,
    /// For ever; the institution's, or the account's own. Only when posted, held and earmarked are 0 and nothing at
    /// the account is open: no gift that waits or is to be provided, no order, reservation, pending transfer, payment
    /// certificate, debt, and no request that waits for an answer. What it is to others is no bar: as a payee, a
    /// supplier, a donor, a beneficiary or the payer of a commission it may close, and what comes to it later is cashed
    /// out by the institution. Its purchases are refunded no more.
    Close,
    /// Whether gifts are accepted as they arrive (D22); the account's own.
    AcceptGifts {
        /// True: without being asked.
        by_itself: bool,
    },
}

impl StatusChange {
    /// How it leaves the account, in a stable word.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            StatusChange::Freeze => "frozen",
            StatusChange::Unfreeze => "unfrozen",
            StatusChange::Close => "closed",
            StatusChange::AcceptGifts { by_itself: true } => "accepts_gifts",
            StatusChange::AcceptGifts { by_itself: false } => "accepts_no_gifts",
        }
    }
}
