//! Luck that anyone can recompute (Q4, D42): ChaCha8 keyed by a hash of what the draw is for.
//!
//! Absent on purpose: any source of chance. The seed is data that a door stamped.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use crate::domain::money::Money;
use crate::domain::number::{ActorNumber, Serial};

/// What a draw is for; two draws on one hop never share their luck.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// The amount that a right acquires.
    Acquire = 1,
    /// The amount of an increase.
    Increase = 2,
}

/// One stream of numbers: key = BLAKE3(seed ‖ offering ‖ serial ‖ hop ‖ purpose), where the offering's
/// number has 8 bytes, serial and hop 4 and the purpose 1, little endian.
pub struct Draw(ChaCha8Rng);

impl Draw {
    /// The stream for one purpose on one hop.
    #[must_use]
    pub fn new(seed: &[u8; 32], offering: ActorNumber, serial: Serial, hop: u32, purpose: Purpose) -> Draw {
        let mut hasher = blake3::Hasher::new();
        hasher.update(seed);
        hasher.update(&offering.0.to_le_bytes());
        hasher.update(&serial.0.to_le_bytes());
        hasher.update(&hop.to_le_bytes());
        hasher.update(&[purpose as u8]);
        Draw(ChaCha8Rng::from_seed(*hasher.finalize().as_bytes()))
    }

    /// A uniform number in [min, max], by rejection on 64 bits. `min` must not be above `max`.
    pub fn uniform(&mut self, min: u64, max: u64) -> u64 {
        assert!(min <= max, "a range has its smallest first");
        let Some(width) = (max - min).checked_add(1) else {
            return self.0.next_u64();
        };
        let unbiased_below = u64::MAX - (u64::MAX % width + 1) % width;
        loop {
            let number = self.0.next_u64();
            if number <= unbiased_below {
                return min + number % width;
            }
        }
    }

    /// A uniform amount in [min, max].
    pub fn amount(&mut self, min: Money, max: Money) -> Money {
        let drawn = self.uniform(min.minor(), max.minor());
        Money::from_minor(drawn).unwrap_or_else(|_| unreachable!("a number between two legal amounts is one"))
    }
}
