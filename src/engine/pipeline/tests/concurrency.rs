//! Many threads at once: uniqueness, versions and merging hold, and nobody starves.

use std::{collections::HashSet, thread};

use serde_json::{Value as Json, json};

use super::bench::{Bench, create, delete, update};

const THREADS: usize = 16;

#[test]
fn of_sixteen_threads_that_want_one_value_one_gets_it() {
    let bench = Bench::new();
    for round in 0..20 {
        let won = race(&bench, |bench, _| {
            bench.one(create("people", json!({ "last_name": "A", "code": format!("c{round}") }))).is_ok()
        });
        assert_eq!(won.iter().filter(|won| **won).count(), 1);
    }
    assert_eq!(bench.count("people"), 20);
}

#[test]
fn of_sixteen_updates_against_one_version_one_wins() {
    let bench = Bench::new();
    let made = bench.create("people", json!({ "last_name": "A" }));
    let won = race(&bench, |bench, n| bench.one(update("people", made.id, Some(1), json!({ "score": n }))).is_ok());
    assert_eq!(won.iter().filter(|won| **won).count(), 1);
    assert_eq!(bench.now(&made).version, 2);
}

#[test]
fn updates_without_a_version_all_arrive_and_merge() {
    let bench = Bench::new();
    for n in 0..THREADS {
        let field = json!({ "key": format!("n{n}"), "label": "N", "kind": "integer" });
        bench.engine.define_field(&super::bench::admin(), "people", field).unwrap();
    }
    let made = bench.create("people", json!({ "last_name": "A" }));
    race(&bench, |bench, n| {
        for value in 1..=10 {
            let mut change = serde_json::Map::new();
            change.insert(format!("n{n}"), json!(value));
            bench.one(update("people", made.id, None, Json::Object(change))).unwrap();
        }
    });
    let now = bench.now(&made);
    assert_eq!(now.version, 1 + 10 * THREADS as u64);
    assert!((0..THREADS).all(|n| bench.values(&now)[format!("n{n}")] == 10));
}

#[test]
fn numbers_are_given_once_under_concurrency() {
    let bench = Bench::new();
    let numbers = race(&bench, |bench, _| {
        let number = || bench.values(&bench.create("people", json!({ "last_name": "A" })))["number"].as_i64().unwrap();
        (0..25).map(|_| number()).collect::<Vec<_>>()
    });
    let given: HashSet<i64> = numbers.into_iter().flatten().collect();
    assert_eq!(given, (1..=25 * THREADS as i64).collect());
}

#[test]
fn no_link_to_a_record_that_goes_to_the_trash_slips_through() {
    let bench = Bench::new();
    for _ in 0..20 {
        let acme = bench.create("companies", json!({ "name": "Acme" }));
        race(&bench, |bench, n| {
            if n == 0 {
                bench.one(delete("companies", acme.id)).unwrap();
            } else if let Ok(person) = bench.one(create("people", json!({ "last_name": "A", "company": acme.id }))) {
                let trashed_seq = bench.engine.core().image.get(acme.id).filter(|r| r.trashed).map(|r| r.seq);
                assert!(trashed_seq.is_none_or(|seq| person.seq < seq));
            }
        });
    }
}

/// Runs the same on all threads and collects what each gave.
fn race<T: Send>(bench: &Bench, run: impl Fn(&Bench, usize) -> T + Sync) -> Vec<T> {
    thread::scope(|scope| {
        let threads: Vec<_> =
            (0..THREADS).map(|n| (n, &run)).map(|(n, run)| scope.spawn(move || run(bench, n))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}
