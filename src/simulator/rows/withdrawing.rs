//! Withdrawing a commission: W1 to W11, D7 to D13, D17, D19, D34 to D36.

use crate::domain::{
    CertificateEvent, CheckPoint, Code, CommissionTerms, Condition, Done, FactorSet, Increase,
    IncreasePolicy, Settlement, Take, WithdrawalReason,
};
use crate::simulator::messages::*;
use crate::simulator::stage::Stage;

const DAY_MS: u64 = 24 * 60 * 60 * 1_000;

fn under(condition: Condition) -> CommissionTerms {
    CommissionTerms { condition: Some(condition), ..terms(1_000, 100) }
}

/// Every command adds so much, so that cumulative is steered exactly.
fn adding(preset: u64, condition: Condition) -> CommissionTerms {
    CommissionTerms {
        policy: IncreasePolicy::EveryCommand,
        increase: Increase::Preset(money(preset)),
        ..under(condition)
    }
}

fn met_at_purchase(stage: &mut Stage) -> bool {
    match purchased(stage.send(&purchase("buyer", "tea", 1))).commission {
        Settlement::Withdrawn { .. } => true,
        Settlement::Settled { .. } => false,
        Settlement::None => panic!("the commission had ended before"),
    }
}

#[test]
fn the_number_of_circulations_counts_from_its_threshold_on() {
    // W1, D7
    for (hops, met) in [(2, false), (3, true)] {
        let mut stage = market(offer(10_000, 1), Some(&under(times(3))));
        chain(&mut stage, 1, &["u1", "u2", "u3"][..hops]);
        assert_eq!(met_at_purchase(&mut stage), met, "{hops} hops");
    }
}

#[test]
fn the_cumulative_amount_counts_from_its_threshold_on() {
    // W2, D7
    for (preset, met) in [(399, false), (400, true)] {
        let amount = Condition { amount: Some(money(500)), ..condition() };
        let mut stage = market(offer(10_000, 1), Some(&adding(preset, amount)));
        chain(&mut stage, 1, &["u1"]);
        assert_eq!(label(&mut stage, 1)[2], 100 + preset);
        assert_eq!(met_at_purchase(&mut stage), met, "cumulative {}", 100 + preset);
    }
}

#[test]
fn the_share_of_the_price_is_exact_and_never_rounded() {
    // W3, D7, I20
    let share = |share| Condition { share_of_price: Some(basis_points(share)), ..condition() };
    let cases = [
        (1_000, 10_000, 999, false),
        (1_000, 10_000, 1_000, true),
        // A third of a per cent of 10,001 is 33.0033: 33 is too little, though it rounds to it.
        (33, 10_001, 33, false),
        (33, 10_001, 34, true),
        (9_999, 101, 100, false),
        (9_999, 101, 101, true),
    ];
    for (threshold, price, cumulative, met) in cases {
        let attached = 20;
        let exact =
            CommissionTerms { attached: money(attached), ..adding(cumulative - attached, share(threshold)) };
        let mut stage = market(offer(price, 1), Some(&exact));
        chain(&mut stage, 1, &["u1"]);
        assert_eq!(label(&mut stage, 1)[2], cumulative);
        assert_eq!(met_at_purchase(&mut stage), met, "{cumulative} of {price} at {threshold} basis points");
    }
}

#[test]
fn the_display_time_counts_from_publishing_to_the_millisecond() {
    // W4, D7, D27
    let duration = Condition { displayed_ms: Some(10 * DAY_MS), ..condition() };
    for (elapsed, met) in [(10 * DAY_MS - 1, false), (10 * DAY_MS, true)] {
        let mut stage = market(offer(10_000, 1), None);
        stage.send(&issue("coffee", offer(10_000, 1))).unwrap();
        stage.send(&attach("payer", "coffee", &under(duration.clone()))).unwrap();
        stage.later(5 * DAY_MS);
        stage.send(&publish("coffee")).unwrap();
        stage.later(elapsed);
        let commission = purchased(stage.send(&purchase("buyer", "coffee", 1))).commission;
        assert_eq!(matches!(commission, Settlement::Withdrawn { .. }), met, "{elapsed} ms after publishing");
    }
}

#[test]
fn at_least_k_of_the_factors_must_hold() {
    // W5, D13, D34, I10
    for held in 0..16_u8 {
        for at_least in 1..=4_u8 {
            let bit = |index: u8| held & (1 << index) != 0;
            // One hop, 200 cumulative, a price of 1,000, ten milliseconds shown.
            let factors = Condition {
                times: Some(if bit(0) { 1 } else { 2 }),
                amount: Some(money(if bit(1) { 200 } else { 201 })),
                share_of_price: Some(basis_points(if bit(2) { 2_000 } else { 2_001 })),
                displayed_ms: Some(if bit(3) { 10 } else { 11 }),
                at_least,
                ..condition()
            };
            let mut stage = market(offer(1_000, 1), Some(&adding(100, factors)));
            chain(&mut stage, 1, &["u1"]);
            stage.later(10);
            let commission = purchased(stage.send(&purchase("buyer", "tea", 1))).commission;
            let expected = held.count_ones() >= u32::from(at_least);
            match commission {
                Settlement::Withdrawn { factors, returned } => {
                    assert!(expected, "{held:04b} withdraws at least {at_least}");
                    assert_eq!((factors, returned.minor()), (FactorSet(held), 1_000));
                }
                _ => assert!(!expected, "{held:04b} does not withdraw at least {at_least}"),
            }
        }
    }
}

#[test]
fn without_a_factor_nothing_is_ever_withdrawn_by_condition() {
    // D13
    let mut stage = market(offer(10_000, 1), Some(&terms(500, 100)));
    chain(&mut stage, 1, &["u1", "u2", "u3", "u4", "u5", "u6", "u7", "u8", "u9"]);
    stage.later(10_000 * DAY_MS);
    assert!(!met_at_purchase(&mut stage));
}

#[test]
fn a_purchase_while_the_condition_is_met_stands_and_returns_everything() {
    // W6, D9, D10, I17
    let mut stage = market(offer(10_000, 1), Some(&under(times(2))));
    chain(&mut stage, 1, &["u1", "u2"]);
    let sold = purchased(stage.send(&purchase("buyer", "tea", 1)));
    let factors = FactorSet(1);
    assert_eq!(sold.commission, Settlement::Withdrawn { factors, returned: money(1_000) });
    assert_eq!(stage.posted("payee"), 10_000);
    assert_eq!(stage.posted("buyer"), 1_000_000 - 10_000);
    assert_eq!((stage.posted("payer"), stage.posted("u1"), stage.posted("u2")), (1_000_000, 0, 0));
    let events = stage.events_of("tea", 1);
    assert!(events.contains(&CertificateEvent::Withdrawn(WithdrawalReason::Condition(factors))));
    assert!(!events.contains(&CertificateEvent::Settled));
    let shown = view(&mut stage, "tea", 1);
    assert!(shown.sale.is_some());
    assert!(shown.chain.iter().all(|hop| hop.promise.is_zero() && !hop.cashed), "D9: promises are void");
}

#[test]
fn a_purchase_while_it_is_not_met_cashes_to_everyone() {
    // W7, H2
    let mut stage = market(offer(10_000, 1), Some(&under(times(3))));
    chain(&mut stage, 1, &["u1", "u2"]);
    assert_eq!(settled(stage.send(&purchase("buyer", "tea", 1))), (80, 920));
    assert!(stage.events_of("tea", 1).contains(&CertificateEvent::Settled));
}

#[test]
fn a_circulation_while_it_is_met_is_recorded_and_moves_nothing_else() {
    // W8, D11, D12
    let mut stage = market(offer(10_000, 1), Some(&under(times(2))));
    chain(&mut stage, 1, &["u1", "u2"]);
    let events = stage.events_of("tea", 1).len();
    let tripping = circulated(stage.send(&circulate("u3", "tea", 1)));
    assert_eq!((tripping.hop, tripping.promise.minor(), tripping.attached.minor()), (3, 0, 0));
    assert!(tripping.withdrawn);
    let new: Vec<CertificateEvent> = stage.events_of("tea", 1).split_off(events);
    assert!(matches!(
        new.as_slice(),
        [CertificateEvent::Linked { .. }, CertificateEvent::Withdrawn(_), CertificateEvent::Increased(amount)]
            if amount.is_zero()
    ));
    let shown = view(&mut stage, "tea", 1);
    assert_eq!((shown.hops, shown.linked, shown.label), (3, Some(stage.number("u3")), None));
    assert_eq!(stage.posted("payer"), 1_000_000);
    let next = circulated(stage.send(&circulate("u4", "tea", 1)));
    assert_eq!((next.hop, next.promise.minor(), next.withdrawn), (4, 0, false), "it circulates on");
}

#[test]
fn the_later_check_point_counts_this_hop_and_this_increase() {
    // W9, D11, D34
    let later = |condition: Condition| Condition { check_point: CheckPoint::AfterIncrease, ..condition };
    let amount = Condition { amount: Some(money(125)), ..condition() };
    let cases = [(times(1), 1_usize), (times(2), 2), (amount, 1)];
    for (factor, trips_at) in cases {
        for default in [true, false] {
            let checked = if default { factor.clone() } else { later(factor.clone()) };
            let mut stage = market(offer(10_000, 1), Some(&adding(25, checked)));
            let mut tripped = 0;
            for (hop, account) in (1..).zip(["u1", "u2", "u3"]) {
                if circulated(stage.send(&circulate(account, "tea", 1))).withdrawn {
                    tripped = hop;
                    break;
                }
            }
            assert_eq!(tripped, trips_at + usize::from(default), "{factor:?}, default {default}");
            assert_eq!(stage.posted("payer"), 1_000_000);
        }
    }
}

#[test]
fn the_later_check_point_voids_what_the_tripping_hop_has_acquired() {
    // W9, D5, D9, D34, I12
    for policy in [IncreasePolicy::AfterAcquire, IncreasePolicy::NonFirst] {
        let late = Condition { check_point: CheckPoint::AfterIncrease, ..times(2) };
        let mut stage = market(offer(10_000, 1), Some(&CommissionTerms { policy, ..under(late) }));
        chain(&mut stage, 1, &["u1"]);
        let message = circulate("u2", "tea", 1);
        let tripping = circulated(stage.send(&message));
        assert_eq!((tripping.promise.minor(), tripping.attached.minor()), (0, 0), "{policy:?}");
        assert!(tripping.withdrawn);
        assert_eq!(circulated(stage.send(&message)), tripping, "{policy:?}: the repeat says the same");
        assert_eq!(stage.posted("payer"), 1_000_000);
        stage.send(&purchase("buyer", "tea", 1)).unwrap();
        assert_eq!((stage.posted("u1"), stage.posted("u2")), (0, 0));
    }
}

#[test]
fn a_purchase_checks_at_either_check_point() {
    // W6, W9, D34
    let duration =
        Condition { displayed_ms: Some(10), check_point: CheckPoint::AfterIncrease, ..condition() };
    let mut stage = market(offer(10_000, 1), Some(&under(duration)));
    chain(&mut stage, 1, &["u1"]);
    stage.later(10);
    assert!(met_at_purchase(&mut stage));
}

#[test]
fn the_prompt_stands_once_until_the_sale_or_the_withdrawal() {
    // W10, D19, D35, I17
    for sold in [true, false] {
        let mut stage = market(offer(10_000, 1), Some(&under(times(5))));
        let mut shown = Vec::new();
        for account in ["u1", "u2", "u3", "u4", "u5"] {
            chain(&mut stage, 1, &[account]);
            shown.push(view(&mut stage, "tea", 1).almost_met);
        }
        assert_eq!(shown, [false, false, false, true, true]);
        let end = if sold { purchase("buyer", "tea", 1) } else { circulate("u6", "tea", 1) };
        stage.send(&end).unwrap();
        assert!(!view(&mut stage, "tea", 1).almost_met, "sold: {sold}");
        let events = stage.events_of("tea", 1);
        assert_eq!(events.iter().filter(|event| **event == CertificateEvent::Prompted).count(), 1);
    }
}

#[test]
fn a_prompt_needs_as_many_factors_as_the_condition_and_the_exact_ratio() {
    // W10, D19, D35
    let both = |ratio| Condition {
        times: Some(3),
        amount: Some(money(300)),
        at_least: 2,
        prompt_ratio: basis_points(ratio),
        ..condition()
    };
    // Of 3 hops and 300: 2 hops are 6,666.6 basis points, 200 cumulative are 6,666.6.
    for (ratio, expected) in [(6_666, [false, true]), (6_667, [false, false]), (3_333, [true, true])] {
        let mut stage = market(offer(10_000, 1), Some(&adding(50, both(ratio))));
        let mut shown = Vec::new();
        for account in ["u1", "u2"] {
            chain(&mut stage, 1, &[account]);
            shown.push(view(&mut stage, "tea", 1).almost_met);
        }
        assert_eq!(shown, expected, "ratio {ratio}");
    }
}

#[test]
fn a_manual_acquire_can_prompt_too() {
    // W10, D35
    let amount = Condition { amount: Some(money(140)), prompt_ratio: basis_points(9_000), ..condition() };
    let manual = CommissionTerms {
        acquiring: crate::domain::Acquiring::Manual,
        take: Take::Amount(money(30)),
        ..under(amount)
    };
    let mut stage = market(offer(10_000, 1), Some(&manual));
    chain(&mut stage, 1, &["u1"]);
    assert!(!view(&mut stage, "tea", 1).almost_met);
    stage.send(&acquire("u1", "tea", 1)).unwrap();
    assert!(view(&mut stage, "tea", 1).almost_met);
}

#[test]
fn at_the_limit_the_commission_goes_home_once() {
    // W11, D17, D36
    for (elapsed, in_time) in [(9, true), (10, false)] {
        let limited = CommissionTerms { expires_at: Some(after_start(10)), ..terms(500, 100) };
        let mut stage = market(offer(10_000, 1), Some(&limited));
        chain(&mut stage, 1, &["u1"]);
        stage.at(after_start(elapsed));
        let commission = purchased(stage.send(&purchase("buyer", "tea", 1))).commission;
        assert_eq!(matches!(commission, Settlement::Settled { .. }), in_time, "{elapsed} ms");
        assert_eq!(stage.posted("u1"), if in_time { 40 } else { 0 });
        assert_eq!(stage.posted("payer"), if in_time { 1_000_000 - 40 } else { 1_000_000 });
        let deadline = CertificateEvent::Withdrawn(WithdrawalReason::Deadline);
        let times = stage.events_of("tea", 1).iter().filter(|event| **event == deadline).count();
        assert_eq!(times, usize::from(!in_time));
    }
}

#[test]
fn an_expiry_is_dated_at_its_deadline_and_stands_though_its_message_is_refused() {
    // D36, D17
    let limited = CommissionTerms { expires_at: Some(after_start(10)), ..terms(500, 100) };
    let mut stage = market(offer(10_000, 2), Some(&limited));
    chain(&mut stage, 1, &["u1"]);
    stage.at(after_start(25));
    assert_eq!(refused(stage.send(&circulate("u1", "tea", 1))), Code::AlreadyLinked);
    let number = stage.number_of("tea", 1);
    let newest = stage.events().iter().rev().find(|(actor, ..)| *actor == number).unwrap();
    assert_eq!(newest.1, after_start(10), "the record is dated at the deadline");
    assert_eq!(
        stage.posted("payer"),
        1_000_000 - 500,
        "the untouched envelope is the offering's to send home"
    );
    assert!(row(&mut stage, "tea").label.is_none(), "and a look at it does");
    assert_eq!(stage.posted("payer"), 1_000_000);
    assert_eq!(chain(&mut stage, 1, &["u2"]), [0]);
    assert_eq!(chain(&mut stage, 2, &["u3"]), [0], "born without an envelope");
    assert_eq!(view(&mut stage, "tea", 1).hops, 2);
}

#[test]
fn a_returned_envelope_whose_time_is_over_goes_home() {
    // C6, D36, F5: the buyer cannot pay, and meanwhile the limit passes
    let limited = CommissionTerms { expires_at: Some(after_start(10)), ..terms(500, 100) };
    for shards in [1, 3] {
        let mut stage = market_on(Stage::new(shards), offer(10_000, 2), Some(&limited));
        stage.at(after_start(9));
        let broke = stage.begin(&[purchase("broke", "tea", 1)]);
        stage.step();
        stage.at(after_start(10));
        let looked = stage.begin(&[show_offering("tea")]);
        stage.run();
        assert_eq!(refused(stage.answers(&broke).remove(0).unwrap()), Code::InsufficientFunds);
        assert!(matches!(stage.answers(&looked).remove(0), Some(Ok(Done::Offering(_)))));
        assert_eq!(stage.posted("payer"), 1_000_000);
        assert_eq!(purchased(stage.send(&purchase("buyer", "tea", 1))).commission, Settlement::None);
    }
}

#[test]
fn check_and_settlement_use_the_time_of_the_purchase() {
    // D27: a purchase that began in time is settled as of then
    let limited = CommissionTerms { expires_at: Some(after_start(10)), ..terms(500, 100) };
    let mut stage = market_on(Stage::new(1), offer(10_000, 1), Some(&limited));
    chain(&mut stage, 1, &["u1"]);
    stage.at(after_start(9));
    let bought = stage.begin(&[purchase("buyer", "tea", 1)]);
    stage.step();
    stage.at(after_start(10));
    stage.run();
    assert_eq!(settled(stage.answers(&bought).remove(0).unwrap()), (40, 460));
}

#[test]
fn a_deadline_that_has_passed_cannot_be_attached() {
    // D17, D37
    for elapsed in [10, 11] {
        let mut stage = market(offer(10_000, 1), None);
        stage.at(after_start(elapsed));
        let late = CommissionTerms { expires_at: Some(after_start(10)), ..terms(500, 100) };
        let refusal = refused_for(stage.send(&attach("payer", "tea", &late)));
        assert_eq!(refusal, (Code::BadValue, "terms.expires_at".to_owned()));
    }
}
