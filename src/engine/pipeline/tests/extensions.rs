//! Hooks and actions: what the domain adds runs inside the pipeline and under its rules.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use kith_base::RecordId;
use kith_model::{Schema, Value, Violation};
use parking_lot::Mutex;
use serde_json::{Value as Json, json};

use super::bench::{Bench, admin, create, update, user};
use crate::{
    Action, ActionContext, ActionResult, DomainHook, Draft, EngineError, EngineOptions, HookContext, IdempotencyKey, Op,
};

/// Names stay trimmed of their dots, a score above 100 is refused, and nobody shares a first name.
struct Manners;

impl DomainHook for Manners {
    fn object(&self) -> &str {
        "people"
    }

    fn before_save(&self, context: &HookContext<'_>, draft: &mut Draft<'_>) -> Result<(), Vec<Violation>> {
        if let Some(name) = draft.text("last_name").map(|name| name.trim_end_matches('.').to_string()) {
            draft.set("last_name", Value::Text(name));
        }
        if matches!(draft.get("score"), Value::Int(101..)) {
            return Err(vec![Violation::new("score", "too_high", "at most 100")]);
        }
        let twins = draft.text("code").map_or_else(Vec::new, |code| context.records.find_by("people", "code", code));
        if draft.is_new() && !twins.is_empty() {
            return Err(vec![Violation::new("code", "twin", "somebody has it")]);
        }
        Ok(())
    }
}

/// Raises the score by what is asked.
struct Raise;

impl Action for Raise {
    fn name(&self) -> &str {
        "raise"
    }

    fn object(&self) -> &str {
        "people"
    }

    fn label(&self) -> &str {
        "Raise"
    }

    fn icon(&self) -> &str {
        "arrow-up"
    }

    fn input(&self, _: &Schema) -> Json {
        json!({ "type": "object", "properties": { "by": { "type": "integer", "minimum": 1 } }, "required": ["by"] })
    }

    fn permission(&self) -> Op {
        Op::Update
    }

    fn when(&self) -> Option<&str> {
        Some("score < 50")
    }

    fn run(&self, context: &ActionContext<'_>, ids: &[RecordId], input: Json) -> Result<ActionResult, EngineError> {
        let by = input["by"].as_i64().unwrap_or(0);
        let raised = |id: &RecordId| {
            let record = context.engine.get(context.actor, "people", *id)?;
            let Value::Int(score) = record.values.get(6) else { return Err(EngineError::Request("no score".into())) };
            Ok(update("people", *id, None, json!({ "score": score + by })))
        };
        let commands = ids.iter().map(raised).collect::<Result<Vec<_>, _>>()?;
        context.commit(commands).map(ActionResult::of)
    }
}

/// Changes no record: what it does is elsewhere, here a count, and takes its time.
#[derive(Default)]
struct Calls {
    begun: AtomicUsize,
    /// Held by a test, calls do not come to their end.
    gate: Mutex<()>,
    /// What the next ones come to, if not to a good end.
    ends: Mutex<Vec<End>>,
}

enum End {
    Refused,
    Panic,
}

struct Call(Arc<Calls>);

impl Action for Call {
    fn name(&self) -> &str {
        "call"
    }

    fn object(&self) -> &str {
        "people"
    }

    fn label(&self) -> &str {
        "Call"
    }

    fn icon(&self) -> &str {
        "phone"
    }

    fn input(&self, _: &Schema) -> Json {
        json!({ "type": "object", "properties": {} })
    }

    fn permission(&self) -> Op {
        Op::Read
    }

    fn run(&self, _: &ActionContext<'_>, _: &[RecordId], _: Json) -> Result<ActionResult, EngineError> {
        self.0.begun.fetch_add(1, Ordering::SeqCst);
        // Not for ever: a test that goes wrong ends.
        drop(self.0.gate.try_lock_for(Duration::from_secs(60)));
        match self.0.ends.lock().pop() {
            None => {}
            Some(End::Refused) => return Err(EngineError::Request("not now".into())),
            Some(End::Panic) => panic!("an action that panics, as a test asked for"),
        }
        Ok(ActionResult { message: Some("called".into()), ..ActionResult::default() })
    }
}

fn bench() -> Bench {
    bench_counting(&Arc::default())
}

fn bench_counting(calls: &Arc<Calls>) -> Bench {
    Bench::with(EngineOptions {
        hooks: vec![Arc::new(Manners)],
        actions: vec![Arc::new(Raise), Arc::new(Call(calls.clone()))],
        ..EngineOptions::default()
    })
}

#[test]
fn a_hook_amends_and_refuses_and_sees_the_transaction() {
    let bench = bench();
    let made = bench.create("people", json!({ "last_name": "Zoë...", "code": "x" }));
    assert_eq!(bench.values(&made)["name"], "Zoë");
    let head = bench.storage.head();
    let error = bench.update(&made, json!({ "score": 101 })).unwrap_err();
    assert_eq!((error.code(), error.violations()[0].code.as_str()), ("record.invalid", "too_high"));
    let twins = vec![
        create("people", json!({ "last_name": "A", "code": "y" })),
        create("people", json!({ "last_name": "B", "code": "y" })),
    ];
    let error = bench.run(twins).unwrap_err();
    assert_eq!((error.index(), error.violations()[0].code.as_str()), (Some(1), "twin"));
    assert_eq!(bench.storage.head(), head);
}

#[test]
fn a_late_hook_runs_after_the_others() {
    struct Last;
    impl DomainHook for Last {
        fn object(&self) -> &str {
            "*"
        }
        fn before_save(&self, _: &HookContext<'_>, draft: &mut Draft<'_>) -> Result<(), Vec<Violation>> {
            let name = draft.text("last_name").unwrap_or_default().to_uppercase();
            draft.set("last_name", Value::Text(name));
            Ok(())
        }
    }
    let bench = bench();
    bench.engine.add_hook(Arc::new(Last));
    assert_eq!(bench.values(&bench.create("people", json!({ "last_name": "Bo." })))["last_name"], "BO");
}

#[test]
fn an_action_runs_only_with_fitting_input_permission_and_condition() {
    let bench = bench();
    let low = bench.create("people", json!({ "last_name": "A", "score": 10 }));
    let high = bench.create("people", json!({ "last_name": "B", "score": 60 }));
    let run = |actor: &crate::Actor, ids: &[RecordId], action: &str, input: Json| {
        let head = bench.storage.head();
        let outcome = bench.engine.run_action(actor, "people", ids, action, input);
        assert!(outcome.is_ok() || bench.storage.head() == head, "a refused action leaves no trace");
        outcome.map_err(|error| (error.code(), error.index()))
    };
    let admin = admin();
    assert_eq!(run(&admin, &[low.id], "lower", json!({})).unwrap_err().0, "action.not_found");
    assert_eq!(run(&admin, &[low.id], "raise", json!({})).unwrap_err().0, "record.invalid");
    assert_eq!(run(&admin, &[low.id], "raise", json!({ "by": "much" })).unwrap_err().0, "record.invalid");
    assert_eq!(run(&admin, &[low.id, high.id], "raise", json!({ "by": 1 })).unwrap_err(), ("record.invalid", Some(1)));
    assert_eq!(run(&admin, &[RecordId([9; 16])], "raise", json!({ "by": 1 })).unwrap_err().0, "record.not_found");
    let reader = user(json!({ "default": { "read": "all" } }));
    assert_eq!(run(&reader, &[low.id], "raise", json!({ "by": 1 })).unwrap_err().0, "access.denied");
    assert_eq!(run(&reader, &[], "raise", json!({ "by": 1 })).unwrap_err().0, "access.denied");
    let done = run(&admin, &[low.id], "raise", json!({ "by": 5 })).unwrap();
    assert_eq!(bench.values(&done.records[0])["score"], 15);
}

#[test]
fn actions_show_in_the_schema_of_those_who_may_run_them() {
    let bench = bench();
    let view = bench.engine.object_view(&admin(), "people").unwrap();
    let shown: Vec<_> = view.actions.iter().map(|a| (a.name.as_str(), a.when.as_deref())).collect();
    assert_eq!(shown, [("call", None), ("raise", Some("score < 50"))]);
    let reader = user(json!({ "default": { "read": "all" } }));
    let view = bench.engine.object_view(&reader, "people").unwrap();
    assert_eq!(view.actions.iter().map(|a| a.name.as_str()).collect::<Vec<_>>(), ["call"]);
}

#[test]
fn an_action_with_a_key_is_done_once() {
    let calls = Arc::<Calls>::default();
    let bench = bench_counting(&calls);
    let made = bench.create("people", json!({ "last_name": "A", "score": 40 }));
    let run = |action: &str, key: &str, input: Json| {
        let key = Some(IdempotencyKey::new(key, format!("{action} {input}").as_bytes()));
        bench.engine.run_action_once(&admin(), "people", &[made.id], action, input, key)
    };
    let first = run("raise", "k", json!({ "by": 20 })).unwrap();
    assert_eq!(run("raise", "other", json!({ "by": 20 })).unwrap_err().code(), "record.invalid", "60 is not below 50");
    let again = run("raise", "k", json!({ "by": 20 })).unwrap();
    assert_eq!((again.record, again.records), (first.record, first.records));
    assert_eq!(run("raise", "k", json!({ "by": 1 })).unwrap_err().code(), "idempotency.mismatch");
    let now = bench.engine.get(&admin(), "people", made.id).unwrap();
    assert_eq!((now.version, bench.values(&now)["score"].clone()), (2, json!(60)));

    assert_eq!(run("call", "c", json!({})).unwrap().message.as_deref(), Some("called"));
    let again = run("call", "c", json!({})).unwrap();
    assert!(again.record.is_none() && again.records.is_empty());
    run("call", "d", json!({})).unwrap();
    assert_eq!(calls.begun.load(Ordering::SeqCst), 2);
}

#[test]
fn the_key_of_a_refused_action_may_be_used_again() {
    let bench = bench();
    let made = bench.create("people", json!({ "last_name": "A", "score": 60 }));
    let run = || {
        let key = Some(IdempotencyKey::new("k", b"raise"));
        bench.engine.run_action_once(&admin(), "people", &[made.id], "raise", json!({ "by": 5 }), key)
    };
    assert_eq!(run().unwrap_err().code(), "record.invalid");
    bench.update(&made, json!({ "score": 10 })).unwrap();
    assert_eq!(bench.values(&run().unwrap().records[0])["score"], 15);
}

/// The same action with one key, by several at once. The first cannot end before a request that must not wait was answered.
fn at_once(calls: &Arc<Calls>, callers: usize) -> Vec<Result<ActionResult, String>> {
    let bench = bench_counting(calls);
    let made = bench.create("people", json!({ "last_name": "A" }));
    let call = |request: &str| {
        let key = Some(IdempotencyKey::new("k", request.as_bytes()));
        bench.engine.run_action_once(&admin(), "people", &[made.id], "call", json!({}), key)
    };
    std::thread::scope(|scope| {
        let gate = calls.gate.lock();
        let threads: Vec<_> = (0..callers)
            .map(|_| scope.spawn(|| catch_unwind(AssertUnwindSafe(|| call("r").map_err(|e| e.code().to_string())))))
            .collect();
        while calls.begun.load(Ordering::SeqCst) == 0 {
            std::thread::yield_now();
        }
        assert_eq!(call("another").unwrap_err().code(), "idempotency.mismatch", "said at once, without waiting");
        drop(gate);
        let ended = threads.into_iter().map(|thread| thread.join().unwrap().unwrap_or_else(|_| Err("panic".into())));
        ended.collect()
    })
}

#[test]
fn an_action_asked_for_several_times_at_once_with_one_key_is_done_once() {
    let calls = Arc::<Calls>::default();
    let ended = at_once(&calls, 16);
    assert_eq!(calls.begun.load(Ordering::SeqCst), 1);
    let said = |message: Option<&str>| {
        ended.iter().filter(|outcome| outcome.as_ref().is_ok_and(|r| r.message.as_deref() == message)).count()
    };
    assert_eq!((said(Some("called")), said(None)), (1, 15), "{ended:?}");
}

#[test]
fn a_key_is_let_go_when_its_action_is_refused_or_panics() {
    for (end, said) in [(End::Refused, "request.invalid"), (End::Panic, "panic")] {
        let calls = Arc::<Calls>::default();
        calls.ends.lock().push(end);
        let ended = at_once(&calls, 8);
        let failed: Vec<_> = ended.iter().filter_map(|outcome| outcome.as_ref().err()).collect();
        assert_eq!(failed, [said], "the one that began; another of those who waited did it");
        assert_eq!(calls.begun.load(Ordering::SeqCst), 2);
    }
}
