//! Flipped bits, missing segments, and batches in the wrong place are named.

use super::super::format::BATCH_HEAD_BYTES;
use super::format::stored;
use super::*;
use crate::journal::{Disk, JournalError};

/// Opens a damaged copy both ways and checks that the outcomes agree and that no record has
/// wrong bytes. Gives what was found, or the file and offset that the error names.
fn open_damaged(disk: &TearingDisk, what: &str) -> Result<Opened, (String, u64)> {
    let inspected = TornLog::inspect(disk.clone());
    if let Ok((log, found)) = &inspected {
        assert_holds(log, found);
    }
    let opened = TornLog::open_with(disk.clone(), SMALL);
    match (inspected, opened) {
        (Ok((_, inspected)), Ok((log, opened))) => {
            assert_holds(&log, &opened);
            assert_eq!(inspected, opened, "{what}");
            Ok(opened)
        }
        (Err(JournalError::Corrupt { file, offset, .. }), Err(again)) => {
            let name = file.file_name().unwrap().to_str().unwrap().to_owned();
            assert!(matches!(again, JournalError::Corrupt { .. }), "{what}");
            assert!(again.to_string().contains(&name), "{what}");
            Err((name, offset))
        }
        (inspected, opened) => panic!("{what}: {:?} and {:?}", inspected.err(), opened.err()),
    }
}

fn for_every_bit(disk: &TearingDisk, mut check: impl FnMut(&str, u64, Result<Opened, (String, u64)>)) {
    for name in names(disk) {
        for bit in 0..disk.length(&name).unwrap() * 8 {
            let flipped = disk.crash(Crash::AllKept);
            flipped.change(&name, |content| content[bit as usize / 8] ^= 1 << (bit % 8));
            let what = format!("bit {bit} of {name}");
            check(&name, bit / 8, open_damaged(&flipped, &what));
        }
    }
}

#[test]
fn every_flipped_bit_of_a_sealed_store_is_named() {
    let disk = TearingDisk::new();
    let (mut log, _) = open(&disk, SMALL);
    write_batches(&mut log, &[2, 3, 1, 4, 2]);
    log.seal().unwrap();
    drop(log);
    assert!(names(&disk).len() > 1);
    assert!(TornLog::inspect(disk.clone()).unwrap().1.sealed);

    let last = names(&disk).pop().unwrap();
    let seal = disk.length(&last).unwrap() - BATCH_HEAD_BYTES as u64;
    for_every_bit(&disk, |name, byte, outcome| match outcome {
        Err((file, offset)) => {
            assert_eq!(file, name, "byte {byte}");
            assert!(offset <= byte, "byte {byte} is named as {offset}");
        }
        Ok(opened) => {
            // Only the seal itself may be taken for one that a crash tore, with all records kept.
            assert!(name == last && byte >= seal, "byte {byte} of {name} is not named");
            assert_eq!((opened.records, opened.sealed), (12, false));
            assert_eq!(opened.cut.map(|cut| cut.offset), Some(seal));
        }
    });
}

#[test]
fn every_flipped_bit_of_an_unsealed_store_is_named_or_cut() {
    let disk = disk_with(&[2, 3, 1, 4, 2], SMALL);
    assert!(names(&disk).len() > 1);
    for_every_bit(&disk, |name, byte, outcome| match outcome {
        Err((file, offset)) => {
            assert_eq!(file, name, "byte {byte}");
            assert!(offset <= byte, "byte {byte} is named as {offset}");
        }
        Ok(opened) => {
            let cut = opened.cut.unwrap();
            assert!((10..12).contains(&opened.records), "only the last batch is cut");
            assert!(cut.offset <= byte, "byte {byte} is cut at {}", cut.offset);
            assert!(cut.file.ends_with(name));
        }
    });
}

#[test]
fn a_missing_or_shortened_segment_in_the_middle_is_named() {
    let disk = disk_with(&[4, 4, 4, 4, 4, 4], SMALL);
    let all = names(&disk);
    assert!(all.len() > 2);
    for (index, name) in all.iter().enumerate().take(all.len() - 1) {
        if index > 0 {
            let mut missing = disk.crash(Crash::AllKept);
            missing.remove(name).unwrap();
            let named = open_damaged(&missing, "missing").unwrap_err();
            assert_eq!(named.0, all[index - 1], "the gap is behind the former segment");
        }
        for length in 0..disk.length(name).unwrap() {
            let shortened = disk.crash(Crash::AllKept);
            shortened.change(name, |content| content.truncate(length as usize));
            let named = open_damaged(&shortened, "shortened").unwrap_err();
            assert!(named.0 == *name && named.1 <= length);
        }
    }
}

#[test]
fn batches_left_out_or_doubled_or_from_elsewhere_are_never_read() {
    let disk = disk_with(&[1, 1, 1], WIDE);
    let name = names(&disk).pop().unwrap();
    let batch = |position: u64| BATCH_HEAD_BYTES + 8 + record_at(position).len();
    let start = 40;
    let (second, third) = (start + batch(1), start + batch(1) + batch(2));

    let gap = disk.crash(Crash::AllKept);
    gap.change(&name, |content| drop(content.drain(second..third)));
    assert_eq!(open_damaged(&gap, "gap"), Err((name.clone(), second as u64)));

    let doubled = disk.crash(Crash::AllKept);
    doubled.change(&name, |content| content.extend_from_within(second..));
    let cut = open_damaged(&doubled, "doubled").unwrap().cut.unwrap();
    assert_eq!(cut.offset, (third + batch(3)) as u64);

    let doubled_inside = disk.crash(Crash::AllKept);
    doubled_inside.change(&name, |content| {
        let copy = content[start..second].to_vec();
        content.splice(third..third, copy);
    });
    assert_eq!(open_damaged(&doubled_inside, "inside"), Err((name.clone(), third as u64)));

    let behind_seal = disk.crash(Crash::AllKept);
    open(&behind_seal, WIDE).0.seal().unwrap();
    let sealed_name = names(&behind_seal).pop().unwrap();
    let length = behind_seal.length(&sealed_name).unwrap();
    behind_seal.change(&sealed_name, |content| content.push(0));
    assert_eq!(open_damaged(&behind_seal, "seal"), Err((sealed_name, length)));
}

#[test]
fn a_segment_of_another_journal_is_named() {
    let disk = disk_with(&[4, 4, 4, 4], SMALL);
    let other_identity = SegmentOptions { new_identity: 5, ..SMALL };
    let other = disk_with(&[4, 4, 4, 4], other_identity);
    assert_eq!(names(&disk), names(&other));
    let last = names(&disk).pop().unwrap();
    let length = other.length(&last).unwrap() as usize;
    let strange = other.read(&last, 0, length).unwrap();
    disk.change(&last, |content| *content = strange.clone());
    assert_eq!(open_damaged(&disk, "stranger"), Err((last, 0)));
}

#[test]
fn numbers_that_no_journal_reaches_are_named_though_their_checksums_are_right() {
    use super::super::format::{BatchHead, SegmentHeader};
    let (identity, batch) = (SMALL.new_identity, stored(&batch_of(&[b"record"])));
    let file = |first: u64, number: u64| {
        let header = SegmentHeader { identity, first_position: Position(first), first_batch: number };
        let head = BatchHead::data(identity, number, Position(first), 1, &batch);
        [&header.encode()[..], &head.encode(), &batch].concat()
    };
    let opens = |first: u64, number: u64| {
        let name = super::super::survey::segment_name(Position(first));
        let mut disk = TearingDisk::new();
        disk.create(&name, &file(first, number)).unwrap();
        TornLog::open_with(disk, SMALL).map(|_| ()).map_err(|error| error.to_string())
    };
    assert_eq!(opens(1 << 61, 1 << 61), Ok(()));
    for (first, number) in [(1, u64::MAX), (1, 1 << 62), (u64::MAX - 1, 1), (1 << 62, 1)] {
        let why = opens(first, number).unwrap_err();
        assert!(
            why.contains("damaged at byte 0: the segment's header has a number that no journal"),
            "{why}"
        );
    }
}

#[test]
fn damage_after_opening_is_named_by_the_reader() {
    let disk = disk_with(&[4, 4, 4, 4], SMALL);
    let (log, _) = open(&disk, SMALL);
    let first = names(&disk).remove(0);
    disk.change(&first, |content| content[100] ^= 1);
    let read = log.read(Position(1), &mut |_, _| Ok(()));
    assert!(matches!(read, Err(JournalError::Corrupt { .. })));
}

#[test]
fn a_gap_in_the_numbers_is_named_even_where_the_positions_agree() {
    use super::super::format::{BatchHead, SegmentHeader};
    let batch = batch_of(&[&record_at(1)]);
    let second = batch_of(&[&record_at(2)]);
    let identity = SMALL.new_identity;
    let header = |first: u64, first_batch| {
        let first_position = Position(first);
        SegmentHeader { identity, first_position, first_batch }.encode()
    };
    let data = |number, first, batch: &RecordBatch| {
        let head = BatchHead::data(identity, number, Position(first), 1, &stored(batch));
        [&head.encode()[..], &stored(batch)].concat()
    };
    let one = [&header(1, 1)[..], &data(1, 1, &batch)].concat();
    let (first_name, second_name) = ("00000000000000000001.segment", "00000000000000000002.segment");

    let mut inside = TearingDisk::new();
    let content = [&one[..], &data(3, 2, &second)].concat();
    inside.create(first_name, &content).unwrap();
    let named = Err((first_name.to_owned(), one.len() as u64));
    assert_eq!(open_damaged(&inside, "number inside"), named);

    // The same with a batch that a crash tore: its good head proves the one before it.
    let mut torn = TearingDisk::new();
    torn.create(first_name, &content[..content.len() - 1]).unwrap();
    assert_eq!(open_damaged(&torn, "number of a torn batch"), named);

    let mut between = TearingDisk::new();
    between.create(first_name, &one).unwrap();
    let content = [&header(2, 3)[..], &data(3, 2, &second)].concat();
    between.create(second_name, &content).unwrap();
    let named = Err((second_name.to_owned(), 0));
    assert_eq!(open_damaged(&between, "number of a segment"), named);
}
