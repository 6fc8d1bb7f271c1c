//! A store that a later version has written is refused by the file that says so, with what to do, and stays as it is.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on should end there")]

#[expect(dead_code, reason = "only a part of it is needed here")]
mod common;
#[path = "common/copying.rs"]
mod copying;

use std::fs;
use std::path::{Path, PathBuf};

use common::{Program, assert_untouched, contents};
use copying::copy_folder;
use hongbao::{Config, Engine};

/// The CRC32 of docs/FORMATS.md, bit by bit.
fn checksum(bytes: &[u8]) -> u32 {
    let step = |value: u32| if value & 1 == 1 { value >> 1 ^ 0xEDB8_8320 } else { value >> 1 };
    !bytes.iter().fold(u32::MAX, |value, byte| (0..8).fold(value ^ u32::from(*byte), |value, _| step(value)))
}

/// A copy of the store of version 1, as it is after it was open once.
fn store() -> (tempfile::TempDir, PathBuf) {
    let above = tempfile::tempdir().unwrap();
    let data = above.path().join("data");
    copy_folder(&Path::new(env!("CARGO_MANIFEST_DIR")).join("snapshots/golden/v1"), &data).unwrap();
    fs::write(data.join("lock"), "").unwrap();
    (above, data)
}

/// Makes it a file of version 2, whose checksum is in the four bytes at `checksum_at` and covers all before.
fn make_newer(file: &Path, checksum_at: usize) {
    let mut bytes = fs::read(file).unwrap();
    assert_eq!(bytes[checksum_at..checksum_at + 4], checksum(&bytes[..checksum_at]).to_le_bytes());
    assert_eq!(bytes[8..12], 1_u32.to_le_bytes());
    bytes[8] = 2;
    let covered = checksum(&bytes[..checksum_at]);
    bytes[checksum_at..checksum_at + 4].copy_from_slice(&covered.to_le_bytes());
    fs::write(file, bytes).unwrap();
}

/// The library and the program refuse it by this file, and neither writes anything.
#[track_caller]
fn assert_refused(data: &Path, file: &Path) {
    let before = contents(data);
    let expected =
        format!("{} has format 2, newer than this hongbao reads: start the newer hongbao", file.display());
    for _ in 0..2 {
        let opened = Engine::open(Config::new(data)).err().map(|error| error.to_string());
        assert_eq!(opened.as_ref(), Some(&expected), "opened");
        assert_untouched(data, &before, "opening");
        let audited = hongbao::audit(data).err().map(|error| error.to_string());
        assert_eq!(audited.as_ref(), Some(&expected), "audited");
    }
    let told = Program::audit(data).run();
    assert_eq!(told.code, Some(1), "{}", told.out);
    assert!(told.out.contains("start the newer hongbao"), "{}", told.out);
    let orders = data.with_file_name("orders.csv");
    fs::write(&orders, "customer,date,units,amount\nann,1997-01-01,1,10.00\n").unwrap();
    let told = Program::sale(&orders, data, 1).run();
    assert_eq!((told.code, told.error.trim_end()), (Some(1), format!("hongbao: {expected}").as_str()));
    assert_untouched(data, &before, "a refusal");
}

#[test]
fn a_store_of_format_2_is_refused_by_its_marker_and_stays_as_it_is() {
    let (_above, data) = store();
    let file = data.join("FORMAT");
    fs::write(&file, "hongbao store 2\n").unwrap();
    assert_refused(&data, &file);
}

#[test]
fn any_segment_of_version_2_is_refused_by_its_name_and_the_store_stays_as_it_is() {
    let segments = fs::read_dir(store().1.join("journal")).unwrap().count();
    for place in 0..segments {
        let (_above, data) = store();
        let mut files: Vec<PathBuf> =
            fs::read_dir(data.join("journal")).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.sort();
        make_newer(&files[place], 36);
        assert_refused(&data, &files[place]);
    }
}

#[test]
fn either_manifest_of_version_2_is_refused_by_its_name_and_the_store_stays_as_it_is() {
    for half in ["one", "two"] {
        let (_above, data) = store();
        let file = data.join("snapshots").join(format!("{half}.manifest"));
        let length = fs::metadata(&file).unwrap().len() as usize;
        make_newer(&file, length - 4);
        assert_refused(&data, &file);
    }
}
