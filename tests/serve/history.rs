//! Histories and receipts over the network, and receipts verified by the program.

use std::fs;
use std::io::{Seek, SeekFrom, Write};
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

use crate::open_the_mall;
use crate::server::{Response, Server, Store};

/// Ann and Ben share the teapot, and Eve buys it.
fn a_sale(server: &Server) {
    open_the_mall(server, 2, &["ann", "ben", "eve"]);
    server.done("/v1/offerings/teapot/circulations", "share", "ann", "");
    server.done("/v1/offerings/teapot/certificates/1/circulations", "share", "ben", "");
    server.done("/v1/offerings/teapot/certificates/1/purchases", "buy", "eve", "");
}

const RECEIPT: &str = "/v1/offerings/teapot/certificates/1/receipt";

/// Runs `hongbao verify` on standard input.
fn verify(receipt: &str, more: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hongbao"));
    command.args(["verify", "-"]).args(more).env_remove("HONGBAO_LOG");
    let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = piped.spawn().unwrap();
    child.stdin.take().unwrap().write_all(receipt.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

fn kinds(page: &Value) -> Vec<&str> {
    page["data"].as_array().unwrap().iter().map(|row| row["type"].as_str().unwrap()).collect()
}

#[test]
fn an_account_reads_back_what_has_become_of_its_money() {
    let store = Store::new();
    let server = store.serve();
    a_sale(&server);
    server.done("/v1/transfers", "send", "eve", r#"{"to":"ben","amount":"1.50","currency":"USD"}"#);
    let page = server.get("/v1/accounts/eve/entries").json();
    assert_eq!(kinds(&page), ["transferred", "debited", "opened"]);
    let shown = server.get("/v1/accounts/eve").json();
    assert_eq!((&page["posted"], &page["currency"]), (&shown["posted"], &json!("USD")));
    assert_eq!((&page["sequence"], &page["chain_head"]), (&shown["sequence"], &shown["chain_head"]));
    let mut sent = page["data"][0].clone();
    assert!(sent["at"].take().as_str().unwrap().ends_with('Z'));
    assert!(sent["walk"].take().is_u64());
    let begins = sent["chain_head_begins"].take();
    assert_eq!(begins, shown["chain_head"].as_str().unwrap()[..16]);
    assert_eq!(
        sent,
        json!({
            "sequence": 3, "part": 0, "at": null, "walk": null, "type": "transferred", "amount": "1.50", "direction": "out",
            "with": { "account": "ben" }, "detail": null, "reference": "send", "posted": "398.50",
            "chain_head_begins": null,
        })
    );
    assert_eq!(page["data"][1]["with"], json!({ "certificate": { "offering": "teapot", "serial": 1 } }));
    assert_eq!(page["data"][2]["posted"], "500.00");
    // Page by page, also behind a restart.
    let first = server.get("/v1/accounts/eve/entries?limit=2").json();
    assert_eq!((kinds(&first), &first["has_more"]), (vec!["transferred", "debited"], &json!(true)));
    assert!(server.end());
    let server = store.serve();
    let cursor = first["next_cursor"].as_str().unwrap();
    let second = server.get(&format!("/v1/accounts/eve/entries?limit=2&cursor={cursor}")).json();
    assert_eq!((&second["data"][0], &second["has_more"]), (&page["data"][2], &json!(false)));
    assert_eq!((&second["next_cursor"], &second["posted"]), (&Value::Null, &json!("500.00")));
    // As of the time of the purchase.
    let bought_at = page["data"][1]["at"].as_str().unwrap();
    let as_of = server.get(&format!("/v1/accounts/eve/entries?as_of={bought_at}")).json();
    assert_eq!((&as_of["data"][0], &as_of["posted"]), (&page["data"][1], &json!("400.00")));
    let before = server.get("/v1/accounts/eve/entries?as_of=2020-01-01T00:00:00Z").json();
    assert_eq!((&before["data"], &before["posted"]), (&json!([]), &Value::Null));
    assert!(server.end());
}

/// Type, detail and reference of each row.
fn references(page: &Value) -> Vec<[&str; 3]> {
    let rows = page["data"].as_array().unwrap().iter();
    rows.map(|row| ["type", "detail", "reference"].map(|member| row[member].as_str().unwrap_or("-")))
        .collect()
}

#[test]
fn rows_say_what_for_by_which_request_and_which_of_others_belong_to_them() {
    let store = Store::new();
    let server = store.serve();
    a_sale(&server);
    server.done("/v1/transfers", "rent", "eve", r#"{"to":"ben","amount":"1.50","currency":"USD"}"#);
    let pending = r#"{"to":"ben","amount":"2.00","currency":"USD"}"#;
    server.done("/v1/pending-transfers", "tip", "eve", pending);
    let post = r#"{"amount":"2.00","currency":"USD"}"#;
    server.done("/v1/pending-transfers/eve/tip/post", "post", "eve", post);
    let page = |path: &str| server.get(path).json();
    let eve = page("/v1/accounts/eve/entries");
    assert_eq!(
        references(&eve),
        [
            ["transfer_posted", "-", "tip"],
            ["transfer_begun", "-", "tip"],
            ["transferred", "-", "rent"],
            ["debited", "purchase", "buy"],
            ["opened", "-", "open eve"],
        ]
    );
    let posted = &eve["data"][0];
    assert_eq!((&posted["with"], &posted["amount"]), (&json!({ "account": "ben" }), &json!("2.00")));
    let ben = page("/v1/accounts/ben/entries");
    assert_eq!(
        references(&ben),
        [
            ["credited", "transfer", "tip"],
            ["credited", "transfer", "rent"],
            ["credited", "commission", "-"],
            ["displayed", "-", "share"],
            ["opened", "-", "open ben"],
        ]
    );
    let mall = page("/v1/accounts/mall/entries");
    let mut sale = references(&mall);
    // The price and what is left of the commission come together, in an order that depends on shards.
    sale[..2].sort_unstable();
    assert_eq!(
        sale,
        [
            ["credited", "returned", "-"],
            ["credited", "sale", "-"],
            ["debited", "commission", "attach"],
            ["opened", "-", "open mall"],
        ]
    );
    let walk = |page: &Value, row: usize| page["data"][row]["walk"].as_u64().unwrap();
    let certificate = page("/v1/offerings/teapot/certificates/1/entries");
    let purchase = [walk(&eve, 3), walk(&ben, 2), walk(&mall, 0), walk(&mall, 1), walk(&certificate, 0)];
    assert_eq!(purchase, [purchase[0]; 5]);
    assert_eq!((walk(&eve, 2), walk(&eve, 0)), (walk(&ben, 1), walk(&ben, 0)));
    assert_ne!(walk(&eve, 2), walk(&eve, 0));
    assert!(server.end());
}

#[test]
fn of_a_history_only_some_rows_are_given_page_by_page() {
    let store = Store::new();
    let server = store.serve();
    open_the_mall(&server, 3, &["eve"]);
    for number in 1..=3 {
        server.done("/v1/offerings/teapot/purchases", &format!("order {number}"), "eve", "");
        let send = r#"{"to":"mall","amount":"1.00","currency":"USD"}"#;
        server.done("/v1/transfers", &format!("send {number}"), "eve", send);
    }
    server.done("/v1/offerings/teapot/certificates/2/refund", "refund", "mall", "");
    let path = "/v1/accounts/eve/entries?types=debited&details=purchase";
    let bought = server.get(path).json();
    let serials: Vec<&Value> =
        bought["data"].as_array().unwrap().iter().map(|row| &row["with"]["certificate"]["serial"]).collect();
    assert_eq!(serials, [3, 2, 1]);
    assert_eq!(
        (&bought["posted"], &bought["has_more"]),
        (&server.get("/v1/accounts/eve").json()["posted"], &json!(false))
    );
    let (mut paged, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = server.get(&format!("{path}&limit=1{cursor}")).json();
        paged.extend(page["data"].as_array().unwrap().clone());
        let Some(next) = page["next_cursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(&paged, bought["data"].as_array().unwrap());
    let kinds_of = |query: &str| {
        let page = server.get(&format!("/v1/accounts/eve/entries?{query}")).json();
        kinds(&page).into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(kinds_of("types=credited,opened"), ["credited", "opened"]);
    assert_eq!(kinds_of("types=&details="), kinds_of("limit=200"));
    assert_eq!(kinds_of("details=refund"), ["credited"]);
    assert_eq!(kinds_of("details=sold_out"), [] as [&str; 0]);
    let sold = server.get("/v1/offerings/teapot/certificates/2/entries?types=sold,refunded").json();
    assert_eq!(kinds(&sold), ["refunded", "sold"]);
    for (path, field) in [
        ("/v1/accounts/eve/entries?types=sold", "types"),
        ("/v1/accounts/eve/entries?types=,", "types"),
        ("/v1/accounts/eve/entries?types=debited,", "types"),
        ("/v1/accounts/eve/entries?details=everything", "details"),
        ("/v1/offerings/teapot/certificates/2/entries?types=debited", "types"),
        ("/v1/offerings/teapot/certificates/2/entries?details=purchase", "details"),
    ] {
        assert_eq!(server.get(path).problem(), (400, "malformed".to_owned(), field.to_owned()), "{path}");
    }
    assert!(server.end());
}

#[test]
fn a_history_is_its_accounts_own_and_a_certificates_is_anybodys() {
    let store = Store::new();
    let key = |role: &str, account: &str| store.key(&[role, "--account", account]);
    let (eve, mall) = (key("account", "eve"), key("supplier", "mall"));
    let (funds, served) = (store.key(&["funds-management"]), key("product-server", "eve"));
    let server = store.serve();
    a_sale(&server);
    let statuses =
        |path: &str| [&eve, &mall, &funds, &served].map(|key| server.get_with(key, path, &[]).status);
    assert_eq!(statuses("/v1/accounts/eve/entries"), [200, 403, 200, 200]);
    assert_eq!(statuses("/v1/accounts/mall/entries"), [403, 200, 200, 403]);
    assert_eq!(statuses("/v1/offerings/teapot/certificates/1/entries"), [200; 4]);
    let as_ann = server.get_with(&server.key, "/v1/accounts/eve/entries", &[("On-Behalf-Of", "ann")]);
    assert_eq!(as_ann.problem().0, 403);
    assert_eq!(server.ask("GET", "/v1/accounts/eve/entries", &[], b"").status, 401);
    let page = server.get("/v1/offerings/teapot/certificates/1/entries").json();
    let of_the_sale = ["page_sent", "settled", "sold"];
    assert_eq!(kinds(&page)[..3], of_the_sale);
    assert_eq!(page["data"][2]["with"], json!({ "account": "eve" }));
    let amounts = [1, 2].map(|row| page["data"][row]["amount"].as_str().unwrap());
    assert_eq!(amounts, ["4.00", "100.00"], "what all who shared it got, and the price");
    assert!(page["data"][2]["direction"].is_null(), "it moves nothing that a certificate has posted");
    assert_eq!((&page["posted"], &page["data"][0]["reference"]), (&Value::Null, &Value::Null));
    let shown = server.get("/v1/offerings/teapot/certificates/1").json();
    assert_eq!(page["chain_head"], shown["chain_head"]);
    let untouched = server.get("/v1/offerings/teapot/certificates/2/entries").json();
    assert_eq!((&untouched["data"], &untouched["has_more"]), (&json!([]), &json!(false)));
    assert!(server.end());
}

#[test]
fn what_cannot_be_read_names_the_field() {
    let store = Store::new();
    let server = store.serve();
    a_sale(&server);
    let refused = |query: &str| server.get(&format!("/v1/accounts/eve/entries{query}")).problem();
    for (query, field) in [
        ("?limit=0", "limit"),
        ("?limit=1001", "limit"),
        ("?limit=x", "limit"),
        ("?cursor=1", "cursor"),
        ("?cursor=1.0.+5", "cursor"),
        ("?as_of=now", "as_of"),
        ("?since=1", "since"),
        ("?limit=1&limit=2", "limit"),
    ] {
        assert_eq!(refused(query), (400, "malformed".to_owned(), field.to_owned()), "{query}");
    }
    // The form of a cursor, and of no place in this history: the first record is the mall's.
    for cursor in ["99999.0.5", "1.0.5", "0.0.x"] {
        let found = refused(&format!("?cursor={cursor}"));
        assert_eq!(found, (422, "bad_value".to_owned(), "cursor".to_owned()), "{cursor}");
    }
    let problem = |path: &str| server.get(path).problem();
    assert_eq!(problem("/v1/accounts/nobody/entries").0, 404);
    assert_eq!(problem("/v1/offerings/nothing/certificates/1/entries").0, 404);
    assert_eq!(problem("/v1/offerings/teapot/certificates/3/entries").0, 404);
    assert_eq!(problem("/v1/offerings/teapot/certificates/x/entries").0, 400);
    assert_eq!(problem("/v1/offerings/nothing/certificates/1/receipt").0, 404);
    assert_eq!(problem("/v1/offerings/teapot/certificates/3/receipt").0, 404);
    assert_eq!(problem("/v1/offerings/teapot/certificates/2/receipt").1, "not_sold");
    assert!(server.end());
}

#[test]
fn a_receipt_is_for_the_parties_and_anybody_verifies_it() {
    let store = Store::new();
    let key = |account: &str| store.key(&["account", "--account", account]);
    let (ann, eve, mall) = (key("ann"), key("eve"), key("mall"));
    let (funds, supplies) = (store.key(&["funds-management"]), store.key(&["supplier", "--account", "mall"]));
    let server = store.serve();
    a_sale(&server);
    let asked = |key: &str| -> Response { server.get_with(key, RECEIPT, &[]) };
    assert_eq!(asked(&ann).problem(), (403, "not_allowed".to_owned(), "caller".to_owned()));
    let receipt = asked(&eve).text;
    for key in [&mall, &funds, &supplies, &server.key] {
        assert_eq!(asked(key).text, receipt);
    }
    let shown = server.get("/v1/offerings/teapot/certificates/1").json();
    let head = shown["chain_head"].as_str().unwrap().to_owned();
    assert!(server.end());

    let true_one = verify(&receipt, &["--head", &head]);
    let report = String::from_utf8(true_one.stdout).unwrap();
    assert!(true_one.status.success(), "{report}");
    for words in
        ["receipt: true", "teapot, certificate 1", "eve (number", "100.00 USD", "2.00 USD by ann", &head]
    {
        assert!(report.contains(words), "{words}: {report}");
    }
    let in_json: Value = serde_json::from_slice(&verify(&receipt, &["--json"]).stdout).unwrap();
    assert_eq!((&in_json["receipt"], &in_json["facts"]["buyer"]["name"]), (&json!("ok"), &json!("eve")));
    assert_eq!((&in_json["chain_head"], &in_json["kept"]), (&json!(head), &Value::Null));

    for (what, wrong) in [
        ("a changed price", receipt.replace("\"price\":\"100.00\"", "\"price\":\"10.00\"")),
        ("a changed name", receipt.replace("\"eve\"", "\"ann\"")),
        ("a cut one", receipt[..receipt.len() - 1].to_owned()),
        ("none", String::new()),
    ] {
        assert_ne!(wrong, receipt, "{what}");
        let found = verify(&wrong, &[]);
        let why = String::from_utf8(found.stderr).unwrap();
        assert_eq!((found.status.code(), why.lines().count()), (Some(1), 1), "{what}: {why}");
        let found = verify(&wrong, &["--json"]);
        let told: Value = serde_json::from_slice(&found.stdout).unwrap();
        assert!(found.status.code() == Some(1) && told["receipt"] != "ok", "{what}: {told}");
    }
    let other_head = verify(&receipt, &["--head", &"0".repeat(64)]);
    assert_eq!(other_head.status.code(), Some(1));
    assert_eq!(verify(&receipt, &["--head", "00"]).status.code(), Some(2), "an argument that is none");

    let file = store.data.with_file_name("receipt.json");
    fs::write(&file, &receipt).unwrap();
    let program = || Command::new(env!("CARGO_BIN_EXE_hongbao"));
    assert!(program().arg("verify").arg(&file).output().unwrap().status.success());
    let missing = program().arg("verify").arg(file.with_file_name("none")).output().unwrap();
    assert_eq!(missing.status.code(), Some(1));
    // The store goes on, and so does the chain: what was kept is a part of it.
    let server = store.serve();
    server.done("/v1/offerings/teapot/certificates/1/refund", "back", "mall", "");
    let later = server.get(RECEIPT).text;
    let found = verify(&later, &["--json", "--head", &head]);
    assert_eq!(found.status.code(), Some(1), "nothing is proved behind the head that was kept");
    let found: Value = serde_json::from_slice(&found.stdout).unwrap();
    assert_eq!((&found["receipt"], &found["facts"]["refund"]["paid"]), (&json!("partly"), &json!("100.00")));
    assert!(found["kept"].as_u64() < found["entries"].as_u64(), "{found}");
    let head = found["chain_head"].as_str().unwrap();
    let found: Value = serde_json::from_slice(&verify(&later, &["--json", "--head", head]).stdout).unwrap();
    assert_eq!(found["receipt"], "ok");
    assert!(server.end());
}

#[test]
fn a_damaged_byte_of_the_journal_is_told_as_what_cannot_be_read_and_all_else_goes_on() {
    let store = Store::new();
    let server = store.serve();
    a_sale(&server);
    let segments = fs::read_dir(store.data.join("journal")).unwrap().map(|entry| entry.unwrap().path());
    let segment = segments.filter(|path| path.extension().is_some_and(|end| end == "segment")).min().unwrap();
    let bytes = fs::read(&segment).unwrap();
    let opened = bytes.windows(3).position(|three| three == b"eve").expect("eve's opening names her");
    let mut file = fs::OpenOptions::new().write(true).open(&segment).unwrap();
    file.seek(SeekFrom::Start(opened as u64)).unwrap();
    file.write_all(b"Eve").unwrap();
    let refused = server.get("/v1/accounts/eve/entries");
    assert_eq!(refused.problem(), (500, "unreadable".to_owned(), String::new()), "{refused:?}");
    let told = refused.json();
    assert_eq!((&told["retryable"], &told["title"]), (&json!(false), &json!("unreadable")));
    assert!(!refused.text.contains("had no effect") && !refused.text.contains(".segment"), "{refused:?}");
    assert!(told["advice"].as_str().unwrap().contains("a look changes nothing"), "{refused:?}");
    assert_eq!(server.get("/v1/accounts/eve").status, 200, "what is in memory is as it was");
    server.done("/v1/offerings/teapot/purchases", "buy 2", "ben", "");
    file.seek(SeekFrom::Start(opened as u64)).unwrap();
    file.write_all(b"eve").unwrap();
    assert_eq!(kinds(&server.get("/v1/accounts/eve/entries").json()), ["debited", "opened"]);
    assert!(server.end());
}
