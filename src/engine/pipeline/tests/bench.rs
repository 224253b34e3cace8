//! A small engine for tests: two objects that use most kinds of field, a clock in the hand, a store in memory or in a folder.

use std::{path::Path, sync::Arc};

use kith_base::{FixedClock, RecordId};
use kith_model::ObjectDef;
use kith_store::{Files, Lock, MemoryStore, OpenOptions, Storage, Store, Vault, new_identity};
use serde_json::{Value as Json, json};

use crate::{
    Actor, ActorKind, Command, CommitOptions, Engine, EngineError, EngineOptions, Fields, Record,
    access::Role,
    define::{field, object},
};

/// Where the clock starts: 2023-11-14.
pub const NOW_MS: i64 = 1_700_000_000_000;

pub fn people() -> ObjectDef {
    object(100, "people", "Person", "People")
        .subtitle("company")
        .timeline()
        .field(1, field::text("first_name", "First name"))
        .field(2, field::text("last_name", "Last name").required())
        .field(3, field::computed("name", "Name", r#"join([first_name, last_name], " ")"#))
        .field(4, field::email("emails", "E-mails").many())
        .field(5, field::link("company", "Company", "companies").inverse("people", "People"))
        .field(6, field::integer("score", "Score"))
        .field(7, field::text("code", "Code").unique())
        .field(8, field::auto_number("number", "Number").read_only())
        .field(9, field::user("owner", "Owner"))
        .field(
            10,
            field::select("stage", "Stage").default("new").options([("new", "New", "gray"), ("old", "Old", "red")]),
        )
        .field(11, field::secret("pin", "PIN"))
        .field(12, field::links("friends", "Friends", "people"))
        .build()
}

pub fn companies() -> ObjectDef {
    object(101, "companies", "Company", "Companies").field(1, field::text("name", "Name").required()).build()
}

/// An engine with what it stands on.
pub struct Bench {
    pub engine: Engine,
    pub clock: Arc<FixedClock>,
    pub storage: Arc<dyn Storage>,
    files: Arc<Files>,
    vault: Vault,
    folder: tempfile::TempDir,
    on_disk: bool,
}

impl Bench {
    pub fn new() -> Bench {
        Bench::start(false, EngineOptions::default())
    }

    pub fn with(options: EngineOptions) -> Bench {
        Bench::start(false, options)
    }

    pub fn on_disk() -> Bench {
        Bench::start(true, EngineOptions::default())
    }

    fn start(on_disk: bool, options: EngineOptions) -> Bench {
        let folder = tempfile::tempdir().unwrap();
        let vault = Vault::create(folder.path(), &Lock::Recipients(vec![new_identity().1])).unwrap();
        let files = Arc::new(Files::open(folder.path(), &vault).unwrap());
        let storage: Arc<dyn Storage> =
            if on_disk { open_store(folder.path(), &vault) } else { Arc::new(MemoryStore::new()) };
        let clock = Arc::new(FixedClock::at(NOW_MS));
        let engine = open_engine(&storage, &files, &clock, options);
        Bench { engine, clock, storage, files, vault, folder, on_disk }
    }

    /// Opens the engine again on what it left; on disk after an orderly close.
    pub fn reopen(&mut self) {
        self.engine.flush_audit();
        if self.on_disk {
            self.engine.close().unwrap();
            // The old handles must go before the folder can be opened again.
            let empty: Arc<dyn Storage> = Arc::new(MemoryStore::new());
            self.engine = open_engine(&empty, &self.files, &self.clock, EngineOptions::default());
            self.storage = empty;
            self.storage = open_store(self.folder.path(), &self.vault);
        }
        self.engine = open_engine(&self.storage, &self.files, &self.clock, EngineOptions::default());
    }

    pub fn run(&self, commands: Vec<Command>) -> Result<Vec<Record>, EngineError> {
        self.engine.execute(&admin(), commands, CommitOptions::default())
    }

    pub fn one(&self, command: Command) -> Result<Record, EngineError> {
        self.run(vec![command]).map(|mut records| records.remove(0))
    }

    pub fn create(&self, object: &str, values: Json) -> Record {
        self.one(create(object, values)).unwrap()
    }

    pub fn update(&self, record: &Record, values: Json) -> Result<Record, EngineError> {
        self.one(update(&self.key(record), record.id, None, values))
    }

    fn key(&self, record: &Record) -> String {
        self.engine.schema().object_by_id(record.object).unwrap().key.clone()
    }

    pub fn now(&self, record: &Record) -> Record {
        self.engine.get(&admin(), &self.key(record), record.id).unwrap()
    }

    /// The values as the API shows them, without nulls.
    pub fn values(&self, record: &Record) -> Json {
        let mut shown = self.engine.to_json(&admin(), record)["values"].take();
        shown.as_object_mut().unwrap().retain(|_, value| !value.is_null());
        shown
    }

    pub fn count(&self, object: &str) -> u64 {
        let query = crate::Query { total: true, ..crate::Query::of(object) };
        self.engine.query(&admin(), &query).unwrap().total.unwrap()
    }
}

fn open_store(folder: &Path, vault: &Vault) -> Arc<dyn Storage> {
    Arc::new(Store::open(folder, vault, OpenOptions::default()).unwrap().0)
}

fn open_engine(
    storage: &Arc<dyn Storage>,
    files: &Arc<Files>,
    clock: &Arc<FixedClock>,
    options: EngineOptions,
) -> Engine {
    let options = EngineOptions { clock: clock.clone(), builtins: vec![people(), companies()], ..options };
    Engine::open(storage.clone(), files.clone(), options, &mut |_| {}).unwrap()
}

pub fn admin() -> Actor {
    Actor { role: Arc::new(Role::admin()), ..user(json!({})) }
}

/// A user with a role of these grants.
pub fn user(grants: Json) -> Actor {
    let id = RecordId([0x77; 16]);
    Actor {
        kind: ActorKind::User,
        id,
        user: Some(id),
        name: "Zoë".into(),
        teams: Vec::new(),
        peers: [id].into(),
        role: Arc::new(Role::new(RecordId([7; 16]), "test", "Test", false, serde_json::from_value(grants).unwrap())),
        scopes: None,
    }
}

fn fields(values: Json) -> Fields {
    match values {
        Json::Object(map) => Fields::Json(map),
        other => panic!("values are an object, not {other}"),
    }
}

pub fn create(object: &str, values: Json) -> Command {
    Command::Create { object: object.into(), id: None, values: fields(values) }
}

pub fn create_as(object: &str, id: RecordId, values: Json) -> Command {
    Command::Create { object: object.into(), id: Some(id), values: fields(values) }
}

pub fn update(object: &str, id: RecordId, version: Option<u64>, values: Json) -> Command {
    Command::Update { object: object.into(), id, version, values: fields(values) }
}

pub fn delete(object: &str, id: RecordId) -> Command {
    Command::Delete { object: object.into(), id, version: None }
}

pub fn restore(object: &str, id: RecordId) -> Command {
    Command::Restore { object: object.into(), id }
}
