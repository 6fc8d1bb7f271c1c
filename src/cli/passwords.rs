//! `hongbao passwords`: who may log in.

use std::io::{IsTerminal, Write, stderr, stdin, stdout};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};

use super::beside::{say_where_there_is_no_store, something_there};
use super::failure::Failure;
use crate::domain::Name;
use crate::server::{PasswordFile, SentPassword};

/// What to do with passwords.
#[derive(Debug, Args)]
pub(super) struct Options {
    /// The data folder that the passwords are for; they stand beside it, in DIR.passwords.jsonl.
    #[arg(long, value_name = "DIR", default_value = "snapshots/served", global = true)]
    data: PathBuf,
    #[command(subcommand)]
    command: PasswordsCommand,
}

#[derive(Debug, Subcommand)]
enum PasswordsCommand {
    /// Set the password of an account: a line of standard input, 8 to 128 characters. The account's sessions end; a running
    /// server takes it within a second.
    Set {
        /// The account.
        #[arg(long, value_name = "NAME")]
        account: String,
    },
    /// Remove the password of an account, and all that the file still has of it. The account's sessions end, in a running
    /// server within a second.
    Remove {
        /// The account.
        #[arg(long, value_name = "NAME")]
        account: String,
    },
    /// List the accounts that have a password.
    List,
}

/// Sets, removes or lists passwords.
pub(super) fn run(options: &Options) -> Result<ExitCode, Failure> {
    let file = PasswordFile::beside(&options.data);
    match &options.command {
        PasswordsCommand::Set { account } => {
            let account = named(account)?;
            let password = SentPassword::new(typed()?).to_set("the password");
            let password = password.map_err(|refusal| Failure::Arguments(refusal.to_string()))?;
            file.set(&account, &password)?;
            say_where_there_is_no_store(&options.data);
        }
        PasswordsCommand::Remove { account } => {
            let account = named(account)?;
            if !file.remove(&account)? {
                return Err(Failure::Other(format!(
                    "{account} has no password: `hongbao passwords list` shows who has one"
                )));
            }
        }
        PasswordsCommand::List => {
            something_there(&options.data, file.path())?;
            let text: String = file.list()?.iter().map(|account| format!("{account}\n")).collect();
            stdout().write_all(text.as_bytes())?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn named(account: &str) -> Result<Name, Failure> {
    Name::new(account).map_err(|refusal| Failure::Arguments(format!("--account: {refusal}")))
}

/// A password from standard input; at a terminal twice, and without showing it.
fn typed() -> Result<String, Failure> {
    if !stdin().is_terminal() {
        return line();
    }
    let (first, second) = (asked("password: ")?, asked("the same again: ")?);
    if first != second {
        return Err(Failure::Arguments("the two differ: nothing was set".to_owned()));
    }
    Ok(first)
}

fn asked(prompt: &str) -> Result<String, Failure> {
    write!(stderr(), "{prompt}")?;
    let hidden = Hidden::begin()?;
    let line = line();
    drop(hidden);
    writeln!(stderr())?;
    line
}

fn line() -> Result<String, Failure> {
    let mut line = String::new();
    stdin().read_line(&mut line)?;
    let end = line.strip_suffix('\n').map_or(line.as_str(), |rest| rest.strip_suffix('\r').unwrap_or(rest));
    Ok(end.to_owned())
}

/// A terminal that shows nothing of what is typed, as long as this lives.
struct Hidden(rustix::termios::Termios);

impl Hidden {
    fn begin() -> std::io::Result<Hidden> {
        let before = tcgetattr(stdin())?;
        let mut silent = before.clone();
        silent.local_modes.remove(LocalModes::ECHO);
        tcsetattr(stdin(), OptionalActions::Flush, &silent)?;
        Ok(Hidden(before))
    }
}

impl Drop for Hidden {
    fn drop(&mut self) {
        // Nothing else can be done for a terminal that is gone.
        let _ = tcsetattr(stdin(), OptionalActions::Flush, &self.0);
    }
}
