//! The line at an offering: F5, with no oversell and no undersell.

use crate::domain::{Code, Offer};
use crate::limits::LINE_MAX;
use crate::simulator::messages::*;
use crate::simulator::stage::Stage;

#[test]
fn a_buyer_waits_for_a_payment_under_way_and_is_served_when_it_fails() {
    // F5, D39
    for shards in [1, 3] {
        for serial in [0, 1] {
            let mut stage = market_on(Stage::new(shards), offer(700, 1), Some(&terms(500, 100)));
            let answers = stage.send_all(&[purchase("broke", "tea", 0), purchase("buyer", "tea", serial)]);
            assert_eq!(refused(answers[0].clone()), Code::InsufficientFunds);
            assert_eq!(settled(answers[1].clone()), (0, 500));
            assert_eq!((stage.posted("payee"), stage.posted("broke")), (700, 0));
            assert_eq!(stage.posted("buyer"), 1_000_000 - 700);
        }
    }
}

#[test]
fn a_buyer_waits_and_is_refused_when_the_last_one_is_paid() {
    // F5
    for (serial, code) in [(0, Code::SoldOut), (1, Code::Sold)] {
        let mut stage = market(offer(700, 1), Some(&terms(500, 100)));
        let answers = stage.send_all(&[purchase("buyer", "tea", 0), purchase("rival", "tea", serial)]);
        assert!(answers[0].is_ok());
        assert_eq!(refused(answers[1].clone()), code);
        assert_eq!(stage.posted("rival"), 1_000_000);
    }
}

#[test]
fn nobody_is_told_sold_out_while_a_payment_may_still_fail() {
    // F5
    let mut stage = market_on(Stage::new(1), offer(700, 1), None);
    let first = stage.begin(&[purchase("broke", "tea", 0)]);
    stage.step();
    let second = stage.begin(&[purchase("buyer", "tea", 0)]);
    assert_eq!(stage.answers(&second), [None]);
    assert_eq!(stage.offering("tea").stock().left(), 0);
    assert!(!stage.offering("tea").stock().all_sold());
    stage.run();
    assert_eq!(refused(stage.answers(&first).remove(0).unwrap()), Code::InsufficientFunds);
    assert!(stage.answers(&second).remove(0).unwrap().is_ok());
}

#[test]
fn the_line_is_served_in_its_order_past_all_who_cannot_pay() {
    // F5
    for shards in [1, 3] {
        let mut stage = market_on(Stage::new(shards), offer(700, 2), Some(&terms(500, 100)));
        let queue = ["broke", "u1", "u2", "buyer", "u3", "rival", "payer"];
        let answers = stage.send_all(&queue.map(|account| purchase(account, "tea", 0)));
        let outcomes = answers.into_iter().map(|answer| answer.err().map(|refusal| refusal.code));
        let poor = Some(Code::InsufficientFunds);
        assert_eq!(outcomes.collect::<Vec<_>>(), [poor, poor, poor, None, poor, None, Some(Code::SoldOut)]);
        assert_eq!(stage.offering("tea").waiting(), 0);
    }
}

#[test]
fn a_buyer_in_line_for_a_named_serial_waits_for_that_one_alone() {
    // F5
    let mut stage = market(offer(700, 2), Some(&terms(500, 100)));
    let answers = stage.send_all(&[
        purchase("buyer", "tea", 1),
        purchase("broke", "tea", 2),
        purchase("rival", "tea", 1),
        purchase("payer", "tea", 2),
    ]);
    assert!(answers[0].is_ok());
    assert_eq!(refused(answers[1].clone()), Code::InsufficientFunds);
    assert_eq!(refused(answers[2].clone()), Code::Sold);
    assert_eq!(purchased(answers[3].clone()).serial.0, 2);
}

#[test]
fn the_cap_is_judged_again_when_the_line_is_served() {
    // F3, F5
    let capped = Offer { cap: Some(1), ..offer(700, 2) };
    for shards in [1, 3] {
        let mut stage = market_on(Stage::new(shards), capped.clone(), None);
        let answers = stage.send_all(&[
            purchase("broke", "tea", 0),
            purchase("u1", "tea", 0),
            purchase("buyer", "tea", 0),
            purchase("buyer", "tea", 0),
            purchase("rival", "tea", 0),
        ]);
        let outcomes = answers.into_iter().map(|answer| answer.err().map(|refusal| refusal.code));
        let poor = Some(Code::InsufficientFunds);
        assert_eq!(outcomes.collect::<Vec<_>>(), [poor, poor, None, Some(Code::CapReached), None]);
    }
}

#[test]
fn a_buyer_who_cannot_pay_may_wait_behind_itself() {
    // F3, F5: with a cap and without one
    for cap in [None, Some(1), Some(2)] {
        let mut stage = market(Offer { cap, ..offer(700, 1) }, Some(&terms(500, 100)));
        let tries = ["broke", "broke", "buyer"].map(|account| purchase(account, "tea", 0));
        let answers = stage.send_all(&tries);
        let outcomes = answers.into_iter().map(|answer| answer.err().map(|refusal| refusal.code));
        let outcomes: Vec<Option<Code>> = outcomes.collect();
        let again = if cap == Some(1) { Code::CapReached } else { Code::InsufficientFunds };
        assert_eq!(outcomes, [Some(Code::InsufficientFunds), Some(again), None], "cap {cap:?}");
    }
}

#[test]
fn a_full_line_answers_overloaded() {
    // F5
    let mut stage = market_on(Stage::large(1).step_by_step(true), offer(700, 1), None);
    let first = stage.begin(&[purchase("buyer", "tea", 0)]);
    let crowd: Vec<_> = (0..=LINE_MAX).map(|_| purchase("rival", "tea", 0)).collect();
    let pending = stage.begin(&crowd);
    stage.run();
    assert!(stage.answers(&first).remove(0).unwrap().is_ok());
    let codes: Vec<Code> =
        stage.answers(&pending).into_iter().map(|answer| refused(answer.unwrap())).collect();
    assert_eq!(codes.iter().filter(|code| **code == Code::SoldOut).count(), LINE_MAX);
    assert_eq!(codes.last(), Some(&Code::Overloaded));
    assert!(Code::Overloaded.retryable());
}

#[test]
fn a_circulated_certificate_keeps_its_chain_when_its_payment_fails() {
    // F5, D39
    let mut stage = market(offer(700, 1), Some(&terms(500, 100)));
    chain(&mut stage, 1, &["u1"]);
    assert_eq!(refused(stage.send(&purchase("broke", "tea", 0))), Code::InsufficientFunds);
    assert_eq!(label(&mut stage, 1), [100, 360, 140]);
    chain(&mut stage, 1, &["u2"]);
    assert_eq!(settled(stage.send(&purchase("buyer", "tea", 0))), (80, 420));
}

#[test]
fn an_untouched_certificate_is_untouched_again_when_its_payment_fails() {
    // D29, D39, I1
    let mut stage = market(offer(700, 2), Some(&terms(500, 100)));
    assert_eq!(refused(stage.send(&purchase("broke", "tea", 0))), Code::InsufficientFunds);
    assert!(stage.certificate("tea", 1).is_none());
    assert_eq!(stage.offering("tea").envelopes(), 1_000);
    assert_eq!(circulated(stage.send(&circulate("u1", "tea", 0))).serial.0, 1);
}

#[test]
fn a_named_serial_whose_payment_fails_is_untouched_in_its_place() {
    // D29, D30, D39, F1: before, at and behind the lowest untouched one
    for serial in 1..=3 {
        let mut stage = market(offer(700, 3), Some(&terms(500, 100)));
        assert_eq!(refused(stage.send(&purchase("broke", "tea", serial))), Code::InsufficientFunds);
        assert_eq!((row(&mut stage, "tea").left, stage.offering("tea").envelopes()), (3, 1_500));
        assert_eq!(purchased(stage.send(&purchase("buyer", "tea", serial))).serial.0, serial);
        let rest: Vec<u32> =
            (0..2).map(|_| purchased(stage.send(&purchase("buyer", "tea", 0))).serial.0).collect();
        let expected: Vec<u32> = (1..=3).filter(|other| *other != serial).collect();
        assert_eq!(rest, expected, "serial {serial} failed first");
    }
}

#[test]
fn every_interleaving_sells_everything_that_someone_can_pay() {
    // F5, I4, I14, I18
    for luck in 0..60 {
        let mut stage = market_on(Stage::new(3).with_luck(luck), offer(700, 2), Some(&terms(500, 100)));
        let mut messages = vec![circulate("u1", "tea", 1)];
        messages
            .extend(["broke", "u1", "u2", "buyer", "u3", "rival"].map(|account| purchase(account, "tea", 0)));
        stage.send_all(&messages);
        assert_eq!(stage.offering("tea").stock().sold(), 2, "luck {luck}");
        assert_eq!(stage.posted("payee"), 1_400, "luck {luck}");
    }
}

#[test]
fn a_restart_at_any_record_leaves_nobody_in_the_line() {
    // F5, I14
    let mut stage = market(offer(700, 1), Some(&terms(500, 100)));
    let before = stage.records();
    stage.send_all(&["broke", "u1", "buyer", "rival"].map(|account| purchase(account, "tea", 0)));
    for records in before..=stage.records() {
        let again = stage.restarted_at(records);
        assert_eq!(again.offering("tea").waiting(), 0, "cut at {records}");
        let sold = i64::from(again.offering("tea").stock().sold());
        assert_eq!(again.posted("payee"), 700 * sold, "cut at {records}");
    }
}
