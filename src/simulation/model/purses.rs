//! What accounts have, SPEC §1: posted, held, earmarked, credit, and what they owe.

use super::verdict::{Decided, No, no, refuse};
use super::{Model, Said, signed};

/// By which later income a debt is paid (D23, D44).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Income {
    Commission,
    Sales,
}

/// One account.
#[derive(Clone, Debug, Default)]
pub(super) struct Purse {
    pub(super) posted: i64,
    pub(super) held: u64,
    pub(super) earmarked: u64,
    pub(super) credit: u64,
    pub(super) frozen: bool,
    pub(super) accepts_gifts: bool,
    /// To whom, how much, and by which income it is paid; oldest first.
    pub(super) debts: Vec<(String, u64, Income)>,
}

impl Purse {
    /// `available = posted - held + credit limit`.
    pub(super) fn available(&self) -> i64 {
        self.posted - signed(self.held) + signed(self.credit)
    }

    pub(super) fn affords(&self, amount: u64) -> bool {
        self.available() >= signed(amount)
    }
}

impl Model {
    pub(super) fn purse(&mut self, account: &str) -> Result<&mut Purse, No> {
        self.purses.get_mut(account).ok_or_else(|| refuse("unknown_account"))
    }

    /// Whether an account can pay so much now.
    pub(super) fn affords(&self, account: &str, amount: u64) -> Result<(), No> {
        let purse = self.purses.get(account).ok_or_else(|| refuse("unknown_account"))?;
        if purse.affords(amount) { Ok(()) } else { no("insufficient_funds") }
    }

    /// The same; where more is odd about a message, it may be refused for that as well.
    pub(super) fn affords_or(&self, account: &str, amount: u64, odd: bool) -> Result<(), No> {
        self.affords(account, amount).map_err(|why| if odd { No(None) } else { why })
    }

    /// Moves money in or out of an account; a credit is never refused.
    pub(super) fn post(&mut self, account: &str, amount: i64) {
        if let Some(purse) = self.purses.get_mut(account) {
            purse.posted += amount;
        }
    }

    /// An income of which the account's debts are paid first, oldest first (D23, D44).
    pub(super) fn earn(&mut self, account: &str, amount: u64, income: Income) {
        self.post(account, signed(amount));
        let mut left = amount;
        let mut paid = Vec::new();
        if let Some(purse) = self.purses.get_mut(account) {
            for (to, owed, by) in &mut purse.debts {
                if *by == income {
                    let part = left.min(*owed);
                    left -= part;
                    *owed -= part;
                    paid.push((to.clone(), part));
                }
            }
            purse.debts.retain(|(_, owed, _)| *owed > 0);
        }
        for (to, part) in paid {
            self.post(account, -signed(part));
            self.post(&to, signed(part));
        }
    }

    /// What an account pays back of an amount that is asked back of it: what is available, and the rest it owes where it
    /// may. Nobody owes to itself.
    pub(super) fn pay_back(
        &mut self,
        account: &str,
        amount: u64,
        creditor: &str,
        income: Income,
    ) -> (u64, u64) {
        let Some(purse) = self.purses.get_mut(account) else { return (0, 0) };
        let paid = super::unsigned(purse.available()).min(amount);
        purse.posted -= signed(paid);
        let owed = if creditor == account { 0 } else { amount - paid };
        if owed > 0 {
            purse.debts.push((creditor.to_owned(), owed, income));
        }
        (paid, owed)
    }

    /// P10.
    pub(super) fn deposit(&mut self, account: &str, amount: u64) -> Decided {
        let purse = self.purse(account)?;
        purse.posted += signed(amount);
        Ok(Said::Posted(purse.posted))
    }

    /// D45: up to posted less held, no credit.
    pub(super) fn cash_out(&mut self, account: &str, amount: u64) -> Decided {
        let purse = self.purse(account)?;
        if purse.posted - signed(purse.held) < signed(amount) {
            return no("insufficient_funds");
        }
        purse.posted -= signed(amount);
        Ok(Said::Posted(purse.posted))
    }

    /// I3: what is available never falls below 0.
    pub(super) fn set_credit(&mut self, account: &str, limit: u64) -> Decided {
        let purse = self.purse(account)?;
        if purse.posted - signed(purse.held) + signed(limit) < 0 {
            return super::verdict::somehow();
        }
        purse.credit = limit;
        Ok(Said::Anything)
    }
}
