//! `hongbao verify`: does a receipt agree with itself and with a head that was kept, and what does it say? It needs no store and no server.

use std::fs::File;
use std::io::{Read, Write, stdin, stdout};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use super::failure::Failure;
use super::text::{count, grouped, plain};
use crate::domain::chain::Head;
use crate::limits::RECEIPT_FILE_BYTES_MAX;
use crate::receipt::{Party, Receipt, Verified, parse_head};

/// How many of those who cashed the report names; `--json` names all.
const CASHED_SHOWN: usize = 10;

#[derive(Debug, Args)]
pub(super) struct Options {
    /// The receipt; `-` for standard input.
    receipt: PathBuf,
    /// A head of the certificate's chain that somebody has kept elsewhere, as `chain_head` shows it.
    #[arg(long, value_parser = parse_head)]
    head: Option<Head>,
    /// Print one JSON object instead of the report.
    #[arg(long)]
    json: bool,
}

/// Verifies a receipt and prints what it says; exit code 1 where it is not true.
pub(super) fn run(options: &Options) -> Result<ExitCode, Failure> {
    let from_input = options.receipt == Path::new("-");
    let name = if from_input { "standard input".to_owned() } else { options.receipt.display().to_string() };
    let cannot_read = |error| Failure::Other(format!("cannot read {name}: {error}"));
    let mut text = Vec::new();
    let source: Box<dyn Read> = match from_input {
        true => Box::new(stdin().lock()),
        false => Box::new(File::open(&options.receipt).map_err(cannot_read)?),
    };
    // One byte more than any receipt has tells that it is none.
    source.take(RECEIPT_FILE_BYTES_MAX + 1).read_to_end(&mut text).map_err(cannot_read)?;
    let verified = Receipt::parse(&text).and_then(|receipt| receipt.verify(options.head.as_ref()));
    match (verified, options.json) {
        (Ok(verified), false) => {
            stdout().write_all(report(&verified).as_bytes())?;
            Ok(code_of(&verified))
        }
        (Ok(verified), true) => {
            let mut object = json!({ "receipt": if partly(&verified) { "partly" } else { "ok" } });
            if let (Some(object), Ok(serde_json::Value::Object(more))) =
                (object.as_object_mut(), serde_json::to_value(&verified))
            {
                object.extend(more);
            }
            writeln!(stdout(), "{object}")?;
            Ok(code_of(&verified))
        }
        (Err(error), true) => {
            writeln!(stdout(), "{}", json!({ "receipt": error.to_string() }))?;
            Ok(ExitCode::FAILURE)
        }
        (Err(error), false) => Err(Failure::Receipt { name, error }),
    }
}

/// True where the head that was kept says nothing of what came behind it, such as a refund.
fn partly(verified: &Verified) -> bool {
    verified.kept.is_some_and(|kept| kept < verified.entries)
}

/// Whoever holds a receipt against a head wants all of it proved.
fn code_of(verified: &Verified) -> ExitCode {
    if partly(verified) { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn report(verified: &Verified) -> String {
    let facts = &verified.facts;
    let (currency, commission) = (&facts.currency, &facts.commission);
    let amount = |amount: &str| format!("{} {currency}", grouped(amount));
    let mut text = match verified.kept {
        Some(kept) if partly(verified) => {
            format!("receipt: proved up to entry {} of {} alone\n\n", count(kept), count(verified.entries))
        }
        Some(_) => "receipt: true, by the head that was kept\n\n".to_owned(),
        None => "receipt: agrees with itself\n\n".to_owned(),
    };
    let mut row = |field: &str, value: &str| text.push_str(&format!("  {field:<14} {value}\n"));
    row("bought", &format!("{}, certificate {}", plain(facts.offering.name.as_str()), facts.serial));
    row("by", &party(&facts.buyer));
    row("paid to", &party(&facts.payee));
    if facts.supplier != facts.payee {
        row("supplied by", &party(&facts.supplier));
    }
    row("price", &amount(&facts.price));
    row("at", &facts.sold_at);
    let home = commission.payer.as_ref().map(|payer| plain(payer.name.as_str())).unwrap_or_default();
    let funded = amount(&commission.funded);
    match commission.became.as_str() {
        "none" => row("commission", "none"),
        "settled" => row("commission", &format!("{funded}, settled with the sale")),
        "withdrawn" => row("commission", &format!("{funded}, withdrawn with the sale")),
        _ => row("commission", &format!("{funded}, ended before the sale")),
    }
    if commission.became != "none" {
        row("  cashed", &amount(&commission.cashed));
        for cashed in facts.cashed_by.iter().take(CASHED_SHOWN) {
            row("", &format!("{} by {}", amount(&cashed.amount), party(&cashed.account)));
        }
        if let Some(more @ 1..) = facts.cashed_by.len().checked_sub(CASHED_SHOWN) {
            row("", &format!("and {} more", count(more as u64)));
        }
        row("  went home", &format!("{} to {home}", amount(&commission.returned)));
    }
    if let Some(refund) = &facts.refund {
        row("refunded", &format!("{} at {}", amount(&refund.paid), refund.at));
        row("  still owed", &amount(&refund.owed));
    }
    row("chain", &format!("{} entries; the sale is entry {}", count(verified.entries), count(verified.sale)));
    row("chain head", &verified.chain_head);
    text.push_str(match verified.kept {
        Some(kept) if kept == verified.entries => {
            "\nThe head that was kept is this one: nothing was changed since it was kept.\n".to_owned()
        }
        Some(kept) => format!(
            "\nThe head that was kept is that of entry {}: nothing up to there was changed since. What follows, a refund too, is the\nreceipt's own word: a head that was kept later proves it.\n",
            count(kept)
        ),
        None => "\nWhether it was made up, only a head tells that somebody else has kept: --head HEX.\n"
            .to_owned(),
    }
    .as_str());
    text.push_str("Numbers stand in the chain; names are the server's word.\n");
    text
}

fn party(party: &Party) -> String {
    format!("{} (number {})", plain(party.name.as_str()), party.number)
}
