//! Small sales, and what the rules make of them, worked out without any code of the engine.

use std::collections::{BTreeMap, BTreeSet};

/// What the rules make of orders, in cents, worked out without any code of the engine.
#[derive(Default)]
pub struct Expected {
    pub revenue: u64,
    pub funded: u64,
    pub cashed: u64,
    pub circulations: u64,
    pub already_linked: u64,
    pub movements: u64,
    pub customers: BTreeSet<&'static str>,
    pub posted: BTreeMap<&'static str, u64>,
    /// What everyone opens with: the orders that they pay.
    pub paid: BTreeMap<&'static str, u64>,
    pub gifts: u64,
    pub gift_money: u64,
    pub sold: u64,
}

/// Customer, day and price in cents, as they stand in the file.
pub type Row = (&'static str, &'static str, u64);

/// A share in per cent, half a cent rounded up.
fn per_cent(price: u64, part: u64) -> u64 {
    (price * part + 50) / 100
}

/// SplitMix64's number for a number.
fn split_mix(number: u64) -> u64 {
    let number = number.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let number = (number ^ (number >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    number ^ (number >> 31)
}

/// The luck of a line with the seed 1, from 0 to 9,999.
fn draw(line: u64) -> u64 {
    split_mix(1 ^ split_mix(line)) % 10_000
}

/// Shares of gifts, and of ten thousand.
pub const SHARES: [(&str, u64); 3] = [("0", 0), ("0.3", 3_000), ("1", 10_000)];

/// Each order is shared by the customers of the three orders before it, without its buyer, then bought. Ten
/// per cent are funded and two of them attached; who circulates for the first time takes all that is attached,
/// and as much follows out of the reserve.
///
/// So many of ten thousand lines are drawn as gifts: whoever ordered next before it, without its buyer, or else next
/// behind it, pays.
pub fn expected(rows: &[Row], share: u64) -> Expected {
    // The header is the first line.
    let mut lines: Vec<(u64, Row)> = (2..).zip(rows.iter().copied()).collect();
    lines.sort_by_key(|(_, (_, day, _))| *day);
    let rows: Vec<Row> = lines.iter().map(|(_, row)| *row).collect();
    let mut expected = Expected::default();
    for (index, (buyer, _, price)) in rows.iter().enumerate() {
        let other = |row: &&Row| row.0 != *buyer;
        let donor = rows[..index].iter().rev().find(other).or_else(|| rows[index..].iter().find(other));
        let donor = donor.filter(|_| draw(lines[index].0) < share);
        expected.gifts += u64::from(donor.is_some());
        expected.gift_money += donor.map_or(0, |_| *price);
        *expected.paid.entry(donor.map_or(buyer, |donor| donor.0)).or_default() += price;
        let funded = per_cent(*price, 10);
        let mut attached = if funded == 0 { 0 } else { per_cent(*price, 2) };
        let mut reserve = funded - attached;
        let (mut linked, mut promises) = (None, BTreeMap::new());
        for (sharer, _, _) in rows[index.saturating_sub(3)..index].iter().filter(|row| row.0 != *buyer) {
            if linked == Some(sharer) {
                expected.already_linked += 1;
                continue;
            }
            expected.circulations += 1;
            linked = Some(sharer);
            if !promises.contains_key(sharer) {
                promises.insert(sharer, attached);
                let increase = attached.min(reserve);
                (attached, reserve) = (increase, reserve - increase);
            }
        }
        let cashed: u64 = promises.values().sum();
        for (sharer, promise) in &promises {
            *expected.posted.entry(sharer).or_default() += promise;
        }
        expected.sold += 1;
        expected.customers.insert(buyer);
        expected.revenue += price;
        expected.funded += funded;
        expected.cashed += cashed;
        let credits = promises.values().filter(|promise| **promise > 0).count() as u64;
        expected.movements += 1 + credits + u64::from(funded > cashed);
    }
    expected
}

pub fn dollars(cents: u64) -> String {
    format!("{}.{:02}", cents / 100, cents % 100)
}

/// A file of orders as people export them, and the model's totals for it.
pub struct Case {
    pub name: &'static str,
    pub rows: &'static [Row],
}

pub const CASES: &[Case] = &[
    Case { name: "one order, which nobody can share", rows: &[("ann", "1997-01-01", 1_000)] },
    Case {
        name: "three shared before, by three accounts",
        rows: &[
            ("ann", "1997-01-01", 1_000),
            ("bob", "1997-01-02", 2_000),
            ("cho", "1997-01-03", 3_000),
            ("dev", "1997-01-04", 4_000),
            ("eve", "1997-01-05", 5_005),
        ],
    },
    Case {
        name: "ann circulates, bob follows, ann circulates again and takes nothing more",
        rows: &[
            ("ann", "1997-01-01", 1_000),
            ("bob", "1997-01-02", 1_000),
            ("ann", "1997-01-03", 1_000),
            ("cho", "1997-01-04", 12_345),
        ],
    },
    Case {
        name: "the same customer three times in a row is linked once",
        rows: &[
            ("ann", "1997-01-01", 1_000),
            ("ann", "1997-01-02", 1_000),
            ("ann", "1997-01-03", 1_000),
            ("bob", "1997-01-04", 1_000),
            ("ann", "1997-01-05", 1_000),
        ],
    },
    Case {
        name: "between two orders of one customer the buyer's own is skipped, so that they meet",
        rows: &[
            ("ann", "1997-01-01", 700),
            ("bob", "1997-01-02", 700),
            ("ann", "1997-01-03", 700),
            ("bob", "1997-01-04", 700),
        ],
    },
    Case {
        name: "prices whose shares round to nothing, up, and down",
        rows: &[
            ("ann", "1997-01-01", 1),
            ("bob", "1997-01-02", 4),
            ("cho", "1997-01-03", 5),
            ("dev", "1997-01-04", 24),
            ("eve", "1997-01-05", 25),
            ("fay", "1997-01-06", 74),
            ("gil", "1997-01-07", 75),
            ("ann", "1997-01-08", 1),
        ],
    },
    Case {
        name: "days out of order, several orders on one day",
        rows: &[
            ("cho", "1998-06-30", 1_234),
            ("ann", "1997-01-02", 5_678),
            ("bob", "1997-01-02", 91_011),
            ("ann", "1997-01-01", 1_213),
            ("dev", "1997-01-02", 1_415),
            ("cho", "1997-01-02", 1_617),
        ],
    },
    Case {
        name: "one cent and the largest sale of the small ones",
        rows: &[("ann", "1997-01-01", 1), ("bob", "1997-01-02", 99_999_999_999_999)],
    },
];

pub fn csv(rows: &[Row]) -> String {
    let lines = rows.iter().map(|(customer, day, cents)| format!("{customer},{day},1,{}\n", dollars(*cents)));
    "customer,date,units,amount\n".to_owned() + &lines.collect::<String>()
}
