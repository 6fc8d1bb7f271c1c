//! `hongbao simulate`: seeds of a made-up market, played through crashes and failing disks, and judged.

use std::io::{Write, stdout};
use std::num::NonZeroUsize;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Instant;

use clap::Args;
use indicatif::ProgressBar;
use serde_json::json;

use super::failure::Failure;
use super::number::whole;
use super::progress;
use super::text::count;
use crate::simulation::{Counts, Cut, Failed, run_telling, shrink};

/// More seeds than anybody plays, and far from where numbers end.
const SEEDS_MAX: u64 = 1 << 40;
/// More steps than one seed needs: many short seeds find more than a long one, and each is in memory whole.
const STEPS_MAX: u64 = 1_000_000;
/// More threads than the cores of any one machine.
const THREADS_MAX: u64 = 1_024;

/// What is simulated.
#[derive(Debug, Args)]
pub(super) struct Options {
    /// The first seed: it says everything that happens.
    #[arg(long, default_value_t = 1, value_parser = whole::<u64>(0..=u64::MAX))]
    seed: u64,
    /// How many seeds are played, one after another.
    #[arg(long, default_value_t = 1, value_parser = whole::<u64>(1..=SEEDS_MAX))]
    seeds: u64,
    /// At least how many steps each takes.
    #[arg(long, default_value_t = 2_000, value_parser = whole::<u64>(1..=STEPS_MAX))]
    steps: u64,
    /// How many seeds are played side by side; by default as many as there are cores.
    #[arg(long, value_parser = whole::<u16>(1..=THREADS_MAX))]
    threads: Option<u16>,
    /// Print one JSON object instead of the report.
    #[arg(long)]
    json: bool,
    /// Plant a bug, to see it found; `all`: one after another.
    #[cfg(feature = "planted")]
    #[arg(long)]
    planted: Option<String>,
}

impl Options {
    fn threads(&self) -> u64 {
        let cores = || thread::available_parallelism().map_or(1, NonZeroUsize::get) as u64;
        self.threads.map_or_else(cores, u64::from).min(self.seeds)
    }

    /// Does something with the bug that is to be planted, if one is.
    #[cfg(feature = "planted")]
    fn planted<T>(&self, work: impl FnOnce(Planted) -> T) -> Result<T, Failure> {
        use crate::planted::Bug;
        let Some(name) = &self.planted else { return Ok(work(None)) };
        let bug = Bug::SIMULATED.into_iter().find(|bug| format!("{bug:?}") == *name);
        let bug = bug
            .ok_or_else(|| Failure::Arguments(format!("--planted {name} is none of {:?}", Bug::SIMULATED)))?;
        Ok(work(Some(bug)))
    }

    #[cfg(not(feature = "planted"))]
    #[expect(clippy::unused_self, reason = "the other one looks at the options")]
    fn planted<T>(&self, work: impl FnOnce(Planted) -> T) -> Result<T, Failure> {
        Ok(work(()))
    }
}

/// What all threads have come to.
#[derive(Default)]
struct Played {
    counts: Counts,
    /// Seeds with which all was well.
    seeds: u64,
    /// The first that has found something, of those that were played.
    failed: Option<Box<Failed>>,
}

/// A bar over the steps of all seeds, and how many seeds are done: a single seed may take minutes.
fn steps_bar(options: &Options) -> ProgressBar {
    let bar = progress::bar("simulating", "steps", options.seeds * options.steps);
    show_seeds(&bar, 0, options);
    bar
}

fn show_seeds(bar: &ProgressBar, done: u64, options: &Options) {
    bar.set_message(format!(", {}/{} seeds", count(done), count(options.seeds)));
}

/// Plays one seed, and moves the bar on by as many steps as were asked for; the last batch may take some more.
fn play(seed: u64, options: &Options, bar: &ProgressBar) -> Result<Counts, Box<Failed>> {
    let mut shown = 0;
    run_telling(seed, options.steps, &Cut::default(), |steps| {
        let steps = steps.min(options.steps);
        bar.inc(steps - shown);
        shown = steps;
    })
}

/// Plays seed after seed on all threads until one has found something.
fn play_all(options: &Options, bug: Planted, bar: &ProgressBar) -> Played {
    let next = AtomicU64::new(0);
    let played = Mutex::new(Played::default());
    thread::scope(|scope| {
        for _ in 0..options.threads() {
            scope.spawn(|| {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    if index >= options.seeds {
                        return;
                    }
                    let seed = options.seed.wrapping_add(index);
                    let outcome = with(bug, || play(seed, options, bar));
                    let mut played = played.lock().unwrap_or_else(PoisonError::into_inner);
                    match outcome {
                        Ok(counts) => {
                            played.seeds += 1;
                            show_seeds(bar, played.seeds, options);
                            played.counts.add(&counts);
                        }
                        Err(failed) => {
                            let before = played.failed.take().filter(|before| before.seed < failed.seed);
                            played.failed = before.or(Some(failed));
                            next.store(options.seeds, Ordering::Relaxed);
                        }
                    }
                }
            });
        }
    });
    played.into_inner().unwrap_or_else(PoisonError::into_inner)
}

/// The bug that is planted, if one is; none can be in what is shipped.
#[cfg(feature = "planted")]
type Planted = Option<crate::planted::Bug>;
#[cfg(not(feature = "planted"))]
type Planted = ();

#[cfg(feature = "planted")]
fn with<T>(bug: Planted, work: impl FnOnce() -> T) -> T {
    crate::planted::with(bug, work)
}

#[cfg(not(feature = "planted"))]
fn with<T>((): Planted, work: impl FnOnce() -> T) -> T {
    work()
}

/// Plants every bug in turn, and tells by which seed it was found, and as what.
#[cfg(feature = "planted")]
fn all_planted(options: &Options) -> Result<ExitCode, Failure> {
    let mut missed = 0;
    writeln!(stdout(), "| planted | found by seed | behind steps | as |\n|---|---:|---:|---|")?;
    for bug in crate::planted::Bug::SIMULATED {
        let bar = steps_bar(options);
        let played = play_all(options, Some(bug), &bar);
        bar.finish_and_clear();
        match played.failed.map(|failed| *failed) {
            Some(Failed { seed, steps, why, .. }) => {
                let why: String = why.lines().next().unwrap_or_default().chars().take(90).collect();
                writeln!(stdout(), "| {bug:?} | {seed} | {steps} | {why} |")?;
            }
            None => {
                missed += 1;
                writeln!(stdout(), "| {bug:?} | not by {} | | |", options.seeds)?;
            }
        }
    }
    Ok(if missed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Plays the seeds and prints what they went through; exit code 1 where one has found something wrong.
pub(super) fn run(options: &Options) -> Result<ExitCode, Failure> {
    #[cfg(feature = "planted")]
    if options.planted.as_deref() == Some("all") {
        return all_planted(options);
    }
    if options.seed.checked_add(options.seeds - 1).is_none() {
        let most = u64::MAX - (options.seeds - 1);
        let why = format!("--seed is {}: give at most {most}, or fewer --seeds", options.seed);
        return Err(Failure::Arguments(why));
    }
    let begun = Instant::now();
    let bar = steps_bar(options);
    let Played { counts, seeds, failed } = options.planted(|bug| play_all(options, bug, &bar))?;
    bar.finish_and_clear();
    let seconds = begun.elapsed().as_secs_f64();
    if let Some(failed) = failed {
        return tell(options, &failed, seeds);
    }
    let report =
        if options.json { to_json(options, &counts, seconds) } else { report(options, &counts, seconds) };
    stdout().write_all(report.as_bytes())?;
    Ok(ExitCode::SUCCESS)
}

fn rows(counts: &Counts) -> [(&'static str, u64); 14] {
    [
        ("steps", counts.steps),
        ("messages", counts.messages),
        ("done", counts.done),
        ("refused", counts.refused),
        ("answers", counts.answers),
        ("records", counts.records),
        ("kills", counts.kills),
        ("powers_off", counts.powers_off),
        ("disk_failures", counts.disk_failures),
        ("starts", counts.starts),
        ("from_snapshots", counts.from_snapshots),
        ("snapshots_lost", counts.snapshots_lost),
        ("unfinished", counts.unfinished),
        ("agreements", counts.agreements),
    ]
}

fn words(field: &str) -> &str {
    match field {
        "done" => "messages carried out",
        "refused" => "messages refused",
        "answers" => "answers that left",
        "kills" => "processes killed",
        "powers_off" => "losses of power",
        "disk_failures" => "failures of the disk",
        "from_snapshots" => "starts from a snapshot",
        "snapshots_lost" => "newest snapshots damaged",
        "unfinished" => "messages found under way",
        "agreements" => "times the model agreed",
        other => other,
    }
}

fn report(options: &Options, counts: &Counts, seconds: f64) -> String {
    let Options { seed, seeds, steps, .. } = options;
    let mut text = format!(
        "{} seeds from {seed} on, at least {} steps each: all is well\n\n",
        count(*seeds),
        count(*steps)
    );
    for (field, number) in rows(counts) {
        text.push_str(&format!("  {:<26} {:>14}\n", words(field), count(number)));
    }
    text.push_str(&format!("\n  {:<26} {:>14.1}\n", "seconds", seconds));
    text.push_str(&format!("  {:<26} {:>14.1}\n", "seeds a second", *seeds as f64 / seconds));
    text
}

fn to_json(options: &Options, counts: &Counts, seconds: f64) -> String {
    let mut object = serde_json::Map::new();
    object.insert("simulation".to_owned(), json!("ok"));
    object.insert("seed".to_owned(), json!(options.seed));
    object.insert("seeds".to_owned(), json!(options.seeds));
    for (field, number) in rows(counts) {
        object.insert(field.to_owned(), json!(number));
    }
    object.insert("seconds".to_owned(), json!(seconds));
    object.insert("seeds_per_second".to_owned(), json!(options.seeds as f64 / seconds));
    format!("{}\n", serde_json::Value::Object(object))
}

/// Tells of the first seed that has found something, and of the smallest part of it that still does.
fn tell(options: &Options, failed: &Failed, seeds: u64) -> Result<ExitCode, Failure> {
    let mut out = stdout();
    if options.json {
        let object = json!({ "simulation": failed.why, "seed": failed.seed, "steps": failed.steps, "seeds": seeds + 1 });
        writeln!(out, "{object}")?;
        return Ok(ExitCode::FAILURE);
    }
    writeln!(out, "{failed}")?;
    writeln!(out, "again: hongbao simulate --seed {} --steps {}\n", failed.seed, failed.steps + 1)?;
    let bar = progress::bar("shrinking", "tries", 0);
    let shrunk = options.planted(|bug| {
        with(bug, || {
            shrink(failed, |tries| {
                bar.set_length(tries + 1);
                bar.set_position(tries);
            })
        })
    })?;
    bar.finish_and_clear();
    let left_out = match (shrunk.cut.faults, shrunk.cut.snapshots) {
        (true, true) => ", without any crash, fault or snapshot",
        (true, false) => ", without any crash or fault",
        (false, true) => ", without any snapshot",
        (false, false) => "",
    };
    writeln!(
        out,
        "the smallest part of it that still fails has {} messages of the crowd{left_out}:\n{}",
        shrunk.acts, shrunk.failed
    )?;
    Ok(ExitCode::FAILURE)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(seeds: u64, steps: u64) -> Options {
        Options {
            seed: 1,
            seeds,
            steps,
            threads: Some(2),
            json: false,
            #[cfg(feature = "planted")]
            planted: None,
        }
    }

    #[test]
    fn the_bar_comes_to_all_steps_of_all_seeds_and_moves_within_a_seed() {
        for (seeds, steps) in [(1, 300), (3, 80)] {
            let options = options(seeds, steps);
            let bar = steps_bar(&options);
            assert_eq!((bar.length(), bar.position()), (Some(seeds * steps), 0));
            assert_eq!(bar.message(), format!(", 0/{seeds} seeds"));
            let played = options.planted(|bug| play_all(&options, bug, &bar)).unwrap();
            assert!(played.failed.is_none());
            assert_eq!(bar.position(), seeds * steps);
            assert_eq!(bar.message(), format!(", {seeds}/{seeds} seeds"));
        }
    }
}
