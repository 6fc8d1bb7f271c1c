//! The product server of the examples: a gift goes all its way by webhook, order and hand-over.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::open_the_mall;
use crate::server::Store;

#[test]
fn an_accepted_gift_is_withheld_and_provided() {
    let store = Store::new();
    let key = store.key(&["product-server", "--account", "mall"]);
    let server = store.listen(&["--dev", "--grpc", "127.0.0.1:0"]);
    server.until_ready();
    open_the_mall(&server, 1, &["ann", "ben"]);
    server.done("/v1/merchants/mall/register", "register", "", r#"{"payee":"mall"}"#);
    // The webhook needs the product server's address, and the product server the webhook's secret.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let listen = format!("127.0.0.1:{port}");
    let url = format!("http://{listen}/");
    let types = "gift.changed,order.provide";
    let asked = ["create", "--url", &url, "--inside", "--account", "mall", "--types", types];
    let made = store.beside("webhooks", &asked);
    let secret = made.trim().split_once(' ').unwrap().1;
    let beside_the_tests = std::env::current_exe().unwrap();
    let program = beside_the_tests.ancestors().nth(2).unwrap().join("examples/product_server");
    if !program.exists() {
        // `cargo test` has built it; `cargo test --test serve` alone has not.
        let built =
            Command::new(env!("CARGO")).args(["build", "--quiet", "--example", "product_server"]).status();
        assert!(built.unwrap().success());
    }
    let mut command = Command::new(program);
    let mut child =
        command.args([&*listen, &server.grpc, &key, secret, "mall"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.next().unwrap().unwrap().contains("listens on"));
    while !store.beside("webhooks", &["list"]).contains("  up to ") {
        std::thread::sleep(Duration::from_millis(20));
    }
    let gift = json!({
        "recipient": "ben", "merchant": "mall", "price": "5.00", "currency": "USD",
        "object": { "goods": { "kind": "service", "description": "a haircut" } },
    });
    server.done("/v1/gifts", "gift", "ann", &gift.to_string());
    server.done("/v1/gifts/ann/gift/accept", "accept", "ben", "");
    let state = || {
        let named = [("On-Behalf-Of", "mall")];
        let order = server.get_with(&server.key, "/v1/orders/gift%20of%20ann", &named);
        if order.status == 200 { order.json()["state"].as_str().unwrap().to_owned() } else { String::new() }
    };
    let begun = Instant::now();
    while state() != "provided" {
        assert!(begun.elapsed() < Duration::from_secs(30), "the order is {:?}", state());
        std::thread::sleep(Duration::from_millis(20));
    }
    let given = server.get("/v1/accounts/ben/gifts/ann/gift").json();
    assert_eq!((&given["state"], &given["order"]["order"]), (&json!("provided"), &json!("gift of ann")));
    assert!(lines.next().unwrap().unwrap().contains("withholding 5.00"));
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(server.end());
}
