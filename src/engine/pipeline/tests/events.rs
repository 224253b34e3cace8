//! Events: complete, in order, the same live and from the journal, and only what the actor may know.

use serde_json::json;

use super::bench::{Bench, admin, create, delete, user};
use crate::{ChangeKind, EventChange};

fn brief(changes: &[EventChange]) -> Vec<(String, u64, ChangeKind, Vec<String>)> {
    let one = |c: &EventChange| {
        (c.object.to_string(), c.version, c.kind, c.fields.iter().map(|f| f.to_string()).collect::<Vec<_>>())
    };
    changes.iter().map(one).collect()
}

#[test]
fn events_come_in_order_and_the_journal_tells_the_same() {
    let mut bench = Bench::new();
    let start = bench.engine.head();
    let mut live = bench.engine.subscribe();
    let made = bench.create("people", json!({ "last_name": "A" }));
    bench.update(&made, json!({ "score": 1, "first_name": "B" })).unwrap();
    bench.run(vec![create("companies", json!({ "name": "Acme" })), delete("people", made.id)]).unwrap();
    let told: Vec<_> = std::iter::from_fn(|| live.try_recv().ok()).collect();
    assert_eq!(told.iter().map(|e| e.seq).collect::<Vec<_>>(), [start + 1, start + 2, start + 3]);
    assert_eq!(
        brief(&told[1].changes),
        [("people".into(), 2, ChangeKind::Updated, vec!["first_name".into(), "score".into()])]
    );
    assert_eq!(brief(&told[2].changes)[1], ("people".into(), 3, ChangeKind::Deleted, vec![]));
    bench.reopen();
    let read = bench.engine.events_from(&admin(), start, 10).unwrap();
    assert_eq!(read.len(), 3);
    for (live, read) in told.iter().zip(&read) {
        assert_eq!((live.seq, brief(&live.changes)), (read.seq, brief(&read.changes)));
    }
    let resumed = bench.engine.events_from(&admin(), start + 1, 1).unwrap();
    assert_eq!(resumed.iter().map(|e| e.seq).collect::<Vec<_>>(), [start + 2]);
    assert!(bench.engine.events_from(&admin(), bench.engine.head(), 10).unwrap().is_empty());
}

#[test]
fn an_actor_hears_only_of_what_it_may_read() {
    let bench = Bench::new();
    let mut live = bench.engine.subscribe();
    let made = bench.create("people", json!({ "last_name": "A", "stage": "old" }));
    let hidden = bench.create("people", json!({ "last_name": "B", "stage": "new" }));
    bench.update(&made, json!({ "score": 1 })).unwrap();
    let grant = json!({ "read": { "rule": "stage == \"old\"" }, "fields": { "score": "hidden" } });
    let half = user(json!({ "objects": { "people": grant } }));
    let heard: Vec<_> =
        std::iter::from_fn(|| live.try_recv().ok()).filter_map(|e| bench.engine.visible(&half, &e)).collect();
    assert_eq!(heard.len(), 1, "neither the other record nor a change of a hidden field");
    assert!(heard[0].changes.iter().all(|c| c.id == made.id && c.id != hidden.id));
    assert!(bench.engine.visible(&user(json!({})), &heard[0]).is_none());
}

#[test]
fn a_change_of_the_schema_is_an_event_with_its_revision() {
    let bench = Bench::new();
    let mut live = bench.engine.subscribe();
    bench
        .engine
        .define_field(&admin(), "people", json!({ "key": "size", "label": "Size", "kind": "integer" }))
        .unwrap();
    let event = live.try_recv().unwrap();
    assert_eq!(event.schema, Some(bench.engine.schema_revision()));
    let heard = bench.engine.visible(&user(json!({})), &event).unwrap();
    assert!(heard.changes.is_empty() && heard.schema.is_some());
}

#[test]
fn readers_of_the_journal_go_on_where_they_were() {
    let mut bench = Bench::on_disk();
    assert_eq!(bench.engine.cursor("mail").unwrap(), 0);
    bench.engine.set_cursor("mail", 7).unwrap();
    bench.reopen();
    assert_eq!(bench.engine.cursor("mail").unwrap(), 7);
}
