//! Walks of one house decided within its turns: in the order of their messages, also where a turn has no room for all,
//! behind a restart and behind what time alone brings about (DESIGN §3, points 2 and 8).

use crate::domain::{Message, Offer, Timestamp, WhenShort};
use crate::limits::TURN_RECORDS_MAX;
use crate::simulator::engaging::*;
use crate::simulator::messages::*;
use crate::simulator::stage::{START, Stage};

/// An offering whose serial 1 has a chain and whose serial 2 is reserved and untouched.
fn half_touched(stage: Stage) -> Stage {
    let mut stage = market_on(stage, Offer { reservable_ms: Some(1_000_000), ..offer(1, 2) }, None);
    stage.send(&circulate("u1", "tea", 1)).unwrap();
    stage.send(&reserve("buyer", "tea", 2)).unwrap();
    stage
}

/// Messages of which one turn leaves more behind than are looked at together: among the first of them a chain's refusal,
/// among the last a birth, behind which the offering sends its next try.
fn crowded() -> (Stage, Vec<Message>) {
    let mut stage = half_touched(Stage::large(1));
    for (offering, of) in
        [("filler", offer(1, 1_000)), ("green", Offer { reservable_ms: Some(10), ..offer(1, 10) })]
    {
        stage.send(&issue(offering, of)).unwrap();
        stage.send(&publish(offering)).unwrap();
    }
    for _ in 0..4 {
        stage.send(&reserve("rival", "green", 0)).unwrap();
    }
    stage.later(20);
    let mut messages: Vec<Message> = (0..768).map(|_| show_offering("filler")).collect();
    messages.push(circulate("u1", "tea", 0));
    messages.extend((0..125).map(|_| purchase("rival", "filler", 0)));
    messages.push(circulate("u2", "tea", 2));
    messages.push(show_offering("green"));
    (stage, messages)
}

#[test]
fn nothing_overtakes_a_birth_however_short_the_turns_are() {
    // D29, D30, D39
    for luck in 1..400 {
        let mut stage = half_touched(Stage::new(1)).with_luck(luck);
        let answers = stage.send_all(&[circulate("u1", "tea", 0), circulate("u2", "tea", 2)]);
        assert!(answers[1].is_ok(), "{answers:?}");
        assert_eq!(stage.certificate("tea", 2).unwrap().hops().count(), 1 + usize::from(answers[0].is_ok()));
    }
}

#[test]
fn what_a_turn_leaves_behind_goes_on_in_its_order() {
    // D29, D30, D39
    let (mut stage, messages) = crowded();
    let answers = stage.send_all(&messages);
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
    assert_eq!(stage.certificate("tea", 2).unwrap().hops().count(), 2);
}

#[test]
fn a_restart_goes_on_in_the_order_of_what_was_under_way() {
    // I14, D29: behind whole turns of which much was under way
    let (mut stage, messages) = crowded();
    let begun = stage.begin(&messages);
    while stage.step() {
        let restarted = stage.restarted_at(stage.records());
        assert_eq!(restarted.certificate("tea", 2).map(|certificate| certificate.hops().count()), Some(2));
    }
    assert!(stage.answers(&begun).iter().all(Option::is_some));
}

/// A house in which ann has given bob so many gifts of 1, all of which have just lapsed.
fn lapsed(gifts: u64) -> Stage {
    let mut stage = Stage::large(1);
    for (account, purse) in [("ann", gifts), ("bob", 0), ("mall", 0), ("till", 0)] {
        stage.send(&open(account, purse)).unwrap();
    }
    stage.send(&register("mall", "till", WhenShort::Refuse)).unwrap();
    let until = Timestamp(START.0 + 1_000);
    let given = |of: u64| give_until("ann", &format!("g{of}"), "bob", "mall", (goods(), 1), Some(until));
    let messages: Vec<Message> = (0..gifts).map(given).collect();
    stage.send_all(&messages).into_iter().for_each(|answer| drop(answer.unwrap()));
    assert_eq!((stage.posted("ann"), stage.account("bob").earmarked()), (0, money(gifts)));
    stage.at(until);
    stage
}

#[test]
fn more_than_a_turn_takes_may_be_due_at_once() {
    // T9, I15: whoever gives many gifts that lapse together stops nobody, and all of them come home
    let gifts = u64::try_from(TURN_RECORDS_MAX).unwrap() + 500;
    for by_message in [true, false] {
        let mut stage = lapsed(gifts);
        if by_message {
            stage.send(&deposit("bob", 1)).unwrap();
        } else {
            stage.fire();
        }
        assert_eq!(stage.posted("ann"), i64::try_from(gifts).unwrap());
        assert_eq!(stage.account("bob").earmarked(), money(0));
    }
}

#[test]
fn what_is_due_and_messages_together_keep_the_bound_of_a_turn() {
    // T9, DESIGN 3: the stage holds every turn against it
    let mut stage = lapsed(2_000);
    let deposits = (0..1_024).map(|of| deposit(if of == 0 { "bob" } else { "mall" }, 1));
    stage.send_all(&deposits.collect::<Vec<_>>()).into_iter().for_each(|answer| drop(answer.unwrap()));
    assert_eq!((stage.posted("ann"), stage.posted("bob"), stage.posted("mall")), (2_000, 1, 1_023));
}
