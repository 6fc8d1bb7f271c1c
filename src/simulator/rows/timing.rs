//! What happens by time alone, without any message: C6, F4, W10, W11, D17, D35, D36.

use crate::domain::{
    Account, ActorNumber, CertificateEvent, Condition, Event, Offer, OfferingEvent, Timestamp, Window,
    WithdrawalReason,
};
use crate::domain::{CommissionTerms, Increase, IncreasePolicy};
use crate::simulator::messages::*;
use crate::simulator::stage::Stage;

fn balance(stage: &Stage, account: &str) -> i64 {
    let account: &Account = stage.account(account);
    account.posted().minor()
}

/// The dates of an actor's events that are wanted.
fn dates(stage: &Stage, actor: ActorNumber, wanted: &Event) -> Vec<Timestamp> {
    let own = stage.events().iter().filter(|(number, _, event)| *number == actor && event == wanted);
    own.map(|(_, at, _)| *at).collect()
}

fn prompts(stage: &Stage) -> Vec<Timestamp> {
    dates(stage, stage.number_of("tea", 1), &Event::Certificate(CertificateEvent::Prompted))
}

fn shown_for(milliseconds: u64, condition: Condition) -> CommissionTerms {
    CommissionTerms {
        condition: Some(Condition { displayed_ms: Some(milliseconds), ..condition }),
        ..terms(500, 100)
    }
}

#[test]
fn a_deadline_passes_without_a_message_and_once() {
    // C6, W11, D17, D36
    for (own, offers) in [(Some(10), None), (None, Some(10)), (Some(10), Some(30)), (Some(30), Some(10))] {
        let limited = CommissionTerms { expires_at: own.map(after_start), ..terms(500, 100) };
        let offer = Offer { expires_at: offers.map(after_start), ..offer(10_000, 3) };
        let mut stage = market(offer, Some(&limited));
        chain(&mut stage, 1, &["u1"]);
        stage.at(after_start(9));
        let records = stage.records();
        stage.fire();
        assert_eq!(stage.records(), records, "at the limit less one nothing is due");
        assert_eq!(stage.next_due(), Some(after_start(10)));
        stage.at(after_start(25));
        stage.fire();
        assert_eq!(balance(&stage, "payer"), 1_000_000, "{own:?}, {offers:?}");
        let withdrawn = Event::Certificate(CertificateEvent::Withdrawn(WithdrawalReason::Deadline));
        assert_eq!(dates(&stage, stage.number_of("tea", 1), &withdrawn), [after_start(10)]);
        let expired = Event::Offering(OfferingEvent::Expired);
        assert_eq!(dates(&stage, stage.number_of("tea", 0), &expired), [after_start(10)]);
        let records = stage.records();
        for mut stage in [stage.restarted_at(records), stage] {
            stage.later(100);
            stage.fire();
            assert_eq!(stage.records(), records, "nothing is due again, after a restart neither");
            assert_eq!(stage.next_due(), None);
        }
    }
}

#[test]
fn a_restart_knows_what_is_due_and_what_was() {
    // W11, D17
    let limited = CommissionTerms { expires_at: Some(after_start(10)), ..terms(500, 100) };
    let mut stage = market(offer(10_000, 2), Some(&limited));
    chain(&mut stage, 1, &["u1"]);
    stage.at(after_start(20));
    // After none, one and all records of what is due, and of what comes of it.
    let before = stage.records();
    stage.fire();
    for records in before..=stage.records() {
        let mut again = stage.restarted_at(records);
        again.fire();
        assert_eq!(again.records(), stage.records(), "restarted after {records} records");
        assert_eq!(balance(&again, "payer"), 1_000_000);
    }
}

#[test]
fn a_window_opens_and_closes_once_and_only_on_the_platform() {
    // F4
    let opened = Event::Offering(OfferingEvent::WindowOpened);
    let closed = Event::Offering(OfferingEvent::WindowClosed);
    // The window, when it was published, and the dates of both events.
    let cases = [
        ((Some(10), Some(20)), 0, (vec![10], vec![20])),
        ((Some(10), Some(20)), 15, (vec![15], vec![20])),
        ((Some(10), Some(20)), 25, (vec![25], vec![25])),
        ((Some(10), None), 0, (vec![10], vec![])),
        ((None, Some(20)), 0, (vec![], vec![20])),
        ((None, None), 0, (vec![], vec![])),
    ];
    for ((opens, closes), published, (opened_at, closed_at)) in cases {
        for by_timer in [true, false] {
            let mut stage = market(offer(700, 1), None);
            let window = Window { opens: opens.map(after_start), closes: closes.map(after_start) };
            stage.send(&issue("coffee", Offer { window, ..offer(700, 2) })).unwrap();
            stage.at(after_start(published));
            stage.fire();
            stage.send(&publish("coffee")).unwrap();
            for elapsed in [published, 30, 40] {
                stage.at(after_start(elapsed));
                if by_timer {
                    stage.fire();
                } else {
                    row(&mut stage, "coffee");
                }
                stage = stage.restarted_at(stage.records());
            }
            let number = stage.number_of("coffee", 0);
            let at = |times: &[u64]| times.iter().map(|time| after_start(*time)).collect::<Vec<_>>();
            assert_eq!(dates(&stage, number, &opened), at(&opened_at), "{window:?}, {by_timer}");
            assert_eq!(dates(&stage, number, &closed), at(&closed_at), "{window:?}, {by_timer}");
        }
    }
}

#[test]
fn an_offering_that_nobody_has_published_opens_nothing() {
    // F4
    let mut stage = market(offer(700, 1), None);
    let window = Window { opens: Some(after_start(1)), closes: Some(after_start(2)) };
    stage.send(&issue("coffee", Offer { window, ..offer(700, 2) })).unwrap();
    assert_eq!(stage.next_due(), None);
    stage.at(after_start(5));
    let records = stage.records();
    stage.fire();
    assert_eq!(stage.records(), records);
}

#[test]
fn the_time_on_display_prompts_by_itself_in_its_own_millisecond() {
    // W10, W4, D35
    // Display time, ratio, and the instant: rounded up.
    for (displayed, ratio, at) in [(100, 8_000, 80), (101, 8_000, 81), (7, 5_000, 4), (10, 1, 1)] {
        for by_timer in [true, false] {
            let soon = Condition { prompt_ratio: basis_points(ratio), ..condition() };
            let mut stage = market(offer(10_000, 1), Some(&shown_for(displayed, soon)));
            chain(&mut stage, 1, &["u1"]);
            assert_eq!(stage.next_due(), Some(after_start(at)), "{displayed} at {ratio}");
            stage.at(after_start(at - 1));
            stage.fire();
            assert!(prompts(&stage).is_empty());
            stage.at(after_start(500));
            if by_timer {
                stage.fire();
            } else {
                view(&mut stage, "tea", 1);
            }
            assert_eq!(prompts(&stage), [after_start(at)]);
            stage.fire();
            assert!(view(&mut stage, "tea", 1).almost_met);
            assert_eq!(prompts(&stage).len(), 1, "I17");
        }
    }
}

#[test]
fn no_time_prompts_without_a_chain_a_commission_or_a_condition_still_to_be_met() {
    // W10, D19, D35
    let whole = Condition { prompt_ratio: basis_points(10_000), ..condition() };
    let other = Condition { times: Some(9), at_least: 2, ..condition() };
    let limited = CommissionTerms { expires_at: Some(after_start(80)), ..shown_for(100, condition()) };
    let cases = [
        ("nobody has touched it", shown_for(100, condition()), 0),
        ("at the whole threshold it is met", shown_for(100, whole), 1),
        ("the other factor is far away", shown_for(100, other), 1),
        ("expiry comes first", limited, 1),
    ];
    for (why, terms, hops) in cases {
        let mut stage = market(offer(10_000, 1), Some(&terms));
        chain(&mut stage, 1, &["u1"][..hops]);
        stage.at(after_start(1_000));
        stage.fire();
        assert!(prompts(&stage).is_empty(), "{why}");
    }
    let mut stage = market(offer(10_000, 1), Some(&shown_for(100, condition())));
    chain(&mut stage, 1, &["u1"]);
    stage.send(&purchase("buyer", "tea", 1)).unwrap();
    assert_eq!(stage.next_due(), None, "sold");
}

#[test]
fn a_prompt_is_of_the_chain_as_it_was_then() {
    // D35: two factors; the hop that makes the other one near comes when time alone had long been enough
    let both = Condition { times: Some(2), at_least: 2, prompt_ratio: basis_points(5_000), ..condition() };
    let mut stage = market(offer(10_000, 1), Some(&shown_for(100, both.clone())));
    stage.at(after_start(60));
    chain(&mut stage, 1, &["u1"]);
    assert_eq!(prompts(&stage), [after_start(60)], "found by the hop itself, dated with it");
    // And where the display time is over, the condition is met with the second hop and never almost met.
    let far = Condition { times: Some(1), at_least: 2, ..condition() };
    let mut stage = market(offer(10_000, 1), Some(&shown_for(100, far)));
    stage.at(after_start(150));
    chain(&mut stage, 1, &["u1"]);
    stage.fire();
    assert!(prompts(&stage).is_empty());
    assert_eq!(stage.next_due(), None);
}

#[test]
fn a_prompt_and_a_deadline_that_are_found_together_keep_their_order() {
    // D35, D36
    let limited = CommissionTerms { expires_at: Some(after_start(90)), ..shown_for(100, condition()) };
    for by_timer in [true, false] {
        let mut stage = market(offer(10_000, 1), Some(&limited));
        chain(&mut stage, 1, &["u1"]);
        stage.at(after_start(95));
        if by_timer {
            stage.fire();
        } else {
            assert!(!view(&mut stage, "tea", 1).almost_met);
        }
        let last = stage.events_of("tea", 1).split_off(stage.events_of("tea", 1).len() - 2);
        let withdrawn = CertificateEvent::Withdrawn(WithdrawalReason::Deadline);
        assert_eq!(last, [CertificateEvent::Prompted, withdrawn]);
        assert_eq!(prompts(&stage), [after_start(80)]);
    }
}

#[test]
fn who_has_no_limit_has_no_place_in_the_schedule() {
    let lasting = CommissionTerms {
        policy: IncreasePolicy::EveryCommand,
        increase: Increase::Preset(money(5)),
        condition: Some(times(5)),
        ..terms(500, 100)
    };
    let mut stage = market(offer(10_000, 3), Some(&lasting));
    chain(&mut stage, 1, &["u1", "u2", "u3", "u4"]);
    stage.send(&purchase("buyer", "tea", 2)).unwrap();
    assert_eq!(stage.next_due(), None);
}
