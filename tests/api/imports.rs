//! Imports and exports through the API: look first, run, ask, undo. What formats are understood is tested with the crate itself.

use std::{
    thread::sleep,
    time::{Duration, Instant},
};

use serde_json::{Value as Json, json};

use crate::{
    harness::{Client, Server},
    id, user,
};

const CSV: &str =
    "First name;Last name;E-mail\nZoë;O'Hara;zoe@example.com\nPia;Müller;pia@example.com\n;;not an address\n";

/// Waits for an import to end and returns what it says.
fn done(client: &Client, id: &str) -> Json {
    let started = Instant::now();
    loop {
        let job = client.get(&format!("/imports/{id}")).expect(200);
        if job["state"] != "running" {
            return job;
        }
        assert!(started.elapsed() < Duration::from_secs(60), "the import does not end: {job}");
        sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_file_is_looked_at_imported_and_undone() {
    let server = Server::start();
    let admin = server.admin();
    let dry = json!({ "object": "people", "dry_run": true }).to_string();
    let found = admin.upload("/imports", &[("options", &dry)], "people.csv", CSV.as_bytes()).expect(200);
    assert_eq!((&found["object"], &found["rows"], &found["delimiter"]), (&json!("people"), &json!(3), &json!(";")));
    assert_eq!(found["counts"]["create"], 2, "{found}");
    assert_eq!(admin.get("/records/people").expect(200)["total"], 0, "a dry run writes nothing");

    let options = json!({ "object": "people", "duplicates": "skip" }).to_string();
    let started = admin.upload("/imports", &[("options", &options)], "people.csv", CSV.as_bytes()).expect(202);
    let job = done(&admin, id(&started));
    assert_eq!((&job["state"], &job["created"]), (&json!("done"), &json!(2)), "{job}");
    assert_eq!(admin.get("/records/people").expect(200)["total"], 2);
    let refused = admin.get(&format!("/imports/{}/refused.csv", id(&started)));
    assert!(refused.status == 200 && refused.text().contains("not an address"), "{}", refused.text());
    assert!(refused.header("content-disposition").is_some_and(|value| value.starts_with("attachment")));
    assert_eq!(admin.get("/records/imports").expect(200)["total"], 1);

    let again = admin.upload("/imports", &[("options", &options)], "people.csv", CSV.as_bytes()).expect(202);
    assert_eq!(done(&admin, id(&again))["skipped"], 2);
    let undone = admin.post(&format!("/imports/{}/undo", id(&started)), &json!({})).expect(200);
    assert_eq!(undone["state"], "undone");
    assert_eq!(admin.get("/records/people").expect(200)["total"], 0);
    admin.post(&format!("/imports/{}/undo", id(&started)), &json!({})).refused(409, "import.conflict");
}

#[test]
fn imports_that_make_no_sense_are_refused() {
    let server = Server::start();
    let admin = server.admin();
    let send = |options: &str, content: &[u8]| admin.upload("/imports", &[("options", options)], "x.csv", content);
    send("{}", b"").refused(422, "import.empty");
    send("{\"object\":\"people\",\"mapping\":\"x\"}", CSV.as_bytes()).refused(400, "request.invalid");
    send("{\"objekt\":\"people\"}", CSV.as_bytes()).refused(400, "request.invalid");
    send("not json", CSV.as_bytes()).refused(400, "request.invalid");
    send("{\"object\":\"nothing\"}", CSV.as_bytes()).refused(404, "object.not_found");
    admin.get("/imports/0199f2c4-5d1e-7a90-8c3b-2f6d4e8a1b07").refused(404, "import.not_found");
    admin.get("/imports/x").refused(404, "import.not_found");
    let reader = user(&server, &admin, "reader", "read-only");
    reader
        .upload("/imports", &[("options", "{\"object\":\"people\"}")], "x.csv", CSV.as_bytes())
        .refused(403, "access.denied");
    server.guest().upload("/imports", &[], "x.csv", CSV.as_bytes()).refused(401, "auth.required");
    assert_eq!(admin.get("/records/people").expect(200)["total"], 0);
}

#[test]
fn what_is_exported_is_what_may_be_exported() {
    let server = Server::start();
    let admin = server.admin();
    for name in ["Rossi", "Bianchi"] {
        admin.make("people", json!({ "last_name": name, "emails": [format!("{name}@example.com")] }));
    }
    let csv = admin.get("/exports/people?format=csv&fields=last_name&sort=last_name");
    assert_eq!(csv.header("content-type"), Some("text/csv; charset=utf-8"));
    assert!(csv.header("content-disposition").is_some_and(|value| value.contains("people.csv")));
    let text = csv.text();
    let rows: Vec<&str> = text.lines().filter_map(|line| line.rsplit(',').next()).collect();
    assert_eq!(rows, ["last_name", "Bianchi", "Rossi"]);
    let lines = admin.get("/exports/people?format=jsonl").text();
    assert!(lines.lines().all(|line| serde_json::from_str::<Json>(line).is_ok()) && lines.lines().count() == 2);
    let cards = admin.get("/exports/people?format=vcard&q=").text();
    assert_eq!(cards.matches("BEGIN:VCARD").count(), 2);
    admin.get("/exports/deals?format=vcard").refused(422, "export.no_cards");
    admin.get("/exports/people?format=xlsx").refused(422, "export.unknown_format");
    admin.get("/exports/nothing").refused(404, "object.not_found");
    admin.get("/exports/people?fields=nothing").refused(400, "field.not_found");
    admin.get("/exports/people?filter=%28").refused(400, "filter.invalid");
}
