//! Changes of callers who must not wait: done on the spot or handed back, never lost between the two.

use std::{future::Future, sync::Arc};

use serde_json::json;

use super::bench::{Bench, admin, create, update, user};
use crate::{
    CommitOptions, DomainHook, Draft, Here, HookContext, IdempotencyKey, Record, command::Command, engine::Engine,
};

fn on_threads<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build().unwrap().block_on(work)
}

/// What came of it where it was called; none: it was handed back.
async fn here(engine: &Engine, commands: Vec<Command>, options: CommitOptions) -> Option<Result<Vec<Record>, String>> {
    match engine.execute_here(&admin(), commands, options).await {
        Here::Done(outcome) => Some(outcome.map_err(|error| error.code().to_string())),
        Here::Elsewhere(..) => None,
    }
}

fn person(name: &str) -> Command {
    create("people", json!({ "last_name": name }))
}

#[test]
fn a_lone_change_is_durable_when_it_is_answered() {
    let bench = Bench::on_disk();
    let head = bench.engine.head();
    let made = on_threads(here(&bench.engine, vec![person("A")], CommitOptions::default())).unwrap().unwrap();
    assert_eq!(bench.engine.head(), head + 1);
    assert_eq!(bench.now(&made[0]).version, 1);
    assert_eq!(bench.storage.read_from(head + 1, 1).unwrap()[0].changes[0].id, made[0].id);
}

#[test]
fn of_many_tasks_that_want_one_value_one_gets_it() {
    let bench = Bench::on_disk();
    let won = on_threads(async {
        let tasks = (0..64).map(|_| {
            let engine = bench.engine.clone();
            tokio::spawn(async move {
                let wanted = vec![create("people", json!({ "last_name": "A", "code": "one" }))];
                here(&engine, wanted, CommitOptions::default()).await
            })
        });
        let mut won = 0;
        for task in tasks.collect::<Vec<_>>() {
            won += u32::from(matches!(task.await.unwrap(), Some(Ok(_))));
        }
        won
    });
    // Who was handed back did nothing, so one winner is all there may be.
    assert!(won <= 1);
    assert_eq!(bench.count("people"), u64::from(won));
}

#[test]
fn tasks_and_threads_on_one_record_all_arrive() {
    let bench = Bench::new();
    let made = bench.create("people", json!({ "last_name": "A" }));
    on_threads(async {
        let tasks = (0..40).map(|n| {
            let engine = bench.engine.clone();
            tokio::spawn(async move {
                let commands = vec![update("people", made.id, None, json!({ "score": n + 1 }))];
                match engine.execute_here(&admin(), commands, CommitOptions::default()).await {
                    Here::Done(outcome) => drop(outcome.unwrap()),
                    Here::Elsewhere(commands, options) => {
                        let patient = tokio::task::spawn_blocking(move || engine.execute(&admin(), commands, options));
                        drop(patient.await.unwrap().unwrap());
                    }
                }
            })
        });
        for task in tasks.collect::<Vec<_>>() {
            task.await.unwrap();
        }
    });
    assert_eq!(bench.now(&made).version, 41);
}

#[test]
fn a_key_that_was_used_is_handed_back_and_answered_there() {
    let bench = Bench::new();
    let options = CommitOptions { idempotency: Some(IdempotencyKey::new("k", b"request")), ..Default::default() };
    let first = bench.engine.execute(&admin(), vec![person("A")], options.clone()).unwrap();
    assert!(on_threads(here(&bench.engine, vec![person("A")], options.clone())).is_none());
    assert_eq!(bench.engine.execute(&admin(), vec![person("A")], options).unwrap()[0].id, first[0].id);
    assert_eq!(bench.count("people"), 1);
}

#[test]
fn what_may_take_long_is_handed_back_untouched() {
    struct Slow;
    impl DomainHook for Slow {
        fn object(&self) -> &str {
            "*"
        }
        fn before_save(&self, _: &HookContext<'_>, _: &mut Draft<'_>) -> Result<(), Vec<kith_model::Violation>> {
            Ok(())
        }
    }
    let bench = Bench::new();
    let head = bench.engine.head();
    let many: Vec<Command> = (0..100).map(|n| person(&n.to_string())).collect();
    assert!(on_threads(here(&bench.engine, many, CommitOptions::default())).is_none(), "many commands");
    let rename = update("users", admin().id, None, json!({ "name": "B" }));
    assert!(on_threads(here(&bench.engine, vec![rename], CommitOptions::default())).is_none(), "who administers");
    let alone = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let done = alone.block_on(here(&bench.engine, vec![person("A")], CommitOptions::default()));
    assert!(done.is_none(), "a runtime that has no other thread");
    bench.engine.add_hook(Arc::new(Slow));
    assert!(on_threads(here(&bench.engine, vec![person("A")], CommitOptions::default())).is_none(), "a late hook");
    assert_eq!((bench.engine.head(), bench.count("people")), (head, 0));
}

#[test]
fn a_refusal_is_told_and_writes_nothing() {
    let bench = Bench::new();
    let head = bench.engine.head();
    let refused = bench.engine.metrics().refused;
    let done = on_threads(bench.engine.execute_here(&user(json!({})), vec![person("A")], CommitOptions::default()));
    let Here::Done(Err(error)) = done else { panic!("it was not refused") };
    assert_eq!(error.code(), "access.denied");
    assert_eq!((bench.engine.head(), bench.engine.metrics().refused), (head, refused + 1));
    bench.engine.close().unwrap();
    let closed = on_threads(here(&bench.engine, vec![person("A")], CommitOptions::default()));
    assert_eq!(closed.unwrap().unwrap_err(), "store.closing");
}
