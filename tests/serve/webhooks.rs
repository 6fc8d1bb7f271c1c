//! Webhooks: signed, in order, until they are taken.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::open_the_mall;
use crate::server::{Server, Store};

/// A receiver that refuses some requests before it takes any, and keeps what it took.
struct Receiver {
    url: String,
    taken: Arc<Mutex<Vec<Value>>>,
    refuse: Arc<AtomicUsize>,
    secret: Arc<Mutex<String>>,
}

impl Receiver {
    fn start() -> Receiver {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let (taken, refuse, secret) = (
            Arc::new(Mutex::new(Vec::new())),
            Arc::new(AtomicUsize::new(0)),
            Arc::new(Mutex::new(String::new())),
        );
        let own = (Arc::clone(&taken), Arc::clone(&refuse), Arc::clone(&secret));
        std::thread::spawn(move || {
            for connection in listener.incoming() {
                let mut connection = connection.unwrap();
                let mut lines = BufReader::new(connection.try_clone().unwrap());
                // One connection may bring several requests.
                loop {
                    let (mut length, mut signature, mut first) = (0, String::new(), true);
                    loop {
                        let mut line = String::new();
                        if lines.read_line(&mut line).unwrap_or(0) == 0 {
                            break;
                        }
                        if first {
                            assert!(line.starts_with("POST /hook HTTP/1.1"), "{line}");
                            first = false;
                        }
                        let lower = line.to_ascii_lowercase();
                        if let Some(text) = lower.strip_prefix("content-length: ") {
                            length = text.trim().parse().unwrap();
                        }
                        if let Some(text) = lower.strip_prefix("hongbao-signature: ") {
                            text.trim().clone_into(&mut signature);
                        }
                        if line.trim().is_empty() {
                            break;
                        }
                    }
                    if first {
                        break;
                    }
                    let mut body = vec![0; length];
                    lines.read_exact(&mut body).unwrap();
                    let body = String::from_utf8(body).unwrap();
                    assert_eq!(signature, signed(&own.2.lock().unwrap(), &signature, &body));
                    let refused = own
                        .1
                        .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1))
                        .is_ok();
                    let status = if refused { "503 Later" } else { "204 Taken" };
                    if !refused {
                        own.0.lock().unwrap().push(serde_json::from_str(&body).unwrap());
                    }
                    connection
                        .write_all(format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n").as_bytes())
                        .unwrap();
                }
            }
        });
        Receiver { url, taken, refuse, secret }
    }

    fn until(&self, events: usize) -> Vec<Value> {
        let begun = Instant::now();
        loop {
            let taken = self.taken.lock().unwrap().clone();
            if taken.len() >= events {
                return taken;
            }
            assert!(begun.elapsed() < Duration::from_secs(30), "{taken:?}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

/// As a receiver reckons it: the time is the sender's.
fn signed(secret: &str, signature: &str, body: &str) -> String {
    let seconds = signature.strip_prefix("t=").unwrap().split(',').next().unwrap();
    let mut hmac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    hmac.update(format!("{seconds}.{body}").as_bytes());
    let hex: String = hmac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("t={seconds},v1={hex}")
}

/// Makes a webhook and waits until the server has begun with it.
fn begin(store: &Store, receiver: &Receiver, more: &[&str]) -> String {
    let made = store.beside("webhooks", &[&["create", "--url", &receiver.url, "--inside"], more].concat());
    let (id, secret) = made.trim().split_once(' ').unwrap();
    secret.clone_into(&mut receiver.secret.lock().unwrap());
    let begun = Instant::now();
    while !store.beside("webhooks", &["list"]).contains("  up to ") {
        assert!(begun.elapsed() < Duration::from_secs(10), "it has not begun");
        std::thread::sleep(Duration::from_millis(20));
    }
    id.to_owned()
}

fn send(server: &Server, number: u32) {
    server.done(
        "/v1/transfers",
        &format!("send {number}"),
        "ann",
        r#"{"to":"ben","amount":"1.00","currency":"USD"}"#,
    );
}

#[test]
fn events_are_sent_signed_in_order_until_they_are_taken_and_go_on_after_a_kill() {
    let store = Store::new();
    let receiver = Receiver::start();
    let server = store.serve();
    open_the_mall(&server, 1, &["ann", "ben", "eve"]);
    receiver.refuse.store(2, Ordering::SeqCst);
    begin(&store, &receiver, &["--account", "ben", "--types", "account.credited"]);
    (0..5).for_each(|number| send(&server, number));
    // What does not concern ben is not sent.
    server.done("/v1/transfers", "other", "ann", r#"{"to":"eve","amount":"1.00","currency":"USD"}"#);
    let first = receiver.until(5);
    // What is not noted as taken when it is killed is sent again, and rightly so.
    let position =
        |event: &Value| -> u64 { event["id"].as_str().unwrap().split('.').next().unwrap().parse().unwrap() };
    let noted = || {
        let listed = server.get("/v1/webhooks").json();
        let up_to = listed["webhooks"][0]["up_to"].as_str().unwrap_or("0").to_owned();
        up_to.split('.').next().unwrap().parse::<u64>().unwrap() >= position(&first[4])
    };
    let begun = Instant::now();
    while !noted() {
        assert!(begun.elapsed() < Duration::from_secs(20), "the last event is not noted as taken");
        std::thread::sleep(Duration::from_millis(5));
    }
    server.kill();
    let server = store.serve();
    (5..10).for_each(|number| send(&server, number));
    let all = receiver.until(10);
    std::thread::sleep(Duration::from_millis(300));
    let all_later = receiver.until(10);
    assert_eq!(all_later.len(), 10, "nothing is sent twice");
    assert_eq!(all[..5], first[..]);
    assert!(all.iter().all(|event| event["data"]["account"] == "ben" && event["type"] == "account.credited"));
    assert!(all.windows(2).all(|two| position(&two[0]) < position(&two[1])), "{all:?}");
    assert!(server.get("/metrics").text.contains(r#"hongbao_webhook_events_total{outcome="taken"} 5"#));
    assert!(server.end());
}

#[test]
fn a_dead_receiver_holds_nobody_and_a_removed_webhook_is_sent_nothing() {
    let store = Store::new();
    let (dead, receiver) = (Receiver::start(), Receiver::start());
    let server = store.serve();
    open_the_mall(&server, 1, &["ann", "ben"]);
    dead.refuse.store(usize::MAX, Ordering::SeqCst);
    let id = begin(&store, &dead, &[]);
    let made = store.beside("webhooks", &["create", "--url", &receiver.url, "--inside"]);
    made.trim().split_once(' ').unwrap().1.clone_into(&mut receiver.secret.lock().unwrap());
    while store.beside("webhooks", &["list"]).matches("  up to ").count() < 2 {
        std::thread::sleep(Duration::from_millis(20));
    }
    (0..3).for_each(|number| send(&server, number));
    receiver.until(3);
    assert!(dead.taken.lock().unwrap().is_empty());
    store.beside("webhooks", &["remove", &id]);
    std::thread::sleep(Duration::from_millis(1_500));
    dead.refuse.store(0, Ordering::SeqCst);
    send(&server, 3);
    receiver.until(4);
    std::thread::sleep(Duration::from_millis(1_500));
    assert!(dead.taken.lock().unwrap().is_empty());
    // A server with a webhook that waits ends at once.
    dead.refuse.store(usize::MAX, Ordering::SeqCst);
    begin(&store, &dead, &[]);
    send(&server, 4);
    let begun = Instant::now();
    assert!(server.end());
    assert!(begun.elapsed() < Duration::from_secs(5));
}

#[test]
fn an_address_inside_is_refused_unless_it_is_allowed() {
    let store = Store::new();
    let receiver = Receiver::start();
    let refused = |arguments: &[&str]| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_hongbao"));
        let done = command
            .args(["webhooks", "create"])
            .args(arguments)
            .arg("--data")
            .arg(&store.data)
            .output()
            .unwrap();
        let why = String::from_utf8(done.stderr).unwrap();
        assert!(!done.status.success() && why.lines().count() == 1, "{why}");
        why
    };
    assert!(refused(&["--url", &receiver.url]).contains("without TLS"));
    assert!(refused(&["--url", "ftp://example.com/"]).contains("give https"));
    assert!(refused(&["--url", "nonsense"]).contains("is no address"));
    assert!(refused(&["--url", "https://example.com/", "--types", "weather"]).contains("weather"));
    assert!(refused(&["--url", "https://127.0.0.1/hook"]).contains("leads inside"));
    assert!(refused(&["--url", "https://[::1]/hook"]).contains("leads inside"));
    assert!(refused(&["--url", "https://localhost/hook"]).contains("leads inside"));
    // A name that leads inside is refused when it is looked up: nothing arrives.
    let port = receiver.url.rsplit(':').next().unwrap().split('/').next().unwrap().to_owned();
    let own = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
    store.beside("webhooks", &["create", "--url", &format!("https://{}:{port}/hook", own.trim())]);
    let server = store.serve();
    open_the_mall(&server, 1, &["ann", "ben"]);
    while !store.beside("webhooks", &["list"]).contains("  up to ") {
        std::thread::sleep(Duration::from_millis(20));
    }
    send(&server, 0);
    let refused = r#"hongbao_webhook_events_total{outcome="not_taken"}"#;
    let begun = Instant::now();
    while !server.get("/metrics").text.contains(refused) {
        assert!(begun.elapsed() < Duration::from_secs(20));
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(receiver.taken.lock().unwrap().is_empty());
    assert!(server.end());
}

#[test]
fn a_key_makes_lists_and_removes_webhooks_of_its_own() {
    let store = Store::new();
    let (ann, mall) =
        (store.key(&["account", "--account", "ann"]), store.key(&["supplier", "--account", "mall"]));
    let server = store.serve();
    // No name below `.invalid` leads anywhere.
    let hook = r#"{"url":"https://receiver.invalid/hook","types":["account.credited"]}"#;
    let create = |key: &str, id: &str, body: &str| server.post_with(key, "/v1/webhooks", id, &[], body);
    let made = create(&ann, "1", hook);
    assert_eq!((made.status, made.replayed), (200, false), "{made:?}");
    assert_eq!(made.json()["type"], "webhook_made");
    assert_eq!(server.get("/v1/webhooks").json()["type"], "webhooks");
    let again = create(&ann, "1", hook);
    assert_eq!(
        (again.status, again.replayed, again.json()),
        (200, true, made.json()),
        "a repeat makes no second one"
    );
    let other = r#"{"url":"https://receiver.invalid/another"}"#;
    assert_eq!(
        create(&ann, "1", other).problem(),
        (422, "id_reused".to_owned(), "Idempotency-Key".to_owned())
    );
    assert_eq!(create(&mall, "1", other).status, 200, "a key of its own");
    assert_eq!(server.post("/v1/webhooks", "1", "", other).status, 200, "the institution's, of everything");
    let listed =
        |key: &str| server.get_with(key, "/v1/webhooks", &[]).json()["webhooks"].as_array().unwrap().clone();
    let own = listed(&ann);
    assert_eq!(
        (own.len(), &own[0]["account"], &own[0]["inside"]),
        (1, &json!("ann"), &json!(false)),
        "{own:?}"
    );
    assert_eq!((listed(&mall).len(), listed(&server.key).len()), (1, 3));
    let secret = made.json()["secret"].as_str().unwrap().to_owned();
    assert!(
        secret.len() == 64 && !server.get("/v1/webhooks").text.contains(&secret),
        "a secret is shown once"
    );
    for (body, status, field) in [
        (r#"{"url":"http://receiver.invalid/"}"#, 422, "url"),
        (r#"{"url":"https://127.0.0.1/"}"#, 422, "url"),
        (r#"{"url":"https://[::ffff:10.0.0.1]/"}"#, 422, "url"),
        (r#"{"url":"https://receiver.invalid/","types":["weather"]}"#, 422, "types"),
        (
            r#"{"url":"https://receiver.invalid/","types":["account.credited","account.credited"]}"#,
            422,
            "types",
        ),
        (r#"{"url":"https://ann:secret@receiver.invalid/"}"#, 422, "url"),
        (r#"{"url":"https://2130706433/"}"#, 422, "url"),
        (r#"{"url":"https://0x7f.1/"}"#, 422, "url"),
        (r#"{"url":"https://localhost./"}"#, 422, "url"),
        (r#"{"url":"https://receiver.invalid/","inside":true}"#, 400, "inside"),
        (r#"{"url":"https://receiver.invalid/","account":"ben"}"#, 403, "account"),
        (r#"["https://receiver.invalid/"]"#, 400, "body"),
        ("{}", 400, "url"),
    ] {
        let refused = create(&ann, "wrong", body).problem();
        assert_eq!((refused.0, &*refused.2), (status, field), "{body}: {refused:?}");
    }
    let long = json!({ "url": format!("https://receiver.invalid/{}", "x".repeat(2_048)) }).to_string();
    assert_eq!(create(&ann, "long", &long).problem().2, "url");
    assert_eq!(create(&ann, "", hook).status, 422);
    for number in 2..=8 {
        assert_eq!(create(&ann, &number.to_string(), hook).status, 200, "{number}");
    }
    assert_eq!(create(&ann, "9", hook).problem().1, "too_many");
    let remove =
        |key: &str, id: &str| server.post_with(key, &format!("/v1/webhooks/{id}/remove"), "x", &[], "");
    let id = made.json()["webhook"].as_str().unwrap().to_owned();
    assert_eq!(remove(&mall, &id).problem().1, "unknown_webhook", "somebody else's");
    assert_eq!(remove(&ann, &id).json(), json!({ "type": "webhook_removed", "removed": id }));
    assert_eq!(remove(&ann, &id).problem(), (404, "unknown_webhook".to_owned(), "webhook".to_owned()));
    assert_eq!((listed(&ann).len(), create(&ann, "9", hook).status), (7, 200));
}
