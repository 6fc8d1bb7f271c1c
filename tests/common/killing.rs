//! Kills the built program at drawn moments, for the tests that see what it goes on from.

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::Child;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::common::Program;

pub const SIGKILL: i32 = 9;
/// Give the seed of a failed run to draw the same moments.
pub const SEED_VARIABLE: &str = "HONGBAO_SEED";
/// How often a test kills what it kills.
const KILLS_VARIABLE: &str = "HONGBAO_KILLS";

/// What the environment says, else ten.
pub fn kills() -> u64 {
    std::env::var(KILLS_VARIABLE).map_or(10, |kills| kills.parse().unwrap())
}

/// SplitMix64: a few numbers that follow from a seed.
pub struct Luck(u64);

impl Luck {
    /// Of the environment's seed, else of the time.
    pub fn new() -> (Luck, u64) {
        let given = std::env::var(SEED_VARIABLE).ok().map(|seed| seed.parse().unwrap());
        let time = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos() as u64;
        let seed = given.unwrap_or_else(time);
        (Luck(seed), seed)
    }

    /// From 0 up to, not including, `bound`.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % bound
    }
}

/// A running program that never outlives its test.
pub struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Running {
    pub fn start(program: &Program) -> Running {
        Running(program.command().spawn().unwrap())
    }

    /// Kills it; true where that ended it, false where it had ended by itself.
    pub fn kill(mut self) -> bool {
        self.0.kill().unwrap();
        self.0.wait().unwrap().signal() == Some(SIGKILL)
    }

    /// Waits until the journal has so many bytes, or the program has ended.
    pub fn wait_for_bytes(&mut self, data: &Path, bytes: u64) {
        while journal_bytes(data) < bytes && self.0.try_wait().unwrap().is_none() {
            std::thread::sleep(Duration::from_micros(500));
        }
    }
}

/// How many bytes the journal's segments have; 0 before there are any.
pub fn journal_bytes(data: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(data.join("journal")) else { return 0 };
    let segments =
        entries.flatten().filter(|entry| entry.path().extension().is_some_and(|end| end == "segment"));
    segments.filter_map(|entry| entry.metadata().ok()).map(|metadata| metadata.len()).sum()
}
