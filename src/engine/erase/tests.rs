//! Erasing against engines in memory and on disk: nothing of what was erased is left anywhere, and nothing else is lost.

use std::{path::Path, sync::Arc};

use kith_base::{FixedClock, RecordId};
use kith_store::{Entry, Files, Lock, MemoryStore, OpenOptions, Storage, Store, Vault, new_identity};
use serde_json::{Value as Json, json};

use super::{EraseRequest, Work};
use crate::{
    Actor, ChangeKind, Command, CommitOptions, Engine, EngineError, EngineOptions, Fields, IdempotencyKey, Query,
    Record, SearchQuery,
    access::Role,
    audit::AuditQuery,
    auth::NewUser,
    define::{field, object},
};

/// Words of the person that must be nowhere afterwards.
const WORDS: [&str; 6] = ["Lovelace", "ada@fixture.example", "4520123456", "gearwheel", "calls on Fridays", "Ada"];

pub struct Desk {
    pub engine: Engine,
    pub clock: Arc<FixedClock>,
    pub storage: Arc<dyn Storage>,
    pub files: Arc<Files>,
    vault: Vault,
    folder: tempfile::TempDir,
}

fn options(clock: &Arc<FixedClock>) -> EngineOptions {
    let people = object(100, "people", "Person", "People")
        .timeline()
        .field(1, field::text("name", "Name").required())
        .field(2, field::email("emails", "E-mail").many())
        .field(3, field::phone("phones", "Phone").many())
        .field(4, field::link("boss", "Boss", "people"))
        .field(5, field::links("friends", "Friends", "people"))
        .field(6, field::file("photo", "Photo"))
        .field(7, field::date("born", "Born"));
    let notes = object(107, "notes", "Note", "Notes")
        .title("body")
        .field(1, field::text("body", "Text"))
        .field(2, field::link("about", "About", "*").belongs())
        .field(3, field::link("also", "Also about", "*").belongs());
    let files = object(108, "files", "File", "Files")
        .field(1, field::text("name", "Name"))
        .field(2, field::text("content", "Content").stored())
        .field(3, field::link("about", "About", "*").belongs());
    let contracts = object(110, "contracts", "Contract", "Contracts")
        .field(1, field::text("name", "Name"))
        .field(2, field::link("person", "Person", "people").required());
    EngineOptions {
        clock: clock.clone(),
        builtins: vec![people.build(), notes.build(), files.build(), contracts.build()],
        ..EngineOptions::default()
    }
}

impl Desk {
    pub fn new() -> Desk {
        Desk::on(|_, _| Arc::new(MemoryStore::new()))
    }

    pub fn on_disk() -> Desk {
        Desk::on(|folder, vault| Arc::new(Store::open(folder, vault, OpenOptions::default()).unwrap().0))
    }

    fn on(store: impl FnOnce(&Path, &Vault) -> Arc<dyn Storage>) -> Desk {
        let folder = tempfile::tempdir().unwrap();
        let vault = Vault::create(folder.path(), &Lock::Recipients(vec![new_identity().1])).unwrap();
        let files = Arc::new(Files::open(folder.path(), &vault).unwrap());
        let clock = Arc::new(FixedClock::at(1_767_600_000_000));
        let storage = store(folder.path(), &vault);
        let engine = Engine::open(storage.clone(), files.clone(), options(&clock), &mut |_| {}).unwrap();
        Desk { engine, clock, storage, files, vault, folder }
    }

    /// Opens the engine again on what it left.
    fn reopen(&mut self) {
        self.engine.flush_audit();
        self.engine =
            Engine::open(self.storage.clone(), self.files.clone(), options(&self.clock), &mut |_| {}).unwrap();
    }

    /// As `reopen`, the store included.
    fn reopen_store(&mut self) {
        self.engine.close().unwrap();
        let empty: Arc<dyn Storage> = Arc::new(MemoryStore::new());
        self.engine = Engine::open(empty.clone(), self.files.clone(), options(&self.clock), &mut |_| {}).unwrap();
        self.storage = empty;
        self.storage = Arc::new(Store::open(self.folder.path(), &self.vault, OpenOptions::default()).unwrap().0);
        self.reopen();
    }

    pub fn create(&self, object: &str, values: Json) -> Record {
        self.run(Command::Create { object: object.into(), id: None, values: fields(values) })
    }

    pub fn update(&self, object: &str, id: RecordId, values: Json) -> Record {
        self.run(Command::Update { object: object.into(), id, version: None, values: fields(values) })
    }

    pub fn run(&self, command: Command) -> Record {
        self.engine.execute(&Actor::cli(), vec![command], CommitOptions::default()).unwrap().remove(0)
    }

    fn file(&self, content: &str, about: Option<RecordId>) -> (Record, String) {
        let stored = self.files.put(&mut content.as_bytes(), 1_000).unwrap().name;
        (self.create("files", json!({ "name": "a.txt", "content": stored, "about": about })), stored)
    }

    pub fn erase(&self, request: &EraseRequest) -> Result<super::EraseOutcome, EngineError> {
        let plan = self.engine.erase_plan(&Actor::cli(), request)?;
        self.engine.erase(&Actor::cli(), request, &plan.token)
    }

    fn user(&self, email: &str) -> Actor {
        let new = NewUser { email: email.into(), role: "admin".into(), ..NewUser::default() };
        let id = self.engine.create_user(&Actor::cli(), new).unwrap().id;
        self.engine.refresh(&Actor { kind: crate::ActorKind::User, user: Some(id), ..Actor::cli() }).unwrap()
    }

    pub fn journal(&self) -> Vec<Entry> {
        let mut entries: Vec<Entry> = Vec::new();
        while let Some(newest) = {
            let from = entries.last().map_or(1, |entry| entry.seq + 1);
            (from <= self.storage.head()).then(|| self.storage.read_from(from, 1_000).unwrap())
        } {
            entries.extend(newest);
        }
        entries
    }

    /// Places in journal and records, unsealed, that hold one of the words.
    pub fn readable(&self, words: &[&str]) -> Vec<String> {
        self.engine.flush_audit();
        let mut found = Vec::new();
        let mut look = |place: String, bytes: &[u8]| {
            for word in words {
                if bytes.windows(word.len()).any(|window| window == word.as_bytes()) {
                    found.push(format!("'{word}' in {place}"));
                }
            }
        };
        for entry in self.journal() {
            look(format!("head {}", entry.seq), &entry.head);
            for change in &entry.changes {
                look(format!("change {} of {}", entry.seq, change.id), change.value.as_deref().unwrap_or_default());
            }
        }
        self.storage.scan(&mut |id, _, _, value| look(format!("record {id}"), value)).unwrap();
        found
    }
}

pub fn fields(values: Json) -> Fields {
    match values {
        Json::Object(map) => Fields::Json(map),
        other => panic!("{other} is no object of values"),
    }
}

pub fn request(object: &str, ids: &[RecordId]) -> EraseRequest {
    EraseRequest { object: object.into(), ids: ids.to_vec(), ..EraseRequest::default() }
}

/// A person with a history, a note, a file, a photo and a friend; and the friend.
fn ada(desk: &Desk) -> (Record, Record, Vec<String>) {
    let (photo, first) = desk.file("gearwheel portrait", None);
    let values = json!({ "name": "Ada King", "emails": ["ada@fixture.example"], "phones": ["+45 20 12 34 56"], "photo": [photo.id] });
    let ada = desk.create("people", values);
    desk.update("people", ada.id, json!({ "name": "Ada Lovelace" }));
    let note = desk.create("notes", json!({ "body": "calls on Fridays", "about": ada.id }));
    desk.update("notes", note.id, json!({ "body": "Lovelace calls on Fridays" }));
    let (_, second) = desk.file("brass gearwheel", Some(ada.id));
    let friend = desk.create("people", json!({ "name": "Charles", "boss": ada.id, "friends": [ada.id] }));
    (ada, friend, vec![first, second])
}

#[test]
fn a_person_goes_with_everything_that_hangs_on_it_and_no_word_is_left() {
    let desk = Desk::new();
    let (ada, friend, contents) = ada(&desk);
    assert!(!desk.readable(&WORDS).is_empty(), "the search itself finds what is readable");
    let plan = desk.engine.erase_plan(&Actor::cli(), &request("people", &[ada.id])).unwrap();
    let counts: Vec<(&str, usize)> = plan.dependents.iter().map(|d| (d.object.as_str(), d.count)).collect();
    assert_eq!((counts, plan.files, plan.blocked.len()), (vec![("notes", 1), ("files", 2)], 2, 0));
    let links: Vec<(&str, Option<&str>)> = plan.links.iter().map(|l| (l.object.as_str(), l.field.as_deref())).collect();
    assert_eq!(links, [("people", Some("boss")), ("people", Some("friends"))]);
    assert_eq!(desk.engine.get(&Actor::cli(), "people", ada.id).unwrap().version, 2, "a preview changes nothing");

    let request = EraseRequest { reason: "asked for by letter of May 3rd".into(), ..request("people", &[ada.id]) };
    let done = desk.engine.erase(&Actor::cli(), &request, " Ada Lovelace ").unwrap();
    assert_eq!((done.records, done.files, done.links, done.links_left), (4, 2, 2, 0));
    assert_eq!(desk.readable(&WORDS), Vec::<String>::new());
    for name in contents {
        assert_eq!(desk.files.read(&name).err().map(|e| e.code()), Some("store.no_such_file"));
    }
    let engine = &desk.engine;
    let cli = Actor::cli();
    assert_eq!(engine.get(&cli, "people", ada.id).unwrap_err().code(), "record.not_found");
    assert_eq!(engine.query(&cli, &Query { total: true, ..Query::of("people") }).unwrap().total, Some(1));
    let hits = engine.search(&cli, &SearchQuery { words: "lovelace".into(), objects: vec![], limit: 9 }).unwrap();
    assert!(hits.is_empty());
    let values = engine.to_json(&cli, &engine.get(&cli, "people", friend.id).unwrap());
    assert!(values["values"]["boss"].is_null() && values["values"]["friends"].as_array().is_none_or(Vec::is_empty));
    let restore = Command::Restore { object: "people".into(), id: ada.id };
    let refused = engine.execute(&cli, vec![restore], CommitOptions::default()).unwrap_err();
    assert_eq!(refused.code(), "record.not_found");
    assert!(engine.storage().verify(&mut |_, _| {}).unwrap().is_clean());

    let gap = engine.history(&cli, "people", ada.id, None, 9).unwrap().items;
    assert_eq!((gap.len(), gap[0].kind, gap[0].erased, Some(gap[0].seq)), (1, ChangeKind::Erased, true, done.seq));
    assert_eq!(
        (gap[0].actor.name.as_str(), gap[0].cause.id.as_str()),
        ("Command line", "asked for by letter of May 3rd")
    );
    let line =
        &engine.audit_page(&cli, &AuditQuery { kind: Some("erased".into()), ..AuditQuery::default() }).unwrap().items
            [0];
    assert_eq!((line.count, line.ids.contains(&ada.id)), (4, true));
    let events = engine.events_from(&cli, 0, 1_000).unwrap();
    assert!(!serde_json::to_string(&events).unwrap().contains("Lovelace"));
    assert!(events.iter().any(|e| e.changes.iter().any(|c| c.kind == ChangeKind::Erased && c.id == ada.id)));
}

#[test]
fn on_disk_nothing_is_left_either_and_it_stays_gone() {
    let mut desk = Desk::on_disk();
    let (ada, ..) = ada(&desk);
    desk.erase(&request("people", &[ada.id])).unwrap();
    desk.create("people", json!({ "name": "Somebody else" }));
    for _ in 0..2 {
        assert_eq!(desk.readable(&WORDS), Vec::<String>::new());
        let report = desk.storage.verify(&mut |_, _| {}).unwrap();
        assert!(report.is_clean(), "{report:?}");
        assert_eq!(desk.engine.get(&Actor::cli(), "people", ada.id).unwrap_err().code(), "record.not_found");
        desk.reopen_store();
    }
    let names: Vec<String> = walk(desk.folder.path());
    assert!(
        !names.iter().any(|name| name.contains("damaged") || name.contains("erasing") || name.contains("new")),
        "{names:?}"
    );
}

fn walk(folder: &Path) -> Vec<String> {
    let mut names = Vec::new();
    for item in std::fs::read_dir(folder).unwrap().flatten() {
        names.push(item.file_name().to_string_lossy().into_owned());
        if item.path().is_dir() {
            names.extend(walk(&item.path()));
        }
    }
    names
}

#[test]
fn what_hangs_on_something_else_too_stays() {
    let desk = Desk::new();
    let (ada, friend, _) = ada(&desk);
    let shared = desk.create("notes", json!({ "body": "both", "about": ada.id, "also": friend.id }));
    let trashed = desk.create("notes", json!({ "body": "in the trash", "about": ada.id }));
    desk.run(Command::Delete { object: "notes".into(), id: trashed.id, version: None });
    let nested = desk.create("notes", json!({ "body": "on the trashed note", "about": shared.id }));
    let done = desk.erase(&request("people", &[ada.id])).unwrap();
    assert_eq!(done.records, 5, "the note in the trash as well");
    let get = |id| desk.engine.get(&Actor::cli(), "notes", id);
    assert!(get(trashed.id).is_err() && get(nested.id).is_ok());
    let values = desk.engine.to_json(&Actor::cli(), &get(shared.id).unwrap());
    assert_eq!((&values["values"]["about"], &values["values"]["also"]), (&Json::Null, &json!(friend.id)));

    let two = desk.create("people", json!({ "name": "Two Notes" }));
    let kept = desk.create("notes", json!({ "body": "keep me", "about": two.id }));
    desk.erase(&EraseRequest { keep: vec!["notes".into()], ..request("people", &[two.id]) }).unwrap();
    assert!(desk.engine.to_json(&Actor::cli(), &get(kept.id).unwrap())["values"]["about"].is_null());
}

#[test]
fn records_that_cannot_be_without_it_are_in_the_way_until_they_are_named() {
    let desk = Desk::new();
    let (ada, ..) = ada(&desk);
    let contract = desk.create("contracts", json!({ "name": "C-1", "person": ada.id }));
    let plan = desk.engine.erase_plan(&Actor::cli(), &request("people", &[ada.id])).unwrap();
    assert_eq!((plan.blocked[0].object.as_str(), plan.blocked[0].count), ("contracts", 1));
    let refused = desk.erase(&request("people", &[ada.id])).unwrap_err();
    assert_eq!(refused.code(), "erase.blocked");
    assert!(refused.to_string().contains("contracts"), "{refused}");
    assert!(desk.engine.get(&Actor::cli(), "people", ada.id).is_ok());
    desk.erase(&EraseRequest { with: vec!["contracts".into()], ..request("people", &[ada.id]) }).unwrap();
    assert!(desk.engine.get(&Actor::cli(), "contracts", contract.id).is_err());
}

#[test]
fn texts_that_mention_somebody_are_listed_and_left_alone() {
    let desk = Desk::new();
    let (ada, friend, _) = ada(&desk);
    let named = desk.create("notes", json!({ "body": "Met Ada LOVELACE in Rome", "about": friend.id }));
    let called = desk.create("notes", json!({ "body": "call 4520123456", "about": friend.id }));
    let national = desk.create("notes", json!({ "body": "or 20123456 at night", "about": friend.id }));
    desk.create("notes", json!({ "body": "Ada Byron is another", "about": friend.id }));
    let plan = desk.engine.erase_plan(&Actor::cli(), &request("people", &[ada.id])).unwrap();
    let mut found: Vec<RecordId> = plan.mentions.iter().map(|mention| mention.id).collect();
    found.sort_unstable();
    let mut expected = [named.id, called.id, national.id];
    expected.sort_unstable();
    assert_eq!(found, expected, "{:?}", plan.words);
    assert!(plan.mentions.iter().all(|mention| mention.fields == ["body"]));
    desk.engine.erase(&Actor::cli(), &request("people", &[ada.id]), &plan.token).unwrap();
    let now = desk.engine.get(&Actor::cli(), "notes", named.id).unwrap();
    assert_eq!(
        (now.version, desk.engine.to_json(&Actor::cli(), &now)["values"]["body"].as_str()),
        (1, Some("Met Ada LOVELACE in Rome"))
    );
}

#[test]
fn an_erasure_needs_the_right_a_confirmation_and_a_clean_reason() {
    let desk = Desk::new();
    let (ada, ..) = ada(&desk);
    let code = |actor: &Actor, request: &EraseRequest, confirm: &str| {
        desk.engine.erase(actor, request, confirm).map_err(|e| e.code()).unwrap_err()
    };
    let asked = request("people", &[ada.id]);
    let grants = |json: Json| serde_json::from_value(json).unwrap();
    let member = |json: Json| Actor {
        kind: crate::ActorKind::User,
        user: Some(RecordId([7; 16])),
        id: RecordId([7; 16]),
        role: Arc::new(Role::new(RecordId([8; 16]), "r", "R", false, grants(json))),
        ..Actor::cli()
    };
    let all = json!({ "create": true, "read": "all", "update": "all", "delete": "all", "export": "all" });
    assert_eq!(code(&member(json!({ "default": all })), &asked, "Ada Lovelace"), "access.denied");
    let elsewhere = json!({ "objects": { "notes": { "read": "all", "erase": "all" } } });
    assert_eq!(code(&member(elsewhere), &asked, "Ada Lovelace"), "record.not_found");
    for confirm in ["", "Ada", "0123456789ab"] {
        assert_eq!(code(&Actor::cli(), &asked, confirm), "erase.unconfirmed");
    }
    let plan = desk.engine.erase_plan(&Actor::cli(), &asked).unwrap();
    desk.update("people", ada.id, json!({ "born": "1815-12-10" }));
    assert_eq!(code(&Actor::cli(), &asked, &plan.token), "erase.unconfirmed", "the plan has changed");
    for reason in ["Ada Lovelace wrote to us", "see ada@fixture.example", "two\nlines", &"x".repeat(301)] {
        let asked = EraseRequest { reason: reason.into(), ..asked.clone() };
        assert_eq!(code(&Actor::cli(), &asked, "Ada Lovelace"), "request.invalid", "{reason}");
    }
    for wrong in [
        request("people", &[]),
        request("settings", &[crate::system::seeds::SETTINGS]),
        request("people", &[ada.id; 1_001]),
    ] {
        assert_eq!(code(&Actor::cli(), &wrong, "x"), "request.invalid");
    }
    assert_eq!(code(&Actor::cli(), &request("cars", &[ada.id]), "x"), "object.not_found");
    assert_eq!(code(&Actor::cli(), &request("notes", &[ada.id]), "x"), "record.not_found");
    assert!(desk.engine.get(&Actor::cli(), "people", ada.id).is_ok(), "nothing was erased");
    assert!(desk.journal().iter().all(|entry| entry.kind == kith_store::EntryKind::Change));

    let may = member(json!({ "objects": { "people": { "read": "all", "erase": "all" } } }));
    desk.engine.erase(&may, &asked, "Ada Lovelace").unwrap();
    assert_eq!(desk.readable(&WORDS), Vec::<String>::new());
}

#[test]
fn erasing_again_says_so_and_a_repeated_request_brings_nothing_back() {
    let mut desk = Desk::new();
    let key = || CommitOptions { idempotency: Some(IdempotencyKey::new("k", b"r")), ..CommitOptions::default() };
    let make = || {
        vec![Command::Create { object: "people".into(), id: None, values: fields(json!({ "name": "Ada Lovelace" })) }]
    };
    let ada = desk.engine.execute(&Actor::cli(), make(), key()).unwrap().remove(0);
    let first = desk.erase(&request("people", &[ada.id])).unwrap();
    for _ in 0..2 {
        let again = desk.engine.erase(&Actor::cli(), &request("people", &[ada.id]), "").unwrap();
        assert_eq!((again.seq, again.already), (first.seq, true));
        let repeated = desk.engine.execute(&Actor::cli(), make(), key()).unwrap_err();
        assert_eq!(repeated.code(), "record.not_found");
        assert_eq!(desk.readable(&WORDS), Vec::<String>::new());
        desk.reopen();
    }
}

#[test]
fn an_erasure_that_was_cut_off_anywhere_is_finished_at_the_next_start() {
    // Noted only; and taken out of the store, but neither files nor links.
    for taken_out in [false, true] {
        let mut desk = Desk::new();
        let (ada, friend, contents) = ada(&desk);
        let plan = desk.engine.erase_plan(&Actor::cli(), &request("people", &[ada.id])).unwrap();
        let work = serde_json::to_string(&plan.work).unwrap();
        let values = vec![
            ("object".to_string(), kith_model::Value::Text("people".into())),
            ("state".to_string(), kith_model::Value::Text("running".into())),
            ("work".to_string(), kith_model::Value::Json(work)),
        ];
        let command = Command::Create { object: "erasures".into(), id: None, values: Fields::Parsed(values) };
        let rights = crate::pipeline::prepare::Rights::Engine;
        let noted =
            desk.engine.commit(&Actor::cli(), rights, vec![command], CommitOptions::default()).unwrap().remove(0);
        if taken_out {
            let head = crate::pipeline::head::Head {
                actor: Arc::new(crate::ActorStamp::of(&Actor::cli())),
                cause: crate::Cause::new("erase"),
                idempotency: None,
                notes: Vec::new(),
                audit: Vec::new(),
            };
            desk.storage.erase(&plan.work.ids, head.encode().unwrap(), 5).unwrap();
        }
        desk.reopen();
        assert_eq!(desk.readable(&WORDS), Vec::<String>::new(), "taken out: {taken_out}");
        assert!(contents.iter().all(|name| desk.files.read(name).is_err()));
        let now = desk.engine.get(&Actor::cli(), "people", friend.id).unwrap();
        assert!(desk.engine.to_json(&Actor::cli(), &now)["values"]["boss"].is_null());
        let erasure = desk.engine.get(&Actor::cli(), "erasures", noted.id).unwrap();
        let shown = desk.engine.to_json(&Actor::cli(), &erasure);
        assert_eq!(shown["values"]["state"], "done", "{shown}");
        assert!(shown["values"]["seq"].as_u64().is_some(), "{shown}");
        assert_eq!(Work::of(&erasure).unwrap().ids, plan.work.ids);
    }
}

#[test]
fn writers_beside_an_erasure_bring_nothing_back() {
    let desk = Desk::new();
    let (ada, ..) = ada(&desk);
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4)
            .map(|number| {
                let engine = desk.engine.clone();
                scope.spawn(move || {
                    let mut written = 0;
                    loop {
                        let values = fields(json!({ "name": format!("Ada Lovelace {number}.{written}") }));
                        let command = Command::Update { object: "people".into(), id: ada.id, version: None, values };
                        match engine.execute(&Actor::cli(), vec![command], CommitOptions::default()) {
                            Ok(_) => written += 1,
                            Err(error) => return (written, error.code()),
                        }
                    }
                })
            })
            .collect();
        let work = Work { ids: vec![ada.id], ..Work::default() };
        while desk.engine.get(&Actor::cli(), "people", ada.id).unwrap().version < 20 {
            std::thread::yield_now();
        }
        desk.engine.erase_noted(&Actor::cli(), "people", "", work).unwrap();
        for thread in threads {
            assert_eq!(thread.join().unwrap().1, "record.not_found");
        }
    });
    let left = desk.readable(&["Ada Lovelace "]);
    assert_eq!(left, Vec::<String>::new());
}

#[test]
fn a_user_goes_with_sessions_and_tokens_and_its_name_is_in_no_head() {
    let desk = Desk::new();
    let boss = desk.user("boss@example.org");
    let zoe = desk.user("zoe.quist@example.org");
    let made = desk.engine.execute(
        &zoe,
        vec![Command::Create { object: "people".into(), id: None, values: fields(json!({ "name": "Kept" })) }],
        CommitOptions::default(),
    );
    let made = made.unwrap().remove(0);
    desk.engine.get(&zoe, "people", made.id).unwrap();
    let history =
        |actor: &Actor| desk.engine.history(actor, "people", made.id, None, 9).unwrap().items[0].actor.name.clone();
    assert_eq!(history(&boss), "zoe.quist");
    let code =
        |actor: &Actor, user: RecordId| desk.engine.erase(actor, &request("users", &[user]), "x").unwrap_err().code();
    assert_eq!(code(&zoe, zoe.id), "erase.blocked", "not oneself");
    let plan = desk.engine.erase_plan(&boss, &request("users", &[zoe.id])).unwrap();
    desk.engine.erase(&boss, &request("users", &[zoe.id]), &plan.token).unwrap();
    assert_eq!(desk.readable(&["zoe.quist"]), Vec::<String>::new());
    assert_eq!(history(&boss), "", "what the user did stays, without a name");
    assert!(desk.engine.refresh(&zoe).is_none());
    assert_eq!(code(&Actor::cli(), boss.id), "record.invalid", "the last administrator");
}

#[test]
fn older_versions_can_be_erased_and_the_newest_kept() {
    let mut desk = Desk::on_disk();
    let (ada, friend, _) = ada(&desk);
    let born = desk.update("people", ada.id, json!({ "born": "1815-12-10" }));
    let values = json!({ "name": "Somebody", "emails": null, "phones": null });
    let update = Command::Update { object: "people".into(), id: ada.id, version: None, values: fields(values) };
    let replace =
        |desk: &Desk| desk.engine.replace_for_good(&Actor::cli(), "people", "", vec![update.clone()]).unwrap();
    assert_eq!((replace(&desk), replace(&desk)), (1, 0), "what is as it should be is left alone");
    let check = |desk: &Desk| {
        let now = desk.engine.get(&Actor::cli(), "people", ada.id).unwrap();
        let shown = desk.engine.to_json(&Actor::cli(), &now);
        assert_eq!((now.version, now.created_at), (born.version + 1, ada.created_at));
        assert_eq!((&shown["values"]["name"], &shown["values"]["born"]), (&json!("Somebody"), &json!("1815-12-10")));
        let history = desk.engine.history(&Actor::cli(), "people", ada.id, None, 9).unwrap().items;
        let versions: Vec<(u64, bool)> = history.iter().map(|item| (item.version, item.erased)).collect();
        assert_eq!(versions, [(4, false), (3, true), (2, true), (1, true)]);
        let boss = desk.engine.to_json(&Actor::cli(), &desk.engine.get(&Actor::cli(), "people", friend.id).unwrap());
        assert_eq!(boss["values"]["boss"], json!(ada.id), "links to it stay");
        assert_eq!(desk.readable(&["ada@fixture.example", "4520123456", "Ada King"]), Vec::<String>::new());
        assert!(desk.storage.verify(&mut |_, _| {}).unwrap().is_clean());
    };
    check(&desk);
    desk.reopen_store();
    check(&desk);
    desk.update("people", ada.id, json!({ "name": "Goes on" }));
}

#[test]
fn a_replacement_that_was_cut_off_loses_no_record() {
    for taken_out in [false, true] {
        let mut desk = Desk::new();
        let (ada, ..) = ada(&desk);
        let now = desk.engine.core().image.get(ada.id).unwrap();
        let mut next = Record { version: now.version + 1, ..now };
        next.values.set(1, kith_model::Value::Text("Somebody".into()));
        let bytes = super::work::encode(&[next]).unwrap();
        let stored = desk.files.put(&mut bytes.as_slice(), 10_000).unwrap().name;
        let work = Work { ids: vec![ada.id], put_back: Some(stored.clone()), ..Work::default() };
        let values = vec![
            ("object".to_string(), kith_model::Value::Text("people".into())),
            ("state".to_string(), kith_model::Value::Text("running".into())),
            ("work".to_string(), kith_model::Value::Json(serde_json::to_string(&work).unwrap())),
        ];
        let command = Command::Create { object: "erasures".into(), id: None, values: Fields::Parsed(values) };
        let rights = crate::pipeline::prepare::Rights::Engine;
        desk.engine.commit(&Actor::cli(), rights, vec![command], CommitOptions::default()).unwrap();
        if taken_out {
            let head = desk.journal()[0].head.clone();
            desk.storage.erase(&[ada.id], head, 5).unwrap();
        }
        for _ in 0..2 {
            desk.reopen();
            let now = desk.engine.get(&Actor::cli(), "people", ada.id).unwrap();
            let shown = desk.engine.to_json(&Actor::cli(), &now);
            assert_eq!(
                (now.version, shown["values"]["name"].as_str()),
                (3, Some("Somebody")),
                "taken out: {taken_out}"
            );
            assert!(desk.files.read(&stored).is_err());
        }
    }
}
