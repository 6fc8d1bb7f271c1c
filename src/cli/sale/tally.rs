//! What the sale has come to: its totals, and the rates of this run.

use std::collections::BTreeMap;
use std::time::Duration;

use hdrhistogram::Histogram;

use super::super::orders::ORDERS_CURRENCY;
use crate::domain::{Code, Money, Purchased, Settlement};
use crate::{CurrencyTotals, Totals};

/// Sums over every certificate, whichever run made it.
#[derive(Clone, Debug)]
pub(super) struct Tally {
    pub(super) sold: u64,
    pub(super) circulations: u64,
    pub(super) already_linked: u64,
    /// Minor units.
    pub(super) revenue: i128,
    pub(super) funded: i128,
    pub(super) cashed: i128,
    pub(super) returned: i128,
    /// Gifts given: their donors have paid.
    pub(super) given: Gifts,
    /// Of them withheld: purchases too.
    pub(super) withheld: Gifts,
    /// Non-zero prices, cashed commissions and returns.
    pub(super) movements: u64,
    /// What the engine refused, by code; `already_linked` is an answer and counted above.
    pub(super) refused: BTreeMap<Code, u64>,
    /// This run's part of the sale.
    pub(super) run: Run,
}

/// How many gifts, and their prices together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Gifts {
    pub(super) number: u64,
    /// Minor units.
    pub(super) money: i128,
}

impl Gifts {
    /// Counts a gift.
    pub(super) fn add(&mut self, price: Money) {
        self.number += 1;
        self.money += i128::from(price.minor());
    }
}

/// What this run alone did.
#[derive(Clone, Debug)]
pub(super) struct Run {
    pub(super) sold: u64,
    pub(super) movements: u64,
    /// From the first message to the last durable answer.
    pub(super) took: Duration,
    /// Of the purchases, from sending to the durable answer, in microseconds.
    pub(super) latency: Histogram<u64>,
}

impl Tally {
    /// Nothing yet. The histogram counts up to a minute, with three digits.
    pub(super) fn new() -> Result<Tally, super::Failure> {
        let latency = Histogram::new_with_bounds(1, 60_000_000, 3)
            .map_err(|error| super::Failure::Other(format!("no histogram: {error}")))?;
        Ok(Tally {
            sold: 0,
            circulations: 0,
            already_linked: 0,
            revenue: 0,
            funded: 0,
            cashed: 0,
            returned: 0,
            given: Gifts::default(),
            withheld: Gifts::default(),
            movements: 0,
            refused: BTreeMap::new(),
            run: Run { sold: 0, movements: 0, took: Duration::ZERO, latency },
        })
    }

    /// Counts a sold certificate; gives its money movements.
    pub(super) fn sold(&mut self, purchased: &Purchased) -> u64 {
        let mut movements = u64::from(!purchased.price.is_zero());
        self.sold += 1;
        self.revenue += i128::from(purchased.price.minor());
        let returned = match purchased.commission {
            Settlement::None => 0,
            Settlement::Settled { cashed, promises, returned } => {
                self.cashed += i128::from(cashed.minor());
                movements += u64::from(promises);
                returned.minor()
            }
            Settlement::Withdrawn { returned, .. } => returned.minor(),
        };
        self.returned += i128::from(returned);
        movements += u64::from(returned > 0);
        self.movements += movements;
        movements
    }

    /// The gifts that were given and not withheld. None of a sale comes home: the recipient has accepted it.
    pub(super) fn waiting(&self) -> Gifts {
        let number = self.given.number.saturating_sub(self.withheld.number);
        Gifts { number, money: self.given.money - self.withheld.money }
    }

    /// Counts a refusal.
    pub(super) fn refused(&mut self, code: Code) {
        *self.refused.entry(code).or_insert(0) += 1;
    }

    /// Holds what the answers said against what the audit found.
    ///
    /// # Errors
    /// The first difference, in words.
    pub(super) fn agrees_with(&self, totals: &Totals) -> Result<(), String> {
        let nothing = CurrencyTotals::default();
        let found = totals.money.get(&ORDERS_CURRENCY).unwrap_or(&nothing);
        let pairs = [
            ("sold", i128::from(self.sold), i128::from(totals.sold)),
            ("circulations", i128::from(self.circulations), i128::from(totals.circulations)),
            ("revenue", self.revenue, found.revenue),
            ("commission_funded", self.funded, found.commission_funded),
            ("commission_cashed", self.cashed, found.commission_cashed),
            ("commission_returned", self.returned, found.commission_returned),
            ("gifts_given", i128::from(self.given.number), i128::from(totals.gifts_given)),
            ("gifts_withheld", i128::from(self.withheld.number), i128::from(totals.gifts_withheld)),
            ("gifts_waiting", i128::from(self.waiting().number), i128::from(totals.gifts_waiting)),
            ("gift_money", self.given.money, found.gift_money),
            ("gift_money_withheld", self.withheld.money, found.gift_money_withheld),
            ("earmarked", self.waiting().money, found.earmarked),
        ];
        for (field, answered, found) in pairs {
            if answered != found {
                return Err(format!("{field}: the answers add up to {answered}, the store has {found}"));
            }
        }
        Ok(())
    }
}
