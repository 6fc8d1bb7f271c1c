//! `hongbao sale`: a file of real orders, or a made-up rush, becomes a sale, from opening the accounts to the
//! audit.

mod draw;
mod drive;
mod figures;
mod gifts;
mod options;
mod plan;
mod report;
mod rush;
mod tally;
mod threads;

use std::io::{Write, stdout};
use std::path::Path;
use std::process::ExitCode;

use super::failure::Failure;
use super::orders::read_orders;
use super::progress;
use crate::journal::JournalStats;
use crate::{Config, Engine, Recovered, SnapshotStats, Totals, audit_telling};
pub(super) use options::Options;
use options::What;
use plan::Plan;

/// Runs the sale and prints its report; exit code 1 where the audit finds a difference, and where something was refused that must
/// not be.
pub(super) fn run(options: &Options) -> Result<ExitCode, Failure> {
    let (verdict, text, refused) = match options.what() {
        What::Orders(path) => of_orders(path, options)?,
        What::Rush(rush) => {
            let (verdict, text) = rush::run(rush, options)?;
            (verdict, text, 0)
        }
    };
    stdout().write_all(text.as_bytes())?;
    match verdict {
        Err(_) => Ok(ExitCode::FAILURE),
        Ok(_) if options.strict && refused > 0 => Err(Failure::SomeRefused(refused)),
        Ok(_) => Ok(ExitCode::SUCCESS),
    }
}

/// The state digest where all is well, or the first difference.
type Verdict = Result<String, String>;

/// The verdict, the report, and how much was refused.
fn of_orders(path: &Path, options: &Options) -> Result<(Verdict, String, u64), Failure> {
    let orders = read_orders(path)?;
    let plan = Plan::new(&orders, options.gifts)?;
    let settled = settle(options, async |engine| drive::drive(engine, &plan, &options.data).await)?;
    let Settled { driven: tally, written, recovered, audited } = settled;
    let verdict = audited.and_then(|totals| tally.agrees_with(&totals).map(|()| totals.state_digest));
    let outcome =
        report::Outcome { orders: &orders, tally: &tally, written, recovered: &recovered, verdict: &verdict };
    let text = if options.json { outcome.to_json() + "\n" } else { outcome.to_text(path, &options.data) };
    let refused = outcome.refused().values().sum();
    Ok((verdict, text, refused))
}

/// What this run has written.
struct Written {
    journal: JournalStats,
    snapshots: SnapshotStats,
}

/// A sale that is over, its store closed and audited.
struct Settled<T> {
    driven: T,
    written: Written,
    recovered: Recovered,
    /// What the audit found, or the first difference.
    audited: Result<Totals, String>,
}

/// Opens the store, drives the sale, closes the store and audits it.
fn settle<T>(
    options: &Options,
    drive: impl AsyncFnOnce(&Engine) -> Result<T, Failure>,
) -> Result<Settled<T>, Failure> {
    let mut config = Config::new(&options.data).with_keeping(options.keeping.keeping(0)?);
    if let Some(shards) = options.shards {
        config = config.with_shards(shards);
    }
    let (progress, reading) = progress::reading();
    let engine = Engine::open(config.with_progress(progress))?;
    reading.finish_and_clear();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    let driven = runtime.block_on(drive(&engine));
    let written = Written { journal: engine.journal_stats(), snapshots: engine.snapshot_stats() };
    let recovered = engine.recovered().clone();
    // A failure of the engine tells more than the answers that it cost.
    let closed = engine.close();
    drop(engine);
    let driven = match (driven, closed) {
        (_, Err(error)) => return Err(error.into()),
        (driven, Ok(())) => driven?,
    };
    let (progress, reading) = progress::reading();
    let audited = audit_telling(&options.data, &progress);
    reading.finish_and_clear();
    let audited = audited.map(|audit| audit.totals).map_err(|error| error.to_string());
    Ok(Settled { driven, written, recovered, audited })
}
