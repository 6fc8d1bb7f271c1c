//! The doors on the network beside an echo of the same bytes: `cargo bench --bench network`, with words of a row's
//! name behind `--` for some rows only.
//!
//! The server and the echo are processes of their own, and the load comes from this one, on the same machine. Each is measured in
//! turn, and each row is the median of its rounds. Requests are bytes before the clock is started, and answers are read once it is
//! stopped, for both alike. Every answer is looked at: a purchase that was refused ends the bench.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a bench that cannot go on should end there")]

mod echo;
mod http;
mod market;
mod program;
mod stream;

use market::{Market, Row};
use program::{Echo, Server};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// How much is sent.
#[derive(Clone, Copy)]
pub struct Load {
    rounds: usize,
    single: usize,
    many: usize,
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let files = getrlimit(Resource::Nofile);
    // Where that is refused, a row may have fewer connections than it says.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: files.maximum, ..files });
    if arguments.get(1).map(String::as_str) == Some("echo") {
        return echo::serve();
    }
    // Without `--bench` this is a test that it works.
    let bench = arguments.iter().any(|argument| argument == "--bench");
    let load = if bench {
        Load { rounds: 3, single: 100_000, many: 60_000 }
    } else {
        Load { rounds: 1, single: 200, many: 2_000 }
    };
    let (server, echo) = (Server::start(), Echo::start());
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut market = runtime.block_on(Market::open(&server));
    let wanted: Vec<&String> =
        arguments.iter().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    let is_wanted =
        |row: &&Row| wanted.is_empty() || wanted.iter().any(|part| row.name().contains(part.as_str()));
    let mut rows: Vec<(Row, Vec<f64>, Vec<f64>)> =
        Row::ALL.iter().filter(is_wanted).map(|row| (*row, Vec::new(), Vec::new())).collect();
    for round in 0..load.rounds {
        for (row, own, echoed) in &mut rows {
            eprint!("\rround {} of {}: {:<60}", round + 1, load.rounds, row.name());
            own.push(runtime.block_on(market.measure(*row, load)));
            echoed.push(runtime.block_on(market.measure_echo(*row, load, &echo)));
        }
    }
    eprintln!();
    println!("{:<52} {:>12} {:>12} {:>7}", "messages a second", "hongbao", "echo", "ratio");
    for (row, own, echoed) in &mut rows {
        let (own, echoed) = (median(own), median(echoed));
        println!("{:<52} {own:>12.0} {echoed:>12.0} {:>7.2}", row.name(), own / echoed);
    }
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
