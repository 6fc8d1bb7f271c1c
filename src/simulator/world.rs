//! One thread as the whole process: a door, houses, and a log on a watched disk.
//!
//! What happens next is drawn from a seed: a message comes in, a house turns, the log syncs, a snapshot goes a step
//! further. What other threads could do in between happens inside the calls that a house makes of the world, so
//! that a message sent too early is overtaken. At every step the disk is shown to whoever watches, as a crash
//! would leave it.

use std::collections::{BTreeMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::Arc;

use super::ledger::{Ledger, Sent, SharedLedger};
use super::power::{Chance, Crash};
use super::script::Phase;
use super::snapshots::{Generation, Snapshots, View};
use super::watched_disk::{Image, WatchedDisk};
use crate::Door;
use crate::actors::{Common, Departing, Envelope, House, Outside, Permits, Sink, Ticket, shard_of};
use crate::domain::{Answer, Message, Name, Position, Timestamp};
use crate::journal::{JournalError, Log, RecordBatch, SegmentLog, record};

/// The log of these worlds.
pub(super) type WatchedLog = SegmentLog<WatchedDisk>;

/// Looks at what a crash would leave, the snapshots that are finished too, and at what clients know by then.
pub(super) type Watcher = Box<dyn FnMut(&Image, &Ledger, &[Rc<Generation>]) -> Result<(), String>>;

/// How many actions of other threads may be nested in one another.
const NESTED_MAX: u32 = 3;

/// The luck of every offering.
const SEED: [u8; 32] = [7; 32];

/// A process in one thread.
pub(super) struct World {
    /// None while it turns.
    houses: Vec<Option<House>>,
    inboxes: Vec<VecDeque<Envelope>>,
    door: Door,
    log: WatchedLog,
    disk: WatchedDisk,
    not_before: Timestamp,
    /// The latest time at which a message of the script was sent: timers know no other.
    now: Timestamp,
    /// Answers by the position that must be durable first, each with what it rests on.
    waiting: BTreeMap<Position, Vec<(Position, Departing)>>,
    newest_of_shard: Vec<Position>,
    ledger: SharedLedger,
    permits: Arc<Permits>,
    chance: Chance,
    /// One action of so many is a sync.
    sync_one_in: u64,
    /// Other threads come in between at one call of so many.
    elsewhere_one_in: u64,
    /// One action of so many is a step of a snapshot; 0 for none.
    sweep_one_in: u64,
    snapshots: Snapshots,
    nested: u32,
    unsent: VecDeque<(Timestamp, Message)>,
    watcher: Option<Watcher>,
    /// The disk's steps, the answers left and the newest snapshot when a crash was shown last.
    shown: (u64, usize, u64),
    failure: Option<String>,
}

/// Where a world begins.
pub(super) struct Beginning {
    pub houses: Vec<House>,
    pub common: Arc<Common>,
    pub log: WatchedLog,
    pub disk: WatchedDisk,
    pub not_before: Timestamp,
}

/// What a world is played by.
#[derive(Clone, Copy)]
pub(super) struct Play {
    pub seed: u64,
    pub sync_one_in: u64,
    /// 0 where no snapshots are taken.
    pub sweep_one_in: u64,
}

impl World {
    /// A world that goes on from a recovery.
    pub fn new(beginning: Beginning, play: Play) -> World {
        let Beginning { mut houses, common, log, disk, not_before } = beginning;
        houses.iter_mut().for_each(|house| house.go_step_by_step(play.seed.is_multiple_of(2)));
        let newest = log.newest();
        World {
            inboxes: houses.iter().map(|_| VecDeque::new()).collect(),
            newest_of_shard: vec![newest; houses.len()],
            houses: houses.into_iter().map(Some).collect(),
            door: Door::new(common),
            log,
            disk,
            not_before,
            now: Timestamp(0),
            waiting: BTreeMap::new(),
            ledger: SharedLedger::default(),
            permits: Permits::new(1_000),
            chance: Chance(play.seed),
            sync_one_in: play.sync_one_in,
            elsewhere_one_in: 1 + play.seed % 3,
            sweep_one_in: play.sweep_one_in,
            snapshots: Snapshots::default(),
            nested: 0,
            unsent: VecDeque::new(),
            watcher: None,
            shown: (0, 0, 0),
            failure: None,
        }
    }

    /// Shows every crash to a watcher from now on.
    pub fn watched_by(&mut self, watcher: Watcher) {
        self.disk.watch(self.chance.below(u64::MAX));
        self.watcher = Some(watcher);
    }

    /// Sends the whole script, phase by phase, and waits for every answer.
    pub fn play(&mut self, script: &Rc<[Phase]>) -> Result<(), String> {
        for phase in script.iter() {
            let stamped = phase.messages.iter().map(|message| (phase.now, message.clone()));
            self.unsent.extend(stamped);
            while self.failure.is_none() && self.act() {}
            if self.sweep_one_in > 0 {
                for _ in 0..self.chance.below(60) {
                    self.sweep();
                }
            }
            self.show_crash("between two phases");
        }
        self.sync();
        match self.failure.take() {
            Some(failure) => Err(failure),
            None => self.ledger.lock().complete(),
        }
    }

    /// Sends one message at the earliest time there can be, so that no time limit is found by it, and gives
    /// its answer and how many records came of it.
    pub fn ask(&mut self, message: &Message) -> Result<(Answer, u64), String> {
        let before = self.log.newest();
        let sent = self.send(message, Timestamp(0));
        while self.failure.is_none() && self.act() {}
        self.sync();
        if let Some(failure) = self.failure.take() {
            return Err(failure);
        }
        let answer = self.ledger.lock().answer_to(sent).cloned();
        let records = self.log.newest().0 - before.0;
        answer.map(|answer| (answer, records)).ok_or_else(|| "no answer".to_owned())
    }

    /// What all houses share.
    pub fn common(&self) -> &Common {
        self.door.common()
    }

    /// How many snapshots were begun, and how many parts of large actors they have put away again.
    pub fn swept(&self) -> (u64, u64) {
        (self.snapshots.begun, self.snapshots.parts_removed)
    }

    /// Ends it, and gives its houses and its log.
    pub fn end(self) -> (Vec<House>, WatchedLog) {
        (self.houses.into_iter().flatten().collect(), self.log)
    }

    /// Does one thing, chosen by chance; false where nothing is left to do.
    fn act(&mut self) -> bool {
        if self.sweep_one_in > 0 && self.chance.below(self.sweep_one_in) == 0 {
            // At times so many at once that messages wait through a whole snapshot.
            let steps = if self.chance.below(6) == 0 { self.chance.below(60) } else { 1 };
            for _ in 0..steps {
                self.sweep();
            }
        }
        if self.log.newest() > self.log.durable() && self.chance.below(self.sync_one_in) == 0 {
            self.sync();
            return true;
        }
        let ready = |shard: &usize| {
            let due = |house: &House| house.next_due().is_some_and(|at| at <= self.now);
            self.houses[*shard]
                .as_ref()
                .is_some_and(|house| house.busy() || !self.inboxes[*shard].is_empty() || due(house))
        };
        let ready: Vec<usize> = (0..self.houses.len()).filter(ready).collect();
        let choices = ready.len() + usize::from(!self.unsent.is_empty());
        let choice = self.chance.below(choices as u64) as usize;
        match ready.get(choice) {
            Some(shard) => self.turn(*shard),
            None => match self.unsent.pop_front() {
                Some((now, message)) => {
                    self.send(&message, now);
                }
                None => return false,
            },
        }
        true
    }

    /// A step of a snapshot. A house that it would visit in the middle of a turn is visited later.
    fn sweep(&mut self) {
        let waits = self.snapshots.waits_for().is_some_and(|position| position > self.log.durable());
        if waits && self.chance.below(3) == 0 {
            self.sync();
        }
        let mut visited = None;
        if let Some(shard) = self.snapshots.visits() {
            let Some(mut house) = self.houses[shard].take() else { return };
            house.deliver(self.inboxes[shard].drain(..));
            visited = Some((shard, house));
        }
        let view = View {
            handed_over: self.log.newest(),
            durable: self.log.durable(),
            common: self.door.common(),
            shards: self.houses.len(),
        };
        self.snapshots.step(&view, visited.as_mut().map(|(_, house)| house), &mut self.chance);
        if let Some((shard, house)) = visited {
            self.houses[shard] = Some(house);
        }
        self.show_crash("after a step of a snapshot");
    }

    /// What other threads do meanwhile.
    fn elsewhere(&mut self) {
        if self.nested == NESTED_MAX || self.chance.below(self.elsewhere_one_in) > 0 {
            return;
        }
        self.nested += 1;
        for _ in 0..=self.chance.below(6) {
            if self.failure.is_some() || !self.act() {
                break;
            }
        }
        self.nested -= 1;
    }

    fn send(&mut self, message: &Message, now: Timestamp) -> usize {
        let now = if now == Timestamp(0) { now } else { now.max(self.not_before) };
        self.now = self.now.max(now);
        if self.sweep_one_in > 0 {
            // Actors stand far apart, so that a snapshot has many pages.
            let gap = Name::new(format!("gap-{}", self.ledger.lock().sent.len())).unwrap();
            let numbers = self.chance.below(100) as u32;
            self.common().directory.reserve_offering(&gap, numbers);
        }
        let resolved = self.door.resolve(message, SEED);
        let walk = resolved.is_ok().then(|| self.common().next_walk());
        let sent = {
            let mut ledger = self.ledger.lock();
            ledger.sent.push(Sent { message: message.clone(), walk });
            ledger.sent.len() - 1
        };
        let sink: Arc<dyn Sink> = Arc::new(self.ledger.clone());
        let permit = self.permits.take().unwrap();
        let ticket = Ticket::new(sink, sent as u32, permit);
        match resolved {
            Ok((to, body)) => {
                let walk = walk.unwrap();
                let envelope = Envelope::from_door(to, walk, now, body, Some(ticket));
                self.inboxes[shard_of(to, self.houses.len())].push_back(envelope);
            }
            Err(refusal) => {
                ticket.settle(Err(refusal));
                assert!(ticket.absorbed(Position(0)), "a door's refusal ends its walk");
                let newest = self.log.newest();
                self.release(newest, newest, vec![Departing::ended(ticket)]);
            }
        }
        sent
    }

    fn turn(&mut self, shard: usize) {
        let Some(mut house) = self.houses[shard].take() else { return };
        let there = self.inboxes[shard].len();
        let (now, fires) = (self.now, self.chance.below(2) == 0);
        let taken = if self.chance.below(2) == 0 { there.min(1) } else { there };
        house.deliver(self.inboxes[shard].drain(..taken));
        let turned = catch_unwind(AssertUnwindSafe(|| {
            let mut seat = Seat { world: self, shard };
            if fires {
                house.fire(now, 1, &mut seat)?;
            }
            house.turn(&mut seat)
        }));
        self.houses[shard] = Some(house);
        match turned {
            Ok(Ok(())) => self.show_crash("after a turn"),
            Ok(Err(error)) => self.fail(format!("shard {shard} stopped: {error}")),
            Err(panic) => {
                self.fail(format!("shard {shard} panicked: {}", crate::panics::words(panic.as_ref())))
            }
        }
    }

    fn release(&mut self, at: Position, rests_on: Position, answers: Vec<Departing>) {
        assert!(at <= self.log.newest(), "an answer waits only for a position that was given");
        let resting = answers.into_iter().map(|answer| (rests_on, answer));
        self.waiting.entry(at).or_default().extend(resting);
        self.let_answers_go();
    }

    fn let_answers_go(&mut self) {
        let durable = self.log.durable();
        while let Some(first) = self.waiting.first_entry()
            && *first.key() <= durable
        {
            for (rests_on, answer) in first.remove() {
                self.ledger.lock().leaving(rests_on);
                crate::journal::Departure::leave(answer);
            }
        }
    }

    fn sync(&mut self) {
        let synced = self.log.sync();
        for image in self.disk.images() {
            self.show(&image);
        }
        match synced {
            Ok(_) => self.let_answers_go(),
            Err(error) => self.fail(format!("a sync failed: {error}")),
        }
        self.show_crash("after a sync");
    }

    /// Shows what a crash here would leave, where that or what clients know has changed.
    fn show_crash(&mut self, place: &str) {
        if self.watcher.is_none() {
            return;
        }
        let newest = self.snapshots.finished().iter().map(|generation| generation.number).max();
        let left = self.ledger.lock().left.len();
        let now = (self.disk.inside().steps(), left, newest.unwrap_or_default());
        if self.shown != now {
            self.shown = now;
            let disk = self.disk.inside().crash(Crash::AllLost);
            self.show(&Image { disk, how: format!("power off {place}") });
        }
    }

    fn show(&mut self, image: &Image) {
        if self.failure.is_some() {
            return;
        }
        let Some(mut watcher) = self.watcher.take() else { return };
        let seen = watcher(image, &self.ledger.lock(), &self.snapshots.finished());
        self.watcher = Some(watcher);
        if let Err(why) = seen {
            self.fail(format!("{}: {why}", image.how));
        }
    }

    fn fail(&mut self, why: String) {
        if self.failure.is_none() {
            let last = self.ledger.lock().last(8);
            self.failure = Some(format!("{why}\nthe last messages:\n{last}"));
        }
    }
}

/// The world as one house sees it.
struct Seat<'world> {
    world: &'world mut World,
    shard: usize,
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
