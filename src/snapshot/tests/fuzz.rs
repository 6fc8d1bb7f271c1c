//! Bytes that nobody wrote, as a manifest and as a chunk: refused with a reason, or read in one way.

use super::super::chunk::{frame, unframe};
use super::super::manifest::Fault;
use super::*;
use crate::simulator::{Target, fuzz};

/// Decodes bytes as a manifest, as they are and with a checksum that is right.
fn manifest_is_read(input: &[u8]) -> bool {
    let checksum = crc32fast::hash(input).to_le_bytes();
    let read = [input, &[input, &checksum].concat()].map(|bytes| match Manifest::decode(bytes) {
        Ok(manifest) => {
            let written = manifest.encode().unwrap();
            assert_eq!(Manifest::decode(&written), Ok(manifest));
            true
        }
        Err(Fault::Newer(version)) => {
            assert!(version > 1);
            false
        }
        Err(Fault::Damaged(why)) => {
            assert!(!why.is_empty());
            false
        }
    });
    read.contains(&true)
}

#[test]
fn any_bytes_as_a_manifest_are_refused_or_read_in_one_way() {
    let target = Target {
        name: "manifests",
        inputs: 50_000,
        random_bytes_max: 200,
        memory_factor: 64,
        take: manifest_is_read,
    };
    let files = [[0; 16], [0xF1; 16]];
    let examples = files.map(|files| {
        let coverage = coverage(u64::from(files[0]) << 40);
        let whole = Manifest::new(3, coverage, Default::default(), files).encode().unwrap();
        whole[..whole.len() - 4].to_vec()
    });
    fuzz(&target, &examples);
}

#[test]
fn any_bytes_as_a_chunk_are_refused_or_are_what_was_stored() {
    let target = Target {
        name: "chunks",
        inputs: 50_000,
        random_bytes_max: 100,
        memory_factor: 64,
        take: |input| {
            // Whatever is stored comes back under its own key, and under no other one.
            let (key, value) = input.split_at(input.len().min(5));
            let (stored, mark) = frame(key, value).unwrap();
            assert_eq!(unframe(key, &stored), Ok((value, mark)));
            assert!(unframe(b"another key", &stored).is_err());
            match unframe(b"key", input) {
                Ok((value, _)) => {
                    assert_eq!(frame(b"key", value).unwrap().0, input);
                    true
                }
                Err(why) => {
                    assert!(!why.is_empty());
                    false
                }
            }
        },
    };
    let examples = [&b""[..], b"value"].map(|value| frame(b"key", value).unwrap().0);
    fuzz(&target, &examples);
}
