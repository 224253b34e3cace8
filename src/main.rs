//! The binary. Hands over to the command line.

mod cli;
mod memory;

fn main() -> std::process::ExitCode {
    cli::run()
}
