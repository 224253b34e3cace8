//! `kith backup create`: a backup now, into the schedule's folder, a file, or standard output.

use std::{
    io::Write,
    path::{Path, PathBuf},
    time::Duration,
};

use kith_backup::{BackupError, Target, folder_of, replace};
use kith_server::client::{Ask, LocalClient};
use serde_json::{Value as Json, json};
use tokio::task::block_in_place;

use super::{
    super::{CliError, Common, Outcome, ask, open, print},
    bytes,
};

/// Take a backup now
///
/// It is sealed to recovery keys, not to the server's: name their recipients (age1…) in the schedule or with --recipient. The ordinary
/// 'age' program opens it to a tar. Works beside a running server, whose writers do not wait, and without one.
#[derive(clap::Args)]
pub struct Args {
    /// A file, or - for standard output; without it the folder of the schedule, under a name of its own
    #[arg(long, value_name = "FILE")]
    to: Option<PathBuf>,
    /// A folder instead of the schedule's, on the server's machine
    #[arg(long, value_name = "DIR", conflicts_with = "to")]
    folder: Option<PathBuf>,
    /// Only what changed since the last backup in the same folder
    #[arg(long)]
    incremental: bool,
    /// A recovery key's recipient (age1…), instead of the schedule's; may come several times
    #[arg(long = "recipient", value_name = "AGE1…")]
    recipients: Vec<String>,
}

pub async fn run(common: &Common, args: Args) -> Outcome {
    let mut body = json!({ "incremental": args.incremental, "recipients": args.recipients });
    match &args.to {
        None => {
            if let Some(folder) = &args.folder {
                body["folder"] = json!(absolute(folder)?);
            }
            let done = open::with(common, async |client| in_folder(client, &body).await).await?;
            told(common, &done)
        }
        Some(path) if path == Path::new("-") => {
            let failed = |e: std::io::Error| CliError::failed("cli.file", format!("nothing can be written: {e}"));
            open::with(common, async |client| {
                let mut out = std::io::stdout();
                poured(client, &body, &mut out).await?;
                block_in_place(|| out.flush()).map_err(failed)
            })
            .await
        }
        Some(path) => {
            body["called"] = json!(absolute(path)?);
            let done =
                open::with(common, async |client| into_file(client, &body, path, &args.recipients).await).await?;
            told(common, &done)
        }
    }
}

fn absolute(path: &Path) -> Outcome<String> {
    let path = std::path::absolute(path);
    let path = path.map_err(|e| CliError::failed("cli.file", format!("this path cannot be used: {e}")))?;
    Ok(path.display().to_string())
}

/// Lets the server write it, and waits.
async fn in_folder(client: &LocalClient, body: &Json) -> Outcome<Json> {
    const LOOK_EVERY: Duration = Duration::from_millis(100);
    let started = client.call(Ask::post("/backups", body)).await?;
    let path = format!("/backups/{}", started["id"].as_str().unwrap_or_default());
    loop {
        let backup = client.call(Ask::get(&path)).await?;
        match backup["state"].as_str() {
            Some("running") => tokio::time::sleep(LOOK_EVERY).await,
            Some("done") => return Ok(backup),
            _ => {
                let said = backup["message"].as_str().unwrap_or("the backup failed");
                let (code, why) = said.split_once(": ").unwrap_or(("backup.failed", said));
                return Err(CliError::failed(code, why));
            }
        }
    }
}

/// Writes the stream aside and gives it its name when it is whole; the list of erasures goes beside it.
async fn into_file(client: &LocalClient, body: &Json, path: &Path, recipients: &[String]) -> Outcome<Json> {
    let target = block_in_place(|| Target::create(path))?;
    let mut out = std::io::BufWriter::new(target.file()?);
    poured(client, body, &mut out).await?;
    let failed =
        |cause: std::io::Error| BackupError::Target { path: path.display().to_string(), cause: cause.to_string() };
    block_in_place(|| -> Result<u64, BackupError> {
        out.flush().map_err(failed)?;
        drop(out);
        target.finish()
    })?;
    let listed = ask::path("/backups/erasures", &[("recipients", &recipients.join(","))]);
    let answer = client.send(Ask::get(listed)).await?;
    let name = answer.headers.get("content-disposition").and_then(|text| text.to_str().ok()).and_then(named);
    let sealed = answer.bytes().await?;
    if let Some(name) = name {
        block_in_place(|| replace(&folder_of(path).join(name), &sealed))?;
    }
    // The newest one that carries this name.
    let list = client.call(Ask::get("/backups")).await?;
    let called = body["called"].as_str().and_then(|called| called.rsplit('/').next()).unwrap_or_default();
    let mut items = list["items"].as_array().into_iter().flatten();
    Ok(items.find(|item| item["name"] == called).cloned().unwrap_or_default())
}

/// The name in `attachment; filename*=UTF-8''…`, when it is one of ours.
fn named(disposition: &str) -> Option<String> {
    let name = disposition.split_once("''")?.1;
    let plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.'));
    (plain && name.starts_with("kith-erasures-")).then(|| name.to_string())
}

async fn poured(client: &LocalClient, body: &Json, out: &mut dyn Write) -> Outcome {
    let mut answer = client.send(Ask::post("/backups/stream", body)).await?;
    while let Some(piece) = answer.chunk().await? {
        let failed = |e: std::io::Error| {
            CliError::failed(
                "backup.target",
                format!("the backup cannot be written ({e}); nothing half-written is kept"),
            )
        };
        block_in_place(|| out.write_all(&piece)).map_err(failed)?;
    }
    Ok(())
}

fn told(common: &Common, backup: &Json) -> Outcome {
    if common.json {
        print::json(backup);
        return Ok(());
    }
    let text = |key: &str| print::printable(backup[key].as_str().unwrap_or_default());
    print::line(&format!(
        "{}/{}: {}, entries {} to {}, {} records, {} files, {}",
        text("folder"),
        text("name"),
        text("kind"),
        backup["first_seq"],
        backup["last_seq"],
        backup["records"],
        backup["files"],
        bytes(backup["size_bytes"].as_u64().unwrap_or(0)),
    ));
    if !text("message").is_empty() {
        eprintln!("kith: {}", text("message"));
    }
    Ok(())
}
