//! What is kept for plugins goes when its time is over, and can be there again.

use kith_engine::{Actor, EngineError, Query};
use serde_json::json;

use super::{Bench, clock};
use crate::kept::{Kept, REMEMBERED_MS, Space, check_key};

fn rows(bench: &Bench) -> u64 {
    let query = Query { total: true, ..Query::of("plugin_values") };
    bench.engine.query(&Actor::cli(), &query).unwrap().total.unwrap()
}

#[test]
fn a_key_stands_for_one_record_for_a_week_and_then_for_nothing() {
    let clock = clock();
    let bench = Bench::at(clock.clone());
    let kept = Kept::of(&bench.engine, "a");
    let first = kept.record_for("k").unwrap();
    kept.put(Space::Own, "stays", b"v", None, None).unwrap();
    kept.put(Space::Answered, "k", b"answer", Some(REMEMBERED_MS), None).unwrap();
    clock.advance(REMEMBERED_MS - 1);
    bench.plugins.forget_expired();
    assert_eq!((kept.record_for("k").unwrap(), rows(&bench)), (first, 3));
    clock.advance(1);
    assert!(kept.get(Space::Answered, "k").unwrap().is_none(), "over before it is taken away");
    bench.plugins.forget_expired();
    assert_eq!(rows(&bench), 1);
    assert_eq!(kept.get(Space::Own, "stays").unwrap().unwrap().value, b"v");
    // The same key, used again.
    assert_ne!(kept.record_for("k").unwrap(), first);
    assert_eq!(rows(&bench), 2);
}

#[test]
fn a_value_that_expired_can_be_set_again_where_there_is_none() {
    let clock = clock();
    let bench = Bench::at(clock.clone());
    let kept = Kept::of(&bench.engine, "a");
    kept.put(Space::Own, "k", b"one", Some(1_000), Some(0)).unwrap();
    clock.advance(1_000);
    bench.plugins.forget_expired();
    assert!(kept.get(Space::Own, "k").unwrap().is_none() && kept.keys("", None, 10).unwrap().is_empty());
    kept.remove(Space::Own, "k").unwrap();
    let version = kept.put(Space::Own, "k", b"two", None, Some(0)).unwrap();
    assert_eq!(kept.get(Space::Own, "k").unwrap().unwrap().value, b"two");
    assert!(matches!(kept.put(Space::Own, "k", b"x", None, Some(0)), Err(EngineError::VersionConflict { .. })));
    kept.put(Space::Own, "k", b"three", None, Some(version)).unwrap();
    assert_eq!(bench.kept("a", "k").as_deref(), Some("three"));
}

#[test]
fn more_than_fits_one_sweep_goes_too() {
    let clock = clock();
    let bench = Bench::at(clock.clone());
    let kept = Kept::of(&bench.engine, "a");
    for n in 0..250 {
        kept.put(Space::Made, &n.to_string(), b"x", Some(1), None).unwrap();
    }
    clock.advance(1);
    bench.plugins.forget_expired();
    assert_eq!(rows(&bench), 0);
}

#[test]
fn a_key_has_an_end() {
    assert!(check_key("k").is_ok() && check_key(&"k".repeat(200)).is_ok());
    assert!(check_key("").is_err() && check_key(&"é".repeat(101)).is_err());
}

#[test]
fn an_action_that_a_client_repeats_is_the_same_call() {
    let Some(bench) = Bench::with("fixture-bad", json!({"where": "action", "behaviour": "crash-after-write"})) else {
        return;
    };
    let company = bench.create("companies", json!({"name": "A"})).unwrap();
    let run = |key: &str| {
        let key = kith_engine::IdempotencyKey::new(key, b"the request");
        let ids = [company.id];
        bench.engine.run_action_once(&Actor::cli(), "companies", &ids, "fixture_bad__act", json!({}), Some(key))
    };
    // It wrote, and was cut off: the client learns nothing, and asks again.
    for _ in 0..2 {
        assert!(run("k1").is_err());
        assert_eq!(bench.count("notes"), 1);
    }
    bench.set("fixture-bad", json!({"where": "action", "behaviour": "write"}));
    run("k1").unwrap();
    assert_eq!(bench.count("notes"), 1);
    let calls = bench.plugins.watch("fixture-bad").calls().len();
    run("k1").unwrap();
    assert_eq!(bench.plugins.watch("fixture-bad").calls().len(), calls, "done is done");
    run("k2").unwrap();
    assert_eq!(bench.count("notes"), 2);
}

#[test]
fn an_action_asked_for_several_times_at_once_with_one_key_runs_once() {
    let Some(bench) = Bench::with("fixture-bad", json!({"where": "action", "behaviour": "write"})) else { return };
    let company = bench.create("companies", json!({"name": "A"})).unwrap();
    let together = std::sync::Barrier::new(8);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let key = Some(kith_engine::IdempotencyKey::new("k", b"the request"));
                let (ids, engine) = ([company.id], &bench.engine);
                together.wait();
                engine.run_action_once(&Actor::cli(), "companies", &ids, "fixture_bad__act", json!({}), key).unwrap();
            });
        }
    });
    let calls = bench.plugins.watch("fixture-bad").calls();
    assert_eq!(calls.iter().filter(|call| call.capability == crate::runtime::Capability::Actions).count(), 1);
    assert_eq!(bench.count("notes"), 1);
}

#[test]
fn an_action_that_waits_is_parked_once_for_each_request() {
    let Some(bench) = Bench::with("fixture-good", json!({})) else { return };
    let person = bench.create("people", json!({"last_name": "L"})).unwrap();
    let run = |key: &str| {
        let key = kith_engine::IdempotencyKey::new(key, b"the request");
        bench.engine.run_action_once(&Actor::cli(), "people", &[person.id], "fixture_good__wait", json!({}), Some(key))
    };
    for key in ["k1", "k1", "k2"] {
        run(key).unwrap();
    }
    assert_eq!(bench.count("plugin_jobs") - scheduled(&bench), 2);
}

fn scheduled(bench: &Bench) -> u64 {
    let query = Query { total: true, ..Query::of("plugin_jobs").filter("kind == \"job\"") };
    bench.engine.query(&Actor::cli(), &query).unwrap().total.unwrap()
}
