//! Snapshots of a running engine: a restart from them, damage to them, and a journal that they let go.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use hongbao::domain::{Code, CommissionTerms, Message, Timestamp};
use hongbao::{Config, Engine, Keeping, SnapshotStats};

use super::house::{House, MORNING, SHARDS, buy, circulate, code, offer, terms};

const BUYERS: u32 = 3_000;
/// More than `limits::LARGE_ACTOR_ENTRIES`, so that the offering is stored in parts.
const ITEMS: u32 = 2_000;
const PRICE: u64 = 10_000;

/// A snapshot after every 100 kB of journal, in small segments.
fn often() -> Keeping {
    Keeping {
        snapshot_every: 100_000,
        journal_max: 100_000_000,
        archive: 0,
        segment: 20_000,
        idle_snapshots: None,
    }
}

fn buyer(number: u32) -> String {
    format!("buyer-{number}")
}

/// A sale in which everything was circulated twice, in rounds that leave time for snapshots in between.
struct Sale {
    house: House,
    shards: usize,
}

impl Sale {
    fn begin(shards: usize, keeping: Keeping) -> Sale {
        Sale::begin_until(shards, keeping, None)
    }

    /// One whose commission goes home at `expires_at`.
    fn begin_until(shards: usize, keeping: Keeping, expires_at: Option<Timestamp>) -> Sale {
        let mut house = House::new(shards);
        house.engine().close().unwrap();
        house.drop_engine();
        house.open_engine(house.config(shards).with_keeping(keeping));
        for first in (0..BUYERS).step_by(500) {
            house.open_accounts((first..first + 500).map(buyer), PRICE);
        }
        house.issue("rush", offer(ITEMS, PRICE));
        // The shop has 10,000.00, so 2,000 envelopes of 5.00 take it all.
        house.attach("rush", CommissionTerms { expires_at, ..terms(500, 200) });
        house.publish("rush");
        Sale { house, shards }
    }

    /// Some hundred at a time, so that not everything is under way before a door can slow down.
    fn send(&self, messages: &[Message]) -> usize {
        let answers = messages.chunks(400).flat_map(|some| self.house.send_until_decided(some));
        answers.filter(Result::is_ok).count()
    }

    fn circulate(&self) {
        for (round, sharer) in ["one", "two"].iter().enumerate() {
            let messages: Vec<Message> = (1..=ITEMS)
                .map(|serial| circulate(&buyer((serial + round as u32) % BUYERS), sharer, "rush", serial))
                .collect();
            assert_eq!(self.send(&messages), ITEMS as usize, "all circulate");
        }
    }

    fn buy(&self, buyers: std::ops::Range<u32>) -> usize {
        let messages: Vec<Message> = buyers.map(|number| buy(&buyer(number), "buy", "rush", None)).collect();
        self.send(&messages)
    }

    /// Until so many have been finished, the last of them because they were asked for where the load was over too soon.
    fn wait_for_snapshots(&self, finished: u64) -> SnapshotStats {
        for _ in 0..3_000 {
            let stats = self.house.engine().snapshot_stats();
            assert_eq!(stats.why, None, "no snapshot fails");
            if stats.finished < finished && !stats.under_way {
                self.house.engine().snapshot().wait(Duration::from_secs(30)).unwrap().unwrap();
            }
            if stats.finished >= finished && !stats.under_way {
                // Long enough for the next one to be begun, if it is due.
                std::thread::sleep(Duration::from_millis(50));
                if !self.house.engine().snapshot_stats().under_way {
                    return stats;
                }
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("no {finished} snapshots in half a minute: {:?}", self.house.engine().snapshot_stats());
    }

    /// Somebody else keeps busy until the others have left memory.
    fn wait_until_away(&self) -> SnapshotStats {
        let mut stats = self.wait_for_snapshots(2);
        for round in 0..200 {
            if stats.pages_away > 10 {
                break;
            }
            self.house.open_accounts((0..300).map(|number| format!("other-{round}-{number}")), 1);
            stats = self.house.engine().snapshot_stats();
        }
        assert!(stats.pages_away > 10, "{} shards: {stats:?}", self.shards);
        assert_eq!(stats.why, None);
        stats
    }

    fn data(&self) -> PathBuf {
        self.house.folder.path().join("data")
    }

    fn config(&self) -> Config {
        self.house.config(self.shards).with_keeping(often())
    }
}

fn oldest_segment(data: &Path) -> u64 {
    let names = fs::read_dir(data.join("journal")).unwrap().map(|entry| entry.unwrap().file_name());
    let firsts = names.filter_map(|name| name.to_str()?.strip_suffix(".segment")?.parse::<u64>().ok());
    firsts.min().unwrap()
}

/// Flips a byte in the middle of every file of a half.
fn damage(half: &Path) {
    let mut folders = vec![half.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let mut bytes = fs::read(&path).unwrap();
            let middle = bytes.len() / 2;
            if let Some(byte) = bytes.get_mut(middle) {
                *byte ^= 0x55;
                fs::write(&path, bytes).unwrap();
            }
        }
    }
}

#[test]
fn a_restart_from_a_snapshot_is_the_same_store_and_reads_little() {
    for shards in SHARDS {
        let mut sale = Sale::begin(shards, often());
        sale.circulate();
        sale.wait_for_snapshots(1);
        let sold = sale.buy(0..1_500);
        assert_eq!(sold, 1_500);
        let stats = sale.wait_for_snapshots(3);
        assert!(oldest_segment(&sale.data()) > 1, "{shards} shards: the journal was trimmed: {stats:?}");
        // Most slices hold their shard for some microseconds at least.
        let told = stats.slice_p999.as_micros();
        assert!(told > 0 && stats.slice_p999 <= stats.slice_max, "{shards} shards: {stats:?}");
        let records = sale.house.engine().journal_stats().records;
        let shown = |house: &House| {
            (
                house.offering("rush"),
                house.certificate("rush", 5, 1),
                house.account(&buyer(6)),
                house.account("shop"),
            )
        };
        let before_it = shown(&sale.house);
        sale.house.drop_engine();
        let before = hongbao::audit(&sale.data()).unwrap();
        assert_eq!(before.snapshots, 2, "both snapshots are held against the journal");
        assert_eq!(before.passed_over, Vec::<String>::new());
        assert_eq!(before.totals.sold, 1_500);

        // With another number of shards everything moves and nothing changes.
        let other = if shards == 1 { 3 } else { 1 };
        sale.house.open_engine(sale.config().with_shards(other));
        let recovered = sale.house.engine().recovered().clone();
        assert!(recovered.actors >= u64::from(BUYERS + ITEMS), "{recovered:?}");
        assert!(recovered.records < records, "{recovered:?} of {records}");
        sale.shards = other;
        assert_eq!(shown(&sale.house), before_it, "every text, amount, hop, sequence and head (C2)");
        // All at once again: who has bought before gets the same answer, without a second debit.
        assert_eq!(sale.buy(0..BUYERS), ITEMS as usize);
        sale.wait_for_snapshots(1);
        let losers = (0..BUYERS).filter(|number| sale.house.posted(&buyer(*number)) >= PRICE as i64).count();
        assert_eq!(losers, (BUYERS - ITEMS) as usize, "nobody who lost is debited");
        let again = code(&sale.house.send(buy(&buyer(BUYERS - 1), "late", "rush", None)));
        assert_eq!(again, Some(Code::SoldOut));
        let after = sale.house.close_and_audit();
        assert_eq!(after.totals.sold, u64::from(ITEMS));
        assert_eq!(after.totals.circulations, u64::from(2 * ITEMS));
    }
}

#[test]
fn damaged_snapshots_are_passed_over_and_a_store_without_any_is_refused_by_name() {
    let mut sale = Sale::begin(1, often());
    sale.circulate();
    sale.buy(0..1_000);
    sale.wait_for_snapshots(3);
    sale.house.drop_engine();
    let snapshots = sale.data().join("snapshots");
    let audited = hongbao::audit(&sale.data()).unwrap();
    let newer = {
        let engine = Engine::open(sale.config()).unwrap();
        assert!(engine.recovered().passed_over.is_empty());
        drop(engine);
        newer_half(&snapshots)
    };
    let older = if newer == "one" { "two" } else { "one" };

    let manifest = snapshots.join(format!("{newer}.manifest"));
    let whole = fs::read(&manifest).unwrap();
    fs::write(&manifest, [&[7; 14], &whole[14..]].concat()).unwrap();
    // Without a new snapshot, which would go to the damaged half.
    let seldom = Keeping { snapshot_every: 25_000_000, ..often() };
    let engine = Engine::open(sale.config().with_keeping(seldom)).unwrap();
    let passed_over = engine.recovered().passed_over.clone();
    assert!(passed_over.len() == 1 && passed_over[0].contains(newer), "{passed_over:?}");
    drop(engine);
    fs::write(&manifest, whole).unwrap();

    damage(&snapshots.join(newer));
    let with_one = hongbao::audit(&sale.data()).unwrap();
    assert_eq!(with_one.totals.state_digest, audited.totals.state_digest);
    assert_eq!(with_one.passed_over.len(), 1, "{:?}", with_one.passed_over);
    let engine = Engine::open(sale.config()).unwrap();
    let passed_over = engine.recovered().passed_over.clone();
    assert!(passed_over.len() == 1 && passed_over[0].contains(newer), "{passed_over:?}");
    drop(engine);
    assert_eq!(hongbao::audit(&sale.data()).unwrap().totals.state_digest, audited.totals.state_digest);

    damage(&snapshots.join(older));
    let refused = Engine::open(sale.config()).err().map(|error| error.to_string()).unwrap();
    assert!(refused.contains(older) && refused.contains("no snapshot stands for"), "{refused}");
    let refused = hongbao::audit(&sale.data()).unwrap_err().to_string();
    assert!(refused.contains(older), "{refused}");
}

#[test]
fn without_any_snapshot_a_whole_journal_is_enough() {
    let mut sale = Sale::begin(1, Keeping { archive: 1_000_000_000, ..often() });
    sale.circulate();
    sale.buy(0..1_000);
    sale.wait_for_snapshots(3);
    sale.house.drop_engine();
    assert_eq!(oldest_segment(&sale.data()), 1, "the archive keeps everything");
    let audited = hongbao::audit(&sale.data()).unwrap();
    assert_eq!((audited.proved_from.0, audited.snapshots), (1, 2));
    for half in ["one", "two"] {
        damage(&sale.data().join("snapshots").join(half));
    }
    let engine = Engine::open(sale.config()).unwrap();
    assert_eq!((engine.recovered().actors, engine.recovered().passed_over.len()), (0, 2));
    drop(engine);
    assert_eq!(hongbao::audit(&sale.data()).unwrap().totals.state_digest, audited.totals.state_digest);
}

#[test]
fn a_close_leaves_two_whole_snapshots_and_a_start_that_finds_one_takes_the_second() {
    let mut sale = Sale::begin(1, often());
    sale.circulate();
    sale.buy(0..1_000);
    sale.wait_for_snapshots(2);
    let under_way = |sale: &Sale| {
        let asked = sale.house.engine().snapshot();
        while asked.outcome().is_none() {
            if sale.house.engine().snapshot_stats().under_way {
                return true;
            }
        }
        false
    };
    while !under_way(&sale) {}
    sale.house.engine().close().unwrap();
    sale.house.drop_engine();
    assert!(oldest_segment(&sale.data()) > 1, "the journal was trimmed");
    let snapshots = sale.data().join("snapshots");
    let whole = || ["one.manifest", "two.manifest"].map(|name| snapshots.join(name).exists());
    assert_eq!(whole(), [true, true]);

    let audited = hongbao::audit(&sale.data()).unwrap();
    let gone = if newer_half(&snapshots) == "one" { "two" } else { "one" };
    fs::remove_file(snapshots.join(format!("{gone}.manifest"))).unwrap();
    let seldom = Keeping { snapshot_every: 25_000_000, ..often() };
    sale.house.open_engine(sale.config().with_keeping(seldom));
    for _ in 0..3_000 {
        if sale.house.engine().snapshot_stats().finished == 1 {
            break;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    assert_eq!(whole(), [true, true]);
    sale.house.drop_engine();
    let again = hongbao::audit(&sale.data()).unwrap();
    assert_eq!((again.snapshots, again.totals.state_digest), (2, audited.totals.state_digest));
}

/// The name of the half that has the newer manifest.
fn newer_half(snapshots: &Path) -> &'static str {
    let changed = |name: &str| fs::metadata(snapshots.join(name)).unwrap().modified().unwrap();
    if changed("one.manifest") > changed("two.manifest") { "one" } else { "two" }
}

#[test]
fn of_a_damaged_archive_a_start_says_that_it_needs_none_of_it_and_goes_on_without_it() {
    let mut sale = Sale::begin(1, Keeping { archive: 1_000_000_000, ..often() });
    sale.circulate();
    sale.buy(0..1_000);
    sale.wait_for_snapshots(3);
    // Behind the newest snapshot, and too little for the next.
    sale.buy(1_000..1_050);
    sale.house.drop_engine();
    let audited = hongbao::audit(&sale.data()).unwrap();
    let journal = sale.data().join("journal");
    let mut segments: Vec<PathBuf> =
        fs::read_dir(&journal).unwrap().map(|entry| entry.unwrap().path()).collect();
    segments.sort();
    // In the first batch, which stands in a segment from its beginning.
    let flip = |segment: &Path| {
        let mut bytes = fs::read(segment).unwrap();
        bytes[120] ^= 0x55;
        fs::write(segment, bytes).unwrap();
    };
    let opened = || Engine::open(sale.config()).map(drop).map_err(|error| error.to_string());
    // A start needs the newest.
    let newest = segments.last().unwrap();
    flip(newest);
    let refused = opened().unwrap_err();
    assert!(refused.ends_with("restore it from a copy"), "{refused}");
    flip(newest);
    flip(&segments[1]);
    let refused = opened().unwrap_err();
    assert!(refused.contains("or move it and all segments before it out of that folder"), "{refused}");
    for segment in &segments[..2] {
        fs::remove_file(segment).unwrap();
    }
    assert_eq!(opened(), Ok(()));
    assert_eq!(hongbao::audit(&sale.data()).unwrap().totals.state_digest, audited.totals.state_digest);
}

#[test]
fn a_snapshot_that_is_ahead_of_the_journal_is_refused() {
    let mut sale = Sale::begin(1, Keeping { archive: 1_000_000_000, ..often() });
    sale.circulate();
    sale.wait_for_snapshots(2);
    sale.house.engine().close().unwrap();
    sale.house.drop_engine();
    // The last segments are lost, as with a copy that was made of half of the store.
    let mut segments: Vec<PathBuf> =
        fs::read_dir(sale.data().join("journal")).unwrap().map(|entry| entry.unwrap().path()).collect();
    segments.sort();
    let first = segments.remove(0);
    // Then all of them: nothing is begun anew where a snapshot knows of more.
    for (lost, said) in [(segments, "holds states up to record"), (vec![first], "journal holds no segment")] {
        lost.iter().for_each(|segment| fs::remove_file(segment).unwrap());
        for refused in [
            Engine::open(sale.config()).err().map(|error| error.to_string()).unwrap(),
            hongbao::audit(&sale.data()).unwrap_err().to_string(),
        ] {
            assert!(refused.contains(said) && refused.contains("is lost"), "{refused}");
        }
    }
    // Whoever brings the segments back from a copy finds nothing in their way.
    assert_eq!(fs::read_dir(sale.data().join("journal")).unwrap().count(), 0);
}

#[test]
fn a_journal_past_its_bound_slows_the_doors_until_snapshots_stand_for_it() {
    let keeping = Keeping {
        snapshot_every: 100_000,
        journal_max: 400_000,
        archive: 0,
        segment: 20_000,
        idle_snapshots: None,
    };
    let sale = Sale::begin(1, keeping);
    // Far more than the bound: each is sent until it is decided, however often the doors say `overloaded`.
    sale.circulate();
    assert_eq!(sale.buy(0..BUYERS), ITEMS as usize);
    let stats = sale.house.engine().snapshot_stats();
    assert!(stats.finished >= 2, "{stats:?}");
    let bytes = sale.house.engine().journal_stats().bytes;
    assert!(bytes > 3 * keeping.journal_max, "{bytes} bytes were written");
    let journal = sale.data().join("journal");
    let kept: u64 =
        fs::read_dir(journal).unwrap().map(|entry| entry.unwrap().metadata().unwrap().len()).sum();
    assert!(kept < 3 * keeping.journal_max, "{kept} bytes of journal are on the disk");
    assert_eq!(sale.house.close_and_audit().totals.sold, u64::from(ITEMS));
}

#[test]
fn idle_actors_leave_memory_and_come_back_with_the_next_message() {
    for shards in SHARDS {
        let mut sale = Sale::begin(shards, Keeping { idle_snapshots: Some(1), ..often() });
        sale.circulate();
        sale.buy(0..1_000);
        let stats = sale.wait_until_away();
        // They are asked, and go on, as if they had never been away; who bought gets the same answer.
        assert_eq!(sale.house.posted(&buyer(2_999)), PRICE as i64);
        assert_eq!(sale.buy(0..BUYERS), ITEMS as usize);
        sale.wait_for_snapshots(stats.finished + 1);
        sale.house.drop_engine();
        sale.house.open_engine(sale.config());
        assert_eq!(sale.buy(0..BUYERS), ITEMS as usize);
        let audit = sale.house.close_and_audit();
        assert_eq!((audit.totals.sold, audit.totals.circulations), (u64::from(ITEMS), u64::from(2 * ITEMS)));
    }
}

// W11, D36
#[test]
fn idle_certificates_come_back_when_their_time_is_over_and_send_their_commission_home_once() {
    for shards in SHARDS {
        let limit = Timestamp(MORNING + 3_600_000);
        let sale = Sale::begin_until(shards, Keeping { idle_snapshots: Some(1), ..often() }, Some(limit));
        sale.circulate();
        let funded = u64::from(ITEMS) * 500;
        let before = sale.house.posted("shop");
        sale.wait_until_away();
        // Nobody sends them anything.
        sale.house.clock.set(limit);
        let home = before + funded as i64;
        let waited = (0..3_000).find(|_| {
            std::thread::sleep(Duration::from_millis(10));
            sale.house.posted("shop") == home
        });
        assert!(waited.is_some(), "{shards} shards: {} of {home} are home", sale.house.posted("shop"));
        let audit = sale.house.close_and_audit();
        let money = audit.totals.money.values().next().unwrap();
        assert_eq!(
            (money.commission_cashed, money.commission_returned),
            (0, funded.into()),
            "{shards} shards"
        );
    }
}
