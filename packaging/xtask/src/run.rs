//! Starts other programs and turns their failure into one sentence.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

pub type Outcome<T = ()> = Result<T, String>;

/// The root of the repository.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap_or_else(|_| PathBuf::from("."))
}

/// A folder that costs no disk, where the system offers one.
pub fn folder_in_memory() -> Option<PathBuf> {
    let folder = PathBuf::from("/dev/shm");
    folder.metadata().is_ok_and(|about| about.is_dir() && !about.permissions().readonly()).then_some(folder)
}

/// A command that runs in the root of the repository, with the cargo that started us.
pub fn cargo(args: &[&str]) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(args).current_dir(root());
    command
}

pub fn program(name: &str, folder: &str, args: &[&str]) -> Command {
    let mut command = Command::new(name);
    command.args(args).current_dir(root().join(folder));
    command
}

/// Runs to the end, showing output.
pub fn call(command: &mut Command) -> Outcome {
    let shown = shown(command);
    println!("\n» {shown}");
    let status = command.status().map_err(|e| format!("'{shown}' did not start: {e}"))?;
    if status.success() { Ok(()) } else { Err(format!("'{shown}' failed ({status})")) }
}

/// Whether a program answers at all, silently.
pub fn answers(name: &str, args: &[&str]) -> bool {
    Command::new(name)
        .args(args)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// Runs to the end and gives what it printed.
pub fn output(command: &mut Command) -> Outcome<String> {
    let shown = shown(command);
    let output = command.output().map_err(|e| format!("'{shown}' did not start: {e}"))?;
    if !output.status.success() {
        return Err(format!("'{shown}' failed: {}", String::from_utf8_lossy(&output.stderr)));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn shown(command: &Command) -> String {
    let words: Vec<_> = command.get_args().map(|a| a.to_string_lossy().into_owned()).collect();
    let name = Path::new(command.get_program()).file_name().unwrap_or(command.get_program());
    format!("{} {}", name.to_string_lossy(), words.join(" "))
}
