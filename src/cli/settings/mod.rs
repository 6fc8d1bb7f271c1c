//! Settings of a server: flags, else environment variables, else a file, else defaults.
//!
//! Clap's definition of the flags is the only one: the names of variables and keys are made from the flags', and what a variable
//! or a file says is judged as if it were given as a flag. Absent on purpose: secrets; those stand in files of their own.

mod file;
#[cfg(test)]
mod tests;

use std::ffi::OsString;
use std::path::PathBuf;

use clap::error::ContextKind;
use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Command, CommandFactory, FromArgMatches};

use super::Arguments;
use super::failure::Failure;

/// The command whose flags can be given in all three ways.
const SERVE: &str = "serve";

/// The flag that names the file; it cannot stand in one itself.
const CONFIG: &str = "config";

/// Other commands that work with a server's data: which data, they take from the same variable and the same file.
const BESIDE: [&str; 5] = ["audit", "keys", "passwords", "snapshot", "webhooks"];

/// What those take from them.
const OF_BESIDE: &str = "data";

/// The same, as some of them have it without a flag.
const FOLDER: &str = "folder";

/// The arguments of this process, with what the environment and the file say.
///
/// # Errors
/// A variable or a file that cannot be, by its name and the key's. What is wrong with the arguments themselves ends the process,
/// as clap tells it.
pub(super) fn arguments() -> Result<Arguments, Failure> {
    let matches = matches(std::env::args_os().collect()).map_err(|wrong| match wrong {
        Wrong::Arguments(error) => error.exit(),
        Wrong::Elsewhere(failure) => failure,
    })?;
    Arguments::from_arg_matches(&matches).map_err(|error| error.exit())
}

/// Why there are no arguments.
enum Wrong {
    /// What was typed is wrong, or help was asked for.
    Arguments(clap::Error),
    /// A variable or the file is.
    Elsewhere(Failure),
}

fn matches(mut given: Vec<OsString>) -> Result<ArgMatches, Wrong> {
    let matches = command().try_get_matches_from(&given).map_err(|error| blamed(error, &given))?;
    let Some((name, there)) = matches.subcommand().filter(|(name, _)| takes_a_file(name)) else {
        return Ok(matches);
    };
    let typed = |id: &str| {
        let known = there.ids().any(|known| known == id);
        known && there.value_source(id) == Some(ValueSource::CommandLine)
    };
    if typed(FOLDER) && typed(OF_BESIDE) {
        let why = "the data folder is given twice, as DIR and with --data: give it once";
        return Err(Wrong::Elsewhere(Failure::Arguments(why.to_owned())));
    }
    let Some(path) = there.get_one::<PathBuf>(CONFIG) else { return Ok(matches) };
    let keys = file::keys(&flags_of_serve());
    for said in file::read(path, &keys).map_err(Wrong::Elsewhere)? {
        let flag = OsString::from(format!("--{}={}", said.key, said.value));
        // Alone, so that what is wrong is wrong with this key.
        let alone = [OsString::from("hongbao"), SERVE.into(), flag.clone()];
        Arguments::command().try_get_matches_from(alone).map_err(|error| {
            Wrong::Elsewhere(Failure::Arguments(format!("{}: {}", said.place, words(&error))))
        })?;
        let id = said.key.replace('-', "_");
        let taken = name == SERVE || said.key == OF_BESIDE;
        if taken && !is_above_a_file(there, &id) {
            given.push(flag);
        }
    }
    command().try_get_matches_from(given).map_err(Wrong::Arguments)
}

fn takes_a_file(command: &str) -> bool {
    command == SERVE || BESIDE.contains(&command)
}

/// True where a flag or a variable says what this is.
fn is_above_a_file(matches: &ArgMatches, id: &str) -> bool {
    matches!(matches.value_source(id), Some(ValueSource::CommandLine | ValueSource::EnvVariable))
}

/// The command line, with the variables.
fn command() -> Command {
    let all: Vec<String> = flags_of_serve().iter().filter_map(Arg::get_long).map(str::to_owned).collect();
    let mut command = Arguments::command().mut_subcommand(SERVE, |serve| with_variables(serve, &all));
    for name in BESIDE {
        let file = Arg::new(CONFIG)
            .long(CONFIG)
            .value_name("FILE")
            .value_parser(clap::value_parser!(PathBuf))
            .global(true)
            .help("The file (TOML) of a server's settings, which says the data folder where neither a flag nor a variable does");
        let flags = [OF_BESIDE.to_owned(), CONFIG.to_owned()];
        command = command.mut_subcommand(name, |beside| with_variables(beside.arg(file), &flags));
    }
    command
}

/// Lets these flags be given by variables, too.
fn with_variables(command: Command, flags: &[String]) -> Command {
    command.mut_args(|flag| {
        let named = flag.get_long().filter(|name| flags.iter().any(|flag| flag == name));
        match named.map(variable) {
            Some(variable) => flag.env(variable),
            None => flag,
        }
    })
}

/// The flags of a server as they are defined, in their order.
fn flags_of_serve() -> Vec<Arg> {
    let command = Arguments::command();
    let serve = command.find_subcommand(SERVE).map(|serve| serve.get_arguments().cloned().collect());
    serve.unwrap_or_default()
}

/// The variable of a flag.
fn variable(flag: &str) -> String {
    format!("HONGBAO_{}", flag.replace('-', "_").to_uppercase())
}

/// Clap does not say that a value is a variable's.
fn blamed(error: clap::Error, given: &[OsString]) -> Wrong {
    let said = |kind| error.get(kind).map(ToString::to_string).unwrap_or_default();
    let flag = said(ContextKind::InvalidArg);
    let flag = flag.split([' ', '=', '[']).next().unwrap_or_default();
    let Some(name) = flag.strip_prefix("--") else { return Wrong::Arguments(error) };
    let variable = variable(name);
    let typed = given.iter().any(|given| given.to_string_lossy().starts_with(flag));
    if typed || std::env::var_os(&variable).is_none() {
        return Wrong::Arguments(error);
    }
    Wrong::Elsewhere(Failure::Arguments(format!("{variable}: {}", words(&error))))
}

/// What clap says, in one line, without what it says of help.
fn words(error: &clap::Error) -> String {
    let text = error.render().to_string();
    let text = text.split("\n\n").next().unwrap_or_default();
    let text = text.strip_prefix("error: ").unwrap_or(text);
    text.lines().map(str::trim).collect::<Vec<_>>().join(" ")
}
