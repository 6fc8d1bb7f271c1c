//! The whole market as SPEC tells it: one message after another, with plain numbers and names, knowing nothing of actors,
//! walks, records or time that passes in between.
//!
//! It is written from SPEC and the documented refusal codes alone, row by row, and is naive on purpose: everything is looked
//! for, nothing is indexed. Of a draw, and of which serial it is while others are choosing too, it takes what the engine has
//! answered, once it has seen that it is a legal choice. Absent on purpose: request ids, which whoever asks keeps apart.

mod buying;
mod circulating;
mod commission;
mod engagements;
mod gifts;
mod orders;
mod purses;
mod sales;
mod shown;
mod verdict;

use std::collections::BTreeMap;

pub(crate) use verdict::{Said, Verdict};

use engagements::{Paper, Pending};
use gifts::Gift;
use orders::{Mandate, Order, Registration};
use purses::Purse;
use sales::Sale;
use verdict::{Decided, no, refuse};

use crate::domain::{Caller, Command, Done, Message, Status, StatusChange};

/// What is named by somebody and the id of that one's message.
type Id = (String, String);

/// Everybody's money, and everything that is on sale or promised.
#[derive(Clone, Default)]
pub(crate) struct Model {
    /// Up to here everything has happened that time alone brings about.
    clock: u64,
    purses: BTreeMap<String, Purse>,
    sales: BTreeMap<String, Sale>,
    papers: BTreeMap<Id, Paper>,
    pendings: BTreeMap<Id, Pending>,
    gifts: BTreeMap<Id, Gift>,
    mandates: BTreeMap<Id, Mandate>,
    merchants: BTreeMap<String, Registration>,
    orders: BTreeMap<Id, Order>,
}

/// One message as the model hears it.
#[derive(Clone, Copy)]
struct Asked<'asked> {
    /// Who asks: an account, or nobody for the institution.
    by: Option<&'asked str>,
    /// The id of the message.
    id: &'asked str,
    /// When it was decided.
    now: u64,
    /// What the engine has answered, where there is a choice to take from it.
    done: Option<&'asked Done>,
    /// True where nothing else was under way, so that even a choice must be the one that SPEC tells.
    alone: bool,
}

impl Model {
    /// Decides a message at `now`, after all that was decided before; gives the model behind it, which counts only where the
    /// message was carried out.
    pub(crate) fn decide(
        &self,
        message: &Message,
        now: u64,
        done: Option<&Done>,
        alone: bool,
    ) -> (Verdict, Model) {
        let by = match &message.caller {
            Caller::Account(name) => Some(name.as_str()),
            Caller::FundsManagement => None,
        };
        let asked = Asked { by, id: message.request_id.as_str(), now, done, alone };
        let mut next = self.clone();
        let decided = next.own_commands(asked, &message.command);
        let decided = decided.and_then(|()| next.carry_out(asked, &message.command));
        (Verdict::of(decided), next)
    }

    /// D46: a frozen account sends no commands of its own.
    fn own_commands(&self, asked: Asked<'_>, command: &Command) -> Result<(), verdict::No> {
        let Some(by) = asked.by else { return Ok(()) };
        if matches!(command, Command::OpenAccount { .. }) {
            return Ok(());
        }
        let purse = self.purses.get(by).ok_or_else(|| refuse("unknown_account"))?;
        if purse.frozen { verdict::somehow() } else { Ok(()) }
    }

    fn carry_out(&mut self, asked: Asked<'_>, command: &Command) -> Decided {
        match command {
            Command::OpenAccount { account, deposit, .. } => self.open(account.as_str(), deposit.minor()),
            Command::Deposit { account, amount } => self.deposit(account.as_str(), amount.minor()),
            Command::CashOut { account, amount } => self.cash_out(account.as_str(), amount.minor()),
            Command::SetCreditLimit { account, credit_limit } => {
                self.set_credit(account.as_str(), credit_limit.minor())
            }
            Command::Status { account, change } => self.status(account.as_str(), *change),
            Command::Issue { offering, offer } => self.issue(asked, offering.as_str(), offer),
            Command::Publish { offering, .. } => self.publish(asked, offering.as_str()),
            Command::AttachCommission { offering, terms, funding } => {
                self.attach(asked, offering.as_str(), terms, funding)
            }
            Command::TopUp { offering, serial, amount } => {
                self.top_up(asked, offering.as_str(), serial.0, amount.minor())
            }
            Command::Circulate { offering, serial, via } => {
                self.circulate(asked, offering.as_str(), serial.map(|serial| serial.0), via)
            }
            Command::Acquire { offering, serial } => self.acquire(asked, offering.as_str(), serial.0),
            Command::Purchase { offering, serial, via, paid_from } => {
                self.purchase(asked, offering.as_str(), serial.map(|serial| serial.0), via, paid_from)
            }
            Command::Reserve { offering, serial, via } => {
                self.reserve(asked, offering.as_str(), serial.map(|serial| serial.0), via)
            }
            Command::PayReservation { offering, serial } => self.pay(asked, offering.as_str(), serial.0),
            Command::CancelReservation { offering, serial } => {
                self.cancel(asked, offering.as_str(), serial.0)
            }
            Command::Refund { offering, serial } => self.refund(asked, offering.as_str(), serial.0),
            Command::Payment(command) => self.payment(asked, command),
            Command::Transfer(command) => self.transfer(asked, command),
            Command::Gift(command) => self.gift(asked, command),
            Command::Mandate(command) => self.mandate(asked, command),
            Command::Merchant(command) => self.merchant(asked, command),
            Command::ShowPage { .. }
            | Command::ShowAccount { .. }
            | Command::ShowOffering { .. }
            | Command::ShowCertificate { .. }
            | Command::ShowRequest { .. } => Ok(Said::Anything),
        }
    }

    /// P10: an account begins with what is deposited.
    fn open(&mut self, account: &str, deposit: u64) -> Decided {
        if self.purses.contains_key(account) {
            return no("name_taken");
        }
        self.purses.insert(account.to_owned(), Purse { posted: signed(deposit), ..Purse::default() });
        Ok(Said::Anything)
    }

    /// D22, D46.
    fn status(&mut self, account: &str, change: StatusChange) -> Decided {
        let purse = self.purse(account)?;
        match change {
            StatusChange::Freeze => purse.frozen = true,
            StatusChange::Unfreeze => purse.frozen = false,
            StatusChange::AcceptGifts { by_itself } => purse.accepts_gifts = by_itself,
            StatusChange::Close => return no("account_not_empty"),
        }
        let status = if purse.frozen { Status::Frozen } else { Status::Open };
        Ok(Said::Status { status, accepts_gifts: purse.accepts_gifts })
    }

    /// Up to when everything has happened that time alone brings about.
    pub(crate) fn clock(&self) -> u64 {
        self.clock
    }

    /// Sets the clock back; what has happened stays.
    pub(crate) fn set_back(&mut self, to: u64) {
        self.clock = self.clock.min(to);
    }

    /// Lets time pass, and with it everything happen that it alone brings about, in the order of the instants.
    pub(crate) fn pass(&mut self, to: u64) {
        while let Some(at) = self.next_instant().filter(|at| *at <= to) {
            self.clock = self.clock.max(at);
            self.expire(at);
        }
        self.clock = self.clock.max(to);
    }

    /// The next instant at which something ends.
    pub(crate) fn next_instant(&self) -> Option<u64> {
        let papers = self.papers.values().filter_map(Paper::ends_at);
        let pendings = self.pendings.values().filter_map(|pending| pending.until);
        let gifts = self.gifts.values().filter_map(Gift::ends_at);
        let sales = self.sales.values().filter_map(|sale| sale.ends_at(self.clock));
        papers.chain(pendings).chain(gifts).chain(sales).min()
    }

    fn expire(&mut self, at: u64) {
        self.expire_papers(at);
        self.expire_pendings(at);
        self.expire_gifts(at);
        self.expire_sales(at);
    }
}

/// Minor units that may be below 0.
fn signed(amount: u64) -> i64 {
    i64::try_from(amount).unwrap_or(i64::MAX)
}

/// Minor units, which are not below 0.
fn unsigned(amount: i64) -> u64 {
    u64::try_from(amount).unwrap_or(0)
}
