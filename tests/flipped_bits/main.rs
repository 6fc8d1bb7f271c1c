//! Any one flipped bit of a store is named, and no balance is ever a wrong one for it: by `hongbao::audit`, which the program
//! calls too, and by opening.
//!
//! A sealed journal, the manifests and `FORMAT` are gone through bit by bit. Of an unsealed journal one drawn bit of every byte is
//! flipped, of each of sled's files some hundred all over it. With `HONGBAO_EVERY=1` it is every bit of both, but where sled has
//! filled half a megabyte with zeros: there it is one in every 64 bytes; then each test tells every ten seconds how far it is.
//! `HONGBAO_SEED` draws the same ones again.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on should end there")]

#[path = "../common/batches.rs"]
mod batches;
#[path = "../common/mod.rs"]
#[expect(dead_code, reason = "these tests call the library, and not the program")]
mod common;
#[path = "../common/copying.rs"]
mod copying;
#[path = "../common/every.rs"]
mod every;
#[path = "../common/killing.rs"]
#[expect(dead_code, reason = "nothing is killed here")]
mod killing;
#[path = "../common/progress.rs"]
mod progress;
mod store;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use batches::{batches, segments};
use every::every_one;
use hongbao::AuditError;
use hongbao::journal::{Cut, JournalError};
use killing::{Luck, SEED_VARIABLE};
use progress::Progress;
use store::{Store, bits, files};

/// Files whose content may be anything; each is empty, so that there is no bit to flip.
const ANYTHING: [&str; 1] = ["lock"];

/// Of each of sled's files about so many bits are flipped, where not every bit is.
const DRAWN_OF_SLED: u64 = 512;

/// Of zeros that fill a whole block of so many bytes, one bit is flipped.
const BLOCK_OF_SLED: u64 = 64;

fn seed() -> (Luck, String) {
    let (luck, seed) = Luck::new();
    (luck, format!("{SEED_VARIABLE}={seed}"))
}

fn name_of(path: &Path) -> String {
    path.file_name().unwrap().to_str().unwrap().to_owned()
}

/// The file and byte that an error names.
#[track_caller]
fn damage(error: &AuditError, place: &str) -> (String, u64) {
    match error {
        AuditError::Journal(JournalError::Corrupt { file, offset, .. }) => (name_of(file), *offset),
        other => panic!("{place}: {other}"),
    }
}

fn told(cut: &Cut) -> (String, u64) {
    (name_of(&cut.file), cut.offset)
}

#[test]
fn every_flipped_bit_of_a_sealed_journal_is_named_by_its_file_and_byte() {
    let store = Store::new(true).without_snapshots();
    let (begun, mut flips) = (Instant::now(), 0);
    let all = segments(&store.data);
    assert!(all.len() > 2, "{all:?}");
    let last = all.last().unwrap();
    let seal = batches(&fs::read(last).unwrap()).pop().unwrap();
    assert!(seal.records_end.is_empty(), "a closed store ends with a seal");
    let mut progress = Progress::new("a sealed journal", all.iter().map(|segment| bits(segment)).sum());
    for segment in &all {
        for bit in 0..bits(segment) {
            let place = format!("bit {bit} of {}", store.named(segment));
            let (named, offset) = match store.audit_flipped(segment, bit) {
                Err(error) => damage(&error, &place),
                // A seal that is damaged looks like one that a crash tore: nothing but the seal is cut.
                Ok(audit) => {
                    assert!(segment == last && bit / 8 >= seal.start as u64, "{place} is not named");
                    assert!(!audit.sealed, "{place}");
                    assert_eq!(audit.totals, store.audit.totals, "{place}");
                    let cut = told(&audit.cut.unwrap());
                    assert_eq!(cut.1, seal.start as u64, "{place}");
                    cut
                }
            };
            assert_eq!(named, name_of(segment), "{place}");
            assert!(offset <= bit / 8, "{place} is named as byte {offset}");
            flips += 1;
            progress.step();
        }
    }
    println!("{flips} flipped bits of {} segments, in {:?}", all.len(), begun.elapsed());
}

#[test]
fn flipped_bits_of_an_unsealed_journal_are_named_or_its_last_batch_is_cut_and_said_so() {
    let (mut luck, seed) = seed();
    let store = Store::new(false).without_snapshots();
    let (begun, mut flips, mut cuts) = (Instant::now(), 0, 0);
    let all = segments(&store.data);
    let last = all.last().unwrap();
    let whole = fs::read(last).unwrap();
    let batch = batches(&whole).pop().unwrap();
    assert!(batch.records_end.len() > 1, "the last batch has several records: {batch:?}");
    // What the store holds with so many records: cut where each of the last batch's records ends.
    let digests: BTreeMap<u64, String> = std::iter::once(&batch.start)
        .chain(&batch.records_end)
        .map(|end| {
            fs::write(last, &whole[..*end]).unwrap();
            let totals = hongbao::audit(&store.data).unwrap().totals;
            (totals.records, totals.state_digest)
        })
        .collect();
    fs::write(last, &whole).unwrap();
    assert_eq!(digests.len(), batch.records_end.len() + 1);
    let drawn = all.iter().map(|segment| (segment, chosen(segment, &mut luck, 1)));
    let drawn: Vec<(&PathBuf, Vec<u64>)> = drawn.collect();
    let mut progress = Progress::new("an unsealed journal", count(drawn.iter().map(|(_, bits)| bits)));
    for (segment, bits) in drawn {
        for bit in bits {
            let place = format!("{seed}, bit {bit} of {}", store.named(segment));
            let (named, offset) = match store.audit_flipped(segment, bit) {
                Err(error) => damage(&error, &place),
                Ok(audit) => {
                    assert!(segment == last && bit / 8 >= batch.start as u64, "{place} is not named");
                    let cut = audit.cut.unwrap_or_else(|| panic!("{place}: nothing is said"));
                    let totals = &audit.totals;
                    assert!(totals.records < store.audit.totals.records, "{place}");
                    assert_eq!(Some(&totals.state_digest), digests.get(&totals.records), "{place}: {cut:?}");
                    cuts += 1;
                    told(&cut)
                }
            };
            assert_eq!(named, name_of(segment), "{place}");
            assert!(offset <= bit / 8, "{place} is named as byte {offset}");
            flips += 1;
            progress.step();
        }
    }
    let took = begun.elapsed();
    println!("{seed}: {flips} flipped bits, {cuts} of them in the last batch, which was cut; in {took:?}");
}

fn count<'bits>(chosen: impl Iterator<Item = &'bits Vec<u64>>) -> u64 {
    chosen.map(|bits| bits.len() as u64).sum()
}

/// The bits of a file that are flipped: all, or a drawn one in every so many bytes.
fn chosen(file: &Path, luck: &mut Luck, stride: u64) -> Vec<u64> {
    let length = bits(file) / 8;
    if every_one() {
        return (0..bits(file)).collect();
    }
    let firsts = (0..length).step_by(stride as usize);
    firsts.map(|first| first * 8 + luck.below(stride.min(length - first) * 8)).collect()
}

/// The same of a file of sled's: all but most of the zeros that it was filled with, or some drawn ones.
fn chosen_of_sled(file: &Path, luck: &mut Luck) -> Vec<u64> {
    let content = fs::read(file).unwrap();
    if !every_one() {
        return chosen(file, luck, (content.len() as u64 / DRAWN_OF_SLED).max(1));
    }
    let blocks = (0_u64..).step_by(BLOCK_OF_SLED as usize).zip(content.chunks(BLOCK_OF_SLED as usize));
    blocks
        .flat_map(|(first, block)| {
            let bits = first * 8..first * 8 + block.len() as u64 * 8;
            let filled = block.iter().all(|byte| *byte == 0);
            let one = bits.start + luck.below(bits.end - bits.start);
            if filled { vec![one] } else { bits.collect() }
        })
        .collect()
}

/// A store with one half of its snapshots alone: what is left to a restart is the journal.
fn flip_a_half(half: &str) {
    let store = Store::new(true).with_half(half);
    let (begun, (mut luck, seed), mut flips) = (Instant::now(), seed(), 0);
    let manifest = store.data.join(format!("snapshots/{half}.manifest"));
    let folder = store.data.join("snapshots").join(half);
    let mut cases: Vec<(PathBuf, Vec<u64>)> = vec![(manifest.clone(), (0..bits(&manifest)).collect())];
    cases.extend(files(&folder).into_iter().map(|file| (file.clone(), chosen_of_sled(&file, &mut luck))));
    assert!(cases.len() > 2, "{cases:?}");
    let what = if half == "one" { "the first half" } else { "the second half" };
    let mut progress = Progress::new(what, count(cases.iter().map(|(_, bits)| bits)));
    for (file, bits) in &cases {
        let named = if *file == manifest { &manifest } else { &folder };
        for bit in bits {
            let place = format!("{seed}, bit {bit} of {}", store.named(file));
            let audit = store.audit_flipped(file, *bit).unwrap_or_else(|error| panic!("{place}: {error}"));
            let [why] = &audit.passed_over[..] else { panic!("{place}: {:?}", audit.passed_over) };
            assert!(why.contains(&format!("{} is damaged", named.display())), "{place}: {why}");
            assert_eq!((audit.snapshots, &audit.totals), (0, &store.audit.totals), "{place}");
            flips += 1;
            progress.step();
        }
        println!("{seed}: {} of {} bits of {}", bits.len(), self::bits(file), store.named(file));
    }
    println!("{seed}: {flips} flipped bits of half {half} and its manifest, in {:?}", begun.elapsed());
}

#[test]
fn flipped_bits_of_the_first_half_and_its_manifest_are_named() {
    flip_a_half("one");
}

#[test]
fn flipped_bits_of_the_second_half_and_its_manifest_are_named() {
    flip_a_half("two");
}

#[test]
fn every_flipped_bit_of_the_store_s_mark_is_named() {
    let store = Store::new(true).without_snapshots();
    let format = store.data.join("FORMAT");
    for bit in 0..bits(&format) {
        let error = store.audit_flipped(&format, bit).unwrap_err().to_string();
        assert!(
            error.contains("FORMAT") && error.contains(store.data.to_str().unwrap()),
            "bit {bit}: {error}"
        );
    }
}

/// The number of the generation that a manifest names: behind its head of 16 bytes, and one byte while it is small.
fn generation(store: &Store, half: &str) -> u8 {
    fs::read(store.data.join(format!("snapshots/{half}.manifest"))).unwrap()[16]
}

/// The same by opening a store that has all of its files. Of the snapshots opening reads the newer one, and the other's
/// manifest: the older half is the audit's to look at, and the next snapshot's to be written over.
#[test]
fn an_engine_opens_no_store_with_a_flipped_bit_without_naming_it() {
    let store = Store::new(true);
    let (begun, (mut luck, seed), mut flips) = (Instant::now(), seed(), 0);
    let all = files(&store.data);
    let older = if generation(&store, "one") < generation(&store, "two") { "one" } else { "two" };
    for file in &all {
        let (named, length) = (store.named(file), bits(file));
        if ANYTHING.contains(&named) {
            assert_eq!(length, 0, "{named} has bits, and none of them is flipped");
            continue;
        }
        for _ in 0..12 {
            let bit = luck.below(length);
            let place = format!("{seed}, bit {bit} of {named}");
            let seal = || batches(&fs::read(file).unwrap()).pop().unwrap().start as u64;
            let folder = Path::new(named).parent().unwrap().to_str().unwrap();
            match store.open_flipped(file, bit) {
                Err(why) if named.starts_with("journal/") => assert!(why.contains(named), "{place}: {why}"),
                Err(why) => assert!(named == "FORMAT" && why.contains(named), "{place}: {why}"),
                Ok(recovered) if named.starts_with("journal/") => {
                    let cut = recovered.cut.unwrap_or_else(|| panic!("{place}: nothing is said"));
                    assert!(bit / 8 >= seal() && !recovered.sealed, "{place} is not named");
                    assert_eq!(told(&cut), (name_of(file), seal()), "{place}");
                }
                Ok(recovered) if named.starts_with(&format!("snapshots/{older}/")) => {
                    assert!(
                        recovered.passed_over.is_empty() && recovered.actors > 0,
                        "{place}: {recovered:?}"
                    );
                    let audit = store.audit_flipped(file, bit).unwrap();
                    assert!(audit.passed_over[0].contains(folder), "{place}: {:?}", audit.passed_over);
                    assert_eq!(audit.totals, store.audit.totals, "{place}");
                }
                Ok(recovered) => {
                    let [why] = &recovered.passed_over[..] else { panic!("{place}: {recovered:?}") };
                    let said = if named.ends_with(".manifest") { named } else { folder };
                    assert!(why.contains(said) && why.contains("is damaged"), "{place}: {why}");
                }
            }
            flips += 1;
        }
    }
    println!("{seed}: {flips} flipped bits of {} files, in {:?}", all.len(), begun.elapsed());
}
