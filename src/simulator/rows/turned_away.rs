//! Doors that know by themselves that everything is sold: F2, I12.

use crate::domain::{Code, Command, Message, Offer, Serial, StatusChange, Via, Window};
use crate::simulator::engaging::*;
use crate::simulator::messages::*;
use crate::simulator::stage::Stage;

fn turned_away(stage: &Stage, message: &Message) -> Option<Code> {
    stage.turns_away(message).map(|refusal| refusal.code)
}

fn again(message: &Message, command: Command) -> Message {
    Message { command, ..message.clone() }
}

#[test]
fn a_door_turns_away_whom_the_offering_would_and_asks_it_about_everybody_else() {
    for shards in [1, 3] {
        let window = Window { opens: None, closes: Some(after_start(1_000)) };
        let offer = Offer { window, reservable_ms: Some(50), ..offer(700, 2) };
        let mut stage = market_on(Stage::new(shards), offer, Some(&terms(500, 100)));
        let (first, last) = (purchase("buyer", "tea", 0), purchase("buyer", "tea", 0));
        let bought = stage.send(&first);
        assert_eq!(turned_away(&stage, &purchase("rival", "tea", 0)), None, "one is left");
        stage.send(&last).unwrap();
        let late = purchase("rival", "tea", 0);
        assert_eq!(turned_away(&stage, &late), Some(Code::SoldOut));
        assert_eq!(refuses(&mut stage, &late), Code::SoldOut);
        assert_eq!(turned_away(&stage, &purchase("buyer", "tea", 0)), Some(Code::SoldOut), "a new request");

        // What a repeat is answered the offering knows, and whether it is one.
        assert_eq!((turned_away(&stage, &first), stage.send(&first)), (None, bought));
        let other_body = again(&first, Command::purchase(name("tea"), Some(Serial(1)), Via::Public));
        assert_eq!(turned_away(&stage, &other_body), None);
        assert_eq!(refuses(&mut stage, &other_body), Code::IdReused);
        let of_another = again(&purchase("rival", "tea", 0), first.command.clone());
        assert_eq!(
            turned_away(&stage, &Message { request_id: first.request_id.clone(), ..of_another }),
            Some(Code::SoldOut)
        );

        let asked = [
            (purchase("rival", "tea", 2), Code::Sold),
            (reserve("rival", "tea", 0), Code::SoldOut),
            (purchase("foreigner", "tea", 0), Code::CurrencyMismatch),
            (purchase("nobody", "tea", 0), Code::UnknownAccount),
            (purchase("rival", "coffee", 0), Code::UnknownOffering),
        ];
        for (message, code) in asked {
            assert_eq!(
                (turned_away(&stage, &message), refuses(&mut stage, &message)),
                (None, code),
                "{message:?}"
            );
        }
        stage.send(&status("rival", StatusChange::Freeze)).unwrap();
        assert_eq!(turned_away(&stage, &late), None);
        assert_eq!(refuses(&mut stage, &late), Code::AccountFrozen);
        stage.send(&status("rival", StatusChange::Unfreeze)).unwrap();

        // What is refunded stays sold (D23), and a restart knows all of this again.
        stage.send(&refund("tea", 1)).unwrap();
        let restarted = stage.restarted_at(stage.records());
        for stage in [&stage, &restarted] {
            assert_eq!(turned_away(stage, &late), Some(Code::SoldOut));
            assert_eq!(turned_away(stage, &first), None);
        }
        stage.at(after_start(1_000));
        stage.fire();
        assert_eq!(turned_away(&stage, &late), None);
        assert_eq!(refuses(&mut stage, &late), Code::SaleNotOpen);
        // A clock that goes back opens no window again.
        stage.at(after_start(999));
        assert_eq!(turned_away(&stage, &late), None);
        assert_eq!(refuses(&mut stage, &late), Code::SaleNotOpen);
    }
}

#[test]
fn what_doors_have_forgotten_they_are_told_again_by_whoever_comes_next() {
    let mut stage = market(offer(700, 1), None);
    stage.send(&purchase("buyer", "tea", 0)).unwrap();
    let late = || purchase("rival", "tea", 0);
    assert_eq!(turned_away(&stage, &late()), Some(Code::SoldOut));
    stage.forget_sold_out("tea");
    assert_eq!(turned_away(&stage, &late()), None);
    assert_eq!(refuses(&mut stage, &late()), Code::SoldOut);
    assert_eq!(turned_away(&stage, &late()), Some(Code::SoldOut));
}

#[test]
fn while_the_last_payment_may_still_fail_nobody_is_turned_away() {
    // F5
    let mut stage = market(offer(700, 1), None);
    let pending = stage.begin(&[purchase("broke", "tea", 0), purchase("buyer", "tea", 0)]);
    while stage.offering("tea").stock().sold() == 0 && stage.step() {
        let known = turned_away(&stage, &purchase("rival", "tea", 0));
        assert_eq!(known.is_some(), stage.offering("tea").stock().sold() == 1);
    }
    stage.run();
    let answers: Vec<_> = stage.answers(&pending).into_iter().flatten().collect();
    assert_eq!(refused(answers[0].clone()), Code::InsufficientFunds);
    purchased(answers[1].clone());
    assert_eq!(turned_away(&stage, &purchase("rival", "tea", 0)), Some(Code::SoldOut));
}

#[test]
fn the_offering_s_own_requests_are_never_turned_away() {
    // I12: the supplier buys by the id with which it has published.
    let mut stage = market(offer(700, 1), None);
    stage.send(&purchase("buyer", "tea", 0)).unwrap();
    let published = publish("tea");
    let own = again(&published, Command::purchase(name("tea"), None, Via::Public));
    assert_eq!(turned_away(&stage, &own), Some(Code::SoldOut), "that id has published nothing");
    let mut stage = Stage::new(1);
    for (account, purse) in [("supplier", 0), ("payee", 0), ("payer", 0), ("buyer", 700)] {
        stage.send(&open(account, purse)).unwrap();
    }
    stage.send(&issue("tea", offer(700, 1))).unwrap();
    stage.send(&published).unwrap();
    stage.send(&purchase("buyer", "tea", 0)).unwrap();
    assert_eq!(turned_away(&stage, &own), None);
    assert_eq!(refuses(&mut stage, &own), Code::IdReused);
}
