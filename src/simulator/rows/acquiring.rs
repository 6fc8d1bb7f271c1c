//! Acquiring: Q1 to Q7, D1, D28, D33, D42, D47.

use crate::domain::{Acquiring, Code, CommissionTerms, Draw, IncreasePolicy, Purpose, Serial, Take};
use crate::simulator::messages::*;
use crate::simulator::stage::Stage;

fn with_take(take: Take) -> CommissionTerms {
    CommissionTerms { take, policy: IncreasePolicy::NonFirst, ..terms(100, 100) }
}

fn manual(terms: CommissionTerms) -> CommissionTerms {
    CommissionTerms { acquiring: Acquiring::Manual, ..terms }
}

#[test]
fn manual_acquiring_is_a_command_of_its_own_and_works_once() {
    // Q2, Q7, D1, D33
    let mut stage = market(offer(700, 2), Some(&manual(terms(500, 100))));
    assert_eq!(refuses(&mut stage, &acquire("u1", "tea", 1)), Code::NoRight);
    assert_eq!(chain(&mut stage, 1, &["u1"]), [0]);
    assert_eq!(label(&mut stage, 1), [100, 400, 100]);
    assert_eq!(acquired(stage.send(&acquire("u1", "tea", 1))), (40, 100));
    assert_eq!(label(&mut stage, 1), [100, 360, 140]);
    assert_eq!(refuses(&mut stage, &acquire("u1", "tea", 1)), Code::AlreadyAcquired);
    assert_eq!(refuses(&mut stage, &acquire("u2", "tea", 1)), Code::NoRight);
    chain(&mut stage, 1, &["u2", "u1"]);
    assert_eq!(
        refuses(&mut stage, &acquire("u1", "tea", 1)),
        Code::AlreadyAcquired,
        "I5: once for all its hops"
    );
    assert_eq!(acquired(stage.send(&acquire("u2", "tea", 1))).0, 40, "D1: also after unlinking");
    assert_eq!(settled(stage.send(&purchase("buyer", "tea", 1))), (80, 420));
    assert_eq!((stage.posted("u1"), stage.posted("u2")), (40, 40));
}

#[test]
fn a_manual_right_ends_with_the_sale_or_the_withdrawal() {
    // D1, D33
    let mut sold = market(offer(700, 1), Some(&manual(terms(500, 100))));
    chain(&mut sold, 1, &["u1"]);
    sold.send(&purchase("buyer", "tea", 1)).unwrap();
    assert_eq!(refuses(&mut sold, &acquire("u1", "tea", 1)), Code::Sold);
    assert_eq!(sold.posted("u1"), 0, "a right that was never used cashes nothing");
    let limited = CommissionTerms { condition: Some(times(1)), ..manual(terms(500, 100)) };
    let mut withdrawn = market(offer(700, 1), Some(&limited));
    chain(&mut withdrawn, 1, &["u1", "u2"]);
    assert_eq!(refuses(&mut withdrawn, &acquire("u1", "tea", 1)), Code::CommissionEnded);
    assert_eq!(refuses(&mut withdrawn, &acquire("u2", "tea", 1)), Code::NoRight);
    let expiring = CommissionTerms { expires_at: Some(after_start(5)), ..manual(terms(500, 100)) };
    let mut expired = market(offer(700, 1), Some(&expiring));
    chain(&mut expired, 1, &["u1"]);
    expired.at(after_start(5));
    assert_eq!(refused(expired.send(&acquire("u1", "tea", 1))), Code::CommissionEnded);
    assert_eq!(expired.posted("payer"), 1_000_000, "D36: the expiry stands though the message was refused");
}

#[test]
fn a_manual_acquire_never_checks_the_condition() {
    // D34
    let limited = CommissionTerms { condition: Some(times(1)), ..manual(terms(500, 100)) };
    let mut stage = market(offer(700, 1), Some(&limited));
    chain(&mut stage, 1, &["u1"]);
    assert_eq!(acquired(stage.send(&acquire("u1", "tea", 1))), (40, 100));
    assert_eq!(withdrawn(stage.send(&purchase("buyer", "tea", 1))), 500);
}

#[test]
fn a_first_hop_stays_usable_after_a_later_one() {
    // D20, D33
    let mut stage = market(offer(700, 1), Some(&manual(terms(500, 100))));
    chain(&mut stage, 1, &["u1", "u2", "u1"]);
    assert_eq!(acquired(stage.send(&acquire("u1", "tea", 1))), (40, 100));
    let promises: Vec<u64> = view(&mut stage, "tea", 1).chain.iter().map(|hop| hop.promise.minor()).collect();
    assert_eq!(promises, [40, 0, 0], "it lies at the first hop");
}

#[test]
fn the_supplier_circulates_and_acquires_nothing() {
    // D20, D33
    let mut automatic = market(offer(700, 1), Some(&terms(500, 100)));
    assert_eq!(chain(&mut automatic, 1, &["supplier", "u1"]), [0, 40]);
    let mut stage = market(offer(700, 1), Some(&manual(terms(500, 100))));
    chain(&mut stage, 1, &["supplier"]);
    assert_eq!(refuses(&mut stage, &acquire("supplier", "tea", 1)), Code::NoRight);
}

#[test]
fn taking_all_leaves_nothing_and_taking_part_leaves_the_rest() {
    // Q3, Q5, Q6, D47
    let cases = [
        (Take::All, 100, 0),
        (Take::Amount(money(40)), 40, 60),
        (Take::Amount(money(100)), 100, 0),
        (Take::Amount(money(101)), 100, 0),
        (Take::Share(basis_points(2_500)), 25, 75),
        (Take::Share(basis_points(10_000)), 100, 0),
        (Take::Share(basis_points(3_333)), 33, 67),
        (Take::Share(basis_points(50)), 1, 99),
        (Take::Share(basis_points(49)), 0, 100),
        (Take::Split { hops: 1 }, 100, 0),
        (Take::Random { min: money(40), max: money(40) }, 40, 60),
        (Take::Random { min: money(200), max: money(300) }, 100, 0),
    ];
    for (take, promise, left) in cases {
        let mut stage = market(offer(700, 1), Some(&with_take(take)));
        let answer = circulated(stage.send(&circulate("u1", "tea", 1)));
        assert_eq!((answer.promise.minor(), answer.attached.minor()), (promise, left), "{take:?}");
    }
}

#[test]
fn a_random_amount_lies_in_its_range_and_can_be_recomputed() {
    // Q4, D28, D42
    let mut stage = market(offer(700, 40), Some(&with_take(Take::Random { min: money(10), max: money(20) })));
    let offering = stage.number_of("tea", 0);
    let mut seen = std::collections::BTreeSet::new();
    for serial in 1..=40 {
        let promise = chain(&mut stage, serial, &["u1"])[0];
        let seed = stage.certificate("tea", serial).unwrap().birth().seed;
        let mut draw = Draw::new(&seed, offering, Serial(serial), 1, Purpose::Acquire);
        assert_eq!(draw.uniform(10, 20), promise);
        assert!((10..=20).contains(&promise));
        seen.insert(promise);
    }
    assert!(seen.len() > 5, "forty draws of eleven numbers: {seen:?}");
}

#[test]
fn a_random_amount_is_at_least_one_unit_and_never_more_than_is_attached() {
    // D28, D42, Q4
    for attached in 0..=4 {
        let wide = CommissionTerms {
            policy: IncreasePolicy::NonFirst,
            take: Take::Random { min: money(0), max: money(1_000) },
            ..terms(4, attached)
        };
        let mut stage = market(offer(700, 8), Some(&wide));
        for serial in 1..=8 {
            let promise = chain(&mut stage, serial, &["u1"])[0];
            assert!(promise >= attached.min(1) && promise <= attached, "{promise} of {attached}");
        }
    }
}

#[test]
fn a_split_gives_each_at_most_the_double_average_and_the_last_the_rest() {
    // Q4, D42
    for items in 1..=6 {
        let mut stage = market(offer(700, items), Some(&with_take(Take::Split { hops: 4 })));
        for serial in 1..=items {
            let mut attached = 100;
            for (left, account) in (1..=4).rev().zip(["u1", "u2", "u3", "u4"]) {
                let promise = chain(&mut stage, serial, &[account])[0];
                // The first hop increases by nothing; the reserve is empty, so no other does either.
                assert!(
                    promise >= 1 && promise <= (attached * 2 / left).max(1),
                    "{promise} of {attached}/{left}"
                );
                if left == 1 {
                    assert_eq!(promise, attached);
                }
                attached -= promise;
            }
            assert_eq!(attached, 0);
            assert_eq!(chain(&mut stage, serial, &["u5"]), [0], "a fifth of four finds nothing");
        }
    }
}

#[test]
fn only_acquirers_count_for_a_split() {
    // D42
    let mut stage = market(offer(700, 1), Some(&with_take(Take::Split { hops: 2 })));
    let promises = chain(&mut stage, 1, &["supplier", "u1", "supplier", "u2"]);
    assert_eq!((promises[0], promises[2]), (0, 0));
    assert_eq!(promises[1] + promises[3], 100);
}

#[test]
fn nothing_attached_promises_nothing_and_the_hop_is_valid() {
    // D28, D33
    let mut stage = market(offer(700, 1), Some(&with_take(Take::All)));
    assert_eq!(chain(&mut stage, 1, &["u1", "u2"]), [100, 0]);
    assert_eq!(view(&mut stage, "tea", 1).hops, 2);
    let mut stage = market(offer(700, 1), Some(&manual(with_take(Take::All))));
    chain(&mut stage, 1, &["u1", "u2"]);
    assert_eq!(acquired(stage.send(&acquire("u1", "tea", 1))), (100, 0));
    assert_eq!(acquired(stage.send(&acquire("u2", "tea", 1))), (0, 0));
    assert_eq!(
        refuses(&mut stage, &acquire("u2", "tea", 1)),
        Code::AlreadyAcquired,
        "a promise of 0 uses the right up"
    );
}

#[test]
fn a_circulation_raises_the_own_promise_and_nobody_else_s() {
    // Q7, D1
    let mut stage: Stage = market(offer(700, 1), Some(&terms(500, 100)));
    let promises = |stage: &mut Stage| -> Vec<u64> {
        view(stage, "tea", 1).chain.iter().map(|hop| hop.promise.minor()).collect()
    };
    chain(&mut stage, 1, &["u1"]);
    assert_eq!(promises(&mut stage), [40]);
    chain(&mut stage, 1, &["u2"]);
    assert_eq!(promises(&mut stage), [40, 40]);
}
