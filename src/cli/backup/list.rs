//! `kith backup list`: what the vault knows of its backups, or what lies in a folder when there is no vault any more.

use std::{fs, path::PathBuf};

use kith_backup::{is_backup_name, read_head};
use kith_server::client::Ask;
use serde_json::{Value as Json, json};

use super::{
    super::{CliError, Common, Outcome, open, print, secrets},
    bytes,
};

/// List backups: kind, time, size, entries and records
///
/// With --folder and --identity it reads what lies in a folder, and needs no vault.
#[derive(clap::Args)]
pub struct Args {
    /// Look into this folder instead of asking the vault
    #[arg(long, value_name = "DIR", requires = "identity")]
    folder: Option<PathBuf>,
    /// File with a recovery identity (AGE-SECRET-KEY-1…)
    #[arg(long, value_name = "FILE", requires = "folder")]
    identity: Option<PathBuf>,
}

pub async fn run(common: &Common, args: Args) -> Outcome {
    let items = match (args.folder, args.identity) {
        (Some(folder), Some(identity)) => {
            let common = common.clone();
            open::blocking(move || in_folder(&common, &folder, &identity)).await?
        }
        _ => {
            let list = open::with(common, async |client| Ok(client.call(Ask::get("/backups")).await?)).await?;
            list["items"].as_array().cloned().unwrap_or_default()
        }
    };
    if common.json {
        print::json(&Json::Array(items));
        return Ok(());
    }
    let text = |value: &Json| value.as_str().map(print::printable).unwrap_or_default();
    let rows: Vec<Vec<String>> = items
        .iter()
        .map(|item| {
            let gone = item["there"] == json!(false) && item["state"] == json!("done") && item["folder"] != json!("-");
            vec![
                text(&item["created_at"]),
                text(&item["kind"]),
                if gone { "missing".into() } else { text(&item["state"]) },
                bytes(item["size_bytes"].as_u64().unwrap_or(0)),
                format!("{}–{}", item["first_seq"], item["last_seq"]),
                item["records"].as_u64().map_or_else(String::new, |records| records.to_string()),
                format!("{}/{}", text(&item["folder"]), text(&item["name"])),
            ]
        })
        .collect();
    print::table(&["taken", "kind", "state", "size", "entries", "records", "file"], &rows);
    Ok(())
}

fn in_folder(common: &Common, folder: &std::path::Path, identity: &std::path::Path) -> Outcome<Vec<Json>> {
    let identity = secrets::identity(identity, common)?;
    let failed =
        |e: std::io::Error| CliError::failed("backup.source", format!("{} cannot be read: {e}", folder.display()));
    let mut names: Vec<String> = fs::read_dir(folder)
        .map_err(failed)?
        .flatten()
        .map(|item| item.file_name().to_string_lossy().into_owned())
        .filter(|name| is_backup_name(name))
        .collect();
    names.sort();
    let mut items = Vec::new();
    for name in names.into_iter().rev() {
        let path = folder.join(&name);
        let size = path.metadata().map_or(0, |about| about.len());
        let mut item = match read_head(&path, &identity) {
            Ok(head) => json!({
                "id": head.id, "kind": head.kind, "state": "done", "created_at": head.created_at, "vault": head.vault,
                "first_seq": head.first_seq, "last_seq": head.last_seq,
                "builds_on": head.builds_on.map(|base| base.id),
            }),
            Err(error) => json!({ "state": error.code(), "message": error.to_string() }),
        };
        item["name"] = json!(name);
        item["folder"] = json!(folder.display().to_string());
        item["size_bytes"] = json!(size);
        item["there"] = json!(true);
        items.push(item);
    }
    Ok(items)
}
