//! Payment certificates that back a commission: K3, H3, D24, D37, D38, I14, I16.
//!
//! The amounts of SPEC §4 funded this way stand in `traces`, what a payment certificate is by itself in `payments`.

use super::payments::{held, parts};
use crate::domain::{
    Cashing, Code, Command, CommissionTerms, Currency, Done, Message, Offer, PaymentCommand, PaymentState,
    Settlement, Take,
};
use crate::limits::CREDITS_PER_PAGE;
use crate::simulator::engaging::*;
use crate::simulator::messages::*;
use crate::simulator::stage::Stage;
use crate::simulator::traces::{available, backed_market_on};

/// So many certificates at 700, with 500 for each held by the payer's payment certificate `cover`.
fn backed(items: u32, terms: &CommissionTerms) -> Stage {
    backed_market_on(Stage::new(3), offer(700, items), terms)
}

fn cover(stage: &Stage) -> (PaymentState, [u64; 3]) {
    parts(stage, "payer", "cover")
}

fn posted<const COUNT: usize>(stage: &Stage, accounts: [&str; COUNT]) -> [i64; COUNT] {
    accounts.map(|account| stage.posted(account))
}

#[test]
fn linking_moves_no_money_and_frees_what_exceeds() {
    // K3, D37, P5: three certificates at 500, backed by 2000
    let mut stage = market(offer(700, 3), None);
    stage.send(&issue_payment("payer", "cover", 2_000, "")).unwrap();
    let answer = stage.send(&attach_backed("payer", "tea", &terms(500, 100), "cover"));
    assert_eq!(answer, Ok(Done::Attached { debited: money(1_500) }));
    assert_eq!((stage.posted("payer"), held(&stage, "payer")), (1_000_000, 1_500));
    assert_eq!(cover(&stage), (PaymentState::Received, [0, 500, 1_500]));
    assert_eq!(stage.offering("tea").envelopes(), 0, "claims, no money");
    assert_eq!(label(&mut stage, 2), [100, 400, 100]);
    chain(&mut stage, 2, &["u1", "u2"]);
    assert_eq!(label(&mut stage, 2), [100, 320, 180]);
    assert_eq!((stage.posted("payer"), held(&stage, "payer")), (1_000_000, 1_500), "promises are no money");
    assert_eq!(posted(&stage, ["u1", "u2"]), [0, 0]);
}

#[test]
fn more_than_it_covers_is_refused() {
    // K3, I13: though its issuer has far more
    let mut stage = market(offer(700, 3), None);
    stage.send(&issue_payment("payer", "small", 1_499, "")).unwrap();
    let attach = |payment| attach_backed("payer", "tea", &terms(500, 100), payment);
    assert_eq!(refused(stage.send(&attach("small"))), Code::InsufficientFunds);
    assert_eq!(parts(&stage, "payer", "small"), (PaymentState::Issued, [0, 0, 1_499]));
    assert_eq!(row(&mut stage, "tea").label, None);
    stage.send(&issue_payment("payer", "cover", 1_500, "")).unwrap();
    assert!(stage.send(&attach("cover")).is_ok(), "exactly enough");
    assert_eq!(held(&stage, "payer"), 2_999);
    stage.send(&void_payment(payment("payer", "small"))).unwrap();
}

#[test]
fn it_backs_one_offering_for_ever() {
    // D24: while the commission stands, when it has ended, and where two offerings ask at once
    let coffee = || attach_backed("payer", "coffee", &terms(50, 10), "cover");
    let issued = |stage: &mut Stage| stage.send(&issue("coffee", offer(300, 1))).unwrap();
    let mut stage = backed(1, &terms(500, 100));
    issued(&mut stage);
    assert_eq!(refused(stage.send(&coffee())), Code::PaymentCertificateLinked);
    assert_eq!(stage.offering("coffee").claims(), 0);
    stage.send(&purchase("buyer", "tea", 1)).unwrap();
    assert_eq!(refused(stage.send(&coffee())), Code::PaymentCertificateEnded);
    for luck in 0..10 {
        let mut stage = market(offer(700, 1), None).with_luck(luck);
        issued(&mut stage);
        stage.send(&issue_payment("payer", "cover", 900, "")).unwrap();
        let tea = attach_backed("payer", "tea", &terms(500, 100), "cover");
        let answers = stage.send_all(&[tea, coffee()]);
        let (done, late): (Vec<_>, Vec<_>) = answers.into_iter().partition(Result::is_ok);
        assert_eq!((done.len(), late.len()), (1, 1), "luck {luck}");
        assert_eq!(late.into_iter().map(refused).next(), Some(Code::PaymentCertificateLinked));
        let held_for: u128 = ["tea", "coffee"].map(|offering| stage.offering(offering).claims()).iter().sum();
        assert_eq!(u128::from(held(&stage, "payer")), held_for, "luck {luck}");
    }
}

#[test]
fn only_an_open_payment_certificate_of_the_payer_for_nobody_backs_a_commission() {
    // K3, C7, I13
    let there = || payment("payer", "cover");
    let issued = |beneficiary| issue_payment("payer", "cover", 500, beneficiary);
    let until = issue_payment_until("payer", "cover", 500, "", (None, Some(after_start(10))));
    let early = issue_payment_until("payer", "cover", 500, "", (Some(after_start(11)), None));
    let cases: Vec<(&str, Vec<Message>, Code)> = vec![
        ("none", vec![], Code::UnknownPaymentCertificate),
        ("another's", vec![issue_payment("supplier", "cover", 500, "")], Code::UnknownPaymentCertificate),
        ("promised to somebody", vec![issued("payee")], Code::TransferConditionNotMet),
        (
            "received by somebody",
            vec![issued("payee"), receive("payee", there())],
            Code::TransferConditionNotMet,
        ),
        ("void", vec![issued(""), void_payment(there())], Code::PaymentCertificateEnded),
        ("before its time", vec![early], Code::TransferConditionNotMet),
        ("expired", vec![until], Code::PaymentCertificateEnded),
    ];
    for (how, before, code) in cases {
        let mut stage = market(offer(700, 1), None);
        stage.send(&deposit("supplier", 500)).unwrap();
        before.iter().for_each(|message| drop(stage.send(message).unwrap()));
        stage.at(after_start(10));
        let attach = attach_backed("payer", "tea", &terms(500, 100), "cover");
        assert_eq!(refused(stage.send(&attach)), code, "{how}");
        assert_eq!((row(&mut stage, "tea").label, stage.posted("payer")), (None, 1_000_000), "{how}");
        // Nothing is left behind: it can be attached otherwise.
        stage.send(&crate::simulator::messages::attach("payer", "tea", &terms(500, 100))).unwrap();
    }
    let mut stage = market(offer(700, 1), None);
    stage.send(&issue_payment("buyer", "cover", 500, "")).unwrap();
    let stranger = attach_backed("buyer", "tea", &terms(500, 100), "cover");
    assert_eq!(refuses(&mut stage, &stranger), Code::NotAllowed);
}

#[test]
fn it_cannot_end_before_its_commission() {
    // D24, D37: void, reject, release, spending and expiry
    let mut stage = market(offer(700, 2), None);
    stage.send(&issue_payment_until("payer", "cover", 1_000, "", (None, Some(after_start(100))))).unwrap();
    stage.send(&attach_backed("payer", "tea", &terms(500, 100), "cover")).unwrap();
    chain(&mut stage, 1, &["u1"]);
    let there = || payment("payer", "cover");
    for message in [void_payment(there()), release(there(), 5)] {
        assert_eq!(refuses(&mut stage, &message), Code::PaymentCertificateLinked, "{message:?}");
    }
    for anyone in ["payer", "payee", "buyer", "u1"] {
        for message in [receive(anyone, there()), reject(anyone, there())] {
            assert_eq!(refuses(&mut stage, &message), Code::NotAllowed, "it is for nobody: {message:?}");
        }
    }
    let spending = purchase_with_payment("payer", "tea", 2, "cover");
    assert_eq!(refused(stage.send(&spending)), Code::PaymentCertificateLinked);
    assert_eq!(stage.next_due(), None, "time does not end it");
    stage.at(after_start(5_000));
    stage.fire();
    assert_eq!(cover(&stage), (PaymentState::Received, [0, 0, 1_000]));
    assert_eq!(settled(stage.send(&purchase("buyer", "tea", 1))), (40, 460), "long after its own time");
    assert_eq!(stage.posted("u1"), 40);
    assert_eq!(refuses(&mut stage, &void_payment(there())), Code::PaymentCertificateLinked);
    stage.send(&purchase("buyer", "tea", 2)).unwrap();
    assert_eq!(cover(&stage), (PaymentState::Released, [40, 960, 0]));
    assert_eq!(refuses(&mut stage, &void_payment(there())), Code::PaymentCertificateEnded);
}

#[test]
fn a_purchase_pays_each_the_own_promise_and_frees_the_rest() {
    // H3, H2, D16, D37: part by part, until every certificate is settled
    let taking_half = CommissionTerms { take: Take::Share(basis_points(5_000)), ..terms(500, 100) };
    let mut stage = backed(3, &taking_half);
    // Half up: 50 of 100, then half of what has grown back to 100.
    assert_eq!(chain(&mut stage, 1, &["u1", "u2", "u3"]), [50, 50, 50]);
    assert_eq!(chain(&mut stage, 3, &["u2"]), [50]);
    assert_eq!(settled(stage.send(&purchase("buyer", "tea", 1))), (150, 350));
    assert_eq!(posted(&stage, ["u1", "u2", "u3"]), [50; 3]);
    assert_eq!(cover(&stage), (PaymentState::Received, [150, 350, 1_000]));
    assert_eq!((stage.posted("payer"), held(&stage, "payer")), (1_000_000 - 150, 1_000));
    assert_eq!(settled(stage.send(&purchase("rival", "tea", 2))), (0, 500), "H6");
    assert_eq!(cover(&stage), (PaymentState::Received, [150, 850, 500]));
    assert_eq!(settled(stage.send(&purchase("buyer", "tea", 3))), (50, 450));
    assert_eq!(cover(&stage), (PaymentState::Released, [200, 1_300, 0]));
    assert_eq!(posted(&stage, ["u1", "u2", "u3"]), [50, 100, 50]);
    assert_eq!((stage.posted("payer"), available(&stage, "payer")), (1_000_000 - 200, PURSE - 200));
    assert_eq!(stage.posted("payee"), 2_100);
}

#[test]
fn purchases_at_once_draw_on_it_side_by_side() {
    // H3, H1, I16: as few or as many at a time as luck has it
    for luck in 0..12 {
        let stage = backed_market_on(Stage::new(3).with_luck(luck), offer(700, 4), &terms(500, 100));
        let mut stage = stage;
        for (serial, sharers) in [(1, &["u1", "u2"][..]), (2, &["u2", "u3", "u1"]), (3, &["u3"])] {
            chain(&mut stage, serial, sharers);
        }
        let purchases: Vec<_> = (1..=4).map(|serial| purchase("buyer", "tea", serial)).collect();
        assert!(stage.send_all(&purchases).iter().all(Result::is_ok), "luck {luck}");
        assert_eq!(posted(&stage, ["u1", "u2", "u3"]), [80; 3], "luck {luck}");
        assert_eq!(cover(&stage), (PaymentState::Released, [240, 1_760, 0]), "luck {luck}");
    }
}

#[test]
fn a_withdrawal_frees_everything() {
    // H3, W6, W8, W11, D9: by condition at a purchase or a circulation, by the time limit
    let by_times = CommissionTerms { condition: Some(times(2)), ..terms(500, 100) };
    let by_time = CommissionTerms { expires_at: Some(after_start(10)), ..terms(500, 100) };
    let ends: [(&str, &CommissionTerms, Option<Message>); 5] = [
        ("purchase", &by_times, Some(purchase("buyer", "tea", 1))),
        ("circulation", &by_times, Some(circulate("u3", "tea", 1))),
        ("timer", &by_time, None),
        ("purchase when it is over", &by_time, Some(purchase("buyer", "tea", 1))),
        ("circulation when it is over", &by_time, Some(circulate("u3", "tea", 1))),
    ];
    for (how, terms, end) in ends {
        let mut stage = backed(1, terms);
        chain(&mut stage, 1, &["u1", "u2"]);
        assert_eq!((stage.posted("payer"), held(&stage, "payer")), (1_000_000, 500), "{how}");
        stage.at(after_start(10));
        match end {
            Some(message) => drop(stage.send(&message).unwrap()),
            None => stage.fire(),
        }
        assert_eq!(cover(&stage), (PaymentState::Void, [0, 500, 0]), "{how}");
        assert_eq!((stage.posted("payer"), available(&stage, "payer")), (1_000_000, PURSE), "{how}");
        if view(&mut stage, "tea", 1).sale.is_none() {
            let sold = purchased(stage.send(&purchase("buyer", "tea", 1)));
            assert_eq!(sold.commission, Settlement::None, "{how}");
        }
        assert_eq!(posted(&stage, ["u1", "u2", "u3"]), [0; 3], "{how}");
    }
}

#[test]
fn claims_of_untouched_serials_are_free_at_the_time_limit() {
    // C6, D17, D36, D37: by timer or with the next message, the commission's limit or the offering's
    let limit = Some(after_start(10));
    for (own, offers) in [(limit, None), (None, limit)] {
        for by_timer in [true, false] {
            let limited = CommissionTerms { expires_at: own, ..terms(500, 100) };
            let offer = Offer { expires_at: offers, ..offer(700, 4) };
            let mut stage = backed_market_on(Stage::new(3), offer, &limited);
            chain(&mut stage, 1, &["u1"]);
            chain(&mut stage, 2, &["u2"]);
            stage.send(&purchase("buyer", "tea", 1)).unwrap();
            stage.at(after_start(9));
            stage.fire();
            assert_eq!(cover(&stage), (PaymentState::Received, [40, 460, 1_500]));
            stage.at(after_start(30));
            if by_timer {
                stage.fire();
            } else {
                row(&mut stage, "tea");
                assert_eq!(cover(&stage), (PaymentState::Received, [40, 1_460, 500]), "two untouched ones");
                view(&mut stage, "tea", 2);
            }
            assert_eq!(cover(&stage), (PaymentState::Released, [40, 1_960, 0]), "by timer: {by_timer}");
            assert_eq!(available(&stage, "payer"), PURSE - 40);
            let sold = purchased(stage.send(&purchase("buyer", "tea", 3)));
            assert_eq!(sold.commission, Settlement::None);
            assert_eq!(posted(&stage, ["u1", "u2"]), [40, 0]);
        }
    }
}

#[test]
fn a_claim_that_comes_back_after_the_time_limit_is_free_at_once() {
    // D36, D37, F5: the only serial was with a buyer who could not pay when the time was over
    let limited = CommissionTerms { expires_at: Some(after_start(10)), ..terms(500, 100) };
    let mut stage = backed_market_on(Stage::new(1), offer(700, 2), &limited);
    let pending = stage.begin(&[purchase("broke", "tea", 1)]);
    assert!(stage.step(), "the offering has asked for the price");
    stage.at(after_start(10));
    stage.fire();
    let answer = stage.answers(&pending).remove(0).unwrap();
    assert_eq!(refused(answer), Code::InsufficientFunds);
    assert_eq!(cover(&stage), (PaymentState::Void, [0, 1_000, 0]));
    assert_eq!(available(&stage, "payer"), PURSE);
}

#[test]
fn immediate_mode_draws_part_by_part() {
    // H3, H5, D14, D37, D41
    let immediate = CommissionTerms { cashing: Cashing::Immediate, ..terms(500, 100) };
    let mut stage = backed(1, &immediate);
    // Who circulates, what u1, u2 and u3 have then, and what is released and held.
    let expected = [
        ("u1", [0, 0, 0], [0, 500]),
        ("u2", [40, 0, 0], [40, 460]),
        ("u1", [40, 40, 0], [80, 420]),
        ("u3", [40, 40, 0], [80, 420]),
    ];
    for (account, balances, [released, still_held]) in expected {
        chain(&mut stage, 1, &[account]);
        assert_eq!(posted(&stage, ["u1", "u2", "u3"]), balances, "after {account}");
        assert_eq!(cover(&stage), (PaymentState::Received, [released, 0, still_held]), "after {account}");
        assert_eq!(stage.posted("payer"), 1_000_000 - i64::try_from(released).unwrap(), "after {account}");
    }
    assert_eq!(settled(stage.send(&purchase("buyer", "tea", 1))), (40, 380));
    assert_eq!(posted(&stage, ["u1", "u2", "u3"]), [40; 3]);
    assert_eq!(cover(&stage), (PaymentState::Released, [120, 380, 0]));
}

#[test]
fn draws_that_overlap_pay_each_promise_once() {
    // H3, H5, I5, I14: circulations come while money of the former ones is still on its way
    let immediate = CommissionTerms { cashing: Cashing::Immediate, take: Take::All, ..terms(900, 100) };
    let accounts = ["u2", "u3", "u4", "u5", "u6", "u7"];
    let mut most = 0;
    for luck in 0..30 {
        let shards = 1 + usize::try_from(luck % 3).unwrap();
        let stage = Stage::new(shards).with_luck(luck);
        let mut stage = backed_market_on(stage, offer(700, 1), &immediate);
        chain(&mut stage, 1, &["u1"]);
        let mut messages: Vec<_> = accounts.iter().map(|account| circulate(account, "tea", 1)).collect();
        messages.push(purchase("buyer", "tea", 1));
        let answers = stage.send_all(&messages);
        assert!(answers.last().is_some_and(Result::is_ok), "luck {luck}: {answers:?}");
        let mut accepted = 0;
        for (account, answer) in accounts.iter().zip(&answers) {
            let promise = match answer {
                Ok(Done::Circulated(circulated)) => circulated.promise.minor(),
                _ => 0,
            };
            assert_eq!(available(&stage, account), promise, "luck {luck}: {account}");
            accepted += u64::from(answer.is_ok());
        }
        most = most.max(accepted);
        assert_eq!(available(&stage, "u1"), 100, "luck {luck}");
        let released = 100 * (accepted + 1);
        assert_eq!(cover(&stage), (PaymentState::Released, [released, 900 - released, 0]), "luck {luck}");
        assert_eq!(available(&stage, "payer"), PURSE - released, "luck {luck}");
    }
    assert_eq!(most, 6, "all of them have overtaken the purchase at least once");
}

#[test]
fn more_than_one_page_of_sharers_is_paid_out_of_it() {
    // H3, H2, DESIGN 3
    const SHARERS: usize = 2 * CREDITS_PER_PAGE + 88;
    for (cashing, shards) in [(Cashing::OnPurchase, 1), (Cashing::OnPurchase, 3), (Cashing::Immediate, 3)] {
        let many = CommissionTerms { take: Take::Amount(money(7)), cashing, ..terms(10_000, 100) };
        let mut stage = backed_market_on(Stage::large(shards), offer(700, 1), &many);
        let names: Vec<String> = (0..SHARERS).map(|index| format!("sharer {index}")).collect();
        stage.send_all(&names.iter().map(|sharer| open(sharer, 0)).collect::<Vec<_>>());
        let shares: Vec<_> = names.iter().map(|sharer| circulate(sharer, "tea", 1)).collect();
        for answer in stage.send_all(&shares) {
            assert_eq!(circulated(answer).promise.minor(), 7);
        }
        let sold = purchased(stage.send(&purchase("buyer", "tea", 1)));
        if cashing == Cashing::OnPurchase {
            assert_eq!(sold.credits_left as usize, SHARERS - CREDITS_PER_PAGE);
        }
        assert!(names.iter().all(|sharer| stage.posted(sharer) == 7), "{cashing:?} on {shards}");
        let released = 7 * SHARERS as u64;
        assert_eq!(cover(&stage), (PaymentState::Released, [released, 10_000 - released, 0]), "{cashing:?}");
        assert_eq!(available(&stage, "payer"), PURSE - released);
        assert_eq!(stage.certificate("tea", 1).unwrap().unpaid(), 0);
    }
}

#[test]
fn a_restart_in_the_middle_of_the_pages_draws_once() {
    // H3, I14
    let many = CommissionTerms { take: Take::Amount(money(7)), ..terms(10_000, 100) };
    let mut stage = backed_market_on(Stage::large(1), offer(700, 1), &many);
    let names: Vec<String> = (0..CREDITS_PER_PAGE + 44).map(|index| format!("sharer {index}")).collect();
    stage.send_all(&names.iter().map(|sharer| open(sharer, 0)).collect::<Vec<_>>());
    stage.send_all(&names.iter().map(|sharer| circulate(sharer, "tea", 1)).collect::<Vec<_>>());
    let before = stage.records();
    stage.send(&purchase("buyer", "tea", 1)).unwrap();
    let (after, expected) = (stage.records(), cover(&stage));
    for records in [before + 2, before + 3, before + 4, before + 5, before + 6, before + 200, after - 1] {
        let again = stage.restarted_at(records);
        assert!(names.iter().all(|sharer| again.posted(sharer) == 7), "cut at {records}");
        assert_eq!((again.posted("payee"), cover(&again)), (700, expected), "cut at {records}");
    }
}

#[test]
fn a_restart_at_any_record_of_a_draw_changes_nothing() {
    // H3, H5, D24, I12, I14, I16: from issuing it to the last certificate, on purchase and immediately
    for (cashing, shards) in
        [(Cashing::OnPurchase, 1), (Cashing::OnPurchase, 3), (Cashing::Immediate, 1), (Cashing::Immediate, 3)]
    {
        let terms = CommissionTerms { cashing, ..terms(500, 100) };
        let mut stage = market_on(Stage::new(shards), offer(700, 2), None);
        let before = stage.records();
        let script = [
            issue_payment("payer", "cover", 1_200, ""),
            attach_backed("payer", "tea", &terms, "cover"),
            circulate("u1", "tea", 1),
            circulate("u2", "tea", 1),
            circulate("u3", "tea", 2),
            purchase("buyer", "tea", 1),
            purchase("buyer", "tea", 2),
        ];
        let answers: Vec<_> = script.iter().map(|message| stage.send(message)).collect();
        assert!(answers.iter().all(Result::is_ok), "{answers:?}");
        assert_eq!(cover(&stage), (PaymentState::Released, [120, 1_080, 0]));
        for records in before..=stage.records() {
            let mut again = stage.restarted_at(records);
            for (message, answer) in script.iter().zip(&answers) {
                assert_eq!(&again.send(message), answer, "{cashing:?} cut at {records}: {message:?}");
            }
            assert_eq!(again.records(), stage.records(), "{cashing:?} cut at {records}");
            assert_eq!(cover(&again), cover(&stage), "{cashing:?} cut at {records}");
            assert_eq!(posted(&again, ["u1", "u2", "u3"]), [40; 3], "{cashing:?} cut at {records}");
        }
    }
}

#[test]
fn a_credit_line_backs_a_commission() {
    // K3, K4: the payer has no money at all
    let mut stage = Stage::new(3);
    stage.send(&open_in("borrower", Currency::USD, 0, 500)).unwrap();
    let mut stage = market_on(stage, Offer { payers: vec![name("borrower")], ..offer(700, 1) }, None);
    let cover = issue_payment("borrower", "cover", 500, "");
    stage.send(&cover).unwrap();
    let plain = attach("borrower", "tea", &terms(500, 100));
    assert_eq!(refused(stage.send(&plain)), Code::InsufficientFunds, "all of it is held");
    stage.send(&attach_backed("borrower", "tea", &terms(500, 100), "cover")).unwrap();
    chain(&mut stage, 1, &["u1", "u2"]);
    assert_eq!(stage.posted("borrower"), 0);
    assert_eq!(settled(stage.send(&purchase("buyer", "tea", 1))), (80, 420));
    assert_eq!((stage.posted("borrower"), available(&stage, "borrower")), (-80, 420));
    assert_eq!(posted(&stage, ["u1", "u2"]), [40, 40]);
}

#[test]
fn its_payer_pulls_nothing_out_of_what_it_backs() {
    // K6, D18, D45: neither by cashing out, nor by sending, nor by closing
    let mut stage = backed(1, &terms(500, 100));
    chain(&mut stage, 1, &["u1"]);
    stage.send(&cash_out("payer", PURSE - 500)).unwrap();
    assert_eq!(refuses(&mut stage, &cash_out("payer", 1)), Code::InsufficientFunds);
    assert_eq!(refuses(&mut stage, &send_money("payer", "payee", 1)), Code::InsufficientFunds);
    let close = status("payer", crate::domain::StatusChange::Close);
    assert_eq!(refuses(&mut stage, &close), Code::AccountNotEmpty);
    stage.send(&purchase("buyer", "tea", 1)).unwrap();
    stage.send(&cash_out("payer", 460)).unwrap();
    stage.send(&close).unwrap();
}

#[test]
fn a_frozen_payer_s_payment_certificate_still_pays() {
    // D46, H3: what it had committed goes on
    let mut stage = backed(2, &terms(500, 100));
    chain(&mut stage, 1, &["u1"]);
    stage.send(&status("payer", crate::domain::StatusChange::Freeze)).unwrap();
    assert_eq!(settled(stage.send(&purchase("buyer", "tea", 1))), (40, 460));
    assert_eq!((stage.posted("u1"), stage.posted("payer")), (40, 1_000_000 - 40));
    let issue =
        PaymentCommand::Issue { amount: money(5), beneficiary: None, not_before: None, expires_at: None };
    assert_eq!(refuses(&mut stage, &by("payer", Command::Payment(issue))), Code::AccountFrozen);
}
