//! `hongbao sale`: a file of real orders becomes a sale, from opening the accounts to the audit.

mod drive;
mod plan;
mod report;
mod tally;

use std::io::{Write, stdout};
use std::path::Path;
use std::process::ExitCode;

use super::failure::Failure;
use super::orders::read_orders;
use super::progress;
use crate::{Config, Engine, audit_telling};
use plan::Plan;

/// Runs the sale and prints its report; exit code 1 where the audit finds a difference.
pub(super) fn run(path: &Path, data: &Path, shards: Option<usize>, json: bool) -> Result<ExitCode, Failure> {
    let orders = read_orders(path)?;
    let plan = Plan::new(&orders)?;
    let mut config = Config::new(data);
    if let Some(shards) = shards {
        config = config.with_shards(shards);
    }
    let (progress, reading) = progress::reading();
    let engine = Engine::open(config.with_progress(progress))?;
    reading.finish_and_clear();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    let driven = runtime.block_on(drive::drive(&engine, &plan, data));
    let stats = engine.journal_stats();
    let recovered = engine.recovered().clone();
    // A failure of the engine tells more than the answers that it cost.
    let closed = engine.close();
    drop(engine);
    let tally = match (driven, closed) {
        (_, Err(error)) => return Err(error.into()),
        (driven, Ok(())) => driven?,
    };
    let (progress, reading) = progress::reading();
    let audited = audit_telling(data, &progress);
    reading.finish_and_clear();
    let verdict = match audited {
        Ok(audit) => tally.agrees_with(&audit.totals).map(|()| audit.totals.state_digest),
        Err(error) => Err(error.to_string()),
    };
    let outcome =
        report::Outcome { orders: &orders, tally: &tally, stats, recovered: &recovered, verdict: &verdict };
    let text = if json { outcome.to_json() + "\n" } else { outcome.to_text(path, data) };
    stdout().write_all(text.as_bytes())?;
    Ok(if verdict.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
