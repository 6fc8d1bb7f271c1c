//! The README's tour of the network, as it is printed there, and what the page of the API goes on with behind it.

use std::process::Command;

use serde_json::{Value, json};

use crate::server::Store;

const README: &str = include_str!("../../README.md");
const API: &str = include_str!("../../docs/API.md");

/// The block of this language behind a heading and so many of its kind.
fn block<'text>(section: &'text str, language: &str, number: usize) -> &'text str {
    let begin = format!("```{language}\n");
    let behind = section.split(&begin).nth(number + 1).expect("there is such a block");
    behind.split("\n```").next().unwrap()
}

#[test]
fn the_tour_runs_as_it_is_printed() {
    let section = README.split("## On the network").nth(1).expect("there is the section");
    let store = Store::new();
    let server = store.serve();
    let on_condition = API.split("### On condition").nth(1).expect("there is the section");
    let tour = format!("{}\n{}", block(section, "sh", 1), block(on_condition, "sh", 0));
    let script = tour.replace("hongbao_…", &server.key).replace("http://127.0.0.1:7300", &server.address);
    assert_ne!(script, tour.replace("hongbao_…", &server.key), "the address stands in the tour");
    let done = Command::new("bash").args(["-e", "-c", &script]).output().expect("bash runs");
    let told = String::from_utf8(done.stdout).unwrap();
    assert!(done.status.success(), "{told} {}", String::from_utf8_lossy(&done.stderr));
    let answers: Vec<Value> = told.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(answers.iter().all(|answer| answer["code"].is_null()), "{told}");
    let printed: Value = serde_json::from_str(block(section, "json", 0)).unwrap();
    assert_eq!(answers[7], printed, "the purchase answers as it is printed");
    assert_eq!((&answers[8]["account"], &answers[8]["posted"]), (&json!("ann"), &json!("2.00")));
    // Eve logs in, and sees her own.
    assert_eq!((&answers[10]["account"], &answers[10]["posted"]), (&json!("eve"), &json!("400.00")));
    assert_eq!((&answers[11], &answers[12]["type"]), (&json!("2"), &json!("transferred")), "{told}");
    assert!(server.end());
}
