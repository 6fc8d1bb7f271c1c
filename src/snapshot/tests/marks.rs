//! What the marks of files tell without reading them.

use std::fs::{self, File, FileTimes};
use std::path::Path;
use std::thread;

use super::super::marks::Marks;
use super::*;
use crate::limits::SNAPSHOT_MARKS_SETTLED;

fn wait() {
    thread::sleep(SNAPSHOT_MARKS_SETTLED * 2);
}

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
    for (number, touch) in touches.into_iter().enumerate() {
        let place = Place::new();
        let half = place.above.path();
        fs::create_dir(half.join("below")).unwrap();
        fs::write(half.join("one"), b"first").unwrap();
        fs::write(half.join("below/two"), b"second").unwrap();
        assert!(Marks::of(half).unwrap().is_none(), "it was changed a moment ago");
        wait();
        let marks = Marks::of(half).unwrap().unwrap();
        assert!(marks.are_still_of(half));
        touch(half);
        assert!(!marks.are_still_of(half), "touch {number}, at once");
        wait();
        assert!(!marks.are_still_of(half), "touch {number}, later");
    }
    assert!(Marks::of(Path::new("/nowhere")).is_err());
}

#[test]
fn a_half_that_is_relied_on_by_its_marks_is_distrusted_once_a_bit_of_it_is_turned() {
    for harmed in [Half::One, Half::Two] {
        let place = Place::new();
        let mut snapshots = place.open();
        // Three, so that both halves had been looked at before one is harmed.
        let kept = [1, 2, 3].map(|seed| {
            let written = write(&mut snapshots, &chunks(seed, 9), &Chunks::new());
            wait();
            written
        });
        turn_a_bit(&place.half(harmed).join("db"));
        wait();
        let (begun, of_fourth) = write(&mut snapshots, &chunks(4, 9), &Chunks::new());
        assert_eq!((begun.half, begun.fresh), (harmed, true));
        assert_eq!(read(&mut snapshots, harmed, &of_fourth).unwrap(), chunks(4, 9));
        let (whole, seed) = if harmed == Half::One { (&kept[1], 2) } else { (&kept[2], 3) };
        assert_eq!(read(&mut snapshots, whole.0.half, &whole.1).unwrap(), chunks(seed, 9));
    }
}
