//! The front and its writer, in thousands of orders of their threads: what shards hand over, what waits, what fails and
//! what ends.
//!
//! A journal here has room for little, so shards wait for each other's syncs in most orders. Each model is a property;
//! the last test plants a bug for each of them.

use std::collections::BTreeMap;

use super::model_log::{Device, Fault, ModelLog};
use crate::domain::Position;
use crate::journal::{Departure, Journal, JournalError, RecordBatch};
use crate::planted::Bug;
use crate::sync::schedules::{any_below, assert_finds, in_many_orders};
use crate::sync::{Arc, thread};

/// How an answer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Left,
    LeftTooEarly,
    Unknown,
}

/// The position that an answer waits for, and how it ended, as often as it did.
type Fate = (u64, Vec<End>);

/// Every answer of a model.
#[derive(Clone, Debug, Default)]
struct Ends(std::sync::Arc<std::sync::Mutex<Vec<Fate>>>);

impl Ends {
    fn of(&self, answer: usize) -> Vec<End> {
        self.0.lock().unwrap()[answer].1.clone()
    }

    fn note(&self, answer: usize, end: End) {
        self.0.lock().unwrap()[answer].1.push(end);
    }

    /// Judges every answer: it has ended once, and as one at its position must.
    fn all_are(&self, must: impl Fn(u64) -> End) {
        let all = self.0.lock().unwrap().clone();
        for (at, ends) in all {
            assert_eq!(ends, [must(at)], "the answer at {at}");
        }
    }
}

struct Answer {
    number: usize,
    at: u64,
    ends: Ends,
    device: Device,
    told: bool,
}

impl Departure for Answer {
    fn leave(mut self) {
        self.told = true;
        let end = if self.at <= self.device.durable() { End::Left } else { End::LeftTooEarly };
        self.ends.note(self.number, end);
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        if !self.told {
            self.ends.note(self.number, End::Unknown);
        }
    }
}

/// A journal and everything that is looked at; its copies are for threads.
#[derive(Clone)]
struct Scene {
    journal: Arc<Journal<Answer>>,
    device: Device,
    ends: Ends,
    /// The first position of every batch that was taken, and its records.
    taken: std::sync::Arc<std::sync::Mutex<BTreeMap<u64, Vec<Vec<u8>>>>>,
}

impl Drop for Scene {
    fn drop(&mut self) {
        // What is judged to be wrong may be a writer that never ends: nobody is to wait for it then.
        if thread::panicking() {
            std::mem::forget(Arc::clone(&self.journal));
        }
    }
}

impl Scene {
    fn new(fault: Option<Fault>) -> Scene {
        let device = Device::default();
        let journal = Journal::start(ModelLog::boxed(&device, fault)).unwrap();
        Scene { journal, device, ends: Ends::default(), taken: std::sync::Arc::default() }
    }

    /// Hands over a turn of so many records that nobody else hands over, and gives the last one's position.
    fn hand_over(&self, shard: u64, turn: u64, records: u64) -> Result<u64, JournalError> {
        let mut batch = RecordBatch::new();
        let texts: Vec<_> =
            (0..records).map(|record| format!("{shard} {turn} {record}").into_bytes()).collect();
        texts.iter().for_each(|text| batch.push(text).unwrap());
        let first = self.journal.hand_over(&mut batch)?;
        assert!(batch.is_empty(), "what was taken is no longer here");
        let before = self.taken.lock().unwrap().insert(first.0, texts);
        assert_eq!(before, None, "position {} is given twice", first.0);
        Ok(first.0 + records - 1)
    }

    /// Releases an answer at a position, and gives its number.
    fn release(&self, at: u64) -> usize {
        let number = {
            let mut ends = self.ends.0.lock().unwrap();
            ends.push((at, Vec::new()));
            ends.len() - 1
        };
        let (ends, device) = (self.ends.clone(), self.device.clone());
        self.journal.release(Position(at), vec![Answer { number, at, ends, device, told: false }]);
        number
    }

    /// One shard: turns of one record and of two, each with an answer.
    fn shard(&self, shard: u64, turns: u64) -> Result<(), JournalError> {
        for turn in 0..turns {
            let last = self.hand_over(shard, turn, 1 + (shard + turn) % 2)?;
            self.release(last);
        }
        Ok(())
    }

    /// Starts a thread that works on this scene.
    fn with<T: Send + 'static>(
        &self,
        work: impl FnOnce(Scene) -> T + Send + 'static,
    ) -> thread::JoinHandle<T> {
        let scene = self.clone();
        thread::spawn(move || work(scene))
    }

    /// The device has the beginning of everything that was taken, in the order of the positions that were given, each
    /// record once.
    fn device_has_what_was_taken(&self) {
        let mut given = Vec::new();
        for (first, texts) in &*self.taken.lock().unwrap() {
            assert_eq!(*first, given.len() as u64 + 1, "positions are consecutive");
            given.extend(texts.iter().cloned());
        }
        let stored = self.device.look();
        assert_eq!(given[..stored.records.len()], stored.records, "the writer keeps the order");
        assert!(!stored.used_after_its_end, "nothing is asked of a log that has ended");
    }

    /// What must hold once a journal without a fault is closed.
    fn everything_is_durable(&self) {
        self.device_has_what_was_taken();
        let taken: usize = self.taken.lock().unwrap().values().map(Vec::len).sum();
        assert_eq!(self.device.durable(), taken as u64, "everything that was taken is durable");
        self.ends.all_are(|_| End::Left);
    }
}

fn several_shards() {
    let scene = Scene::new(None);
    let shards: Vec<_> =
        (0..3).map(|shard| scene.with(move |scene| scene.shard(shard, 2).unwrap())).collect();
    shards.into_iter().for_each(|shard| shard.join().unwrap());
    scene.journal.close().unwrap();
    scene.everything_is_durable();
    assert_eq!(scene.device.look().seals, 1);
}

#[test]
fn several_shards_get_consecutive_positions_and_the_writer_appends_in_their_order() {
    in_many_orders(several_shards);
}

fn answers_at_any_position() {
    let scene = Scene::new(None);
    let shards: Vec<_> =
        (0..2).map(|shard| scene.with(move |scene| scene.shard(shard, 2).unwrap())).collect();
    // As a door does whose refusal rests on what it knows: it waits for whatever was handed over so far.
    let door = scene.with(|scene| {
        for _ in 0..3 {
            let at = scene.journal.handed_over().0;
            scene.release(at);
        }
    });
    let reader = scene.with(|scene| {
        let at = scene.journal.handed_over();
        scene.journal.wait_durable(at).unwrap();
        let answer = scene.release(at.0);
        assert_eq!(scene.ends.of(answer), [End::Left], "what rests on durable records leaves at once");
    });
    for thread in shards.into_iter().chain([door, reader]) {
        thread.join().unwrap();
    }
    let newest = scene.journal.handed_over();
    scene.journal.wait_durable(newest).unwrap();
    scene.journal.close().unwrap();
    scene.everything_is_durable();
}

#[test]
fn an_answer_leaves_once_and_only_behind_the_sync_that_covers_it() {
    in_many_orders(answers_at_any_position);
}

/// Some fault among the first batches, or none; the orders choose.
fn any_fault() -> Option<Fault> {
    let batch = 1 + any_below(3);
    [None, Some(Fault::Write(batch)), Some(Fault::Sync(batch))][any_below(3) as usize]
}

fn shards_that_wait_for_room() {
    let scene = Scene::new(any_fault());
    // Turns of four records are more than there is room for beside anything else.
    let turns =
        |shard| move |scene: Scene| (0..2).try_for_each(|turn| scene.hand_over(shard, turn, 4).map(drop));
    let shards: Vec<_> = (0..3).map(|shard| scene.with(turns(shard))).collect();
    let ends: Vec<_> = shards.into_iter().map(|shard| shard.join().unwrap()).collect();
    let closed = scene.journal.close();
    let fault = scene.journal.fault().is_some();
    assert_eq!(closed.is_err(), fault);
    for end in ends {
        assert!(matches!((&end, fault), (Ok(()), _) | (Err(JournalError::Poisoned { .. }), true)), "{end:?}");
    }
    scene.device_has_what_was_taken();
}

#[test]
fn a_shard_that_waits_for_room_is_always_woken_also_when_the_journal_fails() {
    in_many_orders(shards_that_wait_for_room);
}

fn a_journal_that_fails() {
    let batch = 1 + any_below(2);
    let fault = [Fault::Write(batch), Fault::Sync(batch)][any_below(2) as usize];
    let scene = Scene::new(Some(fault));
    let calls = std::sync::Arc::new(std::sync::Mutex::new([0; 2]));
    let hook = |which: usize| {
        let calls = std::sync::Arc::clone(&calls);
        move |_why: &str| calls.lock().unwrap()[which] += 1
    };
    scene.journal.on_fault(hook(0));
    let mut threads: Vec<_> =
        (0..2).map(|shard| scene.with(move |scene| drop(scene.shard(shard, 2)))).collect();
    threads.push(scene.with(|scene| {
        let at = scene.hand_over(2, 0, 2).and_then(|_| scene.hand_over(2, 1, 4));
        let waited = at.and_then(|at| scene.journal.wait_durable(Position(at)));
        assert!(matches!(waited, Ok(()) | Err(JournalError::Poisoned { .. })), "{waited:?}");
    }));
    let late = hook(1);
    threads.push(scene.with(move |scene| scene.journal.on_fault(late)));
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    // By now the writer may not have come to the batch that fails.
    let _ = (scene.hand_over(3, 0, 1), scene.hand_over(3, 1, 4), scene.hand_over(3, 2, 4));
    let newest = scene.journal.handed_over();
    assert!(matches!(scene.journal.wait_durable(newest), Err(JournalError::Poisoned { .. })));
    assert!(matches!(scene.hand_over(4, 0, 1), Err(JournalError::Poisoned { .. })), "it takes nothing more");
    let answer = scene.release(newest.0);
    assert_eq!(scene.ends.of(answer), [End::Unknown], "what can never be durable ends at once");
    assert!(matches!(scene.journal.close(), Err(JournalError::Poisoned { .. })));
    scene.device_has_what_was_taken();
    let durable = scene.device.durable();
    scene.ends.all_are(|at| if at <= durable { End::Left } else { End::Unknown });
    assert_eq!(*calls.lock().unwrap(), [1, 1], "every hook is called once");
    assert_eq!(scene.device.look().seals, 0, "what failed is not sealed");
}

#[test]
fn a_failed_write_or_sync_ends_every_wait_and_every_answer_once() {
    in_many_orders(a_journal_that_fails);
}

fn several_who_close() {
    let seal_fails = any_below(4) == 0;
    let scene = Scene::new(seal_fails.then_some(Fault::Seal));
    let shards: Vec<_> = (0..2).map(|shard| scene.with(move |scene| scene.shard(shard, 2))).collect();
    let closers: Vec<_> = (0..2).map(|_| scene.with(|scene| scene.journal.close())).collect();
    let trimmer = scene.with(|scene| scene.journal.trim(Position(1)));
    for thread in shards.into_iter().chain([trimmer]) {
        let refused = thread.join().unwrap().err();
        let told = matches!(refused, None | Some(JournalError::Closed));
        assert!(
            told || (seal_fails && matches!(refused, Some(JournalError::Poisoned { .. }))),
            "{refused:?}"
        );
    }
    for closer in closers {
        assert_eq!(closer.join().unwrap().is_err(), seal_fails, "whoever closes hears of the seal");
    }
    scene.everything_is_durable();
    assert!(scene.hand_over(2, 0, 1).is_err(), "it takes nothing more");
    assert_eq!(scene.device.look().seals, u64::from(!seal_fails));
}

#[test]
fn closing_makes_durable_and_answers_what_was_handed_over_and_seals_once() {
    in_many_orders(several_who_close);
}

/// An answer that closes its journal, or is the last to hold it.
struct Holder {
    journal: Arc<Journal<Holder>>,
    closes: bool,
}

impl Departure for Holder {
    fn leave(self) {
        if self.closes {
            self.journal.close().unwrap();
        }
    }
}

fn a_journal_that_ends_on_its_own_thread() {
    let device = Device::default();
    let journal = Journal::start(ModelLog::boxed(&device, None)).unwrap();
    let closes = any_below(2) == 0;
    let mut batch = RecordBatch::new();
    batch.push(b"record").unwrap();
    let at = journal.hand_over(&mut batch).unwrap();
    journal.release(at, vec![Holder { journal: Arc::clone(&journal), closes }]);
    let other = Arc::clone(&journal);
    let waiter = thread::spawn(move || other.wait_durable(at).unwrap());
    if closes {
        journal.close().unwrap();
        assert_eq!(device.look().seals, 1);
    }
    drop(journal);
    waiter.join().unwrap();
    assert_eq!(device.durable(), 1);
}

#[test]
fn a_journal_may_be_closed_or_let_go_on_its_own_thread() {
    in_many_orders(a_journal_that_ends_on_its_own_thread);
}

#[test]
fn each_bug_that_is_planted_in_the_journal_is_found() {
    assert_finds(Bug::PositionGivenTwice, "is given twice", several_shards);
    assert_finds(Bug::SyncMissed, "the answer at", answers_at_any_position);
    assert_finds(Bug::DurableBeforeSync, "the answer at", answers_at_any_position);
    assert_finds(Bug::RoomUntold, "deadlock", shards_that_wait_for_room);
    assert_finds(Bug::FailureUntold, "deadlock", a_journal_that_fails);
    assert_finds(Bug::FaultMissed, "ends at once", a_journal_that_fails);
    assert_finds(Bug::ClosedTakes, "takes nothing more", several_who_close);
}
