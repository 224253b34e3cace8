//! The list of backups: records of the object `backups`, so that taking one is audited, listed and built upon like any other change.

use std::path::{Path, PathBuf};

use kith_base::RecordId;
use kith_engine::{
    Actor, Cause, Command, CommitOptions, Engine, Fields, Record,
    system::ids::backups::{self as ids, OBJECT},
};
use kith_model::Value;

use crate::{BackupError, Kind, create::Made, manifest::Base};

/// Key of the object.
pub const KEY: &str = "backups";

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum State {
    Running,
    Done,
    Failed,
    /// Its file was tidied away.
    Removed,
}

/// One backup as the list has it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entry {
    pub id: RecordId,
    /// Number of the journal entry that last changed the record.
    pub seq: u64,
    pub created_at: i64,
    pub finished_at: i64,
    pub name: String,
    pub folder: String,
    pub kind: Kind,
    pub state: State,
    pub size_bytes: u64,
    pub first_seq: u64,
    pub last_seq: u64,
    pub last_hash: String,
    pub builds_on: Option<RecordId>,
    pub records: u64,
    pub files: u64,
    /// Records per object; null while it is not done.
    pub counts: serde_json::Value,
    pub scheduled: bool,
    pub message: String,
}

impl Entry {
    fn of(record: &Record) -> Entry {
        let text = |field| match record.values.get(field) {
            Value::Text(text) => text.clone(),
            _ => String::new(),
        };
        let number = |field| match record.values.get(field) {
            Value::Int(number) => u64::try_from(*number).unwrap_or(0),
            _ => 0,
        };
        Entry {
            id: record.id,
            seq: record.seq,
            created_at: record.created_at,
            finished_at: match record.values.get(ids::FINISHED_AT) {
                Value::DateTime(at) => *at,
                _ => 0,
            },
            name: text(ids::NAME),
            folder: text(ids::FOLDER),
            kind: if text(ids::KIND) == "incremental" { Kind::Incremental } else { Kind::Full },
            state: match text(ids::STATE).as_str() {
                "done" => State::Done,
                "failed" => State::Failed,
                "removed" => State::Removed,
                _ => State::Running,
            },
            size_bytes: number(ids::SIZE_BYTES),
            first_seq: number(ids::FIRST_SEQ),
            last_seq: number(ids::LAST_SEQ),
            last_hash: text(ids::LAST_HASH),
            builds_on: text(ids::BUILDS_ON).parse().ok(),
            records: number(ids::RECORDS),
            files: number(ids::FILES),
            counts: match record.values.get(ids::COUNTS) {
                Value::Json(json) => serde_json::from_str(json).unwrap_or_default(),
                _ => serde_json::Value::Null,
            },
            scheduled: matches!(record.values.get(ids::SCHEDULED), Value::Bool(true)),
            message: text(ids::MESSAGE),
        }
    }

    /// Where its file is; none for one that was given out as a stream.
    pub fn path(&self) -> Option<PathBuf> {
        let folder = Path::new(&self.folder);
        folder.is_absolute().then(|| folder.join(&self.name))
    }

    pub fn base(&self) -> Base {
        Base {
            id: self.id.to_string(),
            first_seq: self.first_seq,
            last_seq: self.last_seq,
            last_hash: self.last_hash.clone(),
        }
    }
}

/// All backups, oldest first.
///
/// # Errors
/// When the journal cannot be read.
pub fn all(engine: &Engine) -> Result<Vec<Entry>, BackupError> {
    let mut entries = Vec::new();
    for id in engine.ids_of(OBJECT) {
        if let Some(record) = engine.record_as_of(id, u64::MAX)?.filter(|record| !record.trashed) {
            entries.push(Entry::of(&record));
        }
    }
    entries.sort_by_key(|entry| (entry.created_at, entry.id));
    Ok(entries)
}

/// One backup.
///
/// # Errors
/// `backup.not_found`.
pub fn find(engine: &Engine, id: RecordId) -> Result<Entry, BackupError> {
    let found = all(engine)?.into_iter().find(|entry| entry.id == id);
    found.ok_or(BackupError::NotFound)
}

/// The newest backup in a folder that an increment can build on.
///
/// # Errors
/// `backup.no_base`.
pub fn base(engine: &Engine, folder: &str) -> Result<Entry, BackupError> {
    let there = |entry: &Entry| entry.path().is_none_or(|path| path.exists());
    let mut entries = all(engine)?;
    entries.retain(|entry| entry.state == State::Done && entry.folder == folder && there(entry));
    // Whatever it builds on in turn must be there too.
    let newest = entries.iter().rev().find(|entry| whole(entry, &entries)).cloned();
    newest.ok_or_else(|| BackupError::NoBase(folder.to_string()))
}

fn whole(entry: &Entry, entries: &[Entry]) -> bool {
    let mut at = entry;
    loop {
        let Some(base) = at.builds_on else { return at.kind == Kind::Full };
        // Older ones only: no circle of records may keep us here.
        let Some(found) = entries.iter().find(|other| other.id == base && other.last_seq < at.last_seq) else {
            return false;
        };
        at = found;
    }
}

fn text(text: impl Into<String>) -> Value {
    let text = text.into();
    if text.is_empty() { Value::Null } else { Value::Text(text) }
}

fn number(number: u64) -> Value {
    Value::Int(i64::try_from(number).unwrap_or(i64::MAX))
}

/// Notes that a backup begins; the record that names it.
///
/// # Errors
/// `access.denied` for all but administrators.
pub fn begin(
    engine: &Engine,
    actor: &Actor,
    kind: Kind,
    folder: &str,
    name: impl FnOnce(RecordId) -> String,
    builds_on: Option<RecordId>,
    scheduled: bool,
) -> Result<Entry, BackupError> {
    let id = RecordId::generate(engine.now_ms());
    let values = vec![
        ("name".to_string(), text(name(id))),
        ("folder".into(), text(folder)),
        ("kind".into(), text(kind.name())),
        ("state".into(), text("running")),
        ("builds_on".into(), text(builds_on.map_or_else(String::new, |id| id.to_string()))),
        ("scheduled".into(), Value::Bool(scheduled)),
    ];
    let command = Command::Create { object: KEY.into(), id: Some(id), values: Fields::Parsed(values) };
    write(engine, actor, command)
}

fn write(engine: &Engine, actor: &Actor, command: Command) -> Result<Entry, BackupError> {
    let options = CommitOptions::caused_by(Cause::new("backup"));
    let records = engine.execute(actor, vec![command], options)?;
    records.first().map(Entry::of).ok_or(BackupError::NotFound)
}

/// Changes a backup's record; none of its fields can be written from outside.
///
/// # Errors
/// What the store says.
pub fn amend(engine: &Engine, actor: &Actor, id: RecordId, values: Vec<(&str, Value)>) -> Result<Entry, BackupError> {
    let values = values.into_iter().map(|(key, value)| (key.to_string(), value)).collect();
    let command = Command::Update { object: KEY.into(), id, version: None, values: Fields::Parsed(values) };
    write(engine, actor, command)
}

/// Notes what was written.
///
/// # Errors
/// What the store says.
pub fn done(engine: &Engine, actor: &Actor, id: RecordId, made: &Made, bytes: u64) -> Result<Entry, BackupError> {
    let manifest = &made.manifest;
    let records = manifest.counts.iter().map(|count| count.records).sum();
    let counts: serde_json::Map<String, serde_json::Value> =
        manifest.counts.iter().map(|count| (count.object.clone(), count.records.into())).collect();
    let said = match made.damaged.len() {
        0 => String::new(),
        1 => "one attachment is damaged in the vault and is not in this backup; kith verify names it".into(),
        many => {
            format!("{many} attachments are damaged in the vault and are not in this backup; kith verify names them")
        }
    };
    let values = vec![
        ("state", text("done")),
        ("finished_at", Value::DateTime(engine.now_ms())),
        ("size_bytes", number(bytes)),
        ("first_seq", number(manifest.head.first_seq)),
        ("last_seq", number(manifest.head.last_seq)),
        ("last_hash", text(manifest.last_hash.clone())),
        ("records", number(records)),
        ("files", number(manifest.files)),
        ("counts", Value::Json(serde_json::Value::Object(counts).to_string())),
        ("message", text(said)),
    ];
    amend(engine, actor, id, values)
}

/// Notes that it failed, and why.
///
/// # Errors
/// What the store says.
pub fn failed(engine: &Engine, actor: &Actor, id: RecordId, why: &BackupError) -> Result<Entry, BackupError> {
    let values = vec![
        ("state", text("failed")),
        ("finished_at", Value::DateTime(engine.now_ms())),
        ("message", text(format!("{}: {why}", why.code()))),
    ];
    amend(engine, actor, id, values)
}

/// Marks backups as failed that were running when the process ended.
///
/// # Errors
/// What the store says.
pub fn settle(engine: &Engine) -> Result<(), BackupError> {
    for entry in all(engine)?.into_iter().filter(|entry| entry.state == State::Running) {
        let values = vec![
            ("state", text("failed")),
            ("message", text("the server stopped while it was taken; nothing half-written is kept")),
        ];
        amend(engine, &Actor::system(), entry.id, values)?;
    }
    Ok(())
}

/// Notes that its file is gone.
///
/// # Errors
/// What the store says.
pub fn removed(engine: &Engine, actor: &Actor, id: RecordId) -> Result<Entry, BackupError> {
    amend(engine, actor, id, vec![("state", text("removed"))])
}
