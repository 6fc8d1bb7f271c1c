//! What tests say on a stage: messages in short, and a market that is set up.

use super::stage::Stage;
use crate::domain::{
    Answer, CertificateView, Circulated, Code, Command, CommissionTerms, Condition, Currency, Done, Message,
    Offer, OfferingView, Purchased, Serial, Settlement, Take, Timestamp, Via,
};
pub(super) use crate::simulation::messages::*;

/// A currency other than that of the market.
pub fn euro() -> Currency {
    Currency::parse("EUR").unwrap()
}

/// Circulates from the public platform; serial 0: any.
pub fn circulate(account: &str, offering: &str, serial: u32) -> Message {
    circulate_via(account, offering, serial, Via::Public)
}

/// Buys from the public platform; serial 0: any.
pub fn purchase(account: &str, offering: &str, serial: u32) -> Message {
    purchase_via(account, offering, serial, Via::Public)
}

/// Shows a certificate with its chain from that hop on.
pub fn show(offering: &str, serial: u32, from_hop: u32) -> Message {
    by_institution(Command::ShowCertificate { offering: name(offering), serial: Serial(serial), from_hop })
}

/// Shows an offering.
pub fn show_offering(offering: &str) -> Message {
    by_institution(Command::ShowOffering { offering: name(offering) })
}

/// The terms of SPEC §4: automatic, 40 of 100 attached, the rest of `funded` in reserve, after each acquiring.
pub fn terms(funded: u64, attached: u64) -> CommissionTerms {
    CommissionTerms { take: Take::Amount(money(40)), ..CommissionTerms::new(money(funded), money(attached)) }
}

/// The condition of so many circulations.
pub fn times(times: u32) -> Condition {
    Condition { times: Some(times), ..condition() }
}

/// What everybody of a market has at first: circulators u1 to u9, `buyer` and `rival` are rich, `broke` has nothing.
pub const PURSE: u64 = 1_000_000;

/// A market with the offering `tea`, published, and its commission attached by `payer`, if there is one.
pub fn market(offer: Offer, terms: Option<&CommissionTerms>) -> Stage {
    market_on(Stage::new(3), offer, terms)
}

/// A market on a given stage.
pub fn market_on(mut stage: Stage, offer: Offer, terms: Option<&CommissionTerms>) -> Stage {
    let mut people: Vec<Message> =
        ["payer", "buyer", "rival"].iter().map(|account| open(account, PURSE)).collect();
    people.extend(["supplier", "payee", "broke"].iter().map(|account| open(account, 0)));
    people.extend((1..=9).map(|index| open(&format!("u{index}"), 0)));
    people.push(open_in("foreigner", euro(), PURSE, 0));
    stage.send_all(&people).into_iter().for_each(|answer| drop(answer.unwrap()));
    stage.send(&issue("tea", offer)).unwrap();
    if let Some(terms) = terms {
        stage.send(&attach("payer", "tea", terms)).unwrap();
    }
    stage.send(&publish("tea")).unwrap();
    stage
}

/// The code of a refusal.
pub fn refused(answer: Answer) -> Code {
    match answer {
        Err(refusal) => refusal.code,
        Ok(done) => panic!("expected a refusal, got {done:?}"),
    }
}

/// The code and the field of a refusal.
pub fn refused_for(answer: Answer) -> (Code, String) {
    match answer {
        Err(refusal) => (refusal.code, refusal.field.into_owned()),
        Ok(done) => panic!("expected a refusal, got {done:?}"),
    }
}

/// What a circulation was answered.
pub fn circulated(answer: Answer) -> Circulated {
    match answer {
        Ok(Done::Circulated(circulated)) => circulated,
        other => panic!("expected a circulation, got {other:?}"),
    }
}

/// Promise and attached of an acquiring.
pub fn acquired(answer: Answer) -> (u64, u64) {
    match answer {
        Ok(Done::Acquired { promise, attached }) => (promise.minor(), attached.minor()),
        other => panic!("expected an acquiring, got {other:?}"),
    }
}

/// What a purchase was answered.
pub fn purchased(answer: Answer) -> Purchased {
    match answer {
        Ok(Done::Purchased(purchased)) => purchased,
        other => panic!("expected a purchase, got {other:?}"),
    }
}

/// What a purchase cashed and returned.
pub fn settled(answer: Answer) -> (u64, u64) {
    match purchased(answer).commission {
        Settlement::Settled { cashed, returned, .. } => (cashed.minor(), returned.minor()),
        other => panic!("expected a settlement, got {other:?}"),
    }
}

/// What a purchase returned by condition.
pub fn withdrawn(answer: Answer) -> u64 {
    match purchased(answer).commission {
        Settlement::Withdrawn { returned, .. } => returned.minor(),
        other => panic!("expected a withdrawal, got {other:?}"),
    }
}

/// A certificate as the engine shows it.
pub fn view(stage: &mut Stage, offering: &str, serial: u32) -> CertificateView {
    match stage.send(&show(offering, serial, 1)) {
        Ok(Done::Certificate(view)) => *view,
        other => panic!("expected a certificate, got {other:?}"),
    }
}

/// An offering as the engine shows it.
pub fn row(stage: &mut Stage, offering: &str) -> OfferingView {
    match stage.send(&show_offering(offering)) {
        Ok(Done::Offering(view)) => *view,
        other => panic!("expected an offering, got {other:?}"),
    }
}

/// Attached, reserve and cumulative of a certificate.
pub fn label(stage: &mut Stage, serial: u32) -> [u64; 3] {
    let label = view(stage, "tea", serial).label.expect("a label");
    [label.attached.minor(), label.reserve.minor(), label.cumulative.minor()]
}

/// Circulates tea's serial for each of these accounts in turn, and gives the promises.
pub fn chain(stage: &mut Stage, serial: u32, accounts: &[&str]) -> Vec<u64> {
    accounts
        .iter()
        .map(|account| circulated(stage.send(&circulate(account, "tea", serial))).promise.minor())
        .collect()
}

/// A message that must be refused, and change nothing (I13).
pub fn refuses(stage: &mut Stage, message: &Message) -> Code {
    let records = stage.records();
    let code = refused(stage.send(message));
    assert_eq!(stage.records(), records, "I13: {message:?} was refused with {code} and left a record");
    code
}

/// A time so many milliseconds after the stage's start.
pub fn after_start(milliseconds: u64) -> Timestamp {
    Timestamp(super::stage::START.0 + milliseconds)
}
