//! The sale of a file of orders comes to the totals that its rules say, whatever the shards, and the audit
//! confirms them without writing.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on should end there")]

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use common::{Program, assert_untouched, contents, sample};
use serde_json::{Value, json};

/// What the rules make of orders, in cents, worked out without any code of the engine.
#[derive(Default)]
struct Expected {
    revenue: u64,
    funded: u64,
    cashed: u64,
    circulations: u64,
    already_linked: u64,
    movements: u64,
    customers: BTreeSet<&'static str>,
    posted: BTreeMap<&'static str, u64>,
    sold: u64,
}

/// Customer, day and price in cents, as they stand in the file.
type Row = (&'static str, &'static str, u64);

/// A share in per cent, half a cent rounded up.
fn per_cent(price: u64, part: u64) -> u64 {
    (price * part + 50) / 100
}

/// Each order is shared by the customers of the three orders before it, without its buyer, then bought. Ten
/// per cent are funded and two of them attached; who circulates for the first time takes all that is attached,
/// and as much follows out of the reserve.
fn expected(rows: &[Row]) -> Expected {
    let mut rows = rows.to_vec();
    rows.sort_by_key(|(_, day, _)| *day);
    let mut expected = Expected::default();
    for (index, (buyer, _, price)) in rows.iter().enumerate() {
        let funded = per_cent(*price, 10);
        let mut attached = if funded == 0 { 0 } else { per_cent(*price, 2) };
        let mut reserve = funded - attached;
        let (mut linked, mut promises) = (None, BTreeMap::new());
        for (sharer, _, _) in rows[index.saturating_sub(3)..index].iter().filter(|row| row.0 != *buyer) {
            if linked == Some(sharer) {
                expected.already_linked += 1;
                continue;
            }
            expected.circulations += 1;
            linked = Some(sharer);
            if !promises.contains_key(sharer) {
                promises.insert(sharer, attached);
                let increase = attached.min(reserve);
                (attached, reserve) = (increase, reserve - increase);
            }
        }
        let cashed: u64 = promises.values().sum();
        for (sharer, promise) in &promises {
            *expected.posted.entry(sharer).or_default() += promise;
        }
        expected.sold += 1;
        expected.customers.insert(buyer);
        expected.revenue += price;
        expected.funded += funded;
        expected.cashed += cashed;
        let credits = promises.values().filter(|promise| **promise > 0).count() as u64;
        expected.movements += 1 + credits + u64::from(funded > cashed);
    }
    expected
}

fn dollars(cents: u64) -> String {
    format!("{}.{:02}", cents / 100, cents % 100)
}

/// A file of orders as people export them, and the model's totals for it.
struct Case {
    name: &'static str,
    rows: &'static [Row],
}

const CASES: &[Case] = &[
    Case { name: "one order, which nobody can share", rows: &[("ann", "1997-01-01", 1_000)] },
    Case {
        name: "three shared before, by three accounts",
        rows: &[
            ("ann", "1997-01-01", 1_000),
            ("bob", "1997-01-02", 2_000),
            ("cho", "1997-01-03", 3_000),
            ("dev", "1997-01-04", 4_000),
            ("eve", "1997-01-05", 5_005),
        ],
    },
    Case {
        name: "ann circulates, bob follows, ann circulates again and takes nothing more",
        rows: &[
            ("ann", "1997-01-01", 1_000),
            ("bob", "1997-01-02", 1_000),
            ("ann", "1997-01-03", 1_000),
            ("cho", "1997-01-04", 12_345),
        ],
    },
    Case {
        name: "the same customer three times in a row is linked once",
        rows: &[
            ("ann", "1997-01-01", 1_000),
            ("ann", "1997-01-02", 1_000),
            ("ann", "1997-01-03", 1_000),
            ("bob", "1997-01-04", 1_000),
            ("ann", "1997-01-05", 1_000),
        ],
    },
    Case {
        name: "between two orders of one customer the buyer's own is skipped, so that they meet",
        rows: &[
            ("ann", "1997-01-01", 700),
            ("bob", "1997-01-02", 700),
            ("ann", "1997-01-03", 700),
            ("bob", "1997-01-04", 700),
        ],
    },
    Case {
        name: "prices whose shares round to nothing, up, and down",
        rows: &[
            ("ann", "1997-01-01", 1),
            ("bob", "1997-01-02", 4),
            ("cho", "1997-01-03", 5),
            ("dev", "1997-01-04", 24),
            ("eve", "1997-01-05", 25),
            ("fay", "1997-01-06", 74),
            ("gil", "1997-01-07", 75),
            ("ann", "1997-01-08", 1),
        ],
    },
    Case {
        name: "days out of order, several orders on one day",
        rows: &[
            ("cho", "1998-06-30", 1_234),
            ("ann", "1997-01-02", 5_678),
            ("bob", "1997-01-02", 91_011),
            ("ann", "1997-01-01", 1_213),
            ("dev", "1997-01-02", 1_415),
            ("cho", "1997-01-02", 1_617),
        ],
    },
    Case {
        name: "one cent and the largest sale of the small ones",
        rows: &[("ann", "1997-01-01", 1), ("bob", "1997-01-02", 99_999_999_999_999)],
    },
];

fn csv(rows: &[Row]) -> String {
    let lines = rows.iter().map(|(customer, day, cents)| format!("{customer},{day},1,{}\n", dollars(*cents)));
    "customer,date,units,amount\n".to_owned() + &lines.collect::<String>()
}

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
    ("records", "count"),
    ("unfinished_walks", "count"),
    ("state_digest", "text"),
    ("audit", "text"),
];

#[test]
fn the_sample_comes_to_its_known_totals_with_one_shard_and_with_three() {
    let folder = tempfile::tempdir().unwrap();
    let known = json!({
        "lines": 6_919, "customers": 2_357, "sold": 6_911, "refused": { "amount_not_positive": 8 },
        "revenue": "244091.94", "commission_funded": "24418.07", "commission_cashed": "14114.76",
        "commission_returned": "10303.31", "circulations": 20_057, "already_linked": 383,
        "money_movements": 33_879, "audit": "ok",
    });
    let mut digests = Vec::new();
    for shards in [1, 3] {
        let data = folder.path().join(format!("shards-{shards}"));
        let sale = Program::sale(&sample(), &data, shards).run().json();
        assert_eq!(totals(&sale), known, "{shards} shards");
        assert_kinds(&sale, SALE_FIELDS);
        assert_kinds(&sale["latency_us"], &[("p50", "count"), ("p99", "count"), ("p999", "count")]);
        assert_kinds(&sale["journal"], &[("bytes", "count"), ("records", "count"), ("syncs", "count")]);
        assert_eq!(sale["recovered_records"], 0, "{shards} shards");

        let audit = Program::audit(&data).run().json();
        assert_kinds(&audit, AUDIT_FIELDS);
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
            ("unfinished_walks", json!(0)),
        ] {
            assert_eq!(audit[field], value, "{field} with {shards} shards");
        }
        assert_eq!(audit["records"], sale["journal"]["records"], "{shards} shards");
        digests.push(digest(&audit));
    }
    assert_eq!(digests[0], digests[1], "one shard and three end in the same state");
}

#[test]
fn the_same_sale_run_again_buys_nothing_and_tells_the_same_totals() {
    let folder = tempfile::tempdir().unwrap();
    let orders = folder.path().join("orders.csv");
    fs::write(&orders, csv(CASES[2].rows)).unwrap();
    // The second run may have another number of shards: stored bytes know none.
    for (first, second) in [(1, 1), (3, 3), (1, 3), (3, 1)] {
        let data = folder.path().join(format!("shards-{first}-then-{second}"));
        let once = Program::sale(&orders, &data, first).run().json();
        let audited = Program::audit(&data).run().json();
        let twice = Program::sale(&orders, &data, second).run().json();
        assert_eq!(totals(&twice), totals(&once), "{first} shards, then {second}");
        assert_eq!(twice["recovered_records"], audited["records"], "{first} shards, then {second}");
        assert_eq!(twice["purchases_per_second"], 0.0, "{first} shards, then {second}");
        assert_eq!(twice["money_movements_per_second"], 0.0, "{first} shards, then {second}");
        assert_eq!(Program::audit(&data).run().json(), audited, "{first} shards, then {second}");
    }
}

#[test]
fn small_sales_come_to_what_the_rules_say() {
    let folder = tempfile::tempdir().unwrap();
    for (index, Case { name, rows }) in CASES.iter().enumerate() {
        let orders = folder.path().join(format!("orders-{index}.csv"));
        fs::write(&orders, csv(rows)).unwrap();
        let model = expected(rows);
        let wanted = json!({
            "lines": rows.len(), "customers": model.customers.len(), "sold": model.sold, "refused": {},
            "revenue": dollars(model.revenue), "commission_funded": dollars(model.funded),
            "commission_cashed": dollars(model.cashed), "already_linked": model.already_linked,
            "commission_returned": dollars(model.funded - model.cashed),
            "circulations": model.circulations, "money_movements": model.movements, "audit": "ok",
        });
        let mut digests = BTreeSet::new();
        for shards in [1, 3] {
            let data = folder.path().join(format!("data-{index}-{shards}"));
            let sale = Program::sale(&orders, &data, shards).run().json();
            assert_eq!(totals(&sale), wanted, "{name}, {shards} shards");
            let audit = Program::audit(&data).run().json();
            assert_eq!(audit["posted"], dollars(model.revenue + model.funded), "{name}, {shards} shards");
            digests.insert(digest(&audit));
        }
        assert_eq!(digests.len(), 1, "{name}: one shard and three end in the same state");
    }
}

#[test]
fn every_sharer_ends_with_exactly_the_own_promises() {
    let folder = tempfile::tempdir().unwrap();
    for (index, Case { name, rows }) in CASES.iter().enumerate() {
        let (orders, data) =
            (folder.path().join(format!("{index}.csv")), folder.path().join(index.to_string()));
        fs::write(&orders, csv(rows)).unwrap();
        Program::sale(&orders, &data, 1).run().json();
        let model = expected(rows);
        for customer in &model.customers {
            let wanted = model.posted.get(customer).copied().unwrap_or(0);
            assert_eq!(posted(&data, customer), i128::from(wanted), "{customer} in {name:?}");
        }
    }
}

/// A customer's balance in cents, read from the live account.
fn posted(data: &Path, customer: &str) -> i128 {
    use hongbao::domain::{Command, Done, Message, Name};
    let engine = hongbao::Engine::open(hongbao::Config::new(data)).unwrap();
    let account = Name::new(format!("customer-{customer}")).unwrap();
    let show = Message::from_funds_management("show", Command::ShowAccount { account }).unwrap();
    match engine.send(show).wait().unwrap() {
        Done::Account(view) => view.posted.minor().into(),
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
