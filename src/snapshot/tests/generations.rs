//! What generations keep when nothing is damaged.

use super::super::files::size;
use super::super::writing::half_bytes_max;
use super::*;

#[test]
fn two_generations_in_turn_are_both_read_back() {
    let place = Place::new();
    let mut snapshots = place.open();
    assert!(snapshots.generations().is_empty());
    let (first, second) = (chunks(1, 60), chunks(2, 40));
    let (one, of_first) = write(&mut snapshots, &first, &Chunks::new());
    let (two, of_second) = write(&mut snapshots, &second, &Chunks::new());
    assert_eq!((one.half, one.generation, one.fresh), (Half::One, 1, true));
    assert_eq!((two.half, two.generation, two.fresh), (Half::Two, 2, true));
    assert_eq!(numbers(snapshots.generations()), [(Half::Two, Some(2)), (Half::One, Some(1))]);
    assert_eq!(read(&mut snapshots, Half::One, &of_first).unwrap(), first);
    assert_eq!(read(&mut snapshots, Half::Two, &of_second).unwrap(), second);
    assert_eq!(of_second.bytes, second.values().map(|value| value.len() as u64).sum::<u64>());
    assert_eq!((of_second.identity, of_second.newest, of_second.walks), (7, Position(2), 3));
}

#[test]
fn a_half_is_updated_in_place_and_holds_exactly_what_it_should() {
    let place = Place::new();
    let mut snapshots = place.open();
    let mut halves = [Chunks::new(), Chunks::new()];
    for round in 0..12_u64 {
        let mut wanted = chunks(round % 5, 30 + round * 3 % 11);
        wanted.retain(|key, _| !(u64::from(key[7]) + round).is_multiple_of(4));
        wanted.insert(vec![], vec![]);
        wanted.insert(vec![9; 64], vec![round as u8; 300_000]);
        let half = (round % 2) as usize;
        let (begun, manifest) = write(&mut snapshots, &wanted, &halves[half]);
        assert_eq!((begun.half as usize, begun.fresh), (half, round < 2), "round {round}");
        assert_eq!(read(&mut snapshots, begun.half, &manifest).unwrap(), wanted, "round {round}");
        halves[half] = wanted;
    }
}

#[test]
fn the_same_chunks_have_the_same_digest_by_whatever_way() {
    let wanted = chunks(1, 20);
    let digest_by = |former: &Chunks| {
        let place = Place::new();
        let mut snapshots = place.open();
        write(&mut snapshots, former, &Chunks::new());
        write(&mut snapshots, former, &Chunks::new());
        let (_, manifest) = write(&mut snapshots, &wanted, former);
        (manifest.chunks, manifest.bytes, manifest.digest)
    };
    assert_eq!(digest_by(&Chunks::new()), digest_by(&chunks(2, 33)));
}

#[test]
fn a_new_process_sees_the_newest_first_and_begins_afresh() {
    let place = Place::new();
    let (first, second, third) = (chunks(1, 9), chunks(2, 8), chunks(3, 7));
    let mut snapshots = place.open();
    write(&mut snapshots, &first, &Chunks::new());
    let (_, of_second) = write(&mut snapshots, &second, &Chunks::new());
    drop(snapshots);
    let mut snapshots = place.open();
    assert_eq!(numbers(snapshots.generations()), [(Half::Two, Some(2)), (Half::One, Some(1))]);
    let (begun, of_third) = write(&mut snapshots, &third, &first);
    assert_eq!((begun.half, begun.generation, begun.fresh), (Half::One, 3, true));
    drop(snapshots);
    let mut snapshots = place.open();
    assert_eq!(numbers(snapshots.generations()), [(Half::One, Some(3)), (Half::Two, Some(2))]);
    assert_eq!(read(&mut snapshots, Half::One, &of_third).unwrap(), third);
    assert_eq!(read(&mut snapshots, Half::Two, &of_second).unwrap(), second);
}

#[test]
fn a_generation_that_is_not_finished_does_not_count() {
    let place = Place::new();
    let (first, second) = (chunks(1, 9), chunks(2, 8));
    for abandoned in [false, true] {
        let mut snapshots = place.open();
        write(&mut snapshots, &first, &Chunks::new());
        let (kept, of_second) = write(&mut snapshots, &second, &Chunks::new());
        let begun = snapshots.begin().unwrap();
        snapshots.put(b"new", b"one").unwrap();
        assert_ne!(begun.half, kept.half);
        assert_eq!(numbers(snapshots.generations()), [(kept.half, Some(kept.generation))]);
        if abandoned {
            snapshots.abandon();
            let again = snapshots.begin().unwrap();
            assert_eq!(again, Begun { fresh: true, ..begun });
        }
        drop(snapshots);
        let mut snapshots = place.open();
        assert_eq!(numbers(snapshots.generations()), [(kept.half, Some(kept.generation))]);
        assert_eq!(read(&mut snapshots, kept.half, &of_second).unwrap(), second);
    }
}

#[test]
fn a_generation_that_was_given_up_is_cleared_away_and_the_other_stays() {
    let place = Place::new();
    let (first, second) = (chunks(1, 9), chunks(2, 8));
    let mut snapshots = place.open();
    write(&mut snapshots, &first, &Chunks::new());
    let (kept, of_second) = write(&mut snapshots, &second, &Chunks::new());
    let begun = snapshots.begin().unwrap();
    snapshots.put(b"new", b"one").unwrap();
    snapshots.abandon();
    let half = place.half(begun.half);
    assert!(half.exists());
    snapshots.clear_away().unwrap();
    assert!(!half.exists());
    snapshots.clear_away().unwrap();
    assert_eq!(read(&mut snapshots, kept.half, &of_second).unwrap(), second);
    let (again, _) = write(&mut snapshots, &first, &Chunks::new());
    assert_eq!(again, Begun { fresh: true, ..begun });
    snapshots.clear_away().unwrap();
    assert!(half.exists(), "what is finished stays");
}

#[test]
fn a_half_that_somebody_has_changed_or_removed_meanwhile_is_begun_anew_and_the_whole_one_stays() {
    let change = |half: &Path| {
        let file = half.join("db");
        let mut bytes = fs::read(&file).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        fs::write(file, bytes).unwrap();
    };
    let remove = |half: &Path| fs::remove_dir_all(half).unwrap();
    let harms: [&dyn Fn(&Path); 2] = [&change, &remove];
    for harm in harms {
        for (harmed, whole) in [(Half::One, Half::Two), (Half::Two, Half::One)] {
            let place = Place::new();
            let mut snapshots = place.open();
            let (first, second, third) = (chunks(1, 9), chunks(2, 9), chunks(3, 9));
            let (_, of_first) = write(&mut snapshots, &first, &Chunks::new());
            let (_, of_second) = write(&mut snapshots, &second, &Chunks::new());
            harm(&place.half(harmed));
            let (begun, of_third) = write(&mut snapshots, &third, &Chunks::new());
            assert_eq!((begun.half, begun.fresh), (harmed, true));
            assert_eq!(read(&mut snapshots, harmed, &of_third).unwrap(), third);
            let (stays, manifest) = if whole == Half::One { (first, of_first) } else { (second, of_second) };
            assert_eq!(read(&mut snapshots, whole, &manifest).unwrap(), stays);
        }
    }
}

#[test]
fn a_half_that_was_harmed_before_this_process_wrote_one_is_the_one_that_is_written() {
    let place = Place::new();
    let (first, second, third) = (chunks(1, 9), chunks(2, 9), chunks(3, 9));
    let (_, of_first) = write(&mut place.open(), &first, &Chunks::new());
    let (newer, _) = write(&mut place.open(), &second, &Chunks::new());
    fs::remove_dir_all(place.half(newer.half)).unwrap();
    let mut snapshots = place.open();
    let (begun, of_third) = write(&mut snapshots, &third, &Chunks::new());
    assert_eq!(begun.half, newer.half);
    assert_eq!(read(&mut snapshots, Half::One, &of_first).unwrap(), first);
    assert_eq!(read(&mut snapshots, newer.half, &of_third).unwrap(), third);
}

#[test]
fn nothing_is_written_where_another_folder_has_the_place() {
    let place = Place::new();
    let mut snapshots = place.open();
    write(&mut snapshots, &chunks(1, 9), &Chunks::new());
    fs::rename(place.folder(), place.folder().with_extension("moved")).unwrap();
    for made in [false, true] {
        if made {
            fs::create_dir(place.folder()).unwrap();
        }
        let refused = snapshots.begin().unwrap_err();
        assert!(refused.to_string().contains("was removed or moved"), "{refused}");
    }
    assert_eq!(fs::read_dir(place.folder()).unwrap().count(), 0);
}

#[test]
fn the_last_room_of_a_device_is_left_to_the_journal() {
    let place = Place::new();
    let first = chunks(1, 9);
    let mut snapshots = place.open();
    write(&mut snapshots, &chunks(2, 8), &Chunks::new());
    let (kept, of_first) = write(&mut snapshots, &first, &Chunks::new());
    let before = numbers(snapshots.generations());
    let mut snapshots = snapshots.leaving_room_of(u64::MAX);
    let refused = snapshots.begin().unwrap_err();
    assert!(matches!(refused, SnapshotError::NoRoom { left: u64::MAX, .. }), "{refused}");
    assert_eq!(numbers(snapshots.generations()), before);
    let mut snapshots = snapshots.leaving_room_of(0);
    snapshots.begin().unwrap();
    let mut snapshots = snapshots.leaving_room_of(u64::MAX);
    let refused = snapshots.put(b"new", b"one").unwrap_err();
    assert!(refused.to_string().starts_with("no room for a snapshot in "), "{refused}");
    snapshots.clear_away().unwrap();
    assert_eq!(read(&mut snapshots, kept.half, &of_first).unwrap(), first);
}

#[test]
fn calls_out_of_turn_and_chunks_too_large_change_nothing() {
    let place = Place::new();
    let mut snapshots = place.open();
    let out_of_turn = |result: Result<(), SnapshotError>| {
        assert!(matches!(result, Err(SnapshotError::OutOfTurn { .. })), "{result:?}");
    };
    out_of_turn(snapshots.put(b"key", b"value"));
    out_of_turn(snapshots.remove(b"key"));
    out_of_turn(snapshots.finish(coverage(1)).map(drop));
    let (_, of_first) = write(&mut snapshots, &chunks(1, 3), &Chunks::new());
    write(&mut snapshots, &chunks(2, 3), &Chunks::new());
    snapshots.begin().unwrap();
    out_of_turn(snapshots.begin().map(drop));
    out_of_turn(read(&mut snapshots, Half::One, &of_first).map(drop));
    let refused = snapshots.put(&[0; 65], b"value").unwrap_err();
    assert_eq!(refused.to_string(), "a chunk's key of 65 bytes is longer than the 64 allowed");
    let manifest = snapshots.finish(coverage(3)).unwrap();
    assert_eq!(manifest.chunks, 3);
}

#[test]
fn a_reader_that_refuses_is_told_so_and_the_other_half_is_kept() {
    let place = Place::new();
    let mut snapshots = place.open();
    let first = chunks(1, 5);
    let (_, of_first) = write(&mut snapshots, &first, &Chunks::new());
    let (_, of_second) = write(&mut snapshots, &chunks(2, 5), &Chunks::new());
    let refused = snapshots.read(Half::Two, &of_second, &mut |_, _| Err("not mine".to_owned())).unwrap_err();
    assert!(matches!(&refused, SnapshotError::Refused { why, .. } if why == "not mine"), "{refused}");
    assert_eq!(numbers(snapshots.generations()), [(Half::One, Some(1)), (Half::Two, None)]);
    let begun = snapshots.begin().unwrap();
    assert_eq!((begun.half, begun.generation, begun.fresh), (Half::Two, 3, true));
    assert_eq!(read(&mut snapshots, Half::One, &of_first).unwrap(), first);
}

#[test]
fn what_an_interrupted_process_left_is_removed() {
    let place = Place::new();
    drop(place.open());
    fs::write(place.folder().join("one.manifest.new"), b"half a mani").unwrap();
    fs::create_dir(place.folder().join("reading.new")).unwrap();
    fs::write(place.folder().join("reading.new/db"), b"half a copy").unwrap();
    drop(place.open());
    assert!(files(&place.folder()).is_empty());
}

#[test]
fn a_half_whose_chunks_are_rewritten_again_and_again_stays_bounded_and_whole() {
    const CHUNKS: u64 = 4;
    const CHUNK_BYTES: usize = 1_000_000;
    let place = Place::new();
    let mut snapshots = place.open();
    let mut halves = [Chunks::new(), Chunks::new()];
    let (mut afresh, mut bytes_max) = (0, 0);
    for round in 0..18_u64 {
        let changed =
            |number: u64| (number.to_be_bytes().to_vec(), vec![(round + number) as u8; CHUNK_BYTES]);
        let wanted: Chunks = (0..CHUNKS).map(changed).collect();
        let half = (round % 2) as usize;
        let (begun, manifest) = write(&mut snapshots, &wanted, &halves[half]);
        afresh += u64::from(begun.fresh && round >= 2);
        bytes_max = bytes_max.max(size(&place.half(begun.half)).unwrap());
        if begun.fresh || round >= 16 {
            assert_eq!(read(&mut snapshots, begun.half, &manifest).unwrap(), wanted, "round {round}");
        }
        halves[half] = wanted;
    }
    let values = CHUNKS * CHUNK_BYTES as u64;
    println!("{bytes_max} bytes at most for {values} of values, {afresh} times afresh in 18 generations");
    assert!((1..=6).contains(&afresh), "{afresh} times afresh");
    // A generation is finished before its size is looked at.
    assert!(bytes_max <= half_bytes_max(values) + 3 * values, "{bytes_max} bytes");
}
