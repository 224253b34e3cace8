//! Batches: all or nothing, commands that build on each other, the place of the one that fails.

use kith_base::{RecordId, limits::BATCH_OPS_MAX};
use serde_json::json;

use super::bench::{Bench, create, create_as, delete, restore, update};

#[test]
fn a_batch_with_one_bad_command_does_nothing_and_names_it() {
    let bench = Bench::new();
    let made = bench.create("people", json!({ "last_name": "A" }));
    let head = bench.storage.head();
    let error = bench
        .run(vec![
            create("people", json!({ "last_name": "B" })),
            update("people", made.id, None, json!({ "score": 7 })),
            create("people", json!({ "first_name": "nobody" })),
            delete("people", made.id),
        ])
        .unwrap_err();
    assert_eq!((error.code(), error.index()), ("record.invalid", Some(2)));
    assert_eq!(error.violations()[0].field.as_deref(), Some("last_name"));
    assert_eq!((bench.storage.head(), bench.count("people")), (head, 1));
    assert_eq!(bench.now(&made), made);
}

#[test]
fn a_batch_is_one_entry_and_answers_in_order() {
    let bench = Bench::new();
    let made = bench.create("people", json!({ "last_name": "A" }));
    let head = bench.storage.head();
    let records = bench
        .run(vec![
            update("people", made.id, None, json!({ "score": 1 })),
            create("people", json!({ "last_name": "B" })),
            update("people", made.id, None, json!({})),
            update("people", made.id, None, json!({ "first_name": "Z" })),
        ])
        .unwrap();
    assert_eq!(bench.storage.head(), head + 1);
    assert_eq!([records[0].id, records[2].id, records[3].id], [made.id; 3]);
    assert_eq!(records[3].version, 2, "two changes of one record in one batch are one version");
    let now = bench.values(&bench.now(&made));
    assert_eq!((&now["score"], &now["first_name"]), (&json!(1), &json!("Z")));
}

#[test]
fn commands_may_link_to_what_others_of_the_batch_create() {
    let bench = Bench::new();
    let acme = RecordId::generate(1);
    let person = create("people", json!({ "last_name": "A", "company": acme }));
    let records = bench.run(vec![person, create_as("companies", acme, json!({ "name": "Acme" }))]).unwrap();
    assert_eq!(records[1].id, acme);
    let gone = vec![delete("companies", acme), create("people", json!({ "last_name": "B", "company": acme }))];
    let error = bench.run(gone).unwrap_err();
    assert_eq!((error.code(), error.index()), ("record.invalid", Some(1)));
}

#[test]
fn unique_values_hold_and_can_be_handed_over_within_a_batch() {
    let bench = Bench::new();
    let error = bench
        .run(vec![
            create("people", json!({ "last_name": "A", "code": "x" })),
            create("people", json!({ "last_name": "B", "code": "X" })),
        ])
        .unwrap_err();
    assert_eq!((error.code(), error.index()), ("record.not_unique", Some(1)));
    let first = bench.create("people", json!({ "last_name": "A", "code": "x" }));
    let second = bench.create("people", json!({ "last_name": "B", "code": "y" }));
    bench
        .run(vec![
            update("people", first.id, None, json!({ "code": "y" })),
            update("people", second.id, None, json!({ "code": "x" })),
        ])
        .unwrap();
    assert_eq!(bench.values(&bench.now(&first))["code"], "y");
}

#[test]
fn a_record_made_and_deleted_in_one_batch_ends_in_the_trash() {
    let bench = Bench::new();
    let id = RecordId::generate(1);
    bench.run(vec![create_as("people", id, json!({ "last_name": "A" })), delete("people", id)]).unwrap();
    assert_eq!(bench.count("people"), 0);
    bench.one(restore("people", id)).unwrap();
    assert_eq!(bench.count("people"), 1);
}

#[test]
fn a_batch_beyond_the_limit_is_refused_and_one_at_it_is_done() {
    let bench = Bench::new();
    let batch =
        |n: usize| (0..n).map(|n| create("people", json!({ "last_name": format!("P{n}") }))).collect::<Vec<_>>();
    assert_eq!(bench.run(batch(BATCH_OPS_MAX + 1)).unwrap_err().code(), "batch.too_large");
    assert_eq!(bench.run(batch(BATCH_OPS_MAX)).unwrap().len(), BATCH_OPS_MAX);
    assert_eq!(bench.count("people"), BATCH_OPS_MAX as u64);
    assert!(bench.run(Vec::new()).unwrap().is_empty());
}
