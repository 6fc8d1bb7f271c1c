//! Gifts, merchants and mandates: everything that can become of a gift, an order and an authorisation.

use super::Phase;
use crate::domain::{
    Command, CommissionTerms, GiftCommand, MandateCommand, MerchantCommand, Message, Take, Timestamp,
    WhenShort,
};
use crate::simulator::engaging::*;
use crate::simulator::messages::*;

/// When a gift expires that nobody accepts, and a mandate ends.
const BRIEF: Timestamp = Timestamp(3_000);

/// Everything that is sent, phase by phase.
pub(super) fn phases() -> Vec<Phase> {
    let reverse_oil = || with_id(reverse("mill", "order of oil"), "reverse the oil when it can be covered");
    let messages = [
        (1_000, opening()),
        (1_010, registering()),
        (1_020, giving()),
        (1_030, accepting()),
        (1_040, withholding()),
        (1_050, providing()),
        (1_060, reversing()),
        (1_070, spending()),
        (1_080, [owing(), vec![reverse_oil()]].concat()),
        (1_090, vec![deposit("mint", 100), refund("tickets", 1)]),
        (1_100, vec![reverse_oil(), unregister("mall")]),
        (5_000, after_the_deadlines()),
        (5_010, looking_back()),
    ];
    messages.into_iter().map(|(now, messages)| Phase { now: Timestamp(now), messages }).collect()
}

/// Mill and mart are merchants of goods, whose payees are mint and till; mall is one of the supplier's tickets.
fn opening() -> Vec<Message> {
    let purses = [
        ("supplier", 0),
        ("payee", 0),
        ("payer", 500),
        ("dora", 3_000),
        ("rea", 500),
        ("rob", 0),
        ("dan", 500),
        ("ann", 0),
        ("bob", 0),
        ("mill", 0),
        ("mint", 0),
        ("mart", 0),
        ("till", 0),
        ("mall", 0),
    ];
    purses.map(|(account, deposit)| open(account, deposit)).to_vec()
}

fn registering() -> Vec<Message> {
    vec![
        register("mill", "mint", WhenShort::Refuse),
        register("mart", "till", WhenShort::Receivable),
        register_for("mall", "payee", Some("supplier"), WhenShort::Refuse),
        accept_gifts("rob", true),
        issue("tickets", offer(60, 5)),
    ]
}

/// Rob's are accepted as they arrive.
fn giving() -> Vec<Message> {
    let take = Take::Amount(money(10));
    let terms = CommissionTerms { take, ..CommissionTerms::new(money(40), money(20)) };
    let tea = |gift, recipient, merchant, price| give("dora", gift, recipient, merchant, (goods(), price));
    let ticket =
        |gift, recipient, serial| give("dora", gift, recipient, "", (gift_of("tickets", serial), 60));
    vec![
        publish("tickets"),
        attach("payer", "tickets", &terms),
        grant("rea", "standing", "mill", (150, 60), None),
        grant("rea", "brief", "mill", (100, 100), Some(BRIEF)),
        tea("tea", "rea", "mill", 100),
        tea("oil", "rea", "mill", 70),
        tea("cake", "rea", "mill", 50),
        tea("salt", "rea", "mill", 30),
        give_until("dora", "milk", "rea", "mill", (goods(), 20), Some(BRIEF)),
        tea("wine", "rob", "mill", 40),
        tea("beer", "rob", "mart", 80),
        ticket("first", "rea", 1),
        ticket("second", "rob", 2),
        ticket("third", "rea", 3),
        ticket("fourth", "rea", 4),
        tea("too much", "rea", "mill", 5_000),
        give("dora", "too cheap", "rea", "", (gift_of("tickets", 5), 59)),
    ]
}

fn accepting() -> Vec<Message> {
    let accepted = ["tea", "oil", "salt", "first", "third", "fourth"];
    let mut messages = accepted.map(|gift| accept("rea", "dora", gift)).to_vec();
    messages.extend([
        decline("rea", "dora", "cake"),
        // It comes before it is declined or after that, and is refused both ways.
        withhold("mill", "order of cake", 50, gift("rea", "dora", "cake")),
        circulate("ann", "tickets", 1),
        circulate("bob", "tickets", 2),
    ]);
    messages
}

fn withholding() -> Vec<Message> {
    vec![
        withhold("mill", "order of tea", 100, gift("rea", "dora", "tea")),
        withhold("mill", "order of too much tea", 99, gift("rea", "dora", "tea")),
        withhold("mill", "order of oil", 70, gift("rea", "dora", "oil")),
        withhold("mill", "order of wine", 40, gift("rob", "dora", "wine")),
        withhold("mart", "order of beer", 80, gift("rob", "dora", "beer")),
        withhold("ann", "order of nobody", 100, gift("rea", "dora", "tea")),
        withhold("mall", "order of a ticket", 60, gift("rea", "dora", "first")),
        // Mart is no merchant of the supplier's.
        withhold("mart", "order of another's", 60, gift("rea", "dora", "fourth")),
        purchase_with_gift("rob", "tickets", 2, "dora", "second"),
        purchase("dan", "tickets", 3),
        withhold_by_mandate("mill", "use 1", 50, "rea", "standing"),
        withhold_by_mandate("mill", "use 2", 60, "rea", "standing"),
        withhold_by_mandate("mill", "use too much", 61, "rea", "standing"),
        return_gift("rea", gift("rea", "dora", "salt")),
    ]
}

/// The third ticket is gone, and the mandate's maximum is near.
fn providing() -> Vec<Message> {
    vec![
        provide("mill", "order of tea"),
        reverse("mill", "order of wine"),
        withhold("mall", "order of a sold one", 60, gift("rea", "dora", "third")),
        withhold("mill", "order of tea", 90, gift("rea", "dora", "tea")),
        withhold_by_mandate("mill", "use 3", 60, "rea", "standing"),
        cash_out("till", 50),
    ]
}

/// A part of the beer's price is owed; what was provided, or reversed, is neither again.
fn reversing() -> Vec<Message> {
    vec![
        return_gift("rea", gift("rea", "dora", "third")),
        reverse("mart", "order of beer"),
        provide("mill", "use 1"),
        reverse("mill", "use 2"),
        provide("mill", "order of tea"),
        reverse("mill", "order of tea"),
        provide("mill", "order of wine"),
        reverse("mall", "order of a ticket"),
        by("mill", Command::Merchant(MerchantCommand::ShowOrder { order: name("order of tea") })),
        by("dora", Command::Gift(GiftCommand::Show(gift("rea", "dora", "oil")))),
        by("rea", Command::Gift(GiftCommand::List { skip: 0 })),
        by("rea", Command::Mandate(MandateCommand::Show { mandate: id("standing") })),
    ]
}

fn spending() -> Vec<Message> {
    vec![cash_out("mint", 200), give("dora", "ale", "rob", "mart", (goods(), 60)), revoke("rea", "standing")]
}

/// What the beer's payee owes is paid by the ale.
fn owing() -> Vec<Message> {
    vec![
        withhold("mart", "order of ale", 60, gift("rob", "dora", "ale")),
        withhold_by_mandate("mill", "use of nothing", 10, "rea", "standing"),
    ]
}

fn after_the_deadlines() -> Vec<Message> {
    vec![
        accept("rea", "dora", "milk"),
        withhold_by_mandate("mill", "use of a former one", 10, "rea", "brief"),
        withhold("mall", "order of a former merchant", 60, gift("rea", "dora", "fourth")),
    ]
}

fn looking_back() -> Vec<Message> {
    let order =
        |merchant, order| by(merchant, Command::Merchant(MerchantCommand::ShowOrder { order: name(order) }));
    let look =
        |recipient, which| by("dora", Command::Gift(GiftCommand::Show(gift(recipient, "dora", which))));
    vec![
        order("mill", "order of oil"),
        order("mart", "order of beer"),
        order("mall", "order of a ticket"),
        look("rea", "milk"),
        look("rob", "second"),
        show_offering("tickets"),
        by("rea", Command::ShowAccount { account: name("rea") }),
        by("till", Command::ShowAccount { account: name("till") }),
    ]
}

fn unregister(merchant: &str) -> Message {
    by_institution(Command::Merchant(MerchantCommand::Unregister { merchant: name(merchant) }))
}
