//! Passwords and the sessions that begin with them, as whoever logs in meets them.

use std::io::Write;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::server::{JSON, Response, Server, Store};
use crate::{open_the_mall, posted};

const PASSWORD: &str = "correct horse battery";

pub fn log_in(server: &Server, account: &str, password: &str) -> Response {
    let body = json!({ "account": account, "password": password });
    server.ask("POST", "/v1/sessions", &[("Content-Type", JSON)], body.to_string().as_bytes())
}

/// The token of a session that begins.
pub fn token(server: &Server, account: &str, password: &str) -> String {
    let begun = log_in(server, account, password);
    assert_eq!(begun.status, 200, "{begun:?}");
    begun.json()["token"].as_str().unwrap().to_owned()
}

pub fn set(server: &Server, key: &str, account: &str, body: &Value) -> Response {
    let bearer = format!("Bearer {key}");
    let headers = [("Authorization", &*bearer), ("Content-Type", JSON)];
    server.ask("POST", &format!("/v1/accounts/{account}/password"), &headers, body.to_string().as_bytes())
}

fn look(server: &Server, key: &str, account: &str) -> u16 {
    server.get_with(key, &format!("/v1/accounts/{account}"), &[]).status
}

/// Where a session is over, and not merely unknown.
fn has_ended(server: &Server, token: &str) -> bool {
    let response = server.get_with(token, "/v1/accounts/eve", &[]);
    response.status == 401 && response.problem() == (401, "session_ended".to_owned(), String::new())
}

fn until(what: &str, holds: impl Fn() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < Duration::from_secs(10), "{what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn eve_logs_in_and_buys_and_her_session_outlasts_a_kill_but_not_her_password() {
    let store = Store::new();
    let server = store.serve();
    open_the_mall(&server, 2, &["ann", "eve"]);
    let done = set(&server, &server.key, "eve", &json!({ "password": PASSWORD }));
    assert_eq!(done.json(), json!({ "type": "password_set", "account": "eve" }));
    let begun = log_in(&server, "eve", PASSWORD).json();
    let token = begun["token"].as_str().unwrap();
    assert!(token.starts_with("hongbao_session_"), "{token}");
    assert_eq!((&begun["type"], &begun["account"]), (&json!("session"), &json!("eve")));
    let ends: jiff::Timestamp = begun["expires_at"].as_str().unwrap().parse().unwrap();
    let lasts = ends.as_second() - jiff::Timestamp::now().as_second();
    assert!((880..=900).contains(&lasts), "{lasts} s");
    let bought = server.post_with(token, "/v1/offerings/teapot/purchases", "buy", &[], "");
    assert_eq!(bought.json()["serial"], 1);
    assert_eq!(posted(&server, "eve"), "400.00");
    assert_eq!(look(&server, token, "ann"), 403, "it is eve's alone");
    server.kill();
    let server = store.serve();
    let again = server.post_with(token, "/v1/offerings/teapot/purchases", "buy 2", &[], "");
    assert_eq!(again.json()["serial"], 2, "{again:?}");
    let new = json!({ "password": "another horse", "current_password": PASSWORD });
    assert_eq!(set(&server, token, "eve", &new).status, 200);
    assert!(has_ended(&server, token), "the session has ended with its password");
    assert_eq!(log_in(&server, "eve", PASSWORD).status, 401);
    assert_eq!(log_in(&server, "eve", "another horse").status, 200);
    assert!(server.end());
}

#[test]
fn wrong_passwords_have_one_answer_and_then_pauses_and_keys_count_meanwhile() {
    let store = Store::new();
    let eve = store.key(&["account", "--account", "eve"]);
    let server = store.serve();
    open_the_mall(&server, 1, &["ann", "eve"]);
    assert_eq!(set(&server, &eve, "eve", &json!({ "password": PASSWORD })).status, 200);
    // Eve's password is another, ann has none, and nobody is no account.
    let tries = ["eve", "ann", "nobody"].map(|account| {
        let wrong: Vec<Response> = (0..5).map(|_| log_in(&server, account, "incorrect horse")).collect();
        for response in &wrong {
            assert_eq!(response.problem(), (401, "wrong_password".to_owned(), "password".to_owned()));
        }
        // Each pause is longer than the one before, so a slow machine falls into one of them.
        let tried = (0..8).map(|_| log_in(&server, account, "incorrect horse"));
        let paused = tried.into_iter().find(|response| response.status == 429).expect("there is a pause");
        assert_eq!(paused.problem(), (429, "too_many_tries".to_owned(), "password".to_owned()));
        assert!(paused.retry_after.is_some_and(|seconds| seconds >= 1), "{paused:?}");
        let mut texts: Vec<String> = wrong.into_iter().map(|response| response.text).collect();
        texts.dedup();
        texts
    });
    assert!(tries[0].len() == 1 && tries[1..].iter().all(|texts| *texts == tries[0]), "{tries:?}");
    assert_eq!(look(&server, &eve, "eve"), 200, "her key counts");
    until("the pause ends", || log_in(&server, "eve", PASSWORD).status == 200);
    // A right one forgets the wrong ones.
    (0..5).for_each(|_| assert_eq!(log_in(&server, "eve", "incorrect horse").status, 401));
    let counted = server.get("/metrics").text;
    for told in [
        r#"{command="log_in",code="done"} 1"#,
        r#"{command="log_in",code="wrong_password"} "#,
        r#"{command="log_in",code="too_many_tries"} "#,
        r#"{command="set_password",code="done"} 1"#,
    ] {
        assert!(counted.contains(&format!("hongbao_messages_total{told}")), "{told}: {counted}");
    }
    assert!(server.end());
}

#[test]
fn a_password_is_set_and_removed_by_its_account_and_an_operator_alone() {
    let store = Store::new();
    let key = |role: &str| store.key(&[role, "--account", "eve"]);
    let (eve, supplier, shop) = (key("account"), key("supplier"), key("product-server"));
    let funds = store.key(&["funds-management"]);
    let ann = store.key(&["account", "--account", "ann"]);
    let server = store.serve();
    open_the_mall(&server, 1, &["ann", "eve"]);
    assert_eq!(set(&server, &eve, "eve", &json!({ "password": PASSWORD })).status, 200);
    let session = token(&server, "eve", PASSWORD);
    let remove = |key: &str, body: &str| {
        let bearer = format!("Bearer {key}");
        let headers = [("Authorization", &*bearer), ("Content-Type", JSON)];
        server.ask("POST", "/v1/accounts/eve/password/remove", &headers, body.as_bytes())
    };
    let new = "a horse of another";
    let current = |password: &str| json!({ "password": new, "current_password": password });
    let cases: [(&str, Value, (u16, &str, &str)); 10] = [
        ("", json!({ "password": new }), (401, "unauthenticated", "")),
        (&funds, json!({ "password": new }), (403, "not_allowed", "key")),
        (&supplier, json!({ "password": new }), (403, "not_allowed", "key")),
        (&shop, current(PASSWORD), (403, "not_allowed", "key")),
        (&ann, current(PASSWORD), (403, "not_allowed", "account")),
        (&session, json!({ "password": new }), (422, "missing", "current_password")),
        (&session, current("incorrect horse"), (401, "wrong_password", "current_password")),
        (&eve, current("incorrect horse"), (401, "wrong_password", "current_password")),
        (&eve, json!({ "password": "secret!" }), (422, "bad_text", "password")),
        (&eve, json!({ "password": 8_675_309_123_u64 }), (400, "malformed", "password")),
    ];
    for (number, (key, body, (status, code, field))) in cases.iter().enumerate() {
        let refused = set(&server, key, "eve", body);
        assert_eq!(refused.problem(), (*status, (*code).to_owned(), (*field).to_owned()), "{body}");
        for shown in ["secret!", "8675309123", new] {
            assert!(!refused.text.contains(shown), "{refused:?}");
        }
        if number < 8 {
            let body = json!({ "current_password": body["current_password"] }).to_string();
            let refused = remove(key, if body.contains("null") { "" } else { &body });
            assert_eq!(refused.problem(), (*status, (*code).to_owned(), (*field).to_owned()), "{body}");
        }
    }
    let unknown = set(&server, &server.key, "nobody", &json!({ "password": new }));
    assert_eq!(unknown.problem(), (404, "unknown_account".to_owned(), "account".to_owned()));
    let forms = [
        ("", (400, "malformed", "body")),
        (r#"{"account":"eve"}"#, (400, "malformed", "password")),
        (r#"{"account":"","password":"correct horse"}"#, (400, "malformed", "account")),
        (r#"["eve","correct horse"]"#, (400, "malformed", "body")),
        (r#"{"account":"eve","password":"correct horse","role":"operator"}"#, (400, "malformed", "role")),
    ];
    for (body, (status, code, field)) in forms {
        let refused = server.ask("POST", "/v1/sessions", &[("Content-Type", JSON)], body.as_bytes());
        assert_eq!(refused.problem(), (status, code.to_owned(), field.to_owned()), "{body}");
    }
    let no_json = server.ask("POST", "/v1/sessions", &[], b"account=eve");
    assert_eq!(no_json.problem().1, "not_json");
    let long = server.ask("POST", "/v1/sessions", &[("Content-Type", JSON)], &[b' '; 9_000]);
    assert_eq!(long.problem(), (413, "too_large".to_owned(), "body".to_owned()));
    // Nothing of all that has changed it.
    assert_eq!(look(&server, &session, "eve"), 200);
    token(&server, "eve", PASSWORD);
    assert_eq!(set(&server, &session, "eve", &current(PASSWORD)).status, 200);
    let session = token(&server, "eve", new);
    assert_eq!(remove(&session, &json!({ "current_password": new }).to_string()).status, 200);
    assert!(has_ended(&server, &session));
    let batch = server.messages(&session, JSON, "[]");
    assert_eq!(batch.problem(), (401, "session_ended".to_owned(), String::new()));
    assert_eq!(log_in(&server, "eve", new).status, 401);
    assert_eq!(remove(&server.key, "").json(), json!({ "type": "password_removed", "account": "eve" }));
    assert!(server.end());
}

/// Runs `hongbao passwords` with a line to read.
fn passwords(store: &Store, arguments: &[&str], typed: &str) -> (bool, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hongbao"));
    command.arg("passwords").args(arguments).arg("--data").arg(&store.data);
    let pipes = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = pipes.spawn().unwrap();
    child.stdin.take().unwrap().write_all(typed.as_bytes()).unwrap();
    let done = child.wait_with_output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (done.status.success(), text(done.stdout), text(done.stderr))
}

#[test]
fn a_running_server_takes_passwords_from_the_command_line_and_the_files_tell_none() {
    let store = Store::new();
    let server = store.serve();
    open_the_mall(&server, 1, &["eve"]);
    let set = |typed: &str| passwords(&store, &["set", "--account", "eve"], typed);
    let (done, told, wrong) = set(&format!("{PASSWORD}\r\n"));
    assert!(done && told.is_empty() && wrong.is_empty(), "{told} {wrong}");
    until("it is taken", || log_in(&server, "eve", PASSWORD).status == 200);
    let session = token(&server, "eve", PASSWORD);
    assert_eq!(passwords(&store, &["list"], "").1, "eve\n");
    for typed in ["", "secret!", &"x".repeat(129)] {
        let (done, told, wrong) = set(typed);
        assert!(!done && told.is_empty() && wrong.contains("give 8 to 128"), "{told} {wrong}");
        assert!(wrong.lines().count() == 1 && !wrong.contains("secret!"), "{wrong}");
    }
    assert!(set("another horse").0);
    until("the session ends", || has_ended(&server, &session));
    let session = token(&server, "eve", "another horse");
    for file in ["data.passwords.jsonl", "data.sessions.json"] {
        let path = store.data.with_file_name(file);
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(!text.contains("horse") && !text.contains(&session), "{text}");
        let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&path).unwrap().permissions());
        assert_eq!(mode & 0o777, 0o600, "{file}");
    }
    assert!(passwords(&store, &["remove", "--account", "eve"], "").0);
    until("the session ends", || has_ended(&server, &session));
    assert_eq!(passwords(&store, &["list"], "").1, "");
    let file = std::fs::read_to_string(store.data.with_file_name("data.passwords.jsonl")).unwrap();
    assert_eq!(file, "", "nothing is left of it");
    let (done, _, why) = passwords(&store, &["remove", "--account", "eve"], "");
    assert!(!done && why.contains("eve has no password"), "{why}");
    assert!(server.end());
}

#[test]
fn a_feed_of_a_session_ends_with_it() {
    let store = Store::new();
    let server = store.serve();
    open_the_mall(&server, 1, &["eve"]);
    assert_eq!(set(&server, &server.key, "eve", &json!({ "password": PASSWORD })).status, 200);
    let session = token(&server, "eve", PASSWORD);
    let mut feed =
        crate::events::Listener::to(&server, &session, "?after=0&types=account.status_changed", "");
    server.done("/v1/accounts/eve/freeze", "freeze", "", "");
    assert_eq!(feed.next().unwrap()["type"], "account.status_changed");
    assert!(passwords(&store, &["remove", "--account", "eve"], "").0);
    assert_eq!(feed.next(), None);
    assert!(server.end());
}
