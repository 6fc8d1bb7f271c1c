//! Page links: text that means one certificate or offering, the same for ever, wherever it is copied (P9, V5).
//!
//! A link is twenty letters: the number (8 bytes) and a check (the first 4 bytes of its hash), in Crockford's base 32.
//! Absent on purpose: secrets. What is published may be looked at by anyone; the check only finds slips of the pen.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::number::ActorNumber;
use super::refusal::{Code, Refusal};

/// A link to a certificate or an offering.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PageLink(ActorNumber);

const LETTERS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
const LENGTH: usize = 20;

impl PageLink {
    /// The link to this certificate or offering.
    #[must_use]
    pub fn to(number: ActorNumber) -> PageLink {
        PageLink(number)
    }

    /// Reads a link; capital letters are as good as small ones.
    ///
    /// # Errors
    /// `bad_link`, where the text is none.
    pub fn parse(text: &str) -> Result<PageLink, Refusal> {
        let wrong = || {
            let detail =
                format!("is not as it was shown: it has {LENGTH} letters and digits, copy them again");
            Refusal::new(Code::BadLink, "link", detail)
        };
        if text.len() != LENGTH {
            return Err(wrong());
        }
        let mut bits: u128 = 0;
        for letter in text.bytes() {
            let value = LETTERS.iter().position(|known| *known == letter.to_ascii_lowercase());
            bits = bits << 5 | value.ok_or_else(wrong)? as u128;
        }
        let number = u64::try_from(bits >> 32).map_err(|_| wrong())?;
        let link = PageLink(ActorNumber(number));
        if link.bits() == bits { Ok(link) } else { Err(wrong()) }
    }

    /// What it links to.
    #[must_use]
    pub fn number(self) -> ActorNumber {
        self.0
    }

    fn bits(self) -> u128 {
        let number = self.0.0.to_le_bytes();
        let hash = blake3::hash(&[&b"hongbao page link"[..], &number].concat());
        let check = hash.as_bytes().iter().take(4).fold(0, |check, byte| check << 8 | u128::from(*byte));
        u128::from(self.0.0) << 32 | check
    }
}

impl fmt::Display for PageLink {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bits = self.bits();
        let letter = |place: usize| LETTERS[(bits >> (5 * place)) as usize & 31] as char;
        let text: String = (0..LENGTH).rev().map(letter).collect();
        formatter.write_str(&text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_reads_back_and_a_slip_of_the_pen_is_refused() {
        for number in [0, 1, 31, 32, 1_000_000, u64::MAX] {
            let link = PageLink::to(ActorNumber(number));
            let text = link.to_string();
            assert_eq!(text.len(), LENGTH);
            assert_eq!(PageLink::parse(&text), Ok(link));
            assert_eq!(PageLink::parse(&text.to_uppercase()), Ok(link));
            for place in 0..LENGTH {
                let mut slip = text.clone().into_bytes();
                slip[place] = if slip[place] == b'7' { b'8' } else { b'7' };
                let slip = String::from_utf8(slip).unwrap();
                assert_eq!(PageLink::parse(&slip).unwrap_err().code, Code::BadLink, "{slip}");
            }
        }
        for text in ["", "0", "hello", "0000000000000000000u", "00000000000000000000", "ö000000000000000000"]
        {
            assert_eq!(PageLink::parse(text).unwrap_err().code, Code::BadLink, "{text:?}");
        }
    }

    #[test]
    fn the_text_of_a_link_is_frozen() {
        let text = PageLink::to(ActorNumber(7)).to_string();
        assert_eq!(PageLink::parse(&text).unwrap().number(), ActorNumber(7));
        assert_eq!(text, "0000000000000wnkh3wp");
    }
}
