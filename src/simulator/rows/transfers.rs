//! Plain transfers in one step and in two, frozen and closed accounts: D45, D46.

use crate::domain::{
    Caller, Code, Command, Done, Message, Offer, PaymentCommand, Status, StatusChange, WhenShort,
};
use crate::limits::REQUEST_KEPT_MS;
use crate::simulator::engaging::*;
use crate::simulator::messages::*;
use crate::simulator::stage::Stage;

fn three() -> Stage {
    let mut stage = Stage::new(3);
    for (account, purse) in [("ann", 1_000), ("bob", 0), ("cho", 0)] {
        stage.send(&open(account, purse)).unwrap();
    }
    stage.send(&open_in("foreigner", euro(), 100, 0)).unwrap();
    stage
}

fn purses(stage: &Stage) -> [i64; 2] {
    ["ann", "bob"].map(|account| stage.posted(account))
}

fn held(stage: &Stage) -> u64 {
    stage.account("ann").held().minor()
}

#[test]
fn a_transfer_moves_what_is_available_once_and_says_the_balance_after_it() {
    // I12, I13, D31
    let mut stage = three();
    let once = with_id(send_money("ann", "bob", 300), "rent");
    let done = Ok(Done::Transferred { amount: money(300), posted: crate::domain::Balance::from_minor(700) });
    assert_eq!(stage.send_all(&[once.clone(), once.clone()]), [done.clone(), done.clone()]);
    assert_eq!(stage.send(&once), done);
    assert_eq!(purses(&stage), [700, 300]);
    for (message, code, field) in [
        (send_money("ann", "bob", 701), Code::InsufficientFunds, ""),
        (send_money("ann", "bob", 0), Code::AmountNotPositive, "amount"),
        (send_money("ann", "ann", 1), Code::BadValue, "to"),
        (send_money("ann", "nobody", 1), Code::UnknownAccount, "to"),
        (send_money("ann", "foreigner", 1), Code::CurrencyMismatch, "to"),
        (with_id(send_money("ann", "bob", 301), "rent"), Code::IdReused, ""),
    ] {
        let records = stage.records();
        assert_eq!(refused_for(stage.send(&message)), (code, field.to_owned()));
        assert_eq!(stage.records(), records);
    }
    stage.later(REQUEST_KEPT_MS);
    stage.send(&once).unwrap();
    assert_eq!(purses(&stage), [400, 600], "after a day it is another request (DESIGN §5)");
}

#[test]
fn a_pending_transfer_is_held_until_it_is_posted_whole_or_in_part() {
    // §1: available counts what is held
    let mut stage = three();
    assert_eq!(
        stage.send(&begin_transfer("ann", "one", "bob", 600, None)),
        Ok(Done::TransferBegun { held: money(600) })
    );
    assert_eq!(
        (purses(&stage), held(&stage), stage.account("ann").available().minor()),
        ([1_000, 0], 600, 400)
    );
    assert_eq!(refuses(&mut stage, &send_money("ann", "bob", 401)), Code::InsufficientFunds);
    assert_eq!(refuses(&mut stage, &cash_out("ann", 401)), Code::InsufficientFunds, "D45");
    assert_eq!(refuses(&mut stage, &begin_transfer("ann", "two", "bob", 401, None)), Code::InsufficientFunds);
    assert_eq!(refuses(&mut stage, &post_transfer("ann", "ann", "one", 601)), Code::AmountTooLarge);
    for stranger in ["bob", "cho"] {
        assert_eq!(refuses(&mut stage, &post_transfer(stranger, "ann", "one", 1)), Code::NotAllowed);
        assert_eq!(refuses(&mut stage, &void_transfer(stranger, "ann", "one")), Code::NotAllowed);
    }
    let post = with_id(post_transfer("ann", "ann", "one", 250), "post");
    let posted = stage.send(&post);
    assert_eq!(
        posted,
        Ok(Done::Transferred { amount: money(250), posted: crate::domain::Balance::from_minor(750) })
    );
    assert_eq!((purses(&stage), held(&stage)), ([750, 250], 0), "the rest is free");
    assert_eq!(stage.send(&post), posted, "a repeat");
    for late in [post_transfer("ann", "ann", "one", 1), void_transfer("ann", "ann", "one")] {
        assert_eq!(refuses(&mut stage, &late), Code::UnknownTransfer, "what is posted is over");
    }
    assert_eq!(purses(&stage), [750, 250]);
}

#[test]
fn a_pending_transfer_that_is_void_or_expired_cannot_be_posted() {
    // Neither an owner nor a race brings it back.
    for how in ["void", "time", "time, found by a message"] {
        let mut stage = three();
        stage.send(&begin_transfer("ann", "one", "bob", 600, Some(after_start(50)))).unwrap();
        match how {
            "void" => {
                assert_eq!(
                    stage.send(&void_transfer("ann", "ann", "one")),
                    Ok(Done::TransferVoided { freed: money(600) })
                );
            }
            _ => {
                stage.later(49);
                stage.fire();
                assert_eq!(held(&stage), 600, "its last millisecond");
                stage.later(1);
                if how == "time" {
                    stage.fire();
                    assert_eq!(held(&stage), 0, "by itself");
                }
            }
        }
        assert_eq!(
            refused(stage.send(&post_transfer("ann", "ann", "one", 1))),
            Code::UnknownTransfer,
            "{how}"
        );
        assert_eq!((purses(&stage), held(&stage)), ([1_000, 0], 0), "{how}");
        // Its id is that of a request which is remembered.
        let again = begin_transfer("ann", "one", "bob", 600, Some(after_start(50)));
        assert_eq!(
            stage.send(&again),
            Ok(Done::TransferBegun { held: money(600) }),
            "a repeat begins nothing"
        );
        assert_eq!(held(&stage), 0);
    }
    let mut stage = three();
    let past = begin_transfer("ann", "one", "bob", 600, Some(after_start(0)));
    assert_eq!(refused_for(stage.send(&past)), (Code::BadValue, "expires_at".to_owned()));
}

#[test]
fn a_post_and_a_void_at_once_move_the_money_or_free_it() {
    let mut wins = [0, 0];
    for seed in 0..100 {
        let mut stage = three().with_luck(seed);
        stage.send(&begin_transfer("ann", "one", "bob", 600, None)).unwrap();
        let institution = Message { caller: Caller::FundsManagement, ..void_transfer("ann", "ann", "one") };
        let mut both = [post_transfer("ann", "ann", "one", 600), institution];
        if seed % 2 == 1 {
            both.reverse();
        }
        let won: Vec<bool> = stage.send_all(&both).iter().map(Result::is_ok).collect();
        assert_ne!(won[0], won[1], "seed {seed}");
        let posted = won[usize::from(seed % 2 == 1)];
        assert_eq!((purses(&stage), held(&stage)), (if posted { [400, 600] } else { [1_000, 0] }, 0));
        wins[usize::from(posted)] += 1;
    }
    assert!(wins[0] > 0 && wins[1] > 0, "{wins:?}");
}

#[test]
fn a_frozen_account_has_no_commands_and_what_comes_in_or_was_committed_goes_on() {
    // D46
    let mut stage = market(Offer { reservable_ms: Some(1_000), ..offer(100, 5) }, Some(&terms(500, 100)));
    stage.send(&deposit("u1", 1_000)).unwrap();
    chain(&mut stage, 1, &["u1"]);
    stage.send(&begin_transfer("u1", "transfer", "u2", 50, None)).unwrap();
    stage.send(&issue_payment("u1", "pay", 60, "u2")).unwrap();
    stage.send(&receive("u2", payment("u1", "pay"))).unwrap();
    let shared = with_id(circulate("u1", "tea", 2), "shared");
    let first = stage.send(&shared);
    let freeze = |account: &str, change| by(account, Command::Status { account: name("u1"), change });
    assert_eq!(refuses(&mut stage, &freeze("u1", StatusChange::Freeze)), Code::NotAllowed);
    let frozen = Done::StatusChanged { status: Status::Frozen, accepts_gifts: false };
    assert_eq!(stage.send(&status("u1", StatusChange::Freeze)), Ok(frozen));
    let own = [
        circulate("u1", "tea", 3),
        acquire("u1", "tea", 2),
        purchase("u1", "tea", 0),
        reserve("u1", "tea", 0),
        send_money("u1", "u2", 1),
        begin_transfer("u1", "another", "u2", 1, None),
        post_transfer("u1", "u1", "transfer", 1),
        issue_payment("u1", "another", 1, "u2"),
        give("u1", "gift", "u2", "u3", (goods(), 1)),
        grant("u1", "mandate", "u3", (1, 1), None),
        accept_gifts("u1", true),
        by("u1", Command::Issue { offering: name("coffee"), offer: Box::new(offer(1, 1)) }),
    ];
    for message in &own {
        assert_eq!(refuses(&mut stage, message), Code::AccountFrozen, "{message:?}");
    }
    assert_eq!(stage.send(&shared), first, "a repeat is answered all the same (I12)");
    let by_itself = Command::Payment(PaymentCommand::Show(payment("u1", "pay")));
    stage.send(&by("u1", by_itself)).unwrap();
    // Credits and what it had committed go on.
    stage.send(&purchase("buyer", "tea", 1)).unwrap();
    assert_eq!(stage.posted("u1"), 1_040, "its commission");
    stage.send(&release(payment("u1", "pay"), 60)).unwrap();
    let by_institution =
        Message { caller: Caller::FundsManagement, ..post_transfer("u1", "u1", "transfer", 50) };
    stage.send(&by_institution).unwrap();
    stage.send(&deposit("u1", 5)).unwrap();
    assert_eq!((stage.posted("u1"), stage.posted("u2")), (935, 110));
    stage.send(&status("u1", StatusChange::Unfreeze)).unwrap();
    chain(&mut stage, 3, &["u1"]);
}

#[test]
fn an_account_closes_only_when_empty_and_party_to_nothing_open() {
    // D46
    let close = |who: &str| by(who, Command::Status { account: name("ann"), change: StatusChange::Close });
    for (what, open_it, end_it) in [
        ("money", None, None),
        (
            "a pending transfer",
            Some(begin_transfer("ann", "one", "bob", 9, None)),
            Some(void_transfer("ann", "ann", "one")),
        ),
        (
            "a payment certificate",
            Some(issue_payment("ann", "pay", 9, "bob")),
            Some(void_payment(payment("ann", "pay"))),
        ),
        (
            "a gift",
            Some(give("bob", "gift", "ann", "cho", (goods(), 1))),
            Some(decline("ann", "bob", "gift")),
        ),
    ] {
        let mut stage = three();
        stage.send(&send_money("ann", "bob", 900)).unwrap();
        if let Some(message) = &open_it {
            stage.send(message).unwrap();
        }
        assert_eq!(refuses(&mut stage, &close("ann")), Code::AccountNotEmpty, "{what}");
        if let Some(message) = &end_it {
            stage.send(message).unwrap();
        }
        assert_eq!(refuses(&mut stage, &close("ann")), Code::AccountNotEmpty, "{what}: 100 are left");
        stage.send(&send_money("ann", "bob", 100)).unwrap();
        assert_eq!(refuses(&mut stage, &close("bob")), Code::NotAllowed);
        let closed = Ok(Done::StatusChanged { status: Status::Closed, accepts_gifts: false });
        assert_eq!(stage.send(&close("ann")), closed, "{what}");
        for (message, code) in [
            (send_money("bob", "ann", 1), Code::AccountClosed),
            (deposit("ann", 1), Code::AccountClosed),
            (send_money("ann", "bob", 1), Code::AccountClosed),
            (give("bob", "late", "ann", "cho", (goods(), 1)), Code::AccountClosed),
            (issue_payment("bob", "late", 1, "ann"), Code::AccountClosed),
            (status("ann", StatusChange::Unfreeze), Code::AccountClosed),
            (open("ann", 0), Code::NameTaken),
        ] {
            assert_eq!(refuses(&mut stage, &message), code, "{what}: {message:?}");
        }
    }
}

#[test]
fn a_credit_that_comes_to_a_closed_account_is_not_lost() {
    // D46, DESIGN §3: nothing refuses a credit
    let mut stage = market(offer(700, 1), Some(&terms(500, 100)));
    chain(&mut stage, 1, &["u1"]);
    stage.send(&status("u1", StatusChange::Close)).unwrap();
    stage.send(&purchase("buyer", "tea", 1)).unwrap();
    assert_eq!(stage.posted("u1"), 40);
    assert_eq!(refuses(&mut stage, &send_money("u1", "u2", 40)), Code::AccountClosed);
    stage.send(&cash_out("u1", 40)).unwrap();
    assert_eq!(stage.posted("u1"), 0);
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
