//! What the journal tells about one record.

use serde_json::json;

use super::bench::{Bench, admin, delete, restore, user};
use crate::ChangeKind;

#[test]
fn each_version_says_who_when_and_what() {
    let mut bench = Bench::on_disk();
    let acme = bench.create("companies", json!({ "name": "Acme" }));
    let made = bench.create("people", json!({ "last_name": "A", "emails": ["a@example.com"] }));
    bench.clock.advance(1_000);
    bench.update(&made, json!({ "last_name": "B", "company": acme.id })).unwrap();
    bench.one(delete("people", made.id)).unwrap();
    bench.one(restore("people", made.id)).unwrap();
    bench.reopen();
    let page = bench.engine.history(&admin(), "people", made.id, None, 50).unwrap();
    let kinds: Vec<ChangeKind> = page.items.iter().map(|item| item.kind).collect();
    assert_eq!(kinds, [ChangeKind::Restored, ChangeKind::Deleted, ChangeKind::Updated, ChangeKind::Created]);
    assert_eq!(page.items.iter().map(|item| item.version).collect::<Vec<_>>(), [4, 3, 2, 1]);
    let updated = &page.items[2];
    assert_eq!((updated.actor.id, updated.cause.kind.as_str()), (admin().id, "api"));
    assert_eq!(updated.actor.name, "", "names are looked up, and this actor has no record");
    assert_eq!(updated.at - page.items[3].at, 1_000);
    let fields: Vec<&str> = updated.changes.iter().map(|c| c.field.as_str()).collect();
    assert_eq!(fields, ["last_name", "company"], "computed fields have no history of their own");
    assert_eq!((&updated.changes[0].before, &updated.changes[0].after), (&json!("A"), &json!("B")));
    assert!(page.next_seq.is_none());
}

#[test]
fn long_histories_come_in_pages_without_gaps() {
    let bench = Bench::new();
    let made = bench.create("people", json!({ "last_name": "A" }));
    let other = bench.create("people", json!({ "last_name": "B" }));
    for n in 1..=10 {
        bench.update(&made, json!({ "score": n })).unwrap();
        bench.update(&other, json!({ "score": n })).unwrap();
    }
    let (mut versions, mut before) = (Vec::new(), None);
    loop {
        let page = bench.engine.history(&admin(), "people", made.id, before, 4).unwrap();
        versions.extend(page.items.iter().map(|item| item.version));
        before = page.next_seq;
        if before.is_none() {
            break;
        }
    }
    assert_eq!(versions, (1..=11).rev().collect::<Vec<_>>());
    // A number between two versions works as well.
    let page = bench.engine.history(&admin(), "people", made.id, Some(bench.now(&made).seq + 1), 1).unwrap();
    assert_eq!(page.items[0].version, 11);
}

#[test]
fn hidden_fields_and_unreadable_records_have_no_history() {
    let bench = Bench::new();
    let made = bench.create("people", json!({ "last_name": "A", "score": 1 }));
    bench.update(&made, json!({ "score": 2 })).unwrap();
    let half = user(json!({ "objects": { "people": { "read": "all", "fields": { "score": "hidden" } } } }));
    let page = bench.engine.history(&half, "people", made.id, None, 9).unwrap();
    assert!(!serde_json::to_string(&page.items).unwrap().contains("score"));
    let none = user(json!({}));
    assert_eq!(bench.engine.history(&none, "people", made.id, None, 9).unwrap_err().code(), "record.not_found");
}

#[test]
fn erased_versions_still_say_who_and_when() {
    let bench = Bench::new();
    let made = bench.create("people", json!({ "last_name": "A" }));
    bench.update(&made, json!({ "last_name": "B" })).unwrap();
    bench.storage.erase(&[made.id], Vec::new(), 1).unwrap();
    let page = bench.engine.history(&admin(), "people", made.id, None, 9).unwrap();
    assert_eq!(page.items.iter().map(|item| (item.version, item.erased)).collect::<Vec<_>>(), [(2, true), (1, true)]);
    assert!(page.items.iter().all(|item| item.changes.is_empty()));
    // The journal moved beside the writer; it goes on.
    bench.create("people", json!({ "last_name": "C" }));
}

#[test]
fn what_an_entry_changed_can_be_taken_back() {
    let bench = Bench::new();
    let made = bench.create("people", json!({ "last_name": "A", "score": 1 }));
    let changed = bench.update(&made, json!({ "score": 2 })).unwrap();
    bench.update(&made, json!({ "last_name": "B" })).unwrap();
    let before = bench.engine.record_before(&admin(), "people", made.id, changed.seq).unwrap().unwrap();
    assert_eq!((before.version, &bench.values(&before)["score"]), (1, &json!(1)));
    assert!(bench.engine.record_before(&admin(), "people", made.id, made.seq).unwrap().is_none());
    assert!(bench.engine.record_before(&user(json!({})), "people", made.id, changed.seq).is_err());
}
