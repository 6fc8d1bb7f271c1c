//! What a loss of power leaves of a real process's store: its journal cut at any byte of its last batches.

use std::fs;
use std::path::{Path, PathBuf};

use hongbao::journal::Cut;
use hongbao::{Audit, Config, Engine, audit};
use tempfile::TempDir;

use super::Running;
use super::batches::{Batch, batches, segments};
use super::child::{compare, data, plain};
use super::copying::copy_folder;
use super::every::every_one;
use super::killing::{Luck, SEED_VARIABLE};
use super::progress::Progress;
use super::record::{self, Acknowledged};

/// How many cuts are drawn, where not every byte is asked for.
const DRAWN: usize = 50;
/// Every so many cuts the store is opened and asked, beside the audit.
const OPENED_EVERY: usize = 6;

/// A killed store, without snapshots, and what was acknowledged before its two newest batches were begun.
struct Killed {
    folder: TempDir,
    known: Vec<Acknowledged>,
    /// Records that were there when the process was killed before.
    records: u64,
}

impl Killed {
    fn data(&self) -> PathBuf {
        data(self.folder.path())
    }

    fn last_segment(&self) -> PathBuf {
        segments(&self.data()).pop().unwrap()
    }

    /// Kills a process twice: whatever was acknowledged to the first is older than all that the second has written.
    fn new(place: &str) -> Killed {
        loop {
            let folder = TempDir::new().unwrap();
            let records = run(folder.path(), 4_000, place).totals.records;
            let killed = Killed { known: record::read_all(folder.path()), records, folder };
            let torn = run(killed.folder.path(), 14_000, place).cut.is_some();
            let segment = fs::read(killed.last_segment()).unwrap();
            // A kill in the middle of a write, or right behind a new segment, leaves too little to cut.
            if !torn && batches(&segment).len() >= 2 && first_position(&segment) > records {
                return killed;
            }
        }
    }
}

/// Lets a process work until so many bytes of answers have come, and kills it.
fn run(folder: &Path, bytes: u64, place: &str) -> Audit {
    let mut running = Running::start_plain(folder, 1);
    running.wait_until(place, |running| running.has_answered(bytes));
    running.kill(place);
    audit(&data(folder)).unwrap_or_else(|error| panic!("{place}: {error}"))
}

/// The position that a segment's header says.
fn first_position(segment: &[u8]) -> u64 {
    u64::from_le_bytes(segment[20..28].try_into().unwrap())
}

/// How many records of these batches end within so many bytes.
fn records_within(batches: &[Batch], bytes: usize) -> u64 {
    batches.iter().flat_map(|batch| &batch.records_end).filter(|end| **end <= bytes).count() as u64
}

fn told(cut: Option<&Cut>, file: &Path, bytes: usize, place: &str) {
    let cut = cut.unwrap_or_else(|| panic!("{place}: nothing is said to be cut"));
    assert_eq!(cut.file.file_name(), file.file_name(), "{place}");
    assert!(
        cut.offset <= bytes as u64 && cut.to_string().contains(&cut.offset.to_string()),
        "{place}: {cut}"
    );
}

#[test]
fn a_journal_cut_at_any_byte_of_its_last_batches_opens_says_so_and_has_all_that_was_acknowledged_before() {
    let (mut luck, seed) = Luck::new();
    let seed = format!("{SEED_VARIABLE}={seed}");
    let killed = Killed::new(&seed);
    let file = killed.last_segment();
    let whole = fs::read(&file).unwrap();
    let found = batches(&whole);
    let [.., before, last] = &found[..] else { panic!("{seed}: two batches are left to cut") };
    // The last batch, and the end of the one before, unless that is the segment's first, which is there whenever its segment is.
    let first = if found.len() > 2 { last.start.saturating_sub(100).max(before.start) } else { last.start };
    let mut cuts: Vec<usize> = (first..whole.len()).collect();
    if !every_one() {
        let drawn = (0..DRAWN).map(|_| first + luck.below((whole.len() - first) as u64) as usize);
        let ends = last.records_end.iter().take(5).flat_map(|end| [end - 1, *end]);
        cuts = drawn.chain(ends).chain([first, last.start - 1, last.start, last.start + 1]).collect();
    }
    cuts.retain(|cut| (first..whole.len()).contains(cut));
    let (mut opened, records_before) = (0, first_position(&whole) - 1);
    let mut progress = Progress::new("cuts of a journal", cuts.len() as u64);
    for (number, bytes) in cuts.iter().copied().enumerate() {
        let place = format!("{seed}, cut at byte {bytes} of {}", whole.len());
        fs::write(&file, &whole[..bytes]).unwrap();
        let audited = audit(&killed.data()).unwrap_or_else(|error| panic!("{place}: {error}"));
        let clean = bytes == last.start;
        if clean {
            assert!(audited.cut.is_none(), "{place}: {:?}", audited.cut);
        } else {
            told(audited.cut.as_ref(), &file, bytes, &place);
        }
        let records = records_before + records_within(&found, bytes);
        assert_eq!(audited.totals.records, records, "{place}");
        if number % OPENED_EVERY == 0 {
            let copy = TempDir::new().unwrap();
            copy_folder(&killed.data(), copy.path()).unwrap();
            let engine = Engine::open(plain(copy.path(), 1)).unwrap();
            if !clean {
                told(engine.recovered().cut.as_ref(), &file, bytes, &place);
            }
            assert_eq!(engine.recovered().records, records, "{place}");
            compare(&engine, &killed.known).unwrap_or_else(|why| panic!("{place}: {why}"));
            engine.close().unwrap();
            opened += 1;
        }
        progress.step();
    }
    fs::write(&file, &whole).unwrap();
    let (count, known) = (cuts.len(), killed.known.len());
    println!(
        "{seed}: {count} cuts of the last {} bytes, {opened} opened, {known} answers asked again in each",
        whole.len() - first
    );
    assert!(known > 50 && killed.records < records_before, "{seed}: {known} answers");
}

#[test]
fn a_hole_in_an_earlier_batch_is_refused_by_name() {
    let (mut luck, seed) = Luck::new();
    let seed = format!("{SEED_VARIABLE}={seed}");
    let killed = Killed::new(&seed);
    let refused = |file: &Path, place: &str| {
        let name = file.file_name().unwrap().to_str().unwrap();
        let opened = Engine::open(Config::new(killed.data())).err().map(|error| error.to_string());
        for said in [audit(&killed.data()).err().map(|error| error.to_string()), opened] {
            let said = said.unwrap_or_else(|| panic!("{place}: it was not refused"));
            assert!(said.contains(name) && said.contains("is damaged at byte"), "{place}: {said}");
        }
    };
    let all = segments(&killed.data());
    assert!(all.len() > 1, "{seed}: {all:?}");
    for (number, file) in all.iter().enumerate() {
        let whole = fs::read(file).unwrap();
        let is_last = number + 1 == all.len();
        let found = batches(&whole);
        let end = if is_last { found.last().unwrap().start } else { whole.len() };
        for _ in 0..20 {
            let bytes = 40 + luck.below((end - 40) as u64) as usize;
            let place = format!("{seed}, byte {bytes} of {}", file.display());
            let mut left = whole.clone();
            // Of the last segment nothing arrived from there up to its last batch; any other one ends there.
            if is_last {
                left[bytes..end].fill(0)
            } else {
                left.truncate(bytes)
            }
            if left == whole {
                continue;
            }
            fs::write(file, &left).unwrap();
            refused(file, &place);
        }
        fs::write(file, &whole).unwrap();
    }
    audit(&killed.data()).unwrap_or_else(|error| panic!("{seed}: it was put back: {error}"));
}
