//! What a house has worked out in one turn and not yet let out.

use std::sync::Arc;

use super::envelope::Envelope;
use super::news::DirectoryNews;
use super::rooms::Place;
use super::ticket::Ticket;
use crate::domain::supply::Change;
use crate::domain::{News, Position, Timestamp};
use crate::journal::{Cause, RecordBatch};

/// Records, messages and tickets of a turn, in the order in which they came about.
#[derive(Default)]
pub(super) struct Turn {
    pub(super) batch: RecordBatch,
    /// Memory for the events of one record, used again and again.
    pub(super) encoded_events: Vec<u8>,
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

/// One message of a walk is absorbed.
pub(super) struct Spent {
    pub(super) ticket: Arc<Ticket>,
    /// The record of the batch that absorbed it.
    pub(super) record: Option<usize>,
    /// How many messages of the same walk follow.
    pub(super) more: u32,
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
