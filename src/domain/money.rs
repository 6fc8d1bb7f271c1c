//! Money: what an amount is, how it is read and how it is written.
//!
//! Every amount is a whole number of minor units (cents for dollars), so that sums are exact, and
//! every type here has one gate: an illegal value can be neither built nor decoded (`SPEC` D31).
//!
//! Absent on purpose: floating point; rounding of what was given (it is refused instead);
//! arithmetic operators, because `+` cannot say that a sum is too large; conversion between
//! currencies. An amount does not carry its currency: the account or the offering that holds it
//! does, and the currency is needed only where text is read or written.
//!
//! This is the only module that names `rust_decimal`.

use std::fmt;

use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::text;
use crate::limits::MONEY_MINOR_MAX;
use crate::planted::{self, Bug};

mod error;
#[cfg(test)]
mod tests;

pub use error::MoneyError;

/// An amount that is never negative, in minor units: 0 ..= [`MONEY_MINOR_MAX`].
///
/// Encoded as a bare `u64`; decoding passes [`Money::from_minor`]. Documents for people and for
/// JSON carry the text of [`Money::format`] instead, because JSON numbers lose digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(try_from = "u64", into = "u64")]
pub struct Money(u64);

impl Money {
    /// Nothing.
    pub const ZERO: Money = Money(0);

    /// The gate: takes minor units.
    ///
    /// # Errors
    /// [`MoneyError::AmountTooLarge`] above [`MONEY_MINOR_MAX`].
    pub fn from_minor(minor: u64) -> Result<Money, MoneyError> {
        if minor > MONEY_MINOR_MAX {
            return Err(MoneyError::AmountTooLarge {
                value: format!("{minor} minor units"),
                limit: format!("{MONEY_MINOR_MAX} minor units"),
            });
        }
        Ok(Money(minor))
    }

    /// Reads plain decimal text: digits, or digits, one point and digits, such as `29.33`, `0.5`
    /// or `10`. Signs, spaces, exponents, and thousands separators are refused.
    ///
    /// # Errors
    /// [`MoneyError`] says which: not a number, negative (any minus sign, even before zero), more
    /// decimals than the currency has (even if they are zeros, as in `1.500` dollars), or too
    /// large.
    pub fn parse(text: &str, currency: Currency) -> Result<Money, MoneyError> {
        let unsigned = text.strip_prefix('-').unwrap_or(text);
        let Some(decimals) = decimals_of_plain_number(unsigned) else {
            return Err(MoneyError::NotANumber { text: shortened(text) });
        };
        if unsigned.len() < text.len() {
            return Err(MoneyError::NegativeAmount { value: shortened(text) });
        }
        if decimals > currency.decimals() as usize {
            return Err(MoneyError::TooManyDecimals { value: shortened(text), decimals, currency });
        }
        // The text is a plain number with few decimals, so the one thing that can keep it from
        // being a `Decimal` is its size.
        match Decimal::from_str_exact(text) {
            Ok(value) => Money::from_decimal(value, currency),
            Err(_) => Err(too_large(text, currency)),
        }
    }

    /// Takes a decimal amount in whole units of the currency (dollars, not cents).
    ///
    /// The scale counts as it is: `1.500` dollars are refused, and the caller who means `1.5` says
    /// so with [`Decimal::normalize`]. Negative zero is zero.
    ///
    /// # Errors
    /// [`MoneyError`]: negative, more decimals than the currency has, or too large.
    pub fn from_decimal(value: Decimal, currency: Currency) -> Result<Money, MoneyError> {
        if value.is_sign_negative() && !value.is_zero() {
            return Err(MoneyError::NegativeAmount { value: value.to_string() });
        }
        let Some(missing_decimals) = currency.decimals().checked_sub(value.scale()) else {
            return Err(MoneyError::TooManyDecimals {
                value: value.to_string(),
                decimals: value.scale() as usize,
                currency,
            });
        };
        // A mantissa has 96 bits and the factor is at most 1000: the product stays far inside
        // 128 bits.
        let minor = value.mantissa() * 10_i128.pow(missing_decimals);
        u64::try_from(minor)
            .ok()
            .and_then(|minor| Money::from_minor(minor).ok())
            .ok_or_else(|| too_large(&value.to_string(), currency))
    }

    /// The amount in whole units of the currency, with exactly the currency's decimals.
    pub fn to_decimal(self, currency: Currency) -> Decimal {
        // Never out of a `Decimal`'s range: 64 bits of its 96, and 3 decimals of its 28.
        Decimal::from_i128_with_scale(i128::from(self.0), currency.decimals())
    }

    /// The amount in minor units.
    pub const fn minor(self) -> u64 {
        self.0
    }

    /// Whether this is nothing.
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// The sum, or `None` above [`MONEY_MINOR_MAX`].
    pub fn checked_add(self, other: Money) -> Option<Money> {
        Money::from_minor_option(self.0.checked_add(other.0)?)
    }

    /// The difference, or `None` where it would be negative.
    pub fn checked_sub(self, other: Money) -> Option<Money> {
        self.0.checked_sub(other.0).map(Money)
    }

    /// The amount `count` times, or `None` above [`MONEY_MINOR_MAX`].
    pub fn checked_times(self, count: u64) -> Option<Money> {
        Money::from_minor_option(self.0.checked_mul(count)?)
    }

    /// That part of the amount, rounded half up to the minor unit (`SPEC` D31).
    ///
    /// What is left over stays with the caller: `amount.checked_sub(amount.share(part))`.
    pub fn share(self, part: BasisPoints) -> Money {
        let whole = u128::from(BasisPoints::MAX);
        let numerator = u128::from(self.0) * u128::from(part.get());
        let half = if planted::has(Bug::ShareRoundedDown) { 0 } else { whole / 2 };
        let rounded = (numerator + half) / whole;
        // A share is never above the amount, because basis points stop at the whole.
        assert!(rounded <= u128::from(self.0), "a share is at most the amount");
        Money(rounded as u64)
    }

    /// The amount as text with exactly the currency's decimals: `29.33`, `0.05`, or `5` for yen.
    /// [`Money::parse`] reads it back.
    pub fn format(self, currency: Currency) -> String {
        format_minor(false, self.0, currency)
    }

    /// The gate without the words of its refusal, for arithmetic that runs for every order.
    fn from_minor_option(minor: u64) -> Option<Money> {
        (minor <= MONEY_MINOR_MAX).then_some(Money(minor))
    }
}

impl TryFrom<u64> for Money {
    type Error = MoneyError;

    fn try_from(minor: u64) -> Result<Money, MoneyError> {
        Money::from_minor(minor)
    }
}

impl From<Money> for u64 {
    fn from(money: Money) -> u64 {
        money.0
    }
}

/// What an account holds, in minor units; below zero as far as a credit limit lets it.
///
/// Every `i64` is a legal balance: how far below zero it may go is the account's rule, not the
/// number's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Balance(i64);

impl Balance {
    /// Nothing held and nothing owed.
    pub const ZERO: Balance = Balance(0);

    /// A balance of so many minor units.
    pub const fn from_minor(minor: i64) -> Balance {
        Balance(minor)
    }

    /// The balance in minor units.
    pub const fn minor(self) -> i64 {
        self.0
    }

    /// The balance after money came in, or `None` where an `i64` cannot hold it.
    pub fn checked_credit(self, amount: Money) -> Option<Balance> {
        self.0.checked_add_unsigned(amount.0).map(Balance)
    }

    /// The balance after money went out, or `None` where an `i64` cannot hold it. Whether the
    /// account may go so low is for the caller to ask first.
    pub fn checked_debit(self, amount: Money) -> Option<Balance> {
        self.0.checked_sub_unsigned(amount.0).map(Balance)
    }

    /// Balance and amount together in minor units, wide enough never to overflow: what an account
    /// could spend when `amount` is its credit limit.
    pub fn plus(self, amount: Money) -> i128 {
        i128::from(self.0) + i128::from(amount.0)
    }

    /// The balance as text with exactly the currency's decimals, such as `-0.05`.
    pub fn format(self, currency: Currency) -> String {
        format_minor(self.0 < 0, self.0.unsigned_abs(), currency)
    }
}

/// A currency: the three upper-case letters of ISO 4217.
///
/// Any well-formed code is taken, since the list of codes changes and this program does not; a
/// code absent from the table of [`Currency::decimals`] has two decimals. Encoded as text, and
/// decoding passes [`Currency::parse`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Currency([u8; 3]);

impl Currency {
    /// The dollar of the United States.
    pub const USD: Currency = Currency(*b"USD");

    /// The gate: takes exactly three upper-case ASCII letters.
    ///
    /// # Errors
    /// [`MoneyError::UnknownCurrency`] for anything else.
    pub fn parse(code: &str) -> Result<Currency, MoneyError> {
        match *code.as_bytes() {
            [first, second, third] if code.bytes().all(|byte| byte.is_ascii_uppercase()) => {
                Ok(Currency([first, second, third]))
            }
            _ => Err(MoneyError::UnknownCurrency { text: shortened(code) }),
        }
    }

    /// The code, such as `USD`.
    pub fn code(&self) -> &str {
        match std::str::from_utf8(&self.0) {
            Ok(code) => code,
            Err(_) => unreachable!("a currency holds ASCII letters only"),
        }
    }

    /// How many decimals an amount has: 0, 2 or 3, as ISO 4217 lists its minor units.
    pub const fn decimals(self) -> u32 {
        match &self.0 {
            b"BHD" | b"IQD" | b"JOD" | b"KWD" | b"LYD" | b"OMR" | b"TND" => 3,
            b"BIF" | b"CLP" | b"DJF" | b"GNF" | b"ISK" | b"JPY" | b"KMF" | b"KRW" | b"PYG" | b"RWF"
            | b"UGX" | b"UYI" | b"VND" | b"VUV" | b"XAF" | b"XOF" | b"XPF" => 0,
            _ => 2,
        }
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.code())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Currency({})", self.code())
    }
}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Currency, D::Error> {
        text::read(deserializer, Currency::parse)
    }
}

impl Serialize for Currency {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}

/// A share of an amount in hundredths of a per cent: 0 ..= [`BasisPoints::MAX`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct BasisPoints(u32);

impl BasisPoints {
    /// The whole: a share is never more than what it is a share of.
    pub const MAX: u32 = 10_000;

    /// The gate: takes hundredths of a per cent.
    ///
    /// # Errors
    /// [`MoneyError::AmountTooLarge`] above [`BasisPoints::MAX`].
    pub fn new(basis_points: u32) -> Result<BasisPoints, MoneyError> {
        if basis_points > BasisPoints::MAX {
            return Err(MoneyError::AmountTooLarge {
                value: format!("{basis_points} basis points"),
                limit: format!("{} basis points", BasisPoints::MAX),
            });
        }
        Ok(BasisPoints(basis_points))
    }

    /// The share in hundredths of a per cent.
    pub const fn get(self) -> u32 {
        self.0
    }
}

impl TryFrom<u32> for BasisPoints {
    type Error = MoneyError;

    fn try_from(basis_points: u32) -> Result<BasisPoints, MoneyError> {
        BasisPoints::new(basis_points)
    }
}

impl From<BasisPoints> for u32 {
    fn from(part: BasisPoints) -> u32 {
        part.0
    }
}

/// How many decimals the text has if it is plain digits with at most one point between them.
fn decimals_of_plain_number(text: &str) -> Option<usize> {
    let all_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    match text.split_once('.') {
        None => all_digits(text).then_some(0),
        Some((whole, fraction)) => (all_digits(whole) && all_digits(fraction)).then_some(fraction.len()),
    }
}

/// Writes minor units as text with exactly the currency's decimals. By hand, because an answer has several of them and the formatter
/// takes longer for each than for all else of it.
fn format_minor(negative: bool, minor: u64, currency: Currency) -> String {
    let decimals = currency.decimals();
    let (mut text, mut begins) = ([0; FORMATTED_BYTES_MAX], FORMATTED_BYTES_MAX);
    let mut put = |byte| {
        begins -= 1;
        text[begins] = byte;
    };
    let (mut left, mut digits) = (minor, 0);
    while left > 0 || digits <= decimals {
        if digits == decimals && decimals > 0 {
            put(b'.');
        }
        put(b'0' + u8::try_from(left % 10).unwrap_or_default());
        (left, digits) = (left / 10, digits + 1);
    }
    if negative {
        put(b'-');
    }
    std::str::from_utf8(&text[begins..]).unwrap_or_default().to_owned()
}

/// Every `u64` has at most 20 digits; beside them stand a sign and a point.
const FORMATTED_BYTES_MAX: usize = 22;

/// The refusal of an amount that was given in whole units of a currency.
fn too_large(text: &str, currency: Currency) -> MoneyError {
    MoneyError::AmountTooLarge {
        value: format!("{} {currency}", shortened(text)),
        limit: format!("{} {currency}", format_minor(false, MONEY_MINOR_MAX, currency)),
    }
}

/// The text, cut to what an error line can carry: input of any length may arrive here.
fn shortened(text: &str) -> String {
    const CHARACTERS_SHOWN_MAX: usize = 40;
    match text.char_indices().nth(CHARACTERS_SHOWN_MAX) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}
