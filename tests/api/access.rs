//! Roles, fields and scopes, as they show through every door of the API.

use std::{thread::sleep, time::Duration};

use serde_json::{Value as Json, json};

use crate::{escape, harness::Server, id, token, user, user_with_role};

/// May do everything with people, but must not see their birthday and may only read their job.
fn clerk() -> Json {
    json!({ "grants": { "objects": { "people": {
        "create": true, "read": "all", "update": "all", "delete": "all", "export": "all",
        "fields": { "birthday": "hidden", "job_title": "read" },
    } } } })
}

#[test]
fn a_hidden_field_is_nowhere() {
    let server = Server::start();
    let admin = server.admin();
    let values = json!({ "last_name": "Rossi", "birthday": "1984-05-06", "job_title": "CTO", "description": "quiet" });
    let person = admin.make("people", values);
    let path = format!("/records/people/{}", id(&person));
    admin.patch(&path, &json!({ "values": { "birthday": "1985-05-06" } })).expect(200);
    let clerk = user_with_role(&server, &admin, "clerk", clerk());

    let object = clerk.get("/objects/people").expect(200);
    assert!(object["fields"].as_array().expect("fields").iter().all(|field| field["key"] != "birthday"));
    assert!(clerk.get(&path).expect(200)["values"].get("birthday").is_none());
    let page = clerk.get("/records/people").expect(200);
    assert!(page["items"][0]["values"].get("birthday").is_none());
    let filter = escape("birthday != null");
    clerk.get(&format!("/records/people?filter={filter}")).refused(400, "filter.invalid");
    clerk.get("/records/people?sort=birthday").refused(400, "field.not_found");
    clerk.get("/records/people?fields=birthday").refused(400, "field.not_found");
    clerk.get("/records/people/groups?by=birthday").refused(400, "field.not_found");
    let history = clerk.get(&format!("{path}/history")).expect(200).to_string();
    assert!(!history.contains("birthday") && !history.contains("1985"), "{history}");
    let timeline = clerk.get(&format!("{path}/timeline")).expect(200).to_string();
    assert!(!timeline.contains("birthday") && !timeline.contains("1985"), "{timeline}");
    assert!(!clerk.get("/exports/people?format=jsonl").text().contains("1985"));
    assert!(!clerk.get("/openapi.json").text().contains("birthday"));
    let refused = clerk.patch(&path, &json!({ "values": { "birthday": "1990-01-01" } }));
    assert!(refused.status >= 400, "{}", refused.text());

    clerk.patch(&path, &json!({ "values": { "job_title": "CEO" } })).refused(403, "access.denied");
    clerk.patch(&path, &json!({ "values": { "last_name": "Bianchi" } })).expect(200);
    assert_eq!(admin.get(&path).expect(200)["values"]["birthday"], "1985-05-06");
}

#[test]
fn a_read_only_role_reads_and_writes_nothing() {
    let server = Server::start();
    let admin = server.admin();
    let person = admin.make("people", json!({ "last_name": "Rossi" }));
    let path = format!("/records/people/{}", id(&person));
    let reader = user(&server, &admin, "reader", "read-only");
    assert_eq!(reader.get("/records/people").expect(200)["total"], 1);
    assert_eq!(reader.get(&path).expect(200)["permissions"], json!({ "update": false, "delete": false }));
    let body = json!({ "values": { "last_name": "X" } });
    reader.post("/records/people", &body).refused(403, "access.denied");
    reader.patch(&path, &body).refused(403, "access.denied");
    reader.delete(&path).refused(403, "access.denied");
    let batch = json!({ "operations": [{ "op": "create", "values": { "last_name": "X" } }] });
    reader.post("/records/people/batch", &batch).refused(403, "access.denied");
    reader.upload("/files", &[], "a.txt", b"x").refused(403, "access.denied");
    reader
        .post("/objects", &json!({ "key": "cars", "label": "Car", "label_plural": "Cars" }))
        .refused(403, "access.denied");
    let newcomer = json!({ "email": "x@example.com", "name": "X", "role": "admin", "password": "long enough secret" });
    reader.post("/users", &newcomer).refused(403, "access.denied");
    reader.get("/audit").refused(403, "access.denied");
    reader.post("/audit/verify", &json!({})).refused(403, "access.denied");
    assert_eq!(admin.get("/records/people").expect(200)["total"], 1);
}

#[test]
fn own_records_only_means_everywhere() {
    let server = Server::start();
    let admin = server.admin();
    let foreign = admin.make("people", json!({ "last_name": "Foreign" }));
    let role = json!({ "grants": { "objects": { "people": {
        "create": true, "read": "own", "update": "own", "delete": "own", "export": "own" } } } });
    let seller = user_with_role(&server, &admin, "seller", role);
    let own = seller.make("people", json!({ "last_name": "Own" }));
    let page = seller.get("/records/people").expect(200);
    assert_eq!((page["total"].clone(), id(&page["items"][0])), (json!(1), id(&own)));
    let path = format!("/records/people/{}", id(&foreign));
    seller.get(&path).refused(404, "record.not_found");
    seller.patch(&path, &json!({ "values": { "last_name": "Mine" } })).refused(404, "record.not_found");
    seller.get(&format!("{path}/history")).refused(404, "record.not_found");
    seller.get(&format!("{path}/timeline")).refused(404, "record.not_found");
    let groups = seller.get("/records/people/groups?by=last_name").expect(200);
    assert_eq!(groups["items"].as_array().map(Vec::len), Some(1), "{groups}");
    sleep(Duration::from_millis(1_200));
    assert_eq!(seller.get("/search?q=foreign").expect(200)["items"], json!([]));
    assert!(!seller.get("/exports/people?format=csv").text().contains("Foreign"));
}

#[test]
fn a_token_is_held_to_its_scopes() {
    let server = Server::start();
    let admin = server.admin();
    let person = admin.make("people", json!({ "last_name": "Rossi" }));
    admin.make("companies", json!({ "name": "Acme" }));
    let reader = token(&admin, &["people:read"]);
    assert_eq!(reader.get("/records/people").expect(200)["total"], 1);
    let denied = reader.get("/records/companies");
    assert!(matches!(denied.status, 403 | 404), "{}", denied.text());
    let body = json!({ "values": { "last_name": "X" } });
    reader.patch(&format!("/records/people/{}", id(&person)), &body).refused(403, "access.denied");
    reader.post("/records/people", &body).refused(403, "access.denied");
    let writer = token(&admin, &["people:read", "people:write"]);
    writer.post("/records/people", &body).expect(201);
    writer.post("/users", &json!({ "email": "x@example.com", "role": "admin" })).refused(403, "access.denied");
    writer.post("/objects", &json!({ "key": "cars" })).refused(403, "access.denied");

    server.guest().with_token("kith_not_a_token").get("/records/people").refused(401, "auth.required");
    admin.post("/tokens", &json!({ "name": "x", "scopes": ["everything"] })).refused(422, "record.invalid");
    admin
        .post("/tokens", &json!({ "name": "x", "scopes": ["people:read"], "expires_at": "2020-01-01" }))
        .refused(422, "record.invalid");

    let tokens = admin.get("/records/tokens").expect(200);
    assert!(!tokens.to_string().contains("kith_"), "a token's word is shown once only");
    for record in tokens["items"].as_array().expect("items") {
        admin.patch(&format!("/records/tokens/{}", id(record)), &json!({ "values": { "revoked": true } })).expect(200);
    }
    reader.get("/records/people").refused(401, "auth.required");
}

#[test]
fn a_disabled_user_is_out_at_once_and_the_last_admin_stays() {
    let server = Server::start();
    let admin = server.admin();
    let member = user(&server, &admin, "member", "member");
    let me = member.get("/session").expect(200)["user"]["id"].clone();
    let path = format!("/records/users/{}", me.as_str().expect("an id"));
    admin.patch(&path, &json!({ "values": { "disabled": true } })).expect(200);
    member.get("/records/people").refused(401, "auth.required");
    let body = json!({ "email": "member@example.com", "password": "a long enough secret" });
    server.guest().post("/session", &body).refused(401, "auth.wrong");
    let me = admin.get("/session").expect(200)["user"]["id"].clone();
    let path = format!("/records/users/{}", me.as_str().expect("an id"));
    let refused = admin.patch(&path, &json!({ "values": { "disabled": true } }));
    assert!(matches!(refused.status, 403 | 409 | 422), "{}", refused.text());
    admin.get("/session").expect(200);
}

#[test]
fn secrets_never_leave() {
    let server = Server::start();
    let admin = server.admin();
    for path in ["/records/users", "/records/sessions", "/records/tokens"] {
        let text = admin.get(path).text();
        assert!(!text.contains("$argon2") && !text.contains("hash\":\""), "{path}: {text}");
    }
    let me = admin.get("/session").expect(200)["user"]["id"].clone();
    let history = admin.get(&format!("/records/users/{}/history", me.as_str().expect("an id"))).text();
    assert!(!history.contains("$argon2"), "{history}");
    assert!(!admin.get("/exports/users?format=jsonl").text().contains("$argon2"));
}
