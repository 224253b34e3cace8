//! A plugin that goes with its data leaves nothing that can be read, and comes back as if it had never been there.

use kith_base::Secret;
use kith_engine::{Actor, ChangeKind, Command, CommitOptions, Query};
use kith_model::Value;
use serde_json::{Value as Json, json};

use super::{Bench, changed, fixture};
use crate::kept::{Kept, Space};

fn all(bench: &Bench, object: &str) -> usize {
    let of = |trashed| Query { trashed, ..Query::of(object).filter("plugin == \"fixture-good\"") };
    let rows = |trashed| bench.engine.query(&Actor::cli(), &of(trashed)).unwrap().records.len();
    rows(false) + rows(true)
}

#[test]
fn removed_with_its_data_a_plugin_leaves_none_of_it() {
    let Some(good) = fixture("fixture-good") else { return };
    let bench = Bench::new();
    let before = bench.create("people", json!({"last_name": "Early", "emails": ["early@example.com"]})).unwrap();
    bench.install(&good);
    bench.set("fixture-good", json!({"points": 3}));
    bench.start();
    let cursor = crate::delivery::cursor("fixture-good");
    bench.until("the beginning", || bench.engine.cursor(&cursor).unwrap() > 0);
    let person = bench.create("people", json!({"last_name": "L", "emails": ["l@example.com"]})).unwrap();
    bench.act("people", person.id, "fixture_good__greet").unwrap();
    bench.until("its own record", || bench.count("fixture_good__things") == 1);
    bench.until("the score", || bench.values("people", before.id)["fixture_good__score"] == 3);
    bench.until("the last event", || bench.engine.cursor(&cursor).unwrap() == bench.engine.head());
    let trashed = bench.create("people", json!({"last_name": "T", "emails": ["t@example.com"]})).unwrap();
    let field = bench.engine.schema().object("people").and_then(|o| Some(o.field("fixture_good__score")?.id)).unwrap();
    assert_eq!(trashed.values.get(field), &Value::Int(3));
    let delete = Command::Delete { object: "people".into(), id: trashed.id, version: None };
    bench.engine.execute(&Actor::cli(), vec![delete], CommitOptions::default()).unwrap();
    // One that expired is emptied and in the trash already.
    Kept::of(&bench.engine, "fixture-good").put(Space::Made, "key", b"x", Some(0), None).unwrap();
    bench.plugins.forget_expired();
    let secret = Secret::new("hush".to_string());
    bench.plugins.set_secret(&Actor::cli(), "fixture-good", "token", Some(&secret)).unwrap();
    let things = bench.engine.query(&Actor::cli(), &Query::of("fixture_good__things")).unwrap().records;

    bench.plugins.remove(&Actor::cli(), "fixture-good", false).unwrap();
    for object in ["plugin_values", "plugin_secrets", "plugin_jobs", "plugin_failures"] {
        assert_eq!(all(&bench, object), 0, "{object}");
    }
    let (happened, _) = bench.engine.happened(0, 10_000, &|_| true).unwrap();
    let told = happened.iter().filter(|change| change.id == things[0].id && change.kind != ChangeKind::Erased);
    assert!(told.clone().all(|change| change.after.is_none()), "the journal holds nothing of it");
    assert!(bench.values("people", person.id)["last_name"] == "L");
    let told = happened.iter().filter(|change| change.id == trashed.id).filter_map(|change| change.after.as_ref());
    let told: Vec<_> = told.map(|after| (after.version, after.trashed, after.values.get(field).is_null())).collect();
    assert_eq!(told, [(1, false, false), (2, true, false), (3, true, true)], "it was emptied where it lies");

    // Installed anew, it begins anew: nothing of before shows, and what it works out is worked out again.
    bench.install(&good);
    bench.until("the score", || bench.values("people", before.id)["fixture_good__score"] == 10);
    assert_eq!(bench.values("people", person.id)["fixture_good__nickname"], Json::Null);
    assert_eq!(bench.count("fixture_good__things"), 0);
    bench.until("the last event", || bench.engine.cursor(&cursor).unwrap() == bench.engine.head());
    let heard = || bench.kept("fixture-good", "heard:updated").map_or(0, |count| count.parse::<u32>().unwrap());
    let before = heard();
    bench.update("people", person.id, json!({"job_title": "Baker"})).unwrap();
    bench.until("one event more", || heard() == before + 1);
    assert_eq!(bench.kept("fixture-good", "heard:created"), None, "what happened before is not told");
}

#[test]
fn removed_with_its_data_kept_a_plugin_finds_it_again() {
    let Some(good) = fixture("fixture-good") else { return };
    let bench = Bench::new();
    bench.install(&good);
    bench.set("fixture-good", json!({"points": 3}));
    let person = bench.create("people", json!({"last_name": "L", "emails": ["l@example.com"]})).unwrap();
    bench.act("people", person.id, "fixture_good__greet").unwrap();
    let kept = Kept::of(&bench.engine, "fixture-good");
    kept.put(Space::Own, "mine", b"still here", None, None).unwrap();
    bench.plugins.remove(&Actor::cli(), "fixture-good", true).unwrap();
    assert_eq!(bench.values("people", person.id)["fixture_good__score"], 3);
    bench.install(&good);
    assert_eq!(bench.plugins.show("fixture-good", &[]).unwrap()["settings"]["points"], 3);
    assert_eq!(bench.kept("fixture-good", "mine").as_deref(), Some("still here"));
    assert_eq!(bench.values("people", person.id)["fixture_good__nickname"], "Hello, you");
}

#[test]
fn values_that_must_differ_are_worked_out_for_the_first_and_told_of_the_others() {
    let score = "[fields.people.score]\nlabel = \"Score\"\nkind = \"integer\"\n";
    let Some(file) = changed("fixture-good", score, &format!("{score}unique = true\n")) else { return };
    let bench = Bench::new();
    let emails = [json!(["a@example.com"]), json!(["b@example.com"]), json!(["c@example.com", "d@example.com"])];
    let people: Vec<_> =
        emails.iter().map(|e| bench.create("people", json!({"last_name": "A", "emails": e})).unwrap()).collect();
    bench.install(&file);
    let scores = || people.iter().map(|p| bench.values("people", p.id)["fixture_good__score"].clone()).collect();
    bench.until("two of three", || {
        let scores: Vec<Json> = scores();
        scores[2] == 20 && scores.iter().filter(|score| **score == 10).count() == 1
    });
    bench.told("fixture-good", "do not fit the record");
}

#[test]
fn erasing_somebody_whose_name_stands_in_a_plugins_code_leaves_the_plugin_alone() {
    let Some(good) = fixture("fixture-good") else { return };
    let bench = Bench::new();
    bench.install(&good);
    // Every plugin's file has this word in it.
    let company = bench.create("companies", json!({"name": "Manifest"})).unwrap();
    let request =
        kith_engine::erase::EraseRequest { object: "companies".into(), ids: vec![company.id], ..Default::default() };
    let plan = bench.engine.erase_plan(&Actor::cli(), &request).unwrap();
    assert_eq!(plan.kept_files, 0);
    bench.engine.erase(&Actor::cli(), &request, &plan.token).unwrap();
    let wasm = crate::installed::find(&bench.engine, "fixture-good").unwrap().version.wasm;
    assert!(!wasm.is_empty() && bench.engine.files().read(&wasm).is_ok());
}
