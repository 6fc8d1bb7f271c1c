//! What can be watched: all of it is written down, and each has a kind, a unit and words.

use std::collections::BTreeMap;

use crate::open_the_mall;
use crate::server::{JSON, Store};

const PAGE: &str = include_str!("../../docs/OPERATION.md");

/// Kind, labels and words of a family.
#[derive(Default)]
struct Told {
    kind: String,
    unit: String,
    help: String,
    labels: Vec<String>,
}

/// The families that a text has, in their order, each with what its first sample has.
fn families(text: &str) -> Vec<(String, Told)> {
    let mut order = Vec::new();
    let mut all: BTreeMap<String, Told> = BTreeMap::new();
    for line in text.lines().filter(|line| *line != "# EOF") {
        if let Some((what, rest)) = line.strip_prefix("# ").and_then(|rest| rest.split_once(' ')) {
            let (name, said) = rest.split_once(' ').unwrap();
            if !order.iter().any(|known| known == name) {
                order.push(name.to_owned());
            }
            let told = all.entry(name.to_owned()).or_default();
            let place = match what {
                "HELP" => &mut told.help,
                "TYPE" => &mut told.kind,
                "UNIT" => &mut told.unit,
                _ => panic!("{line}"),
            };
            assert!(place.is_empty(), "{name} is told twice: {line}");
            *place = said.to_owned();
        } else {
            // A sample belongs to the family that was told of last, and has a number.
            let name = order.last().unwrap();
            assert!(line.starts_with(name.as_str()), "{line} is not of {name}");
            let (sample, value) = line.rsplit_once(' ').unwrap();
            assert!(value.parse::<f64>().is_ok_and(f64::is_finite), "{line}");
            let told = all.get_mut(name).unwrap();
            let labels = sample.split_once('{').map_or("", |(_, labels)| labels);
            let names = labels.split(',').filter_map(|label| label.split_once('=')).map(|(name, _)| name);
            told.labels = names.filter(|name| *name != "le").map(str::to_owned).collect();
        }
    }
    order.into_iter().map(|name| (name.clone(), all.remove(&name).unwrap())).collect()
}

#[test]
fn the_page_lists_all_that_can_be_watched_as_it_is_told() {
    let store = Store::new();
    let server = store.serve();
    open_the_mall(&server, 1, &["eve"]);
    let bearer = format!("Bearer {}", server.key);
    assert_eq!(server.ask("POST", "/v1/snapshots", &[("Authorization", &bearer)], b"").status, 200);
    let text = server.get("/metrics").text;
    assert!(text.ends_with("# EOF\n") && text.matches("# EOF").count() == 1, "{text}");
    let mut table = "| metric | kind | labels | what it is |\n|---|---|---|---|\n".to_owned();
    for (name, Told { kind, unit, help, labels }) in families(&text) {
        assert!(!help.is_empty() && !kind.is_empty(), "{name} has no words or no kind");
        let (seconds, bytes) = (name.ends_with("_seconds"), name.ends_with("_bytes"));
        assert_eq!(
            unit,
            if seconds {
                "seconds"
            } else if bytes {
                "bytes"
            } else {
                ""
            },
            "{name}"
        );
        let ending = match kind.as_str() {
            "counter" => "_total",
            "info" => "_info",
            "gauge" | "histogram" => "",
            _ => panic!("{name} is a {kind}"),
        };
        let labels: Vec<String> = labels.iter().map(|label| format!("`{label}`")).collect();
        table += &format!(
            "| `{name}{ending}` | {kind} | {} | {} |\n",
            labels.join(", "),
            help.trim_end_matches('.')
        );
    }
    let table = table.replace("|  |", "| |");
    assert!(table.lines().count() > 20 && PAGE.contains(&table), "docs/OPERATION.md is to have\n\n{table}");
    assert!(server.end());
}

#[test]
fn what_is_counted_is_what_has_happened() {
    let store = Store::new();
    let server = store.serve();
    let number = |name: &str| -> f64 {
        let text = server.get("/metrics").text;
        let line = text.lines().find(|line| line.rsplit_once(' ').is_some_and(|(told, _)| told == name));
        line.unwrap_or_else(|| panic!("{name}: {text}")).rsplit_once(' ').unwrap().1.parse().unwrap()
    };
    let there = |name: &str| server.get("/metrics").text.contains(&format!("\n{name} "));
    assert!(!there("hongbao_snapshot_age_seconds"), "there is none yet");
    let (syncs, records, written) = (
        "hongbao_journal_sync_seconds_count",
        "hongbao_journal_records_total",
        "hongbao_journal_written_bytes_total",
    );
    let before = [syncs, records, written].map(number);
    open_the_mall(&server, 3, &["eve"]);
    let after = [syncs, records, written].map(number);
    assert!(after.iter().zip(before).all(|(after, before)| *after > before), "{before:?} {after:?}");
    let last = number("hongbao_journal_sync_seconds_bucket{le=\"+Inf\"}");
    assert!(last >= after[0], "the last bucket has all: {last}");
    let (sum, longest) =
        (number("hongbao_journal_sync_seconds_sum"), number("hongbao_journal_sync_longest_seconds"));
    assert!(sum >= longest && longest > 0.0, "{sum} {longest}");
    let took = |what: &str, door: &str| number(&format!("hongbao_answer_seconds_{what}{{door=\"{door}\"}}"));
    let doors = ["http_messages", "http_single", "grpc"];
    let counts = || doors.map(|door| took("count", door));
    let (earlier, look) =
        (counts(), r#"{"idempotency_key":"1","command":{"show_account":{"account":"eve"}}}"#);
    assert_eq!((earlier[0], earlier[2]), (0.0, 0.0), "each is there before its first");
    server.messages(&server.key, JSON, &format!("[{look},{look}]"));
    server.messages(&server.key, JSON, "no list");
    server.get("/v1/accounts/eve");
    server.get("/v1/accounts/nobody");
    server.get_with("hongbao_0_0", "/v1/accounts/eve", &[]);
    assert_eq!(counts(), [2.0, earlier[1] + 2.0, 0.0], "a batch is one, and who has no key is none");
    let within = |bound: &str| {
        number(&format!("hongbao_answer_seconds_bucket{{le=\"{bound}\",door=\"http_single\"}}"))
    };
    assert_eq!(within("+Inf"), counts()[1]);
    assert_eq!(within("10.0"), within("+Inf"), "a bucket has what is in those before it");
    assert!(took("sum", "http_single") > 0.0);
    let behind = number("hongbao_journal_behind_snapshot_bytes");
    let bearer = format!("Bearer {}", server.key);
    assert_eq!(server.ask("POST", "/v1/snapshots", &[("Authorization", &bearer)], b"").status, 200);
    assert!(number("hongbao_journal_behind_snapshot_bytes") < behind);
    assert!((0.0..60.0).contains(&number("hongbao_snapshot_age_seconds")));
    assert_eq!(number("hongbao_snapshots_total{outcome=\"finished\"}"), 1.0);
    assert_eq!(number("hongbao_snapshots_total{outcome=\"failed\"}"), 0.0);
    assert_eq!(number("hongbao_shard_waiting_messages{shard=\"0\"}"), 0.0);
    let open = number("hongbao_connections{door=\"http\"}");
    let held: Vec<_> = (0..3)
        .map(|_| std::net::TcpStream::connect(server.address.strip_prefix("http://").unwrap()).unwrap())
        .collect();
    let until = |connections: f64| {
        let begun = std::time::Instant::now();
        while number("hongbao_connections{door=\"http\"}") != connections {
            assert!(begun.elapsed().as_secs() < 20, "{}", number("hongbao_connections{door=\"http\"}"));
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
    };
    until(open + 3.0);
    drop(held);
    until(open);
    assert!(server.end());
}
