//! Payment certificates: K3, K4, H3, P7, D24, D37, D38, I16.

use crate::domain::{
    Caller, Cashing, Code, Command, CommissionTerms, Done, Message, Offer, PaymentCertificate,
    PaymentCommand, PaymentState,
};
use crate::limits::CREDITS_PER_PAGE;
use crate::simulator::engaging::*;
use crate::simulator::messages::*;
use crate::simulator::stage::Stage;

/// A market in which the payer has issued a payment certificate `backs` to nobody.
fn backed(offer: Offer, terms: &CommissionTerms, amount: u64) -> Stage {
    let mut stage = market(offer, None);
    stage.send(&issue_payment("payer", "backs", amount, "")).unwrap();
    stage.send(&attach_backed("payer", "tea", terms, "backs")).unwrap();
    stage
}

fn held(stage: &Stage, account: &str) -> u64 {
    stage.account(account).held().minor()
}

fn show_payment(stage: &mut Stage, issuer: &str, of: &str) -> PaymentCertificate {
    let show = by_institution(Command::Payment(PaymentCommand::Show(payment(issuer, of))));
    match stage.send(&show) {
        Ok(Done::Payment(payment)) => *payment,
        other => panic!("expected a payment certificate, got {other:?}"),
    }
}

fn by_whom(message: Message, account: &str) -> Message {
    Message { caller: Caller::Account(name(account)), ..message }
}

#[test]
fn what_is_issued_is_held_on_funds_or_credit_line_and_spent_on_nothing_else() {
    // K4, I3, I16
    let mut stage = market(offer(700, 1), None);
    stage.send(&credit("broke", 500)).unwrap();
    assert_eq!(
        stage.send(&issue_payment("broke", "one", 400, "payee")),
        Ok(Done::PaymentIssued { held: money(400) })
    );
    assert_eq!(stage.account("broke").available().minor(), 100);
    assert_eq!(refuses(&mut stage, &issue_payment("broke", "two", 101, "payee")), Code::InsufficientFunds);
    assert_eq!(refuses(&mut stage, &credit("broke", 399)), Code::InsufficientFunds);
    stage.send(&issue_payment("buyer", "all", PURSE, "payee")).unwrap();
    assert_eq!(refused(stage.send(&purchase("buyer", "tea", 1))), Code::InsufficientFunds);
    assert_eq!(refuses(&mut stage, &cash_out("buyer", 1)), Code::InsufficientFunds);
    assert_eq!(refuses(&mut stage, &send_money("buyer", "u1", 1)), Code::InsufficientFunds);
    assert_eq!(stage.posted("buyer"), i64::try_from(PURSE).unwrap(), "no money has moved");
    for (message, code, field) in [
        (issue_payment("rival", "x", 0, "payee"), Code::AmountNotPositive, "amount"),
        (issue_payment("rival", "x", 1, "nobody"), Code::UnknownAccount, "beneficiary"),
        (issue_payment("rival", "x", 1, "foreigner"), Code::CurrencyMismatch, "beneficiary"),
        (
            issue_payment_until("rival", "x", 1, "", (None, Some(after_start(0)))),
            Code::BadValue,
            "expires_at",
        ),
        (
            issue_payment_until("rival", "x", 1, "", (Some(after_start(9)), Some(after_start(9)))),
            Code::BadValue,
            "expires_at",
        ),
    ] {
        assert_eq!(refused_for(stage.send(&message)), (code, field.to_owned()));
    }
}

#[test]
fn the_institution_releases_once_up_to_the_amount_when_the_transfer_condition_holds() {
    // K4, P7, D38
    let mut stage = market(offer(700, 1), None);
    let issue = issue_payment_until("buyer", "pay", 500, "payee", (Some(after_start(50)), None));
    stage.send(&issue).unwrap();
    let reference = || payment("buyer", "pay");
    stage.later(50);
    assert_eq!(
        refuses(&mut stage, &release(reference(), 300)),
        Code::TransferConditionNotMet,
        "not received"
    );
    assert_eq!(refuses(&mut stage, &receive("rival", reference())), Code::NotAllowed);
    let received = payment_state(stage.send(&receive("payee", reference())));
    assert_eq!(received, (PaymentState::Received, 0, 0));
    assert_eq!(refuses(&mut stage, &receive("payee", reference())), Code::PaymentCertificateReceived);
    for who in ["buyer", "payee"] {
        assert_eq!(refuses(&mut stage, &by_whom(release(reference(), 300), who)), Code::NotAllowed);
        assert_eq!(refuses(&mut stage, &by_whom(void_payment(reference()), who)), Code::NotAllowed);
    }
    assert_eq!(refuses(&mut stage, &release(reference(), 501)), Code::AmountTooLarge);
    let once = with_id(release(reference(), 300), "release");
    assert_eq!(payment_state(stage.send(&once)), (PaymentState::Released, 300, 200));
    assert_eq!(payment_state(stage.send(&once)), (PaymentState::Released, 300, 200), "a repeat");
    assert_eq!(refuses(&mut stage, &release(reference(), 100)), Code::PaymentCertificateEnded);
    let purse = i64::try_from(PURSE).unwrap();
    assert_eq!((stage.posted("buyer"), held(&stage, "buyer"), stage.posted("payee")), (purse - 300, 0, 300));
    assert_eq!(refuses(&mut stage, &release(payment("buyer", "none"), 1)), Code::UnknownPaymentCertificate);
}

#[test]
fn an_early_release_is_refused_to_the_millisecond() {
    // K4, D38
    for (past, code) in [(49, Some(Code::TransferConditionNotMet)), (50, None)] {
        let mut stage = market(offer(700, 1), None);
        stage
            .send(&issue_payment_until("buyer", "pay", 500, "payee", (Some(after_start(50)), None)))
            .unwrap();
        stage.send(&receive("payee", payment("buyer", "pay"))).unwrap();
        stage.later(past);
        let answer = stage.send(&release(payment("buyer", "pay"), 500));
        assert_eq!(answer.err().map(|refusal| refusal.code), code, "{past}");
    }
}

#[test]
fn whatever_ends_it_unpaid_frees_all_of_it() {
    // K4, I16
    for (how, state) in [
        ("reject", PaymentState::Rejected),
        ("reject a received one", PaymentState::Rejected),
        ("void", PaymentState::Void),
        ("time", PaymentState::Expired),
        ("time, found by a message", PaymentState::Expired),
    ] {
        let mut stage = market(offer(700, 1), None);
        let issue = issue_payment_until("buyer", "pay", 500, "payee", (None, Some(after_start(50))));
        stage.send(&issue).unwrap();
        let reference = || payment("buyer", "pay");
        match how {
            "reject" => assert_eq!(payment_state(stage.send(&reject("payee", reference()))), (state, 0, 500)),
            "reject a received one" => {
                stage.send(&receive("payee", reference())).unwrap();
                assert_eq!(refuses(&mut stage, &reject("rival", reference())), Code::NotAllowed);
                stage.send(&reject("payee", reference())).unwrap();
            }
            "void" => assert_eq!(payment_state(stage.send(&void_payment(reference()))), (state, 0, 500)),
            _ => {
                stage.later(49);
                stage.fire();
                assert_eq!(held(&stage, "buyer"), 500, "its last millisecond");
                stage.later(1);
                if how == "time" {
                    stage.fire();
                    assert_eq!(held(&stage, "buyer"), 0, "by itself");
                }
            }
        }
        for late in [
            receive("payee", reference()),
            reject("payee", reference()),
            release(reference(), 1),
            void_payment(reference()),
        ] {
            assert_eq!(refused(stage.send(&late)), Code::PaymentCertificateEnded, "{how}");
        }
        assert_eq!(
            (held(&stage, "buyer"), stage.posted("buyer")),
            (0, i64::try_from(PURSE).unwrap()),
            "{how}"
        );
        let shown = show_payment(&mut stage, "buyer", "pay");
        assert_eq!((shown.state, shown.freed), (state, money(500)), "{how}");
    }
}

#[test]
fn as_escrow_it_pays_one_purchase_to_its_beneficiary_and_frees_the_rest() {
    // K4, D38
    let mut stage = market(offer(700, 3), Some(&terms(500, 100)));
    chain(&mut stage, 1, &["u1"]);
    for (of, amount, to, not_before) in [
        ("small", 699, "payee", 0),
        ("other", 700, "u2", 0),
        ("later", 700, "payee", 9),
        ("pay", 900, "payee", 0),
        ("open", 700, "", 0),
    ] {
        let not_before = (not_before > 0).then(|| after_start(not_before));
        stage.send(&issue_payment_until("buyer", of, amount, to, (not_before, None))).unwrap();
    }
    for (of, code) in [
        ("small", Code::InsufficientFunds),
        ("other", Code::NotAllowed),
        ("later", Code::TransferConditionNotMet),
        ("none", Code::UnknownPaymentCertificate),
    ] {
        let holds = held(&stage, "buyer");
        assert_eq!(refused(stage.send(&purchase_with_payment("buyer", "tea", 1, of))), code, "{of}");
        assert_eq!(held(&stage, "buyer"), holds);
    }
    assert_eq!(
        refused(stage.send(&purchase_with_payment("rival", "tea", 1, "pay"))),
        Code::UnknownPaymentCertificate
    );
    let before = held(&stage, "buyer");
    assert_eq!(settled(stage.send(&purchase_with_payment("buyer", "tea", 1, "pay"))), (40, 460));
    assert_eq!(held(&stage, "buyer"), before - 900);
    let purse = i64::try_from(PURSE).unwrap();
    assert_eq!((stage.posted("buyer"), stage.posted("payee")), (purse - 700, 700));
    let shown = show_payment(&mut stage, "buyer", "pay");
    assert_eq!((shown.state, shown.released, shown.freed), (PaymentState::Released, money(700), money(200)));
    assert_eq!(
        refused(stage.send(&purchase_with_payment("buyer", "tea", 2, "pay"))),
        Code::PaymentCertificateEnded
    );
    stage.send(&purchase_with_payment("buyer", "tea", 2, "open")).unwrap();
    stage.later(9);
    stage.send(&purchase_with_payment("buyer", "tea", 3, "later")).unwrap();
}

#[test]
fn linked_to_a_commission_it_must_cover_it_and_what_is_above_is_free() {
    // K3, D24, D37
    let mut stage = market(offer(700, 3), None);
    stage.send(&issue_payment("payer", "small", 1_499, "")).unwrap();
    stage.send(&issue_payment("payer", "to somebody", 1_500, "u1")).unwrap();
    let try_with = |stage: &mut Stage, of: &str| {
        refused(stage.send(&attach_backed("payer", "tea", &terms(500, 100), of)))
    };
    assert_eq!(try_with(&mut stage, "small"), Code::InsufficientFunds);
    assert_eq!(try_with(&mut stage, "none"), Code::UnknownPaymentCertificate);
    assert_eq!(try_with(&mut stage, "to somebody"), Code::TransferConditionNotMet);
    stage.send(&issue_payment_until("payer", "backs", 2_000, "", (None, Some(after_start(50))))).unwrap();
    let (posted, holds) = (stage.posted("payer"), held(&stage, "payer"));
    let attached = stage.send(&attach_backed("payer", "tea", &terms(500, 100), "backs"));
    assert_eq!(attached, Ok(Done::Attached { debited: money(1_500) }));
    assert_eq!((stage.posted("payer"), held(&stage, "payer")), (posted, holds - 500), "no money has moved");
    assert_eq!(label(&mut stage, 1), [100, 400, 100], "it shows like any other");
    // Nothing ends it but its commission.
    assert_eq!(refuses(&mut stage, &void_payment(payment("payer", "backs"))), Code::PaymentCertificateLinked);
    assert_eq!(refuses(&mut stage, &release(payment("payer", "backs"), 1)), Code::PaymentCertificateLinked);
    let spend = purchase_with_payment("payer", "tea", 1, "backs");
    assert_eq!(refused(stage.send(&spend)), Code::PaymentCertificateLinked);
    stage.later(60);
    stage.fire();
    assert_eq!(show_payment(&mut stage, "payer", "backs").state, PaymentState::Received, "time neither");
    // D24: one payment certificate backs one offering.
    let coffee = Offer { payers: vec![name("payer")], ..offer(700, 1) };
    stage.send(&issue("coffee", coffee)).unwrap();
    let twice = attach_backed("payer", "coffee", &terms(500, 100), "backs");
    assert_eq!(refused(stage.send(&twice)), Code::PaymentCertificateLinked);
    stage.send(&attach("payer", "coffee", &terms(500, 100))).unwrap();
}

#[test]
fn a_purchase_splits_it_by_promises_and_frees_the_rest() {
    // H3, K3, H2, D16
    let mut stage = backed(offer(700, 3), &terms(500, 100), 1_500);
    let purse = i64::try_from(PURSE).unwrap();
    chain(&mut stage, 1, &["u1", "u2"]);
    assert_eq!(stage.posted("u1"), 0, "a promise is no money");
    assert_eq!(settled(stage.send(&purchase("buyer", "tea", 1))), (80, 420));
    assert_eq!(["u1", "u2", "payee", "payer"].map(|who| stage.posted(who)), [40, 40, 700, purse - 80]);
    assert_eq!(held(&stage, "payer"), 1_000, "for the other two");
    // By condition or without a chain everything of it is free.
    assert_eq!(settled(stage.send(&purchase("buyer", "tea", 2))), (0, 500));
    assert_eq!((held(&stage, "payer"), stage.posted("payer")), (500, purse - 80));
    stage.send(&purchase("buyer", "tea", 3)).unwrap();
    let shown = show_payment(&mut stage, "payer", "backs");
    assert_eq!((shown.state, shown.released, shown.freed), (PaymentState::Released, money(80), money(1_420)));
    assert_eq!(held(&stage, "payer"), 0);
}

#[test]
fn a_withdrawal_by_condition_or_time_frees_it_and_one_that_paid_nothing_is_void() {
    // H3, W6, W8, W11, C6
    let limited = || CommissionTerms { condition: Some(times(1)), ..terms(500, 100) };
    let expiring = || CommissionTerms { expires_at: Some(after_start(50)), ..terms(500, 100) };
    for (how, terms) in [("purchase", limited()), ("circulation", limited()), ("time", expiring())] {
        let mut stage = backed(offer(700, 2), &terms, 1_000);
        chain(&mut stage, 1, &["u1"]);
        match how {
            "purchase" => assert_eq!(withdrawn(stage.send(&purchase("buyer", "tea", 1))), 500),
            "circulation" => assert!(circulated(stage.send(&circulate("u2", "tea", 1))).withdrawn),
            _ => {
                stage.later(50);
                stage.fire();
                assert_eq!(held(&stage, "payer"), 0, "untouched ones too");
            }
        }
        if how != "time" {
            assert_eq!(held(&stage, "payer"), 500, "{how}");
            stage.send(&purchase("rival", "tea", 2)).unwrap();
        }
        assert_eq!((held(&stage, "payer"), stage.posted("u1")), (0, 0), "{how}");
        assert_eq!(stage.posted("payer"), i64::try_from(PURSE).unwrap());
        assert_eq!(show_payment(&mut stage, "payer", "backs").state, PaymentState::Void, "{how}");
    }
}

#[test]
fn immediate_cashing_draws_on_it_part_by_part() {
    // H3, H5, D37, D41
    let immediate = CommissionTerms { cashing: Cashing::Immediate, ..terms(500, 100) };
    let mut stage = backed(offer(700, 1), &immediate, 500);
    chain(&mut stage, 1, &["u1"]);
    assert_eq!((stage.posted("u1"), held(&stage, "payer")), (0, 500));
    chain(&mut stage, 1, &["u2"]);
    assert_eq!((stage.posted("u1"), held(&stage, "payer")), (40, 460));
    chain(&mut stage, 1, &["u3"]);
    assert_eq!((stage.posted("u2"), held(&stage, "payer")), (40, 420));
    assert_eq!(settled(stage.send(&purchase("buyer", "tea", 1))), (40, 380));
    assert_eq!((stage.posted("u3"), held(&stage, "payer")), (40, 0));
    assert_eq!(stage.posted("payer"), i64::try_from(PURSE).unwrap() - 120);
}

#[test]
fn more_sharers_than_a_page_are_paid_out_of_it_once_each_across_a_restart_at_any_hop() {
    // H3, I14, I16
    let sharers = u64::try_from(CREDITS_PER_PAGE).unwrap() * 2 + 9;
    let one_each =
        CommissionTerms { take: crate::domain::Take::Amount(money(1)), ..terms(sharers + 50, sharers) };
    let mut stage = Stage::large(3);
    for account in ["supplier", "payee"] {
        stage.send(&open(account, 0)).unwrap();
    }
    let rich = [open("payer", PURSE), open("buyer", PURSE)];
    let names: Vec<String> = (0..sharers).map(|sharer| format!("sharer {sharer}")).collect();
    let everyone: Vec<Message> = rich.into_iter().chain(names.iter().map(|sharer| open(sharer, 0))).collect();
    stage.send_all(&everyone).into_iter().for_each(|answer| drop(answer.unwrap()));
    stage.send(&issue("tea", offer(700, 1))).unwrap();
    stage.send(&issue_payment("payer", "backs", sharers + 50, "")).unwrap();
    stage.send(&attach_backed("payer", "tea", &one_each, "backs")).unwrap();
    stage.send(&publish("tea")).unwrap();
    for sharer in &names {
        stage.send(&circulate(sharer, "tea", 1)).unwrap();
    }
    let before = stage.records();
    let bought = purchased(stage.send(&purchase("buyer", "tea", 1)));
    assert_eq!(bought.credits_left, u32::try_from(sharers).unwrap() - 256);
    let whole = stage.records();
    for cut in
        [before + 1, before + 3, before + 4, before + 5, before + 100, before + 300, before + 600, whole - 1]
    {
        let again = stage.restarted_at(cut.min(whole));
        for sharer in &names {
            assert_eq!(again.posted(sharer), 1, "{sharer}, cut at {cut}");
        }
        assert_eq!((held(&again, "payer"), again.posted("payee")), (0, 700), "cut at {cut}");
    }
}

#[test]
fn a_restart_between_any_two_hops_draws_once() {
    // H3, I14, I16
    let mut stage = backed(offer(700, 1), &terms(500, 100), 500);
    chain(&mut stage, 1, &["u1", "u2", "u3"]);
    let before = stage.records();
    let buy = with_id(purchase("buyer", "tea", 1), "buy");
    stage.send(&buy).unwrap();
    for cut in before..=stage.records() {
        let mut again = stage.restarted_at(cut);
        assert_eq!(settled(again.send(&buy)), (120, 380), "cut at {cut}");
        for account in ["u1", "u2", "u3", "payer", "payee", "buyer"] {
            assert_eq!(again.posted(account), stage.posted(account), "{account}, cut at {cut}");
        }
        assert_eq!(held(&again, "payer"), 0);
    }
}
