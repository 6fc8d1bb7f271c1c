//! Why a whole file of orders is of no use. Each error is one line: the file, what is wrong with
//! it, and what to do.

use std::path::PathBuf;

use thiserror::Error;

use super::{OrdersFormat, RefusedLine};
use crate::limits::ORDERS_FILE_BYTES_MAX;

/// Why a file of orders cannot be read as a whole.
#[derive(Debug, Error)]
pub enum OrdersError {
    /// There is no such file.
    #[error("there is no file {}; check the path", path.display())]
    Missing {
        /// The path as it was given.
        path: PathBuf,
    },
    /// The path leads to a folder.
    #[error("{} is a folder; name the file of orders inside it", path.display())]
    Folder {
        /// The path as it was given.
        path: PathBuf,
    },
    /// The path leads to a pipe, a socket or a device.
    #[error("{} is not a regular file; copy what it carries into one", path.display())]
    NotAFile {
        /// The path as it was given.
        path: PathBuf,
    },
    /// The operating system does not let the file be read.
    #[error("{} cannot be read: {source}; check its permissions and its disk", path.display())]
    Unreadable {
        /// The path as it was given.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// The file is above [`ORDERS_FILE_BYTES_MAX`].
    #[error(
        "{} is larger than {ORDERS_FILE_BYTES_MAX} bytes; split it into smaller files",
        path.display()
    )]
    TooLarge {
        /// The path as it was given.
        path: PathBuf,
    },
    /// The file has more data lines than are taken at once.
    #[error("{} has more than {lines_max} lines of data; split it into smaller files", path.display())]
    TooManyLines {
        /// The path as it was given.
        path: PathBuf,
        /// The most data lines that are taken.
        lines_max: u64,
    },
    /// The file begins like a binary file, or most of its lines are not UTF-8.
    #[error("{} is not a text file; export the orders as UTF-8 text or CSV", path.display())]
    NotText {
        /// The path as it was given.
        path: PathBuf,
    },
    /// The file has no line of data.
    #[error("{} holds no orders; give a file with at least one line of data", path.display())]
    Empty {
        /// The path as it was given.
        path: PathBuf,
    },
    /// The CSV header lacks a column.
    #[error(
        "the header of {} has no column {}; it needs customer, date, units and amount, in any order",
        path.display(),
        missing.join(" and no column ")
    )]
    HeaderIncomplete {
        /// The path as it was given.
        path: PathBuf,
        /// The columns that are missing.
        missing: Vec<&'static str>,
    },
    /// The header has something else than commas between its columns.
    #[error(
        "the header of {} has {seen} between its columns; a CSV of orders has commas: export it with commas, \
         under the header customer,date,units,amount",
        path.display()
    )]
    OtherDelimiter {
        /// The path as it was given.
        path: PathBuf,
        /// What is there instead, in the plural.
        seen: &'static str,
    },
    /// The CSV header names a column twice, so that it is not clear which is meant.
    #[error("the header of {} names the column {column} more than once; rename the others", path.display())]
    HeaderRepeats {
        /// The path as it was given.
        path: PathBuf,
        /// The column that is named more than once.
        column: &'static str,
    },
    /// There are lines of data and not one of them is a good order.
    #[error(
        "not one of the {lines} lines of {} is a good order; line {}: {}; {}",
        path.display(),
        first.line,
        first.reason,
        advice_for(*format)
    )]
    EveryLineRefused {
        /// The path as it was given.
        path: PathBuf,
        /// How many data lines there are.
        lines: u64,
        /// The format the file was taken for.
        format: OrdersFormat,
        /// The first line that was refused.
        first: RefusedLine,
    },
}

/// What may have gone wrong when a whole file was read in this format.
const fn advice_for(format: OrdersFormat) -> &'static str {
    match format {
        OrdersFormat::Csv => "correct the fields under the header and read the file again",
        OrdersFormat::Cdnow => {
            "the file was read as CDNOW text because its first line is no CSV header, \
             which would be customer,date,units,amount"
        }
    }
}
