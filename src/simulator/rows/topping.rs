//! More reserve for a commission: D4, D37, D32, I2, I12 to I14.

use super::payments::held;
use crate::domain::{
    Answer, Code, Command, CommissionTerms, Done, IncreasePolicy, Message, Offer, Serial, Settlement, Take,
};
use crate::limits::REQUEST_KEPT_MS;
use crate::simulator::engaging::*;
use crate::simulator::messages::*;
use crate::simulator::stage::Stage;
use crate::simulator::traces::{available, backed_market_on};

/// Two and more certificates at 700 that can be reserved, each with 500 of commission, 100 of it attached.
fn reservable(items: u32) -> Offer {
    Offer { reservable_ms: Some(1_000), ..offer(700, items) }
}

fn topped_up(amount: u64) -> Result<Done, crate::domain::Refusal> {
    Ok(Done::ToppedUp { amount: money(amount) })
}

/// I2 in full: what was funded, top-ups included, is what the five buckets have.
fn funded(stage: &Stage, serial: u32) -> u64 {
    let buckets = *stage.certificate("tea", serial).expect("a certificate that is alive").buckets();
    let all = [buckets.reserve, buckets.attached, buckets.promised, buckets.cashed, buckets.returned];
    all.map(crate::domain::Money::minor).iter().sum()
}

#[test]
fn it_adds_to_the_reserve_of_one_serial_and_increases_nothing() {
    // D4, D37, I2: whether the serial is untouched, alive or reserved
    let cases: [(&str, Vec<Message>, [u64; 3]); 5] = [
        ("untouched", vec![], [100, 400, 100]),
        ("alive", vec![circulate("u1", "tea", 2)], [100, 360, 140]),
        ("reserved", vec![reserve("rival", "tea", 2)], [100, 400, 100]),
        ("reserved, alive", vec![circulate("u1", "tea", 2), reserve("rival", "tea", 2)], [100, 360, 140]),
        ("alive, reserved", vec![reserve("rival", "tea", 2), circulate("u1", "tea", 2)], [100, 360, 140]),
    ];
    for (how, before, [attached, reserve, cumulative]) in cases {
        let mut stage = market(reservable(3), Some(&terms(500, 100)));
        before.iter().for_each(|message| drop(stage.send(message).unwrap()));
        let reserved = held(&stage, "rival") > 0;
        assert_eq!(label(&mut stage, 2), [attached, reserve, cumulative], "{how}");
        assert_eq!(stage.send(&top_up("payer", "tea", 2, 60)), topped_up(60), "{how}");
        assert_eq!(label(&mut stage, 2), [attached, reserve + 60, cumulative], "{how}");
        assert_eq!(stage.send(&top_up("payer", "tea", 2, 1)), topped_up(1), "{how}");
        assert_eq!(label(&mut stage, 2), [attached, reserve + 61, cumulative], "{how}");
        assert_eq!(label(&mut stage, 1), [100, 400, 100], "{how}: no other serial");
        assert_eq!(stage.posted("payer"), 1_000_000 - 1_561, "{how}");
        // The money is with the certificate, whatever brings it to life and whoever buys it.
        chain(&mut stage, 2, &["u2"]);
        let promised = view(&mut stage, "tea", 2).promised.minor();
        let bought = if reserved { pay("rival", "tea", 2) } else { purchase("buyer", "tea", 2) };
        assert_eq!(settled(stage.send(&bought)), (promised, 561 - promised), "{how}");
        assert_eq!(funded(&stage, 2), 561, "{how}");
    }
}

#[test]
fn it_goes_with_the_envelope_of_a_serial_that_nobody_has_circulated() {
    // D4, H6, I2: before publishing, bought at once, reserved and paid
    let mut stage = Stage::new(3);
    for account in ["payer", "buyer"] {
        stage.send(&open(account, PURSE)).unwrap();
    }
    stage
        .send_all(&[open("supplier", 0), open("payee", 0)])
        .into_iter()
        .for_each(|answer| drop(answer.unwrap()));
    stage.send(&issue("tea", reservable(3))).unwrap();
    stage.send(&attach("payer", "tea", &terms(500, 100))).unwrap();
    for serial in 1..=3 {
        assert_eq!(stage.send(&top_up("payer", "tea", serial, 30)), topped_up(30));
    }
    stage.send(&publish("tea")).unwrap();
    assert_eq!(settled(stage.send(&purchase("buyer", "tea", 1))), (0, 530));
    stage.send(&reserve("buyer", "tea", 2)).unwrap();
    assert_eq!(stage.send(&top_up("payer", "tea", 2, 7)), topped_up(7));
    assert_eq!(settled(stage.send(&pay("buyer", "tea", 2))), (0, 537));
    stage.send(&reserve("buyer", "tea", 3)).unwrap();
    stage.send(&cancel("buyer", "tea", 3)).unwrap();
    assert_eq!(label(&mut stage, 3), [100, 430, 100]);
    assert_eq!(settled(stage.send(&purchase("buyer", "tea", 3))), (0, 530));
    assert_eq!(stage.posted("payer"), 1_000_000);
}

#[test]
fn a_short_reserve_goes_on_with_what_is_added() {
    // SPEC §4, D4, D32: 150 funded, 100 attached, take all; 100 more after so many hops. An increase settles what
    // was acquired before it, so what comes behind a reserve that ran short is not caught up.
    let cases = [
        (IncreasePolicy::AfterAcquire, 1, [100, 50, 50, 50, 0]),
        (IncreasePolicy::AfterAcquire, 2, [100, 50, 0, 0, 0]),
        (IncreasePolicy::NonFirst, 1, [100, 100, 50, 0, 0]),
        (IncreasePolicy::NonFirst, 2, [100, 50, 50, 50, 0]),
        (IncreasePolicy::NonFirst, 3, [100, 50, 0, 0, 0]),
    ];
    let accounts = ["u1", "u2", "u3", "u4", "u5"];
    for (policy, hops, promises) in cases {
        let short = CommissionTerms { policy, take: Take::All, ..terms(150, 100) };
        let mut stage = market(offer(700, 1), Some(&short));
        let mut found = chain(&mut stage, 1, &accounts[..hops]);
        let attached = label(&mut stage, 1)[0];
        assert_eq!(stage.send(&top_up("payer", "tea", 1, 100)), topped_up(100));
        assert_eq!(label(&mut stage, 1)[0], attached, "{policy:?} after {hops}: no increase by itself");
        found.extend(chain(&mut stage, 1, &accounts[hops..]));
        assert_eq!(found, promises, "{policy:?} after {hops}");
        let cashed: u64 = promises.iter().sum();
        assert_eq!(settled(stage.send(&purchase("buyer", "tea", 1))), (cashed, 250 - cashed), "{policy:?}");
        assert_eq!(accounts.map(|account| available(&stage, account)), promises, "{policy:?} after {hops}");
        assert_eq!((funded(&stage, 1), available(&stage, "payer")), (250, PURSE - cashed), "{policy:?}");
    }
}

#[test]
fn only_the_payer_adds_and_everybody_else_gets_the_money_back() {
    // D37, P5, D31: another account that may attach, the supplier, a stranger, one in another currency
    let offer = Offer { payers: vec![name("payer"), name("rival")], ..offer(700, 2) };
    let mut stage = market(offer, Some(&terms(500, 100)));
    stage.send(&deposit("supplier", 100)).unwrap();
    chain(&mut stage, 1, &["u1"]);
    for serial in [1, 2] {
        let before = label(&mut stage, serial);
        for account in ["rival", "supplier", "buyer", "foreigner"] {
            let posted = stage.posted(account);
            let adding = with_id(top_up(account, "tea", serial, 60), "the same");
            for _ in 0..2 {
                assert_eq!(refused(stage.send(&adding)), Code::NotAllowed, "{account} for {serial}");
                assert_eq!((stage.posted(account), label(&mut stage, serial)), (posted, before), "{account}");
            }
        }
    }
    let institution = Command::TopUp { offering: name("tea"), serial: Serial(1), amount: money(5) };
    assert_eq!(refuses(&mut stage, &by_institution(institution)), Code::NotAllowed);
}

#[test]
fn what_the_payer_has_not_or_does_not_say_is_refused_at_once() {
    // D4, I13, D40
    let mut stage = market(offer(700, 2), Some(&terms(500, 100)));
    stage.send(&begin_transfer("payer", "rent", "payee", PURSE - 1_000 - 60, None)).unwrap();
    assert_eq!(available(&stage, "payer"), 60);
    let cases = [
        (top_up("payer", "tea", 1, 61), Code::InsufficientFunds),
        (top_up("payer", "tea", 1, 0), Code::AmountNotPositive),
        (top_up("payer", "tea", 0, 5), Code::UnknownCertificate),
        (top_up("payer", "tea", 3, 5), Code::UnknownCertificate),
        (top_up("payer", "cocoa", 1, 5), Code::UnknownOffering),
        (top_up("nobody", "tea", 1, 5), Code::UnknownAccount),
    ];
    for (message, code) in cases {
        assert_eq!(refuses(&mut stage, &message), code, "{message:?}");
    }
    assert_eq!(stage.send(&top_up("payer", "tea", 1, 60)), topped_up(60));
    assert_eq!(available(&stage, "payer"), 0);
}

#[test]
fn it_is_refused_when_the_commission_has_ended() {
    // D37: sold, withdrawn by condition, over by time and found by it, and where there never was one
    let by_times = CommissionTerms { condition: Some(times(1)), ..terms(500, 100) };
    let by_time = CommissionTerms { expires_at: Some(after_start(10)), ..terms(500, 100) };
    let plain = terms(500, 100);
    let cases: Vec<(&str, Option<&CommissionTerms>, Vec<Message>)> = vec![
        ("sold", Some(&plain), vec![circulate("u1", "tea", 1), purchase("buyer", "tea", 1)]),
        ("sold untouched", Some(&plain), vec![purchase("buyer", "tea", 1)]),
        ("withdrawn", Some(&by_times), vec![circulate("u1", "tea", 1), circulate("u2", "tea", 1)]),
        ("over", Some(&by_time), vec![circulate("u1", "tea", 1)]),
        ("over untouched", Some(&by_time), vec![]),
        ("over reserved", Some(&by_time), vec![reserve("rival", "tea", 1)]),
        ("none", None, vec![circulate("u1", "tea", 1)]),
        ("none untouched", None, vec![]),
    ];
    for by_timer in [true, false] {
        for (how, terms, before) in &cases {
            let mut stage = market(reservable(2), *terms);
            before.iter().for_each(|message| drop(stage.send(message).unwrap()));
            stage.at(after_start(10));
            if by_timer {
                stage.fire();
            }
            let late = with_id(top_up("payer", "tea", 1, 60), "late");
            for _ in 0..2 {
                assert_eq!(refused(stage.send(&late)), Code::CommissionEnded, "{how}, by timer: {by_timer}");
            }
            stage.fire();
            // Of the other serial the envelope may still be there; nothing of this one's.
            let envelopes = i64::try_from(stage.offering("tea").envelopes()).unwrap();
            let cashed = if *how == "sold" { 40 } else { 0 };
            assert_eq!(stage.posted("payer"), 1_000_000 - envelopes - cashed, "{how}, by timer: {by_timer}");
        }
    }
    let mut stage = market(offer(700, 1), Some(&by_time));
    chain(&mut stage, 1, &["u1"]);
    stage.at(after_start(9));
    assert_eq!(stage.send(&top_up("payer", "tea", 1, 60)), topped_up(60), "in its last millisecond");
}

#[test]
fn it_is_refused_where_a_payment_certificate_backs_the_commission() {
    // D37: alive or not
    let mut stage = backed_market_on(Stage::new(3), offer(700, 2), &terms(500, 100));
    chain(&mut stage, 1, &["u1"]);
    for serial in [1, 2] {
        let before = label(&mut stage, serial);
        assert_eq!(refused(stage.send(&top_up("payer", "tea", serial, 60))), Code::NotToppedUp);
        assert_eq!(label(&mut stage, serial), before);
        assert_eq!((stage.posted("payer"), held(&stage, "payer")), (1_000_000, 1_000));
    }
}

#[test]
fn what_comes_too_late_is_undone_whoever_is_faster() {
    // D4, D37, I14: with a purchase, a withdrawal or the time limit under way
    let by_times = CommissionTerms { condition: Some(times(1)), ..terms(500, 100) };
    let plain = terms(500, 100);
    let ends = [
        ("purchase", &plain, vec!["u1"], purchase("buyer", "tea", 1)),
        ("purchase untouched", &plain, vec![], purchase("buyer", "tea", 1)),
        ("withdrawal", &by_times, vec!["u1"], circulate("u2", "tea", 1)),
    ];
    let (mut taken, mut undone) = (0, 0);
    for (how, terms, sharers, end) in &ends {
        for luck in 0..24 {
            let shards = 1 + usize::try_from(luck % 3).unwrap();
            let mut stage = market_on(Stage::new(shards).with_luck(luck), offer(700, 1), Some(terms));
            chain(&mut stage, 1, sharers);
            let adding = with_id(top_up("payer", "tea", 1, 60), "adding");
            // Whichever is sent first may be the faster one.
            let both = [adding.clone(), end.clone()];
            let sent = if luck % 2 == 0 { both } else { [both[1].clone(), both[0].clone()] };
            let mut answers = stage.send_all(&sent);
            if luck % 2 == 1 {
                answers.reverse();
            }
            assert!(answers[1].is_ok(), "{how}, luck {luck}: {:?}", answers[1]);
            match &answers[0] {
                Ok(_) => taken += 1,
                Err(refusal) => {
                    assert!(
                        matches!(refusal.code, Code::CommissionEnded | Code::Overloaded),
                        "{how}, luck {luck}: {refusal}"
                    );
                    undone += 1;
                    assert_eq!(refused(stage.send(&adding)), Code::CommissionEnded, "{how}, luck {luck}");
                }
            }
            // Either way the commission has ended, so all but the cashed promise is at home.
            let cashed = if *how == "purchase" { 40 } else { 0 };
            assert_eq!(stage.posted("payer"), 1_000_000 - cashed, "{how}, luck {luck}: {:?}", answers[0]);
            let whole = 500 + if answers[0].is_ok() { 60 } else { 0 };
            assert_eq!(funded(&stage, 1), whole, "{how}, luck {luck}");
        }
    }
    assert!(taken > 0 && undone > 0, "both happen: {taken} and {undone}");
}

/// Another message comes when a top-up is at its payer, and is at the offering before it: what both are answered.
fn behind_its_first_hop(stage: &mut Stage, adding: &Message, other: Message) -> [Answer; 2] {
    let added = stage.begin(std::slice::from_ref(adding));
    assert!(stage.step(), "the offering passes it on");
    let other = stage.begin(&[other]);
    stage.run();
    [other, added].map(|pending| stage.answers(&pending).remove(0).unwrap())
}

#[test]
fn the_same_id_is_tried_again_when_the_envelope_is_back() {
    // D4, I12, I14: the envelope is with a buyer who cannot pay
    let mut stage = market_on(Stage::new(1), offer(700, 1), Some(&terms(500, 100)));
    let adding = with_id(top_up("payer", "tea", 1, 60), "adding");
    let [bought, added] = behind_its_first_hop(&mut stage, &adding, purchase("broke", "tea", 1));
    assert_eq!([refused(bought), refused(added)], [Code::InsufficientFunds, Code::Overloaded]);
    assert_eq!((stage.posted("payer"), label(&mut stage, 1)), (1_000_000 - 500, [100, 400, 100]));
    assert_eq!(stage.send(&adding), topped_up(60));
    assert_eq!((stage.posted("payer"), label(&mut stage, 1)), (1_000_000 - 560, [100, 460, 100]));
    // And while the commission itself is still being funded.
    let mut stage = market_on(Stage::new(1), offer(700, 1), None);
    let [attached, added] =
        behind_its_first_hop(&mut stage, &adding, attach("payer", "tea", &terms(500, 100)));
    assert!(attached.is_ok(), "{attached:?}");
    assert_eq!(refused(added), Code::Overloaded);
    assert_eq!(stage.posted("payer"), 1_000_000 - 500);
    assert_eq!(stage.send(&adding), topped_up(60));
}

#[test]
fn what_was_added_comes_back_with_an_envelope_whose_buyer_could_not_pay() {
    // D4, F5, I2: to the offering, or to the next in line
    let mut stage = market_on(Stage::new(1), offer(700, 1), Some(&terms(500, 100)));
    stage.send(&top_up("payer", "tea", 1, 60)).unwrap();
    assert_eq!(refused(stage.send(&purchase("broke", "tea", 0))), Code::InsufficientFunds);
    assert_eq!(label(&mut stage, 1), [100, 460, 100]);
    let answers = stage.send_all(&[purchase("broke", "tea", 0), purchase("buyer", "tea", 0)]);
    assert_eq!(refused(answers[0].clone()), Code::InsufficientFunds);
    assert_eq!(settled(answers[1].clone()), (0, 560), "served from the line");
    assert_eq!((stage.posted("payer"), funded(&stage, 1)), (1_000_000, 560));
    // And home, where its time is over by then.
    let limited = CommissionTerms { expires_at: Some(after_start(10)), ..terms(500, 100) };
    let mut stage = market_on(Stage::new(1), offer(700, 1), Some(&limited));
    stage.send(&top_up("payer", "tea", 1, 60)).unwrap();
    let pending = stage.begin(&[purchase("broke", "tea", 1)]);
    assert!(stage.step(), "the offering has asked for the price");
    stage.at(after_start(10));
    stage.fire();
    assert_eq!(refused(stage.answers(&pending).remove(0).unwrap()), Code::InsufficientFunds);
    assert_eq!(stage.posted("payer"), 1_000_000);
    assert_eq!(purchased(stage.send(&purchase("buyer", "tea", 1))).commission, Settlement::None);
}

#[test]
fn the_time_limit_returns_what_was_added_too() {
    // C6, D4, D17, I1: untouched, reserved and alive
    let limited = CommissionTerms { expires_at: Some(after_start(10)), ..terms(500, 100) };
    for by_timer in [true, false] {
        let mut stage = market(reservable(3), Some(&limited));
        stage.send(&reserve("rival", "tea", 2)).unwrap();
        chain(&mut stage, 3, &["u1"]);
        for serial in 1..=3 {
            assert_eq!(stage.send(&top_up("payer", "tea", serial, 60)), topped_up(60));
        }
        assert_eq!(stage.posted("payer"), 1_000_000 - 1_680);
        stage.at(after_start(10));
        if by_timer {
            stage.fire();
        } else {
            row(&mut stage, "tea");
            assert_eq!(stage.posted("payer"), 1_000_000 - 560);
            view(&mut stage, "tea", 3);
        }
        assert_eq!(stage.posted("payer"), 1_000_000, "by timer: {by_timer}");
        assert_eq!(purchased(stage.send(&pay("rival", "tea", 2))).commission, Settlement::None);
    }
}

#[test]
fn a_repeat_adds_once() {
    // I12, DESIGN 5
    let adding = |amount| with_id(top_up("payer", "tea", 1, amount), "adding");
    for luck in 0..12 {
        for sharers in [&["u1"][..], &[]] {
            let mut stage = market(offer(700, 1), Some(&terms(500, 100))).with_luck(luck);
            chain(&mut stage, 1, sharers);
            let reserve = label(&mut stage, 1)[1];
            let answers = stage.send_all(&[adding(60), adding(60), adding(60)]);
            assert_eq!(answers, vec![topped_up(60); 3], "luck {luck}");
            let records = stage.records();
            stage.later(REQUEST_KEPT_MS - 1);
            assert_eq!((stage.send(&adding(60)), stage.records()), (topped_up(60), records));
            assert_eq!(refuses(&mut stage, &adding(61)), Code::IdReused);
            assert_eq!(label(&mut stage, 1)[1], reserve + 60, "luck {luck}");
            assert_eq!(stage.posted("payer"), 1_000_000 - 560, "luck {luck}");
        }
    }
    // Another body while the first one is still under way.
    let mut stage = market_on(Stage::new(1), offer(700, 1), Some(&terms(500, 100)));
    let answers = stage.send_all(&[adding(60), adding(61)]);
    assert_eq!((answers[0].clone(), refused(answers[1].clone())), (topped_up(60), Code::IdReused));
}

#[test]
fn a_payer_does_not_close_while_it_adds() {
    // D46, I14: what is under way may come back
    let mut stage = market_on(Stage::new(1), offer(700, 1), Some(&terms(500, 100)));
    stage.send(&cash_out("payer", PURSE - 560)).unwrap();
    let close = status("payer", crate::domain::StatusChange::Close);
    let answers = stage.send_all(&[top_up("payer", "tea", 1, 60), close.clone()]);
    assert_eq!((answers[0].clone(), refused(answers[1].clone())), (topped_up(60), Code::AccountNotEmpty));
}

#[test]
fn a_restart_at_any_record_adds_once_or_restores_everything() {
    // I12, I14, I2: taken by the offering, taken by the certificate, refused by either
    let plain = terms(500, 100);
    let cases: [(&str, Vec<Message>, &str, bool); 4] = [
        ("offering", vec![], "payer", true),
        ("certificate", vec![circulate("u1", "tea", 1)], "payer", true),
        ("refused by the offering", vec![], "buyer", false),
        (
            "refused by the certificate",
            vec![circulate("u1", "tea", 1), purchase("rival", "tea", 1)],
            "payer",
            false,
        ),
    ];
    for (how, prepared, account, taken) in cases {
        for shards in [1, 3] {
            let mut stage = market_on(Stage::new(shards), offer(700, 1), Some(&plain));
            prepared.iter().for_each(|message| drop(stage.send(message).unwrap()));
            let posted = stage.posted(account);
            let before = stage.records();
            let adding = top_up(account, "tea", 1, 60);
            let answer = stage.send(&adding);
            assert_eq!(answer.is_ok(), taken, "{how}");
            for records in before..=stage.records() {
                let mut again = stage.restarted_at(records);
                assert_eq!(again.send(&adding), answer, "{how} cut at {records}");
                let left = posted - if taken { 60 } else { 0 };
                assert_eq!(again.posted(account), left, "{how} cut at {records}");
            }
        }
    }
}
