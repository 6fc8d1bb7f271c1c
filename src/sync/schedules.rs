//! Many orders of the same threads, one after another: by chance, and by priorities that change at a few places (PCT).
//!
//! A model is a function that starts threads of [`thread`] and judges what they leave. Every use of a lock, a condition,
//! an atomic or a channel from here is a place where another thread may go on. `SCHEDULES` in the environment says in how
//! many orders each model is run, `SCHEDULES_SEED` in which ones; a failure prints its order, and with that order in
//! `SCHEDULE` that one test is run in it alone.
//!
//! Absent on purpose: orderings weaker than sequential ones (every atomic is checked as such), wake-ups that nobody
//! sent, and proof: what no order shows may still be there.

use std::panic::{AssertUnwindSafe, catch_unwind};

use shuttle::scheduler::{PctScheduler, RandomScheduler, ReplayScheduler, Scheduler};
use shuttle::{Config, MaxSteps, Runner};

pub(crate) use shuttle::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, atomic, mpsc};
pub(crate) use shuttle::thread;

use crate::panics;
use crate::planted::{self, Bug};

/// In how many orders a model is run, where nothing else is asked for.
const ORDERS: usize = 2_000;

/// Where the orders begin, where nothing else is asked for.
const SEED: u64 = 2_026;

/// How many places of an order PCT chooses: a bug that needs two threads to change at two places needs three.
const DEPTH: usize = 3;

/// A model that takes more steps than this in one order does not come to rest.
const STEPS_MAX: usize = 200_000;

/// Each thread's stack, a house's turns included.
const STACK_BYTES: usize = 1 << 20;

/// The standard library's, with a place before each use where another thread may go on.
#[derive(Debug)]
pub(crate) struct OnceLock<T> {
    value: std::sync::OnceLock<T>,
    place: atomic::AtomicBool,
}

impl<T> OnceLock<T> {
    pub(crate) const fn new() -> OnceLock<T> {
        OnceLock { value: std::sync::OnceLock::new(), place: atomic::AtomicBool::new(false) }
    }

    pub(crate) fn get(&self) -> Option<&T> {
        self.place.load(atomic::Ordering::SeqCst);
        self.value.get()
    }

    pub(crate) fn set(&self, value: T) -> Result<(), T> {
        self.place.store(true, atomic::Ordering::SeqCst);
        self.value.set(value)
    }
}

impl<T> Default for OnceLock<T> {
    fn default() -> OnceLock<T> {
        OnceLock::new()
    }
}

fn asked<T: std::str::FromStr>(variable: &str, otherwise: T) -> T {
    let given = std::env::var(variable).ok();
    given.map_or(otherwise, |text| text.parse().ok().unwrap_or_else(|| panic!("{variable} is not a number")))
}

fn run(scheduler: impl Scheduler + 'static, model: fn()) {
    let mut config = Config::new();
    config.stack_size = STACK_BYTES;
    config.max_steps = MaxSteps::FailAfter(STEPS_MAX);
    config.silence_warnings = true;
    Runner::new(scheduler, config).run(model);
}

fn run_in(orders: usize, model: fn()) {
    let seed = asked("SCHEDULES_SEED", SEED);
    run(RandomScheduler::new_from_seed(seed, orders / 2), model);
    run(PctScheduler::new_from_seed(seed, DEPTH, orders - orders / 2), model);
}

fn repeat(order: &str, model: fn()) {
    run(ReplayScheduler::new_from_encoded(order.trim()), model);
}

fn run_or_repeat(orders: usize, model: fn()) {
    match std::env::var("SCHEDULE") {
        Ok(order) => repeat(&order, model),
        Err(_) => run_in(orders, model),
    }
}

/// Runs a model in many orders, half of them by chance and half by PCT; the first that fails ends it.
pub(crate) fn in_many_orders(model: fn()) {
    run_or_repeat(asked("SCHEDULES", ORDERS), model);
}

/// Runs a model in a quarter as many orders: one that sets up so much that each takes long.
pub(crate) fn in_fewer_orders(model: fn()) {
    run_or_repeat(asked("SCHEDULES", ORDERS) / 4, model);
}

/// Checks that a model finds a planted bug in one of its orders, and says these words of it.
pub(crate) fn assert_finds(bug: Bug, words: &str, model: fn()) {
    let orders = asked("SCHEDULES", ORDERS);
    let found = planted::with(Some(bug), || catch_unwind(AssertUnwindSafe(|| run_in(orders, model))));
    let Err(panic) = found else { panic!("{bug:?} is not found in {orders} orders") };
    let said = panics::words(&*panic);
    assert!(said.contains(words), "{bug:?} is found by other words: {said}");
}

/// A number below `bound`, chosen anew in every order and again in its repetition.
pub(crate) fn any_below(bound: u64) -> u64 {
    use shuttle::rand::Rng;
    shuttle::rand::thread_rng().gen_range(0..bound)
}

/// Two threads that each add one in two steps.
fn a_race() {
    let number = Arc::new(atomic::AtomicU64::new(0));
    let adders = [0; 2].map(|_| {
        let number = Arc::clone(&number);
        thread::spawn(move || {
            let before = number.load(atomic::Ordering::SeqCst);
            number.store(before + 1, atomic::Ordering::SeqCst);
        })
    });
    adders.into_iter().for_each(|adder| adder.join().unwrap());
    assert_eq!(number.load(atomic::Ordering::SeqCst), 2);
}

/// An order in which both threads read before either writes, as a failure printed it.
const LOST: &str = "91020c89ac82eda5aabfc55e0028910200";

#[test]
fn a_race_is_found_and_its_printed_order_fails_again_when_it_alone_is_run() {
    assert!(catch_unwind(|| run_in(ORDERS, a_race)).is_err());
    assert!(catch_unwind(|| repeat(LOST, a_race)).is_err());
}
