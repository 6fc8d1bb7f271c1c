//! Whole purchases, from the message to the answer: in the house alone, with door, records and chains but without
//! a disk, and through an engine, where the answers wait until they are durable.

use std::collections::VecDeque;
use std::fs;
use std::path::Path;
use std::rc::Rc;
use std::time::Instant;

use hongbao::domain::{Answer, Code, Message};
use hongbao::{Answers, Config, Engine};
use tempfile::TempDir;

use super::sale::Sale;
use super::world::{Stage, World};
use super::{Job, Run, latency, timed};

const BATCH_MESSAGES: usize = 1_024;
const BATCHES_IN_FLIGHT: usize = 8;
/// How many messages are under way at most.
pub const IN_FLIGHT: usize = BATCHES_IN_FLIGHT * BATCH_MESSAGES;
/// Those who come too late send fewer at once, and often.
const LATE_BATCH_MESSAGES: usize = 100;
const LATE_ROUNDS: u32 = 16;
/// One, as the engine chooses on two cores: the other core is the sender's and the journal's.
const SHARDS: usize = 1;

pub fn jobs(world: &Rc<World>) -> Vec<Job> {
    let (buys, messages) = (world.sale.buys(), world.sale.messages());
    let everybody = Rc::clone(world);
    let in_house = move || {
        let mut stage = everybody.stage();
        let ((), took) = timed(|| stage.send(&buys));
        assert!(stage.outside.records <= messages);
        Run::of(took)
    };
    let (ready, buys) = (ready(&world.sale), world.sale.buys());
    let durable = move || {
        let folder = copy(&ready);
        let engine = Engine::open(config(&folder)).unwrap();
        let batches = batches(&buys);
        let before = engine.journal_stats();
        let begun = Instant::now();
        send(&engine, batches);
        let took = begun.elapsed();
        let after = engine.journal_stats();
        engine.close().unwrap();
        assert!(after.records - before.records <= messages);
        Run { took, detail: format!("{} syncs", after.syncs - before.syncs) }
    };
    let (unit, units, bytes) = ("movements", world.sale.movements(), None);
    let mut jobs = vec![
        Job { name: "walks/house", unit, units, bytes, run: Box::new(in_house) },
        Job { name: "walks/engine_durable", unit, units, bytes, run: Box::new(durable) },
    ];
    jobs.extend([circulations_in_house(world), circulations(world), sold_out(world)]);
    jobs.extend(latency::jobs(world));
    jobs
}

/// As `circulations`, in the house alone.
fn circulations_in_house(world: &Rc<World>) -> Job {
    let mut phases = world.sale.phases();
    let shares: Vec<Message> = phases.split_off(4).concat();
    let units = shares.len() as u64;
    let run = move || {
        let mut stage = Stage::empty();
        phases.iter().for_each(|phase| stage.send(phase));
        let ((), took) = timed(|| stage.send(&shares));
        Run::of(took)
    };
    Job { name: "walks/house_circulations", unit: "circulations", units, bytes: None, run: Box::new(run) }
}

/// Both sharers of every certificate circulate it; each stands then on a private platform as well.
fn circulations(world: &Rc<World>) -> Job {
    let mut phases = world.sale.phases();
    let shares: Vec<Vec<Message>> = phases.split_off(4);
    let ready = store_after(&phases);
    let units = shares.iter().map(|share| share.len() as u64).sum();
    let run = move || {
        let folder = copy(&ready);
        let engine = Engine::open(config(&folder)).unwrap();
        let shares: Vec<_> = shares.iter().map(|share| batches(share)).collect();
        let begun = Instant::now();
        shares.into_iter().for_each(|share| send(&engine, share));
        let took = begun.elapsed();
        engine.close().unwrap();
        Run::of(took)
    };
    Job { name: "walks/engine_circulations", unit: "circulations", units, bytes: None, run: Box::new(run) }
}

/// Everybody asks for any certificate of an offering that has none left.
fn sold_out(world: &Rc<World>) -> Job {
    let mut phases = world.sale.phases();
    phases.push(world.sale.buys());
    let ready = store_after(&phases);
    let messages: Vec<Message> = (0..LATE_ROUNDS).flat_map(|round| world.sale.comes_late(round)).collect();
    let units = messages.len() as u64;
    let run = move || {
        let folder = copy(&ready);
        let engine = Engine::open(config(&folder)).unwrap();
        let batches: Vec<Vec<Message>> =
            messages.chunks(LATE_BATCH_MESSAGES).map(<[Message]>::to_vec).collect();
        let begun = Instant::now();
        send_until(&engine, batches, |answer| assert_eq!(answer.unwrap_err().code, Code::SoldOut));
        let took = begun.elapsed();
        engine.close().unwrap();
        Run::of(took)
    };
    Job { name: "walks/engine_sold_out", unit: "answers", units, bytes: None, run: Box::new(run) }
}

/// A closed store in which everything is ready to be bought.
pub fn ready(sale: &Sale) -> TempDir {
    store_after(&sale.phases())
}

/// A closed store in which all of this has been done.
fn store_after(phases: &[Vec<Message>]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let engine = Engine::open(config(&folder)).unwrap();
    phases.iter().for_each(|phase| send(&engine, batches(phase)));
    engine.close().unwrap();
    folder
}

pub fn config(folder: &TempDir) -> Config {
    Config::new(folder.path().join("data")).with_shards(SHARDS)
}

pub fn batches(messages: &[Message]) -> Vec<Vec<Message>> {
    messages.chunks(BATCH_MESSAGES).map(<[Message]>::to_vec).collect()
}

/// Sends batches, several in flight at once, until all are answered; nothing may be refused.
pub fn send(engine: &Engine, batches: Vec<Vec<Message>>) {
    send_until(engine, batches, |answer| drop(answer.unwrap()));
}

/// Sends batches, several in flight at once, until all are answered, and looks at each answer in the order of the messages.
pub fn send_until(engine: &Engine, batches: Vec<Vec<Message>>, mut look_at: impl FnMut(Answer)) {
    let mut in_flight: VecDeque<Answers> = VecDeque::new();
    let mut take = |answers: Answers| answers.wait().into_iter().for_each(&mut look_at);
    for batch in batches {
        if in_flight.len() == BATCHES_IN_FLIGHT {
            in_flight.pop_front().into_iter().for_each(&mut take);
        }
        in_flight.push_back(engine.send_batch(batch));
    }
    in_flight.into_iter().for_each(&mut take);
}

/// A store of the same content.
pub fn copy(folder: &TempDir) -> TempDir {
    let copied = tempfile::tempdir().unwrap();
    copy_into(folder.path(), copied.path());
    copied
}

fn copy_into(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let copied = to.join(path.file_name().unwrap());
        if path.is_dir() {
            fs::create_dir(&copied).unwrap();
            copy_into(&path, &copied);
        } else {
            fs::copy(&path, &copied).unwrap();
        }
    }
}
