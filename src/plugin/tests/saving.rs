use serde_json::json;

use super::Bench;

#[test]
fn a_plugin_amends_refuses_and_works_out() {
    let Some(bench) = Bench::with("fixture-good", json!({"points": 7})) else { return };
    let person = bench
        .create("people", json!({"first_name": "ada", "last_name": "Lovelace", "emails": ["ada@example.com"]}))
        .unwrap();
    let values = bench.values("people", person.id);
    assert_eq!(values["first_name"], "Ada", "amended before it was saved");
    assert_eq!(values["fixture_good__score"], 7, "worked out");

    let error = bench.create("people", json!({"last_name": "Reject"})).unwrap_err();
    let violation = &error.violations()[0];
    assert_eq!((violation.field.as_deref(), violation.code.as_str()), (Some("last_name"), "rejected"));

    bench.update("people", person.id, json!({"emails": ["ada@example.com", "a@example.com"]})).unwrap();
    assert_eq!(
        bench.values("people", person.id)["fixture_good__score"],
        14,
        "worked out again when what it reads changed"
    );
}

#[test]
fn a_field_that_is_worked_out_is_filtered_and_sorted_like_any_other() {
    let Some(bench) = Bench::with("fixture-good", json!({})) else { return };
    for (name, emails) in
        [("One", json!(["1@example.com"])), ("None", json!([])), ("Two", json!(["1@example.com", "2@example.com"]))]
    {
        bench.create("people", json!({"last_name": name, "emails": emails})).unwrap();
    }
    let query = kith_engine::Query::of("people").filter("fixture_good__score > 0").sort_by("fixture_good__score", true);
    let page = bench.engine.query(&kith_engine::Actor::cli(), &query).unwrap();
    let names: Vec<_> = page.records.iter().map(|r| bench.values("people", r.id)["last_name"].clone()).collect();
    assert_eq!(names, ["Two", "One"]);
}

#[test]
fn a_worked_out_field_cannot_be_written_by_hand() {
    let Some(bench) = Bench::with("fixture-good", json!({})) else { return };
    let error = bench.create("people", json!({"last_name": "A", "fixture_good__score": 99})).unwrap_err();
    assert_eq!(error.violations()[0].code, "read_only");
}

#[test]
fn records_from_before_the_installation_get_their_values() {
    let Some(file) = super::fixture("fixture-good") else { return };
    let bench = Bench::new();
    let person = bench.create("people", json!({"last_name": "Early", "emails": ["early@example.com"]})).unwrap();
    bench.install(&file);
    bench.until("the score", || bench.values("people", person.id)["fixture_good__score"] == 10);
    bench.set("fixture-good", json!({"points": 3}));
    bench.until("the score of other settings", || bench.values("people", person.id)["fixture_good__score"] == 3);
}

#[test]
fn a_plugin_that_is_off_has_no_say() {
    let Some(bench) = Bench::with("fixture-good", json!({})) else { return };
    bench.plugins.disable(&kith_engine::Actor::cli(), "fixture-good").unwrap();
    bench.create("people", json!({"last_name": "Reject"})).unwrap();
}
