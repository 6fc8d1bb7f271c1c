//! The command line's entry: everything else is the library's.

fn main() -> std::process::ExitCode {
    hongbao::cli::run()
}
