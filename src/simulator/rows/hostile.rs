//! What somebody tries who means no good, or is unlucky: money sent round, ids used twice, memory to be filled.

use crate::domain::{
    Cashing, Code, Command, CommissionTerms, Done, GiftCommand, GiftState, Increase, IncreasePolicy, Message,
    StatusChange, Take, Timestamp, WhenShort,
};
use crate::simulator::engaging::*;
use crate::simulator::messages::*;
use crate::simulator::stage::Stage;

fn shop(shards: usize) -> Stage {
    let mut stage = Stage::new(shards);
    for (account, purse) in [("ann", 1_000), ("bob", 0), ("mall", 0), ("till", 0)] {
        stage.send(&open(account, purse)).unwrap();
    }
    stage.send(&register("mall", "till", WhenShort::Refuse)).unwrap();
    stage
}

/// Every command increases by so much, and everything acquired is cashed at the next one: money that goes round.
fn rounds(much: u64, initial: u64) -> CommissionTerms {
    CommissionTerms {
        policy: IncreasePolicy::EveryCommand,
        increase: Increase::Preset(money(much)),
        take: Take::All,
        cashing: Cashing::Immediate,
        ..CommissionTerms::new(money(initial), money(initial))
    }
}

#[test]
fn topping_up_round_and_round_never_stops_the_engine() {
    // D4, I20: more reserve goes through an immediately cashed commission again and again
    let much = 600_000_000_000_000_000;
    let mut stage = market(offer(700, 1), Some(&rounds(much, 1)));
    stage.send(&deposit("payer", much)).unwrap();
    stage.send(&circulate("u1", "tea", 1)).unwrap();
    stage.send(&top_up("payer", "tea", 1, much)).unwrap();
    stage.send(&circulate("u2", "tea", 1)).unwrap();
    stage.send(&circulate("u3", "tea", 1)).unwrap();
    assert!(stage.posted("u2") >= i64::try_from(much).unwrap());
    stage.send(&send_money("u2", "payer", much)).unwrap();
    let before = stage.posted("payer");
    let again = refused_for(stage.send(&top_up("payer", "tea", 1, much)));
    assert_eq!(again, (Code::AmountTooLarge, "amount".to_owned()));
    assert_eq!(stage.posted("payer"), before, "it is back");
}

#[test]
fn topping_up_an_empty_reserve_round_and_round_never_stops_the_engine() {
    // D4, I20: as before, but with sums that pass the bound only when they are increased
    let much = 400_000_000_000_000_000;
    let mut stage = Stage::new(3);
    for (account, purse) in [("payer", 2 * much), ("supplier", 0), ("payee", 0)] {
        stage.send(&open(account, purse)).unwrap();
    }
    for index in 1..=9 {
        stage.send(&open(&format!("u{index}"), 0)).unwrap();
    }
    stage.send(&issue("tea", offer(700, 1))).unwrap();
    stage.send(&attach("payer", "tea", &rounds(much, much))).unwrap();
    stage.send(&publish("tea")).unwrap();
    stage.send(&circulate("u1", "tea", 1)).unwrap();
    stage.send(&top_up("payer", "tea", 1, much)).unwrap();
    stage.send(&circulate("u2", "tea", 1)).unwrap();
    stage.send(&send_money("u1", "payer", much)).unwrap();
    assert_eq!(refused(stage.send(&top_up("payer", "tea", 1, much))), Code::AmountTooLarge);
    let answer = stage.send(&circulate("u3", "tea", 1));
    assert!(answer.is_ok(), "{answer:?}");
}

#[test]
fn a_frozen_supplier_brings_nothing_to_life_with_the_id_of_its_issue() {
    // D46, I12, I13: issue, publish and attach are remembered, but a named circulation is another target's
    for serial in [1, 2] {
        let mut stage = market(offer(700, 2), None);
        stage.send(&with_id(issue("coffee", offer(700, 2)), "made")).unwrap();
        stage.send(&publish("coffee")).unwrap();
        stage.send(&status("supplier", StatusChange::Freeze)).unwrap();
        let circulates = with_id(circulate("supplier", "coffee", serial), "made");
        let answer = refused(stage.send(&circulates));
        assert_eq!(answer, Code::AccountFrozen);
        assert!(stage.certificate("coffee", serial).is_none(), "I13: it has come to life by a refusal");
        assert_eq!(row(&mut stage, "coffee").left, 2);
        let attached = stage.send(&attach("payer", "coffee", &terms(500, 100)));
        assert!(attached.is_ok(), "{attached:?}");
    }
}

#[test]
fn an_id_that_was_answered_for_one_order_serves_no_other() {
    // I12, D43
    let mut stage = shop(1);
    for of in ["one", "two"] {
        stage.send(&give("ann", of, "bob", "mall", (goods(), 10))).unwrap();
        stage.send(&accept("bob", "ann", of)).unwrap();
    }
    let first = withhold("mall", "order one", 10, gift("bob", "ann", "one"));
    stage.send(&first).unwrap();
    // The same order asked for again under a new id: the same answer.
    let repeat = with_id(first, "twice");
    assert_eq!(stage.send(&repeat), Ok(Done::Withheld { amount: money(10) }));
    let other = with_id(withhold("mall", "order two", 10, gift("bob", "ann", "two")), "twice");
    assert_eq!(refused(stage.send(&other)), Code::IdReused, "the same id with another body");
    assert_eq!(stage.send(&repeat), Ok(Done::Withheld { amount: money(10) }));
}

#[test]
fn a_gift_that_meets_a_closing_account_is_not_stuck_for_ever() {
    // T9, D46, I15: the door let it in while the account was open
    let mut stage = shop(1);
    let end_of_time = Some(Timestamp(crate::limits::TIME_MS_MAX));
    let answers = stage
        .send_all(&[give_until("ann", "gift", "bob", "mall", (goods(), 300), end_of_time), by_close("bob")]);
    assert!(answers.iter().all(Result::is_ok), "{answers:?}: it was closed while the gift was on its way");
    assert_eq!(stage.posted("ann"), 1_000, "the money is home at once");
    let look = by("ann", Command::Gift(GiftCommand::Show(gift("bob", "ann", "gift"))));
    assert!(matches!(stage.send(&look), Ok(Done::Gift(view)) if view.state.state == GiftState::Expired));
}

#[test]
fn a_repeated_gift_of_a_certificate_at_another_price_is_told_that_its_id_is_used() {
    // I12, T16: the offering knows the price, the donor knows the id
    let mut stage = market(offer(700, 1), None);
    let first = give("buyer", "it", "u1", "", (gift_of("tea", 1), 700));
    let answer = stage.send(&first);
    assert!(answer.is_ok(), "{answer:?}");
    let other = give("buyer", "it", "u1", "", (gift_of("tea", 1), 701));
    assert_eq!(refused(stage.send(&other)), Code::IdReused);
    let new = give("buyer", "another", "u1", "", (gift_of("tea", 1), 701));
    assert_eq!(refused_for(stage.send(&new)), (Code::AmountMismatch, "price".to_owned()));
    assert_eq!(stage.send(&first), answer);
}

#[test]
fn a_merchant_takes_more_orders_in_a_day_than_an_account_keeps_requests_and_knows_each_for_ever() {
    // T10, I12, DESIGN 5: a withholding is recognised by its order, for ever and without a bound
    let orders = crate::limits::REQUESTS_KEPT_MAX + 1;
    let mut stage = Stage::large(1);
    for (account, purse) in [("bob", 100_000), ("mall", 0), ("till", 0)] {
        stage.send(&open(account, purse)).unwrap();
    }
    stage.send(&register("mall", "till", WhenShort::Refuse)).unwrap();
    stage.send(&grant("bob", "all", "mall", (100_000, 1), None)).unwrap();
    let ask = |order: usize| withhold_by_mandate("mall", &format!("order {order}"), 1, "bob", "all");
    let all: Vec<usize> = (0..orders).collect();
    for part in all.chunks(1_000) {
        let asks: Vec<Message> = part.iter().map(|order| ask(*order)).collect();
        stage.send_all(&asks).into_iter().for_each(|answer| drop(answer.unwrap()));
    }
    let taken = i64::try_from(orders).unwrap();
    assert_eq!(stage.posted("till"), taken);
    let (first, again) = (with_id(ask(orders), "the id"), with_id(ask(0), "asked again"));
    for message in [&first, &again] {
        assert_eq!(stage.send(message), Ok(Done::Withheld { amount: money(1) }));
    }
    assert_eq!(refused(stage.send(&with_id(ask(orders + 1), "asked again"))), Code::IdReused);
    stage.later(2 * crate::limits::REQUEST_KEPT_MS);
    assert_eq!(refused(stage.send(&with_id(ask(orders + 1), "the id"))), Code::IdReused, "for ever");
    for message in [&first, &again] {
        assert_eq!(stage.send(message), Ok(Done::Withheld { amount: money(1) }));
    }
    assert_eq!(stage.posted("till"), taken + 1);
}

#[test]
fn one_order_asked_for_again_and_again_takes_the_room_of_a_day_and_no_more() {
    // DESIGN 5, D43
    let mut stage = Stage::large(1);
    for (account, purse) in [("bob", 100), ("mall", 0), ("till", 0)] {
        stage.send(&open(account, purse)).unwrap();
    }
    stage.send(&register("mall", "till", WhenShort::Refuse)).unwrap();
    stage.send(&grant("bob", "all", "mall", (100, 1), None)).unwrap();
    let ask = || withhold_by_mandate("mall", "order", 1, "bob", "all");
    stage.send(&ask()).unwrap();
    let before = stage.account("mall").entries();
    let again: Vec<Message> = (0..5_000).map(|_| ask()).collect();
    stage.send_all(&again).into_iter().for_each(|answer| drop(answer.unwrap()));
    stage.later(3 * crate::limits::REQUEST_KEPT_MS);
    stage.send(&deposit("mall", 1)).unwrap();
    let after = stage.account("mall").entries();
    assert!(after <= before + 1, "{before} entries, then {after}, for one order of 1");
}

#[test]
fn a_merchant_that_returns_gifts_takes_no_room_of_a_day_at_their_recipient() {
    // D22, I12: whoever accepts gifts as they arrive pays nothing for what others do with them
    let mut stage = shop(1);
    stage.send(&accept_gifts("bob", true)).unwrap();
    let before = stage.account("bob").entries();
    let mut returns = Vec::new();
    for of in 0..100 {
        stage.send(&give("ann", &format!("g{of}"), "bob", "mall", (goods(), 1))).unwrap();
        returns.push(return_gift("mall", gift("bob", "ann", &format!("g{of}"))));
        stage.send(&returns[of]).unwrap();
    }
    assert_eq!(stage.account("bob").entries(), before + 200, "the gifts and their returns, for ever");
    stage.later(2 * crate::limits::REQUEST_KEPT_MS);
    for message in &returns {
        assert_eq!(
            stage.send(message),
            Ok(Done::GiftChanged { state: GiftState::Returned }),
            "known for ever"
        );
    }
    stage.send(&give("ann", "more", "bob", "mall", (goods(), 1))).unwrap();
    let reused = Message {
        request_id: returns[0].request_id.clone(),
        ..return_gift("mall", gift("bob", "ann", "more"))
    };
    assert_eq!(refused(stage.send(&reused)), Code::IdReused);
}

#[test]
fn who_may_not_top_up_is_told_so_before_money_is_looked_at() {
    // D37, D40: caller before money
    let mut stage = market(offer(700, 1), Some(&terms(500, 100)));
    assert_eq!(refused(stage.send(&top_up("buyer", "tea", 1, 10))), Code::NotAllowed);
    assert_eq!(refused(stage.send(&top_up("broke", "tea", 1, 10))), Code::NotAllowed);
}

#[test]
fn a_reservation_that_ends_and_is_given_to_its_buyer_again_keeps_one_hold() {
    // F5, F6, D39: the freeing and the new hold leave in one record
    for shards in [1, 3] {
        for luck in 0..20 {
            let offer = crate::domain::Offer { reservable_ms: Some(50), cap: Some(2), ..offer(700, 2) };
            let mut stage = market_on(Stage::new(shards), offer, None).with_luck(luck);
            stage.send(&reserve("buyer", "tea", 1)).unwrap();
            let rival = stage.begin(&[purchase("rival", "tea", 2)]);
            let again = stage.begin(&[reserve("buyer", "tea", 0)]);
            for _ in 0..(luck % 4) {
                let _ = stage.step();
            }
            stage.later(50);
            stage.fire();
            stage.run();
            drop((stage.answers(&rival), stage.answers(&again)));
            let held = stage.account("buyer").held().minor();
            let reserved = u64::from(row(&mut stage, "tea").reserved);
            assert_eq!(held, reserved * 700);
            stage.later(1_000);
            stage.fire();
            assert_eq!(stage.account("buyer").held().minor(), 0);
            assert_eq!(row(&mut stage, "tea").reserved, 0);
        }
    }
}

#[test]
fn what_waits_for_an_order_a_refund_or_a_reservation_is_answered() {
    // I12, I14: many repeats and rivals at once, in any order of decisions
    for luck in 0..120_u64 {
        let offer = crate::domain::Offer {
            reservable_ms: Some(50),
            cap: Some(1 + u32::from(luck % 2 == 0)),
            clawback: crate::domain::Clawback::Receivable,
            ..offer(700, 2)
        };
        let cashing = if luck % 3 == 0 { Cashing::Immediate } else { Cashing::OnPurchase };
        let expires_at = (luck % 5 == 0).then(|| after_start(120));
        let terms = CommissionTerms { cashing, expires_at, ..terms(500, 100) };
        let backed = luck % 4 < 2;
        let mut stage = market_on(Stage::large(3), offer, None::<&CommissionTerms>).with_luck(luck);
        if backed {
            stage.send(&issue_payment("payer", "backs", 1_500, "")).unwrap();
            stage.send(&attach_backed("payer", "tea", &terms, "backs")).unwrap();
        } else {
            stage.send(&attach("payer", "tea", &terms)).unwrap();
        }
        stage.send(&register_for("u9", "payee", Some("supplier"), WhenShort::Receivable)).unwrap();
        for of in ["g1", "g2"] {
            stage.send(&give("rival", of, "u8", "", (gift_of("tea", 1), 700))).unwrap();
            stage.send(&accept("u8", "rival", of)).unwrap();
        }
        let reserved = reserve("buyer", "tea", 1);
        let paid = pay("buyer", "tea", 1);
        let back = refund("tea", 1);
        let batch = [
            reserved.clone(),
            circulate("u1", "tea", 1),
            withhold("u9", "o1", 700, gift("u8", "rival", "g1")),
            withhold("u9", "o2", 700, gift("u8", "rival", "g2")),
            purchase_with_gift("u8", "tea", 1, "rival", "g1"),
            reserved.clone(),
            purchase("broke", "tea", 1),
            paid.clone(),
            cancel("buyer", "tea", 1),
            top_up("payer", "tea", 1, 10),
            circulate("u2", "tea", 1),
            paid.clone(),
            return_gift("u8", gift("u8", "rival", "g1")),
            back.clone(),
            back.clone(),
            paid,
            reserved,
            reserve("rival", "tea", 0),
            purchase("broke", "tea", 0),
            circulate("u3", "tea", 0),
            back,
        ];
        let answers = stage.send_all(&batch);
        drop(answers);
        stage.later(100);
        stage.fire();
        drop(stage.send_all(&batch));
        // Who repeats later is answered as before, where it was not refused (I12).
        let first = stage.send_all(&batch);
        stage.later(100);
        stage.fire();
        for (message, first) in batch.iter().zip(first) {
            let again = stage.send(message);
            if first.is_ok() {
                assert_eq!(again, first, "luck {luck}: {message:?}");
            }
        }
        assert_eq!(stage.account("buyer").held().minor(), 0, "luck {luck}: a hold is left over");
        assert_eq!(stage.account("rival").held().minor(), 0, "luck {luck}: a hold is left over");
    }
}

#[test]
fn a_list_of_gifts_shows_every_one_though_thousands_wait() {
    // T9: somebody else's gifts stand before it
    let mut stage = Stage::large(1);
    for (account, purse) in [("spammer", 2_000), ("ann", 1_000), ("bob", 0), ("mall", 0)] {
        stage.send(&open(account, purse)).unwrap();
    }
    let gives: Vec<Message> =
        (0..1_000).map(|of| give("spammer", &format!("g{of}"), "bob", "mall", (goods(), 1))).collect();
    stage.send_all(&gives).into_iter().for_each(|answer| drop(answer.unwrap()));
    stage.send(&give("ann", "real", "bob", "mall", (goods(), 900))).unwrap();
    let mut seen = Vec::new();
    loop {
        let list = GiftCommand::List { skip: u32::try_from(seen.len()).unwrap() };
        match stage.send(&by("bob", Command::Gift(list))) {
            Ok(Done::Gifts(gifts)) if gifts.is_empty() => break,
            Ok(Done::Gifts(gifts)) => seen.extend(gifts.into_iter().map(|view| view.gift)),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(seen.len(), 1_001, "each once");
    assert!(seen.contains(&id("real")));
}

#[test]
fn a_gift_of_a_long_chain_s_certificate_is_withheld_and_refunded_page_by_page() {
    // T16, H2, D44: more promises than one page has
    for (luck, backed) in [(1, false), (2, true)] {
        let offer = crate::domain::Offer { clawback: crate::domain::Clawback::Receivable, ..offer(700, 1) };
        let mut stage = market_on(Stage::large(3), offer, None).with_luck(luck);
        let terms = CommissionTerms {
            take: Take::Amount(money(1)),
            ..CommissionTerms::new(money(1_000), money(600))
        };
        if backed {
            stage.send(&issue_payment("payer", "backs", 1_000, "")).unwrap();
            stage.send(&attach_backed("payer", "tea", &terms, "backs")).unwrap();
        } else {
            stage.send(&attach("payer", "tea", &terms)).unwrap();
        }
        let people: Vec<String> = (0..600).map(|index| format!("p{index}")).collect();
        let opened: Vec<Message> = people.iter().map(|person| open(person, 0)).collect();
        stage.send_all(&opened).into_iter().for_each(|answer| drop(answer.unwrap()));
        for person in &people {
            stage.send(&circulate(person, "tea", 1)).unwrap();
        }
        stage.send(&register_for("u9", "payee", Some("supplier"), WhenShort::Refuse)).unwrap();
        stage.send(&give("rival", "g", "u8", "", (gift_of("tea", 1), 700))).unwrap();
        stage.send(&accept("u8", "rival", "g")).unwrap();
        let withheld = withhold("u9", "o", 700, gift("u8", "rival", "g"));
        let answers =
            stage.send_all(&[withheld.clone(), withheld.clone(), refund("tea", 1), withheld.clone()]);
        drop(answers);
        assert_eq!(stage.send(&withheld), Ok(Done::Withheld { amount: money(700) }));
        assert!(people.iter().all(|person| stage.posted(person) == 1));
        for person in people.iter().take(300) {
            stage.send(&send_money(person, "u7", 1)).unwrap();
        }
        let back = refund("tea", 1);
        let answers = stage.send_all(&[back.clone(), back.clone(), refund("tea", 1), back.clone()]);
        drop(answers);
        assert!(people.iter().all(|person| stage.posted(person) == 0));
        let owed: u64 = people.iter().map(|person| stage.account(person).owed().minor()).sum();
        assert_eq!((owed, stage.posted("u8")), (300, 700));
    }
}
