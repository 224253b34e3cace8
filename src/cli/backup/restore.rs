//! `kith backup verify` and `kith backup restore`: both make a vault from a backup, one to prove it and one to keep it.

use std::path::PathBuf;

use jiff::{Timestamp, civil::DateTime, tz::TimeZone};
use kith_backup::{Checked, Options, Restored, Until};
use serde_json::json;

use super::{
    super::{CliError, Common, Outcome, open, print, secrets},
    bytes,
};

/// Prove that a backup restores, and say what it holds
///
/// Restores it, with all it builds on, into a folder that goes away again, checks every hash, the chain of the journal and the records,
/// and counts. The identity of a recovery key is needed; the server's key does not open a backup.
#[derive(clap::Args)]
pub struct VerifyArgs {
    /// The backup
    file: PathBuf,
    /// File with a recovery identity (AGE-SECRET-KEY-1…)
    #[arg(long, value_name = "FILE")]
    identity: PathBuf,
    /// Where the folder is made that goes away again; as much room as the backup takes
    #[arg(long, value_name = "DIR", default_value_os_t = std::env::temp_dir())]
    scratch: PathBuf,
}

/// Restore a backup into a new data folder
///
/// Into the empty folder that --data names; what the new vault is locked to is chosen as with 'kith init' (--key-file, or a
/// passphrase). Increments find the backups they build on in their own folder. Records that were erased for good since are taken
/// out again: the list beside the backups is read, and those named with --erasures.
#[derive(clap::Args)]
pub struct Args {
    /// The backup: the newest increment, or a full one
    file: PathBuf,
    /// File with a recovery identity (AGE-SECRET-KEY-1…)
    #[arg(long, value_name = "FILE")]
    identity: PathBuf,
    /// As everything was at this time, such as 2026-03-01T12:00 (this machine's zone) or 2026-03-01T12:00:00Z
    #[arg(long, value_name = "TIME", conflicts_with = "seq")]
    at: Option<String>,
    /// As this journal entry left everything
    #[arg(long, value_name = "N")]
    seq: Option<u64>,
    /// Another list of erasures (kith-erasures-….age); may come several times
    #[arg(long, value_name = "FILE")]
    erasures: Vec<PathBuf>,
}

pub async fn verify(common: &Common, args: VerifyArgs) -> Outcome {
    let identity = secrets::identity(&args.identity, common)?;
    let bar = print::progress("Checking");
    let shown = bar.clone();
    let checked = open::blocking(move || {
        let mut progress = |done: u64, all: u64| {
            shown.set_length(all);
            shown.set_position(done);
        };
        Ok(kith_backup::verify(&args.file, &args.scratch, &identity, now_ms(), &mut progress)?)
    })
    .await;
    bar.finish_and_clear();
    let checked = checked?;
    if common.json {
        print::json(&json!(checked));
        return Ok(());
    }
    print::line(&format!(
        "{} backup of {} by version {}: entries {} to {}",
        checked.kind, checked.created_at, checked.kith, checked.first_seq, checked.last_seq
    ));
    holds(&checked.restored);
    let Checked { lines, restored, .. } = &checked;
    print::line(&format!("it restores · {lines} lines compared · head {} {}", restored.seq, restored.head_hash));
    Ok(())
}

pub async fn run(common: &Common, args: Args) -> Outcome {
    let until = match (&args.at, args.seq) {
        (Some(text), _) => Until::Time(moment(text)?),
        (None, Some(seq)) => Until::Seq(seq),
        (None, None) => Until::End,
    };
    if !kith_store::is_free(&common.data)? {
        let said = format!("{} is not empty; name a new folder with --data", common.data.display());
        return Err(CliError::failed("backup.not_empty", said));
    }
    let identity = secrets::identity(&args.identity, common)?;
    let lock = secrets::new_lock(common)?;
    let bar = print::progress("Restoring");
    let (shown, data) = (bar.clone(), common.data.clone());
    let restored = open::blocking(move || {
        let mut progress = |done: u64, all: u64| {
            shown.set_length(all);
            shown.set_position(done);
        };
        let options = Options { identity: &identity, until, erasures: &args.erasures, lock: &lock, now_ms: now_ms() };
        Ok(kith_backup::restore(&args.file, &data, &options, &mut progress)?)
    })
    .await;
    bar.finish_and_clear();
    let restored = restored?;
    if common.json {
        print::json(&json!(restored));
        return Ok(());
    }
    print::line(&format!("{} is restored as of entry {} of {}.", common.data.display(), restored.seq, restored.at));
    holds(&restored);
    if restored.erased > 0 {
        print::line(&format!(
            "{} records that were erased for good after that have been taken out again.",
            restored.erased
        ));
    }
    if restored.replaced > 0 {
        print::line(&format!("{} records that were anonymised after that are anonymised again.", restored.replaced));
    }
    if !restored.erasures_known {
        print::line(
            "There was no list of erasures beside the backup; name one with --erasures where records were erased since.",
        );
    }
    print::line(&format!("Everything holds · head {} {}", restored.seq, restored.head_hash));
    print::line("Start the server with 'kith serve' on this folder.");
    Ok(())
}

fn holds(restored: &Restored) {
    let counts: Vec<String> = restored.counts.iter().map(|(object, count)| format!("{count} {object}")).collect();
    print::line(&format!("{} records ({}), {} files", restored.records, counts.join(", "), restored.files));
    let size: u64 = restored.from.iter().filter_map(|path| std::fs::metadata(path).ok()).map(|about| about.len()).sum();
    print::line(&format!(
        "made from {} of {} in all: {}",
        many(restored.from.len()),
        bytes(size),
        restored.from.join(", ")
    ));
    for name in &restored.damaged_files {
        print::line(&format!("attachment {name} was damaged before the backup was taken and is not in it"));
    }
}

fn many(backups: usize) -> String {
    if backups == 1 { "one backup".into() } else { format!("{backups} backups") }
}

fn now_ms() -> i64 {
    Timestamp::now().as_millisecond()
}

/// A time with a zone, or one on this machine's wall.
fn moment(text: &str) -> Outcome<i64> {
    if let Ok(at) = text.parse::<Timestamp>() {
        return Ok(at.as_millisecond());
    }
    let wall = text.parse::<DateTime>().ok().and_then(|at| at.to_zoned(TimeZone::system()).ok());
    let said = "--at takes a time such as 2026-03-01T12:00 or 2026-03-01T12:00:00Z";
    wall.map(|at| at.timestamp().as_millisecond()).ok_or_else(|| CliError::wrong_use(said))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_read_with_and_without_a_zone() {
        assert_eq!(moment("2026-03-01T12:00:00Z").unwrap(), 1_772_366_400_000);
        assert!(moment("2026-03-01T12:00").is_ok() && moment("2026-03-01 12:00").is_ok());
        assert_eq!(moment("yesterday").unwrap_err().exit_code(), 2);
    }
}
