//! The bytes of a manifest and of a chunk.

use super::super::chunk::{frame, unframe};
use super::super::manifest::Fault;
use super::*;

fn example() -> Manifest {
    Manifest {
        generation: 3,
        identity: 0x0102_0304_0506_0708,
        read_from: Position(250),
        newest: Position(251),
        walks: 65_536,
        chunks: 2,
        bytes: 70_000,
        digest: [0xd1; 16],
        files: [0xf1; 16],
    }
}

#[rustfmt::skip]
const FROZEN: &[u8] = &[
    b'h', b'o', b'n', b'g', b'b', b'a', b'o', b'S', 1, 0, 0, 0, 57, 0, 0, 0,
    3, // generation
    0xfd, 8, 7, 6, 5, 4, 3, 2, 1, // identity
    250, 0xfb, 251, 0, // read from, newest
    0xfc, 0, 0, 1, 0, // walks
    2, 0xfc, 0x70, 0x11, 1, 0, // chunks, bytes
    0xd1, 0xd1, 0xd1, 0xd1, 0xd1, 0xd1, 0xd1, 0xd1, 0xd1, 0xd1, 0xd1, 0xd1, 0xd1, 0xd1, 0xd1, 0xd1,
    0xf1, 0xf1, 0xf1, 0xf1, 0xf1, 0xf1, 0xf1, 0xf1, 0xf1, 0xf1, 0xf1, 0xf1, 0xf1, 0xf1, 0xf1, 0xf1,
    0xf3, 0xdd, 0x36, 0xe8,
];

#[test]
fn the_bytes_of_version_one_are_frozen() {
    let bytes = example().encode().unwrap();
    assert_eq!(bytes, FROZEN, "{bytes:02x?}");
    assert_eq!(Manifest::decode(FROZEN), Ok(example()));
}

#[test]
fn any_other_byte_any_cut_and_any_addition_is_damage() {
    for at in 0..FROZEN.len() {
        for change in [0x01, 0x80, 0xff] {
            let mut bytes = FROZEN.to_vec();
            bytes[at] ^= change;
            assert!(matches!(Manifest::decode(&bytes), Err(Fault::Damaged(_))), "byte {at}");
        }
        assert!(matches!(Manifest::decode(&FROZEN[..at]), Err(Fault::Damaged(_))), "cut at {at}");
    }
    for added in [1, 5_000] {
        let bytes = [FROZEN, &vec![0; added]].concat();
        assert!(matches!(Manifest::decode(&bytes), Err(Fault::Damaged(_))), "{added} more");
    }
}

#[test]
fn a_damaged_manifest_is_named_and_the_other_half_is_kept() {
    let place = Place::new();
    let mut snapshots = place.open();
    write(&mut snapshots, &chunks(1, 3), &Chunks::new());
    write(&mut snapshots, &chunks(2, 3), &Chunks::new());
    drop(snapshots);
    let path = place.folder().join("two.manifest");
    let whole = fs::read(&path).unwrap();
    for at in 0..whole.len() {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x10;
        fs::write(&path, bytes).unwrap();
        let snapshots = place.open();
        assert_eq!(numbers(snapshots.generations()), [(Half::One, Some(1)), (Half::Two, None)], "byte {at}");
        let why = snapshots.generations()[1].manifest.as_ref().unwrap_err();
        assert!(why.contains(&path.display().to_string()) && !why.contains('\n'), "{why}");
    }
    let begun = place.open().begin().unwrap();
    assert_eq!((begun.half, begun.generation), (Half::Two, 2));
}

#[test]
fn a_manifest_of_a_later_version_asks_for_the_newer_hongbao() {
    let place = Place::new();
    drop(place.open());
    let mut bytes = FROZEN[..FROZEN.len() - 4].to_vec();
    bytes[8] = 2;
    bytes.extend_from_slice(&crc32fast::hash(&bytes).to_le_bytes());
    fs::write(place.folder().join("one.manifest"), bytes).unwrap();
    let refused = Snapshots::open(place.folder()).err().unwrap().to_string();
    assert!(
        refused.ends_with("has format 2, newer than this hongbao reads: start the newer hongbao"),
        "{refused}"
    );
    assert!(super::super::inspect(place.folder()).is_err());
}

#[test]
fn the_bytes_of_a_chunk_are_frozen() {
    let (stored, mark) = frame(b"key", b"value").unwrap();
    #[rustfmt::skip]
    let frozen = [
        b'h', b'g', b'b', b'C', 1, 0, 0, 0, 5, 0, 0, 0,
        0x47, 0xe7, 0x5a, 0xe8, 0x2e, 0xc1, 0x27, 0xcf,
        b'v', b'a', b'l', b'u', b'e',
    ];
    assert_eq!(stored, frozen, "{stored:02x?}");
    assert_eq!(unframe(b"key", &frozen), Ok((b"value".as_slice(), mark)));
}
