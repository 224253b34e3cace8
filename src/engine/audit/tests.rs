//! The audit against an engine in memory: what is in it, how it is found, who may read it.

use kith_store::Storage;
use serde_json::json;

use super::{AuditKind, AuditQuery, Read};
use crate::{
    Actor,
    auth::fixture::{Fixture, PASSWORD},
};

fn kinds(f: &Fixture, query: AuditQuery) -> Vec<String> {
    f.engine.flush_audit();
    f.engine.audit_page(&f.admin, &query).unwrap().items.into_iter().map(|line| line.kind).collect()
}

#[test]
fn changes_reads_sign_ins_and_refusals_are_one_list() {
    let f = Fixture::new();
    let zoe = f.user("zoe@example.org", "read-only");
    let deal = f.create(&f.admin, "deals", json!({ "name": "Alpha" })).unwrap();
    f.sign_in("zoe@example.org", "not the password").unwrap_err();
    f.engine.flush_audit();
    f.sign_in("zoe@example.org", PASSWORD).unwrap();
    f.engine.flush_audit();
    f.engine.audit_read(&zoe, AuditKind::Opened, "deals", Read::Records(&[deal.id]));
    f.engine.audit_read(&zoe, AuditKind::Listed, "deals", Read::Matching { filter: "name == \"Alpha\"", rows: 1 });
    f.update(&zoe, "deals", deal.id, json!({ "name": "Beta" })).unwrap_err();
    let all = kinds(&f, AuditQuery::default());
    assert_eq!(all[..5], ["refused", "listed", "opened", "signed_in", "changed"], "newest first");
    assert_eq!(all[5], "sign_in_failed");

    let of = |query: AuditQuery| kinds(&f, query);
    assert_eq!(of(AuditQuery { record: Some(deal.id), ..AuditQuery::default() }), ["refused", "opened", "changed"]);
    assert_eq!(of(AuditQuery { kind: Some("listed".into()), ..AuditQuery::default() }), ["listed"]);
    assert_eq!(
        of(AuditQuery { actor: Some(zoe.id), ..AuditQuery::default() }),
        ["refused", "listed", "opened", "signed_in"]
    );
    let about = AuditQuery { object: Some("deals".into()), ..AuditQuery::default() };
    assert_eq!(of(about), ["refused", "listed", "opened", "changed"]);
    f.clock.advance(1_000);
    let since = AuditQuery { since: Some(f.engine.now_ms()), ..AuditQuery::default() };
    assert!(of(since.clone()).is_empty());
    f.create(&f.admin, "deals", json!({ "name": "Later" })).unwrap();
    assert_eq!(of(since), ["changed"]);
}

#[test]
fn a_change_says_who_what_and_which_fields() {
    let f = Fixture::new();
    let deal = f.create(&f.admin, "deals", json!({ "name": "Alpha" })).unwrap();
    f.update(&f.admin, "deals", deal.id, json!({ "region": "EU" })).unwrap();
    let page = f.engine.audit_page(&f.admin, &AuditQuery::default()).unwrap();
    let line = &page.items[0];
    assert_eq!((line.kind.as_str(), line.object.as_deref(), line.count), ("changed", Some("deals"), 1));
    assert_eq!((line.actor.id, line.hash.len(), line.seq), (f.admin.id, 64, f.engine.head()));
    assert_eq!((line.changes[0].id, line.changes[0].fields.clone()), (deal.id, vec!["region".to_string()]));
}

#[test]
fn pages_hold_every_line_once() {
    let f = Fixture::new();
    let zoe = f.user("zoe@example.org", "member");
    for n in 0..700 {
        f.engine.audit_read(&zoe, AuditKind::Listed, "deals", Read::Matching { filter: &n.to_string(), rows: n });
        if n % 100 == 0 {
            f.engine.flush_audit();
            f.create(&f.admin, "deals", json!({ "name": "Alpha" })).unwrap();
        }
    }
    f.engine.flush_audit();
    let mut query = AuditQuery { actor: Some(zoe.id), limit: Some(33), ..AuditQuery::default() };
    let mut rows = Vec::new();
    loop {
        let page = f.engine.audit_page(&f.admin, &query).unwrap();
        assert!(page.items.len() <= 33);
        rows.extend(page.items.iter().map(|line| line.count));
        query.cursor = page.next_cursor;
        if query.cursor.is_none() {
            break;
        }
    }
    assert_eq!(rows, (0..700).rev().collect::<Vec<u64>>());
}

#[test]
fn only_administrators_read_and_verify_it_and_wrong_questions_are_refused() {
    let f = Fixture::new();
    let zoe = f.user("zoe@example.org", "member");
    for actor in [&zoe, &Actor { scopes: Some(vec!["*:write".parse().unwrap()]), ..f.admin.clone() }] {
        assert_eq!(f.engine.audit_page(actor, &AuditQuery::default()).unwrap_err().code(), "access.denied");
        assert_eq!(f.engine.audit_verify(actor, &mut |_, _| {}).unwrap_err().code(), "access.denied");
    }
    assert!(f.engine.audit_verify(&f.admin, &mut |_, _| {}).unwrap().is_clean());
    let code = |query: AuditQuery| f.engine.audit_page(&f.admin, &query).unwrap_err().code();
    assert_eq!(code(AuditQuery { kind: Some("gossip".into()), ..AuditQuery::default() }), "request.invalid");
    for cursor in ["", "x", "1", "1.x", "-1.0", "99999999999999999999.0"] {
        assert_eq!(
            code(AuditQuery { cursor: Some(cursor.into()), ..AuditQuery::default() }),
            "cursor.invalid",
            "{cursor}"
        );
    }
    let far = AuditQuery { cursor: Some(format!("{}.{}", u64::MAX, usize::MAX)), ..AuditQuery::default() };
    assert!(f.engine.audit_page(&f.admin, &far).is_ok());
}

#[test]
fn a_full_batch_is_written_at_once_and_a_closing_engine_writes_the_rest() {
    let f = Fixture::new();
    f.engine.flush_audit();
    let head = f.engine.head();
    for n in 0..256 {
        f.engine.audit_read(&f.admin, AuditKind::Listed, "deals", Read::Matching { filter: &n.to_string(), rows: 0 });
    }
    let started = std::time::Instant::now();
    while f.engine.head() == head {
        assert!(started.elapsed().as_secs() < 10, "a full batch is not written");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let storage = f.storage.clone();
    f.engine.audit_read(&f.admin, AuditKind::Searched, "", Read::Matching { filter: "words", rows: 3 });
    let head = storage.head();
    f.engine.close().unwrap();
    assert_eq!(storage.head(), head + 1);
}
