//! Reads a file of real orders, from which certificates are made.
//!
//! Two formats, told apart by the first line that is not blank: a CSV header naming `customer`,
//! `date`, `units` and `amount` in any order and case, or else CDNOW text, whose columns stand
//! between spaces: two customer ids (the first one counts), date, units, dollars.
//!
//! A line that cannot become a certificate is refused with its number, a code and a reason, and the
//! reading goes on. One line is one record, always: a CSV field that spans lines is not supported,
//! so an unclosed quote spoils its own line and can never swallow the good ones after it.
//!
//! Absent on purpose: repair and guessing (no amount is rounded and no torn line completed);
//! currencies other than the dollar; streaming, because the digest and the order by date need the
//! whole file anyway. One thing cannot be seen: a last line cut inside its amount, where what is
//! left is a shorter amount and the line still has all its columns.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{ErrorKind, Read};
use std::path::Path;

use jiff::civil::Date;
use sha2::{Digest, Sha256};

use crate::domain::{Currency, Money};
use crate::limits::{ORDERS_FILE_BYTES_MAX, ORDERS_LINES_MAX};

mod error;
#[cfg(test)]
mod fuzz;
mod line;
#[cfg(test)]
mod tests;

pub use error::OrdersError;

use line::{Layout, Refusal};

/// The currency of every amount in a file of orders.
pub const ORDERS_CURRENCY: Currency = Currency::USD;

/// What a file of orders holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Orders {
    /// How many data lines there are; a header and blank lines are not counted. It equals the
    /// number of `orders` and of `refused` together.
    pub lines: u64,
    /// How many distinct customers there are in `customer_ids`.
    pub customers: usize,
    /// The distinct customer ids, sorted as bytes. A customer counts even if every order of theirs
    /// was refused, as long as the line had all its columns and the id itself was sound.
    pub customer_ids: Vec<String>,
    /// The orders, by date and within a day by line.
    pub orders: Vec<Order>,
    /// The lines that were refused, as they stand in the file.
    pub refused: Vec<RefusedLine>,
    /// SHA-256 of the file's bytes as they are, in lower-case hexadecimal.
    pub digest: String,
    /// Which of the two formats the file has.
    pub format: OrdersFormat,
}

/// The two formats of a file of orders.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OrdersFormat {
    /// Columns between spaces: customer id, second id, `YYYYMMDD`, units, dollars.
    Cdnow,
    /// A header that names `customer`, `date`, `units` and `amount`, then fields between commas.
    Csv,
}

/// One order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// Where it stands: the number of its line in the file, from 1, blank lines counted.
    pub line: u64,
    /// Who ordered: 1 ..= [`CUSTOMER_BYTES_MAX`](crate::limits::CUSTOMER_BYTES_MAX) bytes.
    pub customer: String,
    /// The day of the order.
    pub date: Date,
    /// How many pieces: 1 ..= [`ORDER_UNITS_MAX`](crate::limits::ORDER_UNITS_MAX).
    pub units: u32,
    /// What all the pieces cost together, in [`ORDERS_CURRENCY`]; never zero.
    pub price: Money,
}

/// A line that cannot become a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedLine {
    /// The number of the line in the file, from 1, blank lines counted.
    pub line: u64,
    /// The stable name of the refusal: `amount_not_positive`, `bad_customer`, `bad_date`,
    /// `bad_units`, `not_utf8`, `wrong_columns`, or a code of
    /// [`MoneyError`](crate::domain::MoneyError).
    pub code: &'static str,
    /// One line for people, naming the value and the rule.
    pub reason: String,
}

/// Reads the file of orders at `path`.
///
/// # Errors
/// [`OrdersError`] where the file as a whole is of no use: absent, unreadable, not text, without a
/// single good order, incomplete in its header, or above a limit. A bad line is no error; it stands
/// in [`Orders::refused`].
pub fn read_orders(path: &Path) -> Result<Orders, OrdersError> {
    let bytes = read_bytes(path)?;
    orders_of_bytes(path, &bytes, ORDERS_LINES_MAX)
}

/// Reads the whole file, as long as it is one and is not above the limit.
fn read_bytes(path: &Path) -> Result<Vec<u8>, OrdersError> {
    let path_owned = || path.to_owned();
    let unreadable = |source: std::io::Error| match source.kind() {
        ErrorKind::NotFound => OrdersError::Missing { path: path_owned() },
        _ => OrdersError::Unreadable { path: path_owned(), source },
    };
    let metadata = fs::metadata(path).map_err(unreadable)?;
    if metadata.is_dir() {
        return Err(OrdersError::Folder { path: path_owned() });
    }
    // Opening a pipe may wait for ever, and a device may never end.
    if !metadata.is_file() {
        return Err(OrdersError::NotAFile { path: path_owned() });
    }
    if metadata.len() > ORDERS_FILE_BYTES_MAX {
        return Err(OrdersError::TooLarge { path: path_owned() });
    }
    let mut bytes = Vec::new();
    // The file may grow between the question and the reading, so the reading has its own bound.
    File::open(path)
        .map_err(unreadable)?
        .take(ORDERS_FILE_BYTES_MAX + 1)
        .read_to_end(&mut bytes)
        .map_err(unreadable)?;
    if bytes.len() as u64 > ORDERS_FILE_BYTES_MAX {
        return Err(OrdersError::TooLarge { path: path_owned() });
    }
    Ok(bytes)
}

/// Turns the file's bytes into orders; `path` only serves the words of an error.
fn orders_of_bytes(path: &Path, bytes: &[u8], lines_max: u64) -> Result<Orders, OrdersError> {
    const BYTES_SEARCHED_FOR_NUL: usize = 8 * 1024;
    let path_owned = || path.to_owned();
    if bytes.iter().take(BYTES_SEARCHED_FOR_NUL).any(|&byte| byte == 0) {
        return Err(OrdersError::NotText { path: path_owned() });
    }

    let text = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let mut lines_with_content = text
        .split(|&byte| byte == b'\n')
        .map(|line| line.strip_suffix(b"\r").unwrap_or(line))
        .zip(1_u64..)
        .filter(|(line, _)| !line.trim_ascii().is_empty())
        .peekable();
    let Some(&(first, _)) = lines_with_content.peek() else {
        return Err(OrdersError::Empty { path: path_owned() });
    };
    let layout = Layout::of_first_line(first, path)?;
    if matches!(layout, Layout::Csv { .. }) {
        lines_with_content.next();
    }

    let mut lines = 0;
    let mut customer_ids = BTreeSet::new();
    let mut orders = Vec::new();
    let mut refused = Vec::new();
    for (content, number) in lines_with_content {
        if lines == lines_max {
            return Err(OrdersError::TooManyLines { path: path_owned(), lines_max });
        }
        lines += 1;
        match order_of_line(&layout, content, number, &mut customer_ids) {
            Ok(order) => orders.push(order),
            Err(Refusal { code, reason }) => refused.push(RefusedLine { line: number, code, reason }),
        }
    }

    let lines_not_text = refused.iter().filter(|line| line.code == "not_utf8").count() as u64;
    if lines_not_text * 2 > lines {
        return Err(OrdersError::NotText { path: path_owned() });
    }
    if orders.is_empty() {
        return Err(match refused.into_iter().next() {
            None => OrdersError::Empty { path: path_owned() },
            Some(first) => {
                OrdersError::EveryLineRefused { path: path_owned(), lines, format: layout.format(), first }
            }
        });
    }
    orders.sort_by_key(|order: &Order| (order.date, order.line));
    Ok(Orders {
        lines,
        customers: customer_ids.len(),
        customer_ids: customer_ids.into_iter().collect(),
        orders,
        refused,
        digest: hexadecimal(&Sha256::digest(bytes)),
        format: layout.format(),
    })
}

/// Makes the order of one line, and notes its customer even where the rest is refused.
fn order_of_line(
    layout: &Layout,
    content: &[u8],
    number: u64,
    customer_ids: &mut BTreeSet<String>,
) -> Result<Order, Refusal> {
    let columns = layout.columns(content)?;
    let customer = line::customer(&columns.customer)?;
    if !customer_ids.contains(customer) {
        customer_ids.insert(customer.to_owned());
    }
    Ok(Order {
        line: number,
        date: line::date(&columns.date)?,
        units: line::units(&columns.units)?,
        price: line::price(&columns.amount)?,
        customer: customer.to_owned(),
    })
}

/// Two lower-case hexadecimal digits a byte.
fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
