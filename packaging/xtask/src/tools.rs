//! Tools that the tests need beyond Rust and Node, installed where they can be. Says so where they cannot, and never hides it.

use std::path::PathBuf;

use crate::run::{Outcome, answers, call, cargo, output, program};

/// Where tools lie that belong to no checkout.
pub fn folder() -> PathBuf {
    std::env::var_os("HOME").map_or_else(std::env::temp_dir, PathBuf::from).join(".cache/kith-tools")
}

/// cargo-fuzz, which builds the fuzz targets.
pub fn cargo_fuzz() -> Outcome<PathBuf> {
    let folder = folder();
    let path = folder.join("bin/cargo-fuzz");
    if !path.exists() {
        call(&mut cargo(&["install", "--locked", "--root", &folder.to_string_lossy(), "cargo-fuzz"]))?;
    }
    Ok(path)
}

/// A browser for the UI tests: an installed one, or Debian's package.
pub fn browser() -> Outcome<Option<PathBuf>> {
    if let Some(found) = find_browser() {
        return Ok(Some(found));
    }
    debian(&["chromium"])?;
    Ok(find_browser())
}

/// Installs Debian's packages where that is possible, and does nothing where it is not.
pub fn debian(packages: &[&str]) -> Outcome {
    if answers("apt-get", &["--version"]) && is_root() {
        call(&mut program("apt-get", ".", &["update", "-qq"]))?;
        let install = ["install", "-y", "-qq", "--no-install-recommends"];
        call(program("apt-get", ".", &install).args(packages))?;
    }
    Ok(())
}

/// The ordinary `age` program, which must open our backups: an installed one, or Debian's package.
pub fn age() -> Outcome<bool> {
    if !answers("age", &["--version"]) {
        debian(&["age"])?;
    }
    Ok(answers("age", &["--version"]))
}

fn find_browser() -> Option<PathBuf> {
    if let Some(named) = std::env::var_os("KITH_BROWSER") {
        return Some(PathBuf::from(named));
    }
    ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"]
        .iter()
        .map(PathBuf::from)
        .find(|path| path.exists())
}

fn is_root() -> bool {
    output(&mut program("id", ".", &["-u"])).is_ok_and(|id| id.trim() == "0")
}

/// Whether npm can install this package here.
pub fn npm_has(package: &str) -> bool {
    answers("npm", &["view", package, "version"])
}

/// componentize-py as the Python template asks for it, in a virtual environment of its own: the folder of its programs. None where Python or the
/// package cannot be had.
pub fn componentize() -> Outcome<Option<PathBuf>> {
    if !answers("python3", &["--version"]) {
        return Ok(None);
    }
    let folder = folder().join("componentize-py");
    let programs = folder.join("bin");
    if !programs.join("componentize-py").exists() {
        let shown = folder.to_string_lossy().into_owned();
        call(&mut program("python3", ".", &["-m", "venv", &shown]))?;
    }
    // A newer version may be asked for by now; what is there already costs nothing.
    let pip = programs.join("pip").to_string_lossy().into_owned();
    let asked = ["install", "--quiet", "-r", "plugin-sdk/templates/python/requirements.txt"];
    Ok(call(&mut program(&pip, ".", &asked)).is_ok().then_some(programs))
}

/// Schemathesis in a virtual environment of its own beside the build folder. None where Python is missing.
pub fn schemathesis() -> Outcome<Option<PathBuf>> {
    if !answers("python3", &["--version"]) {
        return Ok(None);
    }
    let folder = folder().join("schemathesis");
    let program_path = folder.join("bin/schemathesis");
    if !program_path.exists() {
        let shown = folder.to_string_lossy().into_owned();
        call(&mut program("python3", ".", &["-m", "venv", &shown]))?;
        let pip = folder.join("bin/pip").to_string_lossy().into_owned();
        call(&mut program(&pip, ".", &["install", "--quiet", "schemathesis==4.*"]))?;
    }
    Ok(Some(program_path))
}
