//! The command line: arguments, reports, exit codes.

pub mod orders;
