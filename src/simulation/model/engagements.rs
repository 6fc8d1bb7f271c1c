//! Payment certificates (K3, K4, D24, D37, D38) and transfers in one step and in two (D46).

use super::verdict::{Decided, No, somehow};
use super::{Asked, Model, Said, signed};
use crate::domain::{PaymentCommand, PaymentReference, TransferCommand};

/// A payment certificate.
#[derive(Clone, Debug)]
pub(super) struct Paper {
    pub(super) amount: u64,
    pub(super) released: u64,
    pub(super) freed: u64,
    pub(super) beneficiary: Option<String>,
    pub(super) not_before: u64,
    pub(super) until: Option<u64>,
    pub(super) received: bool,
    /// The offering whose commission it backs.
    pub(super) backs: Option<String>,
    pub(super) ended: bool,
}

impl Paper {
    /// I16.
    pub(super) fn held(&self) -> u64 {
        self.amount - self.released - self.freed
    }

    /// When time ends it: it cannot end before what it backs (D24).
    pub(super) fn ends_at(&self) -> Option<u64> {
        self.until.filter(|_| !self.ended && self.backs.is_none())
    }
}

/// A transfer in two steps, while it is pending.
#[derive(Clone, Debug)]
pub(super) struct Pending {
    to: String,
    amount: u64,
    pub(super) until: Option<u64>,
}

impl Model {
    pub(super) fn payment(&mut self, asked: Asked<'_>, command: &PaymentCommand) -> Decided {
        match command {
            PaymentCommand::Issue { amount, beneficiary, not_before, expires_at } => {
                let (Some(by), amount) = (asked.by, amount.minor()) else { return somehow() };
                let (from, until) = (not_before.map(|time| time.0), expires_at.map(|time| time.0));
                // SPEC does not say whether one may be issued that ends before it can be released, or has ended already.
                let odd =
                    until.is_some_and(|until| until <= asked.now || from.is_some_and(|from| from >= until));
                self.affords_or(by, amount, odd)?;
                let paper = Paper {
                    amount,
                    released: 0,
                    freed: 0,
                    beneficiary: beneficiary.as_ref().map(|name| name.as_str().to_owned()),
                    not_before: from.unwrap_or(0),
                    until,
                    received: false,
                    backs: None,
                    ended: false,
                };
                self.papers.insert((by.to_owned(), asked.id.to_owned()), paper);
                let purse = self.purse(by)?;
                purse.held += amount;
                Ok(Said::Held(purse.held).perhaps(odd))
            }
            PaymentCommand::Receive(reference) => {
                let paper = self.open_paper(reference)?;
                if paper.beneficiary.as_deref() != asked.by || asked.by.is_none() || paper.received {
                    return somehow();
                }
                paper.received = true;
                Ok(Said::Payment { released: 0, freed: 0 })
            }
            PaymentCommand::Reject(reference) => {
                let paper = self.open_paper(reference)?;
                if paper.beneficiary.as_deref() != asked.by || asked.by.is_none() {
                    return somehow();
                }
                self.end_paper(&reference_of(reference), 0)
            }
            PaymentCommand::Release { reference, amount } => {
                let amount = amount.minor();
                let paper = self.open_paper(reference)?;
                let Some(beneficiary) = paper.beneficiary.clone().filter(|_| paper.received) else {
                    return somehow();
                };
                if asked.by.is_some() || asked.now < paper.not_before || amount > paper.held() {
                    return somehow();
                }
                let said = self.end_paper(&reference_of(reference), amount);
                self.post(&beneficiary, signed(amount));
                said
            }
            PaymentCommand::Void(reference) => {
                self.open_paper(reference)?;
                if asked.by.is_some() { somehow() } else { self.end_paper(&reference_of(reference), 0) }
            }
            PaymentCommand::Show(_) => Ok(Said::Anything),
        }
    }

    /// One that has not ended and backs nothing.
    fn open_paper(&mut self, reference: &PaymentReference) -> Result<&mut Paper, No> {
        let paper = self.papers.get_mut(&reference_of(reference)).ok_or(No(None))?;
        if paper.ended || paper.backs.is_some() { somehow() } else { Ok(paper) }
    }

    /// Ends one: so much is paid out of it, the rest is free.
    pub(super) fn end_paper(&mut self, id: &super::Id, released: u64) -> Decided {
        let Some(paper) = self.papers.get_mut(id) else { return somehow() };
        let held = paper.held();
        paper.released += released;
        paper.freed += held - released;
        paper.ended = true;
        let said = Said::Payment { released: paper.released, freed: paper.freed };
        let purse = self.purse(&id.0)?;
        purse.held -= held;
        purse.posted -= signed(released);
        Ok(said)
    }

    /// A part of what one holds for a commission is paid out, and a part is free.
    pub(super) fn draw(&mut self, id: &super::Id, released: u64, freed: u64) {
        let Some(paper) = self.papers.get_mut(id) else { return };
        paper.released += released;
        paper.freed += freed;
        paper.ended = paper.held() == 0;
        if let Some(purse) = self.purses.get_mut(&id.0) {
            purse.held -= released + freed;
            purse.posted -= signed(released);
        }
    }

    pub(super) fn expire_papers(&mut self, at: u64) {
        let over = |paper: &Paper| paper.ends_at().is_some_and(|ends_at| ends_at <= at);
        let ids: Vec<_> =
            self.papers.iter().filter(|(_, paper)| over(paper)).map(|(id, _)| id.clone()).collect();
        for id in ids {
            let _ = self.end_paper(&id, 0);
        }
    }

    pub(super) fn transfer(&mut self, asked: Asked<'_>, command: &TransferCommand) -> Decided {
        match command {
            TransferCommand::Send { to, amount } => {
                let (Some(by), amount) = (asked.by, amount.minor()) else { return somehow() };
                self.affords(by, amount)?;
                self.post(by, -signed(amount));
                self.post(to.as_str(), signed(amount));
                Ok(Said::Posted(self.purse(by)?.posted))
            }
            TransferCommand::Begin { to, amount, expires_at } => {
                let (Some(by), amount) = (asked.by, amount.minor()) else { return somehow() };
                let until = expires_at.map(|time| time.0);
                // SPEC does not say whether one may be begun whose time has passed.
                let odd = until.is_some_and(|until| until <= asked.now);
                self.affords_or(by, amount, odd)?;
                let pending = Pending { to: to.as_str().to_owned(), amount, until };
                self.pendings.insert((by.to_owned(), asked.id.to_owned()), pending);
                let purse = self.purse(by)?;
                purse.held += amount;
                Ok(Said::Held(purse.held).perhaps(odd))
            }
            TransferCommand::Post { from, transfer, amount } => {
                let amount = amount.minor();
                let id = (from.as_str().to_owned(), transfer.as_str().to_owned());
                let pending = self.pendings.get(&id).cloned().ok_or(No(None))?;
                if amount > pending.amount || asked.by.is_some_and(|by| by != id.0) {
                    return somehow();
                }
                self.end_pending(&id);
                self.post(&id.0, -signed(amount));
                self.post(&pending.to, signed(amount));
                Ok(Said::Posted(self.purse(&id.0)?.posted))
            }
            TransferCommand::Void { from, transfer } => {
                let id = (from.as_str().to_owned(), transfer.as_str().to_owned());
                let pending = self.pendings.get(&id).cloned().ok_or(No(None))?;
                if asked.by.is_some_and(|by| by != id.0) {
                    return somehow();
                }
                self.end_pending(&id);
                Ok(Said::Freed(pending.amount))
            }
        }
    }

    fn end_pending(&mut self, id: &super::Id) {
        if let (Some(pending), Some(purse)) = (self.pendings.remove(id), self.purses.get_mut(&id.0)) {
            purse.held -= pending.amount;
        }
    }

    pub(super) fn expire_pendings(&mut self, at: u64) {
        let over = |pending: &Pending| pending.until.is_some_and(|until| until <= at);
        let ids: Vec<_> =
            self.pendings.iter().filter(|(_, pending)| over(pending)).map(|(id, _)| id.clone()).collect();
        ids.iter().for_each(|id| self.end_pending(id));
    }

    /// What an account has pending, smallest first.
    pub(super) fn pending_of(&self, account: &str) -> Vec<u64> {
        let own = self.pendings.iter().filter(|((from, _), _)| from == account);
        let mut amounts: Vec<u64> = own.map(|(_, pending)| pending.amount).collect();
        amounts.sort_unstable();
        amounts
    }
}

pub(super) fn reference_of(reference: &PaymentReference) -> super::Id {
    (reference.issuer.as_str().to_owned(), reference.payment.as_str().to_owned())
}
