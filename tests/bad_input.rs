//! Whatever it is given, the program answers in one line, never panics, and leaves alone what is not its own.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on should end there")]

mod common;
#[path = "common/copying.rs"]
mod copying;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use common::{Program, Ran, assert_untouched, contents, sample};
use copying::copy_folder;
use hongbao::{Config, Engine};
use serde_json::{Value, json};

const HEADER: &str = "customer,date,units,amount\n";
const GOOD: &str = "ann,1997-01-01,1,10.00\nbob,1997-01-02,2,20.00\n";

/// Checks that a run failed as it should: a failure's exit code, its words in one line, and nothing else.
#[track_caller]
fn assert_fails(ran: &Ran, words: &[&str]) {
    let Ran { code, out, error, command_line } = ran;
    let told = format!("{command_line}\nstandard output: {out}\nstandard error: {error}");
    assert_eq!(*code, Some(1), "{told}");
    let line = if command_line.starts_with("hongbao audit") && command_line.ends_with("--json") {
        assert_eq!(error, "", "{told}");
        let object: Value = serde_json::from_str(out).unwrap_or_else(|error| panic!("{error}: {told}"));
        assert_eq!(object.as_object().map(serde_json::Map::len), Some(1), "{told}");
        object["audit"].as_str().unwrap_or_else(|| panic!("no text in audit: {told}")).to_owned()
    } else {
        assert_eq!(out, "", "{told}");
        assert!(error.starts_with("hongbao: ") && error.ends_with('\n'), "{told}");
        error.trim_end().to_owned()
    };
    assert_eq!(line.lines().count(), 1, "more than one line: {told}");
    assert!(!line.contains("panicked") && !line.contains("backtrace"), "{told}");
    for word in words {
        assert!(line.contains(word), "{word:?} is not said: {told}");
    }
}

/// A folder with good orders in it.
fn place() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let orders = folder.path().join("orders.csv");
    fs::write(&orders, HEADER.to_owned() + GOOD).unwrap();
    (folder, orders)
}

/// Bytes that no text has, from a plain congruence.
fn noise() -> Vec<u8> {
    (0_u32..4_096).map(|index| (index.wrapping_mul(2_654_435_761) >> 24) as u8).collect()
}

#[test]
fn a_file_that_is_of_no_use_is_named_and_no_store_is_begun_or_touched() {
    let (folder, good) = place();
    let csv = |lines: &str| (HEADER.to_owned() + lines).into_bytes();
    let all = "9999999999999999.99";
    let files: Vec<(&str, Vec<u8>, &[&str])> = vec![
        ("noise with zeros", noise(), &["is not a text file"]),
        (
            "noise without zeros",
            noise().into_iter().filter(|byte| *byte >= 128).collect(),
            &["not a text file"],
        ),
        ("empty", Vec::new(), &["holds no orders"]),
        ("blank", b" \r\n\t\n\n".to_vec(), &["holds no orders"]),
        ("header only", HEADER.into(), &["holds no orders"]),
        ("no amount", b"customer,date,units\nann,1997-01-01,1\n".to_vec(), &["no column amount"]),
        ("amount twice", b"customer,date,units,amount,amount\n".to_vec(), &["amount more than once"]),
        ("all negative", csv("ann,1997-01-01,1,-1.00\n"), &["line 2", "-1.00 has a minus sign"]),
        ("all bad", csv("ann\nbob\n"), &["not one of the 2 lines", "line 2"]),
        ("escape", csv("ann,1997-01-01,1,\u{1b}[31m\n"), &["not an amount"]),
        ("words", b"Dear customer\nthank you\n".to_vec(), &["not one of the 2 lines"]),
        (
            "more money than there may be",
            csv(&format!("ann,1997-01-01,1,{all}\nann,1997-01-02,1,{all}\n")),
            &["add up to more"],
        ),
    ];
    let mut cases: Vec<(PathBuf, &[&str])> = vec![
        (folder.path().join("missing.csv"), &["there is no file", "missing.csv"]),
        (folder.path().join("no\nsuch"), &["there is no file", "no\\nsuch"]),
        (folder.path().to_owned(), &["is a folder"]),
        (good.join("below"), &["cannot be read", "orders.csv/below"]),
        (PathBuf::from("/dev/null"), &["is not a regular file"]),
    ];
    for (name, bytes, words) in files {
        let path = folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        cases.push((path, words));
    }

    let store = folder.path().join("store");
    Program::sale(&good, &store, 1).run().json();
    let before = contents(&store);
    let never = folder.path().join("never");
    for (orders, words) in cases {
        for shards in [1, 3] {
            assert_fails(&Program::sale(&orders, &never, shards).run(), words);
            assert!(!never.exists(), "{} made a data folder", orders.display());
            assert_fails(&Program::sale(&orders, &store, shards).run(), words);
            assert_untouched(&store, &before, &format!("a sale of {}", orders.display()));
        }
    }
}

#[test]
fn a_bad_line_is_refused_with_its_code_and_the_good_ones_are_sold() {
    let (folder, _) = place();
    let long = "x".repeat(65);
    let cases: Vec<(Vec<u8>, &str)> = vec![
        ("cho,1997-01-03,1,-1.00\n".into(), "negative_amount"),
        ("cho,1997-01-03,1,0.00\n".into(), "amount_not_positive"),
        ("cho,1997-01-03,1,1.001\n".into(), "too_many_decimals"),
        ("cho,1997-01-03,1,1.000\n".into(), "too_many_decimals"),
        (format!("cho,1997-01-03,1,1{}\n", "0".repeat(30)).into(), "amount_too_large"),
        (format!("cho,1997-01-03,1,1{}.00\n", "0".repeat(3_000)).into(), "amount_too_large"),
        ("cho,1997-01-03,1,1e30\n".into(), "not_a_number"),
        ("cho,1997-01-03,1,NaN\n".into(), "not_a_number"),
        ("cho,1997-01-03,1,\n".into(), "not_a_number"),
        ("cho,1997-01-03,1,\"1,000.00\"\n".into(), "not_a_number"),
        ("cho,1997-01-03,1,1,000.00\n".into(), "wrong_columns"),
        ("cho,1997-01-03,1,\"3.00\n".into(), "wrong_columns"),
        ("\"cho,1997-01-03,1,3.00\n".into(), "wrong_columns"),
        ("cho,1997-01-03".into(), "wrong_columns"),
        ("cho,1997-01-03,1,".into(), "not_a_number"),
        (format!("cho,1997-01-03,1,1.00{}\n", " ".repeat(5_000)).into(), "wrong_columns"),
        ("cho,1997-02-30,1,1.00\n".into(), "bad_date"),
        ("cho,1997-01-03,0,1.00\n".into(), "bad_units"),
        ("cho,1997-01-03,1.5,1.00\n".into(), "bad_units"),
        (",1997-01-03,1,1.00\n".into(), "bad_customer"),
        (format!("{long},1997-01-03,1,1.00\n").into(), "bad_customer"),
        (b"\xFF\xFE,1997-01-03,1,1.00\n".to_vec(), "not_utf8"),
    ];
    for (index, (line, code)) in cases.into_iter().enumerate() {
        let told = String::from_utf8_lossy(&line).chars().take(60).collect::<String>();
        // Between good lines where it ends, else as the torn end of the file.
        let (head, tail) = if line.ends_with(b"\n") { GOOD.split_at(23) } else { (GOOD, "") };
        let orders = folder.path().join(format!("{index}.csv"));
        let text = [HEADER.as_bytes(), head.as_bytes(), &line, tail.as_bytes()].concat();
        fs::write(&orders, text).unwrap();
        let data = folder.path().join(index.to_string());
        let sale = Program::sale(&orders, &data, 1).run().json();
        assert_eq!(sale["refused"], json!({ code: 1 }), "{told:?}");
        assert_eq!((&sale["lines"], &sale["sold"]), (&json!(3), &json!(2)), "{told:?}");
        assert_eq!(sale["revenue"], "30.00", "{told:?}");
        assert_eq!(Program::audit(&data).run().json()["sold"], 2, "{told:?}");
    }
}

#[test]
fn a_folder_that_is_no_store_of_ours_is_named_and_left_alone() {
    let (folder, orders) = place();
    let root = folder.path();
    let make = |name: &str, file: &str, text: &str| {
        let path = root.join(name);
        fs::create_dir(&path).unwrap();
        fs::write(path.join(file), text).unwrap();
        path
    };
    let store = |name: &str| {
        let path = root.join(name);
        Program::sale(&orders, &path, 1).run().json();
        path
    };
    let stray = store("stray");
    fs::write(stray.join("journal/notes.txt"), "not a segment").unwrap();
    let gone = store("gone");
    fs::remove_dir_all(gone.join("journal")).unwrap();
    let newer = store("newer");
    fs::write(newer.join("FORMAT"), "hongbao store 2\n").unwrap();
    // The folder, what a sale says about it, and what an audit says.
    let cases: Vec<(PathBuf, &str, &str)> = vec![
        (make("foreign", "thesis.txt", "years of work"), "is not a hongbao store", "is not a hongbao store"),
        (make("foreign lock", "lock", "4711"), "is not a hongbao store", "is not a hongbao store"),
        (make("foreign format", "FORMAT", "PDF"), "is not a hongbao store", "is not a hongbao store"),
        (orders.clone(), "is not a folder", "is not a folder"),
        (orders.join("below"), "is not a folder", "is not a folder"),
        (orders.join("far/below"), "is not a folder", "is not a folder"),
        (stray, "does not belong in the journal's folder", "does not belong in the journal's folder"),
        (gone, "is missing from the store", "is missing from the store"),
        (newer, "has format 2, newer", "has format 2, newer"),
        (PathBuf::from("/proc/hongbao"), "/proc/hongbao", "is not a hongbao store"),
    ];
    for (data, sale_says, audit_says) in cases {
        let before = contents(root);
        assert_fails(&Program::sale(&orders, &data, 1).run(), &[sale_says]);
        assert_fails(&Program::audit(&data).run(), &[audit_says]);
        assert_fails(&Program::new(&["audit", &data.display().to_string()]).run(), &[audit_says]);
        assert_untouched(root, &before, &format!("a sale or an audit in {}", data.display()));
    }
}

#[test]
fn an_audit_of_nothing_says_so_and_makes_nothing() {
    let (folder, _) = place();
    let empty = folder.path().join("empty");
    fs::create_dir(&empty).unwrap();
    let before = contents(folder.path());
    for data in [&empty, &folder.path().join("missing")] {
        assert_fails(&Program::audit(data).run(), &["is not a hongbao store"]);
        assert_fails(
            &Program::new(&["audit", &data.display().to_string()]).run(),
            &["is not a hongbao store"],
        );
    }
    assert_untouched(folder.path(), &before, "the audit of nothing");
}

#[test]
fn an_audit_of_a_store_with_nothing_in_it_says_so() {
    let (folder, orders) = place();
    // Opened and closed, and nothing was sent: that is a store.
    let unused = folder.path().join("unused");
    let engine = Engine::open(Config::new(&unused)).unwrap();
    engine.close().unwrap();
    drop(engine);
    let audit = |data: &Path| Program::new(&["audit", &data.display().to_string()]).run();
    let Ran { code, out, error, .. } = audit(&unused);
    assert_eq!((code, error.as_str()), (Some(0), ""), "{out}");
    assert!(out.starts_with("audit: ok\nthe store is empty: nothing was ever recorded\n"), "{out}");
    assert_eq!(Program::audit(&unused).run().json()["records"], 0);

    // Without a segment it was not even begun to its end, or all of it is lost.
    let data = folder.path().join("data");
    Program::sale(&orders, &data, 1).run().json();
    let sold = audit(&data).out;
    assert!(sold.starts_with("audit: ok\n") && !sold.contains("empty"), "{sold}");
    empty(&data.join("journal"));
    let before = contents(&data);
    let words =
        [&*data.join("journal").display().to_string(), "holds no segment", "nothing was ever recorded"];
    assert_fails(&Program::audit(&data).run(), &words);
    assert_fails(&audit(&data), &words);
    assert_untouched(&data, &before, "the audit of a store without a journal");
    // A sale begins there anew, as after a first start that was cut off.
    Program::sale(&orders, &data, 1).run().json();
}

/// Removes every file of a folder.
fn empty(folder: &Path) {
    fs::read_dir(folder).unwrap().for_each(|entry| fs::remove_file(entry.unwrap().path()).unwrap());
}

/// A copy of the store of version 1, which has snapshots.
fn store_with_snapshots(folder: &Path) -> PathBuf {
    let data = folder.join("with snapshots");
    copy_folder(&Path::new(env!("CARGO_MANIFEST_DIR")).join("snapshots/golden/v1"), &data).unwrap();
    fs::write(data.join("lock"), "").unwrap();
    data
}

#[test]
fn a_store_of_which_a_part_is_lost_is_told_by_that_part_at_every_door_and_left_alone() {
    let (folder, orders) = place();
    let data = store_with_snapshots(folder.path());
    let refused = |words: &[&str]| {
        let (before, path) = (contents(&data), data.display().to_string());
        assert_fails(&Program::audit(&data).run(), words);
        assert_fails(&Program::new(&["audit", &path]).run(), words);
        assert_fails(&Program::sale(&orders, &data, 1).run(), words);
        assert_fails(&Program::new(&["snapshot", "--data", &path]).run(), words);
        assert_untouched(&data, &before, &format!("who has said {words:?}"));
    };
    let mark = fs::read(data.join("FORMAT")).unwrap();
    fs::remove_file(data.join("FORMAT")).unwrap();
    refused(&["/FORMAT is missing", "put that file back from a copy", "\"hongbao store 1\""]);
    fs::write(data.join("FORMAT"), &mark).unwrap();
    Program::audit(&data).run().json();
    empty(&data.join("journal"));
    refused(&["/journal holds no segment", "/snapshots is not empty", "restore the store from a copy"]);
    fs::remove_dir(data.join("journal")).unwrap();
    refused(&["/journal is missing from the store: restore it from a copy"]);
}

#[test]
fn a_folder_for_temporary_files_that_is_none_is_named_with_what_to_do() {
    let (folder, orders) = place();
    let data = store_with_snapshots(folder.path());
    let before = contents(&data);
    for temporary in [folder.path().join("nowhere"), orders] {
        let program = Program::audit(&data);
        let ended = program.command().env("TMPDIR", &temporary).output().unwrap();
        let ran = Ran {
            code: ended.status.code(),
            out: String::from_utf8(ended.stdout).unwrap(),
            error: String::from_utf8(ended.stderr).unwrap(),
            command_line: format!("hongbao audit {} --json", data.display()),
        };
        let into = format!("into {}, the folder for temporary files", temporary.display());
        let half = data.join("snapshots/").display().to_string();
        assert_fails(&ran, &["cannot copy the snapshot ", &half, &into, "by the variable TMPDIR"]);
        assert!(!ran.out.contains("/hongbao-"), "a name that nobody has chosen: {}", ran.out);
        assert_untouched(&data, &before, "an audit without room for copies");
    }
}

#[test]
fn a_folder_in_use_is_named_and_its_owner_is_not_disturbed() {
    let (folder, orders) = place();
    let data = folder.path().join("data");
    for shards in [1, 3] {
        let engine = Engine::open(Config::new(&data).with_shards(shards)).unwrap();
        let before = contents(&data);
        assert_fails(&Program::sale(&orders, &data, shards).run(), &["is in use by this or another process"]);
        assert_fails(
            &Program::audit(&data).run(),
            &["is in use by a process", "end it first, or audit a copy"],
        );
        assert_untouched(&data, &before, "a second process");
        engine.close().unwrap();
        drop(engine);
        Program::audit(&data).run().json();
    }
    // Audits only read, so one of them is in nobody's way.
    Program::sale(&orders, &data, 1).run().json();
    let mut audits: Vec<_> = (0..3).map(|_| Program::audit(&data).command().spawn().unwrap()).collect();
    assert!(audits.iter_mut().all(|audit| audit.wait().unwrap().success()), "three audits at once");
}

#[test]
fn a_folder_with_another_sale_keeps_it() {
    let (folder, orders) = place();
    let other = folder.path().join("other.csv");
    fs::write(&other, HEADER.to_owned() + "ann,1997-01-01,1,10.01\n").unwrap();
    for shards in [1, 3] {
        let data = folder.path().join(shards.to_string());
        let sold = Program::sale(&orders, &data, shards).with(&["--gifts", "0.5"]).run().json();
        let audited = Program::audit(&data).run().json();
        for (others, gifts) in [
            (&other, "0.5"),
            (&sample(), "0.5"),
            (&orders, "0"),
            (&orders, "0.4999"),
            (&orders, "0.51"),
            (&orders, "1"),
        ] {
            let ran = Program::sale(others, &data, shards).with(&["--gifts", gifts]).run();
            assert_fails(
                &ran,
                &[
                    "holds another sale, of other orders, gifts, size or seed: choose another folder with --data",
                ],
            );
            assert_eq!(Program::audit(&data).run().json(), audited, "{shards} shards");
        }
        // The same share in other words.
        let again = Program::sale(&orders, &data, shards).with(&["--gifts", "0.50"]).run().json();
        assert_eq!(again["revenue"], sold["revenue"], "{shards} shards");
    }
}

#[test]
fn a_folder_that_may_not_be_written_is_named_and_an_audit_still_reads_it() {
    let (folder, orders) = place();
    let data = folder.path().join("data");
    Program::sale(&orders, &data, 1).run().json();
    let audited = Program::audit(&data).run().json();
    let allow = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    let closed = folder.path().join("closed");
    fs::create_dir(&closed).unwrap();
    let folders = [data.join("journal"), data.clone(), closed.clone()];
    folders.iter().for_each(|folder| allow(folder, 0o555));
    // For the superuser permission bits mean nothing, and then there is nothing to be told.
    let binds = fs::write(data.join("attempt"), "").is_err();
    if binds {
        let before = contents(&data);
        assert_fails(&Program::sale(&orders, &closed.join("data"), 1).run(), &["not permitted"]);
        assert_fails(&Program::sale(&orders, &data, 1).run(), &["not permitted"]);
        assert_untouched(&data, &before, "a sale without permission");
        assert_eq!(Program::audit(&data).run().json(), audited);
    } else {
        fs::remove_file(data.join("attempt")).unwrap();
        Program::sale(&orders, &data, 1).run().json();
    }
    folders.iter().for_each(|folder| allow(folder, 0o755));
}

#[test]
fn a_flipped_bit_in_a_sealed_store_is_named_with_its_file_and_byte() {
    let (folder, orders) = place();
    let data = folder.path().join("data");
    Program::sale(&orders, &data, 1).run().json();
    let segment = fs::read_dir(data.join("journal")).unwrap().next().unwrap().unwrap().path();
    let whole = fs::read(&segment).unwrap();
    // The seal itself, the last 48 bytes, is no data: without it the store counts as cut off.
    let data_bytes = whole.len() - 48;
    for place in (0..20).map(|part| data_bytes * part / 20).chain([data_bytes / 2, data_bytes - 1]) {
        let mut damaged = whole.clone();
        damaged[place] ^= 1 << (place % 8);
        fs::write(&segment, damaged).unwrap();
        let before = contents(&data);
        let words = [segment.to_str().unwrap(), "is damaged at byte ", "restore it from a copy"];
        assert_fails(&Program::audit(&data).run(), &words);
        assert_fails(&Program::sale(&orders, &data, 1).run(), &words);
        assert_untouched(&data, &before, &format!("who found the damage at byte {place}"));
    }
    fs::write(&segment, whole).unwrap();
    Program::audit(&data).run().json();
}

#[test]
fn a_number_of_shards_out_of_its_bounds_is_named_with_its_bounds() {
    let (folder, orders) = place();
    let data = folder.path().join("data");
    for shards in [0, 65, 1_000, usize::MAX] {
        let Ran { code, error, .. } = Program::sale(&orders, &data, shards).run();
        assert_eq!(code, Some(2), "{error}");
        assert!(
            error.contains(&format!("'{shards}' for '--shards <N>'"))
                && error.contains("give a whole number from 1 to 64"),
            "{error}"
        );
        assert!(!data.exists(), "{shards} shards made a data folder");
    }
    Program::sale(&orders, &data, 64).run().json();
}

#[test]
fn arguments_that_are_wrong_end_with_two() {
    let (folder, orders) = place();
    let (orders, data) = (orders.to_str().unwrap(), folder.path().join("data").display().to_string());
    let cases: &[&[&str]] = &[
        &[],
        &["gift"],
        &["sale"],
        &["audit"],
        &["sale", orders, "--data", &data, "--discount"],
        &["sale", orders, orders, "--data", &data],
        &["sale", orders, "--data", &data, "--shards", "many"],
        &["sale", orders, "--data", &data, "--shards", "-1"],
        &["sale", orders, "--data"],
        &["audit", &data, "--shards", "1"],
        &["audit", &data, "--gifts", "0.5"],
        &["sale", orders, "--data", &data, "--gifts"],
        &["sale", orders, "--data", &data, "--gifts", ""],
        &["sale", orders, "--data", &data, "--gifts", "half"],
        &["sale", orders, "--data", &data, "--gifts", "-0.1"],
        &["sale", orders, "--data", &data, "--gifts", "1.0001"],
        &["sale", orders, "--data", &data, "--gifts", "0.00001"],
        &["sale", orders, "--data", &data, "--gifts", "1e-1"],
        &["sale", orders, "--data", &data, "--gifts", "0.5", "--gifts", "0.5"],
    ];
    for arguments in cases {
        let Ran { code, out, error, command_line } = Program::new(arguments).run();
        assert_eq!(code, Some(2), "{command_line}: {out}{error}");
        assert_eq!(out, "", "{command_line}");
        assert!(!error.is_empty() && !error.contains("panicked"), "{command_line}: {error}");
    }
    assert!(!Path::new(&data).exists());
}

#[test]
fn a_reader_that_hangs_up_costs_the_report_and_not_the_sale() {
    let (folder, orders) = place();
    let data = folder.path().join("data");
    let mut running = Program::sale(&orders, &data, 1).command().spawn().unwrap();
    drop(running.stdout.take());
    let ended = running.wait_with_output().unwrap();
    let error = String::from_utf8(ended.stderr).unwrap();
    assert_eq!(ended.status.code(), Some(1), "{error}");
    assert!(error.starts_with("hongbao: cannot print the report") && error.lines().count() == 1, "{error}");
    assert_eq!(Program::audit(&data).run().json()["sold"], 2);
}
