//! Measures the write side against the real store and beside the disk it is on: one client and 64, as the server's tasks write, batches as
//! an import sends them with the search that follows, and opening again.
//! `cargo run --release -p kith-engine --example write_bench -- 200000`

use std::{
    io::Write,
    sync::Arc,
    time::{Duration, Instant},
};

use kith_engine::{
    Actor, Command, CommitOptions, Engine, EngineOptions, Fields, Here, SearchQuery,
    define::{field, object},
};
use kith_model::{Labelled, Value};
use kith_store::{Files, Lock, OpenOptions, Store, Vault, new_identity};

const CLIENTS: usize = 64;
const CREATES_ALONE: usize = 1_000;
const CREATES_PER_CLIENT: usize = 300;

/// Rows of one transaction of an import.
const BATCH: usize = 500;

fn people() -> kith_model::ObjectDef {
    object(100, "people", "Person", "People")
        .field(1, field::text("first_name", "First name"))
        .field(2, field::text("last_name", "Last name").required())
        .field(3, field::computed("name", "Name", r#"join([first_name, last_name], " ")"#))
        .field(4, field::email("emails", "E-mails").many())
        .field(5, field::phone("phones", "Phones").many())
        .field(6, field::text("job_title", "Job title"))
        .field(7, field::link("company", "Company", "companies"))
        .field(8, field::integer("score", "Score"))
        .field(9, field::date("birthday", "Birthday"))
        .field(10, field::tags("tags", "Tags"))
        .field(11, field::text("city", "City"))
        .field(12, field::text("notes", "Notes"))
        .field(13, field::text("code", "Code").unique())
        .build()
}

fn companies() -> kith_model::ObjectDef {
    object(101, "companies", "Company", "Companies").field(1, field::text("name", "Name").required()).build()
}

fn person(n: usize, company: kith_base::RecordId) -> Command {
    let text = |text: String| Value::Text(text);
    let labelled = |value: String| Value::Labelled(vec![Labelled { value, label: "work".into() }]);
    let values = vec![
        ("first_name", text(format!("First{}", n % 977))),
        ("last_name", text(format!("Last{}", n % 7_919))),
        ("emails", labelled(format!("person{n}@example.com"))),
        ("phones", labelled(format!("+4520{:06}", n % 1_000_000))),
        ("job_title", text(["Buyer", "Engineer", "Director"][n % 3].into())),
        ("company", Value::Link(company)),
        ("score", Value::Int((n % 100) as i64)),
        ("birthday", Value::Date((n % 20_000) as i32)),
        ("tags", Value::Texts(vec![["new", "warm", "cold"][n % 3].into()])),
        ("city", text(["Aarhus", "Torino", "Berlin"][n % 3].into())),
        ("notes", text(format!("Met at the fair, number {n}, wants a call next week."))),
        ("code", text(format!("C-{n}"))),
    ];
    let values = values.into_iter().map(|(key, value)| (key.to_string(), value)).collect();
    Command::Create { object: "people".into(), id: None, values: Fields::Parsed(values) }
}

fn open(folder: &std::path::Path, vault: &Vault) -> Engine {
    let (store, _) = Store::open(folder, vault, OpenOptions::default()).expect("the store opens");
    let files = Arc::new(Files::open(folder, vault).expect("files open"));
    let options = EngineOptions { builtins: vec![people(), companies()], ..EngineOptions::default() };
    Engine::open(Arc::new(store), files, options, &mut |_| {}).expect("the engine opens")
}

/// One durable create, the way a task of the server does it.
async fn create(engine: &Engine, actor: &Actor, command: Command) {
    match engine.execute_here(actor, vec![command], CommitOptions::default()).await {
        Here::Done(outcome) => drop(outcome.expect("a create")),
        Here::Elsewhere(commands, options) => {
            let (engine, actor) = (engine.clone(), actor.clone());
            let done = tokio::task::spawn_blocking(move || engine.execute(&actor, commands, options));
            drop(done.await.expect("no panic").expect("a create"));
        }
    }
}

/// The median of what one `fdatasync` of 4 KiB takes.
fn sync_p50(folder: &std::path::Path) -> Duration {
    let mut file = std::fs::File::create(folder.join("probe")).expect("a file");
    let mut taken: Vec<Duration> = (0..200)
        .map(|_| {
            file.write_all(&[7; 4_096]).expect("written");
            let start = Instant::now();
            file.sync_data().expect("synced");
            start.elapsed()
        })
        .collect();
    median(&mut taken)
}

fn median(taken: &mut [Duration]) -> Duration {
    taken.sort();
    taken[taken.len() / 2]
}

/// Resident memory, where the system says it.
fn resident_mb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let kb =
        status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.split_whitespace().next()?.parse::<u64>().ok());
    kb.unwrap_or(0) / 1_024
}

/// Waits until a word of the newest record is found.
fn searchable(engine: &Engine, actor: &Actor, word: &str) -> Duration {
    let start = Instant::now();
    let query = SearchQuery { words: word.into(), objects: Vec::new(), limit: 5 };
    while engine.search(actor, &query).expect("a search").is_empty() {
        std::thread::sleep(Duration::from_millis(2));
    }
    start.elapsed()
}

fn main() {
    let rows: usize = std::env::args().nth(1).and_then(|n| n.parse().ok()).unwrap_or(100_000);
    let folder = tempfile::tempdir().expect("a folder");
    let vault = Vault::create(folder.path(), &Lock::Recipients(vec![new_identity().1])).expect("a vault");
    let engine = open(folder.path(), &vault);
    let acme = serde_json::json!({ "name": "Acme" }).as_object().cloned().unwrap_or_default();
    let acme = Command::Create { object: "companies".into(), id: None, values: Fields::Json(acme) };
    let actor = Actor::cli();
    let company = engine.execute(&actor, vec![acme], CommitOptions::default()).expect("a company")[0].id;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let sync = sync_p50(folder.path());
    println!("fdatasync p50 {sync:?}, empty {} MB", resident_mb());

    let alone = runtime.block_on(async {
        let (engine, actor) = (engine.clone(), actor.clone());
        let work = async move {
            let mut taken = Vec::with_capacity(CREATES_ALONE);
            for n in 0..CREATES_ALONE {
                let command = person(20_000_000 + n, company);
                let start = Instant::now();
                create(&engine, &actor, command).await;
                taken.push(start.elapsed());
            }
            median(&mut taken)
        };
        tokio::spawn(work).await.expect("no panic")
    });
    println!("one client: create p50 {alone:?}, {:.1} x fdatasync", alone.as_secs_f64() / sync.as_secs_f64());

    let (start, groups) = (Instant::now(), engine.metrics().groups);
    runtime.block_on(async {
        let clients: Vec<_> = (0..CLIENTS)
            .map(|client| {
                let (engine, actor) = (engine.clone(), actor.clone());
                tokio::spawn(async move {
                    for n in 0..CREATES_PER_CLIENT {
                        let n = 10_000_000 + client * CREATES_PER_CLIENT + n;
                        create(&engine, &actor, person(n, company)).await;
                    }
                })
            })
            .collect();
        for client in clients {
            client.await.expect("no panic");
        }
    });
    let creates = (CLIENTS * CREATES_PER_CLIENT) as f64;
    println!(
        "{CLIENTS} clients: {:.0} creates/s, {:.1} per sync",
        creates / start.elapsed().as_secs_f64(),
        creates / (engine.metrics().groups - groups) as f64
    );

    let start = Instant::now();
    for batch in 0..rows.div_ceil(BATCH) {
        let commands = (0..BATCH).map(|n| person(batch * BATCH + n, company)).collect();
        engine.execute(&actor, commands, CommitOptions::default()).expect("a batch");
    }
    let rate = rows as f64 / start.elapsed().as_secs_f64();
    let late = searchable(&engine, &actor, &format!("C-{}", rows.div_ceil(BATCH) * BATCH - 1));
    println!("batches of {BATCH}: {rate:.0} rows/s, the last searchable after {late:?}, {} MB", resident_mb());
    engine.close().expect("closed");
    drop(engine);

    let start = Instant::now();
    let engine = open(folder.path(), &vault);
    let metrics = engine.metrics();
    println!(
        "opened {} records in {:?}, image {} MB",
        metrics.records.iter().map(|(_, n)| n).sum::<u64>(),
        start.elapsed(),
        metrics.image_bytes / 1_000_000
    );
    engine.close().expect("closed");
}
