//! The invariants of SPEC §5 that a look at all actors can judge, after every message and every restart.
//!
//! Absent on purpose: what only a history can judge (I12, I13, I19); tests of their own do.

mod accounts;
mod certificates;

use std::any::Any;
use std::collections::{BTreeMap, HashMap};
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::envelope::Envelope;
use super::house::House;
use crate::domain::{ActorNumber, Body, Currency, Resident};
use crate::panics;

/// Checks everything. `undelivered` are the messages that a record has sent and no record has absorbed;
/// with none of them the house is quiet and more must hold.
///
/// # Errors
/// The first difference, in words, with the invariant's number.
pub fn check(houses: &[House], undelivered: &[Envelope]) -> Result<(), String> {
    // Of a state that no decision ever makes, not even the sums need exist.
    let checked = catch_unwind(AssertUnwindSafe(|| check_all(houses, undelivered)));
    let cannot = |panic: Box<dyn Any + Send>| {
        Err(format!("a state cannot be counted up: {}", panics::words(panic.as_ref())))
    };
    checked.unwrap_or_else(cannot)
}

fn check_all(houses: &[House], undelivered: &[Envelope]) -> Result<(), String> {
    let residents: HashMap<ActorNumber, &Resident> =
        houses.iter().flat_map(House::rooms).map(|(number, room)| (number, &room.resident)).collect();
    let mut sums: BTreeMap<Currency, (i128, i128)> = BTreeMap::new();
    let mut quiet = true;
    let mut gifts = accounts::Gifts::default();
    for Envelope { to, body, .. } in undelivered {
        quiet = false;
        gifts.under_way(body)?;
        if let Some(currency) = currency_of(&residents, *to, body) {
            sums.entry(currency).or_default().0 += i128::try_from(body.money()).unwrap_or(i128::MAX);
        }
    }
    for (number, resident) in &residents {
        let (currency, inside, outside) = match resident {
            Resident::Account(account) => {
                accounts::check_account(account)?;
                gifts.at(*number, account);
                let inside = i128::from(account.posted().minor()) + i128::from(account.earmarked().minor());
                let outside = account.deposits() as i128 - account.cash_outs() as i128;
                (account.currency(), inside, outside)
            }
            Resident::Offering(offering) => {
                if offering.stock().sold() > offering.offer().items {
                    return Err(format!("I18: offering {} sold more than it has", offering.offer().name));
                }
                (offering.offer().currency, i128::try_from(offering.envelopes()).unwrap_or(i128::MAX), 0)
            }
            Resident::Certificate(certificate) => {
                certificates::check_certificate(certificate)
                    .map_err(|why| format!("{why}, in certificate {}", number.0))?;
                if quiet {
                    certificates::check_sold(&residents, certificate)?;
                }
                let envelope = i128::try_from(certificate.envelope()).unwrap_or(i128::MAX);
                let unpaid = i128::try_from(certificate.unpaid()).unwrap_or(i128::MAX);
                (certificate.birth().currency, envelope + unpaid, 0)
            }
        };
        let sum = sums.entry(currency).or_default();
        sum.0 += inside;
        sum.1 += outside;
    }
    for (currency, (inside, outside)) in sums {
        if inside != outside {
            return Err(format!(
                "I1: {} minor units of {} are in the house, {outside} came in and stayed",
                inside,
                currency.code()
            ));
        }
    }
    gifts.check(&residents)?;
    if quiet {
        certificates::check_quiet(&residents)?;
        accounts::check_quiet(&residents)?;
    }
    Ok(())
}

/// The currency of the money that a message carries.
fn currency_of(
    residents: &HashMap<ActorNumber, &Resident>,
    to: ActorNumber,
    body: &Body,
) -> Option<Currency> {
    let born = |birth: &Option<crate::domain::Birth>| birth.as_ref().map(|birth| birth.currency);
    match body {
        Body::Settle(settle) => Some(settle.buyer.currency),
        Body::Handed(handed) => born(&handed.birth),
        Body::Debit(debit) => born(&debit.birth),
        Body::DebitRefused(refused) => born(&refused.birth),
        // It may be on its way behind the message that brings its certificate to life.
        Body::TopUp(top_up) => match residents.get(&top_up.payer)? {
            Resident::Account(payer) => Some(payer.currency()),
            _ => None,
        },
        // Everyone else takes money in the own currency (D31).
        _ => match residents.get(&to)? {
            Resident::Account(account) => Some(account.currency()),
            Resident::Offering(offering) => Some(offering.offer().currency),
            Resident::Certificate(certificate) => Some(certificate.birth().currency),
        },
    }
}
