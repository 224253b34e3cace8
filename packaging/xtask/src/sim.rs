//! The long simulation: thousands of random histories of the store, on as many processes as there are cores.

use crate::run::{Outcome, call, cargo, folder_in_memory};

#[derive(clap::Args)]
pub struct Args {
    /// How many histories
    #[arg(long, default_value_t = 10_000, value_name = "N")]
    histories: u64,
    /// The first seed; one history each from there on
    #[arg(long, default_value_t = 1, value_name = "SEED")]
    seed: u64,
}

pub fn run(args: &Args) -> Outcome {
    call(&mut cargo(&["test", "--test", "sim", "--no-run"]))?;
    // The file layer of the tests is one per process, so processes it is.
    let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get() as u64);
    let mut running = Vec::new();
    for core in 0..cores {
        let share = args.histories / cores + u64::from(core < args.histories % cores);
        let before: u64 = (0..core).map(|core| args.histories / cores + u64::from(core < args.histories % cores)).sum();
        let mut command = cargo(&["test", "--test", "sim", "--", "--nocapture"]);
        command.env("KITH_SIM_SEED", (args.seed + before).to_string()).env("KITH_SIM_HISTORIES", share.to_string());
        if let Some(folder) = folder_in_memory() {
            command.env("TMPDIR", folder);
        }
        running.push(command.spawn().map_err(|error| format!("cargo does not start: {error}"))?);
    }
    let mut failed = 0;
    for mut process in running {
        failed += u32::from(!process.wait().is_ok_and(|status| status.success()));
    }
    if failed > 0 { Err("a history failed; its seed is printed above".to_string()) } else { Ok(()) }
}
