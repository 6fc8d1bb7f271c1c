//! The schedule of a house: which residents time alone will move, and when.
//!
//! It is made of the residents and never stored. Who waits for no point of time costs nothing here.

use std::collections::BTreeSet;

use crate::domain::{ActorNumber, Timestamp};

/// Residents by the next instant at which something is due at them; each has at most one entry.
#[derive(Debug, Default)]
pub(super) struct Schedule(BTreeSet<(Timestamp, ActorNumber)>);

impl Schedule {
    /// Notes that what is next at an actor was due at `before` and is due at `after`.
    pub(super) fn moved(&mut self, actor: ActorNumber, before: Option<Timestamp>, after: Option<Timestamp>) {
        if before == after {
            return;
        }
        if let Some(before) = before {
            self.0.remove(&(before, actor));
        }
        if let Some(after) = after {
            self.0.insert((after, actor));
        }
    }

    /// What is due first.
    pub(super) fn first(&self) -> Option<(Timestamp, ActorNumber)> {
        self.0.first().copied()
    }
}
