//! One thread as the whole process: a door, houses, and a log on a disk in memory.
//!
//! What happens next is drawn from a seed: a message comes in, a house turns, the log syncs, a snapshot goes a step
//! further. What other threads could do in between happens inside the calls that a house makes of the world, so
//! that a message sent too early is overtaken. At every step the disk can be shown to whoever watches, as a crash
//! would leave it, and the power may go off. Absent on purpose: what a client says, and what is to be expected of it.

mod ending;
mod seat;
mod sweeping;

use std::collections::{BTreeMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::Arc;

use super::chance::Chance;
use super::chronicle::Chronicle;
use super::ledger::{Ledger, Sent, SharedLedger};
use super::snapshots::{Generation, Snapshots};
use super::tearing_disk::{Failure, TearingDisk};
use super::watched_disk::{Image, WatchedDisk};
use crate::Door;
use crate::actors::{Booklet, Common, Departing, Envelope, House, Permits, Sink, shard_of};
use crate::domain::{Answer, Message, Name, Position, Timestamp};
use crate::engine::Retention;
use crate::journal::{Log, SegmentLog};

/// The log of these worlds.
pub(crate) type WatchedLog = SegmentLog<WatchedDisk>;

/// Looks at what a crash would leave, the snapshots that are finished too, and at what clients know by then.
pub(crate) type Watcher = Box<dyn FnMut(&Image, &Ledger, &[Rc<Generation>]) -> Result<(), String>>;

/// How many actions of other threads may be nested in one another.
const NESTED_MAX: u32 = 3;

/// The luck of every offering.
const SEED: [u8; 32] = [7; 32];

/// How a world has come to an end before its time.
#[derive(Debug)]
pub(crate) enum Ending {
    /// Something is not as it must be.
    Wrong(String),
    /// The disk has failed, as it was told to, and the log takes no more.
    Down(String),
    /// The power went off; this is what the disk has kept.
    Off(TearingDisk),
    /// It was killed: programs see what it has written.
    Killed,
}

/// A shard that does nothing for so many actions.
struct Stall {
    shard: usize,
    actions: u64,
}

/// A process in one thread.
pub(crate) struct World {
    /// None while it turns.
    houses: Vec<Option<House>>,
    inboxes: Vec<VecDeque<Envelope>>,
    door: Door,
    log: WatchedLog,
    disk: WatchedDisk,
    not_before: Timestamp,
    /// The latest time at which a message was sent: timers know no other.
    now: Timestamp,
    /// Answers by the position that must be durable first, each with what it rests on.
    waiting: BTreeMap<Position, Vec<(Position, Departing)>>,
    newest_of_shard: Vec<Position>,
    ledger: SharedLedger,
    permits: Arc<Permits>,
    chance: Chance,
    play: Play,
    /// Other threads come in between at one call of so many.
    elsewhere_one_in: u64,
    snapshots: Snapshots,
    /// What the log keeps, where it forgets what snapshots stand for.
    retention: Option<Retention>,
    /// How many bytes of it were there when it was opened.
    bytes_found: u64,
    nested: u32,
    unsent: VecDeque<(Timestamp, Message)>,
    watcher: Option<Watcher>,
    chronicle: Option<Chronicle>,
    stall: Option<Stall>,
    /// The disk's steps, the answers left and the newest snapshot when a crash was shown last.
    shown: (u64, usize, u64),
    ending: Option<Ending>,
}

/// Where a world begins.
pub(crate) struct Beginning {
    pub houses: Vec<House>,
    pub common: Arc<Common>,
    pub log: WatchedLog,
    pub disk: WatchedDisk,
    pub not_before: Timestamp,
}

/// What a world is played by. Each number says that something is done once in so many actions; 0 for never.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Play {
    pub seed: u64,
    pub sync_one_in: u64,
    /// A step of a snapshot.
    pub sweep_one_in: u64,
    /// A snapshot that is given up.
    pub abandon_one_in: u64,
    /// A shard that stalls for a while.
    pub stall_one_in: u64,
    /// The power going off.
    pub off_one_in: u64,
    /// The power going off in the middle of a sync, of so many syncs.
    pub torn_one_in: u64,
}

/// What of a process its successor, its clients and a judge still have.
pub(crate) struct Remains {
    pub disk: WatchedDisk,
    pub snapshots: Vec<Rc<Generation>>,
    pub ledger: SharedLedger,
    pub chronicle: Option<Chronicle>,
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
            play,
            elsewhere_one_in: 1 + play.seed % 3,
            snapshots: Snapshots::default(),
            retention: None,
            bytes_found: 0,
            nested: 0,
            unsent: VecDeque::new(),
            watcher: None,
            chronicle: None,
            stall: None,
            shown: (0, 0, 0),
            ending: None,
        }
    }

    /// The same world with the snapshots that it has found, the clients that know its predecessors, and a chronicle of
    /// all their records. From now on the log forgets what two snapshots stand for.
    pub fn after(
        mut self,
        snapshots: Vec<Rc<Generation>>,
        ledger: SharedLedger,
        chronicle: Chronicle,
        bytes_found: u64,
    ) -> World {
        self.retention = Some(Retention::new(self.log.milestones(), sweeping::needed_by(&snapshots), 0));
        self.bytes_found = bytes_found;
        self.snapshots = Snapshots::found(snapshots);
        self.ledger = ledger;
        self.chronicle = Some(chronicle);
        self
    }

    /// Shows every crash to a watcher from now on.
    pub fn watched_by(&mut self, watcher: Watcher) {
        self.disk.watch(self.chance.below(u64::MAX));
        self.watcher = Some(watcher);
    }

    /// Puts a message among those that are sent when their turn comes, one after another, dated at `now`.
    pub fn say(&mut self, now: Timestamp, message: Message) {
        self.unsent.push_back((now, message));
    }

    /// Moves the clock on, by which timers and what is sent from now on are dated; it never goes back.
    pub fn at(&mut self, now: Timestamp) {
        self.now = self.now.max(now).max(self.not_before);
    }

    /// Acts until nothing is left to do.
    pub fn run(&mut self) {
        while self.ending.is_none() && self.act() {}
    }

    /// Goes on with a snapshot by some steps, and shows what a crash would leave.
    pub fn pause(&mut self, place: &str) {
        if self.play.sweep_one_in > 0 {
            for _ in 0..self.chance.below(60) {
                self.sweep();
            }
        }
        self.show_crash(place);
    }

    /// Sends one message at the earliest time there can be, so that no time limit is found by it, and gives
    /// its answer and how many records came of it.
    pub fn ask(&mut self, message: &Message) -> Result<(Answer, u64), String> {
        let before = self.log.newest();
        let sent = self.send(message, Timestamp(0));
        self.run();
        self.sync();
        self.check()?;
        let answer = self.ledger.lock().answer_to(sent).cloned();
        let records = self.log.newest().0 - before.0;
        answer.map(|answer| (answer, records)).ok_or_else(|| "no answer".to_owned())
    }

    /// Why it has come to an end, where that is wrong.
    pub fn check(&mut self) -> Result<(), String> {
        match self.ending.take() {
            None => Ok(()),
            Some(Ending::Wrong(why) | Ending::Down(why)) => Err(why),
            Some(Ending::Off(_) | Ending::Killed) => Err("it was ended".to_owned()),
        }
    }

    /// True where it has come to an end before its time.
    pub fn has_ended(&self) -> bool {
        self.ending.is_some()
    }

    /// How it has come to an end, if it has; then it must be left.
    pub fn take_ending(&mut self) -> Option<Ending> {
        self.ending.take()
    }

    /// Ends it without a word to anybody.
    pub fn kill(&mut self) {
        self.ending.get_or_insert(Ending::Killed);
    }

    /// What it leaves; what its clients still wait for they never hear.
    pub fn leave(self) -> Remains {
        let World { disk, snapshots, ledger, chronicle, .. } = self;
        Remains { disk, snapshots: snapshots.finished(), ledger, chronicle }
    }

    /// Its disk.
    pub fn disk(&self) -> &WatchedDisk {
        &self.disk
    }

    /// The time before which its clock is not.
    pub fn not_before(&self) -> Timestamp {
        self.not_before
    }

    /// How many records there are.
    pub fn records(&self) -> u64 {
        self.log.newest().0
    }

    /// What must hold where nothing is under way: all invariants, every permit given back, and that it is what the records
    /// make (I11).
    pub fn is_quiet(&self) -> Result<(), String> {
        if self.permits.taken() > 0 {
            return Err(format!("all is quiet, and {} permits are taken", self.permits.taken()));
        }
        if let Some(due) =
            self.houses().iter().filter_map(|house| house.next_due()).min().filter(|due| *due <= self.now)
        {
            return Err(format!("all is quiet at {}, and something is due at {}", self.now.0, due.0));
        }
        let Some(chronicle) = &self.chronicle else { return Ok(()) };
        chronicle.is_lived_by(&self.houses())?;
        chronicle.is_quiet()
    }

    /// Its houses, between two turns.
    pub fn houses(&self) -> Vec<&House> {
        self.houses.iter().flatten().collect()
    }

    /// What clients know.
    pub fn ledger(&self) -> SharedLedger {
        self.ledger.clone()
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
    pub fn act(&mut self) -> bool {
        if self.chance.once_in(self.play.stall_one_in) {
            let (shard, actions) = (self.chance.place(self.houses.len()), self.chance.within(5, 60));
            self.stall = Some(Stall { shard, actions });
        }
        if self.chance.once_in(self.play.abandon_one_in) {
            self.snapshots.abandon();
            if let Some(retention) = &mut self.retention {
                retention.count(sweeping::needed_by(&self.snapshots.finished()));
            }
        }
        if self.play.sweep_one_in > 0 && self.chance.below(self.play.sweep_one_in) == 0 {
            // At times so many at once that messages wait through a whole snapshot.
            let steps = if self.chance.below(6) == 0 { self.chance.below(60) } else { 1 };
            for _ in 0..steps {
                self.sweep();
            }
        }
        if self.log.newest() > self.log.durable() && self.chance.below(self.play.sync_one_in) == 0 {
            self.sync();
            return true;
        }
        let ready = |shard: &usize| {
            let due = |house: &House| house.next_due().is_some_and(|at| at <= self.now);
            self.houses[*shard]
                .as_ref()
                .is_some_and(|house| house.busy() || !self.inboxes[*shard].is_empty() || due(house))
        };
        let mut ready: Vec<usize> = (0..self.houses.len()).filter(ready).collect();
        if let Some(stall) = &mut self.stall {
            let others = ready.iter().any(|shard| *shard != stall.shard) || !self.unsent.is_empty();
            ready.retain(|shard| !others || *shard != stall.shard);
            stall.actions -= 1;
            self.stall.take_if(|stall| stall.actions == 0);
        }
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

    /// What other threads do meanwhile.
    fn elsewhere(&mut self) {
        if self.nested == NESTED_MAX || self.chance.below(self.elsewhere_one_in) > 0 {
            return;
        }
        self.nested += 1;
        for _ in 0..=self.chance.below(6) {
            if self.ending.is_some() || !self.act() {
                break;
            }
        }
        self.nested -= 1;
    }

    fn send(&mut self, message: &Message, now: Timestamp) -> usize {
        let now = if now == Timestamp(0) { now } else { now.max(self.not_before) };
        self.now = self.now.max(now);
        if self.play.sweep_one_in > 0 {
            // Actors stand far apart, so that a snapshot has many pages.
            let gap = Name::new(format!("gap-{}", self.ledger.lock().sent.len()));
            let numbers = self.chance.below(100) as u32;
            if let Ok(gap) = gap {
                self.common().directory.reserve_offering(&gap, numbers);
            }
        }
        let turned_away = self.door.turns_away(message, now);
        let resolved = turned_away.map_or_else(|| self.door.resolve(message, SEED), Err);
        let walk = resolved.is_ok().then(|| self.common().next_walk());
        let sent = {
            let mut ledger = self.ledger.lock();
            ledger.sent.push(Sent { message: message.clone(), walk, now });
            ledger.sent.len() - 1
        };
        let sink: Arc<dyn Sink> = Arc::new(self.ledger.clone());
        let Ok(permit) = self.permits.take() else {
            self.fail("there are more permits than messages under way".to_owned());
            return sent;
        };
        let mut booklet = Booklet::new(sink, permit);
        match resolved {
            Ok((to, body)) => {
                let walk = walk.unwrap_or_else(|| unreachable!("what is resolved has a walk"));
                let ticket = booklet.next(sent as u32);
                let envelope = Envelope::from_door(to, walk, now, body, ticket);
                self.inboxes[shard_of(to, self.houses.len())].push_back(envelope);
            }
            Err(refusal) => {
                assert!(booklet.refuse(sent as u32, refusal).is_ok(), "there is a place for it");
                let newest = self.log.newest();
                self.release(newest, newest, booklet.refused().map(Departing::refused).into_iter().collect());
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
            let mut seat = seat::Seat { world: self, shard };
            if fires {
                house.fire(now, 1, &mut seat)?;
            }
            house.turn(&mut seat)
        }));
        self.houses[shard] = Some(house);
        match turned {
            Ok(Ok(())) => self.show_crash("after a turn"),
            Ok(Err(error)) => self.goes_down(format!("shard {shard} stopped: {error}")),
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
        while self.ending.is_none()
            && let Some(first) = self.waiting.first_entry()
            && *first.key() <= durable
        {
            for (rests_on, answer) in first.remove() {
                self.ledger.lock().leaving(rests_on);
                crate::journal::Departure::leave(answer);
            }
        }
    }

    /// Makes everything durable, and lets the answers go that wait for it.
    pub fn sync(&mut self) {
        if self.ending.is_some() {
            return;
        }
        if self.chance.once_in(self.play.torn_one_in) {
            // A batch is written and synced; the first of a segment is written, synced, renamed, and the folder synced.
            self.disk.inside().fail(self.chance.below(4), Failure::PowerOff);
        }
        let synced = self.log.sync();
        for image in self.disk.images() {
            self.show(&image);
        }
        match synced {
            Ok(_) => self.let_answers_go(),
            Err(error) => self.goes_down(format!("a sync failed: {error}")),
        }
        self.show_crash("after a sync");
    }
}
