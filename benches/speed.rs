//! How fast each layer is: criterion's report of every job, then a table that holds all of them against a plain
//! loop over a hash map, measured in turn with them in the same run.
//!
//! `cargo bench` runs all; `cargo bench -- walks` only criterion's part of what is named; `cargo bench -- --test`
//! tries everything once on a small sale; `cargo bench -- --once JOB` does one job once on a small sale and says how
//! many units it has, for a tool that counts what the processor does (`benches/instructions`); `cargo bench -- --memory
//! [ACCOUNTS]` says what stays in memory of each thing; `cargo bench -- --sustained [SECONDS]` buys for so long in one engine.
//! It works in temporary folders (`TMPDIR`), which should be on the
//! disk in question. One program for all, because linking one takes a minute.

#![expect(clippy::unwrap_used, reason = "a bench whose engine refuses something must stop")]

mod common;

use std::io::Write;
use std::time::Duration;

use common::{Job, Run, jobs};
use criterion::{Criterion, SamplingMode, Throughput};

/// The program's own.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How many certificates are sold in a job that is done once.
const CERTIFICATES_ONCE: u32 = 4_096;
/// How often each job is run for the table, in turn with all others.
const ROUNDS: usize = 5;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let Some(place) = arguments.iter().position(|argument| argument == "--once") {
        let mut job = common::job(&arguments[place + 1], CERTIFICATES_ONCE).unwrap();
        let Run { took, detail } = (job.run)();
        println!("{} {} in {took:?}; {detail}", job.units, job.unit);
        return;
    }
    if let Some(place) = arguments.iter().position(|argument| argument == "--memory") {
        let accounts = arguments.get(place + 1).and_then(|accounts| accounts.parse().ok());
        common::memory::print(accounts.unwrap_or(common::memory::ACCOUNTS));
        return;
    }
    if let Some(place) = arguments.iter().position(|argument| argument == "--sustained") {
        let seconds = arguments.get(place + 1).and_then(|seconds| seconds.parse().ok());
        common::sustained::print(seconds.unwrap_or(common::sustained::SECONDS));
        return;
    }
    // Without `--bench` nobody wants figures: `cargo test --benches`.
    let tried_only = arguments.iter().any(|argument| argument == "--test")
        || !arguments.iter().any(|argument| argument == "--bench");
    let mut jobs = jobs(tried_only);
    let mut criterion = Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(100))
        .measurement_time(Duration::from_secs(1))
        .configure_from_args();
    jobs.iter_mut().for_each(|job| report(&mut criterion, job));
    criterion.final_summary();
    if arguments.iter().all(|argument| argument == "--bench" || argument == "--test") {
        print_table(&mut jobs, if tried_only { 1 } else { ROUNDS });
    }
}

fn report(criterion: &mut Criterion, job: &mut Job) {
    let (group, function) = job.name.split_once('/').unwrap();
    let mut group = criterion.benchmark_group(group);
    group.sampling_mode(SamplingMode::Flat).throughput(Throughput::Elements(job.units));
    group.bench_function(function, |bencher| {
        bencher.iter_custom(|runs| (0..runs).map(|_| (job.run)().took).sum());
    });
    group.finish();
}

/// Medians of the rates, and of their ratios to the plain loop's of the same round.
fn print_table(jobs: &mut [Job], rounds: usize) {
    let mut rates: Vec<Vec<f64>> = vec![Vec::new(); jobs.len()];
    let mut details = vec![String::new(); jobs.len()];
    for _ in 0..rounds {
        for (place, job) in jobs.iter_mut().enumerate() {
            let run = (job.run)();
            rates[place].push(job.units as f64 / run.took.as_secs_f64());
            details[place] = run.detail;
        }
    }
    let mut out = std::io::stdout().lock();
    writeln!(out, "\n| what | a second | ratio to the loop | |\n|---|---:|---:|---|").unwrap();
    for ((job, rates_of_job), mut detail) in jobs.iter().zip(&rates).zip(details) {
        let rate = median(rates_of_job.clone());
        let ratio =
            median(rates_of_job.iter().zip(&rates[0]).map(|(rate, of_loop)| rate / of_loop).collect());
        if let Some(bytes) = job.bytes {
            let each = bytes as f64 / job.units as f64;
            let separator = if detail.is_empty() { "" } else { "; " };
            detail = format!("{each:.0} bytes each, {:.0} MB/s{separator}{detail}", rate * each / 1e6);
        }
        let (name, unit, millions, thousands) = (job.name, job.unit, rate / 1e6, rate / 1e3);
        let rate = if millions < 0.1 { format!("{thousands:.1} k") } else { format!("{millions:.2} M") };
        writeln!(out, "| `{name}` | {rate} {unit} | {ratio:.3} | {detail} |").unwrap();
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
