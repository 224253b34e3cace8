//! For those who write plugins: a new one, building, checking, testing, playing a call again, and swapping it into a running Kith. Needs no vault
//! but for the last.

mod build;
mod dev;
mod new;
mod replay;

use std::path::{Path, PathBuf};

use kith_plugin_host::{package, shown};

use super::super::{CliError, Common, Outcome, print};
use super::print_permissions;

pub use build::{Args as BuildArgs, TestArgs};
pub use dev::Args as DevArgs;
pub use new::Args as NewArgs;
pub use replay::{Args as ReplayArgs, run as replay};

pub fn new(common: &Common, args: &NewArgs) -> Outcome {
    let made = new::run(args)?;
    if common.json {
        print::json(&serde_json::json!({ "folder": made, "id": args.name }));
    } else {
        print::line(&format!("{} is there, with a test. Next, in that folder:", made.display()));
        print::line("  kith plugin test      run its tests, without a server");
        print::line("  kith plugin build     make the .wasm file");
        print::line("  kith plugin dev       swap it into a running Kith at every change");
    }
    Ok(())
}

pub fn build(common: &Common, args: &BuildArgs) -> Outcome {
    let built = build::run(&args.folder, args.sign.as_deref())?;
    if common.json {
        print::json(&serde_json::json!({ "file": built.file, "id": built.id, "bytes": built.bytes }));
    } else {
        print::line(&format!("{} ({} kB)", built.file.display(), built.bytes.div_ceil(1_000)));
    }
    Ok(())
}

pub fn test(args: &TestArgs) -> Outcome {
    build::test(&args.folder)
}

pub async fn dev(common: &Common, args: DevArgs) -> Outcome {
    dev::run(common, args).await
}

/// Reads a file and says what it is and asks for. Runs nothing of it.
pub fn check(common: &Common, file: &Path) -> Outcome {
    let content = read(file)?;
    let described = shown::described(&content).map_err(|e| CliError::failed("plugin.invalid", e.to_string()))?;
    if common.json {
        print::json(&described);
        return Ok(());
    }
    let package = package::read(&content).map_err(|e| CliError::failed("plugin.invalid", e.to_string()))?;
    let about = &package.manifest.plugin;
    print::line(&format!("{} {} ({}), for contract {}", about.name, about.version, about.id, about.api));
    print_permissions(&described["permissions"], " ");
    Ok(())
}

fn read(file: &Path) -> Outcome<Vec<u8>> {
    std::fs::read(file).map_err(|error| unreadable(file, &error))
}

fn unreadable(file: &Path, error: &std::io::Error) -> CliError {
    CliError::failed("cli.file", format!("{} cannot be read: {error}", file.display()))
}

/// The folder's manifest, as text and read.
fn manifest(folder: &Path) -> Outcome<(String, kith_plugin_host::manifest::Manifest)> {
    let file = folder.join("plugin.toml");
    let text = std::fs::read_to_string(&file).map_err(|error| {
        CliError::failed(
            "plugin.folder",
            format!("{} cannot be read ({error}); run this in a plugin's folder", file.display()),
        )
    })?;
    let manifest = kith_plugin_host::manifest::Manifest::parse(&text);
    let manifest = manifest.map_err(|error| CliError::failed("plugin.manifest", error.to_string()))?;
    Ok((text, manifest))
}

fn here() -> PathBuf {
    PathBuf::from(".")
}
