//! What people of a market say: accounts, offerings, commissions, circulations, purchases, in short.
//!
//! Every word here is a legal one, so none of it can fail. Absent on purpose: who says it, and when.

use std::fmt::Display;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::domain::{
    BasisPoints, Caller, CheckPoint, Command, CommissionTerms, Condition, Currency, Information, Message,
    Money, Name, Offer, RequestId, Serial, Via,
};

/// A value that the market's own words make.
fn ours<T, E: Display>(made: Result<T, E>) -> T {
    made.unwrap_or_else(|error| unreachable!("a market says what is legal: {error}"))
}

/// A request id.
pub fn id(text: &str) -> RequestId {
    ours(RequestId::new(text))
}

/// An amount in minor units.
pub fn money(minor: u64) -> Money {
    ours(Money::from_minor(minor))
}

/// A name.
pub fn name(text: &str) -> Name {
    ours(Name::new(text))
}

/// A share.
pub fn basis_points(share: u32) -> BasisPoints {
    ours(BasisPoints::new(share))
}

/// A request id that no message had before.
fn fresh() -> RequestId {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    id(&format!("request {}", NEXT.fetch_add(1, Ordering::Relaxed)))
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
    Message { request_id: self::id(id), ..message }
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

/// Circulates from somewhere; serial 0: any.
pub fn circulate_via(account: &str, offering: &str, serial: u32, via: Via) -> Message {
    by(account, Command::Circulate { offering: name(offering), serial: named(serial), via })
}

/// Acquires.
pub fn acquire(account: &str, offering: &str, serial: u32) -> Message {
    by(account, Command::Acquire { offering: name(offering), serial: Serial(serial) })
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
