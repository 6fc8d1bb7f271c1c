//! What a receipt says in words and amounts: a function of the ledger and of names.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::ledger::Ledger;
use crate::domain::{ActorNumber, Clawback, Name, Settlement, Timestamp};

/// An account or an offering. The number stands in the chain; the name is what the server said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Party {
    /// Its number.
    pub number: u64,
    /// Its name.
    pub name: Name,
}

/// What a receipt says. Amounts are decimal text in `currency`, points of time RFC 3339.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Facts {
    /// The offering.
    pub offering: Party,
    /// Which of its certificates.
    pub serial: u32,
    /// The certificate's number.
    pub certificate: u64,
    /// Who bought it.
    pub buyer: Party,
    /// Who was paid.
    pub payee: Party,
    /// Who is to deliver.
    pub supplier: Party,
    /// What was paid.
    pub price: String,
    /// Of everything here.
    pub currency: String,
    /// When.
    pub sold_at: String,
    /// The buyer's id of the request, or its merchant's.
    pub request: String,
    /// What became of the commission.
    pub commission: Commission,
    /// Who cashed how much of it, in the order of the chain.
    pub cashed_by: Vec<Cashed>,
    /// The refund, where there was one.
    pub refund: Option<Refund>,
}

/// What became of a commission.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Commission {
    /// `none`; `settled`, to whoever shared; `withdrawn`, home to its payer with the sale; `ended`, before it.
    pub became: String,
    /// Who funded it.
    pub payer: Option<Party>,
    /// With how much, top-ups included.
    pub funded: String,
    /// What was cashed of it.
    pub cashed: String,
    /// What went home.
    pub returned: String,
}

/// A cashed promise.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cashed {
    /// Whose hop in the chain, from 1.
    pub hop: u32,
    /// Who.
    pub account: Party,
    /// How much.
    pub amount: String,
}

/// A refund.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Refund {
    /// When.
    pub at: String,
    /// What the buyer got back then.
    pub paid: String,
    /// What the payee still owed the buyer.
    pub owed: String,
    /// Whether cashed commission is asked back: `none`, `reserve` (what is there) or `receivable` (all).
    pub clawback: String,
}

impl Facts {
    /// Everybody whom a receipt of this ledger names.
    pub(super) fn named(ledger: &Ledger) -> Vec<ActorNumber> {
        let mut named = vec![ledger.offering, ledger.payee, ledger.supplier];
        named.extend(ledger.payer);
        named.extend(ledger.sale.iter().map(|sale| sale.buyer));
        named.extend(ledger.hops.iter().filter(|hop| hop.cashed).map(|hop| hop.account));
        named.sort_unstable();
        named.dedup();
        named
    }

    /// What a ledger says, with these names.
    ///
    /// # Errors
    /// In words: it is not sold, somebody has no name, or its sums do not add up.
    pub(super) fn of(
        ledger: &Ledger,
        certificate: ActorNumber,
        names: &BTreeMap<u64, Name>,
    ) -> Result<Facts, String> {
        let sale = ledger.sale.as_ref().ok_or("the certificate is not sold")?;
        let party = |number: ActorNumber| match names.get(&number.0) {
            Some(name) => Ok(Party { number: number.0, name: name.clone() }),
            None => Err(format!("number {} has no name", number.0)),
        };
        let cashed_by = (1_u32..).zip(&ledger.hops).filter(|(_, hop)| hop.cashed).map(|(hop, there)| {
            let amount = there.promise.format(ledger.currency);
            Ok(Cashed { hop, account: party(there.account)?, amount })
        });
        let became = match sale.became {
            Settlement::Settled { .. } => "settled",
            Settlement::Withdrawn { .. } => "withdrawn",
            Settlement::None if ledger.payer.is_some() => "ended",
            Settlement::None => "none",
        };
        Ok(Facts {
            offering: party(ledger.offering)?,
            serial: ledger.serial.0,
            certificate: certificate.0,
            buyer: party(sale.buyer)?,
            payee: party(ledger.payee)?,
            supplier: party(ledger.supplier)?,
            price: ledger.price.format(ledger.currency),
            currency: ledger.currency.to_string(),
            sold_at: time_text(sale.at),
            request: sale.mark.key.id.to_string(),
            commission: Commission {
                became: became.to_owned(),
                payer: ledger.payer.map(party).transpose()?,
                funded: ledger.funded.format(ledger.currency),
                cashed: ledger.cashed()?.format(ledger.currency),
                returned: ledger.returned()?.format(ledger.currency),
            },
            cashed_by: cashed_by.collect::<Result<_, String>>()?,
            refund: ledger.refund.as_ref().map(|refund| Refund {
                at: time_text(refund.at),
                paid: refund.paid.format(ledger.currency),
                owed: refund.owed.format(ledger.currency),
                clawback: clawback(ledger.clawback).to_owned(),
            }),
        })
    }

    /// The names that it gives.
    ///
    /// # Errors
    /// In words, where it gives one number two names.
    pub(super) fn names(&self) -> Result<BTreeMap<u64, Name>, String> {
        let mut names: BTreeMap<u64, Name> = BTreeMap::new();
        let own = [&self.offering, &self.buyer, &self.payee, &self.supplier];
        let others = self.commission.payer.iter().chain(self.cashed_by.iter().map(|cashed| &cashed.account));
        for Party { number, name } in own.into_iter().chain(others) {
            if names.insert(*number, name.clone()).is_some_and(|known| known != *name) {
                return Err(format!("number {number} has two names"));
            }
        }
        Ok(names)
    }

    /// Where it is something else than it should be; nothing, where it is not.
    pub(super) fn difference(&self, expected: &Facts) -> Option<String> {
        if self == expected {
            return None;
        }
        let value = |facts: &Facts| serde_json::to_value(facts).unwrap_or_default();
        let told = difference("", &value(self), &value(expected));
        told.or_else(|| Some("it says something else than its chain".to_owned()))
    }
}

fn difference(path: &str, given: &Value, expected: &Value) -> Option<String> {
    match (given, expected) {
        (Value::Object(given), Value::Object(expected)) => {
            let within =
                |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
            let unlike =
                |(name, value): (&String, &Value)| difference(&within(name), value, expected.get(name)?);
            given.iter().find_map(unlike)
        }
        (Value::Array(given), Value::Array(expected)) if given.len() == expected.len() => {
            let mut pairs = given.iter().zip(expected).enumerate();
            pairs.find_map(|(place, (given, expected))| {
                difference(&format!("{path}.{place}"), given, expected)
            })
        }
        (Value::Array(given), Value::Array(expected)) => {
            Some(format!("{path} has {} rows, and the chain says {}", given.len(), expected.len()))
        }
        (given, expected) if given == expected => None,
        (given, expected) => Some(format!("{path} is {given}, and the chain says {expected}")),
    }
}

fn clawback(clawback: Clawback) -> &'static str {
    match clawback {
        Clawback::None => "none",
        Clawback::Reserve => "reserve",
        Clawback::Receivable => "receivable",
    }
}

/// A point of time as RFC 3339, to the millisecond.
fn time_text(time: Timestamp) -> String {
    let milliseconds = i64::try_from(time.0).unwrap_or(i64::MAX);
    jiff::Timestamp::from_millisecond(milliseconds).unwrap_or(jiff::Timestamp::MAX).to_string()
}
