//! PostgreSQL: one function a purchase, committed synchronously.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use postgres::{Client, NoTls};

use crate::Outcome;
use crate::sale::{self, Sale};
use crate::server::{Server, free_port};

/// How many clients ask at once, each for one purchase at a time.
pub const CLIENTS: u32 = 32;
/// Whom the Debian package runs the server as; the server refuses to run as root.
const USER: &str = "postgres";

/// Makes the sale on a server of its own.
pub fn run(sale: &Sale) -> Outcome<Duration> {
    let folder = tempfile::tempdir()?;
    let mut server = start(folder.path())?;
    let mut client = server.wait_for(|port| connect(port).ok())?;
    prepare(sale, &mut client)?;
    let mut clients = (0..CLIENTS).map(|_| connect(server.port)).collect::<Outcome<Vec<Client>>>()?;
    let next = AtomicU32::new(0);
    let begun = Instant::now();
    std::thread::scope(|scope| {
        let buying: Vec<_> = clients
            .iter_mut()
            .map(|client| scope.spawn(|| buy(sale, client, &next).map_err(|error| error.to_string())))
            .collect();
        buying
            .into_iter()
            .try_for_each(|thread| thread.join().unwrap_or_else(|_| Err("a client has panicked".to_owned())))
    })?;
    let took = begun.elapsed();
    check(sale, &mut client)?;
    Ok(took)
}

fn buy(sale: &Sale, client: &mut Client, next: &AtomicU32) -> Outcome<()> {
    let purchase = client.prepare("select purchase($1, $2, $3)")?;
    loop {
        let index = next.fetch_add(1, Ordering::Relaxed);
        if index >= sale.purchases {
            return Ok(());
        }
        let offering = sale::offering(index % sale.offerings);
        let row = client.query_one(&purchase, &[&format!("buy-{index}"), &sale::buyer(index), &offering])?;
        let serial: i32 = row.get(0);
        if serial < 1 {
            return Err(format!("a purchase was answered {serial}").into());
        }
    }
}

/// The newest server's programs that Debian has installed.
fn programs() -> Outcome<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").map_err(|_| "PostgreSQL is not installed")?;
    let mut found: Vec<PathBuf> = versions.flatten().map(|version| version.path().join("bin")).collect();
    found.sort();
    Ok(found.pop().ok_or("PostgreSQL is not installed")?)
}

fn start(folder: &Path) -> Outcome<Server> {
    let (programs, port) = (programs()?, free_port()?);
    let data = folder.join("data");
    std::fs::create_dir(&data)?;
    let root = is_root()?;
    let as_user = |program: &str| {
        let program = programs.join(program);
        if !root {
            return Command::new(program);
        }
        let mut command = Command::new("setpriv");
        command.args(["--reuid", USER, "--regid", USER, "--clear-groups"]).arg(program).current_dir("/");
        command
    };
    if root {
        let owned = Command::new("chown").args(["-R", USER]).arg(folder).status()?;
        if !owned.success() {
            return Err(format!("{} cannot be given to {USER}", folder.display()).into());
        }
    }
    let made =
        as_user("initdb").arg("-D").arg(&data).args(["-A", "trust", "-U", USER, "--no-locale"]).output()?;
    if !made.status.success() {
        return Err(format!("initdb: {}", String::from_utf8_lossy(&made.stderr)).into());
    }
    let mut command = as_user("postgres");
    command.arg("-D").arg(&data).args(["-p", &port.to_string(), "-h", "127.0.0.1", "-k", ""]);
    for setting in
        ["fsync=on", "synchronous_commit=on", "shared_buffers=512MB", "max_wal_size=8GB", "autovacuum=on"]
    {
        command.args(["-c", setting]);
    }
    Server::start(command, port)
}

fn is_root() -> Outcome<bool> {
    Ok(Command::new("id").arg("-u").output()?.stdout.starts_with(b"0\n"))
}

fn connect(port: u16) -> Outcome<Client> {
    Ok(Client::connect(&format!("host=127.0.0.1 port={port} user={USER} dbname=postgres"), NoTls)?)
}

/// Everything as it is when the buying begins.
fn prepare(sale: &Sale, client: &mut Client) -> Outcome<()> {
    client.batch_execute(include_str!("schema.sql"))?;
    let accounts = "insert into account select * from unnest($1::text[], $2::bigint[])";
    let mut open = |accounts_of: Vec<(String, u64)>| -> Outcome<()> {
        let (names, balances): (Vec<String>, Vec<i64>) =
            accounts_of.into_iter().map(|(name, balance)| (name, balance as i64)).unzip();
        client.execute(accounts, &[&names, &balances])?;
        Ok(())
    };
    open((0..sale.shops()).map(|index| (sale::shop(index), 0)).collect())?;
    open((0..sale.shops()).map(|index| (sale::payer(index), sale.left_at_payer(index))).collect())?;
    open((0..sale::SHARERS).map(|index| (sale::sharer(index), 0)).collect())?;
    open((0..sale.purchases).map(|index| (sale::buyer(index), sale::PRICE)).collect())?;
    for index in 0..sale.offerings {
        let shop = index % sale.shops();
        client.execute(
            "insert into offering values ($1, $2, $3, 0, $4, $5)",
            &[
                &sale::offering(index),
                &(sale::PRICE as i64),
                &(sale.items as i32),
                &sale::shop(shop),
                &sale::payer(shop),
            ],
        )?;
    }
    let (mut offerings, mut serials, mut accounts) = (Vec::new(), Vec::new(), [Vec::new(), Vec::new()]);
    for (offering, serial) in sale.certificates() {
        let [first, second] = sale::sharers(offering, serial);
        offerings.push(sale::offering(offering));
        serials.push(serial as i32);
        accounts[0].push(first);
        accounts[1].push(second);
    }
    for (place, accounts) in accounts.iter().enumerate() {
        client.execute(
            "insert into hop select offering, serial, $4, account, $5
             from unnest($1::text[], $2::int[], $3::text[]) as each (offering, serial, account)",
            &[&offerings, &serials, accounts, &(place as i32), &(sale::PROMISE as i64)],
        )?;
    }
    client.execute(
        "insert into envelope select offering, serial, $3
         from unnest($1::text[], $2::int[]) as each (offering, serial)",
        &[&offerings, &serials, &(sale::FUNDED as i64)],
    )?;
    client.batch_execute("analyze; checkpoint")?;
    Ok(())
}

fn check(sale: &Sale, client: &mut Client) -> Outcome<()> {
    let mut sum = |pattern: &str| -> Outcome<u64> {
        let query = "select coalesce(sum(balance), 0)::bigint from account where name like $1";
        let sum: i64 = client.query_one(query, &[&pattern])?.get(0);
        Ok(u64::try_from(sum)?)
    };
    let found = [sum("shop-%")?, sum("sharer-%")?, sum("payer-%")?];
    Ok(sale::check(sale, found)?)
}
