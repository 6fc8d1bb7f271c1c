//! A sale as messages: each purchase goes through the offering, by a buyer of its own, with two sharers who
//! circulated before. That makes 4 movements (the price, two cashed promises, a return) and 8 messages.

use std::ops::Range;

use hongbao::domain::{
    Command, CommissionTerms, Currency, Information, Message, Money, Name, Offer, Serial, Via,
};

/// How many certificates an offering has.
const ITEMS: u32 = 64;
/// How many shops there are, each with a payer beside it.
const SHOPS: u32 = 32;
/// How many accounts share.
const SHARERS: u32 = 2_048;
pub const PRICE: u64 = 10_000;
pub const FUNDED: u64 = 1_000;
/// What each sharer is cashed.
pub const CASHED: u64 = 200;
/// What goes back to the payer.
pub const RETURNED: u64 = FUNDED - 2 * CASHED;
pub const MOVEMENTS_PER_PURCHASE: u64 = 4;
pub const MESSAGES_PER_PURCHASE: u64 = 8;

/// Who takes part in one purchase; names of 16 bytes.
pub struct Purchase {
    offering: String,
    serial: Serial,
    pub buyer: String,
    pub payee: String,
    pub payer: String,
    pub sharers: [String; 2],
}

/// So many purchases, and all that comes before them.
pub struct Sale {
    pub purchases: Vec<Purchase>,
    offerings: Range<u32>,
    /// How many sales like this its accounts have money for.
    sales: u32,
    /// How many accounts share.
    sharers: u32,
}

fn shop(offering: u32) -> String {
    format!("shop-{:011}", offering % SHOPS)
}

fn payer(offering: u32) -> String {
    format!("payer-{:010}", offering % SHOPS)
}

fn sharer(index: u32) -> String {
    format!("sharer-{index:09}")
}

pub fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

pub fn cents(minor: u64) -> Money {
    Money::from_minor(minor).unwrap()
}

pub fn open(account: &str, deposit: u64) -> Message {
    let (account, currency, deposit) = (name(account), Currency::USD, cents(deposit));
    let command = Command::OpenAccount { account, currency, deposit, credit_limit: Money::ZERO };
    Message::from_funds_management("open", command).unwrap()
}

impl Sale {
    pub fn new(certificates: u32) -> Sale {
        Sale::of(certificates, 0, 1, SHARERS)
    }

    /// That of `sales` sales of so many certificates each; all have the same accounts, which the first one opens. As many share as buy.
    pub fn following(number: u32, sales: u32, certificates: u32) -> Sale {
        Sale::of(certificates, number, sales, certificates)
    }

    fn of(certificates: u32, number: u32, sales: u32, sharers: u32) -> Sale {
        let count = certificates.div_ceil(ITEMS);
        let offerings = number * count..(number + 1) * count;
        let purchase = |index: u32| {
            // Offerings take turns, so that neighbouring purchases have little in common.
            let (offering, serial) = (offerings.start + index % count, Serial(index / count + 1));
            Purchase {
                offering: format!("offering-{offering:07}"),
                serial,
                buyer: format!("buyer-{index:010}"),
                payee: shop(offering),
                payer: payer(offering),
                sharers: [sharer(2 * index % sharers), sharer((2 * index + 1) % sharers)],
            }
        };
        Sale { purchases: (0..certificates).map(purchase).collect(), offerings, sales, sharers }
    }

    pub fn movements(&self) -> u64 {
        self.purchases.len() as u64 * MOVEMENTS_PER_PURCHASE
    }

    pub fn messages(&self) -> u64 {
        self.purchases.len() as u64 * MESSAGES_PER_PURCHASE
    }

    /// Every account and what it opens with.
    pub fn accounts(&self) -> impl Iterator<Item = (String, u64)> {
        let offerings = self.offerings.end - self.offerings.start;
        let sales = u64::from(self.sales);
        let funds = sales * FUNDED * u64::from(offerings.div_ceil(SHOPS) * ITEMS);
        let shops = (0..SHOPS).flat_map(move |index| [(shop(index), 0), (payer(index), funds)]);
        let sharers = (0..self.sharers).map(|index| (sharer(index), 0));
        let buyers = self.purchases.iter().map(move |purchase| (purchase.buyer.clone(), sales * PRICE));
        shops.chain(sharers).chain(buyers)
    }

    /// What comes before the purchases, in phases: each rests on the answers of the one before.
    pub fn phases(&self) -> Vec<Vec<Message>> {
        let accounts = (self.offerings.start == 0).then(|| self.accounts());
        let offerings = || self.offerings.clone().map(|index| (index, name(&format!("offering-{index:07}"))));
        let issue = |(index, offering): (u32, Name)| {
            let lantern = Information::new("lantern", "at purchase");
            let mut offer = Offer::new(name(&shop(index)), cents(PRICE), Currency::USD, ITEMS, lantern);
            offer.payers = vec![name(&payer(index))];
            let issue = Command::Issue { offering, offer: Box::new(offer) };
            Message::from_account(&shop(index), "issue", issue).unwrap()
        };
        let attach = |(index, offering): (u32, Name)| {
            let terms = CommissionTerms::new(cents(FUNDED), cents(CASHED));
            let attach = Command::attach_commission(offering, terms);
            Message::from_account(&payer(index), "attach", attach).unwrap()
        };
        let publish = |(index, offering): (u32, Name)| {
            Message::from_account(&shop(index), "publish", Command::publish(offering)).unwrap()
        };
        let circulate = |place: usize| self.purchases.iter().map(move |purchase| purchase.circulate(place));
        vec![
            accounts.into_iter().flatten().map(|(account, deposit)| open(&account, deposit)).collect(),
            offerings().map(issue).collect(),
            offerings().map(attach).collect(),
            offerings().map(publish).collect(),
            circulate(0).collect(),
            circulate(1).collect(),
        ]
    }

    /// Every buyer asks for any certificate of the first offering.
    pub fn comes_late(&self, round: u32) -> impl Iterator<Item = Message> {
        let id = format!("late-{round}");
        self.purchases.iter().map(move |purchase| {
            let any = Command::purchase(name(&self.purchases[0].offering), None, Via::Public);
            Message::from_account(&purchase.buyer, &id, any).unwrap()
        })
    }

    pub fn buys(&self) -> Vec<Message> {
        self.purchases.iter().map(Purchase::buy).collect()
    }
}

impl Purchase {
    fn circulate(&self, place: usize) -> Message {
        let (offering, serial) = (name(&self.offering), Some(self.serial));
        let circulate = Command::Circulate { offering, serial, via: Via::Public };
        Message::from_account(&self.sharers[place], &format!("share-{}", self.serial.0), circulate).unwrap()
    }

    fn buy(&self) -> Message {
        let (offering, serial) = (name(&self.offering), Some(self.serial));
        let purchase = Command::purchase(offering, serial, Via::Public);
        Message::from_account(&self.buyer, "buy", purchase).unwrap()
    }
}
