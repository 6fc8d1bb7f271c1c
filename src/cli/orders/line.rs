//! One line of a file of orders: from bytes to columns, and from each column to its value.
//!
//! Absent on purpose: anything that spans lines, and the file itself.

use std::borrow::Cow;
use std::ops::RangeBounds;
use std::path::Path;

use csv::{ReaderBuilder, StringRecord, Terminator, Trim};
use jiff::civil::Date;

use super::{ORDERS_CURRENCY, OrdersError, OrdersFormat};
use crate::domain::Money;
use crate::limits::{CUSTOMER_BYTES_MAX, ORDER_UNITS_MAX, ORDERS_LINE_BYTES_MAX};

/// The columns a CSV header must name.
const CSV_COLUMNS: [&str; 4] = ["customer", "date", "units", "amount"];

/// How many columns a line of CDNOW text has.
const CDNOW_COLUMNS_COUNT: usize = 5;

/// What other programs put between columns, and what it is called.
const OTHER_DELIMITERS: [(char, &str); 3] = [(';', "semicolons"), ('\t', "tabs"), ('|', "vertical bars")];

/// Why a line cannot become a certificate; see [`super::RefusedLine`].
#[derive(Debug)]
pub(super) struct Refusal {
    /// The stable name of the refusal.
    pub(super) code: &'static str,
    /// One line for people.
    pub(super) reason: String,
}

/// The four columns of one line, still as text, without the blanks around them.
#[derive(Debug)]
pub(super) struct Columns<'line> {
    pub(super) customer: Cow<'line, str>,
    pub(super) date: Cow<'line, str>,
    pub(super) units: Cow<'line, str>,
    pub(super) amount: Cow<'line, str>,
}

/// Where in a line the columns stand.
#[derive(Debug)]
pub(super) enum Layout {
    /// Always at the same places.
    Cdnow,
    /// Where the header put them.
    Csv {
        /// The places of [`CSV_COLUMNS`], in that order.
        places: [usize; 4],
        /// How many columns the header has, ignored ones included.
        columns_count: usize,
    },
}

impl Layout {
    /// Tells the format from the first line that is not blank. A line with commas and the name of
    /// at least one column is meant as a header, so that one with a misspelt name gets an error of
    /// its own instead of being taken for CDNOW text; so does one with something else than commas.
    pub(super) fn of_first_line(first: &[u8], path: &Path) -> Result<Layout, OrdersError> {
        let Ok(line) = str::from_utf8(first) else { return Ok(Layout::Cdnow) };
        let names = split_csv(line).unwrap_or_default();
        let places_of = |column: &str| {
            let is_column = |place: &usize| names[*place].eq_ignore_ascii_case(column);
            (0..names.len()).filter(is_column).collect::<Vec<_>>()
        };
        let found = CSV_COLUMNS.map(places_of);
        if names.len() < 2 || found.iter().all(Vec::is_empty) {
            return match other_delimiter_of_header(line) {
                Some(seen) => Err(OrdersError::OtherDelimiter { path: path.to_owned(), seen }),
                None => Ok(Layout::Cdnow),
            };
        }
        let missing: Vec<_> = CSV_COLUMNS
            .into_iter()
            .zip(&found)
            .filter_map(|(column, places)| places.is_empty().then_some(column))
            .collect();
        if !missing.is_empty() {
            return Err(OrdersError::HeaderIncomplete { path: path.to_owned(), missing });
        }
        for (column, places) in CSV_COLUMNS.into_iter().zip(&found) {
            if places.len() > 1 {
                return Err(OrdersError::HeaderRepeats { path: path.to_owned(), column });
            }
        }
        Ok(Layout::Csv { places: found.map(|places| places[0]), columns_count: names.len() })
    }

    /// The format this is the layout of.
    pub(super) const fn format(&self) -> OrdersFormat {
        match self {
            Layout::Cdnow => OrdersFormat::Cdnow,
            Layout::Csv { .. } => OrdersFormat::Csv,
        }
    }

    /// Cuts a line into its columns. A line with one column too few or too many is torn, or has a
    /// comma inside an amount: which value is which is then a guess, and nothing here guesses.
    pub(super) fn columns<'line>(&self, line: &'line [u8]) -> Result<Columns<'line>, Refusal> {
        let Ok(line) = str::from_utf8(line) else {
            return Err(Refusal { code: "not_utf8", reason: "the line is not UTF-8 text".to_owned() });
        };
        if line.len() > ORDERS_LINE_BYTES_MAX {
            return Err(wrong_columns(format!(
                "the line has {} bytes and at most {ORDERS_LINE_BYTES_MAX} are read",
                line.len()
            )));
        }
        match self {
            Layout::Cdnow => cdnow_columns(line),
            Layout::Csv { places, columns_count } => csv_columns(line, places, *columns_count),
        }
    }
}

fn cdnow_columns(line: &str) -> Result<Columns<'_>, Refusal> {
    let fields: Vec<&str> = line.split_ascii_whitespace().collect();
    let &[customer, _second_id, date, units, amount] = fields.as_slice() else {
        // Without the header it may be CSV as it should be, too.
        let commas = || (line.split(',').count() >= CSV_COLUMNS.len()).then_some("commas");
        let seen = delimiter_of(line, CSV_COLUMNS.len()..).or_else(commas).filter(|_| fields.len() == 1);
        let seen = seen.map_or_else(String::new, |seen| format!(", with spaces between them and not {seen}"));
        return Err(wrong_columns(format!(
            "the line has {} columns and CDNOW text has {CDNOW_COLUMNS_COUNT}: \
             customer, second id, date, units, dollars{seen}",
            fields.len()
        )));
    };
    Ok(Columns {
        customer: Cow::Borrowed(customer),
        date: Cow::Borrowed(date),
        units: Cow::Borrowed(units),
        amount: Cow::Borrowed(amount),
    })
}

fn csv_columns<'line>(
    line: &'line str,
    places: &[usize; 4],
    columns_count: usize,
) -> Result<Columns<'line>, Refusal> {
    let fields = split_csv(line)?;
    if fields.len() != columns_count {
        let seen = delimiter_of(line, columns_count..=columns_count).filter(|_| columns_count > 1);
        let seen = seen.map_or_else(String::new, |seen| format!(", with commas between them and not {seen}"));
        return Err(wrong_columns(format!(
            "the line has {} columns and the header has {columns_count}{seen}",
            fields.len()
        )));
    }
    let [customer, date, units, amount] = places.map(|place| fields[place].clone());
    Ok(Columns { customer, date, units, amount })
}

/// What stands between the columns of a header that has no commas there: it names one of [`CSV_COLUMNS`] so.
fn other_delimiter_of_header(line: &str) -> Option<&'static str> {
    let is_name = |name: &str| {
        let name = name.trim().trim_matches('"').trim();
        CSV_COLUMNS.iter().any(|column| name.eq_ignore_ascii_case(column))
    };
    let is_header = |delimiter: char| line.contains(delimiter) && line.split(delimiter).any(is_name);
    OTHER_DELIMITERS.into_iter().find(|(delimiter, _)| is_header(*delimiter)).map(|(_, name)| name)
}

/// Which of [`OTHER_DELIMITERS`] stands between so many columns of a line.
fn delimiter_of(line: &str, columns: impl RangeBounds<usize>) -> Option<&'static str> {
    let fits = |delimiter: char| columns.contains(&line.split(delimiter).count());
    OTHER_DELIMITERS.into_iter().find(|(delimiter, _)| fits(*delimiter)).map(|(_, name)| name)
}

/// Cuts one line at its commas, takes the quotes off quoted fields and the blanks off all.
fn split_csv(line: &str) -> Result<Vec<Cow<'_, str>>, Refusal> {
    let quotes_count = line.bytes().filter(|&byte| byte == b'"').count();
    // To build a reader takes 16 microseconds and all the rest of a line less than one, so a line
    // without quotes, where the reader would have nothing to do, is cut here.
    if quotes_count == 0 {
        let fields = line.split(',');
        return Ok(fields.map(|field| Cow::Borrowed(field.trim())).collect());
    }
    // Inside a quoted field a quote is written twice, so a sound line has an even number of them.
    if quotes_count % 2 == 1 {
        return Err(wrong_columns(
            "a quote is opened and not closed on this line, and a field never spans lines".to_owned(),
        ));
    }
    let mut record = StringRecord::new();
    ReaderBuilder::new()
        .has_headers(false)
        .trim(Trim::All)
        // A carriage return inside a line would otherwise end the record and hide the rest.
        .terminator(Terminator::Any(b'\n'))
        .buffer_capacity(line.len())
        .from_reader(line.as_bytes())
        .read_record(&mut record)
        .map_err(|error| wrong_columns(format!("the line is not CSV: {error}")))?;
    let fields = record.iter();
    Ok(fields.map(|field| Cow::Owned(field.to_owned())).collect())
}

fn wrong_columns(reason: String) -> Refusal {
    Refusal { code: "wrong_columns", reason }
}

/// The customer id: 1 ..= [`CUSTOMER_BYTES_MAX`] bytes without control characters.
pub(super) fn customer(text: &str) -> Result<&str, Refusal> {
    let reason = if text.is_empty() {
        "the customer id is empty".to_owned()
    } else if text.len() > CUSTOMER_BYTES_MAX {
        format!("the customer id {} has {} bytes and may have {CUSTOMER_BYTES_MAX}", quoted(text), text.len())
    } else if text.chars().any(char::is_control) {
        format!("the customer id {} contains a control character", quoted(text))
    } else {
        return Ok(text);
    };
    Err(Refusal { code: "bad_customer", reason })
}

/// A day of the calendar, written `19970131` or `1997-01-31`.
pub(super) fn date(text: &str) -> Result<Date, Refusal> {
    day_of(text).ok_or_else(|| Refusal {
        code: "bad_date",
        reason: format!("{} is not a day of the calendar, such as 19970131 or 1997-01-31", quoted(text)),
    })
}

fn day_of(text: &str) -> Option<Date> {
    let digits: Vec<u8> = match *text.as_bytes() {
        [ref year @ .., b'-', month_1, month_2, b'-', day_1, day_2] => {
            [year, &[month_1, month_2, day_1, day_2]].concat()
        }
        ref all => all.to_vec(),
    };
    if digits.len() != 8 || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    // Four digits at most reach each number, so no sum overflows.
    let number = |part: &[u8]| part.iter().fold(0_i16, |sum, digit| sum * 10 + i16::from(digit - b'0'));
    let month = i8::try_from(number(&digits[4..6])).ok()?;
    let day = i8::try_from(number(&digits[6..8])).ok()?;
    Date::new(number(&digits[..4]), month, day).ok()
}

/// How many pieces: a whole number, 1 ..= [`ORDER_UNITS_MAX`].
pub(super) fn units(text: &str) -> Result<u32, Refusal> {
    let only_digits = text.bytes().all(|byte| byte.is_ascii_digit());
    match text.parse() {
        Ok(units @ 1..=ORDER_UNITS_MAX) if only_digits => Ok(units),
        _ => Err(Refusal {
            code: "bad_units",
            reason: format!("{} is not a whole number of units from 1 to {ORDER_UNITS_MAX}", quoted(text)),
        }),
    }
}

/// What the order cost: an amount above zero, in [`ORDERS_CURRENCY`].
pub(super) fn price(text: &str) -> Result<Money, Refusal> {
    let price = Money::parse(text, ORDERS_CURRENCY)
        .map_err(|error| Refusal { code: error.code(), reason: error.to_string() })?;
    if price.is_zero() {
        return Err(Refusal {
            code: "amount_not_positive",
            reason: format!(
                "the amount {} is not above zero, as the price of a certificate must be",
                quoted(text)
            ),
        });
    }
    Ok(price)
}

/// The text between quotes, cut to what a reason can carry, with control characters spelled out.
fn quoted(text: &str) -> String {
    const CHARACTERS_SHOWN_MAX: usize = 40;
    let shown: String = text.chars().take(CHARACTERS_SHOWN_MAX).collect();
    let mark = if shown.len() < text.len() { "…" } else { "" };
    format!("{shown:?}{mark}")
}
