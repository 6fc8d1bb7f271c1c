//! Top-ups: more reserve for one certificate's commission (D4, D37, I2).

use crate::domain::{CertificateEvent, Code, CommissionTerms, Done, Offer, Take};
use crate::simulator::engaging::*;
use crate::simulator::messages::*;

fn all_of(funded: u64, attached: u64) -> CommissionTerms {
    CommissionTerms { take: Take::All, ..terms(funded, attached) }
}

#[test]
fn a_short_reserve_grows_again_by_a_top_up_and_not_by_itself() {
    // D4, §4: funded 150, attached 100, take all: promises 100, 50, then topped up
    let mut stage = market(offer(700, 1), Some(&all_of(150, 100)));
    assert_eq!(chain(&mut stage, 1, &["u1", "u2"]), [100, 50]);
    assert_eq!(label(&mut stage, 1), [0, 0, 150]);
    assert!(stage.events_of("tea", 1).contains(&CertificateEvent::ReserveShort));
    let before = stage.posted("payer");
    let once = with_id(top_up("payer", "tea", 1, 70), "more");
    assert_eq!(
        stage.send_all(&[once.clone(), once.clone()]),
        [Ok(Done::ToppedUp { amount: money(70) }), Ok(Done::ToppedUp { amount: money(70) })]
    );
    stage.send(&once).unwrap();
    assert_eq!(stage.posted("payer"), before - 70, "once");
    assert_eq!(label(&mut stage, 1), [0, 70, 150], "no increase by itself (D37)");
    assert_eq!(chain(&mut stage, 1, &["u3"]), [0], "attached is what the last increase left");
    stage.send(&purchase("buyer", "tea", 1)).unwrap();
    assert_eq!(stage.posted("payer"), before, "the whole of it came back");
}

#[test]
fn only_the_payer_tops_up_one_serial_of_a_commission_that_stands() {
    // D37, K6, I13
    let mut stage = market(offer(700, 3), Some(&terms(500, 100)));
    stage.send(&deposit("supplier", 100)).unwrap();
    chain(&mut stage, 1, &["u1"]);
    let purse = stage.posted("payer");
    for (message, code) in [
        (top_up("supplier", "tea", 1, 10), Code::NotAllowed),
        (top_up("supplier", "tea", 2, 10), Code::NotAllowed),
        (top_up("u1", "tea", 1, 10), Code::InsufficientFunds),
        (top_up("payer", "tea", 4, 10), Code::UnknownCertificate),
        (top_up("payer", "tea", 1, 0), Code::AmountNotPositive),
        (top_up("payer", "coffee", 1, 1), Code::UnknownOffering),
        (top_up("payer", "tea", 1, PURSE), Code::InsufficientFunds),
    ] {
        assert_eq!(refused(stage.send(&message)), code, "{message:?}");
        assert_eq!((stage.posted("payer"), stage.posted("supplier")), (purse, 100), "everyone is whole");
    }
    stage.send(&top_up("payer", "tea", 1, 30)).unwrap();
    stage.send(&top_up("payer", "tea", 2, 50)).unwrap();
    stage.send(&top_up("payer", "tea", 2, 5)).unwrap();
    let reserves = [1, 2, 3].map(|serial| label(&mut stage, serial)[1]);
    assert_eq!(reserves, [360 + 30, 400 + 55, 400], "alive, untouched, and not another one");
    chain(&mut stage, 2, &["u2"]);
    assert_eq!(label(&mut stage, 2), [100, 400 + 55 - 40, 140], "it goes with the envelope");
    let sales = [(1, 490), (2, 515), (3, 500)];
    for (serial, home) in sales {
        assert_eq!(settled(stage.send(&purchase("buyer", "tea", serial))).1, home, "serial {serial}");
    }
    assert_eq!(stage.posted("payer"), i64::try_from(PURSE).unwrap() - 80);
}

#[test]
fn a_commission_that_is_backed_or_not_there_is_not_topped_up() {
    // D37
    let mut stage = market(offer(700, 1), None);
    assert_eq!(refused(stage.send(&top_up("payer", "tea", 1, 10))), Code::CommissionEnded);
    stage.send(&issue_payment("payer", "backs", 500, "")).unwrap();
    stage.send(&attach_backed("payer", "tea", &terms(500, 100), "backs")).unwrap();
    assert_eq!(refused(stage.send(&top_up("payer", "tea", 1, 10))), Code::NotToppedUp);
    chain(&mut stage, 1, &["u1"]);
    assert_eq!(refused(stage.send(&top_up("payer", "tea", 1, 10))), Code::NotToppedUp);
    assert_eq!(stage.posted("payer"), i64::try_from(PURSE).unwrap());
}

#[test]
fn what_comes_too_late_goes_back_and_the_same_id_may_be_tried_again() {
    // D37, I14: a compensating entry restores every account
    let limited = CommissionTerms { expires_at: Some(after_start(50)), ..terms(500, 100) };
    for (how, touched) in [("sold", true), ("expired", true), ("expired", false)] {
        let mut stage = market(offer(700, 2), Some(&limited));
        if touched {
            chain(&mut stage, 1, &["u1"]);
        }
        if how == "sold" {
            stage.send(&purchase("buyer", "tea", 1)).unwrap();
        } else {
            stage.later(50);
        }
        let late = with_id(top_up("payer", "tea", 1, 70), "late");
        let before = stage.posted("payer");
        let records = stage.records();
        assert_eq!(refused(stage.send(&late)), Code::CommissionEnded, "{how}");
        assert!(stage.records() > records, "the money had moved, so it is on record that it came back");
        stage.fire();
        let whole = if how == "sold" { before } else { before + 1_000 };
        assert_eq!(stage.posted("payer"), whole, "{how}");
        assert_eq!(refused(stage.send(&late)), Code::CommissionEnded, "{how}: decided anew");
        // A refused id is free for another body; serial 2 is not sold.
        let other = stage.send(&with_id(top_up("payer", "tea", 2, 60), "late"));
        match how {
            "sold" => assert_eq!(other, Ok(Done::ToppedUp { amount: money(60) })),
            _ => assert_eq!(refused(other), Code::CommissionEnded),
        }
    }
}

#[test]
fn top_ups_race_a_sale_and_each_is_taken_or_comes_back() {
    // D4, I2, I14
    let (mut taken, mut back) = (0, 0);
    for seed in 0..150 {
        let stage = crate::simulator::stage::Stage::new(3).with_luck(seed);
        let mut stage =
            market_on(stage, Offer { reservable_ms: Some(9), ..offer(700, 1) }, Some(&terms(500, 100)));
        if seed % 3 == 0 {
            chain(&mut stage, 1, &["u1"]);
        }
        let before = stage.posted("payer");
        let buy = if seed % 2 == 0 { purchase("buyer", "tea", 1) } else { reserve("buyer", "tea", 1) };
        let answers = stage.send_all(&[top_up("payer", "tea", 1, 70), buy, top_up("payer", "tea", 1, 5)]);
        for (answer, amount) in [(&answers[0], 70), (&answers[2], 5)] {
            match answer {
                Ok(Done::ToppedUp { amount: topped }) if topped.minor() == amount => taken += 1,
                Err(refusal) if matches!(refusal.code, Code::CommissionEnded | Code::Overloaded) => back += 1,
                other => panic!("seed {seed}: {other:?}"),
            }
        }
        if seed % 2 == 1 {
            stage.send(&pay("buyer", "tea", 1)).unwrap();
        }
        let cashed = if seed % 3 == 0 { 40 } else { 0 };
        assert_eq!(stage.posted("payer"), before + 500 - cashed, "seed {seed}: all of it is home");
    }
    assert!(taken > 20 && back > 20, "{taken} taken, {back} back");
}

#[test]
fn a_restart_between_any_two_hops_tops_up_once_or_not_at_all() {
    // I14
    let mut stage = market(offer(700, 2), Some(&terms(500, 100)));
    chain(&mut stage, 1, &["u1"]);
    let before = stage.records();
    let messages = [
        with_id(top_up("payer", "tea", 1, 70), "alive"),
        with_id(top_up("payer", "tea", 2, 30), "untouched"),
    ];
    for message in &messages {
        stage.send(message).unwrap();
    }
    for cut in before..=stage.records() {
        let mut again = stage.restarted_at(cut);
        for message in &messages {
            again.send(message).unwrap();
        }
        assert_eq!(again.posted("payer"), stage.posted("payer"), "cut at {cut}");
        assert_eq!([1, 2].map(|serial| label(&mut again, serial)[1]), [430, 430], "cut at {cut}");
    }
}
