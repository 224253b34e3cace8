use serde_json::json;

use super::Bench;

#[test]
fn an_action_stands_among_those_of_the_object_and_runs() {
    let Some(bench) = Bench::with("fixture-good", json!({})) else { return };
    let person = bench.create("people", json!({"first_name": "Ada", "last_name": "L"})).unwrap();
    let view = bench.engine.object_view(&kith_engine::Actor::cli(), "people").unwrap();
    let action = view.actions.iter().find(|a| a.name == "fixture_good__greet").expect("listed");
    assert_eq!(action.label, "Greet");
    let said = bench.act("people", person.id, "fixture_good__greet").unwrap();
    assert_eq!(said.as_deref(), Some("Hello to 1"));
    assert_eq!(bench.values("people", person.id)["fixture_good__nickname"], "Hello, Ada");
}

#[test]
fn an_action_that_waits_is_called_again() {
    let Some(bench) = Bench::with("fixture-good", json!({})) else { return };
    bench.start();
    let person = bench.create("people", json!({"last_name": "L"})).unwrap();
    let said = bench.act("people", person.id, "fixture_good__wait").unwrap().unwrap();
    assert!(said.contains("works on it"), "{said}");
    bench.until("the second call", || {
        let query = kith_engine::Query::of("plugin_jobs").filter("kind == \"action\" && state == \"done\"");
        bench.engine.query(&kith_engine::Actor::system(), &query).unwrap().records.len() == 1
    });
}

#[test]
fn a_file_that_a_plugin_keeps_can_be_read_again() {
    let Some(bench) = Bench::with("fixture-good", json!({})) else { return };
    let person = bench.create("people", json!({"last_name": "L"})).unwrap();
    let said = bench.act("people", person.id, "fixture_good__attach").unwrap();
    assert_eq!(said.as_deref(), Some("12 bytes of good.txt"));
    assert_eq!(bench.count("files"), 1);
}

#[test]
fn only_a_secret_that_may_be_revealed_is() {
    let Some(bench) = Bench::with("fixture-good", json!({})) else { return };
    let person = bench.create("people", json!({"last_name": "L"})).unwrap();
    assert_eq!(bench.act("people", person.id, "fixture_good__reveal").unwrap().as_deref(), Some("0 characters"));
    let secret = kith_base::Secret::new("open sesame".to_string());
    bench.plugins.set_secret(&kith_engine::Actor::cli(), "fixture-good", "open", Some(&secret)).unwrap();
    assert_eq!(bench.act("people", person.id, "fixture_good__reveal").unwrap().as_deref(), Some("11 characters"));
}
