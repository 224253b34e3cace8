//! A plugin that is cut off after the host did what it asked and before it could say so is asked again, and nothing is done twice.

use kith_base::Clock;
use serde_json::{Value as Json, json};

use super::{
    Bench, changed, clock,
    other_side::{Manner, OtherSide, answer},
};
use crate::{backoff, delivery};

/// The only failure there is, once it has seen so many attempts.
fn failed(bench: &Bench, attempts: u32) -> delivery::Failure {
    let failures = || delivery::failures(&bench.engine, &kith_engine::Actor::cli(), "fixture-bad").unwrap();
    bench.until("the attempt", || failures().first().is_some_and(|failure| failure.attempts == attempts));
    failures().remove(0)
}

fn begun(bench: &Bench) {
    bench.start();
    bench.until("the beginning", || bench.engine.cursor(&delivery::cursor("fixture-bad")).unwrap() > 0);
}

/// Changes what it does. The change itself wakes the reader, which may take up the settings of before for one more step: that has to end first.
fn behave(bench: &Bench, settings: Json) {
    bench.set("fixture-bad", settings);
    let read = || bench.engine.cursor(&delivery::cursor("fixture-bad")).unwrap();
    bench.until("the new settings", || read() == bench.engine.head());
}

fn over(bench: &Bench) {
    bench.until("the end", || {
        delivery::failures(&bench.engine, &kith_engine::Actor::cli(), "fixture-bad").unwrap().is_empty()
    });
}

#[test]
fn a_record_made_before_a_crash_is_made_once() {
    let clock = clock();
    let Some(bench) = Bench::with_clock("fixture-bad", "after-commit", "crash-after-write", clock.clone()) else {
        return;
    };
    begun(&bench);
    let company = bench.create("companies", json!({"name": "A"})).unwrap();
    let failure = failed(&bench, 1);
    assert_eq!((failure.about, failure.state.as_str()), (company.id, "retrying"));
    assert_eq!(failure.due_at, Some(clock.now_ms() + backoff::after(1)));
    bench.told("fixture-bad", "after-commit failed");
    assert_eq!(bench.count("notes"), 1);
    // Not before its time; then once more, and once more.
    for attempt in 2..=3 {
        clock.advance(backoff::after(attempt - 1));
        failed(&bench, attempt);
        assert_eq!(bench.count("notes"), 1, "attempt {attempt}");
    }
    behave(&bench, json!({"where": "after-commit", "behaviour": "write"}));
    clock.advance(backoff::after(3));
    over(&bench);
    assert_eq!(bench.count("notes"), 1);
    // Another event is another note.
    bench.update("companies", company.id, json!({"name": "B"})).unwrap();
    bench.until("the second note", || bench.count("notes") == 2);
}

#[test]
fn every_event_of_a_batch_that_crashed_leaves_one_record() {
    let clock = clock();
    let Some(bench) = Bench::with_clock("fixture-bad", "after-commit", "none", clock.clone()) else { return };
    begun(&bench);
    behave(&bench, json!({"where": "after-commit", "behaviour": "crash-after-write"}));
    // One transaction, so that they come together.
    let commands = (0..3).map(|n| super::creation("companies", json!({"name": format!("C{n}")})));
    bench.engine.execute(&kith_engine::Actor::cli(), commands.collect(), Default::default()).unwrap();
    let failures = || delivery::failures(&bench.engine, &kith_engine::Actor::cli(), "fixture-bad").unwrap();
    bench.until("three failures", || failures().len() == 3);
    assert_eq!(bench.count("notes"), 3);
    behave(&bench, json!({"where": "after-commit", "behaviour": "write"}));
    clock.advance(backoff::after(1));
    over(&bench);
    assert_eq!(bench.count("notes"), 3);
}

#[test]
fn a_request_sent_before_a_crash_is_sent_once() {
    let other = OtherSide::new(Manner::Says(answer("201 Created", "", "done")));
    let Some(file) = changed("fixture-bad", "[http]\n", "[http]\nprivate = true\n") else { return };
    let clock = clock();
    let bench = Bench::at(clock.clone());
    bench.install(&file);
    let doing = |what: &str| json!({"where": "after-commit", "behaviour": what, "base_url": other.origin});
    bench.set("fixture-bad", doing("crash-after-http"));
    begun(&bench);
    bench.create("companies", json!({"name": "A"})).unwrap();
    let failure = failed(&bench, 1);
    clock.advance(backoff::after(1));
    failed(&bench, 2);
    behave(&bench, doing("http-post"));
    clock.advance(backoff::after(2));
    over(&bench);
    let heard = other.heard();
    assert_eq!(heard.len(), 1, "{heard:?}");
    let key = format!("idempotency-key: {}", failure.event);
    assert!(heard[0].to_lowercase().contains(&key), "the other side can tell it apart too: {}", heard[0]);
}

#[test]
fn an_event_that_fails_twelve_times_is_given_up_until_somebody_has_it_told_again() {
    let clock = clock();
    let Some(bench) = Bench::with_clock("fixture-bad", "after-commit", "trap", clock.clone()) else { return };
    begun(&bench);
    let company = bench.create("companies", json!({"name": "A"})).unwrap();
    for attempt in 1..backoff::ATTEMPTS_MAX {
        assert_eq!(failed(&bench, attempt).state, "retrying");
        // Longer than any rest of the circuit as well.
        clock.advance(backoff::after(u32::MAX));
    }
    let dead = failed(&bench, backoff::ATTEMPTS_MAX);
    assert_eq!((dead.state.as_str(), dead.due_at, dead.about), ("open", None, company.id));
    assert!(dead.reason.contains("failed: it gave up"), "{}", dead.reason);
    bench.set("fixture-bad", json!({"where": "after-commit", "behaviour": "write"}));
    clock.advance(backoff::after(u32::MAX));
    assert_eq!(bench.count("notes"), 0, "nobody asked for it");
    delivery::replay(&bench.engine, "fixture-bad", dead.id).unwrap();
    over(&bench);
    assert_eq!(bench.count("notes"), 1);
}

#[test]
fn a_plugin_that_fails_for_a_day_is_turned_off_and_says_why() {
    let clock = clock();
    let Some(bench) = Bench::with_clock("fixture-bad", "before-save", "trap", clock.clone()) else { return };
    let hour = 3_600_000;
    let save = || bench.create("companies", json!({"name": "A"})).unwrap();
    save();
    clock.advance(23 * hour);
    bench.plugins.turn_off_hopeless();
    assert!(bench.plugins.get("fixture-bad").is_some(), "not yet");
    // One call that goes well, and the day begins anew.
    bench.set("fixture-bad", json!({"where": "before-save", "behaviour": "none"}));
    save();
    bench.set("fixture-bad", json!({"where": "before-save", "behaviour": "trap"}));
    save();
    clock.advance(23 * hour);
    save();
    bench.plugins.turn_off_hopeless();
    assert!(bench.plugins.get("fixture-bad").is_some(), "23 hours");
    clock.advance(hour);
    bench.plugins.turn_off_hopeless();
    assert!(bench.plugins.get("fixture-bad").is_none());
    let shown = bench.plugins.show("fixture-bad", &[]).unwrap();
    let said = shown["message"].as_str().unwrap();
    assert!(shown["state"] == "failed" && said.contains("before-save has failed for a day"), "{shown}");
    save();
    bench.plugins.enable(&kith_engine::Actor::cli(), "fixture-bad").unwrap();
    assert!(bench.plugins.get("fixture-bad").is_some());
}
