//! What is decided between two hops of something else: an account freezes or closes while money is on its way to it,
//! a repeat meets an actor that is just being born; and parties that are one account.

use crate::domain::{Code, Done, Offer, StatusChange, WhenShort};
use crate::limits::GIFT_OPEN_MS;
use crate::simulator::engaging::*;
use crate::simulator::messages::*;
use crate::simulator::stage::Stage;

#[test]
fn a_refund_to_the_payee_itself_owes_what_nobody_owes() {
    // D23, F7
    let offer = Offer { when_short: WhenShort::Receivable, ..offer(700, 1) };
    let mut stage = market(offer, None);
    stage.send(&deposit("payee", 700)).unwrap();
    stage.send(&purchase("payee", "tea", 1)).unwrap();
    stage.send(&send_money("payee", "u1", 500)).unwrap();
    let (paid, owed) = minor(&refunded(stage.send(&refund("tea", 1))));
    assert_eq!(owed, stage.account("payee").owed().minor(), "paid {paid}, owed {owed}");
}

#[test]
fn a_reversal_by_a_payee_who_is_the_donor_owes_what_nobody_owes() {
    // T14, D23
    let mut stage = Stage::new(1);
    for (account, purse) in [("ann", 300), ("bob", 0), ("mall", 0), ("u1", 0)] {
        stage.send(&open(account, purse)).unwrap();
    }
    stage.send(&register("mall", "ann", WhenShort::Receivable)).unwrap();
    stage.send(&give("ann", "g", "bob", "mall", (goods(), 300))).unwrap();
    stage.send(&accept("bob", "ann", "g")).unwrap();
    stage.send(&withhold("mall", "o", 300, gift("bob", "ann", "g"))).unwrap();
    stage.send(&send_money("ann", "u1", 200)).unwrap();
    let answer = stage.send(&reverse("mall", "o"));
    let Ok(Done::OrderReversed { paid, owed }) = answer else { panic!("{answer:?}") };
    assert_eq!(owed, stage.account("ann").owed(), "paid {paid:?}");
}

#[test]
fn frozen_while_a_purchase_from_a_gift_is_on_its_way() {
    // D46
    for (from_gift, shards) in [(false, 1), (true, 1)] {
        let mut stage = market_on(Stage::new(shards), offer(700, 1), None);
        stage.send(&deposit("u1", 700)).unwrap();
        stage.send(&give("buyer", "it", "u1", "", (gift_of("tea", 1), 700))).unwrap();
        stage.send(&accept("u1", "buyer", "it")).unwrap();
        let buys = if from_gift {
            purchase_with_gift("u1", "tea", 1, "buyer", "it")
        } else {
            purchase("u1", "tea", 1)
        };
        let answers = stage.send_all(&[buys, status("u1", StatusChange::Freeze)]);
        assert_eq!(refused(answers[0].clone()), Code::AccountFrozen, "from a gift: {from_gift}");
    }
}

#[test]
fn frozen_while_a_purchase_from_a_payment_certificate_is_on_its_way() {
    // D46
    let mut stage = market_on(Stage::new(1), offer(700, 1), None);
    stage.send(&deposit("u1", 700)).unwrap();
    stage.send(&issue_payment("u1", "p", 700, "")).unwrap();
    let answers =
        stage.send_all(&[purchase_with_payment("u1", "tea", 1, "p"), status("u1", StatusChange::Freeze)]);
    assert_eq!(refused(answers[0].clone()), Code::AccountFrozen);
}

#[test]
fn a_repeat_that_meets_a_newborn_is_answered_though_its_caller_is_frozen() {
    // I12, D46
    let mut met = 0;
    for luck in 0..300 {
        let mut stage = market_on(Stage::large(3), offer(700, 1), None).with_luck(luck);
        let first = circulate("u1", "tea", 1);
        let answers = stage.begin(std::slice::from_ref(&first));
        let frozen = stage.begin(&[status("u1", StatusChange::Freeze)]);
        let mut repeat = None;
        loop {
            if repeat.is_none() && stage.answers(&frozen)[0].is_some() {
                repeat = Some(stage.begin(std::slice::from_ref(&first)));
            }
            if !stage.step() {
                break;
            }
        }
        let Some(repeat) = repeat else { continue };
        let first = stage.answers(&answers).remove(0).unwrap();
        met += u32::from(first.is_ok());
        assert_eq!(stage.answers(&repeat).remove(0).unwrap(), first, "luck {luck}");
    }
    assert!(met > 100, "{met}: the repeats come in between");
}

#[test]
fn closing_and_giving_at_any_record() {
    // T9, D46, I15
    for luck in 0..30 {
        let mut stage = Stage::large(3);
        for (account, purse) in [("ann", 1_000), ("bob", 0), ("mall", 0)] {
            stage.send(&open(account, purse)).unwrap();
        }
        stage = stage.with_luck(luck);
        let g = |of: &str| give("ann", of, "bob", "mall", (goods(), 300));
        let batch = [g("1"), by_close("bob"), g("2"), by_close("ann"), g("1"), g("3")];
        drop(stage.send_all(&batch));
        for records in 3..=stage.records() {
            let mut again = stage.restarted_at(records);
            drop(again.send_all(&batch));
            again.later(2 * GIFT_OPEN_MS);
            again.fire();
            assert_eq!(again.posted("ann"), 1_000);
            assert_eq!(again.account("bob").earmarked().minor(), 0);
        }
    }
}

#[test]
fn a_top_up_meets_an_attaching_that_fails() {
    // D4, D37: the first payer has no money, and the second attaches
    for luck in 0..60 {
        let mut stage = market_on(Stage::large(3), offer(700, 2), None).with_luck(luck);
        let batch = [
            attach("supplier", "tea", &terms(500, 100)),
            attach("payer", "tea", &terms(500, 100)),
            with_id(top_up("payer", "tea", 1, 10), "t"),
            with_id(top_up("payer", "tea", 1, 10), "t"),
            with_id(top_up("payer", "tea", 2, 10), "t"),
            circulate("u1", "tea", 1),
        ];
        let answers = stage.send_all(&batch);
        let again = stage.send_all(&batch);
        for (first, second) in answers.iter().zip(&again) {
            if first.is_ok() {
                assert_eq!(first, second, "luck {luck}");
            }
        }
        let all = stage.records();
        for records in all.saturating_sub(30)..all {
            let mut cut = stage.restarted_at(records);
            drop(cut.send_all(&batch));
        }
    }
}

#[test]
fn a_recipient_whose_order_is_open_does_not_close() {
    // D46
    let mut stage = Stage::new(1);
    for (account, purse) in [("ann", 300), ("bob", 0), ("mall", 0), ("till", 0)] {
        stage.send(&open(account, purse)).unwrap();
    }
    stage.send(&register("mall", "till", WhenShort::Refuse)).unwrap();
    stage.send(&give("ann", "g", "bob", "mall", (goods(), 300))).unwrap();
    stage.send(&accept("bob", "ann", "g")).unwrap();
    stage.send(&withhold("mall", "o", 300, gift("bob", "ann", "g"))).unwrap();
    let answer = stage.send(&by_close("bob"));
    assert_eq!(refused(answer), Code::AccountNotEmpty, "its object is still to come");
    stage.send(&provide("mall", "o")).unwrap();
    stage.send(&by_close("bob")).unwrap();
}

#[test]
fn who_adds_while_another_s_money_comes_in_gets_it_back() {
    // D4, D37: nobody is the payer yet when the offering is asked, and somebody else is when the money comes
    let mut stage = market_on(Stage::new(1), offer(700, 1), None);
    let before = stage.posted("buyer");
    let attached = stage.begin(&[attach("payer", "tea", &terms(500, 100))]);
    assert!(stage.step(), "the offering asks for the money");
    let added = stage.begin(&[top_up("buyer", "tea", 1, 60)]);
    stage.run();
    assert!(stage.answers(&attached).remove(0).unwrap().is_ok());
    assert_eq!(refused(stage.answers(&added).remove(0).unwrap()), Code::NotAllowed);
    assert_eq!(stage.posted("buyer"), before);
}
