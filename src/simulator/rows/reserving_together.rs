//! Reservations of many at once: the line of F5, the cap of F3, D39.

use crate::domain::{Code, Done, Offer};
use crate::simulator::engaging::*;
use crate::simulator::messages::*;
use crate::simulator::stage::Stage;

#[test]
fn a_thousand_tries_of_one_account_reserve_no_more_than_the_cap() {
    // F3
    for shards in [1, 3] {
        let stage = Stage::large(shards).with_luck(3);
        let mut stage = market_on(stage, Offer { cap: Some(1), ..reservable(700, 1_000) }, None);
        let tries: Vec<_> = (0..1_000).map(|_| reserve("buyer", "tea", 0)).collect();
        let answers = stage.send_all(&tries);
        assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
        for answer in answers.into_iter().filter(Result::is_err) {
            assert_eq!(refused(answer), Code::CapReached);
        }
        assert_eq!(purse(&stage, "buyer"), [1_000_000, 700, 1_000_000 - 700]);
    }
}

#[test]
fn a_crowd_that_buys_and_reserves_gets_exactly_what_there_is() {
    // F1, F5, I18: no oversell and no undersell, many of the crowd being too poor
    for luck in 0..10 {
        let shards = if luck % 2 == 0 { 1 } else { 3 };
        let mut stage = market_on(Stage::large(shards).with_luck(luck), reservable(700, 20), None);
        let crowd: Vec<String> = (0..200).map(|index| format!("customer {index}")).collect();
        let purse_of = |index: usize| if index.is_multiple_of(3) { 699 } else { 700 };
        let openings = crowd.iter().enumerate().map(|(index, customer)| open(customer, purse_of(index)));
        stage.send_all(&openings.collect::<Vec<_>>());
        let tries = crowd.iter().enumerate().map(|(index, customer)| match index % 2 {
            0 => purchase(customer, "tea", 0),
            _ => reserve(customer, "tea", 0),
        });
        let answers = stage.send_all(&tries.collect::<Vec<_>>());
        let won = answers.iter().filter(|answer| answer.is_ok()).count();
        let shown = row(&mut stage, "tea");
        assert_eq!((won, shown.sold + shown.reserved, shown.left), (20, 20, 0), "luck {luck}");
        for (customer, answer) in crowd.iter().zip(&answers) {
            let [posted, held, _] = purse(&stage, customer);
            let whole = posted == 700 || posted == 699;
            match answer {
                Ok(Done::Purchased(_)) => assert_eq!((posted, held), (0, 0), "luck {luck}"),
                Ok(_) => assert_eq!((posted, held), (700, 700), "luck {luck}"),
                Err(_) => assert!(whole && held == 0, "luck {luck}: {customer} {posted} {held}"),
            }
        }
    }
}

#[test]
fn too_little_money_frees_the_serial_and_serves_the_line() {
    // F5, F6, I13
    for shards in [1, 3] {
        for served in [purchase("buyer", "tea", 0), purchase("buyer", "tea", 1), reserve("buyer", "tea", 0)] {
            let mut stage = market_on(Stage::new(shards), reservable(700, 1), Some(&terms(500, 100)));
            stage.send(&deposit("broke", 699)).unwrap();
            let answers = stage.send_all(&[reserve("broke", "tea", 0), served.clone()]);
            assert_eq!(refused(answers[0].clone()), Code::InsufficientFunds);
            assert!(answers[1].is_ok(), "{served:?}: {:?}", answers[1]);
            assert_eq!(purse(&stage, "broke"), [699, 0, 699]);
            assert_eq!(stage.offering("tea").waiting(), 0);
        }
    }
    // Alone, it leaves everything as it was.
    let mut stage = market(reservable(700, 1), Some(&terms(500, 100)));
    let message = reserve("broke", "tea", 0);
    assert_eq!(refused(stage.send(&message)), Code::InsufficientFunds);
    let shown = row(&mut stage, "tea");
    assert_eq!((shown.left, shown.reserved, stage.next_due()), (1, 0, None));
    stage.send(&deposit("broke", 700)).unwrap();
    assert_eq!(reserved(stage.send(&message)).0, 1, "the same id is decided anew");
}

#[test]
fn a_reservation_that_waits_in_the_line_stands_from_when_it_is_served() {
    // F5, F6
    let mut stage = market_on(Stage::new(1), reservable(700, 1), None);
    let pending = stage.begin(&[purchase("broke", "tea", 0), reserve("buyer", "tea", 0)]);
    stage.step();
    stage.step();
    assert_eq!(stage.offering("tea").waiting(), 1);
    stage.run();
    let mut answers = stage.answers(&pending);
    assert_eq!(refused(answers.remove(0).unwrap()), Code::InsufficientFunds);
    let (serial, _, until) = reserved(answers.remove(0).unwrap());
    assert_eq!((serial, until), (1, after_start(STANDS_MS)));
    assert_eq!(purse(&stage, "buyer"), [1_000_000, 700, 1_000_000 - 700]);
}

#[test]
fn the_line_is_told_reserved_when_the_last_payment_under_way_is_a_reservation() {
    // F5, D39
    for shards in [1, 3] {
        let mut stage = market_on(Stage::new(shards), reservable(700, 1), None);
        let waiting = [purchase("rival", "tea", 0), purchase("payer", "tea", 1), reserve("u1", "tea", 0)];
        let mut messages = vec![reserve("buyer", "tea", 0)];
        messages.extend(waiting);
        let answers = stage.send_all(&messages);
        assert_eq!(reserved(answers[0].clone()).0, 1);
        for answer in &answers[1..] {
            assert_eq!(refused(answer.clone()), Code::Reserved);
        }
        assert_eq!(stage.posted("rival"), 1_000_000);
        assert_eq!(stage.offering("tea").waiting(), 0);
    }
}

#[test]
fn while_another_payment_may_fail_only_who_named_the_reserved_one_is_told() {
    // F5, D39
    let mut stage = market_on(Stage::new(1), reservable(700, 2), None);
    // All are decided before any money is asked for; serial 1 is reserved before serial 2 is known not to be paid.
    let answers = stage.send_all(&[
        reserve("buyer", "tea", 1),
        purchase("broke", "tea", 2),
        purchase("rival", "tea", 1),
        purchase("payer", "tea", 0),
    ]);
    assert_eq!(reserved(answers[0].clone()).0, 1);
    assert_eq!(refused(answers[1].clone()), Code::InsufficientFunds);
    assert_eq!(refused(answers[2].clone()), Code::Reserved);
    assert_eq!(purchased(answers[3].clone()).serial.0, 2);
}

#[test]
fn the_line_is_told_reserved_and_not_sold_out_while_a_reservation_may_end() {
    // F5, D39
    let mut stage = market_on(Stage::new(1), reservable(700, 2), None);
    stage.send(&reserve("payer", "tea", 1)).unwrap();
    let answers = stage.send_all(&[purchase("buyer", "tea", 0), purchase("rival", "tea", 0)]);
    assert_eq!(purchased(answers[0].clone()).serial.0, 2);
    assert_eq!(refused(answers[1].clone()), Code::Reserved);
    assert_eq!(refuses(&mut stage, &purchase("rival", "tea", 0)), Code::Reserved);
    assert_eq!(refuses(&mut stage, &purchase("rival", "tea", 2)), Code::Sold);
    purchased(stage.send(&pay("payer", "tea", 1)));
    assert_eq!(refuses(&mut stage, &purchase("rival", "tea", 0)), Code::SoldOut);
    assert_eq!(refuses(&mut stage, &reserve("rival", "tea", 0)), Code::SoldOut);
}

#[test]
fn the_line_gets_what_a_reservation_frees() {
    // F5, F6: cancelled, and ended by time while a payment is under way
    for cancelled in [true, false] {
        let mut stage = market_on(Stage::new(1), reservable(700, 2), None);
        stage.send(&reserve("payer", "tea", 1)).unwrap();
        let waiting = stage.begin(&[purchase("buyer", "tea", 0), purchase("rival", "tea", 0)]);
        stage.step();
        stage.step();
        assert_eq!(stage.offering("tea").waiting(), 1);
        if cancelled {
            let cancelling = stage.begin(&[cancel("payer", "tea", 1)]);
            stage.run();
            assert!(stage.answers(&cancelling).remove(0).unwrap().is_ok());
        } else {
            stage.at(after_start(STANDS_MS));
            stage.fire();
        }
        let answers = stage.answers(&waiting).into_iter().map(|answer| purchased(answer.unwrap()).serial.0);
        assert_eq!(answers.collect::<Vec<_>>(), [2, 1]);
        assert_eq!(purse(&stage, "payer"), [1_000_000, 0, 1_000_000]);
    }
}

#[test]
fn the_cap_counts_no_more_what_the_same_step_frees() {
    // F3, F5: two of the buyer wait, one is served, and then the buyer's own reservation makes room for the other
    let mut stage = market_on(Stage::new(1), Offer { cap: Some(2), ..reservable(700, 2) }, None);
    stage.send(&reserve("buyer", "tea", 1)).unwrap();
    let pending =
        stage.begin(&[purchase("broke", "tea", 0), purchase("buyer", "tea", 0), purchase("buyer", "tea", 0)]);
    let count = |stage: &Stage| stage.offering("tea").bought_by(stage.number("buyer"));
    while count(&stage) < 2 {
        assert!(stage.step());
    }
    assert_eq!(stage.offering("tea").waiting(), 1);
    stage.send(&cancel("buyer", "tea", 1)).unwrap();
    let answers = stage.answers(&pending);
    assert_eq!(refused(answers[0].clone().unwrap()), Code::InsufficientFunds);
    let bought = answers[1..].iter().map(|answer| purchased(answer.clone().unwrap()).serial.0);
    assert_eq!((bought.collect::<Vec<_>>(), count(&stage)), (vec![2, 1], 2));
}

#[test]
fn paying_and_cancelling_at_once_is_one_of_the_two() {
    // F6, I14
    for luck in 0..40 {
        let stage = Stage::new(3).with_luck(luck);
        let mut stage = market_on(stage, reservable(700, 1), None);
        stage.send(&reserve("buyer", "tea", 0)).unwrap();
        let both = [cancel("buyer", "tea", 1), pay("buyer", "tea", 1), purchase("rival", "tea", 0)];
        let both = if luck % 2 == 0 { both.to_vec() } else { both.into_iter().rev().collect() };
        let answers = stage.send_all(&both);
        let done = answers.iter().filter(|answer| answer.is_ok()).count();
        let sold = stage.offering("tea").stock().sold();
        assert!(done == 1 || (done == 2 && sold == 1), "luck {luck}: {answers:?}");
        assert_eq!(stage.posted("payee"), 700 * i64::from(sold), "luck {luck}");
        assert_eq!(stage.posted("buyer") + stage.posted("rival"), 2_000_000 - 700 * i64::from(sold));
        assert_eq!(purse(&stage, "buyer")[1], 0, "luck {luck}");
    }
}
