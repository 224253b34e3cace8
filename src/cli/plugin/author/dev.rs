//! `kith plugin dev`: builds at every change and swaps the plugin into a running Kith, and shows its log, its calls
//! and what it asks of the host.

use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use kith_server::client::Ask;
use serde_json::json;

use super::{
    super::super::{Common, Outcome, open, print},
    super::{path, text},
    build, here,
};

const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Calls after a swap that can be played again.
const TRACED: u32 = 20;

/// Folders that hold no source.
const SKIPPED: [&str; 6] = ["target", "node_modules", "build", ".git", "__pycache__", ".venv"];

#[derive(clap::Args)]
pub struct Args {
    /// The plugin's folder
    #[arg(default_value_os_t = here())]
    folder: PathBuf,
    /// Install what is there once, and end
    #[arg(long)]
    once: bool,
}

pub async fn run(common: &Common, args: Args) -> Outcome {
    if args.once {
        print::line(&swap(common, &args.folder).await?);
        return Ok(());
    }
    tokio::select! {
        () = rebuild(common, &args.folder) => Ok(()),
        () = look_on(common, &args.folder) => Ok(()),
        _ = tokio::signal::ctrl_c() => Ok(()),
    }
}

async fn rebuild(common: &Common, folder: &Path) {
    let mut seen = None;
    loop {
        let newest = newest(folder);
        if seen != newest {
            seen = newest;
            match swap(common, folder).await {
                Ok(said) => print::line(&said),
                // The next change may mend it.
                Err(error) => error.print(common.json),
            }
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// Builds, and installs with everything the manifest asks for: whoever runs this holds the vault's key and wrote the manifest.
async fn swap(common: &Common, folder: &Path) -> Outcome<String> {
    let asked = folder.to_path_buf();
    let built = open::blocking(move || build::run(&asked, None)).await?;
    let content = super::read(&built.file)?;
    let name = format!("{}.wasm", built.id);
    let parts = [("grant", "true"), ("downgrade", "true"), ("author", "true")];
    let plugin = open::with(common, async |client| {
        let plugin = client.call(Ask::new(hyper::Method::POST, "/plugins").form(&parts, &name, &content)).await?;
        client.call(Ask::post(path(&built.id, "/traces"), &json!({ "calls": TRACED }))).await?;
        Ok(plugin)
    })
    .await?;
    Ok(format!(
        "{} {} is {}; its next {TRACED} calls leave a trace, see 'kith plugin trace {}'.",
        text(&plugin, "name"),
        text(&plugin, "version"),
        text(&plugin, "state"),
        built.id
    ))
}

/// Shows what the plugin does. The server may be starting anew, and the plugin may not be installed yet: the next try will tell.
async fn look_on(common: &Common, folder: &Path) {
    loop {
        if let Ok((_, manifest)) = super::manifest(folder) {
            drop(super::super::watch::everything(common, manifest.id()).await);
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// When the newest file of the folder was changed.
fn newest(folder: &Path) -> Option<SystemTime> {
    let mut newest = None;
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let name = entry.file_name();
            let Ok(kind) = entry.file_type() else { continue };
            if kind.is_dir() && !SKIPPED.iter().any(|skipped| name == *skipped) {
                folders.push(entry.path());
            } else if kind.is_file() && !name.to_string_lossy().ends_with(".wasm") && name != "Cargo.lock" {
                newest = newest.max(entry.metadata().and_then(|m| m.modified()).ok());
            }
        }
    }
    newest
}
