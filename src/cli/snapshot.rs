//! `hongbao snapshot`: a snapshot of a store that no process has open.
//!
//! Absent on purpose: asking a server that runs; that is its `POST /v1/snapshots`.

use std::io::{Write, stdout};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use serde_json::json;

use super::failure::Failure;
use super::keeping::{MEBIBYTE, MEBIBYTES_MAX};
use super::number::whole;
use super::progress;
use super::text::{bytes, count};
use crate::journal::{DataFolder, JournalError};
use crate::limits::SNAPSHOT_LOOKED_AT_MS;
use crate::{Config, Engine, EngineError, Keeping, SnapshotTaken};

/// Of what a snapshot is taken.
#[derive(Debug, Args)]
pub(super) struct Options {
    /// The data folder.
    #[arg(value_name = "DIR")]
    folder: Option<PathBuf>,
    /// The data folder, where it is not given as DIR.
    #[arg(long, value_name = "DIR", default_value = "snapshots/served")]
    data: PathBuf,
    /// Let the journal go that both snapshots stand for, but for so many mebibytes; left out, all of it stays until a server
    /// trims it.
    #[arg(long, value_name = "MIB", value_parser = whole::<u64>(0..=MEBIBYTES_MAX))]
    archive: Option<u64>,
    /// Print one JSON object instead of the report.
    #[arg(long)]
    json: bool,
}

/// Takes a snapshot and says what it came to.
pub(super) fn run(options: &Options) -> Result<ExitCode, Failure> {
    let data = options.folder.as_ref().unwrap_or(&options.data);
    let in_use = |error: JournalError| match error {
        JournalError::InUse { folder } => Failure::SnapshotInUse(folder),
        error => Failure::from(EngineError::from(error)),
    };
    // A folder that holds no store is not to become one.
    drop(DataFolder::inspect(data).map_err(in_use)?);
    let (told, reading) = progress::reading();
    // None but the one that is asked for, and no door that is slowed.
    let keeping = Keeping {
        snapshot_every: u64::MAX / 8,
        journal_max: u64::MAX / 2,
        archive: options.archive.map_or(u64::MAX, |archive| archive * MEBIBYTE),
        ..Keeping::default()
    };
    let config = Config::new(data).with_keeping(keeping).with_progress(told);
    let opened = Engine::open(config).map_err(|error| match error {
        EngineError::Journal(error) => in_use(error),
        error => error.into(),
    });
    reading.finish_and_clear();
    let engine = opened?;
    let asked = engine.snapshot();
    let outcome = loop {
        if let Some(outcome) = asked.wait(Duration::from_millis(SNAPSHOT_LOOKED_AT_MS)) {
            break outcome;
        }
    };
    engine.close()?;
    let (taken, recovered) = (outcome?, engine.recovered());
    let SnapshotTaken { generation, chunks, bytes: length, read_from, took } = taken;
    let text = if options.json {
        let report = json!({
            "generation": generation,
            "chunks": chunks,
            "bytes": length,
            "read_from": read_from.0,
            "seconds": took.as_secs_f64(),
            "recovered_records": recovered.records,
            "recovered_actors": recovered.actors,
            "recovery_seconds": recovered.took.as_secs_f64(),
        });
        format!("{report}\n")
    } else {
        format!(
            "{}: {} records and {} actors of a snapshot read in {:.2?}\n\
             snapshot {} taken in {took:.2?}: {} of states in {} chunks\n\
             the next start reads the journal from record {} on\n",
            data.display(),
            count(recovered.records),
            count(recovered.actors),
            recovered.took,
            count(generation),
            bytes(length),
            count(chunks),
            count(read_from.0),
        )
    };
    stdout().write_all(text.as_bytes())?;
    Ok(ExitCode::SUCCESS)
}
