//! What a house has worked out in one turn and not yet let out.

use std::sync::Arc;

use super::envelope::Envelope;
use super::news::DirectoryNews;
use super::rooms::Place;
use super::ticket::Ticket;
use crate::domain::chain::Entries;
use crate::domain::supply::Change;
use crate::domain::{News, Position, Timestamp};
use crate::journal::{Cause, RecordBatch};

/// Records, messages and tickets of a turn, in the order in which they came about.
#[derive(Default)]
pub(super) struct Turn {
    pub(super) batch: RecordBatch,
    /// Memory for the events of one record, used again and again.
    pub(super) encoded_events: Vec<u8>,
    /// The same for one onward message.
    pub(super) encoded_onward: Vec<u8>,
    /// Chain entries, to be hashed together.
    pub(super) entries: Entries,
    /// The records whose heads are among them.
    pub(super) chained: Vec<Chained>,
    /// Where the room of each record of the batch is.
    pub(super) places: Vec<Place>,
    /// Messages to send; with the record of the batch that sends each, and its place among that record's.
    pub(super) outgoing: Vec<(Option<(usize, u32)>, Envelope)>,
    /// What the directory is to be told.
    pub(super) news: Vec<DirectoryNews>,
    /// What listeners are to be told; with the record of the batch that it follows from.
    pub(super) notices: Vec<(usize, Timestamp, News)>,
    /// What may make room in a currency's whole money.
    pub(super) freed: Vec<Change>,
    /// Tickets whose answer leaves before their walk has ended.
    pub(super) early: Vec<Arc<Ticket>>,
    /// Tickets of messages that are absorbed.
    pub(super) spent: Vec<Spent>,
}

/// A message of a walk is absorbed, and none of the walk follows from it.
pub(super) struct Spent {
    pub(super) ticket: Arc<Ticket>,
    /// The record of the batch that absorbed it.
    pub(super) record: Option<usize>,
}

/// A record behind which an actor's head is that of an entry of the turn.
pub(super) struct Chained {
    /// The entry's place.
    pub(super) entry: u32,
    /// Where the actor's room is.
    pub(super) place: Place,
    /// Where the record tells the head, as `journal::record::chain_place` gave it.
    pub(super) at: usize,
}

impl Turn {
    /// Gives the outgoing messages their causes, where `first` is the batch's first position.
    pub(super) fn envelopes(&mut self, first: Position) -> impl Iterator<Item = Envelope> + use<'_> {
        self.outgoing.drain(..).map(move |(sender, mut envelope)| {
            if let Some((record, index)) = sender {
                let position = Position(first.0 + record as u64);
                envelope.cause = Some(Cause { position, index });
            }
            envelope
        })
    }
}
