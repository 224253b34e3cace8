//! Developer commands: `cargo xtask <command>`. Runs tools and nothing else; no rule of the product lives here.

mod bench;
mod dist;
mod fuzz;
mod plugins;
mod run;
mod sim;
mod templates;
mod test;
mod tools;
mod web;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Developer commands of Kith")]
struct Xtask {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Install what the tests need, then run all of them
    Test(test::Args),
    /// Check formatting and lints, Rust and web, as CI does
    Lint,
    /// Build the web app into web/dist
    Web,
    /// Build the plugins in plugins/ to WebAssembly
    Plugins,
    /// Build the static release binary and check that it is one
    Dist,
    /// Measure against the budgets and print the table
    Bench(bench::Args),
    /// Play random histories of the store against a plain model
    Sim(sim::Args),
    /// Run the fuzz targets, each for a while
    Fuzz(fuzz::Args),
}

fn main() {
    let outcome = match Xtask::parse().command {
        Command::Test(args) => test::run(&args),
        Command::Lint => test::lint(),
        Command::Web => web::build(),
        Command::Plugins => {
            plugins::build().and_then(|built| built.map(|_| ()).ok_or_else(|| plugins::NO_COMPILER.to_string()))
        }
        Command::Dist => dist::build().map(|binary| println!("static binary: {}", binary.display())),
        Command::Bench(args) => bench::run(&args),
        Command::Sim(args) => sim::run(&args),
        Command::Fuzz(args) => fuzz::run(&args),
    };
    if let Err(message) = outcome {
        eprintln!("\nxtask: {message}");
        std::process::exit(1);
    }
}
