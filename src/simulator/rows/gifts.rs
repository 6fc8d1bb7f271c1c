//! Gifts from giving to handing over: T1, T6 to T9, T12, T13, D21, D22, D43, I15.

use crate::domain::{
    Answer, Code, Command, Done, GiftCommand, GiftObject, GiftState, GoodsKind, Offer, Status, StatusChange,
    WhenShort,
};
use crate::limits::GIFT_OPEN_MS;
use crate::simulator::engaging::*;
use crate::simulator::messages::*;
use crate::simulator::stage::Stage;

/// Ann and bob have 1,000, the mall is registered and paid into the till.
fn shop(shards: usize) -> Stage {
    let mut stage = Stage::new(shards);
    for (account, purse) in [("ann", 1_000), ("bob", 1_000), ("mall", 0), ("till", 0), ("other", 0)] {
        stage.send(&open(account, purse)).unwrap();
    }
    stage.send(&register("mall", "till", WhenShort::Refuse)).unwrap();
    stage
}

fn purses(stage: &Stage) -> [i64; 3] {
    ["ann", "bob", "till"].map(|account| stage.posted(account))
}

fn earmarked(stage: &Stage) -> u64 {
    stage.account("bob").earmarked().minor()
}

/// How far the gift has come, as its donor sees it.
fn state(stage: &mut Stage, of: &str) -> GiftState {
    match stage.send(&by("ann", Command::Gift(GiftCommand::Show(gift("bob", "ann", of))))) {
        Ok(Done::Gift(view)) => view.state.state,
        other => panic!("expected a gift, got {other:?}"),
    }
}

fn give_kettle(stage: &mut Stage, of: &str) -> Answer {
    stage.send(&give("ann", of, "bob", "mall", (goods(), 300)))
}

#[test]
fn donor_recipient_and_payee_end_at_less_nothing_and_more() {
    // T1, T6, T8, T10, T12, T13, D21, I15
    for shards in [1, 3] {
        let mut stage = shop(shards);
        give_kettle(&mut stage, "gift").unwrap();
        assert_eq!((purses(&stage), earmarked(&stage)), ([700, 1_000, 0], 300));
        assert_eq!(state(&mut stage, "gift"), GiftState::Requested);
        assert_eq!(gift_state(stage.send(&accept("bob", "ann", "gift"))), GiftState::Accepted);
        assert_eq!((purses(&stage), earmarked(&stage)), ([700, 1_000, 0], 300), "accepting moves nothing");
        let withheld = stage.send(&withhold("mall", "order", 300, gift("bob", "ann", "gift")));
        assert_eq!(withheld, Ok(Done::Withheld { amount: money(300) }));
        assert_eq!((purses(&stage), earmarked(&stage)), ([700, 1_000, 300], 0));
        assert_eq!(state(&mut stage, "gift"), GiftState::Withheld, "the object is not there yet");
        stage.send(&provide("mall", "order")).unwrap();
        assert_eq!(state(&mut stage, "gift"), GiftState::Provided);
        let (bob, till) = (stage.number("bob"), stage.number("till"));
        let paid = stage.events().iter().any(|(actor, _, event)| {
            use crate::domain::{AccountEvent, CreditReason, Event};
            *actor == till
                && matches!(event, Event::Account(AccountEvent::Credited { from, reason: CreditReason::Withheld, .. }) if *from == bob)
        });
        assert!(paid, "the payment's source on record is the recipient (T13)");
    }
}

#[test]
fn every_kind_of_goods_is_taken_and_comes_back_equal() {
    // T1
    let mut stage = shop(1);
    let kinds = [
        GoodsKind::Product,
        GoodsKind::Service,
        GoodsKind::Insurance,
        GoodsKind::Fund,
        GoodsKind::Gold,
        GoodsKind::Lottery,
        GoodsKind::Other,
    ];
    for (place, kind) in kinds.into_iter().enumerate() {
        let object = GiftObject::Goods { kind, description: format!("object {place}") };
        stage.send(&give("ann", &format!("gift {place}"), "bob", "mall", (object, 1))).unwrap();
    }
    let Ok(Done::Gifts(gifts)) = stage.send(&by("bob", Command::Gift(GiftCommand::List))) else {
        panic!("a list")
    };
    for (place, kind) in kinds.into_iter().enumerate() {
        let description = format!("object {place}");
        let object = crate::domain::FoundObject::Goods { kind, description };
        assert!(gifts.iter().any(|view| view.state.object == object), "{kind:?}");
    }
}

#[test]
fn a_gift_that_misses_something_is_refused_by_the_field_and_moves_nothing() {
    // T7, D31, I13
    let mut stage = market(offer(700, 2), None);
    stage.send(&open("mall", 0)).unwrap();
    stage.send(&open("gone", 0)).unwrap();
    stage.send(&status("gone", StatusChange::Close)).unwrap();
    let before = stage.posted("buyer");
    let nothing = GiftObject::Goods { kind: GoodsKind::Product, description: " ".to_owned() };
    let long = GiftObject::Goods { kind: GoodsKind::Product, description: "x".repeat(4_097) };
    let past = Some(after_start(0));
    for (recipient, merchant, object, price, until, code, field) in [
        ("nobody", "mall", goods(), 10, None, Code::UnknownAccount, "recipient"),
        ("gone", "mall", goods(), 10, None, Code::AccountClosed, "recipient"),
        ("buyer", "mall", goods(), 10, None, Code::BadValue, "recipient"),
        ("foreigner", "mall", goods(), 10, None, Code::CurrencyMismatch, "recipient"),
        ("u1", "nobody", goods(), 10, None, Code::UnknownAccount, "merchant"),
        ("u1", "", goods(), 10, None, Code::Missing, "merchant"),
        ("u1", "mall", nothing, 10, None, Code::Missing, "object.description"),
        ("u1", "mall", long, 10, None, Code::BadText, "object.description"),
        ("u1", "mall", goods(), 0, None, Code::AmountNotPositive, "price"),
        ("u1", "mall", goods(), PURSE + 1, None, Code::InsufficientFunds, ""),
        ("u1", "mall", goods(), 10, past, Code::BadValue, "expires_at"),
        ("u1", "", gift_of("coffee", 1), 700, None, Code::UnknownOffering, "offering"),
        ("u1", "", gift_of("tea", 3), 700, None, Code::UnknownCertificate, "serial"),
        ("u1", "", gift_of("tea", 1), 699, None, Code::AmountMismatch, "price"),
        ("u1", "", gift_of("tea", 1), 701, None, Code::AmountMismatch, "price"),
    ] {
        let message =
            give_until("buyer", &format!("{code} {field}"), recipient, merchant, (object, price), until);
        let records = stage.records();
        assert_eq!(refused_for(stage.send(&message)), (code, field.to_owned()), "{message:?}");
        assert_eq!(stage.records(), records, "nothing is on record");
    }
    assert_eq!(stage.posted("buyer"), before);
}

#[test]
fn earmarked_money_is_spent_on_nothing_else() {
    // T8, D21
    let mut stage = market(offer(100, 2), None);
    stage.send(&open("mall", 0)).unwrap();
    stage.send(&register("mall", "payee", WhenShort::Refuse)).unwrap();
    stage.send(&give("buyer", "gift", "u1", "mall", (goods(), 100))).unwrap();
    for round in ["requested", "accepted"] {
        let account = stage.account("u1");
        assert_eq!((account.earmarked().minor(), account.available().minor()), (100, 0));
        assert_eq!(refused(stage.send(&purchase("u1", "tea", 1))), Code::InsufficientFunds, "{round}");
        assert_eq!(refuses(&mut stage, &cash_out("u1", 1)), Code::InsufficientFunds);
        assert_eq!(refuses(&mut stage, &send_money("u1", "u2", 1)), Code::InsufficientFunds);
        assert_eq!(refuses(&mut stage, &begin_transfer("u1", round, "u2", 1, None)), Code::InsufficientFunds);
        assert_eq!(refuses(&mut stage, &issue_payment("u1", round, 1, "u2")), Code::InsufficientFunds);
        let on = give("u1", round, "u2", "mall", (goods(), 1));
        assert_eq!(refuses(&mut stage, &on), Code::InsufficientFunds);
        assert_eq!(
            refused(stage.send(&purchase_with_gift("u1", "tea", 1, "buyer", "gift"))),
            match round {
                "requested" => Code::GiftNotAccepted,
                _ => Code::NotAllowed,
            }
        );
        if round == "requested" {
            stage.send(&accept("u1", "buyer", "gift")).unwrap();
        }
    }
}

#[test]
fn declined_expired_and_returned_gifts_make_the_donor_whole() {
    // T9, D22, D43
    for (how, answer) in [
        ("decline", GiftState::Declined),
        ("expire", GiftState::Expired),
        ("return", GiftState::Returned),
        ("by the merchant", GiftState::Returned),
    ] {
        let mut stage = shop(3);
        give_kettle(&mut stage, "gift").unwrap();
        let reference = || gift("bob", "ann", "gift");
        match how {
            "decline" => assert_eq!(gift_state(stage.send(&decline("bob", "ann", "gift"))), answer),
            "expire" => {
                stage.later(GIFT_OPEN_MS);
                stage.fire();
            }
            _ => {
                assert_eq!(refused(stage.send(&return_gift("bob", reference()))), Code::GiftNotAccepted);
                stage.send(&accept("bob", "ann", "gift")).unwrap();
                let who = if how == "return" { "bob" } else { "mall" };
                assert_eq!(refuses(&mut stage, &return_gift("ann", reference())), Code::NotAllowed);
                assert_eq!(gift_state(stage.send(&return_gift(who, reference()))), answer);
            }
        }
        assert_eq!((purses(&stage), earmarked(&stage)), ([1_000, 1_000, 0], 0), "{how}");
        assert_eq!(state(&mut stage, "gift"), answer);
        for late in
            [accept("bob", "ann", "gift"), decline("bob", "ann", "gift"), return_gift("bob", reference())]
        {
            assert_eq!(refuses(&mut stage, &late), Code::GiftEnded, "{how}");
        }
        let late = stage.send(&withhold("mall", "order", 300, reference()));
        assert_eq!(refused(late), Code::GiftEnded);
        assert_eq!(purses(&stage), [1_000, 1_000, 0], "{how}");
    }
}

#[test]
fn a_gift_waits_a_day_or_as_long_as_its_donor_says_to_the_millisecond() {
    // T9
    for own in [None, Some(50)] {
        let length = own.unwrap_or(GIFT_OPEN_MS);
        for (past, by_timer) in [(false, false), (true, false), (true, true)] {
            let mut stage = shop(1);
            let until = own.map(after_start);
            stage.send(&give_until("ann", "gift", "bob", "mall", (goods(), 300), until)).unwrap();
            stage.later(length - u64::from(!past));
            if by_timer {
                stage.fire();
                assert_eq!(purses(&stage), [1_000, 1_000, 0], "the timer sends it home by itself");
            }
            let answer = stage.send(&accept("bob", "ann", "gift"));
            if past {
                assert_eq!(refused(answer), Code::GiftEnded, "{length}, timer {by_timer}");
                assert_eq!((purses(&stage), earmarked(&stage)), ([1_000, 1_000, 0], 0));
            } else {
                assert_eq!(gift_state(answer), GiftState::Accepted, "{length} less one");
                stage.later(10 * GIFT_OPEN_MS);
                stage.fire();
                assert_eq!(earmarked(&stage), 300, "an accepted gift does not expire (D43)");
                stage.send(&withhold("mall", "order", 300, gift("bob", "ann", "gift"))).unwrap();
            }
        }
    }
}

#[test]
fn a_recipient_may_have_gifts_accepted_as_they_arrive() {
    // T9, D22
    let mut stage = shop(3);
    let foreign = by(
        "ann",
        Command::Status { account: name("bob"), change: StatusChange::AcceptGifts { by_itself: true } },
    );
    assert_eq!(refuses(&mut stage, &foreign), Code::NotAllowed);
    let on = stage.send(&accept_gifts("bob", true));
    assert_eq!(on, Ok(Done::StatusChanged { status: Status::Open, accepts_gifts: true }));
    give_kettle(&mut stage, "one").unwrap();
    assert_eq!(state(&mut stage, "one"), GiftState::Accepted);
    stage.send(&withhold("mall", "order", 300, gift("bob", "ann", "one"))).unwrap();
    stage.send(&accept_gifts("bob", false)).unwrap();
    give_kettle(&mut stage, "two").unwrap();
    assert_eq!(state(&mut stage, "two"), GiftState::Requested);
    // A frozen account has no commands, and accepting is one.
    stage.send(&accept_gifts("bob", true)).unwrap();
    stage.send(&status("bob", StatusChange::Freeze)).unwrap();
    give_kettle(&mut stage, "three").unwrap();
    assert_eq!(state(&mut stage, "three"), GiftState::Requested);
    assert_eq!(refuses(&mut stage, &accept("bob", "ann", "three")), Code::AccountFrozen);
}

#[test]
fn only_the_recipient_answers_and_only_whom_it_concerns_looks() {
    // T9
    let mut stage = shop(1);
    give_kettle(&mut stage, "gift").unwrap();
    for message in
        [accept("other", "ann", "gift"), decline("other", "ann", "gift"), accept("bob", "ann", "none")]
    {
        assert_eq!(refuses(&mut stage, &message), Code::UnknownGift, "a gift is its recipient's");
    }
    let show = |who: &str| by(who, Command::Gift(GiftCommand::Show(gift("bob", "ann", "gift"))));
    for who in ["ann", "bob", "mall"] {
        stage.send(&show(who)).unwrap();
    }
    assert_eq!(refuses(&mut stage, &show("other")), Code::NotAllowed);
    stage.send(&by_institution(Command::Gift(GiftCommand::Show(gift("bob", "ann", "gift"))))).unwrap();
}

#[test]
fn a_repeated_gift_is_one_gift_for_ever() {
    // I12, T8
    let mut stage = shop(3);
    let message = give("ann", "gift", "bob", "mall", (goods(), 300));
    let first = stage.send_all(&[message.clone(), message.clone()]);
    assert_eq!(first[0], first[1]);
    stage.later(40 * crate::limits::REQUEST_KEPT_MS);
    assert_eq!(stage.send(&message), first[0]);
    let other = give("ann", "gift", "bob", "mall", (goods(), 301));
    assert_eq!(refuses(&mut stage, &other), Code::IdReused);
    stage.fire();
    assert_eq!(stage.posted("ann"), 1_000, "one gift, which has expired by now");
}

#[test]
fn a_restart_between_any_two_hops_finishes_or_undoes_a_gift_once() {
    // I14, I15
    let mut stage = market(offer(100, 2), Some(&terms(50, 10)));
    stage.send(&register_for("payee", "payee", Some("supplier"), WhenShort::Refuse)).unwrap();
    chain(&mut stage, 1, &["u2", "u3"]);
    let before = stage.records();
    let reference = |of: &str| gift("u1", "buyer", of);
    let messages = [
        give("buyer", "kettle", "u1", "payee", (goods(), 300)),
        give("buyer", "back", "u1", "payee", (goods(), 40)),
        give("buyer", "tea", "u1", "", (gift_of("tea", 1), 100)),
        give("buyer", "no", "u1", "payee", (goods(), 7)),
        accept("u1", "buyer", "kettle"),
        accept("u1", "buyer", "back"),
        accept("u1", "buyer", "tea"),
        decline("u1", "buyer", "no"),
        withhold("payee", "one", 300, reference("kettle")),
        withhold("payee", "two", 40, reference("back")),
        withhold("payee", "three", 100, reference("tea")),
        provide("payee", "one"),
        reverse("payee", "two"),
    ];
    for message in &messages {
        stage.send(message).unwrap();
    }
    let whole = stage.records();
    for cut in before..=whole {
        let mut again = stage.restarted_at(cut);
        for message in &messages {
            let answer = again.send(message);
            assert!(answer.is_ok(), "cut at {cut}: {message:?} is answered {answer:?}");
        }
        for account in ["buyer", "u1", "u2", "u3", "payee", "payer"] {
            assert_eq!(again.posted(account), stage.posted(account), "{account}, cut at {cut}");
            assert_eq!(again.account(account).earmarked(), stage.account(account).earmarked());
        }
    }
}

#[test]
fn a_certificate_as_a_gift_is_not_reserved_by_it() {
    // T16, D43
    let mut stage = market(Offer { cap: Some(1), ..offer(100, 1) }, None);
    stage.send(&register_for("u9", "payee", Some("supplier"), WhenShort::Refuse)).unwrap();
    stage.send(&give("buyer", "gift", "u1", "", (gift_of("tea", 1), 100))).unwrap();
    stage.send(&accept("u1", "buyer", "gift")).unwrap();
    stage.send(&purchase("rival", "tea", 1)).unwrap();
    let late = withhold("u9", "order", 100, gift("u1", "buyer", "gift"));
    assert_eq!(refused(stage.send(&late)), Code::Sold);
    assert_eq!(refused(stage.send(&purchase_with_gift("u1", "tea", 1, "buyer", "gift"))), Code::Sold);
    assert_eq!(stage.account("u1").earmarked().minor(), 100, "it waits, accepted");
    stage.send(&return_gift("u1", gift("u1", "buyer", "gift"))).unwrap();
    assert_eq!(stage.posted("buyer"), i64::try_from(PURSE).unwrap());
}
