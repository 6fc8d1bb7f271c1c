//! TLS at both doors.

use std::process::Command;

use hongbao::client::{Client, ClientError};
use hongbao::proto::answer::Outcome;
use hongbao::proto::{self, Message, message};
use ureq::tls::{Certificate, RootCerts, TlsConfig};

use crate::server::Store;

#[test]
fn both_doors_speak_tls_with_the_certificate_that_is_given() {
    let store = Store::new();
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned(), "127.0.0.1".to_owned()]).unwrap();
    let folder = store.data.parent().unwrap();
    let (certificate, key) = (folder.join("certificate.pem"), folder.join("key.pem"));
    std::fs::write(&certificate, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    let (certificate, key) = (certificate.to_str().unwrap(), key.to_str().unwrap());
    let more = ["--dev", "--grpc", "127.0.0.1:0", "--tls-certificate", certificate, "--tls-key", key];
    let server = store.listen(&more);
    assert!(server.address.starts_with("https://") && server.grpc.starts_with("https://"));
    let trusted = Certificate::from_pem(made.cert.pem().as_bytes()).unwrap();
    let tls = TlsConfig::builder().root_certs(RootCerts::new_with_certs(&[trusted])).build();
    let agent: ureq::Agent =
        ureq::Agent::config_builder().tls_config(tls).http_status_as_error(false).build().into();
    let ask = || agent.get(format!("{}/readyz", server.address)).call().unwrap().status().as_u16();
    while ask() != 200 {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    // Whoever does not know the certificate does not come in, and whoever speaks without TLS neither.
    assert!(ureq::get(format!("{}/readyz", server.address)).call().is_err());
    assert!(ureq::get(format!("{}/readyz", server.address.replace("https", "http"))).call().is_err());
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let client = Client::connect_trusting(&server.grpc, &server.key, &made.cert.pem()).await.unwrap();
        let open = proto::OpenAccount {
            account: "ann".to_owned(),
            currency: "USD".to_owned(),
            ..Default::default()
        };
        let command = Some(message::Command::OpenAccount(open));
        let opened =
            client.send(Message { idempotency_key: "1".to_owned(), command, ..Message::default() }).await;
        assert!(matches!(opened, Ok(Outcome::Opened(_))), "{opened:?}");
        let unknown = Client::connect(&server.grpc, &server.key).await;
        assert!(matches!(unknown, Err(ClientError::Unreachable(_))));
    });
    assert!(server.end());
    let refused = |certificate: &str, key: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hongbao"));
        let arguments = [
            "serve",
            "--listen",
            "127.0.0.1:0",
            "--tls-certificate",
            certificate,
            "--tls-key",
            key,
            "--data",
        ];
        let done = command.args(arguments).arg(&store.data).output().unwrap();
        let why = String::from_utf8(done.stderr).unwrap();
        assert!(!done.status.success() && why.lines().count() == 1, "{why}");
        why
    };
    assert!(refused("/nowhere", key).contains("cannot read /nowhere"));
    assert!(refused(key, key).contains("no certificate"));
    assert!(refused(certificate, certificate).contains("cannot be used for TLS"));
}
