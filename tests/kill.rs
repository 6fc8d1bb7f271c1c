//! A sale that is killed with `kill -9`, again and again, comes to the same end as one that nobody disturbed.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on should end there")]

mod common;
#[path = "common/killing.rs"]
mod killing;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use common::{Program, assert_untouched, contents, sample};
use killing::{Luck, Running, SEED_VARIABLE, journal_bytes, kills};
use serde_json::Value;

/// The first so many lines of the sample: enough to be in the middle of, and soon done again.
fn orders(folder: &Path, lines: usize) -> PathBuf {
    let text = fs::read_to_string(sample()).unwrap();
    let path = folder.join("orders.txt");
    fs::write(&path, text.split_inclusive('\n').take(lines).collect::<String>()).unwrap();
    path
}

/// What a sale came to, without what is one run's own.
fn totals(mut sale: Value) -> Value {
    let fields = sale.as_object_mut().unwrap();
    for field in [
        "seconds",
        "money_movements_per_second",
        "purchases_per_second",
        "latency_us",
        "journal",
        "recovered_records",
        "recovered_actors",
    ] {
        assert!(fields.remove(field).is_some(), "{field} is missing");
    }
    sale
}

/// What a store holds, without how many records it took to come there: a repeated request may cost some.
fn held(mut audit: Value) -> Value {
    for count in ["records", "newest_record"] {
        assert!(audit.as_object_mut().unwrap().remove(count).is_some(), "{count} is missing");
    }
    audit
}

/// Kills a sale as often as the environment says, else ten times, each time behind another part of the journal that an
/// undisturbed run writes.
fn kill_and_go_on(shards: usize, gifts: &str) {
    let sale_in = |orders: &Path, data: &Path| Program::sale(orders, data, shards).with(&["--gifts", gifts]);
    let folder = tempfile::tempdir().unwrap();
    let orders = orders(folder.path(), 2_000);
    let (calm, killed) = (folder.path().join("calm"), folder.path().join("killed"));
    let begun = Instant::now();
    let wanted = totals(sale_in(&orders, &calm).run().json());
    let took = begun.elapsed();
    let bytes = journal_bytes(&calm);

    let (mut luck, seed) = Luck::new();
    println!("{SEED_VARIABLE}={seed}: an undisturbed sale takes {took:?} and {bytes} bytes, {shards} shards");
    let sale = sale_in(&orders, &killed);
    let (kills, mut ended_by_kill, mut sold, mut unfinished, mut waiting) = (kills(), 0, 0, 0, 0);
    for part in 0..kills {
        // Behind the header of the first segment there is a store to audit.
        let mark = 41 + bytes * part / kills + luck.below(bytes * 9 / (kills * 10));
        let delay = Duration::from_micros(luck.below(10_000));
        let mut running = Running::start(&sale);
        running.wait_for_bytes(&killed, mark);
        std::thread::sleep(delay);
        let was_killed = running.kill();
        ended_by_kill += u64::from(was_killed);

        let before = contents(&killed);
        let kill = format!("kill {part} at {mark} bytes + {delay:?}");
        let place = format!("{SEED_VARIABLE}={seed}, {shards} shards, gifts {gifts}, {kill}");
        let ran = Program::audit(&killed).run();
        assert_eq!(ran.code, Some(0), "{place}: {}{}", ran.out, ran.error);
        let audit = ran.json();
        assert_untouched(&killed, &before, &format!("{place}: the audit"));
        let sold_now = audit["sold"].as_u64().unwrap();
        assert!(sold_now >= sold, "{place}: {sold} were sold, now {sold_now}");
        sold = sold_now;
        unfinished += audit["unfinished_walks"].as_u64().unwrap();
        waiting += audit["gifts_waiting"].as_u64().unwrap();
        println!("{place}: ended by the kill {was_killed}, {sold} sold, {} records", audit["records"]);
    }
    let place = format!("{SEED_VARIABLE}={seed}, {shards} shards, gifts {gifts}");
    println!("{place}: {unfinished} walks were cut in all, and {waiting} gifts waited");
    assert_eq!(waiting > 0, gifts != "0", "{place}: {waiting} gifts waited");
    assert!(ended_by_kill >= kills * 4 / 5, "{place}: only {ended_by_kill} kills came in time");

    assert_eq!(totals(sale.run().json()), wanted, "{place}: the sale");
    let (calm, killed) = (Program::audit(&calm).run().json(), Program::audit(&killed).run().json());
    assert_eq!(held(killed), held(calm), "{place}: the store");
}

#[test]
fn kills_change_nothing_with_one_shard() {
    kill_and_go_on(1, "0");
}

#[test]
fn kills_change_nothing_with_three_shards() {
    kill_and_go_on(3, "0");
}

// T9, T10, T16, I14, I15
#[test]
fn kills_lose_no_gift_and_withhold_none_twice_with_one_shard() {
    kill_and_go_on(1, "0.5");
}

#[test]
fn kills_lose_no_gift_and_withhold_none_twice_with_three_shards() {
    kill_and_go_on(3, "0.5");
}

#[test]
fn kills_while_the_store_begins_or_is_recovered_lose_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let orders = orders(folder.path(), 300);
    let (mut luck, seed) = Luck::new();
    println!("{SEED_VARIABLE}={seed}");
    for shards in [1, 3] {
        let (calm, killed) =
            (folder.path().join(format!("calm-{shards}")), folder.path().join(shards.to_string()));
        let wanted = totals(Program::sale(&orders, &calm, shards).run().json());
        let sale = Program::sale(&orders, &killed, shards);
        let mut sold = 0;
        for kill in 0..20 {
            // Starting a process takes a few milliseconds, and so does beginning or recovering a small store.
            let delay = Duration::from_micros(luck.below(40_000));
            let place = format!("{SEED_VARIABLE}={seed}, {shards} shards, kill {kill} after {delay:?}");
            let running = Running::start(&sale);
            std::thread::sleep(delay);
            running.kill();
            let audit = Program::audit(&killed).run();
            let not_begun = ["is not a hongbao store", "holds no segment: the store is empty"];
            if not_begun.iter().any(|words| audit.out.contains(words)) {
                assert_eq!((audit.code, sold), (Some(1), 0), "{place}: {}", audit.out);
                continue;
            }
            assert_eq!(audit.code, Some(0), "{place}: {}", audit.out);
            let sold_now = audit.json()["sold"].as_u64().unwrap();
            assert!(sold_now >= sold, "{place}: {sold} were sold, now {sold_now}");
            sold = sold_now;
        }
        let place = format!("{SEED_VARIABLE}={seed}, {shards} shards");
        assert_eq!(totals(sale.run().json()), wanted, "{place}: the sale");
        let (calm, killed) = (Program::audit(&calm).run().json(), Program::audit(&killed).run().json());
        assert_eq!(held(killed), held(calm), "{place}: the store");
    }
}
