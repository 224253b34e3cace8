use serde_json::json;

use super::Bench;
use crate::delivery;

#[test]
fn changes_are_heard_once_each_and_in_their_kind() {
    let Some(bench) = Bench::with("fixture-good", json!({})) else { return };
    bench.start();
    // The first look notes where the plugin begins.
    bench.until("the beginning", || bench.engine.cursor(&delivery::cursor("fixture-good")).unwrap() > 0);
    let people: Vec<_> =
        (0..5).map(|n| bench.create("people", json!({"last_name": format!("P{n}")})).unwrap()).collect();
    bench.update("people", people[0].id, json!({"job_title": "Baker"})).unwrap();
    bench.until("five creations", || bench.kept("fixture-good", "heard:created").as_deref() == Some("5"));
    bench.until("one update", || bench.kept("fixture-good", "heard:updated").as_deref() == Some("1"));
    assert_eq!(bench.count("fixture_good__things"), 5, "what a plugin makes with a key is made once");
}

#[test]
fn a_failing_event_waits_its_turn_and_holds_up_nothing_else() {
    let Some(bench) = Bench::with("fixture-bad", json!({"where": "after-commit", "behaviour": "trap"})) else { return };
    bench.start();
    bench.until("the beginning", || bench.engine.cursor(&delivery::cursor("fixture-bad")).unwrap() > 0);
    let company = bench.create("companies", json!({"name": "A"})).unwrap();
    let failures = || delivery::failures(&bench.engine, &kith_engine::Actor::cli(), "fixture-bad").unwrap();
    bench.until("the failure", || failures().len() == 1);
    let failure = &failures()[0];
    assert_eq!((failure.about, failure.state.as_str(), failure.attempts), (company.id, "retrying", 1));
    assert!(failure.due_at.is_some() && failure.reason.contains("failed"), "{failure:?}");
    // What follows on the same record waits behind it, untold.
    bench.update("companies", company.id, json!({"name": "B"})).unwrap();
    bench.until("the one behind", || failures().len() == 2);
    assert_eq!(failures()[0].attempts, 0);
    // Mended, and asked for again, both are told in their order.
    bench.set("fixture-bad", json!({"where": "after-commit", "behaviour": "none"}));
    delivery::replay(&bench.engine, "fixture-bad", failures()[1].id).unwrap();
    bench.until("everything told", || failures().is_empty());
}

#[test]
fn what_a_plugin_drops_is_kept_for_the_administrator() {
    let Some(bench) = Bench::with("fixture-bad", json!({"where": "after-commit", "behaviour": "error"})) else {
        return;
    };
    bench.start();
    bench.until("the beginning", || bench.engine.cursor(&delivery::cursor("fixture-bad")).unwrap() > 0);
    bench.create("companies", json!({"name": "A"})).unwrap();
    bench.until("an entry", || {
        !delivery::failures(&bench.engine, &kith_engine::Actor::cli(), "fixture-bad").unwrap().is_empty()
    });
}

#[test]
fn plugins_that_set_each_other_off_come_to_an_end() {
    let Some(pong) = super::fixture("fixture-pong") else { return };
    let Some(bench) = Bench::with("fixture-bad", json!({"where": "after-commit", "behaviour": "event-loop"})) else {
        return;
    };
    bench.install(&pong);
    bench.start();
    bench.until("the beginning", || {
        ["fixture-bad", "fixture-pong"].iter().all(|id| bench.engine.cursor(&delivery::cursor(id)).unwrap() > 0)
    });
    let company = bench.create("companies", json!({"name": "A"})).unwrap();
    bench.until("the refusal", || {
        bench.plugins.watch("fixture-bad").lines().iter().any(|l| l.message.contains("set each other off"))
            || delivery::failures(&bench.engine, &kith_engine::Actor::cli(), "fixture-bad")
                .unwrap()
                .iter()
                .any(|f| f.reason.contains("set each other off"))
    });
    let version = bench.engine.get(&kith_engine::Actor::cli(), "companies", company.id).unwrap().version;
    assert!(version < 40, "{version} versions");
}
