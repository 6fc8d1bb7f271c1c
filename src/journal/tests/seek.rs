//! Reading single records, in any order.

use super::*;
use crate::journal::{JournalError, Seeker};

/// Numbers up to `below`, in an order that jumps.
fn jumping(below: usize) -> impl Iterator<Item = usize> {
    (0..below).map(move |step| (step * 7_919 + 13) % below)
}

#[test]
fn in_any_order_it_reads_what_the_log_reads() {
    let disk = disk_with(&[2, 3, 1, 7, 4, 1, 1, 9], SMALL);
    let (log, _) = open(&disk, SMALL);
    let all = read_all(&log);
    assert!(names(&disk).len() > 3, "the journal has several segments");
    let mut seeker = Seeker::new(disk.clone());
    let backwards = (0..all.len()).rev();
    for place in backwards.chain(jumping(all.len())) {
        let (position, record) = &all[place];
        assert_eq!(seeker.record(Position(*position)).unwrap(), record, "{position}");
    }
    let read = seeker.bytes_read();
    assert_eq!(seeker.record(Position(all[0].0)).unwrap(), all[0].1);
    assert_eq!(seeker.record(Position(all[0].0)).unwrap(), all[0].1);
    let once = seeker.bytes_read() - read;
    seeker.rest();
    assert_eq!(seeker.record(Position(all[0].0)).unwrap(), all[0].1);
    assert!(seeker.bytes_read() - read <= 2 * once, "what was read last is read once");
}

#[test]
fn it_finds_what_is_written_after_it_has_begun_through_new_segments_and_a_seal() {
    let disk = TearingDisk::new();
    let (mut log, _) = open(&disk, SMALL);
    let mut seeker = Seeker::new(disk.clone());
    for round in 0..40 {
        write_batches(&mut log, &[1 + round % 5]);
        let all = read_all(&log);
        for place in [all.len() - 1, all.len() / 2, 0] {
            let (position, record) = &all[place];
            assert_eq!(seeker.record(Position(*position)).unwrap(), record, "{position} in round {round}");
        }
        if round % 7 == 0 {
            log.seal().unwrap();
            log = open(&disk, SMALL).0;
            // What opening writes anew belongs to another reader.
            seeker = Seeker::new(disk.clone());
        }
    }
}

#[test]
fn many_small_batches_are_passed_over_and_remembered() {
    let disk = disk_with(&[1; 3_000], WIDE);
    let (log, _) = open(&disk, WIDE);
    let all = read_all(&log);
    let mut seeker = Seeker::new(disk);
    for (position, record) in all.iter().rev().step_by(97) {
        assert_eq!(seeker.record(Position(*position)).unwrap(), record);
    }
    let read = seeker.bytes_read();
    for (position, record) in all.iter().rev().step_by(97) {
        assert_eq!(seeker.record(Position(*position)).unwrap(), record);
    }
    let again = (seeker.bytes_read() - read) / all.iter().step_by(97).count() as u64;
    assert!(again <= 2 * crate::limits::SEEK_STEP_BYTES as u64, "{again} bytes for each record");
}

#[test]
fn what_is_trimmed_is_said_and_what_never_was_is_damage() {
    let disk = disk_with(&[2, 3, 1, 7, 4, 1, 1, 9], SMALL);
    let (mut log, _) = open(&disk, SMALL);
    let mut seeker = Seeker::new(disk);
    assert!(seeker.record(Position(1)).is_ok());
    seeker.record(log.newest()).unwrap();
    log.trim(log.newest()).unwrap();
    let oldest = log.oldest();
    match seeker.record(Position(1)).unwrap_err() {
        JournalError::Trimmed { asked, oldest: kept } => assert_eq!((asked, kept), (Position(1), oldest)),
        other => panic!("{other}"),
    }
    assert!(seeker.record(oldest).is_ok());
    let never = seeker.record(Position(log.newest().0 + 1)).unwrap_err();
    assert!(matches!(never, JournalError::Corrupt { .. }), "{never}");
}
