//! Funding a commission from an envelope: K1, K2, K5, K6 and D37.

use crate::domain::{Code, CommissionTerms, Done, Increase, IncreasePolicy, Take};
use crate::simulator::messages::*;
use crate::simulator::stage::Stage;

#[test]
fn a_promise_is_no_money_until_it_is_cashed() {
    // K1, D15
    let mut stage = market(offer(700, 1), Some(&terms(500, 100)));
    assert_eq!(chain(&mut stage, 1, &["u1"]), [40]);
    assert_eq!(stage.posted("u1"), 0);
    assert_eq!(view(&mut stage, "tea", 1).promised.minor(), 40);
    assert_eq!(refuses(&mut stage, &cash_out("u1", 40)), Code::InsufficientFunds);
    assert_eq!(refused(stage.send(&purchase("u1", "tea", 1))), Code::InsufficientFunds);
    stage.send(&purchase("buyer", "tea", 1)).unwrap();
    assert_eq!(stage.posted("u1"), 40);
    stage.send(&cash_out("u1", 40)).unwrap();
}

#[test]
fn attaching_moves_the_money_from_the_payer_into_every_envelope() {
    // K2, D37
    let mut stage = market(offer(700, 3), None);
    let before = stage.posted("payer");
    let answer = stage.send(&attach("payer", "tea", &terms(500, 100)));
    assert_eq!(answer, Ok(Done::Attached { debited: money(1_500) }));
    assert_eq!(stage.posted("payer"), before - 1_500);
    assert_eq!(stage.offering("tea").envelopes(), 1_500);
    assert_eq!(label(&mut stage, 2), [100, 400, 100]);
}

#[test]
fn too_little_balance_attaches_nothing() {
    // K2, I13
    let mut stage = market(offer(700, 3), None);
    stage.send(&deposit("supplier", 1_499)).unwrap();
    assert_eq!(refused(stage.send(&attach("supplier", "tea", &terms(500, 100)))), Code::InsufficientFunds);
    assert_eq!((stage.posted("supplier"), stage.offering("tea").envelopes()), (1_499, 0));
    assert_eq!(row(&mut stage, "tea").label, None);
    stage.send(&deposit("supplier", 1)).unwrap();
    stage.send(&attach("supplier", "tea", &terms(500, 100))).unwrap();
    assert_eq!(stage.posted("supplier"), 0);
}

#[test]
fn a_label_stands_while_the_commission_does() {
    // K5
    for (how, end) in [("sold", purchase("buyer", "tea", 1)), ("withdrawn", circulate("u2", "tea", 1))] {
        let limited = CommissionTerms { condition: Some(times(1)), ..terms(500, 100) };
        let mut stage = market(offer(700, 1), Some(&limited));
        assert_eq!(label(&mut stage, 1), [100, 400, 100]);
        chain(&mut stage, 1, &["u1"]);
        assert_eq!(label(&mut stage, 1), [100, 360, 140]);
        stage.send(&end).unwrap();
        assert_eq!(view(&mut stage, "tea", 1).label, None, "{how}");
    }
}

#[test]
fn the_payer_pulls_nothing_out_of_an_active_commission() {
    // K6, D18
    let mut stage = market(offer(700, 1), Some(&terms(500, 100)));
    stage.send(&cash_out("payer", 1_000_000 - 500)).unwrap();
    chain(&mut stage, 1, &["u1"]);
    assert_eq!(refuses(&mut stage, &cash_out("payer", 1)), Code::InsufficientFunds);
    stage.send(&purchase("buyer", "tea", 1)).unwrap();
    stage.send(&cash_out("payer", 460)).unwrap();
    stage.send(&cash_out("u1", 40)).unwrap();
    stage.send(&cash_out("payee", 700)).unwrap();
}

#[test]
fn a_commission_is_attached_before_anything_is_touched_and_only_once() {
    // D37
    for (how, touch) in [("circulated", circulate("u1", "tea", 2)), ("bought", purchase("buyer", "tea", 0))] {
        let mut stage = market(offer(700, 2), None);
        stage.send(&touch).unwrap();
        let late = attach("payer", "tea", &terms(500, 100));
        assert_eq!(refuses(&mut stage, &late), Code::AlreadyTouched, "{how}");
    }
    let mut stage = market(offer(700, 1), None);
    stage.send(&issue("coffee", offer(500, 2))).unwrap();
    stage.send(&attach("payer", "coffee", &terms(50, 10))).unwrap();
    assert_eq!(refuses(&mut stage, &attach("payer", "coffee", &terms(50, 10))), Code::AlreadyAttached);
    stage.send(&publish("coffee")).unwrap();
    assert_eq!(stage.offering("coffee").envelopes(), 100, "before or after publishing");
}

#[test]
fn messages_wait_while_a_commission_is_being_funded() {
    // D37, DESIGN 3
    for shards in [1, 3] {
        let mut stage = market_on(Stage::new(shards), offer(700, 2), None);
        let answers = stage.send_all(&[
            attach("payer", "tea", &terms(500, 100)),
            circulate("u1", "tea", 0),
            purchase("buyer", "tea", 2),
            attach("payer", "tea", &terms(500, 100)),
        ]);
        assert_eq!(answers[0], Ok(Done::Attached { debited: money(1_000) }));
        assert_eq!(circulated(answers[1].clone()).promise.minor(), 40);
        assert_eq!(settled(answers[2].clone()), (0, 500));
        assert_eq!(refused(answers[3].clone()), Code::AlreadyAttached);
    }
}

#[test]
fn terms_that_contradict_themselves_are_refused_with_the_field_named() {
    // D8, D32, D34, D37, N1, N3
    let mut stage = market(offer(700, 1), None);
    let good = terms(500, 100);
    let every = CommissionTerms {
        policy: IncreasePolicy::EveryCommand,
        increase: Increase::Preset(money(1)),
        ..good.clone()
    };
    let with = |condition| CommissionTerms { condition: Some(condition), ..good.clone() };
    let (low, high) = (money(1), money(2));
    let cases: Vec<(CommissionTerms, Code, &str)> = vec![
        (
            CommissionTerms { funded: money(0), attached: money(0), ..good.clone() },
            Code::AmountNotPositive,
            "terms.funded",
        ),
        (CommissionTerms { attached: money(501), ..good.clone() }, Code::BadValue, "terms.attached"),
        (
            CommissionTerms { policy: IncreasePolicy::EveryCommand, ..good.clone() },
            Code::BadValue,
            "terms.increase",
        ),
        (
            CommissionTerms { increase: Increase::Preset(low), ..good.clone() },
            Code::BadValue,
            "terms.increase",
        ),
        (
            CommissionTerms { policy: IncreasePolicy::NonFirst, ..every.clone() },
            Code::BadValue,
            "terms.increase",
        ),
        (
            CommissionTerms { increase: Increase::Random { min: high, max: low }, ..every.clone() },
            Code::BadValue,
            "terms.increase",
        ),
        (
            CommissionTerms { take: Take::Random { min: high, max: low }, ..good.clone() },
            Code::BadValue,
            "terms.take",
        ),
        (
            CommissionTerms { take: Take::Random { min: money(0), max: money(0) }, ..good.clone() },
            Code::AmountNotPositive,
            "terms.take",
        ),
        (
            CommissionTerms { take: Take::Amount(money(0)), ..good.clone() },
            Code::AmountNotPositive,
            "terms.take",
        ),
        (
            CommissionTerms { take: Take::Share(basis_points(0)), ..good.clone() },
            Code::BadValue,
            "terms.take",
        ),
        (CommissionTerms { take: Take::Split { hops: 0 }, ..good.clone() }, Code::BadValue, "terms.take"),
        (with(condition()), Code::BadValue, "terms.condition"),
        (with(times(0)), Code::BadValue, "terms.condition"),
        (
            with(crate::domain::Condition { at_least: 0, ..times(2) }),
            Code::BadValue,
            "terms.condition.at_least",
        ),
        (
            with(crate::domain::Condition { at_least: 2, ..times(2) }),
            Code::BadValue,
            "terms.condition.at_least",
        ),
        (
            with(crate::domain::Condition { prompt_ratio: basis_points(0), ..times(2) }),
            Code::BadValue,
            "terms.condition.prompt_ratio",
        ),
        (
            with(crate::domain::Condition { amount: Some(money(100)), ..condition() }),
            Code::ConditionAlreadyMet,
            "",
        ),
        (
            CommissionTerms { expires_at: Some(after_start(0)), ..good.clone() },
            Code::BadValue,
            "terms.expires_at",
        ),
    ];
    for (bad, code, field) in cases {
        let records = stage.records();
        assert_eq!(
            refused_for(stage.send(&attach("payer", "tea", &bad))),
            (code, field.to_owned()),
            "{bad:?}"
        );
        assert_eq!(stage.records(), records, "I13");
    }
    stage.send(&attach("payer", "tea", &every)).unwrap();
}

#[test]
fn the_initial_amount_alone_may_not_meet_the_condition() {
    // D8: with hops 0 and display time 0, and only where enough factors hold
    let amount = |threshold| crate::domain::Condition { amount: Some(money(threshold)), ..condition() };
    let share = |share| crate::domain::Condition { share_of_price: Some(basis_points(share)), ..condition() };
    let cases = [
        (amount(101), None),
        (amount(100), Some(Code::ConditionAlreadyMet)),
        (share(1_001), None),
        (share(1_000), Some(Code::ConditionAlreadyMet)),
        (crate::domain::Condition { times: Some(1), at_least: 2, ..amount(100) }, None),
        (crate::domain::Condition { displayed_ms: Some(1), at_least: 2, ..amount(100) }, None),
        (
            crate::domain::Condition { share_of_price: Some(basis_points(1)), at_least: 2, ..amount(100) },
            Some(Code::ConditionAlreadyMet),
        ),
    ];
    for (condition, expected) in cases {
        let mut stage = market(offer(1_000, 1), None);
        let judged = CommissionTerms { condition: Some(condition.clone()), ..terms(500, 100) };
        let answer = stage.send(&attach("payer", "tea", &judged));
        assert_eq!(answer.err().map(|refusal| refusal.code), expected, "{condition:?}");
    }
}

#[test]
fn a_commission_whose_sum_passes_the_bound_is_refused() {
    // I20, D37
    let mut stage = market(offer(700, 1), None);
    stage.send(&issue("coffee", offer(500, 10_000))).unwrap();
    let huge = terms(crate::limits::MONEY_MINOR_MAX / 10_000 + 1, 100);
    assert_eq!(refuses(&mut stage, &attach("payer", "coffee", &huge)), Code::AmountTooLarge);
}
