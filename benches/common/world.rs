//! A house in memory in which everything is ready to be bought, and copies of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use hongbao::Door;
use hongbao::actors::{Booklet, Common, Departing, Envelope, House, Outside, Permits, Replay, Room, Sink};
use hongbao::domain::{ActorNumber, Answer, Message, Position, Timestamp};
use hongbao::journal::{Departure, JournalError, RecordBatch};
use hongbao::limits::{PERMITS_MAX, TURN_MESSAGES_MAX};

use super::sale::Sale;

/// The time of everything.
pub const NOW: Timestamp = Timestamp(1_000_000);

/// The sale, and everybody in it right before the purchases.
pub struct World {
    pub sale: Sale,
    pub rooms: Vec<(ActorNumber, Room)>,
    newest: Position,
}

impl World {
    pub fn new(sale: Sale) -> World {
        let mut stage = Stage::empty();
        for phase in sale.phases() {
            stage.send(&phase);
        }
        let newest = stage.outside.newest;
        let rooms = stage.house.rooms().map(|(number, room)| (number, room.clone())).collect();
        World { sale, rooms, newest }
    }

    /// A new house with everybody in it.
    pub fn stage(&self) -> Stage {
        let mut replay = Replay::new(1);
        for (number, room) in &self.rooms {
            replay.restore(*number, room.clone()).unwrap();
        }
        replay.restored(Position(self.newest.0 + 1), 1_000_000);
        Stage::new(replay)
    }
}

/// A house, its door, and a world outside that keeps nothing.
pub struct Stage {
    pub house: House,
    pub door: Door,
    pub outside: Nothing,
    permits: Arc<Permits>,
    done: Arc<Done>,
}

/// Gives positions, drops records or keeps them, and lets answers go at once.
pub struct Nothing {
    newest: Position,
    /// How many records there were.
    pub records: u64,
    /// All records, where they are wanted.
    pub kept: Option<RecordBatch>,
}

impl Outside for Nothing {
    fn hand_over(&mut self, batch: &mut RecordBatch) -> Result<Position, JournalError> {
        let first = Position(self.newest.0 + 1);
        self.newest.0 += batch.records();
        self.records += batch.records();
        match &mut self.kept {
            Some(kept) => kept.append(batch),
            None => batch.clear(),
        }
        Ok(first)
    }

    fn send(&mut self, _parcels: Vec<(usize, Vec<Envelope>)>) {
        unreachable!("there is one shard");
    }

    fn release(&mut self, _at: Position, answers: Vec<Departing>) {
        Departing::leave_all(answers.into_iter());
    }
}

/// Counts what is done; nothing here may be refused.
#[derive(Default)]
struct Done(AtomicU64);

impl Sink for Done {
    fn give(&self, _index: u32, answer: Answer) {
        answer.unwrap();
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

impl Stage {
    /// A house without anybody.
    pub fn empty() -> Stage {
        Stage::new(Replay::new(1))
    }

    fn new(replay: Replay) -> Stage {
        let newest = replay.newest();
        let (mut houses, common): (_, Arc<Common>) =
            replay.finish(&mut |_| unreachable!("nothing is unfinished")).unwrap();
        let outside = Nothing { newest, records: 0, kept: None };
        let (permits, done) = (Permits::new(PERMITS_MAX), Arc::default());
        Stage { house: houses.remove(0), door: Door::new(common), outside, permits, done }
    }

    /// Sends messages through the door, as many at once as a turn takes, until all are answered.
    pub fn send(&mut self, messages: &[Message]) {
        let before = self.done.0.load(Ordering::Relaxed);
        for messages in messages.chunks(TURN_MESSAGES_MAX) {
            let sink = Arc::clone(&self.done) as Arc<dyn Sink>;
            let mut booklet = Booklet::new(sink, self.permits.take_up_to(messages.len()));
            for message in messages {
                let (to, body) = self.door.resolve(message, [7; 32]).unwrap();
                let ticket = booklet.next(0);
                assert!(ticket.is_some());
                let walk = self.door.common().next_walk();
                self.house.deliver([Envelope::from_door(to, walk, NOW, body, ticket)]);
            }
            while self.house.busy() {
                self.house.turn(&mut self.outside).unwrap();
            }
        }
        assert_eq!(self.done.0.load(Ordering::Relaxed) - before, messages.len() as u64);
    }
}
