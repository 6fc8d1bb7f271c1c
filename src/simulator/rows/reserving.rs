//! Reserving now and paying later: F6 with D39 and D40, the cap of F3 and the line of F5 with reservations.

use crate::domain::{
    Answer, Cashing, CertificateEvent, Code, CommissionTerms, Condition, Done, Event, Message, Offer,
    OfferingEvent, Settlement, StatusChange, Timestamp, Via, Window, WithdrawalReason,
};
use crate::simulator::engaging::*;
use crate::simulator::messages::*;
use crate::simulator::stage::Stage;

#[test]
fn the_price_is_held_and_a_serial_is_set_apart() {
    // F6, I16: any and named
    for (which, serial) in [(0, 1), (2, 2)] {
        for shards in [1, 3] {
            let mut stage = market_on(Stage::new(shards), reservable(700, 3), Some(&terms(500, 100)));
            let answer = stage.send(&reserve("buyer", "tea", which));
            assert_eq!(reserved(answer), (serial, 700, after_start(STANDS_MS)));
            assert_eq!(purse(&stage, "buyer"), [1_000_000, 700, 1_000_000 - 700]);
            assert_eq!(stage.posted("payee"), 0);
            let shown = row(&mut stage, "tea");
            assert_eq!((shown.reserved, shown.left, shown.sold), (1, 2, 0));
        }
    }
}

#[test]
fn held_money_is_spent_on_nothing_else() {
    // F6, D45, I3
    let mut stage = market(reservable(700, 3), None);
    stage.send(&deposit("broke", 1_000)).unwrap();
    stage.send(&reserve("broke", "tea", 0)).unwrap();
    for message in
        [cash_out("broke", 301), send_money("broke", "u1", 301), issue_payment("broke", "escrow", 301, "")]
    {
        assert_eq!(refuses(&mut stage, &message), Code::InsufficientFunds, "{message:?}");
    }
    assert_eq!(refused(stage.send(&purchase("broke", "tea", 0))), Code::InsufficientFunds);
    assert_eq!(refuses(&mut stage, &by_close("broke")), Code::AccountNotEmpty);
    stage.send(&cash_out("broke", 300)).unwrap();
    purchased(stage.send(&pay("broke", "tea", 1)));
    assert_eq!(purse(&stage, "broke"), [0, 0, 0]);
}

#[test]
fn a_credit_line_covers_a_reservation_and_cannot_shrink_below_it() {
    // F6, I3: available is posted - held + credit limit
    let mut stage = market(reservable(700, 3), None);
    stage.send(&credit("broke", 700)).unwrap();
    stage.send(&reserve("broke", "tea", 0)).unwrap();
    assert_eq!(purse(&stage, "broke"), [0, 700, 0]);
    assert_eq!(refuses(&mut stage, &credit("broke", 699)), Code::InsufficientFunds);
    purchased(stage.send(&pay("broke", "tea", 1)));
    assert_eq!(purse(&stage, "broke"), [-700, 0, 0]);
    assert_eq!(stage.posted("payee"), 700);
}

#[test]
fn nobody_buys_what_is_reserved_not_even_who_reserved_it() {
    // F6, D39: the own one is paid, not bought
    for alive in [false, true] {
        let mut stage = market(reservable(700, 2), Some(&terms(500, 100)));
        if alive {
            chain(&mut stage, 1, &["u1"]);
        }
        stage.send(&reserve("buyer", "tea", 1)).unwrap();
        for account in ["rival", "buyer"] {
            let mut attempts = vec![
                purchase(account, "tea", 1),
                purchase_via(account, "tea", 1, Via::Link),
                reserve(account, "tea", 1),
            ];
            if alive {
                attempts.push(purchase_via(account, "tea", 1, page_of("u1")));
            }
            for attempt in attempts {
                assert_eq!(refuses(&mut stage, &attempt), Code::Reserved, "alive {alive}: {attempt:?}");
            }
        }
        assert_eq!(purchased(stage.send(&purchase("rival", "tea", 0))).serial.0, 2);
        assert_eq!(purse(&stage, "buyer"), [1_000_000, 700, 1_000_000 - 700]);
    }
}

#[test]
fn a_gift_does_not_buy_what_somebody_else_has_reserved() {
    // D39, D43, T16: by the recipient's own purchase and by a merchant of the supplier
    let mut stage = market(reservable(700, 1), None);
    stage.send(&register_for("u9", "payee", Some("supplier"), crate::domain::WhenShort::Refuse)).unwrap();
    stage.send(&give("rival", "present", "u1", "", (gift_of("tea", 1), 700))).unwrap();
    stage.send(&accept("u1", "rival", "present")).unwrap();
    stage.send(&reserve("buyer", "tea", 1)).unwrap();
    let withholding = withhold("u9", "order", 700, gift("u1", "rival", "present"));
    assert_eq!(refused(stage.send(&withholding)), Code::Reserved);
    let buying = purchase_with_gift("u1", "tea", 1, "rival", "present");
    assert_eq!(refuses(&mut stage, &buying), Code::Reserved);
    stage.send(&cancel("buyer", "tea", 1)).unwrap();
    purchased(stage.send(&buying));
    assert_eq!((stage.posted("payee"), stage.posted("rival")), (700, 1_000_000 - 700));
}

#[test]
fn paying_takes_exactly_the_held_price_and_settles_everyone() {
    // F6, H1, H2, D39: untouched, alive before it was reserved, and circulated while it was
    let shared_before: [&[&str]; 3] = [&[], &["u1", "u2"], &["u1"]];
    let shared_meanwhile: [&[&str]; 3] = [&[], &[], &["u2"]];
    for (before, meanwhile) in shared_before.into_iter().zip(shared_meanwhile) {
        for cashing in [Cashing::OnPurchase, Cashing::Immediate] {
            let terms = CommissionTerms { cashing, ..terms(500, 100) };
            let mut stage = market(reservable(700, 2), Some(&terms));
            // Nothing but the price, which is held: it is enough.
            stage.send(&deposit("broke", 700)).unwrap();
            chain(&mut stage, 1, before);
            stage.send(&reserve("broke", "tea", 1)).unwrap();
            chain(&mut stage, 1, meanwhile);
            stage.later(STANDS_MS - 1);
            let sold = purchased(stage.send(&pay("broke", "tea", 1)));
            assert_eq!((sold.serial.0, sold.price.minor()), (1, 700));
            let sharers = before.len() + meanwhile.len();
            let cashed = 40 * sharers as i64;
            assert_eq!(purse(&stage, "broke"), [0, 0, 0]);
            assert_eq!(stage.posted("payee"), 700);
            assert_eq!(stage.posted("payer"), 1_000_000 - 500 - cashed, "the other envelope stays");
            for sharer in before.iter().chain(meanwhile) {
                assert_eq!(stage.posted(sharer), 40, "{sharer}");
            }
            let shown = row(&mut stage, "tea");
            assert_eq!((shown.reserved, shown.left, shown.sold), (0, 1, 1));
            assert_eq!(refuses(&mut stage, &purchase("rival", "tea", 1)), Code::Sold);
            assert_eq!(refuses(&mut stage, &pay("broke", "tea", 1)), Code::Sold);
        }
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

#[test]
fn a_reservation_stands_to_the_millisecond_and_frees_stock_and_money() {
    // F6, D36: by timer, and lazily by the next message of anyone
    let lazily: [fn() -> Message; 4] = [
        || purchase("rival", "tea", 1),
        || pay("buyer", "tea", 1),
        || cancel("buyer", "tea", 1),
        || show_offering("tea"),
    ];
    for (alive, by_timer) in [(false, false), (false, true), (true, false), (true, true)] {
        for next in lazily {
            let mut stage = market(reservable(700, 1), Some(&terms(500, 100)));
            if alive {
                chain(&mut stage, 1, &["u1"]);
            }
            stage.send(&reserve("buyer", "tea", 1)).unwrap();
            assert_eq!(stage.next_due(), Some(after_start(STANDS_MS)));
            stage.at(after_start(STANDS_MS - 1));
            stage.fire();
            assert_eq!(refuses(&mut stage, &purchase("rival", "tea", 1)), Code::Reserved);
            stage.at(after_start(STANDS_MS + 7));
            if by_timer {
                stage.fire();
                assert_eq!(purse(&stage, "buyer"), [1_000_000, 0, 1_000_000]);
                assert_eq!(stage.next_due(), None);
            }
            let message = next();
            match (stage.send(&message), &message.command) {
                (Ok(Done::Purchased(_)), _) => assert_eq!(stage.posted("rival"), 1_000_000 - 700),
                (Ok(Done::Offering(shown)), _) => assert_eq!((shown.left, shown.reserved), (1, 0)),
                (answer, _) => assert_eq!(refused(answer), Code::NotReserved, "{message:?}"),
            }
            assert_eq!(purse(&stage, "buyer"), [1_000_000, 0, 1_000_000], "{message:?}");
            assert_eq!(ends(&stage), [after_start(STANDS_MS)], "dated at its own instant");
        }
    }
}

#[test]
fn paying_in_the_last_millisecond_wins_against_the_end() {
    // F6: exactly one of payment and expiry
    for (elapsed, paid) in [(STANDS_MS - 1, true), (STANDS_MS, false)] {
        for shards in [1, 3] {
            let mut stage = market_on(Stage::new(shards), reservable(700, 1), None);
            stage.send(&reserve("buyer", "tea", 0)).unwrap();
            stage.at(after_start(elapsed));
            // Its end falls between the demand for the money and the settlement.
            let pending = stage.begin(&[pay("buyer", "tea", 1)]);
            stage.step();
            stage.at(after_start(STANDS_MS + 1));
            stage.fire();
            let answer = stage.answers(&pending).remove(0).unwrap();
            assert_eq!(answer.is_ok(), paid);
            assert_eq!(stage.posted("payee"), if paid { 700 } else { 0 });
            assert_eq!(ends(&stage).len(), usize::from(!paid));
        }
    }
}

#[test]
fn reservations_end_each_in_its_own_time() {
    // F6
    let mut stage = market(reservable(700, 3), None);
    for (elapsed, account) in [(0, "buyer"), (10, "rival"), (10, "payer")] {
        stage.at(after_start(elapsed));
        stage.send(&reserve(account, "tea", 0)).unwrap();
    }
    let left: Vec<u32> = [STANDS_MS - 1, STANDS_MS, STANDS_MS + 9, STANDS_MS + 10]
        .into_iter()
        .map(|elapsed| {
            stage.at(after_start(elapsed));
            stage.fire();
            stage.offering("tea").stock().left()
        })
        .collect();
    assert_eq!(left, [0, 1, 1, 3]);
    assert_eq!(ends(&stage), [STANDS_MS, STANDS_MS + 10, STANDS_MS + 10].map(after_start));
}

#[test]
fn cancelling_frees_stock_and_money_at_once() {
    // F6
    for alive in [false, true] {
        let mut stage = market(reservable(700, 1), Some(&terms(500, 100)));
        if alive {
            chain(&mut stage, 1, &["u1"]);
        }
        stage.send(&reserve("buyer", "tea", 0)).unwrap();
        let answer = stage.send(&cancel("buyer", "tea", 1));
        assert!(matches!(answer, Ok(Done::ReservationCancelled { serial }) if serial.0 == 1), "{answer:?}");
        assert_eq!(purse(&stage, "buyer"), [1_000_000, 0, 1_000_000]);
        assert_eq!(refuses(&mut stage, &pay("buyer", "tea", 1)), Code::NotReserved);
        assert_eq!(refuses(&mut stage, &cancel("buyer", "tea", 1)), Code::NotReserved);
        assert_eq!(stage.next_due(), None);
        assert_eq!(purchased(stage.send(&purchase("rival", "tea", 0))).serial.0, 1);
        assert_eq!(refuses(&mut stage, &cancel("buyer", "tea", 1)), Code::Sold);
    }
}

#[test]
fn only_who_reserved_pays_or_cancels() {
    // F6
    let mut stage = market(reservable(700, 2), None);
    for message in [pay("rival", "tea", 1), cancel("rival", "tea", 1)] {
        assert_eq!(refuses(&mut stage, &message), Code::NotReserved, "nobody has reserved: {message:?}");
    }
    stage.send(&reserve("buyer", "tea", 1)).unwrap();
    stage.send(&reserve("rival", "tea", 2)).unwrap();
    for message in [
        pay("rival", "tea", 1),
        cancel("rival", "tea", 1),
        pay("supplier", "tea", 1),
        cancel("supplier", "tea", 1),
        pay("buyer", "tea", 2),
    ] {
        assert_eq!(refuses(&mut stage, &message), Code::NotReserved, "{message:?}");
    }
    for message in [pay("buyer", "tea", 3), cancel("buyer", "tea", 3), reserve("buyer", "tea", 3)] {
        assert_eq!(refuses(&mut stage, &message), Code::UnknownCertificate, "{message:?}");
    }
    assert_eq!((purse(&stage, "buyer")[1], purse(&stage, "rival")[1]), (700, 700));
}

#[test]
fn the_window_binds_reserving_and_not_paying() {
    // F4, D40: half-open, and a reservation is paid after it has closed
    let window = Window { opens: Some(after_start(10)), closes: Some(after_start(20)) };
    for (elapsed, open) in [(9, false), (10, true), (19, true), (20, false)] {
        let mut stage = market(Offer { window, ..reservable(700, 1) }, None);
        stage.at(after_start(elapsed));
        stage.fire();
        let message = reserve("buyer", "tea", 0);
        if open {
            let (_, _, until) = reserved(stage.send(&message));
            assert_eq!(until, after_start(elapsed + STANDS_MS), "the window does not cut it short");
            stage.at(after_start(elapsed + STANDS_MS - 1));
            purchased(stage.send(&pay("buyer", "tea", 1)));
        } else {
            assert_eq!(refuses(&mut stage, &message), Code::SaleNotOpen, "at {elapsed}");
        }
    }
}

#[test]
fn the_checks_answer_in_their_order() {
    // D40: each case fails in its own way and in every later one
    let closed = Window { opens: Some(after_start(1_000)), closes: None };
    let (plain, sold) = (offer(700, 1), |stage: &mut Stage| drop(stage.send(&purchase("rival", "tea", 0))));
    let mut stage = market(Offer { window: closed, ..plain.clone() }, None);
    stage.send(&issue("coffee", Offer { window: closed, ..plain.clone() })).unwrap();
    let cases = [
        (reserve("nobody", "nothing", 0), Code::UnknownAccount),
        (reserve("broke", "nothing", 0), Code::UnknownOffering),
        (reserve("foreigner", "coffee", 2), Code::UnknownCertificate),
        (reserve("foreigner", "coffee", 0), Code::NotPublished),
        (reserve("foreigner", "tea", 0), Code::CurrencyMismatch),
        (reserve_via("broke", "tea", 1, page_of("u1")), Code::NotOnThatPage),
        (reserve("broke", "tea", 0), Code::SaleNotOpen),
    ];
    for (message, code) in cases {
        assert_eq!(refuses(&mut stage, &message), code, "{message:?}");
    }
    let mut stage = market(plain, None);
    sold(&mut stage);
    assert_eq!(refuses(&mut stage, &reserve("broke", "tea", 0)), Code::NotReservable);
    let mut stage = market(Offer { cap: Some(1), ..reservable(700, 2) }, None);
    stage.send(&deposit("broke", 700)).unwrap();
    stage.send(&reserve("broke", "tea", 1)).unwrap();
    assert_eq!(refuses(&mut stage, &reserve("broke", "tea", 1)), Code::Reserved, "stock before cap");
    assert_eq!(refuses(&mut stage, &reserve("broke", "tea", 2)), Code::CapReached, "cap before money");
}

#[test]
fn a_reservation_from_a_private_page_needs_its_account_in_the_chain() {
    // D40, H1
    let mut stage = market(reservable(700, 2), Some(&terms(500, 100)));
    chain(&mut stage, 2, &["u1"]);
    for (serial, page) in [(1, "u1"), (2, "u2")] {
        let message = reserve_via("buyer", "tea", serial, page_of(page));
        assert_eq!(refuses(&mut stage, &message), Code::NotOnThatPage, "serial {serial} on {page}");
    }
    let nameless = reserve_via("buyer", "tea", 0, page_of("u1"));
    assert_eq!(refused_for(stage.send(&nameless)), (Code::Missing, "serial".to_owned()));
    let (serial, ..) = reserved(stage.send(&reserve_via("buyer", "tea", 2, page_of("u1"))));
    assert_eq!(serial, 2);
    let (serial, ..) = reserved(stage.send(&reserve_via("rival", "tea", 1, Via::Link)));
    assert_eq!(serial, 1);
}

#[test]
fn the_cap_counts_sold_and_reserved_and_frees_with_the_reservation() {
    // F3, D39
    let mut stage = market(Offer { cap: Some(2), ..reservable(700, 5) }, None);
    stage.send(&purchase("buyer", "tea", 0)).unwrap();
    stage.send(&reserve("buyer", "tea", 0)).unwrap();
    let full = |stage: &mut Stage| {
        for message in [purchase("buyer", "tea", 0), reserve("buyer", "tea", 0)] {
            assert_eq!(refuses(stage, &message), Code::CapReached, "{message:?}");
        }
    };
    full(&mut stage);
    stage.send(&cancel("buyer", "tea", 2)).unwrap();
    stage.send(&reserve("buyer", "tea", 0)).unwrap();
    full(&mut stage);
    stage.later(STANDS_MS);
    stage.send(&reserve("buyer", "tea", 0)).unwrap();
    full(&mut stage);
    // Paying counts nothing twice.
    purchased(stage.send(&pay("buyer", "tea", 2)));
    full(&mut stage);
    assert_eq!(stage.offering("tea").bought_by(stage.number("buyer")), 2);
    stage.later(STANDS_MS);
    full(&mut stage);
}

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
            let mut stage = market_without_commission(reservable(700, 2));
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
fn repeats_of_reserve_pay_and_cancel_answer_the_same_for_ever() {
    // I12, F6: whatever has become of it since
    let mut stage = market(reservable(700, 3), Some(&terms(500, 100)));
    let reserving = [reserve("buyer", "tea", 0), reserve("buyer", "tea", 2), reserve("rival", "tea", 0)];
    let mut sent: Vec<(Message, Answer)> = Vec::new();
    for message in reserving {
        let answer = stage.send(&message);
        assert!(answer.is_ok(), "{answer:?}");
        sent.push((message, answer));
    }
    for message in [pay("buyer", "tea", 1), cancel("buyer", "tea", 2)] {
        let answer = stage.send(&message);
        assert!(answer.is_ok(), "{answer:?}");
        sent.push((message, answer));
    }
    for elapsed in [0, STANDS_MS, 1_000_000_000] {
        stage.later(elapsed);
        stage.fire();
        let records = stage.records();
        let mut again = stage.restarted_at(records);
        for (message, answer) in &sent {
            assert_eq!(&stage.send(message), answer, "{message:?}");
            assert_eq!(&again.send(message), answer, "after a restart: {message:?}");
        }
        assert_eq!((stage.records(), again.records()), (records, records));
    }
    assert_eq!(purse(&stage, "rival"), [1_000_000, 0, 1_000_000]);
}

#[test]
fn the_id_of_a_reservation_serves_nothing_else() {
    // I12
    let mut stage = market(reservable(700, 3), Some(&terms(500, 100)));
    let named = |message: Message, id: &str| with_id(message, id);
    stage.send(&named(reserve("buyer", "tea", 1), "one")).unwrap();
    stage.send(&named(reserve("buyer", "tea", 2), "two")).unwrap();
    stage.send(&named(cancel("buyer", "tea", 2), "three")).unwrap();
    let others: [fn() -> Message; 7] = [
        || reserve("buyer", "tea", 0),
        || reserve("buyer", "tea", 3),
        || purchase("buyer", "tea", 0),
        || pay("buyer", "tea", 1),
        || cancel("buyer", "tea", 1),
        || circulate("buyer", "tea", 0),
        || purchase("buyer", "tea", 3),
    ];
    let all_refused = |stage: &mut Stage, id: &str| {
        for other in others {
            let message = with_id(other(), id);
            assert_eq!(refuses(stage, &message), Code::IdReused, "{message:?}");
        }
    };
    all_refused(&mut stage, "one");
    all_refused(&mut stage, "three");
    stage.send(&named(pay("buyer", "tea", 1), "four")).unwrap();
    for other in others.into_iter().filter(|other| other().command != pay("buyer", "tea", 1).command) {
        let message = with_id(other(), "four");
        assert_eq!(refuses(&mut stage, &message), Code::IdReused, "{message:?}");
    }
}

#[test]
fn repeats_that_come_together_reserve_pay_and_cancel_once() {
    // I12: also while the first is under way
    for luck in 0..40 {
        for poor in [false, true] {
            let shards = if luck % 2 == 0 { 1 } else { 3 };
            let stage = Stage::new(shards).with_luck(luck);
            let mut stage =
                market_on(stage, Offer { cap: Some(2), ..reservable(700, 3) }, Some(&terms(500, 100)));
            let account = if poor { "broke" } else { "buyer" };
            let mut together = |message: Message| {
                let copies: Vec<Message> = (0..4).map(|_| message.clone()).collect();
                let answers = stage.send_all(&copies);
                assert!(answers.iter().all(|answer| answer == &answers[0]), "luck {luck}: {answers:?}");
                answers[0].clone()
            };
            if poor {
                assert_eq!(refused(together(reserve(account, "tea", 0))), Code::InsufficientFunds);
                assert_eq!(stage.offering("tea").stock().left(), 3);
                continue;
            }
            let any = reserve(account, "tea", 0);
            let (first, ..) = reserved(together(any.clone()));
            let (second, ..) = reserved(together(reserve(account, "tea", 3)));
            assert_eq!((first, second), (1, 3), "luck {luck}");
            purchased(together(pay(account, "tea", 1)));
            assert!(together(cancel(account, "tea", 3)).is_ok());
            assert_eq!(reserved(together(any)).0, 1, "luck {luck}");
            assert_eq!(purse(&stage, account), [1_000_000 - 700, 0, 1_000_000 - 700]);
            assert_eq!(stage.offering("tea").bought_by(stage.number(account)), 1);
        }
    }
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
fn a_frozen_account_keeps_its_reservation_until_its_time() {
    // D46, F6: no commands of its own, and what it had committed goes on
    let mut stage = market(reservable(700, 1), None);
    stage.send(&reserve("buyer", "tea", 0)).unwrap();
    stage.send(&status("buyer", StatusChange::Freeze)).unwrap();
    for message in [pay("buyer", "tea", 1), cancel("buyer", "tea", 1)] {
        assert_eq!(refuses(&mut stage, &message), Code::AccountFrozen, "{message:?}");
    }
    assert_eq!(refuses(&mut stage, &purchase("rival", "tea", 0)), Code::Reserved);
    stage.later(STANDS_MS);
    stage.fire();
    assert_eq!(purse(&stage, "buyer"), [1_000_000, 0, 1_000_000]);
    purchased(stage.send(&purchase("rival", "tea", 0)));
}

#[test]
fn a_restart_after_any_record_comes_to_the_same_end() {
    // F6, I14, I19: everything sent again after a cut at every record
    for shards in [1, 3] {
        let limited = CommissionTerms { expires_at: Some(after_start(150)), ..terms(500, 100) };
        let offer = Offer { cap: Some(2), ..reservable(700, 4) };
        let mut stage = market_on(Stage::new(shards), offer, Some(&limited));
        let begun = stage.records();
        let script = [
            (0, vec![reserve("buyer", "tea", 0), reserve("rival", "tea", 0), reserve("broke", "tea", 3)]),
            (10, vec![circulate("u1", "tea", 1), circulate("u2", "tea", 4), top_up("payer", "tea", 2, 9)]),
            (20, vec![reserve("buyer", "tea", 4)]),
            (99, vec![pay("buyer", "tea", 1)]),
            (100, vec![reserve("rival", "tea", 0)]),
            (110, vec![cancel("buyer", "tea", 4)]),
            (115, vec![circulate("u3", "tea", 4), purchase("payer", "tea", 0)]),
            (160, vec![pay("rival", "tea", 2), purchase("rival", "tea", 4)]),
        ];
        let play = |stage: &mut Stage| {
            let mut answers = Vec::new();
            for (elapsed, messages) in &script {
                stage.at(after_start(*elapsed));
                answers.extend(messages.iter().map(|message| stage.send(message)));
            }
            answers
        };
        let answers = play(&mut stage);
        let refusals: Vec<usize> =
            (0..).zip(&answers).filter(|(_, answer)| answer.is_err()).map(|(index, _)| index).collect();
        assert_eq!(refusals, [2], "only the poor one is refused: {answers:?}");
        let people = ["buyer", "rival", "payer", "payee", "broke", "u1", "u2", "u3"];
        let end = |stage: &Stage| {
            let stock = stage.offering("tea").stock().clone();
            (people.map(|account| purse(stage, account)), stock.sold(), stock.reserved(), stock.left())
        };
        for records in begun..=stage.records() {
            let mut again = stage.restarted_at(records);
            let replayed = play(&mut again);
            // A refusal is decided anew, and later things may have happened by then.
            for (answer, before) in replayed.iter().zip(&answers).filter(|(_, before)| before.is_ok()) {
                assert_eq!(answer, before, "cut at {records}");
            }
            assert_eq!(end(&again), end(&stage), "cut at {records}");
        }
    }
}

/// For how long a reservation stands in these tests.
const STANDS_MS: u64 = 100;

fn reservable(price: u64, items: u32) -> Offer {
    Offer { reservable_ms: Some(STANDS_MS), ..offer(price, items) }
}

fn reserve_via(buyer: &str, offering: &str, which: u32, via: Via) -> Message {
    let mut message = reserve(buyer, offering, which);
    if let crate::domain::Command::Reserve { via: from, .. } = &mut message.command {
        *from = via;
    }
    message
}

fn by_close(account: &str) -> Message {
    let change = StatusChange::Close;
    by(account, crate::domain::Command::Status { account: name(account), change })
}

/// Serial, held price and end of a reservation.
fn reserved(answer: Answer) -> (u32, u64, Timestamp) {
    match answer {
        Ok(Done::Reserved { serial, price, until }) => (serial.0, price.minor(), until),
        other => panic!("expected a reservation, got {other:?}"),
    }
}

/// True for done; a refusal must be this one.
fn refused_or(answer: &Answer, code: Code) -> bool {
    answer.as_ref().map_or_else(|refusal| assert_eq!(refusal.code, code), |_| ());
    answer.is_ok()
}

/// Posted, held and available.
fn purse(stage: &Stage, account: &str) -> [i64; 3] {
    let account = stage.account(account);
    let signed = |amount: crate::domain::Money| i64::try_from(amount.minor()).unwrap();
    [account.posted().minor(), signed(account.held()), signed(account.available())]
}

/// When reservations of tea have ended.
fn ends(stage: &Stage) -> Vec<Timestamp> {
    let ended = |event: &Event| matches!(event, Event::Offering(OfferingEvent::ReservationEnded(..)));
    let number = stage.number_of("tea", 0);
    let own = stage.events().iter().filter(|(actor, _, event)| *actor == number && ended(event));
    own.map(|(_, at, _)| *at).collect()
}

fn circulated_serial(stage: &mut Stage, account: &str) -> u32 {
    circulated(stage.send(&circulate(account, "tea", 0))).serial.0
}

fn market_without_commission(offer: Offer) -> Stage {
    market_on(Stage::new(3), offer, None)
}

/// Attaches out of the payer's money, or by a payment certificate over so much.
fn attach_somehow(stage: &mut Stage, terms: &CommissionTerms, backed: bool, amount: u64) {
    if backed {
        stage.send(&issue_payment("payer", "backing", amount, "")).unwrap();
        stage.send(&attach_backed("payer", "tea", terms, "backing")).unwrap();
    } else {
        stage.send(&attach("payer", "tea", terms)).unwrap();
    }
}
