//! What is measured, each thing as a [`Job`] that can be run again and again from the same beginning.
//!
//! Absent on purpose: how often a job is run and what is made of its times; that is `speed.rs`.

mod domain;
mod journal;
mod plain_loop;
mod restart;
mod sale;
mod sweep;
mod walks;
mod world;

use std::rc::Rc;
use std::time::Duration;

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

/// All jobs, the plain loop first.
pub fn jobs(tried_only: bool) -> Vec<Job> {
    let sale = Sale::new(if tried_only { CERTIFICATES_TRIED } else { CERTIFICATES });
    let world = Rc::new(World::new(sale));
    let mut jobs = vec![plain_loop::job(&world.sale)];
    jobs.extend(domain::jobs(&world));
    jobs.extend(walks::jobs(&world));
    jobs.extend(journal::jobs(&world));
    jobs.extend(sweep::jobs(&world));
    jobs.extend(restart::jobs(&world.sale));
    jobs
}
