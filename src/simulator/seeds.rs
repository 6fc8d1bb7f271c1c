//! Seeds of the simulation, and every planted bug found by one; `hongbao simulate` plays many more.

use crate::planted::{self, Bug};
use crate::simulation::{Counts, Cut, run, run_telling, shrink};

/// Steps of a seed here; few, as nothing is optimised.
const STEPS: u64 = 400;

/// Which seed is tried first for a bug, and for how many steps: one that was found to find it.
fn first_tried(bug: Bug) -> (u64, u64) {
    match bug {
        Bug::BadRecordSkipped => (22, 163),
        Bug::SliceBeforeSync => (3, 204),
        Bug::WaitingForgotten => (8, 715),
        Bug::OrderPaidTooSoon => (3, 145),
        Bug::TrimmedToTheNewer => (3, 1_858),
        Bug::ChecksumIgnored => (9, 1_942),
        Bug::PromiseCashedTwice => (2, 1_602),
        Bug::RightUsedTwice => (2, 1_929),
        Bug::ThresholdMissed => (3, 1_887),
        Bug::CapMissed => (3, 1_148),
        Bug::HoldKept => (1, 771),
        Bug::ShareRoundedDown => (2, 1_456),
        Bug::CursorStands => (209, 1_829),
        Bug::RepeatTurnedAway => (6, 854),
        _ => (1, 600),
    }
}

/// Then these, as many as a gate has time for.
const SEEDS_BEHIND: u64 = 40;

#[test]
fn seeds_of_the_simulation_go_through_crashes_and_agree_with_the_model() {
    let mut all = Counts::default();
    for seed in 1..=10 {
        match run(seed, STEPS, &Cut::default()) {
            Ok(counts) => all.add(&counts),
            Err(failed) => panic!("{failed}"),
        }
    }
    println!("{all:?}");
    assert!(all.steps >= 10 * STEPS && all.agreements > 100, "{all:?}");
    let crashes = [all.kills, all.powers_off, all.disk_failures, all.from_snapshots, all.unfinished];
    assert!(crashes.iter().all(|crashes| *crashes > 0), "{all:?}");
}

#[test]
fn a_seed_says_everything() {
    let once = run(3, STEPS, &Cut::default()).unwrap();
    assert_eq!(run(3, STEPS, &Cut::default()).unwrap(), once);
}

#[test]
fn a_long_seed_tells_on_its_way_how_far_it_has_come() {
    let mut told = Vec::new();
    let counts = run_telling(3, STEPS, &Cut::default(), |steps| told.push(steps)).unwrap();
    assert!(told.is_sorted() && told.len() > 10, "{told:?}");
    assert_eq!(told.last(), Some(&counts.steps), "{told:?}");
    assert_eq!(counts, run(3, STEPS, &Cut::default()).unwrap());
}

#[test]
fn every_planted_bug_is_found_by_the_simulation() {
    for bug in Bug::SIMULATED {
        let (first, steps) = first_tried(bug);
        let tried = [(first, steps)].into_iter().chain((1..=SEEDS_BEHIND).map(|seed| (seed, 2_000)));
        let mut count = 0;
        let found = planted::with(Some(bug), || {
            tried.into_iter().find_map(|(seed, steps)| {
                count += 1;
                run(seed, steps, &Cut::default()).err()
            })
        });
        match found {
            Some(failed) => {
                println!(
                    "{bug:?}: try {count}, seed {}, {} steps: {}",
                    failed.seed, failed.steps, failed.why
                );
            }
            None => panic!("{bug:?} is not found by {count} seeds"),
        }
    }
}

#[test]
fn what_a_seed_has_found_is_shrunk_to_what_it_needs() {
    let bug = Some(Bug::ReturnDropped);
    let found = planted::with(bug, || run(1, 2_000, &Cut::default()).err()).unwrap();
    let shrunk = planted::with(bug, || shrink(&found, |_| {}));
    println!("{} acts are left of seed {} behind {} tries", shrunk.acts, found.seed, shrunk.tries);
    assert!(shrunk.acts <= 8, "{} acts: {}", shrunk.acts, shrunk.failed);
    let again = planted::with(bug, || run(found.seed, found.steps + 1, &shrunk.cut).err()).unwrap();
    assert_eq!(again.why, shrunk.failed.why, "and it fails again");
    assert!(run(found.seed, found.steps + 1, &shrunk.cut).is_ok(), "without the bug all is well");
}
