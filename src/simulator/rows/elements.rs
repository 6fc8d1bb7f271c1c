//! Parties, certificates and their display: P, C and V of SPEC §2.

use crate::domain::{
    Code, Command, CommissionLabel, CommissionTerms, Done, Information, Offer, Serial, Via, Window,
};
use crate::limits::{OFFERING_ITEMS_MAX, PAYERS_MAX, TEXT_BYTES_MAX, TIME_MS_MAX};
use crate::simulator::messages::*;
use crate::simulator::stage::START;

#[test]
fn the_named_receiving_account_gets_the_whole_price() {
    // P4, H1, I4
    let mut stage = market(offer(700, 1), None);
    stage.send(&purchase("buyer", "tea", 0)).unwrap();
    assert_eq!((stage.posted("payee"), stage.posted("supplier")), (700, 0));
    assert_eq!(stage.posted("buyer"), 1_000_000 - 700);
}

#[test]
fn only_the_payer_pays_the_commission_and_gets_back_what_is_left() {
    // P5, K2, H6
    let mut stage = market(offer(700, 2), Some(&terms(500, 100)));
    assert_eq!((stage.posted("payer"), stage.posted("supplier")), (1_000_000 - 1_000, 0));
    chain(&mut stage, 1, &["u1"]);
    assert_eq!(settled(stage.send(&purchase("buyer", "tea", 1))), (40, 460));
    assert_eq!((stage.posted("payer"), stage.posted("supplier")), (1_000_000 - 540, 0));
}

#[test]
fn a_circulator_may_buy_and_still_gets_the_own_promise() {
    // P6, D16
    let mut stage = market(offer(700, 1), Some(&terms(500, 100)));
    chain(&mut stage, 1, &["rival", "buyer"]);
    assert_eq!(settled(stage.send(&purchase("buyer", "tea", 1))), (80, 420));
    assert_eq!(stage.posted("buyer"), 1_000_000 - 700 + 40);
    assert_eq!(stage.posted("rival"), 1_000_000 + 40);
}

#[test]
fn only_deposits_and_cash_outs_change_the_whole_money() {
    // P7, P10, D45, I1
    let mut stage = market(offer(700, 1), Some(&terms(500, 100)));
    let whole = |stage: &crate::simulator::stage::Stage| -> i64 {
        let purses: i64 = ["payer", "buyer", "rival", "supplier", "payee", "broke", "u1"]
            .map(|who| stage.posted(who))
            .iter()
            .sum();
        let envelope = stage.certificate("tea", 1).map_or(0, |tea| tea.buckets().unspent().minor());
        purses + i64::try_from(envelope).unwrap() + i64::try_from(stage.offering("tea").envelopes()).unwrap()
    };
    let before = whole(&stage);
    assert!(
        matches!(stage.send(&deposit("broke", 30)), Ok(Done::Deposited { posted }) if posted.minor() == 30)
    );
    assert!(
        matches!(stage.send(&cash_out("broke", 10)), Ok(Done::CashedOut { posted }) if posted.minor() == 20)
    );
    assert_eq!(whole(&stage), before + 20);
    chain(&mut stage, 1, &["u1"]);
    stage.send(&purchase("buyer", "tea", 1)).unwrap();
    assert_eq!(whole(&stage), before + 20);
}

#[test]
fn money_moves_in_and_out_by_the_institution_alone() {
    // P7, P10, D40
    let mut stage = market(offer(700, 1), None);
    let (account, amount) = (name("broke"), money(5));
    let commands = [
        Command::Deposit { account: account.clone(), amount },
        Command::CashOut { account: account.clone(), amount },
        Command::SetCreditLimit { account: account.clone(), credit_limit: amount },
    ];
    for command in commands {
        assert_eq!(refuses(&mut stage, &by("broke", command)), Code::NotAllowed);
    }
    let lent = |deposit, credit_limit| Command::OpenAccount {
        account: name("self-made"),
        currency: crate::domain::Currency::USD,
        deposit: money(deposit),
        credit_limit: money(credit_limit),
    };
    for (deposit, credit_limit, field) in [(1, 0, "deposit"), (0, 1, "credit_limit")] {
        let refusal = refused_for(stage.send(&by("self-made", lent(deposit, credit_limit))));
        assert_eq!(refusal, (Code::NotAllowed, field.to_owned()));
    }
    assert_eq!(refuses(&mut stage, &by("broke", lent(0, 0))), Code::NotAllowed);
    stage.send(&by("self-made", lent(0, 0))).unwrap();
    assert_eq!(stage.posted("self-made"), 0);
    let of_accounts = [
        by_institution(Command::publish(name("tea"))),
        by_institution(Command::purchase(name("tea"), None, Via::Public)),
        by_institution(Command::Circulate { offering: name("tea"), serial: None, via: Via::Public }),
        by_institution(Command::Acquire { offering: name("tea"), serial: Serial(1) }),
    ];
    for message in of_accounts {
        assert_eq!(refuses(&mut stage, &message), Code::NotAllowed, "{message:?}");
    }
    assert_eq!(
        refuses(&mut stage, &by("broke", Command::ShowAccount { account: name("u1") })),
        Code::NotAllowed
    );
}

#[test]
fn a_cash_out_takes_no_credit_and_the_credit_limit_bounds_what_is_spent() {
    // D45, I3, P10
    let mut stage = market(offer(700, 3), None);
    stage.send(&credit("broke", 700)).unwrap();
    assert_eq!(refuses(&mut stage, &cash_out("broke", 1)), Code::InsufficientFunds);
    stage.send(&purchase("broke", "tea", 0)).unwrap();
    assert_eq!((stage.posted("broke"), stage.account("broke").available().minor()), (-700, 0));
    assert_eq!(refused(stage.send(&purchase("broke", "tea", 0))), Code::InsufficientFunds);
    assert_eq!(refuses(&mut stage, &credit("broke", 699)), Code::InsufficientFunds);
    stage.send(&deposit("broke", 1)).unwrap();
    assert_eq!(refuses(&mut stage, &cash_out("broke", 1)), Code::InsufficientFunds);
    stage.send(&credit("broke", 699)).unwrap();
    assert_eq!(refuses(&mut stage, &cash_out("payee", 701)), Code::InsufficientFunds);
    stage.send(&cash_out("payee", 700)).unwrap();
    assert_eq!(stage.posted("payee"), 0);
}

#[test]
fn an_offer_without_a_needed_field_is_refused_with_the_field_named() {
    // C1, C3, D31
    let mut stage = market(offer(700, 1), None);
    let with = |change: &dyn Fn(&mut Offer)| {
        let mut changed = offer(700, 2);
        change(&mut changed);
        changed
    };
    let open_after_close = Window { opens: Some(START), closes: Some(START) };
    let late = Some(crate::domain::Timestamp(TIME_MS_MAX + 1));
    let long = "x".repeat(TEXT_BYTES_MAX + 1);
    let cases: Vec<(Offer, Code, &str)> = vec![
        (
            with(&|offer| offer.information.product_name = " ".to_owned()),
            Code::Missing,
            "offer.information.product_name",
        ),
        (with(&|offer| offer.information.settlement.clear()), Code::Missing, "offer.information.settlement"),
        (with(&|offer| offer.information.trade.clone_from(&long)), Code::BadText, "offer.information.trade"),
        (with(&|offer| offer.price = money(0)), Code::AmountNotPositive, "offer.price"),
        (with(&|offer| offer.payee = name("nobody")), Code::UnknownAccount, "offer.payee"),
        (with(&|offer| offer.payee = name("foreigner")), Code::CurrencyMismatch, "offer.payee"),
        (with(&|offer| offer.currency = euro()), Code::CurrencyMismatch, "caller"),
        (with(&|offer| offer.payers = vec![name("nobody")]), Code::UnknownAccount, "offer.payers"),
        (with(&|offer| offer.payers = vec![name("u1"); PAYERS_MAX + 1]), Code::BadValue, "offer.payers"),
        (with(&|offer| offer.items = 0), Code::BadValue, "offer.items"),
        (with(&|offer| offer.items = OFFERING_ITEMS_MAX + 1), Code::BadValue, "offer.items"),
        (with(&|offer| offer.cap = Some(0)), Code::BadValue, "offer.cap"),
        (with(&|offer| offer.window = open_after_close), Code::BadValue, "offer.window.closes"),
        (with(&|offer| offer.window.opens = late), Code::BadValue, "offer.window.opens"),
        (with(&|offer| offer.expires_at = late), Code::BadValue, "offer.expires_at"),
    ];
    for (bad, code, field) in cases {
        let records = stage.records();
        let refusal = refused_for(stage.send(&issue("coffee", bad)));
        assert_eq!(refusal, (code, field.to_owned()));
        assert_eq!(stage.records(), records, "I13");
    }
    assert_eq!(refuses(&mut stage, &show_offering("coffee")), Code::UnknownOffering);
    stage.send(&issue("coffee", offer(700, 2))).unwrap();
    assert_eq!(refuses(&mut stage, &issue("coffee", offer(700, 2))), Code::NameTaken);
}

#[test]
fn every_text_comes_back_equal_and_after_a_restart_too() {
    // C2
    let text = |field: &str| format!("{field}: 茶, 250 g");
    let information = Information {
        product_name: text("product name"),
        settlement: text("settlement"),
        product: text("product"),
        trade: text("trade"),
        logistics: text("logistics"),
        insurance: text("insurance"),
        trade_rules: text("trade rules"),
        service: text("service"),
        commitment_letter: text("commitment letter"),
        performance: text("performance"),
        transfer_prompt: text("transfer prompt"),
    };
    let mut stage = market(Offer { information: information.clone(), ..offer(700, 1) }, None);
    assert_eq!(row(&mut stage, "tea").information, information);
    let mut again = stage.restarted_at(stage.records());
    assert_eq!(row(&mut again, "tea").information, information);
}

#[test]
fn each_of_n_certificates_has_its_own_serial_commission_and_chain() {
    // C3, D29, I2
    let mut stage = market(offer(700, 3), Some(&terms(500, 100)));
    assert_eq!(stage.posted("payer"), 1_000_000 - 1_500);
    assert!((1..=3).all(|serial| stage.certificate("tea", serial).is_none()), "untouched ones cost nothing");
    chain(&mut stage, 1, &["u1", "u2"]);
    chain(&mut stage, 3, &["u2"]);
    let hops = |serial| stage.certificate("tea", serial).map(|tea| tea.hops().count());
    assert_eq!([hops(1), hops(2), hops(3)], [Some(2), None, Some(1)]);
    assert_eq!(stage.offering("tea").envelopes(), 500);
    assert_eq!(
        [label(&mut stage, 1), label(&mut stage, 2), label(&mut stage, 3)],
        [[100, 320, 180], [100, 400, 100], [100, 360, 140]]
    );
    let untouched = view(&mut stage, "tea", 2);
    assert_eq!((untouched.serial, untouched.hops, untouched.price.minor()), (Serial(2), 0, 700));
    for serial in [0, 4] {
        assert_eq!(refuses(&mut stage, &show("tea", serial, 1)), Code::UnknownCertificate);
    }
    for serial in [4, 5] {
        assert_eq!(refuses(&mut stage, &circulate("u3", "tea", serial)), Code::UnknownCertificate);
        assert_eq!(refuses(&mut stage, &purchase("buyer", "tea", serial)), Code::UnknownCertificate);
        assert_eq!(refuses(&mut stage, &acquire("u3", "tea", serial)), Code::UnknownCertificate);
    }
}

#[test]
fn any_account_circulates_a_published_certificate() {
    // C4, R1, D33
    let mut stage = market(offer(700, 1), Some(&terms(500, 100)));
    let accounts = ["broke", "payer", "payee", "supplier", "u1", "buyer"];
    let mut promised = Vec::new();
    for account in accounts {
        promised.push(circulated(stage.send(&circulate(account, "tea", 1))).promise.minor());
    }
    assert_eq!(promised, [40, 40, 40, 0, 40, 40], "payer and payee like anyone, the supplier acquires 0");
}

#[test]
fn only_the_supplier_or_a_named_payer_attaches() {
    // C7, D37, D40
    for (who, expected) in [
        ("u1", Some(Code::NotAllowed)),
        ("payee", Some(Code::NotAllowed)),
        ("payer", None),
        ("supplier", None),
    ] {
        let mut stage = market(offer(700, 1), None);
        stage.send(&deposit("supplier", 500)).unwrap();
        let answer = stage.send(&attach(who, "tea", &terms(500, 100)));
        assert_eq!(answer.err().map(|refusal| refusal.code), expected, "{who}");
    }
    let mut stage = market(offer(700, 1), Some(&terms(500, 100)));
    assert_eq!(refuses(&mut stage, &attach("u1", "tea", &terms(500, 100))), Code::NotAllowed);
    assert_eq!(refuses(&mut stage, &attach("payer", "tea", &terms(500, 100))), Code::AlreadyAttached);
}

#[test]
fn before_publishing_nothing_is_listed_circulated_or_sold() {
    // V1, D40
    let mut stage = market(offer(700, 1), None);
    stage.send(&issue("coffee", offer(500, 2))).unwrap();
    let directory_row = row(&mut stage, "coffee");
    assert_eq!(directory_row.published_at, None);
    for serial in [0, 1] {
        assert_eq!(refuses(&mut stage, &circulate("u1", "coffee", serial)), Code::NotPublished);
        assert_eq!(refuses(&mut stage, &purchase("buyer", "coffee", serial)), Code::NotPublished);
    }
    let by_stranger = by("u1", Command::publish(name("coffee")));
    assert_eq!(refuses(&mut stage, &by_stranger), Code::NotAllowed);
    stage.later(7);
    stage.send(&publish("coffee")).unwrap();
    assert_eq!(row(&mut stage, "coffee").published_at, Some(after_start(7)));
    assert_eq!(refuses(&mut stage, &publish("coffee")), Code::AlreadyPublished);
    assert_eq!(refuses(&mut stage, &by_stranger), Code::NotAllowed, "D40: the caller is judged first");
    stage.send(&circulate("u1", "coffee", 1)).unwrap();
}

#[test]
fn a_platform_row_carries_price_attached_and_label() {
    // V3, K5
    let mut stage = market(offer(700, 2), Some(&terms(500, 100)));
    let shown = row(&mut stage, "tea");
    let label = CommissionLabel { attached: money(100), reserve: money(400), cumulative: money(100) };
    assert_eq!((shown.price.minor(), shown.label), (700, Some(label)));
    assert_eq!((shown.items, shown.sold, shown.left), (2, 0, 2));
    assert_eq!(shown.terms, Some(terms(500, 100)));
    stage.send(&purchase("buyer", "tea", 0)).unwrap();
    let shown = row(&mut stage, "tea");
    assert_eq!((shown.sold, shown.left), (1, 1));
    let mut without = market(offer(700, 1), None);
    assert_eq!(row(&mut without, "tea").label, None);
    assert_eq!(view(&mut without, "tea", 1).label, None);
}

#[test]
fn a_view_pages_through_a_chain() {
    // R4, V2
    let mut stage = market(offer(700, 1), Some(&terms(500, 100)));
    chain(&mut stage, 1, &["u1", "u2", "u3", "u4"]);
    let page =
        |stage: &mut crate::simulator::stage::Stage, from_hop| match stage.send(&show("tea", 1, from_hop)) {
            Ok(Done::Certificate(view)) => view.chain.iter().map(|hop| hop.hop).collect::<Vec<_>>(),
            other => panic!("{other:?}"),
        };
    assert_eq!(page(&mut stage, 0), [1, 2, 3, 4]);
    assert_eq!(page(&mut stage, 1), [1, 2, 3, 4]);
    assert_eq!(page(&mut stage, 3), [3, 4]);
    assert_eq!(page(&mut stage, 5), [] as [u32; 0]);
    assert_eq!(page(&mut stage, u32::MAX), [] as [u32; 0]);
}

#[test]
fn an_offering_s_and_a_commission_s_limit_end_a_commission_at_the_earlier_one() {
    // C6, D17, D36
    for (offering_limit, commission_limit) in
        [(Some(100), None), (None, Some(100)), (Some(100), Some(900)), (Some(900), Some(100))]
    {
        let limited = CommissionTerms { expires_at: commission_limit.map(after_start), ..terms(500, 100) };
        let issued = Offer { expires_at: offering_limit.map(after_start), ..offer(700, 3) };
        let mut stage = market(issued, Some(&limited));
        chain(&mut stage, 1, &["u1"]);
        stage.at(after_start(99));
        chain(&mut stage, 2, &["u2"]);
        assert_eq!(settled(stage.send(&purchase("buyer", "tea", 2))), (40, 460));
        stage.at(after_start(100));
        let sold = purchased(stage.send(&purchase("buyer", "tea", 1)));
        assert_eq!(sold.commission, crate::domain::Settlement::None);
        assert_eq!(
            purchased(stage.send(&purchase("buyer", "tea", 3))).commission,
            crate::domain::Settlement::None
        );
        assert_eq!(
            stage.posted("payer"),
            1_000_000 - 40,
            "everything but the one promise cashed in time is home"
        );
        assert_eq!((stage.posted("u1"), stage.posted("u2")), (0, 40));
    }
}
