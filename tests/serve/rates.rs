//! How fast an account may send: past its rate a message is refused for itself, and nothing of it is decided.

use std::time::{Duration, Instant};

use hongbao::client::Client;
use hongbao::proto::answer::Outcome;
use hongbao::proto::message::Command;
use hongbao::proto::{self, Message};
use serde_json::{Value, json};

use crate::server::{JSON, Store};
use crate::{open_the_mall, posted};

#[test]
fn an_account_that_sends_too_fast_is_told_so_message_by_message_and_services_are_not() {
    let store = Store::new();
    let key = |role: &str| store.key(&[role, "--account", "eve"]);
    let (eve, other, supplier) = (key("account"), key("account"), key("supplier"));
    let server = store.listen(&["--dev", "--grpc", "127.0.0.1:0", "--account-rate", "1"]);
    server.until_ready();
    open_the_mall(&server, 50, &["eve", "ann"]);
    let money = json!({ "to": "ann", "amount": "1.00", "currency": "USD" });
    let message =
        |id: usize| json!({ "idempotency_key": format!("send {id}"), "command": { "transfer": money } });
    let many: Vec<Value> = (0..40).map(message).collect();
    let answers = server.messages(&eve, JSON, &Value::from(many).to_string()).json();
    let answers = answers.as_array().unwrap();
    let done = answers.iter().filter(|answer| answer["status"] == 200).count();
    let refused = answers.iter().filter(|answer| answer["problem"]["code"] == "too_fast").count();
    // One more for each second that a slow machine took for the others.
    assert!((2..20).contains(&done) && done + refused == 40, "{answers:?}");
    assert_eq!((&answers[0]["status"], &answers[1]["status"]), (&json!(200), &json!(200)));
    let last = &answers[39];
    let told = (&last["status"], &last["problem"]["retryable"], &last["problem"]["definite"]);
    assert_eq!(told, (&json!(429), &json!(true), &json!(true)), "{last}");
    assert_eq!(last["idempotency_key"], "send 39");
    assert_eq!(posted(&server, "ann"), format!("{}.00", 500 + done), "what was refused was not decided");
    // Another key of the account has the same allowance, whichever resource is asked; all of it says when to come again.
    let looks = || server.get_with(&other, "/v1/platform", &[]);
    let refused = (0..20).map(|_| looks()).find(|response| response.status == 429).expect("it is as fast");
    assert_eq!(refused.problem(), (429, "too_fast".to_owned(), "rate".to_owned()));
    assert!(refused.retry_after.is_some_and(|seconds| (1..=2).contains(&seconds)), "{refused:?}");
    let alone = (0..20).map(|_| server.get_with(&eve, "/v1/accounts/eve", &[]));
    assert!(alone.into_iter().any(|response| response.status == 429));
    // Nobody else waits, and no service.
    for _ in 0..50 {
        assert_eq!(server.get_with(&supplier, "/v1/offerings/teapot", &[]).status, 200);
    }
    crate::grpc::on_a_runtime(async {
        let messages: Vec<Message> = (0..10)
            .map(|id| Message {
                idempotency_key: format!("buy {id}"),
                command: Some(Command::ShowAccount(proto::Account { account: "eve".to_owned() })),
                ..Message::default()
            })
            .collect();
        let channel = tonic::transport::Endpoint::from_shared(server.grpc.clone()).unwrap().connect_lazy();
        let mut calls = proto::hongbao_client::HongbaoClient::new(channel);
        let mut codes = Vec::new();
        for message in messages {
            let mut request = tonic::Request::new(message);
            request.metadata_mut().insert("authorization", format!("Bearer {eve}").parse().unwrap());
            match calls.send(request).await.unwrap().into_inner().outcome {
                Some(Outcome::Problem(problem)) => codes.push((problem.code, problem.status)),
                _ => codes.push((String::new(), 200)),
            }
        }
        assert!(codes.contains(&("too_fast".to_owned(), 429)), "{codes:?}");
        // The client waits and sends it again, with the same key.
        let client = Client::connect(&server.grpc, &eve).await.unwrap();
        let transfer = proto::Transfer {
            to: "ann".to_owned(),
            amount: "1.00".to_owned(),
            currency: "USD".to_owned(),
            expires_at: None,
        };
        let command = Some(Command::Transfer(transfer));
        let sent = Message { idempotency_key: "send 39".to_owned(), command, ..Message::default() };
        assert!(matches!(client.send(sent).await, Ok(Outcome::Transferred(_))));
    });
    let begun = Instant::now();
    while server.get_with(&eve, "/v1/accounts/eve", &[]).status == 429 {
        assert!(begun.elapsed() < Duration::from_secs(30));
        std::thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(posted(&server, "ann"), format!("{}.00", 501 + done));
    assert!(server.end());
}
