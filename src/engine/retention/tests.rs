//! Rules of retention with a clock in the hand: what they touch, what they leave alone, when they run.

use kith_base::RecordId;
use serde_json::{Value as Json, json};

use crate::{
    Actor, Command, CommitOptions, EngineError, Query, Record,
    erase::tests::{Desk, fields},
    system::seeds,
};

const DAY_MS: i64 = 24 * 3_600 * 1_000;

fn rule(desk: &Desk, values: Json) -> Record {
    let mut all = json!({ "name": "A rule", "object": "people", "days": 30, "action": "trash", "percent_max": 100 });
    if let (Json::Object(all), Json::Object(values)) = (&mut all, values) {
        all.extend(values);
    }
    desk.create("retention_rules", all)
}

fn refused(desk: &Desk, values: Json) -> EngineError {
    let command = Command::Create { object: "retention_rules".into(), id: None, values: fields(values) };
    desk.engine.execute(&Actor::cli(), vec![command], CommitOptions::default()).unwrap_err()
}

fn shown(desk: &Desk, object: &str, id: RecordId) -> Json {
    desk.engine.to_json(&Actor::cli(), &desk.engine.get(&Actor::cli(), object, id).unwrap())
}

fn names(desk: &Desk, object: &str, trashed: bool) -> Vec<String> {
    let query = Query { trashed, ..Query::of(object).sort_by("name", false) };
    let page = desk.engine.query(&Actor::cli(), &query).unwrap();
    let name = |r: &Record| desk.engine.to_json(&Actor::cli(), r)["values"]["name"].as_str().unwrap().to_string();
    page.records.iter().map(name).collect()
}

#[test]
fn old_records_go_to_the_trash_and_others_stay() {
    let desk = Desk::new();
    let rule = rule(&desk, json!({ "filter": "name != \"Kept\"" }));
    desk.create("people", json!({ "name": "Old" }));
    desk.create("people", json!({ "name": "Kept" }));
    desk.clock.advance(29 * DAY_MS);
    let fresh = desk.create("people", json!({ "name": "Fresh" }));
    desk.clock.advance(DAY_MS);
    let preview = desk.engine.preview_retention(&Actor::cli(), Some(rule.id)).unwrap();
    assert_eq!((preview.len(), preview[0].count, preview[0].of, preview[0].within), (1, 1, 3, true));
    assert_eq!(preview[0].samples[0]["title"], "Old");
    assert_eq!(names(&desk, "people", false).len(), 3, "a preview changes nothing");
    let run = desk.engine.run_retention(&Actor::cli(), rule.id, false).unwrap();
    assert_eq!((run.state.as_str(), run.count, run.skipped), ("done", 1, 0));
    assert_eq!(
        (names(&desk, "people", false), names(&desk, "people", true)),
        (vec!["Fresh".into(), "Kept".into()], vec!["Old".into()])
    );
    let noted = shown(&desk, "retention_rules", rule.id);
    assert_eq!((&noted["values"]["last_state"], &noted["values"]["last_count"]), (&json!("done"), &json!(1)));
    assert_eq!(desk.engine.run_retention(&Actor::cli(), rule.id, false).unwrap().count, 0);
    let history = desk.engine.history(&Actor::cli(), "people", fresh.id, None, 9).unwrap();
    assert_eq!(history.items.len(), 1);
}

#[test]
fn too_many_at_once_are_held_until_somebody_confirms() {
    let desk = Desk::new();
    let rule = rule(&desk, json!({ "percent_max": 20 }));
    for n in 0..4 {
        desk.create("people", json!({ "name": format!("Old {n}") }));
    }
    desk.clock.advance(31 * DAY_MS);
    for n in 0..6 {
        desk.create("people", json!({ "name": format!("New {n}") }));
    }
    let held = desk.engine.run_retention(&Actor::cli(), rule.id, false).unwrap();
    assert_eq!((held.state.as_str(), held.count), ("held", 0));
    assert!(held.message.contains("4 of 10"), "{}", held.message);
    assert!(!desk.engine.preview_retention(&Actor::cli(), Some(rule.id)).unwrap()[0].within);
    assert_eq!(names(&desk, "people", false).len(), 10);
    let done = desk.engine.run_retention(&Actor::cli(), rule.id, true).unwrap();
    assert_eq!((done.state.as_str(), done.count), ("done", 4));
}

#[test]
fn the_trash_is_emptied_for_good_and_what_is_needed_stays() {
    let desk = Desk::new();
    let rule = rule(&desk, json!({ "object": "*", "action": "erase" }));
    let [gone, needed, recent] = ["Gone Person", "Needed Person", "Recent Person"]
        .map(|name| desk.create("people", json!({ "name": name, "emails": ["x@fixture.example"] })));
    desk.create("contracts", json!({ "name": "C", "person": needed.id }));
    let delete = |id| desk.run(Command::Delete { object: "people".into(), id, version: None });
    delete(gone.id);
    delete(needed.id);
    desk.clock.advance(31 * DAY_MS);
    delete(recent.id);
    let run = desk.engine.run_retention(&Actor::cli(), rule.id, false).unwrap();
    assert_eq!((run.state.as_str(), run.count, run.skipped), ("done", 1, 1), "{}", run.message);
    assert_eq!(desk.readable(&["Gone Person"]), Vec::<String>::new());
    assert_eq!(names(&desk, "people", true), ["Needed Person", "Recent Person"]);
    let history = desk.engine.history(&Actor::cli(), "people", gone.id, None, 9).unwrap();
    assert_eq!(history.items[0].cause.id, "retention: A rule");
}

#[test]
fn fields_are_anonymised_with_their_history() {
    let desk = Desk::on_disk();
    let values = json!({ "name": "former customer", "emails": null });
    let rule = rule(&desk, json!({ "action": "anonymise", "fields": values, "since": "born", "days": 0 }));
    let old =
        desk.create("people", json!({ "name": "Ada King", "born": "1815-12-10", "emails": ["ada@fixture.example"] }));
    desk.update("people", old.id, json!({ "name": "Ada Lovelace" }));
    let unborn = desk.create("people", json!({ "name": "No date" }));
    for count in [1, 0] {
        let run = desk.engine.run_retention(&Actor::cli(), rule.id, false).unwrap();
        assert_eq!((run.state.as_str(), run.count), ("done", count), "{}", run.message);
    }
    let now = shown(&desk, "people", old.id);
    assert_eq!((&now["values"]["name"], &now["values"]["born"]), (&json!("former customer"), &json!("1815-12-10")));
    assert_eq!(shown(&desk, "people", unborn.id)["values"]["name"], "No date");
    assert_eq!(desk.readable(&["Ada ", "ada@fixture.example"]), Vec::<String>::new());
    assert!(desk.storage.verify(&mut |_, _| {}).unwrap().is_clean());
}

#[test]
fn enabled_rules_run_once_after_their_hour() {
    let desk = Desk::new();
    desk.create("people", json!({ "name": "Old" }));
    desk.clock.advance(40 * DAY_MS);
    let rule = rule(&desk, json!({ "enabled": true }));
    rule_of_another(&desk);
    assert!(desk.engine.run_due_retention().is_empty(), "a new rule waits for its first night");
    desk.clock.advance(DAY_MS);
    let ran = desk.engine.run_due_retention();
    assert_eq!(ran.iter().map(|run| (run.rule, run.count)).collect::<Vec<_>>(), [(rule.id, 1)]);
    assert!(desk.engine.run_due_retention().is_empty(), "once a day");
    desk.clock.advance(DAY_MS);
    assert_eq!(desk.engine.run_due_retention().len(), 1);
}

/// Not enabled, so it never runs by itself.
fn rule_of_another(desk: &Desk) {
    rule(desk, json!({ "name": "Idle", "enabled": false }));
}

#[test]
fn rules_that_could_not_run_are_refused_where_they_are_made() {
    let desk = Desk::new();
    let base = |more: Json| {
        let mut all = json!({ "name": "R", "object": "people", "days": 1, "action": "trash" });
        all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        all
    };
    for (wrong, code) in [
        (json!({ "object": "cars" }), "unknown_object"),
        (json!({ "object": "users" }), "administration"),
        (json!({ "object": "*" }), "every_object"),
        (json!({ "filter": "nmae == \"x\"" }), "bad_filter"),
        (json!({ "filter": "true) || (true" }), "bad_filter"),
        (json!({ "since": "name" }), "unknown_field"),
        (json!({ "action": "anonymise" }), "bad_fields"),
        (json!({ "action": "anonymise", "fields": { "name": null } }), "bad_fields"),
        (json!({ "action": "anonymise", "fields": { "salary": null } }), "bad_fields"),
        (json!({ "action": "anonymise", "fields": { "born": "whenever" } }), "bad_fields"),
    ] {
        let error = refused(&desk, base(wrong.clone()));
        assert_eq!((error.code(), error.violations()[0].code.as_str()), ("record.invalid", code), "{wrong}");
    }
    let draft = base(json!({ "days": 0, "since": "created_at" }));
    desk.create("people", json!({ "name": "Any" }));
    let preview = desk.engine.preview_retention_draft(&Actor::cli(), draft.as_object().unwrap().clone()).unwrap();
    assert_eq!((preview[0].count, preview[0].rule), (1, None));
    let member = Actor { role: std::sync::Arc::new(crate::access::Role::nothing(RecordId([1; 16]))), ..Actor::cli() };
    assert_eq!(desk.engine.preview_retention(&member, None).unwrap_err().code(), "access.denied");
    assert_eq!(desk.engine.run_retention(&member, seeds::EMPTY_TRASH, false).unwrap_err().code(), "access.denied");
    let trash = shown(&desk, "retention_rules", seeds::EMPTY_TRASH);
    assert_eq!(
        (&trash["values"]["enabled"], &trash["values"]["action"]),
        (&json!(false), &json!("erase")),
        "a proposal only"
    );
}
