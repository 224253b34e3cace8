//! A vault in memory with users of several roles, for the tests of access, sign-in and audit.

use std::sync::Arc;

use kith_base::{Clock, FixedClock, RecordId, Secret, TimestampMs};
use kith_store::{Files, Lock, MemoryStore, Vault, new_identity};
use serde_json::{Value as Json, json};

use crate::{
    Actor, Command, CommitOptions, Engine, EngineError, EngineOptions, Fields, Record,
    auth::{Client, NewUser, SignedIn},
    define::{field, object},
};

/// A Monday in 2026.
pub const START_MS: TimestampMs = 1_767_600_000_000;

pub const DAY_MS: i64 = 24 * 3_600 * 1_000;

pub const PASSWORD: &str = "correct horse battery";

struct Held(Arc<FixedClock>);

impl Clock for Held {
    fn now_ms(&self) -> TimestampMs {
        self.0.now_ms()
    }
}

/// An engine whose clock the test holds, with an administrator.
pub struct Fixture {
    pub engine: Engine,
    pub clock: Arc<FixedClock>,
    pub admin: Actor,
    pub storage: Arc<MemoryStore>,
    _folder: tempfile::TempDir,
}

impl Fixture {
    pub fn new() -> Fixture {
        let folder = tempfile::tempdir().unwrap();
        let (_, recipient) = new_identity();
        let vault = Vault::create(folder.path(), &Lock::Recipients(vec![recipient])).unwrap();
        let files = Arc::new(Files::open(folder.path(), &vault).unwrap());
        let clock = Arc::new(FixedClock::at(START_MS));
        let deals = object(100, "deals", "Deal", "Deals")
            .field(1, field::text("name", "Name").required())
            .field(2, field::user("owner", "Owner"))
            .field(3, field::text("region", "Region"))
            .field(4, field::integer("margin", "Margin"))
            .field(5, field::text("code", "Code").unique());
        let notes = object(101, "notes", "Note", "Notes")
            .title("body")
            .field(1, field::text("body", "Text").required())
            .field(2, field::link("about", "About", "*").belongs())
            .field(3, field::boolean("pinned", "Pinned"));
        let hints = object(102, "hints", "Hint", "Hints")
            .field(1, field::text("name", "Name"))
            .field(2, field::link("deal", "Deal", "deals"));
        let options = EngineOptions {
            clock: Arc::new(Held(clock.clone())),
            builtins: vec![deals.build(), notes.build(), hints.build()],
            ..EngineOptions::default()
        };
        let storage = Arc::new(MemoryStore::new());
        let engine = Engine::open(storage.clone(), files, options, &mut |_| {}).unwrap();
        let made = engine.create_user(&Actor::cli(), new_user("admin@example.org", "admin")).unwrap();
        let admin =
            engine.refresh(&Actor { kind: crate::ActorKind::User, user: Some(made.id), ..Actor::cli() }).unwrap();
        Fixture { engine, clock, admin, storage, _folder: folder }
    }

    /// A user with a role and the usual password, as an actor.
    pub fn user(&self, email: &str, role: &str) -> Actor {
        let made = self.engine.create_user(&self.admin, new_user(email, role)).unwrap();
        self.actor(made.id)
    }

    /// The user's rights as they are now.
    pub fn actor(&self, user: RecordId) -> Actor {
        self.engine.refresh(&Actor { kind: crate::ActorKind::User, user: Some(user), ..Actor::cli() }).unwrap()
    }

    /// Number of the newest entry of changes; reads that were noted meanwhile do not count.
    pub fn storage_head(&self) -> u64 {
        let entries = self.engine.events_from(&self.admin, 0, usize::MAX).unwrap();
        entries.last().map_or(0, |event| event.seq)
    }

    /// A role with these grants; returns its key.
    pub fn role(&self, key: &str, grants: Json) -> RecordId {
        self.create(&self.admin, "roles", json!({ "key": key, "name": key, "grants": grants })).unwrap().id
    }

    pub fn sign_in(&self, email: &str, password: &str) -> Result<SignedIn, EngineError> {
        let client = Client { address: "192.0.2.1", name: "Test" };
        self.engine.sign_in(email, &secret(password), client)
    }

    pub fn create(&self, actor: &Actor, object: &str, values: Json) -> Result<Record, EngineError> {
        self.run(actor, Command::Create { object: object.into(), id: None, values: fields(values) })
    }

    pub fn update(&self, actor: &Actor, object: &str, id: RecordId, values: Json) -> Result<Record, EngineError> {
        self.run(actor, Command::Update { object: object.into(), id, version: None, values: fields(values) })
    }

    pub fn delete(&self, actor: &Actor, object: &str, id: RecordId) -> Result<Record, EngineError> {
        self.run(actor, Command::Delete { object: object.into(), id, version: None })
    }

    fn run(&self, actor: &Actor, command: Command) -> Result<Record, EngineError> {
        Ok(self.engine.execute(actor, vec![command], CommitOptions::default())?.remove(0))
    }
}

pub fn new_user(email: &str, role: &str) -> NewUser {
    NewUser { email: email.into(), role: role.into(), password: Some(secret(PASSWORD)), ..NewUser::default() }
}

pub fn secret(text: &str) -> Secret<String> {
    Secret::new(text.to_string())
}

fn fields(values: Json) -> Fields {
    match values {
        Json::Object(map) => Fields::Json(map),
        other => panic!("{other} is no object of values"),
    }
}
