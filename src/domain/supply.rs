//! The bound on a currency's whole money: what was brought in and may be drawn on credit (DESIGN §3).
//!
//! Every deposit and credit line is held against it, so that no credit inside a walk can overflow.

use std::collections::BTreeMap;

use super::money::{Currency, Money};
use super::refusal::{Code, Refusal};
use crate::limits::MONEY_MINOR_MAX;

/// For each currency: deposits less cash-outs, and all credit limits together, in minor units.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Supply(BTreeMap<Currency, u64>);

/// What one message adds to a currency's whole money, and what it takes from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// The currency.
    pub currency: Currency,
    /// The message's field, for the refusal.
    pub field: &'static str,
    /// What it adds.
    pub adds: Money,
    /// What it takes.
    pub frees: Money,
}

impl Supply {
    /// Adds what a message brings more than it frees.
    ///
    /// # Errors
    /// `amount_too_large`, naming the field, where the currency's whole money would pass its bound;
    /// then nothing is changed.
    pub fn add(&mut self, change: &Change) -> Result<(), Refusal> {
        let more = change.adds.minor().saturating_sub(change.frees.minor());
        let total = self.0.entry(change.currency).or_insert(0);
        match total.checked_add(more).filter(|sum| *sum <= MONEY_MINOR_MAX) {
            Some(sum) => {
                *total = sum;
                Ok(())
            }
            None => {
                let code = change.currency.code();
                let detail = format!("would carry all {code} past {MONEY_MINOR_MAX} minor units: give less");
                Err(Refusal::new(Code::AmountTooLarge, change.field, detail))
            }
        }
    }

    /// Frees what a message takes more than it brings. Only once its record has its place in the log: what
    /// rests on the room must come behind it there.
    pub fn free(&mut self, change: &Change) {
        let less = change.frees.minor().saturating_sub(change.adds.minor());
        let total = self.0.entry(change.currency).or_insert(0);
        *total = total.saturating_sub(less);
    }

    /// Sets a currency's whole money, as recovery has found it.
    pub fn found(&mut self, currency: Currency, minor: u64) {
        self.0.insert(currency, minor);
    }
}
