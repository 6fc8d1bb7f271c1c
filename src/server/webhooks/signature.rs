//! How what is sent is signed: `Hongbao-Signature: t=SECONDS,v1=HEX`, HMAC-SHA-256 over `SECONDS.BODY`.
//!
//! The time is signed too, so that nobody can send an old event again later.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::server::json::hex;

/// The header.
pub(super) const HEADER: &str = "Hongbao-Signature";

/// The header's text for a body sent at a time, in seconds since 1970.
pub(super) fn of(secret: &str, seconds: u64, body: &str) -> String {
    // A key of any length will do.
    let Ok(mut hmac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else { return String::new() };
    hmac.update(format!("{seconds}.{body}").as_bytes());
    format!("t={seconds},v1={}", hex(&hmac.finalize().into_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_as_another_program_reckons() {
        // python3 -c 'import hmac; print(hmac.digest(b"secret", b"1795721518.{}", "sha256").hex())'
        let expected = "t=1795721518,v1=250734e25d28d50188a464d290452594c786ba7386be8c1c4fc0fdce211240a7";
        assert_eq!(of("secret", 1_795_721_518, "{}"), expected);
    }
}
