//! What a plugin adds to the schema comes, changes, goes and comes again.

use serde_json::{Value as Json, json};

use super::bench::{Bench, admin, create, user};
use crate::{EngineError, Extension};

fn extension(fields: Json, objects: Json) -> Extension {
    Extension {
        plugin: "lead-scoring".into(),
        objects: serde_json::from_value(objects).unwrap(),
        fields: serde_json::from_value::<Vec<_>>(fields).unwrap().into_iter().map(|f| ("people".into(), f)).collect(),
    }
}

fn score() -> Json {
    json!([{ "key": "lead_scoring__score", "label": "Score", "kind": "integer", "read_only": true }])
}

fn rules() -> Json {
    json!([{ "key": "lead_scoring__rules", "label": "Rule", "label_plural": "Rules", "title": "name", "fields": [
        { "key": "name", "label": "Name", "kind": "text", "required": true },
        { "key": "person", "label": "Person", "kind": "link", "target": "people" }]}])
}

fn extend(bench: &Bench, to: &Extension, from: Option<&Extension>) -> Result<(), EngineError> {
    bench.engine.extend_schema(&admin(), to, from)
}

#[test]
fn fields_and_objects_of_a_plugin_work_like_others_and_know_where_they_come_from() {
    let mut bench = Bench::on_disk();
    extend(&bench, &extension(score(), rules()), None).unwrap();
    for _ in 0..2 {
        let view = bench.engine.object_view(&admin(), "people").unwrap();
        let field = &view.field("lead_scoring__score").unwrap().field;
        assert!(field.read_only);
        assert_eq!(json!(field.origin), json!({ "plugin": "lead-scoring" }));
        let person = bench.create("people", json!({ "last_name": "A" }));
        let refused = bench.update(&person, json!({ "lead_scoring__score": 3 })).unwrap_err();
        assert_eq!(refused.violations()[0].code, "read_only");
        let rule = bench.create("lead_scoring__rules", json!({ "name": "R", "person": person.id.to_string() }));
        assert_eq!(bench.values(&rule)["name"], "R");
        bench.reopen();
    }
    // Putting the same in again changes nothing.
    let head = bench.storage.head();
    extend(&bench, &extension(score(), rules()), None).unwrap();
    assert_eq!(bench.storage.head(), head);
}

#[test]
fn only_the_plugins_own_name_may_stand_in_front_and_nobody_else_has_it() {
    let bench = Bench::new();
    for key in ["score", "last_name", "other__score", "lead_scoring__"] {
        let fields = json!([{ "key": key, "label": "Score", "kind": "integer" }]);
        assert_eq!(extend(&bench, &extension(fields, json!([])), None).unwrap_err().code(), "schema.conflict", "{key}");
    }
    let by_hand = json!({ "key": "lead_scoring__score", "label": "S", "kind": "text" });
    assert_eq!(bench.engine.define_field(&admin(), "people", by_hand).unwrap_err().code(), "schema.invalid");
    let people = bench.engine.object_view(&admin(), "people").unwrap();
    assert!(people.fields.iter().all(|view| !view.field.key.contains("__")));
    let refused = bench.engine.extend_schema(&user(json!({})), &extension(score(), json!([])), None).unwrap_err();
    assert_eq!(refused.code(), "access.denied");
    let wrong = json!([{ "key": "lead_scoring__a", "label": "A", "kind": "no_such_kind" }]);
    assert_eq!(extend(&bench, &extension(wrong, json!([])), None).unwrap_err().code(), "schema.invalid");
}

#[test]
fn what_an_administrator_changed_survives_an_upgrade_that_does_not_concern_it() {
    let bench = Bench::new();
    let first = extension(score(), json!([]));
    extend(&bench, &first, None).unwrap();
    let patch = json!({ "label": "Punkte" });
    bench.engine.update_field(&admin(), "people", "lead_scoring__score", patch).unwrap();
    let fixed = json!({ "key": "points" });
    assert!(bench.engine.update_field(&admin(), "people", "lead_scoring__score", fixed).is_err());
    assert!(bench.engine.remove_field(&admin(), "people", "lead_scoring__score").is_err());
    let mut second = extension(score(), json!([]));
    second.fields[0].1.help = "From 0 to 100".into();
    extend(&bench, &second, Some(&first)).unwrap();
    let view = bench.engine.object_view(&admin(), "people").unwrap();
    let field = &view.field("lead_scoring__score").unwrap().field;
    assert_eq!((field.label.as_str(), field.help.as_str()), ("Punkte", "From 0 to 100"));
    // And one that drops it takes it away; the next one brings it back.
    extend(&bench, &extension(json!([]), json!([])), Some(&second)).unwrap();
    assert!(bench.engine.object_view(&admin(), "people").unwrap().field("lead_scoring__score").is_none());
    extend(&bench, &second, None).unwrap();
    assert!(bench.engine.object_view(&admin(), "people").unwrap().field("lead_scoring__score").is_some());
}

#[test]
fn a_kept_field_comes_back_with_its_values_but_not_with_another_kind() {
    let bench = Bench::new();
    let plain = json!([{ "key": "lead_scoring__note", "label": "Note", "kind": "text" }]);
    extend(&bench, &extension(plain.clone(), rules()), None).unwrap();
    let person = bench.create("people", json!({ "last_name": "A", "lead_scoring__note": "x" }));
    bench.create("lead_scoring__rules", json!({ "name": "R" }));
    bench.engine.retract_schema(&admin(), "lead-scoring", true).unwrap();
    let view = bench.engine.object_view(&admin(), "people").unwrap();
    assert_eq!(json!(view.field("lead_scoring__note").unwrap().field.origin), json!("custom"));
    assert!(bench.engine.object_view(&admin(), "lead_scoring__rules").is_ok());
    assert_eq!(bench.values(&bench.now(&person))["lead_scoring__note"], "x");
    let other = json!([{ "key": "lead_scoring__note", "label": "Note", "kind": "integer" }]);
    assert_eq!(extend(&bench, &extension(other, rules()), None).unwrap_err().code(), "schema.conflict");
    extend(&bench, &extension(plain, rules()), None).unwrap();
    assert_eq!(bench.values(&bench.now(&person))["lead_scoring__note"], "x");
    assert_eq!(bench.count("lead_scoring__rules"), 1);
}

#[test]
fn a_dropped_field_never_comes_back_and_its_key_may_be_of_any_kind() {
    let mut bench = Bench::on_disk();
    let plain = json!([{ "key": "lead_scoring__note", "label": "Note", "kind": "text" }]);
    let other = json!([{ "key": "lead_scoring__note", "label": "Note", "kind": "integer" }]);
    extend(&bench, &extension(plain.clone(), rules()), None).unwrap();
    let person = bench.create("people", json!({ "last_name": "A", "lead_scoring__note": "x" }));
    bench.create("lead_scoring__rules", json!({ "name": "R" }));
    // A later version has no field any more: that one is in the trash, and is dropped with the rest.
    extend(&bench, &extension(json!([]), rules()), None).unwrap();
    bench.engine.retract_schema(&admin(), "lead-scoring", false).unwrap();
    assert!(bench.engine.object_view(&admin(), "lead_scoring__rules").is_err());
    assert!(bench.engine.restore_field(&admin(), "people", "lead_scoring__note").is_err());
    for fields in [other, plain] {
        extend(&bench, &extension(fields, rules()), None).unwrap();
        bench.reopen();
        assert_eq!(bench.values(&bench.now(&person))["lead_scoring__note"], Json::Null);
        assert_eq!(bench.count("lead_scoring__rules"), 0);
        bench.engine.retract_schema(&admin(), "lead-scoring", false).unwrap();
    }
}

#[test]
fn a_field_that_is_to_be_unique_is_held_against_what_is_there() {
    let bench = Bench::new();
    let of = |unique: bool| {
        let field = json!([{ "key": "lead_scoring__code", "label": "Code", "kind": "text", "unique": unique }]);
        extension(field, json!([]))
    };
    extend(&bench, &of(false), None).unwrap();
    let first = bench.create("people", json!({ "last_name": "A", "lead_scoring__code": "x" }));
    bench.create("people", json!({ "last_name": "B", "lead_scoring__code": "x" }));
    let refused = extend(&bench, &of(true), Some(&of(false))).unwrap_err();
    assert!(refused.to_string().contains("several records have 'x'"), "{refused}");
    let second = || bench.one(create("people", json!({ "last_name": "C", "lead_scoring__code": "x" })));
    assert!(second().is_ok(), "the upgrade was refused whole");
    // Nor does it come back unique after a while without the plugin.
    bench.engine.retract_schema(&admin(), "lead-scoring", true).unwrap();
    assert_eq!(extend(&bench, &of(true), None).unwrap_err().code(), "schema.conflict");
    let query = crate::Query::of("people").filter("lead_scoring__code == \"x\"");
    for record in bench.engine.query(&admin(), &query).unwrap().records.iter().filter(|r| r.id != first.id) {
        bench.update(record, json!({ "lead_scoring__code": null })).unwrap();
    }
    extend(&bench, &of(true), None).unwrap();
    assert_eq!(second().unwrap_err().violations()[0].code, "not_unique");
}
