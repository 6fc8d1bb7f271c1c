//! The same engine over gRPC.

use std::time::Duration;

use hongbao::client::{Client, ClientError, Patience};
use hongbao::proto::answer::Outcome;
use hongbao::proto::message::Command;
use hongbao::proto::{self, Answer, Message};
use serde_json::{Value, json};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use crate::open_the_mall;
use crate::server::{Server, Store};

const ON: &[&str] = &["--dev", "--grpc", "127.0.0.1:0"];

fn message(key: &str, account: &str, command: Command) -> Message {
    let on_behalf_of = (!account.is_empty()).then(|| account.to_owned());
    Message { idempotency_key: key.to_owned(), on_behalf_of, command: Some(command), ..Message::default() }
}

fn purchase() -> Command {
    Command::Purchase(proto::Purchase { offering: "teapot".to_owned(), ..Default::default() })
}

fn circulate() -> Command {
    Command::Circulate(proto::Circulate { offering: "teapot".to_owned(), ..Default::default() })
}

fn code(answer: &Answer) -> &str {
    match &answer.outcome {
        Some(Outcome::Problem(problem)) => &problem.code,
        _ => "",
    }
}

pub fn on_a_runtime<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Runtime::new().unwrap().block_on(work)
}

async fn client(server: &Server) -> Client {
    Client::connect(&server.grpc, &server.key).await.unwrap()
}

#[test]
fn a_teapot_is_shared_and_bought_in_a_stream() {
    let store = Store::new();
    let server = store.listen(ON);
    server.until_ready();
    open_the_mall(&server, 2, &["ann", "ben", "eve"]);
    on_a_runtime(async {
        let client = client(&server).await;
        let shared = client.send(message("share", "ann", circulate())).await.unwrap();
        assert!(
            matches!(&shared, Outcome::Circulated(done) if (done.serial, done.hop) == (1, 1)),
            "{shared:?}"
        );
        let messages = vec![
            message("buy", "eve", purchase()),
            message("buy", "eve", purchase()),
            message("buy", "ben", purchase()),
            message("buy", "ann", purchase()),
            message("", "ann", purchase()),
            message("x", "ann", Command::Close(proto::Account { account: String::new() })),
            message("look", "", Command::ShowAccount(proto::Account { account: "mall".to_owned() })),
        ];
        let answers = client.send_all(messages).await.unwrap();
        let codes: Vec<&str> = answers.iter().map(code).collect();
        assert_eq!(codes, ["", "", "", "sold_out", "bad_text", "malformed", ""]);
        assert_eq!(answers[0].outcome, answers[1].outcome, "a repeat has the same answer");
        let replayed: Vec<bool> = answers.iter().map(|answer| answer.replayed).collect();
        assert_eq!(replayed, [false, true, false, false, false, false, false]);
        let Some(Outcome::Purchased(bought)) = &answers[2].outcome else { panic!("{answers:?}") };
        assert_eq!((&*bought.price, &*bought.currency), ("100.00", "USD"));
        let Some(Outcome::Account(mall)) = &answers[6].outcome else { panic!("{answers:?}") };
        assert_eq!((&*mall.account, &*mall.status), ("mall", "open"));
    });
    let metrics = server.get("/metrics").text;
    assert!(metrics.contains("\nhongbao_answer_seconds_count{door=\"grpc\"} 2\n"), "{metrics}");
    assert_eq!(server.get("/v1/offerings/teapot").json()["sold"], 2);
    assert!(server.end());
}

/// A view as both doors show it: without what is left out at one of them, and with what is said in another way at either.
fn plain(mut view: Value) -> Value {
    fn simplify(value: &mut Value) {
        match value {
            Value::Array(all) => all.iter_mut().for_each(simplify),
            Value::Object(members) => {
                if let Some(page) = members.get_mut("via").and_then(|via| via.get_mut("private_page")) {
                    let page = page.take();
                    members.insert("via".to_owned(), json!("private_page"));
                    members.insert("private_page".to_owned(), page);
                }
                let word =
                    |name: &str, value: &Value| matches!(name, "increase" | "take") && value.is_string();
                members.retain(|name, value| !value.is_null() && !word(name, value));
                members.values_mut().for_each(simplify);
            }
            _ => {}
        }
    }
    if let Value::Object(members) = &mut view {
        members.remove("type");
    }
    simplify(&mut view);
    view
}

/// What is shown over gRPC, as JSON.
fn shown(outcome: &Outcome) -> Value {
    let json = match outcome {
        Outcome::Account(view) => serde_json::to_value(view),
        Outcome::Offering(view) => serde_json::to_value(view),
        Outcome::Certificate(view) => serde_json::to_value(view),
        Outcome::Gift(view) => serde_json::to_value(view),
        Outcome::Gifts(view) => serde_json::to_value(view),
        Outcome::Payment(view) => serde_json::to_value(view),
        Outcome::Mandate(view) => serde_json::to_value(view),
        Outcome::Order(view) => serde_json::to_value(view),
        other => panic!("{other:?} is no view"),
    };
    plain(json.unwrap())
}

/// Something of everything that can be shown.
fn a_market(server: &Server) {
    open_the_mall(server, 3, &["ann", "ben", "eve", "till"]);
    server.done("/v1/offerings/teapot/circulations", "share", "ann", "");
    let found = r#"{"via":{"private_page":"ann"}}"#;
    server.done("/v1/offerings/teapot/certificates/1/circulations", "share", "ben", found);
    server.done("/v1/offerings/teapot/certificates/1/purchases", "buy", "eve", r#"{"via":"link"}"#);
    let offer = json!({
        "offering": "kettle",
        "offer": {
            "payee": "mall", "price": "20.00", "currency": "USD", "items": 2, "cap": 1,
            "window": { "closes": "2999-01-01T00:00:00Z" }, "expires_at": "2999-01-01T00:00:00Z",
            "information": { "product_name": "a kettle", "settlement": "at purchase", "service": "none" },
        },
    });
    server.done("/v1/offerings", "issue kettle", "mall", &offer.to_string());
    let terms = json!({
        "currency": "USD",
        "terms": {
            "funded": "5.00", "attached": "1.00", "policy": "every_command", "acquiring": "manual",
            "increase": { "random": { "min": "0.10", "max": "0.20" } }, "take": { "share": 5_000 },
            "condition": { "times": 9, "at_least": 1, "check_point": "before_increase" },
        },
    });
    server.done("/v1/offerings/kettle/commission", "attach kettle", "mall", &terms.to_string());
    server.done("/v1/offerings/kettle/publish", "publish kettle", "mall", r#"{"display":"snapshot"}"#);
    server.done("/v1/merchants/mall/register", "register", "", r#"{"payee":"till"}"#);
    let give = |object: Value, price: &str| {
        let body = json!({
            "recipient": "ben", "merchant": "mall", "price": price, "currency": "USD", "object": object,
        });
        body.to_string()
    };
    let goods = json!({ "goods": { "kind": "gold", "description": "a coin" } });
    server.done("/v1/gifts", "coin", "ann", &give(goods, "30.00"));
    let certificate = json!({ "certificate": { "offering": "kettle", "serial": 2 } });
    server.done("/v1/gifts", "kettle", "ann", &give(certificate, "20.00"));
    server.done("/v1/gifts/ann/coin/accept", "accept", "ben", "");
    let order = |order: &str, amount: &str, from: Value| {
        json!({ "order": order, "amount": amount, "currency": "USD", "from": from }).to_string()
    };
    let gift = json!({ "gift": { "recipient": "ben", "donor": "ann", "gift": "coin" } });
    server.done("/v1/orders", "withhold", "mall", &order("o1", "30.00", gift));
    let mandate = r#"{"merchant":"mall","amount_max":"9.00","amount_max_per_use":"5.00","currency":"USD"}"#;
    server.done("/v1/mandates", "mandate", "eve", mandate);
    let mandate = json!({ "mandate": { "recipient": "eve", "mandate": "mandate" } });
    server.done("/v1/orders", "withhold more", "mall", &order("o2", "4.00", mandate));
    let payment =
        r#"{"amount":"7.00","currency":"USD","beneficiary":"ben","expires_at":"2999-01-01T00:00:00Z"}"#;
    server.done("/v1/payment-certificates", "payment", "mall", payment);
}

#[test]
fn everything_that_is_shown_has_a_message_and_says_the_same_as_over_http() {
    let store = Store::new();
    let server = store.listen(ON);
    server.until_ready();
    a_market(&server);
    let text = str::to_owned;
    let account = |name: &str| Command::ShowAccount(proto::Account { account: text(name) });
    let offering = |name: &str| Command::ShowOffering(proto::Offering { offering: text(name) });
    let certificate = |name: &str, serial| {
        Command::ShowCertificate(proto::ShowCertificate { offering: text(name), serial, from_hop: None })
    };
    let gift = |gift: &str| {
        let (recipient, donor, gift) = (text("ben"), text("ann"), text(gift));
        Command::ShowGift(proto::GiftOf { recipient, donor, gift })
    };
    let order = |order: &str| Command::ShowOrder(proto::Order { order: text(order) });
    let payment = proto::Payment { issuer: text("mall"), payment: text("payment") };
    let looks = [
        ("eve", account("eve"), "/v1/accounts/eve"),
        ("eve", offering("teapot"), "/v1/offerings/teapot"),
        ("eve", offering("kettle"), "/v1/offerings/kettle"),
        ("eve", certificate("teapot", 1), "/v1/offerings/teapot/certificates/1"),
        ("eve", certificate("kettle", 1), "/v1/offerings/kettle/certificates/1"),
        ("ben", gift("coin"), "/v1/accounts/ben/gifts/ann/coin"),
        ("ben", gift("kettle"), "/v1/accounts/ben/gifts/ann/kettle"),
        ("ben", Command::ListGifts(proto::ListGifts { skip: None }), "/v1/gifts"),
        ("mall", Command::ShowPayment(payment), "/v1/payment-certificates/mall/payment"),
        ("eve", Command::ShowMandate(proto::Mandate { mandate: text("mandate") }), "/v1/mandates/mandate"),
        ("mall", order("o1"), "/v1/orders/o1"),
        ("mall", order("o2"), "/v1/orders/o2"),
    ];
    on_a_runtime(async {
        let client = client(&server).await;
        for (who, look, path) in looks {
            let over_grpc = shown(&client.send(message("look", who, look)).await.unwrap());
            let over_http = server.get_with(&server.key, path, &[("On-Behalf-Of", who)]).json();
            assert_eq!(over_grpc, plain(over_http), "{path}");
        }
        // An earlier answer is an answer.
        let asked = proto::OfferingRequest { offering: text("teapot"), request: text("buy") };
        let earlier = client.send(message("look", "eve", Command::ShowOfferingRequest(asked))).await.unwrap();
        let Outcome::Request(earlier) = earlier else { panic!("{earlier:?}") };
        let Some(Outcome::Purchased(bought)) = earlier.answer.unwrap().outcome else { panic!() };
        assert_eq!(bought.serial, 1);
        // And beside an answer.
        let mut buy = message("buy another", "ben", purchase());
        buy.show = ["account", "offering", "certificate"].map(text).to_vec();
        let answers = client.send_all(vec![buy]).await.unwrap();
        let beside = answers[0].shown.as_ref().unwrap();
        for (view, path) in [
            (serde_json::to_value(&beside.account), "/v1/accounts/ben"),
            (serde_json::to_value(&beside.offering), "/v1/offerings/teapot"),
            (serde_json::to_value(&beside.certificate), "/v1/offerings/teapot/certificates/2"),
        ] {
            assert_eq!(plain(view.unwrap()), plain(server.get(path).json()), "{path}");
        }
    });
    assert!(server.end());
}

#[test]
fn a_stream_takes_what_is_wrong_with_a_batch_and_goes_on() {
    let store = Store::new();
    let server = store.listen(ON);
    server.until_ready();
    open_the_mall(&server, 1, &["eve"]);
    on_a_runtime(async {
        let channel = tonic::transport::Endpoint::from_shared(server.grpc.clone()).unwrap().connect_lazy();
        let mut calls = proto::hongbao_client::HongbaoClient::new(channel);
        let batches = vec![
            proto::Batch { id: 7, messages: vec![message("a", "eve", purchase()); 8_191] },
            proto::Batch { id: 8, messages: Vec::new() },
            proto::Batch { id: 9, messages: vec![message("buy", "eve", purchase())] },
        ];
        let mut request = tonic::Request::new(tokio_stream::iter(batches.clone()));
        request.metadata_mut().insert("authorization", format!("Bearer {}", server.key).parse().unwrap());
        let mut answering = calls.submit(request).await.unwrap().into_inner();
        let mut seen = Vec::new();
        while let Some(answers) = answering.message().await.unwrap() {
            seen.push((answers.id, answers.answers.len(), answers.problem.map(|problem| problem.code)));
        }
        assert_eq!(seen, [(7, 0, Some("bad_value".to_owned())), (8, 0, None), (9, 1, None)]);
        // Without a key nothing is taken at all.
        let refused = calls.submit(tonic::Request::new(tokio_stream::iter(batches))).await.unwrap_err();
        assert_eq!(refused.code(), tonic::Code::Unauthenticated);
        let wrong = Client::connect(&server.grpc, "hongbao_0_0").await.unwrap();
        let refused = wrong.send(message("a", "", circulate())).await.unwrap_err();
        assert!(matches!(refused, ClientError::Call(_)), "{refused}");
        // A message that is refused says what to do, as it does over HTTP.
        let refused = client(&server).await.send(message("nobody's", "", purchase())).await;
        let Err(ClientError::Refused(problem)) = refused else { panic!("{refused:?}") };
        assert_eq!((&*problem.field, problem.retry_after), ("caller", None), "{problem:?}");
        assert!(problem.advice.contains("on_behalf_of"), "{problem:?}");
    });
    assert_eq!(server.get("/v1/offerings/teapot").json()["sold"], 1);
    assert!(server.end());
}

#[test]
fn the_table_of_who_may_send_what_holds_here_too() {
    let store = Store::new();
    let eve = store.key(&["account", "--account", "eve"]);
    let server = store.listen(ON);
    server.until_ready();
    open_the_mall(&server, 1, &["eve", "ann"]);
    on_a_runtime(async {
        let client = Client::connect(&server.grpc, &eve).await.unwrap();
        let money =
            || proto::Money { account: "eve".to_owned(), amount: "1".to_owned(), currency: "USD".to_owned() };
        let messages = vec![
            message("a", "", Command::Deposit(money())),
            message("b", "ann", purchase()),
            message("c", "", Command::ShowAccount(proto::Account { account: "ann".to_owned() })),
            message("d", "", purchase()),
        ];
        let answers = client.send_all(messages).await.unwrap();
        let codes: Vec<&str> = answers.iter().map(code).collect();
        assert_eq!(codes, ["not_allowed", "not_allowed", "not_allowed", ""]);
    });
    assert!(server.end());
}

#[test]
fn it_tells_its_health_and_ends_with_an_open_stream() {
    let store = Store::new();
    let server = store.listen(ON);
    server.until_ready();
    on_a_runtime(async {
        let channel =
            tonic::transport::Endpoint::from_shared(server.grpc.clone()).unwrap().connect().await.unwrap();
        let mut health = HealthClient::new(channel.clone());
        let service = "hongbao.v1.Hongbao".to_owned();
        let asked = || HealthCheckRequest { service: service.clone() };
        while health.check(asked()).await.unwrap().into_inner().status != ServingStatus::Serving as i32 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        // A client that never ends its stream keeps nobody.
        let mut calls = proto::hongbao_client::HongbaoClient::new(channel);
        let (batches, receiver) = tokio::sync::mpsc::channel(1);
        let mut request = tonic::Request::new(tokio_stream::wrappers::ReceiverStream::new(receiver));
        request.metadata_mut().insert("authorization", format!("Bearer {}", server.key).parse().unwrap());
        let mut answering = calls.submit(request).await.unwrap().into_inner();
        batches.send(proto::Batch { id: 1, messages: Vec::new() }).await.unwrap();
        assert_eq!(answering.message().await.unwrap().unwrap().id, 1);
        assert!(server.end());
        assert!(answering.message().await.unwrap_or_default().is_none());
    });
}

#[test]
fn nobody_who_says_nothing_or_only_listens_keeps_it_from_ending() {
    let store = Store::new();
    let server = store.listen(ON);
    server.until_ready();
    let address = server.grpc.strip_prefix("http://").unwrap();
    let silent: Vec<std::net::TcpStream> =
        (0..20).map(|_| std::net::TcpStream::connect(address).unwrap()).collect();
    on_a_runtime(async {
        let endpoint = tonic::transport::Endpoint::from_shared(server.grpc.clone()).unwrap();
        let mut health = HealthClient::new(endpoint.connect().await.unwrap());
        let watched = health.watch(HealthCheckRequest { service: String::new() }).await.unwrap();
        let begun = std::time::Instant::now();
        assert!(server.end());
        assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
        drop(watched);
    });
    drop(silent);
}

#[test]
fn a_key_that_is_revoked_counts_no_more_on_an_open_stream() {
    let store = Store::new();
    let ann = store.key(&["account", "--account", "ann"]);
    let server = store.listen(ON);
    server.until_ready();
    open_the_mall(&server, 1, &["ann", "ben"]);
    on_a_runtime(async {
        let channel = tonic::transport::Endpoint::from_shared(server.grpc.clone()).unwrap().connect_lazy();
        let mut calls = proto::hongbao_client::HongbaoClient::new(channel);
        let (batches, receiver) = tokio::sync::mpsc::channel(1);
        let mut request = tonic::Request::new(tokio_stream::wrappers::ReceiverStream::new(receiver));
        request.metadata_mut().insert("authorization", format!("Bearer {ann}").parse().unwrap());
        let mut answering = calls.submit(request).await.unwrap().into_inner();
        let send = |key: &str| {
            let (to, amount, currency) = ("ben".to_owned(), "1.00".to_owned(), "USD".to_owned());
            let transfer = proto::Transfer { to, amount, currency, expires_at: None };
            proto::Batch { id: 1, messages: vec![message(key, "", Command::Transfer(transfer))] }
        };
        batches.send(send("1")).await.unwrap();
        assert_eq!(code(&answering.message().await.unwrap().unwrap().answers[0]), "");
        store.keys(&["revoke", ann.split('_').nth(1).unwrap()]);
        tokio::time::sleep(Duration::from_millis(2_500)).await;
        batches.send(send("2")).await.unwrap();
        assert_eq!(answering.message().await.unwrap_err().code(), tonic::Code::Unauthenticated);
    });
    assert_eq!(server.get("/v1/accounts/ben").json()["posted"], "501.00");
    assert!(server.end());
}

#[test]
fn a_client_outlasts_a_server_that_is_killed() {
    let store = Store::new();
    let server = store.listen(ON);
    server.until_ready();
    open_the_mall(&server, 300, &["eve"]);
    let money = json!({ "amount": "50000.00", "currency": "USD" });
    server.done("/v1/accounts/eve/deposits", "rich", "", &money.to_string());
    // The key for everything counts as long as its server runs.
    let key = store.key(&["operator"]);
    let port = server.grpc.rsplit(':').next().unwrap().to_owned();
    let address = format!("127.0.0.1:{port}");
    std::thread::scope(|scope| {
        let buying = scope.spawn(|| {
            on_a_runtime(async {
                let patience = Patience { longest: Duration::from_secs(60), ..Patience::default() };
                let client = loop {
                    match Client::connect(&server.grpc, &key).await {
                        Ok(client) => break client.with_patience(patience),
                        Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
                    }
                };
                // A key that was just made counts within a second.
                while client.send(message("look", "eve", circulate())).await.is_err() {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
                let mut serials = Vec::new();
                for number in 0..100 {
                    let outcome = client.send(message(&format!("buy {number}"), "eve", purchase())).await;
                    let Ok(Outcome::Purchased(done)) = &outcome else { panic!("{number}: {outcome:?}") };
                    serials.push(done.serial);
                }
                serials
            })
        });
        std::thread::sleep(Duration::from_millis(1_300));
        server.kill();
        let again = store.listen(&["--dev", "--grpc", &address]);
        again.until_ready();
        let mut serials = buying.join().unwrap();
        assert_eq!(again.get("/v1/offerings/teapot").json()["sold"], 100);
        serials.sort_unstable();
        serials.dedup();
        assert_eq!(serials.len(), 100, "no key has bought twice");
        assert!(again.end());
    });
}

#[test]
fn eve_logs_in_here_too_and_her_stream_ends_with_her_password() {
    use hongbao::proto::logged_in::Outcome as LoggedIn;
    let store = Store::new();
    let server = store.listen(ON);
    server.until_ready();
    open_the_mall(&server, 2, &["eve"]);
    let password = json!({ "password": "correct horse" });
    assert_eq!(crate::passwords::set(&server, &server.key, "eve", &password).status, 200);
    on_a_runtime(async {
        let channel = tonic::transport::Endpoint::from_shared(server.grpc.clone()).unwrap().connect_lazy();
        let mut sessions = proto::sessions_client::SessionsClient::new(channel.clone());
        let mut calls = proto::hongbao_client::HongbaoClient::new(channel);
        // Nobody without a key makes it hold more than a name and a password, and nothing at all beside logging in.
        let long = proto::Credentials { account: "eve".to_owned(), password: "x".repeat(9_000) };
        assert_eq!(sessions.log_in(long).await.unwrap_err().code(), tonic::Code::OutOfRange);
        let nobody = calls.send(message("1", "", purchase())).await.unwrap_err();
        assert_eq!(nobody.code(), tonic::Code::Unauthenticated);
        let credentials = |account: &str, password: &str| proto::Credentials {
            account: account.to_owned(),
            password: password.to_owned(),
        };
        assert!(!format!("{:?}", credentials("eve", "correct horse")).contains("horse"));
        let mut refused = Vec::new();
        for (account, password) in
            [("eve", "incorrect"), ("nobody", "incorrect"), ("", "x"), ("eve", &*"x".repeat(513))]
        {
            let told = sessions.log_in(credentials(account, password)).await.unwrap().into_inner();
            let Some(LoggedIn::Problem(problem)) = told.outcome else { panic!("{told:?}") };
            refused.push((problem.code, problem.status, problem.field));
        }
        let expected = [
            ("wrong_password", 401, "password"),
            ("wrong_password", 401, "password"),
            ("bad_text", 422, "account"),
            ("bad_text", 422, "password"),
        ];
        assert_eq!(
            refused,
            expected.map(|(code, status, field)| (code.to_owned(), status, field.to_owned()))
        );
        let told = sessions.log_in(credentials("eve", "correct horse")).await.unwrap().into_inner();
        let Some(LoggedIn::Session(session)) = told.outcome else { panic!("{told:?}") };
        assert_eq!(session.account, "eve");
        let (batches, receiver) = tokio::sync::mpsc::channel(1);
        let mut request = tonic::Request::new(tokio_stream::wrappers::ReceiverStream::new(receiver));
        request.metadata_mut().insert("authorization", format!("Bearer {}", session.token).parse().unwrap());
        let mut answering = calls.submit(request).await.unwrap().into_inner();
        let buy = |key: &str| proto::Batch { id: 1, messages: vec![message(key, "", purchase())] };
        batches.send(buy("1")).await.unwrap();
        assert_eq!(code(&answering.message().await.unwrap().unwrap().answers[0]), "");
        let password = json!({ "password": "another horse" });
        assert_eq!(crate::passwords::set(&server, &server.key, "eve", &password).status, 200);
        batches.send(buy("2")).await.unwrap();
        let ended = answering.message().await.unwrap_err();
        assert_eq!(ended.code(), tonic::Code::Unauthenticated);
        assert!(ended.message().starts_with("session_ended: "), "{ended}");
        let again = Client::connect(&server.grpc, &session.token).await.unwrap();
        let refused = again.send(message("3", "", purchase())).await.unwrap_err().to_string();
        assert!(refused.contains("session_ended: "), "{refused}");
    });
    assert_eq!(server.get("/v1/offerings/teapot").json()["sold"], 1);
    assert!(server.end());
}
