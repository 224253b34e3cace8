//! Runs the fuzz targets of `tests/fuzz`, each for a while. Installs cargo-fuzz where it is missing; builds, inputs found so far and
//! logs lie beside the other tools and not in the checkout.
//!
//! Built without a sanitizer: then libFuzzer and the compiler's instruments work on a stable toolchain, and code that forbids `unsafe`
//! has little that a sanitizer would find. `--sanitizer address` looks into the dependencies as well.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use crate::{
    run::{Outcome, call, root},
    tools,
};

#[derive(clap::Args)]
pub struct Args {
    /// Only these targets; all of them when none is named
    targets: Vec<String>,
    /// How long each target runs
    #[arg(long, default_value_t = 10, value_name = "N")]
    minutes: u64,
    /// How many run at a time
    #[arg(long, default_value_t = 2, value_name = "N")]
    jobs: usize,
    /// none or address
    #[arg(long, default_value = "none", value_name = "NAME")]
    sanitizer: String,
}

pub fn run(args: &Args) -> Outcome {
    let mut targets = args.targets.clone();
    if targets.is_empty() {
        targets = all()?;
    }
    let folder = tools::folder().join("fuzz");
    let built = build(&targets, &folder, &args.sanitizer)?;
    let mut failed = Vec::new();
    for some in targets.chunks(args.jobs.max(1)) {
        let mut running = Vec::new();
        for target in some {
            running.push((target, start(target, &built, &folder, args.minutes)?));
        }
        for (target, mut process) in running {
            let well = process.wait().is_ok_and(|status| status.success());
            let log = log(&folder, target);
            println!("{target}: {}", outcome(&log));
            if !well {
                failed.push(format!("{target} (see {})", log.display()));
            }
        }
    }
    if failed.is_empty() { Ok(()) } else { Err(format!("something was found by {}", failed.join(", "))) }
}

/// Builds the targets and gives the folder that they are in.
fn build(targets: &[String], folder: &Path, sanitizer: &str) -> Outcome<PathBuf> {
    let tool = tools::cargo_fuzz()?;
    // What is tried is what is shipped: the versions of the product's own lock file.
    fs::copy(root().join("Cargo.lock"), root().join("tests/fuzz/Cargo.lock"))
        .map_err(|error| format!("the lock file cannot be copied: {error}"))?;
    let into = folder.join(format!("target-{sanitizer}"));
    for target in targets {
        let mut command = Command::new(&tool);
        command.args(["build", "--fuzz-dir", "tests/fuzz", "--sanitizer", sanitizer, "--target-dir"]);
        command.arg(&into).arg(target).current_dir(root());
        if sanitizer != "none" {
            // Sanitizers are behind a switch of the compiler that a release keeps for its own builds.
            command.env("RUSTC_BOOTSTRAP", "1");
        }
        call(&mut command)?;
    }
    Ok(into.join(format!("{}-unknown-linux-gnu/release", std::env::consts::ARCH)))
}

fn start(target: &str, built: &Path, folder: &Path, minutes: u64) -> Outcome<Child> {
    let inputs = folder.join("inputs").join(target);
    let wrong = |error: std::io::Error| format!("{target} does not start: {error}");
    fs::create_dir_all(&inputs).map_err(wrong)?;
    let log = File::create(log(folder, target)).map_err(wrong)?;
    println!("{target} runs for {minutes} minutes");
    Command::new(built.join(target))
        .arg(&inputs)
        .arg(format!("-max_total_time={}", minutes * 60))
        .arg(format!("-artifact_prefix={}/{target}-", folder.display()))
        .args(["-rss_limit_mb=4096", "-timeout=25", "-print_final_stats=1"])
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .map_err(wrong)
}

fn log(folder: &Path, target: &str) -> PathBuf {
    folder.join(format!("{target}.log"))
}

/// The last that libFuzzer says of how many inputs it tried.
fn outcome(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    let said = |start: &str| text.lines().rev().find(|line| line.starts_with(start)).map(str::to_string);
    said("SUMMARY").or_else(|| said("Done")).unwrap_or_else(|| "it ended without a word".into())
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
