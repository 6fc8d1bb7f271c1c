//! What tests say of payment certificates, transfers, gifts, merchants, reservations and refunds, in short.
//!
//! What a message makes is named by its id, so those that make something take an id.

use super::messages::{attach, by, name, offer};
use super::stage::Stage;
use crate::domain::{
    Answer, Command, CommissionTerms, Display, Done, GiftObject, GiftState, Message, Money, Offer,
    PaymentState, Refunded, StatusChange, Timestamp, WhenShort,
};
pub(super) use crate::simulation::engaging::*;
pub(super) use crate::simulation::messages::id;

/// Issues a payment certificate without conditions to a beneficiary; an empty name: to nobody.
pub fn issue_payment(issuer: &str, payment: &str, amount: u64, beneficiary: &str) -> Message {
    issue_payment_until(issuer, payment, amount, beneficiary, (None, None))
}

/// Gives; an empty merchant: none.
pub fn give(
    donor: &str,
    gift: &str,
    recipient: &str,
    merchant: &str,
    (object, price): (GiftObject, u64),
) -> Message {
    give_until(donor, gift, recipient, merchant, (object, price), None)
}

/// Registers a merchant that is its own supplier.
pub fn register(merchant: &str, payee: &str, when_short: WhenShort) -> Message {
    register_for(merchant, payee, None, when_short)
}

/// Publishes an offering of the account `supplier` in that way.
pub fn publish_as(offering: &str, display: Display) -> Message {
    by("supplier", Command::Publish { offering: name(offering), display })
}

/// How far a gift has come, as an answer says.
pub fn gift_state(answer: Answer) -> GiftState {
    match answer {
        Ok(Done::GiftChanged { state }) => state,
        other => panic!("expected a gift's state, got {other:?}"),
    }
}

/// State, released and freed of a payment certificate, as an answer says.
pub fn payment_state(answer: Answer) -> (PaymentState, u64, u64) {
    match answer {
        Ok(Done::PaymentChanged { state, released, freed }) => (state, released.minor(), freed.minor()),
        other => panic!("expected a payment certificate's state, got {other:?}"),
    }
}

/// For how long a reservation stands in these tests.
pub const STANDS_MS: u64 = 100;

/// An offer whose certificates can be reserved.
pub fn reservable(price: u64, items: u32) -> Offer {
    Offer { reservable_ms: Some(STANDS_MS), ..offer(price, items) }
}

/// Serial, held price and end of a reservation.
pub fn reserved(answer: Answer) -> (u32, u64, Timestamp) {
    match answer {
        Ok(Done::Reserved { serial, price, until }) => (serial.0, price.minor(), until),
        other => panic!("expected a reservation, got {other:?}"),
    }
}

/// Posted, held and available.
pub fn purse(stage: &Stage, account: &str) -> [i64; 3] {
    let account = stage.account(account);
    let signed = |amount: Money| i64::try_from(amount.minor()).unwrap();
    [account.posted().minor(), signed(account.held()), signed(account.available())]
}

/// Time brings about nothing more, here or behind a restart.
pub fn over_for_good(stage: Stage) {
    let records = stage.records();
    for mut stage in [stage.restarted_at(records), stage] {
        stage.later(1_000);
        stage.fire();
        assert_eq!((stage.records(), stage.next_due()), (records, None), "once");
    }
}

/// Closes an account, by itself.
pub fn by_close(account: &str) -> Message {
    let change = StatusChange::Close;
    by(account, Command::Status { account: name(account), change })
}

/// Attaches out of the payer's money, or by a payment certificate over so much.
pub fn attach_somehow(stage: &mut Stage, terms: &CommissionTerms, backed: bool, amount: u64) {
    if backed {
        stage.send(&issue_payment("payer", "backing", amount, "")).unwrap();
        stage.send(&attach_backed("payer", "tea", terms, "backing")).unwrap();
    } else {
        stage.send(&attach("payer", "tea", terms)).unwrap();
    }
}

/// What a refund was answered.
pub fn refunded(answer: Answer) -> Refunded {
    match answer {
        Ok(Done::Refunded(refunded)) => refunded,
        other => panic!("expected a refund, got {other:?}"),
    }
}

/// What was paid back, and what is owed.
pub fn minor(refunded: &Refunded) -> (u64, u64) {
    (refunded.paid.minor(), refunded.owed.minor())
}
