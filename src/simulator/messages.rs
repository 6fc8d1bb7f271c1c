//! What tests say on a stage: messages in short, and a market that is set up.

use std::sync::atomic::{AtomicU64, Ordering};

use super::stage::Stage;
use crate::domain::{
    Answer, BasisPoints, Caller, CertificateView, CheckPoint, Circulated, Code, Command, CommissionTerms,
    Condition, Currency, Done, Information, Message, Money, Name, Offer, OfferingView, Purchased, RequestId,
    Serial, Settlement, Take, Timestamp, Via,
};

/// An amount in minor units.
pub fn money(minor: u64) -> Money {
    Money::from_minor(minor).unwrap()
}

/// A name.
pub fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

/// A share.
pub fn basis_points(share: u32) -> BasisPoints {
    BasisPoints::new(share).unwrap()
}

/// A currency other than that of the market.
pub fn euro() -> Currency {
    Currency::parse("EUR").unwrap()
}

/// A request id that no message had before.
fn fresh() -> RequestId {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    RequestId::new(format!("request {}", NEXT.fetch_add(1, Ordering::Relaxed))).unwrap()
}

/// A message of an account, with a request id of its own.
pub fn by(account: &str, command: Command) -> Message {
    Message { caller: Caller::Account(name(account)), request_id: fresh(), command }
}

/// A message of the funds-management institution, with a request id of its own.
pub fn by_institution(command: Command) -> Message {
    Message { caller: Caller::FundsManagement, request_id: fresh(), command }
}

/// The message with this request id.
pub fn with_id(message: Message, id: &str) -> Message {
    Message { request_id: RequestId::new(id).unwrap(), ..message }
}

/// Opens an account in dollars with a deposit.
pub fn open(account: &str, deposit: u64) -> Message {
    open_in(account, Currency::USD, deposit, 0)
}

/// Opens an account with everything given.
pub fn open_in(account: &str, currency: Currency, deposit: u64, credit_limit: u64) -> Message {
    let (account, deposit, credit_limit) = (name(account), money(deposit), money(credit_limit));
    by_institution(Command::OpenAccount { account, currency, deposit, credit_limit })
}

/// Brings money in.
pub fn deposit(account: &str, amount: u64) -> Message {
    by_institution(Command::Deposit { account: name(account), amount: money(amount) })
}

/// Takes money out.
pub fn cash_out(account: &str, amount: u64) -> Message {
    by_institution(Command::CashOut { account: name(account), amount: money(amount) })
}

/// Sets a credit limit.
pub fn credit(account: &str, limit: u64) -> Message {
    by_institution(Command::SetCreditLimit { account: name(account), credit_limit: money(limit) })
}

/// An offer with the texts that it must have, paid to the account `payee`.
pub fn offer(price: u64, items: u32) -> Offer {
    let information = Information::new("Tea, 250 g", "At once, in full");
    let offer = Offer::new(name("payee"), money(price), Currency::USD, items, information);
    Offer { payers: vec![name("payer")], ..offer }
}

/// Issues an offering of the account `supplier`.
pub fn issue(offering: &str, offer: Offer) -> Message {
    by("supplier", Command::Issue { offering: name(offering), offer: Box::new(offer) })
}

/// Publishes an offering of the account `supplier`.
pub fn publish(offering: &str) -> Message {
    by("supplier", Command::publish(name(offering)))
}

/// Attaches a commission.
pub fn attach(payer: &str, offering: &str, terms: &CommissionTerms) -> Message {
    by(payer, Command::attach_commission(name(offering), terms.clone()))
}

/// Circulates from the public platform; serial 0: any.
pub fn circulate(account: &str, offering: &str, serial: u32) -> Message {
    circulate_via(account, offering, serial, Via::Public)
}

/// Circulates from somewhere; serial 0: any.
pub fn circulate_via(account: &str, offering: &str, serial: u32, via: Via) -> Message {
    by(account, Command::Circulate { offering: name(offering), serial: named(serial), via })
}

/// Acquires.
pub fn acquire(account: &str, offering: &str, serial: u32) -> Message {
    by(account, Command::Acquire { offering: name(offering), serial: Serial(serial) })
}

/// Buys from the public platform; serial 0: any.
pub fn purchase(account: &str, offering: &str, serial: u32) -> Message {
    purchase_via(account, offering, serial, Via::Public)
}

/// Buys from somewhere; serial 0: any.
pub fn purchase_via(account: &str, offering: &str, serial: u32, via: Via) -> Message {
    by(account, Command::purchase(name(offering), named(serial), via))
}

/// The private page of an account.
pub fn page_of(account: &str) -> Via {
    Via::PrivatePage(name(account))
}

fn named(serial: u32) -> Option<Serial> {
    (serial > 0).then_some(Serial(serial))
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

/// A condition of no factor yet, any of which is enough.
pub fn condition() -> Condition {
    Condition {
        times: None,
        amount: None,
        share_of_price: None,
        displayed_ms: None,
        at_least: 1,
        check_point: CheckPoint::BeforeIncrease,
        prompt_ratio: basis_points(8_000),
    }
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
