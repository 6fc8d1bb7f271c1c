//! `hongbao serve` and `hongbao keys`: the engine on the network, and who may come in.

use std::io::{Write, stdout};
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{ArgAction, Args, Subcommand, ValueEnum};

use super::beside::{say_where_there_is_no_store, something_there};
use super::failure::Failure;
use super::keeping::KeepingArguments;
use super::logging::LoggingArguments;
use super::number::whole;
use super::progress;
use super::text::count;
use crate::Config;
use crate::domain::Name;
use crate::limits::{ACCOUNT_RATE, ACCOUNT_RATE_MAX, SHARDS_MAX};
use crate::server::{
    KeyFile, PasswordFile, Role, ServeOptions, ShownKey, TlsFiles, Told, WebhookFile, serve,
};

/// How much journal a server keeps that no restart would need, in mebibytes, where nothing says so: its users read it.
const SERVED_ARCHIVE: u64 = 1_024;

/// How to serve.
#[derive(Debug, Args)]
pub(super) struct Options {
    /// A file (TOML) that says what neither a flag nor a variable says; its keys are the names of the flags.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The data folder; made where there is none.
    #[arg(long, value_name = "DIR", default_value = "snapshots/served")]
    data: PathBuf,
    /// Where to listen: an address or a name of this machine, and a port. Port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:7300", value_parser = address)]
    listen: SocketAddr,
    /// Where gRPC listens; left out, it does not. Port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS", value_parser = address)]
    grpc: Option<SocketAddr>,
    /// Speak TLS at both doors: the chain of certificates, in PEM.
    #[arg(long, value_name = "FILE")]
    tls_certificate: Option<PathBuf>,
    /// The key of the certificate, in PEM.
    #[arg(long, value_name = "FILE")]
    tls_key: Option<PathBuf>,
    /// How many messages a second an account may send through its keys and sessions together, and twice as many at once after
    /// a silence; 0 is as many as it likes. Services have no bound.
    #[arg(long, value_name = "N", default_value_t = ACCOUNT_RATE,
        value_parser = whole::<u32>(0..=u64::from(ACCOUNT_RATE_MAX)))]
    account_rate: u32,
    /// Make a key for everything, print it, and let it count as long as this server runs.
    #[arg(long, value_name = "true|false", action = ArgAction::Set, num_args = 0..=1, require_equals = true, default_value_t = false, default_missing_value = "true", hide_possible_values = true)]
    dev: bool,
    /// Work with so many shards instead of the cores less one.
    #[arg(long, value_name = "N", value_parser = whole::<usize>(1..=SHARDS_MAX as u64))]
    shards: Option<usize>,
    #[command(flatten)]
    keeping: KeepingArguments,
    #[command(flatten)]
    pub(super) logging: LoggingArguments,
}

/// What to do with keys.
#[derive(Debug, Args)]
pub(super) struct KeysOptions {
    /// The data folder that the keys are for; they stand beside it, in DIR.keys.json.
    #[arg(long, value_name = "DIR", default_value = "snapshots/served", global = true)]
    data: PathBuf,
    #[command(subcommand)]
    command: KeysCommand,
}

#[derive(Debug, Subcommand)]
enum KeysCommand {
    /// Make a key and print it, once; a running server takes it within a second.
    Create {
        /// What it is for.
        #[arg(long, value_enum)]
        role: RoleArgument,
        /// The account that it speaks for; needed but for operator and funds-management.
        #[arg(long, value_name = "NAME")]
        account: Option<String>,
    },
    /// List all keys, without their secrets.
    List,
    /// Revoke a key, for good; a running server turns it away within a second.
    Revoke {
        /// Its id: the part between the two underscores.
        id: String,
    },
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum RoleArgument {
    /// Everything, as the institution or as any account.
    Operator,
    /// The institution: deposits, cash-outs, credit, freezing, merchants.
    FundsManagement,
    /// An account, with all that is its own.
    Account,
    /// A supplier's service: its offerings and their commissions.
    Supplier,
    /// A merchant's product server: its orders.
    ProductServer,
}

/// An address, or the first one of a name.
fn address(text: &str) -> Result<SocketAddr, String> {
    if let Ok(address) = text.parse() {
        return Ok(address);
    }
    let mut found =
        text.to_socket_addrs().map_err(|error| format!("{error}: give an address such as 127.0.0.1:7300"))?;
    found.next().ok_or_else(|| "the name leads nowhere".to_owned())
}

/// Serves until it is told to end.
pub(super) fn run(options: &Options) -> Result<ExitCode, Failure> {
    let (told, reading) = progress::reading();
    let mut config =
        Config::new(&options.data).with_keeping(options.keeping.keeping(SERVED_ARCHIVE)?).with_progress(told);
    if let Some(shards) = options.shards {
        config = config.with_shards(shards);
    }
    let keys = KeyFile::beside(&options.data);
    let webhooks = WebhookFile::beside(&options.data);
    let tls = match (options.tls_certificate.clone(), options.tls_key.clone()) {
        (Some(certificate), Some(key)) => Some(TlsFiles { certificate, key }),
        (None, None) => None,
        (Some(_), None) => return Err(one_of_two("--tls-key", "--tls-certificate")),
        (None, Some(_)) => return Err(one_of_two("--tls-certificate", "--tls-key")),
    };
    if let Some(file) = &options.config {
        tracing::info!(file = %file.display(), "what neither flags nor variables say is this file's");
    }
    let data = options.data.display().to_string();
    let ended = format!("closed: {data}\n");
    let options = ServeOptions {
        config,
        listen: options.listen,
        grpc: options.grpc,
        keys,
        passwords: PasswordFile::beside(&options.data),
        account_rate: options.account_rate,
        webhooks,
        tls,
        dev: options.dev,
    };
    let tell = move |told: Told<'_>| {
        let text = match told {
            Told::Listening { address, grpc, tls, operator_key, nobody } => {
                let nobody = nobody.then_some(&*data);
                listening(if tls { "https" } else { "http" }, (address, grpc), operator_key, nobody)
            }
            Told::Ready(recovered) => {
                reading.finish_and_clear();
                let (records, actors) = (count(recovered.records), count(recovered.actors));
                if recovered.nothing() {
                    format!("ready: {data}, a store in which nothing was recorded yet\n")
                } else {
                    let took = recovered.took;
                    format!(
                        "ready: {data}, {records} records and {actors} actors of a snapshot read in {took:.2?}\n"
                    )
                }
            }
        };
        // Nobody has to read it.
        let _ = stdout().write_all(text.as_bytes()).and_then(|()| stdout().flush());
    };
    serve(options, tell)?;
    let _ = stdout().write_all(ended.as_bytes());
    Ok(ExitCode::SUCCESS)
}

fn one_of_two(missing: &str, given: &str) -> Failure {
    Failure::Arguments(format!("{missing} is left out, and {given} is given: give both or neither"))
}

fn listening(
    scheme: &str,
    (address, grpc): (SocketAddr, Option<SocketAddr>),
    operator_key: Option<&str>,
    nobody_of: Option<&str>,
) -> String {
    let mut text = format!("hongbao listens on {scheme}://{address}\n");
    if let Some(grpc) = grpc {
        text += &format!("gRPC listens on {scheme}://{grpc}\n");
    }
    if let Some(key) = operator_key {
        text += &format!("development: this key may do everything, until this server ends\n\n    {key}\n\n");
    } else if let Some(data) = nobody_of {
        text += &format!(
            "nobody can come in yet: `hongbao keys create --role operator --data {data}` makes a key\n"
        );
    }
    text
}

/// Makes, lists or revokes keys.
pub(super) fn keys(options: &KeysOptions) -> Result<ExitCode, Failure> {
    let file = KeyFile::beside(&options.data);
    match &options.command {
        KeysCommand::Create { role, account } => {
            let key = file.create(role_of(*role, account.as_deref())?)?;
            say_where_there_is_no_store(&options.data);
            writeln!(stdout(), "{key}")?;
        }
        KeysCommand::List => {
            something_there(&options.data, file.path())?;
            let mut text = String::new();
            for key in file.list()? {
                text += &line(&key);
            }
            stdout().write_all(text.as_bytes())?;
        }
        KeysCommand::Revoke { id } => file.revoke(id)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn role_of(role: RoleArgument, account: Option<&str>) -> Result<Role, Failure> {
    let wrong = |why: String| Failure::Arguments(why);
    let needed = || {
        let account = account.ok_or_else(|| {
            wrong("--account is left out: name the account that the key speaks for".to_owned())
        })?;
        Name::new(account).map_err(|refusal| wrong(format!("--account: {refusal}")))
    };
    match (role, account) {
        (RoleArgument::Operator | RoleArgument::FundsManagement, Some(_)) => {
            Err(wrong("--account does not go with this role: leave it out".to_owned()))
        }
        (RoleArgument::Operator, None) => Ok(Role::Operator),
        (RoleArgument::FundsManagement, None) => Ok(Role::FundsManagement),
        (RoleArgument::Account, _) => Ok(Role::Account { account: needed()? }),
        (RoleArgument::Supplier, _) => Ok(Role::Supplier { account: needed()? }),
        (RoleArgument::ProductServer, _) => Ok(Role::ProductServer { account: needed()? }),
    }
}

fn line(key: &ShownKey) -> String {
    let account = key.role.account().map_or("-", Name::as_str);
    let state = key.revoked_at.as_ref().map_or("counts".to_owned(), |at| format!("revoked {at}"));
    format!(
        "{}  {:<16}  {account}  made {}  {state}\n",
        key.id,
        key.role.text().replace('_', "-"),
        key.created_at
    )
}
