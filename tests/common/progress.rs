//! How far a test has come that goes through everything, line by line on standard error: what takes an hour must not look like
//! what hangs.

use std::io::{self, Write};
use std::time::{Duration, Instant};

use crate::every::every_one;

/// Between two lines.
const PAUSE: Duration = Duration::from_secs(10);

/// What has been gone through of one test.
pub struct Progress<Out = io::Stderr> {
    what: &'static str,
    done: u64,
    all: u64,
    begun: Instant,
    told: Duration,
    /// None where nothing is told.
    out: Option<Out>,
}

impl Progress {
    /// Of a run that goes through everything; one that draws some of it is soon over, and says nothing.
    pub fn new(what: &'static str, all: u64) -> Progress {
        Progress::on(every_one().then(io::stderr), what, all)
    }
}

impl<Out: Write> Progress<Out> {
    fn on(mut out: Option<Out>, what: &'static str, all: u64) -> Progress<Out> {
        if let Some(out) = &mut out {
            let _ = writeln!(out, "{what}: {all} to go through");
        }
        Progress { what, done: 0, all, begun: Instant::now(), told: Duration::ZERO, out }
    }

    /// One more is done.
    pub fn step(&mut self) {
        self.step_at(self.begun.elapsed());
    }

    fn step_at(&mut self, gone: Duration) {
        self.done += 1;
        let Progress { what, done, all, out: Some(out), .. } = self else { return };
        if gone < self.told + PAUSE && done < all {
            return;
        }
        self.told = gone;
        let (percent, left) = (*done * 100 / *all, gone.mul_f64((*all - *done) as f64 / *done as f64));
        // Not `eprintln!`, which a test keeps to itself until it fails.
        let (gone, left) = (minutes(gone), minutes(left));
        let _ = writeln!(out, "{what}: {done} of {all}, {percent} %; {gone} gone, {left} left");
    }
}

fn minutes(time: Duration) -> String {
    let seconds = time.as_secs();
    if seconds < 60 { format!("{seconds} s") } else { format!("{} min {} s", seconds / 60, seconds % 60) }
}

#[test]
fn a_run_through_everything_tells_how_far_it_is_and_another_one_nothing() {
    let mut progress = Progress::on(Some(Vec::new()), "bits", 400);
    (1..=400).for_each(|second| progress.step_at(Duration::from_secs(second)));
    let told = String::from_utf8(progress.out.unwrap()).unwrap();
    let lines: Vec<&str> = told.lines().collect();
    assert_eq!(lines.len(), 41, "{told}");
    assert_eq!(lines[0], "bits: 400 to go through");
    assert_eq!(lines[1], "bits: 10 of 400, 2 %; 10 s gone, 6 min 30 s left");
    assert_eq!(lines[40], "bits: 400 of 400, 100 %; 6 min 40 s gone, 0 s left");

    let mut quiet = Progress::on(None::<Vec<u8>>, "bits", 2);
    quiet.step_at(Duration::from_secs(60));
    assert!(quiet.out.is_none());
}
