//! Bodies, gRPC messages, tokens and files of passwords that nobody wrote: each is read or refused, and none takes the process
//! with it.

use prost::Message as _;

use super::grpc;
use super::http;
use super::identity;
use crate::proto;
use crate::simulator::fuzzing::{Target, fuzz};

const BODIES: [&str; 8] = [
    r#"{"idempotency_key":"1","on_behalf_of":"eve","command":{"purchase":{"offering":"teapot","via":{"private_page":"ann"},"serial":3}}}"#,
    r#"{"idempotency_key":"2","command":{"open_account":{"account":"eve","currency":"USD","deposit":"12.50"}}}"#,
    r#"{"idempotency_key":"3","command":{"issue":{"offering":"o","offer":{"payee":"p","price":"1","currency":"USD","items":1,"payers":["a","b"],"window":{"opens":"2030-01-31T18:00:00Z"},"information":{"product_name":"a","settlement":"b"}}}}}"#,
    r#"{"idempotency_key":"4","command":{"attach_commission":{"offering":"o","terms":{"funded":"5","attached":"1","take":{"random":{"min":"1","max":"2"}},"condition":{"times":3,"at_least":1,"check_point":"before_increase"}},"currency":"USD"}}}"#,
    r#"{"idempotency_key":"5","command":{"give":{"recipient":"b","object":{"goods":{"kind":"gold","description":"a coin"}},"price":"1","currency":"USD"}}}"#,
    r#"{"idempotency_key":"6","command":{"withhold":{"order":"o","amount":"1","currency":"USD","from":{"mandate":{"recipient":"b","mandate":"m"}}}}}"#,
    r#"{"idempotency_key":"7","command":{"publish":{"offering":"é\u00e9","display":"snapshot"}}}"#,
    r#"{"idempotency_key":"8","command":{"list_gifts":{}}}"#,
];

#[test]
fn any_bytes_as_a_message_over_http_are_read_or_refused() {
    let target = Target {
        name: "http_messages",
        inputs: 50_000,
        random_bytes_max: 200,
        memory_factor: 2_048,
        take: |input| {
            let Ok(text) = std::str::from_utf8(input) else { return false };
            http::parsed(text)
                .is_ok_and(|read| read.command.price_max().is_ok() && read.command.command().is_ok())
        },
    };
    fuzz(&target, &BODIES.map(|body| body.as_bytes().to_vec()));
}

#[test]
fn any_bytes_as_a_body_of_a_resource_are_read_or_refused() {
    let target = Target {
        name: "http_bodies",
        inputs: 50_000,
        random_bytes_max: 200,
        memory_factor: 2_048,
        take: |input| {
            let Ok(text) = std::str::from_utf8(input) else { return false };
            http::parsed_body("purchase", "offering", "teapot", text)
                .is_ok_and(|command| command.command().is_ok())
        },
    };
    let bodies = [
        "",
        "{}",
        r#"{"serial":2}"#,
        r#"{"via":{"private_page":"ann"},"paid_from":{"gift":{"donor":"a","gift":"g"}}}"#,
    ];
    fuzz(&target, &bodies.map(|body| body.as_bytes().to_vec()));
}

#[test]
fn any_bytes_as_a_message_over_grpc_are_read_or_refused() {
    let target = Target {
        name: "grpc_messages",
        inputs: 50_000,
        random_bytes_max: 200,
        memory_factor: 4_096,
        take: |input| {
            let Some(read) = grpc::parsed(input).ok().and_then(|batch| batch.messages.ok()) else {
                return false;
            };
            read.into_iter()
                .filter(|read| read.as_ref().is_ok_and(|read| read.command.clone().command().is_ok()))
                .count()
                > 0
        },
    };
    let text = |text: &str| text.to_owned();
    let message =
        |command| proto::Message { idempotency_key: text("1"), command: Some(command), ..Default::default() };
    use proto::message::Command;
    let purchase = proto::Purchase { offering: text("teapot"), serial: Some(3), ..Default::default() };
    let open = proto::OpenAccount {
        account: text("eve"),
        currency: text("USD"),
        deposit: Some(text("1.50")),
        credit_limit: None,
    };
    let give = proto::Give {
        recipient: text("ben"),
        object: Some(proto::GiftObject {
            object: Some(proto::gift_object::Object::Certificate(proto::Certificate {
                offering: text("o"),
                serial: 1,
            })),
        }),
        price: text("1"),
        currency: text("USD"),
        ..Default::default()
    };
    let commands = [Command::Purchase(purchase), Command::OpenAccount(open), Command::Give(give)];
    let examples =
        commands.map(|command| proto::Batch { id: 1, messages: vec![message(command)] }.encode_to_vec());
    fuzz(&target, &examples);
}

#[test]
fn any_bytes_as_a_token_are_ours_or_refused() {
    let target = Target {
        name: "session_tokens",
        inputs: 100_000,
        random_bytes_max: 400,
        memory_factor: 64,
        take: |input| std::str::from_utf8(input).is_ok_and(identity::is_own_token),
    };
    fuzz(&target, &["eve", "\u{1F9E7} é", "a"].map(|account| identity::own_token(account).into_bytes()));
}

#[test]
fn any_bytes_as_a_file_of_passwords_are_read_or_refused() {
    const SET: &str = r#"{"set":{"account":"eve","hash":"$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$aGFzaGhhc2hoYXNoaGFzaA","generation":"00112233445566ff"}}"#;
    const REMOVED: &str = r#"{"removed":{"account":"\u0065ve"}}"#;
    let target = Target {
        name: "password_files",
        inputs: 50_000,
        random_bytes_max: 400,
        memory_factor: 64,
        take: identity::reads_passwords,
    };
    let files =
        ["".to_owned(), format!("{SET}\n"), format!("{SET}\n{REMOVED}\n{SET}\n"), format!("{SET}\n{SET}")];
    fuzz(&target, &files.map(String::into_bytes));
}
