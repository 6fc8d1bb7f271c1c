//! Opening: what is kept, what is cut, what is refused.

use super::super::format::{BATCH_HEAD_BYTES, SEGMENT_HEADER_BYTES};
use super::*;
use crate::journal::{Disk, JournalError, survey::segment_name};

fn file_bytes(disk: &TearingDisk, name: &str) -> Vec<u8> {
    let length = disk.length(name).unwrap() as usize;
    disk.read(name, 0, length).unwrap()
}

fn everything(disk: &TearingDisk) -> Vec<(String, Vec<u8>)> {
    names(disk).into_iter().map(|name| (name.clone(), file_bytes(disk, &name))).collect()
}

fn last_name(disk: &TearingDisk) -> String {
    names(disk).pop().unwrap()
}

/// Opens for reading and for writing, and checks that both find the same and that reading
/// writes nothing.
fn open_both_ways(disk: &TearingDisk) -> (TornLog, Opened) {
    let before = everything(disk);
    let (read_only, inspected) = TornLog::inspect(disk.clone()).unwrap();
    assert_holds(&read_only, &inspected);
    assert_eq!(everything(disk), before, "inspecting writes nothing");
    let records = read_all(&read_only);
    let (log, opened) = open(disk, WIDE);
    assert_holds(&log, &opened);
    assert_eq!((inspected, records), (opened.clone(), read_all(&log)));
    (log, opened)
}

#[test]
fn two_opens_in_turn_find_the_same_and_grow_nothing() {
    let disk = disk_with(&[2, 3, 1], SMALL);
    let (_, first) = open_both_ways(&disk);
    let after_first = everything(&disk);
    let (_, second) = open_both_ways(&disk);
    assert_eq!((first.records, first.newest), (second.records, second.newest));
    assert!(!first.sealed && first.cut.is_none());
    assert_eq!(everything(&disk), after_first);
}

#[test]
fn a_store_that_never_took_a_record_is_opened_and_sealed_again_and_again() {
    let disk = TearingDisk::new();
    assert_eq!(TornLog::inspect(disk.clone()).unwrap().1.segments, 0);
    for turn in 0..3 {
        let (mut log, opened) = open_both_ways(&disk);
        assert_eq!((opened.records, opened.sealed), (0, turn > 0));
        log.seal().unwrap();
    }
    let (mut log, _) = open_both_ways(&disk);
    write_batches(&mut log, &[1]);
    assert_eq!(open_both_ways(&disk).1.records, 1);
}

#[test]
fn every_torn_length_of_the_last_batch_keeps_its_whole_records() {
    let whole = disk_with(&[2, 3, 4], WIDE);
    let name = last_name(&whole);
    let bytes = file_bytes(&whole, &name);
    let frame = |position| 8 + record_at(position).len();
    let last_batch = bytes.len() - BATCH_HEAD_BYTES - (6..=9).map(frame).sum::<usize>();
    for length in last_batch..=bytes.len() {
        let disk = whole.crash(Crash::AllKept);
        disk.change(&name, |content| content.truncate(length));
        let mut kept = 5;
        let mut end = last_batch + BATCH_HEAD_BYTES;
        while kept < 9 && end + frame(kept + 1) <= length {
            kept += 1;
            end += frame(kept);
        }
        let (mut log, opened) = open_both_ways(&disk);
        assert_eq!(opened.newest.0, kept, "torn at {length}");
        match &opened.cut {
            None => assert!(length == last_batch || length == bytes.len()),
            Some(cut) => {
                assert_eq!(cut.file, disk.path(&name));
                assert_eq!(cut.offset + cut.bytes, length as u64);
                assert_eq!(cut.records_kept, kept - 5);
                assert!(cut.to_string().contains(&name));
                let head_is_there = length >= last_batch + BATCH_HEAD_BYTES;
                let lost = head_is_there.then_some(9 - kept);
                assert_eq!(cut.records_cut, lost, "torn at {length}");
            }
        }
        write_batches(&mut log, &[2, 2]);
        let (_, again) = open_both_ways(&disk);
        assert_eq!((again.newest.0, again.cut), (kept + 4, None));
    }
}

#[test]
fn zeros_and_lengths_of_zero_at_the_end_are_cut() {
    let whole = disk_with(&[2, 3], WIDE);
    let name = last_name(&whole);
    let end = whole.length(&name).unwrap() as usize;
    let second = end - 3 * 8 - (3..=5).map(|at| record_at(at).len()).sum::<usize>();
    // Zeros behind everything; the last record's frame; the whole payload; head and payload.
    let last_frame = end - 8 - record_at(5).len();
    let head = second - BATCH_HEAD_BYTES;
    for (from, to, kept) in [
        (end, end + 1, 5),
        (end, end + 4096, 5),
        (last_frame, end, 4),
        (last_frame, last_frame + 4, 4),
        (second, end, 2),
        (head, end + 100, 2),
    ] {
        let disk = whole.crash(Crash::AllKept);
        disk.change(&name, |content| {
            content.resize(content.len().max(to), 0);
            content[from..to].fill(0);
        });
        let (_, opened) = open_both_ways(&disk);
        assert_eq!(opened.newest.0, kept, "zeros from {from} to {to}");
        assert!(opened.cut.is_some());
    }
}

/// What opening says of a store that it refuses, for reading and for writing, neither of which writes anything.
fn refused_both_ways(disk: &TearingDisk) -> String {
    let before = everything(disk);
    let refused = [TornLog::inspect(disk.clone()), TornLog::open(disk.clone())].map(|opened| {
        let error = opened.unwrap_err();
        assert!(matches!(error, JournalError::Corrupt { .. }), "{error}");
        error.to_string()
    });
    assert_eq!(everything(disk), before);
    let [inspecting, opening] = refused;
    assert_eq!(inspecting, opening);
    opening
}

#[test]
fn a_torn_first_batch_leaves_an_empty_journal_that_goes_on() {
    let disk = disk_with(&[3], WIDE);
    let name = last_name(&disk);
    disk.change(&name, |content| content.truncate(SEGMENT_HEADER_BYTES + 3));
    for _ in 0..2 {
        let (_, opened) = open_both_ways(&disk);
        assert_eq!((opened.newest.0, last_name(&disk)), (0, segment_name(Position(1))));
    }
    let (mut log, _) = open_both_ways(&disk);
    write_batches(&mut log, &[1, 1]);
    open_both_ways(&disk);
}

#[test]
fn a_segment_is_created_with_its_first_batch_which_is_never_cut() {
    let whole = disk_with(&[2, 3, 4, 5], SMALL);
    let name = last_name(&whole);
    let length = whole.length(&name).unwrap() as usize;
    assert!(names(&whole).len() > 1 && length > SEGMENT_HEADER_BYTES);
    for cut in SEGMENT_HEADER_BYTES..length {
        let disk = whole.crash(Crash::AllKept);
        disk.change(&name, |content| content.truncate(cut));
        let refused = refused_both_ways(&disk);
        assert!(refused.contains(&name) && refused.contains("first batch"), "cut at {cut}: {refused}");
    }
    for at in SEGMENT_HEADER_BYTES..length {
        let disk = whole.crash(Crash::AllKept);
        disk.change(&name, |content| content[at] ^= 4);
        assert!(refused_both_ways(&disk).contains(&name), "flipped at {at}");
    }
}

#[test]
fn a_batch_behind_which_another_was_begun_is_never_cut() {
    let whole = disk_with(&[2, 3, 4], WIDE);
    let name = last_name(&whole);
    let frames = |from, to| (from..=to).map(|at| 8 + record_at(at).len()).sum::<usize>();
    let end = whole.length(&name).unwrap() as usize;
    let third = end - BATCH_HEAD_BYTES - frames(6, 9);
    let second = third - BATCH_HEAD_BYTES - frames(3, 5);
    // The head of the third is whole, and more or less of its payload.
    for length in third + BATCH_HEAD_BYTES..=end {
        let disk = whole.crash(Crash::AllKept);
        disk.change(&name, |content| {
            content.truncate(length);
            content[second + BATCH_HEAD_BYTES + 9] ^= 4;
        });
        let refused = refused_both_ways(&disk);
        assert!(refused.contains("a later batch follows"), "torn at {length}: {refused}");
    }
    // Of a head that is not whole nobody knows whether it was one.
    let disk = whole.crash(Crash::AllKept);
    disk.change(&name, |content| {
        content.truncate(third + BATCH_HEAD_BYTES - 1);
        content[second + BATCH_HEAD_BYTES + 9] ^= 4;
    });
    assert_eq!(open_both_ways(&disk).1.newest.0, 2);
}

#[test]
fn what_does_not_belong_is_named_and_temporary_files_go() {
    let disk = disk_with(&[2], WIDE);
    for (stranger, refused) in [
        ("notes.txt", true),
        ("1.segment", true),
        ("00000000000000000009.segment.new", false),
        ("notes.txt.new", true),
    ] {
        let mut disk = disk.crash(Crash::AllKept);
        disk.create(stranger, b"x").unwrap();
        let inspected = TornLog::inspect(disk.clone());
        let opened = TornLog::open(disk.clone());
        if refused {
            for outcome in [inspected, opened] {
                let error = outcome.unwrap_err();
                assert!(matches!(error, JournalError::Stray { .. }), "{stranger}");
                assert!(error.to_string().contains(stranger));
            }
        } else {
            assert_eq!(inspected.unwrap().1.temporaries, 1);
            assert_eq!(opened.unwrap().1.temporaries, 1);
            assert!(!names(&disk).contains(&stranger.to_owned()));
        }
    }
}

#[test]
fn a_newer_version_is_refused_by_name() {
    let disk = disk_with(&[2], WIDE);
    let name = last_name(&disk);
    disk.change(&name, |content| {
        content[8] = 9;
        let checksum = crc32fast::hash(&content[..36]);
        content[36..40].copy_from_slice(&checksum.to_le_bytes());
    });
    let error = TornLog::open(disk).unwrap_err();
    assert!(matches!(error, JournalError::NewerFormat { version: 9, .. }));
    assert!(error.to_string().contains(&name));
}

#[test]
fn a_log_opened_for_reading_refuses_to_write() {
    let disk = disk_with(&[2], WIDE);
    let (mut log, _) = TornLog::inspect(disk).unwrap();
    let batch = batch_of(&[b"x"]);
    assert!(matches!(log.append(&batch), Err(JournalError::ReadOnly)));
    assert!(matches!(log.sync(), Err(JournalError::ReadOnly)));
    assert!(matches!(log.trim(Position(1)), Err(JournalError::ReadOnly)));
    assert!(matches!(log.seal(), Err(JournalError::ReadOnly)));
}
