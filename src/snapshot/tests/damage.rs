//! What damage in a half does: it is found, and the other half still reads.

use super::super::database::Database;
use super::super::files::hash;
use super::*;
use crate::journal::create_durably;

/// Two generations, the older in half one.
fn two() -> (Place, [(Chunks, Manifest); 2]) {
    let place = Place::new();
    let mut snapshots = place.open();
    let written = [1, 2].map(|seed| {
        let mut content = chunks(seed, 40);
        content.insert(b"large".to_vec(), vec![seed as u8; 200_000]);
        let (_, manifest) = write(&mut snapshots, &content, &Chunks::new());
        (content, manifest)
    });
    (place, written)
}

/// Reading half two names the damage; half one still reads, and the next generation spares it.
fn is_found(place: &Place, [older, newer]: &[(Chunks, Manifest); 2], what: &str) {
    let mut snapshots = place.open();
    let error = read(&mut snapshots, Half::Two, &newer.1).expect_err(what);
    damage_of(&error, &place.half(Half::Two));
    assert_eq!(read(&mut snapshots, Half::One, &older.1).expect(what), older.0, "{what}");
    assert_eq!(snapshots.older(), Half::Two, "{what}");
}

#[test]
fn any_damaged_file_is_found_and_the_older_half_still_reads() {
    let (place, written) = two();
    let half = place.half(Half::Two);
    let whole: Vec<PathBuf> = files(&half).into_keys().filter(|path| path.is_file()).collect();
    assert!(whole.len() >= 3, "{whole:?}");
    for path in whole {
        let bytes = fs::read(&path).unwrap();
        let told = |how: &str| format!("{} {how}", path.display());
        for part in 0..8 {
            let at = (bytes.len() - 1) * part / 7;
            let mut damaged = bytes.clone();
            damaged[at] ^= 0x20;
            fs::write(&path, damaged).unwrap();
            is_found(&place, &written, &told(&format!("flipped at {at}")));
        }
        for length in [0, bytes.len() / 2, bytes.len() - 1] {
            fs::write(&path, &bytes[..length]).unwrap();
            is_found(&place, &written, &told(&format!("cut to {length}")));
        }
        fs::remove_file(&path).unwrap();
        is_found(&place, &written, &told("removed"));
        fs::write(&path, bytes).unwrap();
    }
    fs::write(half.join("stray"), b"").unwrap();
    is_found(&place, &written, "a file too much");
    fs::remove_file(half.join("stray")).unwrap();
    let mut snapshots = place.open();
    assert_eq!(read(&mut snapshots, Half::Two, &written[1].1).unwrap(), written[1].0, "it was put back");
}

#[test]
fn a_half_that_is_missing_or_another_one_is_found() {
    let (place, written) = two();
    let half = place.half(Half::Two);
    fs::remove_dir_all(&half).unwrap();
    is_found(&place, &written, "no folder");
    copy_folder(&place.half(Half::One), &half);
    is_found(&place, &written, "the other half");
}

#[test]
fn an_earlier_copy_of_a_half_is_found() {
    let place = Place::new();
    let mut snapshots = place.open();
    let (first, second, mut fourth) = (chunks(1, 30), chunks(2, 30), chunks(2, 30));
    let (_, of_first) = write(&mut snapshots, &first, &Chunks::new());
    write(&mut snapshots, &second, &Chunks::new());
    let stale = place.above.path().join("stale");
    copy_folder(&place.half(Half::Two), &stale);
    write(&mut snapshots, &first, &first);
    fourth.insert(vec![0; 8], b"changed".to_vec());
    let (begun, of_fourth) = write(&mut snapshots, &fourth, &second);
    assert_eq!((begun.half, begun.fresh), (Half::Two, false));
    assert_eq!(read(&mut snapshots, Half::Two, &of_fourth).unwrap(), fourth);
    fs::remove_dir_all(place.half(Half::Two)).unwrap();
    fs::rename(&stale, place.half(Half::Two)).unwrap();
    let error = read(&mut snapshots, Half::Two, &of_fourth).unwrap_err();
    damage_of(&error, &place.half(Half::Two));
    assert!(read(&mut snapshots, Half::One, &of_first).is_err(), "a manifest of an earlier generation");
}

/// Changes half two by way of sled, and lets the manifest name the files that come of it: what is left to find
/// the change are the chunks themselves.
fn tampered(what: &str, tamper: impl FnOnce(&Database), expected: &str) {
    let (place, written) = two();
    let half = place.half(Half::Two);
    let database = Database::open(&half, &half).unwrap();
    tamper(&database);
    database.close().unwrap();
    let [(older, _), (content, manifest)] = &written;
    let manifest = Manifest { files: hash(&half).unwrap(), ..manifest.clone() };
    create_durably(&place.folder(), "two.manifest", &manifest.encode().unwrap()).unwrap();
    let mut snapshots = place.open();
    assert_eq!(numbers(snapshots.generations()), [(Half::Two, Some(2)), (Half::One, Some(1))]);
    match read(&mut snapshots, Half::Two, &manifest) {
        Ok(found) => assert!(expected.is_empty() && found == *content, "{what}"),
        Err(error) => assert_eq!(damage_of(&error, &half), expected, "{what}"),
    }
    assert_eq!(read(&mut snapshots, Half::One, &written[0].1).unwrap(), *older);
}

/// What sled stores under a key.
fn stored(database: &Database, wanted: &[u8]) -> Vec<u8> {
    let mut found = Vec::new();
    let look = |key: &[u8], bytes: &[u8]| {
        if key == wanted {
            found = bytes.to_vec();
        }
        Ok(())
    };
    database.visit(look).unwrap();
    assert!(!found.is_empty());
    found
}

#[test]
fn a_chunk_that_sled_has_lost_moved_or_changed_is_found() {
    let [first, second] = [0_u64, 1].map(u64::to_be_bytes);
    let count = "it holds other chunks than its manifest counts";
    let checksum = "a chunk's checksum does not match its key and value";
    tampered("nothing", |_| (), "");
    tampered("lost", |database| database.remove(&first).unwrap(), count);
    let framed = |key: &[u8], value: &[u8]| super::super::chunk::frame(key, value).unwrap().0;
    tampered("too much", |database| database.put(b"more", framed(b"more", b"value")).unwrap(), count);
    let stale = chunks(1, 1).into_values().next().unwrap();
    tampered(
        "of an earlier generation",
        |database| database.put(&first, framed(&first, &stale)).unwrap(),
        count,
    );
    tampered("moved", |database| database.put(&second, stored(database, &first)).unwrap(), checksum);
    let changed = |at: usize| {
        move |database: &Database| {
            let mut bytes = stored(database, &first);
            bytes[at] ^= 4;
            database.put(&first, bytes).unwrap();
        }
    };
    for (at, why) in [
        (0, "a chunk does not begin like one"),
        (4, "a chunk does not begin like one"),
        (8, "a chunk has another length than it says"),
        (12, checksum),
        (20, checksum),
    ] {
        tampered(&format!("changed at {at}"), changed(at), why);
    }
    tampered("cut", |database| database.put(&first, vec![1; 19]).unwrap(), "a chunk is too short");
}

#[test]
fn sled_refusing_to_open_is_damage() {
    let (place, written) = two();
    let half = place.half(Half::Two);
    fs::write(half.join("conf"), b"segment_size: 7\nnonsense").unwrap();
    let manifest = Manifest { files: hash(&half).unwrap(), ..written[1].1.clone() };
    let error = read(&mut place.open(), Half::Two, &manifest).unwrap_err();
    assert!(damage_of(&error, &half).starts_with("sled"), "{error}");
}
