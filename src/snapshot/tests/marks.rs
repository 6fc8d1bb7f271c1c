//! What the marks of files tell without reading them, and for how long they are relied on.

use std::fs::{self, File, FileTimes};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::super::marks::Marks;
use super::*;
use crate::limits::{SNAPSHOT_MARKS_COARSE, SNAPSHOT_MARKS_SETTLED};

const LONG: Duration = Duration::from_secs(1 << 30);

/// Turns a bit in the middle of a file, and lets it say that it was changed when it was before.
fn turn_a_bit(file: &Path) {
    let before = fs::metadata(file).unwrap();
    let mut bytes = fs::read(file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(file, bytes).unwrap();
    let times = FileTimes::new().set_modified(before.modified().unwrap());
    File::options().write(true).open(file).unwrap().set_times(times).unwrap();
}

/// Waits until marks may be taken, and the next change has another time.
fn settle() {
    thread::sleep(SNAPSHOT_MARKS_SETTLED * 2);
}

#[test]
fn whoever_touches_a_file_changes_its_marks_whatever_the_file_says_of_it() {
    let write_the_same = |half: &Path| fs::write(half.join("one"), b"first").unwrap();
    let put_another_in_its_place = |half: &Path| {
        fs::write(half.join("other"), b"first").unwrap();
        fs::rename(half.join("other"), half.join("one")).unwrap();
    };
    let add = |half: &Path| fs::write(half.join("below/three"), b"").unwrap();
    let remove = |half: &Path| fs::remove_file(half.join("below/two")).unwrap();
    let touches: [&dyn Fn(&Path); 5] =
        [&|half| turn_a_bit(&half.join("one")), &write_the_same, &put_another_in_its_place, &add, &remove];
    let later = SystemTime::now() + LONG;
    for (number, touch) in touches.into_iter().enumerate() {
        let place = Place::new();
        let half = place.above.path();
        fs::create_dir(half.join("below")).unwrap();
        fs::write(half.join("one"), b"first").unwrap();
        fs::write(half.join("below/two"), b"second").unwrap();
        settle();
        let marks = || Marks::as_of(half, later).unwrap().unwrap();
        let before = marks();
        assert!(before == marks(), "nobody has touched anything");
        touch(half);
        assert!(before != marks(), "touch {number}");
    }
    assert!(Marks::as_of(Path::new("/nowhere"), later).is_err());
}

#[test]
fn there_are_no_marks_where_a_file_was_changed_a_moment_ago() {
    let place = Place::new();
    let half = place.above.path();
    fs::write(half.join("one"), b"first").unwrap();
    let file = fs::metadata(half.join("one")).unwrap();
    let changed = Duration::new(file.ctime() as u64, file.ctime_nsec() as u32);
    let tick = if file.ctime_nsec() == 0 { SNAPSHOT_MARKS_COARSE } else { SNAPSHOT_MARKS_SETTLED };
    let known_at = |at: Duration| Marks::as_of(half, UNIX_EPOCH + at).unwrap().is_some();
    assert!(!known_at(changed + tick - Duration::from_nanos(1)));
    assert!(known_at(changed + tick));
    assert!(!known_at(Duration::ZERO), "where the clock was put back");
}

/// Writes generations, each once nothing was touched for a while; says how many halves were read before each of them.
fn reads_before(snapshots: &mut Snapshots, generations: u64) -> Vec<usize> {
    let mut reads = Vec::new();
    let (mut newer, mut older) = (Chunks::new(), Chunks::new());
    for seed in 0..generations {
        settle();
        let (before, written) = (snapshots.read, chunks(seed, 9));
        write(snapshots, &written, &older);
        reads.push(snapshots.read - before);
        (newer, older) = (written, newer);
    }
    reads
}

#[test]
fn halves_are_relied_on_by_their_marks_and_read_where_there_are_none() {
    let reads = |ahead: Duration, trusted_for: Duration| {
        let place = Place::new();
        let mut snapshots = place.open().trusting_for(trusted_for);
        snapshots.ahead = ahead;
        reads_before(&mut snapshots, 6)
    };
    assert_eq!(reads(LONG, LONG), [0; 6]);
    assert_eq!(reads(LONG, Duration::ZERO), [0, 1, 2, 2, 2, 2]);
    // The newest files were changed just before their marks would have been taken.
    assert_eq!(reads(Duration::ZERO, LONG), [0, 1, 1, 1, 1, 1]);
}

#[test]
fn what_a_half_holds_is_read_again_in_time_however_often_it_is_written() {
    let place = Place::new();
    let mut snapshots = place.open().trusting_for(SNAPSHOT_MARKS_SETTLED * 9);
    snapshots.ahead = LONG;
    // Each waits for a tenth of a second and more, so a half is old after five of them at the latest.
    let reads: usize = reads_before(&mut snapshots, 16).iter().sum();
    assert!(reads >= 4, "{reads}");
}

#[test]
fn a_half_that_is_relied_on_by_its_marks_is_distrusted_once_a_bit_of_it_is_turned() {
    let place = Place::new();
    let mut snapshots = place.open();
    assert_eq!(reads_before(&mut snapshots, 3), [0, 1, 1], "the older half is relied on now");
    settle();
    turn_a_bit(&place.half(Half::Two).join("db"));
    let (begun, of_fourth) = write(&mut snapshots, &chunks(4, 9), &Chunks::new());
    assert_eq!((begun.half, begun.fresh), (Half::Two, true));
    assert_eq!(read(&mut snapshots, Half::Two, &of_fourth).unwrap(), chunks(4, 9));
}
