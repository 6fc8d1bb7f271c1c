//! Numbers that stand for things: who an actor is, which walk, which record, which serial.
//!
//! Absent on purpose: shards and slots. Where an actor lives is known to the runtime alone, so a
//! stored number stays true whatever the number of shards.

use serde::{Deserialize, Serialize};

/// The number of an actor, given once when it is created and used in all stored bytes (DESIGN §3, point 9).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct ActorNumber(pub u64);

impl ActorNumber {
    /// Stands for the funds-management institution where a caller is kept; no actor has it.
    pub const FUNDS_MANAGEMENT: ActorNumber = ActorNumber(0);

    /// The number of the certificate with this serial, where `self` is its offering: an offering
    /// is given its certificates' numbers together with its own (D29).
    #[must_use]
    pub fn certificate(self, serial: Serial) -> ActorNumber {
        ActorNumber(self.0 + u64::from(serial.0))
    }
}

/// The serial number of a certificate in its offering: 1 to the offering's items (C3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Serial(pub u32);

/// One message's way through the house, from the door to the last credit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct WalkId(pub u64);

/// The sequence number of a record in the log: the first record is 1, and 0 means none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct Position(pub u64);

/// A short hash of a request's whole body, so that the same id with another body is noticed (I12).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(from = "u128", into = "u128")]
pub struct Fingerprint(pub [u8; 16]);

impl From<u128> for Fingerprint {
    fn from(number: u128) -> Fingerprint {
        Fingerprint(number.to_le_bytes())
    }
}

impl From<Fingerprint> for u128 {
    fn from(fingerprint: Fingerprint) -> u128 {
        u128::from_le_bytes(fingerprint.0)
    }
}
