//! A made-up rush sells exactly its stock to those who can pay, whatever the spread, the shards and the kills.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on should end there")]

mod common;
#[path = "common/killing.rs"]
mod killing;

use std::cmp::Ordering;
use std::path::Path;
use std::time::{Duration, Instant};

use common::{Program, Ran, assert_untouched, contents, sample};
use killing::{Luck, Running, SEED_VARIABLE, journal_bytes, kills};
use serde_json::{Value, json};

/// What only one run of a rush can tell, or what follows from who was first.
const OF_ONE_RUN: &[&str] = &[
    "refused",
    "overloaded_retries",
    "seconds",
    "circulations_per_second",
    "purchases_per_second",
    "money_movements_per_second",
    "answers_per_second",
    "latency_us",
    "busy",
    "bound_by",
    "journal",
    "recovered_records",
    "recovered_actors",
    "recovery_seconds",
    "state_digest",
];

fn rush(arguments: &str, data: &Path, shards: usize) -> Program {
    let (data, shards) = (data.display().to_string(), shards.to_string());
    let more: Vec<&str> = arguments.split_whitespace().collect();
    let program = Program::new(&["sale", "--synthetic"]).with(&more);
    program.with(&["--data", &data, "--shards", &shards, "--json"])
}

/// What a rush came to, the same however often it was cut off.
fn totals(mut rush: Value) -> Value {
    let fields = rush.as_object_mut().unwrap();
    for field in OF_ONE_RUN {
        assert!(fields.remove(*field).is_some(), "{field} is missing");
    }
    rush
}

fn dollars(whole: u64) -> String {
    format!("{whole}.00")
}

#[test]
fn exactly_the_stock_or_what_can_be_paid_is_sold() {
    // Arguments, offerings, sharers, buyers who cannot pay, sold.
    let cases = [
        ("--buyers 2000 --certificates 200", 1, 2, 0, 200),
        ("--buyers 2000 --certificates 200 --seed 7", 1, 2, 0, 200),
        ("--buyers 2000 --certificates 200 --broke 0.3", 1, 2, 600, 200),
        ("--buyers 2000 --certificates 200 --broke 1", 1, 2, 2_000, 0),
        ("--buyers 2000 --certificates 200 --sharers 0", 1, 0, 0, 200),
        ("--buyers 2000 --certificates 200 --sharers 3", 1, 3, 0, 200),
        ("--buyers 1000 --certificates 50 --sharers 7", 1, 7, 0, 50),
        ("--buyers 2000 --certificates 400 --hot 0.5", 101, 2, 0, 400),
        ("--buyers 2000 --certificates 400 --hot 0", 100, 2, 0, 400),
        ("--buyers 2001 --certificates 303 --hot 0.3333", 101, 2, 0, 303),
        ("--buyers 2000 --certificates 400 --hot 0.5 --others 7", 8, 2, 0, 400),
        ("--buyers 2000 --certificates 400 --hot 0 --others 400", 400, 2, 0, 400),
        ("--buyers 2000 --certificates 200 --batch 7 --at-once 3", 1, 2, 0, 200),
        ("--buyers 300 --certificates 200 --batch 1 --at-once 1", 1, 2, 0, 200),
        ("--buyers 200 --certificates 1000", 1, 2, 0, 200),
        ("--buyers 1000 --certificates 2000 --broke 0.25", 1, 2, 250, 750),
        ("--buyers 1 --certificates 1", 1, 2, 0, 1),
    ];
    let folder = tempfile::tempdir().unwrap();
    for (index, (arguments, offerings, sharers, broke, sold)) in cases.into_iter().enumerate() {
        let mut words = arguments.split_whitespace();
        let buyers: u64 = words.nth(1).unwrap().parse().unwrap();
        let certificates: u64 = words.nth(1).unwrap().parse().unwrap();
        for shards in [1, 3] {
            let place = format!("{arguments}, {shards} shards");
            let data = folder.path().join(format!("{index}-{shards}"));
            let ran = rush(arguments, &data, shards).run().json();
            // 10.00 are funded, and each sharer takes 2.00 as long as they last.
            let cashed = 2 * u64::min(sharers, 5);
            for (field, value) in [
                ("buyers", json!(buyers)),
                ("offerings", json!(offerings)),
                ("broke_buyers", json!(broke)),
                ("sold", json!(sold)),
                ("not_sold", json!(buyers - sold)),
                ("circulations", json!(certificates * sharers)),
                ("revenue", json!(dollars(sold * 100))),
                ("commission_funded", json!(dollars(certificates * 10))),
                ("commission_cashed", json!(dollars(sold * cashed))),
                ("commission_returned", json!(dollars(sold * (10 - cashed)))),
                ("money_movements", json!(sold * (1 + cashed / 2 + u64::from(cashed < 10)))),
                ("recovered_records", json!(0)),
            ] {
                assert_eq!(ran[field], value, "{field} of {place}");
            }
            let refused: u64 = ran["refused"].as_object().unwrap().values().filter_map(Value::as_u64).sum();
            assert_eq!(refused, buyers - sold, "refused by code: {place}");
            if broke == 0 && sold < buyers {
                assert_eq!(ran["refused"], json!({ "sold_out": buyers - sold }), "{place}");
            }
            let audit = Program::audit(&data).run().json();
            assert_eq!(audit["sold"], sold, "{place}");
            let posted = (buyers - broke) * 100 + sold * 10;
            assert_eq!(audit["posted"], dollars(posted), "{place}: losers keep their money");
        }
    }
}

#[test]
fn the_same_rush_again_tells_the_same_totals_and_sells_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let arguments = "--buyers 2000 --certificates 300 --hot 0.5 --broke 0.1 --sharers 3";
    let once = rush(arguments, &data, 3).run().json();
    let audited = Program::audit(&data).run().json();
    let twice = rush(arguments, &data, 1).run().json();
    assert_eq!(twice["recovered_records"], audited["records"]);
    for field in ["circulations_per_second", "purchases_per_second", "money_movements_per_second"] {
        assert!(once[field].as_f64().unwrap() > 0.0, "{field}");
        assert_eq!(twice[field], 0.0, "{field}");
    }
    assert_eq!(totals(twice), totals(once));
    let again = Program::audit(&data).run().json();
    for field in ["sold", "posted", "circulations", "revenue"] {
        assert_eq!(again[field], audited[field], "{field}");
    }
}

#[track_caller]
fn assert_told(ran: &Ran, code: i32, words: &[&str]) {
    let Ran { code: ended, out, error, command_line } = ran;
    let told = format!("{command_line}\nstandard output: {out}\nstandard error: {error}");
    assert_eq!(*ended, Some(code), "{told}");
    assert_eq!(out, "", "{told}");
    assert!(!error.contains("panicked"), "{told}");
    for word in words {
        assert!(error.contains(word), "{word:?} is not said: {told}");
    }
}

#[test]
fn another_sales_folder_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (rushed, ordered) = (folder.path().join("rushed"), folder.path().join("ordered"));
    rush("--buyers 100 --certificates 10", &rushed, 1).run().json();
    Program::sale(&sample(), &ordered, 1).run().json();
    let words = ["holds another sale", "--data"];
    for arguments in [
        "--buyers 100 --certificates 10 --seed 2",
        "--buyers 101 --certificates 10",
        "--buyers 100 --certificates 11",
        "--buyers 100 --certificates 10 --sharers 1",
        "--buyers 100 --certificates 10 --broke 0.01",
        "--buyers 100 --certificates 10 --hot 0.95",
    ] {
        // With 11 certificates and --hot 0.95 there is nothing for the hundred others.
        let code = if arguments.contains("--hot") { 2 } else { 1 };
        let words: &[&str] = if code == 2 { &["--hot 0.95", "--certificates"] } else { &words };
        assert_told(&rush(arguments, &rushed, 1).run(), code, words);
    }
    assert_told(&rush("--buyers 100 --certificates 10", &ordered, 1).run(), 1, &words);
    assert_told(&Program::sale(&sample(), &rushed, 1).run(), 1, &words);
    let same = rush("--buyers 100 --certificates 10", &rushed, 1).run().json();
    assert_eq!(same["sold"], 10);
}

#[test]
fn arguments_out_of_their_bounds_are_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("never");
    let cases: &[(&str, &[&str])] = &[
        ("--buyers 0", &["--buyers", "10000000"]),
        ("--buyers 10000001", &["--buyers", "10000000"]),
        ("--buyers -1", &["-1"]),
        ("--buyers many", &["--buyers", "many"]),
        ("--certificates 0", &["--certificates", "10000000"]),
        ("--certificates 10000001", &["--certificates", "10000000"]),
        ("--sharers 10001", &["--sharers", "10000"]),
        ("--hot 1.1", &["--hot", "from 0 to 1"]),
        ("--hot 0.12345", &["--hot", "5 decimals", "at most 4"]),
        ("--hot half", &["--hot", "from 0 to 1"]),
        ("--broke 2", &["--broke", "from 0 to 1"]),
        ("--broke 1e-3", &["--broke", "from 0 to 1"]),
        ("--seed -1", &["-1"]),
        // Gifts are orders of a file.
        ("--gifts 0.5", &["--gifts", "--synthetic"]),
        ("--snapshot-every 0", &["--snapshot-every", "1"]),
        ("--batch 8190 --at-once 5", &["--batch times --at-once is 40950", "at most 32768"]),
        ("--batch 0", &["--batch", "from 1 to 8190"]),
        ("--at-once 32769", &["--at-once", "from 1 to 32768"]),
        ("--others 0", &["--others", "from 1 to 1000000"]),
        ("--journal-max 1023", &["--journal-max is 1023", "at least 1024", "four times --snapshot-every"]),
        ("--hot 0.5 --certificates 100", &["offering 52", "--hot 0.5", "more --certificates, or --hot 1"]),
        ("--hot 0 --certificates 99", &["offering 101", "more --certificates"]),
        ("--certificates 10000000 --sharers 10", &["100000000", "--sharers", "50000000"]),
    ];
    for (arguments, words) in cases {
        assert_told(&rush(arguments, &data, 1).run(), 2, words);
    }
    let orders = sample().display().to_string();
    for arguments in [
        vec!["sale"],
        vec!["sale", &orders, "--synthetic"],
        vec!["sale", &orders, "--buyers", "5"],
        vec!["sale", &orders, "--seed", "1"],
        vec!["sale", "--buyers", "5"],
    ] {
        let arguments = [arguments, vec!["--data", data.to_str().unwrap()]].concat();
        assert_told(&Program::new(&arguments).run(), 2, &[]);
    }
    assert!(!data.exists());
}

/// Takes a snapshot of a store at rest. How long a life lasts is the machine's affair, so that none of its own may be whole.
#[track_caller]
fn take_snapshot(data: &Path) {
    let Ran { code, error, command_line, .. } =
        Program::new(&["snapshot", "--data", &data.display().to_string(), "--json"]).run();
    assert_eq!((code, &*error), (Some(0), ""), "{command_line}");
}

/// Kills a rush as often as the environment says, else ten times, each time behind another part of the journal that an undisturbed run writes.
/// From the middle on there is a snapshot, and no kill may take the last one that is whole.
fn kill_and_go_on(arguments: &str, shards: usize) {
    let folder = tempfile::tempdir().unwrap();
    let (calm, killed) = (folder.path().join("calm"), folder.path().join("killed"));
    let begun = Instant::now();
    let wanted = totals(rush(arguments, &calm, shards).run().json());
    let took = begun.elapsed().as_micros() as u64;
    let bytes = journal_bytes(&calm);
    let (mut luck, seed) = Luck::new();
    let rush = rush(arguments, &killed, shards);
    let (kills, mut ended_by_kill, mut sold) = (kills(), 0, 0);
    for kill in 0..kills {
        // Behind the header of the first segment there is a store to audit. Recovering writes the tail anew, so
        // that bytes alone would bring most kills into the recovery.
        let mark = 41 + bytes * kill / kills + luck.below(bytes * 9 / (kills * 10));
        let delay = Duration::from_micros(luck.below(took / 4));
        let mut running = Running::start(&rush);
        running.wait_for_bytes(&killed, mark);
        std::thread::sleep(delay);
        ended_by_kill += u64::from(running.kill());
        let place =
            format!("{SEED_VARIABLE}={seed}, {arguments}, {shards} shards, kill {kill} at {mark} bytes");
        let before = contents(&killed);
        let audit = Program::audit(&killed).run().json();
        assert_untouched(&killed, &before, &format!("{place}: the audit"));
        let sold_now = audit["sold"].as_u64().unwrap();
        assert!(sold_now >= sold, "{place}: {sold} were sold, now {sold_now}");
        sold = sold_now;
        let snapshots = audit["snapshots"].as_u64().unwrap();
        println!("{place} + {delay:?}: {sold} sold, {} records, {snapshots} snapshots", audit["records"]);
        match kill.cmp(&(kills / 2)) {
            Ordering::Less => {}
            Ordering::Equal => take_snapshot(&killed),
            Ordering::Greater => assert!(snapshots > 0, "{place}: a kill took every snapshot"),
        }
    }
    let place = format!("{SEED_VARIABLE}={seed}, {arguments}, {shards} shards");
    assert!(ended_by_kill >= kills / 2, "{place}: only {ended_by_kill} kills came in time");
    assert_eq!(totals(rush.run().json()), wanted, "{place}");
    let (calm, killed) = (Program::audit(&calm).run().json(), Program::audit(&killed).run().json());
    for field in ["accounts", "certificates", "sold", "circulations", "posted", "envelopes", "deposits"] {
        assert_eq!(killed[field], calm[field], "{field}: {place}");
    }
    assert!(killed["snapshots"].as_u64().unwrap() > 0, "{place}: {killed}");
}

#[test]
fn kills_and_snapshots_change_no_total_with_one_shard() {
    kill_and_go_on("--buyers 20000 --certificates 10000 --snapshot-every 1", 1);
}

#[test]
fn kills_and_snapshots_change_no_total_with_three_shards_poor_buyers_and_many_offerings() {
    let rush = "--buyers 20000 --certificates 10000 --hot 0.5 --broke 0.2";
    // With the whole journal as archive, so that audits hold every snapshot against it from the beginning.
    kill_and_go_on(&format!("{rush} --snapshot-every 1 --archive 1000"), 3);
}
