//! Repeats that come while the first is under way.

use std::io::Write;
use std::net::TcpStream;

use serde_json::{Value, json};

use crate::server::{JSON, Response, Server, Store};

/// How many messages keep a server busy for some milliseconds.
const MANY: usize = 2_000;

/// How often it may be over before it is asked.
const ROUNDS: usize = 25;

fn deposit(server: &Server, key: &str) -> Response {
    server.post("/v1/accounts/eve/deposits", key, "", r#"{"amount":"1.00","currency":"USD"}"#)
}

/// A batch of deposits, the first with this key.
fn many(key: &str) -> String {
    let message = |key: String| {
        let deposit = json!({ "account": "eve", "amount": "1.00", "currency": "USD" });
        json!({ "idempotency_key": key, "command": { "deposit": deposit } })
    };
    let rest = (1..MANY).map(|number| format!("{key} and {number}"));
    Value::Array([key.to_owned()].into_iter().chain(rest).map(message).collect()).to_string()
}

fn is_busy(server: &Server) -> bool {
    let metrics = server.get("/metrics").text;
    !metrics.contains("\nhongbao_messages_under_way 0\n")
}

#[test]
fn a_repeat_is_told_that_the_first_is_under_way_also_where_its_client_has_hung_up() {
    let store = Store::new();
    let server = store.serve();
    let open = r#"{"account":"eve","currency":"USD"}"#;
    server.done("/v1/accounts", "open", "", open);
    let host = server.address.strip_prefix("http://").unwrap();
    let mut early = 0;
    for round in 0..ROUNDS {
        let key = format!("round {round}");
        let body = many(&key);
        let mut client = TcpStream::connect(host).unwrap();
        let head = format!(
            "POST /v1/messages HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {}\r\nContent-Type: {JSON}\r\n\
             Content-Length: {}\r\n\r\n",
            server.key,
            body.len()
        );
        client.write_all((head + &body).as_bytes()).unwrap();
        let before = 1 + round * MANY;
        let begun = || is_busy(&server) || server.get("/v1/accounts/eve").json()["sequence"] != before;
        assert!((0..100_000).any(|_| begun()), "it is begun at last");
        drop(client);
        let last = loop {
            let repeat = deposit(&server, &key);
            if repeat.status != 409 {
                break repeat;
            }
            early += 1;
            assert_eq!(repeat.problem(), (409, "in_progress".to_owned(), String::new()));
            let problem = repeat.json();
            assert_eq!((&problem["retryable"], &problem["definite"]), (&json!(true), &json!(false)));
            assert_eq!((repeat.retry_after, repeat.replayed), (Some(1), false));
        };
        assert_eq!((last.status, last.replayed), (200, true), "{last:?}");
        if early > 0 {
            break;
        }
        assert!((0..100_000).any(|_| !is_busy(&server)), "it is answered at last");
    }
    assert!(early > 0, "{ROUNDS} times everything was answered before it was asked again");
    assert!(server.end());
    assert_eq!(store.audit()["sealed"], true);
}
