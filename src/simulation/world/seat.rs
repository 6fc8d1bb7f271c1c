//! What a house needs of the world, while others do something in between.

use super::World;
use crate::actors::{Departing, Envelope, Outside};
use crate::domain::Position;
use crate::journal::{JournalError, Log, RecordBatch, record};

/// The world as one house sees it.
pub(super) struct Seat<'world> {
    pub(super) world: &'world mut World,
    pub(super) shard: usize,
}

impl Outside for Seat<'_> {
    fn hand_over(&mut self, batch: &mut RecordBatch) -> Result<Position, JournalError> {
        let world = &mut *self.world;
        world.elsewhere();
        let first = world.log.append(batch)?;
        world.disk.expects(batch);
        for (position, bytes) in (first.0..).zip(batch.iter()) {
            let record = record::decode(bytes).map_err(record_of_ours)?;
            record.walks().for_each(|walk| world.ledger.lock().recorded(walk, Position(position)));
            if let Some(chronicle) = &mut world.chronicle
                && let Err(why) = chronicle.take(bytes)
            {
                world.fail(why);
            }
        }
        world.newest_of_shard[self.shard] = Position(first.0 + batch.records() - 1);
        batch.clear();
        world.show_crash("after records were handed over");
        world.elsewhere();
        Ok(first)
    }

    fn send(&mut self, parcels: Vec<(usize, Vec<Envelope>)>) {
        for (shard, envelopes) in parcels {
            self.world.inboxes[shard].extend(envelopes);
        }
        self.world.show_crash("after messages were sent");
        self.world.elsewhere();
    }

    fn release(&mut self, at: Position, answers: Vec<Departing>) {
        let rests_on = self.world.newest_of_shard[self.shard];
        self.world.elsewhere();
        self.world.release(at, rests_on, answers);
        self.world.show_crash("after answers were released");
    }
}

fn record_of_ours(error: impl std::fmt::Display) -> JournalError {
    JournalError::Stopped { why: format!("a record that was handed over does not decode: {error}") }
}
