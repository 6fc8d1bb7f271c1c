//! The smallest part of a seed that still fails.

use super::counts::Failed;
use super::run::run;
use super::script::{Batch, Cut};

/// A seed's smallest part that still fails.
#[derive(Clone, Debug)]
pub struct Shrunk {
    /// What is left out.
    pub cut: Cut,
    /// How it fails then.
    pub failed: Failed,
    /// How many acts of the crowd are left before it does.
    pub acts: usize,
    /// How often it was played.
    pub tries: u64,
}

/// It is played no more often than that: by then what is left is small enough to be read.
const TRIES_MAX: u64 = 400;

/// Leaves out of a seed what it fails without: faults, snapshots, then acts of the crowd, many together at first and at last
/// one by one. `tell` hears of each try.
pub fn shrink(failed: &Failed, mut tell: impl FnMut(u64)) -> Shrunk {
    let mut shrunk = Shrunk { cut: Cut::default(), failed: failed.clone(), acts: 0, tries: 0 };
    for (faults, snapshots) in [(true, true), (true, false), (false, true)] {
        tell(shrunk.tries);
        if shrunk.holds(Cut { faults, snapshots, ..Cut::default() }) {
            break;
        }
    }
    let mut together = shrunk.acts().len().div_ceil(2).max(1);
    while shrunk.tries < TRIES_MAX {
        let mut smaller = false;
        // What comes early shapes all that follows, so the last go first.
        let mut behind = shrunk.acts().len();
        while behind > 0 && shrunk.tries < TRIES_MAX {
            let acts = shrunk.acts();
            behind = behind.min(acts.len());
            let from = behind.saturating_sub(together);
            let mut cut = shrunk.cut.clone();
            cut.acts.extend(acts.iter().take(behind).skip(from));
            tell(shrunk.tries);
            smaller |= shrunk.holds(cut);
            behind = from;
        }
        if together == 1 && !smaller {
            break;
        }
        together = together.div_ceil(2).max(1);
    }
    shrunk.acts = shrunk.acts().len();
    shrunk
}

impl Shrunk {
    /// Whether it fails with so much left out too; then that is the smallest so far.
    fn holds(&mut self, cut: Cut) -> bool {
        self.tries += 1;
        match run(self.failed.seed, self.failed.steps + 1, &cut) {
            Ok(_) => false,
            Err(failed) => {
                (self.cut, self.failed) = (cut, *failed);
                true
            }
        }
    }

    /// The acts of the crowd that are left before it fails, in their order.
    fn acts(&self) -> Vec<(u64, usize)> {
        let of_batch = |batch: u64| {
            let acts = 0..Batch::draw(self.failed.seed, batch).acts.len();
            acts.map(move |act| (batch, act)).filter(|act| !self.cut.acts.contains(act))
        };
        (0..self.failed.batch + 1).flat_map(of_batch).collect()
    }
}
