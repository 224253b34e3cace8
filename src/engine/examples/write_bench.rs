//! Measures the write side against the real store: single durable creates from 64 threads, import batches, opening again.
//! `cargo run --release -p kith-engine --example write_bench -- 200000`

use std::{sync::Arc, thread, time::Instant};

use kith_engine::{
    Actor, Command, CommitOptions, Engine, EngineOptions, Fields,
    define::{field, object},
};
use kith_model::{Labelled, Value};
use kith_store::{Files, Lock, OpenOptions, Store, Vault, new_identity};

const THREADS: usize = 64;
const CREATES_PER_THREAD: usize = 500;
const BATCH: usize = 1_000;

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

fn main() {
    let rows: usize = std::env::args().nth(1).and_then(|n| n.parse().ok()).unwrap_or(100_000);
    let folder = tempfile::tempdir().expect("a folder");
    let vault = Vault::create(folder.path(), &Lock::Recipients(vec![new_identity().1])).expect("a vault");
    let engine = open(folder.path(), &vault);
    let acme = serde_json::json!({ "name": "Acme" }).as_object().cloned().unwrap_or_default();
    let acme = Command::Create { object: "companies".into(), id: None, values: Fields::Json(acme) };
    let actor = Actor::cli();
    let company = engine.execute(&actor, vec![acme], CommitOptions::default()).expect("a company")[0].id;

    let start = Instant::now();
    thread::scope(|scope| {
        for t in 0..THREADS {
            let (engine, actor) = (&engine, &actor);
            scope.spawn(move || {
                for n in 0..CREATES_PER_THREAD {
                    let n = 10_000_000 + t * CREATES_PER_THREAD + n;
                    engine.execute(actor, vec![person(n, company)], CommitOptions::default()).expect("a create");
                }
            });
        }
    });
    let creates = (THREADS * CREATES_PER_THREAD) as f64;
    let groups = engine.metrics().groups;
    println!(
        "{THREADS} threads: {:.0} creates/s, {:.1} per sync",
        creates / start.elapsed().as_secs_f64(),
        creates / groups as f64
    );

    let start = Instant::now();
    for batch in 0..rows.div_ceil(BATCH) {
        let commands = (0..BATCH).map(|n| person(batch * BATCH + n, company)).collect();
        engine.execute(&actor, commands, CommitOptions::default()).expect("a batch");
    }
    println!("batches of {BATCH}: {:.0} rows/s", rows as f64 / start.elapsed().as_secs_f64());
    engine.close().expect("closed");
    drop(engine);

    let start = Instant::now();
    let engine = open(folder.path(), &vault);
    println!(
        "opened {} records in {:?}",
        engine.metrics().records.iter().map(|(_, n)| n).sum::<u64>(),
        start.elapsed()
    );
    let metrics = engine.metrics();
    println!("image: {} MB", metrics.image_bytes / 1_000_000);
    engine.close().expect("closed");
}
