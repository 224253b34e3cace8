//! What plugins cost: calls, a say in every save, hearing of events, loading, memory; with none, with one and with twenty.

use std::{
    path::PathBuf,
    thread,
    time::{Duration, Instant},
};

use kith_plugin_host::package::componentize;
use serde_json::{Value as Json, json};

use crate::{
    connection::Connection,
    server::{Running, Server},
    table::{Table, ms, quantile},
};

/// Creates per figure.
const CREATES: usize = 300;

/// Companies that plugins hear of.
const EVENTS: usize = 5_000;

const MANY: usize = 20;

/// A plugin that `cargo xtask plugins` built; none where it could not, which is said.
fn built(name: &str) -> Option<Vec<u8>> {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| PathBuf::from("target"), PathBuf::from);
    let file = target.join("plugins").join(format!("{name}.wasm"));
    let content = std::fs::read(&file).ok();
    if content.is_none() {
        println!("plugins are not measured: {} is not there; 'cargo xtask plugins' builds it", file.display());
    }
    content
}

/// `fixture-quick` under another id, so that many of it can be installed. To the host it is another file.
fn numbered(file: &[u8], number: usize) -> (String, Vec<u8>) {
    let id = format!("quick-{number}");
    let manifest = format!(
        "[plugin]\nid = \"{id}\"\nversion = \"0.1.0\"\napi = \"0.1\"\nname = \"Quick {number}\"\n\
         [hooks.before-save]\nobjects = [\"companies\"]\nfields-read = [\"name\"]\non-failure = \"reject\"\n\
         [events]\nobjects = [\"companies\"]\n"
    );
    (id, componentize(file, &manifest, None).unwrap())
}

fn install(connection: &mut Connection, file: &[u8]) -> Duration {
    let began = Instant::now();
    let plugin = connection.upload("/plugins", ("grant", "true"), "plugin.wasm", file);
    assert_eq!(plugin["state"], "enabled", "{plugin}");
    began.elapsed()
}

pub fn measure() {
    let (Some(quick), Some(books)) = (built("fixture-quick"), built("books-bridge")) else { return };
    let mut table = Table::new("Plugins");
    let server = Server::new();
    let mut running = server.start();
    let mut connection = running.connect();
    // The first saves of a fresh server are slower than any after them.
    creates(&mut connection);
    let none = creates(&mut connection);
    table.row("create without a plugin, p50", &ms(quantile(&none, 0.5)), "");
    let empty = running.memory_bytes();

    let (first, file) = numbered(&quick, 1);
    let took = install(&mut connection, &file);
    table.row(&format!("install, compile and load {} kB of Rust", file.len() / 1_000), &ms(took), "");
    let cold = create(&mut connection);
    table.row("the first create after that", &ms(cold), "");
    let one = creates(&mut connection);
    overhead(&mut table, "one plugin", &none, &one);
    calls(&mut table, &mut connection, &first);
    memory(&mut table, "memory of the first plugin, with wasmtime itself", &running, empty, 1);
    let heard = events(&mut connection, std::slice::from_ref(&first));
    table.row("events to one plugin through after-commit", &rate(EVENTS, heard), "");

    let before = running.memory_bytes();
    let others: Vec<_> = (2..=MANY).map(|number| numbered(&quick, number)).collect();
    for (_, file) in &others {
        install(&mut connection, file);
    }
    let ids: Vec<String> = std::iter::once(first).chain(others.into_iter().map(|(id, _)| id)).collect();
    memory(&mut table, "memory of each further plugin", &running, before, MANY - 1);
    let twenty = creates(&mut connection);
    overhead(&mut table, "twenty plugins", &none, &twenty);
    calls(&mut table, &mut connection, &ids[MANY - 1]);
    let heard = events(&mut connection, &ids);
    table.row("events to twenty plugins, all of them", &rate(EVENTS * MANY, heard), "");
    table.row("memory with twenty plugins, after all that", &running.memory(), "");

    drop(connection);
    running.stop();
    let running = server.start();
    let mut connection = running.connect();
    // A save waits until every plugin is loaded.
    let saved = create(&mut connection);
    table.row("start to first answer with twenty plugins", &ms(running.started_in), "< 300 ms");
    table.row("from that to the first save", &ms(saved), "");
    let took = install(&mut connection, &books);
    table.row(&format!("install, compile and load {} kB of Rust", books.len() / 1_000), &ms(took), "");
    table.finish();
}

fn create(connection: &mut Connection) -> Duration {
    let began = Instant::now();
    connection
        .post("/records/companies", &json!({"values": {"name": "New company", "website": "https://example.org"}}));
    began.elapsed()
}

fn creates(connection: &mut Connection) -> Vec<Duration> {
    // Events of earlier rounds are not to be delivered meanwhile.
    thread::sleep(Duration::from_secs(2));
    (0..CREATES).map(|_| create(connection)).collect()
}

/// What plugins add to a create.
fn overhead(table: &mut Table, with: &str, without: &[Duration], times: &[Duration]) {
    let (before, after) = (quantile(without, 0.5), quantile(times, 0.5));
    let added = (after.as_secs_f64() - before.as_secs_f64()) * 1e6;
    let said = format!("{} (+{added:.0} µs, × {:.2})", ms(after), after.as_secs_f64() / before.as_secs_f64());
    table.row(&format!("create with {with}, p50"), &said, "+100 µs a plugin");
}

/// What the host says of the plugin's last calls: store, instance and call.
fn calls(table: &mut Table, connection: &mut Connection, plugin: &str) {
    let answer = connection.get(&format!("/plugins/{plugin}/calls"));
    let of = |call: &&Json| call["capability"] == "before-save";
    let micros = answer["items"].as_array().unwrap().iter().filter(of).filter_map(|call| call["micros"].as_u64());
    let times: Vec<Duration> = micros.map(Duration::from_micros).collect();
    let overview = answer["overview"].as_array().unwrap();
    let slowest = overview.iter().find(|of| of["capability"] == "before-save").unwrap()["slowest_micros"].clone();
    let said = format!(
        "p50 {} µs · p99 {} µs · slowest {slowest} µs",
        quantile(&times, 0.5).as_micros(),
        quantile(&times, 0.99).as_micros()
    );
    table.row(&format!("a call of {plugin}, fresh store and instance"), &said, "15 µs measured for the design");
}

/// Imports companies and waits until the plugins have heard of all; the time it took them.
fn events(connection: &mut Connection, plugins: &[String]) -> Duration {
    thread::sleep(Duration::from_secs(2));
    let mut csv = String::from("Name,Website\n");
    (0..EVENTS).for_each(|n| csv.push_str(&format!("Company {n},https://example{n}.com\n")));
    let options = ("options", "{\"object\":\"companies\",\"duplicates\":\"keep\"}");
    let began = Instant::now();
    let import = connection.upload("/imports", options, "companies.csv", csv.as_bytes());
    let path = format!("/imports/{}", import["id"].as_str().unwrap());
    while connection.get(&path)["state"] == "running" {
        thread::sleep(Duration::from_millis(5));
    }
    // Heard of all once nothing more is heard for a while, longer than the pause between two looks at the journal.
    let (mut last, mut ended) = (0, Instant::now());
    while ended.elapsed() < Duration::from_secs(5) {
        let heard = plugins.iter().map(|plugin| batches(connection, plugin)).sum();
        if heard != last {
            (last, ended) = (heard, Instant::now());
        }
        thread::sleep(Duration::from_millis(10));
    }
    ended - began
}

fn batches(connection: &mut Connection, plugin: &str) -> u64 {
    let answer = connection.get(&format!("/plugins/{plugin}/calls"));
    let overview = answer["overview"].as_array().unwrap();
    overview.iter().find(|of| of["capability"] == "after-commit").map_or(0, |of| of["calls"].as_u64().unwrap())
}

fn rate(count: usize, took: Duration) -> String {
    format!("{:.0}/s, import included ({count} in {:.1} s)", count as f64 / took.as_secs_f64(), took.as_secs_f64())
}

fn memory(table: &mut Table, what: &str, running: &Running, before: Option<f64>, plugins: usize) {
    let more = running.memory_bytes().zip(before).map(|(now, before)| (now - before) / plugins as f64);
    table.row(what, &more.map_or_else(|| "unknown here".into(), |bytes| format!("{:.1} MB", bytes / 1e6)), "");
}
