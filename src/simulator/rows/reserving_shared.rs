//! Reserved certificates that are circulated, and their commission: D39, D37, D4, C6.

use crate::domain::{
    Answer, CertificateEvent, Code, CommissionTerms, Condition, Settlement, WithdrawalReason,
};
use crate::simulator::engaging::*;
use crate::simulator::messages::*;
use crate::simulator::stage::Stage;

#[test]
fn all_that_is_left_reserved_is_answered_reserved() {
    // D39: buying any and circulating without a serial
    let mut stage = market(reservable(700, 2), Some(&terms(500, 100)));
    for account in ["buyer", "rival"] {
        stage.send(&reserve(account, "tea", 0)).unwrap();
    }
    for message in [purchase("payer", "tea", 0), reserve("payer", "tea", 0), circulate("u1", "tea", 0)] {
        assert_eq!(refuses(&mut stage, &message), Code::Reserved, "{message:?}");
    }
    // A chain that is there goes on, reserved or not (D30).
    chain(&mut stage, 2, &["u1"]);
    let circulated = circulated(stage.send(&circulate("u2", "tea", 0)));
    assert_eq!((circulated.serial.0, circulated.hop), (2, 2));
    assert_eq!(refuses(&mut stage, &purchase("payer", "tea", 0)), Code::Reserved);
    stage.send(&cancel("buyer", "tea", 1)).unwrap();
    assert_eq!(circulated_serial(&mut stage, "u3"), 1);
}

#[test]
fn circulating_without_a_serial_passes_reserved_ones_by() {
    // D39, D30: untouched means not reserved now
    let mut stage = market(reservable(700, 3), Some(&terms(500, 100)));
    stage.send(&reserve("buyer", "tea", 1)).unwrap();
    assert_eq!([circulated_serial(&mut stage, "u1"), circulated_serial(&mut stage, "u2")], [2, 3]);
    assert_eq!(circulated_serial(&mut stage, "u3"), 2, "none left, it continues the chains in turn");
    stage.send(&cancel("buyer", "tea", 1)).unwrap();
    assert_eq!(circulated_serial(&mut stage, "u4"), 1);
}

#[test]
fn what_was_reserved_comes_back_as_what_it_has_become() {
    // F1, D29, D39: untouched serials first, then circulated ones
    let mut stage = market(reservable(700, 2), Some(&terms(500, 100)));
    stage.send(&reserve("buyer", "tea", 1)).unwrap();
    chain(&mut stage, 1, &["u1"]);
    assert_eq!(circulated(stage.send(&circulate("u2", "tea", 1))).hop, 2);
    stage.later(STANDS_MS);
    stage.fire();
    let order: Vec<u32> =
        (0..2).map(|_| purchased(stage.send(&purchase("rival", "tea", 0))).serial.0).collect();
    assert_eq!(order, [2, 1]);
    assert_eq!((stage.posted("u1"), stage.posted("u2")), (40, 40));
}

#[test]
fn the_envelope_of_a_reserved_untouched_serial_goes_home_at_its_time() {
    // C6, W11, D17, F6, I1: by timer and lazily; the sale stands
    for backed in [false, true] {
        for by_timer in [false, true] {
            let limited = CommissionTerms { expires_at: Some(after_start(50)), ..terms(500, 100) };
            let mut stage = market(reservable(700, 2), None);
            attach_somehow(&mut stage, &limited, backed, 1_000);
            stage.send(&reserve("buyer", "tea", 1)).unwrap();
            stage.at(after_start(50));
            if by_timer {
                stage.fire();
                assert_eq!(purse(&stage, "payer"), [1_000_000, 0, 1_000_000]);
            }
            let sold = purchased(stage.send(&pay("buyer", "tea", 1)));
            assert_eq!(sold.commission, Settlement::None);
            assert_eq!(purse(&stage, "payer"), [1_000_000, 0, 1_000_000], "backed {backed}");
            assert_eq!(stage.posted("payee"), 700);
            let withdrawn = CertificateEvent::Withdrawn(WithdrawalReason::Deadline);
            assert!(!stage.events_of("tea", 1).contains(&withdrawn), "it had no envelope any more");
        }
    }
}

#[test]
fn the_envelope_stays_while_the_money_of_a_reservation_is_held() {
    // C6, F6, I1: the limit passes between the demand to hold and its answer, which may be a refusal
    for (account, ok) in [("buyer", true), ("broke", false)] {
        for steps in 0..3 {
            let limited = CommissionTerms { expires_at: Some(after_start(50)), ..terms(500, 100) };
            let mut stage = market_on(Stage::new(1), reservable(700, 1), Some(&limited));
            stage.at(after_start(49));
            let pending = stage.begin(&[reserve(account, "tea", 0)]);
            for _ in 0..steps {
                stage.step();
            }
            stage.at(after_start(50));
            stage.fire();
            assert_eq!(stage.answers(&pending).remove(0).unwrap().is_ok(), ok);
            assert_eq!(stage.posted("payer"), 1_000_000, "{account} after {steps}");
        }
    }
}

#[test]
fn a_reserved_untouched_serial_is_topped_up_and_keeps_it() {
    // D4, D37, F6
    let mut stage = market(reservable(700, 3), Some(&terms(500, 100)));
    for (serial, account) in [(1, "buyer"), (2, "rival"), (3, "buyer")] {
        stage.send(&reserve(account, "tea", serial)).unwrap();
        stage.send(&top_up("payer", "tea", serial, 7)).unwrap();
        assert_eq!(label(&mut stage, serial), [100, 407, 100]);
    }
    assert_eq!(stage.posted("payer"), 1_000_000 - 1_500 - 21);
    assert_eq!(settled(stage.send(&pay("buyer", "tea", 1))), (0, 507), "paid untouched");
    chain(&mut stage, 2, &["u1"]);
    assert_eq!(label(&mut stage, 2), [100, 367, 140], "it came to life with all of it");
    stage.send(&top_up("payer", "tea", 2, 5)).unwrap();
    assert_eq!(settled(stage.send(&pay("rival", "tea", 2))), (40, 472));
    stage.send(&cancel("buyer", "tea", 3)).unwrap();
    assert_eq!(label(&mut stage, 3), [100, 407, 100], "the reservation is over, not the top-up");
    assert_eq!(settled(stage.send(&purchase("rival", "tea", 3))), (0, 507));
    assert_eq!(stage.posted("payer"), 1_000_000 - 40);
}

#[test]
fn a_top_up_and_a_reservation_at_once_lose_nothing() {
    // D4, I1, I14: the envelope stays at the offering while the money is being held, and comes back from a payment
    for luck in 0..40 {
        for account in ["buyer", "broke"] {
            let mut stage =
                market_on(Stage::new(3).with_luck(luck), reservable(700, 1), Some(&terms(500, 100)));
            let answers = stage.send_all(&[
                reserve(account, "tea", 1),
                top_up("payer", "tea", 1, 7),
                circulate("u1", "tea", 1),
            ]);
            assert_eq!(answers[0].is_ok(), account == "buyer", "luck {luck}");
            let added = if answers[1].is_ok() { 7 } else { 0 };
            assert_eq!(refused_or(&answers[1], Code::Overloaded), answers[1].is_ok(), "luck {luck}");
            assert!(answers[2].is_ok(), "luck {luck}");
            let mut messages = vec![purchase("rival", "tea", 1)];
            if account == "buyer" {
                messages = vec![pay("buyer", "tea", 1), top_up("payer", "tea", 1, 9)];
            }
            let answers = stage.send_all(&messages);
            let late = messages.len() > 1 && answers[1].is_ok();
            let (cashed, returned) = settled(answers[0].clone());
            assert_eq!((cashed, returned), (40, 460 + added + if late { 9 } else { 0 }), "luck {luck}");
            assert_eq!(stage.posted("payer"), 1_000_000 - 40, "luck {luck}");
        }
    }
}

#[test]
fn no_commission_is_attached_once_something_is_reserved() {
    // D37
    let mut stage = market(reservable(700, 2), None);
    stage.send(&reserve("buyer", "tea", 0)).unwrap();
    assert_eq!(refuses(&mut stage, &attach("payer", "tea", &terms(500, 100))), Code::AlreadyTouched);
    purchased(stage.send(&pay("buyer", "tea", 1)));
    assert_eq!(refuses(&mut stage, &attach("payer", "tea", &terms(500, 100))), Code::AlreadyTouched);
    // Also while the money is being held; whoever reserves while a commission is being funded waits for it.
    for attach_first in [false, true] {
        let mut stage = market_on(Stage::new(1), reservable(700, 2), None);
        let (reserving, attaching) = (reserve("buyer", "tea", 0), attach("payer", "tea", &terms(500, 100)));
        let answers = if attach_first {
            stage.send_all(&[attaching, reserving])
        } else {
            let answers = stage.send_all(&[reserving, attaching]);
            assert_eq!(refused(answers[1].clone()), Code::AlreadyTouched);
            continue;
        };
        assert!(answers.iter().all(Result::is_ok), "{answers:?}");
        assert_eq!(settled(stage.send(&pay("buyer", "tea", 1))), (0, 500));
    }
}

#[test]
fn the_condition_is_judged_when_a_reservation_is_paid() {
    // D39, W1, W4, W6
    let shown = Condition { displayed_ms: Some(50), ..condition() };
    for (elapsed, met) in [(49, false), (50, true)] {
        let terms = CommissionTerms { condition: Some(shown.clone()), ..terms(500, 100) };
        let mut stage = market(reservable(700, 2), Some(&terms));
        chain(&mut stage, 1, &["u1"]);
        stage.send(&reserve("buyer", "tea", 1)).unwrap();
        stage.at(after_start(elapsed));
        let paid = stage.send(&pay("buyer", "tea", 1));
        if met {
            assert_eq!((withdrawn(paid), stage.posted("u1")), (500, 0));
        } else {
            assert_eq!((settled(paid), stage.posted("u1")), ((40, 460), 40));
        }
        assert_eq!(stage.posted("payee"), 700, "the sale stands");
    }
    for (sharers, met) in [(&["u1", "u2"][..], false), (&["u1", "u2", "u3"], true)] {
        let terms = CommissionTerms { condition: Some(times(3)), ..terms(500, 100) };
        let mut stage = market(reservable(700, 2), Some(&terms));
        stage.send(&reserve("buyer", "tea", 1)).unwrap();
        chain(&mut stage, 1, sharers);
        let paid = stage.send(&pay("buyer", "tea", 1));
        if met {
            assert_eq!(withdrawn(paid), 500);
        } else {
            assert_eq!(settled(paid), (80, 420));
        }
    }
}

/// True for done; a refusal must be this one.
fn refused_or(answer: &Answer, code: Code) -> bool {
    answer.as_ref().map_or_else(|refusal| assert_eq!(refusal.code, code), |_| ());
    answer.is_ok()
}

fn circulated_serial(stage: &mut Stage, account: &str) -> u32 {
    circulated(stage.send(&circulate(account, "tea", 0))).serial.0
}
