//! What is logged, and in which form: to standard error, a line each.

use std::io::IsTerminal;

use clap::{Args, ValueEnum};
use tracing_subscriber::EnvFilter;

/// What a server logs.
#[derive(Debug, Args)]
pub(super) struct LoggingArguments {
    /// What is logged: error, warn, info, debug, trace or off; also by part, such as warn,hongbao=info.
    #[arg(long, value_name = "FILTER", default_value = "warn", value_parser = filter)]
    log: String,
    /// How it is logged: as text, or as an object of JSON a line.
    #[arg(long, value_name = "text|json", value_enum, default_value_t = LogFormat::Text, hide_possible_values = true)]
    log_format: LogFormat,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum LogFormat {
    Text,
    Json,
}

/// A filter as it was given, once it is found to be one.
fn filter(text: &str) -> Result<String, String> {
    match EnvFilter::try_new(text) {
        Ok(_) => Ok(text.to_owned()),
        Err(error) => Err(format!("{error}; give error, warn, info, debug, trace or off, or PART=LEVEL,…")),
    }
}

/// Lets a server log.
pub(super) fn of_a_server(arguments: &LoggingArguments) {
    let logger = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(&arguments.log))
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr);
    match arguments.log_format {
        LogFormat::Text => logger.init(),
        LogFormat::Json => logger.json().init(),
    }
}

/// Lets a command log where `HONGBAO_LOG` asks for it.
pub(super) fn of_a_command() {
    let filter = EnvFilter::try_from_env("HONGBAO_LOG").unwrap_or_else(|_| EnvFilter::new("off"));
    let colours = std::io::stderr().is_terminal();
    tracing_subscriber::fmt().with_env_filter(filter).with_ansi(colours).with_writer(std::io::stderr).init();
}
