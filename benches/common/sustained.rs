//! How many purchases an engine keeps up for long, while it takes its snapshots and lets go of what is idle.
//!
//! Sales follow each other in one engine: of each everything is made ready, and then it is bought, and only that is timed. So whatever
//! the former sales have left, in memory, in the journal and in the snapshots, is there. Snapshots and journal are told of all of it,
//! since snapshots of what was made ready are taken while it is bought. Names are of 16 bytes; memory is the whole process's, the
//! next sale's messages among it. What is refused because snapshots have fallen behind is sent again, as clients do.

use std::io::Write;
use std::time::{Duration, Instant};
use std::{mem, thread};

use hongbao::domain::{Code, Message};
use hongbao::{Engine, Keeping, SnapshotStats};

use super::memory::resident;
use super::sale::{MOVEMENTS_PER_PURCHASE, Sale};
use super::walks::{IN_FLIGHT, batches, config, send_until};

/// How long it is measured, unless it is told otherwise.
pub const SECONDS: u64 = 60;
/// How many certificates each sale has, each with a buyer of its own: a second of purchases, and less.
const CERTIFICATES: u32 = 262_144;
/// For how many snapshots a page is idle before it leaves memory.
const IDLE_SNAPSHOTS: usize = 2;
/// How long a client waits before it sends again what was refused.
const BEFORE_AGAIN: Duration = Duration::from_millis(100);
/// How many sales there is money for.
const SALES_MAX: u32 = 1_000;

/// Buys for so many seconds, the time between the sales not counted; prints a row for each sale and what all of them come to.
pub fn print(seconds: u64) {
    let folder = tempfile::tempdir().unwrap();
    let keeping = Keeping { idle_snapshots: Some(IDLE_SNAPSHOTS), ..Keeping::default() };
    let engine = Engine::open(config(&folder).with_keeping(keeping)).unwrap();
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "One shard, {IN_FLIGHT} purchases in flight; what is idle for {IDLE_SNAPSHOTS} snapshots leaves memory.\n"
    )
    .unwrap();
    writeln!(out, "| sale | purchases/s | movements/s | snapshots | journal | memory |").unwrap();
    writeln!(out, "|---:|---:|---:|---:|---:|---:|").unwrap();
    let (mut purchases, mut took, mut rates) = (0_u64, Duration::ZERO, Vec::new());
    let (mut meanwhile, mut sent_again) = (0, 0);
    for number in 0..SALES_MAX {
        if took >= Duration::from_secs(seconds) {
            break;
        }
        let sale = Sale::following(number, SALES_MAX, CERTIFICATES);
        sale.phases().iter().for_each(|phase| {
            let _ = carry_out(&engine, phase, batches(phase));
        });
        let buys = sale.buys();
        let first_sent = batches(&buys);
        let before = engine.snapshot_stats().finished;
        let begun = Instant::now();
        sent_again += carry_out(&engine, &buys, first_sent);
        let here = begun.elapsed();
        took += here;
        purchases += u64::from(CERTIFICATES);
        rates.push(f64::from(CERTIFICATES) / here.as_secs_f64());
        let rate = rates[rates.len() - 1];
        let finished = engine.snapshot_stats().finished;
        meanwhile += finished - before;
        let (journal, memory) = (engine.journal_stats().bytes as f64 / 1e9, resident() as f64 / 1e9);
        let movements = rate * MOVEMENTS_PER_PURCHASE as f64;
        writeln!(
            out,
            "| {number} | {rate:.0} | {movements:.0} | {finished} | {journal:.1} GB | {memory:.1} GB |"
        )
        .unwrap();
        out.flush().unwrap();
    }
    let rate = purchases as f64 / took.as_secs_f64();
    rates.sort_by(f64::total_cmp);
    let SnapshotStats { finished, slice_max, slice_p999, .. } = engine.snapshot_stats();
    writeln!(
        out,
        "\n{purchases} purchases in {:.1} s: {rate:.0} purchases/s, {:.0} movements/s (of one sale {:.0} to {:.0} purchases/s); \
         {meanwhile} snapshots ended meanwhile, of {finished} in all, whose slices held the shard for {slice_max:?} at most, and 999 of a thousand for no more than \
         {slice_p999:?}; {sent_again} purchases were sent again.",
        took.as_secs_f64(),
        rate * MOVEMENTS_PER_PURCHASE as f64,
        rates[0],
        rates[rates.len() - 1],
    )
    .unwrap();
    engine.close().unwrap();
}

/// Sends messages, as these batches first, until all are carried out; gives how many had to be sent again.
fn carry_out(engine: &Engine, messages: &[Message], mut batches_of_all: Vec<Vec<Message>>) -> usize {
    let (mut places, mut sent_again): (Vec<usize>, _) = ((0..messages.len()).collect(), 0);
    loop {
        let mut sent = mem::take(&mut places).into_iter();
        send_until(engine, batches_of_all, |answer| {
            let place = sent.next();
            match answer {
                Err(refusal) if refusal.code == Code::Overloaded => places.extend(place),
                carried_out => drop(carried_out.unwrap()),
            }
        });
        if places.is_empty() {
            return sent_again;
        }
        sent_again += places.len();
        thread::sleep(BEFORE_AGAIN);
        let again: Vec<Message> = places.iter().map(|place| messages[*place].clone()).collect();
        batches_of_all = batches(&again);
    }
}
