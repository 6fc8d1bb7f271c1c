//! Arguments on when snapshots are taken and how much journal is kept.

use clap::Args;

use super::failure::Failure;
use super::number::whole;
use crate::Keeping;
use crate::limits::{SEGMENT_BYTES_MAX, SEGMENT_BYTES_MIN};

pub(super) const MEBIBYTE: u64 = 1024 * 1024;
/// A million gibibytes less one mebibyte: more than any device has.
pub(super) const MEBIBYTES_MAX: u64 = (1 << 30) - 1;

/// When snapshots are taken, and how much journal is kept.
#[derive(Clone, Copy, Debug, Args)]
pub(super) struct KeepingArguments {
    /// Take a snapshot after so many mebibytes of journal.
    #[arg(long, value_name = "MIB", default_value_t = 256, value_parser = whole::<u64>(1..=MEBIBYTES_MAX))]
    snapshot_every: u64,
    /// Slow down, and at last answer overloaded, as the journal that a restart would need nears so many mebibytes;
    /// at least four times --snapshot-every. By default 16 times.
    #[arg(long, value_name = "MIB", value_parser = whole::<u64>(1..=MEBIBYTES_MAX))]
    journal_max: Option<u64>,
    /// Keep so many mebibytes of journal that no restart would need, for histories, receipts, what has happened, and audits that
    /// begin earlier. By default 1024 on a server, and none of a sale.
    #[arg(long, value_name = "MIB", value_parser = whole::<u64>(0..=MEBIBYTES_MAX))]
    archive: Option<u64>,
    /// Let actors leave memory that did nothing since so many snapshots; they come back with the next message.
    #[arg(long, value_name = "SNAPSHOTS", value_parser = whole::<u16>(1..=u64::from(u16::MAX)))]
    idle: Option<u16>,
}

impl KeepingArguments {
    /// As the engine takes it; `archive` is how many mebibytes are kept where nothing says so. Segments are half of what lies between two snapshots, so that a snapshot lets some go.
    ///
    /// # Errors
    /// Where the journal's bound is too near to what lies between two snapshots.
    pub(super) fn keeping(&self, archive: u64) -> Result<Keeping, Failure> {
        let journal_max = self.journal_max.unwrap_or(self.snapshot_every * 16);
        let least = self.snapshot_every * 4;
        if journal_max < least {
            let why = format!(
                "--journal-max is {journal_max}: give at least {least}, four times --snapshot-every, or a smaller \
                 --snapshot-every"
            );
            return Err(Failure::Arguments(why));
        }
        let snapshot_every = self.snapshot_every * MEBIBYTE;
        Ok(Keeping {
            snapshot_every,
            journal_max: journal_max * MEBIBYTE,
            archive: self.archive.unwrap_or(archive) * MEBIBYTE,
            idle_snapshots: self.idle.map(usize::from),
            segment: (snapshot_every / 2).clamp(SEGMENT_BYTES_MIN, SEGMENT_BYTES_MAX),
        })
    }
}
