//! The end of a turn: records are handed over, then messages go out, then answers are released.

use std::sync::Arc;

use super::{House, Outside, shard_of};
use crate::actors::departing::Departing;
use crate::actors::envelope::Envelope;
use crate::actors::turn::{InBatch, Spent, Turn};
use crate::domain::{Notice, Position};
use crate::journal::JournalError;
use crate::planted::{self, Bug};

impl House {
    pub(super) fn conclude(
        &mut self,
        mut turn: Turn,
        outside: &mut impl Outside,
    ) -> Result<(), JournalError> {
        self.close_all(&mut turn)?;
        let records = turn.records.len();
        let mut first = Position(self.handed.0 + 1);
        if planted::has(Bug::OnwardBeforeRecord) {
            self.send(&mut turn, first, outside);
        }
        turn.tell_heads();
        if records > 0 {
            first = outside.hand_over(&mut turn.batch)?;
            self.handed = Position(first.0 + records as u64 - 1);
            for (index, InBatch { place, entry, .. }) in turn.records.drain(..).enumerate() {
                let numbered = self.rooms.moved_to(place, Position(first.0 + index as u64));
                if let Some(entry) = entry {
                    numbered.set_head(turn.entries.head(entry.place()));
                }
            }
            turn.entries.clear();
            turn.telling = 0;
            for change in turn.freed.drain(..) {
                self.common.with_supply(|supply| supply.free(&change));
            }
        }
        // Only now: a door that knows a name may send what rests on it, and that must come behind it in the log.
        turn.news.drain(..).for_each(|news| news.tell(&self.common.directory));
        let mut leaving: Vec<Departing> = turn.early.drain(..).map(Departing::early).collect();
        let mut at = self.handed;
        for Spent { ticket, record } in turn.spent.drain(..) {
            let position = record.map_or(Position(0), |record| Position(first.0 + u64::from(record.place())));
            if ticket.absorbed(position) {
                at = at.max(ticket.position());
                leaving.push(Departing::ended(ticket));
            }
        }
        if !turn.notices.is_empty() {
            // Before the messages go on: what follows from a notice is held behind it.
            let notice =
                |(record, at, news)| Notice { position: Position(first.0 + u64::from(record)), at, news };
            self.common.notices.hold(turn.notices.drain(..).map(notice));
            outside.release(self.handed, vec![Departing::notices(Arc::clone(&self.common), self.handed)]);
        }
        self.send(&mut turn, first, outside);
        if !leaving.is_empty() {
            let at = if planted::has(Bug::AnswerBeforeSync) { Position(0) } else { at };
            outside.release(at, leaving);
        }
        self.turn = turn;
        Ok(())
    }

    fn send(&mut self, turn: &mut Turn, first: Position, outside: &mut impl Outside) {
        let mut others: Vec<Vec<Envelope>> = Vec::new();
        others.resize_with(self.shards, Vec::new);
        for envelope in &mut self.inside {
            envelope.turn_begins_at(first);
        }
        for mut envelope in turn.outgoing.drain(..) {
            envelope.turn_begins_at(first);
            let shard = shard_of(envelope.to, self.shards);
            if shard == self.shard {
                self.queue.push_back(envelope);
            } else if let Some(batch) = others.get_mut(shard) {
                batch.push(envelope);
            }
        }
        let parcels: Vec<_> =
            others.into_iter().enumerate().filter(|(_, parcel)| !parcel.is_empty()).collect();
        if !parcels.is_empty() {
            outside.send(parcels);
        }
    }
}
