//! Allocating serials: F1 to F4, D29, D30, D39, D40.

use crate::domain::{Code, Offer, Window};
use crate::simulator::messages::*;
use crate::simulator::stage::Stage;

fn serial_of(stage: &mut Stage, account: &str) -> u32 {
    circulated(stage.send(&circulate(account, "tea", 0))).serial.0
}

fn bought(stage: &mut Stage, serial: u32) -> u32 {
    purchased(stage.send(&purchase("buyer", "tea", serial))).serial.0
}

#[test]
fn many_more_buyers_than_certificates_buy_exactly_all_of_them() {
    // F1, I4, I18
    for shards in [1, 3] {
        let mut stage = market_on(Stage::large(shards).with_luck(7), offer(700, 20), Some(&terms(500, 100)));
        let crowd: Vec<String> = (0..300).map(|index| format!("customer {index}")).collect();
        stage.send_all(&crowd.iter().map(|customer| open(customer, 700)).collect::<Vec<_>>());
        let tries: Vec<_> = crowd.iter().map(|customer| purchase(customer, "tea", 0)).collect();
        let answers = stage.send_all(&tries);
        let won: Vec<bool> = answers.iter().map(Result::is_ok).collect();
        assert_eq!(won.iter().filter(|won| **won).count(), 20);
        for ((customer, won), answer) in crowd.iter().zip(won).zip(answers) {
            assert_eq!(stage.posted(customer), if won { 0 } else { 700 });
            if !won {
                assert_eq!(refused(answer), Code::SoldOut);
            }
        }
        assert_eq!(stage.posted("payee"), 20 * 700);
        let shown = row(&mut stage, "tea");
        assert_eq!((shown.sold, shown.left), (20, 0));
    }
}

#[test]
fn buying_any_takes_untouched_serials_first_then_circulated_ones_in_order() {
    // F1, D29
    let mut stage = market(offer(700, 5), Some(&terms(500, 100)));
    for serial in [4, 1] {
        chain(&mut stage, serial, &["u1"]);
    }
    let order: Vec<u32> = (0..5).map(|_| bought(&mut stage, 0)).collect();
    assert_eq!(order, [2, 3, 5, 1, 4]);
    assert_eq!(refuses(&mut stage, &purchase("buyer", "tea", 0)), Code::SoldOut);
}

#[test]
fn buying_the_named_one_gets_that_one() {
    // F1
    let mut stage = market(offer(700, 4), Some(&terms(500, 100)));
    chain(&mut stage, 3, &["u1"]);
    assert_eq!([bought(&mut stage, 4), bought(&mut stage, 3), bought(&mut stage, 0)], [4, 3, 1]);
    assert_eq!(refuses(&mut stage, &purchase("rival", "tea", 3)), Code::Sold);
    assert_eq!(bought(&mut stage, 2), 2);
    assert_eq!(refuses(&mut stage, &purchase("rival", "tea", 3)), Code::Sold, "named: sold, not sold out");
}

#[test]
fn sold_out_is_answered_by_the_offering_alone() {
    // F2, I13
    let mut stage = market(offer(700, 1), None);
    bought(&mut stage, 0);
    let before = stage.rooms().values().map(|room| room.sequence).sum::<u64>();
    for account in ["buyer", "rival", "broke"] {
        assert_eq!(refuses(&mut stage, &purchase(account, "tea", 0)), Code::SoldOut);
    }
    assert_eq!(stage.rooms().values().map(|room| room.sequence).sum::<u64>(), before);
    assert_eq!(refuses(&mut stage, &circulate("u1", "tea", 0)), Code::SoldOut);
}

#[test]
fn one_buyer_s_thousand_tries_under_a_cap_of_one_buy_one() {
    // F3
    for shards in [1, 3] {
        let capped = Offer { cap: Some(1), ..offer(700, 50) };
        let mut stage = market_on(Stage::large(shards).with_luck(3), capped, Some(&terms(500, 100)));
        let tries: Vec<_> = (0..1_000).map(|_| purchase("buyer", "tea", 0)).collect();
        let answers = stage.send_all(&tries);
        assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
        for answer in answers.into_iter().filter(Result::is_err) {
            assert_eq!(refused(answer), Code::CapReached);
        }
        assert_eq!(stage.posted("buyer"), 1_000_000 - 700);
        stage.send(&purchase("rival", "tea", 0)).unwrap();
    }
}

#[test]
fn a_failed_payment_does_not_count_for_the_cap() {
    // F3, F5
    let capped = Offer { cap: Some(2), ..offer(700, 5) };
    let mut stage = market(capped, None);
    for _ in 0..4 {
        assert_eq!(refused(stage.send(&purchase("broke", "tea", 0))), Code::InsufficientFunds);
    }
    stage.send(&deposit("broke", 2_100)).unwrap();
    for _ in 0..2 {
        stage.send(&purchase("broke", "tea", 0)).unwrap();
    }
    assert_eq!(refuses(&mut stage, &purchase("broke", "tea", 0)), Code::CapReached);
}

#[test]
fn outside_its_window_nothing_is_sold_and_circulating_goes_on() {
    // F4, D40
    let window = Window { opens: Some(after_start(100)), closes: Some(after_start(200)) };
    let mut stage = market(Offer { window, ..offer(700, 9) }, Some(&terms(500, 100)));
    for (elapsed, open) in [(99, false), (100, true), (199, true), (200, false), (5_000, false)] {
        stage.at(after_start(elapsed));
        // What time brings about by itself has a record; the refusals have none.
        stage.fire();
        for serial in [0, 9 - u32::from(open)] {
            let message = purchase("buyer", "tea", serial);
            if open {
                let answer = stage.send(&message);
                assert!(answer.is_ok() || refused(answer) == Code::Sold, "{elapsed}");
            } else {
                assert_eq!(refuses(&mut stage, &message), Code::SaleNotOpen, "{elapsed}");
            }
        }
    }
    assert_eq!(chain(&mut stage, 5, &["u1"]), [40], "the window does not bind circulating");
    let half = [
        Window { opens: None, closes: Some(after_start(10)) },
        Window { opens: Some(after_start(10)), closes: None },
    ];
    for (window, open_at) in half.into_iter().zip([9, 10]) {
        for elapsed in [9, 10] {
            let mut stage = market(Offer { window, ..offer(700, 9) }, None);
            stage.at(after_start(elapsed));
            let code = stage.send(&purchase("buyer", "tea", 0)).err().map(|refusal| refusal.code);
            let expected = (elapsed != open_at).then_some(Code::SaleNotOpen);
            assert_eq!(code, expected, "{window:?} after {elapsed} ms");
        }
    }
}

#[test]
fn the_first_check_that_fails_answers() {
    // D40: object, published, currency, page, window, stock, cap, money
    let closed = Window { opens: Some(after_start(1_000)), closes: None };
    let capped = Offer { cap: Some(1), window: closed, ..offer(700, 3) };
    let mut stage = market(offer(700, 1), None);
    stage.send(&issue("coffee", capped)).unwrap();
    let ask = |stage: &mut Stage, account: &str, serial: u32, page: Option<&str>| {
        let via = page.map_or(crate::domain::Via::Public, page_of);
        refused(stage.send(&purchase_via(account, "coffee", serial, via)))
    };
    assert_eq!(refuses(&mut stage, &purchase("nobody", "nothing", 1)), Code::UnknownAccount);
    assert_eq!(refuses(&mut stage, &purchase("foreigner", "nothing", 1)), Code::UnknownOffering);
    assert_eq!(ask(&mut stage, "foreigner", 4, Some("u1")), Code::UnknownCertificate);
    assert_eq!(ask(&mut stage, "foreigner", 4, Some("nobody")), Code::UnknownCertificate);
    assert_eq!(ask(&mut stage, "foreigner", 1, Some("u1")), Code::NotPublished);
    stage.send(&publish("coffee")).unwrap();
    assert_eq!(ask(&mut stage, "foreigner", 1, Some("u1")), Code::CurrencyMismatch);
    assert_eq!(ask(&mut stage, "broke", 1, Some("u1")), Code::NotOnThatPage);
    stage.send(&circulate("u1", "coffee", 1)).unwrap();
    assert_eq!(ask(&mut stage, "broke", 1, Some("u2")), Code::NotOnThatPage);
    assert_eq!(ask(&mut stage, "broke", 1, Some("u1")), Code::SaleNotOpen);
    stage.at(after_start(1_000));
    stage.send(&purchase("buyer", "coffee", 1)).unwrap();
    assert_eq!(ask(&mut stage, "foreigner", 1, None), Code::CurrencyMismatch);
    assert_eq!(ask(&mut stage, "buyer", 1, Some("u2")), Code::NotOnThatPage);
    assert_eq!(ask(&mut stage, "buyer", 1, Some("u1")), Code::Sold);
    assert_eq!(ask(&mut stage, "buyer", 2, None), Code::CapReached);
    stage.send(&cash_out("buyer", PURSE - 700)).unwrap();
    assert_eq!(ask(&mut stage, "buyer", 2, None), Code::CapReached);
    assert_eq!(ask(&mut stage, "broke", 2, None), Code::InsufficientFunds);
}

#[test]
fn circulating_any_starts_on_the_lowest_untouched_serial() {
    // D30, D39
    let mut stage = market(offer(700, 4), Some(&terms(500, 100)));
    chain(&mut stage, 2, &["u1"]);
    bought(&mut stage, 3);
    assert_eq!([serial_of(&mut stage, "u1"), serial_of(&mut stage, "u1")], [1, 4]);
}

#[test]
fn then_it_continues_the_unsold_chains_in_turn() {
    // D30, D39
    let mut stage = market(offer(700, 4), Some(&terms(500, 100)));
    for _ in 0..4 {
        serial_of(&mut stage, "u1");
    }
    bought(&mut stage, 2);
    let turns: Vec<u32> =
        ["u2", "u3", "u4", "u5", "u6"].iter().map(|account| serial_of(&mut stage, account)).collect();
    assert_eq!(turns, [1, 3, 4, 1, 3]);
}

#[test]
fn it_skips_the_chains_that_are_linked_to_the_caller() {
    // D30, D39
    for shards in [1, 3] {
        let mut stage = market_on(Stage::new(shards), offer(700, 3), Some(&terms(500, 100)));
        for account in ["u1", "u2", "u1"] {
            serial_of(&mut stage, account);
        }
        assert_eq!(serial_of(&mut stage, "u1"), 2, "1 and 3 are its own");
        assert_eq!(serial_of(&mut stage, "u4"), 3, "the cursor stands behind the one that was taken");
        assert_eq!(serial_of(&mut stage, "u4"), 1);
        assert_eq!(serial_of(&mut stage, "u5"), 2);
    }
}

#[test]
fn all_chains_being_the_caller_s_own_the_cursor_stays() {
    // D30, D39: the cursor is moved by accepted commands only
    for shards in [1, 3] {
        let mut stage = market_on(Stage::new(shards), offer(700, 3), Some(&terms(500, 100)));
        for _ in 0..3 {
            serial_of(&mut stage, "u1");
        }
        assert_eq!(serial_of(&mut stage, "u2"), 1);
        for serial in [2, 3] {
            chain(&mut stage, serial, &["u2"]);
        }
        let hops = |stage: &Stage| {
            (1..=3).map(|serial| stage.certificate("tea", serial).unwrap().hops().count()).sum::<usize>()
        };
        let before = hops(&stage);
        for _ in 0..2 {
            assert_eq!(refused(stage.send(&circulate("u2", "tea", 0))), Code::AlreadyLinked);
        }
        assert_eq!(hops(&stage), before);
        assert_eq!(serial_of(&mut stage, "u3"), 2, "as if nothing had been asked");
    }
}

#[test]
fn a_chain_in_turn_that_was_sold_meanwhile_is_skipped() {
    // D30, D39
    for luck in 0..20 {
        let mut stage = market_on(Stage::new(3).with_luck(luck), offer(700, 2), Some(&terms(500, 100)));
        for _ in 0..2 {
            serial_of(&mut stage, "u1");
        }
        let answers = stage.send_all(&[purchase("buyer", "tea", 1), circulate("u2", "tea", 0)]);
        assert!(answers[0].is_ok());
        let chosen = circulated(answers[1].clone()).serial.0;
        let hops = stage.certificate("tea", chosen).unwrap().hops().count();
        assert_eq!(hops, 2, "luck {luck}: serial {chosen}");
    }
}

#[test]
fn a_certificate_that_is_being_paid_may_be_circulated() {
    // D39
    for luck in 0..20 {
        let mut stage = market_on(Stage::new(3).with_luck(luck), offer(700, 1), Some(&terms(500, 100)));
        let answers = stage.send_all(&[
            purchase("broke", "tea", 1),
            circulate("u1", "tea", 1),
            circulate("u2", "tea", 0),
            purchase("buyer", "tea", 1),
        ]);
        assert_eq!(refused(answers[0].clone()), Code::InsufficientFunds);
        assert!(answers[3].is_ok());
        let hops = stage.certificate("tea", 1).unwrap().hops().count();
        let accepted = answers[1..3].iter().filter(|answer| answer.is_ok()).count();
        assert_eq!(hops, accepted, "luck {luck}");
        for answer in answers[1..3].iter().filter(|answer| answer.is_err()) {
            assert!(matches!(refused(answer.clone()), Code::Sold | Code::SoldOut), "luck {luck}: {answer:?}");
        }
    }
}
