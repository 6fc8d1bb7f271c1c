//! Tests of the journal: its contract, its bytes, damage, crashes, the front and the folder.

mod contract;
mod crash;
mod damage;
mod folder;
mod follow;
mod format;
mod fuzz;
mod handover;
#[cfg(feature = "schedules")]
pub(crate) mod model_log;
mod recovery;
#[cfg(feature = "schedules")]
mod schedules;
mod scripted_log;
mod seek;

use super::{Log, Opened, RecordBatch, SegmentLog, SegmentOptions};
use crate::{
    domain::Position,
    simulation::{
        power::Crash,
        tearing_disk::{Failure, TearingDisk},
    },
};

/// Small segments, so that a few records roll, and an identity that is always the same.
const SMALL: SegmentOptions = SegmentOptions { segment_bytes_max: 400, new_identity: 0x0123_4567_89ab_cdef };

/// Segments that never roll in these tests.
const WIDE: SegmentOptions = SegmentOptions { segment_bytes_max: 1 << 20, ..SMALL };

type TornLog = SegmentLog<TearingDisk>;

fn batch_of(records: &[&[u8]]) -> RecordBatch {
    let mut batch = RecordBatch::new();
    for record in records {
        batch.push(record).unwrap();
    }
    batch
}

/// A record whose bytes tell its position, with a length that changes from one to the next.
fn record_at(position: u64) -> Vec<u8> {
    let mut record = format!("record {position} ").into_bytes();
    record.extend((0..position % 23).map(|byte| byte as u8));
    record
}

/// Appends records for the next positions.
fn append(log: &mut dyn Log, records: u64) {
    let mut batch = RecordBatch::new();
    let newest = log.newest().0;
    for position in newest + 1..=newest + records {
        batch.push(&record_at(position)).unwrap();
    }
    assert_eq!(log.append(&batch).unwrap(), Position(newest + 1));
}

/// Appends and syncs one batch for each count.
fn write_batches(log: &mut dyn Log, counts: &[u64]) {
    for records in counts {
        append(log, *records);
        assert_eq!(log.sync().unwrap(), log.newest());
    }
}

fn read_all(log: &dyn Log) -> Vec<(u64, Vec<u8>)> {
    let mut records = Vec::new();
    log.read(Position(0), &mut |position, record| {
        records.push((position.0, record.to_vec()));
        Ok(())
    })
    .unwrap();
    records
}

/// Checks that the log holds exactly the records for these positions, and gives the newest.
fn assert_holds(log: &dyn Log, opened: &Opened) -> u64 {
    let records = read_all(log);
    let oldest = log.oldest().0;
    for (index, (position, record)) in records.iter().enumerate() {
        assert_eq!(*position, oldest + index as u64, "positions are consecutive");
        assert_eq!(*record, record_at(*position), "record {position} has its bytes");
    }
    assert_eq!(opened.records, records.len() as u64);
    assert_eq!(opened.newest, log.newest());
    assert_eq!(log.durable(), log.newest());
    assert_eq!(oldest + records.len() as u64, log.newest().0 + 1);
    log.newest().0
}

fn open(disk: &TearingDisk, options: SegmentOptions) -> (TornLog, Opened) {
    TornLog::open_with(disk.clone(), options).unwrap()
}

/// The names of a disk's files in their order.
fn names(disk: &TearingDisk) -> Vec<String> {
    use super::Disk;
    disk.list().unwrap()
}

/// A disk with one batch for each count, not sealed, as a clean kill leaves it.
fn disk_with(counts: &[u64], options: SegmentOptions) -> TearingDisk {
    let disk = TearingDisk::new();
    let (mut log, _) = open(&disk, options);
    write_batches(&mut log, counts);
    disk
}
