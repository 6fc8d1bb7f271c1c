//! What every log promises, asked of each kind.

use super::*;
use crate::journal::{FileLog, FolderDisk, JournalError};

type Reopen<'log> = &'log mut dyn FnMut() -> Box<dyn Log>;

/// The suite. `reopen` opens the same log again, an empty one at first; the log given before
/// is always dropped by then.
fn keeps_the_promises_of_a_log(reopen: Reopen<'_>) {
    begins_empty(reopen);
    gives_consecutive_positions(reopen);
    shows_only_what_is_durable(reopen);
    passes_on_the_error_of_a_reader(reopen);
    trims_nothing_that_is_wanted(reopen);
    seals_and_goes_on_after_opening(reopen);
}

fn begins_empty(reopen: Reopen<'_>) {
    let mut log = reopen();
    assert_eq!(log.newest(), Position(0));
    assert_eq!(log.oldest(), Position(1));
    assert_eq!(log.sync().unwrap(), Position(0), "nothing to sync");
    assert_eq!(log.append(&RecordBatch::new()).unwrap(), Position(1));
    assert!(read_all(&*log).is_empty());
}

fn gives_consecutive_positions(reopen: Reopen<'_>) {
    let mut log = reopen();
    append(&mut *log, 3);
    append(&mut *log, 2);
    assert_eq!(log.newest(), Position(5));
    assert_eq!(log.sync().unwrap(), Position(5));
    write_batches(&mut *log, &[4, 1, 10]);
    assert!(log.bytes_written() > 0);
    drop(log);
    let log = reopen();
    assert_eq!(log.newest(), Position(20));
    let read: Vec<_> = (1..=20).map(|at| (at, record_at(at))).collect();
    assert_eq!(read_all(&*log), read);
}

fn shows_only_what_is_durable(reopen: Reopen<'_>) {
    let mut log = reopen();
    append(&mut *log, 2);
    assert_eq!((log.newest(), log.durable()), (Position(22), Position(20)));
    assert_eq!(read_all(&*log).len(), 20);
    log.sync().unwrap();
    for from in 1..=23 {
        let mut seen = Vec::new();
        log.read(Position(from), &mut |position, record| {
            assert_eq!(record, record_at(position.0));
            seen.push(position.0);
            Ok(())
        })
        .unwrap();
        assert_eq!(seen, (from..=22).collect::<Vec<_>>(), "read from {from}");
    }
}

fn passes_on_the_error_of_a_reader(reopen: Reopen<'_>) {
    let log = reopen();
    let mut visits = 0;
    let stopped = log.read(Position(1), &mut |_, _| {
        visits += 1;
        let why = "enough".to_owned();
        if visits == 3 { Err(JournalError::Stopped { why }) } else { Ok(()) }
    });
    assert!(matches!(stopped, Err(JournalError::Stopped { .. })));
    assert_eq!(visits, 3);
}

fn trims_nothing_that_is_wanted(reopen: Reopen<'_>) {
    let mut log = reopen();
    for before in [0, 1, 7, 19, 1000] {
        let was = log.oldest();
        log.trim(Position(before)).unwrap();
        let oldest = log.oldest();
        assert!(oldest >= was && oldest.0 <= before.max(was.0));
        assert!(oldest <= log.newest(), "the newest record is never trimmed");
        assert_eq!(read_all(&*log).len() as u64, 23 - oldest.0);
    }
    if log.oldest() > Position(1) {
        let asked = log.read(Position(1), &mut |_, _| Ok(()));
        assert!(matches!(asked, Err(JournalError::Trimmed { .. })));
    }
    let oldest = log.oldest();
    drop(log);
    assert!(reopen().oldest() >= oldest);
}

fn seals_and_goes_on_after_opening(reopen: Reopen<'_>) {
    let mut log = reopen();
    append(&mut *log, 1);
    log.seal().unwrap();
    log.seal().unwrap();
    assert_eq!(log.durable(), Position(23), "sealing syncs first");
    let refused = log.append(&batch_of(&[b"late"]));
    assert!(matches!(refused, Err(JournalError::Closed)));
    drop(log);
    let mut log = reopen();
    write_batches(&mut *log, &[2, 3]);
    drop(log);
    let log = reopen();
    assert_eq!(log.newest(), Position(28));
    assert_eq!(read_all(&*log).last(), Some(&(28, record_at(28))));
}

#[test]
fn the_log_in_a_folder_keeps_the_promises() {
    for options in [SMALL, WIDE, SegmentOptions::default()] {
        let folder = tempfile::tempdir().unwrap();
        keeps_the_promises_of_a_log(&mut || {
            let disk = FolderDisk::new(folder.path());
            Box::new(FileLog::open_with(disk, options).unwrap().0)
        });
    }
}

#[test]
fn the_log_on_a_tearing_disk_keeps_the_promises() {
    for options in [SMALL, WIDE] {
        let disk = TearingDisk::new();
        keeps_the_promises_of_a_log(&mut || Box::new(open(&disk, options).0));
    }
}

#[test]
fn records_without_bytes_or_with_too_many_are_refused_and_leave_no_trace() {
    let mut batch = batch_of(&[b"one"]);
    assert!(matches!(batch.push(b""), Err(JournalError::RecordEmpty)));
    let long = vec![0; crate::limits::RECORD_BYTES_MAX as usize + 1];
    let refused = batch.push(&long);
    assert!(matches!(refused, Err(JournalError::RecordTooLarge { .. })));
    let failed: Result<(), JournalError> = batch.push_with(|bytes| {
        bytes.extend_from_slice(b"half a record");
        Err(JournalError::Closed)
    });
    assert!(failed.is_err());
    assert_eq!((batch.records(), batch.bytes()), (1, 11));
    assert!(batch.push(&long[1..]).is_ok(), "the bound itself is allowed");
}

#[test]
fn batches_join_in_order_and_keep_their_memory() {
    let (mut all, mut other) = (batch_of(&[b"a", b"b"]), batch_of(&[b"c"]));
    all.append(&mut other);
    assert!(other.is_empty());
    other.append(&mut all);
    let records: Vec<&[u8]> = other.iter().collect();
    assert_eq!(records, [b"a", b"b", b"c"]);
    assert!(all.is_empty() && all.framed().is_empty());
}

#[test]
fn more_than_one_sync_takes_is_synced_in_several_batches() {
    let disk = TearingDisk::new();
    let (mut log, _) = open(&disk, SegmentOptions::default());
    let mut large = RecordBatch::new();
    large.push(&vec![7; 5 << 20]).unwrap();
    log.append(&large).unwrap();
    assert_eq!(log.durable(), Position(0));
    log.append(&large).unwrap();
    assert_eq!(log.durable(), Position(1), "the first had to make room");
    assert_eq!(log.sync().unwrap(), Position(2));
}
