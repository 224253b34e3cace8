//! Backups through the API: for administrators, one at a time, all of it audited.

use std::{thread, time::Duration};

use serde_json::{Value as Json, json};

use crate::{
    harness::{Client, Server},
    token, user,
};

fn recipient() -> String {
    kith_store::new_identity().1
}

fn folder(server: &Server) -> String {
    server.vault.folder().join("backups").display().to_string()
}

fn finished(admin: &Client, id: &str) -> Json {
    for _ in 0..600 {
        let backup = admin.get(&format!("/backups/{id}")).expect(200);
        if backup["state"] != "running" {
            return backup;
        }
        thread::sleep(Duration::from_millis(50));
    }
    panic!("the backup does not end");
}

#[test]
fn a_backup_is_taken_listed_downloaded_and_audited() {
    let server = Server::start();
    let admin = server.admin();
    admin.post("/backups", &json!({})).refused(409, "backup.no_folder");
    let schedule = json!({ "folder": folder(&server), "recipients": [recipient()] });
    let set = admin.put("/backups/schedule", &schedule).expect(200);
    assert_eq!(set, admin.get("/backups/schedule").expect(200));
    let started = admin.post("/backups", &json!({})).expect(202);
    let done = finished(&admin, started["id"].as_str().unwrap());
    assert_eq!((&done["state"], &done["there"]), (&json!("done"), &json!(true)), "{done}");
    let list = admin.get("/backups").expect(200);
    assert_eq!(list["items"][0]["id"], done["id"]);
    assert_eq!((&list["health"]["recipients"], &list["health"]["failed"]), (&json!(1), &Json::Null));
    let file = admin.get(&format!("/backups/{}/content", done["id"].as_str().unwrap()));
    assert_eq!((file.status, file.body.len() as u64), (200, done["size_bytes"].as_u64().unwrap()));
    assert!(file.body.starts_with(b"age-encryption.org/v1\n"));
    let streamed = admin.post("/backups/stream", &json!({ "incremental": false }));
    assert!(streamed.status == 200 && streamed.body.starts_with(b"age-encryption.org/v1\n"));
    let erased = admin.get("/backups/erasures");
    assert!(erased.status == 200 && erased.header("content-disposition").unwrap().contains("kith-erasures-"));
    for _ in 0..60 {
        let audit = admin.get("/audit?object=backups").expect(200).to_string();
        if audit.contains("\"exported\"") && audit.contains("\"created\"") {
            return;
        }
        thread::sleep(Duration::from_millis(100));
    }
    panic!("taking and downloading a backup is not in the audit");
}

#[test]
fn a_failure_is_kept_on_record() {
    let server = Server::start();
    let admin = server.admin();
    let file = server.vault.folder().join("a-file");
    std::fs::write(&file, "x").unwrap();
    let place = file.join("backups").display().to_string();
    let body = json!({ "folder": place, "recipients": [recipient()] });
    let started = admin.post("/backups", &body).expect(202);
    let failed = finished(&admin, started["id"].as_str().unwrap());
    assert_eq!(failed["state"], "failed");
    assert!(failed["message"].as_str().unwrap().starts_with("backup.target"), "{failed}");
    assert!(admin.get("/backups").expect(200)["health"]["failed"].as_str().is_some());
    admin.get(&format!("/backups/{}/content", failed["id"].as_str().unwrap())).refused(404, "backup.not_found");
}

#[test]
fn a_schedule_that_is_not_right_is_refused_and_the_old_one_stays() {
    let server = Server::start();
    let admin = server.admin();
    let good = json!({ "folder": folder(&server), "recipients": [recipient()], "daily_at": "02:30" });
    let before = admin.put("/backups/schedule", &good).expect(200);
    let inside = server.vault.data().join("backups").display().to_string();
    let with = |key: &str, value: Json| {
        let mut body = good.clone();
        body[key] = value;
        body
    };
    for (body, code) in [
        (with("daily_at", json!("25:00")), "backup.schedule"),
        (with("time_zone", json!("Mars/Base")), "backup.schedule"),
        (with("folder", json!("relative")), "backup.schedule"),
        (with("every_hours", json!(10_000)), "backup.schedule"),
        (with("folder", json!(inside)), "backup.inside"),
        (with("recipients", json!(["age1nonsense"])), "vault.bad_recipient"),
        (json!({ "enabled": true }), "backup.schedule"),
    ] {
        admin.put("/backups/schedule", &body).refused(422, code);
    }
    assert_eq!(admin.put("/backups/schedule", &with("dragon", json!(1))).status, 400);
    assert_eq!(admin.get("/backups/schedule").expect(200), before);
    admin
        .patch("/records/settings/00000000-0000-7000-8000-000000000a01", &json!({ "values": { "backups": {} } }))
        .refused(422, "record.invalid");
}

#[test]
fn only_administrators_have_to_do_with_backups() {
    let server = Server::start();
    let admin = server.admin();
    let started =
        admin.post("/backups", &json!({ "folder": folder(&server), "recipients": [recipient()] })).expect(202);
    let done = finished(&admin, started["id"].as_str().unwrap());
    let id = done["id"].as_str().unwrap();
    let member = user(&server, &admin, "bo", "member");
    let scoped = token(&admin, &["*:read"]);
    for (who, status) in [(&member, 403), (&scoped, 403), (&server.guest(), 401)] {
        for path in ["/backups", "/backups/schedule", "/backups/erasures"] {
            assert_eq!(who.get(path).status, status, "{path}");
        }
        assert!([401, 403, 404].contains(&who.get(&format!("/backups/{id}/content")).status));
        assert!([401, 403, 404].contains(&who.get(&format!("/records/backups/{id}")).status) || status == 403);
        assert_eq!(who.post("/backups", &json!({})).status, status);
        assert_eq!(who.post("/backups/stream", &json!({})).status, status);
        assert_eq!(who.put("/backups/schedule", &json!({})).status, status);
    }
    let settings = member.get("/records/settings").expect(200);
    assert!(settings["items"][0]["values"].get("backups").is_none(), "{settings}");
    let entries = admin.get("/backups").expect(200);
    assert_eq!(entries["items"].as_array().map(Vec::len), Some(1), "refusals take nothing");
}
