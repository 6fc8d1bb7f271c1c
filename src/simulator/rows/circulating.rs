//! Circulating and increasing: R1 to R7, N1 to N5, D1, D2, D20, D33.

use crate::domain::{
    Acquiring, CertificateEvent, Code, CommissionTerms, FoundVia, Increase, IncreasePolicy, Right, Take, Via,
};
use crate::simulator::messages::*;
use crate::simulator::stage::Stage;

fn increases(stage: &Stage) -> Vec<u64> {
    let amount = |event: &CertificateEvent| match event {
        CertificateEvent::Increased(amount) => Some(amount.minor()),
        _ => None,
    };
    stage.events_of("tea", 1).iter().filter_map(amount).collect()
}

#[test]
fn a_circulation_answers_hop_attached_and_the_own_promise() {
    // R1, R6, Q1
    let mut stage = market(offer(700, 1), Some(&terms(500, 100)));
    let expected = [("u1", 1, true), ("u2", 2, false), ("u3", 3, false)];
    for (account, hop, first) in expected {
        let answer = circulated(stage.send(&circulate(account, "tea", 1)));
        assert_eq!((answer.hop, answer.first), (hop, first));
        assert_eq!((answer.attached.minor(), answer.promise.minor(), answer.withdrawn), (100, 40, false));
    }
}

#[test]
fn the_newest_circulator_is_linked_and_the_former_keeps_time_and_promise() {
    // R2, R3, R4, D2, I9
    let mut stage = market(offer(700, 1), Some(&terms(500, 100)));
    for (hop, account) in (0_u64..).zip(["u1", "u2", "u3"]) {
        stage.at(after_start(hop * 10));
        chain(&mut stage, 1, &[account]);
        assert_eq!(view(&mut stage, "tea", 1).linked, Some(stage.number(account)));
    }
    let shown = view(&mut stage, "tea", 1);
    assert_eq!(shown.hops, 3);
    let expected = [("u1", 0, Some(10)), ("u2", 10, Some(20)), ("u3", 20, None)];
    for ((hop, seen), (account, linked, unlinked)) in (1..).zip(&shown.chain).zip(expected) {
        assert_eq!((seen.hop, seen.account), (hop, stage.number(account)));
        assert_eq!(seen.linked_at, after_start(linked));
        assert_eq!(seen.unlinked_at, unlinked.map(after_start));
        assert_eq!(seen.promise.minor(), 40);
    }
}

#[test]
fn whichever_way_it_was_found_the_money_is_the_same() {
    // R5, P9, D40
    let ways = [Via::Public, Via::Link, page_of("u1")];
    for via in ways {
        let mut stage = market(offer(700, 2), Some(&terms(500, 100)));
        chain(&mut stage, 1, &["u1"]);
        let answer = circulated(stage.send(&circulate_via("u2", "tea", 1, via.clone())));
        assert_eq!((answer.attached.minor(), answer.promise.minor()), (100, 40));
        let expected = match via {
            Via::Public => FoundVia::Public,
            Via::Link => FoundVia::Link,
            Via::PrivatePage(_) => FoundVia::PrivatePage(stage.number("u1")),
        };
        assert_eq!(view(&mut stage, "tea", 1).chain[1].via, expected);
        assert_eq!(settled(stage.send(&purchase_via("buyer", "tea", 1, via))), (80, 420));
    }
}

#[test]
fn a_page_or_a_link_names_a_certificate_and_a_page_s_account_is_in_its_chain() {
    // D40, V4
    let mut stage = market(offer(700, 2), Some(&terms(500, 100)));
    chain(&mut stage, 1, &["u1"]);
    chain(&mut stage, 2, &["u2"]);
    chain(&mut stage, 1, &["u3"]);
    for via in [Via::Link, page_of("u1")] {
        let nameless = [circulate_via("u4", "tea", 0, via.clone()), purchase_via("buyer", "tea", 0, via)];
        for message in nameless {
            assert_eq!(refused_for(stage.send(&message)), (Code::Missing, "serial".to_owned()));
        }
    }
    let cases = [(1, "u1", None), (1, "u3", None), (1, "u2", Some(Code::NotOnThatPage)), (2, "u2", None)];
    for (serial, owner, expected) in cases {
        let answer = stage.send(&circulate_via("u5", "tea", serial, page_of(owner)));
        let code = answer.err().map(|refusal| refusal.code);
        let linked = code == Some(Code::AlreadyLinked);
        assert!(
            code == expected || (linked && expected.is_none()),
            "serial {serial}, page of {owner}: {code:?}"
        );
    }
    let wrong = purchase_via("buyer", "tea", 1, page_of("u2"));
    assert_eq!(refuses(&mut stage, &wrong), Code::NotOnThatPage);
    let unknown = circulate_via("u6", "tea", 1, page_of("nobody"));
    assert_eq!(refuses(&mut stage, &unknown), Code::UnknownAccount);
    let mut untouched = market(offer(700, 1), None);
    assert_eq!(refuses(&mut untouched, &circulate_via("u2", "tea", 1, page_of("u1"))), Code::NotOnThatPage);
    assert_eq!(refuses(&mut untouched, &purchase_via("buyer", "tea", 1, page_of("u1"))), Code::NotOnThatPage);
}

#[test]
fn one_accepted_command_is_one_hop_and_a_refused_one_is_none() {
    // R7, D20, I13
    let mut stage = market(offer(700, 1), Some(&terms(500, 100)));
    chain(&mut stage, 1, &["u1"]);
    assert_eq!(refuses(&mut stage, &circulate("u1", "tea", 1)), Code::AlreadyLinked);
    assert_eq!(refuses(&mut stage, &circulate("foreigner", "tea", 1)), Code::CurrencyMismatch);
    assert_eq!(view(&mut stage, "tea", 1).hops, 1);
    chain(&mut stage, 1, &["u2", "u3"]);
    assert_eq!(view(&mut stage, "tea", 1).hops, 3);
}

#[test]
fn an_earlier_member_s_new_hop_counts_and_acquires_nothing() {
    // D20, D33, R7, I5
    let mut stage = market(offer(700, 1), Some(&terms(500, 100)));
    assert_eq!(chain(&mut stage, 1, &["u1", "u2", "u1", "u2"]), [40, 40, 0, 0]);
    let tea = stage.certificate("tea", 1).unwrap();
    let rights: Vec<Right> = tea.hops().map(|hop| hop.right).collect();
    assert_eq!(rights, [Right::Used, Right::Used, Right::None, Right::None]);
    assert_eq!(settled(stage.send(&purchase("buyer", "tea", 1))), (80, 420));
    assert_eq!((stage.posted("u1"), stage.posted("u2")), (40, 40));
}

#[test]
fn a_sold_certificate_circulates_no_more() {
    // H1, D30
    let mut stage = market(offer(700, 2), Some(&terms(500, 100)));
    chain(&mut stage, 1, &["u1"]);
    stage.send(&purchase("buyer", "tea", 1)).unwrap();
    for via in [Via::Public, Via::Link, page_of("u1")] {
        assert_eq!(refuses(&mut stage, &circulate_via("u2", "tea", 1, via.clone())), Code::Sold);
        assert_eq!(refuses(&mut stage, &purchase_via("rival", "tea", 1, via)), Code::Sold);
    }
    assert!(Code::Sold.advice().contains("offering"), "D30: the answer points to the offering");
    assert_eq!(view(&mut stage, "tea", 1).hops, 1);
}

#[test]
fn non_first_increases_from_the_second_command_on_and_before_acquiring() {
    // N1, N4, D5
    let by_policy = CommissionTerms { policy: IncreasePolicy::NonFirst, take: Take::All, ..terms(500, 100) };
    let mut stage = market(offer(700, 1), Some(&by_policy));
    assert_eq!(chain(&mut stage, 1, &["u1"]), [100]);
    assert_eq!(label(&mut stage, 1), [0, 400, 100]);
    assert_eq!(chain(&mut stage, 1, &["u2"]), [100], "what was increased before can be acquired");
    assert_eq!(increases(&stage), [0, 100]);
}

#[test]
fn after_acquire_increases_by_what_was_just_acquired() {
    // N2, N4, D5
    let by_policy = CommissionTerms { take: Take::Amount(money(60)), ..terms(500, 100) };
    let mut stage = market(offer(700, 1), Some(&by_policy));
    assert_eq!(chain(&mut stage, 1, &["u1", "supplier", "u2"]), [60, 0, 60]);
    assert_eq!(increases(&stage), [60, 0, 60]);
    assert_eq!(label(&mut stage, 1), [100, 280, 220]);
}

#[test]
fn every_command_increases_whether_or_not_it_acquires() {
    // N3, D32
    let by_policy = CommissionTerms {
        policy: IncreasePolicy::EveryCommand,
        increase: Increase::Preset(money(7)),
        ..terms(500, 100)
    };
    let mut stage = market(offer(700, 1), Some(&by_policy));
    chain(&mut stage, 1, &["u1", "supplier", "u1"]);
    assert_eq!(increases(&stage), [7, 7, 7]);
    assert_eq!(label(&mut stage, 1), [100 + 21 - 40, 400 - 21, 121]);
}

#[test]
fn a_random_increase_lies_in_its_range_and_can_be_recomputed() {
    // N3, Q4, D42
    let range = Increase::Random { min: money(3), max: money(9) };
    let by_policy =
        CommissionTerms { policy: IncreasePolicy::EveryCommand, increase: range, ..terms(500, 100) };
    let mut stage = market(offer(700, 1), Some(&by_policy));
    chain(&mut stage, 1, &["u1", "u2", "u3", "u4", "u5", "u6"]);
    let seed = stage.certificate("tea", 1).unwrap().birth().seed;
    let offering = stage.number_of("tea", 0);
    for (hop, amount) in (1..).zip(increases(&stage)) {
        let mut draw = crate::domain::Draw::new(
            &seed,
            offering,
            crate::domain::Serial(1),
            hop,
            crate::domain::Purpose::Increase,
        );
        assert_eq!(draw.uniform(3, 9), amount, "hop {hop}");
    }
}

#[test]
fn equal_settles_all_that_was_acquired_since_the_last_increase() {
    // N4, D6, D32
    let manual = CommissionTerms {
        policy: IncreasePolicy::NonFirst,
        acquiring: Acquiring::Manual,
        take: Take::Amount(money(30)),
        ..terms(500, 100)
    };
    let mut stage = market(offer(700, 1), Some(&manual));
    chain(&mut stage, 1, &["u1", "u2"]);
    assert_eq!(acquired(stage.send(&acquire("u1", "tea", 1))), (30, 70));
    assert_eq!(acquired(stage.send(&acquire("u2", "tea", 1))), (30, 40));
    chain(&mut stage, 1, &["u3"]);
    assert_eq!(increases(&stage), [0, 0, 60]);
    chain(&mut stage, 1, &["u4"]);
    assert_eq!(increases(&stage), [0, 0, 60, 0]);
}

#[test]
fn nothing_is_carried_over_a_short_reserve() {
    // D4, D32
    let short = CommissionTerms {
        policy: IncreasePolicy::NonFirst,
        take: Take::Amount(money(50)),
        ..terms(130, 100)
    };
    let mut stage = market(offer(700, 1), Some(&short));
    assert_eq!(chain(&mut stage, 1, &["u1", "u2", "u3", "u4"]), [50, 50, 30, 0]);
    assert_eq!(increases(&stage), [0, 30, 0, 0]);
    let shorts = stage.events_of("tea", 1);
    assert_eq!(shorts.iter().filter(|event| **event == CertificateEvent::ReserveShort).count(), 3);
}

#[test]
fn every_accepted_circulation_emits_one_increase_even_without_a_commission() {
    // N5, D32, D36
    let mut without = market(offer(700, 1), None);
    assert_eq!(chain(&mut without, 1, &["u1", "u2"]), [0, 0]);
    assert_eq!(increases(&without), [0, 0]);
    let expiring = CommissionTerms { expires_at: Some(after_start(10)), ..terms(500, 100) };
    let mut expired = market(offer(700, 1), Some(&expiring));
    chain(&mut expired, 1, &["u1"]);
    expired.at(after_start(10));
    let late = circulated(expired.send(&circulate("u2", "tea", 1)));
    assert_eq!((late.hop, late.promise.minor(), late.withdrawn), (2, 0, false));
    assert_eq!(increases(&expired), [40, 0]);
    let condition = CommissionTerms { condition: Some(times(1)), ..terms(500, 100) };
    let mut ended = market(offer(700, 1), Some(&condition));
    chain(&mut ended, 1, &["u1", "u2", "u3"]);
    assert_eq!(increases(&ended), [40, 0, 0]);
}
