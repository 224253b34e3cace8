//! Plugins through the API: for administrators only, nothing runs that nobody agreed to, and each refusal says what to do.

use serde_json::{Value as Json, json};

use crate::{
    harness::{
        Client, Server,
        plugins::{bundled, fixture, plain, told_in},
    },
    user,
};

const ASKS: &str = "[settings]\ntype = \"object\"\nrequired = [\"days\"]\n[settings.properties.days]\ntype = \"integer\"\nminimum = 1\n\
                    default = 7\n[http]\nallow = [\"https://api.example.com\"]\n[secrets.key]\nlabel = \"Key\"\n\
                    allow-hosts = [\"https://api.example.com\"]\n[fields.people.note]\nlabel = \"Note\"\nkind = \"text\"\n";

fn install(client: &Client, file: &[u8], grant: &str) -> Json {
    client.upload("/plugins", &[("grant", grant)], "plugin.wasm", file).expect(201)
}

fn people_fields(client: &Client) -> Vec<String> {
    let object = client.get("/objects/people").expect(200);
    let fields = object["fields"].as_array().unwrap().iter();
    fields.map(|field| field["key"].as_str().unwrap().to_string()).collect()
}

#[test]
fn a_plugin_is_looked_at_installed_granted_upgraded_rolled_back_and_removed() {
    let server = Server::start();
    let admin = server.admin();
    let first = plain("plain", "1.0.0", ASKS);
    let offer = admin.upload("/plugins/inspect", &[], "plugin.wasm", &first).expect(200);
    assert_eq!(offer["permissions"][0]["text"], "May send requests to api.example.com");
    assert_eq!(admin.get("/plugins").expect(200)["items"], json!([]), "looking installs nothing");

    let plugin = install(&admin, &first, "false");
    assert_eq!((&plugin["state"], &plugin["granted"]), (&json!("disabled"), &json!(false)));
    admin.post("/plugins/plain/enable", &json!(null)).refused(409, "plugin.ungranted");
    assert!(!people_fields(&admin).contains(&"plain__note".to_string()), "nothing happens before a grant");
    let plugin = admin.post("/plugins/plain/grant", &json!(null)).expect(200);
    assert_eq!((&plugin["state"], &plugin["granted"]), (&json!("enabled"), &json!(true)));
    assert_eq!(plugin["settings"], json!({ "days": 7 }));
    let person = admin.make("people", json!({ "last_name": "A", "plain__note": "kept" }));
    admin.post("/plugins/plain/grant", &json!(null)).refused(409, "plugin.nothing_pending");

    // More of the same asks nobody; a new host waits.
    let more = plain("plain", "1.1.0", ASKS);
    assert_eq!(install(&admin, &more, "false")["version"], "1.1.0");
    let wider = ASKS.replace(
        "allow = [\"https://api.example.com\"]\n[sec",
        "allow = [\"https://api.example.com\", \"https://b.example\"]\n[sec",
    );
    let waits = install(&admin, &plain("plain", "2.0.0", &wider), "false");
    assert_eq!((&waits["version"], &waits["pending"]["version"]), (&json!("1.1.0"), &json!("2.0.0")));
    assert_eq!(waits["pending"]["changes"]["added"][0]["key"], "http:https://b.example");
    assert_eq!(waits["state"], "enabled");
    let now = admin.post("/plugins/plain/grant", &json!(null)).expect(200);
    assert_eq!(
        (&now["version"], &now["pending"], &now["previous"]["version"]),
        (&json!("2.0.0"), &json!(null), &json!("1.1.0"))
    );
    admin.upload("/plugins", &[], "p.wasm", &more).refused(409, "plugin.downgrade");
    let back = admin.post("/plugins/plain/rollback", &json!(null)).expect(200);
    assert_eq!((&back["version"], &back["state"]), (&json!("1.1.0"), &json!("enabled")));

    assert_eq!(admin.delete("/plugins/plain?keep=true").status, 204);
    admin.get("/plugins/plain").refused(404, "plugin.not_found");
    let kept = admin.get(&format!("/records/people/{}", person["id"].as_str().unwrap())).expect(200);
    assert_eq!(kept["values"]["plain__note"], "kept");
    install(&admin, &more, "true");
    assert_eq!(admin.delete("/plugins/plain?keep=false").status, 204);
    assert!(!people_fields(&admin).contains(&"plain__note".to_string()));
}

#[test]
fn settings_are_checked_and_secrets_never_come_out() {
    let server = Server::start();
    let admin = server.admin();
    install(&admin, &plain("plain", "1.0.0", ASKS), "true");
    let refused = admin.put("/plugins/plain/settings", &json!({ "days": 0 })).refused(422, "record.invalid");
    assert_eq!(refused["errors"][0]["field"], "days");
    admin.put("/plugins/plain/settings", &json!({ "dasy": 3 })).refused(422, "record.invalid");
    assert_eq!(admin.put("/plugins/plain/settings", &json!({ "days": 3 })).expect(200), json!({ "days": 3 }));
    assert_eq!(admin.get("/plugins/plain/settings").expect(200), json!({ "days": 3 }));

    let secret = "Zoë-s3cret-Ω";
    admin.put("/plugins/plain/secrets/nokey", &json!({ "value": secret })).refused(404, "plugin.no_secret");
    assert_eq!(admin.put("/plugins/plain/secrets/key", &json!({ "value": secret })).status, 204);
    assert_eq!(admin.get("/plugins/plain").expect(200)["secrets"][0]["set"], true);
    for path in ["/plugins", "/plugins/plain", "/records/plugin_secrets", "/audit?limit=100", "/plugins/plain/log"] {
        let reply = admin.get(path);
        assert_eq!(reply.status, 200, "{path}");
        assert!(!reply.text().contains("s3cret"), "{path}");
    }
    assert!(!admin.get("/exports/plugin_secrets?format=jsonl").text().contains("s3cret"));
    assert_eq!(admin.delete("/plugins/plain/secrets/key").status, 204);
    assert_eq!(admin.get("/plugins/plain").expect(200)["secrets"][0]["set"], false);
}

#[test]
fn only_administrators_manage_plugins_and_nobody_writes_their_records_by_hand() {
    let server = Server::start();
    let admin = server.admin();
    let file = plain("plain", "1.0.0", ASKS);
    install(&admin, &file, "true");
    let member = user(&server, &admin, "ann", "member");
    for path in ["/plugins", "/plugins/plain", "/plugins/plain/log", "/plugins/plain/failures"] {
        member.get(path).refused(403, "access.denied");
    }
    member.upload("/plugins", &[], "p.wasm", &file).refused(403, "access.denied");
    member.post("/plugins/plain/disable", &json!(null)).refused(403, "access.denied");
    member.put("/plugins/plain/settings", &json!({ "days": 1 })).refused(403, "access.denied");
    server.guest().get("/plugins").refused(401, "auth.required");
    let records = admin.get("/records/plugins").expect(200);
    let id = records["items"][0]["id"].as_str().unwrap();
    admin.delete(&format!("/records/plugins/{id}")).refused(403, "access.denied");
    admin.patch(&format!("/records/plugins/{id}"), &json!({ "values": { "state": "disabled" } })).expect(422);
    assert_eq!(admin.get("/plugins/plain").expect(200)["state"], "enabled");
    // Who did what is in the audit.
    let audit = admin.get("/audit?object=plugins&limit=100").expect(200);
    assert!(!audit["items"].as_array().unwrap().is_empty());
}

#[test]
fn what_is_no_plugin_is_refused_in_words_and_leaves_nothing() {
    let server = Server::start();
    let admin = server.admin();
    let upload = |file: &[u8]| admin.upload("/plugins", &[("grant", "true")], "p.wasm", file);
    let good = plain("plain", "1.0.0", "");
    let said = upload(b"<html>").refused(422, "plugin.package")["detail"].to_string();
    assert!(said.contains("kith plugin build"), "{said}");
    upload(&good[..good.len() / 2]).refused(422, "plugin.package");
    let said = upload(&plain("plain", "1.0.0", "[events]\nobjects = [\"people\"]\n")).refused(422, "plugin.misfit");
    assert!(said["detail"].to_string().contains("after-commit"), "{said}");
    upload(&plain("plain", "1.0.0", "[records]\ntokens = [\"read\"]\n")).refused(422, "plugin.forbidden");
    upload(&plain("plain", "1.0.0", "[fields.nothings.a]\nlabel = \"A\"\nkind = \"text\"\n"))
        .refused(404, "object.not_found");
    upload(&plain("plain", "1.0.0", "[fields.people.a]\nlabel = \"A\"\nkind = \"link\"\ntarget = \"nothings\"\n"))
        .refused(422, "schema.invalid");
    admin.upload("/plugins", &[("grnat", "true")], "p.wasm", &good).refused(400, "request.invalid");
    admin.get("/plugins/none").refused(404, "plugin.not_found");
    assert_eq!(admin.get("/plugins").expect(200)["items"], json!([]));
    upload(&good).expect(201);
}

#[test]
fn plugins_are_there_again_after_a_restart() {
    let server = Server::start();
    let admin = server.admin();
    install(&admin, &plain("plain", "1.0.0", ASKS), "true");
    let server = Server::on(server.stop());
    let admin = server.admin();
    let plugin = admin.get("/plugins/plain").expect(200);
    assert_eq!((&plugin["state"], &plugin["message"]), (&json!("enabled"), &json!(null)));
    admin.post("/plugins/plain/disable", &json!(null)).expect(200);
    assert_eq!(admin.post("/plugins/plain/enable", &json!(null)).expect(200)["state"], "enabled");
}

#[test]
fn a_real_plugin_runs_in_saves_and_stops_with_a_word() {
    let Some(good) = fixture("fixture-good") else { return };
    let server = Server::start();
    let admin = server.admin();
    let plugin = install(&admin, &good, "true");
    assert_eq!(plugin["state"], "enabled", "{plugin}");
    assert!(plugin["capabilities"].as_array().unwrap().contains(&json!("before-save")), "{plugin}");
    let person = admin.make("people", json!({ "last_name": "A", "first_name": "Ann" }));
    let calls = admin.get("/plugins/fixture-good/calls").expect(200);
    assert!(!calls["items"].as_array().unwrap().is_empty(), "{calls}");
    let object = admin.get("/objects/people").expect(200);
    assert!(object["actions"].to_string().contains("fixture_good__greet"));
    admin.post("/plugins/fixture-good/disable", &json!(null)).expect(200);
    let object = admin.get("/objects/people").expect(200);
    assert!(!object["actions"].to_string().contains("fixture_good__greet"));
    let path = format!("/records/people/{}", person["id"].as_str().unwrap());
    admin.patch(&path, &json!({ "values": { "first_name": "Bea" } })).expect(200);
    admin.get("/plugins/fixture-good/health").refused(409, "plugin.disabled");
}

#[test]
fn fixtures_that_do_not_fit_are_refused_with_what_does_not() {
    let server = Server::start();
    let admin = server.admin();
    for (name, word) in [("fixture-ungranted", "plugin.toml"), ("fixture-types", "contract")] {
        let Some(file) = fixture(name) else { return };
        let refused = admin.upload("/plugins", &[("grant", "true")], "p.wasm", &file).refused(422, "plugin.misfit");
        assert!(refused["detail"].to_string().contains(word), "{refused}");
    }
    if let Some(file) = fixture("fixture-core-field") {
        // A field named like a core field gets the plugin's name in front, so both are there.
        install(&admin, &file, "true");
        let fields = people_fields(&admin);
        assert!(fields.iter().any(|key| key.starts_with("fixture_core_field__")), "{fields:?}");
        assert!(fields.contains(&"last_name".to_string()));
    }
    assert!(admin.get("/health").status == 200);
}

#[test]
fn plugins_that_kith_brings_along_wait_until_one_is_installed_by_its_name() {
    let Some(ids) = bundled() else { return };
    let server = Server::start();
    let admin = server.admin();
    let listed = || admin.get("/plugins").expect(200);
    let shown = listed();
    let brought: Vec<&str> = shown["bundled"].as_array().unwrap().iter().map(|b| b["id"].as_str().unwrap()).collect();
    assert_eq!(brought, ids);
    assert_eq!(shown["items"], json!([]), "none is active by itself");
    let of = |shown: &Json, id: &str| {
        shown["bundled"].as_array().unwrap().iter().find(|b| b["id"] == id).cloned().unwrap_or(Json::Null)
    };
    assert_eq!(
        (&of(&shown, "lead-scoring")["installed"], &of(&shown, "lead-scoring")["newer"]),
        (&json!(null), &json!(false))
    );

    let offer = admin.form("/plugins/inspect", &[("bundled", "lead-scoring")]).expect(200);
    assert_eq!(offer["permissions"][0]["key"], "records.read:people");
    let plugin = admin.form("/plugins", &[("bundled", "lead-scoring"), ("grant", "true")]).expect(201);
    assert_eq!((&plugin["state"], &plugin["sha256"]), (&json!("enabled"), &offer["sha256"]));
    assert_eq!(of(&listed(), "lead-scoring")["installed"], plugin["version"]);
    assert_eq!(admin.get("/plugins/lead-scoring").expect(200)["bundled"], true);
    assert!(people_fields(&admin).contains(&"lead_scoring__score".to_string()));

    let said = admin.form("/plugins", &[("bundled", "../lead-scoring")]).refused(404, "plugin.not_bundled");
    assert!(said["detail"].as_str().unwrap().contains("duplicate-guard"), "it says which there are: {said}");
    admin.form("/plugins", &[("grant", "true")]).refused(400, "request.invalid");
    let member = user(&server, &admin, "ann", "member");
    member.form("/plugins", &[("bundled", "vat-iban"), ("grant", "true")]).refused(403, "access.denied");
    assert_eq!(listed()["items"].as_array().unwrap().len(), 1);
}

#[test]
fn a_newer_version_that_kith_brings_along_is_offered() {
    let Some(_) = bundled() else { return };
    let server = Server::start();
    let admin = server.admin();
    let of = |client: &Client| {
        let shown = client.get("/plugins").expect(200);
        shown["bundled"].as_array().unwrap().iter().find(|b| b["id"] == "lead-scoring").cloned().unwrap()
    };
    install(&admin, &plain("lead-scoring", "0.0.1", ""), "true");
    assert_eq!((&of(&admin)["installed"], &of(&admin)["newer"]), (&json!("0.0.1"), &json!(true)));
    assert_eq!(admin.get("/plugins/lead-scoring").expect(200)["bundled"], false);
    admin.form("/plugins", &[("bundled", "lead-scoring")]).expect(201);
    assert_eq!(of(&admin)["newer"], false, "it waits for a grant already");
    admin.post("/plugins/lead-scoring/grant", &json!(null)).expect(200);
    assert_eq!((&of(&admin)["installed"], &of(&admin)["newer"]), (&of(&admin)["version"], &json!(false)));
}

#[test]
fn what_a_plugin_does_is_told_live_and_only_to_administrators() {
    let Some(good) = fixture("fixture-good") else { return };
    let server = Server::start();
    let admin = server.admin();
    install(&admin, &good, "true");
    let member = user(&server, &admin, "ann", "member");
    member.get("/plugins/fixture-good/stream").refused(403, "access.denied");
    admin.get("/plugins/none/stream").refused(404, "plugin.not_found");

    let mut live = admin.stream("/plugins/fixture-good/stream", &[]);
    live.expect("ready");
    let person = admin.make("people", json!({ "last_name": "A", "first_name": "ann" }));
    let call = live.expect("call");
    assert_eq!((&call.data["capability"], &call.data["error"]), (&json!("before-save"), &json!(null)));
    let action = format!("/records/people/{}/actions/fixture_good__greet", person["id"].as_str().unwrap());
    admin.post(&action, &json!({})).expect(200);
    let host = live.until("host", |event| event.data["name"] == "records.apply");
    assert_eq!(host.data["input"], "", "it may read a secret in the clear, and pass it on");
    admin.delete("/plugins/fixture-good");
    live.until("log", |event| event.data["message"] == "going");
    while live.next().is_some() {}

    let Some(bad) = fixture("fixture-bad") else { return };
    install(&admin, &bad, "true");
    admin.put("/plugins/fixture-bad/settings", &json!({ "where": "action", "behaviour": "trap" })).expect(200);
    let mut live = admin.stream("/plugins/fixture-bad/stream", &[]);
    live.expect("ready");
    let company = admin.make("companies", json!({ "name": "A" }));
    let host = live.until("host", |event| event.data["name"] == "settings.get");
    assert!(host.data["answer"].as_str().unwrap().contains("trap"), "{}", host.data);
    let action = format!("/records/companies/{}/actions/fixture_bad__act", company["id"].as_str().unwrap());
    admin.post(&action, &json!({})).expect(422);
    let failed = live.until("log", |event| event.data["level"] == "error");
    let mut again = admin.stream("/plugins/fixture-bad/stream?history=true", &[]);
    assert_eq!(again.until("log", |event| event.data["level"] == "error").data, failed.data, "kept, and told again");
}

#[test]
fn traces_are_asked_for_listed_and_fetched_by_administrators() {
    let Some(good) = fixture("fixture-good") else { return };
    let server = Server::start();
    let admin = server.admin();
    install(&admin, &good, "true");
    let path = "/plugins/fixture-good/traces";
    admin.post(path, &json!({ "calls": 51 })).refused(400, "request.invalid");
    assert_eq!(admin.post(path, &json!({ "calls": 1 })).expect(200), json!({ "tracing": 1 }));
    admin.make("people", json!({ "last_name": "A" }));
    // It is written beside whoever waits for the save.
    let trace = loop {
        match admin.get(path).expect(200)["items"][0]["id"].as_str() {
            Some(id) => break id.to_string(),
            None => std::thread::sleep(std::time::Duration::from_millis(20)),
        }
    };
    let fetched = admin.get(&format!("{path}/{trace}")).expect(200);
    assert_eq!((&fetched["id"], &fetched["export"]), (&json!(trace), &json!("before-save.check")));
    admin.get(&format!("{path}/{}", "0".repeat(32))).refused(404, "record.not_found");
    let member = user(&server, &admin, "ann", "member");
    for path in [path.to_string(), format!("{path}/{trace}")] {
        member.get(&path).refused(403, "access.denied");
    }
}

#[test]
fn labels_of_a_plugin_come_in_the_language_of_whoever_asks() {
    let server = Server::start();
    let admin = server.admin();
    let texts = json!({ "it": {
        "plugin.name": "Semplice", "fields.people.note.label": "Appunto", "settings.days.title": "Giorni",
        "secrets.key.label": "Chiave",
    }});
    let asks = ASKS.replace("type = \"integer\"", "type = \"integer\"\ntitle = \"Days\"");
    install(&admin, &told_in("plain", "1.0.0", &asks, Some(&texts.to_string())), "true");
    let label = |language: &str| {
        let object = admin.ask("GET", "/objects/people", &[("accept-language", language)], None).expect(200);
        let fields = object["fields"].as_array().unwrap();
        fields.iter().find(|field| field["key"] == "plain__note").unwrap()["label"].as_str().unwrap().to_string()
    };
    let all = |language: &str| admin.ask("GET", "/objects", &[("accept-language", language)], None).text();
    assert_eq!(
        (label("it-IT,en;q=0.5").as_str(), label("en,it").as_str(), label("fr").as_str()),
        ("Appunto", "Note", "Note")
    );
    assert!(all("it").contains("Appunto") && !all("da").contains("Appunto"));
    let shown = admin.ask("GET", "/plugins/plain", &[("accept-language", "it")], None).expect(200);
    assert_eq!((&shown["name"], &shown["secrets"][0]["label"]), (&json!("Semplice"), &json!("Chiave")), "{shown}");
    assert_eq!(shown["settings_schema"]["properties"]["days"]["title"], "Giorni");

    // Without a wish the user's own language counts, and what an administrator wrote stays in all of them.
    assert_eq!(label(""), "Note");
    admin.patch("/me", &json!({ "values": { "locale": "it" } })).expect(200);
    assert_eq!(label(""), "Appunto");
    admin.patch("/objects/people/fields/plain__note", &json!({ "label": "Remark" })).expect(200);
    assert_eq!((label("it").as_str(), label("en").as_str()), ("Remark", "Remark"));

    let server = Server::on(server.stop());
    let admin = server.admin();
    assert_eq!(
        admin.ask("GET", "/plugins", &[("accept-language", "it")], None).expect(200)["items"][0]["name"],
        "Semplice"
    );
}

#[test]
fn an_action_asked_for_several_times_at_once_with_one_key_runs_once_also_for_clients_that_hang_up() {
    let Some(file) = fixture("fixture-bad") else { return };
    let server = Server::start();
    let admin = server.admin();
    install(&admin, &file, "true");
    let settings = json!({ "where": "action", "behaviour": "write" });
    admin.put("/plugins/fixture-bad/settings", &settings).expect(200);
    let company = admin.make("companies", json!({ "name": "A" }));
    let path = format!("/records/companies/{}/actions/fixture_bad__act", company["id"].as_str().unwrap());
    let run = |key: &str| admin.ask("POST", &path, &[("idempotency-key", key)], Some(&json!({}))).expect(200);
    let together = std::sync::Barrier::new(8);
    std::thread::scope(|scope| {
        for hangs_up in [false, true].repeat(4) {
            let (admin, path, together, run) = (&admin, &path, &together, &run);
            scope.spawn(move || {
                together.wait();
                if hangs_up {
                    let headers = [("idempotency-key", "gone"), ("content-type", "application/json")];
                    admin.hang_up("POST", path, &headers, b"{}");
                }
                run("once");
            });
        }
    });
    // Whoever hung up left no key behind that is held.
    run("gone");
    let calls = admin.get("/plugins/fixture-bad/calls").expect(200);
    let runs = calls["items"].as_array().unwrap().iter().filter(|call| call["capability"] == "actions").count();
    assert_eq!(runs, 2, "{calls}");
    assert_eq!(admin.get("/records/notes").expect(200)["total"], 2);
}
