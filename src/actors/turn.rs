//! What a house has worked out in one turn and not yet let out.

use std::collections::VecDeque;
use std::sync::Arc;

use super::envelope::Envelope;
use super::news::DirectoryNews;
use super::rooms::Place;
use super::ticket::Ticket;
use crate::domain::chain::Entries;
use crate::domain::supply::Change;
use crate::domain::{News, Timestamp};
use crate::journal::RecordBatch;
use crate::limits::TURN_RECORDS_MAX;

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
    /// Messages to actors of this house, which it decides in this very turn where there is room.
    pub(super) inside: VecDeque<Envelope>,
    /// Messages that leave with the turn's end.
    pub(super) outgoing: Vec<Envelope>,
    /// What the directory is to be told.
    pub(super) news: Vec<DirectoryNews>,
    /// What listeners are to be told; with the record of the batch that it follows from.
    pub(super) notices: Vec<(u32, Timestamp, News)>,
    /// What may make room in a currency's whole money.
    pub(super) freed: Vec<Change>,
    /// Tickets whose answer leaves before their walk has ended.
    pub(super) early: Vec<Arc<Ticket>>,
    /// Tickets of messages that are absorbed.
    pub(super) spent: Vec<Spent>,
}

impl Turn {
    /// The place of the record that is made next.
    pub(super) fn next_record(&self) -> u32 {
        u32::try_from(self.places.len()).unwrap_or_else(|_| unreachable!("a turn's records are bounded"))
    }

    /// True where it is to make no more records by time alone.
    pub(super) fn is_full(&self) -> bool {
        self.places.len() >= TURN_RECORDS_MAX
    }
}

/// A message of a walk is absorbed, and none of the walk follows from it.
pub(super) struct Spent {
    pub(super) ticket: Arc<Ticket>,
    /// The record of the batch that absorbed it.
    pub(super) record: Option<u32>,
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
