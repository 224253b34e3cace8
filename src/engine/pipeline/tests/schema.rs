//! Objects and fields change while records exist, and none of them is rewritten.

use serde_json::{Value as Json, json};

use super::bench::{Bench, admin, create, update, user};
use crate::{EngineError, Query};

fn field(bench: &Bench, json: Json) -> Result<crate::ObjectView, EngineError> {
    bench.engine.define_field(&admin(), "people", json)
}

fn codes(error: &EngineError) -> Vec<&str> {
    error.violations().iter().map(|v| v.code.as_str()).collect()
}

#[test]
fn a_new_field_takes_values_filters_and_survives_a_restart() {
    let mut bench = Bench::on_disk();
    let old = bench.create("people", json!({ "last_name": "A" }));
    let view = field(&bench, json!({ "key": "size", "label": "Size", "kind": "integer", "default": 7 })).unwrap();
    assert_eq!(view.field("size").unwrap().field.id, 1_000);
    assert_eq!(bench.now(&old).version, 1, "no record is rewritten");
    let new = bench.create("people", json!({ "last_name": "B" }));
    assert_eq!(bench.values(&new)["size"], 7);
    bench.update(&old, json!({ "size": 3 })).unwrap();
    for _ in 0..2 {
        let found = bench.engine.query(&admin(), &Query::of("people").filter("size > 5")).unwrap();
        assert_eq!(found.records.iter().map(|r| r.id).collect::<Vec<_>>(), [new.id]);
        bench.reopen();
    }
}

#[test]
fn a_removed_field_hides_its_values_and_gives_them_back() {
    for restart in [false, true] {
        let mut bench = Bench::on_disk();
        field(&bench, json!({ "key": "size", "label": "Size", "kind": "integer" })).unwrap();
        let kept = bench.create("people", json!({ "last_name": "A", "size": 3 }));
        let changed = bench.create("people", json!({ "last_name": "B", "size": 4 }));
        bench.engine.remove_field(&admin(), "people", "size").unwrap();
        assert!(bench.values(&bench.now(&kept)).get("size").is_none());
        assert_eq!(bench.update(&kept, json!({ "size": 1 })).unwrap_err().code(), "record.invalid");
        assert_eq!(
            bench.engine.query(&admin(), &Query::of("people").filter("size > 1")).unwrap_err().code(),
            "filter.invalid"
        );
        if restart {
            bench.reopen();
        }
        bench.update(&changed, json!({ "score": 9 })).unwrap();
        // The key is free meanwhile; the number is not given again.
        bench.engine.restore_field(&admin(), "people", "size").unwrap();
        assert_eq!(bench.values(&bench.now(&kept))["size"], 3);
        assert_eq!(bench.values(&bench.now(&changed))["size"], 4, "kept through a change made while it was hidden");
    }
}

#[test]
fn numbers_of_removed_fields_are_not_given_again() {
    let bench = Bench::new();
    field(&bench, json!({ "key": "a", "label": "A", "kind": "text" })).unwrap();
    bench.engine.remove_field(&admin(), "people", "a").unwrap();
    let view = field(&bench, json!({ "key": "a", "label": "A again", "kind": "integer" })).unwrap();
    assert_eq!(view.field("a").unwrap().field.id, 1_001);
    assert_eq!(bench.engine.restore_field(&admin(), "people", "a").unwrap_err().code(), "schema.conflict");
}

#[test]
fn fields_can_be_renamed_labelled_and_ordered() {
    let mut bench = Bench::new();
    field(&bench, json!({ "key": "size", "label": "Size", "kind": "select", "options": [{ "label": "Small" }, { "label": "Large" }] })).unwrap();
    let made = bench.create("people", json!({ "last_name": "A", "size": "small" }));
    let patch = json!({ "key": "fit", "label": "Größe", "options": [{ "key": "large", "label": "L" }] });
    let view = bench.engine.update_field(&admin(), "people", "size", patch).unwrap();
    let fit = &view.field("fit").unwrap().field;
    assert_eq!(fit.label, "Größe");
    assert!(fit.option("small").unwrap().archived, "an option that records hold is only retired");
    assert_eq!(bench.values(&bench.now(&made))["fit"], "small");
    bench.update(&made, json!({ "score": 1 })).unwrap();
    let keys = ["fit".to_string(), "score".to_string()];
    let view = bench.engine.order_fields(&admin(), "people", &keys).unwrap();
    assert_eq!(view.fields[..2].iter().map(|f| f.field.key.as_str()).collect::<Vec<_>>(), keys);
    bench.reopen();
    let view = bench.engine.object_view(&admin(), "people").unwrap();
    assert_eq!(view.fields[0].field.key, "fit");
}

#[test]
fn built_in_fields_take_labels_and_options_but_keep_what_code_relies_on() {
    let bench = Bench::new();
    let patch = json!({ "label": "Rating", "help": "1 to 5", "required": false });
    let view = bench.engine.update_field(&admin(), "people", "score", patch).unwrap();
    assert_eq!(view.field("score").unwrap().field.label, "Rating");
    let options = json!({ "options": [{ "key": "hot", "label": "Hot" }, { "key": "new", "label": "Brand new" }] });
    let view = bench.engine.update_field(&admin(), "people", "stage", options).unwrap();
    let stage = &view.field("stage").unwrap().field;
    assert_eq!((stage.options.len(), stage.option("old").unwrap().archived), (3, true));
    bench.create("people", json!({ "last_name": "A", "stage": "hot" }));
    for patch in [json!({ "kind": "text" }), json!({ "key": "points" }), json!({ "many": true })] {
        let error = bench.engine.update_field(&admin(), "people", "score", patch).unwrap_err();
        assert_eq!((error.code(), codes(&error)), ("schema.invalid", vec!["fixed"]));
    }
    let view = bench.engine.update_field(&admin(), "people", "last_name", json!({ "required": false })).unwrap();
    assert!(view.field("last_name").unwrap().field.required, "an amendment can only ask for more");
    let back = bench.engine.update_field(&admin(), "people", "score", json!({ "label": null })).unwrap();
    assert_eq!(back.field("score").unwrap().field.label, "Score");
    assert_eq!(bench.engine.remove_field(&admin(), "people", "score").unwrap_err().code(), "schema.conflict");
}

#[test]
fn a_field_becomes_unique_only_when_its_values_are() {
    let bench = Bench::new();
    let first = bench.create("people", json!({ "last_name": "A", "first_name": "X" }));
    bench.create("people", json!({ "last_name": "B", "first_name": "x" }));
    let unique = || bench.engine.update_field(&admin(), "people", "first_name", json!({ "unique": true }));
    let head = bench.storage.head();
    assert_eq!(unique().unwrap_err().code(), "schema.conflict");
    assert_eq!(bench.storage.head(), head);
    bench.update(&first, json!({ "first_name": "Y" })).unwrap();
    unique().unwrap();
    let taken = bench.one(create("people", json!({ "last_name": "C", "first_name": "Y" }))).unwrap_err();
    assert_eq!(taken.code(), "record.not_unique");
}

#[test]
fn bad_definitions_are_refused_and_leave_no_trace() {
    let bench = Bench::new();
    let head = bench.storage.head();
    for bad in [
        json!({ "key": "Size!", "label": "S", "kind": "integer" }),
        json!({ "key": "created_at", "label": "S", "kind": "integer" }),
        json!({ "key": "size", "label": "S", "kind": "colour" }),
        json!({ "key": "size", "label": "S", "kind": "link", "target": "planets" }),
        json!({ "key": "size", "label": "S", "kind": "computed", "expression": "nonsense +" }),
        json!({ "key": "size", "label": "S", "kind": "computed", "expression": "unknown_field + 1" }),
        json!({ "key": 7 }),
        json!([]),
    ] {
        assert_eq!(field(&bench, bad.clone()).unwrap_err().code(), "schema.invalid", "{bad}");
    }
    assert_eq!(
        field(&bench, json!({ "key": "score", "label": "S", "kind": "integer" })).unwrap_err().code(),
        "schema.conflict"
    );
    let other = bench.engine.define_field(&admin(), "users", json!({ "key": "x", "label": "X", "kind": "text" }));
    assert_eq!(other.unwrap_err().code(), "schema.conflict");
    let member = user(json!({ "default": { "create": true, "read": "all", "update": "all" } }));
    let denied = bench.engine.define_field(&member, "people", json!({ "key": "x", "label": "X", "kind": "text" }));
    assert_eq!(denied.unwrap_err().code(), "access.denied");
    assert_eq!(bench.storage.head(), head);
}

#[test]
fn a_computed_field_can_come_later_and_holds_what_it_reads() {
    let bench = Bench::new();
    let made = bench.create("people", json!({ "last_name": "A", "score": 3 }));
    let double = json!({ "key": "double", "label": "Double", "kind": "computed", "expression": "score * 2", "config": { "kind": "integer" } });
    field(&bench, double).unwrap();
    assert_eq!(bench.values(&bench.now(&made))["double"], 6);
    bench.update(&made, json!({ "score": 5 })).unwrap();
    let found = bench.engine.query(&admin(), &Query::of("people").filter("double == 10")).unwrap();
    assert_eq!(found.records.len(), 1);
    field(&bench, json!({ "key": "base", "label": "Base", "kind": "integer" })).unwrap();
    bench.engine.update_field(&admin(), "people", "double", json!({ "expression": "base * 2" })).unwrap();
    assert_eq!(bench.engine.remove_field(&admin(), "people", "base").unwrap_err().code(), "schema.conflict");
}

#[test]
fn objects_come_and_go_while_running() {
    let mut bench = Bench::on_disk();
    let view = bench
        .engine
        .define_object(&admin(), json!({ "key": "projects", "label": "Project", "label_plural": "Projects" }))
        .unwrap();
    assert_eq!((view.object.id, view.object.title.as_str(), view.fields.len()), (1_000, "name", 1));
    bench
        .engine
        .define_field(&admin(), "projects", json!({ "label": "Led by", "kind": "link", "target": "people" }))
        .unwrap();
    let zoe = bench.create("people", json!({ "last_name": "Zoë" }));
    let made = bench.create("projects", json!({ "name": "Move", "led_by": zoe.id }));
    bench.reopen();
    assert_eq!(bench.values(&bench.now(&made))["led_by"], json!(zoe.id));
    bench.engine.update_object(&admin(), "projects", json!({ "label": "Undertaking" })).unwrap();
    assert_eq!(bench.engine.object_view(&admin(), "projects").unwrap().object.label, "Undertaking");
    let taken = bench.engine.define_object(&admin(), json!({ "key": "projects", "label": "P" })).unwrap_err();
    assert_eq!(taken.code(), "schema.conflict");
    assert_eq!(bench.engine.remove_object(&admin(), "projects", false).unwrap_err().code(), "schema.conflict");
    bench.engine.remove_object(&admin(), "projects", true).unwrap();
    let gone = bench.one(update("projects", made.id, None, json!({ "name": "X" }))).unwrap_err();
    assert_eq!(gone.code(), "object.not_found");
    bench.reopen();
    assert!(bench.engine.schema().object("projects").is_none());
    assert_eq!(bench.engine.remove_object(&admin(), "people", true).unwrap_err().code(), "schema.conflict");
}

#[test]
fn the_schema_shows_each_actor_what_it_may_see() {
    let bench = Bench::new();
    let grant = json!({ "read": "all", "fields": { "score": "hidden" } });
    let views = bench.engine.schema_for(&user(json!({ "objects": { "people": grant } })));
    let people = views.iter().find(|v| v.object.key == "people").unwrap();
    assert!(people.field("score").is_none() && people.permissions.read && !people.permissions.create);
    assert!(views.iter().all(|v| v.object.key != "companies"));
    let json = bench.engine.object_view(&admin(), "companies").unwrap().to_json();
    assert_eq!(
        json["inverses"][0],
        json!({ "key": "people", "label": "People", "object": "people", "field": "company" })
    );
    assert_eq!(json["fields"][0]["access"], "write");
    assert_eq!(json["permissions"]["export"], true);
}

#[test]
fn the_key_of_a_removed_object_is_free_for_another_one() {
    let mut bench = Bench::on_disk();
    let define = |bench: &Bench, label: &str| {
        let json =
            json!({ "key": "cars", "label": label, "fields": [{ "key": "name", "label": "Name", "kind": "text" }] });
        bench.engine.define_object(&admin(), json).unwrap()
    };
    define(&bench, "Car");
    let plate = json!({ "key": "plate", "label": "Plate", "kind": "text" });
    bench.engine.define_field(&admin(), "cars", plate).unwrap();
    let old = bench.create("cars", json!({ "name": "Panda", "plate": "AB 123" }));
    bench.engine.remove_field(&admin(), "cars", "plate").unwrap();
    bench.engine.remove_object(&admin(), "cars", true).unwrap();
    let view = define(&bench, "Another car");
    assert_eq!((view.object.id, view.fields[0].field.id), (1_001, 1_002), "no number is given twice");
    for _ in 0..2 {
        let all = || bench.engine.query(&admin(), &Query { total: true, ..Query::of("cars") }).unwrap();
        assert_eq!(all().total, Some(0), "the records of the first stay with it");
        assert_eq!(bench.engine.get(&admin(), "cars", old.id).unwrap_err().code(), "record.not_found");
        assert!(bench.engine.history(&admin(), "cars", old.id, None, 5).is_err());
        let error = bench.engine.restore_field(&admin(), "cars", "plate").unwrap_err();
        assert_eq!(error.code(), "field.not_found", "nor do its removed fields come back");
        let view = bench.engine.object_view(&admin(), "cars").unwrap();
        assert_eq!((view.object.label.as_str(), view.fields.len()), ("Another car", 1));
        let new = bench.create("cars", json!({ "name": "Tipo" }));
        assert_eq!(bench.values(&bench.now(&new))["name"], "Tipo");
        let changed = bench.one(update("cars", old.id, None, json!({ "name": "X" }))).unwrap_err();
        assert_eq!(changed.code(), "record.not_found");
        bench.one(crate::Command::Delete { object: "cars".into(), id: new.id, version: None }).unwrap();
        bench.reopen();
    }
}

#[test]
fn a_doubled_underscore_is_for_plugins() {
    let bench = Bench::new();
    field(&bench, json!({ "key": "size", "label": "Size", "kind": "integer" })).unwrap();
    let head = bench.storage.head();
    let object = |json: Json| bench.engine.define_object(&admin(), json).map(drop).unwrap_err();
    for error in [
        field(&bench, json!({ "key": "scoring__size", "label": "Size", "kind": "integer" })).map(drop).unwrap_err(),
        bench.engine.update_field(&admin(), "people", "size", json!({ "key": "a__size" })).map(drop).unwrap_err(),
        object(json!({ "key": "scoring__cars", "label": "Car" })),
        object(json!({ "key": "cars", "label": "Car", "fields": [{ "key": "a__b", "label": "B", "kind": "text" }] })),
    ] {
        assert_eq!((error.code(), codes(&error)), ("schema.invalid", vec!["reserved"]));
        assert!(error.to_string().contains("doubled underscore"), "{error}");
    }
    assert_eq!(bench.storage.head(), head);
    let view = field(&bench, json!({ "label": "Two __ of them", "kind": "text" })).unwrap();
    assert!(view.field("two_of_them").is_some());
}
