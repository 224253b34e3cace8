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
