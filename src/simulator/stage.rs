//! An engine in one thread, without actix and without a disk: a door, houses, and records in a list.
//!
//! Every record goes into a replay at once. At every record the replayed houses must keep the invariants, and
//! after every turn they must equal the live ones, room by room and bit for bit (I11).

use std::sync::{Arc, Mutex};

use crate::actors::{Departing, Envelope, House, Outside, Permits, Replay, Room, Sink, Ticket};
use crate::actors::{invariants, shard_of};
use crate::domain::{
    Account, ActorNumber, Answer, Certificate, CertificateEvent, Context, Decision, Event, Message, Name,
    Offering, Position, Refusal, Resident, Serial, Timestamp, WalkId,
};
use crate::engine::Door;
use crate::journal::{Departure, JournalError, RecordBatch, record};
use crate::limits::{PERMITS_MAX, TURN_MESSAGES_MAX, TURN_RECORDS_MAX};
pub(super) use crate::simulation::START;
use crate::simulation::chance::Chance;
use crate::simulation::chronicle::Chronicle;

/// More turns than any test has messages.
const TURNS_MAX: usize = 200_000;

/// How closely a stage looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Watch {
    /// At every record and after every turn.
    EveryRecord,
    /// When all is quiet; for runs with thousands of records.
    WhenQuiet,
}

/// The engine in one thread.
pub struct Stage {
    door: Door,
    houses: Vec<House>,
    world: World,
    now: Timestamp,
    seeds: u64,
    turn: usize,
    luck: Option<Chance>,
    step_by_step: bool,
    permits: Arc<Permits>,
    /// What was delivered, and when.
    begun: Vec<(Timestamp, Vec<Message>)>,
}

/// The answers to messages that were begun together.
pub struct Pending(Arc<Answers>);

#[derive(Default)]
struct Answers(Mutex<Vec<Option<Answer>>>);

impl Sink for Answers {
    fn give(&self, index: u32, answer: Answer) {
        let mut answers = self.0.lock().unwrap();
        let slot = &mut answers[index as usize];
        assert!(slot.is_none(), "a message is answered once, but {slot:?} and {answer:?}");
        *slot = Some(answer);
    }
}

struct World {
    chronicle: Chronicle,
    inboxes: Vec<Vec<Envelope>>,
    watch: Watch,
}

impl World {
    fn new(shards: usize, watch: Watch) -> World {
        let inboxes = (0..shards).map(|_| Vec::new()).collect();
        World { chronicle: Chronicle::new(), inboxes, watch }
    }

    fn take(&mut self, bytes: &[u8]) {
        let taken = match self.watch {
            Watch::EveryRecord => self.chronicle.take(bytes),
            Watch::WhenQuiet => self.chronicle.add(bytes),
        };
        taken.unwrap_or_else(|why| panic!("{why}: {:?}", record::decode(bytes).unwrap().events));
    }
}

impl Outside for World {
    fn hand_over(&mut self, batch: &mut RecordBatch) -> Result<Position, JournalError> {
        let first = Position(self.chronicle.records() + 1);
        assert!(batch.records() <= TURN_RECORDS_MAX as u64, "a turn's records are bounded");
        for bytes in batch.iter() {
            self.take(bytes);
        }
        batch.clear();
        Ok(first)
    }

    fn send(&mut self, parcels: Vec<(usize, Vec<Envelope>)>) {
        for (shard, envelopes) in parcels {
            self.inboxes[shard].extend(envelopes);
        }
    }

    fn release(&mut self, at: Position, answers: Vec<Departing>) {
        assert!(at.0 <= self.chronicle.records(), "an answer rests on records that were handed over");
        answers.into_iter().for_each(Departure::leave);
    }
}

impl Stage {
    /// A stage with so many shards, one message a turn and no walk at once, watched at every record.
    pub fn new(shards: usize) -> Stage {
        Stage::watched(shards, Watch::EveryRecord)
    }

    /// A stage for thousands of messages: whole turns, watched when all is quiet.
    pub fn large(shards: usize) -> Stage {
        Stage::watched(shards, Watch::WhenQuiet)
    }

    fn watched(shards: usize, watch: Watch) -> Stage {
        let (houses, common) =
            Replay::new(shards).finish(&mut |_| unreachable!("nothing to finish")).unwrap();
        let stage = Stage::over(houses, Door::new(common), World::new(shards, watch));
        stage.step_by_step(watch == Watch::EveryRecord)
    }

    fn over(houses: Vec<House>, door: Door, world: World) -> Stage {
        let (permits, begun) = (Permits::new(PERMITS_MAX), Vec::new());
        Stage {
            door,
            houses,
            world,
            now: START,
            seeds: 0,
            turn: 0,
            luck: None,
            step_by_step: false,
            permits,
            begun,
        }
    }

    /// The same stage, which must be quiet; whether a house's own messages wait for the next turn.
    pub fn step_by_step(mut self, step_by_step: bool) -> Stage {
        self.step_by_step = step_by_step;
        self.houses.iter_mut().for_each(|house| house.go_step_by_step(step_by_step));
        self
    }

    /// The same stage, which must be quiet, with shards and lengths of turns chosen by luck, and whether a house's own
    /// messages wait for the next turn.
    pub fn with_luck(mut self, seed: u64) -> Stage {
        self.luck = Some(Chance(seed));
        self.step_by_step(seed.is_multiple_of(2))
    }

    /// The same stage, which must be quiet, with plain purchases decided message by message.
    pub fn without_plain_way(mut self) -> Stage {
        self.houses.iter_mut().for_each(House::close_plain_way);
        self
    }

    /// How many purchases have settled the plain way.
    pub fn settled_plainly(&self) -> usize {
        self.houses.iter().map(House::settled_plainly).sum()
    }

    /// Another engine on the first `records` of this one: it replays them and finishes what is unfinished.
    pub fn restarted_at(&self, records: usize) -> Stage {
        let mut replay = Replay::new(self.houses.len());
        let mut world = World::new(self.houses.len(), self.world.watch);
        for (position, bytes) in (1_u64..).zip(&self.encoded()[..records]) {
            replay.record(Position(position), bytes).unwrap();
            world.take(bytes);
        }
        let latest = replay.latest();
        let (houses, common) = replay.finish(&mut |batch| world.hand_over(batch)).unwrap();
        let mut stage = Stage::over(houses, Door::new(common), world);
        stage.now = self.now.max(latest);
        stage.seeds = self.seeds;
        stage.luck = self.luck;
        stage = stage.step_by_step(self.step_by_step);
        stage.check_quiet();
        stage
    }

    /// Everything that was delivered to it, batch by batch.
    pub fn begun(&self) -> &[(Timestamp, Vec<Message>)] {
        &self.begun
    }

    /// Sets the clock.
    pub fn at(&mut self, now: Timestamp) {
        self.now = now;
    }

    /// Moves the clock on.
    pub fn later(&mut self, milliseconds: u64) {
        self.now.0 += milliseconds;
    }

    /// How many records there are.
    pub fn records(&self) -> usize {
        self.encoded().len()
    }

    /// Every record so far, as the log has it.
    pub fn encoded(&self) -> &[Vec<u8>] {
        self.world.chronicle.encoded()
    }

    /// Every event so far, with its actor and its record's time.
    pub fn events(&self) -> &[(ActorNumber, Timestamp, Event)] {
        self.world.chronicle.events()
    }

    /// The events of one certificate, oldest first.
    pub fn events_of(&self, offering: &str, serial: u32) -> Vec<CertificateEvent> {
        let number = self.number_of(offering, serial);
        let own = self.events().iter().filter(|(actor, ..)| *actor == number);
        own.filter_map(|(_, _, event)| match event {
            Event::Certificate(event) => Some(event.clone()),
            _ => None,
        })
        .collect()
    }

    /// Sends one message and runs until all is quiet.
    pub fn send(&mut self, message: &Message) -> Answer {
        self.send_all(std::slice::from_ref(message)).remove(0)
    }

    /// Delivers all messages, so that their walks interleave, then runs until all is quiet.
    pub fn send_all(&mut self, messages: &[Message]) -> Vec<Answer> {
        let pending = self.begin(messages);
        self.run();
        let answers = self.answers(&pending);
        answers.into_iter().map(|answer| answer.expect("a quiet house has answered everyone")).collect()
    }

    /// What the door refuses by itself because everything is sold. The offering, asked, must say the same.
    pub fn turns_away(&self, message: &Message) -> Option<Refusal> {
        let refusal = self.door.turns_away(message, self.now)?;
        let (to, body) = self.door.resolve(message, [0; 32]).unwrap();
        let room = self.rooms()[&to];
        let context = Context { walk: WalkId(0), now: self.now.max(room.at) };
        let asked = room.resident.apply(context, room.sequence, &room.head, &body);
        assert_eq!(asked, Decision::Refuse(refusal.clone()), "{message:?}");
        Some(refusal)
    }

    /// Lets doors forget that everything of an offering is sold.
    pub fn forget_sold_out(&self, offering: &str) {
        self.door.common().directory.offering_sold_out(&Name::new(offering).unwrap(), None);
    }

    /// Delivers messages and decides none of them yet.
    pub fn begin(&mut self, messages: &[Message]) -> Pending {
        self.begun.push((self.now, messages.to_vec()));
        let answers = Arc::new(Answers(Mutex::new(vec![None; messages.len()])));
        let sink: Arc<dyn Sink> = Arc::<Answers>::clone(&answers);
        for (index, message) in (0_u32..).zip(messages) {
            let mut seed = [0; 32];
            self.seeds += 1;
            seed[..8].copy_from_slice(&self.seeds.to_le_bytes());
            let turned_away = self.turns_away(message);
            match turned_away.map_or_else(|| self.door.resolve(message, seed), Err) {
                Ok((to, body)) => {
                    let ticket = Some(Ticket::new(Arc::clone(&sink), index, self.permits.take().unwrap()));
                    let walk = self.door.common().next_walk();
                    let envelope = Envelope::from_door(to, walk, self.now, body, ticket);
                    self.world.inboxes[shard_of(to, self.houses.len())].push(envelope);
                }
                Err(refusal) => sink.give(index, Err(refusal)),
            }
        }
        Pending(answers)
    }

    /// The answers that are there.
    pub fn answers(&self, pending: &Pending) -> Vec<Option<Answer>> {
        pending.0.0.lock().unwrap().clone()
    }

    /// One turn of one house; false where all is quiet.
    pub fn step(&mut self) -> bool {
        let shards = self.houses.len();
        let works = |shard: &usize| self.houses[*shard].busy() || !self.world.inboxes[*shard].is_empty();
        let busy: Vec<usize> = (0..shards).map(|shard| (shard + self.turn) % shards).filter(works).collect();
        let Some(first) = busy.first().copied() else { return false };
        let (shard, most) = match &mut self.luck {
            Some(luck) => (busy[luck.place(busy.len())], [1, 1, 2, 5, TURN_MESSAGES_MAX][luck.place(5)]),
            None if self.world.watch == Watch::WhenQuiet => (first, TURN_MESSAGES_MAX),
            None => (first, 1),
        };
        self.turn = shard + 1;
        let inbox = std::mem::take(&mut self.world.inboxes[shard]);
        self.houses[shard].deliver(inbox);
        self.houses[shard].turn_of(most, &mut self.world).unwrap();
        if self.world.watch == Watch::EveryRecord {
            self.check_replay();
        }
        true
    }

    /// Lets everything happen that is due by now without any message, and what comes of it.
    pub fn fire(&mut self) {
        // What comes of it, or was under way, may be due at once.
        loop {
            for shard in 0..self.houses.len() {
                // One resident a turn, so that the bound of a turn is met as well.
                while self.houses[shard].fire(self.now, 1, &mut self.world).unwrap() {
                    if self.world.watch == Watch::EveryRecord {
                        self.check_replay();
                    }
                }
            }
            self.run();
            if self.next_due().is_none_or(|at| at > self.now) {
                return;
            }
        }
    }

    /// The next instant at which something happens without any message.
    pub fn next_due(&self) -> Option<Timestamp> {
        self.houses.iter().filter_map(House::next_due).min()
    }

    /// Steps until all is quiet, and judges what must hold then.
    pub fn run(&mut self) {
        let mut turns = 0;
        while self.step() {
            turns += 1;
            assert!(turns < TURNS_MAX, "the houses never come to rest");
        }
        self.check_quiet();
    }

    fn check_quiet(&self) {
        assert_eq!(self.permits.taken(), 0, "a quiet house has given every permit back");
        self.check_replay();
        let kept = self.world.chronicle.is_quiet().and_then(|()| invariants::check(&self.houses, &[]));
        kept.unwrap_or_else(|why| panic!("{why}"));
    }

    /// I11: what the records make is what is here.
    fn check_replay(&self) {
        let lived = self.world.chronicle.is_lived_by(&self.houses.iter().collect::<Vec<_>>());
        lived.unwrap_or_else(|why| panic!("{why}"));
        for live in &self.houses {
            let first = live.rooms().filter_map(|(_, room)| room.next_due()).min();
            assert_eq!(live.next_due(), first, "the schedule knows what is due first");
        }
    }

    /// Every room, by number.
    pub fn rooms(&self) -> std::collections::BTreeMap<ActorNumber, &Room> {
        self.houses.iter().flat_map(House::rooms).collect()
    }

    fn resident(&self, number: ActorNumber) -> Option<&Resident> {
        self.houses[shard_of(number, self.houses.len())].room(number).map(|room| &room.resident)
    }

    /// The number of an account.
    pub fn number(&self, account: &str) -> ActorNumber {
        self.door.common().directory.account(&Name::new(account).unwrap()).expect("an open account").number
    }

    /// The number of a certificate.
    pub fn number_of(&self, offering: &str, serial: u32) -> ActorNumber {
        let entry = self.door.common().directory.offering(&Name::new(offering).unwrap());
        entry.expect("an issued offering").number.certificate(Serial(serial))
    }

    /// An account.
    pub fn account(&self, account: &str) -> &Account {
        match self.resident(self.number(account)) {
            Some(Resident::Account(account)) => account,
            other => panic!("{account} is {other:?}"),
        }
    }

    /// What an account has, in minor units.
    pub fn posted(&self, account: &str) -> i64 {
        self.account(account).posted().minor()
    }

    /// An offering.
    pub fn offering(&self, offering: &str) -> &Offering {
        match self.resident(self.number_of(offering, 0)) {
            Some(Resident::Offering(offering)) => offering,
            other => panic!("{offering} is {other:?}"),
        }
    }

    /// A certificate, where it has come to life.
    pub fn certificate(&self, offering: &str, serial: u32) -> Option<&Certificate> {
        match self.resident(self.number_of(offering, serial)) {
            Some(Resident::Certificate(certificate)) => Some(certificate),
            _ => None,
        }
    }
}
