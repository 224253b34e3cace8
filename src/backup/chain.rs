//! A backup and all that it builds on, oldest first. Looks for the others beside it, by what their heads say and not by their names.

use std::{
    collections::HashMap,
    fs::{self, File},
    io::BufReader,
    path::{Path, PathBuf},
};

use kith_base::Secret;
use kith_store::{SealedReader, VaultError};
use serde::Deserialize;

use crate::{
    BackupError,
    archive::{self, Next},
    manifest::{FORMAT, HEAD, Head, KEYS, Kind, NOTE},
    place::folder_of,
};

/// One backup of a chain.
pub struct Link {
    pub path: PathBuf,
    pub head: Head,
    pub(crate) keys: Secret<Vec<u8>>,
}

/// A full backup and the increments behind it.
pub struct Chain(pub Vec<Link>);

/// Opens a backup's envelope.
pub(crate) fn open(path: &Path, identity: &Secret<String>) -> Result<SealedReader<BufReader<File>>, BackupError> {
    let shown = path.display().to_string();
    let file = File::open(path).map_err(BackupError::source(&shown))?;
    SealedReader::new(identity, BufReader::new(file)).map_err(|error| match error {
        VaultError::WrongKey(_) => BackupError::WrongIdentity { place: shown },
        VaultError::BadKeyFile => BackupError::Vault(VaultError::BadKeyFile),
        _ => BackupError::damaged(&shown, "it is no age file, or its beginning is damaged"),
    })
}

#[derive(Deserialize)]
struct Format {
    format: u32,
}

/// What a backup says of itself at its beginning.
///
/// # Errors
/// `backup.source`, `backup.wrong_identity`, `backup.damaged`, `backup.newer_format`.
pub fn read_head(path: &Path, identity: &Secret<String>) -> Result<Head, BackupError> {
    Ok(link(path, identity)?.head)
}

fn link(path: &Path, identity: &Secret<String>) -> Result<Link, BackupError> {
    let shown = path.display().to_string();
    let broken = |what: &str| BackupError::damaged(&shown, what);
    let (mut head, mut keys) = (None, None);
    archive::read(&shown, open(path, identity)?, &mut |member| {
        let content = |member: &mut archive::Incoming<'_>| member.whole().map_err(|error| broken(&error.to_string()));
        match member.path.as_str() {
            HEAD if head.is_none() => {
                head = Some(parse(&shown, &content(member)?)?);
                Ok(Next::Go)
            }
            NOTE if head.is_some() => Ok(Next::Go),
            KEYS if head.is_some() => {
                keys = Some(Secret::new(content(member)?));
                Ok(Next::Stop)
            }
            _ => Err(broken("it does not begin like one")),
        }
    })?;
    let (Some(head), Some(keys)) = (head, keys) else { return Err(broken("it is cut off at its beginning")) };
    Ok(Link { path: path.to_path_buf(), head, keys })
}

fn parse(place: &str, json: &[u8]) -> Result<Head, BackupError> {
    let broken = |error: serde_json::Error| BackupError::damaged(place, format!("its head cannot be read ({error})"));
    let Format { format } = serde_json::from_slice(json).map_err(broken)?;
    if format > FORMAT {
        return Err(BackupError::NewerFormat { place: place.to_string(), found: format, known: FORMAT });
    }
    let head: Head = serde_json::from_slice(json).map_err(broken)?;
    let fits = match &head.builds_on {
        None => head.kind == Kind::Full && head.first_seq == 1,
        Some(base) => head.kind == Kind::Incremental && base.last_seq.checked_add(1) == Some(head.first_seq),
    };
    if fits { Ok(head) } else { Err(BackupError::damaged(place, "its head contradicts itself")) }
}

impl Chain {
    /// The backup in `path` and what it builds on, found in the same folder.
    ///
    /// # Errors
    /// As `read_head`; `backup.gap` with what is missing.
    pub fn find(path: &Path, identity: &Secret<String>) -> Result<Chain, BackupError> {
        let mut links = vec![link(path, identity)?];
        let mut beside: Option<HashMap<String, Link>> = None;
        while let Some(base) = links.last().and_then(|link| link.head.builds_on.clone()) {
            let around = match &mut beside {
                Some(around) => around,
                none => none.insert(heads(&folder_of(path), identity)),
            };
            let found = around.remove(&base.id).filter(|link| link.head.last_seq == base.last_seq);
            let Some(found) = found else {
                return Err(BackupError::Gap {
                    place: path.display().to_string(),
                    missing: base.id,
                    first: base.first_seq,
                    last: base.last_seq,
                    folder: folder_of(path).display().to_string(),
                });
            };
            links.push(found);
        }
        links.reverse();
        Ok(Chain(links))
    }

    /// The newest one.
    pub fn last(&self) -> Option<&Link> {
        self.0.last()
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.0.iter().filter_map(|link| link.path.metadata().ok()).map(|about| about.len()).sum()
    }
}

/// Backups in a folder that open with this identity, by id.
fn heads(folder: &Path, identity: &Secret<String>) -> HashMap<String, Link> {
    let Ok(items) = fs::read_dir(folder) else { return HashMap::new() };
    let paths = items.flatten().map(|item| item.path());
    let aged = paths.filter(|path| path.extension().is_some_and(|ending| ending == "age"));
    aged.filter_map(|path| link(&path, identity).ok()).map(|link| (link.head.id.clone(), link)).collect()
}
