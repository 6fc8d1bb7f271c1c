//! The report of a sale: one that people like to read, or one JSON object.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use serde::Serialize;

use super::super::orders::{ORDERS_CURRENCY, Orders};
use super::super::text::{bar, bytes, count, grouped, money};
use super::drive::CERTIFICATES_AT_ONCE;
use super::tally::Tally;
use crate::Recovered;
use crate::journal::JournalStats;

/// How many refused lines the report names.
const REFUSED_LINES_SHOWN: usize = 5;
/// How many refused lines the JSON names.
const REFUSED_LINES_IN_JSON: usize = 1_000;

/// Everything that a report tells.
pub(super) struct Outcome<'sale> {
    pub(super) orders: &'sale Orders,
    pub(super) tally: &'sale Tally,
    pub(super) stats: JournalStats,
    pub(super) recovered: &'sale Recovered,
    /// The state digest where all is well, or the first difference.
    pub(super) verdict: &'sale Result<String, String>,
}

#[derive(Serialize)]
struct Json<'sale> {
    lines: u64,
    customers: usize,
    sold: u64,
    refused: BTreeMap<String, u64>,
    revenue: String,
    commission_funded: String,
    commission_cashed: String,
    commission_returned: String,
    circulations: u64,
    already_linked: u64,
    money_movements: u64,
    seconds: f64,
    money_movements_per_second: f64,
    purchases_per_second: f64,
    latency_us: Latency,
    journal: JournalFigures,
    recovered_records: u64,
    audit: String,
    state_digest: Option<&'sale str>,
    /// The first `REFUSED_LINES_IN_JSON` of them.
    refused_lines: Vec<RefusedLineFigures<'sale>>,
}

#[derive(Serialize)]
struct RefusedLineFigures<'sale> {
    line: u64,
    code: &'sale str,
    reason: &'sale str,
}

#[derive(Serialize)]
struct Latency {
    p50: u64,
    p99: u64,
    p999: u64,
}

#[derive(Serialize)]
struct JournalFigures {
    bytes: u64,
    records: u64,
    syncs: u64,
}

impl Outcome<'_> {
    fn seconds(&self) -> f64 {
        self.tally.run.took.as_secs_f64()
    }

    fn rate(&self, number: u64) -> f64 {
        let rate = number as f64 / self.seconds().max(1e-6);
        (rate * 10.0).round() / 10.0
    }

    fn latency(&self) -> Latency {
        let at = |quantile| self.tally.run.latency.value_at_quantile(quantile);
        Latency { p50: at(0.5), p99: at(0.99), p999: at(0.999) }
    }

    /// Refused lines and refused messages, by code.
    fn refused(&self) -> BTreeMap<String, u64> {
        let mut refused: BTreeMap<String, u64> = BTreeMap::new();
        for line in &self.orders.refused {
            *refused.entry(line.code.to_owned()).or_insert(0) += 1;
        }
        for (code, number) in &self.tally.refused {
            *refused.entry(code.text().to_owned()).or_insert(0) += number;
        }
        refused
    }

    fn verdict(&self) -> String {
        match self.verdict {
            Ok(_) => "ok".to_owned(),
            Err(difference) => difference.clone(),
        }
    }

    /// One JSON object: totals are the sale's, rates this run's, money is decimal text.
    pub(super) fn to_json(&self) -> String {
        let tally = self.tally;
        let dollars = |minor| money(minor, ORDERS_CURRENCY);
        let json = Json {
            lines: self.orders.lines,
            customers: self.orders.customers,
            sold: tally.sold,
            refused: self.refused(),
            revenue: dollars(tally.revenue),
            commission_funded: dollars(tally.funded),
            commission_cashed: dollars(tally.cashed),
            commission_returned: dollars(tally.returned),
            circulations: tally.circulations,
            already_linked: tally.already_linked,
            money_movements: tally.movements,
            seconds: (self.seconds() * 1e6).round() / 1e6,
            money_movements_per_second: self.rate(tally.run.movements),
            purchases_per_second: self.rate(tally.run.sold),
            latency_us: self.latency(),
            journal: JournalFigures {
                bytes: self.stats.bytes,
                records: self.stats.records,
                syncs: self.stats.syncs,
            },
            recovered_records: self.recovered.records,
            audit: self.verdict(),
            state_digest: self.verdict.as_deref().ok(),
            refused_lines: self
                .orders
                .refused
                .iter()
                .take(REFUSED_LINES_IN_JSON)
                .map(|line| RefusedLineFigures { line: line.line, code: line.code, reason: &line.reason })
                .collect(),
        };
        serde_json::to_string(&json).unwrap_or_else(|error| format!("{{\"audit\":\"{error}\"}}"))
    }

    /// The report for people.
    pub(super) fn to_text(&self, path: &Path, data: &Path) -> String {
        let mut text = String::new();
        // Writing to a String cannot fail.
        let _ = self.write_text(&mut text, path, data);
        text
    }

    fn write_text(&self, text: &mut String, path: &Path, data: &Path) -> std::fmt::Result {
        let (orders, tally) = (self.orders, self.tally);
        writeln!(text, "The sale of {}\n", path.display())?;
        row(text, "lines", &count(orders.lines))?;
        row(text, "customers", &count(orders.customers as u64))?;
        row(text, "certificates sold", &count(tally.sold))?;
        row(text, "circulations", &count(tally.circulations))?;
        row(text, "already linked", &count(tally.already_linked))?;
        for (code, number) in self.refused() {
            row(text, &format!("refused: {code}"), &count(number))?;
        }
        for line in orders.refused.iter().take(REFUSED_LINES_SHOWN) {
            writeln!(text, "      line {}: {}", line.line, line.reason)?;
        }
        if let Some(more) = orders.refused.len().checked_sub(REFUSED_LINES_SHOWN).filter(|more| *more > 0) {
            writeln!(text, "      and {} more; --json names them", count(more as u64))?;
        }
        writeln!(text, "\nMoney, in {}\n", ORDERS_CURRENCY.code())?;
        let dollars = |minor: i128| grouped(&money(minor, ORDERS_CURRENCY));
        row(text, "revenue", &dollars(tally.revenue))?;
        row(text, "commission funded", &dollars(tally.funded))?;
        for (label, minor) in [("cashed", tally.cashed), ("returned", tally.returned)] {
            let share = bar(minor.unsigned_abs(), tally.funded.unsigned_abs(), 20);
            writeln!(text, "    {:<32} {:>16}  {share}", format!("  {label}"), dollars(minor))?;
        }
        row(text, "money movements", &count(tally.movements))?;
        writeln!(text, "\nThis run\n")?;
        self.write_run(text)?;
        match self.verdict {
            Ok(digest) => {
                writeln!(text, "\nAudit of {}: ok", data.display())?;
                writeln!(text, "    state digest {digest}")
            }
            Err(difference) => writeln!(text, "\nAudit of {}: {difference}", data.display()),
        }
    }

    fn write_run(&self, text: &mut String) -> std::fmt::Result {
        let run = &self.tally.run;
        if self.recovered.records > 0 {
            row(text, "records recovered", &count(self.recovered.records))?;
            row(text, "walks finished", &count(self.recovered.unfinished_walks as u64))?;
            if let Some(cut) = &self.recovered.cut {
                writeln!(text, "      {cut}")?;
            }
        }
        row(text, "seconds", &format!("{:.3}", self.seconds()))?;
        row(text, "purchases", &count(run.sold))?;
        if run.sold == 0 {
            writeln!(text, "    nothing was left to do: this sale was complete")?;
        } else {
            writeln!(text, "    with {} certificates under way:", count(CERTIFICATES_AT_ONCE as u64))?;
            let Latency { p50, p99, p999 } = self.latency();
            row(text, "purchases/s", &count(self.rate(run.sold).round() as u64))?;
            row(text, "money movements/s", &count(self.rate(run.movements).round() as u64))?;
            row(text, "a purchase, p50", &format!("{} µs", count(p50)))?;
            row(text, "a purchase, p99", &format!("{} µs", count(p99)))?;
            row(text, "a purchase, p99.9", &format!("{} µs", count(p999)))?;
        }
        row(text, "journal", &bytes(self.stats.bytes))?;
        row(text, "records", &count(self.stats.records))?;
        row(text, "syncs", &count(self.stats.syncs))
    }
}

fn row(text: &mut String, label: &str, value: &str) -> std::fmt::Result {
    writeln!(text, "    {label:<32} {value:>16}")
}
