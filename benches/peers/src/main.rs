//! The same sale on hongbao embedded, on Redis with a Lua script and on PostgreSQL with a function: who settles how
//! many purchases a second, each with two sharers, and never the one without the other.
//!
//! Servers are started for each run, on free ports of the loopback and in temporary folders (`TMPDIR`, which should be
//! on the disk in question), and stopped behind it. Runs alternate, so that what the machine does besides meets all of
//! them. Every run's totals are checked.

mod embedded;
mod postgres_server;
mod redis_server;
mod sale;
mod server;

use std::error::Error;
use std::time::Duration;

use clap::Parser;
use redis_server::Sync;
use sale::Sale;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

type Outcome<T> = Result<T, Box<dyn Error>>;

/// Runs one sale on hongbao and its peers, and compares.
#[derive(Debug, Parser)]
struct Arguments {
    /// How often each is run; the medians are told.
    #[arg(long, default_value = "5")]
    rounds: usize,
    /// How many purchases hongbao settles in a run.
    #[arg(long, default_value = "1000000")]
    hongbao: u32,
    /// How many Redis settles.
    #[arg(long, default_value = "200000")]
    redis: u32,
    /// How many PostgreSQL settles.
    #[arg(long, default_value = "20000")]
    postgres: u32,
}

/// One who sells.
struct Peer {
    name: &'static str,
    durable: &'static str,
    in_flight: u32,
    purchases: u32,
    run: fn(&Sale) -> Outcome<Duration>,
}

fn peers(arguments: &Arguments) -> Vec<Peer> {
    let redis = |durable, in_flight, run| Peer {
        name: "Redis and Lua",
        durable,
        in_flight,
        purchases: arguments.redis,
        run,
    };
    let connections = redis_server::CONNECTIONS;
    vec![
        Peer {
            name: "hongbao",
            durable: "each answer",
            in_flight: embedded::IN_FLIGHT,
            purchases: arguments.hongbao,
            run: embedded::run,
        },
        redis("each answer", connections, |sale| redis_server::run(sale, Sync::Always, 1)),
        redis("each answer", 16 * connections, |sale| redis_server::run(sale, Sync::Always, 16)),
        redis("each second", connections, |sale| redis_server::run(sale, Sync::EverySecond, 1)),
        redis("each second", 16 * connections, |sale| redis_server::run(sale, Sync::EverySecond, 16)),
        Peer {
            name: "PostgreSQL",
            durable: "each answer",
            in_flight: postgres_server::CLIENTS,
            purchases: arguments.postgres,
            run: postgres_server::run,
        },
    ]
}

fn main() -> Outcome<()> {
    let arguments = Arguments::parse();
    let peers = peers(&arguments);
    for (shape, items) in
        [("One hot offering: one payee, one payer", None), ("Many offerings of 64", Some(64))]
    {
        let mut rates: Vec<Vec<f64>> = vec![Vec::new(); peers.len()];
        for round in 1..=arguments.rounds {
            for (peer, rates) in peers.iter().zip(&mut rates) {
                eprint!(
                    "\r\x1b[K{shape}, round {round} of {}: {}, {}",
                    arguments.rounds, peer.name, peer.durable
                );
                let sale = Sale::new(peer.purchases, items.unwrap_or(peer.purchases));
                let took = (peer.run)(&sale).map_err(|error| format!("{}: {error}", peer.name))?;
                rates.push(f64::from(sale.purchases) / took.as_secs_f64());
            }
        }
        eprint!("\r\x1b[K");
        print_table(shape, &peers, &rates);
    }
    Ok(())
}

/// Medians of the rates, and of the ratios within each round.
fn print_table(shape: &str, peers: &[Peer], rates: &[Vec<f64>]) {
    println!("\n{shape}\n");
    println!("| | durable | in flight | purchases | purchases/s | least to most | hongbao is |");
    println!("|---|---|---:|---:|---:|---:|---:|");
    for (peer, theirs) in peers.iter().zip(rates) {
        let mut sorted = theirs.clone();
        sorted.sort_by(f64::total_cmp);
        let ratios = rates[0].iter().zip(theirs).map(|(ours, theirs)| ours / theirs).collect();
        println!(
            "| {} | {} | {} | {} | {:.0} | {:.0} to {:.0} | {:.1} × |",
            peer.name,
            peer.durable,
            peer.in_flight,
            peer.purchases,
            median(theirs.clone()),
            sorted[0],
            sorted[sorted.len() - 1],
            median(ratios),
        );
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
