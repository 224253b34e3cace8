//! Users, tokens and the audit.

use std::{thread::sleep, time::Duration};

use serde_json::json;

use crate::{harness::Server, id, user};

#[test]
fn the_audit_shows_changes_reads_sign_ins_and_refusals() {
    let server = Server::start();
    let admin = server.admin();
    let person = admin.make("people", json!({ "last_name": "Rossi" }));
    admin.get(&format!("/records/people/{}", id(&person))).expect(200);
    admin.get("/records/people").expect(200);
    let reader = user(&server, &admin, "reader", "read-only");
    reader.post("/records/people", &json!({ "values": { "last_name": "X" } })).refused(403, "access.denied");
    server
        .guest()
        .post("/session", &json!({ "email": "reader@example.com", "password": "wrong" }))
        .refused(401, "auth.wrong");
    // Reads are written in batches, a second apart at most.
    sleep(Duration::from_millis(2_500));
    let lines = |query: &str| admin.get(&format!("/audit?{query}")).expect(200)["items"].as_array().map_or(0, Vec::len);
    for kind in ["changed", "signed_in", "sign_in_failed", "refused", "opened", "listed"] {
        assert!(lines(&format!("kind={kind}")) > 0, "no '{kind}' in the audit");
    }
    assert!(lines(&format!("record={}&kind=opened", id(&person))) > 0);
    assert!(!admin.get("/audit?kind=changed").text().contains("Rossi"), "the audit names records, not their values");
    let page = admin.get("/audit?limit=1").expect(200);
    let cursor = page["next_cursor"].as_str().expect("a cursor");
    let next = admin.get(&format!("/audit?limit=1&cursor={cursor}")).expect(200);
    assert_ne!(page["items"][0], next["items"][0]);
    admin.get("/audit?kind=nothing").refused(400, "request.invalid");
    admin.get("/audit?cursor=nonsense").refused(400, "cursor.invalid");
    let report = admin.post("/audit/verify", &json!({})).expect(200);
    assert_eq!((&report["clean"], &report["findings"]), (&json!(true), &json!([])));
}

#[test]
fn users_are_made_with_a_role_and_a_decent_password() {
    let server = Server::start();
    let admin = server.admin();
    let new = |email: &str, role: &str, password: &str| {
        admin.post("/users", &json!({ "email": email, "name": "New", "role": role, "password": password }))
    };
    let made = new("new@example.com", "member", "a long enough secret").expect(201);
    assert_eq!(made["object"], "users");
    new("new@example.com", "member", "a long enough secret").refused(409, "record.not_unique");
    new("other@example.com", "boss", "a long enough secret").refused(422, "record.invalid");
    new("other@example.com", "member", "short").refused(422, "record.invalid");
    new("no address", "member", "a long enough secret").refused(422, "record.invalid");
    let session = server.signed_in("new@example.com", "a long enough secret");
    let path = format!("/users/{}/password", id(&made));
    session.post(&path, &json!({ "password": "yet another secret" })).refused(403, "access.denied");
    assert_eq!(admin.post(&path, &json!({ "password": "yet another secret" })).status, 204);
    session.get("/session").refused(401, "auth.required");
    server.signed_in("new@example.com", "yet another secret");
}
