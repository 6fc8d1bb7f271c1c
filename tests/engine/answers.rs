//! Answers: from any runtime or none, for every message, and true whatever becomes of who asked.

use std::sync::Arc;
use std::time::Duration;

use hongbao::domain::{Answer, Code, Done, Message};
use hongbao::limits::{BATCH_MESSAGES_MAX, PERMITS_MAX, SHARDS_MAX};
use hongbao::{Config, Engine, EngineError};

use crate::house::{House, SHARDS, buy, circulate, code, offer, show_account};

/// A house with so many buyers, each with a hundred cents, and as many certificates for that.
fn market(shards: usize, buyers: usize) -> (House, Vec<Message>) {
    let house = House::new(shards);
    let names: Vec<String> = (0..buyers).map(|number| format!("buyer-{number}")).collect();
    for part in names.chunks(1_000) {
        house.open_accounts(part.to_vec(), 100);
    }
    house.sell("lantern", offer(u32::try_from(buyers).unwrap(), 100));
    let purchases = names.iter().map(|buyer| buy(buyer, "buy", "lantern", None)).collect();
    (house, purchases)
}

fn assert_all_bought(answers: &[Answer], place: &str) {
    for (index, answer) in answers.iter().enumerate() {
        assert!(matches!(answer, Ok(Done::Purchased(_))), "{place}, purchase {index}: {answer:?}");
    }
}

#[test]
fn a_dropped_future_undoes_nothing() {
    for shards in SHARDS {
        let (mut house, purchases) = market(shards, 100);
        let (singly, together) = purchases.split_at(50);
        singly.iter().for_each(|message| drop(house.engine().send(message.clone())));
        drop(house.engine().send_batch(together.to_vec()));
        house.restart(shards);
        assert_eq!(house.offering("lantern").sold, 100, "{shards} shards");
        assert_eq!(house.posted("shop"), 1_000_000 + 100 * 100, "{shards} shards");
        // Who asks again with the same ids is told.
        assert_all_bought(&house.engine().send_batch(purchases).wait(), "asked again");
        assert_eq!(house.posted("shop"), 1_000_000 + 100 * 100, "{shards} shards: nothing twice");
        assert_eq!(house.close_and_audit().totals.sold, 100, "{shards} shards");
    }
}

#[test]
fn answers_come_on_a_runtime_with_many_threads_and_on_a_plain_thread() {
    for shards in SHARDS {
        let (house, purchases) = market(shards, 200);
        let house = Arc::new(house);
        let (mine, theirs) = purchases.split_at(100);
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).build().unwrap();
        let tasks: Vec<_> = theirs
            .iter()
            .map(|message| {
                let (house, message) = (Arc::clone(&house), message.clone());
                runtime.spawn(async move { house.engine().send(message).await })
            })
            .collect();
        let plain: Vec<Answer> = mine.iter().map(|message| house.send(message.clone())).collect();
        assert_all_bought(&plain, "on a plain thread");
        let awaited: Vec<Answer> = tasks.into_iter().map(|task| runtime.block_on(task).unwrap()).collect();
        assert_all_bought(&awaited, "on a runtime");
        // Even where waiting blocks a thread of a runtime, nothing of it panics.
        let repeated = runtime.block_on(async { house.engine().send(mine[0].clone()).wait() });
        assert_eq!(repeated, plain[0], "{shards} shards");
        drop(runtime);
        assert_eq!(Arc::into_inner(house).unwrap().close_and_audit().totals.sold, 200, "{shards} shards");
    }
}

#[test]
fn a_batch_may_have_8190_messages_and_no_more() {
    assert_eq!(BATCH_MESSAGES_MAX, 8_190, "the bound is part of the interface");
    for shards in SHARDS {
        let (house, mut purchases) = market(shards, 8_191);
        let refused = house.engine().send_batch(purchases.clone()).wait();
        assert_eq!(refused.len(), 8_191, "{shards} shards");
        for answer in refused {
            let refusal = answer.unwrap_err();
            assert_eq!((refusal.code, &*refusal.field), (Code::BadValue, "messages"), "{refusal}");
            assert!(refusal.detail.contains("8191") && refusal.detail.contains("8190"), "{refusal}");
        }
        assert_eq!(house.offering("lantern").sold, 0, "{shards} shards: a refused batch does nothing");
        purchases.pop();
        let answers = house.engine().send_batch(purchases).wait();
        assert_eq!(answers.len(), 8_190, "{shards} shards");
        // The line of those who wait while the last serials are paid is bounded, this many serials are not.
        assert_all_bought(&answers, &format!("{shards} shards"));
        assert!(house.engine().send_batch(Vec::new()).wait().is_empty(), "{shards} shards: an empty batch");
        assert_eq!(house.close_and_audit().totals.sold, 8_190, "{shards} shards");
    }
}

#[test]
fn past_the_permits_the_answer_is_overloaded_and_the_same_ids_can_be_sent_again() {
    for shards in SHARDS {
        let (mut house, purchases) = market(shards, 100);
        house.engine().close().unwrap();
        house.drop_engine();
        let mut config = house.config(shards);
        config.permits = 8;
        house.open_engine(config);
        let mut waiting = purchases.clone();
        for round in 0_usize.. {
            let answers = house.engine().send_batch(waiting.clone()).wait();
            let (taken, rest) = answers.split_at(answers.len().min(8));
            assert_all_bought(taken, &format!("{shards} shards, round {round}"));
            assert!(
                rest.iter().all(|answer| code(answer) == Some(Code::Overloaded)),
                "{shards} shards: {rest:?}"
            );
            assert_eq!(
                house.offering("lantern").sold as usize,
                (8 * (round + 1)).min(100),
                "{shards} shards"
            );
            waiting.drain(..taken.len());
            if waiting.is_empty() {
                break;
            }
        }
        assert_eq!(house.engine().in_flight(), 0, "{shards} shards: every permit came home");
        assert_eq!(house.close_and_audit().totals.sold, 100, "{shards} shards");
    }
}

#[test]
fn what_a_door_refuses_by_itself_takes_no_room_from_the_others_of_its_batch() {
    for shards in SHARDS {
        let (mut house, purchases) = market(shards, 8);
        house.engine().close().unwrap();
        house.drop_engine();
        let mut config = house.config(shards);
        config.permits = 8;
        house.open_engine(config);
        // Three strangers before each buyer: four times as many messages as there are permits.
        let stranger = buy("nobody", "buy", "lantern", None);
        let batch: Vec<Message> = purchases
            .iter()
            .flat_map(|purchase| [&stranger, &stranger, &stranger, purchase].map(Message::clone))
            .collect();
        let answers = house.engine().send_batch(batch).wait();
        for (place, answer) in answers.iter().enumerate() {
            let expected = (place % 4 < 3).then_some(Code::UnknownAccount);
            assert_eq!(code(answer), expected, "{shards} shards, {place}: {answer:?}");
        }
        // Everything is sold now, which doors say by themselves, and to a hundred as to one.
        let late: Vec<Message> =
            (0..100).map(|late| buy("shop", &format!("late {late}"), "lantern", None)).collect();
        let again: Vec<Message> = late.iter().chain(&purchases).cloned().collect();
        let answers = house.engine().send_batch(again).wait();
        let (sold_out, bought) = answers.split_at(100);
        assert!(
            sold_out.iter().all(|answer| code(answer) == Some(Code::SoldOut)),
            "{shards} shards: {sold_out:?}"
        );
        assert_all_bought(bought, &format!("{shards} shards, repeats"));
        assert_eq!(house.engine().in_flight(), 0, "{shards} shards: every permit came home");
        assert_eq!(house.close_and_audit().totals.sold, 8, "{shards} shards");
    }
}

#[test]
fn a_closed_engine_takes_nothing_and_can_be_closed_again() {
    for shards in SHARDS {
        let (house, purchases) = market(shards, 2);
        let under_way = house.engine().send(purchases[0].clone());
        house.engine().close().unwrap();
        assert_all_bought(&[under_way.wait()], "sent before it was closed");
        for message in [purchases[0].clone(), purchases[1].clone(), show_account("nobody")] {
            let answer = house.send(message);
            assert_eq!(code(&answer), Some(Code::Stopped), "{shards} shards: {answer:?}");
        }
        house.engine().close().unwrap();
        house.engine().close().unwrap();
        assert_eq!(house.engine().fault(), None, "{shards} shards");
        assert_eq!(house.close_and_audit().totals.sold, 1, "{shards} shards");
    }
}

#[test]
fn closing_while_others_send_loses_no_answer() {
    for shards in SHARDS {
        let (mut house, purchases) = market(shards, 400);
        let answers = std::thread::scope(|scope| {
            let sending = scope.spawn(|| house.send_at_once(&purchases));
            std::thread::yield_now();
            house.engine().close().unwrap();
            sending.join().unwrap()
        });
        let bought = answers.iter().filter(|answer| answer.is_ok()).count();
        let stopped = answers.iter().filter(|answer| code(answer) == Some(Code::Stopped)).count();
        assert_eq!(bought + stopped, 400, "{shards} shards: an answer is neither");
        house.restart(shards);
        assert_eq!(house.offering("lantern").sold as usize, bought, "{shards} shards");
        assert_eq!(house.close_and_audit().totals.sold as usize, bought, "{shards} shards");
    }
}

// I19: an engine that is gone without being closed leaves nobody waiting and takes back nothing that it said.
#[test]
fn an_engine_that_is_dropped_answers_everyone_and_keeps_what_it_answered() {
    for shards in SHARDS {
        let (mut house, purchases) = market(shards, 1_000);
        let replies: Vec<_> = purchases.iter().map(|message| house.engine().send(message.clone())).collect();
        house.drop_engine();
        let answers: Vec<Answer> = replies.into_iter().map(hongbao::Reply::wait).collect();
        house.open_engine(house.config(shards));
        for ((message, answer), number) in purchases.iter().zip(&answers).zip(0..) {
            match answer {
                Ok(_) => assert_eq!(house.posted(&format!("buyer-{number}")), 0, "{shards} shards"),
                Err(refusal) => assert_eq!(refusal.code, Code::OutcomeUnknown, "{shards} shards: {refusal}"),
            }
            let again = house.send(message.clone());
            assert!(again.is_ok(), "{shards} shards, {number}: {again:?}");
            assert!(
                answer.is_err() || again == *answer,
                "{shards} shards, {number}: {answer:?}, now {again:?}"
            );
        }
        assert_eq!(house.posted("shop"), 1_000_000 + 1_000 * 100, "{shards} shards");
        assert_eq!(house.close_and_audit().totals.sold, 1_000, "{shards} shards");
    }
}

// Another engine may open the folder as soon as the first is gone, so nothing of the first may write any more.
#[test]
fn an_engine_that_is_dropped_in_the_middle_of_its_work_has_written_its_last() {
    for shards in SHARDS {
        let (mut house, purchases) = market(shards, 8_000);
        drop(house.engine().send_batch(purchases));
        house.drop_engine();
        let journal = house.config(shards).data.join("journal");
        let bytes = || -> u64 {
            let segments = std::fs::read_dir(&journal).unwrap();
            segments.map(|segment| segment.unwrap().metadata().unwrap().len()).sum()
        };
        let left = bytes();
        std::thread::sleep(Duration::from_millis(300));
        assert_eq!(bytes(), left, "{shards} shards");
        house.open_engine(house.config(shards));
        house.close_and_audit();
    }
}

#[test]
fn a_folder_has_one_engine_at_a_time() {
    for shards in SHARDS {
        let mut house = House::new(shards);
        let failure = Engine::open(house.config(shards)).err().unwrap().to_string();
        assert!(failure.ends_with("is in use by this or another process: end that process, or drop the engine where it is this one, or choose another folder"));
        let folder = house.config(shards).data;
        assert!(failure.starts_with(folder.to_str().unwrap()), "{shards} shards: {failure}");
        // Closed it still holds the folder: somebody may look at what it recovered.
        house.engine().close().unwrap();
        assert!(Engine::open(house.config(shards)).is_err(), "{shards} shards");
        house.drop_engine();
        house.open_engine(house.config(shards));
        assert_eq!(house.posted("shop"), 1_000_000, "{shards} shards");
    }
}

#[test]
fn settings_out_of_their_bounds_are_named_and_nothing_is_made() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let cases = [
        ("shards", 0, PERMITS_MAX),
        ("shards", SHARDS_MAX + 1, PERMITS_MAX),
        ("permits", 1, 0),
        ("permits", 1, PERMITS_MAX + 1),
    ];
    for (named, shards, permits) in cases {
        let mut config = Config::new(&data).with_shards(shards);
        config.permits = permits;
        match Engine::open(config).err() {
            Some(EngineError::Config { field, .. }) => assert_eq!(field, named),
            other => panic!("{shards} shards and {permits} permits: {other:?}"),
        }
        assert!(!data.exists(), "{shards} shards and {permits} permits made a folder");
    }
}

#[test]
fn what_is_refused_changes_nothing() {
    for shards in SHARDS {
        let (mut house, _) = market(shards, 2);
        house.issue("secret", offer(1, 100));
        house.send(circulate("buyer-0", "share", "lantern", 1)).unwrap();
        let cases = [
            (circulate("buyer-0", "again", "lantern", 1), Code::AlreadyLinked),
            (circulate("buyer-1", "share", "lantern", 3), Code::UnknownCertificate),
            (circulate("buyer-1", "share", "secret", 1), Code::NotPublished),
            (circulate("nobody", "share", "lantern", 1), Code::UnknownAccount),
            (buy("buyer-1", "buy", "secret", None), Code::NotPublished),
            (buy("buyer-1", "buy", "nothing", None), Code::UnknownOffering),
            (buy("nobody", "buy", "lantern", None), Code::UnknownAccount),
        ];
        let seen = |house: &House| {
            let accounts = ["shop", "buyer-0", "buyer-1"].map(|account| house.account(account));
            let offerings = ["lantern", "secret"].map(|offering| house.offering(offering));
            (accounts, offerings, house.certificate("lantern", 1, 1), house.certificate("lantern", 2, 1))
        };
        let before = seen(&house);
        for (message, wanted) in cases {
            let answer = house.send(message.clone());
            assert_eq!(code(&answer), Some(wanted), "{shards} shards, {message:?}: {answer:?}");
            assert_eq!(seen(&house), before, "{shards} shards, {message:?}");
        }
        house.restart(shards);
        assert_eq!(seen(&house), before, "{shards} shards: after a restart");
    }
}
