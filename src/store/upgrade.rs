//! Upgrades of the data folder. Its format is one number, sealed in `vault.age` and looked at before anything is touched: an older
//! build refuses a newer folder there. A newer build keeps the folder as it was in `upgrade-backup-<format>`, runs the migrations
//! between the two formats, checks that the journal holds as it did before, and only then notes the new format. Until the kept
//! folder is dropped, [`Upgrade::back`] puts it back.

use std::{fs, path::Path, sync::Arc};

use crate::{
    OpenReport, StoreError, Vault, VaultError,
    checking::Check,
    error::at,
    folder::{Folder, FolderLock, make_folder, remove_folder, rename, replace_file, sync_folder, sync_tree},
    journal::segment::{Segment, file_name, parse_name},
};

/// Format of a data folder that this build writes.
pub const FORMAT: u8 = 2;

/// One step from a format to the next. It may be interrupted and is then run again from its beginning, on a folder in which it has
/// done a part of its work: it has to be repeatable.
pub(crate) struct Migration {
    pub from: u8,
    /// For the log: what changes.
    pub what: &'static str,
    pub run: fn(&Folder, &Vault) -> Result<(), StoreError>,
}

/// Every step there ever was, oldest first.
pub(crate) static MIGRATIONS: &[Migration] = &[Migration {
    from: 1,
    what: "the vault notes who can open it, and values may be sealed again with a later key",
    // Noting the new format rewrites the vault, and that is all of it.
    run: |_, _| Ok(()),
}];

/// What belongs to the state of a folder, besides what is made from it. The vault comes last: it decides which build may open it.
const KEPT: [&str; 4] = ["journal", "files", "passphrase.age", "vault.age"];
const KEPT_PREFIX: &str = "upgrade-backup-";
const UNDONE: &str = "upgrade-undone";
/// In a kept folder: everything of the present state has been moved away, and the kept one is on its way back.
const MOVED: &str = "MOVED";

/// Upgrades a folder that is older than this build. The caller holds its lock, and has opened nothing in it.
pub(crate) fn run(folder: &Folder, vault: &Vault, report: &mut OpenReport) -> Result<(), StoreError> {
    run_list(folder, vault, MIGRATIONS, FORMAT, report)
}

fn run_list(
    folder: &Folder,
    vault: &Vault,
    list: &[Migration],
    newest: u8,
    report: &mut OpenReport,
) -> Result<(), StoreError> {
    let found = vault.format();
    if found >= newest {
        return Ok(());
    }
    // Asked before anything is touched, since the last step would be refused.
    vault.check_recipients_known().map_err(|error| failed(found, newest, &error.to_string()))?;
    let kept = folder.0.join(format!("{KEPT_PREFIX}{found}"));
    keep(folder, &kept)?;
    let before = findings(folder, vault)?;
    let steps = list.iter().filter(|migration| migration.from >= found && migration.from < newest);
    if let Err(error) = migrate(folder, vault, steps, before) {
        put_back(folder)?;
        return Err(failed(found, newest, &error));
    }
    vault.upgrade().map_err(|error| match error {
        VaultError::Store(error) => error,
        error => failed(found, newest, &error.to_string()),
    })?;
    report.notes.push(format!(
        "the data folder was upgraded from format {found} to {newest}; what it was before is kept in {}: 'kith upgrade drop' removes that, 'kith upgrade back' returns to it",
        kept.display()
    ));
    Ok(())
}

fn migrate<'a>(
    folder: &Folder,
    vault: &Vault,
    steps: impl Iterator<Item = &'a Migration>,
    before: usize,
) -> Result<(), String> {
    for Migration { from, what, run } in steps {
        tracing::info!(from, what, "upgrading the data folder");
        run(folder, vault).map_err(|error| error.to_string())?;
    }
    match findings(folder, vault) {
        Ok(after) if after <= before => Ok(()),
        Ok(_) => Err("the journal did not hold any more afterwards".into()),
        Err(error) => Err(error.to_string()),
    }
}

fn failed(found: u8, newest: u8, why: &str) -> StoreError {
    StoreError::NotUpgraded { found, newest, why: why.to_string() }
}

/// What does not hold in the journal, as a number.
fn findings(folder: &Folder, vault: &Vault) -> Result<usize, StoreError> {
    let Ok(list) = fs::read_dir(folder.journal()) else { return Ok(0) };
    let mut names: Vec<u64> =
        list.flatten().filter_map(|item| parse_name(&item.file_name().to_string_lossy())).collect();
    names.sort_unstable();
    let mut check = Check::new(&vault.0, folder);
    let mut segments = Vec::new();
    for first in names {
        match Segment::open(&folder.journal().join(file_name(first)), first, &vault.0) {
            Ok(segment) => segments.push(Arc::new(segment)),
            Err(error) => check.note(format!("journal/{}", file_name(first)), error.to_string()),
        }
    }
    check.journal(&segments, (0, 0), &mut |_, _| {})?;
    Ok(check.finish().findings.len())
}

/// Keeps the folder as it is, aside and then under its name. Closed segments and files are linked: they are only ever replaced
/// whole. The last segment is written in place, so it is copied.
fn keep(folder: &Folder, kept: &Path) -> Result<(), StoreError> {
    if kept.exists() {
        // An upgrade was interrupted after this; what is there is the state before it.
        return Ok(());
    }
    let aside = kept.with_extension("new");
    remove_folder(&aside)?;
    make_folder(&aside)?;
    for name in KEPT {
        let from = folder.0.join(name);
        if from.is_dir() {
            keep_folder(&from, &aside.join(name))?;
        } else if from.is_file() {
            copy(&from, &aside.join(name))?;
        }
    }
    sync_tree(&aside)?;
    rename(&aside, kept)
}

fn keep_folder(from: &Path, to: &Path) -> Result<(), StoreError> {
    make_folder(to)?;
    let list = fs::read_dir(from).map_err(at(from))?;
    let mut names: Vec<_> = list.flatten().filter(|item| item.path().is_file()).map(|item| item.file_name()).collect();
    names.sort();
    let newest = names.iter().rfind(|name| parse_name(&name.to_string_lossy()).is_some()).cloned();
    for name in names {
        let (source, target) = (from.join(&name), to.join(&name));
        if Some(&name) == newest.as_ref() || fs::hard_link(&source, &target).is_err() {
            copy(&source, &target)?;
        }
    }
    Ok(())
}

fn copy(from: &Path, to: &Path) -> Result<(), StoreError> {
    fs::copy(from, to).map(drop).map_err(at(to))
}

/// The kept states of earlier formats, newest first.
fn snapshots(folder: &Folder) -> Vec<(u8, std::path::PathBuf)> {
    let list = fs::read_dir(&folder.0).into_iter().flatten().flatten();
    let number = |item: &fs::DirEntry| item.file_name().to_string_lossy().strip_prefix(KEPT_PREFIX)?.parse().ok();
    let mut found: Vec<(u8, _)> = list.filter_map(|item| Some((number(&item)?, item.path()))).collect();
    found.sort_unstable_by(|a, b| b.cmp(a));
    found
}

/// Removes what upgrades kept: it would hold what was erased, or an older key and what it sealed.
pub(crate) fn drop_snapshots(folder: &Folder) -> Result<(), StoreError> {
    for (_, kept) in snapshots(folder) {
        remove_folder(&kept)?;
    }
    remove_folder(&folder.0.join(UNDONE))
}

/// What upgrades left in a data folder. Works without any key, on a folder that no process has open.
pub struct Upgrade {
    folder: Folder,
    _lock: FolderLock,
}

impl Upgrade {
    /// # Errors
    /// `store.locked` while a server has the folder open.
    pub fn of(folder: &Path) -> Result<Upgrade, StoreError> {
        let folder = Folder(folder.to_path_buf());
        let lock = FolderLock::take(&folder)?;
        Ok(Upgrade { folder, _lock: lock })
    }

    /// Formats whose state is kept, newest first.
    pub fn kept(&self) -> Vec<u8> {
        snapshots(&self.folder).into_iter().map(|(format, _)| format).collect()
    }

    /// Puts the newest kept state back and gives its format; the present one goes to `upgrade-undone`. What was written since the
    /// upgrade is only there then. May be interrupted; running it again goes on.
    ///
    /// # Errors
    /// `store.nothing_kept`; `store.io` when an earlier `upgrade-undone` is in the way.
    pub fn back(&self) -> Result<u8, StoreError> {
        put_back(&self.folder)
    }

    /// Removes every kept state, and what [`Upgrade::back`] put aside.
    pub fn drop_kept(&self) -> Result<(), StoreError> {
        drop_snapshots(&self.folder)
    }
}

fn put_back(folder: &Folder) -> Result<u8, StoreError> {
    let (format, kept) = snapshots(folder).into_iter().next().ok_or(StoreError::NothingKept)?;
    let (undone, partial) = (folder.0.join(UNDONE), folder.0.join(format!("{UNDONE}.partial")));
    if undone.exists() {
        let cause = "an earlier state is still there; move it away first".to_string();
        return Err(StoreError::Io { path: undone.display().to_string(), cause });
    }
    if !kept.join(MOVED).exists() {
        make_folder(&partial)?;
        // The vault first: without it no build opens the folder while it is neither the one nor the other.
        for name in KEPT.into_iter().rev() {
            move_over(&folder.0.join(name), &partial.join(name))?;
        }
        replace_file(&kept.join(MOVED), &[1])?;
    }
    // Made from the journal, and anew at the next start.
    for path in [folder.records(), folder.records_new(), folder.records_damaged()] {
        remove_folder(&path)?;
    }
    for name in KEPT {
        move_over(&kept.join(name), &folder.0.join(name))?;
    }
    remove_folder(&kept)?;
    rename(&partial, &undone)?;
    Ok(format)
}

/// Moves a file or folder, if it is there and the target is not.
fn move_over(from: &Path, to: &Path) -> Result<(), StoreError> {
    if !from.exists() || to.exists() {
        return Ok(());
    }
    rename(from, to)?;
    from.parent().map_or(Ok(()), sync_folder)
}

#[cfg(test)]
#[path = "upgrade_tests.rs"]
mod tests;
