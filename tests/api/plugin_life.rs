//! What becomes of a plugin through the API over its life: who may upgrade it, what is told again, what stays of it and what goes.

use std::{thread, time::Duration};

use kith_plugin_host::package::{sign, signing_key};
use serde_json::{Value as Json, json};

use crate::{
    harness::{
        Client, Server,
        plugins::{fixture, plain},
    },
    id,
};

fn install(client: &Client, file: &[u8]) -> Json {
    client.upload("/plugins", &[("grant", "true")], "plugin.wasm", file).expect(201)
}

fn until(what: &str, holds: impl Fn() -> bool) {
    for _ in 0..1_200 {
        if holds() {
            return;
        }
        thread::sleep(Duration::from_millis(50));
    }
    panic!("{what} did not come about");
}

#[test]
fn the_author_who_signed_first_is_the_only_one_who_upgrades() {
    let server = Server::start();
    let admin = server.admin();
    let key = |digit: &str| signing_key(&digit.repeat(64)).unwrap();
    let (ours, theirs) = ("7", "8");
    let signed = |version: &str, digit: &str| sign(plain("plain", version, ""), &key(digit));
    install(&admin, &signed("1.0.0", ours));
    let author = admin.get("/plugins/plain").expect(200)["author"].clone();
    assert_eq!(author, data_encoding::HEXLOWER.encode(&key(ours).verifying_key().to_bytes()));

    for other in [signed("2.0.0", theirs), plain("plain", "2.0.0", "")] {
        let offer = admin.upload("/plugins/inspect", &[], "p.wasm", &other).expect(200);
        assert_eq!(offer["refusal"]["code"], "plugin.author", "{offer}");
        let refused = admin.upload("/plugins", &[("grant", "true")], "p.wasm", &other).refused(409, "plugin.author");
        assert!(refused["detail"].to_string().contains("another key"), "{refused}");
    }
    // A signature that does not fit the file is none, whatever an administrator says to it.
    let mut broken = signed("2.0.0", ours);
    *broken.last_mut().unwrap() ^= 1;
    let parts = [("grant", "true"), ("author", "true")];
    admin.upload("/plugins", &parts, "p.wasm", &broken).refused(422, "plugin.signature");
    let now = admin.get("/plugins/plain").expect(200);
    assert_eq!((&now["version"], &now["author"], &now["pending"]), (&json!("1.0.0"), &author, &json!(null)));

    assert_eq!(install(&admin, &signed("2.0.0", ours))["version"], "2.0.0");
    // Only said in so many words.
    let moved = admin.upload("/plugins", &parts, "p.wasm", &signed("3.0.0", theirs)).expect(201);
    assert_eq!((&moved["version"], moved["author"] == author), (&json!("3.0.0"), false));
    admin.upload("/plugins", &[], "p.wasm", &signed("4.0.0", ours)).refused(409, "plugin.author");
}

#[test]
fn a_failed_event_is_seen_told_again_or_let_rest() {
    let Some(bad) = fixture("fixture-bad") else { return };
    let server = Server::start();
    let admin = server.admin();
    install(&admin, &bad);
    let set = |behaviour: &str| {
        let settings = json!({ "where": "after-commit", "behaviour": behaviour });
        admin.put("/plugins/fixture-bad/settings", &settings).expect(200);
    };
    let failures = || admin.get("/plugins/fixture-bad/failures").expect(200)["items"].as_array().unwrap().clone();
    let notes = || admin.get("/records/notes?total=true").expect(200)["total"].clone();
    // It begins to hear at some moment after it runs: companies are made until one was heard.
    set("write");
    until("a note", || {
        admin.make("companies", json!({ "name": "A" }));
        notes() != 0
    });
    set("trap");
    let made = ["B", "C"].map(|name| id(&admin.make("companies", json!({ "name": name }))).to_string());
    let of = |company: &str| failures().into_iter().find(|failure| failure["about"] == company);
    until("two failures", || made.iter().all(|company| of(company).is_some()));
    let failure = of(&made[0]).unwrap();
    assert_eq!((&failure["state"], failure["due_at"].is_string()), (&json!("retrying"), true), "{failure}");
    assert!(failure["reason"].to_string().contains("failed"), "{failure}");
    let which = ["object", "title", "change"].map(|key| failure[key].clone());
    assert_eq!(which, [json!("companies"), json!("B"), json!("created")]);
    let event = format!("{}-{}", failure["seq"], made[0]);
    assert_eq!(failure["event"], event);
    let listed = crate::harness::said(&server.vault.run(&["plugin", "failures", "fixture-bad"]));
    assert!(listed.contains("companies B") && listed.contains("created (entry "), "{listed}");
    // The name is looked up, not kept: it follows the record, and an erased one has none.
    let path = format!("/records/companies/{}", made[0]);
    admin.ask("PATCH", &path, &[], Some(&json!({ "values": { "name": "Bee" } }))).expect(200);
    assert_eq!(of(&made[0]).unwrap()["title"], "Bee");
    let log = admin.get("/plugins/fixture-bad/log").expect(200);
    assert!(log.to_string().contains("after-commit failed"), "{log}");

    set("write");
    let path = |failure: &Json, rest: &str| format!("/plugins/fixture-bad/failures/{}{rest}", id(failure));
    let other = of(&made[1]).unwrap();
    assert_eq!(admin.delete(&path(&other, "")).status, 204);
    assert!(of(&made[1]).is_none(), "it rests");
    let before = notes().as_u64().unwrap();
    assert_eq!(admin.post(&path(&failure, "/replay"), &json!(null)).status, 204);
    until("the event", || of(&made[0]).is_none());
    assert!(notes().as_u64().unwrap() > before);
    admin.post("/plugins/fixture-bad/failures/none/replay", &json!(null)).refused(404, "record.not_found");
    admin
        .post(&path(&json!({ "id": "0192f3a0-0000-7000-8000-000000000000" }), "/replay"), &json!(null))
        .refused(404, "record.not_found");
}

#[test]
fn an_upgrade_that_makes_a_field_unique_is_held_against_the_records_there_are() {
    let server = Server::start();
    let admin = server.admin();
    let code = "[fields.people.code]\nlabel = \"Code\"\nkind = \"text\"\n";
    install(&admin, &plain("plain", "1.0.0", code));
    let first = admin.make("people", json!({ "last_name": "A", "plain__code": "x" }));
    admin.make("people", json!({ "last_name": "B", "plain__code": "x" }));
    let unique = plain("plain", "2.0.0", &format!("{code}unique = true\n"));
    let refused = admin.upload("/plugins", &[("grant", "true")], "p.wasm", &unique).refused(409, "schema.conflict");
    assert!(refused["detail"].to_string().contains("'x'"), "{refused}");
    assert_eq!(admin.get("/plugins/plain").expect(200)["version"], "1.0.0");
    admin.patch(&format!("/records/people/{}", id(&first)), &json!({ "values": { "plain__code": "y" } })).expect(200);
    assert_eq!(install(&admin, &unique)["version"], "2.0.0");
    let again = json!({ "values": { "last_name": "C", "plain__code": "x" } });
    let refused = admin.post("/records/people", &again).refused(409, "record.not_unique");
    assert_eq!(refused["errors"][0]["code"], "not_unique");
}

#[test]
fn removed_with_its_data_nothing_of_a_plugin_comes_back() {
    let server = Server::start();
    let admin = server.admin();
    let adds = "[fields.people.note]\nlabel = \"Note\"\nkind = \"text\"\nrequired = true\n\
                [objects.things]\nlabel = \"Thing\"\nlabel-plural = \"Things\"\ntitle = \"name\"\n\
                [objects.things.fields.name]\nlabel = \"Name\"\nkind = \"text\"\n";
    let file = plain("plain", "1.0.0", adds);
    install(&admin, &file);
    let person = admin.make("people", json!({ "last_name": "A", "plain__note": "of the plugin" }));
    admin.make("plain__things", json!({ "name": "a thing of the plugin" }));
    assert_eq!(admin.delete("/plugins/plain?keep=false").status, 204);
    admin.get("/records/plain__things").refused(404, "object.not_found");
    let path = format!("/records/people/{}", id(&person));
    assert!(!admin.get(&path).text().contains("of the plugin"));
    admin.patch(&path, &json!({ "values": { "last_name": "B" } })).expect(200);
    let erased = admin.get("/records/erasures").expect(200);
    assert!(erased.to_string().contains("the plugin plain was removed with its data"), "{erased}");
    // Another kind under the same key, which would be refused if anything of before were left.
    install(
        &admin,
        &plain("plain", "1.0.0", &adds.replace("kind = \"text\"\nrequired", "kind = \"integer\"\nrequired")),
    );
    assert_eq!(admin.get(&path).expect(200)["values"]["plain__note"], json!(null));
    assert_eq!(admin.get("/records/plain__things?total=true").expect(200)["total"], 0);
}

#[test]
fn what_others_need_keeps_a_plugin_from_going_with_its_data() {
    let server = Server::start();
    let admin = server.admin();
    let adds = "[objects.things]\nlabel = \"Thing\"\nlabel-plural = \"Things\"\ntitle = \"name\"\n\
                [objects.things.fields.name]\nlabel = \"Name\"\nkind = \"text\"\n";
    install(&admin, &plain("plain", "1.0.0", adds));
    let thing = admin.make("plain__things", json!({ "name": "T" }));
    let field =
        json!({ "key": "thing", "label": "Thing", "kind": "link", "target": "plain__things", "required": true });
    admin
        .post(
            "/objects",
            &json!({ "key": "uses", "label": "Use", "label_plural": "Uses", "fields": [
        { "key": "name", "label": "Name", "kind": "text" }, field] }),
        )
        .expect(201);
    let using = admin.make("uses", json!({ "name": "U", "thing": id(&thing) }));
    let refused = admin.delete("/plugins/plain?keep=false").refused(409, "erase.blocked");
    assert!(refused["detail"].to_string().contains("'uses'"), "{refused}");
    assert_eq!(admin.get("/plugins/plain").expect(200)["state"], "enabled");
    assert_eq!(admin.get("/records/plain__things?total=true").expect(200)["total"], 1);
    assert!(admin.delete(&format!("/records/uses/{}", id(&using))).status < 300);
    assert_eq!(admin.delete("/plugins/plain?keep=false").status, 204);
}
