//! Everything that can be looked at in the market, as text that people can read and compare.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use hongbao::Engine;
use hongbao::domain::{
    Answer, Command, GiftCommand, MandateCommand, MerchantCommand, Message, PaymentCommand, Serial,
};
use serde_json::{Map, Value, json};

use crate::market::messages::*;
use crate::market::play::Answered;
use crate::market::{ACCOUNTS, GIFTS, OFFERINGS};

const OTHER_ACCOUNTS: [&str; 2] = ["lender", "selfmade"];
const PAYMENTS: [(&str, &str); 8] = [
    ("shop", "backing"),
    ("bob", "to spend"),
    ("ann", "released"),
    ("ann", "received"),
    ("ann", "issued"),
    ("ann", "rejected"),
    ("ann", "void"),
    ("ann", "lapsed"),
];
const MANDATES: [(&str, &str); 2] = [("cho", "monthly"), ("dan", "revoked")];
const ORDERS: u32 = 9;

/// Looks at everything.
pub fn questions() -> Vec<(String, Message)> {
    let mut asked = Vec::new();
    for account in ACCOUNTS.map(|(account, ..)| account).into_iter().chain(OTHER_ACCOUNTS) {
        let show = Command::ShowAccount { account: name(account) };
        asked.push((format!("account {account}"), by_institution(show)));
        let show = Command::ShowPage { account: name(account), skip: 0 };
        asked.push((format!("page of {account}"), by_institution(show)));
    }
    for (offering, items) in OFFERINGS {
        let show = Command::ShowOffering { offering: name(offering) };
        asked.push((format!("offering {offering}"), by_institution(show)));
        for serial in 1..=items {
            let (offering, serial) = (name(offering), Serial(serial));
            let label = format!("certificate {offering} {:02}", serial.0);
            let show = Command::ShowCertificate { offering, serial, from_hop: 1 };
            asked.push((label, by_institution(show)));
        }
    }
    for (recipient, given) in GIFTS {
        let show = Command::Gift(GiftCommand::Show(gift(recipient, given)));
        asked.push((format!("gift {given}"), by_institution(show)));
    }
    for (issuer, issued) in PAYMENTS {
        let show = Command::Payment(PaymentCommand::Show(payment(issuer, issued)));
        asked.push((format!("payment certificate {issued}"), by_institution(show)));
    }
    for (recipient, granted) in MANDATES {
        let show = Command::Mandate(MandateCommand::Show { mandate: id(granted) });
        asked.push((format!("mandate {granted}"), by(recipient, show)));
    }
    for number in 1..=ORDERS {
        let show = Command::Merchant(MerchantCommand::ShowOrder { order: name(&format!("order {number}")) });
        asked.push((format!("order {number}"), by("mall", show)));
    }
    asked
}

/// The answers to all questions.
pub fn look(engine: &Engine) -> Value {
    let (labels, messages): (Vec<String>, Vec<Message>) = questions().into_iter().unzip();
    let answers = engine.send_batch(messages).wait();
    let shown: BTreeMap<String, Value> =
        labels.into_iter().zip(answers).map(|(label, answer)| (label, readable(&answer))).collect();
    json!(shown)
}

/// What was answered, by the place of the message in the day.
pub fn answers(answered: &Answered) -> Value {
    let lines = answered
        .iter()
        .enumerate()
        .map(|(place, (message, answer))| (format!("{place:03} {}", message.request_id), readable(answer)));
    Value::Object(lines.collect())
}

/// An answer as JSON, with heads of chains in hexadecimal.
pub fn readable(answer: &Answer) -> Value {
    let mut value = serde_json::to_value(answer).unwrap();
    put_heads_in_hexadecimal(&mut value);
    value
}

fn put_heads_in_hexadecimal(value: &mut Value) {
    let Value::Object(fields) = value else { return };
    for (field, value) in fields {
        if let ("head", Value::Array(bytes)) = (field.as_str(), &*value) {
            let mut text = String::new();
            for byte in bytes {
                let _ = write!(text, "{:02x}", byte.as_u64().unwrap());
            }
            *value = Value::String(text);
        } else {
            put_heads_in_hexadecimal(value);
        }
    }
}

/// The text of an expectation: parts by their names, a line for each thing.
pub fn text(parts: &Map<String, Value>) -> String {
    let lines = |part: &Value| {
        let things = part.as_object().unwrap().iter();
        let lines: Vec<String> =
            things.map(|(label, thing)| format!("    {}: {thing}", json!(label))).collect();
        lines.join(",\n")
    };
    let parts: Vec<String> =
        parts.iter().map(|(name, part)| format!("  {}: {{\n{}\n  }}", json!(name), lines(part))).collect();
    format!("{{\n{}\n}}\n", parts.join(",\n"))
}

/// Checks that everything expected is found. A later version may show more of a thing, and nothing else.
#[track_caller]
pub fn assert_found(expected: &Value, found: &Value, what: &str) {
    let mut differences = Vec::new();
    compare(expected, found, what, &mut differences);
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

fn compare(expected: &Value, found: &Value, what: &str, differences: &mut Vec<String>) {
    match (expected, found) {
        (Value::Object(expected), Value::Object(found)) => {
            for (field, value) in expected {
                let here = format!("{what}: {field}");
                compare(value, found.get(field).unwrap_or(&Value::Null), &here, differences);
            }
        }
        (Value::Array(expected), Value::Array(found)) if expected.len() == found.len() => {
            for (place, (expected, found)) in expected.iter().zip(found).enumerate() {
                compare(expected, found, &format!("{what}: {place}"), differences);
            }
        }
        _ if expected == found => {}
        _ => differences.push(format!("{what}: expected {expected}, found {found}")),
    }
}
