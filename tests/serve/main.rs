//! The engine on the network, as its users meet it: the real program, over HTTP.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on should end there"
)]

mod advice;
mod asking;
mod events;
mod grpc;
mod history;
mod management;
mod metrics;
mod passwords;
mod product_server;
mod rates;
mod readme;
mod repeats;
mod roles;
mod server;
mod settings;
mod snapshots;
mod tls;
mod traces;
mod webhooks;
mod wrong;

use std::io::Write;
use std::net::TcpStream;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use server::{JSON, NDJSON, Server, Store};

/// A mall with a teapot of which there are `items`, with a commission, and buyers with money.
fn open_the_mall(server: &Server, items: u32, buyers: &[&str]) {
    let open = |name: &str, deposit: &str| {
        let body = json!({ "account": name, "currency": "USD", "deposit": deposit });
        server.done("/v1/accounts", &format!("open {name}"), "", &body.to_string());
    };
    open("mall", "100000.00");
    buyers.iter().for_each(|buyer| open(buyer, "500.00"));
    let offer = json!({
        "offering": "teapot",
        "offer": {
            "payee": "mall", "price": "100.00", "currency": "USD", "items": items,
            "information": { "product_name": "a teapot", "settlement": "at purchase" },
        },
    });
    server.done("/v1/offerings", "issue", "mall", &offer.to_string());
    let commission = json!({ "terms": { "funded": "10.00", "attached": "2.00" }, "currency": "USD" });
    server.done("/v1/offerings/teapot/commission", "attach", "mall", &commission.to_string());
    server.done("/v1/offerings/teapot/publish", "publish", "mall", "");
}

fn posted(server: &Server, account: &str) -> String {
    server.get(&format!("/v1/accounts/{account}")).json()["posted"].as_str().unwrap().to_owned()
}

#[test]
fn a_teapot_is_shared_and_bought_over_the_network() {
    let store = Store::new();
    let server = store.serve();
    open_the_mall(&server, 2, &["ann", "ben", "eve"]);
    let circulated = server.done("/v1/offerings/teapot/circulations", "share", "ann", "");
    assert_eq!((&circulated["type"], &circulated["serial"]), (&json!("circulated"), &json!(1)));
    server.done(
        "/v1/offerings/teapot/certificates/1/circulations",
        "share",
        "ben",
        r#"{"via":{"private_page":"ann"}}"#,
    );
    let bought =
        server.done("/v1/offerings/teapot/certificates/1/purchases", "buy", "eve", r#"{"via":"link"}"#);
    let commission = json!({ "became": "settled", "cashed": "4.00", "promises": 2, "returned": "6.00" });
    assert_eq!((&bought["price"], &bought["commission"]), (&json!("100.00"), &commission));
    assert_eq!(["ann", "ben", "eve"].map(|who| posted(&server, who)), ["502.00", "502.00", "400.00"]);
    // 20.00 are in the envelopes of two, 100.00 came in, 6.00 came back.
    assert_eq!(posted(&server, "mall"), "100086.00");

    let certificate = server.get("/v1/offerings/teapot/certificates/1").json();
    let chain: Vec<&Value> =
        certificate["chain"].as_array().unwrap().iter().map(|hop| &hop["account"]).collect();
    assert_eq!(chain, [&json!("ann"), &json!("ben")]);
    assert_eq!(certificate["chain"][1]["via"], json!({ "private_page": "ann" }));
    assert_eq!(certificate["sale"]["buyer"], "eve");
    let link = certificate["link"].as_str().unwrap();
    assert_eq!(server.get(&format!("/v1/links/{link}")).json()["certificate"], certificate);
    let page = server.get("/v1/accounts/ann/page").json();
    assert_eq!((&page["data"][0]["certificate"], &page["has_more"]), (&certificate, &json!(false)));
    let found =
        server.get("/v1/platform?words=teapot&currency=USD&price_max=100&in_stock=true&limit=1").json();
    assert_eq!(found["data"][0]["live"]["left"], 1, "{found}");
    assert_eq!(server.get("/v1/platform?words=kettle").json()["data"], json!([]));
    assert!(server.end(), "it ends well when it is told to");
    assert_eq!(store.audit()["sealed"], true);
}

#[test]
fn a_gift_goes_all_its_way_over_the_network() {
    let store = Store::new();
    let server = store.serve();
    for (account, deposit) in [("ann", "100.00"), ("bob", "0"), ("till", "0"), ("shop", "0")] {
        let body = json!({ "account": account, "currency": "EUR", "deposit": deposit });
        server.done("/v1/accounts", account, "", &body.to_string());
    }
    server.done("/v1/merchants/shop/register", "register", "", r#"{"payee":"till"}"#);
    let give = json!({
        "recipient": "bob", "merchant": "shop", "price": "30.00", "currency": "EUR",
        "object": { "goods": { "kind": "product", "description": "a kettle" } },
        "expires_at": "2999-12-31T23:59:59.5Z",
    });
    let given = server.done("/v1/gifts", "birthday/1", "ann", &give.to_string());
    assert_eq!(given["expires_at"], "2999-12-31T23:59:59.500Z");
    let withhold = json!({
        "order": "order 1", "amount": "30.00", "currency": "EUR",
        "from": { "gift": { "recipient": "bob", "donor": "ann", "gift": "birthday/1" } },
    });
    let early = server.post("/v1/orders", "early", "shop", &withhold.to_string());
    assert_eq!(early.problem(), (409, "gift_not_accepted".to_owned(), String::new()));
    // The gift's id has a slash, which a path writes as %2F.
    server.done("/v1/gifts/ann/birthday%2F1/accept", "accept", "bob", "");
    server.done("/v1/orders", "withhold", "shop", &withhold.to_string());
    server.done("/v1/orders/order%201/provide", "provide", "shop", "");
    let gift = server.get("/v1/accounts/bob/gifts/ann/birthday%2F1").json();
    assert_eq!((&gift["state"], &gift["merchant"]), (&json!("provided"), &json!("shop")), "{gift}");
    assert_eq!(gift["order"], json!({ "merchant": "shop", "order": "order 1" }));
    let order = server.get_with(&server.key, "/v1/orders/order%201", &[("On-Behalf-Of", "shop")]).json();
    assert_eq!((&order["state"], &order["payee"]), (&json!("provided"), &json!("till")), "{order}");
    assert_eq!(posted(&server, "till"), "30.00");
    // A history adds up: what the gift has brought in goes out again.
    let rows = server.get("/v1/accounts/bob/entries").json();
    let moved: Vec<(&Value, &Value, &Value)> = rows["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| (&row["type"], &row["direction"], &row["amount"]))
        .collect();
    for (kind, direction) in [("gift_withheld", "in"), ("debited", "out")] {
        assert!(moved.contains(&(&json!(kind), &json!(direction), &json!("30.00"))), "{moved:?}");
    }
    // What is withheld by a mandate can be reversed, whose answer needs the order's currency.
    server.done("/v1/accounts/bob/deposits", "5", "", r#"{"amount":"5.00","currency":"EUR"}"#);
    let mandate = r#"{"merchant":"shop","amount_max":"5.00","amount_max_per_use":"5.00","currency":"EUR"}"#;
    server.done("/v1/mandates", "mandate", "bob", mandate);
    let withhold = json!({
        "order": "order 2", "amount": "5.00", "currency": "EUR",
        "from": { "mandate": { "recipient": "bob", "mandate": "mandate" } },
    });
    server.done("/v1/orders", "withhold 2", "shop", &withhold.to_string());
    let reversed = server.done("/v1/orders/order%202/reverse", "reverse", "shop", "");
    let answer = [&reversed["type"], &reversed["paid"], &reversed["currency"]];
    assert_eq!(answer, [&json!("order_reversed"), &json!("5.00"), &json!("EUR")]);
    assert_eq!((posted(&server, "till"), posted(&server, "bob")), ("30.00".to_owned(), "5.00".to_owned()));
    assert!(server.post("/v1/orders/order%202/reverse", "reverse", "shop", "").replayed);
    assert!(server.end());
    assert_eq!(store.audit()["audit"], "ok");
}

#[test]
fn a_look_is_answered_whatever_key_somebody_has_given_a_request() {
    let store = Store::new();
    let server = store.serve();
    open_the_mall(&server, 1, &["eve"]);
    for id in ["look", "reverse"] {
        server.done("/v1/accounts/eve/deposits", id, "", r#"{"amount":"1.00","currency":"USD"}"#);
        assert_eq!(server.get("/v1/accounts/eve").status, 200, "{id}");
    }
    let look = r#"{"idempotency_key":"look","command":{"show_account":{"account":"eve"}}}"#;
    assert_eq!(server.messages(&server.key, JSON, &format!("[{look}]")).json()[0]["status"], 200);
    assert_eq!(server.get("/v1/offerings/teapot").status, 200);
    assert!(server.end());
}

#[test]
fn the_same_key_gives_the_same_answer_through_both_doors() {
    let store = Store::new();
    let server = store.serve();
    open_the_mall(&server, 3, &["eve"]);
    let buy = |body: &str| server.post("/v1/offerings/teapot/purchases", "buy", "eve", body);
    let (response, repeated) = (buy(""), buy("{}"));
    let first = response.json();
    assert_eq!((response.status, repeated.json()), (200, first.clone()));
    assert_eq!((response.replayed, repeated.replayed), (false, true));
    assert!(!server.get("/v1/offerings/teapot").replayed, "a look is no repeat");
    let again =
        r#"{"idempotency_key":"buy","on_behalf_of":"eve","command":{"purchase":{"offering":"teapot"}}}"#;
    let new = again.replace("\"buy\"", "\"buy 2\"");
    let answers = server.messages(&server.key, JSON, &format!("[{again},{new},{again}]")).json();
    assert_eq!((&answers[0]["answer"], &answers[2]["answer"]), (&first, &first));
    assert_eq!((&answers[1]["status"], &answers[1]["answer"]["serial"]), (&json!(200), &json!(2)));
    let replayed = [0, 1, 2].map(|place| answers[place]["replayed"].clone());
    assert_eq!(replayed, [json!(true), Value::Null, json!(true)]);
    let lines = server.messages(&server.key, NDJSON, &format!("{again}\n\n{new}\n"));
    assert_eq!(lines.content_type, NDJSON);
    let lines: Vec<Value> = lines.text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let mut second = answers[1].clone();
    second["replayed"] = json!(true);
    assert_eq!(lines, [answers[0].clone(), second]);
    let reused = server.post("/v1/offerings/teapot/purchases", "buy", "eve", r#"{"serial":3}"#);
    assert_eq!(reused.problem().1, "id_reused");
    assert_eq!(posted(&server, "eve"), "300.00");
}

#[test]
fn a_batch_answers_each_message_in_its_place() {
    let store = Store::new();
    let server = store.serve();
    open_the_mall(&server, 1, &["ann", "eve"]);
    let buy = |id: &str, who: &str| json!({ "idempotency_key": id, "on_behalf_of": who, "command": { "purchase": { "offering": "teapot" } } });
    let body = json!([
        buy("1", "ann"),
        { "idempotency_key": "2", "command": { "purchas": {} } },
        buy("3", "eve"),
        { "idempotency_key": "4", "command": { "deposit": { "account": "ann", "amount": "0.001", "currency": "USD" } } },
        7,
    ]);
    let answers = server.messages(&server.key, JSON, &body.to_string()).json();
    let statuses: Vec<&Value> = answers.as_array().unwrap().iter().map(|answer| &answer["status"]).collect();
    assert_eq!(statuses, [&json!(200), &json!(400), &json!(409), &json!(422), &json!(400)]);
    let codes: Vec<&Value> =
        answers.as_array().unwrap().iter().map(|answer| &answer["problem"]["code"]).collect();
    let malformed = json!("malformed");
    assert_eq!(
        codes,
        [&Value::Null, &malformed, &json!("sold_out"), &json!("too_many_decimals"), &malformed]
    );
    assert_eq!((&answers[2]["idempotency_key"], &answers[3]["idempotency_key"]), (&json!("3"), &json!("4")));
    assert_eq!(server.messages(&server.key, JSON, "[]").json(), json!([]));
    let many: Vec<Value> = (0..8_191).map(|id| buy(&id.to_string(), "ann")).collect();
    let refused = server.messages(&server.key, JSON, &Value::from(many[..].to_vec()).to_string());
    assert_eq!(refused.problem(), (422, "bad_value".to_owned(), "messages".to_owned()));
    let taken = server.messages(&server.key, JSON, &Value::from(many[1..].to_vec()).to_string()).json();
    assert_eq!(taken.as_array().unwrap().len(), 8_190);
}

#[test]
fn a_key_counts_within_a_second_and_until_it_is_revoked() {
    let store = Store::new();
    let server = store.listen(&[]);
    server.until_ready();
    let look = |key: &str| server.get_with(key, "/v1/platform", &[]).status;
    let until = |key: &str, status: u16| {
        let begun = Instant::now();
        while look(key) != status {
            assert!(begun.elapsed() < Duration::from_secs(10), "{key} is not {status}");
            std::thread::sleep(Duration::from_millis(20));
        }
    };
    assert_eq!((look(""), look("hongbao_0_0")), (401, 401));
    let (first, second) = (store.key(&["operator"]), store.key(&["supplier", "--account", "mall"]));
    until(&first, 200);
    until(&second, 200);
    let id = first.split('_').nth(1).unwrap();
    store.keys(&["revoke", id]);
    until(&first, 401);
    assert_eq!(look(&second), 200);
    let list = store.keys(&["list"]);
    assert_eq!(list.lines().count(), 2);
    assert!(list.lines().any(|line| line.contains(id) && line.contains("revoked")), "{list}");
    let secrets = [first, second].map(|key| key.split('_').nth(2).unwrap().to_owned());
    assert!(secrets.iter().all(|secret| !list.contains(secret)), "{list}");
}

#[test]
fn each_role_does_its_own_work_at_both_doors_and_nothing_else() {
    let store = Store::new();
    let key = |role: &[&str]| store.key(role);
    let funds = key(&["funds-management"]);
    let ann = key(&["account", "--account", "ann"]);
    let mall = key(&["supplier", "--account", "mall"]);
    let shop = key(&["product-server", "--account", "shop"]);
    let server = store.listen(&["--dev"]);
    server.until_ready();
    open_the_mall(&server, 1, &["ann", "shop"]);
    let before = server.get("/v1/accounts/ann").json();
    // The path and the body of a resource, the same as a command, and by whom it is refused.
    let cases: [(&str, Value, &str, Value, &[&str]); 5] = [
        (
            "/v1/accounts/ann/deposits",
            json!({ "amount": "1.00", "currency": "USD" }),
            "deposit",
            json!({ "account": "ann", "amount": "1.00", "currency": "USD" }),
            &[&ann, &mall, &shop],
        ),
        (
            "/v1/transfers",
            json!({ "to": "mall", "amount": "1.00", "currency": "USD" }),
            "transfer",
            json!({ "to": "mall", "amount": "1.00", "currency": "USD" }),
            &[&funds, &mall, &shop],
        ),
        (
            "/v1/offerings/teapot/purchases",
            json!({}),
            "purchase",
            json!({ "offering": "teapot" }),
            &[&funds, &mall, &shop],
        ),
        (
            "/v1/offerings/teapot/publish",
            json!({}),
            "publish",
            json!({ "offering": "teapot" }),
            &[&funds, &shop],
        ),
        ("/v1/orders/order/provide", json!({}), "provide", json!({ "order": "order" }), &[&funds, &mall]),
    ];
    for (place, (path, body, name, fields, refused)) in cases.iter().enumerate() {
        for key in *refused {
            let id = format!("{place}");
            let alone = server.post_with(key, path, &id, &[], &body.to_string());
            assert_eq!(
                alone.problem(),
                (403, "not_allowed".to_owned(), "key".to_owned()),
                "{path}: {alone:?}"
            );
            let message = json!([{ "idempotency_key": id, "command": { *name: fields } }]);
            let batch = server.messages(key, JSON, &message.to_string()).json();
            let told = (&batch[0]["status"], &batch[0]["problem"]["code"], &batch[0]["problem"]["field"]);
            assert_eq!(told, (&json!(403), &json!("not_allowed"), &json!("key")), "{name}: {batch}");
        }
    }
    // Nobody speaks for somebody else, and nobody looks into another's account.
    for key in [&ann, &mall, &shop, &funds] {
        let other =
            server.post_with(key, "/v1/offerings/teapot/publish", "x", &[("On-Behalf-Of", "eve")], "");
        let field = "on_behalf_of".to_owned();
        assert_eq!(other.problem(), (403, "not_allowed".to_owned(), field), "{other:?}");
    }
    for key in [&mall, &shop] {
        assert_eq!(server.get_with(key, "/v1/accounts/ann", &[]).problem().0, 403);
    }
    assert_eq!(server.get("/v1/accounts/ann").json(), before, "nothing was changed");
    assert_eq!(server.get("/v1/offerings/teapot").json()["sold"], 0);
    // And each does its own.
    assert_eq!(server.get_with(&ann, "/v1/accounts/ann", &[]).json(), before);
    let deposit =
        server.post_with(&funds, "/v1/accounts/ann/deposits", "d", &[], r#"{"amount":"1","currency":"USD"}"#);
    assert_eq!(deposit.json()["posted"], "501.00");
    assert_eq!(server.post_with(&ann, "/v1/offerings/teapot/purchases", "p", &[], "").status, 200);
    assert_eq!(
        server.post_with(&mall, "/v1/offerings/teapot/certificates/1/refund", "r", &[], "").status,
        200
    );
    let provide = server.post_with(&shop, "/v1/orders/order/provide", "o", &[], "");
    assert_eq!(provide.problem().1, "unknown_order", "{provide:?}");
}

#[test]
fn what_was_answered_is_there_after_a_kill_under_load_and_its_keys_give_the_first_answers() {
    const BUYERS: usize = 8;
    let store = Store::new();
    let names: Vec<String> = (0..BUYERS).map(|buyer| format!("buyer {buyer}")).collect();
    let mut answered: Vec<(usize, String, Value)> = Vec::new();
    for round in 0..3 {
        let server = store.serve();
        if round == 0 {
            open_the_mall(&server, 5_000, &[]);
            for name in &names {
                let body = json!({ "account": name, "currency": "USD", "deposit": "1000000" });
                server.done("/v1/accounts", name, "", &body.to_string());
            }
        }
        let (bearer, enough) = (format!("Bearer {}", server.key), answered.len() + 200 * (round + 1));
        let told = Mutex::new(&mut answered);
        std::thread::scope(|scope| {
            for (buyer, name) in names.iter().enumerate() {
                let (server, told, bearer) = (&server, &told, &*bearer);
                scope.spawn(move || {
                    for number in 0_u32.. {
                        let id = format!("buy {round} {number}");
                        let headers = [
                            ("Authorization", bearer),
                            ("On-Behalf-Of", name),
                            ("Idempotency-Key", &*id),
                            ("Content-Type", JSON),
                        ];
                        let path = "/v1/offerings/teapot/purchases";
                        let Ok(response) = server.try_to_ask("POST", path, &headers, b"{}") else { return };
                        assert_eq!(response.status, 200, "{response:?}");
                        told.lock().unwrap().push((buyer, id, response.json()));
                    }
                });
            }
            while told.lock().unwrap().len() < enough {
                std::thread::sleep(Duration::from_millis(1));
            }
            server.kill();
        });
    }
    let server = store.serve();
    println!("3 kills under load, {} answers that were received", answered.len());
    for (buyer, id, first) in &answered {
        let again = server.done("/v1/offerings/teapot/purchases", id, &names[*buyer], "{}");
        assert_eq!(&again, first, "buyer {buyer}, {id}");
    }
    let sold = server.get("/v1/offerings/teapot").json()["sold"].as_u64().unwrap();
    // At most one purchase of each buyer in each round was under way.
    let least = answered.len() as u64;
    assert!((least..=least + 3 * BUYERS as u64).contains(&sold), "{sold} are sold, {least} were answered");
    assert!(server.end());
    assert_eq!(store.audit()["sold"], sold);
}

#[test]
fn a_server_says_that_it_is_not_ready_and_that_its_address_is_taken() {
    let store = Store::new();
    let server = store.serve();
    assert_eq!(server.get("/livez").json(), json!({ "status": "alive" }));
    let address = server.address.strip_prefix("http://").unwrap();
    let other = Store::new();
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_hongbao"));
    let taken = command.args(["serve", "--listen", address, "--data"]).arg(&other.data).output().unwrap();
    let why = String::from_utf8(taken.stderr).unwrap();
    assert!(!taken.status.success() && why.contains("cannot listen on") && why.lines().count() == 1, "{why}");
    // The folder is in use: a second server finds that out before it listens, and ends with that.
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_hongbao"));
    let used =
        command.args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(&store.data).output().unwrap();
    let why = String::from_utf8(used.stderr).unwrap();
    assert!(!used.status.success() && why.contains("in use") && why.lines().count() == 1, "{why}");
    assert!(used.stdout.is_empty(), "it has listened: {}", String::from_utf8_lossy(&used.stdout));
}

#[test]
fn the_server_describes_itself_and_shows_a_page_without_a_key() {
    let store = Store::new();
    let server = store.serve();
    let described = server.ask("GET", "/openapi.json", &[], b"").json();
    assert_eq!(described["openapi"], "3.1.0");
    assert!(described["paths"].as_object().unwrap().len() > 40, "{described}");
    let page = server.ask("GET", "/docs/", &[], b"");
    assert!(page.status == 200 && page.text.contains("swagger-ui"), "{page:?}");
    let script = server.ask("GET", "/docs/swagger-initializer.js", &[], b"");
    assert!(script.status == 200 && script.text.contains("/openapi.json"), "{script:?}");
    assert_eq!(server.ask("GET", "/docs/../../etc/passwd", &[], b"").status, 404);
    let head = server.ask("HEAD", "/livez", &[], b"");
    assert_eq!((head.status, &*head.text), (200, ""));
    assert!(server.end());
}

#[test]
fn what_happens_is_counted_by_command_and_code() {
    let store = Store::new();
    let eve = store.key(&["account", "--account", "eve"]);
    let server = store.serve();
    open_the_mall(&server, 1, &["eve"]);
    for number in 0..3 {
        server.post("/v1/offerings/teapot/purchases", &format!("buy {number}"), "eve", "");
    }
    server.post("/v1/accounts", "again", "", r#"{"account":"eve","currency":"USD"}"#);
    server.post("/v1/accounts/eve/deposits", "no money", "", r#"{"amount":"x","currency":"USD"}"#);
    let response = server.get("/metrics");
    assert!(response.content_type.starts_with("application/openmetrics-text"), "{response:?}");
    for line in [
        r#"hongbao_messages_total{command="purchase",code="done"} 1"#,
        r#"hongbao_messages_total{command="purchase",code="sold_out"} 2"#,
        r#"hongbao_messages_total{command="open_account",code="name_taken"} 1"#,
        r#"hongbao_messages_total{command="deposit",code="not_a_number"} 1"#,
        "hongbao_ready 1",
        "hongbao_messages_under_way 0",
    ] {
        assert!(response.text.lines().any(|told| told == line), "{line}: {}", response.text);
    }
    assert_eq!(server.get_with(&eve, "/metrics", &[]).problem().0, 403);
    assert_eq!(server.ask("GET", "/metrics", &[], b"").status, 401);
    assert!(server.end());
}

#[test]
fn slow_idle_and_broken_off_connections_harm_nobody_else() {
    let store = Store::new();
    let server = store.serve();
    open_the_mall(&server, 5, &["eve"]);
    let address = server.address.strip_prefix("http://").unwrap();
    let mut held = Vec::new();
    for number in 0..600 {
        let mut connection = TcpStream::connect(address).unwrap();
        let begun = match number % 4 {
            0 => String::new(),
            1 => "POST /v1/messages HT".to_owned(),
            2 => format!(
                "POST /v1/messages HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nContent-Type: {JSON}\r\nContent-Length: 1000\r\n\r\n[",
                server.key
            ),
            _ => "\0\r\n\r\n".to_owned(),
        };
        connection.write_all(begun.as_bytes()).unwrap();
        if number % 5 != 0 {
            held.push(connection);
        }
    }
    for number in 0..5 {
        server.done("/v1/offerings/teapot/purchases", &format!("buy {number}"), "eve", "");
    }
    assert_eq!(server.get("/v1/offerings/teapot").json()["sold"], 5);
    drop(held);
    assert!(server.end());
}
