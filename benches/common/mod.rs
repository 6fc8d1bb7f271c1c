//! What is measured, each thing as a [`Job`] that can be run again and again from the same beginning.
//!
//! Absent on purpose: how often a job is run and what is made of its times; that is `speed.rs`.

mod domain;
mod journal;
mod latency;
pub mod memory;
mod plain_loop;
mod restart;
mod sale;
pub mod sustained;
mod sweep;
mod walks;
mod world;

use std::rc::Rc;
use std::time::{Duration, Instant};

use sale::Sale;
use world::World;

/// How many certificates are sold in a run.
const CERTIFICATES: u32 = 32_768;
/// The same where it is only tried whether everything works.
const CERTIFICATES_TRIED: u32 = 256;

/// Something to measure.
pub struct Job {
    /// Its name; the part before the slash is its group.
    pub name: &'static str,
    /// What is counted.
    pub unit: &'static str,
    /// How many of them one run does.
    pub units: u64,
    /// How many bytes one run makes or reads, where that is told.
    pub bytes: Option<u64>,
    /// One run, from the same beginning each time.
    pub run: Box<dyn FnMut() -> Run>,
}

/// One run of a job.
pub struct Run {
    /// Without what comes before and after.
    pub took: Duration,
    /// What else is worth telling.
    pub detail: String,
}

impl Run {
    fn of(took: Duration) -> Run {
        Run { took, detail: String::new() }
    }
}

/// Does the work and times it. It stays a function of its own, inside which `benches/instructions` counts.
#[inline(never)]
pub fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let begun = Instant::now();
    let done = work();
    (done, begun.elapsed())
}

/// What makes the jobs of each group, the plain loop's first.
type Maker = fn(&Rc<World>) -> Vec<Job>;
const GROUPS: [(&str, Maker); 6] = [
    ("loop", |world| vec![plain_loop::job(&world.sale)]),
    ("domain", |world| domain::jobs(world)),
    ("walks", walks::jobs),
    ("journal", |world| journal::jobs(world)),
    ("sweep", |world| sweep::jobs(world)),
    ("restart", |world| restart::jobs(&world.sale)),
];

/// All jobs, the plain loop first.
pub fn jobs(tried_only: bool) -> Vec<Job> {
    let world = Rc::new(World::new(Sale::new(if tried_only { CERTIFICATES_TRIED } else { CERTIFICATES })));
    GROUPS.iter().flat_map(|(_, make)| make(&world)).collect()
}

/// One job, on a sale of so many certificates, and nothing else made ready.
pub fn job(name: &str, certificates: u32) -> Option<Job> {
    let world = Rc::new(World::new(Sale::new(certificates)));
    let (_, make) = GROUPS.iter().find(|(group, _)| name.split('/').next() == Some(group))?;
    make(&world).into_iter().find(|job| job.name == name)
}
