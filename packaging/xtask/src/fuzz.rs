//! Runs the fuzz targets of `tests/fuzz`, each for a while. Installs cargo-fuzz where it is missing.

use std::fs;

use crate::run::{Outcome, answers, call, cargo, root};

#[derive(clap::Args)]
pub struct Args {
    /// Only these targets; all of them when none is named
    targets: Vec<String>,
    /// How long each target runs
    #[arg(long, default_value_t = 10, value_name = "N")]
    minutes: u64,
}

pub fn run(args: &Args) -> Outcome {
    let mut targets = args.targets.clone();
    if targets.is_empty() {
        targets = all()?;
    }
    if !answers("cargo", &["fuzz", "--version"]) {
        call(&mut cargo(&["install", "--locked", "cargo-fuzz"]))?;
    }
    let seconds = format!("-max_total_time={}", args.minutes * 60);
    for target in targets {
        let run =
            ["fuzz", "run", "--fuzz-dir", "tests/fuzz", &target, "--", &seconds, "-rss_limit_mb=4096", "-timeout=25"];
        // The sanitizers are behind a switch of the compiler that a release keeps for its own builds.
        call(cargo(&run).env("RUSTC_BOOTSTRAP", "1"))?;
    }
    Ok(())
}

/// The file names of the targets.
fn all() -> Outcome<Vec<String>> {
    let folder = root().join("tests/fuzz/targets");
    let list = fs::read_dir(&folder).map_err(|error| format!("{} cannot be read: {error}", folder.display()))?;
    let mut names: Vec<String> =
        list.flatten().filter_map(|item| Some(item.path().file_stem()?.to_string_lossy().into_owned())).collect();
    names.sort();
    Ok(names)
}
