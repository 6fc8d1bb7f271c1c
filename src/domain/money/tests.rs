//! Tables of what is money and what is not, and two properties against an oracle of plain `i128`.

use proptest::prelude::*;

use super::*;

fn currency(code: &str) -> Currency {
    Currency::parse(code).unwrap()
}

fn money(minor: u64) -> Money {
    Money::from_minor(minor).unwrap()
}

#[test]
fn plain_decimal_text_is_read_exactly() {
    let cases = [
        ("29.33", "USD", 2933),
        ("0.5", "USD", 50),
        ("0.05", "USD", 5),
        ("10", "USD", 1000),
        ("0", "USD", 0),
        ("0.00", "USD", 0),
        ("007.10", "USD", 710),
        ("5", "JPY", 5),
        ("1.234", "KWD", 1234),
        ("1.2", "KWD", 1200),
        ("10000000000000000.00", "USD", MONEY_MINOR_MAX),
        ("1000000000000000000", "JPY", MONEY_MINOR_MAX),
        ("0000000000000000000000000000000000000001.50", "USD", 150),
    ];
    for (text, code, minor) in cases {
        let read = Money::parse(text, currency(code));
        assert_eq!(read, Ok(money(minor)), "{text} {code}");
    }
}

#[test]
fn what_is_not_an_amount_is_refused_with_its_own_code() {
    let long_number = "9".repeat(100_000);
    let long_fraction = format!("0.{}", "0".repeat(100_000));
    let ten_to_the_30 = format!("1{}", "0".repeat(30));
    let cases = [
        ("", "USD", "not_a_number"),
        ("-", "USD", "not_a_number"),
        (".", "USD", "not_a_number"),
        (".5", "USD", "not_a_number"),
        ("5.", "USD", "not_a_number"),
        ("1.2.3", "USD", "not_a_number"),
        ("1e5", "USD", "not_a_number"),
        ("NaN", "USD", "not_a_number"),
        ("inf", "USD", "not_a_number"),
        ("0x10", "USD", "not_a_number"),
        ("1_000", "USD", "not_a_number"),
        (" 1", "USD", "not_a_number"),
        ("1 ", "USD", "not_a_number"),
        ("1\n", "USD", "not_a_number"),
        ("1,5", "USD", "not_a_number"),
        ("+1", "USD", "not_a_number"),
        ("--1", "USD", "not_a_number"),
        ("1-", "USD", "not_a_number"),
        ("$5", "USD", "not_a_number"),
        ("١٢", "USD", "not_a_number"),
        ("-1", "USD", "negative_amount"),
        ("-0.00", "USD", "negative_amount"),
        ("-1.555", "USD", "negative_amount"),
        ("1.500", "USD", "too_many_decimals"),
        ("1.555", "USD", "too_many_decimals"),
        ("1.0", "JPY", "too_many_decimals"),
        ("1.2345", "KWD", "too_many_decimals"),
        (&long_fraction, "USD", "too_many_decimals"),
        ("10000000000000000.01", "USD", "amount_too_large"),
        ("1000000000000000001", "JPY", "amount_too_large"),
        ("18446744073709551616", "JPY", "amount_too_large"),
        ("79228162514264337593543950335", "USD", "amount_too_large"),
        (&ten_to_the_30, "USD", "amount_too_large"),
        (&long_number, "USD", "amount_too_large"),
    ];
    for (text, code, refusal) in cases {
        let error = Money::parse(text, currency(code)).unwrap_err();
        let shown: String = text.chars().take(50).collect();
        assert_eq!(error.code(), refusal, "{shown:?} {code}: {error}");
        let line = error.to_string();
        assert!(!line.contains('\n'), "one line: {line:?}");
        assert!(line.len() < 250, "readable: {line:?}");
    }
}

#[test]
fn a_refusal_names_the_value_the_rule_and_what_to_do() {
    let cases = [
        (
            Money::parse("1e5", Currency::USD).unwrap_err(),
            "\"1e5\" is not an amount; write digits with at most one point, such as 29.33",
        ),
        (
            Money::parse("-5", Currency::USD).unwrap_err(),
            "-5 has a minus sign; write an amount of zero or more, without a sign",
        ),
        (
            Money::parse("1.500", Currency::USD).unwrap_err(),
            "1.500 has 3 decimals and USD has 2; write at most 2, since nothing is rounded",
        ),
        (
            Money::parse("99999999999999999", Currency::USD).unwrap_err(),
            "99999999999999999 USD is above the limit of 10000000000000000.00 USD; \
             write no more than the limit",
        ),
        (
            Currency::parse("usd").unwrap_err(),
            "\"usd\" is not a currency code; write three upper-case letters, such as USD",
        ),
        (
            BasisPoints::new(10_001).unwrap_err(),
            "10001 basis points is above the limit of 10000 basis points; \
             write no more than the limit",
        ),
    ];
    for (error, line) in cases {
        assert_eq!(error.to_string(), line);
    }
}

#[test]
fn amounts_are_written_with_exactly_the_decimals_of_their_currency() {
    let cases = [
        (0, "USD", "0.00"),
        (5, "USD", "0.05"),
        (2933, "USD", "29.33"),
        (5, "JPY", "5"),
        (5, "KWD", "0.005"),
        (MONEY_MINOR_MAX, "USD", "10000000000000000.00"),
    ];
    for (minor, code, text) in cases {
        assert_eq!(money(minor).format(currency(code)), text);
    }
    let balances = [(0, "0.00"), (-5, "-0.05"), (-2933, "-29.33"), (i64::MIN, "-92233720368547758.08")];
    for (minor, text) in balances {
        assert_eq!(Balance::from_minor(minor).format(Currency::USD), text);
    }
}

#[test]
fn decimals_pass_the_same_gate_as_text() {
    let cases = [
        (Decimal::new(2933, 2), Ok(2933)),
        (Decimal::new(5, 1), Ok(50)),
        (-Decimal::ZERO, Ok(0)),
        (Decimal::new(-1, 2), Err("negative_amount")),
        (Decimal::new(1500, 3), Err("too_many_decimals")),
        (Decimal::new(1500, 3).normalize(), Ok(150)),
        (Decimal::MAX, Err("amount_too_large")),
        (Decimal::MIN, Err("negative_amount")),
        (Decimal::new(i64::MAX, 28), Err("too_many_decimals")),
    ];
    for (value, expected) in cases {
        let taken = Money::from_decimal(value, Currency::USD);
        let taken = taken.as_ref().map(|money| money.minor()).map_err(MoneyError::code);
        assert_eq!(taken, expected, "{value}");
    }
    assert_eq!(Money::from_decimal(Decimal::MAX, currency("KWD")).unwrap_err().code(), "amount_too_large");
}

#[test]
fn sums_stop_at_the_limits_instead_of_wrapping() {
    let limit = money(MONEY_MINOR_MAX);
    assert_eq!(limit.checked_add(money(1)), None);
    assert_eq!(limit.checked_add(Money::ZERO), Some(limit));
    assert_eq!(Money::ZERO.checked_sub(money(1)), None);
    assert_eq!(limit.checked_sub(limit), Some(Money::ZERO));
    assert_eq!(limit.checked_times(2), None);
    assert_eq!(limit.checked_times(u64::MAX), None);
    assert_eq!(limit.checked_times(0), Some(Money::ZERO));
    assert_eq!(money(7).checked_times(6), Some(money(42)));
    assert_eq!(money(7).min(money(6)), money(6));

    let floor = Balance::from_minor(i64::MIN);
    assert_eq!(floor.checked_debit(money(1)), None);
    assert_eq!(Balance::from_minor(i64::MAX).checked_credit(money(1)), None);
    assert_eq!(floor.plus(Money::ZERO), i128::from(i64::MIN));
    assert_eq!(Balance::ZERO.checked_debit(money(5)).map(Balance::minor), Some(-5));
    assert_eq!(Balance::ZERO.checked_credit(money(5)).map(Balance::minor), Some(5));
}

#[test]
fn shares_round_half_up() {
    let cases = [
        (1, 5_000, 1),
        (1, 4_999, 0),
        (3, 5_000, 2),
        (199, 50, 1),
        (99, 50, 0),
        (2933, 10_000, 2933),
        (2933, 0, 0),
        (0, 10_000, 0),
        (MONEY_MINOR_MAX, 10_000, MONEY_MINOR_MAX),
    ];
    for (minor, basis_points, share) in cases {
        let part = BasisPoints::new(basis_points).unwrap();
        assert_eq!(money(minor).share(part), money(share), "{minor} × {basis_points}");
    }
}

#[test]
fn currencies_are_three_upper_case_letters_and_know_their_decimals() {
    let cases = [("USD", 2), ("EUR", 2), ("JPY", 0), ("XPF", 0), ("KWD", 3), ("TND", 3)];
    for (code, decimals) in cases {
        assert_eq!(currency(code).code(), code);
        assert_eq!(currency(code).to_string(), code);
        assert_eq!(currency(code).decimals(), decimals, "{code}");
    }
    for code in ["", "US", "USDD", "usd", "U5D", "US ", "é$", "日"] {
        let error = Currency::parse(code).unwrap_err();
        assert_eq!(error.code(), "unknown_currency", "{code:?}");
    }
}

#[test]
fn an_illegal_value_cannot_be_decoded() {
    let limit = MONEY_MINOR_MAX.to_string();
    assert_eq!(serde_json::from_str::<Money>(&limit).unwrap(), money(MONEY_MINOR_MAX));
    for encoded in ["-1", "1000000000000000001", "1.5", "\"1\""] {
        assert!(serde_json::from_str::<Money>(encoded).is_err(), "{encoded}");
    }
    assert_eq!(serde_json::to_string(&Currency::USD).unwrap(), "\"USD\"");
    assert_eq!(serde_json::from_str::<Currency>("\"USD\"").unwrap(), Currency::USD);
    assert!(serde_json::from_str::<Currency>("\"usd\"").is_err());
    assert!(serde_json::from_str::<BasisPoints>("10000").is_ok());
    assert!(serde_json::from_str::<BasisPoints>("10001").is_err());
    assert_eq!(serde_json::to_string(&Balance::from_minor(-7)).unwrap(), "-7");
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(
        minor in 0..=MONEY_MINOR_MAX,
        code in prop::sample::select(vec!["USD", "JPY", "KWD"]),
    ) {
        let currency = currency(code);
        let amount = money(minor);
        prop_assert_eq!(Money::parse(&amount.format(currency), currency), Ok(amount));
        prop_assert_eq!(Money::from_decimal(amount.to_decimal(currency), currency), Ok(amount));
        prop_assert_eq!(amount.to_decimal(currency).to_string(), amount.format(currency));
    }

    #[test]
    fn any_text_is_read_or_refused_without_a_panic(text in "\\PC{0,40}|-?[0-9]{0,40}\\.?[0-9]{0,5}") {
        if let Ok(amount) = Money::parse(&text, Currency::USD) {
            prop_assert!(amount.minor() <= MONEY_MINOR_MAX);
        }
    }

    #[test]
    fn a_share_is_the_nearest_minor_unit_and_ties_go_up(
        minor in 0..=MONEY_MINOR_MAX,
        basis_points in 0..=BasisPoints::MAX,
    ) {
        let part = BasisPoints::new(basis_points).unwrap();
        let share = i128::from(money(minor).share(part).minor());
        let exact_times_10_000 = i128::from(minor) * i128::from(basis_points);
        let distance = share * 10_000 - exact_times_10_000;
        prop_assert!(-5_000 < distance && distance <= 5_000, "off by {distance}/10000");
    }
}
