//! What a seed draws: orders of the numbers below a bound, and shares of all numbers, each computed when it is asked
//! for.
//!
//! Absent on purpose: lists. A million buyers come in a drawn order that takes up no memory.

use crate::domain::BasisPoints;

/// How often the halves of a number are mixed; four times hide the order that they came in.
const ROUNDS: usize = 4;

/// The numbers below a bound in another order, each exactly once: a Feistel network over the next power of
/// four, walked again where it leaves the bound.
pub(super) struct Shuffle {
    bound: u64,
    half_bits: u32,
    keys: [u64; ROUNDS],
}

impl Shuffle {
    /// The order that follows from a seed; another `purpose` gives another one.
    pub(super) fn new(bound: u32, seed: u64, purpose: u64) -> Shuffle {
        let bound = u64::from(bound);
        let bits = u64::BITS - bound.saturating_sub(1).leading_zeros();
        let mut key = mixed(seed ^ mixed(purpose));
        let keys = std::array::from_fn(|_| {
            key = mixed(key);
            key
        });
        Shuffle { bound, half_bits: bits.div_ceil(2).max(1), keys }
    }

    /// Where a number below the bound comes.
    pub(super) fn place(&self, number: u32) -> u32 {
        let mut place = u64::from(number);
        loop {
            place = self.once(place);
            if place < self.bound {
                return u32::try_from(place).unwrap_or(number);
            }
        }
    }

    fn once(&self, number: u64) -> u64 {
        let mask = (1 << self.half_bits) - 1;
        let (mut left, mut right) = (number >> self.half_bits, number & mask);
        for key in self.keys {
            (left, right) = (right, left ^ (mixed(right ^ key) & mask));
        }
        (left << self.half_bits) | right
    }
}

/// True where a number is drawn into a share of all numbers, each by itself. A larger share draws all that a smaller one
/// does.
pub(super) fn is_drawn(number: u64, share: BasisPoints, seed: u64) -> bool {
    mixed(seed ^ mixed(number)) % u64::from(BasisPoints::MAX) < u64::from(share.get())
}

/// SplitMix64's next number.
fn mixed(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(0x9E37_79B9_7F4A_7C15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_has_one_place_and_the_seed_says_which() {
        for bound in [1, 2, 3, 4, 5, 16, 17, 100, 1_000, 4_097] {
            for (seed, purpose) in [(0, 0), (1, 1), (1, 2), (u64::MAX, 1)] {
                let shuffle = Shuffle::new(bound, seed, purpose);
                let mut places: Vec<u32> = (0..bound).map(|number| shuffle.place(number)).collect();
                places.sort_unstable();
                assert!(places.iter().copied().eq(0..bound), "bound {bound}, seed {seed}, {purpose}");
            }
        }
        let places =
            |seed, purpose| (0..100).map(|number| Shuffle::new(100, seed, purpose).place(number)).collect();
        let first: Vec<u32> = places(1, 1);
        assert_eq!(first, places(1, 1));
        assert_ne!(first, places(2, 1), "another seed");
        assert_ne!(first, places(1, 2), "another purpose");
        assert!(first.iter().zip(0..).any(|(place, number)| *place != number), "nothing was shuffled");
    }

    #[test]
    fn a_share_of_the_numbers_is_drawn_and_a_larger_one_draws_them_too() {
        let drawn = |share, seed| {
            let share = BasisPoints::new(share).unwrap();
            (0..10_000).filter(|number| is_drawn(*number, share, seed)).collect::<Vec<u64>>()
        };
        assert!(drawn(0, 1).is_empty(), "nothing is none of them");
        assert_eq!(drawn(10_000, 1).len(), 10_000, "everything");
        let (less, more) = (drawn(3_000, 1), drawn(3_500, 1));
        assert!(less.len().abs_diff(3_000) < 300, "{} of 10,000 are no 0.3", less.len());
        assert!(less.len() < more.len() && less.iter().all(|number| more.binary_search(number).is_ok()));
        assert_ne!(less, drawn(3_000, 2), "another seed");
    }
}
