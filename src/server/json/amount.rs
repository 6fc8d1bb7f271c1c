//! Amounts as text.

use crate::domain::{Balance, BasisPoints, Code, Currency, Money, MoneyError, Refusal};

/// Reads an amount of a field.
///
/// # Errors
/// The money's own refusal, with the field.
pub(super) fn money(field: &'static str, text: &str, currency: Currency) -> Result<Money, Refusal> {
    Money::parse(text, currency).map_err(|error| refused(field, &error))
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
    pub(super) fn money(self, amount: Money) -> String {
        amount.format(self.0)
    }

    pub(super) fn balance(self, balance: Balance) -> String {
        balance.format(self.0)
    }
}
