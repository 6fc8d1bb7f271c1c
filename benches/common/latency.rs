//! How long somebody waits for a purchase: who is alone, beside the disk's own time in the same run, and among 2,048.

use std::collections::VecDeque;
use std::fs::File;
use std::io::Write;
use std::rc::Rc;
use std::time::{Duration, Instant};

use hongbao::domain::Message;
use hongbao::{Answers, Engine};

use super::walks::{config, copy, ready};
use super::world::World;
use super::{Job, Run};

/// How many buy one after the other, and how often the disk is asked.
const ALONE: usize = 512;
/// As many bytes as a lonely purchase writes, about.
const SYNCED_BYTES: usize = 1_024;
const BATCH_MESSAGES: usize = 128;
const BATCHES_IN_FLIGHT: usize = 16;

pub fn jobs(world: &Rc<World>) -> Vec<Job> {
    let ready = Rc::new(ready(&world.sale));
    let buys = world.sale.buys();
    let (few, store): (Vec<Message>, _) = (buys.iter().take(ALONE).cloned().collect(), Rc::clone(&ready));
    let alone_units = few.len() as u64;
    let alone = move || {
        let folder = copy(&store);
        let mut file = File::create(folder.path().join("synced")).unwrap();
        let engine = Engine::open(config(&folder)).unwrap();
        let (mut waits, mut syncs) = (Vec::new(), Vec::new());
        for message in &few {
            let message = message.clone();
            waits.push(time(|| drop(engine.send(message).wait().unwrap())));
            syncs.push(time(|| {
                file.write_all(&[7; SYNCED_BYTES]).unwrap();
                file.sync_data().unwrap();
            }));
        }
        engine.close().unwrap();
        let (took, wait, sync) = (waits.iter().sum(), at(&mut waits, 50), at(&mut syncs, 50));
        let ratio = wait.as_secs_f64() / sync.as_secs_f64();
        let detail = format!("p50 {:.3} ms, {ratio:.2} fdatasyncs of {:.3} ms", millis(wait), millis(sync));
        Run { took, detail }
    };
    let among_many = move || {
        let folder = copy(&ready);
        let engine = Engine::open(config(&folder)).unwrap();
        let batches: Vec<Vec<Message>> = buys.chunks(BATCH_MESSAGES).map(<[Message]>::to_vec).collect();
        let begun = Instant::now();
        let mut waits = send(&engine, batches);
        let took = begun.elapsed();
        engine.close().unwrap();
        let [half, most, longest] = [50, 99, 100].map(|share| millis(at(&mut waits, share)));
        Run { took, detail: format!("p50 {half:.2} ms, p99 {most:.2} ms, longest {longest:.2} ms") }
    };
    let (unit, bytes) = ("purchases", None);
    vec![
        Job { name: "walks/alone", unit, units: alone_units, bytes, run: Box::new(alone) },
        Job {
            name: "walks/among_2048",
            unit,
            units: world.sale.purchases.len() as u64,
            bytes,
            run: Box::new(among_many),
        },
    ]
}

/// How long each batch waits, from before it is sent to after its answers are there.
fn send(engine: &Engine, batches: Vec<Vec<Message>>) -> Vec<Duration> {
    let mut in_flight: VecDeque<(Instant, Answers)> = VecDeque::new();
    let mut waits = Vec::with_capacity(batches.len());
    let mut take = |(begun, answers): (Instant, Answers)| {
        answers.wait().into_iter().for_each(|answer| drop(answer.unwrap()));
        waits.push(begun.elapsed());
    };
    for batch in batches {
        if in_flight.len() == BATCHES_IN_FLIGHT {
            in_flight.pop_front().into_iter().for_each(&mut take);
        }
        in_flight.push_back((Instant::now(), engine.send_batch(batch)));
    }
    in_flight.into_iter().for_each(take);
    waits
}

fn time(work: impl FnOnce()) -> Duration {
    let begun = Instant::now();
    work();
    begun.elapsed()
}

/// What so many of a hundred are not longer than.
fn at(durations: &mut [Duration], share: usize) -> Duration {
    durations.sort_unstable();
    durations[(durations.len() * share / 100).min(durations.len() - 1)]
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}
