//! Opening an engine on a store that was closed after the purchases: from the journal alone, and from a snapshot.

use std::time::Duration;

use hongbao::{Engine, Keeping, Recovered};
use tempfile::TempDir;

use super::sale::Sale;
use super::walks::{batches, config, copy, ready, send};
use super::{Job, Run, timed};

pub fn jobs(sale: &Sale) -> Vec<Job> {
    let journal = ready(sale);
    let engine = Engine::open(config(&journal)).unwrap();
    send(&engine, batches(&sale.buys()));
    engine.close().unwrap();
    drop(engine);
    let snapshot = copy(&journal);
    take_snapshot(&snapshot);
    let (records, actors) = (reopened(&journal).records, reopened(&snapshot).actors);
    assert!(actors > 0 && reopened(&journal).actors == 0, "one has a snapshot and one has none");
    vec![
        job("restart/journal", "records", records, journal),
        job("restart/snapshot", "actors", actors, snapshot),
    ]
}

fn job(name: &'static str, unit: &'static str, units: u64, folder: TempDir) -> Job {
    let run = move || {
        let (found, took) = open(&folder);
        let detail = format!("{} actors from a snapshot, {} records", found.actors, found.records);
        Run { took, detail }
    };
    Job { name, unit, units, bytes: None, run: Box::new(run) }
}

/// What an opening finds, behind which the next one finds the same.
fn reopened(folder: &TempDir) -> Recovered {
    let engine = Engine::open(config(folder)).unwrap();
    engine.close().unwrap();
    engine.recovered().clone()
}

/// As before, and how long the opening takes.
fn open(folder: &TempDir) -> (Recovered, Duration) {
    let (engine, took) = timed(|| Engine::open(config(folder)).unwrap());
    engine.close().unwrap();
    (engine.recovered().clone(), took)
}

fn take_snapshot(folder: &TempDir) {
    let keeping = Keeping { snapshot_every: 1, ..Keeping::default() };
    let engine = Engine::open(config(folder).with_keeping(keeping)).unwrap();
    while engine.snapshot_stats().finished == 0 {
        assert_eq!(engine.snapshot_stats().why, None);
        std::thread::sleep(Duration::from_millis(5));
    }
    engine.close().unwrap();
}
