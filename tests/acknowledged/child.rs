//! The process that is killed: it embeds the engine, sends from several threads, and writes every answer down.
//!
//! It goes on where the one before was killed. First it repeats what was acknowledged last, and some of what was before, and
//! ends with an error where an answer is not the one that was acknowledged. It never ends well: it works until it is killed, or
//! until whoever started it is gone.

use std::fs::OpenOptions;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use hongbao::{Config, Engine, Keeping};

use crate::killing::Luck;
use crate::plan::{self, EACH, Place, THREADS, acknowledged, agrees};
use crate::record::{Acknowledged, Record};

/// Tells the child its folder; whoever is not told is no child.
const FOLDER: &str = "HONGBAO_ACKNOWLEDGED_FOLDER";
const SHARDS: &str = "HONGBAO_ACKNOWLEDGED_SHARDS";
/// Set for a child that takes no snapshots.
const PLAIN: &str = "HONGBAO_ACKNOWLEDGED_PLAIN";
/// The answers of a thread that a start repeats: the last ones, and drawn ones of before.
const LAST: usize = 3 * EACH as usize;
const DRAWN: usize = EACH as usize;

/// Where the store is.
pub fn data(folder: &Path) -> PathBuf {
    folder.join("data")
}

/// Where the child notes that it opens the store, and that it has.
pub fn marks(folder: &Path) -> PathBuf {
    folder.join("marks")
}

/// Snapshots all the time, small segments, and idle actors out of memory.
pub fn config(folder: &Path, shards: usize) -> Config {
    let keeping = Keeping {
        snapshot_every: 200_000,
        journal_max: 20_000_000,
        archive: 0,
        segment: 50_000,
        idle_snapshots: Some(2),
    };
    Config::new(data(folder)).with_shards(shards).with_keeping(keeping)
}

/// The journal alone.
pub fn plain(data: &Path, shards: usize) -> Config {
    let keeping = Keeping { segment: 50_000, ..Keeping::default() };
    Config::new(data).with_shards(shards).with_keeping(keeping)
}

/// Starts the child on a folder: this very program, told to run one test.
pub fn start(folder: &Path, shards: usize, without_snapshots: bool) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--ignored", "--exact", "the_process_that_is_killed", "--nocapture"]);
    command.env(FOLDER, folder).env(SHARDS, shards.to_string()).env("RUST_BACKTRACE", "1");
    if without_snapshots {
        command.env(PLAIN, "1");
    }
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    command.spawn().unwrap()
}

/// What the child does.
pub fn work() {
    let told = |variable| std::env::var(variable).unwrap_or_else(|_| panic!("{variable} says where to work"));
    let (folder, shards) = (PathBuf::from(told(FOLDER)), told(SHARDS).parse().unwrap());
    std::thread::spawn(|| {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        std::process::exit(1);
    });
    let mut marks = OpenOptions::new().create(true).append(true).open(marks(&folder)).unwrap();
    marks.write_all(b"opening\n").unwrap();
    let without_snapshots = std::env::var(PLAIN).is_ok();
    let config = if without_snapshots { plain(&data(&folder), shards) } else { config(&folder, shards) };
    let engine = Engine::open(config).unwrap_or_else(|error| panic!("{error}"));
    marks.write_all(b"open\n").unwrap();
    assert_eq!(engine.recovered().passed_over, Vec::<String>::new(), "a crash damages no snapshot");
    begin(&engine);
    std::thread::scope(|scope| {
        let works = (0..THREADS).map(|thread| {
            let (engine, folder) = (&engine, &folder);
            scope.spawn(move || Worker::new(engine, folder, thread).work())
        });
        // A thread that fails ends the process at once: the others would go on for ever.
        works.collect::<Vec<_>>().into_iter().for_each(|work| drop(work.join()));
    });
}

fn begin(engine: &Engine) {
    for message in plan::beginning() {
        loop {
            let answer = engine.send(message.clone()).wait();
            if let Some(told) = acknowledged("the beginning", &answer) {
                assert!(answer.is_ok(), "the beginning is answered {told}");
                break;
            }
        }
    }
}

struct Worker<'engine> {
    engine: &'engine Engine,
    thread: u32,
    record: Record,
    known: Vec<Acknowledged>,
}

impl<'engine> Worker<'engine> {
    fn new(engine: &'engine Engine, folder: &Path, thread: u32) -> Self {
        let (record, known) = Record::open(folder, thread);
        Worker { engine, thread, record, known }
    }

    fn work(mut self) {
        if let Err(why) = self.repeat() {
            eprintln!("{why}");
            std::process::exit(1);
        }
        let known = std::mem::take(&mut self.known);
        let first = known.last().map_or(0, |(place, _)| place.step);
        // Steps are answered one after the other, and within one in order.
        let mut done = known.iter().filter(|(place, _)| place.step == first).count() as u32;
        for step in first.. {
            let all = (done..EACH).map(|index| Place { thread: self.thread, step, index });
            done = 0;
            let sent: Vec<_> = all.map(|place| (place, self.engine.send(plan::message(place)))).collect();
            for (place, reply) in sent {
                let mut answer = reply.wait();
                let told = loop {
                    match acknowledged(place, &answer) {
                        Some(told) => break told,
                        None => answer = self.engine.send(plan::message(place)).wait(),
                    }
                };
                self.record.write(place, &told);
            }
        }
    }

    /// Repeats what is most in danger and some of the rest.
    fn repeat(&self) -> Result<(), String> {
        let before = self.known.len().saturating_sub(LAST);
        let (mut luck, _) = Luck::new();
        let drawn = (0..DRAWN.min(before)).map(|_| luck.below(before as u64) as usize);
        let chosen: Vec<Acknowledged> =
            drawn.chain(before..self.known.len()).map(|at| self.known[at].clone()).collect();
        compare(self.engine, &chosen)
    }
}

/// Sends what was acknowledged once more.
///
/// # Errors
/// The first answer that is not the one that was acknowledged.
pub fn compare(engine: &Engine, known: &[Acknowledged]) -> Result<(), String> {
    for some in known.chunks(1_024) {
        let messages = || some.iter().map(|(place, _)| plan::message(*place)).collect();
        let answers = loop {
            let answers = engine.send_batch(messages()).wait();
            let told: Option<Vec<String>> =
                some.iter().zip(&answers).map(|((place, _), answer)| acknowledged(place, answer)).collect();
            if let Some(told) = told {
                break told;
            }
        };
        for ((place, before), now) in some.iter().zip(&answers) {
            if !agrees(before, now) {
                return Err(format!("{place} was acknowledged with {before}, and is now answered {now}"));
            }
        }
    }
    Ok(())
}
