//! Who has managed a store, as a server logs it: by which key, what, on whom, and what came of it; and no secret.

use std::time::{Duration, Instant};

use hongbao::client::Client;
use hongbao::proto;
use serde_json::{Value, json};

use crate::server::{JSON, Logging, Store};

fn id_of(key: &str) -> String {
    key.split('_').nth(1).unwrap().to_owned()
}

/// An amount that stands in no time.
const AMOUNT: &str = "7351.29";

#[test]
fn each_act_of_management_is_told_with_its_key_and_without_its_secret() {
    let store = Store::new();
    let (funds, mall) = (store.key(&["funds-management"]), store.key(&["supplier", "--account", "mall"]));
    let server = Logging::start(&store, "off,hongbao::management=info", "json");
    let (http, grpc, operator) = (server.http.clone(), server.grpc.clone(), server.key.clone());
    let post_as = |on_behalf_of: Option<&str>, key: &str, path: &str, id: &str, body: &Value| -> Value {
        let mut request = ureq::post(format!("{http}{path}"));
        if let Some(name) = on_behalf_of {
            request = request.header("On-Behalf-Of", name);
        }
        let mut response = request
            .config()
            .http_status_as_error(false)
            .build()
            .header("Authorization", format!("Bearer {key}"))
            .header("Idempotency-Key", id)
            .header("Content-Type", JSON)
            .send(body.to_string())
            .unwrap();
        serde_json::from_str(&response.body_mut().read_to_string().unwrap()).unwrap()
    };
    let post = |key: &str, path: &str, id: &str, body: &Value| post_as(None, key, path, id, body);
    let nothing = json!({});
    post(
        &operator,
        "/v1/accounts",
        "open",
        &json!({ "account": "eve", "currency": "USD", "deposit": "0.00" }),
    );
    // Money with which an account is opened is brought in as it is later.
    let rich = json!({ "account": "rich", "currency": "USD", "deposit": AMOUNT });
    post(&funds, "/v1/accounts", "rich", &rich);
    let lent = json!({ "account": "lent", "currency": "USD", "credit_limit": AMOUNT });
    post(&operator, "/v1/accounts", "lent", &lent);
    post(&funds, "/v1/accounts/eve/freeze", "freeze", &nothing);
    post(&mall, "/v1/accounts/eve/unfreeze", "unfreeze", &nothing);
    let unfreeze = json!({ "idempotency_key": "unfreeze", "command": { "unfreeze": { "account": "eve" } } });
    let shut = json!({ "idempotency_key": "shut", "on_behalf_of": "eve", "command": { "close": { "account": "nobody" } } });
    let look = json!({ "idempotency_key": "look", "command": { "show_account": { "account": "eve" } } });
    post(&operator, "/v1/messages", "", &json!([unfreeze, shut, look]));
    let hook = json!({ "url": "https://receiver.invalid/secret-path" });
    let made = post(&mall, "/v1/webhooks", "hook", &hook);
    let (webhook, secret) =
        (made["webhook"].as_str().unwrap().to_owned(), made["secret"].as_str().unwrap().to_owned());
    let of_eve = json!({ "url": "https://receiver.invalid/secret-path", "account": "eve" });
    post(&mall, "/v1/webhooks", "of_eve", &of_eve);
    let inside = json!({ "url": "http://127.0.0.1/secret-path", "account": "eve" });
    post(&operator, "/v1/webhooks", "inside", &inside);
    let of_all = post(&operator, "/v1/webhooks", "of_all", &hook)["webhook"].clone();
    post_as(Some("eve"), &mall, "/v1/webhooks", "as", &hook);
    post(&funds, "/v1/webhooks/none/remove", "", &nothing);
    post(&mall, &format!("/v1/webhooks/{webhook}/remove"), "", &nothing);
    post_as(Some("rich"), &operator, "/v1/accounts/eve/password", "", &json!({ "password": "wrong horse" }));
    post(&operator, "/v1/accounts/eve/password", "", &json!({ "password": "correct horse" }));
    post(&operator, "/v1/snapshots", "", &nothing);
    post(&funds, "/v1/snapshots", "", &nothing);
    crate::grpc::on_a_runtime(async {
        let client = Client::connect(&grpc, &funds).await.unwrap();
        let money =
            proto::Money { account: "eve".to_owned(), amount: AMOUNT.to_owned(), currency: "USD".to_owned() };
        let command = Some(proto::message::Command::Deposit(money));
        client
            .send(proto::Message { idempotency_key: "d".to_owned(), command, ..Default::default() })
            .await
            .unwrap();
    });
    let session =
        post(&operator, "/v1/sessions", "", &json!({ "account": "eve", "password": "correct horse" }));
    let token = session["token"].as_str().unwrap().to_owned();
    post(&token, "/v1/accounts/eve/close", "close", &nothing);
    // Whoever has no key that counts has done nothing.
    post("hongbao_0_0", "/v1/accounts/eve/freeze", "freeze", &nothing);
    let new = store.key(&["operator"]);
    let until = |status: u16| {
        let begun = Instant::now();
        let look = || ureq::get(format!("{http}/v1/platform")).config().http_status_as_error(false).build();
        while look().header("Authorization", format!("Bearer {new}")).call().unwrap().status() != status {
            assert!(begun.elapsed() < Duration::from_secs(20), "the key is not {status}");
            std::thread::sleep(Duration::from_millis(20));
        }
    };
    until(200);
    store.keys(&["revoke", &id_of(&new)]);
    until(401);
    let text = server.end();
    let told: Vec<Value> = text
        .lines()
        .map(|line| {
            let line: Value = serde_json::from_str(line).unwrap();
            assert_eq!((&line["target"], &line["level"]), (&json!("hongbao::management"), &json!("INFO")));
            assert_eq!(line["fields"]["message"], "managed");
            let field = |name: &str| line["fields"][name].clone();
            json!([
                field("act"),
                field("on"),
                field("outcome"),
                field("key"),
                field("role"),
                field("account"),
                field("on_behalf_of")
            ])
        })
        .collect();
    let [operator_id, funds_id, mall_id, new_id] = [&operator, &funds, &mall, &new].map(|key| id_of(key));
    let expected = [
        json!(["open_account", "rich", "done", funds_id, "funds_management", null, null]),
        json!(["open_account", "lent", "done", operator_id, "operator", null, null]),
        json!(["freeze", "eve", "done", funds_id, "funds_management", null, null]),
        json!(["unfreeze", "eve", "not_allowed", mall_id, "supplier", "mall", null]),
        json!(["unfreeze", "eve", "done", operator_id, "operator", null, null]),
        json!(["close", "nobody", "not_allowed", operator_id, "operator", null, "eve"]),
        json!(["webhook_created", format!("mall/{webhook}"), "done", mall_id, "supplier", "mall", null]),
        json!(["webhook_created", "eve", "not_allowed", mall_id, "supplier", "mall", null]),
        json!(["webhook_created", "eve", "bad_value", operator_id, "operator", null, null]),
        json!(["webhook_created", of_all, "done", operator_id, "operator", null, null]),
        json!(["webhook_created", "", "not_allowed", mall_id, "supplier", "mall", "eve"]),
        json!(["webhook_removed", "none", "unknown_webhook", funds_id, "funds_management", null, null]),
        json!(["webhook_removed", webhook, "done", mall_id, "supplier", "mall", null]),
        json!(["set_password", "eve", "not_allowed", operator_id, "operator", null, "rich"]),
        json!(["set_password", "eve", "done", operator_id, "operator", null, null]),
        json!(["snapshot", "", "finished", operator_id, "operator", null, null]),
        json!(["snapshot", "", "not_allowed", funds_id, "funds_management", null, null]),
        json!(["deposit", "eve", "done", funds_id, "funds_management", null, null]),
        json!(["close", "eve", "account_not_empty", "session", "account", "eve", null]),
        json!(["key_created", new_id, null, null, "operator", null, null]),
        json!(["key_revoked", new_id, null, null, "operator", null, null]),
    ];
    assert_eq!(told, expected, "{text}");
    for key in [&operator, &funds, &mall, &new] {
        assert!(!text.contains(key.split('_').nth(2).unwrap()), "{text}");
    }
    for shown in [&*secret, &token, "secret-path", "correct horse", AMOUNT] {
        assert!(!text.contains(shown), "{shown}: {text}");
    }
}
