//! Answers as JSON text: as serde writes them, and the one of which a rush consists by hand, in a tenth of the time.

use serde_json::to_writer;

use super::answer::{AnswerBody, CommissionBody};

/// Writes an answer behind what is there.
///
/// # Errors
/// Where it does not encode; none of ours does not.
pub(in crate::server) fn write(text: &mut Vec<u8>, answer: &AnswerBody) -> Result<(), serde_json::Error> {
    let AnswerBody::Purchased { serial, currency, price, commission, credits_left } = answer else {
        return to_writer(text, answer);
    };
    // Amounts and currencies have digits, points and capital letters: nothing that would have to be written otherwise.
    put(text, &["{\"type\":\"purchased\",\"serial\":"]);
    to_writer(&mut *text, serial)?;
    put(text, &[",\"currency\":\"", currency.code(), "\",\"price\":\"", price.text(), "\",\"commission\":"]);
    match commission {
        CommissionBody::Settled { cashed, promises, returned } => {
            put(text, &["{\"became\":\"settled\",\"cashed\":\"", cashed.text(), "\",\"promises\":"]);
            to_writer(&mut *text, promises)?;
            put(text, &[",\"returned\":\"", returned.text(), "\"}"]);
        }
        other => to_writer(&mut *text, other)?,
    }
    put(text, &[",\"credits_left\":"]);
    to_writer(&mut *text, credits_left)?;
    put(text, &["}"]);
    Ok(())
}

/// Puts some parts behind what is there.
pub(in crate::server) fn put(text: &mut Vec<u8>, parts: &[&str]) {
    parts.iter().for_each(|part| text.extend_from_slice(part.as_bytes()));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Currency, Done, FactorSet, Money, Purchased, Serial, Settlement};
    use crate::server::json::Names;

    #[test]
    fn what_is_written_by_hand_is_what_serde_writes() {
        let money = |minor| Money::from_minor(minor).unwrap();
        let (cashed, returned) = (money(200), money(u64::from(u32::MAX)));
        for commission in [
            Settlement::None,
            Settlement::Settled { cashed, promises: 0, returned },
            Settlement::Settled { cashed: returned, promises: u32::MAX, returned: money(0) },
            Settlement::Withdrawn { factors: FactorSet(0b101), returned },
        ] {
            for (serial, currency) in [(1, "USD"), (u32::MAX, "JPY"), (70, "BHD")] {
                let (serial, price, credits_left) = (Serial(serial), money(100_005), serial / 7);
                let purchased = Purchased { serial, price, commission, credits_left };
                let currency = Currency::parse(currency).unwrap();
                let answer = AnswerBody::of(Done::Purchased(purchased), currency, &Names::default());
                let mut text = b"before ".to_vec();
                write(&mut text, &answer).unwrap();
                let expected = format!("before {}", serde_json::to_string(&answer).unwrap());
                assert_eq!(String::from_utf8(text).unwrap(), expected);
            }
        }
    }
}
