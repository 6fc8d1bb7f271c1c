//! What is refused is told by the path of its field and with an advice that whoever is at the door can follow.

use serde_json::{Value, json};

use crate::open_the_mall;
use crate::server::{JSON, NDJSON, Server, Store};

/// A command of somebody, alone: its path and its body; in a batch: the command. Code, field, and words of the advice.
type Case<'case> =
    (&'case str, &'case str, &'case str, (&'case str, Value), (&'case str, &'case str, &'case str));

fn offer(more: Value) -> Value {
    let mut offer = json!({
        "payee": "mall", "price": "1", "currency": "USD", "items": 1,
        "information": { "product_name": "a", "settlement": "b" },
    });
    offer.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    json!({ "offering": "kettle", "offer": offer })
}

fn gift(merchant: &str, object: Value) -> Value {
    json!({ "recipient": "ben", "merchant": merchant, "object": object, "price": "1", "currency": "USD" })
}

fn order(from: Value) -> Value {
    json!({ "order": "o", "amount": "1", "currency": "USD", "from": from })
}

fn told(problem: &Value) -> (&str, &str, &str) {
    let text = |name: &str| problem[name].as_str().unwrap_or_default();
    (text("code"), text("field"), text("advice"))
}

/// Sends each of them alone and in a batch.
fn hold(server: &Server, cases: &[Case<'_>]) {
    let mut wrong = Vec::new();
    for (who, path, command, (beside, body), expected) in cases {
        let alone = server.post(path, "id", who, &body.to_string()).json();
        let mut whole: Value = serde_json::from_str(beside).unwrap();
        whole.as_object_mut().unwrap().extend(body.as_object().unwrap().clone());
        let mut message = json!({ "idempotency_key": "id", "command": { *command: whole } });
        if !who.is_empty() {
            message["on_behalf_of"] = json!(who);
        }
        let batch = server.messages(&server.key, JSON, &json!([message]).to_string()).json();
        for problem in [&alone, &batch[0]["problem"]] {
            let (code, field, advice) = told(problem);
            if (code, field) != (expected.0, expected.1) || !advice.contains(expected.2) {
                wrong.push(format!("{who} {path} {body}\n  expected {expected:?}\n  told {problem}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_value_that_cannot_be_is_named_by_its_path_and_with_what_to_do() {
    let store = Store::new();
    let server = store.serve();
    open_the_mall(&server, 2, &["eve", "ben"]);
    let (none, teapot) = ("{}", r#"{"offering":"teapot"}"#);
    let buy = "/v1/offerings/teapot/purchases";
    let attach = "/v1/offerings/teapot/commission";
    let terms = |terms: Value| (teapot, json!({ "currency": "USD", "terms": terms }));
    let paid_from = |from: Value| (teapot, json!({ "paid_from": from }));
    let limit = "give a value within the limit";
    let header = "the header On-Behalf-Of";
    let cases: &[Case<'_>] = &[
        (
            "mall",
            "/v1/offerings",
            "issue",
            (none, offer(json!({ "items": 0 }))),
            ("bad_value", "offer.items", limit),
        ),
        (
            "mall",
            "/v1/offerings",
            "issue",
            (none, offer(json!({ "price": "0" }))),
            ("amount_not_positive", "offer.price", ""),
        ),
        (
            "mall",
            "/v1/offerings",
            "issue",
            (none, offer(json!({ "price": "0.001" }))),
            ("too_many_decimals", "offer.price", ""),
        ),
        (
            "mall",
            "/v1/offerings",
            "issue",
            (none, offer(json!({ "cap": 0 }))),
            ("bad_value", "offer.cap", limit),
        ),
        (
            "mall",
            "/v1/offerings",
            "issue",
            (none, offer(json!({ "payee": "no one" }))),
            ("unknown_account", "offer.payee", "open"),
        ),
        (
            "mall",
            "/v1/offerings",
            "issue",
            (none, offer(json!({ "payers": ["no one"] }))),
            ("unknown_account", "offer.payers", "open"),
        ),
        (
            "mall",
            "/v1/offerings",
            "issue",
            (none, offer(json!({ "currency": "EUR" }))),
            ("currency_mismatch", "caller", ""),
        ),
        (
            "mall",
            attach,
            "attach_commission",
            terms(json!({ "funded": "0", "attached": "0" })),
            ("amount_not_positive", "terms.funded", ""),
        ),
        (
            "mall",
            attach,
            "attach_commission",
            terms(json!({ "funded": "1", "attached": "2" })),
            ("bad_value", "terms.attached", limit),
        ),
        (
            "mall",
            attach,
            "attach_commission",
            terms(json!({ "funded": "x", "attached": "2" })),
            ("not_a_number", "terms.funded", ""),
        ),
        (
            "eve",
            "/v1/gifts",
            "give",
            (none, gift("mall", json!({ "goods": { "kind": "gold", "description": "" } }))),
            ("missing", "object.goods.description", ""),
        ),
        (
            "eve",
            "/v1/gifts",
            "give",
            (none, gift("mall", json!({ "certificate": { "offering": "teapot", "serial": 7 } }))),
            ("unknown_certificate", "object.certificate.serial", ""),
        ),
        (
            "eve",
            "/v1/gifts",
            "give",
            (none, gift("mall", json!({ "certificate": { "offering": "pan", "serial": 7 } }))),
            ("unknown_offering", "object.certificate.offering", ""),
        ),
        (
            "mall",
            "/v1/orders",
            "withhold",
            (none, order(json!({ "mandate": { "recipient": "no one", "mandate": "m" } }))),
            ("unknown_account", "from.mandate.recipient", ""),
        ),
        (
            "mall",
            "/v1/orders",
            "withhold",
            (none, order(json!({ "gift": { "recipient": "ben", "donor": "no one", "gift": "m" } }))),
            ("unknown_account", "from.gift.donor", ""),
        ),
        (
            "eve",
            buy,
            "purchase",
            (teapot, json!({ "serial": 1, "via": { "private_page": "no one" } })),
            ("unknown_account", "via.private_page", ""),
        ),
        (
            "eve",
            buy,
            "purchase",
            (teapot, json!({ "price_max": "1.00", "currency": "EUR" })),
            ("currency_mismatch", "currency", ""),
        ),
        (
            "eve",
            buy,
            "purchase",
            paid_from(json!({ "gift": { "donor": "no one", "gift": "g" } })),
            ("unknown_account", "paid_from.gift.donor", ""),
        ),
        (
            "eve",
            buy,
            "purchase",
            paid_from(json!({ "gift": { "donor": "ben", "gift": "g" } })),
            ("unknown_gift", "paid_from", "a gift of the buyer's own"),
        ),
        (
            "eve",
            buy,
            "purchase",
            paid_from(json!({ "payment_certificate": "p" })),
            ("unknown_payment_certificate", "paid_from", "by which the buyer has issued it"),
        ),
        ("", buy, "purchase", (teapot, json!({})), ("not_allowed", "caller", header)),
        ("no one", buy, "purchase", (teapot, json!({})), ("unknown_account", "caller", header)),
    ];
    hold(&server, cases);
    for (path, expected) in [
        ("/v1/accounts/eve/entries?cursor=afar", ("malformed", "cursor", "begin without a cursor")),
        ("/v1/accounts/eve/entries?cursor=1.0.x", ("bad_value", "cursor", "begin without a cursor")),
        ("/v1/platform?cursor=afar", ("malformed", "cursor", "begin without a cursor")),
        ("/v1/offerings/teapot/certificates/1/receipt", ("not_sold", "serial", "there is no receipt")),
    ] {
        let problem = server.get(path).json();
        let (code, field, advice) = told(&problem);
        assert!(
            (code, field) == (expected.0, expected.1) && advice.contains(expected.2),
            "{path}: {problem}"
        );
    }
    let unpaid = server.post(buy, "gift", "eve", r#"{"paid_from":{"payment_certificate":"p"}}"#).json();
    assert_eq!(unpaid["detail"], "paid_from cannot pay for it: unknown payment certificate");
    assert!(server.end());
}

#[test]
fn a_line_that_is_no_json_is_named_and_a_name_in_a_header_stands_for_itself() {
    let store = Store::new();
    let server = store.serve();
    open_the_mall(&server, 1, &["eve", "a b", "é"]);
    let look =
        r#"{"idempotency_key":"any","on_behalf_of":"eve","command":{"show_account":{"account":"eve"}}}"#;
    let lines = format!("{look}\n\n\n{{\"idempotency_key\":\"2\",}}\n{look}\r\nno\n");
    let told = server.messages(&server.key, NDJSON, &lines).text;
    let answers: Vec<Value> = told.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(answers.iter().map(|answer| &answer["status"]).collect::<Vec<_>>(), [200, 400, 200, 400]);
    for (place, where_) in [(1, " at line 4 column 24"), (3, " at line 6 column 2")] {
        let detail = answers[place]["problem"]["detail"].as_str().unwrap();
        assert!(detail.starts_with("body is no JSON: ") && detail.ends_with(where_), "{detail}");
        assert_eq!(detail.matches(" at line ").count(), 1, "{detail}");
    }
    for (account, status) in [("a b", 200), ("a%20b", 404), ("é", 200)] {
        let gifts = server.get_with(&server.key, "/v1/gifts", &[("On-Behalf-Of", account)]);
        assert_eq!(gifts.status, status, "{account}: {}", gifts.text);
    }
    assert!(server.end());
}
