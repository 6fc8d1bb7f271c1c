//! A payment certificate as escrow for a purchase: K4, D38, I16; and everything that accounts are engaged in at once.

use super::payments::{held, parts};
use crate::domain::{Cashing, Code, CommissionTerms, Message, Offer, PaymentState, StatusChange};
use crate::simulation::chance::Chance;
use crate::simulator::engaging::*;
use crate::simulator::messages::*;
use crate::simulator::stage::Stage;
use crate::simulator::traces::backed_market_on;

#[test]
fn a_purchase_out_of_it_releases_the_price_and_frees_the_rest() {
    // K4, D38, H1, H2: it triggers by itself, received or not
    for (beneficiary, received) in [("", false), ("payee", false), ("payee", true)] {
        for amount in [700, 1_000] {
            let mut stage = market(offer(700, 2), Some(&terms(500, 100)));
            stage.send(&issue_payment("buyer", "escrow", amount, beneficiary)).unwrap();
            if received {
                stage.send(&receive("payee", payment("buyer", "escrow"))).unwrap();
            }
            chain(&mut stage, 1, &["u1"]);
            assert_eq!(
                settled(stage.send(&purchase_with_payment("buyer", "tea", 1, "escrow"))),
                (40, 460),
                "{beneficiary}"
            );
            let expected = (PaymentState::Released, [700, amount - 700, 0]);
            assert_eq!(parts(&stage, "buyer", "escrow"), expected, "{beneficiary}");
            assert_eq!((stage.posted("buyer"), held(&stage, "buyer")), (1_000_000 - 700, 0));
            assert_eq!((stage.posted("payee"), stage.posted("u1")), (700, 40));
            let sale = view(&mut stage, "tea", 1).sale.unwrap();
            assert_eq!(sale.buyer, stage.number("buyer"));
        }
    }
}

#[test]
fn a_purchase_that_it_does_not_cover_pays_nothing_and_frees_the_serial() {
    // K4, D38, F5, I18: though the buyer has far more than the price
    let plain = |amount, beneficiary| vec![issue_payment("buyer", "escrow", amount, beneficiary)];
    let there = || payment("buyer", "escrow");
    let with = |mut messages: Vec<Message>, more| {
        messages.push(more);
        messages
    };
    let bounded = |not_before, expires_at| {
        let bounds = (not_before, expires_at);
        vec![issue_payment_until("buyer", "escrow", 1_000, "payee", bounds)]
    };
    let cases = [
        ("of nobody", vec![], Code::UnknownPaymentCertificate),
        ("of another", vec![issue_payment("rival", "escrow", 1_000, "")], Code::UnknownPaymentCertificate),
        ("too small", plain(699, "payee"), Code::InsufficientFunds),
        ("for another", plain(1_000, "u1"), Code::NotAllowed),
        ("before its time", bounded(Some(after_start(51)), None), Code::TransferConditionNotMet),
        ("after its time", bounded(None, Some(after_start(50))), Code::PaymentCertificateEnded),
        ("rejected", with(plain(1_000, "payee"), reject("payee", there())), Code::PaymentCertificateEnded),
        ("void", with(plain(1_000, ""), void_payment(there())), Code::PaymentCertificateEnded),
    ];
    for (how, before, code) in cases {
        let mut stage = market(offer(700, 1), Some(&terms(500, 100)));
        before.iter().for_each(|message| drop(stage.send(message).unwrap()));
        let held_before = if code == Code::PaymentCertificateEnded { 0 } else { held(&stage, "buyer") };
        stage.at(after_start(50));
        let bought = purchase_with_payment("buyer", "tea", 1, "escrow");
        assert_eq!(refused(stage.send(&bought)), code, "{how}");
        assert_eq!((stage.posted("buyer"), held(&stage, "buyer")), (1_000_000, held_before), "{how}");
        assert_eq!(stage.posted("payee"), 0, "{how}");
        assert_eq!(row(&mut stage, "tea").left, 1, "{how}");
        assert_eq!(settled(stage.send(&purchase("rival", "tea", 1))), (0, 500), "{how}");
    }
}

#[test]
fn it_backs_a_purchase_from_its_first_millisecond_to_its_last() {
    // K4, D38
    for (at, expected) in [(99, false), (100, true), (199, true), (200, false)] {
        let mut stage = market(offer(700, 1), None);
        let bounds = (Some(after_start(100)), Some(after_start(200)));
        stage.send(&issue_payment_until("buyer", "escrow", 700, "", bounds)).unwrap();
        stage.at(after_start(at));
        let answer = stage.send(&purchase_with_payment("buyer", "tea", 1, "escrow"));
        assert_eq!(answer.is_ok(), expected, "at {at}: {answer:?}");
    }
}

#[test]
fn it_is_spent_once() {
    // K4, I12, I14: one after the other, and at once
    let issue = || issue_payment("buyer", "escrow", 2_000, "");
    let buy = |serial, id| with_id(purchase_with_payment("buyer", "tea", serial, "escrow"), id);
    let mut stage = market(offer(700, 2), None);
    stage.send(&issue()).unwrap();
    let first = stage.send(&buy(1, "first"));
    assert!(first.is_ok());
    assert_eq!(refused(stage.send(&buy(2, "second"))), Code::PaymentCertificateEnded);
    assert_eq!(stage.send(&buy(1, "first")), first, "a repeat is answered the same");
    assert_eq!((stage.posted("buyer"), stage.posted("payee")), (1_000_000 - 700, 700));
    for luck in 0..12 {
        let mut stage = market(offer(700, 2), None).with_luck(luck);
        stage.send(&issue()).unwrap();
        let answers = stage.send_all(&[buy(1, "first"), buy(2, "second"), buy(0, "third")]);
        let paid = answers.iter().filter(|answer| answer.is_ok()).count();
        assert_eq!((paid, stage.posted("payee")), (1, 700), "luck {luck}");
        assert_eq!(row(&mut stage, "tea").left, 1, "luck {luck}");
    }
}

#[test]
fn a_restart_at_any_record_buys_out_of_it_once() {
    // K4, I12, I14
    let mut stage = market(offer(700, 1), Some(&terms(500, 100)));
    chain(&mut stage, 1, &["u1"]);
    stage.send(&issue_payment("buyer", "escrow", 1_000, "payee")).unwrap();
    let before = stage.records();
    let bought = purchase_with_payment("buyer", "tea", 1, "escrow");
    let answer = stage.send(&bought);
    for records in before..=stage.records() {
        let mut again = stage.restarted_at(records);
        assert_eq!(again.send(&bought), answer, "cut at {records}");
        assert_eq!(parts(&again, "buyer", "escrow"), (PaymentState::Released, [700, 300, 0]));
        assert_eq!((again.posted("buyer"), again.posted("payee"), again.posted("u1")), (999_300, 700, 40));
    }
}

/// Messages of every kind that get into each other's way, shuffled.
fn jumble(luck: &mut Chance) -> Vec<Message> {
    let escrow = || payment("buyer", "escrow");
    let mut messages = vec![
        issue_payment("buyer", "escrow", 1_000, "payee"),
        receive("payee", escrow()),
        reject("payee", escrow()),
        release(escrow(), 800),
        void_payment(escrow()),
        purchase_with_payment("buyer", "tea", 1, "escrow"),
        purchase_with_payment("buyer", "tea", 0, "escrow"),
        void_payment(payment("payer", "cover")),
        attach_backed("payer", "coffee", &terms(500, 100), "cover"),
        attach("payer", "coffee", &terms(500, 100)),
        top_up("payer", "coffee", 1, 60),
        top_up("payer", "coffee", 2, 70),
        top_up("payer", "tea", 1, 80),
        top_up("rival", "coffee", 1, 90),
        begin_transfer("payer", "rent", "u3", 500, None),
        begin_transfer("payer", "late", "u3", 70, Some(after_start(15))),
        post_transfer("payer", "payer", "rent", 300),
        void_transfer("payer", "payer", "rent"),
        send_money("payer", "u4", 5),
        purchase("rival", "tea", 2),
        purchase("rival", "tea", 0),
        purchase("broke", "coffee", 0),
        purchase("broke", "tea", 3),
        reserve("rival", "coffee", 2),
        pay("rival", "coffee", 2),
        cancel("rival", "coffee", 2),
        status("u1", StatusChange::Freeze),
        status("u2", StatusChange::Close),
        status("payer", StatusChange::Freeze),
        cash_out("payer", PURSE - 3_000),
    ];
    for account in ["u1", "u2", "u3", "u4", "u5"] {
        messages.extend((0..4).map(|serial| circulate(account, "tea", serial)));
        messages.extend((0..3).map(|serial| circulate(account, "coffee", serial)));
    }
    for place in (1..messages.len()).rev() {
        messages.swap(place, luck.place(place + 1));
    }
    messages
}

#[test]
fn everything_at_once_keeps_every_invariant() {
    // I1 to I7, I11 to I18: judged at every record, after a restart at any, and when time has passed
    for seed in 0..60 {
        let mut luck = Chance(seed);
        let cashing = if seed % 2 == 0 { Cashing::OnPurchase } else { Cashing::Immediate };
        let limited = CommissionTerms { cashing, expires_at: Some(after_start(20)), ..terms(500, 100) };
        let stage = Stage::new(1 + luck.place(3)).with_luck(seed);
        let reservable = |items| Offer { reservable_ms: Some(10), ..offer(700, items) };
        let mut stage = backed_market_on(stage, reservable(3), &limited);
        stage.send(&issue("coffee", reservable(2))).unwrap();
        stage.send(&publish("coffee")).unwrap();
        let before = stage.records();
        let messages = jumble(&mut luck);
        // Some at a time, so that some meet under way and some do not.
        let mut left = &messages[..];
        while !left.is_empty() {
            let (now, later) = left.split_at(left.len().min(1 + luck.place(12)));
            stage.send_all(now);
            left = later;
        }
        let mut again = stage.restarted_at(before + luck.place(stage.records() - before + 1));
        again.send_all(&messages);
        let mut whole = stage.restarted_at(stage.records());
        assert_eq!(whole.rooms(), stage.rooms(), "seed {seed}: a restart changes nothing");
        for stage in [&mut again, &mut whole] {
            stage.at(after_start(30));
            stage.fire();
            assert_eq!((stage.next_due(), held(stage, "rival")), (None, 0), "seed {seed}");
            let (_, [_, _, still_held]) = parts(stage, "payer", "cover");
            assert_eq!(still_held, 0, "seed {seed}: the commission is over, so nothing is claimed any more");
        }
    }
}
