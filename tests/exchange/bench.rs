//! An engine to import into, and short ways to ask what came of it.

use std::{path::PathBuf, sync::Arc};

use kith_base::{RecordId, SystemClock};
use kith_engine::{Actor, Command, CommitOptions, Engine, EngineOptions, Fields, Query, Record};
use kith_exchange::{
    ExchangeError,
    export::{self, ExportFormat, ExportOptions},
    import::{self, ImportOptions, ImportReport, Inspection, UndoReport},
};
use kith_store::{Files, Lock, MemoryStore, Storage, Vault, new_identity};
use serde_json::{Value as Json, json};

pub struct Bench {
    pub engine: Engine,
    pub actor: Actor,
    storage: Arc<dyn Storage>,
    files: Arc<Files>,
    _folder: tempfile::TempDir,
}

fn open(storage: &Arc<dyn Storage>, files: &Arc<Files>) -> Engine {
    let options = EngineOptions {
        clock: Arc::new(SystemClock),
        builtins: kith_crm::objects(),
        actions: kith_crm::actions(),
        hooks: kith_crm::hooks(),
        seeds: kith_crm::seeds(),
        ..EngineOptions::default()
    };
    Engine::open(storage.clone(), files.clone(), options, &mut |_| {}).unwrap()
}

impl Bench {
    pub fn new() -> Bench {
        let folder = tempfile::tempdir().unwrap();
        let vault = Vault::create(folder.path(), &Lock::Recipients(vec![new_identity().1])).unwrap();
        let files = Arc::new(Files::open(folder.path(), &vault).unwrap());
        let storage: Arc<dyn Storage> = Arc::new(MemoryStore::new());
        let engine = open(&storage, &files);
        Bench { engine, actor: Actor::cli(), storage, files, _folder: folder }
    }

    /// A new engine on what the old one left.
    pub fn reopen(&mut self) {
        self.engine = open(&self.storage, &self.files);
    }

    pub fn import(&self, bytes: &[u8], options: Json) -> ImportReport {
        self.try_import(bytes, options).unwrap()
    }

    pub fn try_import(&self, bytes: &[u8], options: Json) -> Result<ImportReport, ExchangeError> {
        import::run(&self.engine, &self.actor, bytes, &read(options), &mut |_| {})
    }

    pub fn inspect(&self, bytes: &[u8], options: Json) -> Inspection {
        import::inspect(&self.engine, &self.actor, bytes, &read(options)).unwrap()
    }

    pub fn undo(&self, id: RecordId) -> UndoReport {
        import::undo(&self.engine, &self.actor, id, &mut |_| {}).unwrap()
    }

    pub fn export(&self, object: &str, format: ExportFormat) -> String {
        let options = ExportOptions { object: object.into(), format, ..ExportOptions::default() };
        let mut out = Vec::new();
        export::write(&self.engine, &self.actor, &options, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    pub fn create(&self, object: &str, values: Json) -> RecordId {
        let Json::Object(values) = values else { panic!("values are an object") };
        let command = Command::Create { object: object.into(), id: None, values: Fields::Json(values) };
        self.engine.execute(&self.actor, vec![command], CommitOptions::default()).unwrap()[0].id
    }

    pub fn update(&self, object: &str, id: RecordId, values: Json) {
        let Json::Object(values) = values else { panic!("values are an object") };
        let command = Command::Update { object: object.into(), id, version: None, values: Fields::Json(values) };
        self.engine.execute(&self.actor, vec![command], CommitOptions::default()).unwrap();
    }

    pub fn count(&self, object: &str) -> u64 {
        let query = Query { total: true, ..Query::of(object).limit(1) };
        self.engine.query(&self.actor, &query).unwrap().total.unwrap()
    }

    pub fn all(&self, object: &str, filter: &str) -> Vec<Record> {
        let mut query = Query::of(object).limit(500);
        if !filter.is_empty() {
            query = query.filter(filter);
        }
        let mut records = Vec::new();
        loop {
            let page = self.engine.query(&self.actor, &query).unwrap();
            records.extend(page.records);
            match page.next_cursor {
                Some(cursor) => query.cursor = Some(cursor),
                None => return records,
            }
        }
    }

    /// Values of the only record that a filter finds.
    pub fn one(&self, object: &str, filter: &str) -> Json {
        let found = self.all(object, filter);
        assert_eq!(found.len(), 1, "{object} where {filter}");
        self.values(&found[0])
    }

    pub fn values(&self, record: &Record) -> Json {
        self.engine.to_json(&self.actor, record)["values"].take()
    }

    /// The name of what a link in JSON points at.
    pub fn title(&self, id: &Json) -> String {
        let id: RecordId = id.as_str().unwrap_or_default().parse().unwrap();
        self.engine.titles(&self.actor, &[id]).pop().map(|t| t.title).unwrap_or_default()
    }
}

fn read(options: Json) -> ImportOptions {
    serde_json::from_value(options).unwrap()
}

/// A fixture of our own making.
pub fn fixture(name: &str) -> Vec<u8> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/import").join(name);
    std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// No options.
pub fn plain() -> Json {
    json!({})
}
