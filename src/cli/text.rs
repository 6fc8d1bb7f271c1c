//! Numbers and money as text for people.

use crate::domain::Currency;

/// Minor units as decimal text, such as `-0.05`.
#[must_use]
pub(super) fn money(minor: i128, currency: Currency) -> String {
    let decimals = currency.decimals() as usize;
    let digits = format!("{:0width$}", minor.unsigned_abs(), width = decimals + 1);
    let (whole, part) = digits.split_at(digits.len() - decimals);
    let sign = if minor < 0 { "-" } else { "" };
    if part.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{part}") }
}

/// A whole number or decimal text with its thousands apart, such as `24,418.07`.
#[must_use]
pub(super) fn grouped(text: &str) -> String {
    let (sign, digits) = text.strip_prefix('-').map_or(("", text), |digits| ("-", digits));
    let (whole, part) = digits.split_once('.').map_or((digits, None), |(whole, part)| (whole, Some(part)));
    let mut result = String::from(sign);
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index) % 3 == 0 {
            result.push(',');
        }
        result.push(digit);
    }
    if let Some(part) = part {
        result.push('.');
        result.push_str(part);
    }
    result
}

/// A count with its thousands apart.
#[must_use]
pub(super) fn count(number: u64) -> String {
    grouped(&number.to_string())
}

/// Bytes in the largest fitting unit.
#[must_use]
pub(super) fn bytes(number: u64) -> String {
    match number {
        0..10_240 => format!("{} B", count(number)),
        10_240..10_485_760 => format!("{} KiB", count(number / 1_024)),
        _ => format!("{} MiB", count(number / 1_048_576)),
    }
}

/// The text with its control characters spelled out: a path may hold a line feed, and an error is one line.
#[must_use]
pub(super) fn one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for letter in text.chars() {
        if letter.is_control() {
            line.extend(letter.escape_default());
        } else {
            line.push(letter);
        }
    }
    line
}

/// The text with whatever could pass for other lines, or turn the order of letters around, spelled out: a receipt may be anybody's.
#[must_use]
pub(super) fn plain(text: &str) -> String {
    let hidden = |letter: char| {
        letter.is_control()
            || matches!(letter, '\u{2028}' | '\u{2029}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
    };
    let spelled =
        |letter: char| if hidden(letter) { letter.escape_unicode().to_string() } else { letter.to_string() };
    text.chars().map(spelled).collect()
}

/// A bar of `width` cells, `part` of `whole` filled.
#[must_use]
pub(super) fn bar(part: u128, whole: u128, width: usize) -> String {
    let cells = width as u128;
    let filled = (part * cells + whole / 2).checked_div(whole).unwrap_or(0).min(cells);
    let filled = usize::try_from(filled).unwrap_or(width);
    "█".repeat(filled) + &"░".repeat(width - filled)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_and_counts_read_as_people_write_them() {
        let yen = Currency::parse("JPY").unwrap();
        assert_eq!(money(5, Currency::USD), "0.05");
        assert_eq!(money(-123_456, Currency::USD), "-1234.56");
        assert_eq!(money(7, yen), "7");
        assert_eq!(grouped("24418.07"), "24,418.07");
        assert_eq!(grouped("-1234567"), "-1,234,567");
        assert_eq!(count(999), "999");
        assert_eq!(bar(1, 2, 4), "██░░");
        assert_eq!(bar(0, 0, 2), "░░");
    }

    #[test]
    fn an_error_is_one_line_whatever_a_path_holds() {
        assert_eq!(one_line("no\nsuch\u{1b}[31m 红包"), "no\\nsuch\\u{1b}[31m 红包");
    }
}
