//! One record: made, read, changed, trashed, restored; its history and timeline.

use serde_json::json;

use crate::{harness::Server, id};

#[test]
fn a_record_goes_through_its_life() {
    let server = Server::start();
    let admin = server.admin();
    let reply = admin.post(
        "/records/people",
        &json!({ "values": { "first_name": "Zoë", "last_name": "O'Hara 🦊", "emails": ["Zoe@Example.com"] } }),
    );
    let made = reply.expect(201);
    assert_eq!(reply.header("etag"), Some("\"1\""));
    let at = format!("/api/v1/records/people/{}", id(&made));
    assert_eq!(reply.header("location"), Some(at.as_str()));
    assert_eq!((&made["object"], &made["version"]), (&json!("people"), &json!(1)));
    assert_eq!(made["values"]["name"], "Zoë O'Hara 🦊");

    let path = format!("/records/people/{}", id(&made));
    let read = admin.get(&path).expect(200);
    assert_eq!(read["title"], "Zoë O'Hara 🦊");
    assert_eq!(read["permissions"], json!({ "update": true, "delete": true }));
    assert!(read["included"][read["created_by"].as_str().expect("an id")]["title"].is_string(), "{read}");

    let changed = admin.patch(&path, &json!({ "values": { "job_title": "CTO", "first_name": null } }));
    assert_eq!(changed.header("etag"), Some("\"2\""));
    let changed = changed.expect(200);
    assert_eq!((&changed["values"]["job_title"], &changed["values"]["first_name"]), (&json!("CTO"), &json!(null)));
    assert_eq!(changed["values"]["last_name"], "O'Hara 🦊", "fields that were not sent stay");

    assert_eq!(admin.delete(&path).status, 204);
    assert_eq!(admin.get("/records/people").expect(200)["total"], 0);
    assert_eq!(admin.get("/records/people?trashed=true").expect(200)["total"], 1);
    let restored = admin.post(&format!("{path}/restore"), &json!({})).expect(200);
    assert_eq!(restored["values"]["job_title"], "CTO");
    assert_eq!(admin.get("/records/people").expect(200)["total"], 1);

    let history = admin.get(&format!("{path}/history")).expect(200);
    let kinds: Vec<&str> =
        history["items"].as_array().expect("items").iter().filter_map(|i| i["kind"].as_str()).collect();
    assert_eq!(kinds, ["restored", "deleted", "updated", "created"]);
    let update = &history["items"][2];
    assert_eq!(update["actor"]["kind"], "user");
    assert_eq!(update["cause"], "api");
    let job = update["changes"].as_array().expect("changes").iter().find(|c| c["field"] == "job_title");
    assert_eq!(job.map(|c| (&c["before"], &c["after"])), Some((&json!(null), &json!("CTO"))));

    let first = admin.get(&format!("{path}/history?limit=1")).expect(200);
    let cursor = first["next_cursor"].as_str().expect("a cursor");
    let second = admin.get(&format!("{path}/history?limit=3&cursor={cursor}")).expect(200);
    assert_eq!(second["items"][0]["kind"], "deleted");
    assert_eq!(second["next_cursor"], json!(null));
}

#[test]
fn wrong_values_are_told_field_by_field_and_nothing_is_written() {
    let server = Server::start();
    let admin = server.admin();
    let head = admin.get("/health").expect(200)["head"].clone();
    let body = json!({ "values": { "last_name": "X", "emails": ["not an address"], "birthday": "yesterday" } });
    let said = admin.post("/records/people", &body).refused(422, "record.invalid");
    let fields: Vec<&str> =
        said["errors"].as_array().expect("errors").iter().filter_map(|e| e["field"].as_str()).collect();
    assert!(fields.contains(&"emails") && fields.contains(&"birthday"), "{said}");

    let said = admin.post("/records/people", &json!({ "values": { "last_nam": "X" } })).refused(422, "record.invalid");
    assert!(said["errors"][0]["message"].as_str().is_some_and(|m| m.contains("last_name")), "{said}");
    admin
        .post("/records/people", &json!({ "values": { "name": "computed" , "last_name": "X"} }))
        .refused(422, "record.invalid");
    admin.post("/records/nothing", &json!({ "values": {} })).refused(404, "object.not_found");
    admin.get("/records/people/not-an-id").refused(404, "record.not_found");
    admin.get("/records/people/0199f2c4-5d1e-7a90-8c3b-2f6d4e8a1b07").refused(404, "record.not_found");
    let unknown = json!({ "values": { "company": "0199f2c4-5d1e-7a90-8c3b-2f6d4e8a1b07", "last_name": "X" } });
    admin.post("/records/people", &unknown).refused(422, "record.invalid");
    admin.post("/records/people", &json!({ "value": {} })).refused(400, "request.invalid");
    assert_eq!(admin.get("/records/people").expect(200)["total"], 0);
    let now = admin.get("/audit?kind=changed&limit=1").expect(200);
    assert!(now["items"][0]["seq"].as_u64() <= head.as_u64(), "a refused change left an entry: {now}");
}

#[test]
fn a_batch_is_all_or_nothing_and_names_the_operation_that_failed() {
    let server = Server::start();
    let admin = server.admin();
    let make = |name: &str| json!({ "op": "create", "values": { "last_name": name } });
    let body = admin.post("/records/people/batch", &json!({ "operations": [make("A"), make("B")] })).expect(200);
    let (a, b) = (id(&body["items"][0]).to_string(), id(&body["items"][1]).to_string());

    let bad = json!({ "operations": [
        { "op": "update", "id": a, "values": { "last_name": "changed" } },
        make("C"),
        { "op": "create", "values": { "emails": ["no address"] } },
    ] });
    let said = admin.post("/records/people/batch", &bad).refused(422, "record.invalid");
    assert_eq!(said["index"], 2);
    let page = admin.get("/records/people?sort=last_name").expect(200);
    assert_eq!(crate::column(&page, "last_name"), [json!("A"), json!("B")]);

    let good = json!({ "operations": [
        { "op": "update", "id": a, "version": 1, "values": { "last_name": "A2" } },
        { "op": "delete", "id": b },
        make("C"),
    ] });
    let done = admin.post("/records/people/batch", &good).expect(200);
    assert_eq!((&done["items"][0]["version"], &done["items"][1]), (&json!(2), &json!(null)));
    let stale = json!({ "operations": [{ "op": "update", "id": a, "version": 1, "values": { "last_name": "late" } }] });
    assert_eq!(admin.post("/records/people/batch", &stale).refused(412, "record.version_conflict")["index"], 0);
    let many = vec![make("x"); 1_001];
    admin.post("/records/people/batch", &json!({ "operations": many })).refused(413, "batch.too_large");
    let restored = json!({ "operations": [{ "op": "restore", "id": b }] });
    admin.post("/records/people/batch", &restored).expect(200);
    assert_eq!(admin.get("/records/people").expect(200)["total"], 3);
}

#[test]
fn the_timeline_merges_notes_tasks_files_and_changes() {
    let server = Server::start();
    let admin = server.admin();
    let person = admin.make("people", json!({ "last_name": "Rossi" }));
    let about = id(&person);
    for at in 0..5 {
        admin.make("notes", json!({ "body": format!("note {at}"), "about": about }));
    }
    admin.make("tasks", json!({ "title": "call back", "about": about }));
    admin.make("notes", json!({ "body": "about nobody" }));
    let path = format!("/records/people/{about}/timeline");
    let all = admin.get(&path).expect(200);
    let kinds: Vec<&str> = all["items"].as_array().expect("items").iter().filter_map(|i| i["kind"].as_str()).collect();
    assert_eq!(kinds, ["task", "note", "note", "note", "note", "note", "change"]);
    assert!(all["items"][0]["actor"]["name"].as_str().is_some_and(|name| !name.is_empty()), "{all}");
    let mut seen = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = admin.get(&format!("{path}?limit=2{cursor}")).expect(200);
        seen.extend(page["items"].as_array().expect("items").iter().map(|i| i["at"].clone()));
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={}", crate::escape(next)),
            None => break,
        }
    }
    assert_eq!(seen.len(), 7, "walking by pages shows each moment once");
    admin.get(&format!("{path}?cursor=nonsense")).refused(400, "cursor.invalid");
}
