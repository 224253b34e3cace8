//! Users and their passwords.

use serde_json::json;

use crate::{harness::Server, id};

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
