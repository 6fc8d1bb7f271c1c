//! Tables of files, lines and refusals, and the real sample.

use std::fmt::Write;

use proptest::prelude::*;

use super::*;
use crate::limits::{CUSTOMER_BYTES_MAX, ORDERS_LINE_BYTES_MAX};

const HEADER: &str = "customer,date,units,amount";

fn read(text: impl AsRef<[u8]>) -> Result<Orders, OrdersError> {
    orders_of_bytes(Path::new("orders.txt"), text.as_ref(), ORDERS_LINES_MAX)
}

/// Line and code of each refusal.
fn refusals(orders: &Orders) -> Vec<(u64, &'static str)> {
    let refused = orders.refused.iter();
    refused.map(|line| (line.line, line.code)).collect()
}

/// Line, customer, day, units and amount of each order.
fn written(orders: &Orders) -> Vec<String> {
    let orders = orders.orders.iter();
    orders
        .map(|order| {
            format!(
                "{} {} {} {} {}",
                order.line,
                order.customer,
                order.date,
                order.units,
                order.price.format(ORDERS_CURRENCY)
            )
        })
        .collect()
}

#[test]
fn the_real_sample_is_read_whole() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/cdnow_sample.txt");
    let orders = read_orders(&path).unwrap();
    assert_eq!(orders.format, OrdersFormat::Cdnow);
    assert_eq!(orders.lines, 6_919);
    assert_eq!(orders.customers, 2_357);
    assert_eq!(orders.customer_ids.len(), 2_357);
    assert_eq!(orders.orders.len(), 6_911);
    assert_eq!(orders.refused.len(), 8);
    assert!(refusals(&orders).iter().all(|(_, code)| *code == "amount_not_positive"));
    assert!(orders.orders.is_sorted_by_key(|order| (order.date, order.line)));
    assert!(orders.customer_ids.is_sorted());
    let cents: u64 = orders.orders.iter().map(|order| order.price.minor()).sum();
    assert_eq!(cents, SAMPLE_CENTS);
    assert_eq!(orders.digest, SAMPLE_DIGEST);
}

const SAMPLE_CENTS: u64 = 24_409_194;
const SAMPLE_DIGEST: &str = "6fae10155c0b0ba363c2c386e30f77990d22328220efd862a5edd1443420d94a";

#[test]
fn orders_are_read_in_either_format() {
    let cases = [
        (
            "CDNOW, sorted by date and then by line",
            " 00004 0001 19970118  2   29.73\r\n 00004 0001 19970101  2   29.33\r\n 00021 0002 19970101 1 5\r\n",
            OrdersFormat::Cdnow,
            vec!["2 00004 1997-01-01 2 29.33", "3 00021 1997-01-01 1 5.00", "1 00004 1997-01-18 2 29.73"],
        ),
        (
            "CDNOW with a byte order mark, blank lines and no last line end",
            "\u{feff}\n  \r\n1 1 19970101 1 0.5",
            OrdersFormat::Cdnow,
            vec!["3 1 1997-01-01 1 0.50"],
        ),
        (
            "CSV",
            "customer,date,units,amount\n7,1997-01-31,2,29.33\n8,19970101,1,10\n",
            OrdersFormat::Csv,
            vec!["3 8 1997-01-01 1 10.00", "2 7 1997-01-31 2 29.33"],
        ),
        (
            "CSV with a byte order mark, any column order and case, an extra column, CR LF",
            "\u{feff}\r\nAmount, NOTE ,\"Units\",CUSTOMER,Date\r\n\r\n29.33,\"a, b\",2,\"Li, \"\"Wei\"\"\",1997-01-31\r\n",
            OrdersFormat::Csv,
            vec!["4 Li, \"Wei\" 1997-01-31 2 29.33"],
        ),
        (
            "CSV with blanks around fields",
            "customer, date, units, amount\n 7 , 19970131 ,\" 2 \", 29.33 \n",
            OrdersFormat::Csv,
            vec!["2 7 1997-01-31 2 29.33"],
        ),
    ];
    for (name, text, format, expected) in cases {
        let orders = read(text).unwrap();
        assert_eq!(orders.format, format, "{name}");
        assert_eq!(written(&orders), expected, "{name}");
        assert_eq!(refusals(&orders), [], "{name}");
        assert_eq!(orders.lines, expected.len() as u64, "{name}");
    }
}

#[test]
fn a_bad_line_is_refused_with_its_code_and_the_rest_goes_on() {
    let long_id = "x".repeat(CUSTOMER_BYTES_MAX + 1);
    let long_id_line = format!("{long_id} 1 19970101 1 5");
    let long_line = format!("1 1 19970101 1 5{}", " ".repeat(ORDERS_LINE_BYTES_MAX));
    let cases = [
        ("1 1 19970101 1 0.00", "amount_not_positive"),
        ("1 1 19970101 1 -5.00", "negative_amount"),
        ("1 1 19970101 1 five", "not_a_number"),
        ("1 1 19970101 1 1,5", "not_a_number"),
        ("1 1 19970101 1 1e5", "not_a_number"),
        ("1 1 19970101 1 5.\0", "not_a_number"),
        ("1 1 19970101 1 5.001", "too_many_decimals"),
        ("1 1 19970101 1 1000000000000000000000000000000", "amount_too_large"),
        ("1 1 19970230 1 5", "bad_date"),
        ("1 1 19971301 1 5", "bad_date"),
        ("1 1 19970100 1 5", "bad_date"),
        ("1 1 1997013 1 5", "bad_date"),
        ("1 1 +9970131 1 5", "bad_date"),
        ("1 1 1997-1-31 1 5", "bad_date"),
        ("1 1 1997-01-311 1 5", "bad_date"),
        ("1 1 199701310 1 5", "bad_date"),
        ("1 1 19970101 0 5", "bad_units"),
        ("1 1 19970101 1.5 5", "bad_units"),
        ("1 1 19970101 +1 5", "bad_units"),
        ("1 1 19970101 -1 5", "bad_units"),
        ("1 1 19970101 1000001 5", "bad_units"),
        ("1 1 19970101 99999999999 5", "bad_units"),
        ("\u{7f} 1 19970101 1 5", "bad_customer"),
        (&long_id_line, "bad_customer"),
        ("1 1 19970101 1", "wrong_columns"),
        ("1 19970101 1 5", "wrong_columns"),
        ("1 1 19970101 1 5 5", "wrong_columns"),
        ("1", "wrong_columns"),
        (&long_line, "wrong_columns"),
    ];
    let mut text = format!("{}\n", "9 9 19970101 1 5\n".repeat(600));
    let mut expected = Vec::new();
    for (line, code) in cases {
        expected.push((602 + expected.len() as u64, code));
        writeln!(text, "{line}").unwrap();
    }
    text.push_str("8 8 19970101 1 5\n");
    let orders = read(&text).unwrap();
    assert_eq!(refusals(&orders), expected);
    assert_eq!(orders.orders.len(), 601);
    assert_eq!(orders.lines, 601 + expected.len() as u64);
    assert_eq!(orders.customer_ids, ["1", "8", "9"]);
    for line in &orders.refused {
        assert!(line.reason.len() < 250 && !line.reason.contains('\n'), "{line:?}");
    }
}

#[test]
fn a_bad_csv_line_spoils_itself_alone() {
    let cases: [(&str, &[u8], &str); 12] = [
        ("carriage return inside a line with quotes", b"\"7\"\r8,1997-01-31,2,29.33", "bad_customer"),
        ("two quotes that swallow each other's commas", b"\"7,1997-01-31,2,29.33,\"x", "wrong_columns"),
        ("quote unclosed in the first field", b"\"7,1997-01-31,2,29.33", "wrong_columns"),
        ("quote unclosed in the last field", b"7,1997-01-31,2,\"29.33", "wrong_columns"),
        ("field that spans lines", b"\"7\n7\",1997-01-31,2,29.33", "wrong_columns"),
        ("comma inside an amount", b"7,1997-01-31,2,1,234.50", "wrong_columns"),
        ("column missing", b"7,1997-01-31,2", "wrong_columns"),
        ("only commas", b",,,", "bad_customer"),
        ("customer of blanks", b" ,1997-01-31,2,29.33", "bad_customer"),
        ("carriage return inside", b"7\r8,1997-01-31,2,29.33", "bad_customer"),
        ("amount missing", b"7,1997-01-31,2,", "not_a_number"),
        ("Latin-1", b"Jos\xE9,1997-01-31,2,29.33", "not_utf8"),
    ];
    for (name, line, code) in cases {
        let mut text = format!("{HEADER}\n1,1997-01-01,1,5\n2,1997-01-01,1,5\n").into_bytes();
        text.extend_from_slice(line);
        text.extend_from_slice(b"\n3,1997-01-01,1,5\n4,1997-01-01,1,5");
        let orders = read(&text).unwrap();
        assert_eq!(orders.orders.len(), 4, "{name}");
        assert!(!orders.refused.is_empty(), "{name}");
        for refused in &orders.refused {
            assert_eq!(refused.code, code, "{name}: {}", refused.reason);
        }
        assert_eq!(orders.lines, 4 + orders.refused.len() as u64, "{name}");
    }
}

#[test]
fn a_file_cut_anywhere_gives_only_lines_that_were_whole() {
    let whole = format!("{HEADER}\n\"a\",1997-01-01,1,5\n\"b\",1997-01-02,2,6\n\"c\",1997-01-03,3,7\n");
    let all = written(&read(&whole).unwrap());
    for end in 0..whole.len() {
        match read(&whole[..end]) {
            Ok(orders) => assert!(all.starts_with(&written(&orders)), "cut at {end}"),
            Err(error) => assert!(!error.to_string().contains('\n'), "cut at {end}: {error}"),
        }
    }
}

#[test]
fn a_customer_counts_even_if_every_order_of_theirs_was_refused() {
    let orders = read("2 1 19970101 1 0.00\n1 1 19970101 1 5\n1 1 19970102 1 5\n3 1\n").unwrap();
    assert_eq!(orders.customer_ids, ["1", "2"]);
    assert_eq!(orders.customers, 2);
}

#[test]
fn a_file_of_no_use_gives_one_clear_error() {
    let mostly_latin = [&b"1 1 19970101 1 5\n"[..], b"\xE9\n\xE9\n"].concat();
    let cases: [(&[u8], &str); 19] = [
        (b"", "orders.txt holds no orders; give a file with at least one line of data"),
        (b"\xEF\xBB\xBF \r\n\n", "orders.txt holds no orders; give a file with at least one line of data"),
        (
            b"customer,date,units,amount\n",
            "orders.txt holds no orders; give a file with at least one line of data",
        ),
        (b"1 1 1997\0 1 5\n", "orders.txt is not a text file; export the orders as UTF-8 text or CSV"),
        (&mostly_latin, "orders.txt is not a text file; export the orders as UTF-8 text or CSV"),
        (
            b"customer,date,units\n1,19970101,1\n",
            "the header of orders.txt has no column amount; it needs customer, date, units and \
             amount, in any order",
        ),
        (
            b"customer,date,price,pieces\n",
            "the header of orders.txt has no column units and no column amount; it needs customer, \
             date, units and amount, in any order",
        ),
        (
            b"client,date,units,amount\n",
            "the header of orders.txt has no column customer; it needs customer, date, units and \
             amount, in any order",
        ),
        (
            b"customer,date,units,amount,Date\n",
            "the header of orders.txt names the column date more than once; rename the others",
        ),
        (
            b"\ncustomer,date,units,amount\n1,19970101,1,0\n1,19970101,1,x\n",
            "not one of the 2 lines of orders.txt is a good order; line 3: the amount \"0\" is not \
             above zero, as the price of a certificate must be; correct the fields under the \
             header and read the file again",
        ),
        (
            b"customer;date;units;amount\n1;19970101;1;5\n",
            "the header of orders.txt has semicolons between its columns; a CSV of orders has commas: \
             export it with commas, under the header customer,date,units,amount",
        ),
        (
            b"\"Customer\"; \"Date\"; \"Units\"; \"Amount, USD\"\r\n1;19970101;1;5\n",
            "the header of orders.txt has semicolons between its columns; a CSV of orders has commas: \
             export it with commas, under the header customer,date,units,amount",
        ),
        (
            b"client\tdate\tunits\tamount\n1\t19970101\t1\t5\n",
            "the header of orders.txt has tabs between its columns; a CSV of orders has commas: \
             export it with commas, under the header customer,date,units,amount",
        ),
        (
            b"customer|date|units|amount\n",
            "the header of orders.txt has vertical bars between its columns; a CSV of orders has commas: \
             export it with commas, under the header customer,date,units,amount",
        ),
        (
            b"customer,date,units,amount\n1;19970101;1;5,00\n",
            "not one of the 1 lines of orders.txt is a good order; line 2: the line has 2 columns and the \
             header has 4, with commas between them and not semicolons; correct the fields under the \
             header and read the file again",
        ),
        (
            b"1;19970101;1;5\n",
            "not one of the 1 lines of orders.txt is a good order; line 1: the line has 1 columns \
             and CDNOW text has 5: customer, second id, date, units, dollars, with spaces between them \
             and not semicolons; the file was read as CDNOW text because its first line is no CSV \
             header, which would be customer,date,units,amount",
        ),
        (
            b"1,19970101,1,5\n",
            "not one of the 1 lines of orders.txt is a good order; line 1: the line has 1 columns \
             and CDNOW text has 5: customer, second id, date, units, dollars, with spaces between them \
             and not commas; the file was read as CDNOW text because its first line is no CSV \
             header, which would be customer,date,units,amount",
        ),
        (
            b"\"customer,date,units,amount\n",
            "not one of the 1 lines of orders.txt is a good order; line 1: the line has 1 columns \
             and CDNOW text has 5: customer, second id, date, units, dollars, with spaces between them \
             and not commas; the file was read as CDNOW text because its first line is no CSV \
             header, which would be customer,date,units,amount",
        ),
        (
            b"customer\n1\n",
            "not one of the 2 lines of orders.txt is a good order; line 1: the line has 1 columns \
             and CDNOW text has 5: customer, second id, date, units, dollars; the file was read as \
             CDNOW text because its first line is no CSV header, which would be \
             customer,date,units,amount",
        ),
    ];
    for (bytes, line) in cases {
        let error = read(bytes).unwrap_err();
        assert_eq!(error.to_string(), line);
    }
}

#[test]
fn more_lines_than_the_limit_are_an_error_and_as_many_are_not() {
    let text = "1 1 19970101 1 5\n".repeat(3);
    let path = Path::new("orders.txt");
    assert_eq!(orders_of_bytes(path, text.as_bytes(), 3).unwrap().lines, 3);
    let error = orders_of_bytes(path, text.as_bytes(), 2).unwrap_err();
    assert_eq!(error.to_string(), "orders.txt has more than 2 lines of data; split it into smaller files");
}

#[test]
fn what_is_not_a_readable_file_is_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let huge = folder.path().join("huge");
    // A sparse file: it has the length and takes no room on the disk.
    File::create(&huge).unwrap().set_len(ORDERS_FILE_BYTES_MAX + 1).unwrap();
    let file_as_folder = huge.join("orders.txt");
    let cases = [
        (folder.path().join("absent"), "there is no file"),
        (folder.path().to_owned(), "is a folder"),
        (huge, "is larger than 1073741824 bytes"),
        (file_as_folder, "cannot be read"),
    ];
    for (path, words) in cases {
        let line = read_orders(&path).unwrap_err().to_string();
        assert!(line.contains(words), "{line}");
        assert!(line.contains(&path.display().to_string()), "{line}");
    }
    #[cfg(unix)]
    assert!(matches!(read_orders(Path::new("/dev/null")), Err(OrdersError::NotAFile { .. })));
}

#[test]
fn the_digest_is_of_the_bytes_as_they_are() {
    let digest = "061aea8ea8a6b8d813f0939203315989efe1f4683a8b281f68388d573a52c8d3";
    assert_eq!(read("1 1 19970101 1 5\r\n").unwrap().digest, digest);
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused_without_a_panic(
        with_header in any::<bool>(),
        body in "([0-9a\"é,. \r\n-]|,19970131,|\n1,19970101,1,5\n|\n1 1 19970101 1 5\n){0,60}",
        torn_at in any::<prop::sample::Index>(),
    ) {
        let mut bytes = if with_header { format!("{HEADER}\n{body}") } else { body }.into_bytes();
        bytes.truncate(torn_at.index(bytes.len() + 1));
        if let Ok(orders) = read(&bytes) {
            prop_assert_eq!(orders.lines, (orders.orders.len() + orders.refused.len()) as u64);
        }
    }
}
