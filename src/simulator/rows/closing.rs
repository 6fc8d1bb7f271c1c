//! Frozen and closed accounts: D46.

use super::payments::held;
use crate::domain::{
    Code, Command, Currency, Done, Message, Offer, Status, StatusChange, TransferCommand, WhenShort,
};
use crate::simulator::engaging::*;
use crate::simulator::messages::*;
use crate::simulator::stage::Stage;

fn close(account: &str) -> Message {
    status(account, StatusChange::Close)
}

fn freeze(account: &str) -> Message {
    status(account, StatusChange::Freeze)
}

#[test]
fn a_frozen_account_has_no_commands_of_its_own() {
    // D46, I13
    let reservable = Offer { payers: vec![name("holder")], reservable_ms: Some(1_000), ..offer(700, 2) };
    let mut stage = Stage::new(3);
    stage.send(&open("holder", 10_000)).unwrap();
    let mut stage = market_on(stage, reservable, None);
    stage.send(&begin_transfer("holder", "rent", "payee", 500, None)).unwrap();
    stage.send(&issue_payment("payer", "escrow", 500, "holder")).unwrap();
    let commands = [
        send_money("holder", "payee", 5),
        begin_transfer("holder", "new", "payee", 5, None),
        post_transfer("holder", "holder", "rent", 500),
        void_transfer("holder", "holder", "rent"),
        issue_payment("holder", "new", 5, "payee"),
        receive("holder", payment("payer", "escrow")),
        reject("holder", payment("payer", "escrow")),
        purchase("holder", "tea", 0),
        reserve("holder", "tea", 0),
        circulate("holder", "tea", 1),
        attach("holder", "tea", &terms(500, 100)),
        top_up("holder", "tea", 1, 5),
        by("holder", Command::Issue { offering: name("cocoa"), offer: Box::new(offer(5, 1)) }),
        give("holder", "new", "u1", "", (gift_of("tea", 1), 700)),
        accept_gifts("holder", true),
        by_close("holder"),
    ];
    let frozen = stage.send(&freeze("holder"));
    assert_eq!(frozen, Ok(Done::StatusChanged { status: Status::Frozen, accepts_gifts: false }));
    for message in &commands {
        assert_eq!(refuses(&mut stage, message), Code::AccountFrozen, "{message:?}");
    }
    let looking = by("holder", Command::ShowAccount { account: name("holder") });
    assert!(matches!(stage.send(&looking), Ok(Done::Account(view)) if view.status == Status::Frozen));
    let mut stage = stage.restarted_at(stage.records());
    assert_eq!(refuses(&mut stage, &commands[0]), Code::AccountFrozen, "after a restart too");
    stage.send(&status("holder", StatusChange::Unfreeze)).unwrap();
    stage.send(&commands[0]).unwrap();
    stage.send(&commands[2]).unwrap();
    assert_eq!((stage.posted("holder"), stage.posted("payee")), (10_000 - 505, 505));
}

#[test]
fn credits_and_what_a_frozen_account_had_committed_go_on() {
    // D46: as sharer, commission's payer, payee and supplier, as issuer and as whoever began a transfer
    let mut stage = market(offer(700, 1), Some(&terms(500, 100)));
    chain(&mut stage, 1, &["u1"]);
    stage.send(&begin_transfer("payer", "rent", "u2", 500, None)).unwrap();
    stage.send(&begin_transfer("payer", "late", "u2", 70, Some(after_start(100)))).unwrap();
    stage.send(&issue_payment("payer", "escrow", 90, "u2")).unwrap();
    stage.send(&receive("u2", payment("payer", "escrow"))).unwrap();
    for account in ["u1", "payer", "payee", "supplier", "u2"] {
        stage.send(&freeze(account)).unwrap();
    }
    assert_eq!(settled(stage.send(&purchase("buyer", "tea", 1))), (40, 460));
    assert_eq!((stage.posted("u1"), stage.posted("payee")), (40, 700));
    stage.send(&release(payment("payer", "escrow"), 90)).unwrap();
    let posting = TransferCommand::Post { from: name("payer"), transfer: id("rent"), amount: money(500) };
    stage.send(&by_institution(Command::Transfer(posting))).unwrap();
    stage.send(&send_money("rival", "u2", 5)).unwrap();
    stage.send(&deposit("u2", 1)).unwrap();
    assert_eq!(stage.posted("u2"), 596);
    stage.at(after_start(100));
    stage.fire();
    assert_eq!((stage.posted("payer"), held(&stage, "payer")), (1_000_000 - 40 - 590, 0));
    stage.send(&cash_out("u2", 596)).unwrap();
}

#[test]
fn only_the_institution_freezes_and_the_account_itself_may_close_too() {
    // D46, P7, I13
    let mut stage = market(offer(700, 1), None);
    let by_account =
        |caller: &str, account: &str, change| by(caller, Command::Status { account: name(account), change });
    for change in [StatusChange::Freeze, StatusChange::Unfreeze] {
        for caller in ["u1", "u2"] {
            assert_eq!(
                refuses(&mut stage, &by_account(caller, "u1", change)),
                Code::NotAllowed,
                "{change:?}"
            );
        }
    }
    assert_eq!(refuses(&mut stage, &by_account("u2", "u1", StatusChange::Close)), Code::NotAllowed);
    stage.send(&by_close("u1")).unwrap();
    stage.send(&close("u2")).unwrap();
    for account in ["u1", "u2"] {
        assert_eq!(stage.account(account).status(), Status::Closed);
    }
}

#[test]
fn an_account_closes_only_when_it_is_empty_and_party_to_nothing_open() {
    // D46: what stands against it, and what ends that
    let reservable = || Offer { reservable_ms: Some(1_000), ..offer(700, 2) };
    let empty = |amount| cash_out("holder", amount);
    let cases: Vec<(&str, u64, Vec<Message>, Vec<Message>)> = vec![
        ("a balance", 5, vec![], vec![empty(5)]),
        (
            "a pending transfer",
            5,
            vec![begin_transfer("holder", "rent", "payee", 5, None)],
            vec![post_transfer("holder", "holder", "rent", 5)],
        ),
        (
            "a payment certificate",
            5,
            vec![issue_payment("holder", "escrow", 5, "payee")],
            vec![void_payment(payment("holder", "escrow")), empty(5)],
        ),
        ("a reservation", 700, vec![reserve("holder", "tea", 1)], vec![pay("holder", "tea", 1)]),
        (
            "a gift that waits for it",
            0,
            vec![give("buyer", "present", "holder", "", (gift_of("tea", 1), 700))],
            vec![decline("holder", "buyer", "present")],
        ),
    ];
    for (how, purse, before, after) in cases {
        let mut stage = market(reservable(), None);
        stage.send(&open("holder", purse)).unwrap();
        before.iter().for_each(|message| drop(stage.send(message).unwrap()));
        for closing in [close("holder"), by_close("holder")] {
            assert_eq!(refuses(&mut stage, &closing), Code::AccountNotEmpty, "{how}");
        }
        after.iter().for_each(|message| drop(stage.send(message).unwrap()));
        stage.send(&close("holder")).unwrap();
        assert_eq!(stage.account("holder").status(), Status::Closed, "{how}");
    }
    // Credit that is drawn and credit that is held are no emptiness either.
    let mut stage = market(reservable(), None);
    stage.send(&open_in("holder", Currency::USD, 0, 500)).unwrap();
    stage.send(&begin_transfer("holder", "rent", "payee", 5, None)).unwrap();
    assert_eq!(refuses(&mut stage, &close("holder")), Code::AccountNotEmpty);
    stage.send(&post_transfer("holder", "holder", "rent", 5)).unwrap();
    assert_eq!(refuses(&mut stage, &close("holder")), Code::AccountNotEmpty);
    stage.send(&deposit("holder", 5)).unwrap();
    stage.send(&close("holder")).unwrap();
}

#[test]
fn a_closed_account_takes_a_late_credit_and_nothing_else() {
    // D46, DESIGN 3: closed and frozen accounts still take credits
    let mut stage = market(offer(700, 1), Some(&terms(500, 100)));
    chain(&mut stage, 1, &["u1"]);
    stage.send(&begin_transfer("payer", "rent", "u1", 500, None)).unwrap();
    stage.send(&close("u1")).unwrap();
    let own = [
        send_money("u1", "payee", 5),
        circulate("u1", "tea", 1),
        purchase("u1", "tea", 1),
        issue_payment("u1", "escrow", 5, ""),
        accept_gifts("u1", true),
    ];
    let others = [
        deposit("u1", 5),
        credit("u1", 5),
        freeze("u1"),
        status("u1", StatusChange::Unfreeze),
        send_money("payer", "u1", 5),
        begin_transfer("payer", "new", "u1", 5, None),
        issue_payment("payer", "escrow", 5, "u1"),
        give("payer", "present", "u1", "", (gift_of("tea", 1), 700)),
    ];
    for message in own.iter().chain(&others) {
        assert_eq!(refuses(&mut stage, message), Code::AccountClosed, "{message:?}");
    }
    assert_eq!(refuses(&mut stage, &open("u1", 5)), Code::NameTaken, "a name is given once");
    stage.send(&post_transfer("payer", "payer", "rent", 500)).unwrap();
    assert_eq!(settled(stage.send(&purchase("buyer", "tea", 1))), (40, 460));
    assert_eq!(stage.posted("u1"), 540);
    let mut stage = stage.restarted_at(stage.records());
    assert_eq!(refuses(&mut stage, &own[0]), Code::AccountClosed, "after a restart too");
    stage.send(&cash_out("u1", 540)).unwrap();
    let looking = by("u1", Command::ShowAccount { account: name("u1") });
    assert!(matches!(stage.send(&looking), Ok(Done::Account(view)) if view.status == Status::Closed));
}

#[test]
fn a_repeat_with_an_account_that_was_closed_since_is_answered_the_same() {
    // I12, D46
    let mut stage = market(offer(700, 1), None);
    for account in ["gone", "mill"] {
        stage.send(&open(account, 0)).unwrap();
    }
    let messages = [
        (send_money("buyer", "gone", 1), "to"),
        (begin_transfer("buyer", "a transfer", "gone", 1, None), "to"),
        (issue_payment("buyer", "a payment", 1, "gone"), "beneficiary"),
        (give("buyer", "a gift", "gone", "mill", (goods(), 1)), "recipient"),
        (give("buyer", "another", "u1", "gone", (goods(), 1)), "merchant"),
        (give("buyer", "a certificate", "gone", "", (gift_of("tea", 1), 700)), "recipient"),
        (grant("buyer", "a mandate", "gone", (1, 1), None), "merchant"),
        (register("mill", "gone", WhenShort::Refuse), "payee"),
    ];
    let answers = stage.send_all(&messages.clone().map(|(message, _)| message));
    stage.send(&decline("gone", "buyer", "a gift")).unwrap();
    stage.send(&decline("gone", "buyer", "a certificate")).unwrap();
    stage.send(&cash_out("gone", 1)).unwrap();
    stage.send(&status("gone", StatusChange::Close)).unwrap();
    for ((message, field), answer) in messages.into_iter().zip(answers) {
        assert!(answer.is_ok(), "{message:?}: {answer:?}");
        let records = stage.records();
        assert_eq!((stage.send(&message), stage.records()), (answer, records), "{message:?}");
        let anew = with_id(message, "with another id");
        assert_eq!(refused_for(stage.send(&anew)), (Code::AccountClosed, field.to_owned()), "{anew:?}");
    }
}
