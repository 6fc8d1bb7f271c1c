//! Following a journal that goes on being written.

use super::*;
use crate::journal::{Follower, JournalError};

/// Everything that is visited up to the durable record.
fn followed(follower: &mut Follower<TearingDisk>, durable: Position, bytes_max: u64) -> Vec<(u64, Vec<u8>)> {
    let mut records = Vec::new();
    while follower.next() <= durable {
        let read = follower.read(durable, bytes_max, &mut |position, record| {
            records.push((position.0, record.to_vec()));
            Ok(())
        });
        read.unwrap();
    }
    records
}

#[test]
fn from_any_record_on_it_reads_what_the_log_reads() {
    let disk = disk_with(&[2, 3, 1, 7, 4, 1, 1, 9], SMALL);
    let (log, _) = open(&disk, SMALL);
    let all = read_all(&log);
    assert!(names(&disk).len() > 3, "the journal has several segments");
    for from in 0..=all.len() as u64 + 1 {
        for bytes_max in [1, 100, 1 << 20] {
            let mut follower = Follower::new(disk.clone(), Position(from)).unwrap();
            let behind: Vec<_> = all.iter().filter(|(position, _)| *position >= from).cloned().collect();
            assert_eq!(followed(&mut follower, log.durable(), bytes_max), behind, "from {from}");
        }
    }
}

#[test]
fn it_goes_on_with_the_writer_through_new_segments_and_a_seal() {
    let disk = TearingDisk::new();
    let (mut log, _) = open(&disk, SMALL);
    let mut follower = Follower::new(disk.clone(), Position(0)).unwrap();
    let mut seen = Vec::new();
    for round in 0..40 {
        write_batches(&mut log, &[1 + round % 5]);
        // What is not durable stays unread, though it may stand in the file.
        append(&mut log, 2);
        seen.extend(followed(&mut follower, log.durable(), 64));
        assert_eq!(seen.last().unwrap().0, log.durable().0);
        log.sync().unwrap();
        if round % 7 == 0 {
            log.seal().unwrap();
            log = open(&disk, SMALL).0;
        }
    }
    seen.extend(followed(&mut follower, log.durable(), 64));
    assert_eq!(seen, read_all(&log));
}

#[test]
fn what_is_trimmed_is_said() {
    let disk = disk_with(&[2, 3, 1, 7, 4, 1, 1, 9], SMALL);
    let (mut log, _) = open(&disk, SMALL);
    let mut behind = Follower::new(disk.clone(), Position(1)).unwrap();
    let mut within = Follower::new(disk.clone(), log.newest()).unwrap();
    log.trim(log.newest()).unwrap();
    let oldest = log.oldest();
    let trimmed = |error: JournalError| match error {
        JournalError::Trimmed { asked, oldest } => (asked, oldest),
        other => panic!("{other}"),
    };
    let read = behind.read(log.durable(), 1 << 20, &mut |_, _| Ok(()));
    assert_eq!(trimmed(read.unwrap_err()), (Position(1), oldest));
    assert_eq!(trimmed(Follower::new(disk.clone(), Position(1)).unwrap_err()), (Position(1), oldest));
    assert_eq!(followed(&mut within, log.durable(), 64).len(), 1);
    let mut from_the_oldest = Follower::new(disk, Position(0)).unwrap();
    assert_eq!(followed(&mut from_the_oldest, log.durable(), 64), read_all(&log));
}
