//! Request ids and refusals: I12, I13, I19's facts, and the bound on a currency's whole money.

use super::every_command::{kind, other_body, script};
use crate::actors::Replay;
use crate::domain::{Code, Command, Currency, Done, Message, Offer, Position, WhenShort, chain};
use crate::engine::{Progress, read_into};
use crate::journal::{Log, RecordBatch, SegmentLog, record};
use crate::limits::{MONEY_MINOR_MAX, REQUEST_KEPT_MS, REQUESTS_KEPT_MAX};
use crate::simulation::tearing_disk::TearingDisk;
use crate::simulator::engaging::*;
use crate::simulator::messages::*;
use crate::simulator::stage::Stage;

#[test]
fn the_script_has_every_command_that_changes_something() {
    // I12: what the tests below walk over
    let (_, messages) = script();
    let there: std::collections::BTreeSet<_> =
        messages.iter().map(|message| kind(&message.command).expect("it only looks")).collect();
    assert_eq!(there.len(), 36, "{there:?}");
    for message in &messages {
        assert_ne!(other_body(message), message.command);
    }
}

#[test]
fn a_repeat_of_any_command_gets_an_equal_answer_and_leaves_no_record() {
    // I12, I19
    let (mut stage, messages) = script();
    let answers: Vec<_> = messages.iter().map(|message| stage.send(message)).collect();
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
    for elapsed in [0, REQUEST_KEPT_MS - 1] {
        stage.later(elapsed);
        let records = stage.records();
        for (message, answer) in messages.iter().zip(&answers) {
            assert_eq!(&stage.send(message), answer, "{message:?}");
            assert_eq!(stage.records(), records, "{message:?}");
        }
        let mut again = stage.restarted_at(records);
        for (message, answer) in messages.iter().zip(&answers) {
            assert_eq!(&again.send(message), answer, "after a restart: {message:?}");
        }
        assert_eq!(again.records(), records);
    }
}

#[test]
fn an_account_that_remembers_all_it_can_says_when_it_has_room_again() {
    // DESIGN 5, I12
    let mut stage = Stage::large(1);
    stage.send(&open("buyer", 0)).unwrap();
    let all: Vec<Message> = (0..REQUESTS_KEPT_MAX).map(|_| deposit("buyer", 1)).collect();
    for part in all.chunks(1_000) {
        stage.send_all(part).into_iter().for_each(|answer| drop(answer.unwrap()));
    }
    let one_more = deposit("buyer", 1);
    let mut refused_after = |elapsed_ms| {
        stage.later(elapsed_ms);
        let refusal = stage.send(&one_more).unwrap_err();
        assert!(refusal.code.retryable() && refusal.code.definite());
        (refusal.code, refusal.after_seconds)
    };
    let day = (REQUEST_KEPT_MS / 1_000) as u32;
    assert_eq!(refused_after(0), (Code::DayFull, day));
    assert_eq!(refused_after(60_500), (Code::DayFull, day - 60));
    assert_eq!(refused_after(REQUEST_KEPT_MS - 60_501), (Code::DayFull, 1));
    stage.later(1);
    stage.send(&one_more).unwrap();
}

#[test]
fn repeats_that_come_together_have_one_effect() {
    // I12
    for luck in 0..20 {
        let (stage, messages) = script();
        let mut stage = stage.with_luck(luck);
        for message in messages {
            let copies: Vec<Message> = (0..4).map(|_| message.clone()).collect();
            let answers = stage.send_all(&copies);
            assert!(answers[0].is_ok(), "luck {luck}: {message:?}: {:?}", answers[0]);
            for answer in &answers {
                assert_eq!(answer, &answers[0], "luck {luck}: {message:?}");
            }
        }
        assert_eq!(stage.posted("newcomer"), 12);
        assert_eq!(stage.posted("buyer"), 1_000_000 - 2_100);
        assert_eq!(stage.offering("tea").stock().sold(), 3);
    }
}

#[test]
fn the_same_id_with_another_body_is_refused() {
    // I12
    let (mut stage, messages) = script();
    for message in &messages {
        stage.send(message).unwrap();
    }
    for message in &messages {
        let reused = Message { command: other_body(message), ..message.clone() };
        assert_eq!(refuses(&mut stage, &reused), Code::IdReused, "{reused:?}");
    }
}

#[test]
fn one_id_serves_one_request_of_a_caller_at_an_offering() {
    // I12: whatever the command
    let reservable = || Offer { reservable_ms: Some(1_000), ..offer(700, 4) };
    let commands = |offering: &str| {
        vec![
            issue(offering, reservable()),
            publish(offering),
            attach("supplier", offering, &terms(50, 10)),
            circulate("supplier", offering, 0),
            reserve("supplier", offering, 2),
            pay("supplier", offering, 2),
            reserve("supplier", offering, 3),
            cancel("supplier", offering, 3),
            purchase("supplier", offering, 0),
        ]
    };
    let mut stage = market(offer(700, 1), None);
    stage.send(&deposit("supplier", 1_000_000)).unwrap();
    for first in 0..9 {
        for second in 0..9 {
            let offering = format!("offering {first} {second}");
            // Everything before the first one has an id of its own, then both share one.
            for message in commands(&offering).into_iter().take(first) {
                stage.send(&message).unwrap();
            }
            let again = |index: usize| with_id(commands(&offering).remove(index), "the id");
            stage.send(&again(first)).unwrap();
            if second != first {
                assert_eq!(refuses(&mut stage, &again(second)), Code::IdReused, "{first} then {second}");
            }
        }
    }
}

#[test]
fn ids_are_scoped_by_caller_and_target() {
    // I12, DESIGN 5
    let mut stage = market(offer(700, 3), Some(&terms(500, 100)));
    let same = [
        circulate("u1", "tea", 0),
        circulate("u2", "tea", 1),
        circulate("u1", "tea", 1),
        circulate("u1", "tea", 2),
        deposit("u1", 5),
        deposit("u2", 5),
    ];
    for message in same {
        stage.send(&with_id(message, "same")).unwrap();
    }
    assert_eq!((stage.posted("u1"), stage.posted("u2")), (5, 5));
    let hops = |serial| stage.certificate("tea", serial).map_or(0, |tea| tea.hops().count());
    assert_eq!([hops(1), hops(2), hops(3)], [3, 1, 0]);
}

#[test]
fn a_refused_id_is_decided_anew() {
    // I12, DESIGN 5
    let mut stage = market(offer(700, 2), None);
    let attempts = [
        (purchase("broke", "tea", 0), Code::InsufficientFunds),
        (purchase("broke", "tea", 2), Code::InsufficientFunds),
        (cash_out("broke", 300), Code::InsufficientFunds),
        (attach("supplier", "tea", &terms(500, 100)), Code::InsufficientFunds),
    ];
    for (message, code) in &attempts {
        assert_eq!(refused(stage.send(message)), *code);
        assert_eq!(refused(stage.send(message)), *code);
    }
    stage.send(&deposit("broke", 1_700)).unwrap();
    stage.send(&deposit("supplier", 1_000)).unwrap();
    for index in [3, 0, 1, 2] {
        stage.send(&attempts[index].0).unwrap();
    }
    assert_eq!((stage.posted("broke"), stage.posted("supplier")), (0, 1_000), "paid, and returned by H6");
    let linked = circulate("u1", "tea", 0);
    assert_eq!(refused(stage.send(&linked)), Code::SoldOut);
}

#[test]
fn a_refused_id_of_every_engagement_is_decided_anew() {
    // I12, DESIGN 5
    let mut stage = market(Offer { reservable_ms: Some(100), ..offer(700, 2) }, Some(&terms(500, 100)));
    stage.send(&register("u9", "payee", WhenShort::Refuse)).unwrap();
    stage.send(&cash_out("payer", 1_000_000 - 1_000)).unwrap();
    stage.send(&give("rival", "present", "u1", "u9", (goods(), 60))).unwrap();
    stage.send(&issue_payment("rival", "escrow", 60, "u1")).unwrap();
    let attempts = [
        (reserve("broke", "tea", 1), Code::InsufficientFunds),
        (top_up("payer", "tea", 2, 3), Code::InsufficientFunds),
        (give("broke", "other", "u1", "u9", (goods(), 60)), Code::InsufficientFunds),
        (issue_payment("broke", "own", 60, ""), Code::InsufficientFunds),
        (begin_transfer("broke", "slow", "u1", 60, None), Code::InsufficientFunds),
        (send_money("broke", "u1", 60), Code::InsufficientFunds),
        (withhold("u9", "order", 60, gift("u1", "rival", "present")), Code::GiftNotAccepted),
        (release(payment("rival", "escrow"), 60), Code::TransferConditionNotMet),
    ];
    for (message, code) in &attempts {
        assert_eq!(refused(stage.send(message)), *code, "{message:?}");
        assert_eq!(refused(stage.send(message)), *code, "{message:?}");
    }
    for account in ["broke", "payer"] {
        stage.send(&deposit(account, 1_000)).unwrap();
    }
    stage.send(&accept("u1", "rival", "present")).unwrap();
    stage.send(&receive("u1", payment("rival", "escrow"))).unwrap();
    for (message, _) in &attempts {
        let answer = stage.send(message);
        assert!(answer.is_ok(), "{message:?}: {answer:?}");
        assert_eq!(stage.send(message), answer, "{message:?}");
    }
    assert_eq!((stage.posted("broke"), stage.posted("payee"), stage.posted("u1")), (1_000 - 120, 60, 120));
}

#[test]
fn a_round_in_turn_that_was_refused_is_decided_anew() {
    // I12, D30
    let mut stage = market(offer(700, 1), None);
    chain(&mut stage, 1, &["u1"]);
    let message = circulate("u1", "tea", 0);
    assert_eq!(refused(stage.send(&message)), Code::AlreadyLinked);
    chain(&mut stage, 1, &["u2"]);
    assert_eq!(circulated(stage.send(&message)).hop, 3);
    assert_eq!(circulated(stage.send(&message)).hop, 3);
    assert_eq!(stage.certificate("tea", 1).unwrap().hops().count(), 3);
}

#[test]
fn deposits_are_recognised_for_a_day_and_openings_for_ever() {
    // I12, DESIGN 5
    let mut stage = market(offer(700, 1), None);
    let (opening, deposit) = (open("newcomer", 10), deposit("newcomer", 5));
    let opened = stage.send(&opening).unwrap();
    let deposited = stage.send(&deposit).unwrap();
    stage.later(REQUEST_KEPT_MS - 1);
    assert_eq!(stage.send(&deposit), Ok(deposited.clone()));
    assert_eq!(stage.posted("newcomer"), 15);
    stage.later(1);
    let late = stage.send(&deposit).unwrap();
    assert_ne!(late, deposited);
    assert_eq!(stage.posted("newcomer"), 20, "forgotten, so it is a new deposit");
    stage.later(365 * REQUEST_KEPT_MS);
    assert_eq!(stage.send(&opening), Ok(opened));
    assert_eq!(stage.posted("newcomer"), 20);
    assert_eq!(refuses(&mut stage, &open("newcomer", 10)), Code::NameTaken);
}

#[test]
fn a_currency_s_whole_money_stays_within_its_bound() {
    // I20, I13, DESIGN 3
    let mut stage = Stage::new(3);
    stage.send(&open("rich", MONEY_MINOR_MAX - 10)).unwrap();
    stage.send(&open("other", 4)).unwrap();
    let too_much = |stage: &mut Stage, message: &Message, field: &str| {
        let records = stage.records();
        assert_eq!(refused_for(stage.send(message)), (Code::AmountTooLarge, field.to_owned()), "{message:?}");
        assert_eq!(stage.records(), records);
    };
    too_much(&mut stage, &deposit("rich", 7), "amount");
    too_much(&mut stage, &deposit("other", 7), "amount");
    too_much(&mut stage, &credit("other", 7), "credit_limit");
    too_much(&mut stage, &open("third", 7), "deposit");
    too_much(&mut stage, &open_in("third", Currency::USD, 3, 4), "deposit");
    stage.send(&open_in("abroad", euro(), MONEY_MINOR_MAX, 0)).unwrap();
    stage.send(&credit("other", 6)).unwrap();
    too_much(&mut stage, &deposit("rich", 1), "amount");
    stage.send(&credit("other", 2)).unwrap();
    let deposit_again = deposit("rich", 4);
    stage.send(&deposit_again).unwrap();
    stage.send(&deposit_again).unwrap();
    too_much(&mut stage, &deposit("rich", 1), "amount");
    stage.send(&cash_out("rich", 5)).unwrap();
    stage.send(&deposit("other", 5)).unwrap();
    let mut again = stage.restarted_at(stage.records());
    too_much(&mut again, &deposit("other", 1), "amount");
    assert!(again.send(&cash_out("other", 1)).is_ok());
    assert!(again.send(&deposit("other", 1)).is_ok());
}

#[test]
fn a_second_account_of_a_name_is_refused() {
    // P1, I13
    let mut stage = market(offer(700, 1), None);
    assert_eq!(refuses(&mut stage, &open("u1", 5)), Code::NameTaken);
    assert_eq!(refuses(&mut stage, &open_in("u1", euro(), 5, 0)), Code::NameTaken);
    assert_eq!(stage.account("u1").currency(), Currency::USD);
    let answers = stage.send_all(&[open("twin", 1), open("twin", 2), open_in("twin", euro(), 3, 0)]);
    assert!(answers[0].is_ok());
    assert_eq!([refused(answers[1].clone()), refused(answers[2].clone())], [Code::NameTaken; 2]);
    assert_eq!(stage.posted("twin"), 1);
}

#[test]
fn an_unknown_name_is_refused_with_its_field() {
    // D40, I13
    let mut stage = market(offer(700, 1), None);
    let cases = [
        (deposit("nobody", 5), Code::UnknownAccount, "account"),
        (purchase("nobody", "tea", 0), Code::UnknownAccount, "caller"),
        (purchase("buyer", "nothing", 0), Code::UnknownOffering, "offering"),
        (circulate("u1", "nothing", 1), Code::UnknownOffering, "offering"),
        (attach("payer", "nothing", &terms(500, 100)), Code::UnknownOffering, "offering"),
        (publish("nothing"), Code::UnknownOffering, "offering"),
        (deposit("u1", 0), Code::AmountNotPositive, "amount"),
        (cash_out("u1", 0), Code::AmountNotPositive, "amount"),
    ];
    for (message, code, field) in cases {
        assert_eq!(refused_for(stage.send(&message)), (code, field.to_owned()), "{message:?}");
    }
}

#[test]
fn looking_moves_nothing_and_says_the_live_values() {
    // D26, V2, P8
    let mut stage = market(offer(700, 1), Some(&terms(500, 100)));
    chain(&mut stage, 1, &["u1"]);
    let records = stage.records();
    assert_eq!(label(&mut stage, 1), [100, 360, 140]);
    row(&mut stage, "tea");
    let shown = stage.send(&by("u1", Command::ShowAccount { account: name("u1") }));
    assert!(matches!(shown, Ok(Done::Account(account)) if account.posted.minor() == 0));
    assert_eq!(stage.records(), records);
}

#[test]
fn two_issues_of_one_name_at_once_never_share_numbers() {
    // C3, I13: the numbers of certificates are given out with the name
    let mut stage = market(offer(700, 1), None);
    let (small, large) = (issue("cocoa", offer(300, 1)), issue("cocoa", offer(300, 5)));
    let answers = stage.send_all(&[small.clone(), large.clone(), open("neighbour", 5)]);
    assert_eq!(answers[0], Ok(Done::Issued { items: 1 }));
    assert_eq!(
        refused(answers[1].clone()),
        Code::Overloaded,
        "the other one is not issued yet: to be retried"
    );
    assert_eq!(refuses(&mut stage, &large), Code::NameTaken);
    assert!(stage.number("neighbour") > stage.number_of("cocoa", 1));
}

#[test]
fn a_look_in_the_turn_of_a_change_shows_the_chain_with_it() {
    // I9
    let mut stage = market_on(Stage::large(1), offer(700, 1), None);
    let looking = by("u1", Command::ShowAccount { account: name("u1") });
    let messages = [&looking, &deposit("u1", 5), &looking, &deposit("u1", 6), &deposit("u1", 7), &looking];
    let before = stage.records();
    let answers = stage.send_all(&messages.map(Clone::clone));
    let told: Vec<(u64, u64)> = stage.encoded()[before..]
        .iter()
        .map(|bytes| record::decode(bytes).unwrap().prefix)
        .map(|prefix| (prefix.sequence, prefix.chain))
        .collect();
    let seen: Vec<(u64, u64)> = answers
        .into_iter()
        .filter_map(|answer| match answer.unwrap() {
            Done::Account(view) => Some((view.sequence, chain::prefix(&view.head))),
            _ => None,
        })
        .collect();
    assert_eq!((told.len(), seen.len()), (3, 3));
    assert_eq!((seen[1], seen[2]), (told[0], told[2]));
    assert_eq!(seen[0].0 + 1, seen[1].0);
    assert!(told[1] != told[0] && told[1] != told[2] && seen[0] != seen[1]);
}

#[test]
fn the_head_of_an_untouched_certificate_is_the_one_that_its_chain_begins_with() {
    // I9, D29
    let mut stage = market(offer(700, 2), None);
    let number = stage.number_of("tea", 2);
    let shown = view(&mut stage, "tea", 2);
    assert_eq!((shown.sequence, shown.head), (0, chain::origin(number)));
}

#[test]
fn whoever_reads_messages_finds_one_that_is_none() {
    // I11: a restart needs only those that nobody has absorbed, an audit reads all
    let mut stage = market(offer(700, 2), None);
    stage.send(&purchase("buyer", "tea", 1)).unwrap();
    let spoiled = |bytes: &[u8]| {
        let mut bytes = bytes.to_vec();
        let record = record::decode(&stage.encoded()[stage.records() - 1]).unwrap();
        assert_eq!(record.onward().count(), 0);
        let lengths: Vec<usize> =
            record::decode(&bytes).unwrap().onward().map(|sent| sent.unwrap().encoded.len()).collect();
        if let Some(last) = lengths.last() {
            let end = bytes.len();
            bytes[end - last..].fill(0xFF);
        }
        bytes
    };
    let replayed = |reads: bool| {
        let mut replay = Replay::new(1);
        if reads {
            replay.read_messages();
        }
        let records = (1_u64..).zip(stage.encoded());
        records
            .into_iter()
            .try_for_each(|(position, bytes)| replay.record(Position(position), &spoiled(bytes)).map(|_| ()))
    };
    assert!(replayed(false).is_ok());
    let error = replayed(true).unwrap_err().to_string();
    assert!(error.contains("its message") && error.contains("is none"), "{error}");
}

#[test]
fn a_record_that_absorbs_what_is_not_for_it_is_named_however_the_log_is_read() {
    // I11: a start follows the messages on another thread than the one that absorbs
    let mut stage = market(offer(700, 2), None);
    stage.send(&purchase("buyer", "tea", 1)).unwrap();
    let whole = stage.encoded().to_vec();
    let last = whole.last().unwrap();
    assert!(record::decode(last).unwrap().prefix.cause.is_some());
    for (records, wrong) in
        [(whole.clone(), false), ([&whole[..], std::slice::from_ref(last)].concat(), true)]
    {
        let mut batch = RecordBatch::new();
        records.iter().for_each(|record| batch.push(record).unwrap());
        let (mut log, _) = SegmentLog::open(TearingDisk::default()).unwrap();
        log.append(&batch).unwrap();
        log.sync().unwrap();
        for one_by_one in [true, false] {
            let mut replay = Replay::new(1);
            let progress = Progress::default();
            let read = if one_by_one {
                read_into(&log, &mut replay, &progress, Some(&mut |_, _, _| Ok(())))
            } else {
                read_into(&log, &mut replay, &progress, None)
            };
            if wrong {
                let error = read.unwrap_err().to_string();
                let expected = format!("record {} is wrong: message", records.len());
                assert!(
                    error.starts_with(&expected) && error.ends_with("is not for it to absorb"),
                    "{error}"
                );
            } else {
                read.unwrap();
                assert!(replay.undelivered().unwrap().is_empty());
            }
            assert_eq!(replay.records(), whole.len() as u64);
        }
    }
}
