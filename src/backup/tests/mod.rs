//! Backups of a real store under a real engine, held against a plain model of its journal.

mod damage;
mod erasing;
mod formats;
mod increments;
mod moments;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use kith_base::{RecordId, Secret};
use kith_engine::{Actor, Command, CommitOptions, Engine, EngineOptions, Fields, Record};
use kith_model::Value;
use kith_store::{Files, Lock, OpenOptions, Storage, Store, Vault, new_identity};
use serde_json::{Value as Json, json};
use tempfile::TempDir;

use crate::{BackupError, Kind, Options, Restored, Until, Wanted, catalog::Entry, restore, run};

/// A vault with an engine, a folder for backups and a recovery key.
pub struct Bench {
    pub dir: TempDir,
    pub engine: Engine,
    pub identity: Secret<String>,
    pub recipient: String,
}

/// Id to version and stored bytes.
pub type Model = BTreeMap<RecordId, (u64, Vec<u8>)>;

pub fn lock() -> Lock {
    Lock::Recipients(vec![new_identity().1])
}

impl Bench {
    pub fn new() -> Bench {
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path().join("data");
        let vault = Vault::create(&data, &lock()).unwrap();
        let options = OpenOptions { segment_bytes: 64 * 1024, checkpoint_groups: 20, ..OpenOptions::default() };
        let store = Store::open(&data, &vault, options).unwrap().0;
        let files = Files::open(&data, &vault).unwrap();
        let options =
            EngineOptions { builtins: kith_crm::objects(), seeds: kith_crm::seeds(), ..EngineOptions::default() };
        let engine = Engine::open(Arc::new(store), Arc::new(files), options, &mut |_| {}).unwrap();
        let (identity, recipient) = new_identity();
        Bench { dir, engine, identity, recipient }
    }

    pub fn folder(&self) -> PathBuf {
        self.dir.path().join("backups")
    }

    pub fn person(&self, name: &str) -> Record {
        self.create("people", json!({ "last_name": name }))
    }

    pub fn create(&self, object: &str, values: Json) -> Record {
        let values = Fields::Json(values.as_object().unwrap().clone());
        self.run(Command::Create { object: object.into(), id: None, values })
    }

    pub fn rename(&self, id: RecordId, name: &str) -> Record {
        self.update(id, json!({ "last_name": name }))
    }

    pub fn update(&self, id: RecordId, values: Json) -> Record {
        let values = Fields::Json(values.as_object().unwrap().clone());
        self.run(Command::Update { object: "people".into(), id, version: None, values })
    }

    pub fn run(&self, command: Command) -> Record {
        self.engine.execute(&Actor::cli(), vec![command], CommitOptions::default()).unwrap().remove(0)
    }

    /// Stores an attachment with its record; the content's name and the record.
    pub fn attach(&self, name: &str, content: &[u8]) -> (String, Record) {
        let stored = self.engine.files().put(&mut &content[..], 1 << 30).unwrap();
        let values = vec![
            ("name".to_string(), Value::Text(name.into())),
            ("content".to_string(), Value::Text(stored.name.clone())),
            ("size_bytes".to_string(), Value::Int(content.len() as i64)),
        ];
        let made = self.run(Command::Create { object: "files".into(), id: None, values: Fields::Parsed(values) });
        (stored.name, made)
    }

    pub fn wanted(&self, kind: Kind) -> Wanted {
        Wanted { kind, recipients: vec![self.recipient.clone()], scheduled: false }
    }

    pub fn take(&self, kind: Kind) -> Entry {
        self.try_take(kind).unwrap()
    }

    pub fn try_take(&self, kind: Kind) -> Result<Entry, BackupError> {
        run::create_into(&self.engine, &Actor::cli(), &self.folder(), &self.wanted(kind), &|| false)
    }

    /// The state that the journal leads to at an entry, worked out without anything of the backup.
    pub fn model(&self, until: u64) -> Model {
        model(self.engine.storage(), until)
    }

    pub fn restore(&self, path: &Path, until: Until) -> Result<(TempDir, Restored), BackupError> {
        self.restore_with(path, until, &[])
    }

    pub fn restore_with(
        &self,
        path: &Path,
        until: Until,
        erasures: &[PathBuf],
    ) -> Result<(TempDir, Restored), BackupError> {
        let dir = tempfile::tempdir().unwrap();
        let (key, recipient) = new_identity();
        let lock = Lock::Recipients(vec![recipient]);
        let options = Options { identity: &self.identity, until, erasures, lock: &lock, now_ms: 1 };
        let restored = restore(path, &dir.path().join("data"), &options, &mut |_, _| {})?;
        std::fs::write(dir.path().join("key"), key.expose()).unwrap();
        Ok((dir, restored))
    }
}

pub fn model(storage: &dyn Storage, until: u64) -> Model {
    let mut model = Model::new();
    let mut next = 1;
    while next <= until {
        for entry in storage.read_from(next, 500).unwrap() {
            next = entry.seq + 1;
            for change in entry.changes.into_iter().filter(|_| entry.seq <= until) {
                match change.value {
                    Some(value) => drop(model.insert(change.id, (change.version, value))),
                    None => drop(model.remove(&change.id)),
                }
            }
        }
    }
    model
}

/// A restored vault, opened with the key it was locked to.
pub fn opened(dir: &TempDir) -> (Store, Files) {
    let data = dir.path().join("data");
    let key = Secret::new(std::fs::read_to_string(dir.path().join("key")).unwrap());
    let vault = Vault::unlock(&data, &kith_store::Unlock::Identities(key)).unwrap();
    let store = Store::open(&data, &vault, OpenOptions::default()).unwrap().0;
    assert!(store.verify(&mut |_, _| {}).unwrap().is_clean());
    (store, Files::open(&data, &vault).unwrap())
}

pub fn content(store: &Store) -> Model {
    let mut all = Model::new();
    store.scan(&mut |id, version, _, value| drop(all.insert(id, (version, value.to_vec())))).unwrap();
    all
}

/// What the engine writes over an erasure.
pub fn erasure_head() -> Vec<u8> {
    let head = kith_engine::pipeline::head::Head {
        actor: Arc::new(kith_engine::ActorStamp::of(&Actor::cli())),
        cause: kith_engine::Cause::new("test"),
        idempotency: None,
        notes: Vec::new(),
        audit: Vec::new(),
    };
    head.encode().unwrap()
}

/// The members of a backup, by path, in the clear.
pub fn members(path: &Path, identity: &Secret<String>) -> BTreeMap<String, Vec<u8>> {
    let mut all = BTreeMap::new();
    crate::archive::read("x", crate::chain::open(path, identity).unwrap(), &mut |member| {
        all.insert(member.path.clone(), member.whole().unwrap());
        Ok(crate::archive::Next::Go)
    })
    .unwrap();
    all
}

/// The JSON Lines of a backup: record to version and last name.
pub fn lines(path: &Path, identity: &Secret<String>) -> BTreeMap<RecordId, Json> {
    let mut all = BTreeMap::new();
    for (_, content) in members(path, identity).into_iter().filter(|(path, _)| path.starts_with("objects/")) {
        for line in String::from_utf8(content).unwrap().lines() {
            let record: Json = serde_json::from_str(line).unwrap();
            let id = record["id"].as_str().unwrap().parse().unwrap();
            assert!(all.insert(id, record).is_none(), "a record comes once");
        }
    }
    all
}
