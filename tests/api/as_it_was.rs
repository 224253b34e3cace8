//! A record as it was, and bringing it back.

use serde_json::{Value as Json, json};

use crate::{
    harness::{Client, Server},
    id, user, user_with_role,
};

fn seqs(client: &Client, path: &str) -> Vec<u64> {
    let page = client.get(&format!("{path}/history")).expect(200);
    let seqs = page["items"].as_array().map_or_else(Vec::new, |items| items.iter().map(|i| i["seq"].clone()).collect());
    let mut seqs: Vec<u64> = seqs.iter().filter_map(Json::as_u64).collect();
    seqs.reverse();
    seqs
}

#[test]
fn a_record_is_shown_as_it_was_by_entry_and_by_time() {
    let server = Server::start();
    let admin = server.admin();
    let made = admin.make("people", json!({ "last_name": "Ångström", "job_title": "Clerk" }));
    let path = format!("/records/people/{}", id(&made));
    let then = made["created_at"].as_str().unwrap();
    // Times have milliseconds; the change must not fall into the same one.
    std::thread::sleep(std::time::Duration::from_millis(5));
    admin.patch(&path, &json!({ "values": { "last_name": "Berg", "job_title": null } })).expect(200);
    let versions = seqs(&admin, &path);
    let was = admin.get(&format!("{path}?at={}", versions[0])).expect(200);
    assert_eq!((&was["values"]["last_name"], &was["version"]), (&json!("Ångström"), &json!(1)));
    assert_eq!(was["as_of"]["seq"], versions[0]);
    let by_time = admin.get(&format!("{path}?at={then}")).expect(200);
    assert_eq!(by_time["values"]["last_name"], "Ångström");
    assert!(by_time["values"].get("name").is_none(), "computed fields have no past: {by_time}");
    assert_eq!(admin.get(&format!("{path}?at=2999-01-01T00:00:00Z")).expect(200)["values"]["last_name"], "Berg");
    admin.get(&format!("{path}?at={}", versions[0] - 1)).refused(404, "record.not_then");
    admin.get(&format!("{path}?at=1999-01-01T00:00:00Z")).refused(404, "record.not_then");
    admin.get(&format!("{path}?at=yesterday")).refused(400, "request.invalid");
    admin.get(&format!("{path}?at=5&fields=last_name")).refused(400, "request.invalid");
    assert!(admin.get(&format!("{path}?at={then}")).header("etag").is_none());
}

#[test]
fn a_field_made_later_is_left_out_of_the_past() {
    let server = Server::start();
    let admin = server.admin();
    let made = admin.make("people", json!({ "last_name": "Ångström" }));
    let path = format!("/records/people/{}", id(&made));
    admin
        .post("/objects/people/fields", &json!({ "key": "shoe_size", "label": "Shoe size", "kind": "integer" }))
        .expect(201);
    admin.patch(&path, &json!({ "values": { "shoe_size": 43 } })).expect(200);
    let versions = seqs(&admin, &path);
    let was = admin.get(&format!("{path}?at={}", versions[0])).expect(200);
    assert!(was["values"].get("shoe_size").is_none(), "{was}");
    assert_eq!(admin.get(&format!("{path}?at={}", versions[1])).expect(200)["values"]["shoe_size"], 43);
}

#[test]
fn a_record_or_some_fields_are_brought_back_as_an_ordinary_change() {
    let server = Server::start();
    let admin = server.admin();
    let made = admin.make("people", json!({ "last_name": "Ångström", "job_title": "Clerk" }));
    let path = format!("/records/people/{}", id(&made));
    admin.patch(&path, &json!({ "values": { "last_name": "Berg", "job_title": "Boss" } })).expect(200);
    let first = seqs(&admin, &path)[0];
    let body = json!({ "seq": first, "fields": ["job_title"] });
    let back = admin.post(&format!("{path}/revert"), &body).expect(200);
    assert_eq!((&back["values"]["job_title"], &back["values"]["last_name"]), (&json!("Clerk"), &json!("Berg")));
    let back = admin.post(&format!("{path}/revert"), &json!({ "at": first.to_string() })).expect(200);
    assert_eq!((&back["values"]["last_name"], &back["version"]), (&json!("Ångström"), &json!(4)));
    assert_eq!(seqs(&admin, &path).len(), 4);
    let stale = admin.ask("POST", &format!("{path}/revert"), &[("if-match", "\"1\"")], Some(&json!({ "seq": first })));
    stale.refused(412, "record.version_conflict");
    for body in [json!({}), json!({ "at": "1", "seq": 1 })] {
        admin.post(&format!("{path}/revert"), &body).refused(400, "request.invalid");
    }
    admin
        .post(&format!("{path}/revert"), &json!({ "seq": first, "fields": ["dragon"] }))
        .refused(400, "field.not_found");
    admin.post(&format!("{path}/revert"), &json!({ "seq": first, "fields": ["name"] })).refused(422, "record.invalid");
    assert_eq!(seqs(&admin, &path).len(), 4, "refusals write nothing");
}

#[test]
fn the_past_is_no_way_around_a_role() {
    let server = Server::start();
    let admin = server.admin();
    let reader = user(&server, &admin, "reader", "read-only");
    let grants =
        json!({ "objects": { "people": { "read": "all", "update": "all", "fields": { "job_title": "hidden" } } } });
    let half = user_with_role(&server, &admin, "half", json!({ "grants": grants }));
    let nobody = user_with_role(&server, &admin, "nobody", json!({ "grants": {} }));
    let made = admin.make("people", json!({ "last_name": "Ångström", "job_title": "Spy" }));
    let path = format!("/records/people/{}", id(&made));
    admin.patch(&path, &json!({ "values": { "last_name": "Berg", "job_title": "Clerk" } })).expect(200);
    let first = seqs(&admin, &path)[0];
    assert!(!half.get(&format!("{path}?at={first}")).text().contains("Spy"));
    assert!(reader.get(&format!("{path}?at={first}")).text().contains("Spy"));
    nobody.get(&format!("{path}?at={first}")).refused(404, "record.not_found");
    server.guest().get(&format!("{path}?at={first}")).refused(401, "auth.required");
    reader.post(&format!("{path}/revert"), &json!({ "seq": first })).refused(403, "access.denied");
    half.post(&format!("{path}/revert"), &json!({ "seq": first })).expect(200);
    let now = admin.get(&path).expect(200);
    assert_eq!((&now["values"]["last_name"], &now["values"]["job_title"]), (&json!("Ångström"), &json!("Clerk")));
}
