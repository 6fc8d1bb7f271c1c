//! Whole numbers as arguments: what is none is refused in words that say what to give.

use std::ops::RangeInclusive;

/// Reads a whole number within these bounds.
///
/// # Errors
/// Names both bounds.
pub(super) fn whole<Number: TryFrom<u64>>(
    bounds: RangeInclusive<u64>,
) -> impl Fn(&str) -> Result<Number, String> + Clone + Send + Sync + 'static {
    move |text| {
        let number = text.parse().ok().filter(|number| bounds.contains(number));
        let number = number.and_then(|number| Number::try_from(number).ok());
        number.ok_or_else(|| format!("give a whole number from {} to {}", bounds.start(), bounds.end()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_within_its_bounds_is_read_and_everything_else_is_told_them() {
        let read = whole::<u16>(1..=64);
        assert_eq!(["1", "64", "007"].map(&read), [Ok(1), Ok(64), Ok(7)]);
        for text in ["0", "65", "-1", "1.5", "many", "", " 1", "99999999999999999999999"] {
            assert_eq!(read(text), Err("give a whole number from 1 to 64".to_owned()), "{text:?}");
        }
        assert!(whole::<u16>(0..=u64::MAX)("65536").is_err(), "it has room in its type");
    }
}
