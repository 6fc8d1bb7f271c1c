//! Wrong input: each case is refused with a code and a field, in one form, and changes nothing.

use serde_json::{Value, json};

use crate::open_the_mall;
use crate::server::{JSON, Store};

/// Method, path, headers beside the key, body; status, code, field.
type Case<'case> =
    (&'case str, &'case str, &'case [(&'case str, &'case str)], &'case [u8], (u16, &'case str, &'case str));

const ID: (&str, &str) = ("Idempotency-Key", "id");
const TYPE: (&str, &str) = ("Content-Type", JSON);
const EVE: (&str, &str) = ("On-Behalf-Of", "eve");
const BOTH: &[(&str, &str)] = &[ID, TYPE];

const CASES: &[Case<'static>] = &[
    ("GET", "/", &[], b"", (404, "no_such_resource", "")),
    ("GET", "/v1/accounts/", &[], b"", (404, "no_such_resource", "")),
    ("GET", "/v1/accounts//page", &[], b"", (404, "no_such_resource", "")),
    ("GET", "/v1/platform?a%22:1,%22words=b", &[], b"", (400, "malformed", "a\":1,\"words")),
    ("GET", "/v1/accounts/nobody", &[], b"", (404, "unknown_account", "account")),
    ("GET", "/v1/accounts", &[], b"", (405, "method_not_allowed", "")),
    ("PUT", "/v1/accounts/eve", BOTH, b"{}", (405, "method_not_allowed", "")),
    ("DELETE", "/livez", &[], b"", (405, "method_not_allowed", "")),
    ("POST", "/v1/accounts", &[TYPE], b"{}", (400, "idempotency_key_missing", "Idempotency-Key")),
    ("POST", "/v1/accounts", &[("Idempotency-Key", ""), TYPE], b"{}", (422, "bad_text", "Idempotency-Key")),
    ("POST", "/v1/accounts", &[ID], b"{}", (415, "not_json", "Content-Type")),
    ("POST", "/v1/accounts", BOTH, b"", (400, "malformed", "account")),
    ("POST", "/v1/accounts", BOTH, b"{", (400, "malformed", "body")),
    ("POST", "/v1/accounts", BOTH, b"[]", (400, "malformed", "body")),
    ("POST", "/v1/accounts", BOTH, b"{} {}", (400, "malformed", "body")),
    ("POST", "/v1/accounts", BOTH, b"\xFF\xFE", (400, "malformed", "body")),
    ("POST", "/v1/accounts", BOTH, br#"{"account":"a"}"#, (400, "malformed", "currency")),
    ("POST", "/v1/accounts", BOTH, br#"{"account":"","currency":"USD"}"#, (400, "malformed", "account")),
    (
        "POST",
        "/v1/accounts",
        BOTH,
        br#"{"account":"a\u0000","currency":"USD"}"#,
        (400, "malformed", "account"),
    ),
    ("POST", "/v1/accounts", BOTH, br#"{"account":"a","currency":"usd"}"#, (400, "malformed", "currency")),
    (
        "POST",
        "/v1/accounts",
        BOTH,
        br#"{"account":"a","currency":"USD","deposit":1}"#,
        (400, "malformed", "deposit"),
    ),
    (
        "POST",
        "/v1/accounts",
        BOTH,
        br#"{"account":"a","currency":"USD","deposit":"-1"}"#,
        (422, "negative_amount", "deposit"),
    ),
    (
        "POST",
        "/v1/accounts",
        BOTH,
        br#"{"account":"a","currency":"USD","deposit":"1e3"}"#,
        (422, "not_a_number", "deposit"),
    ),
    (
        "POST",
        "/v1/accounts",
        BOTH,
        br#"{"account":"a","currency":"JPY","deposit":"1.0"}"#,
        (422, "too_many_decimals", "deposit"),
    ),
    (
        "POST",
        "/v1/accounts",
        BOTH,
        br#"{"account":"a","currency":"USD","deposit":"99999999999999999999999999"}"#,
        (422, "amount_too_large", "deposit"),
    ),
    (
        "POST",
        "/v1/accounts",
        BOTH,
        br#"{"account":"a","currency":"USD","depost":"1"}"#,
        (400, "malformed", "depost"),
    ),
    (
        "POST",
        "/v1/accounts/eve/deposits",
        BOTH,
        br#"{"amount":"1","currency":"EUR"}"#,
        (422, "currency_mismatch", "currency"),
    ),
    (
        "POST",
        "/v1/accounts/eve/deposits",
        BOTH,
        br#"{"amount":"0","currency":"USD"}"#,
        (422, "amount_not_positive", "amount"),
    ),
    (
        "POST",
        "/v1/accounts/eve/deposits",
        BOTH,
        br#"{"account":"eve","amount":"1","currency":"USD"}"#,
        (400, "malformed", "account"),
    ),
    ("POST", "/v1/accounts/eve/freeze", BOTH, br#"{"why":"so"}"#, (400, "malformed", "why")),
    ("POST", "/v1/offerings/teapot/purchases", &[ID, TYPE], b"{}", (403, "not_allowed", "caller")),
    (
        "POST",
        "/v1/offerings/teapot/purchases",
        &[ID, TYPE, ("On-Behalf-Of", "")],
        b"{}",
        (422, "bad_text", "On-Behalf-Of"),
    ),
    (
        "POST",
        "/v1/offerings/teapot/purchases",
        &[ID, TYPE, EVE, ("On-Behalf-Of", "ann")],
        b"{}",
        (400, "malformed", "On-Behalf-Of"),
    ),
    (
        "POST",
        "/v1/offerings/teapot/purchases",
        &[ID, TYPE, EVE],
        br#"{"serial":0}"#,
        (404, "unknown_certificate", "serial"),
    ),
    (
        "POST",
        "/v1/offerings/teapot/purchases",
        &[ID, TYPE, EVE],
        br#"{"serial":-1}"#,
        (400, "malformed", "serial"),
    ),
    (
        "POST",
        "/v1/offerings/teapot/purchases",
        &[ID, TYPE, EVE],
        br#"{"serial":1,"serial":2}"#,
        (400, "malformed", "serial"),
    ),
    (
        "POST",
        "/v1/offerings/teapot/purchases",
        &[ID, TYPE, EVE],
        br#"{"via":"afar"}"#,
        (400, "malformed", "via"),
    ),
    (
        "POST",
        "/v1/offerings/teapot/purchases",
        &[ID, TYPE, EVE],
        br#"{"via":"link"}"#,
        (422, "missing", "serial"),
    ),
    (
        "POST",
        "/v1/offerings/teapot/certificates/99999999999/purchases",
        &[ID, TYPE, EVE],
        b"",
        (400, "malformed", "serial"),
    ),
    ("GET", "/v1/offerings/teapot/certificates/1?from_hop=x", &[], b"", (400, "malformed", "from_hop")),
    ("GET", "/v1/offerings/teapot/certificates/1?hop=1", &[], b"", (400, "malformed", "hop")),
    ("GET", "/v1/platform?limit=0", &[], b"", (400, "malformed", "limit")),
    ("GET", "/v1/platform?limit=1&limit=2", &[], b"", (400, "malformed", "limit")),
    ("GET", "/v1/platform?cursor=afar", &[], b"", (400, "malformed", "cursor")),
    ("GET", "/v1/platform?in_stock=yes", &[], b"", (400, "malformed", "in_stock")),
    ("GET", "/v1/platform?price_max=5", &[], b"", (422, "missing", "currency")),
    ("GET", "/v1/platform?price_max=x&currency=USD", &[], b"", (422, "not_a_number", "price_max")),
    ("GET", "/v1/links/0000000000000k5zwybb", &[], b"", (404, "bad_link", "link")),
    ("POST", "/v1/messages", &[], b"[]", (415, "not_json", "Content-Type")),
    ("POST", "/v1/messages", &[TYPE], b"{}", (400, "malformed", "body")),
    ("POST", "/v1/messages", &[TYPE], b"[", (400, "malformed", "body")),
    ("POST", "/v1/messages", &[TYPE], b"[1]]", (400, "malformed", "body")),
];

#[test]
fn wrong_input_is_refused_in_one_form_and_changes_nothing() {
    let store = Store::new();
    let server = store.serve();
    open_the_mall(&server, 2, &["eve"]);
    let before = (server.get("/v1/accounts/eve").json(), server.get("/v1/offerings/teapot").json());
    let bearer = format!("Bearer {}", server.key);
    let mut wrong = Vec::new();
    let mut ask = |(method, path, headers, body, expected): Case<'_>| {
        let response = server.ask(method, path, &[&[("Authorization", &*bearer)], headers].concat(), body);
        if response.status == 200 {
            wrong.push(format!("{method} {path}: it was done: {}", response.text));
            return;
        }
        let (status, code, field) = response.problem();
        if (status, &*code, &*field) != expected {
            let body = String::from_utf8_lossy(&body[..body.len().min(80)]).into_owned();
            wrong.push(format!("{method} {path} {body}: expected {expected:?}, and it is {}", response.text));
        }
    };
    CASES.iter().copied().for_each(&mut ask);
    let deep = [&b"["[..]; 100_000].concat();
    ask(("POST", "/v1/messages", &[TYPE], &deep, (400, "malformed", "body")));
    let nested = [&br#"{"account":"#[..], &deep].concat();
    ask(("POST", "/v1/accounts", BOTH, &nested, (400, "malformed", "body")));
    let huge = vec![b' '; 16 * 1024 * 1024 + 1];
    ask(("POST", "/v1/messages", &[TYPE], &huge, (413, "too_large", "body")));
    let long = format!(r#"{{"account":"{}","currency":"USD"}}"#, "a".repeat(129));
    ask(("POST", "/v1/accounts", BOTH, long.as_bytes(), (400, "malformed", "account")));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!((server.get("/v1/accounts/eve").json(), server.get("/v1/offerings/teapot").json()), before);
    let no_key = server.ask("GET", "/v1/accounts/eve", &[], b"");
    assert_eq!(no_key.problem(), (401, "unauthenticated".to_owned(), String::new()));
    assert!(server.end());
}

/// What stands in the path of a resource, its command, a body, and what is said of it: a field, and what is wrong with it.
const OF_ANOTHER_TYPE: &[(&str, &str, &str, &str, &str)] = &[
    (
        "gifts",
        "give",
        r#"{"recipient":"ben","object":{"goods":{"kind":"gold","description":"a coin"}},"price":5,"currency":"USD"}"#,
        "price",
        "is the number 5: give an amount as decimal text, in quotation marks, such as \"29.33\"",
    ),
    (
        "gifts",
        "give",
        r#"{"recipient":"ben","object":{"goods":{"kind":"silver","description":"a coin"}},"price":"5","currency":"USD"}"#,
        "object.goods.kind",
        "is \"silver\": give one of product, service, insurance, fund, gold, lottery, other",
    ),
    ("gifts", "give", r#"{"recipient":"ben","object":5,"price":"5","currency":"USD"}"#, "object", OBJECT),
    (
        "gifts",
        "give",
        r#"{"recipient":"ben","object":{},"price":"5","currency":"USD"}"#,
        "object",
        "is an object: give an object with one member",
    ),
    (
        "transfers",
        "transfer",
        r#"{"to":["ben"],"amount":"5","currency":"USD"}"#,
        "to",
        "is a list: give an object or a value",
    ),
    (
        "transfers",
        "transfer",
        r#"{"to":5.5,"amount":"5","currency":"USD"}"#,
        "to",
        "is the number 5.5: give text, in quotation marks: a name of 1 to 128 bytes",
    ),
    (
        "transfers",
        "transfer",
        r#"{"to":"","amount":"5","currency":"USD"}"#,
        "to",
        "is empty: give 1 to 128 bytes",
    ),
    (
        "transfers",
        "transfer",
        r#"{"to":"ben","amount":null,"currency":"USD"}"#,
        "amount",
        "is null: give an amount as decimal text, in quotation marks, such as \"29.33\"",
    ),
    ("transfers", "transfer", r#"{"to":"ben","currency":"USD"}"#, "amount", "is left out: give it"),
    (
        "transfers",
        "transfer",
        r#"{"to":"ben","to":"eve","amount":"5","currency":"USD"}"#,
        "to",
        "is there twice: say it once",
    ),
    (
        "transfers",
        "transfer",
        r#"{"to":"ben","amount":"5","currency":7}"#,
        "currency",
        "is the number 7: give text, in quotation marks",
    ),
    // What has JSON's form and is no value all the same.
    (
        "transfers",
        "transfer",
        r#"{"to":"ben","amount":1e999,"currency":"USD"}"#,
        "amount",
        "cannot be read: number out of range",
    ),
    (
        "transfers",
        "transfer",
        r#"{"to":"\ud800","amount":"5","currency":"USD"}"#,
        "to",
        "cannot be read: unexpected end of hex escape",
    ),
    (
        "transfers",
        "transfer",
        r#"{"amount":1e999,"to":["ben"],"currency":"USD"}"#,
        "amount",
        "cannot be read: number out of range",
    ),
    (
        "transfers",
        "transfer",
        r#"{"to":"ben","amount":"5","currency":"USD","when":"now"}"#,
        "when",
        "is unknown: leave it out; there is to, amount, currency",
    ),
    (
        "pending-transfers",
        "begin_transfer",
        r#"{"to":"ben","amount":"5","currency":"USD","expires_at":1893456000}"#,
        "expires_at",
        "is the number 1893456000: give a point of time as RFC 3339 text, in quotation marks, such as \"2030-01-31T18:00:00Z\"",
    ),
    ("offerings", "issue", r#"{"offering":"o","offer":"cheap"}"#, "offer", "is text: give an object"),
    (
        "offerings",
        "issue",
        r#"{"offering":"o","offer":{"payee":"mall","price":"1","currency":"USD","items":"ten"}}"#,
        "offer.items",
        "is text: give a whole number from 0 to 4294967295",
    ),
    (
        "offerings",
        "issue",
        r#"{"offering":"o","offer":{"payee":"mall","price":"1","currency":"USD","items":-1}}"#,
        "offer.items",
        "is the number -1: give a whole number from 0 to 4294967295",
    ),
    ("offerings/teapot/purchases", "purchase", r#"{"via":5}"#, "via", OBJECT),
    (
        "offerings/teapot/purchases",
        "purchase",
        r#"{"via":"private_page"}"#,
        "via.private_page",
        "is a word alone: give an object with this word as its member",
    ),
    (
        "offerings/teapot/purchases",
        "purchase",
        r#"{"via":"afar"}"#,
        "via",
        "is \"afar\": give one of public, private_page, link",
    ),
];

/// The last command that there is: where it is named, all are.
const LAST_COMMAND: &str = ", show_order";

const OBJECT: &str = "is the number 5: give a word in quotation marks, or an object with one member";

#[test]
fn a_value_of_another_type_is_told_the_same_alone_and_in_a_batch() {
    let store = Store::new();
    let server = store.serve();
    open_the_mall(&server, 1, &["eve"]);
    let mut wrong = Vec::new();
    for (path, command, body, field, words) in OF_ANOTHER_TYPE {
        let alone = server.post(&format!("/v1/{path}"), "id", "eve", body).json();
        // What the path says stands in the command.
        let beside = if path.starts_with("offerings/") { r#""offering":"teapot","# } else { "" };
        let message = format!(
            r#"[{{"idempotency_key":"id","on_behalf_of":"eve","command":{{"{command}":{{{beside}{}}}}}]"#,
            &body[1..]
        );
        let batch = server.messages(&server.key, JSON, &message).json()[0]["problem"].clone();
        let told = |problem: &Value| {
            json!([problem["status"], problem["code"], problem["field"], problem["detail"]])
        };
        let expected = json!([400, "malformed", field, format!("{field} {words}")]);
        if told(&alone) != expected || told(&batch) != expected {
            wrong.push(format!(
                "{body}\n  expected {expected}\n  alone    {}\n  a batch  {}",
                told(&alone),
                told(&batch)
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    // What a message has beside its command, and a path beside its body.
    let cases = [
        (r#"[{"idempotency_key":5,"command":{}}]"#, "idempotency_key"),
        (r#"[{"idempotency_key":"1","command":{"purchas":{}}}]"#, "command"),
        (r#"[{"idempotency_key":"1","command":5}]"#, "command"),
        (r#"[{"idempotency_key":"1","command":{"deposit":5}}]"#, "command"),
        (r#"[{"idempotency_key":"1","command":{"deposit":{}}}]"#, "account"),
        (r#"[{"idempotency_key":"1","if_sequence":"3","command":{"list_gifts":{}}}]"#, "if_sequence"),
        ("[7]", "body"),
    ];
    for (body, field) in cases {
        let problem = server.messages(&server.key, JSON, body).json()[0]["problem"].clone();
        assert_eq!(
            (&problem["status"], &problem["field"]),
            (&json!(400), &json!(field)),
            "{body}: {problem}"
        );
        let detail = problem["detail"].as_str().unwrap();
        assert!([": give ", " is left out"].iter().any(|words| detail.contains(words)), "{detail}");
        assert!(!detail.contains(" at line ") && !detail.contains("expected"), "{detail}");
    }
    // A member that is named like a field of the command is none.
    let named = r#"[{"idempotency_key":"1","command.transfer.to":5,"command":{"list_gifts":{}}}]"#;
    let problem = server.messages(&server.key, JSON, named).json()[0]["problem"].clone();
    assert_eq!(problem["field"], "command.transfer.to", "{problem}");
    let query = server.get("/v1/offerings/teapot/certificates/1?from_hop=0&hop=1").json();
    assert_eq!(query["detail"], "hop is unknown: leave it out; there is from_hop");
    let misspelt =
        server.messages(&server.key, JSON, r#"[{"idempotency_key":"1","command":{"purchas":{}}}]"#);
    let detail = misspelt.json()[0]["problem"]["detail"].as_str().unwrap().to_owned();
    assert!(detail.contains(" is \"purchas\": give one of ") && detail.ends_with(LAST_COMMAND), "{detail}");
    let beside = server.post("/v1/accounts/eve/freeze", "id", "", r#"{"why":"so"}"#).json();
    assert_eq!(beside["detail"], "why is unknown: leave it out");
    for (body, place) in
        [(r#"{"to":"ben","#, "at line 1 column 12"), ("{\n\"to\": ben}", "at line 2 column 7")]
    {
        let no_json = server.post("/v1/transfers", "id", "eve", body).json();
        let detail = no_json["detail"].as_str().unwrap();
        assert!(detail.starts_with("body is no JSON: ") && detail.ends_with(place), "{detail}");
    }
    assert!(server.end());
}
