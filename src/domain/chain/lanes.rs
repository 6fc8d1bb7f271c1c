//! The hash of many inputs side by side: as many as the processor has lanes for, in the time of one or two.
//!
//! blake3 offers this to nobody officially, so its version is pinned, and this file alone names that part of it. Every
//! output is what `blake3::hash` gives for that input, which a test holds. Absent on purpose: what is hashed.

use std::sync::LazyLock;

use blake3::IncrementCounter;
use blake3::platform::Platform;

use super::{HEAD_BYTES, Head};

/// How many inputs are worth being given at once.
pub(super) const LANES: usize = 16;

/// The first chaining value of BLAKE3: that of SHA-256.
const FIRST: [u32; 8] =
    [0x6A09_E667, 0xBB67_AE85, 0x3C6E_F372, 0xA54F_F53A, 0x510E_527F, 0x9B05_688C, 0x1F83_D9AB, 0x5BE0_CD19];
const CHUNK_START: u8 = 1 << 0;
const CHUNK_END: u8 = 1 << 1;
const ROOT: u8 = 1 << 3;

static PLATFORM: LazyLock<Platform> = LazyLock::new(Platform::detect);

/// The hash of each of up to `LANES` inputs of `BYTES` bytes, which are whole blocks of one chunk of BLAKE3: 64 to
/// 1,024.
pub(super) fn hash<const BYTES: usize>(inputs: &[&[u8; BYTES]]) -> [Head; LANES] {
    let mut heads = [Head::default(); LANES];
    let (start, end) = (CHUNK_START, CHUNK_END | ROOT);
    let out = &mut heads.as_flattened_mut()[..inputs.len() * HEAD_BYTES];
    PLATFORM.hash_many(inputs, &FIRST, 0, IncrementCounter::No, 0, start, end, out);
    heads
}

#[cfg(test)]
mod tests {
    use super::*;

    fn equals_the_plain_hash<const BYTES: usize>() {
        let inputs: Vec<[u8; BYTES]> = (0..LANES as u8)
            .map(|lane| std::array::from_fn(|place| (place as u8).wrapping_mul(31) ^ lane))
            .collect();
        for number in 1..=LANES {
            let inputs: Vec<&[u8; BYTES]> = inputs[..number].iter().collect();
            for (input, head) in inputs.iter().zip(hash(&inputs)) {
                assert_eq!(head, *blake3::hash(&input[..]).as_bytes(), "{BYTES} bytes, {number} lanes");
            }
        }
    }

    #[test]
    fn every_lane_gives_what_the_plain_hash_gives() {
        equals_the_plain_hash::<64>();
        equals_the_plain_hash::<128>();
        equals_the_plain_hash::<192>();
        equals_the_plain_hash::<256>();
    }
}
