//! What a house has worked out in one turn and not yet let out.

use std::sync::Arc;

use super::envelope::{Envelope, Sender};
use super::news::DirectoryNews;
use super::page::InTurn;
use super::rooms::Place;
use super::ticket::Ticket;
use crate::domain::chain::{self, Entries};
use crate::domain::supply::Change;
use crate::domain::{News, Timestamp, WalkId};
use crate::journal::{RecordBatch, Reference, record};
use crate::limits::TURN_RECORDS_MAX;

/// Records, messages and tickets of a turn, in the order in which they came about.
#[derive(Default)]
pub(super) struct Turn {
    pub(super) batch: RecordBatch,
    /// Chain entries, to be hashed together.
    pub(super) entries: Entries,
    /// Records that more messages may join, and behind them memory for others.
    pub(super) joints: Vec<Joint>,
    /// How many of them there are.
    pub(super) joints_begun: usize,
    /// What is to be noted of each record of the batch.
    pub(super) records: Vec<InBatch>,
    /// How many of them tell the heads of their chains already.
    pub(super) telling: usize,
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
        u32::try_from(self.records.len()).unwrap_or_else(|_| unreachable!("a turn's records are bounded"))
    }

    /// Begins a record that messages share, behind the one at `former` of the same actor.
    pub(super) fn begin_joint(&mut self, place: Place, former: u32) -> u32 {
        if self.joints.len() == self.joints_begun {
            self.joints.push(Joint::default());
        }
        let joint = &mut self.joints[self.joints_begun];
        (joint.place, joint.former) = (Some(place), former);
        self.joints_begun += 1;
        u32::try_from(self.joints_begun - 1).unwrap_or_else(|_| unreachable!("a turn's records are bounded"))
    }

    /// Hashes the entries, many side by side, and lets their records tell the heads.
    pub(super) fn tell_heads(&mut self) {
        self.entries.hash();
        for InBatch { entry, chain_at, .. } in &self.records[self.telling..] {
            if let Some(entry) = entry {
                let head = self.entries.head(entry.place());
                record::set_chain(&mut self.batch, *chain_at, chain::prefix(head));
            }
        }
    }

    /// For how many more messages it has room whatever they are, each closing a joint and making a record.
    pub(super) fn room_for_messages(&self) -> usize {
        (TURN_RECORDS_MAX - 1).saturating_sub(self.records.len() + self.joints_begun) / 2
    }

    /// True where one more message's own record is all that it has room for.
    pub(super) fn is_full(&self) -> bool {
        self.records.len() + self.joints_begun + 1 >= TURN_RECORDS_MAX
    }
}

/// A message of a walk is absorbed, and none of the walk follows from it.
pub(super) struct Spent {
    pub(super) ticket: Arc<Ticket>,
    /// The record of the batch that absorbed it.
    pub(super) record: Option<InTurn>,
}

/// A record under way: an actor has absorbed some messages from which nothing follows, and made one event of each.
#[derive(Default)]
pub(super) struct Joint {
    /// Where the actor's room is; none once the record is in the batch.
    pub(super) place: Option<Place>,
    /// The actor's record before, in the same turn.
    pub(super) former: u32,
    /// The messages.
    pub(super) messages: Vec<Absorbed>,
    /// Their events, encoded.
    pub(super) events: Vec<u8>,
    /// Memory for all messages but the first, encoded.
    pub(super) joined: Vec<u8>,
    /// Their tickets.
    pub(super) tickets: Vec<Arc<Ticket>>,
}

/// A message that is absorbed, without its body.
#[derive(Clone, Copy)]
pub(super) struct Absorbed {
    pub(super) walk: WalkId,
    pub(super) hop: u32,
    pub(super) sender: Sender,
    pub(super) now: Timestamp,
}

impl Absorbed {
    /// What the record at `own` in the turn says of the message's cause.
    pub(super) fn cause(&self, own: u32) -> Option<(Reference, u32)> {
        match self.sender {
            Sender::Door => None,
            Sender::Record { position, index } => Some((Reference::At(position), index)),
            Sender::OfTurn { record, index } => Some((Reference::Back(u64::from(own - record)), index)),
        }
    }
}

/// A record of the batch.
pub(super) struct InBatch {
    /// Where its actor's room is.
    pub(super) place: Place,
    /// The entry whose head is its actor's behind it, where that is one of the turn and not known yet.
    pub(super) entry: Option<InTurn>,
    /// Where it tells the head, as `journal::record::chain_place` gave it.
    pub(super) chain_at: u32,
}
