//! Files of orders that nobody exported: orders, or refusals that name the line and the column at fault.

use super::*;
use crate::limits::{CUSTOMER_BYTES_MAX, ORDERS_LINE_BYTES_MAX};
use crate::simulator::{Choices, Target, fuzz};

/// Codes that a line is refused with, whichever column is at fault.
const CODES: [&str; 9] = [
    "amount_not_positive",
    "bad_customer",
    "bad_date",
    "bad_units",
    "not_utf8",
    "wrong_columns",
    "not_a_number",
    "negative_amount",
    "too_many_decimals",
];

/// Reads bytes and holds what comes of it against the file; true where there are orders.
fn is_read(bytes: &[u8]) -> bool {
    let lines = bytes.split(|byte| *byte == b'\n').count() as u64;
    let orders = match orders_of_bytes(Path::new("orders.txt"), bytes, ORDERS_LINES_MAX) {
        Ok(orders) => orders,
        Err(error) => {
            let words = error.to_string();
            assert!(words.contains("orders.txt") && !words.chars().any(char::is_control), "{words:?}");
            return false;
        }
    };
    assert!(!orders.orders.is_empty() && orders.lines <= lines);
    assert_eq!(orders.lines as usize, orders.orders.len() + orders.refused.len());
    let mut numbers: Vec<u64> = orders.orders.iter().map(|order| order.line).collect();
    numbers.extend(orders.refused.iter().map(|refused| refused.line));
    numbers.sort_unstable();
    assert!(numbers.windows(2).all(|pair| pair[0] < pair[1]), "each line comes to one thing");
    assert!(numbers.iter().all(|number| (1..=lines).contains(number)));
    for RefusedLine { code, reason, .. } in &orders.refused {
        assert!(CODES.contains(code) || *code == "amount_too_large", "{code}");
        assert!(!reason.is_empty() && !reason.chars().any(char::is_control), "{reason:?}");
    }
    for order in &orders.orders {
        assert!(orders.customer_ids.binary_search(&order.customer).is_ok());
        assert!((1..=CUSTOMER_BYTES_MAX).contains(&order.customer.len()) && !order.price.is_zero());
    }
    true
}

#[test]
fn any_bytes_as_a_file_of_orders_are_read_or_refused_in_one_line() {
    let target = Target {
        name: "orders",
        inputs: 20_000,
        random_bytes_max: 300,
        // A line of two bytes becomes a refusal with its reason.
        memory_factor: 512,
        take: is_read,
    };
    let examples = [
        "customer,date,units,amount\n7,1997-01-31,2,29.33\n\"Li, \"\"Wei\"\"\",19970101,1,10\n8,1997-02-30,1,5\n",
        " 00004 0001 19970101  2   29.33\r\n 00021 0002 19970118 1 5\r\n\n 3 3 19970118 1 0\r\n",
        "\u{feff}Amount, NOTE ,Units,CUSTOMER,Date\r\n\r\n29.33,\"a, b\",2,7,1997-01-31\r\n",
    ];
    fuzz(&target, &examples.map(|text| text.as_bytes().to_vec()));
}

/// Customers, dates, units and amounts that somebody may have exported, each with the code of its refusal or none.
const CELLS: [&[(&str, &str)]; 4] = [
    &[("7", ""), ("00004", ""), ("Li Wei", ""), ("é", ""), ("", "bad_customer"), ("7\u{7f}", "bad_customer")],
    &[
        ("19970131", ""),
        ("1997-01-31", ""),
        ("20000229", ""),
        ("19000229", "bad_date"),
        ("1997-1-31", "bad_date"),
        ("31.01.1997", "bad_date"),
        ("00000101", ""),
        ("-9970131", "bad_date"),
        ("", "bad_date"),
    ],
    &[
        ("1", ""),
        ("001", ""),
        ("1000000", ""),
        ("1000001", "bad_units"),
        ("0", "bad_units"),
        ("+1", "bad_units"),
        ("1.0", "bad_units"),
        ("", "bad_units"),
        ("18446744073709551617", "bad_units"),
    ],
    &[
        ("29.33", ""),
        ("5", ""),
        ("0.01", ""),
        ("0.5", ""),
        ("0.00", "amount_not_positive"),
        ("-1", "negative_amount"),
        ("1e5", "not_a_number"),
        ("$5", "not_a_number"),
        ("", "not_a_number"),
        ("0.001", "too_many_decimals"),
        ("99999999999999999999999999999", "amount_too_large"),
    ],
];

const NAMES: [&str; 4] = ["customer", "date", "units", "amount"];

#[test]
fn every_line_of_plausible_columns_comes_to_what_its_columns_say() {
    let target = Target {
        name: "columns",
        inputs: 2_000,
        random_bytes_max: 120,
        memory_factor: 2_048,
        take: |input| {
            let mut choices = Choices::of(input);
            let first = choices.below(4);
            let order: Vec<usize> = (0..4).map(|place| (first + place) % 4).collect();
            let names: Vec<&str> = order.iter().map(|column| NAMES[*column]).collect();
            // A first line that is good, so that the file as a whole is of use.
            let good: Vec<&str> = order.iter().map(|column| CELLS[*column][0].0).collect();
            let mut text = format!("{}\n{}\n", names.join(","), good.join(","));
            let mut expected = vec![""];
            while !choices.is_over() {
                let cells: Vec<(&str, &str)> =
                    (0..4).map(|column| CELLS[column][choices.below(CELLS[column].len())]).collect();
                let (long, quoted, torn) =
                    (choices.byte() == 255, choices.byte().is_multiple_of(3), choices.byte() == 0);
                let mut line = order.iter().map(|column| cells[*column].0.to_owned()).collect::<Vec<_>>();
                if quoted {
                    line.iter_mut().for_each(|cell| *cell = format!("\"{cell}\""));
                }
                if long {
                    line[0] += &" ".repeat(ORDERS_LINE_BYTES_MAX);
                }
                if torn {
                    line.pop();
                }
                let refused = cells.iter().map(|(_, code)| *code).find(|code| !code.is_empty());
                let blank = line.join(",").trim_ascii().is_empty();
                if !blank {
                    expected.push(if long || torn { "wrong_columns" } else { refused.unwrap_or_default() });
                }
                text += &line.join(",");
                text.push('\n');
            }
            assert!(is_read(text.as_bytes()), "{text}");
            let orders = orders_of_bytes(Path::new("orders.txt"), text.as_bytes(), ORDERS_LINES_MAX).unwrap();
            let mut found: Vec<(u64, &str)> = orders.orders.iter().map(|order| (order.line, "")).collect();
            found.extend(orders.refused.iter().map(|refused| (refused.line, refused.code)));
            found.sort_unstable();
            let expected: Vec<(u64, &str)> = (2..).zip(expected).collect();
            assert_eq!(found, expected, "{text}");
            orders.refused.is_empty()
        },
    };
    fuzz(&target, &[vec![vec![]], Choices::examples()].concat());
}
