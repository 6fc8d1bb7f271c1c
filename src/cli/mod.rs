//! The command line: arguments, progress, reports, exit codes.
//!
//! Reports go to standard output, progress and errors to standard error, one line an error. Exit codes:
//! 0 all went well, 1 it did not, 2 the arguments are wrong.

mod audit;
mod beside;
mod failure;
mod keeping;
mod logging;
mod number;
pub mod orders;
mod passwords;
mod progress;
mod sale;
mod serve;
mod settings;
mod simulate;
mod snapshot;
mod text;
mod verify;
mod webhooks;

use std::io::Write;
use std::panic::catch_unwind;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

pub use failure::Failure;

/// An in-memory engine for flash sales: certificates are shared for a promise of commission, and everyone who
/// shared is settled with the purchase, durably.
#[derive(Debug, Parser)]
#[command(name = "hongbao", version, about, long_about = None)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make a sale of a file of real orders, where each order is a certificate that is shared, then bought; or
    /// of a made-up rush of many buyers for few certificates.
    ///
    /// The same command on the same data folder goes on where it was cut off, with the same totals.
    #[command(allow_negative_numbers = true)]
    Sale(sale::Options),
    /// Audit a data folder without writing in it: recompute every chain, balance and invariant.
    Audit(audit::Options),
    /// Play a made-up market from a seed through crashes, failing disks and clocks that jump, all in memory, and judge
    /// every step: the way to see on one's own machine that nothing is lost.
    #[command(allow_negative_numbers = true)]
    Simulate(simulate::Options),
    /// Verify a receipt of a purchase, with nothing but the receipt: work out its chain anew and compare it with what it says.
    Verify(verify::Options),
    /// Put the engine on the network, by HTTP and JSON, until it is told to end.
    #[command(allow_negative_numbers = true)]
    Serve(serve::Options),
    /// Take a snapshot of a store that no process has open, so that its next start is quick.
    Snapshot(snapshot::Options),
    /// Make, list and revoke the keys by which services come in.
    Keys(serve::KeysOptions),
    /// Set, remove and list the passwords by which accounts log in.
    Passwords(passwords::Options),
    /// Make, list and remove webhooks: who is sent what has happened, signed and until it is taken.
    Webhooks(webhooks::Options),
}

/// Runs the command line of this process.
#[must_use]
pub fn run() -> ExitCode {
    quiet_panics();
    let arguments = match settings::arguments() {
        Ok(arguments) => arguments,
        Err(failure) => return failed(&failure),
    };
    let logging = match &arguments.command {
        Command::Serve(options) => logging::of_a_server(&options.logging).map(Some),
        _ => logging::of_a_command().map(|()| None),
    };
    let _kept = match logging {
        Ok(kept) => kept,
        Err(failure) => return failed(&failure),
    };
    let outcome = catch_unwind(|| match arguments.command {
        Command::Sale(options) => sale::run(&options),
        Command::Audit(options) => audit::run(&options),
        Command::Simulate(options) => simulate::run(&options),
        Command::Verify(options) => verify::run(&options),
        Command::Serve(options) => serve::run(&options),
        Command::Snapshot(options) => snapshot::run(&options),
        Command::Keys(options) => serve::keys(&options),
        Command::Passwords(options) => passwords::run(&options),
        Command::Webhooks(options) => webhooks::run(&options),
    });
    let outcome = outcome.unwrap_or_else(|_| {
        Err(Failure::Other(
            "internal error: run it again with HONGBAO_LOG=error and report what it says".to_owned(),
        ))
    });
    match outcome {
        Ok(code) => code,
        Err(failure) => failed(&failure),
    }
}

fn failed(failure: &Failure) -> ExitCode {
    // Where nobody reads errors any more, the exit code still tells.
    let _ = writeln!(std::io::stderr(), "hongbao: {}", text::one_line(&failure.to_string()));
    match failure {
        Failure::Arguments(_) => ExitCode::from(2),
        _ => ExitCode::FAILURE,
    }
}

/// A bug says so in one line; what it was is in the failure that follows from it.
fn quiet_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic
            .location()
            .map_or_else(String::new, |place| format!(" at {}:{}", place.file(), place.line()));
        tracing::error!("internal error{place}: {panic}");
    }));
}
