//! Kills the server again and again while a plugin is told of changes. Afterwards every change was told, those of one record in their order, and
//! what the plugin did under a key is there once.

use std::{
    collections::BTreeMap,
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value as Json, json};

use crate::{
    crash::{chance, rounds, serve},
    harness::{Client, Server, Vault, plugins::fixture},
};

/// Telling may wait for a busy machine.
const TOLD_WITHIN: Duration = Duration::from_secs(300);

/// Changes of each person.
const CHANGES: usize = 3;

/// Makes people and changes them until the server is gone. The ids of those that were acknowledged.
fn write_until_gone(admin: &Client, writer: usize) -> Vec<String> {
    let mut kept = Vec::new();
    for turn in 0.. {
        let body = json!({ "values": { "last_name": format!("Writer {writer} turn {turn}") } });
        let Some(made) = admin.try_post("/records/people", &body).filter(|reply| reply.status == 201) else {
            return kept;
        };
        let id = made.json()["id"].as_str().unwrap_or_default().to_string();
        kept.push(id.clone());
        for change in 0..CHANGES {
            let values = json!({ "job_title": format!("{change}") });
            let body = json!({ "operations": [{ "op": "update", "id": id, "values": values }] });
            if admin.try_post("/records/people/batch", &body).is_none_or(|reply| reply.status != 200) {
                return kept;
            }
        }
        thread::sleep(Duration::from_millis(20));
    }
    kept
}

/// All records of an object.
fn all(admin: &Client, object: &str) -> Vec<Json> {
    let (mut found, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = admin.get(&format!("/records/{object}?limit=200{cursor}")).expect(200);
        found.extend(page["items"].as_array().unwrap().iter().cloned());
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return found,
        }
    }
}

/// What the plugin kept of each person, as name and version.
fn told(admin: &Client) -> BTreeMap<String, Vec<(String, u64)>> {
    let mut told: BTreeMap<String, Vec<(String, u64)>> = BTreeMap::new();
    for thing in all(admin, "fixture_good__things") {
        let values = &thing["values"];
        let person = values["person"]["id"].as_str().or(values["person"].as_str()).unwrap_or_default().to_string();
        let (name, version) = (values["name"].as_str().unwrap_or_default(), values["count"].as_u64().unwrap_or(0));
        told.entry(person).or_default().push((name.to_string(), version));
    }
    told.values_mut().for_each(|of| of.sort());
    told
}

/// What it has when every change was told once, in order.
fn whole(version: u64) -> Vec<(String, u64)> {
    let mut all = vec![("Welcome".to_string(), 1), ("created".to_string(), 1)];
    all.extend((2..=version).map(|version| ("updated".to_string(), version)));
    all
}

fn prepared(file: &[u8]) -> Server {
    let server = serve(Vault::new());
    let admin = server.admin();
    admin.upload("/plugins", &[("grant", "true")], "p.wasm", file).expect(201);
    admin.put("/plugins/fixture-good/settings", &json!({ "follow": true })).expect(200);
    // It begins to hear at some moment after it runs, and that moment is kept over restarts.
    let began = Instant::now();
    while told(&admin).is_empty() {
        assert!(began.elapsed() < TOLD_WITHIN, "the plugin never heard of anything");
        admin.make("people", json!({ "last_name": "Beginning" }));
        thread::sleep(Duration::from_millis(200));
    }
    server
}

#[test]
fn kills_while_a_plugin_is_told_lose_no_event_and_double_nothing() {
    let Some(file) = fixture("fixture-good") else { return };
    let mut below = chance();
    let server = prepared(&file);
    let before: Vec<String> = all(&server.admin(), "people").iter().map(|p| p["id"].to_string()).collect();
    let mut vault = server.stop();
    let mut acknowledged = Vec::new();
    for _ in 0..rounds() {
        let server = serve(vault);
        let admin = server.admin();
        let write = |writer: usize| {
            let admin = admin.clone();
            thread::spawn(move || write_until_gone(&admin, writer))
        };
        let writers: Vec<_> = (0..2).map(write).collect();
        thread::sleep(Duration::from_millis(100 + below(400)));
        vault = server.kill();
        acknowledged.extend(writers.into_iter().flat_map(|writer| writer.join().unwrap()));
        // It is behind now, and is cut off while it catches up.
        for _ in 0..1 + below(3) {
            let server = serve(vault);
            thread::sleep(Duration::from_millis(below(400)));
            vault = server.kill();
        }
    }
    let server = serve(vault);
    let admin = server.admin();
    assert!(!acknowledged.is_empty(), "nothing was written: the test proved nothing");
    let versions = || {
        let people = all(&admin, "people").into_iter().filter(|person| !before.contains(&person["id"].to_string()));
        people.map(|p| (p["id"].as_str().unwrap().to_string(), p["version"].as_u64().unwrap())).collect()
    };
    let versions: BTreeMap<String, u64> = versions();
    assert!(acknowledged.iter().all(|id| versions.contains_key(id)));
    let events: usize = versions.values().map(|version| *version as usize + 1).sum();
    let began = Instant::now();
    loop {
        let told = told(&admin);
        let count: usize = versions.keys().filter_map(|id| told.get(id)).map(Vec::len).sum();
        if count >= events {
            for (id, version) in &versions {
                assert_eq!(told[id], whole(*version), "{id}");
            }
            break;
        }
        assert!(began.elapsed() < TOLD_WITHIN, "{count} of {events} were told");
        thread::sleep(Duration::from_millis(200));
    }
    let failures = admin.get("/plugins/fixture-good/failures").expect(200);
    assert_eq!(failures["items"], json!([]));
    println!("{} people, {events} things", versions.len());
    let vault = server.stop();
    assert!(vault.run(&["verify"]).status.success(), "something does not verify");
}
