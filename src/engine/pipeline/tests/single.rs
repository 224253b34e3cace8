//! Single commands: create, update, delete, restore, and what each refuses.

use kith_base::RecordId;
use kith_model::Value;
use serde_json::json;

use super::bench::{Bench, NOW_MS, admin, create, create_as, delete, restore, update, user};
use crate::{Actor, Command, CommitOptions, EngineError, Fields, Query};

/// The code of a refusal, after which neither journal nor records may have moved.
fn refused(bench: &Bench, actor: &Actor, command: Command) -> (&'static str, Vec<String>) {
    let (head, people) = (bench.storage.head(), bench.count("people"));
    let error = bench.engine.execute(actor, vec![command], CommitOptions::default()).unwrap_err();
    assert_eq!((bench.storage.head(), bench.count("people")), (head, people), "{error}");
    (error.code(), error.violations().iter().map(|v| v.code.clone()).collect())
}

#[test]
fn a_created_record_can_be_read_listed_and_changed() {
    let bench = Bench::new();
    let made = bench.create("people", json!({ "first_name": "Zoë", "last_name": "O'Hara", "score": 3 }));
    assert_eq!((made.version, made.created_at), (1, NOW_MS));
    let shown = bench.values(&made);
    assert_eq!(shown["name"], "Zoë O'Hara");
    assert_eq!(shown["stage"], "new", "the default");
    bench.clock.advance(5_000);
    let changed = bench.update(&made, json!({ "score": 4, "first_name": null })).unwrap();
    assert_eq!((changed.version, changed.created_at, changed.updated_at), (2, NOW_MS, NOW_MS + 5_000));
    assert_eq!(bench.values(&bench.now(&made))["name"], "O'Hara");
    let listed = bench.engine.query(&admin(), &Query::of("people").filter("score == 4")).unwrap();
    assert_eq!(listed.records.iter().map(|r| r.id).collect::<Vec<_>>(), [made.id]);
}

#[test]
fn an_update_that_changes_nothing_writes_nothing() {
    let bench = Bench::new();
    let made = bench.create("people", json!({ "last_name": "O'Hara", "score": 3 }));
    let head = bench.storage.head();
    let same = bench.update(&made, json!({ "score": 3, "first_name": null })).unwrap();
    assert_eq!((same.version, bench.storage.head()), (1, head));
}

#[test]
fn what_does_not_validate_is_refused_and_leaves_no_trace() {
    let bench = Bench::new();
    let made = bench.create("people", json!({ "last_name": "A" }));
    let admin = admin();
    assert_eq!(refused(&bench, &admin, create("people", json!({ "first_name": "B" }))).0, "record.invalid");
    assert_eq!(
        refused(&bench, &admin, create("people", json!({ "last_name": "B", "emails": "nope" }))).0,
        "record.invalid"
    );
    assert_eq!(
        refused(&bench, &admin, create("people", json!({ "last_name": "B", "nickname": "x" }))).0,
        "record.invalid"
    );
    assert_eq!(refused(&bench, &admin, create("people", json!({ "last_name": "B", "number": 7 }))).0, "record.invalid");
    assert_eq!(
        refused(&bench, &admin, create("people", json!({ "last_name": "B", "stage": "won2" }))).0,
        "record.invalid"
    );
    assert_eq!(
        refused(&bench, &admin, update("people", made.id, None, json!({ "last_name": "" }))).0,
        "record.invalid"
    );
    assert_eq!(refused(&bench, &admin, create("tickets", json!({}))).0, "object.not_found");
    assert_eq!(refused(&bench, &admin, update("people", RecordId([8; 16]), None, json!({}))).0, "record.not_found");
    assert_eq!(refused(&bench, &admin, update("companies", made.id, None, json!({}))).0, "record.not_found");
    assert_eq!(
        refused(&bench, &admin, create_as("people", made.id, json!({ "last_name": "B" }))).0,
        "record.not_unique"
    );
}

#[test]
fn links_must_point_at_records_of_the_right_object_outside_the_trash() {
    let bench = Bench::new();
    let acme = bench.create("companies", json!({ "name": "Acme" }));
    let person = bench.create("people", json!({ "last_name": "A", "company": acme.id }));
    let admin = admin();
    let linked = |id: RecordId| create("people", json!({ "last_name": "B", "company": id }));
    assert_eq!(refused(&bench, &admin, linked(RecordId([8; 16]))), ("record.invalid", vec!["no_such_record".into()]));
    assert_eq!(refused(&bench, &admin, linked(person.id)).0, "record.invalid");
    bench.one(delete("companies", acme.id)).unwrap();
    assert_eq!(refused(&bench, &admin, linked(acme.id)).0, "record.invalid");
    // The link that was there stays, shows a trashed title, and does not keep the rest from being changed.
    bench.update(&person, json!({ "score": 1 })).unwrap();
    let titles = bench.engine.titles(&admin, &[acme.id]);
    assert_eq!((titles[0].title.as_str(), titles[0].trashed), ("Acme", true));
}

#[test]
fn a_stale_version_is_refused_and_none_merges_per_field() {
    let bench = Bench::new();
    let made = bench.create("people", json!({ "last_name": "A" }));
    bench.update(&made, json!({ "score": 1 })).unwrap();
    assert_eq!(
        refused(&bench, &admin(), update("people", made.id, Some(1), json!({ "score": 2 }))).0,
        "record.version_conflict"
    );
    let command = Command::Delete { object: "people".into(), id: made.id, version: Some(1) };
    assert_eq!(refused(&bench, &admin(), command).0, "record.version_conflict");
    bench.one(update("people", made.id, Some(2), json!({ "first_name": "B" }))).unwrap();
    assert_eq!(bench.values(&bench.now(&made))["score"], 1);
}

#[test]
fn the_trash_keeps_records_until_they_are_restored() {
    let bench = Bench::new();
    let made = bench.create("people", json!({ "last_name": "A", "code": "x" }));
    bench.one(delete("people", made.id)).unwrap();
    assert_eq!(bench.count("people"), 0);
    let trash = bench.engine.query(&admin(), &Query { trashed: true, ..Query::of("people") }).unwrap();
    assert_eq!(trash.records.len(), 1);
    assert_eq!(refused(&bench, &admin(), update("people", made.id, None, json!({ "score": 1 }))).1, ["in_trash"]);
    let back = bench.one(restore("people", made.id)).unwrap();
    assert_eq!((back.trashed, back.version, bench.count("people")), (false, 3, 1));
}

#[test]
fn the_engine_takes_values_out_of_the_trash_and_puts_none_in() {
    let bench = Bench::new();
    let made = bench.create("people", json!({ "last_name": "A", "score": 7, "code": "x" }));
    bench.one(delete("people", made.id)).unwrap();
    let trusted = |values: Vec<(&str, Value)>| {
        let values = Fields::Parsed(values.into_iter().map(|(key, value)| (key.to_string(), value)).collect());
        let command = Command::Update { object: "people".into(), id: made.id, version: None, values };
        bench.engine.execute_trusted(&admin(), vec![command], CommitOptions::default())
    };
    let refused = trusted(vec![("code", Value::Null), ("score", Value::Int(1))]).unwrap_err();
    assert_eq!(refused.violations()[0].code, "in_trash");
    let emptied = trusted(vec![("score", Value::Null)]).unwrap().remove(0);
    assert!(emptied.trashed && emptied.version == 3);
    let back = bench.one(restore("people", made.id)).unwrap();
    assert_eq!((&bench.values(&back)["score"], &bench.values(&back)["code"]), (&json!(null), &json!("x")));
}

#[test]
fn a_unique_value_is_free_while_its_holder_is_in_the_trash() {
    let bench = Bench::new();
    let first = bench.create("people", json!({ "last_name": "A", "code": "Ä-1" }));
    let admin = admin();
    let second = || create("people", json!({ "last_name": "B", "code": "ä-1" }));
    assert_eq!(refused(&bench, &admin, second()), ("record.not_unique", vec!["not_unique".into()]));
    bench.one(delete("people", first.id)).unwrap();
    bench.one(second()).unwrap();
    assert_eq!(refused(&bench, &admin, restore("people", first.id)).0, "record.not_unique");
}

#[test]
fn numbers_are_given_in_order_and_not_twice() {
    let mut bench = Bench::new();
    let number = |bench: &Bench| bench.values(&bench.create("people", json!({ "last_name": "A" })))["number"].clone();
    assert_eq!((number(&bench), number(&bench)), (json!(1), json!(2)));
    let last = bench.create("people", json!({ "last_name": "A" }));
    bench.one(delete("people", last.id)).unwrap();
    bench.reopen();
    assert_eq!(number(&bench), json!(4), "the number of a record in the trash is not given again");
}

#[test]
fn a_secret_can_be_set_and_never_read() {
    let bench = Bench::new();
    let made = bench.create("people", json!({ "last_name": "A", "pin": "hunter2" }));
    assert_eq!(bench.values(&made)["pin"], json!({ "set": true }));
    let said = serde_json::to_string(&bench.engine.history(&admin(), "people", made.id, None, 9).unwrap()).unwrap();
    assert!(!said.contains("hunter2"), "{said}");
}

#[test]
fn a_role_decides_over_objects_records_and_fields() {
    let bench = Bench::new();
    let made = bench.create("people", json!({ "last_name": "A", "score": 1 }));
    let reader = user(json!({ "default": { "read": "all" } }));
    assert_eq!(refused(&bench, &reader, create("people", json!({ "last_name": "B" }))).0, "access.denied");
    assert_eq!(refused(&bench, &reader, update("people", made.id, None, json!({ "score": 2 }))).0, "access.denied");
    assert_eq!(refused(&bench, &reader, delete("people", made.id)).0, "access.denied");
    let stranger = user(json!({}));
    assert_eq!(refused(&bench, &stranger, delete("people", made.id)).0, "record.not_found");
    let grant = json!({ "create": true, "read": "all", "update": { "rule": "name == \"A\"" },
                        "fields": { "score": "read", "code": "hidden" } });
    let writer = user(json!({ "objects": { "people": grant } }));
    assert_eq!(refused(&bench, &writer, update("people", made.id, None, json!({ "score": 2 }))).0, "access.denied");
    assert_eq!(
        refused(&bench, &writer, update("people", made.id, None, json!({ "code": "x" }))).0,
        "record.invalid",
        "as if unknown"
    );
    let ok = update("people", made.id, None, json!({ "score": 1, "first_name": "B" }));
    bench.engine.execute(&writer, vec![ok], CommitOptions::default()).unwrap();
    assert_eq!(
        refused(&bench, &writer, update("people", made.id, None, json!({ "first_name": "C" }))).0,
        "access.denied"
    );
}

#[test]
fn definitions_cannot_be_changed_behind_the_schema() {
    let bench = Bench::new();
    let values = json!({ "number": 1000, "key": "x" });
    assert_eq!(refused(&bench, &admin(), create("objects", values)).0, "request.invalid");
}

#[test]
fn a_dry_run_says_what_would_be_and_writes_nothing() {
    let bench = Bench::new();
    bench.create("people", json!({ "last_name": "A", "code": "x" }));
    let head = bench.storage.head();
    let dry = || CommitOptions { dry_run: true, ..CommitOptions::default() };
    let would = bench.engine.execute(&admin(), vec![create("people", json!({ "last_name": "B" }))], dry()).unwrap();
    assert_eq!(bench.values(&would[0])["name"], "B");
    let taken = vec![create("people", json!({ "last_name": "B", "code": "x" }))];
    assert_eq!(bench.engine.execute(&admin(), taken, dry()).unwrap_err().code(), "record.not_unique");
    assert_eq!((bench.storage.head(), bench.count("people")), (head, 1));
}

#[test]
fn a_record_that_outgrows_the_store_is_refused() {
    let bench = Bench::new();
    let field = |n: usize| json!({ "key": format!("t{n}"), "label": "T", "kind": "long_text" });
    let mut values = json!({ "last_name": "A" });
    for n in 0..6 {
        bench.engine.define_field(&admin(), "people", field(n)).unwrap();
        values[format!("t{n}")] = json!("x".repeat(250_000));
    }
    assert_eq!(refused(&bench, &admin(), create("people", values)), ("record.invalid", vec!["too_large".into()]));
}

#[test]
fn after_closing_writes_are_refused_politely() {
    let bench = Bench::new();
    bench.engine.close().unwrap();
    let error = bench.one(create("people", json!({ "last_name": "A" }))).unwrap_err();
    assert!(matches!(error, EngineError::Closing), "{error}");
}

#[test]
fn parsed_values_may_set_read_only_fields_but_not_computed_ones() {
    use kith_model::Value;
    let bench = Bench::new();
    let parsed = |key: &str, value: Value| Command::Create {
        object: "people".into(),
        id: None,
        values: Fields::Parsed(vec![("last_name".into(), Value::Text("A".into())), (key.into(), value)]),
    };
    bench.one(parsed("score", Value::Int(3))).unwrap();
    assert_eq!(refused(&bench, &admin(), parsed("name", Value::Text("x".into()))).1, ["read_only"]);
    assert_eq!(refused(&bench, &admin(), parsed("nope", Value::Int(1))).0, "field.not_found");
    assert_eq!(refused(&bench, &admin(), parsed("score", Value::Text("x".into()))).0, "record.invalid");
}
