//! Measures the shipped binary against the budgets of the design, over HTTP, and prints a Markdown table. Not a timed test: nothing
//! fails for being slow. `cargo xtask bench --records N` builds the binary and runs this.

// A test that cannot go on says so by panicking.
#![allow(clippy::unwrap_used)]

mod connection;
mod disk;
mod echo;
mod plugins;
mod server;
mod table;

use std::{
    thread,
    time::{Duration, Instant},
};

use connection::Connection;
use serde_json::{Value as Json, json};
use server::Server;
use table::{Table, ms, per_second, quantile};

/// How long a server rests before its memory counts: what work took has been given back by then, and its index is filled.
const QUIET: Duration = Duration::from_secs(20);

/// Long enough that whatever comes round once a minute has come, and gone again.
const REST: Duration = Duration::from_secs(90);

/// Requests per question: enough for a stable 99th percentile.
const REQUESTS: usize = 400;

#[test]
#[ignore = "a measurement of minutes; cargo xtask bench runs it"]
fn budgets() {
    let records: usize = std::env::var("KITH_BENCH_RECORDS").ok().and_then(|n| n.parse().ok()).unwrap_or(100_000);
    let mut table = Table::new(&format!("{records} people"));
    let server = Server::new();
    let sync = disk::sync_times(server.folder());
    table.row("one fdatasync of 4 KiB on this disk, p50", &ms(quantile(&sync, 0.5)), "");
    table.row("bytes there and back over loopback, p50", &ms(quantile(&echo::times(), 0.5)), "");
    let size = std::fs::metadata(server::binary()).map_or(0, |about| about.len());
    table.row("size of the binary", &format!("{:.1} MB", size as f64 / 1e6), "< 60 MB");

    let mut running = server.start();
    table.row("start to first answer, empty", &ms(running.started_in), "< 300 ms");
    thread::sleep(QUIET);
    table.row("memory, empty", &running.memory(), "< 60 MB");
    import(&mut table, &running, records);
    writes(&mut table, &running, quantile(&sync, 0.5));
    thread::sleep(Duration::from_secs(3));
    questions(&mut table, &running);
    table.row("memory right after import and questions", &running.memory(), "");
    thread::sleep(QUIET);
    table.row("memory, loaded", &running.memory(), "< 250 MB at 100,000; < 1.2 GB at 1,000,000");

    running.stop();
    running = server.start();
    table.row("start to first answer, loaded", &ms(running.started_in), "< 1 s at 100,000; < 6 s at 1,000,000");
    table.row("memory right after that start", &running.memory(), "");
    thread::sleep(QUIET);
    table.row("memory after that start, at rest", &running.memory(), "< 250 MB at 100,000; < 1.2 GB at 1,000,000");
    let worked = running.worked();
    thread::sleep(REST);
    let share = (running.worked() - worked).as_secs_f64() / REST.as_secs_f64();
    table.row("processor while nobody asks, of one core", &format!("{:.1} %", share * 100.0), "");
    running.stop();
    table.finish();
}

#[test]
#[ignore = "a measurement of a minute; cargo xtask bench runs it"]
fn plugins() {
    plugins::measure();
}

/// People of twenty fields as another program exports them.
fn csv(records: usize) -> Vec<u8> {
    let mut text = String::from(
        "First name,Last name,E-mail,Phone,Job title,Department,Lifecycle,Street,City,Postal code,Country,Website,Birthday,Tags,\
         Marketing consent,Source,Description,External id\n",
    );
    let names = ["Ada", "Bruno", "Chiara", "Dagny", "Emil", "Freja", "Giulia", "Hugo", "Ida", "Jonas", "Karen", "Luca"];
    let last = [
        "Rossi", "Jensen", "Müller", "Smith", "Ferrari", "Nielsen", "Weber", "Jones", "Conti", "Holm", "Koch", "Clarke",
    ];
    let cities = ["Milano", "Aarhus", "Hamburg", "Leeds", "Torino", "Odense", "Berlin", "Bristol"];
    let lifecycles = ["Subscriber", "Lead", "Opportunity", "Customer"];
    for n in 0..records {
        // Spread without repeating a pattern that compresses or sorts by accident.
        let r = (n as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20;
        let pick = |list: &[&'static str], shift: u32| list[(r >> shift) as usize % list.len()];
        text.push_str(&format!(
            "{},{}{},p{n}@example{}.com,+39 347 {:07},Buyer {},Dept {},{},Via Roma {},{},{:05},IT,https://example{}.com,19{:02}-0{}-1{},\
             \"trade fair\",{},import,Met at stand {} of hall {}.,{n}\n",
            pick(&names, 0), pick(&last, 5), r % 997, n % 5_000, 1_000_000 + n % 9_000_000, r % 40, r % 12, pick(&lifecycles, 9),
            r % 200, pick(&cities, 13), 10_000 + r % 80_000, n % 5_000, 50 + r % 50, 1 + r % 9, r % 10,
            if r.is_multiple_of(2) { "yes" } else { "no" }, r % 70, r % 9,
        ));
    }
    text.into_bytes()
}

/// The largest upload the server takes at once; more rows come in several files.
const ROWS_PER_FILE: usize = 200_000;

fn import(table: &mut Table, server: &server::Running, records: usize) {
    let mut connection = server.connect();
    let content = csv(records);
    let mut lines = content.split_inclusive(|b| *b == b'\n');
    let head = lines.next().unwrap_or_default().to_vec();
    let rows: Vec<&[u8]> = lines.collect();
    let mut took = Duration::ZERO;
    for part in rows.chunks(ROWS_PER_FILE) {
        let file = [head.as_slice(), &part.concat()].concat();
        let began = Instant::now();
        let answer = connection.upload(
            "/imports",
            ("options", "{\"object\":\"people\",\"duplicates\":\"keep\"}"),
            "people.csv",
            &file,
        );
        let id = answer["id"].as_str().unwrap_or_else(|| panic!("no import: {answer}")).to_string();
        loop {
            thread::sleep(Duration::from_millis(20));
            let state = connection.get(&format!("/imports/{id}"));
            if state["state"] != "running" {
                assert_eq!(state["state"], "done", "{state}");
                assert_eq!(state["created"], json!(part.len()), "{state}");
                break;
            }
        }
        took += began.elapsed();
    }
    table.row("import of CSV, rows a second", &per_second(records, took), "≥ 20,000/s");
}

fn writes(table: &mut Table, server: &server::Running, sync: Duration) {
    let mut connection = server.connect();
    let person = |n: usize| {
        let values =
            json!({"first_name": "New", "last_name": format!("Person {n}"), "emails": [format!("n{n}@example.org")]});
        json!({ "values": values }).to_string()
    };
    let times =
        |took: Duration| format!("{} ({:.1} × fdatasync)", ms(took), took.as_secs_f64() / sync.as_secs_f64().max(1e-9));
    let answers: Vec<Duration> = (0..REQUESTS).map(|_| timed(&mut connection, "/me")).collect();
    table.row("an answer that touches no record, p50", &times(quantile(&answers, 0.5)), "");
    let mut ids = Vec::new();
    let creates: Vec<Duration> = (0..REQUESTS)
        .map(|n| {
            let request = connection.request("POST", "/records/people", "application/json", person(n).as_bytes());
            let began = Instant::now();
            let made = connection.send(&request);
            let took = began.elapsed();
            let made: Json = serde_json::from_slice(made).unwrap_or_default();
            ids.push(made["id"].as_str().unwrap_or_default().to_string());
            took
        })
        .collect();
    table.row("create, one client, p50", &times(quantile(&creates, 0.5)), "< 3 × fdatasync");
    table.row("create, one client, p99", &ms(quantile(&creates, 0.99)), "");
    let updates: Vec<Duration> = ids
        .iter()
        .map(|id| {
            let path = format!("/records/people/{id}");
            let request =
                connection.request("PATCH", &path, "application/json", br#"{"values":{"job_title":"Changed"}}"#);
            let began = Instant::now();
            connection.send(&request);
            began.elapsed()
        })
        .collect();
    table.row("update, one client, p50", &times(quantile(&updates, 0.5)), "< 3 × fdatasync");

    const CLIENTS: usize = 64;
    const EACH: usize = 150;
    let mut connections: Vec<Connection> = (0..CLIENTS).map(|_| server.connect()).collect();
    let requests = |at: usize| {
        let body = |n: usize| person(at * EACH + n + 1_000_000);
        let asked = |n: usize| connection.request("POST", "/records/people", "application/json", body(n).as_bytes());
        (0..EACH).map(asked).collect::<Vec<_>>()
    };
    // Made beforehand, as the clients' own work would else be counted as the server's.
    let requests: Vec<_> = (0..CLIENTS).map(requests).collect();
    let began = Instant::now();
    thread::scope(|scope| {
        for (connection, requests) in connections.iter_mut().zip(&requests) {
            scope.spawn(move || {
                for request in requests {
                    connection.send(request);
                }
            });
        }
    });
    table.row("durable creates, 64 clients", &per_second(CLIENTS * EACH, began.elapsed()), "≥ 10,000/s");
}

fn questions(table: &mut Table, server: &server::Running) {
    let mut connection = server.connect();
    let asked: [(&str, &str); 9] = [
        ("list", "/records/people?limit=50"),
        ("filter by option", "/records/people?limit=50&filter=lifecycle%20%3D%3D%20%22customer%22"),
        ("filter by range", "/records/people?limit=50&filter=birthday%20%3E%20date(%221980-01-01%22)"),
        ("filter by part of a text", "/records/people?limit=50&filter=job_title.contains(%22er%203%22)"),
        ("sort", "/records/people?limit=50&sort=last_name,-created_at"),
        (
            "filter and sort",
            "/records/people?limit=50&sort=last_name&filter=lifecycle%20%3D%3D%20%22lead%22%20%26%26%20marketing_consent",
        ),
        ("count", "/records/people?limit=1&total=true&filter=lifecycle%20%3D%3D%20%22customer%22"),
        ("list without total", "/records/people?limit=50&total=false"),
        ("search within a list", "/records/people?limit=50&q=rossi"),
    ];
    for (name, path) in asked {
        // The first answer may build an order; people wait for it once.
        let first = timed(&mut connection, path);
        let times: Vec<Duration> = (0..REQUESTS).map(|_| timed(&mut connection, path)).collect();
        let said =
            format!("p50 {} · p99 {} (first {})", ms(quantile(&times, 0.5)), ms(quantile(&times, 0.99)), ms(first));
        table.row(name, &said, "p99 < 10 ms");
    }
    let typed =
        ["ros", "ross", "rossi", "giu", "giulia r", "jens", "p123", "ferari", "mullr", "chiara con", "buyer 3", "hall"];
    let times: Vec<Duration> = (0..REQUESTS)
        .map(|n| timed(&mut connection, &format!("/search?limit=20&q={}", typed[n % typed.len()].replace(' ', "%20"))))
        .collect();
    table.row(
        "search as you type",
        &format!("p50 {} · p99 {}", ms(quantile(&times, 0.5)), ms(quantile(&times, 0.99))),
        "p99 < 30 ms",
    );
}

fn timed(connection: &mut Connection, path: &str) -> Duration {
    let began = Instant::now();
    connection.take(path);
    began.elapsed()
}
