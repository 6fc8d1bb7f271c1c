//! The audit: reads a store and writes nothing in it, recomputes every chain, balance and invariant, finishes
//! what is unfinished in memory, and says the totals or the first difference (DESIGN §6).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::config::Progress;
use super::digest::state_digest;
use super::error::EngineError;
use super::held::{Base, Held};
use super::restore;
use crate::actors::{House, RecoveryError, Replay, ReplayError, invariants, unfinished_walks};
use crate::domain::{Account, Currency, GiftState, Position, Resident};
use crate::journal::{Cut, DataFolder, FileLog, FolderDisk, JournalError};

/// A store that is sound.
#[derive(Clone, Debug)]
pub struct Audit {
    /// What it holds, unfinished walks finished.
    pub totals: Totals,
    /// True where the engine was closed, false where it was cut off.
    pub sealed: bool,
    /// What an opening would cut from the end of the log.
    pub cut: Option<Cut>,
    /// The first record from which every chain is proved.
    pub proved_from: Position,
    /// The newest record of the journal; 0 where there is none.
    pub newest: Position,
    /// Snapshots whose every state was held against the journal.
    pub snapshots: u64,
    /// Snapshots that an opening would pass over, and why.
    pub passed_over: Vec<String>,
}

impl Audit {
    /// True where the store was begun and nothing was ever recorded in it.
    #[must_use]
    pub fn nothing(&self) -> bool {
        self.totals.records == 0 && self.proved_from == Position(1)
    }
}

/// Sums over the whole store. Money is counted in minor units, by currency.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Open accounts.
    pub accounts: u64,
    /// Certificates issued, touched or not.
    pub certificates: u64,
    /// Certificates sold.
    pub sold: u64,
    /// Certificates reserved now.
    pub reserved: u64,
    /// Certificates whose purchase was paid back; they stay sold.
    pub refunded: u64,
    /// Accepted circulations.
    pub circulations: u64,
    /// Gifts given, whatever became of them.
    pub gifts_given: u64,
    /// Gifts withheld, or spent by a purchase of their recipient's.
    pub gifts_withheld: u64,
    /// Gifts come home: declined, expired, returned or reversed.
    pub gifts_home: u64,
    /// Gifts that wait to be accepted or withheld.
    pub gifts_waiting: u64,
    /// Records in the log.
    pub records: u64,
    /// Walks that were unfinished in the log.
    pub unfinished_walks: u64,
    /// The money, by currency.
    pub money: BTreeMap<Currency, CurrencyTotals>,
    /// See `digest`.
    pub state_digest: String,
}

/// Sums of one currency, in minor units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct CurrencyTotals {
    /// All posted balances.
    pub posted: i128,
    /// What of them is held for payment certificates, reservations and pending transfers.
    pub held: i128,
    /// All gifts that wait, which are no part of posted balances.
    pub earmarked: i128,
    /// All reserve, attached and promised commission.
    pub envelopes: i128,
    /// All that came in.
    pub deposits: i128,
    /// All that went out.
    pub cash_outs: i128,
    /// The prices of all sold certificates.
    pub revenue: i128,
    /// What payers have funded for commissions, envelopes of untouched certificates included.
    pub commission_funded: i128,
    /// All cashed commission.
    pub commission_cashed: i128,
    /// All commission that went back to its payer.
    pub commission_returned: i128,
    /// What accounts owe to each other behind refunds and reversals.
    pub debts: i128,
    /// The prices of all gifts given.
    pub gift_money: i128,
    /// Of them of those that were withheld.
    pub gift_money_withheld: i128,
    /// Of them of those that have come home.
    pub gift_money_home: i128,
}

/// The store cannot be read, or is not sound.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// It cannot be read, or its bytes are damaged.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// There is nothing to audit: a store was begun, or its journal is lost, and nothing tells which.
    #[error(
        "{} holds no segment: the store is empty, nothing was ever recorded in it; where something was, restore it from a copy",
        journal.display()
    )]
    Empty {
        /// The folder where the segments would be.
        journal: PathBuf,
    },
    /// The journal and the snapshots do not fit each other.
    #[error(transparent)]
    Store(#[from] EngineError),
    /// A record does not follow from the ones before it.
    #[error("first difference: {0}")]
    Record(#[from] ReplayError),
    /// The records follow from each other, and what they add up to breaks an invariant.
    #[error("first difference: {0}")]
    Invariant(String),
}

impl From<RecoveryError> for AuditError {
    fn from(error: RecoveryError) -> AuditError {
        match error {
            RecoveryError::Journal(error) => AuditError::Journal(error),
            RecoveryError::Replay(error) => AuditError::Record(error),
        }
    }
}

/// Audits the store in a folder.
///
/// # Errors
/// The first difference, or why the store cannot be read.
pub fn audit(folder: &Path) -> Result<Audit, AuditError> {
    audit_telling(folder, &Progress::default())
}

/// Audits the store in a folder, and tells how far it has come.
///
/// # Errors
/// As `audit`.
pub fn audit_telling(folder: &Path, progress: &Progress) -> Result<Audit, AuditError> {
    let folder = DataFolder::inspect(folder)?;
    let (log, opened) = FileLog::inspect(FolderDisk::new(folder.journal()))?;
    if log.journal_identity().is_none() {
        return Err(AuditError::Empty { journal: folder.journal() });
    }
    let base = Base::of(&log, &folder)?;
    let Base { mut replay, mut held, passed_over, snapshots } = base;
    replay.read_messages();
    let proved_from = Position(replay.newest().0 + 1);
    let compares = !held.is_empty();
    let mut compare = |replay: &Replay, position, actor| {
        held.iter_mut().try_for_each(|held| held.compare(replay, position, actor))
    };
    restore::read_into(&log, &mut replay, progress, if compares { Some(&mut compare) } else { None })?;
    held.iter().try_for_each(Held::end).map_err(AuditError::Invariant)?;
    let undelivered = replay.undelivered()?;
    invariants::check(replay.houses(), &undelivered).map_err(AuditError::Invariant)?;
    let (records, unfinished) = (replay.records(), unfinished_walks(&undelivered));
    let in_journal = replay.newest();
    let mut newest = in_journal;
    let (houses, _) = replay.finish(&mut |batch| {
        let first = Position(newest.0 + 1);
        newest = Position(newest.0 + batch.records());
        batch.clear();
        Ok(first)
    })?;
    invariants::check(&houses, &[]).map_err(AuditError::Invariant)?;
    let mut totals = totals(&houses);
    totals.records = records;
    totals.unfinished_walks = unfinished as u64;
    totals.state_digest = state_digest(&houses);
    Ok(Audit {
        totals,
        sealed: opened.sealed,
        cut: opened.cut,
        proved_from,
        newest: in_journal,
        snapshots,
        passed_over,
    })
}

fn totals(houses: &[House]) -> Totals {
    let mut totals = Totals::default();
    for (_, room) in houses.iter().flat_map(House::rooms) {
        match &room.resident {
            Resident::Account(account) => {
                totals.accounts += 1;
                add_gifts(&mut totals, account);
                let money = totals.money.entry(account.currency()).or_default();
                money.posted += i128::from(account.posted().minor());
                money.held += i128::from(account.held().minor());
                money.earmarked += i128::from(account.earmarked().minor());
                money.debts +=
                    account.debts().iter().map(|debt| i128::from(debt.amount.minor())).sum::<i128>();
                money.deposits += account.deposits() as i128;
                money.cash_outs += account.cash_outs() as i128;
            }
            Resident::Offering(offering) => {
                totals.certificates += u64::from(offering.offer().items);
                totals.sold += u64::from(offering.stock().sold());
                totals.reserved += u64::from(offering.stock().reserved());
                let money = totals.money.entry(offering.offer().currency).or_default();
                money.envelopes += i128::try_from(offering.envelopes()).unwrap_or(i128::MAX);
                money.commission_funded += i128::from(offering.funded_at_home().0);
                money.commission_returned += i128::from(offering.funded_at_home().1);
            }
            Resident::Certificate(certificate) => {
                totals.circulations += u64::from(certificate.hop_count());
                totals.refunded += u64::from(certificate.refunded().is_some());
                let (birth, buckets) = (certificate.birth(), certificate.buckets());
                let money = totals.money.entry(birth.currency).or_default();
                money.envelopes += i128::try_from(certificate.envelope()).unwrap_or(i128::MAX);
                money.commission_funded += i128::from(certificate.funded().minor());
                money.commission_cashed += i128::from(buckets.cashed.minor());
                money.commission_returned += i128::from(buckets.returned.minor());
                if certificate.sale().is_some() {
                    money.revenue += i128::from(birth.price.minor());
                }
            }
        }
    }
    totals
}

/// Adds the gifts that an account was given: with no walk under way, each that was given is at its recipient (I15).
fn add_gifts(totals: &mut Totals, account: &Account) {
    let money = totals.money.entry(account.currency()).or_default();
    for (_, gift) in account.gifts() {
        let price = i128::from(gift.price.minor());
        totals.gifts_given += 1;
        money.gift_money += price;
        match gift.state {
            GiftState::Requested | GiftState::Accepted => totals.gifts_waiting += 1,
            GiftState::Withheld | GiftState::Provided => {
                totals.gifts_withheld += 1;
                money.gift_money_withheld += price;
            }
            GiftState::Declined | GiftState::Expired | GiftState::Returned | GiftState::Reversed => {
                totals.gifts_home += 1;
                money.gift_money_home += price;
            }
        }
    }
}
