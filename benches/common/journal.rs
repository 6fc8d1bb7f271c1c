//! The journal alone, with the records of the purchases, 1,000 a batch: appended and synced batch by batch, and
//! handed over to the thread that gathers them. Bytes are told with their frames, 8 bytes a record.

use std::time::Instant;

use hongbao::actors::Departing;
use hongbao::journal::{FileLog, FolderDisk, Journal, Log, RecordBatch};
use tempfile::TempDir;

use super::world::World;
use super::{Job, Run};

const RECORDS_PER_BATCH: usize = 1_000;

pub fn jobs(world: &World) -> Vec<Job> {
    let mut stage = world.stage();
    stage.outside.kept = Some(RecordBatch::new());
    stage.send(&world.sale.buys());
    let kept = stage.outside.kept.take().unwrap();
    let records: Vec<&[u8]> = kept.iter().collect();
    let batch = |records: &[&[u8]]| {
        let mut batch = RecordBatch::new();
        records.iter().for_each(|record| batch.push(record).unwrap());
        batch
    };
    let batches: Vec<RecordBatch> = records.chunks(RECORDS_PER_BATCH).map(batch).collect();
    let bytes: u64 = batches.iter().map(RecordBatch::bytes).sum();
    let records = kept.records();
    let handed = batches.clone();
    let synced = move || {
        let (_folder, mut log) = log();
        let begun = Instant::now();
        for batch in &batches {
            log.append(batch).unwrap();
            log.sync().unwrap();
        }
        Run { took: begun.elapsed(), detail: format!("{} syncs", batches.len()) }
    };
    let handed_over = move || {
        let (_folder, log) = log();
        let journal = Journal::<Departing>::start(Box::new(log)).unwrap();
        let mut batches = handed.clone();
        let begun = Instant::now();
        for batch in &mut batches {
            journal.hand_over(batch).unwrap();
        }
        journal.wait_durable(journal.handed_over()).unwrap();
        let took = begun.elapsed();
        Run { took, detail: format!("{} syncs", journal.stats().syncs) }
    };
    let (unit, units, bytes) = ("records", records, Some(bytes));
    vec![
        Job { name: "journal/append_sync", unit, units, bytes, run: Box::new(synced) },
        Job { name: "journal/hand_over", unit, units, bytes, run: Box::new(handed_over) },
    ]
}

fn log() -> (TempDir, FileLog) {
    let folder = tempfile::tempdir().unwrap();
    let (log, _) = FileLog::open(FolderDisk::new(folder.path())).unwrap();
    (folder, log)
}
