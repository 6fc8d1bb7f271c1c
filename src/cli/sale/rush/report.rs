//! The report of a rush: one that people like to read, or one JSON object.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use serde::Serialize;

use super::super::super::orders::ORDERS_CURRENCY;
use super::super::super::text::{count, money};
use super::super::figures::{
    JournalFigures, Latency, rate, row, row_rate, seconds, to_json, verdict_text, write_money,
    write_recovered, write_verdict,
};
use super::super::options::share_text;
use super::super::threads::Busy;
use super::super::{Verdict, Written};
use super::drive::Driven;
use super::plan::Plan;
use crate::Recovered;

/// Everything that a report tells.
pub(super) struct Outcome<'sale> {
    pub(super) plan: &'sale Plan,
    pub(super) driven: &'sale Driven,
    pub(super) written: Written,
    pub(super) recovered: &'sale Recovered,
    pub(super) verdict: &'sale Verdict,
}

#[derive(Serialize)]
struct Json<'sale> {
    buyers: u32,
    certificates: u32,
    offerings: usize,
    sharers: u32,
    hot: String,
    broke: String,
    seed: u64,
    broke_buyers: u32,
    sold: u64,
    not_sold: u64,
    revenue: String,
    commission_funded: String,
    commission_cashed: String,
    commission_returned: String,
    circulations: u64,
    money_movements: u64,
    refused: BTreeMap<&'static str, u64>,
    overloaded_retries: u64,
    in_flight: u64,
    batch: u32,
    seconds: f64,
    circulations_per_second: f64,
    purchases_per_second: f64,
    money_movements_per_second: f64,
    answers_per_second: f64,
    latency_us: Latency,
    busy: Option<&'sale Busy>,
    bound_by: Option<String>,
    journal: JournalFigures,
    recovered_records: u64,
    recovered_actors: u64,
    recovery_seconds: f64,
    audit: String,
    state_digest: Option<&'sale str>,
}

impl Outcome<'_> {
    /// How many messages are under way at most.
    fn in_flight(&self) -> u64 {
        u64::from(self.plan.rush.batch) * u64::from(self.plan.rush.at_once)
    }

    fn offerings(&self) -> usize {
        self.plan.issued().count()
    }

    fn not_sold(&self) -> u64 {
        u64::from(self.plan.rush.buyers).saturating_sub(self.driven.tally.sold)
    }

    /// One JSON object: totals are the sale's; rates, refusals and what follows them are this run's.
    pub(super) fn to_json(&self) -> String {
        let (rush, driven, tally) = (&self.plan.rush, self.driven, &self.driven.tally);
        let dollars = |minor| money(minor, ORDERS_CURRENCY);
        to_json(&Json {
            buyers: rush.buyers,
            certificates: rush.certificates,
            offerings: self.offerings(),
            sharers: rush.sharers,
            hot: share_text(rush.hot),
            broke: share_text(rush.broke),
            seed: rush.seed,
            broke_buyers: self.plan.broke,
            sold: tally.sold,
            not_sold: self.not_sold(),
            revenue: dollars(tally.revenue),
            commission_funded: dollars(tally.funded),
            commission_cashed: dollars(tally.cashed),
            commission_returned: dollars(tally.returned),
            circulations: tally.circulations,
            money_movements: tally.movements,
            refused: tally.refused.iter().map(|(code, number)| (code.text(), *number)).collect(),
            overloaded_retries: driven.overloaded_retries,
            in_flight: self.in_flight(),
            batch: rush.batch,
            seconds: seconds(tally.run.took),
            circulations_per_second: rate(driven.circulation.done, driven.circulation.took),
            purchases_per_second: rate(driven.purchase.done, driven.purchase.took),
            money_movements_per_second: rate(tally.run.movements, driven.purchase.took),
            answers_per_second: rate(u64::from(rush.buyers), driven.purchase.took),
            latency_us: Latency::of(&tally.run.latency),
            busy: driven.busy.as_ref(),
            bound_by: driven.busy.as_ref().map(Busy::bound_by),
            journal: JournalFigures::of(&self.written),
            recovered_records: self.recovered.records,
            recovered_actors: self.recovered.actors,
            recovery_seconds: seconds(self.recovered.took),
            audit: verdict_text(self.verdict),
            state_digest: self.verdict.as_deref().ok(),
        })
    }

    /// The report for people.
    pub(super) fn to_text(&self, data: &Path) -> String {
        let mut text = String::new();
        // Writing to a String cannot fail.
        let _ = self.write_text(&mut text, data);
        text
    }

    fn write_text(&self, text: &mut String, data: &Path) -> std::fmt::Result {
        let (rush, tally) = (&self.plan.rush, &self.driven.tally);
        writeln!(text, "A rush with seed {}\n", rush.seed)?;
        row(text, "buyers", &count(rush.buyers.into()))?;
        row(text, "  who cannot pay", &count(self.plan.broke.into()))?;
        row(text, "certificates", &count(rush.certificates.into()))?;
        row(text, "offerings", &count(self.offerings() as u64))?;
        row(text, "circulations", &count(tally.circulations))?;
        row(text, "sold", &count(tally.sold))?;
        row(text, "buyers who got none", &count(self.not_sold()))?;
        write_money(text, tally)?;
        writeln!(text, "\nThis run\n")?;
        self.write_run(text)?;
        write_verdict(text, self.verdict, data)
    }

    fn write_run(&self, text: &mut String) -> std::fmt::Result {
        let (driven, run) = (self.driven, &self.driven.tally.run);
        write_recovered(text, self.recovered)?;
        row(text, "seconds", &format!("{:.3}", run.took.as_secs_f64()))?;
        row(text, "purchases", &count(run.sold))?;
        for (code, number) in &driven.tally.refused {
            row(text, &format!("refused: {}", code.text()), &count(*number))?;
        }
        row(text, "sent again, overloaded", &count(driven.overloaded_retries))?;
        if run.sold == 0 {
            let complete =
                driven.tally.sold == u64::from(self.plan.rush.certificates) || self.not_sold() == 0;
            let why = if complete {
                "nothing was left to sell: this sale was complete"
            } else {
                "nobody has bought"
            };
            writeln!(text, "    {why}")?;
            return JournalFigures::of(&self.written).write(text);
        }
        let (in_flight, batch) = (count(self.in_flight()), count(self.plan.rush.batch.into()));
        writeln!(text, "    with {in_flight} messages under way, in batches of {batch}:")?;
        row_rate(text, "circulations/s", driven.circulation.done, driven.circulation.took)?;
        row(text, "seconds of buying", &format!("{:.3}", driven.purchase.took.as_secs_f64()))?;
        row_rate(text, "purchases/s", driven.purchase.done, driven.purchase.took)?;
        row_rate(text, "money movements/s", run.movements, driven.purchase.took)?;
        row_rate(text, "answers to buyers/s", self.plan.rush.buyers.into(), driven.purchase.took)?;
        Latency::of(&run.latency).write("an answer to a buyer", text)?;
        if let Some(busy) = &driven.busy {
            let shards = busy.shards.iter().map(|shard| format!("{:.2}", shard.busy)).collect::<Vec<_>>();
            let (shards, journal, driver) = (shards.join(", "), busy.journal.busy, busy.driver.busy);
            writeln!(text, "    cores busy: shards {shards}; journal {journal:.2}; driver {driver:.2}")?;
            writeln!(text, "    bound by {}", busy.bound_by())?;
        }
        JournalFigures::of(&self.written).write(text)
    }
}
