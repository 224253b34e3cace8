//! A request repeated with its key is answered, not done again.

use serde_json::json;

use super::bench::{Bench, admin, create, update, user};
use crate::{CommitOptions, EngineError, IdempotencyKey, Record};

fn keyed(bench: &Bench, key: &str, request: &str, commands: Vec<crate::Command>) -> Result<Vec<Record>, EngineError> {
    let key = Some(IdempotencyKey::new(key, request.as_bytes()));
    bench.engine.execute(&admin(), commands, CommitOptions { idempotency: key, ..CommitOptions::default() })
}

#[test]
fn a_repeated_request_gets_the_first_answer() {
    let bench = Bench::new();
    let make =
        || keyed(&bench, "k1", "POST people A", vec![create("people", json!({ "last_name": "A", "code": "x" }))]);
    let first = make().unwrap();
    bench.update(&first[0], json!({ "last_name": "Changed since" })).unwrap();
    let again = make().unwrap();
    assert_eq!(again, first, "as it was answered then");
    assert_eq!(bench.count("people"), 1);
    keyed(&bench, "k2", "POST people A", vec![create("people", json!({ "last_name": "A" }))]).unwrap();
    assert_eq!(bench.count("people"), 2);
}

#[test]
fn the_same_key_for_another_request_is_refused() {
    let bench = Bench::new();
    keyed(&bench, "k", "one", vec![create("people", json!({ "last_name": "A" }))]).unwrap();
    let error = keyed(&bench, "k", "two", vec![create("people", json!({ "last_name": "B" }))]).unwrap_err();
    assert_eq!((error.code(), bench.count("people")), ("idempotency.mismatch", 1));
    // Another actor's keys are another actor's.
    let other = user(json!({ "default": { "create": true, "read": "all" } }));
    let other = crate::Actor { id: kith_base::RecordId([5; 16]), ..other };
    let options = CommitOptions { idempotency: Some(IdempotencyKey::new("k", b"two")), ..CommitOptions::default() };
    bench.engine.execute(&other, vec![create("people", json!({ "last_name": "B" }))], options).unwrap();
}

#[test]
fn a_refused_request_may_be_repeated_once_it_is_right() {
    let bench = Bench::new();
    let taken = bench.create("people", json!({ "last_name": "A", "code": "x" }));
    let make = || keyed(&bench, "k", "r", vec![create("people", json!({ "last_name": "B", "code": "x" }))]);
    assert_eq!(make().unwrap_err().code(), "record.not_unique");
    bench.update(&taken, json!({ "code": "y" })).unwrap();
    make().unwrap();
    assert_eq!(bench.count("people"), 2);
}

#[test]
fn keys_survive_a_restart_and_are_forgotten_after_a_day() {
    for disk in [false, true] {
        let mut bench = if disk { Bench::on_disk() } else { Bench::new() };
        let made = bench.create("people", json!({ "last_name": "Z" }));
        let commands = || {
            vec![
                create("people", json!({ "last_name": "A" })),
                update("people", made.id, None, json!({ "score": 1 })),
                update("people", made.id, None, json!({ "score": 1 })),
            ]
        };
        let first = keyed(&bench, "k", "r", commands()).unwrap();
        bench.reopen();
        let again = keyed(&bench, "k", "r", commands()).unwrap();
        assert_eq!(
            again.iter().map(|r| (r.id, r.version)).collect::<Vec<_>>(),
            first.iter().map(|r| (r.id, r.version)).collect::<Vec<_>>()
        );
        assert_eq!(bench.count("people"), 2);
        bench.clock.advance(25 * 3_600_000);
        bench.reopen();
        keyed(&bench, "k", "r", commands()).unwrap();
        assert_eq!(bench.count("people"), 3);
    }
}

#[test]
fn repeats_at_the_same_moment_are_done_once() {
    let bench = Bench::new();
    let made: Vec<Record> = std::thread::scope(|scope| {
        let run = || keyed(&bench, "k", "r", vec![create("people", json!({ "last_name": "A" }))]).unwrap().remove(0);
        let threads: Vec<_> = (0..16).map(|_| scope.spawn(run)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(made.iter().all(|record| record.id == made[0].id));
    assert_eq!(bench.count("people"), 1);
}

#[test]
fn an_empty_or_endless_key_is_refused() {
    let bench = Bench::new();
    for key in ["", &"k".repeat(201)] {
        let error = keyed(&bench, key, "r", vec![create("people", json!({ "last_name": "A" }))]).unwrap_err();
        assert_eq!(error.code(), "request.invalid");
    }
}
