//! Amounts as text.

use serde::{Deserialize, Deserializer, Serialize};

use super::text::Text;
use crate::domain::{Balance, BasisPoints, Code, Currency, Money, MoneyError, Refusal};

/// An amount: decimal text, with at most as many decimals as its currency has.
#[derive(Clone, Debug, Serialize)]
#[serde(transparent)]
pub(in crate::server) struct Amount(String);

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Amount, D::Error> {
        let expected = "an amount as decimal text, in quotation marks, such as \"29.33\"";
        deserializer.deserialize_str(Text(expected)).map(Amount)
    }
}

/// An account's balance: an amount that may be below 0.
#[derive(Clone, Debug, Serialize)]
#[serde(transparent)]
pub(in crate::server) struct SignedAmount(String);

impl Amount {
    /// Nothing.
    pub(super) fn nothing() -> Amount {
        Amount("0".to_owned())
    }

    /// True where it is no money: in any form in which it is read.
    pub(in crate::server) fn is_nothing(&self) -> bool {
        self.0.bytes().all(|byte| matches!(byte, b'0' | b'.'))
    }

    /// Its text.
    pub(super) fn text(&self) -> &str {
        &self.0
    }

    /// As `text`, where nothing else is needed of it.
    pub(in crate::server) fn into_text(self) -> String {
        self.0
    }
}

/// Reads an amount of a field.
///
/// # Errors
/// The money's own refusal, with the field.
pub(super) fn money(field: &'static str, text: &Amount, currency: Currency) -> Result<Money, Refusal> {
    Money::parse(&text.0, currency).map_err(|error| refused(field, &error))
}

/// Reads hundredths of a per cent.
///
/// # Errors
/// `bad_value` above the whole.
pub(super) fn share(field: &'static str, basis_points: u32) -> Result<BasisPoints, Refusal> {
    let limit = BasisPoints::MAX;
    let refused = |_| {
        let detail = format!("is {basis_points} basis points: give at most {limit}, which is the whole");
        Refusal::new(Code::BadValue, field, detail)
    };
    BasisPoints::new(basis_points).map_err(refused)
}

fn refused(field: &'static str, error: &MoneyError) -> Refusal {
    let code = match error {
        MoneyError::NotANumber { .. } => Code::NotANumber,
        MoneyError::NegativeAmount { .. } => Code::NegativeAmount,
        MoneyError::TooManyDecimals { .. } => Code::TooManyDecimals,
        MoneyError::AmountTooLarge { .. } => Code::AmountTooLarge,
        MoneyError::UnknownCurrency { .. } => Code::UnknownCurrency,
    };
    Refusal::new(code, field, format!("is no amount: {error}"))
}

/// Amounts of one currency as text.
#[derive(Clone, Copy)]
pub(super) struct Written(pub(super) Currency);

impl Written {
    pub(super) fn money(self, amount: Money) -> Amount {
        Amount(amount.format(self.0))
    }

    pub(super) fn balance(self, balance: Balance) -> SignedAmount {
        SignedAmount(balance.format(self.0))
    }
}
