//! No acknowledged answer is lost, however often and whenever the process is killed: with `kill -9`, under load, while it
//! opens, while it takes a snapshot.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on should end there")]

#[path = "../common/batches.rs"]
mod batches;
mod child;
#[path = "../common/mod.rs"]
#[expect(dead_code, reason = "these tests start themselves, and not the program")]
mod common;
#[path = "../common/copying.rs"]
mod copying;
#[path = "../common/every.rs"]
mod every;
#[path = "../common/killing.rs"]
#[expect(dead_code, reason = "likewise")]
mod killing;
mod plan;
mod power;
#[path = "../common/progress.rs"]
mod progress;
mod record;

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::io::Read;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::time::{Duration, Instant};

use hongbao::Engine;
use killing::{Luck, SEED_VARIABLE, SIGKILL, kills};

/// How often one store is killed before everything acknowledged is repeated and another one is begun.
const KILLS_OF_A_STORE: u64 = 25;
/// A child that does nothing for so long is stuck.
const PATIENCE: Duration = Duration::from_secs(60);

/// Started by the others; alone it fails, for want of a folder.
#[test]
#[ignore = "the other tests start it, and kill it"]
fn the_process_that_is_killed() {
    child::work();
}

/// What is going on at the moment of a kill.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Moment {
    Beginning,
    Opening,
    Load,
    Snapshot,
}

/// What is drawn from.
const MOMENTS: [Moment; 8] = [
    Moment::Load,
    Moment::Load,
    Moment::Snapshot,
    Moment::Snapshot,
    Moment::Opening,
    Moment::Opening,
    Moment::Opening,
    Moment::Beginning,
];

/// A child that never outlives its test.
struct Running<'folder> {
    child: std::process::Child,
    folder: &'folder Path,
    started: Instant,
    answered_before: u64,
    opened_before: usize,
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl<'folder> Running<'folder> {
    fn start(folder: &'folder Path, shards: usize) -> Self {
        Running::of(folder, child::start(folder, shards, false))
    }

    /// One that takes no snapshots.
    fn start_plain(folder: &'folder Path, shards: usize) -> Self {
        Running::of(folder, child::start(folder, shards, true))
    }

    fn of(folder: &'folder Path, child: std::process::Child) -> Self {
        let (answered_before, opened_before) = (record::bytes(folder), marked(folder, "open"));
        let started = Instant::now();
        Running { child, folder, started, answered_before, opened_before }
    }

    /// Waits until something is so; false where the child has ended before.
    fn wait_until(&mut self, place: &str, is_so: impl Fn(&Running) -> bool) -> bool {
        while !is_so(self) {
            if self.child.try_wait().unwrap().is_some() {
                return false;
            }
            assert!(self.started.elapsed() < PATIENCE, "{place}: the child does not come on");
            std::thread::sleep(Duration::from_micros(200));
        }
        true
    }

    fn is_open(&self) -> bool {
        marked(self.folder, "open") > self.opened_before
    }

    fn has_answered(&self, bytes: u64) -> bool {
        record::bytes(self.folder) > self.answered_before + bytes
    }

    /// Kills it, and says what it was at.
    fn kill(mut self, place: &str) -> Moment {
        let was_open = self.is_open();
        self.child.kill().unwrap();
        let status = self.child.wait().unwrap();
        if status.signal() != Some(SIGKILL) {
            let mut said = String::new();
            self.child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
            panic!("{place}: the child ended by itself, {status}: {said}");
        }
        match was_open {
            false if marked(self.folder, "opening") == 0 => Moment::Beginning,
            false => Moment::Opening,
            true if a_half_is_being_written(self.folder) => Moment::Snapshot,
            true => Moment::Load,
        }
    }
}

fn marked(folder: &Path, what: &str) -> usize {
    let marks = fs::read_to_string(child::marks(folder)).unwrap_or_default();
    marks.lines().filter(|line| *line == what).count()
}

/// A half without its manifest is one that is being written.
fn a_half_is_being_written(folder: &Path) -> bool {
    let snapshots = child::data(folder).join("snapshots");
    let half =
        |name: &str| snapshots.join(name).is_dir() && !snapshots.join(format!("{name}.manifest")).exists();
    half("one") || half("two")
}

/// Waits for a drawn moment of the kind that is wanted.
fn wait_for(moment: Moment, running: &mut Running, luck: &mut Luck, opening: Duration, place: &str) {
    let mut pause =
        |most: Duration| std::thread::sleep(Duration::from_micros(luck.below(most.as_micros() as u64 + 1)));
    match moment {
        Moment::Beginning => pause(Duration::from_millis(15)),
        Moment::Opening => {
            let opened = marked(running.folder, "opening");
            let begun = running
                .wait_until(place, |running| marked(running.folder, "opening") > opened || running.is_open());
            if begun {
                pause(opening);
            }
        }
        Moment::Load => {
            running.wait_until(place, |running| running.has_answered(0));
            pause(Duration::from_millis(300));
        }
        Moment::Snapshot => {
            running.wait_until(place, |running| {
                running.has_answered(0) && a_half_is_being_written(running.folder)
            });
            pause(Duration::from_millis(10));
        }
    }
}

#[derive(Default)]
struct Count {
    kills: u64,
    acknowledged: u64,
    hit: BTreeMap<Moment, u64>,
}

/// Kills one store so often, then repeats everything that was ever acknowledged.
fn kill_a_store(shards: usize, kills: u64, luck: &mut Luck, count: &mut Count, place: &str) {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    // Until it is known how long opening takes.
    let mut opening = Duration::from_millis(30);
    for kill in 0..kills {
        // The first is in the very first milliseconds of the store, and what comes then is drawn.
        let drawn = MOMENTS[luck.below(MOMENTS.len() as u64) as usize];
        let moment = if kill == 0 { Moment::Beginning } else { drawn };
        let place = format!("{place}, kill {kill} of a store, {moment:?}");
        let mut running = Running::start(folder, shards);
        let begun = Instant::now();
        wait_for(moment, &mut running, luck, opening, &place);
        if matches!(moment, Moment::Load) {
            opening = begun.elapsed().min(opening * 2);
        }
        *count.hit.entry(running.kill(&place)).or_default() += 1;
        count.kills += 1;
        if kill % 5 == 4 && marked(folder, "open") > 0 {
            hongbao::audit(&child::data(folder)).unwrap_or_else(|error| panic!("{place}: {error}"));
        }
    }
    let known = record::read_all(folder);
    let engine = Engine::open(child::config(folder, shards)).unwrap();
    child::compare(&engine, &known).unwrap_or_else(|why| panic!("{place}: {why}"));
    engine.close().unwrap();
    drop(engine);
    let audit = hongbao::audit(&child::data(folder)).unwrap_or_else(|error| panic!("{place}: {error}"));
    let sales: Vec<&String> =
        known.iter().map(|(_, told)| told).filter(|told| told.starts_with("Purchased")).collect();
    assert!(audit.totals.sold >= sales.len() as u64, "{place}: {} were acknowledged", sales.len());
    println!(
        "{place}: {kills} kills, {} acknowledged answers are there, {} of them purchases",
        known.len(),
        sales.len()
    );
    assert_sold_once(&known, place);
    count.acknowledged += known.len() as u64;
}

/// No two purchases of an offering were acknowledged with one serial.
fn assert_sold_once(known: &[record::Acknowledged], place: &str) {
    let mut sold = HashSet::new();
    for (at, told) in known.iter().filter(|(_, told)| told.starts_with("Purchased")) {
        let serial = told.split("serial: ").nth(1).and_then(|rest| rest.split(',').next());
        let serial = serial.unwrap_or_else(|| panic!("{place}: {told} names no serial"));
        assert!(
            sold.insert((plan::offering(*at), serial.to_owned())),
            "{place}: {at} has {serial} once more"
        );
    }
}

fn kill_stores(shards: usize) {
    let (mut luck, seed) = Luck::new();
    let place = format!("{SEED_VARIABLE}={seed}, {shards} shards");
    println!("{place}: the seed draws the same moments");
    let mut count = Count::default();
    while count.kills < kills() {
        let kills = (kills() - count.kills).min(KILLS_OF_A_STORE);
        kill_a_store(shards, kills, &mut luck, &mut count, &place);
    }
    let Count { kills, acknowledged, hit } = count;
    println!("{place}: {kills} kills, {hit:?}, {acknowledged} acknowledged answers, none lost");
    assert!(acknowledged > 50 * kills, "{place}: only {acknowledged} answers were acknowledged");
}

#[test]
fn kills_lose_no_acknowledged_answer_with_one_shard() {
    kill_stores(1);
}

#[test]
fn kills_lose_no_acknowledged_answer_with_three_shards() {
    kill_stores(3);
}
