//! Refunds: F7 with D23, and the debts of sales that they leave.

use crate::domain::{Caller, Clawback, Code, Debt, Income, Message, Offer, StatusChange, WhenShort};
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
            let message = Message { caller: Caller::Account(name(account)), ..refund("tea", 1) };
            assert_eq!(refuses(&mut stage, &message), Code::NotAllowed, "{account}, touched {touched}");
        }
        let institution = Message { caller: Caller::FundsManagement, ..refund("tea", 1) };
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
        let receivable = Offer { when_short: WhenShort::Receivable, ..offer(700, 3) };
        let mut stage = market(receivable, Some(&terms(500, 100)));
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
        stage.send(&issue("coffee", Offer { payee: name("u9"), ..offer(700, 1) })).unwrap();
        stage.send(&attach("payer", "coffee", &terms(500, 100))).unwrap();
        stage.send(&publish("coffee")).unwrap();
        stage.send(&circulate("payee", "coffee", 1)).unwrap();
        stage.send(&purchase("rival", "coffee", 1)).unwrap();
        assert_eq!((stage.posted("payee"), stage.account("payee").debts()), (10 + 40, &[debt][..]));
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

fn signed(amount: u64) -> i64 {
    i64::try_from(amount).unwrap()
}
