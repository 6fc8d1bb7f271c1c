//! Reservations sent again, and cut anywhere: I12, I14, F6.

use crate::domain::{Answer, Code, CommissionTerms, Message, Offer};
use crate::simulator::engaging::*;
use crate::simulator::messages::*;
use crate::simulator::stage::Stage;

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

#[test]
fn what_is_due_while_a_turn_had_no_room_comes_behind_what_it_left() {
    // F6, I16, DESIGN 3: a turn may end in the middle of a walk, and a timer come before the next one
    for steps in 0..14 {
        let mut stage = market_on(Stage::new(1).step_by_step(false), reservable(700, 1), None);
        let wanting = [reserve("buyer", "tea", 0), reserve("rival", "tea", 0), purchase("broke", "tea", 0)];
        let first = stage.begin(&wanting);
        (0..steps).for_each(|_| _ = stage.step());
        stage.later(STANDS_MS);
        stage.fire();
        let again = stage.begin(&wanting.clone().map(|message| with_id(message, "again")));
        (0..steps).for_each(|_| _ = stage.step());
        stage.later(STANDS_MS);
        stage.fire();
        for pending in [&first, &again] {
            assert!(stage.answers(pending).iter().all(Option::is_some), "{steps} steps");
        }
        for account in ["buyer", "rival"] {
            assert_eq!(purse(&stage, account), [1_000_000, 0, 1_000_000], "{account} behind {steps} steps");
        }
    }
}
