//! What the events of one certificate come to: who bought it, who is paid, who cashed how much.
//!
//! Bytes may be anybody's, so nothing here rests on them being true: every sum is checked, and every step may refuse. It is written
//! apart from the certificate's own `absorb`, which may rest on its decisions, so that two readings of the same events have to agree.
//! Absent on purpose: hashes, names and text.

use std::collections::BTreeMap;
use std::mem;

use super::Entry;
use crate::codec::{self, CodecError};
use crate::domain::{
    ActorNumber, Birth, CertificateEvent, Clawback, Currency, Event, Money, RequestMark, Serial, Settlement,
    Timestamp,
};

/// What a certificate's events say of its sale.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Ledger {
    pub offering: ActorNumber,
    pub serial: Serial,
    pub currency: Currency,
    pub price: Money,
    pub payee: ActorNumber,
    pub supplier: ActorNumber,
    pub clawback: Clawback,
    /// Who funded the commission, where there is one.
    pub payer: Option<ActorNumber>,
    /// What the commission was funded with, top-ups included.
    pub funded: Money,
    /// In the order of the chain.
    pub hops: Vec<Hop>,
    /// Whose promises above 0 are not cashed, as places in `hops`.
    uncashed: BTreeMap<ActorNumber, Vec<usize>>,
    pub sale: Option<Sold>,
    pub refund: Option<Back>,
    /// True once the commission has gone home.
    withdrawn: bool,
    settled: bool,
    refunding: bool,
}

/// One who has shared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Hop {
    pub account: ActorNumber,
    acquired: bool,
    pub promise: Money,
    pub cashed: bool,
}

/// The sale.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Sold {
    pub buyer: ActorNumber,
    pub at: Timestamp,
    pub mark: RequestMark,
    pub became: Settlement,
    /// The number of its entry in the chain.
    pub entry: u64,
    /// What had been cashed before it.
    cashed_before: Money,
    /// How many of its promises were cashed with it, and their sum.
    cashed_with: (u32, Money),
}

/// The refund.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Back {
    pub at: Timestamp,
    pub paid: Money,
    pub owed: Money,
}

/// Why events are not those of a sold certificate, in words.
type Wrong = String;

fn wrong<T>(why: &str) -> Result<T, Wrong> {
    Err(why.to_owned())
}

fn sum(one: Money, other: Money) -> Result<Money, Wrong> {
    one.checked_add(other).ok_or_else(|| "its amounts add up to more than there can be".to_owned())
}

/// Reads the events of an entry one after the other.
fn read_events(encoded: &[u8], mut take: impl FnMut(&Event) -> Result<(), Wrong>) -> Result<(), Wrong> {
    let unreadable = |error: CodecError| format!("it cannot be read: {error}");
    let (count, mut rest) = codec::decode_front::<u64>(encoded).map_err(unreadable)?;
    if count == 0 {
        return wrong("it has no event");
    }
    for _ in 0..count {
        let event;
        (event, rest) = codec::decode_front::<Event>(rest).map_err(unreadable)?;
        take(&event)?;
    }
    if rest.is_empty() { Ok(()) } else { wrong("it has bytes behind its end") }
}

impl Ledger {
    /// The ledger that a certificate's first event begins.
    fn begun(birth: &Birth) -> Result<Ledger, Wrong> {
        let funded = match &birth.envelope {
            Some(envelope) => sum(envelope.terms.funded, envelope.topped_up)?,
            None => Money::ZERO,
        };
        Ok(Ledger {
            offering: birth.offering,
            serial: birth.serial,
            currency: birth.currency,
            price: birth.price,
            payee: birth.payee,
            supplier: birth.supplier,
            clawback: birth.refund.clawback,
            payer: birth.envelope.as_ref().map(|envelope| envelope.payer),
            funded,
            hops: Vec::new(),
            uncashed: BTreeMap::new(),
            sale: None,
            refund: None,
            withdrawn: false,
            settled: false,
            refunding: false,
        })
    }

    /// The ledger of all entries of a certificate's chain. Events are taken one by one as they are read, so that no bytes ask for more
    /// memory than they have.
    ///
    /// # Errors
    /// What is wrong, and in which entry.
    pub fn of(number: ActorNumber, entries: &[Entry]) -> Result<Ledger, Wrong> {
        let (mut ledger, mut former) = (None, Timestamp::default());
        for (entry, Entry { at, events }) in (1_u64..).zip(entries) {
            let in_entry = |why: Wrong| format!("entry {entry}: {why}");
            if *at < former {
                return Err(in_entry("its time is before that of the entry before".to_owned()));
            }
            former = *at;
            read_events(events, |event| Ledger::next(&mut ledger, entry, *at, event)).map_err(in_entry)?;
        }
        let ledger = ledger.ok_or_else(|| "the chain has no event".to_owned())?;
        if ledger.offering.0.checked_add(u64::from(ledger.serial.0)) != Some(number.0) {
            return wrong("the certificate's number is not that of its offering and its serial");
        }
        ledger.adds_up()?;
        Ok(ledger)
    }

    fn next(ledger: &mut Option<Ledger>, entry: u64, at: Timestamp, event: &Event) -> Result<(), Wrong> {
        let Event::Certificate(event) = event else { return wrong("an event is not a certificate's") };
        match (ledger, event) {
            (ledger @ None, CertificateEvent::Begun(birth)) => {
                *ledger = Some(Ledger::begun(birth)?);
                Ok(())
            }
            (None, _) => wrong("the certificate has not begun"),
            (Some(ledger), event) => ledger.take(entry, at, event),
        }
    }

    fn take(&mut self, entry: u64, at: Timestamp, event: &CertificateEvent) -> Result<(), Wrong> {
        match event {
            CertificateEvent::Begun(_) => return wrong("the certificate begins twice"),
            CertificateEvent::Linked { .. }
            | CertificateEvent::Acquired { .. }
            | CertificateEvent::OthersCashed(_)
            | CertificateEvent::ToppedUp(_)
                if self.sale.is_some() =>
            {
                return wrong("it is shared, acquired, cashed or topped up though it is sold");
            }
            CertificateEvent::Linked { account, .. } => {
                self.hops.push(Hop {
                    account: *account,
                    acquired: false,
                    promise: Money::ZERO,
                    cashed: false,
                });
            }
            CertificateEvent::Acquired { hop, amount, .. } => {
                let place = hop.checked_sub(1).and_then(|place| usize::try_from(place).ok());
                let Some(hop) = place.and_then(|place| self.hops.get_mut(place)) else {
                    return wrong("who acquires is not in the chain");
                };
                if hop.acquired {
                    return wrong("a right is used twice");
                }
                (hop.acquired, hop.promise) = (true, *amount);
                if let (Some(place), false) = (place, amount.is_zero()) {
                    self.uncashed.entry(hop.account).or_default().push(place);
                }
            }
            CertificateEvent::OthersCashed(account) => drop(self.cash(Some(*account))),
            CertificateEvent::Withdrawn(_) if self.withdrawn || self.settled => {
                return wrong("the commission ends twice");
            }
            CertificateEvent::Withdrawn(_) => self.withdrawn = true,
            CertificateEvent::Sold { .. } if self.sale.is_some() => {
                return wrong("the certificate is sold twice");
            }
            CertificateEvent::Sold { buyer, mark, commission, .. } => {
                self.sale = Some(Sold {
                    buyer: *buyer,
                    at,
                    mark: mark.clone(),
                    became: *commission,
                    entry,
                    cashed_before: self.cashed()?,
                    cashed_with: (0, Money::ZERO),
                });
            }
            CertificateEvent::Settled => {
                if self.withdrawn || self.settled || self.sale.is_none() {
                    return wrong("a commission is settled that is not there, or by no sale");
                }
                let promises = self.cash(None);
                self.settled = true;
                let cashed = self.cashed()?;
                if let Some(sale) = &mut self.sale {
                    let with = cashed.checked_sub(sale.cashed_before).unwrap_or_default();
                    sale.cashed_with = (promises, with);
                }
            }
            CertificateEvent::ToppedUp(amount) => self.funded = sum(self.funded, *amount)?,
            CertificateEvent::RefundBegun(..)
                if self.sale.is_none() || self.refunding || self.refund.is_some() =>
            {
                return wrong("a refund begins where nothing is to be refunded");
            }
            CertificateEvent::RefundBegun(..) => self.refunding = true,
            CertificateEvent::RefundUndone if !self.refunding || self.refund.is_some() => {
                return wrong("a refund is undone that is not under way");
            }
            CertificateEvent::RefundUndone => self.refunding = false,
            CertificateEvent::Refunded { paid, owed } => {
                if !self.refunding || self.refund.is_some() {
                    return wrong("a refund ends that has not begun");
                }
                if sum(*paid, *owed)? != self.price {
                    return wrong("what is paid back and what is owed are not the price");
                }
                self.refund = Some(Back { at, paid: *paid, owed: *owed });
            }
            CertificateEvent::Increased(_)
            | CertificateEvent::ReserveShort
            | CertificateEvent::Prompted
            | CertificateEvent::PageSent { .. }
            | CertificateEvent::PageCreditAbsorbed
            | CertificateEvent::Drawn(_) => {}
        }
        Ok(())
    }

    /// Cashes the promises of everyone but one; gives how many they are. However often it is asked, each promise costs once.
    fn cash(&mut self, but: Option<ActorNumber>) -> u32 {
        let kept = but.and_then(|account| self.uncashed.remove_entry(&account));
        let mut promises = 0;
        for place in mem::take(&mut self.uncashed).into_values().flatten() {
            if let Some(hop) = self.hops.get_mut(place) {
                hop.cashed = true;
                promises += 1;
            }
        }
        self.uncashed.extend(kept);
        promises
    }

    /// All that was cashed.
    pub fn cashed(&self) -> Result<Money, Wrong> {
        let cashed = self.hops.iter().filter(|hop| hop.cashed);
        cashed.map(|hop| hop.promise).try_fold(Money::ZERO, sum)
    }

    /// What has gone back to the commission's payer.
    pub fn returned(&self) -> Result<Money, Wrong> {
        let returned = self.funded.checked_sub(self.cashed()?);
        returned.ok_or_else(|| "more was cashed than the commission was funded with".to_owned())
    }

    /// What the sale says of the commission is what the other events come to.
    fn adds_up(&self) -> Result<(), Wrong> {
        let Some(sale) = &self.sale else { return Ok(()) };
        let (ended, rest) = (self.withdrawn || self.settled, self.returned()?);
        match sale.became {
            Settlement::Settled { cashed, promises, returned } => {
                if !self.settled || self.withdrawn || sale.cashed_with != (promises, cashed) {
                    return wrong("the sale says another sum, or other promises, than were cashed with it");
                }
                if returned != rest {
                    return wrong("what was cashed and what went home are not what the commission had");
                }
            }
            Settlement::Withdrawn { returned, .. } => {
                if !self.withdrawn || self.settled || returned != rest {
                    return wrong("the commission did not go home as the sale says");
                }
            }
            Settlement::None if self.settled || (self.payer.is_some() && !ended) => {
                return wrong("the sale knows of no commission, and there is one");
            }
            Settlement::None => {}
        }
        Ok(())
    }
}
