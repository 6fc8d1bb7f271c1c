//! Who may send what, at both doors: every command by everybody who may not send it, and the store is the same behind it.

use hongbao::client::Client;
use hongbao::proto::answer::Outcome;
use hongbao::proto::{self, Message};
use serde_json::{Value, json};

use crate::passwords::{log_in, set, token};
use crate::server::{JSON, Server, Store};
use crate::{open_the_mall, posted};

/// Each command with who may send it: the funds management, an account by a key, the same by a session, a supplier, a product
/// server. All of them speak as eve. Everything that is named is there.
const TABLE: &[(&str, &str)] = &[
    (r#"{"open_account":{"account":"new","currency":"USD"}}"#, "yyynn"),
    (r#"{"deposit":{"account":"eve","amount":"1","currency":"USD"}}"#, "ynnnn"),
    (r#"{"cash_out":{"account":"eve","amount":"1","currency":"USD"}}"#, "ynnnn"),
    (r#"{"set_credit_limit":{"account":"eve","credit_limit":"1","currency":"USD"}}"#, "ynnnn"),
    (r#"{"freeze":{"account":"ann"}}"#, "ynnnn"),
    (r#"{"unfreeze":{"account":"ann"}}"#, "ynnnn"),
    (r#"{"close":{"account":"eve"}}"#, "yyynn"),
    (r#"{"accept_gifts":{"account":"eve","by_itself":true}}"#, "nyynn"),
    (
        r#"{"issue":{"offering":"kettle","offer":{"payee":"mall","price":"1","currency":"USD","items":1,
            "information":{"product_name":"a","settlement":"b"}}}}"#,
        "nyyyn",
    ),
    (r#"{"publish":{"offering":"own"}}"#, "nyyyn"),
    (
        r#"{"attach_commission":{"offering":"own","terms":{"funded":"5","attached":"1"},"currency":"USD"}}"#,
        "nyyyn",
    ),
    (r#"{"top_up":{"offering":"own","serial":1,"amount":"1","currency":"USD"}}"#, "nyyyn"),
    (r#"{"circulate":{"offering":"teapot"}}"#, "nyynn"),
    (r#"{"acquire":{"offering":"teapot","serial":1}}"#, "nyynn"),
    (r#"{"purchase":{"offering":"teapot"}}"#, "nyynn"),
    (r#"{"reserve":{"offering":"teapot"}}"#, "nyynn"),
    (r#"{"pay_reservation":{"offering":"teapot","serial":2}}"#, "nyynn"),
    (r#"{"cancel_reservation":{"offering":"teapot","serial":2}}"#, "nyynn"),
    (r#"{"refund":{"offering":"own","serial":1}}"#, "nyyyn"),
    (r#"{"transfer":{"to":"ann","amount":"1","currency":"USD"}}"#, "nyynn"),
    (r#"{"begin_transfer":{"to":"ann","amount":"1","currency":"USD"}}"#, "nyynn"),
    (r#"{"post_transfer":{"from":"eve","transfer":"pending","amount":"1","currency":"USD"}}"#, "yyynn"),
    (r#"{"void_transfer":{"from":"eve","transfer":"pending"}}"#, "yyynn"),
    (r#"{"issue_payment":{"amount":"1","currency":"USD"}}"#, "nyyyn"),
    (r#"{"receive_payment":{"issuer":"ann","payment":"payment"}}"#, "nyynn"),
    (r#"{"reject_payment":{"issuer":"ann","payment":"payment"}}"#, "nyynn"),
    (r#"{"release_payment":{"issuer":"ann","payment":"payment","amount":"1","currency":"USD"}}"#, "ynnnn"),
    (r#"{"void_payment":{"issuer":"ann","payment":"payment"}}"#, "ynnnn"),
    (
        r#"{"give":{"recipient":"ann","object":{"certificate":{"offering":"teapot","serial":1}},"price":"100",
            "currency":"USD"}}"#,
        "nyynn",
    ),
    (r#"{"accept_gift":{"donor":"ann","gift":"gift"}}"#, "nyynn"),
    (r#"{"decline_gift":{"donor":"ann","gift":"gift"}}"#, "nyynn"),
    (r#"{"return_gift":{"recipient":"eve","donor":"ann","gift":"gift"}}"#, "nyyny"),
    (
        r#"{"grant_mandate":{"merchant":"eve","amount_max":"2","amount_max_per_use":"1","currency":"USD"}}"#,
        "nyynn",
    ),
    (r#"{"revoke_mandate":{"mandate":"mandate"}}"#, "nyynn"),
    (r#"{"register_merchant":{"merchant":"mall","payee":"mall"}}"#, "ynnnn"),
    (r#"{"unregister_merchant":{"merchant":"eve"}}"#, "ynnnn"),
    (
        r#"{"withhold":{"order":"17","amount":"1","currency":"USD",
            "from":{"mandate":{"recipient":"ann","mandate":"mandate"}}}}"#,
        "nyyny",
    ),
    (r#"{"provide":{"order":"16"}}"#, "nyyny"),
    (r#"{"reverse_order":{"order":"16"}}"#, "nyyny"),
    (r#"{"show_account":{"account":"eve"}}"#, "yyyyy"),
    (r#"{"show_offering":{"offering":"teapot"}}"#, "yyyyy"),
    (r#"{"show_certificate":{"offering":"teapot","serial":1}}"#, "yyyyy"),
    (r#"{"show_account_request":{"account":"eve","request":"open"}}"#, "yyyyy"),
    (r#"{"show_offering_request":{"offering":"teapot","request":"issue"}}"#, "yyyyy"),
    (r#"{"show_certificate_request":{"offering":"teapot","serial":1,"request":"share"}}"#, "yyyyy"),
    (r#"{"show_gift":{"recipient":"eve","donor":"ann","gift":"gift"}}"#, "yyyyy"),
    (r#"{"list_gifts":{}}"#, "yyyyy"),
    (r#"{"show_payment":{"issuer":"ann","payment":"payment"}}"#, "yyyyy"),
    (r#"{"show_mandate":{"mandate":"mandate"}}"#, "yyyyy"),
    (r#"{"show_order":{"order":"16"}}"#, "yyyyy"),
];

const ON: &[&str] = &["--dev", "--grpc", "127.0.0.1:0"];

const PASSWORD: &str = "correct horse battery";

/// Everything that the table names, and eve's password.
fn prepare(server: &Server) {
    open_the_mall(server, 3, &["ann", "eve"]);
    let done = |path: &str, id: &str, account: &str, body: &Value| {
        server.done(path, id, account, &body.to_string());
    };
    let information = json!({ "product_name": "a cup", "settlement": "at purchase" });
    let offer =
        json!({ "payee": "eve", "price": "1.00", "currency": "USD", "items": 2, "information": information });
    done("/v1/offerings", "own", "eve", &json!({ "offering": "own", "offer": offer }));
    done("/v1/offerings/own/publish", "publish own", "eve", &json!({}));
    done("/v1/offerings/own/purchases", "buy own", "ann", &json!({}));
    done("/v1/offerings/teapot/circulations", "share", "ann", &json!({}));
    let money = json!({ "to": "ann", "amount": "1.00", "currency": "USD" });
    done("/v1/pending-transfers", "pending", "eve", &money);
    let payment = json!({ "amount": "1.00", "currency": "USD", "beneficiary": "eve" });
    done("/v1/payment-certificates", "payment", "ann", &payment);
    let gift = json!({
        "recipient": "eve", "merchant": "eve", "price": "1.00", "currency": "USD",
        "object": { "goods": { "kind": "service", "description": "a haircut" } },
    });
    done("/v1/merchants/eve/register", "register", "", &json!({ "payee": "eve" }));
    done("/v1/gifts", "gift", "ann", &gift);
    let mandate =
        json!({ "merchant": "eve", "amount_max": "9.00", "amount_max_per_use": "1.00", "currency": "USD" });
    done("/v1/mandates", "mandate", "ann", &mandate);
    let order = json!({
        "order": "16", "amount": "1.00", "currency": "USD",
        "from": { "mandate": { "recipient": "ann", "mandate": "mandate" } },
    });
    done("/v1/orders", "order", "eve", &order);
    assert_eq!(set(server, &server.key, "eve", &json!({ "password": PASSWORD })).status, 200);
}

/// Code and field of each answer, by the messages of HTTP.
fn over_http(server: &Server, key: &str, commands: &[&str], ids: &str) -> Vec<(String, String)> {
    let message = |(place, command): (usize, &&str)| {
        let command: Value = serde_json::from_str(command).unwrap();
        json!({ "idempotency_key": format!("{ids} {place}"), "command": command })
    };
    let messages: Vec<Value> = commands.iter().enumerate().map(message).collect();
    let answers = server.messages(key, JSON, &Value::from(messages).to_string()).json();
    let answers = answers.as_array().unwrap_or_else(|| panic!("{answers}")).iter();
    let text = |problem: &Value, name: &str| problem[name].as_str().unwrap_or_default().to_owned();
    answers.map(|answer| (text(&answer["problem"], "code"), text(&answer["problem"], "field"))).collect()
}

/// The same over gRPC.
fn over_grpc(server: &Server, key: &str, commands: &[&str], ids: &str) -> Vec<(String, String)> {
    let messages = commands.iter().enumerate().map(|(place, command)| Message {
        idempotency_key: format!("{ids} {place}"),
        command: Some(serde_json::from_str(command).unwrap()),
        ..Message::default()
    });
    let told = |answer: proto::Answer| match answer.outcome {
        Some(Outcome::Problem(problem)) => (problem.code, problem.field),
        _ => (String::new(), String::new()),
    };
    crate::grpc::on_a_runtime(async {
        let client = Client::connect(&server.grpc, key).await.unwrap();
        client.send_all(messages.collect()).await.unwrap().into_iter().map(told).collect()
    })
}

#[test]
fn nobody_sends_what_is_not_theirs_at_either_door_and_nothing_is_changed() {
    let store = Store::new();
    let key = |role: &str| store.key(&[role, "--account", "eve"]);
    let keys = [store.key(&["funds-management"]), key("account"), key("supplier"), key("product-server")];
    let server = store.listen(ON);
    server.until_ready();
    prepare(&server);
    assert!(server.end());
    let before = store.audit()["state_digest"].clone();
    let server = store.listen(ON);
    server.until_ready();
    let session = token(&server, "eve", PASSWORD);
    let described = server.ask("GET", "/openapi.json", &[], b"").json();
    let commands = described["components"]["schemas"]["Command"]["oneOf"].as_array().unwrap();
    for command in commands.iter().flat_map(|one| one["properties"].as_object().unwrap().keys()) {
        let listed = TABLE.iter().any(|(json, _)| json.starts_with(&format!("{{\"{command}\":")));
        assert!(listed, "{command} is not in the table");
    }
    let [funds, account, supplier, shop] = &keys;
    let all = [funds, account, &session, supplier, shop];
    let cells = |place: usize, expected: char| -> Vec<&str> {
        let of = TABLE.iter().filter(|(_, row)| row.chars().nth(place) == Some(expected));
        of.map(|(command, _)| *command).collect()
    };
    let refused = ("not_allowed".to_owned(), "key".to_owned());
    let mut wrong = 0;
    for (place, key) in all.iter().enumerate() {
        let commands = cells(place, 'n');
        for told in [over_http(&server, key, &commands, "wrong"), over_grpc(&server, key, &commands, "wrong")]
        {
            assert_eq!(told.len(), commands.len());
            for (command, told) in commands.iter().zip(told) {
                assert_eq!(told, refused, "{place}: {command}");
                wrong += 1;
            }
        }
    }
    assert!(wrong > 200, "{wrong}");
    // Whoever has no key and no session, or one that does not count, sends nothing at all.
    let forged =
        format!("{}{}", &session[..session.len() - 1], if session.ends_with('0') { '1' } else { '0' });
    for nobody in ["", "hongbao_0_0", &forged] {
        let batch = server.messages(nobody, JSON, "[]");
        assert_eq!(batch.problem(), (401, "unauthenticated".to_owned(), String::new()));
        let call = crate::grpc::on_a_runtime(async {
            let client = Client::connect(&server.grpc, nobody).await.unwrap();
            let command = serde_json::from_str(r#"{"purchase":{"offering":"teapot"}}"#).unwrap();
            client
                .send(Message {
                    idempotency_key: "a".to_owned(),
                    command: Some(command),
                    ..Message::default()
                })
                .await
        });
        assert!(call.unwrap_err().to_string().contains("Unauthenticated"));
    }
    assert!(server.end());
    assert_eq!(store.audit()["state_digest"], before, "{wrong} messages that were refused changed nothing");

    // And each may do its own: the engine judges it, and not the key.
    let server = store.listen(ON);
    server.until_ready();
    for (place, key) in all.iter().enumerate() {
        let commands = cells(place, 'y');
        let http = over_http(&server, key, &commands, &format!("http {place}"));
        let grpc = over_grpc(&server, key, &commands, &format!("grpc {place}"));
        for (command, told) in commands.iter().chain(&commands).zip(http.into_iter().chain(grpc)) {
            assert!(
                told != refused && told.0 != "malformed" && told.0 != "too_fast",
                "{place}: {command} {told:?}"
            );
        }
    }
    assert!(server.end());
    assert_ne!(store.audit()["state_digest"], before);
}

#[test]
fn one_client_serves_two_accounts_and_one_account_has_two_clients() {
    let store = Store::new();
    let server = store.serve();
    open_the_mall(&server, 3, &["ann", "eve"]);
    let begin = |account: &str| {
        assert_eq!(set(&server, &server.key, account, &json!({ "password": PASSWORD })).status, 200);
        token(&server, account, PASSWORD)
    };
    let (ann, eve) = (begin("ann"), begin("eve"));
    let again = log_in(&server, "eve", PASSWORD).json()["token"].as_str().unwrap().to_owned();
    let buy = |token: &str, id: &str| server.post_with(token, "/v1/offerings/teapot/purchases", id, &[], "");
    assert_eq!(buy(&ann, "buy").json()["serial"], 1);
    let first = buy(&eve, "buy");
    let second = buy(&again, "buy");
    assert_eq!((first.json(), first.replayed, second.replayed), (second.json(), false, true));
    assert_eq!(buy(&again, "buy 2").json()["serial"], 3);
    assert_eq!(["ann", "eve"].map(|who| posted(&server, who)), ["400.00", "300.00"]);
    assert!(server.end());
}
