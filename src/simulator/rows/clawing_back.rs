//! Cashed commission that a refund takes back: D44, F7, and the pages of clawing back and of settling.

use crate::domain::{Cashing, Clawback, Code, CommissionTerms, Condition, Debt, Income, Offer, Take};
use crate::journal::record;
use crate::limits::CREDITS_PER_PAGE;
use crate::simulator::engaging::*;
use crate::simulator::messages::*;
use crate::simulator::stage::Stage;

#[test]
fn cashed_commission_is_clawed_back_as_the_offering_says() {
    // F7, D44: from each what is available, at most what was cashed, to the commission's payer
    // The setting, what the payer gets, and the debts of u1, u2 and u3.
    let cases = [
        (Clawback::None, 0, 0, [0, 0, 0]),
        (Clawback::Reserve, 40 + 15, 3, [0, 0, 0]),
        (Clawback::Receivable, 40 + 15, 3, [0, 25, 40]),
    ];
    for cashing in [Cashing::OnPurchase, Cashing::Immediate] {
        for backed in [false, true] {
            for (clawback, back, asked, debts) in cases {
                let terms = CommissionTerms { cashing, ..terms(500, 100) };
                let mut stage = market_on(Stage::new(3), Offer { clawback, ..offer(700, 1) }, None);
                attach_somehow(&mut stage, &terms, backed, 500);
                chain(&mut stage, 1, &["u1", "u2", "u3"]);
                stage.send(&purchase("buyer", "tea", 1)).unwrap();
                assert_eq!(["u1", "u2", "u3"].map(|account| stage.posted(account)), [40, 40, 40]);
                // One is rich by now, one has spent a part, one everything.
                stage.send(&deposit("u1", 100)).unwrap();
                stage.send(&send_money("u2", "u9", 25)).unwrap();
                stage.send(&issue_payment("u3", "escrow", 40, "")).unwrap();
                let done = refunded(stage.send(&refund("tea", 1)));
                assert_eq!((minor(&done), done.clawed_back, done.left), ((700, 0), asked, 0));
                assert_eq!(stage.posted("payer"), 1_000_000 - 120 + back, "{clawback:?}, backed {backed}");
                assert_eq!((stage.posted("buyer"), stage.posted("payee")), (1_000_000, 0));
                let payer = stage.number("payer");
                for (account, owed) in ["u1", "u2", "u3"].into_iter().zip(debts) {
                    let debt = Debt { to: payer, amount: money(owed), paid_by: Income::Commission };
                    let expected = if owed > 0 { vec![debt] } else { Vec::new() };
                    assert_eq!(stage.account(account).debts(), expected, "{clawback:?}: {account}");
                }
                let left: [i64; 3] = if back > 0 { [100, 0, 40] } else { [140, 15, 40] };
                assert_eq!(["u1", "u2", "u3"].map(|account| stage.posted(account)), left, "{clawback:?}");
                assert_eq!(view(&mut stage, "tea", 1).cashed.minor(), 120, "what was cashed stays on record");
            }
        }
    }
}

#[test]
fn later_commissions_and_nothing_else_pay_what_was_clawed_back() {
    // D44
    let clawback = Clawback::Receivable;
    let mut stage = market(Offer { clawback, ..offer(700, 3) }, Some(&terms(500, 100)));
    chain(&mut stage, 1, &["u1", "u2"]);
    stage.send(&purchase("buyer", "tea", 1)).unwrap();
    stage.send(&cash_out("u1", 40)).unwrap();
    stage.send(&cash_out("u2", 25)).unwrap();
    stage.send(&refund("tea", 1)).unwrap();
    let payer = stage.posted("payer");
    let owed = |stage: &Stage| ["u1", "u2"].map(|account| stage.account(account).owed().minor());
    assert_eq!(owed(&stage), [40, 25]);
    // Deposits, transfers and sales are the account's own.
    stage.send(&deposit("u1", 100)).unwrap();
    stage.send(&send_money("rival", "u1", 100)).unwrap();
    stage.send(&issue("coffee", Offer { payee: name("u1"), ..offer(100, 1) })).unwrap();
    stage.send(&publish("coffee")).unwrap();
    stage.send(&purchase("rival", "coffee", 0)).unwrap();
    assert_eq!((stage.posted("u1"), owed(&stage)), (300, [40, 25]));
    // A promise is no money yet.
    chain(&mut stage, 2, &["u1", "u2"]);
    assert_eq!(owed(&stage), [40, 25]);
    stage.send(&purchase("buyer", "tea", 2)).unwrap();
    assert_eq!(owed(&stage), [0, 0]);
    assert_eq!((stage.posted("u1"), stage.posted("u2")), (300, 15));
    assert_eq!(stage.posted("payer"), payer + 420 + 40 + 25, "the rest of the envelope, and both debts");
    chain(&mut stage, 3, &["u1", "u2"]);
    stage.send(&purchase("buyer", "tea", 3)).unwrap();
    assert_eq!((stage.posted("u1"), stage.posted("u2")), (340, 55), "they are paid once");
}

#[test]
fn nothing_is_clawed_back_where_nothing_was_cashed() {
    // D44, W6: withdrawn by the condition, by the time limit, no circulation, no commission
    let limited = CommissionTerms { expires_at: Some(after_start(10)), ..terms(500, 100) };
    let met = Condition { times: Some(1), ..condition() };
    let withdrawn = CommissionTerms { condition: Some(met), ..terms(500, 100) };
    let cases: [(Option<CommissionTerms>, &[&str]); 4] =
        [(Some(withdrawn), &["u1"]), (Some(limited), &["u1"]), (Some(terms(500, 100)), &[]), (None, &["u1"])];
    for (terms, sharers) in cases {
        let mut stage = market(Offer { clawback: Clawback::Receivable, ..offer(700, 1) }, terms.as_ref());
        chain(&mut stage, 1, sharers);
        stage.later(10);
        stage.send(&deposit("u1", 100)).unwrap();
        stage.send(&purchase("buyer", "tea", 1)).unwrap();
        let done = refunded(stage.send(&refund("tea", 1)));
        assert_eq!((minor(&done), done.clawed_back), ((700, 0), 0), "{terms:?}");
        assert_eq!((stage.posted("u1"), stage.posted("payer")), (100, 1_000_000), "{terms:?}");
    }
}

#[test]
fn one_account_may_be_everybody_in_a_refund() {
    // F7, D44, P6: who circulates, buys, is paid and pays the commission, in every combination
    const PEOPLE: [&str; 3] = ["rival", "buyer", "payer"];
    for roles in 0..81_usize {
        let [sharer, buyer, payee, payer] =
            [roles % 3, roles / 3 % 3, roles / 9 % 3, roles / 27].map(|role| PEOPLE[role]);
        for clawback in [Clawback::Reserve, Clawback::Receivable] {
            let offer = Offer { payee: name(payee), payers: vec![name(payer)], clawback, ..offer(700, 1) };
            let mut stage = market(offer, None);
            stage.send(&attach(payer, "tea", &terms(500, 100))).unwrap();
            chain(&mut stage, 1, &[sharer]);
            stage.send(&purchase(buyer, "tea", 1)).unwrap();
            let done = refunded(stage.send(&refund("tea", 1)));
            assert_eq!((minor(&done), done.clawed_back), ((700, 0), 1));
            for account in PEOPLE {
                let whole = (stage.posted(account), stage.account(account).owed().minor());
                assert_eq!(whole, (1_000_000, 0), "{account} of {sharer}, {buyer}, {payee}, {payer}");
            }
        }
    }
}

#[test]
fn a_buyer_who_had_cashed_pays_back_out_of_the_refund() {
    // D44: the price is back before the commission is asked for
    let mut stage = market(Offer { clawback: Clawback::Reserve, ..offer(700, 1) }, Some(&terms(500, 100)));
    chain(&mut stage, 1, &["u1"]);
    stage.send(&deposit("u1", 700)).unwrap();
    stage.send(&purchase("u1", "tea", 1)).unwrap();
    stage.send(&cash_out("u1", 40)).unwrap();
    stage.send(&refund("tea", 1)).unwrap();
    assert_eq!((stage.posted("u1"), stage.posted("payer")), (660, 1_000_000));
}

#[test]
fn a_refund_waits_until_every_credit_of_the_sale_has_gone_out() {
    // F7, DESIGN 3
    let (mut stage, names) = crowd(Stage::large(1), SHARERS, Clawback::Reserve);
    let buying = stage.begin(&[purchase("buyer", "tea", 1)]);
    while stage.answers(&buying)[0].is_none() {
        assert!(stage.step());
    }
    let sold = purchased(stage.answers(&buying).remove(0).unwrap());
    assert_eq!(sold.credits_left as usize, SHARERS - CREDITS_PER_PAGE);
    let message = refund("tea", 1);
    let early = stage.begin(std::slice::from_ref(&message));
    assert!(stage.step());
    let refusal = stage.answers(&early).remove(0).unwrap().unwrap_err();
    assert_eq!((refusal.code, refusal.code.retryable()), (Code::Settling, true));
    assert!(names.iter().any(|sharer| stage.posted(sharer) == 0), "some have not been paid yet");
    stage.run();
    assert!(names.iter().all(|sharer| stage.posted(sharer) == 7));
    assert_eq!(minor(&refunded(stage.send(&message))), (700, 0), "the same id, later");
}

#[test]
fn six_hundred_sharers_are_clawed_back_page_by_page_each_exactly_once() {
    // F7, D44, DESIGN 3: also across a restart in the middle of the pages
    for shards in [1, 3] {
        let (mut stage, names) = crowd(Stage::large(shards), SHARERS, Clawback::Receivable);
        stage.send(&purchase("buyer", "tea", 1)).unwrap();
        // Every third has spent a part of it, so that both kinds of step are among them.
        let spending = names.iter().step_by(3).map(|sharer| cash_out(sharer, 5));
        stage.send_all(&spending.collect::<Vec<_>>());
        let spent = names.len().div_ceil(3) as i64;
        let before = stage.records();
        let message = refund("tea", 1);
        let answer = stage.send(&message);
        let done = refunded(answer.clone());
        assert_eq!((done.clawed_back as usize, done.left as usize), (SHARERS, SHARERS - CREDITS_PER_PAGE));
        let after = stage.records();
        let judge = |stage: &Stage, cut: usize| {
            for (index, sharer) in names.iter().enumerate() {
                let owed = if index % 3 == 0 { 5 } else { 0 };
                let account = stage.account(sharer);
                assert_eq!((account.posted().minor(), account.owed().minor()), (0, owed), "cut at {cut}");
            }
            let back = 7 * SHARERS as i64 - 5 * spent;
            assert_eq!(stage.posted("payer"), 1_000_000 - 7 * SHARERS as i64 + back, "cut at {cut}");
            assert_eq!((stage.posted("buyer"), stage.posted("payee")), (1_000_000, 0), "cut at {cut}");
            assert!(stage.certificate("tea", 1).unwrap().at_rest());
        };
        judge(&stage, after);
        within_a_page(&stage, before);
        for records in
            [before + 1, before + 2, before + 3, before + 100, (before + after) / 2, after - 2, after - 1]
        {
            let mut again = stage.restarted_at(records);
            judge(&again, records);
            assert_eq!(again.send(&message), answer, "cut at {records}");
            assert_eq!(refuses(&mut again, &refund("tea", 1)), Code::AlreadyRefunded);
        }
    }
}

#[test]
fn a_refund_waits_for_the_pages_of_its_own_clawing_back() {
    // F7, I12: the repeat is answered at once, and nobody is asked twice
    let (mut stage, names) = crowd(Stage::large(1), SHARERS, Clawback::Reserve);
    stage.send(&purchase("buyer", "tea", 1)).unwrap();
    let message = refund("tea", 1);
    let first = stage.begin(std::slice::from_ref(&message));
    while stage.answers(&first)[0].is_none() {
        assert!(stage.step());
    }
    let second = stage.begin(&[message, refund("tea", 1)]);
    stage.run();
    let answers = stage.answers(&second);
    assert_eq!(answers[0], stage.answers(&first)[0]);
    assert_eq!(refused(answers[1].clone().unwrap()), Code::AlreadyRefunded);
    assert!(names.iter().all(|sharer| stage.posted(sharer) == 0));
    assert_eq!(stage.posted("payer"), 1_000_000);
}

#[test]
fn ten_thousand_sharers_are_paid_page_by_page_each_exactly_once() {
    // H2, I14, DESIGN 3: no record is longer than a page, and a restart in the middle pays nobody twice
    const MANY: usize = 10_000;
    let (mut stage, names) = crowd(Stage::large(1), MANY, Clawback::None);
    let before = stage.records();
    let sold = purchased(stage.send(&purchase("buyer", "tea", 1)));
    assert_eq!(sold.credits_left as usize, MANY - CREDITS_PER_PAGE);
    let judge = |stage: &Stage| {
        assert!(names.iter().all(|sharer| stage.posted(sharer) == 7));
        assert_eq!(stage.posted("payer"), 1_000_000 - 7 * MANY as i64);
        assert_eq!((stage.posted("payee"), stage.certificate("tea", 1).unwrap().unpaid()), (700, 0));
        within_a_page(stage, before);
    };
    judge(&stage);
    let middle = before + (stage.records() - before) / 2;
    let again = stage.restarted_at(middle);
    assert!(again.records() > middle, "something was left to do");
    judge(&again);
}

/// More than two pages.
const SHARERS: usize = 600;

/// A market in which so many accounts have circulated tea's serial 1, each with a promise of 7.
fn crowd(stage: Stage, sharers: usize, clawback: Clawback) -> (Stage, Vec<String>) {
    let many = CommissionTerms { take: Take::Amount(money(7)), ..terms(100_000, 100) };
    let mut stage = market_on(stage, Offer { clawback, ..offer(700, 1) }, Some(&many));
    let names: Vec<String> = (0..sharers).map(|index| format!("sharer {index}")).collect();
    stage.send_all(&names.iter().map(|sharer| open(sharer, 0)).collect::<Vec<_>>());
    let shares: Vec<_> = names.iter().map(|sharer| circulate(sharer, "tea", 1)).collect();
    for answer in stage.send_all(&shares) {
        assert_eq!(circulated(answer).promise.minor(), 7);
    }
    (stage, names)
}

/// Every record behind `before` sends at most a page of credits, and what belongs to a settlement beside them, and is
/// no longer than that needs.
fn within_a_page(stage: &Stage, before: usize) {
    for bytes in &stage.encoded()[before..] {
        let onward = record::decode(bytes).unwrap().onward().count();
        assert!(onward <= CREDITS_PER_PAGE + 3, "a record sends {onward} messages");
        assert!(bytes.len() <= 64 * (CREDITS_PER_PAGE + 8), "a record has {} bytes", bytes.len());
    }
}
