//! `hongbao audit`: is the store sound, and what does it hold?

use std::io::{Write, stdout};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use serde_json::{Map, Value, json};

use super::failure::Failure;
use super::progress;
use super::text::{count, grouped, money};
use crate::domain::Currency;
use crate::journal::JournalError;
use crate::{Audit, AuditError, CurrencyTotals, Totals, audit_telling};

/// What is audited.
#[derive(Debug, Args)]
pub(super) struct Options {
    /// The data folder.
    #[arg(value_name = "DIR")]
    folder: Option<PathBuf>,
    /// The data folder, where it is not given as DIR.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Print one JSON object instead of the report.
    #[arg(long)]
    json: bool,
}

/// Audits a data folder and prints what it found; exit code 1 where there is a difference.
pub(super) fn run(options: &Options) -> Result<ExitCode, Failure> {
    let data = options.folder.as_ref().or(options.data.as_ref());
    let none = || Failure::Arguments("no data folder is given: give it as DIR, or with --data".to_owned());
    let (data, as_json) = (data.ok_or_else(none)?, options.json);
    let (progress, reading) = progress::reading();
    let found = audit_telling(data, &progress);
    reading.finish_and_clear();
    match (found, as_json) {
        (Ok(audit), false) => {
            stdout().write_all(report(&audit).as_bytes())?;
            Ok(ExitCode::SUCCESS)
        }
        (Ok(audit), true) => {
            writeln!(stdout(), "{}", to_json(&audit))?;
            Ok(ExitCode::SUCCESS)
        }
        (Err(error), true) => {
            let why = in_words(error).to_string();
            writeln!(stdout(), "{}", json!({ "audit": why.strip_prefix("audit: ").unwrap_or(&why) }))?;
            Ok(ExitCode::FAILURE)
        }
        (Err(error), false) => Err(in_words(error)),
    }
}

/// The failure, in the words of whoever runs the command.
fn in_words(error: AuditError) -> Failure {
    match error {
        AuditError::Journal(JournalError::InUse { folder }) => Failure::AuditInUse(folder),
        error => error.into(),
    }
}

fn counts(totals: &Totals) -> [(&'static str, u64); 6] {
    [
        ("accounts", totals.accounts),
        ("certificates", totals.certificates),
        ("sold", totals.sold),
        ("circulations", totals.circulations),
        ("records", totals.records),
        ("unfinished_walks", totals.unfinished_walks),
    ]
}

fn amounts(totals: &CurrencyTotals) -> [(&'static str, i128); 9] {
    [
        ("posted", totals.posted),
        ("earmarked", totals.earmarked),
        ("envelopes", totals.envelopes),
        ("deposits", totals.deposits),
        ("cash_outs", totals.cash_outs),
        ("revenue", totals.revenue),
        ("commission_funded", totals.commission_funded),
        ("commission_cashed", totals.commission_cashed),
        ("commission_returned", totals.commission_returned),
    ]
}

/// Counts of what many stores have nothing of: the report leaves them out there.
fn rarer_counts(totals: &Totals) -> [(&'static str, u64); 6] {
    [
        ("reserved", totals.reserved),
        ("refunded", totals.refunded),
        ("gifts_given", totals.gifts_given),
        ("gifts_withheld", totals.gifts_withheld),
        ("gifts_home", totals.gifts_home),
        ("gifts_waiting", totals.gifts_waiting),
    ]
}

/// As `rarer_counts`, of money. What of gifts waits is earmarked.
fn rarer_amounts(totals: &CurrencyTotals) -> [(&'static str, i128); 5] {
    [
        ("held", totals.held),
        ("debts", totals.debts),
        ("gift_money", totals.gift_money),
        ("gift_money_withheld", totals.gift_money_withheld),
        ("gift_money_home", totals.gift_money_home),
    ]
}

/// The totals as JSON. Money stands at the top where the store has one currency (or none: then in dollars),
/// and by currency in `currencies` always.
fn to_json(audit: &Audit) -> Value {
    let totals = &audit.totals;
    let of = |currency: Currency, totals: &CurrencyTotals| {
        amounts(totals)
            .into_iter()
            .chain(rarer_amounts(totals))
            .map(|(field, minor)| (field.to_owned(), Value::String(money(minor, currency))))
            .collect::<Map<String, Value>>()
    };
    let mut object = Map::new();
    object.insert("audit".to_owned(), json!("ok"));
    for (field, number) in counts(totals).into_iter().chain(rarer_counts(totals)) {
        object.insert(field.to_owned(), json!(number));
    }
    let mut currencies = totals.money.iter();
    match (currencies.next(), currencies.next()) {
        (None, _) => object.extend(of(Currency::USD, &CurrencyTotals::default())),
        (Some((currency, only)), None) => object.extend(of(*currency, only)),
        (Some(_), Some(_)) => {}
    }
    let each: Map<String, Value> = totals
        .money
        .iter()
        .map(|(currency, totals)| (currency.code().to_owned(), Value::Object(of(*currency, totals))))
        .collect();
    object.insert("currencies".to_owned(), Value::Object(each));
    object.insert("state_digest".to_owned(), json!(totals.state_digest));
    object.insert("sealed".to_owned(), json!(audit.sealed));
    object.insert("cut".to_owned(), json!(audit.cut.as_ref().map(ToString::to_string)));
    object.insert("proved_from".to_owned(), json!(audit.proved_from.0));
    object.insert("newest_record".to_owned(), json!(audit.newest.0));
    object.insert("snapshots".to_owned(), json!(audit.snapshots));
    object.insert("passed_over".to_owned(), json!(audit.passed_over));
    Value::Object(object)
}

fn report(audit: &Audit) -> String {
    let totals = &audit.totals;
    let mut text = String::from("audit: ok\n");
    if audit.nothing() {
        text.push_str("the store is empty: nothing was ever recorded\n");
    }
    if !audit.sealed {
        text.push_str("as far as the journal goes: it was cut off, not closed");
        if totals.unfinished_walks > 0 {
            text.push_str("; its unfinished walks were finished in memory and are in the totals");
        }
        text.push('\n');
    }
    text.push('\n');
    let rarer = rarer_counts(totals).into_iter().filter(|(_, number)| *number > 0);
    for (field, number) in counts(totals).into_iter().chain(rarer) {
        text.push_str(&row(field, &count(number)));
    }
    for (currency, totals) in &totals.money {
        text.push_str(&format!("\n{}", row("", currency.code())));
        let rarer = rarer_amounts(totals).into_iter().filter(|(_, minor)| *minor != 0);
        for (field, minor) in amounts(totals).into_iter().chain(rarer) {
            text.push_str(&row(field, &grouped(&money(minor, *currency))));
        }
    }
    let sealed = if audit.sealed { "closed, sealed" } else { "cut off, not sealed" };
    text.push_str(&format!("\n  the store was        {sealed}\n"));
    text.push_str(&format!("  chains proved from   record {}\n", audit.proved_from.0));
    text.push_str(&format!("  newest record        {}\n", audit.newest.0));
    text.push_str(&format!("  snapshots compared   {}\n", audit.snapshots));
    for why in &audit.passed_over {
        text.push_str(&format!("  passed over          {why}\n"));
    }
    if let Some(cut) = &audit.cut {
        text.push_str(&format!("  to be cut on opening {cut}\n"));
    }
    text.push_str(&format!("  state digest         {}\n", totals.state_digest));
    text
}

fn row(field: &str, value: &str) -> String {
    format!("  {:<20} {value:>18}\n", field.replace('_', " "))
}
