//! What is logged, and in which form: to standard error, a line each.

use std::env::VarError;
use std::io::IsTerminal;

use clap::{Args, ValueEnum};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, Registry, fmt, registry};

use super::failure::Failure;

/// The variable that says what a command logs; a server has it for its flag, too.
const LOG: &str = "HONGBAO_LOG";

/// What a server logs.
#[derive(Debug, Args)]
pub(super) struct LoggingArguments {
    /// What is logged: error, warn, info, debug, trace or off; also by part, such as warn,hongbao=info.
    #[arg(long, value_name = "FILTER", default_value = "warn", value_parser = filter)]
    log: String,
    /// How it is logged: as text, or as an object of JSON a line.
    #[arg(long, value_name = "text|json", value_enum, default_value_t = LogFormat::Text, hide_possible_values = true)]
    log_format: LogFormat,
    /// Send the traces of requests to this collector, by OTLP over gRPC; only where hongbao is built with the feature otlp.
    #[arg(long, value_name = "URL", value_parser = collector)]
    otlp: Option<String>,
}

/// What writes the log of a server.
type Logger = Box<dyn Layer<Registry> + Send + Sync>;

#[derive(Clone, Copy, Debug, ValueEnum)]
enum LogFormat {
    Text,
    Json,
}

/// A filter as it was given, once it is found to be one.
fn filter(text: &str) -> Result<String, String> {
    // A word alone that is no level would be the name of a part that there is not.
    const LEVELS: [&str; 6] = ["error", "warn", "info", "debug", "trace", "off"];
    let word = |part: &str| !part.contains('=') && !LEVELS.contains(&part.to_ascii_lowercase().as_str());
    if let Some(word) = text.split(',').map(str::trim).find(|part| word(part)) {
        return Err(format!(
            "{word:?} is no level: give error, warn, info, debug, trace or off, or PART=LEVEL,…"
        ));
    }
    match EnvFilter::try_new(text) {
        Ok(_) => Ok(text.to_owned()),
        Err(error) => Err(format!("{error}; give error, warn, info, debug, trace or off, or PART=LEVEL,…")),
    }
}

/// An address of a collector as it was given, once it may be one.
fn collector(text: &str) -> Result<String, String> {
    let behind = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://"));
    match behind {
        Some(host) if !host.is_empty() && !host.contains('@') => Ok(text.to_owned()),
        _ => Err("give http://HOST:PORT or https://HOST:PORT, without a password".to_owned()),
    }
}

/// What sends traces, to be kept until the end.
#[cfg(feature = "otlp")]
type Kept = Option<crate::server::otlp::Sending>;
/// Nothing has to be kept.
#[cfg(not(feature = "otlp"))]
type Kept = ();

/// Lets a server log, and send traces where it is to.
///
/// # Errors
/// Where traces cannot be sent.
pub(super) fn of_a_server(arguments: &LoggingArguments) -> Result<Kept, Failure> {
    let logger = fmt::layer().with_ansi(std::io::stderr().is_terminal()).with_writer(std::io::stderr);
    let filter = EnvFilter::new(&arguments.log);
    let logger = match arguments.log_format {
        LogFormat::Text => logger.with_filter(filter).boxed(),
        LogFormat::Json => logger.json().with_span_list(false).with_filter(filter).boxed(),
    };
    begin(logger, arguments.otlp.as_deref())
}

/// # Errors
/// Where traces are to be sent.
#[cfg(not(feature = "otlp"))]
fn begin(logger: Logger, otlp: Option<&str>) -> Result<Kept, Failure> {
    if otlp.is_some() {
        let why = "--otlp is given, and this hongbao is built without it: build it with --features otlp, or leave it out";
        return Err(Failure::Arguments(why.to_owned()));
    }
    registry().with(logger).init();
    Ok(())
}

/// # Errors
/// Where traces cannot be sent.
#[cfg(feature = "otlp")]
fn begin(logger: Logger, otlp: Option<&str>) -> Result<Kept, Failure> {
    use tracing_subscriber::filter::{LevelFilter, Targets};

    let Some(url) = otlp else {
        registry().with(logger).init();
        return Ok(None);
    };
    let (sender, sending) =
        crate::server::otlp::layer(url).map_err(|error| Failure::Other(error.to_string()))?;
    // What its own sending logs is no trace.
    let own = Targets::new().with_target("hongbao", LevelFilter::INFO);
    registry().with(logger).with(sender.with_filter(own)).init();
    Ok(Some(sending))
}

/// Lets a command log where `HONGBAO_LOG` asks for it.
///
/// # Errors
/// Where that is no filter.
pub(super) fn of_a_command() -> Result<(), Failure> {
    let asked = match std::env::var(LOG) {
        Err(VarError::NotPresent) => Ok("off".to_owned()),
        Err(VarError::NotUnicode(_)) => Err("is no UTF-8".to_owned()),
        Ok(text) => filter(&text),
    };
    let asked = asked.map_err(|why| Failure::Arguments(format!("{LOG}: {why}")))?;
    fmt()
        .with_env_filter(EnvFilter::new(asked))
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr)
        .init();
    Ok(())
}
