//! Rules of retention through the API.

use serde_json::json;

use crate::{harness::Server, id, user};

#[test]
fn a_rule_is_previewed_held_and_run_when_confirmed() {
    let server = Server::start();
    let admin = server.admin();
    let person = admin.make("people", json!({ "last_name": "Rossi" }));
    let values = json!({ "name": "Now", "object": "people", "days": 0, "action": "trash", "since": "created_at" });
    let draft = admin.post("/retention/preview", &json!({ "values": values })).expect(200);
    assert_eq!((&draft["items"][0]["count"], &draft["items"][0]["rule"]), (&json!(1), &json!(null)), "{draft}");
    let rule = admin.make("retention_rules", values);
    let preview = admin.post("/retention/preview", &json!({ "rule": id(&rule) })).expect(200);
    assert_eq!(
        (&preview["items"][0]["within"], &preview["items"][0]["samples"][0]["title"]),
        (&json!(false), &json!("Rossi"))
    );
    let held = admin.post("/retention/run", &json!({ "rule": id(&rule) })).expect(200);
    assert_eq!(held["state"], "held");
    admin.get(&format!("/records/people/{}", id(&person))).expect(200);
    let done = admin.post("/retention/run", &json!({ "rule": id(&rule), "confirm": true })).expect(200);
    assert_eq!((&done["state"], &done["count"]), (&json!("done"), &json!(1)));
    assert_eq!(admin.get("/records/people?trashed=true").expect(200)["total"], 1);
    let history = admin.get(&format!("/records/people/{}/history", id(&person))).expect(200);
    assert_eq!((&history["items"][0]["cause"], &history["items"][0]["cause_id"]), (&json!("retention"), &rule["id"]));
}

#[test]
fn only_administrators_make_look_at_and_run_rules() {
    let server = Server::start();
    let admin = server.admin();
    let proposal = admin.get("/records/retention_rules").expect(200)["items"][0].clone();
    assert_eq!(
        (&proposal["values"]["name"], &proposal["values"]["enabled"]),
        (&json!("Empty the trash"), &json!(false))
    );
    let member = user(&server, &admin, "member", "member");
    let values = json!({ "name": "R", "object": "people", "days": 1, "action": "trash" });
    member.post("/records/retention_rules", &json!({ "values": values })).refused(403, "access.denied");
    member.post("/retention/preview", &json!({})).refused(403, "access.denied");
    member.post("/retention/run", &json!({ "rule": id(&proposal) })).refused(403, "access.denied");
    let wrong = json!({ "values": { "name": "R", "object": "users", "days": 1, "action": "erase" } });
    admin.post("/records/retention_rules", &wrong).refused(422, "record.invalid");
    admin.post("/retention/preview", &wrong).refused(422, "record.invalid");
    let unknown = json!({ "rule": "0199f2c4-5d1e-7a90-8c3b-2f6d4e8a1b07" });
    admin.post("/retention/run", &unknown).refused(404, "record.not_found");
    admin.post("/retention/preview", &json!({ "rule": id(&proposal), "values": {} })).refused(400, "request.invalid");
}
