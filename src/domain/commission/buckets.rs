//! The five buckets of one certificate's commission (SPEC §1).
//!
//! Every method but `top_up` moves money from one bucket to another, so their sum never changes (I2).

use serde::{Deserialize, Serialize};

use crate::domain::money::Money;

/// Exact money in five places, and two counters beside them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Buckets {
    /// Funded, not yet shown.
    pub reserve: Money,
    /// Shown on the certificate; can be acquired.
    pub attached: Money,
    /// Acquired and not cashed, over all accounts.
    pub promised: Money,
    /// Cashed, over all accounts.
    pub cashed: Money,
    /// Gone back to the payer.
    pub returned: Money,
    /// Initial attached and every increase; never falls (I3).
    pub cumulative: Money,
    /// Acquired since the last increase (D6).
    pub unsettled: Money,
}

fn add(to: &mut Money, amount: Money) {
    *to = to
        .checked_add(amount)
        .unwrap_or_else(|| unreachable!("a bucket is part of what was funded, which is a legal amount"));
}

fn subtract(from: &mut Money, amount: Money) {
    *from = from
        .checked_sub(amount)
        .unwrap_or_else(|| unreachable!("a bucket never gives more than it holds (I3)"));
}

impl Buckets {
    /// The buckets at the start: `attached` shown, the rest of `funded` in reserve.
    #[must_use]
    pub fn funded(funded: Money, attached: Money) -> Buckets {
        let mut buckets = Buckets { reserve: funded, attached, cumulative: attached, ..Buckets::default() };
        subtract(&mut buckets.reserve, attached);
        buckets
    }

    /// Reserve to attached; everything acquired before is settled with it (D32).
    pub fn increase(&mut self, amount: Money) {
        subtract(&mut self.reserve, amount);
        add(&mut self.attached, amount);
        add(&mut self.cumulative, amount);
        self.unsettled = Money::ZERO;
    }

    /// More reserve, which its payer has added (D4).
    pub fn top_up(&mut self, amount: Money) {
        add(&mut self.reserve, amount);
    }

    /// Attached to promised.
    pub fn acquire(&mut self, amount: Money) {
        subtract(&mut self.attached, amount);
        add(&mut self.promised, amount);
        add(&mut self.unsettled, amount);
    }

    /// Promised to cashed.
    pub fn cash(&mut self, amount: Money) {
        subtract(&mut self.promised, amount);
        add(&mut self.cashed, amount);
    }

    /// All that is left goes back to the payer.
    pub fn send_home(&mut self) {
        let rest = self.unspent();
        self.reserve = Money::ZERO;
        self.attached = Money::ZERO;
        self.promised = Money::ZERO;
        add(&mut self.returned, rest);
    }

    /// What the envelope still holds: reserve, attached and promised.
    #[must_use]
    pub fn unspent(&self) -> Money {
        let mut sum = self.reserve;
        add(&mut sum, self.attached);
        add(&mut sum, self.promised);
        sum
    }
}
