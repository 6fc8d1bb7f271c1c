//! The sale of a file of orders comes to the totals that its rules say, whatever the shards, and the audit
//! confirms them without writing.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on should end there")]

mod common;
#[path = "common/small_sales.rs"]
mod small_sales;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use common::{Program, assert_untouched, contents, sample};
use hongbao::domain::{Command, Currency, Done, Message, Money, Name, Refusal};
use serde_json::{Value, json};
use small_sales::{CASES, Case, SHARES, csv, dollars, expected};

/// The fields of a sale that say what it came to, whoever runs it and however often.
fn totals(sale: &Value) -> Value {
    let fields = [
        "lines",
        "customers",
        "sold",
        "refused",
        "revenue",
        "commission_funded",
        "commission_cashed",
        "commission_returned",
        "circulations",
        "already_linked",
        "money_movements",
        "audit",
    ];
    fields.into_iter().map(|field| (field.to_owned(), sale[field].clone())).collect()
}

fn digest(audit: &Value) -> String {
    let digest = audit["state_digest"].as_str().unwrap().to_owned();
    let hexadecimal = digest.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    assert!(digest.len() == 64 && hexadecimal, "{digest:?} is no SHA-256");
    digest
}

/// Checks that every field is there and a value of its kind.
#[track_caller]
fn assert_kinds(value: &Value, kinds: &[(&str, &str)]) {
    let is_decimal = |text: &str| {
        let unsigned = text.strip_prefix('-').unwrap_or(text);
        unsigned.split_once('.').is_some_and(|(whole, part)| {
            !whole.is_empty()
                && part.len() == 2
                && (whole.to_owned() + part).bytes().all(|b| b.is_ascii_digit())
        })
    };
    for (field, kind) in kinds {
        let found = &value[*field];
        let right = match *kind {
            "count" => found.is_u64(),
            "rate" => found.as_f64().is_some_and(|rate| rate.is_finite() && rate >= 0.0),
            "money" => found.as_str().is_some_and(is_decimal),
            "text" => found.is_string(),
            "object" => found.is_object(),
            other => panic!("{other} is no kind"),
        };
        assert!(right, "{field} is {found}, not a {kind}");
    }
}

const SALE_FIELDS: &[(&str, &str)] = &[
    ("lines", "count"),
    ("customers", "count"),
    ("sold", "count"),
    ("refused", "object"),
    ("revenue", "money"),
    ("commission_funded", "money"),
    ("commission_cashed", "money"),
    ("commission_returned", "money"),
    ("circulations", "count"),
    ("already_linked", "count"),
    ("money_movements", "count"),
    ("gifts_given", "count"),
    ("gifts_withheld", "count"),
    ("gifts_waiting", "count"),
    ("gift_money", "money"),
    ("gift_money_withheld", "money"),
    ("seconds", "rate"),
    ("money_movements_per_second", "rate"),
    ("purchases_per_second", "rate"),
    ("latency_us", "object"),
    ("journal", "object"),
    ("recovered_records", "count"),
    ("recovered_actors", "count"),
    ("audit", "text"),
];

const AUDIT_FIELDS: &[(&str, &str)] = &[
    ("accounts", "count"),
    ("certificates", "count"),
    ("posted", "money"),
    ("earmarked", "money"),
    ("envelopes", "money"),
    ("deposits", "money"),
    ("cash_outs", "money"),
    ("sold", "count"),
    ("revenue", "money"),
    ("commission_cashed", "money"),
    ("commission_returned", "money"),
    ("held", "money"),
    ("debts", "money"),
    ("gift_money", "money"),
    ("gift_money_withheld", "money"),
    ("gift_money_home", "money"),
    ("reserved", "count"),
    ("refunded", "count"),
    ("gifts_given", "count"),
    ("gifts_withheld", "count"),
    ("gifts_home", "count"),
    ("gifts_waiting", "count"),
    ("records", "count"),
    ("unfinished_walks", "count"),
    ("state_digest", "text"),
    ("audit", "text"),
];

#[test]
fn what_is_refused_is_a_fact_of_a_sale_and_a_failure_only_of_a_strict_one() {
    let folder = tempfile::tempdir().unwrap();
    let orders = folder.path().join("orders.csv");
    let data = |name: &str| folder.path().join(name);
    fs::write(&orders, "customer,date,units,amount\nann,1997-01-01,1,5.00\nben,1997-01-01,1,0.00\n").unwrap();
    let sale = Program::sale(&orders, &data("usual"), 1);
    assert_eq!(sale.run().json()["refused"], json!({ "amount_not_positive": 1 }));
    let strict = Program::sale(&orders, &data("strict"), 1).with(&["--strict"]).run();
    assert_eq!((strict.code, strict.error.lines().count()), (Some(1), 1), "{}", strict.error);
    assert!(
        strict.error.starts_with("hongbao: refused: 1 of lines and orders, and --strict"),
        "{}",
        strict.error
    );
    assert!(strict.out.contains("\"sold\":1") && strict.out.contains("\"audit\":\"ok\""), "{}", strict.out);
    fs::write(&orders, "customer,date,units,amount\nann,1997-01-01,1,5.00\n").unwrap();
    Program::sale(&orders, &data("whole"), 1).with(&["--strict"]).run().json();
}

// T6, T16: gifts change who pays and nothing else.
#[test]
fn the_sample_comes_to_its_known_totals_whatever_the_shards_and_the_gifts() {
    let folder = tempfile::tempdir().unwrap();
    let known = json!({
        "lines": 6_919, "customers": 2_357, "sold": 6_911, "refused": { "amount_not_positive": 8 },
        "revenue": "244091.94", "commission_funded": "24418.07", "commission_cashed": "14114.76",
        "commission_returned": "10303.31", "circulations": 20_057, "already_linked": 383,
        "money_movements": 33_879, "audit": "ok",
    });
    // Gifts and orders are a part of the state, and the shards are none.
    let without = "fdf45a9c0367b5be2c3908502036822329d02610d0245686ca74c398df6f1e84";
    let some = "ad500e2e1bfe9c4c7b82fad2027c8076f425212fa1735d8188829619053c4287";
    let all = "3b81c0933cd1f64be357bdb61d260e5581f1f9dc16c7f4babbe470d79326d37c";
    for (shards, share, gifts, gift_money, known_digest) in [
        (1, "0", 0, "0.00", without),
        (3, "0", 0, "0.00", without),
        (1, "0.3", 2_060, "71577.61", some),
        (3, "1", 6_911, "244091.94", all),
    ] {
        let data = folder.path().join(format!("shards-{shards}-gifts-{share}"));
        let sale = Program::sale(&sample(), &data, shards).with(&["--gifts", share]).run().json();
        assert_eq!(totals(&sale), known, "{shards} shards, gifts {share}");
        assert_gifts(&sale, (gifts, gift_money), &format!("{shards} shards, gifts {share}"));
        assert_kinds(&sale, SALE_FIELDS);
        assert_kinds(&sale["latency_us"], &[("p50", "count"), ("p99", "count"), ("p999", "count")]);
        assert_kinds(&sale["journal"], &[("bytes", "count"), ("records", "count"), ("syncs", "count")]);
        assert_eq!(sale["recovered_records"], 0, "{shards} shards");

        let audit = Program::audit(&data).run().json();
        assert_kinds(&audit, AUDIT_FIELDS);
        assert_gifts(&audit, (gifts, gift_money), &format!("the audit, {shards} shards, gifts {share}"));
        for (field, value) in [
            ("accounts", json!(2_358)),
            ("certificates", json!(6_911)),
            ("sold", json!(6_911)),
            ("posted", json!("268510.01")),
            ("deposits", json!("268510.01")),
            ("earmarked", json!("0.00")),
            ("envelopes", json!("0.00")),
            ("cash_outs", json!("0.00")),
            ("revenue", json!("244091.94")),
            ("commission_cashed", json!("14114.76")),
            ("commission_returned", json!("10303.31")),
            ("held", json!("0.00")),
            ("debts", json!("0.00")),
            ("gift_money_home", json!("0.00")),
            ("reserved", json!(0)),
            ("refunded", json!(0)),
            ("gifts_home", json!(0)),
            ("unfinished_walks", json!(0)),
        ] {
            assert_eq!(audit[field], value, "{field} with {shards} shards, gifts {share}");
        }
        assert_eq!(audit["records"], sale["journal"]["records"], "{shards} shards, gifts {share}");
        assert_eq!(digest(&audit), known_digest, "{shards} shards, gifts {share}");
    }
}

/// Checks that so many gifts of so much together were given, and all of them withheld.
#[track_caller]
fn assert_gifts(found: &Value, (number, money): (u64, &str), place: &str) {
    let fields = ["gifts_given", "gifts_withheld", "gifts_waiting"].map(|field| &found[field]);
    assert_eq!(fields, [&json!(number), &json!(number), &json!(0)], "{place}");
    let money_found = ["gift_money", "gift_money_withheld"].map(|field| &found[field]);
    assert_eq!(money_found, [money, money], "{place}");
}

#[test]
fn the_same_sale_run_again_buys_nothing_and_tells_the_same_totals() {
    let folder = tempfile::tempdir().unwrap();
    let orders = folder.path().join("orders.csv");
    fs::write(&orders, csv(CASES[2].rows)).unwrap();
    // The second run may have another number of shards: stored bytes know none.
    for (first, second, gifts) in [(1, 1, "1"), (3, 3, "0"), (1, 3, "0.5"), (3, 1, "1")] {
        let data = folder.path().join(format!("shards-{first}-then-{second}"));
        let sale = |shards| Program::sale(&orders, &data, shards).with(&["--gifts", gifts]).run().json();
        let once = sale(first);
        let audited = Program::audit(&data).run().json();
        let twice = sale(second);
        for field in ["gifts_given", "gifts_withheld", "gifts_waiting", "gift_money", "gift_money_withheld"] {
            assert_eq!(twice[field], once[field], "{field}: {first} shards, then {second}");
        }
        assert_eq!(totals(&twice), totals(&once), "{first} shards, then {second}");
        assert_eq!(twice["recovered_records"], audited["records"], "{first} shards, then {second}");
        assert_eq!(twice["purchases_per_second"], 0.0, "{first} shards, then {second}");
        assert_eq!(twice["money_movements_per_second"], 0.0, "{first} shards, then {second}");
        assert_eq!(Program::audit(&data).run().json(), audited, "{first} shards, then {second}");
    }
}

// T6, T13, T16: totals are those of the sale without gifts; the digest, which names every buyer, gift and order, is
// the same whatever the shards.
#[test]
fn small_sales_come_to_what_the_rules_say_with_gifts_and_without() {
    let folder = tempfile::tempdir().unwrap();
    for (index, Case { name, rows }) in CASES.iter().enumerate() {
        let orders = folder.path().join(format!("orders-{index}.csv"));
        fs::write(&orders, csv(rows)).unwrap();
        let model = expected(rows, 0);
        let wanted = json!({
            "lines": rows.len(), "customers": model.customers.len(), "sold": model.sold, "refused": {},
            "revenue": dollars(model.revenue), "commission_funded": dollars(model.funded),
            "commission_cashed": dollars(model.cashed), "already_linked": model.already_linked,
            "commission_returned": dollars(model.funded - model.cashed),
            "circulations": model.circulations, "money_movements": model.movements, "audit": "ok",
        });
        let mut digests: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
        for ((gifts, share), shards) in SHARES.into_iter().flat_map(|share| [(share, 1), (share, 3)]) {
            let place = format!("{name}, {shards} shards, gifts {gifts}");
            let data = folder.path().join(format!("data-{index}-{shards}-{gifts}"));
            let sale = Program::sale(&orders, &data, shards).with(&["--gifts", gifts]).run().json();
            assert_eq!(totals(&sale), wanted, "{place}");
            let audit = Program::audit(&data).run().json();
            assert_eq!(audit["posted"], dollars(model.revenue + model.funded), "{place}");
            let given = expected(rows, share);
            let given = (given.gifts, &*dollars(given.gift_money));
            assert_gifts(&sale, given, &place);
            assert_gifts(&audit, given, &place);
            digests.entry(gifts).or_default().insert(digest(&audit));
        }
        for (gifts, digests) in digests {
            assert_eq!(digests.len(), 1, "{name}: one shard and three end in the same state, gifts {gifts}");
        }
    }
}

#[test]
fn the_report_says_something_of_gifts_where_there_are_some() {
    let folder = tempfile::tempdir().unwrap();
    let orders = folder.path().join("orders.csv");
    fs::write(&orders, csv(CASES[1].rows)).unwrap();
    for (share, rows) in [
        ("0", [None, None, None]),
        ("1", [Some("gifts given 5"), Some("gifts withheld 5"), Some("withheld from gifts 150.05")]),
    ] {
        let (orders, data) = (orders.display().to_string(), folder.path().join(share).display().to_string());
        let report = Program::new(&["sale", &orders, "--data", &data, "--gifts", share]).run().out;
        let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
        let said: Vec<String> = report.lines().filter(|line| line.contains("gifts ")).map(words).collect();
        assert_eq!(said, rows.into_iter().flatten().collect::<Vec<_>>(), "{report}");
    }
}

// T6: donor -p, recipient 0, payee +p.
#[test]
fn everyone_opens_with_what_they_pay_and_ends_with_exactly_the_own_promises() {
    let folder = tempfile::tempdir().unwrap();
    for (index, Case { name, rows }) in CASES.iter().enumerate() {
        let orders = folder.path().join(format!("{index}.csv"));
        fs::write(&orders, csv(rows)).unwrap();
        for (gifts, share) in SHARES {
            let data = folder.path().join(format!("{index}-{gifts}"));
            Program::sale(&orders, &data, 1).with(&["--gifts", gifts]).run().json();
            let model = expected(rows, share);
            let engine = hongbao::Engine::open(hongbao::Config::new(&data)).unwrap();
            for customer in &model.customers {
                let cents = |of: &BTreeMap<&str, u64>| of.get(customer).copied().unwrap_or(0);
                let (paid, promises) = (cents(&model.paid), cents(&model.posted));
                let place = format!("{customer} in {name:?}, gifts {gifts}");
                let account = format!("customer-{customer}");
                assert_eq!(opened(&engine, &account, paid), Ok(paid), "{place}");
                assert_eq!(balance(&engine, &account), (promises, 0), "{place}");
            }
            let supplier = model.revenue + model.funded - model.cashed;
            assert_eq!(
                balance(&engine, "supplier"),
                (supplier, 0),
                "the supplier in {name:?}, gifts {gifts}"
            );
        }
    }
}

/// What an account has opened with, in cents, which a repeat of its opening says; another one is refused.
fn opened(engine: &hongbao::Engine, account: &str, cents: u64) -> Result<u64, Refusal> {
    let (account, deposit) = (Name::new(account)?, Money::from_minor(cents).unwrap());
    let open = Command::OpenAccount { account, currency: Currency::USD, deposit, credit_limit: Money::ZERO };
    match engine.send(Message::from_funds_management("open", open)?).wait()? {
        Done::Opened { posted } => Ok(posted.minor().try_into().unwrap()),
        other => panic!("an account was opened as {other:?}"),
    }
}

/// Posted and earmarked in cents, read from the live account.
fn balance(engine: &hongbao::Engine, account: &str) -> (u64, u64) {
    let show = Command::ShowAccount { account: Name::new(account).unwrap() };
    match engine.send(Message::from_funds_management("show", show).unwrap()).wait().unwrap() {
        Done::Account(view) => (view.posted.minor().try_into().unwrap(), view.earmarked.minor()),
        other => panic!("an account was shown as {other:?}"),
    }
}

#[test]
fn the_audit_writes_nothing_in_a_closed_store_nor_in_one_that_was_cut_off() {
    let folder = tempfile::tempdir().unwrap();
    let orders = folder.path().join("orders.csv");
    fs::write(&orders, csv(CASES[6].rows)).unwrap();
    let data = folder.path().join("data");
    Program::sale(&orders, &data, 3).run().json();
    let journal = data.join("journal");
    let segment = fs::read_dir(&journal).unwrap().next().unwrap().unwrap().path();
    let whole = fs::read(&segment).unwrap();
    // The last cases take the seal off, then some bytes of the last batch, as a crash could.
    for bytes_lost in [0, 47, 48, 49, 60, 300] {
        fs::write(&segment, &whole[..whole.len() - bytes_lost]).unwrap();
        let before = contents(&data);
        for _ in 0..2 {
            Program::audit(&data).run().json();
            assert_untouched(&data, &before, &format!("the audit of a store short of {bytes_lost} bytes"));
        }
    }
}
