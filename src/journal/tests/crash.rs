//! Loss of power between any two steps, and steps that fail.

use super::*;
use crate::journal::{Disk, JournalError};

/// What a loss of power may leave, a few of each kind.
fn crashes() -> impl Iterator<Item = Crash> {
    let torn = (0..8).map(|seed| Crash::Torn { seed });
    let sectors = (0..8).map(|seed| Crash::Sectors {
        seed,
        sector_bytes: [8, 32, 512][seed as usize % 3],
        lost_one_in: 2,
    });
    [Crash::AllLost, Crash::AllKept].into_iter().chain(torn).chain(sectors)
}

/// Opens after a crash both ways, and checks that what was durable is there and nothing that
/// was never appended. Gives the newest position.
fn open_after_crash(disk: &TearingDisk, durable: u64, appended: u64, what: &str) -> u64 {
    let (read_only, inspected) =
        TornLog::inspect(disk.clone()).unwrap_or_else(|error| panic!("{what}: {error}"));
    assert_holds(&read_only, &inspected);
    let (log, opened) =
        TornLog::open_with(disk.clone(), SMALL).unwrap_or_else(|error| panic!("{what}: {error}"));
    let newest = assert_holds(&log, &opened);
    assert_eq!(inspected, opened, "{what}");
    assert!((durable..=appended).contains(&newest), "{what}: {durable} {newest} {appended}");
    newest
}

/// Runs a workload until it fails, and gives what was durable and what was appended.
fn work(disk: &TearingDisk, sealed: bool) -> (u64, u64) {
    let Ok((mut log, _)) = TornLog::open_with(disk.clone(), SMALL) else {
        return (0, 0);
    };
    for records in [2, 1, 5, 3, 4, 2, 6] {
        append(&mut log, records);
        if log.sync().is_err() {
            break;
        }
    }
    let _ = log.trim(Position(4));
    if sealed {
        let _ = log.seal();
    }
    (log.durable().0, log.newest().0)
}

#[test]
fn a_crash_between_any_two_steps_of_writing_loses_nothing_durable() {
    let whole = TearingDisk::new();
    work(&whole, true);
    assert!(names(&whole).len() > 2, "the workload rolls");
    for step in 0..whole.steps() {
        let disk = TearingDisk::new();
        disk.fail(step, Failure::PowerOff);
        let (durable, appended) = work(&disk, true);
        for crash in crashes() {
            let what = format!("power off before step {step}, then {crash:?}");
            open_after_crash(&disk.crash(crash), durable, appended, &what);
        }
        for bytes in 0..=disk.unsynced_bytes() {
            let crash = Crash::BytesKept(bytes);
            let what = format!("power off before step {step}, then {crash:?}");
            open_after_crash(&disk.crash(crash), durable, appended, &what);
        }
    }
}

/// Stores in every state that opening can meet: empty, one batch, several in the last segment,
/// a torn last batch with and without a good record, a torn first batch, sealed, and with
/// temporary files.
fn stores() -> Vec<(&'static str, TearingDisk)> {
    let cut_by = |bytes: usize, disk: TearingDisk| {
        let name = names(&disk).pop().unwrap();
        disk.change(&name, |content| content.truncate(content.len() - bytes));
        disk
    };
    let sealed = |counts: &[u64]| {
        let disk = TearingDisk::new();
        let (mut log, _) = open(&disk, SMALL);
        write_batches(&mut log, counts);
        log.seal().unwrap();
        disk
    };
    let mut with_temporary = disk_with(&[2, 3, 2], WIDE);
    with_temporary.create("00000000000000000007.segment.new", b"half").unwrap();
    let reopened = disk_with(&[2, 3, 2], WIDE);
    write_batches(&mut open(&reopened, WIDE).0, &[2, 2]);
    vec![
        ("empty", TearingDisk::new()),
        ("begun", disk_with(&[], SMALL)),
        ("one batch", disk_with(&[3], SMALL)),
        ("one segment", disk_with(&[2, 3, 2], WIDE)),
        ("segments", disk_with(&[2, 3, 5, 4, 1, 2], SMALL)),
        ("torn, records kept", cut_by(4, disk_with(&[2, 3, 4], WIDE))),
        ("torn, none kept", cut_by(80, disk_with(&[2, 3], WIDE))),
        ("torn first batch", cut_by(60, disk_with(&[3], WIDE))),
        ("sealed", sealed(&[2, 3, 2, 5, 4])),
        ("sealed and empty", sealed(&[])),
        ("with a temporary file", with_temporary),
        ("opened before", reopened),
    ]
}

#[test]
fn a_crash_between_any_two_steps_of_opening_changes_no_record() {
    for (name, store) in stores() {
        let store = store.crash(Crash::AllKept);
        let expected = TornLog::inspect(store.clone()).unwrap().1.newest.0;
        let whole = store.crash(Crash::AllKept);
        open(&whole, SMALL);
        for step in 0..=whole.steps() {
            let once = store.crash(Crash::AllKept);
            once.fail(step, Failure::PowerOff);
            let _ = TornLog::open_with(once.clone(), SMALL);
            for crash in crashes() {
                let what = format!("{name}: power off before step {step}, then {crash:?}");
                let again = once.crash(crash);
                open_after_crash(&again.crash(Crash::AllKept), expected, expected, &what);
                crash_while_opening_again(&again, expected, &what);
            }
        }
    }
}

fn crash_while_opening_again(disk: &TearingDisk, expected: u64, what: &str) {
    for step in 0..6 {
        let twice = disk.crash(Crash::AllKept);
        twice.fail(step, Failure::PowerOff);
        let _ = TornLog::open_with(twice.clone(), SMALL);
        for crash in [Crash::AllLost, Crash::AllKept, Crash::Torn { seed: step }] {
            let what = format!("{what}, again before step {step}, then {crash:?}");
            let after = twice.crash(crash);
            open_after_crash(&after, expected, expected, &what);
            let (mut log, _) = open(&after, SMALL);
            write_batches(&mut log, &[3, 3]);
            open_after_crash(&after.crash(Crash::AllLost), expected + 6, expected + 6, &what);
        }
    }
}

#[test]
fn what_opening_read_from_the_page_cache_is_durable_when_it_returns() {
    // A sync fails, the process ends, another opens what the page cache still shows.
    let whole = TearingDisk::new();
    work(&whole, true);
    for step in 0..whole.steps() {
        for failure in [Failure::Refused, Failure::NoRoom, Failure::ShortWrite(70)] {
            let disk = TearingDisk::new();
            disk.fail(step, failure);
            let (durable, appended) = work(&disk, true);
            disk.heal();
            let what = format!("{failure:?} at step {step}");
            let newest = open_after_crash(&disk, durable, appended, &what);
            for crash in crashes() {
                let what = format!("{what}, opened, then {crash:?}");
                open_after_crash(&disk.crash(crash), newest, newest, &what);
            }
        }
    }
}

#[test]
fn a_failed_step_of_opening_can_be_tried_again() {
    for (name, store) in stores() {
        let store = store.crash(Crash::AllKept);
        let expected = TornLog::inspect(store.clone()).unwrap().1.newest.0;
        for step in 0..10 {
            for failure in [Failure::Refused, Failure::ShortWrite(20)] {
                let disk = store.crash(Crash::AllKept);
                disk.fail(step, failure);
                let _ = TornLog::open_with(disk.clone(), SMALL);
                disk.heal();
                let what = format!("{name}: {failure:?} at step {step}");
                open_after_crash(&disk, expected, expected, &what);
                let lost = disk.crash(Crash::AllLost);
                open_after_crash(&lost, expected, expected, &what);
            }
        }
    }
}

#[test]
fn a_failed_write_or_sync_poisons_the_log_for_ever() {
    for (step, failure) in [
        (0, Failure::Refused),
        (0, Failure::ShortWrite(9)),
        (0, Failure::NoRoom),
        (1, Failure::Refused),
        (1, Failure::NoRoom),
    ] {
        let disk = TearingDisk::new();
        let (mut log, _) = open(&disk, WIDE);
        write_batches(&mut log, &[2]);
        append(&mut log, 2);
        disk.fail(step, failure);
        let error = log.sync().unwrap_err();
        if failure == Failure::NoRoom {
            assert!(matches!(error, JournalError::NoRoom { .. }));
            assert!(error.to_string().contains("make room"));
        }
        disk.heal();
        let batch = batch_of(&[b"x"]);
        for refused in [log.append(&batch).map(drop), log.sync().map(drop), log.trim(Position(1)), log.seal()]
        {
            assert!(matches!(refused, Err(JournalError::Poisoned { .. })));
        }
        assert_eq!((log.durable(), read_all(&log).len()), (Position(2), 2));
    }
}

#[test]
fn trimming_never_leaves_a_gap_behind_a_crash() {
    let full = disk_with(&[4, 4, 4, 4, 4, 4], SMALL);
    for step in 0..12 {
        let disk = full.crash(Crash::AllKept);
        let (mut log, _) = open(&disk, SMALL);
        disk.fail(step, Failure::PowerOff);
        let _ = log.trim(Position(21));
        for crash in crashes() {
            open_after_crash(&disk.crash(crash), 24, 24, &format!("trim, step {step}, {crash:?}"));
        }
    }
}
