//! `If-Match` and `Idempotency-Key`.

use serde_json::json;

use crate::{harness::Server, id};

#[test]
fn if_match_refuses_a_change_over_somebody_elses() {
    let server = Server::start();
    let admin = server.admin();
    let made = admin.make("people", json!({ "last_name": "Rossi" }));
    let path = format!("/records/people/{}", id(&made));
    let change = |name: &str| json!({ "values": { "last_name": name } });
    admin.ask("PATCH", &path, &[("if-match", "\"1\"")], Some(&change("Bianchi"))).expect(200);
    admin.ask("PATCH", &path, &[("if-match", "\"1\"")], Some(&change("Verdi"))).refused(412, "record.version_conflict");
    admin.ask("DELETE", &path, &[("if-match", "\"1\"")], None).refused(412, "record.version_conflict");
    admin.ask("PATCH", &path, &[("if-match", "1")], Some(&change("Verdi"))).refused(400, "request.invalid");
    assert_eq!(admin.get(&path).expect(200)["values"]["last_name"], "Bianchi");
    assert_eq!(admin.ask("DELETE", &path, &[("if-match", "\"2\"")], None).status, 204);
}

#[test]
fn the_same_key_does_the_same_thing_once_also_after_a_restart() {
    let server = Server::start();
    let admin = server.admin();
    let body = json!({ "values": { "last_name": "Once" } });
    let key = [("idempotency-key", "7f1c7a9e-once")];
    let first = admin.ask("POST", "/records/people", &key, Some(&body)).expect(201);
    let again = admin.ask("POST", "/records/people", &key, Some(&body)).expect(201);
    assert_eq!(first["id"], again["id"]);
    let other = json!({ "values": { "last_name": "Twice" } });
    admin.ask("POST", "/records/people", &key, Some(&other)).refused(422, "idempotency.mismatch");
    admin.ask("POST", "/records/people", &[("idempotency-key", " ")], Some(&body)).refused(400, "request.invalid");

    let server = Server::on(server.stop());
    let admin = server.admin();
    let after = admin.ask("POST", "/records/people", &key, Some(&body)).expect(201);
    assert_eq!(first["id"], after["id"]);
    assert_eq!(admin.get("/records/people").expect(200)["total"], 1);
}

#[test]
fn an_action_with_a_key_is_done_once_and_answered_again() {
    let server = Server::start();
    let admin = server.admin();
    let lead = admin.make("leads", json!({ "last_name": "O'Hara", "company_name": "Acme" }));
    let path = format!("/records/leads/{}/actions/convert", id(&lead));
    let key = [("idempotency-key", "convert-once")];
    let first = admin.ask("POST", &path, &key, Some(&json!({}))).expect(200);
    assert_eq!(first["record"]["object"], "deals");
    let server = Server::on(server.stop());
    let admin = server.admin();
    assert_eq!(admin.ask("POST", &path, &key, Some(&json!({}))).expect(200), first);
    admin.ask("POST", &path, &key, Some(&json!({ "create_deal": false }))).refused(422, "idempotency.mismatch");
    admin.post(&path, &json!({})).refused(422, "record.invalid");
    assert_eq!(admin.get("/records/deals").expect(200)["total"], 1);

    let ids: Vec<String> =
        (0..2).map(|at| id(&admin.make("tasks", json!({ "title": at.to_string() }))).into()).collect();
    let complete = |ids: &[String]| {
        let key = [("idempotency-key", "complete-once")];
        admin.ask("POST", "/records/tasks/actions/complete", &key, Some(&json!({ "ids": ids })))
    };
    let first = complete(&ids).expect(200);
    assert_eq!(first["records"].as_array().map(Vec::len), Some(2));
    assert_eq!(complete(&ids).expect(200), first);
    complete(&ids[..1]).refused(422, "idempotency.mismatch");
}

#[test]
fn users_and_tokens_are_made_once_per_key() {
    let server = Server::start();
    let admin = server.admin();
    let user = |email: &str, password: &str| {
        let body = json!({ "email": email, "role": "member", "password": password });
        admin.ask("POST", "/users", &[("idempotency-key", "user-once")], Some(&body))
    };
    let first = user("once@example.com", "a long enough secret").expect(201);
    assert_eq!(user("once@example.com", "a long enough secret").expect(201), first);
    // The password is not in what the key remembers; the first one holds.
    assert_eq!(user("once@example.com", "another long secret").expect(201), first);
    server.signed_in("once@example.com", "a long enough secret");
    user("twice@example.com", "a long enough secret").refused(422, "idempotency.mismatch");

    let token = |name: &str, key: &str| {
        let body = json!({ "name": name, "scopes": ["people:read"] });
        admin.ask("POST", "/tokens", &[("idempotency-key", key)], Some(&body))
    };
    let made = token("reports", "token-once").expect(201);
    let refused = token("reports", "token-once").refused(409, "idempotency.shown_once");
    let detail = refused["detail"].as_str().unwrap();
    assert!(detail.contains(id(&made["record"])) && detail.contains("new Idempotency-Key"), "{detail}");
    assert!(refused.get("token").is_none());
    token("others", "token-once").refused(422, "idempotency.mismatch");
    token("reports", "token-twice").expect(201);
    assert_eq!(admin.get("/records/tokens").expect(200)["total"], 2);
}
