//! The stored bytes are frozen.

use super::super::format::*;
use crate::{domain::Position, journal::RecordBatch};

const IDENTITY: u64 = 0x0123_4567_89ab_cdef;

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A batch's frames, as a log stores them.
pub(super) fn stored(batch: &RecordBatch) -> Vec<u8> {
    let mut framed = batch.framed().to_vec();
    set_checksums(&mut framed);
    framed
}

fn sample() -> (SegmentHeader, BatchHead, RecordBatch, BatchHead) {
    let mut batch = RecordBatch::new();
    batch.push(b"hong").unwrap();
    batch.push(b"bao").unwrap();
    let header = SegmentHeader { identity: IDENTITY, first_position: Position(7), first_batch: 3 };
    let head = BatchHead::data(IDENTITY, 3, Position(7), 2, &stored(&batch));
    (header, head, batch, BatchHead::seal(IDENTITY, 4, Position(9)))
}

const FROZEN: [&str; 4] = [
    "686f6e6762616f4a01000000efcdab8967452301070000000000000003000000000000000800d98a",
    "6867624201000000efcdab8967452301030000000000000007000000000000000200000017000000fe76b81f1235f097",
    "04000000b030d974686f6e670300000082fc3c4662616f",
    "6867624202000000efcdab89674523010400000000000000090000000000000000000000000000000000000030c729ad",
];

#[test]
fn the_bytes_of_version_1_are_frozen_and_read_back() {
    let (header, head, batch, seal) = sample();
    let written = [hex(&header.encode()), hex(&head.encode()), hex(&stored(&batch)), hex(&seal.encode())];
    assert_eq!(written, FROZEN);

    let bytes: Vec<u8> = (0..FROZEN.concat().len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&FROZEN.concat()[at..at + 2], 16).unwrap())
        .collect();
    assert_eq!(SegmentHeader::decode(&bytes), Ok(header));
    let Scanned::Whole(read, payload) = scan_batch(&bytes[SEGMENT_HEADER_BYTES..], IDENTITY) else {
        panic!("the frozen batch is not whole");
    };
    assert_eq!((read, payload), (head, &stored(&batch)[..]));
    let records: Vec<&[u8]> = batch.iter().collect();
    assert_eq!(records, [&b"hong"[..], b"bao"]);
    let behind = SEGMENT_HEADER_BYTES + BATCH_HEAD_BYTES + payload.len();
    let Scanned::Whole(read, b"") = scan_batch(&bytes[behind..], IDENTITY) else {
        panic!("the frozen seal is not whole");
    };
    assert_eq!(read, seal);
}

#[test]
fn the_checksum_of_a_record_is_that_of_its_length_and_its_bytes() {
    for length in (1..=600).chain([65_536, 1 << 20]) {
        let mut batch = RecordBatch::new();
        batch.push(&vec![b'r'; length]).unwrap();
        let framed = stored(&batch);
        let checksum = crc32fast::hash(&[&framed[..4], &framed[RECORD_HEAD_BYTES..]].concat());
        assert_eq!(framed[4..RECORD_HEAD_BYTES], checksum.to_le_bytes(), "of {length} bytes");
    }
}

#[test]
fn every_flipped_bit_of_a_header_is_damage_and_never_a_newer_version() {
    let bytes = sample().0.encode();
    for bit in 0..bytes.len() * 8 {
        let mut flipped = bytes;
        flipped[bit / 8] ^= 1 << (bit % 8);
        let read = SegmentHeader::decode(&flipped);
        assert!(matches!(read, Err(HeaderFault::Damaged(_))), "bit {bit}: {read:?}");
    }
}

#[test]
fn a_whole_header_of_a_later_version_is_told_by_its_number() {
    let mut bytes = sample().0.encode();
    bytes[8] = 2;
    let checksum = crc32fast::hash(&bytes[..36]);
    bytes[36..].copy_from_slice(&checksum.to_le_bytes());
    assert_eq!(SegmentHeader::decode(&bytes), Err(HeaderFault::Newer(2)));
}

#[test]
fn every_flipped_bit_of_a_batch_leaves_only_records_before_it() {
    let (_, head, batch, _) = sample();
    let bytes = [&head.encode()[..], &stored(&batch)].concat();
    let first_record_end = BATCH_HEAD_BYTES + RECORD_HEAD_BYTES + 4;
    for bit in 0..bytes.len() * 8 {
        let mut flipped = bytes.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        match scan_batch(&flipped, IDENTITY) {
            Scanned::Whole(..) => panic!("bit {bit} is not noticed"),
            Scanned::BadHead(_) => assert!(bit / 8 < BATCH_HEAD_BYTES, "bit {bit}"),
            Scanned::BadPayload(_, good, _) => {
                let expected = u32::from(bit / 8 >= first_record_end);
                assert_eq!(good.records, expected, "bit {bit}");
            }
        }
    }
}

#[test]
fn a_batch_of_another_journal_inside_a_record_is_not_taken_for_a_batch() {
    let stranger = BatchHead::seal(IDENTITY + 1, 99, Position(99)).encode();
    let own = BatchHead::seal(IDENTITY, 99, Position(99)).encode();
    let bytes = [&[0; 5][..], &stranger, &[0; 5], &own].concat();
    let (at_own, behind) = (5 + BATCH_HEAD_BYTES + 5, 6 + BATCH_HEAD_BYTES + 5);
    assert_eq!(find_batch_after(&bytes, 0, IDENTITY, 98), Some(at_own));
    assert_eq!(find_batch_after(&bytes, 0, IDENTITY, 99), None);
    assert_eq!(find_batch_after(&bytes, behind, IDENTITY, 98), None);
}

proptest::proptest! {
    #[test]
    fn any_bytes_are_scanned_without_a_panic(bytes: Vec<u8>, at in 0_usize..40) {
        let _ = SegmentHeader::decode(&bytes);
        let _ = scan_batch(&bytes, IDENTITY);
        let _ = frame_at(&bytes, at);
        // A good head over any payload.
        let head = BatchHead { payload_bytes: 30, ..sample().1 };
        let behind = [&head.encode()[..], &bytes].concat();
        let _ = scan_batch(&behind, IDENTITY);
        let _ = find_batch_after(&behind, 0, IDENTITY, 0);
    }
}
