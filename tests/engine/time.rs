//! Time is read at the door and by timers: windows, deadlines and chains follow it, and it never falls.

use hongbao::domain::{
    BasisPoints, CheckPoint, Code, CommissionTerms, Condition, Done, Settlement, Timestamp, Window,
};

use crate::house::{House, MORNING, SHARDS, buy, circulate, code, offer, terms};

// F4, D40
#[test]
fn a_sale_opens_and_closes_with_its_window_to_the_millisecond() {
    let (opens, closes) = (MORNING + 1_000, MORNING + 2_000);
    // When, and what a purchase is told; a refused one leaves the buyer and the stock as they were.
    let moments = [
        (opens - 1_000, Some(Code::SaleNotOpen)),
        (opens - 1, Some(Code::SaleNotOpen)),
        (opens, None),
        (closes - 1, None),
        (closes, Some(Code::SaleNotOpen)),
        (closes + 1_000, Some(Code::SaleNotOpen)),
    ];
    for shards in SHARDS {
        let mut house = House::new(shards);
        house.open_accounts(["buyer", "ann"].map(str::to_owned), 1_000);
        let mut timed = offer(10, 100);
        timed.window = Window { opens: Some(Timestamp(opens)), closes: Some(Timestamp(closes)) };
        house.sell("lantern", timed);
        for (place, (moment, refused)) in moments.into_iter().enumerate() {
            house.clock.set(Timestamp(moment));
            if place % 2 == 1 {
                house.restart(shards);
            }
            let before = (house.account("buyer"), house.offering("lantern"));
            let purchase = buy("buyer", &format!("buy-{place}"), "lantern", None);
            let answer = house.send(purchase.clone());
            assert_eq!(code(&answer), refused, "{shards} shards at {moment}: {answer:?}");
            let same = (house.account("buyer"), house.offering("lantern")) == before;
            assert_eq!(same, refused.is_some(), "{shards} shards at {moment}");
            // The window binds purchases, not circulations.
            let serial = u32::try_from(place).unwrap() + 5;
            house.send(circulate("ann", "share", "lantern", serial)).unwrap();
        }
        // A purchase that was refused is decided anew, one that was made is known for ever.
        let known = house.send(buy("buyer", "buy-2", "lantern", None));
        assert!(matches!(known, Ok(Done::Purchased(_))), "{shards} shards: {known:?}");
        assert_eq!(house.close_and_audit().totals.sold, 2, "{shards} shards");
    }
}

/// The ways to a deadline: the commission's own, the offer's, and both, where the earlier one counts (D17).
const DEADLINES: [(Option<u64>, Option<u64>); 3] =
    [(Some(500), None), (None, Some(500)), (Some(900), Some(500))];

// W11, C6, D36
#[test]
fn a_commission_that_ends_while_the_engine_is_down_goes_home_once() {
    for shards in SHARDS {
        for (own, offers) in DEADLINES {
            let place = format!("{shards} shards, deadlines {own:?} and {offers:?}");
            let at = |later: Option<u64>| later.map(|later| Timestamp(MORNING + later));
            let mut house = House::new(shards);
            house.open_accounts(["ann", "bob", "cho"].map(str::to_owned), 1_000);
            let mut limited = offer(3, 200);
            limited.expires_at = at(offers);
            house.issue("lantern", limited);
            house.attach("lantern", CommissionTerms { expires_at: at(own), ..terms(50, 10) });
            house.publish("lantern");
            assert_eq!(house.posted("shop"), 1_000_000 - 150, "{place}");
            // One is sold in time and cashes, one has a promise, one is never touched.
            house.clock.set(Timestamp(MORNING + 499));
            for serial in [1, 2] {
                house.send(circulate("ann", &format!("share-{serial}"), "lantern", serial)).unwrap();
            }
            house.send(buy("cho", "in time", "lantern", Some(1))).unwrap();
            assert_eq!(house.posted("ann"), 1_010, "{place}");

            house.clock.set(Timestamp(MORNING + 500));
            house.restart(shards);
            match house.send(buy("bob", "late", "lantern", Some(2))).unwrap() {
                Done::Purchased(bought) => assert_eq!(bought.commission, Settlement::None, "{place}"),
                other => panic!("{place}: {other:?}"),
            }
            house.send(buy("bob", "last", "lantern", Some(3))).unwrap();
            let wanted = 1_000_000 - 10 + 3 * 200;
            assert_eq!(house.posted("shop"), wanted, "{place}: all but what was cashed is home");
            assert_eq!(house.posted("ann"), 1_010, "{place}: the promise is void");
            assert_eq!(house.offering("lantern").label, None, "{place}");
            let view = house.certificate("lantern", 2, 1);
            assert_eq!((view.label, view.promised.minor(), view.returned.minor()), (None, 0, 50), "{place}");
            // Neither another start nor a later message sends it home again.
            house.clock.set(Timestamp(MORNING + 5_000));
            house.restart(shards);
            assert_eq!(
                code(&house.send(buy("cho", "gone", "lantern", None))),
                Some(Code::SoldOut),
                "{place}"
            );
            assert_eq!(house.posted("shop"), wanted, "{place}");
            let audit = house.close_and_audit();
            let money = audit.totals.money.values().next().unwrap();
            assert_eq!((money.commission_cashed, money.commission_returned), (10, 140), "{place}");
            assert_eq!((money.commission_funded, money.envelopes), (150, 0), "{place}");
        }
    }
}

// W11: at the limit less one it cashes.
#[test]
fn a_commission_cashes_until_the_last_millisecond_also_after_a_restart() {
    for shards in SHARDS {
        let mut house = House::new(shards);
        house.open_accounts(["ann", "bob"].map(str::to_owned), 1_000);
        house.issue("lantern", offer(1, 200));
        let limit = Timestamp(MORNING + 500);
        house.attach("lantern", CommissionTerms { expires_at: Some(limit), ..terms(50, 10) });
        house.publish("lantern");
        house.send(circulate("ann", "share", "lantern", 1)).unwrap();
        house.clock.set(Timestamp(limit.0 - 1));
        house.restart(shards);
        house.send(buy("bob", "buy", "lantern", None)).unwrap();
        assert_eq!(house.posted("ann"), 1_010, "{shards} shards");
        house.clock.set(limit);
        house.restart(shards);
        assert_eq!(house.posted("shop"), 1_000_000 - 10 + 200, "{shards} shards");
    }
}

// I9, DESIGN §3 point 10
#[test]
fn a_clock_that_is_set_back_never_makes_time_fall() {
    for shards in SHARDS {
        let mut house = House::new(shards);
        let people: Vec<String> = (0..8).map(|number| format!("sharer-{number}")).collect();
        house.open_accounts(people.clone(), 1_000);
        house.sell("lantern", offer(2, 100));
        house.sell("kite", offer(2, 100));
        let clock = [5_000, 3_000, 0, 9_000, 8_999, 10_000, 1, 2];
        for (place, (sharer, later)) in people.iter().zip(clock).enumerate() {
            // From half of them on also over restarts: the engine's time begins at the journal's greatest.
            house.clock.set(Timestamp(MORNING + later));
            if place >= 4 {
                house.restart(shards);
            }
            house.send(circulate(sharer, "share", "lantern", 1)).unwrap();
        }
        let times: Vec<u64> =
            house.certificate("lantern", 1, 1).chain.iter().map(|hop| hop.linked_at.0 - MORNING).collect();
        assert_eq!(times, [5_000, 5_000, 5_000, 9_000, 9_000, 10_000, 10_000, 10_000], "{shards} shards");
        // The clock still stands in the past, and what was never touched before has the engine's time too.
        house.send(circulate("sharer-0", "share", "kite", 1)).unwrap();
        let linked_at = house.certificate("kite", 1, 1).chain[0].linked_at;
        assert_eq!(linked_at, Timestamp(MORNING + 10_000), "{shards} shards");
        house.send(buy("sharer-0", "buy", "lantern", Some(1))).unwrap();
        let sold_at = house.certificate("lantern", 1, 1).sale.unwrap().at;
        assert_eq!(sold_at, Timestamp(MORNING + 10_000), "{shards} shards");
        house.close_and_audit();
    }
}

/// Waits until `done`, for what happens by time alone happens on the shards' own threads.
fn until(what: &str, mut done: impl FnMut() -> bool) {
    let begun = std::time::Instant::now();
    while !done() {
        assert!(begun.elapsed().as_secs() < 20, "{what}");
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
}

/// So many times longer than a shard's timer that it has looked.
fn let_timers_look() {
    std::thread::sleep(std::time::Duration::from_millis(10 * hongbao::limits::TIMER_MS));
}

// W11, C6, D17
#[test]
fn a_deadline_passes_while_nobody_sends_anything_to_whom_it_concerns() {
    for shards in SHARDS {
        for (own, offers) in DEADLINES {
            let at = |later: Option<u64>| later.map(|later| Timestamp(MORNING + later));
            let mut house = House::new(shards);
            house.open_accounts(["ann".to_owned()], 1_000);
            let mut limited = offer(3, 200);
            limited.expires_at = at(offers);
            house.issue("lantern", limited);
            house.attach("lantern", CommissionTerms { expires_at: at(own), ..terms(50, 10) });
            house.publish("lantern");
            house.send(circulate("ann", "share", "lantern", 1)).unwrap();
            house.clock.set(Timestamp(MORNING + 499));
            let_timers_look();
            assert_eq!(house.posted("shop"), 1_000_000 - 150, "{shards} shards: not before the limit");
            house.clock.set(Timestamp(MORNING + 500));
            until("the payer has its money back", || house.posted("shop") == 1_000_000);
            house.restart(shards);
            let_timers_look();
            assert_eq!(house.posted("shop"), 1_000_000, "{shards} shards: once");
            let audit = house.close_and_audit();
            let money = audit.totals.money.values().next().unwrap();
            assert_eq!((money.commission_returned, money.envelopes), (150, 0), "{shards} shards");
        }
    }
}

// W11, C6, D17
#[test]
fn a_deadline_that_passed_while_the_engine_was_down_is_found_once_by_its_start() {
    for shards in SHARDS {
        let mut house = House::new(shards);
        house.open_accounts(["ann".to_owned()], 1_000);
        house.issue("lantern", offer(2, 200));
        let limit = Some(Timestamp(MORNING + 500));
        house.attach("lantern", CommissionTerms { expires_at: limit, ..terms(50, 10) });
        house.publish("lantern");
        house.send(circulate("ann", "share", "lantern", 1)).unwrap();
        house.engine().close().unwrap();
        house.drop_engine();
        house.clock.set(Timestamp(MORNING + 9_000));
        house.open_engine(house.config(shards));
        until("the payer has its money back", || house.posted("shop") == 1_000_000);
        house.engine().close().unwrap();
        let records = house.engine().journal_stats().records;
        assert_eq!(records, 4, "{shards} shards: two envelopes go home");
        for _ in 0..2 {
            house.drop_engine();
            house.clock.set(Timestamp(MORNING + 10_000));
            house.open_engine(house.config(shards));
            let_timers_look();
            assert_eq!(house.posted("shop"), 1_000_000, "{shards} shards");
            house.engine().close().unwrap();
            assert_eq!(house.engine().journal_stats().records, 0, "{shards} shards: nothing is due again");
        }
    }
}

// F4
#[test]
fn a_window_tells_of_its_opening_and_closing_once() {
    for shards in SHARDS {
        let mut house = House::new(shards);
        let mut timed = offer(10, 100);
        timed.window =
            Window { opens: Some(Timestamp(MORNING + 100)), closes: Some(Timestamp(MORNING + 200)) };
        house.sell("lantern", timed);
        let before = house.offering("lantern").sequence;
        let records = |house: &House| house.engine().journal_stats().records;
        for (moment, wanted) in [(100, 1), (200, 1), (300, 0)] {
            house.restart(shards);
            let_timers_look();
            assert_eq!(records(&house), 0, "{shards} shards, before {moment}");
            house.clock.set(Timestamp(MORNING + moment));
            until("the window tells of its bound", || records(&house) >= wanted);
            let_timers_look();
            assert_eq!(records(&house), wanted, "{shards} shards, at {moment}");
        }
        assert_eq!(house.offering("lantern").sequence, before + 2, "{shards} shards");
        house.close_and_audit();
    }
}

// W10, D35
#[test]
fn a_prompt_comes_when_its_time_on_display_has_come_and_nobody_asks() {
    for shards in SHARDS {
        let mut house = House::new(shards);
        house.open_accounts(["ann".to_owned()], 1_000);
        house.issue("lantern", offer(1, 200));
        let condition = Condition {
            times: None,
            amount: None,
            share_of_price: None,
            displayed_ms: Some(1_000),
            at_least: 1,
            check_point: CheckPoint::BeforeIncrease,
            prompt_ratio: BasisPoints::new(8_000).unwrap(),
        };
        house.attach("lantern", CommissionTerms { condition: Some(condition), ..terms(50, 10) });
        house.publish("lantern");
        house.send(circulate("ann", "share", "lantern", 1)).unwrap();
        let view = house.certificate("lantern", 1, 1);
        house.clock.set(Timestamp(MORNING + 799));
        house.restart(shards);
        let_timers_look();
        assert_eq!(house.engine().journal_stats().records, 0, "{shards} shards: a millisecond too early");
        house.clock.set(Timestamp(MORNING + 800));
        until("the certificate prompts", || house.engine().journal_stats().records > 0);
        // The clock is past the display time; only a prompt that was there before is seen now.
        house.clock.set(Timestamp(MORNING + 5_000));
        let_timers_look();
        house.restart(shards);
        let prompted = house.certificate("lantern", 1, 1);
        assert!(prompted.almost_met && !view.almost_met, "{shards} shards");
        assert_eq!(prompted.sequence, view.sequence + 1, "{shards} shards: once");
        house.close_and_audit();
    }
}

// C6, D17: closing waits for what timers have begun and lets them begin nothing more.
#[test]
fn an_engine_can_be_closed_while_thousands_of_deadlines_pass() {
    for shards in SHARDS {
        let mut house = House::new(shards);
        house.issue("lantern", offer(3_000, 200));
        let limit = Some(Timestamp(MORNING + 500));
        house.attach("lantern", CommissionTerms { expires_at: limit, ..terms(50, 10) });
        house.publish("lantern");
        house.open_accounts(["ann".to_owned()], 1_000);
        let shares = (1..=3_000).map(|serial| circulate("ann", &format!("{serial}"), "lantern", serial));
        house
            .engine()
            .send_batch(shares.collect())
            .wait()
            .into_iter()
            .for_each(|answer| drop(answer.unwrap()));
        house.clock.set(Timestamp(MORNING + 500));
        for pause in [0, 19, 20, 21, 22] {
            // No walk is left unfinished, whenever it is closed.
            std::thread::sleep(std::time::Duration::from_millis(pause));
            house.restart(shards);
        }
        until("everything is home", || house.posted("shop") == 1_000_000);
        let audit = house.close_and_audit();
        let money = audit.totals.money.values().next().unwrap();
        assert_eq!((money.commission_returned, money.envelopes), (150_000, 0), "{shards} shards");
    }
}
