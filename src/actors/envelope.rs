//! A message on its way to an actor.

use std::mem;
use std::sync::Arc;

use super::ticket::Ticket;
use crate::domain::{ActorNumber, Body, Position, Timestamp, WalkId};
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
    /// What sent it.
    pub sender: Sender,
    /// What.
    pub body: Body,
    /// Whoever waits; nobody after a restart.
    pub ticket: Option<Arc<Ticket>>,
}

/// What sends a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sender {
    /// A door.
    Door,
    /// A record.
    Record {
        /// Where it is.
        position: Position,
        /// The message's place among those that it sends, from 0.
        index: u32,
    },
    /// A record of the house's turn under way, which has no position yet.
    OfTurn {
        /// Its place among the turn's records.
        record: u32,
        /// The message's place among those that it sends, from 0.
        index: u32,
    },
}

impl From<Cause> for Sender {
    fn from(Cause { position, index }: Cause) -> Sender {
        Sender::Record { position, index }
    }
}

impl Envelope {
    /// A walk's first message; `now` is the door's stamp.
    #[must_use]
    pub fn from_door(
        to: ActorNumber,
        walk: WalkId,
        now: Timestamp,
        body: Body,
        ticket: Option<Arc<Ticket>>,
    ) -> Envelope {
        Envelope { to, walk, now, hop: 0, sender: Sender::Door, body, ticket }
    }

    /// The message, taken out of its place.
    pub(super) fn taken(&mut self) -> Envelope {
        let Envelope { to, walk, now, hop, sender, .. } = *self;
        let body = mem::replace(&mut self.body, Body::CreditAbsorbed);
        Envelope { to, walk, now, hop, sender, body, ticket: self.ticket.take() }
    }

    /// Notes that the turn's records have their positions, from `first` on.
    pub(super) fn turn_begins_at(&mut self, first: Position) {
        if let Sender::OfTurn { record, index } = self.sender {
            let position = Position(first.0 + u64::from(record));
            self.sender = Sender::Record { position, index };
        }
    }

    /// Reads what most decisions read of a message, and makes a meaningless number of it: its memory is near then.
    pub(super) fn glance(&self) -> u64 {
        self.body.glance() ^ self.ticket.as_ref().map_or(0, |ticket| ticket.position().0)
    }
}
