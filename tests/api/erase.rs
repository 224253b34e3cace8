//! Erasing for good through the API: what goes, what stays, who may.

use std::{thread::sleep, time::Duration};

use serde_json::{Value as Json, json};

use crate::{
    harness::{Client, Server},
    id, token, user, user_with_role,
};

/// A person with a note, a task, a file and a deal's contact.
fn someone(admin: &Client) -> Json {
    let values = json!({ "first_name": "Ada", "last_name": "Lovelace", "emails": ["ada@fixture.example"] });
    let person = admin.make("people", values);
    admin.make("notes", json!({ "body": "calls on Fridays", "about": id(&person) }));
    admin.make("tasks", json!({ "title": "call Lovelace", "about": id(&person) }));
    let path = format!("/files?object=people&record={}", id(&person));
    admin.upload(&path, &[], "portrait.txt", b"brass and steel").expect(201);
    person
}

fn erase(client: &Client, person: &Json, body: &Json) -> crate::harness::http::Reply {
    client.post(&format!("/records/people/{}/erase", id(person)), body)
}

#[test]
fn a_person_is_previewed_confirmed_and_gone_through_every_door() {
    let server = Server::start();
    let admin = server.admin();
    let person = someone(&admin);
    let contents = || std::fs::read_dir(server.vault.data().join("files")).expect("the folder").count();
    assert_eq!(contents(), 1);
    let csv = "Last name,E-mail,Birthday\nBerg,berg@fixture.example,\nKing,ada@fixture.example,not a day\n";
    let options = r#"{"object":"people","duplicates":"skip"}"#;
    let import = admin.upload("/imports", &[("options", options)], "p.csv", csv.as_bytes()).expect(202);
    let path = format!("/imports/{}", id(&import));
    let done = (0..200).any(|_| {
        sleep(Duration::from_millis(50));
        admin.get(&path).expect(200)["state"] == "done"
    });
    assert!(done, "the import ends");
    let refused = admin.get(&format!("{path}/refused.csv")).text();
    assert!(refused.contains("ada@fixture.example"), "{refused}");
    assert_eq!(contents(), 2);

    let plan = erase(&admin, &person, &json!({ "preview": true })).expect(200);
    let dependents: Vec<&str> =
        plan["dependents"].as_array().unwrap().iter().filter_map(|d| d["object"].as_str()).collect();
    assert_eq!((dependents, &plan["files"]), (vec!["tasks", "notes", "files"], &json!(1)), "{plan}");
    assert_eq!(plan["kept_files"], 1, "the refused rows name her: {plan}");
    let path = format!("/records/people/{}", id(&person));
    admin.get(&path).expect(200);
    erase(&admin, &person, &json!({})).refused(409, "erase.unconfirmed");
    erase(&admin, &person, &json!({ "confirm": "someone else" })).refused(409, "erase.unconfirmed");
    let body = json!({ "confirm": plan["token"], "reason": "request of May 3rd" });
    let done = erase(&admin, &person, &body).expect(200);
    assert_eq!((&done["records"], &done["already"]), (&json!(4), &json!(false)), "{done}");

    assert_eq!(contents(), 0);
    admin.get(&path).refused(404, "record.not_found");
    admin.post(&format!("{path}/restore"), &json!({})).refused(404, "record.not_found");
    assert_eq!(erase(&admin, &person, &json!({ "confirm": "" })).expect(200)["already"], true);
    sleep(Duration::from_millis(1_200));
    for path in [
        "/records/people?total=true",
        "/records/notes",
        "/records/tasks",
        "/records/files",
        "/records/people?trashed=true",
        "/exports/people?format=jsonl",
        "/search?q=fridays",
        "/search?q=portrait",
        "/audit",
        "/records/erasures",
    ] {
        let text = admin.get(path).text();
        for word in ["calls on Fridays", "portrait.txt", id(&person)] {
            // Which ids are gone stays known; nothing else does.
            let of_audit = word == id(&person) && matches!(path, "/audit" | "/records/erasures");
            assert!(of_audit || !text.contains(word), "'{word}' in {path}: {text}");
        }
    }
    let history = admin.get(&format!("{path}/history")).expect(200);
    let gap = &history["items"][0];
    assert_eq!(
        (&gap["kind"], &gap["erased"], &gap["seq"]),
        (&json!("erased"), &json!(true), &done["seq"]),
        "{history}"
    );
    let by = admin.get("/session").expect(200)["user"]["id"].clone();
    assert_eq!((&gap["actor"]["id"], &gap["cause_id"]), (&by, &json!("request of May 3rd")));
    let line = &admin.get("/audit?kind=erased").expect(200)["items"][0];
    assert_eq!((&line["count"], &line["cause"]["id"]), (&json!(4), &json!("request of May 3rd")));
    assert!(server.vault.run(&["verify"]).status.success(), "the journal and the records do not verify");
}

#[test]
fn only_who_may_erase_does_and_a_refusal_changes_nothing() {
    let server = Server::start();
    let admin = server.admin();
    let person = someone(&admin);
    let confirm = json!({ "confirm": "Ada Lovelace" });
    let member = user(&server, &admin, "member", "member");
    for body in [&confirm, &json!({ "preview": true })] {
        erase(&member, &person, body).refused(403, "access.denied");
        erase(&token(&admin, &["*:write"]), &person, body).refused(403, "access.denied");
        erase(&server.guest(), &person, body).refused(401, "auth.required");
    }
    erase(&admin, &person, &json!({ "confirm": "Ada Lovelace", "reason": "Lovelace, Ada: Ada Lovelace asked" }))
        .refused(400, "request.invalid");
    erase(&admin, &person, &json!({ "confrim": "Ada Lovelace" })).refused(400, "request.invalid");
    erase(&admin, &person, &json!({ "confirm": "x", "keep": ["cars"] })).refused(404, "object.not_found");
    admin.post("/records/people/erase", &json!({ "ids": [] })).refused(400, "request.invalid");
    admin.post("/records/erasures", &json!({ "values": {} })).refused(403, "access.denied");
    let me = admin.get("/session").expect(200)["user"]["id"].clone();
    admin.post("/records/users/erase", &json!({ "ids": [me], "confirm": "x" })).refused(409, "erase.blocked");
    admin.get(&format!("/records/people/{}", id(&person))).expect(200);
    assert_eq!(admin.get("/records/erasures").expect(200)["total"], 0);
    sleep(Duration::from_millis(1_500));
    assert!(admin.get("/audit?kind=refused").text().contains("erase"), "the attempts are in the audit");

    let grants = json!({ "objects": { "people": { "read": "all", "erase": "all" } } });
    let officer = user_with_role(&server, &admin, "officer", json!({ "grants": grants }));
    let may = officer.get("/objects/people").expect(200)["permissions"].clone();
    assert_eq!((&may["erase"], &may["delete"]), (&json!(true), &json!(false)));
    erase(&officer, &person, &confirm).expect(200);
}

#[test]
fn several_go_at_once_and_a_user_takes_its_sessions_along() {
    let server = Server::start();
    let admin = server.admin();
    let ids: Vec<String> =
        (0..5).map(|n| id(&admin.make("people", json!({ "last_name": format!("P{n}") }))).to_string()).collect();
    let plan = admin.post("/records/people/erase", &json!({ "ids": ids, "preview": true })).expect(200);
    assert_eq!(plan["count"], 5);
    let done = admin.post("/records/people/erase", &json!({ "ids": ids, "confirm": plan["token"] })).expect(200);
    assert_eq!((&done["records"], &done["links"]), (&json!(5), &json!(0)));
    assert_eq!(admin.get("/records/people").expect(200)["total"], 0);

    let member = user(&server, &admin, "zoe.quist", "member");
    let made = member.make("people", json!({ "last_name": "Kept" }));
    let user = member.get("/session").expect(200)["user"]["id"].clone();
    let plan = admin.post("/records/users/erase", &json!({ "ids": [user], "preview": true })).expect(200);
    assert_eq!(plan["dependents"][0]["object"], "sessions", "{plan}");
    admin.post("/records/users/erase", &json!({ "ids": [user], "confirm": plan["token"] })).expect(200);
    member.get("/session").refused(401, "auth.required");
    let history = admin.get(&format!("/records/people/{}/history", id(&made))).expect(200);
    assert_eq!(history["items"][0]["actor"]["name"], "", "{history}");
    assert!(!admin.get("/audit").text().contains("zoe.quist"));
}

/// The files of a tar, by name.
fn unpacked(bytes: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in tar::Archive::new(bytes).entries().expect("a tar") {
        let mut entry = entry.expect("an entry");
        let name = entry.path().expect("a name").to_string_lossy().into_owned();
        let mut content = Vec::new();
        std::io::Read::read_to_end(&mut entry, &mut content).expect("its content");
        found.push((name, content));
    }
    found
}

#[test]
fn everything_held_on_a_person_is_one_readable_file() {
    let server = Server::start();
    let admin = server.admin();
    let person = someone(&admin);
    let path = format!("/records/people/{}", id(&person));
    admin.patch(&path, &json!({ "values": { "marketing_consent": true, "description": "<b>bold</b>" } })).expect(200);
    admin.get(&path).expect(200);
    sleep(Duration::from_millis(1_500));
    let reply = admin.get(&format!("{path}/personal-data"));
    assert_eq!((reply.status, reply.header("content-type")), (200, Some("application/x-tar")));
    let files = unpacked(&reply.body);
    let names: Vec<&str> = files.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["data.json", "index.html", "files/001-portrait.txt"]);
    assert_eq!(files[2].1, b"brass and steel");
    let data: Json = serde_json::from_slice(&files[0].1).expect("JSON");
    assert_eq!((&data["title"], &data["left_out"]), (&json!("Ada Lovelace"), &json!(0)));
    let dependents: Vec<&str> =
        data["dependents"].as_array().unwrap().iter().filter_map(|d| d["object"].as_str()).collect();
    assert_eq!(dependents, ["tasks", "notes", "files"]);
    assert_eq!(data["consents"][0]["changes"][0]["after"], true, "{}", data["consents"]);
    assert_eq!(data["history"].as_array().map(Vec::len), Some(2));
    assert!(data["access"].as_array().is_some_and(|lines| lines.iter().any(|line| line["kind"] == "opened")), "{data}");
    let page = String::from_utf8_lossy(&files[1].1).into_owned();
    assert!(page.contains("Lovelace") && page.contains("calls on Fridays") && page.contains("&lt;b&gt;bold"), "{page}");
    sleep(Duration::from_millis(1_500));
    let audit = admin.get(&format!("/audit?kind=exported&record={}", id(&person))).expect(200);
    assert_eq!(audit["items"].as_array().map(Vec::len), Some(1), "handing it out is in the audit: {audit}");
}

#[test]
fn who_may_not_export_or_see_gets_nothing_of_it() {
    let server = Server::start();
    let admin = server.admin();
    let person = someone(&admin);
    let path = format!("/records/people/{}/personal-data", id(&person));
    let reader = user(&server, &admin, "reader", "read-only");
    reader.get(&path).refused(403, "access.denied");
    server.guest().get(&path).refused(401, "auth.required");
    admin.get("/records/people/0199f2c4-5d1e-7a90-8c3b-2f6d4e8a1b07/personal-data").refused(404, "record.not_found");
    let grants =
        json!({ "objects": { "people": { "read": "all", "export": "all", "fields": { "emails": "hidden" } } } });
    let clerk = user_with_role(&server, &admin, "clerk", json!({ "grants": grants }));
    let files = unpacked(&clerk.get(&path).body);
    let text = String::from_utf8_lossy(&files[0].1).into_owned();
    assert!(!text.contains("ada@fixture.example") && !text.contains("calls on Fridays"), "{text}");
    let data: Json = serde_json::from_slice(&files[0].1).expect("JSON");
    assert_eq!((&data["left_out"], &data["access"], files.len()), (&json!(3), &Json::Null, 2));
}
