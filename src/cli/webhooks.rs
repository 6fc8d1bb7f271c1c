//! `hongbao webhooks`: who is sent what has happened.

use std::io::{Write, stdout};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::beside::{say_where_there_is_no_store, something_there};
use super::failure::Failure;
use crate::domain::Name;
use crate::server::{MadeWebhook, NewWebhook, WebhookFile};

/// What to do with webhooks.
#[derive(Debug, Args)]
pub(super) struct Options {
    /// The data folder that the webhooks are for; they stand beside it, in DIR.webhooks.json.
    #[arg(long, value_name = "DIR", default_value = "snapshots/served", global = true)]
    data: PathBuf,
    #[command(subcommand)]
    command: WebhooksCommand,
}

#[derive(Debug, Subcommand)]
enum WebhooksCommand {
    /// Make a webhook and print its id and the secret that its events are signed with, once; a running server begins within
    /// a second, with what happens from then on.
    Create {
        /// Where events are sent, by POST.
        #[arg(long, value_name = "URL")]
        url: String,
        /// Only what concerns this account.
        #[arg(long, value_name = "NAME")]
        account: Option<String>,
        /// Only events of these types, with commas between.
        #[arg(long, value_name = "TYPES", value_delimiter = ',')]
        types: Vec<String>,
        /// Allow it to be without TLS, or at a private address.
        #[arg(long)]
        inside: bool,
    },
    /// List all webhooks, each with the event up to which all was taken, or was not for it.
    List,
    /// Remove a webhook; a running server sends it nothing more within a second.
    Remove {
        /// Its id.
        id: String,
    },
}

/// Makes, lists or removes webhooks.
pub(super) fn run(options: &Options) -> Result<ExitCode, Failure> {
    let file = WebhookFile::beside(&options.data);
    match &options.command {
        WebhooksCommand::Create { url, account, types, inside } => {
            let wrong = |refusal| Failure::Arguments(format!("--account: {refusal}"));
            let account = account.as_deref().map(Name::new).transpose().map_err(wrong)?;
            let asked = NewWebhook { url: url.clone(), account, types: types.clone(), inside: *inside };
            let MadeWebhook { id, secret, .. } = file.create(asked)?;
            say_where_there_is_no_store(&options.data);
            writeln!(stdout(), "{id} {secret}")?;
        }
        WebhooksCommand::List => {
            something_there(&options.data, file.path())?;
            let mut text = String::new();
            for shown in file.list()? {
                let account = shown.asked.account.as_ref().map_or("-", Name::as_str);
                let types =
                    if shown.asked.types.is_empty() { "all".to_owned() } else { shown.asked.types.join(",") };
                let up_to = match shown.up_to {
                    None => "not begun".to_owned(),
                    // It began behind everything that there was.
                    Some(id) if id.is_behind_its_record() => format!("up to record {}", id.position.0),
                    Some(id) => format!("up to {id}"),
                };
                text += &format!("{}  {}  {account}  {types}  {up_to}\n", shown.id, shown.asked.url);
            }
            stdout().write_all(text.as_bytes())?;
        }
        WebhooksCommand::Remove { id } => file.remove(id)?,
    }
    Ok(ExitCode::SUCCESS)
}
