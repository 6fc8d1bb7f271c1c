//! A made-up rush: many buyers come at once for few certificates.

mod drive;
mod plan;
mod report;

use super::super::failure::Failure;
use super::super::orders::ORDERS_CURRENCY;
use super::options::{Options, Rush};
use super::{Settled, Verdict, settle};
use crate::{CurrencyTotals, Totals};
use drive::Driven;
use plan::Plan;

/// Runs the rush; gives its verdict and its report.
pub(super) fn run(rush: &Rush, options: &Options) -> Result<(Verdict, String), Failure> {
    let plan = Plan::new(rush)?;
    let settled = settle(options, async |engine| drive::drive(engine, &plan, &options.data).await)?;
    let Settled { driven, written, recovered, audited } = settled;
    let verdict = audited.and_then(|totals| agrees(&plan, &driven, &totals).map(|()| totals.state_digest));
    let outcome =
        report::Outcome { plan: &plan, driven: &driven, written, recovered: &recovered, verdict: &verdict };
    let text = if options.json { outcome.to_json() + "\n" } else { outcome.to_text(&options.data) };
    Ok((verdict, text))
}

/// Holds what the rush had to come to, what the answers said and what the audit found against each other.
///
/// # Errors
/// The first difference, in words.
fn agrees(plan: &Plan, driven: &Driven, totals: &Totals) -> Result<(), String> {
    driven.tally.agrees_with(totals)?;
    for (offering, sold) in plan.offerings.iter().zip(&driven.sold) {
        let expected = offering.expected();
        if *sold != expected {
            return Err(format!("{}: {expected} were to be sold, and {sold} are", offering.name));
        }
    }
    let nothing = CurrencyTotals::default();
    let found = totals.money.get(&ORDERS_CURRENCY).unwrap_or(&nothing);
    let sold: i128 = driven.sold.iter().copied().map(i128::from).sum();
    let funded = i128::from(plan.funded.minor());
    let envelopes = (i128::from(plan.rush.certificates) - sold) * funded;
    // All that buyers have left is what they came with, less one price for each certificate.
    let buyers =
        plan.deposits() - funded * i128::from(plan.rush.certificates) - sold * i128::from(plan.price.minor());
    let supplier = driven.supplier_posted;
    let pairs = [
        ("deposits", plan.deposits(), found.deposits),
        ("posted", plan.deposits() - envelopes, found.posted),
        ("envelopes", envelopes, found.envelopes),
        ("supplier", found.revenue + found.commission_returned, supplier),
        ("buyers' money", buyers, found.posted - supplier - found.commission_cashed),
    ];
    for (field, expected, found) in pairs {
        if expected != found {
            return Err(format!("{field}: {expected} minor units were expected, and there are {found}"));
        }
    }
    Ok(())
}
