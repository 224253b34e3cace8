//! A call that failed, or that somebody wanted to see, can be played again against the same file and against a changed one.

use kith_engine::{Actor, erase::EraseRequest};
use serde_json::{Value as Json, json};

use super::{Bench, fixture};
use crate::{
    delivery,
    trace::{Outcome, Trace, replay},
};

impl Bench {
    /// All traces of a plugin, once there are so many.
    fn traces(&self, plugin: &str, count: usize) -> Vec<Trace> {
        let listed = || self.plugins.traces(plugin).unwrap()["items"].as_array().unwrap().clone();
        self.until("the traces", || listed().len() >= count);
        let read = |line: Json| {
            let id = line["id"].as_str().unwrap().parse().unwrap();
            serde_json::from_value(self.plugins.trace(&Actor::cli(), plugin, id).unwrap()).unwrap()
        };
        listed().into_iter().map(read).collect()
    }
}

#[test]
fn a_failure_leaves_a_trace_that_fails_again() {
    let Some(bench) = Bench::with("fixture-bad", json!({"where": "action", "behaviour": "trap"})) else { return };
    let company = bench.create("companies", json!({"name": "A"})).unwrap();
    bench.act("companies", company.id, "fixture_bad__act").unwrap_err();
    let trace = bench.traces("fixture-bad", 1).remove(0);
    assert_eq!((trace.export.as_str(), trace.name.as_str(), trace.attempt), ("actions.run", "act", 1));
    assert!(matches!(&trace.outcome, Outcome::Failure(said) if said.contains("failed")), "{:?}", trace.outcome);
    let calls = bench.plugins.calls("fixture-bad").unwrap()["items"].as_array().unwrap().clone();
    assert!(calls.iter().any(|call| call["trace"] == json!(trace.id)), "{calls:?}");
    let file = fixture("fixture-bad").unwrap();
    assert_eq!(replay(&file, trace.clone()).unwrap().difference, None);

    let mut fixed = trace;
    fixed.outcome = Outcome::Answer(None);
    let difference = replay(&file, fixed).unwrap().difference.unwrap();
    assert!(difference.now.contains("failed"), "{difference}");
}

#[test]
fn limits_are_met_again_without_a_clock() {
    // What meets another limit than the one on time does so in an action, which has time enough on a busy machine.
    let cases = [
        ("before-save", "endless-loop"),
        ("action", "memory-bomb"),
        ("action", "host-call-flood"),
        ("action", "stack-overflow"),
    ];
    for (place, behaviour) in cases {
        let Some(bench) = Bench::with("fixture-bad", json!({"where": place, "behaviour": behaviour})) else {
            return;
        };
        let company = bench.create("companies", json!({"name": "A"})).unwrap();
        if place == "action" {
            bench.act("companies", company.id, "fixture_bad__act").unwrap_err();
        }
        let trace = bench.traces("fixture-bad", 1).remove(0);
        let replayed = replay(&fixture("fixture-bad").unwrap(), trace).unwrap();
        assert_eq!(replayed.difference, None, "{behaviour}");
    }
}

#[test]
fn other_calls_leave_a_trace_when_asked_and_the_first_difference_is_named() {
    let Some(bench) = Bench::with("fixture-good", json!({})) else { return };
    let person = bench.create("people", json!({"first_name": "Ada", "last_name": "L"})).unwrap();
    assert_eq!(bench.plugins.traces("fixture-good").unwrap()["items"], json!([]), "nobody asked");
    bench.plugins.trace_next("fixture-good", 2).unwrap();
    for _ in 0..2 {
        bench.act("people", person.id, "fixture_good__greet").unwrap();
    }
    // What the action writes is the plugin's own to have a say in, which ends before the action does.
    let traces = bench.traces("fixture-good", 2);
    let mut exports: Vec<&str> = traces.iter().map(|trace| trace.export.as_str()).collect();
    exports.sort_unstable();
    assert_eq!(exports, ["actions.run", "before-save.check"]);
    let trace = traces.iter().find(|trace| trace.name == "greet").unwrap().clone();
    let file = fixture("fixture-good").unwrap();
    let replayed = replay(&file, trace.clone()).unwrap();
    assert_eq!((replayed.difference, replayed.host_calls), (None, trace.host.len()));
    assert!(replayed.host_calls >= 2 && replayed.fuel > 0, "it read and wrote");

    // What another version would have asked, or been told.
    let mut asked = trace.clone();
    asked.host[0].input = json!(["people", [], []]);
    let difference = replay(&file, asked).unwrap().difference.unwrap();
    assert!(difference.place.starts_with("host call 1 (records.get), input[1]"), "{difference}");
    let mut more = trace.clone();
    more.host.pop();
    assert!(replay(&file, more).unwrap().difference.unwrap().then.contains("no such call"));
    let mut told = trace.clone();
    told.outcome = Outcome::Answer(Some(json!({"Ok": {"Done": "{}"}})));
    assert_eq!(replay(&file, told).unwrap().difference.unwrap().place, "the answer.Ok.Done");
    let other = fixture("fixture-pong").unwrap();
    assert!(replay(&other, trace).unwrap_err().to_string().contains("fixture-pong"));
}

#[test]
fn every_capability_plays_again() {
    let Some(bench) = Bench::with("fixture-good", json!({})) else { return };
    bench.start();
    bench.until("the beginning", || bench.engine.cursor(&delivery::cursor("fixture-good")).unwrap() > 0);
    bench.plugins.trace_next("fixture-good", 20).unwrap();
    let person = bench.create("people", json!({"first_name": "ada", "last_name": "L", "emails": ["a@b.example"]}));
    let person = person.unwrap();
    bench.until("the event", || bench.kept("fixture-good", "heard:created").is_some());
    bench.act("people", person.id, "fixture_good__attach").unwrap();
    bench.plugins.health("fixture-good").unwrap();
    let traces = bench.traces("fixture-good", 5);
    let exports: Vec<&str> = traces.iter().map(|trace| trace.export.as_str()).collect();
    for export in ["before-save.check", "computed.compute", "after-commit.handle", "actions.run", "lifecycle.health"] {
        assert!(exports.contains(&export), "{export}: {exports:?}");
    }
    let file = fixture("fixture-good").unwrap();
    for trace in traces {
        let export = trace.export.clone();
        assert_eq!(replay(&file, trace).unwrap().difference, None, "{export}");
    }
}

#[test]
fn no_secret_is_in_a_trace() {
    let Some(bench) = Bench::with("fixture-good", json!({})) else { return };
    let person = bench.create("people", json!({"last_name": "L"})).unwrap();
    let secret = kith_base::Secret::new("open sesame".to_string());
    bench.plugins.set_secret(&Actor::cli(), "fixture-good", "open", Some(&secret)).unwrap();
    bench.plugins.trace_next("fixture-good", 1).unwrap();
    bench.act("people", person.id, "fixture_good__reveal").unwrap();
    let trace = bench.traces("fixture-good", 1).remove(0);
    let text = serde_json::to_string(&trace).unwrap();
    assert!(text.contains("secrets.reveal") && text.contains("{{secret:open}}"), "{text}");
    assert!(!text.contains("sesame"), "{text}");
}

#[test]
fn traces_go_with_the_person_in_them_and_with_the_plugin() {
    let Some(bench) = Bench::with("fixture-good", json!({})) else { return };
    bench.plugins.trace_next("fixture-good", 2).unwrap();
    let person = bench.create("people", json!({"first_name": "Zoë", "last_name": "Quicksilver"})).unwrap();
    let traces = bench.traces("fixture-good", 2);
    assert!(serde_json::to_string(&traces).unwrap().contains("Quicksilver"));
    let request = EraseRequest { object: "people".into(), ids: vec![person.id], ..EraseRequest::default() };
    let plan = bench.engine.erase_plan(&Actor::cli(), &request).unwrap();
    assert_eq!(plan.kept_files, 2);
    bench.plugins.remove(&Actor::cli(), "fixture-good", true).unwrap();
    let plan = bench.engine.erase_plan(&Actor::cli(), &request).unwrap();
    assert_eq!(plan.kept_files, 0, "gone with the plugin");
}
