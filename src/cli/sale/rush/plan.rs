//! What a rush is going to do, worked out from its size and seed, so that every run of it sends the same
//! messages.
//!
//! The rules: a certificate costs 100.00; commission as in a sale of orders, 10 % of the price funded and 2 %
//! attached. Certificate by certificate, the sharers are the next ones of a pool, and all of them circulate.
//! Then the buyers come, in a drawn order, each for any certificate of one offering.
//!
//! Absent on purpose: lists of messages. Each is made from its number when it is sent.

use std::ops::Range;

use sha2::{Digest, Sha256};

use super::super::super::failure::Failure;
use super::super::super::orders::ORDERS_CURRENCY;
use super::super::draw::Shuffle;
use super::super::options::{Rush, share_text};
use super::super::plan::{ATTACHED_BASIS_POINTS, FUNDED_BASIS_POINTS, SUPPLIER, open};
use crate::domain::{
    BasisPoints, Command, CommissionTerms, Information, Message, Money, Name, Offer, Refusal, Serial, Via,
};
use crate::limits::{RUSH_CIRCULATIONS_MAX, RUSH_IN_FLIGHT_MAX, RUSH_SHARERS};

const PRICE_MINOR: u64 = 10_000;
const PURPOSE_ARRIVAL: u64 = 1;
const PURPOSE_BROKE: u64 = 2;

/// The whole rush. Buyers, certificates and offerings are numbered from 0.
pub(super) struct Plan {
    pub(super) rush: Rush,
    /// The hot one first. One without certificates has no buyers either, and is not issued.
    pub(super) offerings: Vec<Offering>,
    /// How many buyers cannot pay.
    pub(super) broke: u32,
    pub(super) price: Money,
    /// For each certificate.
    pub(super) funded: Money,
    pub(super) attached: Money,
    supplier_deposit: Money,
    opening_id: String,
    arrival: Shuffle,
    broke_draw: Shuffle,
}

/// One offering of the rush.
pub(super) struct Offering {
    pub(super) name: Name,
    pub(super) items: u32,
    pub(super) buyers: u32,
    /// How many of its buyers can pay.
    pub(super) solvent: u32,
    /// The number of its first certificate.
    first: u32,
}

impl Offering {
    /// How many of its certificates must be sold in the end.
    pub(super) fn expected(&self) -> u32 {
        self.items.min(self.solvent)
    }
}

/// So much of a number, half up.
fn part_of(number: u32, share: BasisPoints) -> u32 {
    let whole = u64::from(BasisPoints::MAX);
    let part = (u64::from(number) * u64::from(share.get()) + whole / 2) / whole;
    u32::try_from(part).unwrap_or(number)
}

/// The share that place `index` of so many gets of a number, the rest going to the first ones.
fn evenly(number: u32, index: u32, places: u32) -> u32 {
    number / places + u32::from(index < number % places)
}

impl Plan {
    pub(super) fn new(rush: &Rush) -> Result<Plan, Failure> {
        let other = |error: String| Failure::Other(error);
        let circulations = u64::from(rush.certificates) * u64::from(rush.sharers);
        if circulations > RUSH_CIRCULATIONS_MAX {
            return Err(Failure::Arguments(format!(
                "--certificates times --sharers is {circulations}: give at most {RUSH_CIRCULATIONS_MAX}"
            )));
        }
        let in_flight = u64::from(rush.batch) * u64::from(rush.at_once);
        if in_flight > u64::from(RUSH_IN_FLIGHT_MAX) {
            return Err(Failure::Arguments(format!(
                "--batch times --at-once is {in_flight}: give at most {RUSH_IN_FLIGHT_MAX}"
            )));
        }
        let price = Money::from_minor(PRICE_MINOR).map_err(|error| other(error.to_string()))?;
        let share = |basis_points| {
            let part = BasisPoints::new(basis_points).map_err(|error| other(error.to_string()))?;
            Ok::<Money, Failure>(price.share(part))
        };
        let funded = share(FUNDED_BASIS_POINTS)?;
        let supplier_deposit = funded
            .checked_times(u64::from(rush.certificates))
            .ok_or_else(|| other("the commission is more than an amount may be".to_owned()))?;
        let mut plan = Plan {
            offerings: offerings(rush)?,
            broke: part_of(rush.buyers, rush.broke),
            price,
            funded,
            attached: share(ATTACHED_BASIS_POINTS)?,
            supplier_deposit,
            opening_id: opening_id(rush),
            arrival: Shuffle::new(rush.buyers, rush.seed, PURPOSE_ARRIVAL),
            broke_draw: Shuffle::new(rush.buyers, rush.seed, PURPOSE_BROKE),
            rush: rush.clone(),
        };
        for buyer in 0..rush.buyers {
            let offering = plan.offering_of_buyer(buyer);
            plan.offerings[offering].solvent += u32::from(!plan.is_broke(buyer));
        }
        Ok(plan)
    }

    fn is_broke(&self, buyer: u32) -> bool {
        self.broke > 0 && self.broke_draw.place(buyer) < self.broke
    }

    fn offering_of_buyer(&self, buyer: u32) -> usize {
        match buyer.checked_sub(self.offerings[0].buyers) {
            None => 0,
            Some(other) => 1 + (other % self.rush.others) as usize,
        }
    }

    /// How many accounts circulate.
    pub(super) fn sharers(&self) -> u32 {
        let circulations = u64::from(self.rush.certificates) * u64::from(self.rush.sharers);
        u32::try_from(circulations).map_or(RUSH_SHARERS, |circulations| circulations.min(RUSH_SHARERS))
    }

    /// The numbers of the offerings that are there. Only the hot one before them may be missing, and the last ones, of
    /// which there are more than certificates are left.
    pub(super) fn issued(&self) -> Range<u32> {
        let missing = |offering: &&Offering| offering.items == 0;
        let before = self.offerings.iter().take_while(missing).count();
        let behind = self.offerings.iter().rev().take_while(missing).count();
        // As many as options let there be.
        before as u32..(self.offerings.len() - behind) as u32
    }

    /// What all buyers open with, and the supplier.
    pub(super) fn deposits(&self) -> i128 {
        let solvent = i128::from(self.rush.buyers - self.broke);
        solvent * i128::from(self.price.minor()) + i128::from(self.supplier_deposit.minor())
    }

    /// Opens the supplier. Its request id is a digest of the rush, so that another sale's folder refuses it.
    pub(super) fn open_supplier(&self) -> Result<Message, Refusal> {
        open(SUPPLIER, &self.opening_id, self.supplier_deposit)
    }

    /// Opens a sharer.
    pub(super) fn open_sharer(&self, sharer: u32) -> Result<Message, Refusal> {
        open(&sharer_name(sharer), "open", Money::ZERO)
    }

    /// Opens a buyer.
    pub(super) fn open_buyer(&self, buyer: u32) -> Result<Message, Refusal> {
        let deposit = if self.is_broke(buyer) { Money::ZERO } else { self.price };
        open(&buyer_name(buyer), "open", deposit)
    }

    pub(super) fn issue(&self, offering: u32) -> Result<Message, Refusal> {
        let Offering { name, items, .. } = &self.offerings[offering as usize];
        let information =
            Information::new(format!("Product {}", offering + 1), "at purchase, from posted balance");
        let offer = Offer::new(Name::new(SUPPLIER)?, self.price, ORDERS_CURRENCY, *items, information);
        let issue = Command::Issue { offering: name.clone(), offer: Box::new(offer) };
        Message::from_account(SUPPLIER, "issue", issue)
    }

    pub(super) fn attach(&self, offering: u32) -> Result<Message, Refusal> {
        let offering = self.offerings[offering as usize].name.clone();
        let terms = CommissionTerms::new(self.funded, self.attached);
        Message::from_account(SUPPLIER, "attach", Command::attach_commission(offering, terms))
    }

    pub(super) fn publish(&self, offering: u32) -> Result<Message, Refusal> {
        let offering = self.offerings[offering as usize].name.clone();
        Message::from_account(SUPPLIER, "publish", Command::publish(offering))
    }

    pub(super) fn show_offering(&self, offering: u32) -> Result<Message, Refusal> {
        let offering = self.offerings[offering as usize].name.clone();
        Message::from_account(SUPPLIER, "show", Command::ShowOffering { offering })
    }

    /// Shows a certificate without its chain.
    pub(super) fn show_certificate(&self, certificate: u32) -> Result<Message, Refusal> {
        let (offering, serial) = self.certificate(certificate);
        let show = Command::ShowCertificate { offering, serial, from_hop: u32::MAX };
        Message::from_account(SUPPLIER, "show", show)
    }

    /// The circulation of a certificate in this round. An offering recognises ids over all its certificates.
    pub(super) fn circulate(&self, certificate: u32, round: u32) -> Result<Message, Refusal> {
        let number = u64::from(certificate) * u64::from(self.rush.sharers) + u64::from(round);
        let sharer = sharer_name((number % u64::from(RUSH_SHARERS)) as u32);
        let (offering, serial) = self.certificate(certificate);
        let circulate = Command::Circulate { offering, serial: Some(serial), via: Via::Public };
        Message::from_account(&sharer, &format!("circulate-{}", certificate + 1), circulate)
    }

    /// The purchase of the buyer who comes at this place.
    pub(super) fn buy(&self, place: u32) -> Result<Message, Refusal> {
        let buyer = self.arrival.place(place);
        let offering = self.offerings[self.offering_of_buyer(buyer)].name.clone();
        let purchase = Command::purchase(offering, None, Via::Public);
        Message::from_account(&buyer_name(buyer), "buy", purchase)
    }

    fn certificate(&self, certificate: u32) -> (Name, Serial) {
        let behind =
            self.offerings.partition_point(|offering| offering.first + offering.items <= certificate);
        let offering = &self.offerings[behind];
        (offering.name.clone(), Serial(certificate - offering.first + 1))
    }

    /// All certificates.
    pub(super) fn certificates(&self) -> Range<u32> {
        0..self.rush.certificates
    }
}

/// Buyers and certificates on the offerings: the hot one's share, half up, at least one certificate where it
/// has buyers; the others evenly, the rest to the first ones.
fn offerings(rush: &Rush) -> Result<Vec<Offering>, Failure> {
    let hot_buyers = part_of(rush.buyers, rush.hot);
    let hot_items = part_of(rush.certificates, rush.hot).max(u32::from(hot_buyers > 0));
    let others = others_of(rush);
    let mut offerings = Vec::new();
    let mut first = 0;
    for number in 0..=others {
        let (items, buyers) = match number.checked_sub(1) {
            None => (hot_items, hot_buyers),
            Some(other) => (
                evenly(rush.certificates - hot_items, other, others),
                evenly(rush.buyers - hot_buyers, other, others),
            ),
        };
        let number = number + 1;
        if items == 0 && buyers > 0 {
            return Err(Failure::Arguments(format!(
                "offering {number} would have buyers and no certificate, because --hot {} leaves {} of \
                 {} certificates to {others} others: give more --certificates, or --hot 1",
                share_text(rush.hot),
                rush.certificates - hot_items,
                rush.certificates,
            )));
        }
        let name =
            Name::new(format!("offering-{number}")).map_err(|refusal| Failure::Other(refusal.to_string()))?;
        offerings.push(Offering { name, items, buyers, solvent: 0, first });
        first += items;
    }
    Ok(offerings)
}

/// How many other offerings than the hot one there are.
fn others_of(rush: &Rush) -> u32 {
    if rush.hot.get() == BasisPoints::MAX { 0 } else { rush.others }
}

/// A digest of everything that makes this rush another one than others.
fn opening_id(rush: &Rush) -> String {
    let Rush { buyers, certificates, sharers, hot, others: _, broke, seed, batch: _, at_once: _ } = rush;
    let (others, hot, broke) = (others_of(rush), hot.get(), broke.get());
    let text = format!("rush 2: {buyers} {certificates} {sharers} {hot} {others} {broke} {seed}");
    let digest = Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    format!("sale-{digest}")
}

fn sharer_name(sharer: u32) -> String {
    format!("sharer-{}", sharer + 1)
}

fn buyer_name(buyer: u32) -> String {
    format!("buyer-{:06}", buyer + 1)
}
