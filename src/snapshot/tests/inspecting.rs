//! What an audit does to the folder: nothing.

use super::super::inspect;
use super::*;

#[test]
fn inspecting_reads_everything_and_writes_nothing() {
    let place = Place::new();
    let mut snapshots = place.open();
    let contents = [chunks(1, 50), chunks(2, 60)];
    for content in &contents {
        write(&mut snapshots, content, &Chunks::new());
    }
    drop(snapshots);
    let before = files(place.above.path());
    let inspection = inspect(place.folder()).unwrap();
    assert_eq!(numbers(inspection.generations()), [(Half::Two, Some(2)), (Half::One, Some(1))]);
    for generation in inspection.generations() {
        let mut found = Chunks::new();
        let manifest = generation.manifest.as_ref().unwrap();
        inspection
            .read(generation.half, manifest, &mut |key, value| {
                found.insert(key.to_vec(), value.to_vec());
                Ok(())
            })
            .unwrap();
        assert_eq!(found, contents[generation.half as usize]);
    }
    assert!(files(place.above.path()) == before, "a file was changed");
}

#[test]
fn without_a_folder_there_is_nothing_to_inspect() {
    let place = Place::new();
    assert!(inspect(place.folder()).unwrap().generations().is_empty());
    assert!(!place.folder().exists());
}
