//! What the reports of all sales have in common: rows, rates, latencies, the journal, the recovery, the verdict.

use std::path::Path;
use std::time::Duration;

use hdrhistogram::Histogram;
use serde::Serialize;

use super::super::orders::ORDERS_CURRENCY;
use super::super::text::{bar, bytes, count, grouped, money};
use super::tally::Tally;
use super::{Verdict, Written};
use crate::Recovered;

/// Microseconds within which so many of the answers came.
#[derive(Serialize)]
pub(super) struct Latency {
    p50: u64,
    p99: u64,
    p999: u64,
}

/// What the journal has written in this run.
#[derive(Serialize)]
pub(super) struct JournalFigures {
    bytes: u64,
    records: u64,
    syncs: u64,
    snapshots: u64,
    /// Why the newest snapshot that failed did; null where none did.
    snapshot_failure: Option<String>,
    /// The longest that a slice of a snapshot held its shard.
    slice_us_max: u64,
    /// Of a thousand slices, 999 held it no longer.
    slice_us_p999: u64,
    /// Of a thousand slices, 999 took no more of the processor's time.
    slice_processor_us_p999: u64,
}

impl Latency {
    pub(super) fn of(latency: &Histogram<u64>) -> Latency {
        let at = |quantile| latency.value_at_quantile(quantile);
        Latency { p50: at(0.5), p99: at(0.99), p999: at(0.999) }
    }

    /// Rows of how long `what` took.
    pub(super) fn write(&self, what: &str, text: &mut String) -> std::fmt::Result {
        for (share, microseconds) in [("p50", self.p50), ("p99", self.p99), ("p99.9", self.p999)] {
            row(text, &format!("{what}, {share}"), &format!("{} µs", count(microseconds)))?;
        }
        Ok(())
    }
}

impl JournalFigures {
    pub(super) fn of(written: &Written) -> JournalFigures {
        let Written { journal, snapshots } = written;
        let microseconds = |held: Duration| u64::try_from(held.as_micros()).unwrap_or(u64::MAX);
        JournalFigures {
            bytes: journal.bytes,
            records: journal.records,
            syncs: journal.syncs,
            snapshots: snapshots.finished,
            snapshot_failure: snapshots.why.clone(),
            slice_us_max: microseconds(snapshots.slice_max),
            slice_us_p999: microseconds(snapshots.slice_p999),
            slice_processor_us_p999: microseconds(snapshots.slice_processor_p999),
        }
    }

    pub(super) fn write(&self, text: &mut String) -> std::fmt::Result {
        use std::fmt::Write;
        row(text, "journal", &bytes(self.bytes))?;
        row(text, "records", &count(self.records))?;
        row(text, "syncs", &count(self.syncs))?;
        if self.snapshots > 0 {
            row(text, "snapshots", &count(self.snapshots))?;
            row(text, "a slice of one, p99.9", &format!("{} µs", count(self.slice_us_p999)))?;
            let processor = count(self.slice_processor_us_p999);
            row(text, "  of the processor, p99.9", &format!("{processor} µs"))?;
            row(text, "longest slice of one", &format!("{} µs", count(self.slice_us_max)))?;
        }
        match &self.snapshot_failure {
            Some(why) => writeln!(text, "      a snapshot failed: {why}"),
            None => Ok(()),
        }
    }
}

/// So many in a second, with one decimal.
pub(super) fn rate(number: u64, took: Duration) -> f64 {
    let rate = number as f64 / took.as_secs_f64().max(1e-6);
    (rate * 10.0).round() / 10.0
}

/// Seconds, with six decimals.
pub(super) fn seconds(took: Duration) -> f64 {
    (took.as_secs_f64() * 1e6).round() / 1e6
}

/// A label and its value.
pub(super) fn row(text: &mut String, label: &str, value: &str) -> std::fmt::Result {
    use std::fmt::Write;
    writeln!(text, "    {label:<32} {value:>16}")
}

/// A label and so many in a second.
pub(super) fn row_rate(text: &mut String, label: &str, number: u64, took: Duration) -> std::fmt::Result {
    row(text, label, &count(rate(number, took).round() as u64))
}

/// The money of the whole sale.
pub(super) fn write_money(text: &mut String, tally: &Tally) -> std::fmt::Result {
    use std::fmt::Write;
    writeln!(text, "\nMoney, in {}\n", ORDERS_CURRENCY.code())?;
    let dollars = |minor: i128| grouped(&money(minor, ORDERS_CURRENCY));
    row(text, "revenue", &dollars(tally.revenue))?;
    for (label, gifts) in [("withheld from gifts", tally.withheld), ("waiting in gifts", tally.waiting())] {
        if gifts.money != 0 {
            row(text, &format!("  {label}"), &dollars(gifts.money))?;
        }
    }
    row(text, "commission funded", &dollars(tally.funded))?;
    for (label, minor) in [("cashed", tally.cashed), ("returned", tally.returned)] {
        let share = bar(minor.unsigned_abs(), tally.funded.unsigned_abs(), 20);
        writeln!(text, "    {:<32} {:>16}  {share}", format!("  {label}"), dollars(minor))?;
    }
    row(text, "money movements", &count(tally.movements))
}

/// What opening found, where there was something.
pub(super) fn write_recovered(text: &mut String, recovered: &Recovered) -> std::fmt::Result {
    use std::fmt::Write;
    for why in &recovered.passed_over {
        writeln!(text, "      passed over: {why}")?;
    }
    if recovered.nothing() {
        return Ok(());
    }
    if recovered.actors > 0 {
        row(text, "actors from a snapshot", &count(recovered.actors))?;
    }
    row(text, "records recovered", &count(recovered.records))?;
    row(text, "seconds of recovering", &format!("{:.3}", recovered.took.as_secs_f64()))?;
    row(text, "walks finished", &count(recovered.unfinished_walks as u64))?;
    match &recovered.cut {
        Some(cut) => writeln!(text, "      {cut}"),
        None => Ok(()),
    }
}

/// `ok`, or the first difference.
pub(super) fn verdict_text(verdict: &Verdict) -> String {
    match verdict {
        Ok(_) => "ok".to_owned(),
        Err(difference) => difference.clone(),
    }
}

/// The last lines of a report.
pub(super) fn write_verdict(text: &mut String, verdict: &Verdict, data: &Path) -> std::fmt::Result {
    use std::fmt::Write;
    writeln!(text, "\nAudit of {}: {}", data.display(), verdict_text(verdict))?;
    match verdict {
        Ok(digest) => writeln!(text, "    state digest {digest}"),
        Err(_) => Ok(()),
    }
}

/// One JSON object; a value that has no JSON says so in it.
pub(super) fn to_json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_else(|error| format!("{{\"audit\":\"{error}\"}}"))
}
