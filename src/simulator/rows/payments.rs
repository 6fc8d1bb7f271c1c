//! Payment certificates by themselves: K4, D38, P7, I16.
//!
//! What they do for a commission stands in `backing`, what for a purchase in `escrow`.

use crate::domain::{
    AccountEvent, Code, Command, Done, Event, Message, PaymentCertificate, PaymentCommand, PaymentEvent,
    PaymentReference, PaymentState, StatusChange, Timestamp,
};
use crate::limits::REQUEST_KEPT_MS;
use crate::simulator::engaging::*;
use crate::simulator::messages::*;
use crate::simulator::stage::Stage;
use crate::simulator::traces::available;

/// The payment certificate of most tests: 500 of the payer's for the payee.
fn escrow() -> PaymentReference {
    payment("payer", "escrow")
}

/// A market in which it is issued, with these bounds.
fn issued((not_before, expires_at): (Option<u64>, Option<u64>)) -> Stage {
    let mut stage = market(offer(700, 1), None);
    let bounds = (not_before.map(after_start), expires_at.map(after_start));
    stage.send(&issue_payment_until("payer", "escrow", 500, "payee", bounds)).unwrap();
    stage
}

/// A payment certificate as its issuer's account has it.
pub(super) fn kept(stage: &Stage, issuer: &str, payment: &str) -> PaymentCertificate {
    let payment = id(payment);
    let found = stage.account(issuer).payments().find(|(known, _)| **known == payment);
    found.expect("a payment certificate is kept for ever").1.clone()
}

/// How far it has come, and what of it is released, freed and held.
pub(super) fn parts(stage: &Stage, issuer: &str, payment: &str) -> (PaymentState, [u64; 3]) {
    let kept = kept(stage, issuer, payment);
    (kept.state, [kept.released.minor(), kept.freed.minor(), kept.held().minor()])
}

pub(super) fn held(stage: &Stage, account: &str) -> u64 {
    stage.account(account).held().minor()
}

/// The dates at which payment certificates have expired.
fn expiries(stage: &Stage) -> Vec<Timestamp> {
    let expired =
        |event: &Event| matches!(event, Event::Account(AccountEvent::Payment(PaymentEvent::Expired(_))));
    stage.events().iter().filter(|(.., event)| expired(event)).map(|(_, at, _)| *at).collect()
}

fn show_payment(caller: &str, reference: PaymentReference) -> Message {
    by(caller, Command::Payment(PaymentCommand::Show(reference)))
}

#[test]
fn a_payment_certificate_holds_pays_and_frees_by_its_states() {
    // K4, I16
    let receive = || receive("payee", escrow());
    let reject = || reject("payee", escrow());
    let (release, void) = (|amount| release(escrow(), amount), || void_payment(escrow()));
    // What is done; how far it has come; released, freed and held.
    let cases: Vec<(Vec<Message>, PaymentState, [u64; 3])> = vec![
        (vec![], PaymentState::Issued, [0, 0, 500]),
        (vec![receive()], PaymentState::Received, [0, 0, 500]),
        (vec![receive(), release(500)], PaymentState::Released, [500, 0, 0]),
        (vec![receive(), release(300)], PaymentState::Released, [300, 200, 0]),
        (vec![receive(), release(1)], PaymentState::Released, [1, 499, 0]),
        (vec![reject()], PaymentState::Rejected, [0, 500, 0]),
        (vec![receive(), reject()], PaymentState::Rejected, [0, 500, 0]),
        (vec![void()], PaymentState::Void, [0, 500, 0]),
        (vec![receive(), void()], PaymentState::Void, [0, 500, 0]),
    ];
    for (messages, state, [released, freed, still_held]) in cases {
        let mut stage = issued((None, None));
        assert_eq!((stage.posted("payer"), held(&stage, "payer")), (1_000_000, 500));
        for (index, message) in messages.iter().enumerate() {
            let answer = stage.send(message);
            let last = index + 1 == messages.len();
            let expected = if last { (state, released, freed) } else { (PaymentState::Received, 0, 0) };
            assert_eq!(payment_state(answer), expected, "{message:?}");
        }
        assert_eq!(parts(&stage, "payer", "escrow"), (state, [released, freed, still_held]));
        assert_eq!(stage.posted("payer"), 1_000_000 - i64::try_from(released).unwrap(), "{state:?}");
        assert_eq!(held(&stage, "payer"), still_held, "{state:?}");
        assert_eq!(available(&stage, "payer"), PURSE - released - still_held, "{state:?}");
        assert_eq!(available(&stage, "payee"), released, "{state:?}");
        if still_held > 0 {
            continue;
        }
        let late = [
            receive(),
            reject(),
            release(1),
            void(),
            purchase_with_payment("payer", "tea", 1, "escrow"),
            attach_backed("payer", "tea", &terms(5, 1), "escrow"),
        ];
        for message in late {
            assert_eq!(
                refused(stage.send(&message)),
                Code::PaymentCertificateEnded,
                "{state:?}: {message:?}"
            );
        }
        assert_eq!(parts(&stage, "payer", "escrow"), (state, [released, freed, 0]), "{state:?} is final");
    }
}

#[test]
fn each_step_belongs_to_one_party() {
    // K4, P7, I13: its beneficiary receives and rejects, the institution alone releases and voids
    let of = |command: fn(PaymentReference) -> PaymentCommand| Command::Payment(command(escrow()));
    let releasing = |reference| PaymentCommand::Release { reference, amount: money(5) };
    let mut stage = issued((None, None));
    for received in [false, true] {
        for stranger in ["payer", "buyer", "supplier"] {
            for step in [PaymentCommand::Receive, PaymentCommand::Reject] {
                assert_eq!(refuses(&mut stage, &by(stranger, of(step))), Code::NotAllowed, "{stranger}");
            }
        }
        for step in [PaymentCommand::Receive, PaymentCommand::Reject] {
            assert_eq!(refuses(&mut stage, &by_institution(of(step))), Code::NotAllowed);
        }
        for stranger in ["payer", "payee", "buyer"] {
            for step in [releasing, PaymentCommand::Void] {
                assert_eq!(refuses(&mut stage, &by(stranger, of(step))), Code::NotAllowed, "{stranger}");
            }
        }
        if !received {
            stage.send(&receive("payee", escrow())).unwrap();
            let again = receive("payee", escrow());
            assert_eq!(refuses(&mut stage, &again), Code::PaymentCertificateReceived);
        }
    }
    let issue =
        PaymentCommand::Issue { amount: money(5), beneficiary: None, not_before: None, expires_at: None };
    assert_eq!(refuses(&mut stage, &by_institution(Command::Payment(issue))), Code::NotAllowed);
    for concerned in ["payer", "payee"] {
        let shown = stage.send(&show_payment(concerned, escrow()));
        assert_eq!(shown, Ok(Done::Payment(Box::new(kept(&stage, "payer", "escrow")))), "{concerned}");
    }
    assert!(stage.send(&by_institution(of(PaymentCommand::Show))).is_ok());
    assert_eq!(refuses(&mut stage, &show_payment("buyer", escrow())), Code::NotAllowed);
}

#[test]
fn an_early_release_is_refused() {
    // K4, D38, I13: both parts of the transfer condition, to the millisecond
    // Not before, whether it is received, when it is tried, and the answer.
    let not_met = Err(Code::TransferConditionNotMet);
    let cases = [
        (None, false, 0, not_met),
        (None, true, 0, Ok(())),
        (Some(100), true, 0, not_met),
        (Some(100), true, 99, not_met),
        (Some(100), true, 100, Ok(())),
        (Some(100), false, 100, not_met),
        (Some(100), false, 5_000, not_met),
    ];
    for (not_before, received, tried, expected) in cases {
        let mut stage = issued((not_before, None));
        if received {
            stage.send(&receive("payee", escrow())).unwrap();
        }
        stage.at(after_start(tried));
        let records = stage.records();
        let answer = stage.send(&release(escrow(), 500));
        let case = format!("{not_before:?}, received: {received}, at {tried}");
        assert_eq!(answer.map(drop).map_err(|refusal| refusal.code), expected, "{case}");
        let paid: i64 = if expected.is_ok() { 500 } else { 0 };
        assert_eq!(
            (stage.posted("payee"), held(&stage, "payer")),
            (paid, 500 - paid.unsigned_abs()),
            "{case}"
        );
        assert_eq!(expected.is_err(), stage.records() == records, "{case}");
    }
}

#[test]
fn no_more_than_its_amount_is_released() {
    // K4, I13: though its issuer has far more
    let mut stage = issued((None, None));
    stage.send(&receive("payee", escrow())).unwrap();
    assert_eq!(refuses(&mut stage, &release(escrow(), 501)), Code::AmountTooLarge);
    assert_eq!(refuses(&mut stage, &release(escrow(), 0)), Code::AmountNotPositive);
    assert_eq!(parts(&stage, "payer", "escrow"), (PaymentState::Received, [0, 0, 500]));
    stage.send(&release(escrow(), 500)).unwrap();
    assert_eq!(stage.posted("payee"), 500);
}

#[test]
fn it_is_released_once_and_the_rest_is_free() {
    // K4, D38, I12
    let mut stage = issued((None, None));
    stage.send(&receive("payee", escrow())).unwrap();
    let first = with_id(release(escrow(), 200), "the release");
    let answer = stage.send(&first);
    assert_eq!(payment_state(answer.clone()), (PaymentState::Released, 200, 300));
    assert_eq!(available(&stage, "payer"), PURSE - 200);
    for amount in [1, 200, 300] {
        assert_eq!(refuses(&mut stage, &release(escrow(), amount)), Code::PaymentCertificateEnded);
    }
    let records = stage.records();
    assert_eq!(stage.send(&first), answer, "a repeat is answered the same");
    assert_eq!(refuses(&mut stage, &with_id(release(escrow(), 300), "the release")), Code::IdReused);
    assert_eq!((stage.records(), stage.posted("payee")), (records, 200));
    // Two releases that come together.
    let mut stage = issued((None, None));
    stage.send(&receive("payee", escrow())).unwrap();
    let answers = stage.send_all(&[release(escrow(), 200), release(escrow(), 300)]);
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
    assert_eq!((stage.posted("payee"), held(&stage, "payer")), (200, 0));
}

#[test]
fn expiry_frees_all_by_timer_or_with_the_next_message() {
    // K4, D36, I11
    for (received, by_timer, found) in
        [(false, true, 100), (false, false, 100), (true, true, 250), (true, false, 250)]
    {
        let mut stage = issued((None, Some(100)));
        if received {
            stage.send(&receive("payee", escrow())).unwrap();
        }
        stage.at(after_start(99));
        let records = stage.records();
        stage.fire();
        assert_eq!((stage.records(), stage.next_due()), (records, Some(after_start(100))));
        assert_eq!(held(&stage, "payer"), 500);
        stage.at(after_start(found));
        if by_timer {
            stage.fire();
        } else {
            assert_eq!(refused(stage.send(&release(escrow(), 500))), Code::PaymentCertificateEnded);
        }
        assert_eq!(parts(&stage, "payer", "escrow"), (PaymentState::Expired, [0, 500, 0]), "{by_timer}");
        assert_eq!((available(&stage, "payer"), stage.posted("payee")), (PURSE, 0));
        assert_eq!(expiries(&stage), [after_start(100)], "dated at its limit");
        over_for_good(stage);
    }
}

#[test]
fn what_has_ended_before_its_time_does_not_expire() {
    // K4: half-open, so the last millisecond still pays
    let ends = [release(escrow(), 500), reject("payee", escrow()), void_payment(escrow())];
    for end in ends {
        let mut stage = issued((None, Some(100)));
        stage.send(&receive("payee", escrow())).unwrap();
        stage.at(after_start(99));
        stage.send(&end).unwrap();
        let before = parts(&stage, "payer", "escrow");
        assert_eq!(stage.next_due(), None, "{end:?}");
        stage.at(after_start(200));
        stage.fire();
        assert_eq!((parts(&stage, "payer", "escrow"), expiries(&stage)), (before, vec![]), "{end:?}");
    }
}

#[test]
fn what_it_holds_cannot_be_spent_a_second_time() {
    // K4, D45, I3: held counts against available
    let spending = |amount: u64| {
        let begin = begin_transfer("holder", "transfer", "payee", amount, None);
        vec![
            ("sent", send_money("holder", "payee", amount)),
            ("begun", begin),
            ("issued", issue_payment("holder", "second", amount, "payee")),
            ("cashed out", cash_out("holder", amount)),
        ]
    };
    for index in 0..spending(1).len() {
        let mut stage = market(offer(401, 1), None);
        stage.send(&open("holder", 1_000)).unwrap();
        let held_now = stage.send(&issue_payment("holder", "first", 600, "payee"));
        assert_eq!(held_now, Ok(Done::PaymentIssued { held: money(600) }));
        assert_eq!((stage.posted("holder"), available(&stage, "holder")), (1_000, 400));
        assert_eq!(refused(stage.send(&purchase("holder", "tea", 0))), Code::InsufficientFunds);
        let (how, too_much) = spending(401).remove(index);
        assert_eq!(refuses(&mut stage, &too_much), Code::InsufficientFunds, "{how}");
        let (how, enough) = spending(400).remove(index);
        assert!(stage.send(&enough).is_ok(), "{how}");
        assert_eq!(available(&stage, "holder"), 0, "{how}");
        // It is paid all the same.
        stage.send(&receive("payee", payment("holder", "first"))).unwrap();
        stage.send(&release(payment("holder", "first"), 600)).unwrap();
    }
}

#[test]
fn it_holds_a_credit_line_too() {
    // K4, D45, I3: issued on 100 of money and 400 of credit
    let mut stage = market(offer(700, 1), None);
    stage.send(&open_in("borrower", crate::domain::Currency::USD, 100, 400)).unwrap();
    assert_eq!(
        refuses(&mut stage, &issue_payment("borrower", "escrow", 501, "payee")),
        Code::InsufficientFunds
    );
    stage.send(&issue_payment("borrower", "escrow", 500, "payee")).unwrap();
    assert_eq!((stage.posted("borrower"), available(&stage, "borrower")), (100, 0));
    assert_eq!(refuses(&mut stage, &cash_out("borrower", 1)), Code::InsufficientFunds);
    assert_eq!(refuses(&mut stage, &credit("borrower", 399)), Code::InsufficientFunds);
    let there = || payment("borrower", "escrow");
    stage.send(&receive("payee", there())).unwrap();
    stage.send(&release(there(), 450)).unwrap();
    assert_eq!((stage.posted("borrower"), available(&stage, "borrower")), (-350, 50));
    assert_eq!(stage.posted("payee"), 450);
    stage.send(&credit("borrower", 350)).unwrap();
}

#[test]
fn what_contradicts_itself_is_not_issued() {
    // K4, D31, D36, I13
    let mut stage = market(offer(700, 1), None);
    stage.at(after_start(50));
    stage.send(&open("closed", 0)).unwrap();
    stage.send(&status("closed", StatusChange::Close)).unwrap();
    let bounded = |not_before: Option<u64>, expires_at: Option<u64>| {
        let bounds = (not_before.map(after_start), expires_at.map(after_start));
        issue_payment_until("payer", "escrow", 500, "payee", bounds)
    };
    let cases = [
        (issue_payment("payer", "escrow", 0, "payee"), Code::AmountNotPositive, "amount"),
        (issue_payment("payer", "escrow", 500, "nobody"), Code::UnknownAccount, "beneficiary"),
        (issue_payment("payer", "escrow", 500, "foreigner"), Code::CurrencyMismatch, "beneficiary"),
        (issue_payment("payer", "escrow", 500, "closed"), Code::AccountClosed, "beneficiary"),
        (bounded(None, Some(50)), Code::BadValue, "expires_at"),
        (bounded(Some(100), Some(100)), Code::BadValue, "expires_at"),
        (bounded(Some(101), Some(100)), Code::BadValue, "expires_at"),
    ];
    for (message, code, field) in cases {
        let records = stage.records();
        assert_eq!(refused_for(stage.send(&message)), (code, field.to_owned()), "{message:?}");
        assert_eq!((stage.records(), held(&stage, "payer")), (records, 0), "{message:?}");
    }
    for message in [receive("payee", escrow()), release(escrow(), 5), void_payment(escrow())] {
        assert_eq!(refuses(&mut stage, &message), Code::UnknownPaymentCertificate, "{message:?}");
    }
    stage.send(&bounded(Some(99), Some(100))).unwrap();
}

#[test]
fn an_id_names_one_payment_certificate_for_ever() {
    // I12, DESIGN 5
    let mut stage = issued((None, None));
    let again = issue_payment("payer", "escrow", 500, "payee");
    let records = stage.records();
    assert_eq!(stage.send(&again), Ok(Done::PaymentIssued { held: money(500) }));
    assert_eq!(stage.records(), records);
    let other = issue_payment("payer", "escrow", 501, "payee");
    assert_eq!(refuses(&mut stage, &other), Code::IdReused);
    stage.later(2 * REQUEST_KEPT_MS);
    for message in [again, other] {
        assert_eq!(refuses(&mut stage, &message), Code::IdReused, "though the answer is forgotten");
    }
    assert_eq!(held(&stage, "payer"), 500);
    stage.send(&issue_payment("buyer", "escrow", 30, "payee")).unwrap();
    assert_eq!(held(&stage, "buyer"), 30, "within its issuer alone");
}

#[test]
fn a_restart_at_any_record_changes_nothing_of_its_life() {
    // I12, I14, I16
    let mut stage = market(offer(700, 1), None);
    let before = stage.records();
    let script = [
        issue_payment("payer", "escrow", 500, "payee"),
        receive("payee", escrow()),
        release(escrow(), 300),
        issue_payment("payer", "other", 90, "u1"),
        reject("u1", payment("payer", "other")),
    ];
    let answers: Vec<_> = script.iter().map(|message| stage.send(message)).collect();
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
    for records in before..=stage.records() {
        let mut again = stage.restarted_at(records);
        for (message, answer) in script.iter().zip(&answers) {
            assert_eq!(&again.send(message), answer, "cut at {records}: {message:?}");
        }
        assert_eq!(again.records(), stage.records(), "cut at {records}");
        assert_eq!((again.posted("payer"), again.posted("payee")), (1_000_000 - 300, 300));
    }
}

#[test]
fn a_guarantee_is_received_never_called_and_goes_home() {
    // K4, D38: on its own, without any purchase; a guarantee for nobody is never released
    let mut stage = issued((Some(50), Some(100)));
    stage.send(&receive("payee", escrow())).unwrap();
    stage.send(&issue_payment_until("payer", "for nobody", 70, "", (None, Some(after_start(100))))).unwrap();
    let for_nobody = || payment("payer", "for nobody");
    assert_eq!(refuses(&mut stage, &release(for_nobody(), 70)), Code::TransferConditionNotMet);
    for account in ["payer", "payee"] {
        assert_eq!(refuses(&mut stage, &receive(account, for_nobody())), Code::NotAllowed);
        assert_eq!(refuses(&mut stage, &reject(account, for_nobody())), Code::NotAllowed);
    }
    stage.at(after_start(99));
    stage.fire();
    assert_eq!(held(&stage, "payer"), 570);
    stage.at(after_start(100));
    stage.fire();
    assert_eq!(parts(&stage, "payer", "escrow"), (PaymentState::Expired, [0, 500, 0]));
    assert_eq!(parts(&stage, "payer", "for nobody"), (PaymentState::Expired, [0, 70, 0]));
    assert_eq!((available(&stage, "payer"), stage.posted("payee")), (PURSE, 0));
    assert_eq!(expiries(&stage), [after_start(100); 2]);
}
