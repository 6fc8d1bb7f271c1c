//! Refunds: F7 with D23 and D44, the debts that they leave, and pages of clawing back and of settling.

use crate::domain::{
    Answer, Cashing, Clawback, Code, CommissionTerms, Condition, Debt, Done, Income, Message, Offer,
    Refunded, StatusChange, Take, WhenShort,
};
use crate::journal::record;
use crate::limits::CREDITS_PER_PAGE;
use crate::simulator::engaging::*;
use crate::simulator::messages::*;
use crate::simulator::stage::Stage;

#[test]
fn the_price_goes_back_and_the_certificate_stays_sold() {
    // F7, D23, I4: bought at once, and reserved before
    for reserved in [false, true] {
        for shards in [1, 3] {
            let offer = Offer { reservable_ms: Some(100), ..offer(700, 1) };
            let mut stage = market_on(Stage::new(shards), offer, Some(&terms(500, 100)));
            chain(&mut stage, 1, &["u1"]);
            if reserved {
                stage.send(&reserve("buyer", "tea", 1)).unwrap();
                stage.send(&pay("buyer", "tea", 1)).unwrap();
            } else {
                stage.send(&purchase("buyer", "tea", 1)).unwrap();
            }
            let sale = view(&mut stage, "tea", 1).sale;
            let done = refunded(stage.send(&refund("tea", 1)));
            assert_eq!((done.serial.0, minor(&done), done.clawed_back, done.left), (1, (700, 0), 0, 0));
            assert_eq!((stage.posted("buyer"), stage.posted("payee")), (1_000_000, 0));
            assert_eq!((stage.posted("u1"), stage.posted("payer")), (40, 1_000_000 - 40), "no clawback");
            let shown = view(&mut stage, "tea", 1);
            assert_eq!((shown.refunded, shown.sale, shown.hops), (true, sale, 1));
            let shown = row(&mut stage, "tea");
            assert_eq!((shown.sold, shown.left), (1, 0));
            assert_eq!(refuses(&mut stage, &purchase("rival", "tea", 1)), Code::Sold);
            assert_eq!(refuses(&mut stage, &purchase("rival", "tea", 0)), Code::SoldOut);
            assert_eq!(refuses(&mut stage, &circulate("u2", "tea", 1)), Code::Sold);
        }
    }
}

#[test]
fn the_cap_still_counts_what_was_refunded() {
    // F3, F7, D39
    let mut stage = market(Offer { cap: Some(1), reservable_ms: Some(100), ..offer(700, 3) }, None);
    stage.send(&purchase("buyer", "tea", 0)).unwrap();
    stage.send(&refund("tea", 1)).unwrap();
    for message in [purchase("buyer", "tea", 0), reserve("buyer", "tea", 0)] {
        assert_eq!(refuses(&mut stage, &message), Code::CapReached, "{message:?}");
    }
}

#[test]
fn a_purchase_is_refunded_at_most_once() {
    // F7, I12, I19
    let mut stage = market(offer(700, 2), Some(&terms(500, 100)));
    stage.send(&purchase("buyer", "tea", 1)).unwrap();
    stage.send(&purchase("rival", "tea", 2)).unwrap();
    let first = refund("tea", 1);
    let answer = stage.send(&first);
    assert!(answer.is_ok(), "{answer:?}");
    assert_eq!(refuses(&mut stage, &refund("tea", 1)), Code::AlreadyRefunded);
    let records = stage.records();
    stage.later(1_000_000_000);
    let mut again = stage.restarted_at(records);
    for stage in [&mut stage, &mut again] {
        assert_eq!(stage.send(&first), answer);
        assert_eq!(refuses(stage, &refund("tea", 1)), Code::AlreadyRefunded);
        assert_eq!(stage.records(), records);
        assert_eq!((stage.posted("buyer"), stage.posted("payee")), (1_000_000, 700));
    }
}

#[test]
fn a_thousand_refunds_at_once_are_one() {
    // F7
    for (shards, luck) in [(1, 1), (3, 2), (3, 3)] {
        let mut stage = market_on(Stage::large(shards).with_luck(luck), offer(700, 2), None);
        for serial in [1, 2] {
            // The payee could pay twice.
            stage.send(&purchase("buyer", "tea", serial)).unwrap();
        }
        let tries: Vec<_> = (0..1_000).map(|_| refund("tea", 1)).collect();
        let answers = stage.send_all(&tries);
        assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
        for answer in answers.into_iter().filter(Result::is_err) {
            assert_eq!(refused(answer), Code::AlreadyRefunded);
        }
        assert_eq!((stage.posted("buyer"), stage.posted("payee")), (1_000_000 - 700, 700));
    }
}

#[test]
fn repeats_that_come_together_are_one_refund() {
    // I12, F7: also where it is refused, and then the next one is decided anew
    for luck in 0..20 {
        for short in [false, true] {
            let mut stage = market_on(Stage::new(3).with_luck(luck), offer(700, 1), None);
            stage.send(&purchase("buyer", "tea", 1)).unwrap();
            if short {
                stage.send(&cash_out("payee", 1)).unwrap();
            }
            let message = refund("tea", 1);
            let answers = stage.send_all(&vec![message; 4]);
            for answer in answers {
                match answer {
                    Err(refusal) => {
                        assert_eq!((refusal.code, short), (Code::PayeeShort, true), "luck {luck}")
                    }
                    answer => assert_eq!((minor(&refunded(answer)), short), ((700, 0), false), "luck {luck}"),
                }
            }
            assert_eq!(stage.posted("buyer"), if short { 1_000_000 - 700 } else { 1_000_000 });
        }
    }
}

#[test]
fn only_the_supplier_refunds() {
    // F7, D40, D44: the caller is checked before the certificate
    for touched in [0, 1, 2] {
        let mut stage = market(offer(700, 1), Some(&terms(500, 100)));
        if touched >= 1 {
            chain(&mut stage, 1, &["u1"]);
        }
        if touched >= 2 {
            stage.send(&purchase("buyer", "tea", 1)).unwrap();
        }
        for account in ["buyer", "payee", "payer", "u1", "rival"] {
            let message =
                Message { caller: crate::domain::Caller::Account(name(account)), ..refund("tea", 1) };
            assert_eq!(refuses(&mut stage, &message), Code::NotAllowed, "{account}, touched {touched}");
        }
        let institution = Message { caller: crate::domain::Caller::FundsManagement, ..refund("tea", 1) };
        assert_eq!(refuses(&mut stage, &institution), Code::NotAllowed);
    }
}

#[test]
fn what_is_not_sold_is_not_refunded() {
    // F7
    let mut stage = market(Offer { reservable_ms: Some(100), ..offer(700, 4) }, Some(&terms(500, 100)));
    chain(&mut stage, 2, &["u1"]);
    stage.send(&reserve("buyer", "tea", 3)).unwrap();
    stage.send(&reserve("buyer", "tea", 4)).unwrap();
    chain(&mut stage, 4, &["u1"]);
    for serial in 1..=4 {
        assert_eq!(refuses(&mut stage, &refund("tea", serial)), Code::NotSold, "serial {serial}");
    }
    assert_eq!(refuses(&mut stage, &refund("tea", 5)), Code::UnknownCertificate);
    assert_eq!(refuses(&mut stage, &refund("coffee", 1)), Code::UnknownOffering);
}

#[test]
fn one_id_is_one_request_at_a_certificate() {
    // I12: a refund and a circulation of the supplier
    let mut stage = market(offer(700, 2), Some(&terms(500, 100)));
    stage.send(&with_id(circulate("supplier", "tea", 1), "the id")).unwrap();
    for serial in [1, 2] {
        stage.send(&purchase("buyer", "tea", serial)).unwrap();
    }
    assert_eq!(refuses(&mut stage, &with_id(refund("tea", 1), "the id")), Code::IdReused);
    stage.send(&with_id(refund("tea", 2), "the id")).unwrap();
    for other in [circulate("supplier", "tea", 2), acquire("supplier", "tea", 2)] {
        assert_eq!(refuses(&mut stage, &with_id(other, "the id")), Code::IdReused);
    }
}

#[test]
fn a_payee_that_is_short_moves_nothing_and_the_same_id_may_try_again() {
    // D23, F7, I13
    for clawback in [Clawback::None, Clawback::Reserve, Clawback::Receivable] {
        let mut stage = market(Offer { clawback, ..offer(700, 1) }, Some(&terms(500, 100)));
        chain(&mut stage, 1, &["u1"]);
        stage.send(&purchase("buyer", "tea", 1)).unwrap();
        stage.send(&cash_out("payee", 1)).unwrap();
        let balances = |stage: &Stage| ["buyer", "payee", "payer", "u1"].map(|account| stage.posted(account));
        let before = balances(&stage);
        let message = refund("tea", 1);
        for _ in 0..2 {
            assert_eq!(refused(stage.send(&message)), Code::PayeeShort);
            assert_eq!(balances(&stage), before);
            assert!(!view(&mut stage, "tea", 1).refunded);
            assert!(["payee", "u1"].iter().all(|account| stage.account(account).debts().is_empty()));
        }
        // What is held is not available.
        stage.send(&deposit("payee", 1)).unwrap();
        stage.send(&issue_payment("payee", "escrow", 1, "")).unwrap();
        assert_eq!(refused(stage.send(&message)), Code::PayeeShort);
        stage.send(&void_payment(payment("payee", "escrow"))).unwrap();
        assert_eq!(minor(&refunded(stage.send(&message))), (700, 0));
        assert_eq!((stage.posted("buyer"), stage.posted("payee")), (1_000_000, 0));
    }
}

#[test]
fn a_credit_line_of_the_payee_covers_a_refund() {
    // D23, I3: what is available counts
    let mut stage = market(offer(700, 1), None);
    stage.send(&purchase("buyer", "tea", 1)).unwrap();
    stage.send(&cash_out("payee", 700)).unwrap();
    stage.send(&credit("payee", 699)).unwrap();
    assert_eq!(refused(stage.send(&refund("tea", 1))), Code::PayeeShort);
    stage.send(&credit("payee", 700)).unwrap();
    assert_eq!(minor(&refunded(stage.send(&refund("tea", 1)))), (700, 0));
    assert_eq!((stage.posted("buyer"), stage.posted("payee")), (1_000_000, -700));
}

#[test]
fn a_receivable_pays_what_is_there_and_later_sales_pay_the_rest() {
    // D23, T14: netted by what the payee sells, and by nothing else
    for there in [0, 200] {
        let offer = Offer { when_short: WhenShort::Receivable, ..offer(700, 3) };
        let mut stage = market(offer, Some(&terms(500, 100)));
        stage.send(&purchase("buyer", "tea", 1)).unwrap();
        stage.send(&cash_out("payee", 700 - there)).unwrap();
        let owed = 700 - there;
        let message = refund("tea", 1);
        let answer = stage.send(&message);
        assert_eq!(minor(&refunded(answer.clone())), (there, owed));
        assert_eq!(stage.posted("payee"), 0);
        let debt = Debt { to: stage.number("buyer"), amount: money(owed), paid_by: Income::Sales };
        assert_eq!(stage.account("payee").debts(), [debt]);
        assert_eq!(refuses(&mut stage, &by_close("payee")), Code::AccountNotEmpty);
        // A deposit, a transfer and a commission pay no debt of sales.
        stage.send(&deposit("payee", 5)).unwrap();
        stage.send(&send_money("rival", "payee", 5)).unwrap();
        chain(&mut stage, 2, &["payee"]);
        assert_eq!(stage.account("payee").debts(), [debt]);
        let before = stage.posted("buyer");
        stage.send(&purchase("rival", "tea", 2)).unwrap();
        assert_eq!(stage.posted("buyer"), before + signed(owed));
        assert_eq!(stage.posted("payee"), 10 + 40 + 700 - signed(owed));
        assert!(stage.account("payee").debts().is_empty());
        // It is paid once.
        stage.send(&purchase("rival", "tea", 3)).unwrap();
        assert_eq!(stage.posted("buyer"), 1_000_000);
        assert_eq!(stage.send(&message), answer, "what was answered stays");
    }
}

#[test]
fn several_sales_pay_a_debt_part_by_part_and_the_oldest_first() {
    // D23
    let offer = Offer { when_short: WhenShort::Receivable, ..offer(700, 2) };
    let mut stage = market(offer.clone(), None);
    stage.send(&issue("coffee", Offer { price: money(300), items: 6, ..offer })).unwrap();
    stage.send(&publish("coffee")).unwrap();
    stage.send(&purchase("buyer", "tea", 1)).unwrap();
    stage.send(&purchase("rival", "tea", 2)).unwrap();
    stage.send(&cash_out("payee", 1_400)).unwrap();
    for serial in [1, 2] {
        assert_eq!(minor(&refunded(stage.send(&refund("tea", serial)))), (0, 700));
    }
    // Six sales of 300 against 700 to the buyer, then 700 to the rival.
    let expected = [(300, 0), (600, 0), (700, 200), (700, 500), (700, 700), (700, 700)];
    for (sale, (buyer, rival)) in expected.into_iter().enumerate() {
        stage.send(&purchase("payer", "coffee", 0)).unwrap();
        let back = ["buyer", "rival"].map(|account| stage.posted(account) - (1_000_000 - 700));
        assert_eq!(back, [buyer, rival], "after sale {sale}");
    }
    assert_eq!(stage.posted("payee"), 6 * 300 - 1_400);
}

#[test]
fn withheld_orders_pay_a_debt_of_sales_too() {
    // D23, T10
    let offer = Offer { when_short: WhenShort::Receivable, ..offer(700, 1) };
    let mut stage = market(offer, None);
    stage.send(&register("u9", "payee", WhenShort::Refuse)).unwrap();
    stage.send(&purchase("buyer", "tea", 1)).unwrap();
    stage.send(&cash_out("payee", 700)).unwrap();
    stage.send(&refund("tea", 1)).unwrap();
    stage.send(&give("rival", "present", "u1", "u9", (goods(), 900))).unwrap();
    stage.send(&accept("u1", "rival", "present")).unwrap();
    stage.send(&withhold("u9", "order", 900, gift("u1", "rival", "present"))).unwrap();
    assert_eq!((stage.posted("buyer"), stage.posted("payee")), (1_000_000, 200));
}

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
fn accounts_that_are_frozen_or_closed_pay_and_take_what_a_refund_moves() {
    // D46: credits and what it had committed go on
    let offer = Offer { clawback: Clawback::Receivable, ..offer(700, 1) };
    let mut stage = market(offer, Some(&terms(500, 100)));
    stage.send(&deposit("u2", 700)).unwrap();
    chain(&mut stage, 1, &["u1"]);
    stage.send(&purchase("u2", "tea", 1)).unwrap();
    stage.send(&by_close("u2")).unwrap();
    for account in ["u1", "payee", "payer"] {
        stage.send(&status(account, StatusChange::Freeze)).unwrap();
    }
    stage.send(&refund("tea", 1)).unwrap();
    let balances = ["u1", "u2", "payee", "payer"].map(|account| stage.posted(account));
    assert_eq!(balances, [0, 700, 0, 1_000_000]);
    assert_eq!(refuses(&mut stage, &by_close("u2")), Code::AccountClosed);
    stage.send(&cash_out("u2", 700)).unwrap();
}

#[test]
fn a_certificate_that_was_given_is_refunded_to_its_recipient() {
    // D43, F7
    for withheld in [false, true] {
        let mut stage = market(offer(700, 1), None);
        stage.send(&register_for("u9", "payee", Some("supplier"), WhenShort::Refuse)).unwrap();
        stage.send(&give("rival", "present", "u1", "", (gift_of("tea", 1), 700))).unwrap();
        stage.send(&accept("u1", "rival", "present")).unwrap();
        if withheld {
            stage.send(&withhold("u9", "order", 700, gift("u1", "rival", "present"))).unwrap();
            assert_eq!(refuses(&mut stage, &reverse("u9", "order")), Code::NotReversible);
        } else {
            stage.send(&purchase_with_gift("u1", "tea", 1, "rival", "present")).unwrap();
        }
        stage.send(&refund("tea", 1)).unwrap();
        let balances = ["rival", "u1", "payee"].map(|account| stage.posted(account));
        assert_eq!(balances, [1_000_000 - 700, 700, 0]);
        assert_eq!(stage.account("u1").earmarked().minor(), 0);
    }
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
            [before + 1, before + 2, before + 3, before + 100, before + 700, before + 1_200, after - 1]
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

#[test]
fn a_restart_after_any_record_of_a_refund_comes_to_the_same_end() {
    // F7, I14: everything sent again after a cut at every record
    for shards in [1, 3] {
        for when_short in [WhenShort::Refuse, WhenShort::Receivable] {
            let offer = Offer { clawback: Clawback::Receivable, when_short, ..offer(700, 3) };
            let mut stage = market_on(Stage::new(shards), offer, Some(&terms(500, 100)));
            chain(&mut stage, 1, &["u1", "u2", "buyer"]);
            let begun = stage.records();
            let script = [
                purchase("buyer", "tea", 1),
                cash_out("payee", 600),
                cash_out("u1", 30),
                refund("tea", 1),
                deposit("payee", 650),
                refund("tea", 1),
                circulate("u1", "tea", 2),
                purchase("rival", "tea", 2),
            ];
            let play =
                |stage: &mut Stage| script.iter().map(|message| stage.send(message)).collect::<Vec<_>>();
            let answers = play(&mut stage);
            let refused_ones = answers.iter().filter(|answer| answer.is_err()).count();
            assert_eq!(refused_ones, 1, "one of the two refunds: {answers:?}");
            let people = ["buyer", "rival", "payer", "payee", "u1", "u2"];
            let end = |stage: &Stage| {
                people.map(|account| (stage.posted(account), stage.account(account).owed().minor()))
            };
            for records in begun..=stage.records() {
                let mut again = stage.restarted_at(records);
                play(&mut again);
                assert_eq!(end(&again), end(&stage), "cut at {records}");
                assert!(again.certificate("tea", 1).unwrap().refunded().is_some());
            }
        }
    }
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
        let onward = record::decode(bytes).unwrap().onward.len();
        assert!(onward <= CREDITS_PER_PAGE + 3, "a record sends {onward} messages");
        assert!(bytes.len() <= 64 * (CREDITS_PER_PAGE + 8), "a record has {} bytes", bytes.len());
    }
}

fn refunded(answer: Answer) -> Refunded {
    match answer {
        Ok(Done::Refunded(refunded)) => refunded,
        other => panic!("expected a refund, got {other:?}"),
    }
}

/// What was paid back, and what is owed.
fn minor(refunded: &Refunded) -> (u64, u64) {
    (refunded.paid.minor(), refunded.owed.minor())
}

fn signed(amount: u64) -> i64 {
    i64::try_from(amount).unwrap()
}

fn by_close(account: &str) -> Message {
    let change = StatusChange::Close;
    by(account, crate::domain::Command::Status { account: name(account), change })
}

/// Attaches out of the payer's money, or by a payment certificate over so much.
fn attach_somehow(stage: &mut Stage, terms: &CommissionTerms, backed: bool, amount: u64) {
    if backed {
        stage.send(&issue_payment("payer", "backing", amount, "")).unwrap();
        stage.send(&attach_backed("payer", "tea", terms, "backing")).unwrap();
    } else {
        stage.send(&attach("payer", "tea", terms)).unwrap();
    }
}
