//! Plain transfers, in one step and in two, and what PEERS says users of others complain about; D45; frozen and
//! closed accounts, D46.

use super::payments::held;
use crate::domain::{
    AccountEvent, Code, Command, Currency, Done, Event, Message, Offer, Status, StatusChange, Timestamp,
    TransferCommand, TransferEvent,
};
use crate::limits::REQUEST_KEPT_MS;
use crate::simulator::engaging::*;
use crate::simulator::messages::*;
use crate::simulator::stage::Stage;
use crate::simulator::traces::available;

/// A market in which `payer` has begun to send 500 to `payee`, until then.
fn begun(expires_at: Option<u64>) -> Stage {
    let mut stage = market(offer(700, 1), None);
    let begin = begin_transfer("payer", "rent", "payee", 500, expires_at.map(after_start));
    assert_eq!(stage.send(&begin), Ok(Done::TransferBegun { held: money(500) }));
    stage
}

fn post(amount: u64) -> Message {
    post_transfer("payer", "payer", "rent", amount)
}

fn void() -> Message {
    void_transfer("payer", "payer", "rent")
}

/// What payer has in all, of it held, and what payee has.
fn standing(stage: &Stage) -> (i64, u64, i64) {
    (stage.posted("payer"), held(stage, "payer"), stage.posted("payee"))
}

fn expiries(stage: &Stage) -> Vec<Timestamp> {
    let expired =
        |event: &Event| matches!(event, Event::Account(AccountEvent::Transfer(TransferEvent::Expired(_))));
    stage.events().iter().filter(|(.., event)| expired(event)).map(|(_, at, _)| *at).collect()
}

fn freeze(account: &str) -> Message {
    status(account, StatusChange::Freeze)
}

fn close(account: &str) -> Message {
    status(account, StatusChange::Close)
}

fn closes_itself(account: &str) -> Message {
    by(account, Command::Status { account: name(account), change: StatusChange::Close })
}

#[test]
fn money_moves_at_once_and_the_answer_has_the_balance_after_it() {
    // PEERS: balances after the operation, in its answer; I1, I3, I13
    let mut stage = market(offer(700, 1), None);
    let sent = stage.send(&send_money("payer", "payee", 300));
    let posted = stage.account("payer").posted();
    assert_eq!(sent, Ok(Done::Transferred { amount: money(300), posted }));
    assert_eq!(standing(&stage), (1_000_000 - 300, 0, 300));
    stage.send(&open("gone", 0)).unwrap();
    stage.send(&close("gone")).unwrap();
    let cases = [
        (send_money("payee", "payer", 301), Code::InsufficientFunds, ""),
        (send_money("payee", "payer", 0), Code::AmountNotPositive, "amount"),
        (send_money("payee", "payee", 5), Code::BadValue, "to"),
        (send_money("payee", "nobody", 5), Code::UnknownAccount, "to"),
        (send_money("payee", "foreigner", 5), Code::CurrencyMismatch, "to"),
        (send_money("payee", "gone", 5), Code::AccountClosed, "to"),
    ];
    for (message, code, field) in cases {
        let records = stage.records();
        assert_eq!(refused_for(stage.send(&message)), (code, field.to_owned()), "{message:?}");
        assert_eq!((stage.records(), stage.posted("payee")), (records, 300), "{message:?}");
    }
    let institution = TransferCommand::Send { to: name("payee"), amount: money(5) };
    assert_eq!(refuses(&mut stage, &by_institution(Command::Transfer(institution))), Code::NotAllowed);
    stage.send(&send_money("payee", "payer", 300)).unwrap();
    assert_eq!(standing(&stage), (1_000_000, 0, 0));
}

#[test]
fn a_credit_line_is_sent_to_its_last_unit() {
    // I3; PEERS: rules for overdraft surprising
    let mut stage = market(offer(700, 1), None);
    stage.send(&open_in("borrower", Currency::USD, 100, 400)).unwrap();
    assert_eq!(refuses(&mut stage, &send_money("borrower", "payee", 501)), Code::InsufficientFunds);
    stage.send(&begin_transfer("borrower", "loan", "payee", 450, None)).unwrap();
    assert_eq!(refuses(&mut stage, &send_money("borrower", "payee", 51)), Code::InsufficientFunds);
    stage.send(&send_money("borrower", "payee", 50)).unwrap();
    assert_eq!(available(&stage, "borrower"), 0);
    stage.send(&post_transfer("borrower", "borrower", "loan", 450)).unwrap();
    assert_eq!((stage.posted("borrower"), available(&stage, "borrower")), (-400, 0));
    assert_eq!(stage.posted("payee"), 500);
}

#[test]
fn cashing_out_reaches_neither_what_is_held_nor_a_credit_line() {
    // D45
    let mut stage = market(offer(700, 1), None);
    stage.send(&open_in("borrower", Currency::USD, 100, 400)).unwrap();
    assert_eq!(refuses(&mut stage, &cash_out("borrower", 101)), Code::InsufficientFunds);
    stage.send(&begin_transfer("borrower", "loan", "payee", 70, None)).unwrap();
    assert_eq!(refuses(&mut stage, &cash_out("borrower", 31)), Code::InsufficientFunds);
    stage.send(&cash_out("borrower", 30)).unwrap();
    assert_eq!((stage.posted("borrower"), held(&stage, "borrower")), (70, 70));
    stage.send(&post_transfer("borrower", "borrower", "loan", 70)).unwrap();
}

#[test]
fn a_pending_transfer_is_posted_in_full_or_in_part_or_void() {
    // D46: pending (held), post (at most the amount, rest freed), void
    let posted = |amount, left| Done::Transferred { amount: money(amount), posted: left };
    let after = |amount: u64| {
        let mut stage = market(offer(700, 1), None);
        stage.send(&send_money("payer", "payee", amount)).unwrap();
        stage.account("payer").posted()
    };
    let cases = [
        (post(500), posted(500, after(500)), 500),
        (post(300), posted(300, after(300)), 300),
        (post(1), posted(1, after(1)), 1),
        (void(), Done::TransferVoided { freed: money(500) }, 0),
    ];
    for (message, answer, moved) in cases {
        let mut stage = begun(None);
        assert_eq!(standing(&stage), (1_000_000, 500, 0), "no money moves while it is pending");
        assert_eq!(stage.next_due(), None, "without a limit it stays");
        assert_eq!(stage.send(&message), Ok(answer), "{message:?}");
        assert_eq!(standing(&stage), (1_000_000 - moved, 0, moved), "{message:?}");
    }
}

#[test]
fn a_hold_counts_against_availability() {
    // PEERS: blnk 181, a hold did not count; I3
    let spending = |amount: u64| {
        vec![
            send_money("holder", "payee", amount),
            begin_transfer("holder", "second", "payee", amount, None),
            issue_payment("holder", "escrow", amount, ""),
            cash_out("holder", amount),
        ]
    };
    for index in 0..spending(1).len() {
        let mut stage = market(offer(401, 1), None);
        stage.send(&open("holder", 1_000)).unwrap();
        stage.send(&begin_transfer("holder", "rent", "payee", 600, None)).unwrap();
        assert_eq!((stage.posted("holder"), available(&stage, "holder")), (1_000, 400));
        assert_eq!(refused(stage.send(&purchase("holder", "tea", 0))), Code::InsufficientFunds);
        let too_much = spending(401).remove(index);
        assert_eq!(refuses(&mut stage, &too_much), Code::InsufficientFunds, "{too_much:?}");
        let enough = spending(400).remove(index);
        assert!(stage.send(&enough).is_ok(), "{enough:?}");
        assert_eq!(available(&stage, "holder"), 0, "{enough:?}");
        stage.send(&post_transfer("holder", "holder", "rent", 600)).unwrap();
    }
}

#[test]
fn no_more_is_posted_than_is_held() {
    // PEERS: blnk 62, a capture above the hold; D46, I13
    let mut stage = begun(None);
    assert_eq!(refuses(&mut stage, &post(501)), Code::AmountTooLarge);
    assert_eq!(refuses(&mut stage, &post(0)), Code::AmountNotPositive);
    assert_eq!(standing(&stage), (1_000_000, 500, 0));
    stage.send(&post(500)).unwrap();
}

#[test]
fn what_is_over_is_neither_posted_nor_void_again() {
    // PEERS: blnk 182, a rejected hold could still be committed; D46, I13
    let ends = [("posted", post(500), 500), ("posted in part", post(200), 200), ("void", void(), 0)];
    for (how, end, moved) in ends {
        let mut stage = begun(None);
        stage.send(&end).unwrap();
        for late in [post(1), post(300), void()] {
            assert_eq!(refuses(&mut stage, &late), Code::UnknownTransfer, "{how}: {late:?}");
        }
        assert_eq!(standing(&stage), (1_000_000 - moved, 0, moved), "{how}");
    }
    let mut stage = market(offer(700, 1), None);
    for early in [post(1), void()] {
        assert_eq!(refuses(&mut stage, &early), Code::UnknownTransfer, "never begun");
    }
}

#[test]
fn of_two_that_end_it_at_once_one_does() {
    // D46, I14
    for luck in 0..10 {
        let mut stage = begun(None).with_luck(luck);
        let answers = stage.send_all(&[post(200), void(), post(300)]);
        assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1, "luck {luck}");
        let moved = match answers.iter().flatten().next() {
            Some(Done::Transferred { amount, .. }) => i64::try_from(amount.minor()).unwrap(),
            _ => 0,
        };
        assert_eq!(standing(&stage), (1_000_000 - moved, 0, moved), "luck {luck}");
    }
}

#[test]
fn a_pending_transfer_expires_by_timer_or_with_the_next_message() {
    // D46, D36; PEERS: expiry by logged time
    for (by_timer, found) in [(true, 100), (false, 100), (true, 300), (false, 300)] {
        let mut stage = begun(Some(100));
        stage.at(after_start(99));
        stage.fire();
        assert_eq!((standing(&stage), stage.next_due()), ((1_000_000, 500, 0), Some(after_start(100))));
        stage.at(after_start(found));
        if by_timer {
            stage.fire();
        }
        for late in [post(500), void()] {
            assert_eq!(refused(stage.send(&late)), Code::UnknownTransfer, "{late:?}");
        }
        assert_eq!(standing(&stage), (1_000_000, 0, 0), "by timer: {by_timer}");
        assert_eq!(expiries(&stage), [after_start(100)], "dated at its limit");
        let records = stage.records();
        for mut stage in [stage.restarted_at(records), stage] {
            stage.later(1_000);
            stage.fire();
            assert_eq!((stage.records(), stage.next_due()), (records, None), "once");
        }
    }
    // Its last millisecond still posts, and what was posted or is void does not expire.
    for end in [post(500), void()] {
        let mut stage = begun(Some(100));
        stage.at(after_start(99));
        stage.send(&end).unwrap();
        let before = standing(&stage);
        assert_eq!(stage.next_due(), None, "{end:?}");
        stage.at(after_start(200));
        stage.fire();
        assert_eq!((standing(&stage), expiries(&stage)), (before, vec![]), "{end:?}");
    }
    let mut stage = market(offer(700, 1), None);
    let passed = begin_transfer("payer", "rent", "payee", 500, Some(after_start(0)));
    assert_eq!(refused_for(stage.send(&passed)), (Code::BadValue, "expires_at".to_owned()));
}

#[test]
fn whoever_began_it_and_the_institution_may_end_it() {
    // P7, I13
    let mut stage = begun(None);
    for stranger in ["payee", "buyer"] {
        let posting = post_transfer(stranger, "payer", "rent", 500);
        assert_eq!(refuses(&mut stage, &posting), Code::NotAllowed, "{stranger}");
        let voiding = void_transfer(stranger, "payer", "rent");
        assert_eq!(refuses(&mut stage, &voiding), Code::NotAllowed, "{stranger}");
    }
    let posting = TransferCommand::Post { from: name("payer"), transfer: id("rent"), amount: money(200) };
    stage.send(&by_institution(Command::Transfer(posting))).unwrap();
    assert_eq!(standing(&stage), (1_000_000 - 200, 0, 200));
    let mut stage = begun(None);
    let voiding = TransferCommand::Void { from: name("payer"), transfer: id("rent") };
    stage.send(&by_institution(Command::Transfer(voiding))).unwrap();
    assert_eq!(standing(&stage), (1_000_000, 0, 0));
    let beginning = TransferCommand::Begin { to: name("payee"), amount: money(5), expires_at: None };
    assert_eq!(refuses(&mut stage, &by_institution(Command::Transfer(beginning))), Code::NotAllowed);
}

#[test]
fn a_repeat_of_an_id_has_no_second_effect() {
    // I12, DESIGN 5; PEERS: same id, same answer; same id, other body, conflict
    let begin = |amount| begin_transfer("payer", "rent", "payee", amount, None);
    let send = |amount| with_id(send_money("payer", "payee", amount), "the sending");
    let posting = |amount| with_id(post(amount), "the posting");
    for luck in 0..8 {
        let mut stage = market(offer(700, 1), None).with_luck(luck);
        for (message, other) in [(send(40), send(41)), (begin(500), begin(501)), (posting(200), posting(201))]
        {
            let answers = stage.send_all(&[message.clone(), message.clone(), message.clone()]);
            assert!(answers[0].is_ok(), "luck {luck}: {answers:?}");
            assert_eq!(answers, vec![answers[0].clone(); 3], "luck {luck}: {message:?}");
            assert_eq!(refuses(&mut stage, &other), Code::IdReused, "luck {luck}: {other:?}");
        }
        let begun_again = stage.send(&begin(500));
        assert_eq!(begun_again, Ok(Done::TransferBegun { held: money(500) }), "as it was answered then");
        assert_eq!(standing(&stage), (1_000_000 - 240, 0, 240), "luck {luck}");
    }
    // A day later the answer is forgotten, but what is still pending is not begun a second time.
    let mut stage = begun(None);
    stage.later(REQUEST_KEPT_MS);
    for again in [begin(500), begin(5)] {
        assert_eq!(refuses(&mut stage, &again), Code::IdReused);
    }
    assert_eq!(standing(&stage), (1_000_000, 500, 0));
    stage.send(&void()).unwrap();
    stage.send(&begin(5)).unwrap();
    // One that was refused is decided anew.
    let mut stage = market(offer(700, 1), None);
    let poor = with_id(send_money("broke", "payee", 40), "poor");
    assert_eq!(refuses(&mut stage, &poor), Code::InsufficientFunds);
    stage.send(&deposit("broke", 40)).unwrap();
    stage.send(&poor).unwrap();
    assert_eq!((stage.posted("broke"), stage.posted("payee")), (0, 40));
}

#[test]
fn a_restart_at_any_record_moves_the_money_once() {
    // I12, I14
    for shards in [1, 3] {
        let mut stage = market_on(Stage::new(shards), offer(700, 1), None);
        let before = stage.records();
        let script = [
            with_id(send_money("payer", "payee", 40), "the sending"),
            begin_transfer("payer", "rent", "payee", 500, Some(after_start(100))),
            begin_transfer("payer", "late", "payee", 70, Some(after_start(100))),
            with_id(post(300), "the posting"),
        ];
        let answers: Vec<_> = script.iter().map(|message| stage.send(message)).collect();
        assert!(answers.iter().all(Result::is_ok), "{answers:?}");
        stage.at(after_start(100));
        stage.fire();
        for records in before..=stage.records() {
            let mut again = stage.restarted_at(records);
            again.at(after_start(50));
            for (message, answer) in script.iter().zip(&answers) {
                assert_eq!(&again.send(message), answer, "cut at {records}: {message:?}");
            }
            again.at(after_start(100));
            again.fire();
            assert_eq!(again.records(), stage.records(), "cut at {records}");
            assert_eq!(standing(&again), (1_000_000 - 340, 0, 340), "cut at {records}");
        }
    }
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
        closes_itself("holder"),
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
    stage.send(&closes_itself("u1")).unwrap();
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
        for closing in [close("holder"), closes_itself("holder")] {
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
        open("u1", 5),
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
    stage.send(&post_transfer("payer", "payer", "rent", 500)).unwrap();
    assert_eq!(settled(stage.send(&purchase("buyer", "tea", 1))), (40, 460));
    assert_eq!(stage.posted("u1"), 540);
    let mut stage = stage.restarted_at(stage.records());
    assert_eq!(refuses(&mut stage, &own[0]), Code::AccountClosed, "after a restart too");
    stage.send(&cash_out("u1", 540)).unwrap();
    let looking = by("u1", Command::ShowAccount { account: name("u1") });
    assert!(matches!(stage.send(&looking), Ok(Done::Account(view)) if view.status == Status::Closed));
}
