//! Fuzzing: whatever reads bytes that the process did not write itself is given bytes that nobody wrote.
//!
//! A target is a function of bytes. In the usual tests it is given what lies in `tests/corpora`, then a number of inputs
//! drawn from fixed seeds: random ones, and examples and corpus with some bytes changed. So the tests are the same in every
//! run. `HONGBAO_FUZZ_SECONDS=600` goes on for so long with other seeds, and says how many inputs there were; where an
//! input is found at fault, its words name the seed, and `HONGBAO_FUZZ_SEED` plays that one alone.
//!
//! Built with `--cfg fuzzing`, the same targets run under a fuzzer that sees which code an input reaches, and what that finds
//! worth keeping goes into the corpus: `tests/corpora/README.md` says how.
//!
//! Every input is held to the same: no panic, an end within seconds, and memory in proportion to its length. Absent on
//! purpose: what an input means, and making one that fails smaller, which the fuzzer does.

use crate::simulation::chance::Chance;
use std::cell::RefCell;
use std::fs;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind, set_hook, take_hook};
use std::path::Path;
use std::sync::Once;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

/// What a target is, and what it may take.
pub struct Target {
    /// Its name, which is that of its folder in `tests/corpora`.
    pub name: &'static str,
    /// How many inputs the usual tests draw.
    pub inputs: u64,
    /// The longest of them that is drawn at random, in bytes.
    pub random_bytes_max: usize,
    /// It may hold so many bytes of memory for each byte of its input, and `MEMORY_BYTES` beside them.
    pub memory_factor: u64,
    /// Gives the input to what is tested: true where it was taken for good, false where it was refused.
    pub take: fn(&[u8]) -> bool,
}

/// Memory that any target may hold, however short its input: a house, its tables, a page of rooms.
const MEMORY_BYTES: u64 = 8 * 1024 * 1024;

/// No input takes longer, in a build without optimisation and on a busy machine.
const INPUT_SECONDS_MAX: u64 = 60;

/// Plays a target. `examples` are inputs that it takes, which others are made of.
pub fn fuzz(target: &Target, examples: &[Vec<u8>]) {
    #[cfg(fuzzing)]
    {
        let _ = examples;
        let take = target.take;
        bolero::check!(name = target.name).for_each(move |input: &[u8]| {
            take(input);
        });
    }
    #[cfg(not(fuzzing))]
    play(target, examples);
}

#[cfg_attr(fuzzing, expect(dead_code, reason = "the fuzzer plays instead"))]
fn play(target: &Target, examples: &[Vec<u8>]) {
    let corpus = corpus(target.name);
    let known: Vec<&[u8]> = examples.iter().chain(&corpus).map(Vec::as_slice).collect();
    let asked = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let (begun, mut played, mut taken) = (Instant::now(), 0_u64, 0_u64);
    watched(target.name, |watch| {
        let mut give = |from: &str, input: &[u8]| {
            played += 1;
            taken += u64::from(held(target, from, input));
            watch();
        };
        if let Some(seed) = asked("HONGBAO_FUZZ_SEED") {
            return give(&format!("seed {seed}"), &drawn(seed, target, &known));
        }
        for (index, input) in known.iter().enumerate() {
            give(&format!("known input {index}"), input);
        }
        let seconds = asked("HONGBAO_FUZZ_SECONDS");
        // Whoever asks for more wants other seeds than those of every run.
        let first = seconds.map_or(0, |_| RandomState::new().build_hasher().finish() >> 1);
        let mut seed = first;
        let goes_on = |seed: u64| match seconds {
            Some(seconds) => begun.elapsed() < Duration::from_secs(seconds),
            None => seed < target.inputs,
        };
        while goes_on(seed) {
            give(&format!("seed {seed}"), &drawn(seed, target, &known));
            seed += 1;
        }
        // Where all is refused, or nothing is, the target tells nothing.
        assert!(taken > 0 && taken < played, "{}: {taken} of {played} inputs were taken", target.name);
    });
    eprintln!("{}: {played} inputs, {taken} taken, {:.1} s", target.name, begun.elapsed().as_secs_f64());
}

/// Inputs that were worth keeping, in the order of their names.
fn corpus(name: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpora").join(name);
    let Ok(entries) = fs::read_dir(&folder) else { return Vec::new() };
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.iter().map(|path| fs::read(path).unwrap()).collect()
}

/// Gives one input to the target and holds it to what every input is held to.
fn held(target: &Target, from: &str, input: &[u8]) -> bool {
    keep_panics_quiet();
    let mut outcome = None;
    QUIET.set(Some(String::new()));
    let memory = allocation_counter::measure(|| {
        outcome = Some(catch_unwind(AssertUnwindSafe(|| (target.take)(input))));
    });
    let words = QUIET.take().unwrap_or_default();
    let told = || {
        eprintln!("{words}");
        let shown: String = input.iter().take(512).map(|byte| format!("{byte:02x}")).collect();
        eprintln!("{}, {from}, {} bytes: {shown}", target.name, input.len());
    };
    let allowed = MEMORY_BYTES + target.memory_factor * input.len() as u64;
    if memory.bytes_max > allowed {
        told();
        panic!("{} bytes of memory for an input of {}, more than {allowed}", memory.bytes_max, input.len());
    }
    let outcome = outcome.expect("what is measured is done");
    outcome.unwrap_or_else(|panic| {
        told();
        resume_unwind(panic)
    })
}

thread_local! {
    /// Where this thread is within a target, what the latest panic said.
    static QUIET: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Panics within targets are not told where they happen: a recovery catches and names its own, thousands of them, and what
/// a backtrace takes is not the target's memory.
fn keep_panics_quiet() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = take_hook();
        set_hook(Box::new(move |panic| {
            let quiet = QUIET.with_borrow_mut(|quiet| quiet.as_mut().map(|words| *words = panic.to_string()));
            if quiet.is_none() {
                before(panic);
            }
        }));
    });
}

/// The input of a seed.
fn drawn(seed: u64, target: &Target, known: &[&[u8]]) -> Vec<u8> {
    let mut luck = Chance(seed);
    let bytes = |luck: &mut Chance, length: usize| (0..length).map(|_| luck.place(256) as u8).collect();
    if known.is_empty() || luck.place(4) == 0 {
        let length = luck.place(target.random_bytes_max + 1);
        return bytes(&mut luck, length);
    }
    let mut input = known[luck.place(known.len())].to_vec();
    for _ in 0..=luck.place(4) {
        let at = luck.place(input.len() + 1);
        let end = (at + 1 + luck.place(16)).min(input.len());
        match luck.place(7) {
            0 => input.truncate(at),
            1 => drop(input.drain(at..end)),
            2 => drop(
                input.splice(at..at, [0, 1, 0x7F, 0xFA, 0xFB, 0xFC, 0xFD, 0xFF][luck.place(8)..].to_vec()),
            ),
            3 => {
                let other = known[luck.place(known.len())];
                let from = luck.place(other.len() + 1);
                input.truncate(at);
                input.extend_from_slice(&other[from..]);
            }
            4 => {
                let inserted: Vec<u8> = bytes(&mut luck, end - at);
                input.splice(at..at, inserted);
            }
            5 if end > at => input[at..end].fill([0, 0xFF][luck.place(2)]),
            _ if at < input.len() => input[at] ^= 1 << luck.place(8),
            _ => {}
        }
    }
    input
}

/// Runs `play`, and ends the process by name where one input never ends: `play` calls what it is given behind each.
fn watched(name: &'static str, play: impl FnOnce(&dyn Fn())) {
    let (sender, ticks) = mpsc::channel::<()>();
    let watcher = thread::spawn(move || {
        loop {
            match ticks.recv_timeout(Duration::from_secs(INPUT_SECONDS_MAX)) {
                Ok(()) => {}
                Err(RecvTimeoutError::Disconnected) => return,
                Err(RecvTimeoutError::Timeout) => {
                    eprintln!("{name}: an input does not end within {INPUT_SECONDS_MAX} s");
                    std::process::abort();
                }
            }
        }
    });
    let behind_each = || {
        // A watcher that has gone has ended the process.
        let _ = sender.send(());
    };
    let played = catch_unwind(AssertUnwindSafe(|| play(&behind_each)));
    drop(sender);
    watcher.join().unwrap();
    played.unwrap_or_else(|panic| resume_unwind(panic));
}

/// Decisions that an input stands for, where it is not the bytes under test itself; behind its end they are all 0.
pub struct Choices<'input>(&'input [u8]);

impl<'input> Choices<'input> {
    /// Inputs of many decisions each.
    pub fn examples() -> Vec<Vec<u8>> {
        let mut luck = Chance(0);
        let example = |_| (0..60).map(|_| luck.place(256) as u8).collect();
        (0..16).map(example).collect()
    }

    /// Those of an input.
    pub fn of(input: &'input [u8]) -> Choices<'input> {
        Choices(input)
    }

    /// True where there is no decision left.
    pub fn is_over(&self) -> bool {
        self.0.is_empty()
    }

    /// Any byte.
    pub fn byte(&mut self) -> u8 {
        let (byte, rest) = self.0.split_first().unwrap_or((&0, &[]));
        self.0 = rest;
        *byte
    }

    /// A number below `bound`, or 0 where that is 0.
    pub fn below(&mut self, bound: usize) -> usize {
        let number = u32::from_le_bytes([self.byte(), self.byte(), self.byte(), 0]);
        (number as usize).checked_rem(bound).unwrap_or(0)
    }

    /// Some bytes.
    pub fn bytes(&mut self, length: usize) -> Vec<u8> {
        (0..length).map(|_| self.byte()).collect()
    }

    /// Changes some bytes: one is flipped, or a few are left out, put in, or are those of a large number.
    pub fn change(&mut self, bytes: &mut Vec<u8>) {
        let at = self.below(bytes.len() + 1);
        let end = (at + 1 + self.below(8)).min(bytes.len());
        match self.byte() % 6 {
            0 => drop(bytes.drain(at..end)),
            1 => {
                let length = end - at;
                let inserted = self.bytes(length);
                bytes.splice(at..at, inserted);
            }
            2 => bytes[at..end].fill(0xFF),
            3 => bytes[at..end].fill(0),
            4 => {
                // What the codec writes for numbers of two, four and eight bytes.
                let large = [vec![0xFB, 0xFF, 0xFF], vec![0xFC; 5], [vec![0xFD], vec![0xFF; 8]].concat()];
                bytes.splice(at..end, large[self.below(3)].clone());
            }
            _ if at < bytes.len() => bytes[at] ^= 1 << (self.byte() % 8),
            _ => {}
        }
    }
}
