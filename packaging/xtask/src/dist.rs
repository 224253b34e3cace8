//! The release binary: one static file. Refuses to call it done when it still asks for a loader or a library.

use std::path::PathBuf;

use crate::{
    plugins,
    run::{Outcome, call, cargo, output, program, root},
    web,
};

const TARGET: &str = "x86_64-unknown-linux-gnu";

/// Larger than this and the budget of the design is broken.
const BINARY_BYTES_MAX: u64 = 60 * 1024 * 1024;

/// Builds it and gives its path.
pub fn build() -> Outcome<PathBuf> {
    web::build()?;
    if plugins::build()?.is_none() {
        println!("the binary brings no plugins along: {}", plugins::NO_COMPILER);
    }
    // Named target: otherwise the flag would also reach build scripts and procedural macros, which must stay dynamic.
    // Only the shipped file goes without line tables and names of functions, a fifth of its size; whoever builds for themselves keeps them.
    let mut command = cargo(&["rustc", "--release", "--target", TARGET, "--bin", "kith", "--", "-C", "strip=symbols"]);
    command.env("CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUSTFLAGS", "-C target-feature=+crt-static");
    call(&mut command)?;
    let binary = target_folder()?.join(TARGET).join("release/kith");
    check_static(&binary)?;
    Ok(binary)
}

fn target_folder() -> Outcome<PathBuf> {
    match std::env::var_os("CARGO_TARGET_DIR") {
        Some(folder) => Ok(PathBuf::from(folder)),
        None => Ok(root().join("target")),
    }
}

fn check_static(binary: &std::path::Path) -> Outcome {
    let shown = binary.to_string_lossy().into_owned();
    let bytes = binary.metadata().map_err(|e| format!("{shown}: {e}"))?.len();
    if bytes > BINARY_BYTES_MAX {
        return Err(format!("the binary has {bytes} bytes; the budget is {BINARY_BYTES_MAX}"));
    }
    // ldd fails for a static file, so its word counts and not its exit code.
    let said = program("ldd", ".", &[&shown]).output().map_err(|e| format!("ldd: {e}"))?;
    let said = String::from_utf8_lossy(&said.stdout).into_owned() + &String::from_utf8_lossy(&said.stderr);
    if !said.contains("statically linked") && !said.contains("not a dynamic executable") {
        return Err(format!("the binary is not static:\n{said}"));
    }
    let version = output(&mut program(&shown, ".", &["--version"]))?;
    println!("{} · {:.1} MB · static", version.trim(), bytes as f64 / 1e6);
    Ok(())
}
