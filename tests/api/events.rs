//! Live changes.

use serde_json::json;

use crate::{harness::Server, id, user_with_role};

#[test]
fn a_change_is_told_live_and_again_to_whom_missed_it() {
    let server = Server::start();
    let admin = server.admin();
    let mut events = admin.events(None);
    assert_eq!(events.status, 200);
    assert!(events.headers.iter().any(|(name, value)| name == "content-type" && value == "text/event-stream"));
    let ready = events.expect("ready");
    let person = admin.make("people", json!({ "last_name": "Live" }));
    let told = events.expect("change");
    assert_eq!(told.data["changes"][0]["id"], person["id"]);
    assert_eq!(told.data["changes"][0]["kind"], "created");
    assert_eq!(told.data["changes"][0]["object"], "people");
    assert_eq!(told.data["actor"]["kind"], "user");
    assert_eq!(told.id, told.data["seq"].as_u64());
    drop(events);

    let path = format!("/records/people/{}", id(&person));
    admin.patch(&path, &json!({ "values": { "last_name": "Later" } })).expect(200);
    let mut events = admin.events(told.id);
    let missed = events.expect("change");
    assert_eq!(
        (&missed.data["changes"][0]["version"], &missed.data["changes"][0]["fields"]),
        (&json!(2), &json!(["last_name"]))
    );
    let mut all = admin.events(ready.id);
    assert_eq!(all.expect("change").id, told.id, "in order, from the first that was missed");
    assert_eq!(all.expect("change").id, missed.id);

    let server = Server::on(server.stop());
    let mut events = server.admin().events(told.id);
    assert_eq!(events.expect("change").id, missed.id, "the journal remembers across restarts");
}

#[test]
fn nobody_hears_of_what_they_may_not_read() {
    let server = Server::start();
    let admin = server.admin();
    let role = json!({ "grants": { "objects": { "companies": { "create": false, "read": "all", "update": "none", "delete": "none", "export": "none" } } } });
    let clerk = user_with_role(&server, &admin, "clerk", role);
    let mut events = clerk.events(None);
    events.expect("ready");
    admin.make("people", json!({ "last_name": "Unheard" }));
    let company = admin.make("companies", json!({ "name": "Heard" }));
    let told = events.expect("change");
    assert_eq!(told.data["changes"].as_array().map(Vec::len), Some(1));
    assert_eq!(told.data["changes"][0]["id"], company["id"]);
}

#[test]
fn a_stream_ends_with_its_session() {
    let server = Server::start();
    let admin = server.admin();
    server.guest().get("/events").refused(401, "auth.required");
    let mut events = admin.events(None);
    events.expect("ready");
    assert_eq!(admin.delete("/session").status, 204);
    while let Some(event) = events.next() {
        assert_ne!(event.kind, "nothing more is told");
    }
    let other = server.admin();
    other.ask("GET", "/events", &[("last-event-id", "soon")], None).refused(400, "request.invalid");
}

#[test]
fn a_change_of_the_schema_is_told() {
    let server = Server::start();
    let admin = server.admin();
    let mut events = admin.events(None);
    events.expect("ready");
    admin
        .post("/objects/people/fields", &json!({ "key": "shoe_size", "label": "Shoe size", "kind": "integer" }))
        .expect(201);
    let told = events.expect("schema");
    assert_eq!(told.data["revision"], admin.get("/objects").expect(200)["revision"]);
}
