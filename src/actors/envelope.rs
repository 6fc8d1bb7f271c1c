//! A message on its way to an actor.

use std::sync::Arc;

use super::ticket::Ticket;
use crate::domain::{ActorNumber, Body, Timestamp, WalkId};
use crate::journal::Cause;

/// A message, its walk, and the handle of whoever waits for the walk's answer.
///
/// The address is the actor's number: the shard follows from it, and the shard looks its resident up by it,
/// so there is no slot in a message that could be stale.
pub struct Envelope {
    /// To whom.
    pub to: ActorNumber,
    /// The walk.
    pub walk: WalkId,
    /// The walk's time; until the walk's first actor has it, the door's stamp.
    pub now: Timestamp,
    /// How many messages the walk had taken before, on this way.
    pub hop: u32,
    /// The record that sent it; none from a door.
    pub cause: Option<Cause>,
    /// What.
    pub body: Body,
    /// Whoever waits; nobody after a restart.
    pub ticket: Option<Arc<Ticket>>,
}

impl Envelope {
    /// Reads what most decisions read of a message, and makes a meaningless number of it: its memory is near then.
    pub(super) fn glance(&self) -> u64 {
        self.body.glance() ^ self.ticket.as_ref().map_or(0, |ticket| ticket.position().0)
    }
}
