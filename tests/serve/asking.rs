//! What a client asks for beside its commands: a lost answer, a condition, and what has become of its account.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::json;

use crate::server::{JSON, Store};
use crate::{open_the_mall, posted};

#[test]
fn a_lost_answer_is_asked_for_by_its_key_alone() {
    let store = Store::new();
    let server = store.serve();
    open_the_mall(&server, 2, &["ann", "eve"]);
    let bought = server.done("/v1/offerings/teapot/purchases", "buy it", "eve", "");
    let asked = |path: &str, who: &str| server.get_with(&server.key, path, &[("On-Behalf-Of", who)]);
    let told = asked("/v1/offerings/teapot/requests/buy%20it", "eve");
    assert_eq!((told.status, &told.json()), (200, &json!({ "type": "request", "answer": bought })));
    let certificate = format!("/v1/offerings/teapot/certificates/{}/requests/buy%20it", bought["serial"]);
    assert_eq!(asked(&certificate, "eve").json(), told.json());
    for (path, who) in [
        ("/v1/offerings/teapot/requests/buy%20it", "ann"),
        ("/v1/offerings/teapot/requests/another", "eve"),
        ("/v1/accounts/eve/requests/buy%20it", "eve"),
    ] {
        assert_eq!(
            asked(path, who).problem(),
            (404, "unknown_request".to_owned(), String::new()),
            "{path} {who}"
        );
    }
    let pay = json!({ "to": "ann", "amount": "1.50", "currency": "USD" });
    let paid = server.done("/v1/transfers", "pay", "eve", &pay.to_string());
    assert_eq!(asked("/v1/accounts/eve/requests/pay", "eve").json()["answer"], paid);
    // The institution's own, to the same account.
    assert_eq!(server.get("/v1/accounts/eve/requests/open%20eve").json()["answer"]["type"], "opened");
    drop(server);
    let server = store.serve();
    let headers = [("On-Behalf-Of", "eve")];
    let again = server.get_with(&server.key, "/v1/offerings/teapot/requests/buy%20it", &headers).json();
    assert_eq!(again["answer"], bought, "after a kill");
}

#[test]
fn of_many_that_ask_at_once_each_gets_its_own_answer() {
    let store = Store::new();
    let server = store.serve();
    open_the_mall(&server, 2, &["eve"]);
    let ask = &|client: u32| {
        for round in 0..20_u32 {
            let amount = format!("{}.{:02}", client + 1, round + 1);
            let pay = json!({ "to": "eve", "amount": amount, "currency": "USD" }).to_string();
            let id = format!("pay {client} {round}");
            let paid = server.post("/v1/transfers", &id, "mall", &pay);
            assert_eq!((paid.status, paid.replayed), (200, false), "{paid:?}");
            assert_eq!(paid.json()["amount"], amount, "{paid:?}");
            let again = server.post("/v1/transfers", &id, "mall", &pay);
            assert_eq!((&again.text, again.replayed), (&paid.text, true));
            let refused =
                server.post("/v1/transfers", &format!("{id} to nobody"), "mall", &pay.replace("eve", &id));
            assert_eq!(refused.problem(), (404, "unknown_account".to_owned(), "to".to_owned()));
            assert!(refused.text.contains(&id), "{refused:?}");
        }
    };
    std::thread::scope(|scope| (0..16).for_each(|client| drop(scope.spawn(move || ask(client)))));
}

#[test]
fn a_body_in_several_pieces_is_read_as_one() {
    let store = Store::new();
    let server = store.serve();
    open_the_mall(&server, 2, &["eve"]);
    let pay = json!({ "to": "mall", "amount": "1.25", "currency": "USD" }).to_string();
    let address = server.address.strip_prefix("http://").unwrap();
    for (round, pieces) in [1, 2, 3, pay.len()].into_iter().enumerate() {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_nodelay(true).unwrap();
        let (key, length) = (&server.key, pay.len());
        write!(
            stream,
            "POST /v1/transfers HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {key}\r\nOn-Behalf-Of: eve\r\nIdempotency-Key: {round}\r\n\
             Content-Type: Application/JSON; charset=utf-8\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
        )
        .unwrap();
        for piece in pay.as_bytes().chunks(length.div_ceil(pieces)) {
            std::thread::sleep(Duration::from_millis(2));
            stream.write_all(piece).unwrap();
        }
        let mut response = String::new();
        stream.read_to_string(&mut response).unwrap();
        assert!(
            response.starts_with("HTTP/1.1 200") && response.contains("\"1.25\""),
            "{pieces}: {response}"
        );
    }
}

#[test]
fn a_message_on_condition_is_done_or_changes_nothing() {
    let store = Store::new();
    let server = store.serve();
    open_the_mall(&server, 2, &["eve"]);
    let eve = server.get("/v1/accounts/eve").json();
    let tag = format!("\"{}\"", eve["sequence"]);
    let pay = json!({ "to": "mall", "amount": "1.00", "currency": "USD" }).to_string();
    let post = |id: &str, tag: &str| {
        let headers = [("On-Behalf-Of", "eve"), ("If-Match", tag)];
        server.post_with(&server.key, "/v1/transfers", id, &headers, &pay)
    };
    assert_eq!(
        post("pay", "\"999\"").problem(),
        (412, "sequence_mismatch".to_owned(), "if_sequence".to_owned())
    );
    assert_eq!(post("pay", &tag).status, 200);
    assert_eq!(post("pay", &tag).status, 200, "a repeat");
    assert_eq!(post("pay again", &tag).problem().1, "sequence_mismatch");
    assert_eq!(post("pay at any time", "*").status, 200);
    for wrong in ["x", "\"17", "\"\"", "\"-1\"", "W/\"17\"", "\"99999999999999999999\"", "\"1\", \"2\""] {
        assert_eq!(
            post("wrong", wrong).problem(),
            (400, "malformed".to_owned(), "If-Match".to_owned()),
            "{wrong}"
        );
    }
    let headers = [("On-Behalf-Of", "eve"), ("If-Match", "\"999\"")];
    for (path, field) in
        [("/v1/messages", "If-Match"), ("/v1/webhooks", "If-Match"), ("/v1/messages?show=account", "query")]
    {
        let headers = if field == "query" { &headers[..1] } else { &headers };
        let refused = server.post_with(&server.key, path, "not looked at", headers, "[]").problem();
        assert_eq!((refused.0, &*refused.2), (400, field), "{path}");
    }
    let batch = json!([
        { "idempotency_key": "1", "on_behalf_of": "eve", "if_sequence": 999, "command": { "transfer": { "to": "mall", "amount": "1.00", "currency": "USD" } } },
        { "idempotency_key": "2", "on_behalf_of": "eve", "command": { "purchase": { "offering": "teapot", "price_max": "99.99", "currency": "USD" } } },
        { "idempotency_key": "3", "on_behalf_of": "eve", "command": { "purchase": { "offering": "teapot", "price_max": "99.99" } } },
        { "idempotency_key": "4", "on_behalf_of": "eve", "command": { "reserve": { "offering": "teapot", "currency": "USD" } } },
        { "idempotency_key": "5", "on_behalf_of": "eve", "command": { "purchase": { "offering": "teapot", "price_max": "1", "currency": "EUR" } } },
        { "idempotency_key": "6", "on_behalf_of": "eve", "command": { "purchase": { "offering": "teapot", "price_max": "100", "currency": "USD" } } },
    ]);
    let answers = server.messages(&server.key, JSON, &batch.to_string()).json();
    let told: Vec<(u64, &str)> = answers
        .as_array()
        .unwrap()
        .iter()
        .map(|item| (item["status"].as_u64().unwrap(), item["problem"]["code"].as_str().unwrap_or("done")))
        .collect();
    let expected = [
        (412, "sequence_mismatch"),
        (412, "price_above_max"),
        (422, "missing"),
        (422, "missing"),
        (422, "currency_mismatch"),
        (200, "done"),
    ];
    assert_eq!(told, expected, "{answers}");
    assert_eq!(posted(&server, "eve"), "398.00");
}

#[test]
fn an_answer_shows_the_balances_and_the_chains_behind_it_where_it_is_asked_to() {
    let store = Store::new();
    let server = store.serve();
    open_the_mall(&server, 3, &["ann", "eve"]);
    server.done("/v1/offerings/teapot/certificates/2/circulations", "share", "ann", "");
    let path = "/v1/offerings/teapot/certificates/2/purchases?show=account,certificate";
    let bought = server.done(path, "buy", "eve", "");
    let shown = &bought["shown"];
    assert_eq!(
        (&bought["type"], &shown["account"]["posted"]),
        (&json!("purchased"), &json!("400.00")),
        "{bought}"
    );
    assert_eq!(shown["account"], server.get("/v1/accounts/eve").json().take_type("account"));
    let hop = &shown["certificate"]["chain"][0];
    assert_eq!(
        (&hop["account"], &hop["promise"], &hop["cashed"]),
        (&json!("ann"), &json!("2.00"), &json!(true))
    );
    assert!(shown.get("offering").is_none());
    assert_eq!(shown["certificate"]["chain_head"].as_str().unwrap().len(), 64);
    let money = json!({ "amount": "5.00", "currency": "USD" }).to_string();
    let deposited = server.done("/v1/accounts/ann/deposits?show=account&show=offering", "more", "", &money);
    assert_eq!(deposited["shown"]["account"]["posted"], "507.00", "{deposited}");
    assert!(deposited["shown"].get("offering").is_none(), "a deposit names none");
    for (query, field) in
        [("?show=everything", "show"), ("?show=account,account", "show"), ("?shown=account", "shown")]
    {
        let path = format!("/v1/offerings/teapot/purchases{query}");
        let refused = server.post(&path, "wrong", "eve", "");
        assert_eq!(refused.problem(), (400, "malformed".to_owned(), field.to_owned()));
    }
    let batch = json!([
        { "idempotency_key": "1", "on_behalf_of": "eve", "show": ["offering", "certificate"], "command": { "purchase": { "offering": "teapot" } } },
        { "idempotency_key": "2", "on_behalf_of": "eve", "show": ["account"], "command": { "purchase": { "offering": "nothing" } } },
    ]);
    let answers = server.messages(&server.key, JSON, &batch.to_string()).json();
    let shown = &answers[0]["shown"];
    assert_eq!(
        (&shown["offering"]["sold"], &shown["certificate"]["sale"]["buyer"]),
        (&json!(2), &json!("eve")),
        "{answers}"
    );
    assert!(answers[1].get("shown").is_none() && answers[1]["status"] == 404, "{answers}");
}

trait WithoutItsType {
    fn take_type(self, expected: &str) -> Self;
}

impl WithoutItsType for serde_json::Value {
    /// A view without the member that says what it is.
    fn take_type(mut self, expected: &str) -> serde_json::Value {
        assert_eq!(self.as_object_mut().unwrap().remove("type"), Some(json!(expected)));
        self
    }
}
