//! docs/FORMATS.md says what is stored: a reader in another language, written from that page alone, reads what the
//! engine reads, and the page's types are the code's.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on should end there")]

#[expect(dead_code, reason = "only a part of it is needed here")]
mod common;
#[path = "common/copying.rs"]
mod copying;
#[expect(dead_code, reason = "only a part of it is needed here")]
mod market;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use common::Program;
use copying::copy_folder;
use hongbao::domain::Position;
use hongbao::journal::record::{Record, decode};
use hongbao::journal::{AnswerMark, FileLog, FolderDisk, Log};
use market::phases;
use market::play::play;
use serde::Serialize;

fn project(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// What the reader in Python prints of a store: a line for each record, and how the journal ends; or why it refuses.
fn read_by_a_stranger(data: &Path, values: bool) -> Result<(Vec<String>, String), String> {
    let mut command = Command::new("python3");
    command.arg("-B").arg(project("tests/reader/read_journal.py")).arg(data).env("PYTHONUTF8", "1");
    if values {
        command.arg("--values");
    }
    let output = command.output().unwrap_or_else(|error| panic!("python3 does not start: {error}"));
    let (out, told) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    if output.status.success() {
        Ok((out.lines().map(str::to_owned).collect(), told.trim_end().to_owned()))
    } else {
        Err(told)
    }
}

/// The same lines by the engine's own reading.
fn read_by_the_engine(data: &Path, values: bool) -> Vec<String> {
    let (log, _) = FileLog::inspect(FolderDisk::new(data.join("journal"))).unwrap();
    let mut lines = Vec::new();
    log.read(Position(0), &mut |position, bytes| {
        let record = decode(bytes).unwrap_or_else(|error| panic!("record {}: {error}", position.0));
        lines.push(line(position, &record, values));
        Ok(())
    })
    .unwrap();
    lines
}

fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap()
}

fn line(position: Position, record: &Record<'_>, values: bool) -> String {
    let prefix = &record.prefix;
    let cause = prefix.cause.map(|(record, _)| record.resolve(position));
    let index = prefix.cause.map_or(0, |(_, index)| index);
    let former = prefix.former.map(|former| former.resolve(position));
    let answer = match prefix.answer {
        AnswerMark::None => 0,
        AnswerMark::Done => 1,
        AnswerMark::Refused(code) => 1 + code as u64,
    };
    let chain: String = prefix.chain.to_le_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    let mut fields = vec![
        ("position", json(&position)),
        ("actor", json(&prefix.actor)),
        ("walk", json(&prefix.walk)),
        ("hop", json(&prefix.hop)),
        ("cause", json(&cause)),
        ("index", json(&index)),
        ("sequence", json(&prefix.sequence)),
        ("former", json(&former)),
        ("at", json(&prefix.at)),
        ("now", json(&prefix.now)),
        ("answer", json(&answer)),
        ("chain", json(&chain)),
        ("events_bytes", json(&prefix.events_bytes)),
        ("joined_bytes", json(&prefix.joined_bytes)),
        ("onward_bytes", json(&record.encoded_onward.len())),
    ];
    if values {
        let joined = record.joined.iter().map(|joined| {
            let (cause, index) = joined.cause;
            (joined.walk, joined.hop, cause.resolve(position), index, joined.now)
        });
        let onward = record.onward().map(|sent| {
            let onward = sent.unwrap().read().unwrap();
            (onward.to, onward.body, onward.continues)
        });
        fields.push(("events", json(&record.events)));
        fields.push(("joined", json(&joined.collect::<Vec<_>>())));
        fields.push(("onward", json(&onward.collect::<Vec<_>>())));
    }
    let fields: Vec<String> = fields.iter().map(|(name, value)| format!("{}:{value}", json(name))).collect();
    format!("{{{}}}", fields.join(","))
}

/// Both read the same; gives how many records, and how the journal ends.
#[track_caller]
fn assert_read_alike(data: &Path) -> (usize, String) {
    let told = [false, true].map(|values| {
        let (lines, told) = read_by_a_stranger(data, values).unwrap();
        let own = read_by_the_engine(data, values);
        for (stranger, engine) in lines.iter().zip(&own) {
            assert_eq!(stranger, engine);
        }
        assert_eq!(lines.len(), own.len());
        (lines.len(), told)
    });
    let [first, second] = told;
    assert_eq!(first, second);
    second
}

#[test]
fn a_stranger_reads_every_field_of_a_market_as_the_engine_does() {
    let above = tempfile::tempdir().unwrap();
    let data = above.path().join("data");
    let (engine, _) = play(&data, &phases());
    engine.close().unwrap();
    drop(engine);
    let (records, told) = assert_read_alike(&data);
    assert_eq!((records as u64, told.as_str()), (hongbao::audit(&data).unwrap().totals.records, "sealed"));
}

#[test]
fn a_stranger_reads_every_field_of_the_stores_of_version_1_as_the_engine_does() {
    for (store, end) in [("v1", "sealed"), ("v1-cut", "cut off: 7 records of the last batch are not whole")] {
        let above = tempfile::tempdir().unwrap();
        let data = above.path().join("data");
        copy_folder(&project("snapshots/golden").join(store), &data).unwrap();
        let (records, told) = assert_read_alike(&data);
        let audit = Program::audit(&data).run().json();
        assert_eq!((Some(records as u64), told.as_str()), (audit["records"].as_u64(), end), "{store}");
    }
}

#[test]
fn a_stranger_reads_a_sale_of_the_program_as_its_audit_counts_it() {
    let above = tempfile::tempdir().unwrap();
    let (orders, data) = (above.path().join("orders.csv"), above.path().join("data"));
    let lines =
        (0..60).map(|order| format!("customer {},1997-01-{:02},2,12.50\n", order % 23, order / 3 + 1));
    fs::write(&orders, "customer,date,units,amount\n".to_owned() + &lines.collect::<String>()).unwrap();
    Program::sale(&orders, &data, 3).with(&["--gifts", "0.5"]).run().json();
    let (records, told) = assert_read_alike(&data);
    let audit = Program::audit(&data).run().json();
    assert_eq!((Some(records as u64), told.as_str()), (audit["records"].as_u64(), "sealed"));
    assert_eq!(audit["gifts_given"].as_u64().map(|gifts| gifts > 0), Some(true));
}

#[test]
fn a_stranger_says_how_it_is_called_where_it_is_called_wrongly() {
    let above = tempfile::tempdir().unwrap();
    let (empty, file) = (above.path().join("empty"), above.path().join("file"));
    fs::create_dir(&empty).unwrap();
    fs::write(&file, "").unwrap();
    let [empty, file] = [&empty, &file].map(|path| path.to_str().unwrap());
    let golden = project("snapshots/golden/v1");
    let golden = golden.to_str().unwrap();
    let cases: [(&str, &[&str], &str); 8] = [
        ("read_journal.py", &[], "required: FOLDER"),
        ("read_journal.py", &[golden, golden], "unrecognized arguments"),
        ("read_journal.py", &[golden, "--value=s"], "--value"),
        ("read_journal.py", &[empty], "holds no segment: give a data folder, or its folder journal"),
        ("read_journal.py", &[file], "is no folder: give a data folder, or its folder journal"),
        ("read_journal.py", &["/nowhere"], "/nowhere is no folder"),
        ("verify_receipt.py", &[], "required: RECEIPT"),
        ("verify_receipt.py", &[golden], "is no file: give one with a receipt"),
    ];
    for (reader, arguments, said) in cases {
        let mut command = Command::new("python3");
        command.arg("-B").arg(project("tests/reader").join(reader)).args(arguments).env("PYTHONUTF8", "1");
        let output = command.output().unwrap_or_else(|error| panic!("python3 does not start: {error}"));
        let (out, told) =
            (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
        assert_eq!((output.status.code(), out.as_str()), (Some(2), ""), "{arguments:?}: {told}");
        let usage = format!("usage: {reader} ");
        assert!(told.starts_with(&usage) && told.contains(said), "{arguments:?}: {told}");
    }
}

#[test]
fn a_stranger_finds_every_damage_before_the_last_batch() {
    let above = tempfile::tempdir().unwrap();
    let data = above.path().join("data");
    copy_folder(&project("snapshots/golden/v1"), &data).unwrap();
    let first = data.join("journal/00000000000000000001.segment");
    let whole = fs::read(&first).unwrap();
    // The header, a head, a frame, and what stands far behind.
    for at in [0, 9, 20, 39, 40, 60, 84, 90, 96, whole.len() / 2, whole.len() - 1] {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x10;
        fs::write(&first, bytes).unwrap();
        let told = read_by_a_stranger(&data, false).expect_err(&format!("byte {at} is not noticed"));
        assert!(told.starts_with("damaged: ") && told.contains("00000000000000000001"), "byte {at}: {told}");
        assert!(hongbao::audit(&data).is_err(), "byte {at}");
    }
}

/// The names of the fields or variants within the braces that open in `text`: the first word of each.
fn names_in_braces(text: &str) -> Vec<String> {
    let (mut depth, mut word, mut names, mut awaited) = (0_u32, String::new(), Vec::new(), true);
    for letter in text.chars() {
        if letter.is_alphanumeric() || letter == '_' {
            word.push(letter);
            continue;
        }
        let word = std::mem::take(&mut word);
        if depth == 1 && awaited && word.starts_with(char::is_alphabetic) && word != "pub" {
            names.push(word);
            awaited = false;
        }
        match letter {
            '{' | '(' | '<' => depth += 1,
            '}' | ')' | '>' => depth -= 1,
            ',' if depth == 1 => awaited = true,
            _ => {}
        }
        if depth == 0 && letter == '}' {
            break;
        }
    }
    names
}

fn sources(folder: &Path, found: &mut String) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else {
            let source = fs::read_to_string(path).unwrap();
            // What is never stored is no part of the page.
            let text = source.lines().scan(false, |skips, line| {
                let line = line.split("//").next().unwrap().trim();
                let left_out = std::mem::replace(skips, line == "#[serde(skip)]") || line.starts_with("#[");
                Some(if left_out { String::new() } else { line.to_owned() + "\n" })
            });
            found.extend(text);
        }
    }
}

/// Every type of the page with its fields or variants.
fn types_of_the_page() -> BTreeMap<(String, String), Vec<String>> {
    let page = fs::read_to_string(project("docs/FORMATS.md")).unwrap();
    let block = page.split("```schema\n").nth(1).unwrap().split("```").next().unwrap();
    let mut found = BTreeMap::new();
    for kind in ["enum", "struct"] {
        for (start, _) in block
            .match_indices(&format!("{kind} "))
            .filter(|(start, _)| *start == 0 || block.as_bytes()[start - 1] == b'\n')
        {
            let rest = &block[start + kind.len() + 1..];
            let (name, body) = rest.split_once(' ').unwrap();
            found.insert((kind.to_owned(), name.to_owned()), names_in_braces(body));
        }
    }
    found
}

#[test]
fn the_types_of_the_page_have_the_fields_and_variants_of_the_code_in_their_order() {
    let mut code = String::new();
    sources(&project("src/domain"), &mut code);
    // The codes stand in a table of a macro.
    let codes = hongbao::domain::Code::ALL.iter().map(|code| format!("{code:?}")).collect::<Vec<_>>();
    let page = types_of_the_page();
    assert!(page.len() > 80, "{} types: is the page read?", page.len());
    let mut wrong = Vec::new();
    for ((kind, name), listed) in page {
        let declared: Vec<Vec<String>> = match name.as_str() {
            "Code" => vec![codes.clone()],
            // It is stored as another type than it is.
            "Birth" => code.split("struct Stored<E> ").skip(1).map(names_in_braces).collect(),
            _ => code.split(&format!("pub {kind} {name} ")).skip(1).map(names_in_braces).collect(),
        };
        // A client's command and what is made of it may share a name.
        if !declared.contains(&listed) {
            wrong.push(format!("{kind} {name}\n  page {listed:?}\n  code {declared:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What the verifier in Python makes of a receipt: the number of entries and the head, or why it refuses.
fn verified_by_a_stranger(receipt: &Path) -> Result<String, String> {
    let mut command = Command::new("python3");
    command.arg("-B").arg(project("tests/reader/verify_receipt.py")).arg(receipt).env("PYTHONUTF8", "1");
    let output = command.output().unwrap_or_else(|error| panic!("python3 does not start: {error}"));
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap().trim_end().to_owned();
    if output.status.success() { Ok(text(output.stdout)) } else { Err(text(output.stderr)) }
}

#[test]
fn a_stranger_verifies_a_receipt_by_the_pages_alone() {
    let receipt = project("tests/data/receipt-1.json");
    let text = fs::read_to_string(&receipt).unwrap();
    let parsed = hongbao::receipt::Receipt::parse(text.as_bytes()).unwrap();
    let found = parsed.verify(None).unwrap();
    assert_eq!(verified_by_a_stranger(&receipt), Ok(format!("{} {}", found.entries, found.chain_head)));
    let folder = tempfile::tempdir().unwrap();
    let changed = folder.path().join("receipt.json");
    for (from, to) in [
        ("\"price\":\"100.00\"", "\"price\":\"10.00\""),
        ("\"events\":\"04", "\"events\":\"05"),
        ("eve", "ann"),
    ] {
        let other = text.replacen(from, to, 1);
        assert_ne!(other, text, "{from}");
        fs::write(&changed, &other).unwrap();
        let why = verified_by_a_stranger(&changed).unwrap_err();
        assert!(why.contains("not true: does not match its checksum"), "{why}");
        assert!(hongbao::receipt::Receipt::parse(other.as_bytes()).unwrap().verify(None).is_err());
    }
}
