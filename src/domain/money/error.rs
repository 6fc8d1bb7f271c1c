//! Why something is not money, in codes for machines and in lines for people.

use std::error::Error;
use std::fmt;

use super::Currency;

/// Why something is not money. Each displays as one line that names the value, the rule, and what
/// to do; values are cut to a readable length.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MoneyError {
    /// The text is not plain decimal digits.
    NotANumber {
        /// What was given.
        text: String,
    },
    /// The amount is below zero.
    NegativeAmount {
        /// What was given.
        value: String,
    },
    /// The amount is finer than the currency's minor unit.
    TooManyDecimals {
        /// What was given.
        value: String,
        /// How many decimals it has.
        decimals: usize,
        /// The currency, which has fewer.
        currency: Currency,
    },
    /// The amount, or the share, is above its limit.
    AmountTooLarge {
        /// What was given, with its unit.
        value: String,
        /// The largest that is taken, with its unit.
        limit: String,
    },
    /// The text is not a well-formed currency code.
    UnknownCurrency {
        /// What was given.
        text: String,
    },
}

impl MoneyError {
    /// The stable name of the refusal, for machines to read.
    pub const fn code(&self) -> &'static str {
        match self {
            MoneyError::NotANumber { .. } => "not_a_number",
            MoneyError::NegativeAmount { .. } => "negative_amount",
            MoneyError::TooManyDecimals { .. } => "too_many_decimals",
            MoneyError::AmountTooLarge { .. } => "amount_too_large",
            MoneyError::UnknownCurrency { .. } => "unknown_currency",
        }
    }
}

impl fmt::Display for MoneyError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            MoneyError::NotANumber { text } => write!(
                formatter,
                "{text:?} is not an amount; write digits with at most one point, such as 29.33"
            ),
            MoneyError::NegativeAmount { value } => {
                write!(formatter, "{value} has a minus sign; write an amount of zero or more, without a sign")
            }
            MoneyError::TooManyDecimals { value, decimals, currency } => write!(
                formatter,
                "{value} has {decimals} decimals and {currency} has {allowed}; write at most \
                 {allowed}, since nothing is rounded",
                allowed = currency.decimals()
            ),
            MoneyError::AmountTooLarge { value, limit } => {
                write!(formatter, "{value} is above the limit of {limit}; write no more than the limit")
            }
            MoneyError::UnknownCurrency { text } => write!(
                formatter,
                "{text:?} is not a currency code; write three upper-case letters, such as USD"
            ),
        }
    }
}

impl Error for MoneyError {}
