//! Stores of former versions: each is opened as it was written, holds what it held, and goes on.
//!
//! `snapshots/golden/` has the stores, and beside each a file that says what it holds. No test opens them where they
//! are: all work on copies.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on should end there")]

#[expect(dead_code, reason = "only a part of it is needed here")]
mod common;
#[path = "common/copying.rs"]
mod copying;
mod market;
#[path = "market/shown.rs"]
mod shown;

use std::fs;
use std::path::{Path, PathBuf};

use common::{Program, assert_untouched, contents};
use copying::copy_folder;
use hongbao::Engine;
use hongbao::domain::{Done, Message};
use market::messages::{gift, named, purchase, withhold};
use market::play::{SELDOM, clock_at, open, play};
use market::{CLOSING, Phase, phases};
use serde_json::{Map, Value};
use shown::{answers, assert_found, look, readable};

/// A store that was closed: a part of it is in a snapshot, and all of it in the journal.
const WHOLE: &str = "v1";
/// A store that was cut off within the last batch, in the middle of a purchase.
const CUT: &str = "v1-cut";

fn golden(store: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("snapshots/golden").join(store)
}

/// What a golden store is expected to hold.
fn expectation(store: &str) -> Value {
    let path = golden(&format!("{store}.json"));
    serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap()
}

/// A copy of a golden store, with the lock that a store has which was open before.
fn copy_of(store: &str) -> (tempfile::TempDir, PathBuf) {
    let above = tempfile::tempdir().unwrap();
    let copy = above.path().join("data");
    copy_folder(&golden(store), &copy).unwrap();
    fs::write(copy.join("lock"), "").unwrap();
    (above, copy)
}

/// The part of the day that the store that is cut off has seen, and the purchase in which it ends.
fn morning() -> Vec<Phase> {
    let mut phases = phases();
    phases.truncate(3);
    phases[2].snapshot = false;
    phases[2].steps.push(vec![(named("cut off", purchase("cho", "lantern", 1)), None)]);
    phases
}

#[test]
fn a_store_of_version_1_opens_from_its_snapshot_and_holds_what_it_held() {
    for shards in [1, 3] {
        let (_above, data) = copy_of(WHOLE);
        let engine = open(&data, shards, &clock_at(CLOSING), SELDOM);
        let recovered = engine.recovered().clone();
        assert!(recovered.sealed && recovered.cut.is_none(), "{recovered:?}");
        assert_eq!((recovered.passed_over, recovered.unfinished_walks), (Vec::new(), 0));
        assert!(recovered.actors > 0, "the snapshot was taken");
        let expected = expectation(WHOLE);
        let records = expected["audit"]["records"].as_u64().unwrap();
        assert!(recovered.records < records, "{} of {records} records are behind it", recovered.records);
        assert_found(&expected["shown"], &look(&engine), &format!("{shards} shards"));
        engine.close().unwrap();
    }
}

#[test]
fn a_store_of_version_1_holds_the_same_without_its_snapshot() {
    let (_above, data) = copy_of(WHOLE);
    fs::remove_dir_all(data.join("snapshots")).unwrap();
    let engine = open(&data, 1, &clock_at(CLOSING), SELDOM);
    let expected = expectation(WHOLE);
    assert_eq!(Some(engine.recovered().records), expected["audit"]["records"].as_u64());
    assert_found(&expected["shown"], &look(&engine), "from the journal alone");
}

#[test]
fn a_store_of_version_1_whose_journal_was_trimmed_holds_the_same_by_its_snapshots() {
    let (_above, data) = copy_of(WHOLE);
    // What the older snapshot stands for, as a trimming removes it.
    fs::remove_file(data.join("journal/00000000000000000001.segment")).unwrap();
    let expected = expectation(WHOLE);
    let audit = hongbao::audit(&data).unwrap();
    assert!(audit.proved_from.0 > 1, "the beginning is gone");
    assert_eq!((audit.snapshots, audit.passed_over), (2, Vec::new()));
    assert_eq!(expected["audit"]["state_digest"], audit.totals.state_digest);
    let engine = open(&data, 1, &clock_at(CLOSING), SELDOM);
    assert_eq!(engine.recovered().passed_over, Vec::<String>::new());
    assert_found(&expected["shown"], &look(&engine), "from the snapshot alone");
}

// I12: the fingerprint of a request is over the bytes of its command, which therefore stay as they are.
#[test]
fn a_store_of_version_1_gives_every_repeat_of_its_day_the_answer_that_it_gave_then() {
    let (_above, data) = copy_of(WHOLE);
    let engine = open(&data, 1, &clock_at(CLOSING), SELDOM);
    let expected = expectation(WHOLE);
    let day: Vec<Message> = phases()
        .into_iter()
        .flat_map(|phase| phase.steps.into_iter().flatten())
        .filter_map(|(message, refused)| refused.is_none().then_some(message))
        .collect();
    let again = day.iter().map(|message| (message.clone(), engine.send(message.clone()).wait())).collect();
    assert_eq!(expected["answers"].as_object().unwrap().len(), day.len(), "the day is as long as it was");
    assert_found(&expected["answers"], &answers(&again), "again");
    assert_found(&expected["shown"], &look(&engine), "afterwards");
    engine.close().unwrap();
    drop(engine);
    assert_eq!(expected["audit"]["state_digest"], hongbao::audit(&data).unwrap().totals.state_digest);
}

#[test]
fn a_store_of_version_1_goes_on_and_is_sound_afterwards() {
    for shards in [1, 3] {
        let (_above, data) = copy_of(WHOLE);
        let engine = open(&data, shards, &clock_at(CLOSING + 1_000), SELDOM);
        let send = |message: Message| engine.send(message).wait().unwrap();
        let bought = send(named("a day later", purchase("bob", "tea", 0)));
        assert!(matches!(bought, Done::Purchased(_)), "{bought:?}");
        let withheld = send(named("at last", withhold("order 10", 60, gift("bob", "accepted"))));
        assert!(matches!(withheld, Done::Withheld { .. }), "{withheld:?}");
        let shown = look(&engine);
        assert_eq!(shown["gift accepted"]["Ok"]["Gift"]["state"]["state"], "Withheld");
        engine.close().unwrap();
        drop(engine);
        let audit = hongbao::audit(&data).unwrap();
        let (before, after) = (expectation(WHOLE)["audit"].clone(), audit.totals);
        assert_eq!(Some(after.sold), before["sold"].as_u64().map(|sold| sold + 1), "{shards} shards");
        assert_eq!(
            Some(after.gifts_withheld),
            before["gifts_withheld"].as_u64().map(|gifts| gifts + 1),
            "{shards} shards"
        );
        assert_eq!((audit.sealed, audit.snapshots, audit.proved_from.0), (true, 2, 1), "{shards} shards");
    }
}

#[test]
fn the_program_audits_both_stores_of_version_1_and_leaves_them_as_they_are() {
    for store in [WHOLE, CUT] {
        let (_above, data) = copy_of(store);
        let before = contents(&data);
        let audit = audited(&data);
        assert_untouched(&data, &before, "the audit");
        assert_found(&expectation(store)["audit"], &audit, store);
    }
}

#[test]
fn a_store_of_version_1_that_was_cut_off_within_a_purchase_finishes_it() {
    for shards in [1, 3] {
        let (_above, data) = copy_of(CUT);
        let expected = expectation(CUT);
        let engine = open(&data, shards, &clock_at(CLOSING), SELDOM);
        let recovered = engine.recovered().clone();
        assert_eq!((recovered.sealed, recovered.unfinished_walks), (false, 1), "{recovered:?}");
        assert_eq!(recovered.cut.unwrap().records_kept, KEPT, "{shards} shards");
        assert_found(&expected["shown"], &look(&engine), &format!("{shards} shards"));
        let repeat = named("cut off", purchase("cho", "lantern", 1));
        assert_found(
            &expected["purchase"]["cut off"],
            &readable(&engine.send(repeat).wait()),
            "the purchase",
        );
        engine.close().unwrap();
    }
}

/// How many records of its last batch the store that was cut off has kept: of the offering, and of the buyer.
const KEPT: u64 = 2;

/// Cuts a journal's last batch in the middle of its third record, as a crash while it is written does. The numbers
/// are those of docs/FORMATS.md.
fn cut_off(journal: &Path) {
    let segments = fs::read_dir(journal).unwrap().map(|entry| entry.unwrap().path());
    let last = segments.max().unwrap();
    let bytes = fs::read(&last).unwrap();
    let number = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
    let mut batch = 40;
    while batch + 48 + number(batch + 36) < bytes.len() {
        batch += 48 + number(batch + 36);
    }
    let mut record = batch + 48;
    for _ in 0..KEPT {
        record += 8 + number(record);
    }
    assert!(record < bytes.len(), "the purchase has more records than are kept");
    fs::write(&last, &bytes[..record + 8 + number(record) / 2]).unwrap();
}

/// The program's audit of a store, which names files from the data folder on.
fn audited(data: &Path) -> Value {
    let mut audit = Program::audit(data).run().json();
    if let Value::String(cut) = &mut audit["cut"] {
        *cut = cut.replace(&data.display().to_string(), "DATA");
    }
    audit
}

/// Takes an engine's look at a store and the program's audit of it as what is expected from now on.
fn write_expectation(store: &str, shown: Value, rest: (&str, Value)) {
    let parts = [("audit", audited(&golden(store))), ("shown", shown), rest];
    let parts: Map<String, Value> = parts.into_iter().map(|(name, part)| (name.to_owned(), part)).collect();
    fs::write(golden(&format!("{store}.json")), shown::text(&parts)).unwrap();
}

/// Removes what a store has that a copy need not have.
fn strip(store: &Path) {
    fs::remove_file(store.join("lock")).unwrap();
    for half in ["one", "two"] {
        // sled makes it where it is missing, and git keeps no empty folders.
        let _ = fs::remove_dir(store.join("snapshots").join(half).join("blobs"));
    }
}

#[test]
#[ignore = "writes the stores that later versions must open: once, by the version that they are named for"]
fn writes_the_golden_stores() {
    for store in [WHOLE, CUT] {
        assert!(!golden(store).exists(), "{store} is there: a golden store is written once");
    }
    let phases = phases();
    let (engine, answered) = play(&golden(WHOLE), &phases);
    let shown = look(&engine);
    engine.close().unwrap();
    drop(engine);
    strip(&golden(WHOLE));
    write_expectation(WHOLE, shown, ("answers", answers(&answered)));

    let (engine, answered) = play(&golden(CUT), &morning());
    drop::<Engine>(engine);
    cut_off(&golden(CUT).join("journal"));
    strip(&golden(CUT));
    fs::remove_dir_all(golden(CUT).join("snapshots")).unwrap();
    // What the store holds is what an opening makes of it.
    let (_above, data) = copy_of(CUT);
    let engine = open(&data, 1, &clock_at(CLOSING), SELDOM);
    let mut shown = look(&engine);
    shown.as_object_mut().unwrap().retain(|_, answer| answer.get("Ok").is_some());
    let last = answered.last().map(|(_, answer)| readable(answer)).unwrap();
    write_expectation(CUT, shown, ("purchase", serde_json::json!({ "cut off": last })));
}
