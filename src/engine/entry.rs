//! An entry of a history as its record has it, and the rows that are made of it.
//!
//! Absent on purpose: where records stand, and names of actors.

use std::slice;

use crate::domain::{
    ActorNumber, Balance, Direction, Event, Money, Onward, Position, Timestamp, Told, WalkId, moved, purpose,
};
use crate::journal::record::{Record, RecordError};

/// One event of an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistoryRow {
    /// The number of the entry in its chain, from 1.
    pub sequence: u64,
    /// Which of the entry's events, from 0: messages of one turn to one actor may share an entry.
    pub part: u32,
    /// The entry's time.
    pub at: Timestamp,
    /// The walk that brought it about: one request on its way, so rows of others that have the same are of the same request.
    pub walk: WalkId,
    /// What happened.
    pub event: Event,
    /// What it was about, and whether that moved what the account has posted.
    pub moved: (Option<Money>, Option<Direction>),
    /// The account, offering or certificate on the other side.
    pub with: Option<ActorNumber>,
    /// What a debit was for, in a stable word; none of another event.
    pub purpose: Option<&'static str>,
    /// The client's name for what it is about, where the journal says it.
    pub reference: Option<String>,
    /// What the account had posted after it, where that is known.
    pub posted: Option<Balance>,
    /// The first eight bytes of the chain's head after the entry.
    pub chain: [u8; 8],
}

/// Which rows are wanted: of these types, and of these details; empty lists want all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WantedRows {
    /// What happened, in the words of `Told::kind`.
    pub types: Vec<String>,
    /// What for, in the words of `Told::detail` and `HistoryRow::purpose`.
    pub details: Vec<String>,
}

impl WantedRows {
    /// True where a row is one.
    pub(super) fn has(&self, row: &HistoryRow) -> bool {
        let told = Told::of(&row.event);
        let has = |words: &[String], word: Option<&str>| {
            words.is_empty() || word.is_some_and(|word| words.iter().any(|wanted| wanted == word))
        };
        has(&self.types, Some(told.kind)) && has(&self.details, told.detail.or(row.purpose))
    }
}

/// What a history needs of a record.
pub(super) struct Read {
    pub(super) actor: ActorNumber,
    pub(super) sequence: u64,
    pub(super) at: Timestamp,
    pub(super) former: Option<Position>,
    pub(super) events: Vec<Event>,
    /// As the chain hashes them.
    pub(super) encoded: Vec<u8>,
    chain: u64,
    /// What it sends on, where that says more of an event.
    sent: Vec<Onward>,
    /// Walk and cause of each message that it absorbs: of one alone, or of one for each event.
    messages: Vec<(WalkId, Option<Position>)>,
}

impl Read {
    pub(super) fn of(own: Position, record: Record<'_>) -> Result<Read, RecordError> {
        let prefix = record.prefix;
        let first = (prefix.walk, prefix.cause.map(|(cause, _)| cause.resolve(own)));
        let joined = record.joined.iter().map(|joined| (joined.walk, Some(joined.cause.0.resolve(own))));
        let messages = [first].into_iter().chain(joined).collect();
        let mut sent = Vec::new();
        if record.events.iter().any(purpose::looks_at_what_is_sent) {
            for onward in record.onward() {
                sent.push(onward?.read()?);
            }
        }
        Ok(Read {
            actor: prefix.actor,
            sequence: prefix.sequence,
            at: prefix.at,
            former: prefix.former.map(|former| former.resolve(own)),
            encoded: record.encoded_events.to_vec(),
            events: record.events.into_owned(),
            chain: prefix.chain,
            sent,
            messages,
        })
    }

    /// Walk and cause of the message that brought an event about.
    fn message(&self, part: usize) -> (WalkId, Option<Position>) {
        self.messages.get(part).copied().unwrap_or(self.messages[0])
    }

    /// The row of an event.
    pub(super) fn row(&self, part: usize, posted: Option<Balance>) -> HistoryRow {
        let event = &self.events[part];
        // Events of several messages have nothing to do with each other.
        let beside = if self.messages.len() > 1 { slice::from_ref(event) } else { &self.events };
        let reference = purpose::reference(self.actor, event, beside, &self.sent);
        let (amount, direction) = moved(&self.events, part);
        HistoryRow {
            sequence: self.sequence,
            // A record has far fewer events.
            part: part as u32,
            at: self.at,
            walk: self.message(part).0,
            event: event.clone(),
            moved: (amount.or_else(|| purpose::price(event, &self.sent)), direction),
            with: Told::of(event).with.or_else(|| purpose::payee(event, &self.sent)),
            purpose: purpose::purpose(event, &self.sent),
            reference: reference.map(str::to_owned),
            posted,
            chain: self.chain.to_le_bytes(),
        }
    }

    /// The record that may say what a row is about, where its own does not.
    pub(super) fn cause(&self, row: &HistoryRow) -> Option<Position> {
        let asked = row.reference.is_none() && purpose::looks_at_its_cause(&row.event);
        self.message(row.part as usize).1.filter(|_| asked)
    }
}
