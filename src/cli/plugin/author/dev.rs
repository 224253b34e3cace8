//! `kith plugin dev`: builds at every change and swaps the plugin into a running Kith, and shows its log.

use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use kith_server::client::Ask;
use serde_json::Value as Json;

use super::{
    super::super::{Common, Outcome, open, print},
    super::{path, text},
    build, here,
};

const LOOK_EVERY: Duration = Duration::from_millis(500);

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
    let mut seen: Option<SystemTime> = None;
    let mut shown = 0;
    loop {
        let newest = newest(&args.folder);
        if seen != newest {
            seen = newest;
            match swap(common, &args.folder).await {
                Ok(said) => print::line(&said),
                Err(error) if args.once => return Err(error),
                // The next change may mend it.
                Err(error) => error.print(common.json),
            }
        }
        if args.once {
            return Ok(());
        }
        // The server may be starting anew; the next look will tell.
        drop(log(common, &args.folder, &mut shown).await);
        tokio::select! {
            () = tokio::time::sleep(LOOK_EVERY) => {}
            _ = tokio::signal::ctrl_c() => return Ok(()),
        }
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
        Ok(client.call(Ask::new(hyper::Method::POST, "/plugins").form(&parts, &name, &content)).await?)
    })
    .await?;
    Ok(format!("{} {} is {}.", text(&plugin, "name"), text(&plugin, "version"), text(&plugin, "state")))
}

/// Prints what the plugin wrote since the last look.
async fn log(common: &Common, folder: &Path, shown: &mut usize) -> Outcome {
    let (_, manifest) = super::manifest(folder)?;
    let answer =
        open::with(common, async |client| Ok(client.call(Ask::get(path(manifest.id(), "/log"))).await?)).await?;
    let lines: Vec<&Json> = answer["items"].as_array().into_iter().flatten().collect();
    if lines.len() < *shown {
        *shown = 0;
    }
    for line in &lines[*shown..] {
        print::line(&format!("{} {:5} {}", text(line, "at"), text(line, "level"), text(line, "message")));
    }
    *shown = lines.len();
    Ok(())
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
