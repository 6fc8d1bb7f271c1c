//! Reserving now and paying later: F6 with F4, D40 and D46, and the cap of F3.

use crate::domain::{
    Cashing, Code, Command, CommissionTerms, Done, Event, Message, Offer, OfferingEvent, Serial,
    StatusChange, Timestamp, Via, WhenShort, Window,
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
    stage.send(&register_for("u9", "payee", Some("supplier"), WhenShort::Refuse)).unwrap();
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
fn a_reservation_out_of_the_line_stands_as_long_as_any_other() {
    // F5, F6: whoever could not pay came before, and its walk has the earlier time
    let mut stage = market(reservable(700, 1), None).step_by_step(true);
    let broke = stage.begin(&[purchase("broke", "tea", 1)]);
    assert!(stage.step(), "the serial is being paid");
    stage.later(6);
    let reserving = stage.begin(&[reserve("buyer", "tea", 1)]);
    stage.run();
    assert_eq!(stage.answers(&broke)[0].clone().map(refused), Some(Code::InsufficientFunds));
    let until = after_start(6 + STANDS_MS);
    let price = money(700);
    let reserved = Done::Reserved { serial: Serial(1), price, until };
    assert_eq!(stage.answers(&reserving), [Some(Ok(reserved))]);
    assert_eq!(stage.next_due(), Some(until));
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

fn reserve_via(buyer: &str, offering: &str, which: u32, via: Via) -> Message {
    let mut message = reserve(buyer, offering, which);
    if let Command::Reserve { via: from, .. } = &mut message.command {
        *from = via;
    }
    message
}

/// When reservations of tea have ended.
fn ends(stage: &Stage) -> Vec<Timestamp> {
    let ended = |event: &Event| matches!(event, Event::Offering(OfferingEvent::ReservationEnded(..)));
    let number = stage.number_of("tea", 0);
    let own = stage.events().iter().filter(|(actor, _, event)| *actor == number && ended(event));
    own.map(|(_, at, _)| *at).collect()
}
