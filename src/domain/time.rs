//! Time as data: points and windows that somebody else has read off a clock.
//!
//! Absent on purpose: any clock.

use serde::{Deserialize, Serialize};

/// A point of time in milliseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct Timestamp(pub u64);

impl Timestamp {
    /// The milliseconds from `earlier` to `self`; 0 where `earlier` is later.
    #[must_use]
    pub fn since(self, earlier: Timestamp) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

/// When an offering sells: from `opens` up to, not including, `closes` (F4, D40).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, Default)]
pub struct Window {
    /// The first instant of the sale; none: from publishing on.
    pub opens: Option<Timestamp>,
    /// The first instant after the sale; none: without end.
    pub closes: Option<Timestamp>,
}

impl Window {
    /// True where `now` lies in the window.
    #[must_use]
    pub fn contains(&self, now: Timestamp) -> bool {
        self.opens.is_none_or(|opens| now >= opens) && self.closes.is_none_or(|closes| now < closes)
    }
}
