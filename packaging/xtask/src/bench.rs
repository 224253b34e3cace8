//! Runs `tests/bench` against the release binary.

use crate::{
    dist, plugins,
    run::{self, Outcome, cargo},
};

#[derive(clap::Args)]
pub struct Args {
    /// How many people to load
    #[arg(long, default_value_t = 100_000)]
    records: u64,
    /// Write the table to this file as Markdown too
    #[arg(long)]
    output: Option<std::path::PathBuf>,
}

pub fn run(args: &Args) -> Outcome {
    // What is measured is what is shipped.
    let binary = dist::build()?;
    if plugins::build()?.is_none() {
        println!("plugins are not measured: nothing here compiles to WebAssembly");
    }
    // One after the other: each wants the machine for itself.
    let mut command =
        cargo(&["test", "--workspace", "--test", "bench", "--", "--ignored", "--nocapture", "--test-threads=1"]);
    command.env("KITH_BENCH_BINARY", binary);
    command.env("KITH_BENCH_RECORDS", args.records.to_string());
    if let Some(path) = &args.output {
        let path = std::path::absolute(path).map_err(|e| e.to_string())?;
        std::fs::write(&path, "").map_err(|e| format!("{}: {e}", path.display()))?;
        command.env("KITH_BENCH_OUTPUT", path);
    }
    run::call(&mut command)
}
