//! The trace of a request: taken over or made, given back, and in every line that is logged on its way.

use hongbao::proto;
use hongbao::proto::hongbao_client::HongbaoClient;
use serde_json::Value;
use tonic::Request;
use tonic::metadata::MetadataMap;
use tonic::transport::Endpoint;

use crate::server::{Logging, Store};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const OTHER: &str = "0af7651916cd43dd8448eb211c80319c";

fn parent(trace: &str) -> String {
    format!("00-{trace}-00f067aa0ba902b7-01")
}

/// Asks by both doors, and gives the traces that come back: of HTTP with a parent and without, of a path that is not there; of gRPC
/// with a parent, and of a call that is turned away without one.
fn asked(http: &str, grpc: &str, key: &str) -> [String; 5] {
    let ask = |path: &str, parent: Option<String>| {
        let mut request = ureq::get(format!("{http}{path}")).config().http_status_as_error(false).build();
        if let Some(parent) = parent {
            request = request.header("traceparent", parent);
        }
        let response = request.call().unwrap();
        response.headers()["trace-id"].to_str().unwrap().to_owned()
    };
    let of = |metadata: &MetadataMap| metadata.get("trace-id").unwrap().to_str().unwrap().to_owned();
    let [told, refused] = tokio::runtime::Runtime::new().unwrap().block_on(async {
        let mut client =
            HongbaoClient::new(Endpoint::from_shared(grpc.to_owned()).unwrap().connect().await.unwrap());
        let mut request = Request::new(proto::Message::default());
        request.metadata_mut().insert("traceparent", parent(OTHER).parse().unwrap());
        request.metadata_mut().insert("authorization", format!("Bearer {key}").parse().unwrap());
        let told = of(client.send(request).await.unwrap().metadata());
        let refused = client.send(Request::new(proto::Message::default())).await.unwrap_err();
        [told, of(refused.metadata())]
    });
    [ask("/livez", Some(parent(TRACE))), ask("/livez", None), ask("/nothing", None), told, refused]
}

/// What a server logs while it is asked, and the traces that it gives back.
fn logged(level: &str, format: &str) -> (Vec<String>, [String; 5]) {
    let store = Store::new();
    let server = Logging::start(&store, level, format);
    let traces = asked(&server.http, &server.grpc, &server.key);
    let text = server.end();
    (text.lines().map(str::to_owned).collect(), traces)
}

#[test]
fn a_trace_is_taken_over_or_made_and_stands_in_each_line_of_its_request() {
    let (lines, traces) = logged("warn,hongbao=info", "json");
    assert_eq!((&*traces[0], &*traces[3]), (TRACE, OTHER));
    let mut distinct = traces.to_vec();
    distinct.sort();
    distinct.dedup();
    assert!(distinct.len() == 5 && distinct.iter().all(|trace| trace.len() == 32), "{traces:?}");
    let lines: Vec<Value> = lines.iter().map(|line| serde_json::from_str(line).expect(line)).collect();
    let answered: Vec<&Value> = lines.iter().filter(|line| line["fields"]["message"] == "answered").collect();
    assert_eq!(answered.len(), 5, "{lines:?}");
    for (door, what, trace, status) in [
        ("http", "/livez", &traces[0], "200"),
        ("http", "/livez", &traces[1], "200"),
        ("http", "/nothing", &traces[2], "404"),
        ("grpc", "Send", &traces[3], "Ok"),
        ("grpc", "without a key", &traces[4], "Unauthenticated"),
    ] {
        let line = answered.iter().find(|line| line["span"]["trace_id"] == **trace);
        let line = line.unwrap_or_else(|| panic!("{trace} of {what} is nowhere: {answered:?}"));
        assert_eq!((&line["span"]["door"], &line["span"]["what"]), (&door.into(), &what.into()), "{line}");
        let told = if door == "http" { &line["fields"]["status"] } else { &line["fields"]["code"] };
        assert_eq!(told.to_string().trim_matches('"'), status, "{line}");
        assert!(line["level"] == "INFO" && line["timestamp"].is_string(), "{line}");
    }
    let (lines, traces) = logged("warn,hongbao=info", "text");
    for trace in &traces {
        assert_eq!(
            lines.iter().filter(|line| line.contains(&format!("trace_id={trace}"))).count(),
            1,
            "{lines:?}"
        );
    }
}

#[test]
fn traces_are_given_back_also_where_nothing_is_logged() {
    for level in ["off", "warn"] {
        let (lines, traces) = logged(level, "json");
        assert_eq!(lines, Vec::<String>::new(), "{level}");
        assert_eq!((&*traces[0], &*traces[3]), (TRACE, OTHER), "{level}");
    }
}

#[test]
fn an_act_of_management_is_told_within_its_request_whoever_learns_what_came_of_it() {
    let store = Store::new();
    let server = Logging::start(&store, "warn,hongbao=info", "json");
    let eve = r#"{ "account": "eve", "currency": "USD", "deposit": "5.00" }"#;
    let opened = ureq::post(format!("{}/v1/accounts", server.http))
        .header("Authorization", format!("Bearer {}", server.key))
        .header("Idempotency-Key", "open")
        .header("Content-Type", "application/json")
        .header("traceparent", parent(TRACE))
        .send(eve)
        .unwrap();
    assert_eq!(opened.status(), 200);
    let text = server.end();
    let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).expect(line));
    let managed: Vec<Value> = lines.filter(|line| line["fields"]["message"] == "managed").collect();
    let opened = managed.iter().find(|line| line["fields"]["on"] == "eve").expect(&text);
    assert_eq!(
        (&opened["span"]["trace_id"], &opened["span"]["door"]),
        (&TRACE.into(), &"http".into()),
        "{text}"
    );
}
