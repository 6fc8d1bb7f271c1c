//! A tearing disk that, when told to, keeps what a loss of power would leave at each sync and each creation.
//!
//! Absent on purpose: any change of what programs see; they write and sync as on the disk inside.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::chance::Chance;
use super::power::Crash;
use super::tearing_disk::{Failure, TearingDisk};
use crate::journal::{Disk, JournalError, RecordBatch};

/// A disk as a loss of power left it, and how, in words.
pub(crate) struct Image {
    pub disk: TearingDisk,
    pub how: String,
}

/// A tearing disk under watch. Clones are the same disk.
#[derive(Clone, Default)]
pub(crate) struct WatchedDisk {
    disk: TearingDisk,
    watch: Arc<Mutex<Watch>>,
}

#[derive(Default)]
struct Watch {
    /// What chooses among torn ends; none while nobody watches.
    chance: Option<Chance>,
    /// The bytes of each framed record of the batch to come.
    records: Vec<u64>,
    images: Vec<Image>,
}

impl WatchedDisk {
    /// Watches this disk.
    pub fn new(disk: TearingDisk) -> WatchedDisk {
        WatchedDisk { disk, watch: Arc::default() }
    }

    /// The disk inside.
    pub fn inside(&self) -> &TearingDisk {
        &self.disk
    }

    /// From now on keeps images, chosen by the seed.
    pub fn watch(&self, seed: u64) {
        self.lock().chance = Some(Chance(seed));
    }

    /// Keeps no more of them.
    pub fn watch_no_more(&self) {
        self.lock().chance = None;
    }

    /// Tells of records that the next batch will hold, so that images can end between two.
    pub fn expects(&self, batch: &RecordBatch) {
        let bare: usize = batch.iter().map(<[u8]>::len).sum();
        let frame = (batch.bytes() - bare as u64) / batch.records().max(1);
        self.lock().records.extend(batch.iter().map(|record| frame + record.len() as u64));
    }

    /// Takes the images kept so far.
    pub fn images(&self) -> Vec<Image> {
        std::mem::take(&mut self.lock().images)
    }

    fn lock(&self) -> MutexGuard<'_, Watch> {
        self.watch.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Watch {
    fn keep(&mut self, disk: &TearingDisk, crash: Crash, before: &str) {
        self.images.push(Image { disk: disk.crash(crash), how: format!("{before}, then {crash:?}") });
    }

    /// Ends at, and a little behind, every record; torn anywhere; sectors of any order.
    fn sync(&mut self, disk: &TearingDisk) {
        let records = std::mem::take(&mut self.records);
        let Some(mut chance) = self.chance.take() else { return };
        let before = "power off before a sync";
        let mut end = disk.unsynced_bytes().saturating_sub(records.iter().sum());
        for bytes in &records {
            self.keep(disk, Crash::BytesKept(end), before);
            self.keep(disk, Crash::BytesKept(end + 1 + chance.below(bytes - 1)), before);
            end += bytes;
        }
        self.keep(disk, Crash::AllKept, before);
        for _ in 0..2.min(records.len()) {
            self.keep(disk, Crash::Torn { seed: chance.below(u64::MAX) }, before);
        }
        for sector_bytes in [32, 64, 128, 512, 512, 512] {
            if records.len() > 1 || sector_bytes == 512 {
                self.keep(
                    disk,
                    Crash::Sectors { seed: chance.below(u64::MAX), sector_bytes, lost_one_in: 2 },
                    before,
                );
            }
        }
        self.chance = Some(chance);
    }

    /// Stops at each of the steps that creating a file takes.
    fn create(&mut self, disk: &TearingDisk, name: &str, content: &[u8]) {
        self.records.clear();
        let Some(mut chance) = self.chance.take() else { return };
        for step in 0..4 {
            let mut stopped = disk.crash(Crash::AllKept);
            stopped.fail(step, Failure::PowerOff);
            let failed = stopped.create(name, content);
            assert!(failed.is_err(), "creating a file takes four steps");
            let before = format!("power off at step {step} of creating {name}");
            self.keep(&stopped, Crash::AllKept, &before);
            self.keep(&stopped, Crash::AllLost, &before);
            self.keep(&stopped, Crash::Torn { seed: chance.below(u64::MAX) }, &before);
        }
        self.chance = Some(chance);
    }
}

impl Disk for WatchedDisk {
    fn path(&self, name: &str) -> PathBuf {
        self.disk.path(name)
    }

    fn list(&self) -> Result<Vec<String>, JournalError> {
        self.disk.list()
    }

    fn length(&self, name: &str) -> Result<u64, JournalError> {
        self.disk.length(name)
    }

    fn read_over(
        &self,
        name: &str,
        offset: u64,
        length: usize,
        bytes: &mut Vec<u8>,
    ) -> Result<(), JournalError> {
        self.disk.read_over(name, offset, length, bytes)
    }

    fn create(&mut self, name: &str, content: &[u8]) -> Result<(), JournalError> {
        self.lock().create(&self.disk, name, content);
        self.disk.create(name, content)
    }

    fn append(&mut self, name: &str, bytes: &[u8]) -> Result<(), JournalError> {
        self.disk.append(name, bytes)
    }

    fn sync(&mut self, name: &str) -> Result<(), JournalError> {
        self.lock().sync(&self.disk);
        self.disk.sync(name)
    }

    fn sync_folder(&mut self) -> Result<(), JournalError> {
        self.disk.sync_folder()
    }

    fn truncate(&mut self, name: &str, length: u64) -> Result<(), JournalError> {
        self.disk.truncate(name, length)
    }

    fn remove(&mut self, name: &str) -> Result<(), JournalError> {
        self.disk.remove(name)
    }
}
