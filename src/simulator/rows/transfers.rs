//! Plain transfers, in one step and in two, and what PEERS says users of others complain about; D45.

use super::payments::held;
use crate::domain::{
    AccountEvent, Code, Command, Currency, Done, Event, Message, StatusChange, Timestamp, TransferCommand,
    TransferEvent,
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

#[test]
fn money_moves_at_once_and_the_answer_has_the_balance_after_it() {
    // PEERS: balances after the operation, in its answer; I1, I3, I13
    let mut stage = market(offer(700, 1), None);
    let sent = stage.send(&send_money("payer", "payee", 300));
    let posted = stage.account("payer").posted();
    assert_eq!(sent, Ok(Done::Transferred { amount: money(300), posted }));
    assert_eq!(standing(&stage), (1_000_000 - 300, 0, 300));
    stage.send(&open("gone", 0)).unwrap();
    stage.send(&status("gone", StatusChange::Close)).unwrap();
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
    stage.send(&begin_transfer("borrower", "loan", "payee", 350, None)).unwrap();
    assert_eq!(refuses(&mut stage, &send_money("borrower", "payee", 151)), Code::InsufficientFunds);
    stage.send(&send_money("borrower", "payee", 150)).unwrap();
    assert_eq!((stage.posted("borrower"), available(&stage, "borrower")), (-50, 0));
    stage.send(&post_transfer("borrower", "borrower", "loan", 350)).unwrap();
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
        over_for_good(stage);
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
