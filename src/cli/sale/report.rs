//! The report of a sale: one that people like to read, or one JSON object.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use serde::Serialize;

use super::super::orders::{ORDERS_CURRENCY, Orders};
use super::super::text::{count, money};
use super::drive::CERTIFICATES_AT_ONCE;
use super::figures::{
    JournalFigures, Latency, rate, row, row_rate, seconds, to_json, verdict_text, write_money,
    write_recovered, write_verdict,
};
use super::tally::Tally;
use super::{Verdict, Written};
use crate::Recovered;

/// How many refused lines the report names.
const REFUSED_LINES_SHOWN: usize = 5;
/// How many refused lines the JSON names.
const REFUSED_LINES_IN_JSON: usize = 1_000;

/// Everything that a report tells.
pub(super) struct Outcome<'sale> {
    pub(super) orders: &'sale Orders,
    pub(super) tally: &'sale Tally,
    pub(super) written: Written,
    pub(super) recovered: &'sale Recovered,
    pub(super) verdict: &'sale Verdict,
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
    gifts_given: u64,
    gifts_withheld: u64,
    gifts_waiting: u64,
    gift_money: String,
    gift_money_withheld: String,
    seconds: f64,
    money_movements_per_second: f64,
    purchases_per_second: f64,
    latency_us: Latency,
    journal: JournalFigures,
    recovered_records: u64,
    recovered_actors: u64,
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

impl Outcome<'_> {
    /// Refused lines and refused messages, by code.
    pub(super) fn refused(&self) -> BTreeMap<String, u64> {
        let mut refused: BTreeMap<String, u64> = BTreeMap::new();
        for line in &self.orders.refused {
            *refused.entry(line.code.to_owned()).or_insert(0) += 1;
        }
        for (code, number) in &self.tally.refused {
            *refused.entry(code.text().to_owned()).or_insert(0) += number;
        }
        refused
    }

    /// One JSON object: totals are the sale's, rates this run's, money is decimal text.
    pub(super) fn to_json(&self) -> String {
        let (tally, took) = (self.tally, self.tally.run.took);
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
            gifts_given: tally.given.number,
            gifts_withheld: tally.withheld.number,
            gifts_waiting: tally.waiting().number,
            gift_money: dollars(tally.given.money),
            gift_money_withheld: dollars(tally.withheld.money),
            seconds: seconds(took),
            money_movements_per_second: rate(tally.run.movements, took),
            purchases_per_second: rate(tally.run.sold, took),
            latency_us: Latency::of(&tally.run.latency),
            journal: JournalFigures::of(&self.written),
            recovered_records: self.recovered.records,
            recovered_actors: self.recovered.actors,
            audit: verdict_text(self.verdict),
            state_digest: self.verdict.as_deref().ok(),
            refused_lines: self
                .orders
                .refused
                .iter()
                .take(REFUSED_LINES_IN_JSON)
                .map(|line| RefusedLineFigures { line: line.line, code: line.code, reason: &line.reason })
                .collect(),
        };
        to_json(&json)
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
        let gifts = [("given", tally.given), ("withheld", tally.withheld), ("waiting", tally.waiting())];
        for (label, gifts) in gifts.into_iter().filter(|(_, gifts)| gifts.number > 0) {
            row(text, &format!("  gifts {label}"), &count(gifts.number))?;
        }
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
        write_money(text, tally)?;
        writeln!(text, "\nThis run\n")?;
        self.write_run(text)?;
        write_verdict(text, self.verdict, data)
    }

    fn write_run(&self, text: &mut String) -> std::fmt::Result {
        let run = &self.tally.run;
        write_recovered(text, self.recovered)?;
        row(text, "seconds", &format!("{:.3}", run.took.as_secs_f64()))?;
        row(text, "purchases", &count(run.sold))?;
        if run.sold == 0 {
            writeln!(text, "    nothing was left to do: this sale was complete")?;
        } else {
            writeln!(text, "    with {} certificates under way:", count(CERTIFICATES_AT_ONCE as u64))?;
            row_rate(text, "purchases/s", run.sold, run.took)?;
            row_rate(text, "money movements/s", run.movements, run.took)?;
            Latency::of(&run.latency).write("a purchase", text)?;
        }
        JournalFigures::of(&self.written).write(text)
    }
}
