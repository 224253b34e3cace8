//! The list of what was erased for good, kept beside the backups: a backup from before an erasure still holds what was erased, and a
//! restore from it has to take it out again. Sealed to the recovery recipients like the backups; written anew as a whole, since the
//! server cannot open what it wrote.

use std::{
    fs,
    io::Read,
    path::{Path, PathBuf},
};

use kith_base::{RecordId, Secret};
use kith_engine::{Engine, erase::Given, read::rfc3339};
use kith_store::{ErasureNote, SealedWriter};
use serde::{Deserialize, Serialize};

use crate::{BackupError, chain::open, manifest::hex, place::replace};

const FORMAT: u32 = 1;
/// Bytes of a list that is read; ten million ids.
const LIST_BYTES_MAX: u64 = 512 * 1024 * 1024;

#[derive(Debug, Serialize, Deserialize)]
struct List {
    format: u32,
    vault: String,
    written_at: String,
    /// The list is complete up to this entry.
    last_seq: u64,
    erasures: Vec<Erasure>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Erasure {
    seq: u64,
    at_ms: i64,
    ids: Vec<RecordId>,
    /// What was put in the place of what was taken. An older kith takes the records out altogether.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    given: Option<Given>,
}

/// An erasure that a list or a journal names.
pub struct Named {
    pub seq: u64,
    pub ids: Vec<RecordId>,
    /// What was put in the place of what was taken; none: nothing, or nobody knows.
    pub given: Option<Given>,
}

fn name(vault: &str) -> String {
    format!("kith-erasures-{}.age", vault.get(..8).unwrap_or(vault))
}

/// The list as the file that belongs beside the backups: its name and its sealed content.
///
/// # Errors
/// `backup.no_recipient`, `vault.bad_recipient`, and what the store says.
pub fn sealed(engine: &Engine, recipients: &[String]) -> Result<(String, Vec<u8>), BackupError> {
    let source = engine.storage().backup_source().ok_or(BackupError::NoSource)?;
    if recipients.is_empty() {
        return Err(BackupError::NoRecipient);
    }
    let last_seq = engine.head();
    let vault = hex(&source.vault().id());
    let name = name(&vault);
    let mut given = engine.given_by_erasures()?;
    let entry = |note: ErasureNote| Erasure {
        seq: note.seq,
        at_ms: note.time_ms,
        ids: note.ids,
        given: given.remove(&note.seq),
    };
    let erasures = source.erasures(0)?.into_iter().map(entry).collect();
    let list = List { format: FORMAT, vault, written_at: rfc3339(engine.now_ms()), last_seq, erasures };
    let wrong = BackupError::target(&name);
    let mut sealed = SealedWriter::new(recipients, Vec::new())?;
    serde_json::to_writer(&mut sealed, &list).map_err(|error| wrong(error.into()))?;
    Ok((name, sealed.finish().map_err(&wrong)?))
}

/// Writes the list into a folder of backups.
///
/// # Errors
/// As `sealed`; `backup.target`.
pub fn write(engine: &Engine, folder: &Path, recipients: &[String]) -> Result<(), BackupError> {
    let (name, content) = sealed(engine, recipients)?;
    replace(&folder.join(name), &content)
}

/// What a list names, when it is one of this vault; none for another vault's.
///
/// # Errors
/// `backup.wrong_identity`, `backup.damaged`, `backup.newer_format`, `backup.source`.
pub fn read(path: &Path, identity: &Secret<String>, vault: &str) -> Result<Option<Vec<Named>>, BackupError> {
    let shown = path.display().to_string();
    let broken = |what: String| BackupError::damaged(&shown, what);
    let mut json = Vec::new();
    let mut opened = open(path, identity)?.take(LIST_BYTES_MAX);
    opened.read_to_end(&mut json).map_err(|error| broken(error.to_string()))?;
    let list: List = serde_json::from_slice(&json).map_err(|error| broken(format!("it is no list ({error})")))?;
    if list.format > FORMAT {
        return Err(BackupError::NewerFormat { place: shown, found: list.format, known: FORMAT });
    }
    if list.vault != vault {
        return Ok(None);
    }
    let named = list.erasures.into_iter().map(|e| Named { seq: e.seq, ids: e.ids, given: e.given });
    Ok(Some(named.collect()))
}

/// The list of a vault in a folder of backups, when there is one.
pub fn find(folder: &Path, vault: &str) -> Option<PathBuf> {
    let path = folder.join(name(vault));
    fs::metadata(&path).is_ok().then_some(path)
}
