//! Money on its way: payment certificates, transfers, what an account may do, more reserve, reservations, refunds.

use super::Phase;
use crate::domain::{
    Cashing, Clawback, Command, CommissionTerms, Message, Offer, PaymentCommand, StatusChange, Take,
    Timestamp, WhenShort,
};
use crate::simulator::engaging::*;
use crate::simulator::messages::*;

/// When a payment certificate and a transfer expire that nobody has taken.
const BRIEF: Timestamp = Timestamp(3_000);

/// Not before this one may be released.
const LATE: Timestamp = Timestamp(2_000);

/// When the commission of the books is over, which a payment certificate backs; and that of the cups.
const BOOKS_OVER: Timestamp = Timestamp(4_000);
const CUPS_OVER: Timestamp = Timestamp(4_500);

/// Everything that is sent, phase by phase.
pub(super) fn phases() -> Vec<Phase> {
    let late_release = || with_id(release(payment("ann", "late"), 45), "release what is late");
    let gus_sends = || with_id(send_money("gus", "cid", 15), "gus sends when he may");
    let refund_pen = || with_id(refund("pens", 1), "refund the pen when it can be covered");
    let messages = [
        (1_000, opening()),
        (1_010, promising()),
        (1_020, attaching()),
        (1_030, [reserving(), vec![late_release(), gus_sends()]].concat()),
        (1_040, sharing()),
        (1_050, buying()),
        (1_060, [spending(), vec![gus_sends()]].concat()),
        (1_070, [refunding(), vec![refund_pen()]].concat()),
        (1_080, owing()),
        (1_090, vec![refund_pen(), circulate("bob", "jars", 2)]),
        (1_100, vec![purchase("eve", "jars", 2)]),
        (5_000, [after_the_deadlines(), vec![late_release()]].concat()),
        (5_010, looking_back()),
    ];
    messages.into_iter().map(|(now, messages)| Phase { now: Timestamp(now), messages }).collect()
}

fn opening() -> Vec<Message> {
    let purses = [
        ("supplier", 0),
        ("payee", 0),
        ("payer", 3_000),
        ("ann", 500),
        ("bob", 500),
        ("cid", 500),
        ("dan", 1_000),
        ("eve", 1_000),
        ("fay", 1_000),
        ("gus", 100),
        ("ice", 100),
        ("poor", 10),
        // Una lives on commissions, pot and pan on sales, and old is going to be closed.
        ("una", 0),
        ("pot", 0),
        ("pan", 0),
        ("old", 0),
    ];
    purses.map(|(account, deposit)| open(account, deposit)).to_vec()
}

/// Offerings, payment certificates, transfers.
fn promising() -> Vec<Message> {
    let clawing =
        Offer { clawback: Clawback::Receivable, when_short: WhenShort::Receivable, ..offer(100, 3) };
    vec![
        issue("books", offer(100, 3)),
        issue("cups", Offer { reservable_ms: Some(3_000), ..offer(50, 5) }),
        issue("jars", Offer { payee: name("pot"), ..clawing }),
        issue("pens", Offer { payee: name("pan"), ..offer(80, 1) }),
        issue_payment("payer", "backing", 400, ""),
        issue_payment("ann", "escrow", 200, "bob"),
        issue_payment("ann", "unwanted", 50, "bob"),
        issue_payment("ann", "voided", 40, "bob"),
        issue_payment_until("ann", "brief", 30, "bob", (None, Some(BRIEF))),
        issue_payment_until("ann", "late", 60, "bob", (Some(LATE), None)),
        issue_payment("dan", "for a book", 150, ""),
        issue_payment("eve", "not for pens", 120, "bob"),
        send_money("bob", "cid", 20),
        begin_transfer("bob", "posted", "cid", 60, None),
        begin_transfer("bob", "voided", "cid", 40, None),
        begin_transfer("bob", "brief", "cid", 30, Some(BRIEF)),
        send_money("poor", "cid", 5_000),
        // Their own commands, remembered while they are frozen and when they are closed.
        send_money("gus", "cid", 10),
        send_money("ice", "cid", 10),
        accept_gifts("old", true),
        // Remembered when the other one is closed.
        send_money("bob", "old", 20),
    ]
}

/// Commissions in envelopes and out of a payment certificate, immediately cashed.
fn attaching() -> Vec<Message> {
    let terms = |take| CommissionTerms {
        take: Take::Amount(money(take)),
        ..CommissionTerms::new(money(60), money(40))
    };
    let backed = CommissionTerms { cashing: Cashing::Immediate, expires_at: Some(BOOKS_OVER), ..terms(20) };
    vec![
        publish("books"),
        publish("cups"),
        publish("jars"),
        publish("pens"),
        attach_backed("payer", "books", &backed, "backing"),
        attach("payer", "cups", &CommissionTerms { expires_at: Some(CUPS_OVER), ..terms(10) }),
        attach("payer", "jars", &terms(20)),
        receive("bob", payment("ann", "escrow")),
        receive("bob", payment("ann", "late")),
        reject("bob", payment("ann", "unwanted")),
        void_payment(payment("ann", "voided")),
        post_transfer("bob", "bob", "posted", 45),
        void_transfer("bob", "bob", "voided"),
        cash_out("old", 20),
        status("gus", StatusChange::Freeze),
        status("ice", StatusChange::Freeze),
    ]
}

/// Reservations, one of which is not held, so that the next in line is served; and what is refused for ever, or
/// until later.
fn reserving() -> Vec<Message> {
    let close = Command::Status { account: name("old"), change: StatusChange::Close };
    vec![
        reserve("poor", "cups", 5),
        purchase("cid", "cups", 5),
        reserve("eve", "cups", 2),
        reserve("dan", "cups", 3),
        reserve("eve", "books", 3),
        // While the money of that reservation is being held, or before, or after.
        top_up("payer", "cups", 3, 5),
        release(payment("ann", "escrow"), 150),
        receive("bob", payment("ann", "unwanted")),
        // It backs the books already.
        attach_backed("payer", "pens", &CommissionTerms::new(money(9), money(9)), "backing"),
        void_payment(payment("payer", "backing")),
        by("old", close),
        status("payer", StatusChange::Close),
        circulate("ice", "cups", 4),
        send_money("ice", "cid", 10),
        send_money("bob", "gus", 5),
        circulate("ann", "books", 1),
        circulate("ann", "cups", 1),
        circulate("una", "jars", 1),
    ]
}

/// The first promise of a book is cashed out of its payment certificate; a reserved cup is circulated.
fn sharing() -> Vec<Message> {
    vec![
        circulate("bob", "books", 1),
        circulate("bob", "cups", 1),
        circulate("bob", "jars", 1),
        circulate("cid", "cups", 2),
        cancel("dan", "cups", 3),
        reserve("fay", "cups", 4),
        top_up("payer", "cups", 1, 15),
        top_up("payer", "cups", 4, 5),
        deposit("old", 5),
        circulate("old", "cups", 4),
        release(payment("ann", "escrow"), 10),
        purchase_with_payment("eve", "pens", 1, "not for pens"),
    ]
}

fn buying() -> Vec<Message> {
    let show = |payment| by_institution(Command::Payment(PaymentCommand::Show(payment)));
    vec![
        pay("eve", "cups", 2),
        purchase("dan", "cups", 3),
        purchase_with_payment("dan", "books", 1, "for a book"),
        purchase("eve", "books", 2),
        purchase("dan", "jars", 1),
        purchase("cid", "pens", 1),
        status("gus", StatusChange::Unfreeze),
        show(payment("ann", "escrow")),
        show(payment("payer", "backing")),
        by("cid", Command::ShowPage { account: name("bob"), skip: 0 }),
    ]
}

/// Those who are to pay back spend what they have; more reserve comes too late, or not to an envelope; a payment
/// certificate is spent once.
fn spending() -> Vec<Message> {
    vec![
        cash_out("pan", 50),
        cash_out("pot", 70),
        cash_out("una", 15),
        top_up("payer", "cups", 2, 25),
        top_up("payer", "books", 3, 5),
        purchase_with_payment("dan", "jars", 3, "for a book"),
    ]
}

/// The jar's price and una's commission are owed in part; the pen's price is not there.
fn refunding() -> Vec<Message> {
    vec![refund("jars", 1), refund("books", 3)]
}

/// A second refund, and the beginning of what pays the debts of the first.
fn owing() -> Vec<Message> {
    vec![deposit("pan", 100), refund("jars", 1), circulate("una", "jars", 2)]
}

/// Expiry is found by a message or by a timer, whichever comes first.
fn after_the_deadlines() -> Vec<Message> {
    vec![
        receive("bob", payment("ann", "brief")),
        post_transfer("bob", "bob", "brief", 10),
        circulate("cid", "books", 3),
        purchase("bob", "cups", 4),
        pay("fay", "cups", 4),
        top_up("payer", "cups", 1, 5),
    ]
}

fn looking_back() -> Vec<Message> {
    let show = |payment| by_institution(Command::Payment(PaymentCommand::Show(payment)));
    let look = |account: &str| by_institution(Command::ShowAccount { account: name(account) });
    vec![
        show(payment("payer", "backing")),
        show(payment("ann", "late")),
        show(payment("ann", "brief")),
        super::super::messages::show("jars", 1, 1),
        show_offering("cups"),
        look("old"),
        look("una"),
        look("payer"),
        send_money("ice", "cid", 10),
        begin_transfer("cid", "for ever", "dan", 25, None),
    ]
}
