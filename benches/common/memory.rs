//! What stays in memory of each thing: growth of the resident set, by the program's own allocator, in a house with its
//! door and directory and without a journal.

use std::fs;
use std::io::Write;

use hongbao::domain::{Command, CommissionTerms, Currency, Information, Message, Offer, Serial, Via};

use super::sale::{CASHED, FUNDED, PRICE, cents, name, open};
use super::world::Stage;

/// How many accounts there are, unless it is told otherwise.
pub const ACCOUNTS: u32 = 10_000_000;
/// How many certificates are circulated and sold, of an offering of that many.
const CERTIFICATES: u32 = 500_000;
/// How long the long chain is.
const HOPS: u32 = 200_000;
/// How many messages are made at once, so that they are little beside what they make.
const MADE_AT_ONCE: u32 = 16_384;

/// Prints the table, for so many accounts.
pub fn print(accounts: u32) {
    assert!(accounts >= CERTIFICATES.max(HOPS), "every buyer and sharer has an account of its own");
    let mut stage = Stage::empty();
    // What the first messages leave behind in the allocator is nobody's.
    send(&mut stage, 0..MADE_AT_ONCE, |number| open(&account("early", number), 0));
    let mut out = std::io::stdout().lock();
    writeln!(out, "\n| what | number | bytes each | all |\n|---|---:|---:|---:|").unwrap();
    let mut row = |what: &str, number: u32, before: u64| {
        let grown = resident().saturating_sub(before);
        let (each, all) = (grown as f64 / f64::from(number), grown as f64 / (1 << 20) as f64);
        writeln!(out, "| {what} | {number} | {each:.0} | {all:.0} MiB |").unwrap();
        out.flush().unwrap();
    };

    let before = resident();
    send(&mut stage, 0..accounts, |number| open(&account("acct", number), PRICE));
    row("an idle account, its name of 16 bytes in the directory", accounts, before);

    let before = resident();
    stage.send(&[open(&account("shop", 0), u64::from(CERTIFICATES + 1) * FUNDED)]);
    for (name, items) in [("lanterns", CERTIFICATES), ("chained", 1)] {
        for message in on_sale(name, items) {
            stage.send(&[message]);
        }
    }
    row("an untouched certificate", CERTIFICATES, before);

    let before = resident();
    for round in 0..2 {
        send(&mut stage, 0..CERTIFICATES, |number| {
            circulate("lanterns", number + 1, (number + round) % accounts)
        });
    }
    row("a certificate that two have circulated, all of it", CERTIFICATES, before);
    send(&mut stage, 0..CERTIFICATES, buy);
    row("the same once it is sold", CERTIFICATES, before);

    let before = resident();
    send(&mut stage, 0..HOPS, |number| circulate("chained", 1, number));
    row("a hop of a long chain", HOPS, before);
}

fn send(stage: &mut Stage, numbers: std::ops::Range<u32>, message: impl Fn(u32) -> Message) {
    for first in numbers.clone().step_by(MADE_AT_ONCE as usize) {
        let messages: Vec<Message> = (first..numbers.end.min(first + MADE_AT_ONCE)).map(&message).collect();
        stage.send(&messages);
    }
}

/// A name of sixteen bytes.
fn account(kind: &str, number: u32) -> String {
    format!("{kind:<6}{number:010}").replace(' ', "-")
}

fn on_sale(offering: &str, items: u32) -> [Message; 3] {
    let (shop, offering) = (account("shop", 0), name(offering));
    let lantern = Information::new("lantern", "at purchase");
    let offer = Offer::new(name(&shop), cents(PRICE), Currency::USD, items, lantern);
    let issue = Command::Issue { offering: offering.clone(), offer: Box::new(offer) };
    let terms = CommissionTerms::new(cents(FUNDED), cents(CASHED));
    let attach = Command::attach_commission(offering.clone(), terms);
    [("issue", issue), ("attach", attach), ("publish", Command::publish(offering))]
        .map(|(id, command)| Message::from_account(&shop, id, command).unwrap())
}

fn circulate(offering: &str, serial: u32, sharer: u32) -> Message {
    let (offering, serial) = (name(offering), Some(Serial(serial)));
    let command = Command::Circulate { offering, serial, via: Via::Public };
    Message::from_account(&account("acct", sharer), &format!("share-{sharer}"), command).unwrap()
}

fn buy(number: u32) -> Message {
    let command = Command::purchase(name("lanterns"), Some(Serial(number + 1)), Via::Public);
    Message::from_account(&account("acct", number), "buy", command).unwrap()
}

/// The memory of this process that is there, in bytes.
pub fn resident() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1_024
}
