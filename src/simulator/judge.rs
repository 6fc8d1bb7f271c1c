//! The judge of a crash: opens what was left as the engine does, finishes what was unfinished, and holds the
//! result against what clients know, the invariants, and the end of an undisturbed sale.

use std::collections::hash_map::DefaultHasher;
use std::collections::{HashMap, HashSet};
use std::hash::{Hash, Hasher};
use std::rc::Rc;

use super::lasting::{self, Lasting};
use super::restoration;
use super::script::Phase;
use crate::actors::{Common, Replay, invariants};
use crate::domain::{ActorNumber, Command, Done, Message, Position, Refusal, WalkId, chain};
use crate::engine::state_lines;
use crate::journal::{Log, Record, SegmentOptions, record};
use crate::simulation::chance::Chance;
use crate::simulation::ledger::{Ledger, Left};
use crate::simulation::recovery::{self, Trouble};
use crate::simulation::snapshots::{Generation, IDENTITY};
use crate::simulation::tearing_disk::TearingDisk;
use crate::simulation::watched_disk::{Image, WatchedDisk};
use crate::simulation::world::{Beginning, Play, WatchedLog, World};

/// How a sale is played and judged.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stage {
    pub shards: usize,
    /// Small segments roll.
    pub segment_bytes_max: u64,
}

/// One of so many crashes is followed by another while its recovery is under way.
const AGAIN_ONE_IN: u64 = 5;

/// After one of so many recoveries the whole log of the sale is replayed once more; that costs as much as all
/// else.
const LOG_ONE_IN: u64 = 4;

/// Every crash with so few records behind a snapshot is recovered from by that snapshot, and of the others one of
/// so many.
const NEAR_RECORDS: u64 = 10;
const FAR_ONE_IN: u64 = 4;

/// Opens what a crash has left, again and again.
pub(super) struct Judge {
    stage: Stage,
    script: Rc<[Phase]>,
    /// How an undisturbed sale ends.
    expected: Rc<[String]>,
    /// Records and answers that were judged before.
    seen: HashSet<(u64, usize)>,
    chance: Chance,
    /// Crashes looked at.
    pub cuts: u64,
    /// Those of them that left something new.
    pub recoveries: u64,
    /// Surviving records, and snapshots that were held against them.
    restored: HashSet<(u64, u64)>,
}

/// A log as it was opened.
struct Opened {
    log: WatchedLog,
    disk: WatchedDisk,
    records: Vec<Vec<u8>>,
}

impl Judge {
    pub fn new(stage: Stage, script: &Rc<[Phase]>, expected: &Rc<[String]>, seed: u64) -> Judge {
        Judge {
            stage,
            script: Rc::clone(script),
            expected: Rc::clone(expected),
            seen: HashSet::new(),
            chance: Chance(seed),
            cuts: 0,
            recoveries: 0,
            restored: HashSet::new(),
        }
    }

    /// Judges a crash, and at times another while it is recovered from.
    pub fn judge(
        &mut self,
        image: &Image,
        ledger: &Ledger,
        generations: &[Rc<Generation>],
    ) -> Result<(), String> {
        let again = self.chance.below(AGAIN_ONE_IN) == 0;
        for second in self.recover(image, ledger, generations, again)? {
            self.recover(&second, ledger, generations, false)
                .map_err(|why| format!("again, {}: {why}", second.how))?;
        }
        Ok(())
    }

    /// How many recoveries from a snapshot were held against the journal's own.
    pub fn restorations(&self) -> usize {
        self.restored.len()
    }

    /// Every snapshot that counts must give what the journal gives from its beginning.
    fn restore(
        &mut self,
        records: &[Vec<u8>],
        survivors: u64,
        generations: &[Rc<Generation>],
    ) -> Result<(), String> {
        let mut from_journal = None;
        for generation in generations {
            let far = records.len() as u64 > generation.coverage.newest.0 + NEAR_RECORDS;
            if far && self.chance.below(FAR_ONE_IN) > 0 {
                continue;
            }
            if !self.restored.insert((survivors, generation.number)) {
                continue;
            }
            // Rooms may move to other shards.
            let shards = 1 + self.chance.below(3) as usize;
            if from_journal.is_none() {
                from_journal = Some(restoration::from_journal(records, shards)?);
            }
            if let Some(from_journal) = &from_journal {
                restoration::hold(generation, records, from_journal)
                    .map_err(|why| format!("snapshot {}: {why}", generation.number))?;
            }
        }
        Ok(())
    }

    fn recover(
        &mut self,
        image: &Image,
        ledger: &Ledger,
        generations: &[Rc<Generation>],
        watch: bool,
    ) -> Result<Vec<Image>, String> {
        self.cuts += 1;
        let disk = WatchedDisk::new(image.disk.clone());
        if watch {
            disk.watch(self.chance.below(u64::MAX));
        }
        let opened = open(disk.clone(), self.stage)?;
        let mut hasher = DefaultHasher::new();
        opened.records.hash(&mut hasher);
        let survivors = hasher.finish();
        self.restore(&opened.records, survivors, generations)?;
        if !self.seen.insert((survivors, ledger.left.len())) {
            return Ok(disk.images());
        }
        self.recoveries += 1;
        let survivors = opened.records.clone();
        let decoded: Vec<Record<'_>> = survivors
            .iter()
            .map(|bytes| record::decode(bytes).map_err(|error| error.to_string()))
            .collect::<Result<_, _>>()?;
        let (mut world, finishing) = finish(opened, self.stage, self.chance.below(u64::MAX))?;
        let images = disk.images();
        disk.watch_no_more();
        let truth = Truth::new(&decoded, &finishing);
        for left in &ledger.left {
            let message = &ledger.sent[left.sent].message;
            truth.hold(left, ledger.sent[left.sent].walk, message, &mut world).map_err(|why| {
                format!(
                    "an answer that left is not true after recovery: {why}\n{:?} to {message:?}",
                    left.answer
                )
            })?;
        }
        play(&mut world, &self.script).map_err(|why| format!("the sale does not go on: {why}"))?;
        let end = check_end(world, &self.expected)?;
        if self.chance.below(LOG_ONE_IN) == 0 {
            check_log(end, survivors.len(), self.stage)?;
        }
        Ok(images)
    }
}

/// Sends the whole script, phase by phase, and waits for every answer.
pub(super) fn play(world: &mut World, script: &Rc<[Phase]>) -> Result<(), String> {
    for phase in script.iter() {
        phase.messages.iter().for_each(|message| world.say(phase.now, message.clone()));
        world.run();
        world.pause("between two phases");
    }
    world.sync();
    world.check()?;
    world.ledger().lock().complete()
}

fn open(disk: WatchedDisk, stage: Stage) -> Result<Opened, String> {
    let options = SegmentOptions { segment_bytes_max: stage.segment_bytes_max, new_identity: IDENTITY };
    let opened = WatchedLog::open_with(disk.clone(), options);
    let (log, _) = opened.map_err(|error| format!("the log does not open: {error}"))?;
    let records = records_of(&log).map_err(|error| format!("the log does not read: {error}"))?;
    Ok(Opened { log, disk, records })
}

fn replay(opened: &Opened, stage: Stage) -> Result<Replay, String> {
    let mut replay = Replay::new(stage.shards);
    for (position, bytes) in (opened.log.oldest().0..).zip(&opened.records) {
        replay.record(Position(position), bytes).map_err(|error| error.to_string())?;
    }
    Ok(replay)
}

fn walks_of(bytes: &[u8]) -> Vec<WalkId> {
    record::decode(bytes).map(|record| record.walks().collect()).unwrap_or_default()
}

/// Replays, finishes, syncs: what the engine does before its doors open. Gives the records of the finishing.
fn finish(opened: Opened, stage: Stage, seed: u64) -> Result<(World, Vec<WalkId>), String> {
    let replay = replay(&opened, stage)?;
    let Opened { log, disk, .. } = opened;
    let mut finishing = Vec::new();
    let finished = recovery::finish(replay, log, &disk, &mut |bytes| finishing.extend(walks_of(bytes)));
    let (beginning, _) = finished.map_err(Trouble::why)?;
    invariants::check(&beginning.houses, &[]).map_err(|why| format!("after recovery: {why}"))?;
    let play = Play { seed, sync_one_in: 24, ..Play::default() };
    Ok((World::new(beginning, play), finishing))
}

/// A world on an empty disk.
pub(super) fn begin(stage: Stage, play: Play) -> Result<World, String> {
    let opened = open(WatchedDisk::new(TearingDisk::new()), stage)?;
    let (houses, common) =
        Replay::new(stage.shards).finish(&mut |_| Ok(Position(0))).map_err(|error| error.to_string())?;
    let Opened { log, disk, .. } = opened;
    Ok(World::new(Beginning { houses, common, log, disk, not_before: Default::default() }, play))
}

/// Holds the end of a whole sale against the expected one; gives it, and the log, for a closer look.
pub(super) fn check_end(world: World, expected: &[String]) -> Result<(Vec<String>, WatchedLog), String> {
    let (lines, log) = end_of(world)?;
    let odd = |some: &[String], others: &[String]| {
        let lines = some.iter().filter(|line| !others.contains(line)).map(String::as_str);
        lines.collect::<Vec<_>>().join("\n  ")
    };
    if lines != expected {
        let (odd, missing) = (odd(&lines, expected), odd(expected, &lines));
        return Err(format!("the sale ends with\n  {odd}\nand an undisturbed one with\n  {missing}"));
    }
    Ok((lines, log))
}

/// The log of a whole sale gives the state that was lived through (I11), every message in it is absorbed, and
/// walks that began after the first `survivors` records have numbers of their own.
pub(super) fn check_log(
    (lines, log): (Vec<String>, WatchedLog),
    survivors: usize,
    stage: Stage,
) -> Result<(), String> {
    let opened = Opened { records: records_of(&log)?, disk: WatchedDisk::default(), log };
    let replay = replay(&opened, stage).map_err(|why| format!("at the end: {why}"))?;
    if !replay.undelivered().map_err(|error| error.to_string())?.is_empty() {
        return Err("at the end a message is not absorbed".to_owned());
    }
    if state_lines(replay.houses()) != lines {
        return Err("at the end the log gives another state than the one lived through (I11)".to_owned());
    }
    let mut walks = HashSet::new();
    for (index, bytes) in opened.records.iter().enumerate() {
        let prefix = record::decode(bytes).map_err(|error| error.to_string())?.prefix;
        let new = !walks.contains(&prefix.walk);
        walks.extend(walks_of(bytes));
        if index >= survivors && prefix.cause.is_none() && !new {
            return Err(format!("at the end two walks have number {}", prefix.walk.0));
        }
    }
    Ok(())
}

/// How a world that has come to rest has ended, every actor in a line, and its log.
pub(super) fn end_of(world: World) -> Result<(Vec<String>, WatchedLog), String> {
    let (houses, log) = world.end();
    invariants::check(&houses, &[]).map_err(|why| format!("at the end: {why}"))?;
    Ok((state_lines(&houses), log))
}

/// Every record of a log.
pub(super) fn records_of(log: &WatchedLog) -> Result<Vec<Vec<u8>>, String> {
    let mut records = Vec::new();
    let mut keep = |_: Position, bytes: &[u8]| {
        records.push(bytes.to_vec());
        Ok(())
    };
    log.read(log.oldest(), &mut keep).map_err(|error| error.to_string())?;
    Ok(records)
}

/// What the surviving records say of answers.
struct Truth {
    newest: Position,
    /// Walks that the surviving records know.
    known: HashSet<WalkId>,
    /// Walks with a record of something done.
    effective: HashSet<WalkId>,
    /// Walks that recovery had to go on with.
    finishing: HashSet<WalkId>,
    /// The chain's head after each entry, its first bytes.
    heads: HashMap<(ActorNumber, u64), u64>,
}

impl Truth {
    fn new(survivors: &[Record<'_>], finishing: &[WalkId]) -> Truth {
        let does = |record: &&Record<'_>| record.events.iter().any(lasting::has_effect);
        let head = |record: &Record<'_>| ((record.prefix.actor, record.prefix.sequence), record.prefix.chain);
        Truth {
            newest: Position(survivors.len() as u64),
            known: survivors.iter().flat_map(Record::walks).collect(),
            effective: survivors.iter().filter(does).flat_map(Record::walks).collect(),
            finishing: finishing.iter().copied().collect(),
            heads: survivors.iter().map(head).collect(),
        }
    }

    /// Holds one answer against the recovered world.
    fn hold(
        &self,
        left: &Left,
        walk: Option<WalkId>,
        message: &Message,
        world: &mut World,
    ) -> Result<(), String> {
        if left.rests_on > self.newest {
            let (rests_on, newest) = (left.rests_on.0, self.newest.0);
            return Err(format!("it rests on record {rests_on}, and {newest} survived"));
        }
        let known = walk.filter(|walk| self.known.contains(walk));
        if known.is_some_and(|walk| self.finishing.contains(&walk)) {
            return Err("its walk had ended, and recovery went on with it".to_owned());
        }
        match &left.answer {
            Ok(Done::Account(_) | Done::Offering(_) | Done::Certificate(_)) => {
                self.hold_view(left, message, world.common())
            }
            Ok(done) => match world.ask(message)? {
                (Ok(again), 0) if again == *done || lasting::is_later(done, &again) => Ok(()),
                (again, records) => Err(format!("a repeat makes {records} records and gets {again:?}")),
            },
            Err(refusal) => {
                if known.is_some_and(|walk| self.effective.contains(&walk)) {
                    return Err("what was refused was done all the same".to_owned());
                }
                hold_refusal(refusal, message, world)
            }
        }
    }

    /// A view's place in its actor's chain must be among the surviving records.
    fn hold_view(&self, left: &Left, message: &Message, common: &Common) -> Result<(), String> {
        let lost = || "the actor that was shown is lost".to_owned();
        let (actor, sequence, head) = match (&left.answer, &message.command) {
            (Ok(Done::Account(view)), _) => {
                let entry = common.directory.account(&view.name).ok_or_else(lost)?;
                (entry.number, view.sequence, view.head)
            }
            (Ok(Done::Offering(view)), _) => (view.number, view.sequence, view.head),
            (Ok(Done::Certificate(view)), Command::ShowCertificate { offering, .. }) => {
                let entry = common.directory.offering(offering).ok_or_else(lost)?;
                (entry.number.certificate(view.serial), view.sequence, view.head)
            }
            _ => return Err("it is no view".to_owned()),
        };
        if sequence == 0 || self.heads.get(&(actor, sequence)) == Some(&chain::prefix(&head)) {
            Ok(())
        } else {
            Err(format!("entry {sequence} of the chain that was shown is lost"))
        }
    }
}

/// A refusal that stays true for ever is given again; the others must only have left no trace.
fn hold_refusal(refusal: &Refusal, message: &Message, world: &mut World) -> Result<(), String> {
    let Some(lasting) = Lasting::of(refusal.code, &message.command) else { return Ok(()) };
    match world.ask(message)? {
        (Err(again), records)
            if again.code == refusal.code && (records == 0) == (lasting == Lasting::AtOnce) =>
        {
            Ok(())
        }
        (again, records) => Err(format!("a repeat makes {records} records and gets {again:?}")),
    }
}
