//! Redis: one Lua script a purchase, with an append-only file.

use std::process::Command;
use std::time::{Duration, Instant};

use redis::{Client, Connection, ConnectionLike, RedisResult, Value};

use crate::Outcome;
use crate::sale::{self, Sale};
use crate::server::{Server, free_port};

/// How many connections ask at once: as many as redis-benchmark opens.
pub const CONNECTIONS: u32 = 50;
/// How many commands prepare the sale in one pipeline.
const PREPARED_TOGETHER: usize = 10_000;

/// When the file is synced.
#[derive(Clone, Copy, Debug)]
pub enum Sync {
    /// Before the answers leave.
    Always,
    /// Once a second: what was answered since may be lost.
    EverySecond,
}

/// Makes the sale on a server of its own, each connection with so many purchases in flight.
pub fn run(sale: &Sale, sync: Sync, pipelined: u32) -> Outcome<Duration> {
    let folder = tempfile::tempdir()?;
    let mut server = start(folder.path(), sync)?;
    let mut connections = (0..CONNECTIONS)
        .map(|_| server.wait_for(|port| connect(port).ok()))
        .collect::<Outcome<Vec<Connection>>>()?;
    let script = prepare(sale, &mut connections[0])?;
    let mut purchases = (0..sale.purchases).map(|index| {
        redis::cmd("EVALSHA")
            .arg(&script)
            .arg(0)
            .arg(format!("buy-{index}"))
            .arg(sale::buyer(index))
            .arg(sale::offering(index % sale.offerings))
            .get_packed_command()
    });
    let begun = Instant::now();
    loop {
        // All ask, then all hear: the server works on everybody's in one turn of its loop, and syncs once for it.
        let mut asked = vec![0; connections.len()];
        for (connection, asked) in connections.iter_mut().zip(&mut asked) {
            let some: Vec<Vec<u8>> = purchases.by_ref().take(pipelined as usize).collect();
            *asked = some.len();
            if !some.is_empty() {
                connection.send_packed_command(&some.concat())?;
            }
        }
        if asked[0] == 0 {
            break;
        }
        for (connection, asked) in connections.iter_mut().zip(asked) {
            for _ in 0..asked {
                match connection.recv_response()? {
                    Value::Int(serial) if serial > 0 => {}
                    other => return Err(format!("a purchase was answered {other:?}").into()),
                }
            }
        }
    }
    let took = begun.elapsed();
    check(sale, &mut connections[0])?;
    Ok(took)
}

fn start(folder: &std::path::Path, sync: Sync) -> Outcome<Server> {
    let port = free_port()?;
    let sync = match sync {
        Sync::Always => "always",
        Sync::EverySecond => "everysec",
    };
    let mut command = Command::new("redis-server");
    command.args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", ""]).arg("--dir").arg(folder);
    command.args(["--appendonly", "yes", "--appendfsync", sync, "--auto-aof-rewrite-percentage", "0"]);
    Server::start(command, port)
}

fn connect(port: u16) -> RedisResult<Connection> {
    Client::open(format!("redis://127.0.0.1:{port}/"))?.get_connection()
}

/// Everything as it is when the buying begins; gives the script's name.
fn prepare(sale: &Sale, connection: &mut Connection) -> Outcome<String> {
    let mut commands = Vec::new();
    for index in 0..sale.shops() {
        let left = sale.left_at_payer(index);
        commands.push(redis::cmd("HSET").arg("balance").arg(sale::payer(index)).arg(left).take());
    }
    for index in 0..sale.offerings {
        let fields = [("price", sale::PRICE.to_string()), ("items", sale.items.to_string())];
        let shop = index % sale.shops();
        let parties = [("payee", sale::shop(shop)), ("payer", sale::payer(shop))];
        let key = format!("offering:{}", sale::offering(index));
        commands.push(redis::cmd("HSET").arg(key).arg(&fields).arg(&parties).arg("sold").arg(0).take());
    }
    for (offering, serial) in sale.certificates() {
        let certificate = format!("{}:{serial}", sale::offering(offering));
        let mut chain = redis::cmd("RPUSH").arg(format!("chain:{certificate}")).take();
        for sharer in sale::sharers(offering, serial) {
            chain.arg(sharer).arg(sale::PROMISE);
        }
        commands.push(chain);
        commands.push(redis::cmd("HSET").arg("envelope").arg(certificate).arg(sale::FUNDED).take());
    }
    for index in 0..sale.purchases {
        commands.push(redis::cmd("HSET").arg("balance").arg(sale::buyer(index)).arg(sale::PRICE).take());
    }
    for part in commands.chunks(PREPARED_TOGETHER) {
        let packed: Vec<u8> = part.iter().flat_map(redis::Cmd::get_packed_command).collect();
        connection.req_packed_commands(&packed, 0, part.len())?;
    }
    Ok(redis::cmd("SCRIPT").arg("LOAD").arg(include_str!("purchase.lua")).query(connection)?)
}

fn check(sale: &Sale, connection: &mut Connection) -> Outcome<()> {
    let mut sum = |names: Vec<String>| -> Outcome<u64> {
        let found: Vec<Option<u64>> = redis::cmd("HMGET").arg("balance").arg(names).query(connection)?;
        Ok(found.into_iter().flatten().sum())
    };
    let found = [
        sum((0..sale.shops()).map(sale::shop).collect())?,
        sum((0..sale::SHARERS).map(sale::sharer).collect())?,
        sum((0..sale.shops()).map(sale::payer).collect())?,
    ];
    Ok(sale::check(sale, found)?)
}
