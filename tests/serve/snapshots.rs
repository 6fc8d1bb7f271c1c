//! Snapshots that are asked for: of a server that runs, and of a store at rest.

use std::fs;
use std::process::Command;

use serde_json::{Value, json};

use crate::open_the_mall;
use crate::server::{Server, Store};

fn ask(server: &Server, key: &str) -> crate::server::Response {
    let bearer = format!("Bearer {key}");
    server.ask("POST", "/v1/snapshots", &[("Authorization", &bearer)], b"")
}

/// Runs `hongbao snapshot`: whether it did, and what it says.
fn snapshot(store: &Store, more: &[&str]) -> (bool, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hongbao"));
    let done = command.arg("snapshot").args(more).arg("--data").arg(&store.data).output().unwrap();
    let told = if done.status.success() { done.stdout } else { done.stderr };
    (done.status.success(), String::from_utf8(told).unwrap())
}

#[test]
fn a_server_takes_a_snapshot_when_an_operator_asks() {
    let store = Store::new();
    let eve = store.key(&["account", "--account", "eve"]);
    let funds = store.key(&["funds-management"]);
    let server = store.serve();
    // Of nothing, too.
    let first = ask(&server, &server.key);
    assert_eq!((first.status, first.json()["state"].clone()), (200, json!("finished")), "{first:?}");
    assert_eq!(first.json()["type"], "snapshot", "{first:?}");
    open_the_mall(&server, 3, &["eve"]);
    server.done("/v1/offerings/teapot/purchases", "buy", "eve", "");
    let (one, two) = (ask(&server, &server.key).json(), ask(&server, &server.key).json());
    assert_eq!((&one["generation"], &two["generation"]), (&json!(2), &json!(3)), "{one} {two}");
    let read_from = |told: &Value| told["read_from"].as_u64().unwrap();
    assert!(read_from(&one) > 10 && read_from(&one) <= read_from(&two), "{one} {two}");
    assert!(one["bytes"].as_u64().unwrap() > 0 && one["chunks"].as_u64().unwrap() > 0, "{one}");
    for key in [&eve, &funds] {
        assert_eq!(ask(&server, key).problem(), (403, "not_allowed".to_owned(), "key".to_owned()));
    }
    assert_eq!(ask(&server, "none").problem().0, 401);
    let with_a_body = server.post("/v1/snapshots", "id", "", r#"{"now":true}"#);
    assert_eq!(with_a_body.problem(), (400, "malformed".to_owned(), "body".to_owned()));
    // Not while it is open.
    let (done, why) = snapshot(&store, &[]);
    let folder = store.data.display().to_string();
    assert!(!done && why.contains(&folder) && why.contains("POST /v1/snapshots"), "{why}");
    server.kill();
    drop(server);
    let server = store.serve();
    assert_eq!(server.get("/v1/offerings/teapot").json()["sold"], 1);
    assert!(server.end());
    assert_eq!(store.audit()["snapshots"], 2);
}

#[test]
fn a_snapshot_that_fails_says_so_and_the_next_one_may_succeed() {
    let store = Store::new();
    let server = store.serve();
    open_the_mall(&server, 1, &["eve"]);
    let half = store.data.join("snapshots/one");
    fs::write(&half, "in the way").unwrap();
    let failed = ask(&server, &server.key);
    assert_eq!(failed.problem(), (503, "snapshot_failed".to_owned(), String::new()), "{failed:?}");
    assert!(failed.json()["detail"].as_str().unwrap().contains("one"), "{failed:?}");
    fs::remove_file(&half).unwrap();
    assert_eq!(ask(&server, &server.key).json()["generation"], 1, "behind the pause after a failure");
    server.done("/v1/offerings/teapot/purchases", "buy", "eve", "");
    assert!(server.end());
    assert_eq!(store.audit()["sold"], 1);
}

#[test]
fn a_store_at_rest_gets_a_snapshot_and_the_next_start_reads_only_what_came_after() {
    let store = Store::new();
    let (done, why) = snapshot(&store, &[]);
    assert!(!done && why.contains("is not a hongbao store"), "{why}");
    assert!(!store.data.exists(), "no store is begun for it");
    let server = store.serve();
    open_the_mall(&server, 2, &["eve"]);
    server.done("/v1/offerings/teapot/purchases", "buy", "eve", "");
    assert!(server.end());
    let before = store.audit();
    let (done, told) = snapshot(&store, &[]);
    assert!(done && told.contains("snapshot 1 taken in") && told.lines().count() == 3, "{told}");
    let (done, told) = snapshot(&store, &["--json", "--archive", "0"]);
    let told: Value = serde_json::from_str(&told).unwrap();
    assert!(done && told["generation"] == 2 && told["recovered_actors"].as_u64().unwrap() > 0, "{told}");
    assert_eq!(told["recovered_records"], 0, "{told}");
    let after = store.audit();
    assert_eq!((&after["state_digest"], &after["snapshots"]), (&before["state_digest"], &json!(2)));
    let server = store.serve();
    server.done("/v1/offerings/teapot/purchases", "buy 2", "eve", "");
    assert!(server.end());
    assert_eq!(store.audit()["sold"], 2);
}
