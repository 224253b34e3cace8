//! Measures the image and the search at a million people of 20 fields: `cargo run --release -p kith-engine --example image_bench [N]`.
//! Prints one line per question with median and 99th percentile; times nothing in tests and asserts nothing.

use std::{sync::Arc, time::Instant};

use kith_base::{Currency, Money, RecordId};
use kith_engine::{Record, image::Image, query::ImageQuery, search::SearchIndex};
use kith_model::{
    FieldDef, Labelled, ObjectDef, Schema, SelectOption, Value,
    expr::{EvalContext, Expr},
};
use rust_decimal::Decimal;

const OBJECT: u32 = 100;
const FIRST: &[&str] =
    &["Anna", "Bo", "Carla", "Dario", "Elena", "Frida", "Giulia", "Henrik", "Ida", "Jonas", "Karen", "Lars"];
const SYLLABLES: &[&str] =
    &["ros", "an", "ber", "sen", "li", "mar", "ti", "no", "va", "ken", "hol", "der", "gra", "pe", "lu"];
const CITIES: &[&str] =
    &["København", "Roma", "Milano", "Aarhus", "Berlin", "Paris", "London", "Madrid", "Wien", "Oslo"];
const STAGES: &[&str] = &["new", "open", "working", "nurture", "customer", "lost"];

/// A small generator with a fixed seed: the same people every time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % below
    }

    fn pick<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.roll(of.len())]
    }

    fn name(&mut self) -> String {
        let mut name: String = (0..3 + self.roll(2)).map(|_| self.pick(SYLLABLES)).collect();
        name[..1].make_ascii_uppercase();
        name
    }
}

fn field(id: u32, key: &str, kind: &str) -> FieldDef {
    FieldDef {
        id,
        key: key.into(),
        label: key.into(),
        kind: kind.into(),
        position: f64::from(id),
        ..FieldDef::default()
    }
}

fn schema() -> Arc<Schema> {
    let options = STAGES.iter().map(|k| SelectOption { key: k.to_string(), ..SelectOption::default() }).collect();
    let fields = vec![
        field(1, "first_name", "text"),
        field(2, "last_name", "text"),
        FieldDef { expression: Some("join([first_name, last_name], \" \")".into()), ..field(3, "name", "computed") },
        FieldDef { many: true, ..field(4, "emails", "email") },
        FieldDef { many: true, ..field(5, "phones", "phone") },
        FieldDef { target: Some("people".into()), ..field(6, "company", "link") },
        field(7, "job_title", "text"),
        field(8, "owner", "user"),
        FieldDef { options, ..field(9, "stage", "select") },
        field(10, "city", "text"),
        field(11, "country", "text"),
        field(12, "revenue", "money"),
        field(13, "score", "decimal"),
        field(14, "visits", "integer"),
        field(15, "subscribed", "boolean"),
        field(16, "born", "date"),
        field(17, "last_contact", "datetime"),
        field(18, "tags", "tags"),
        field(19, "linkedin", "text"),
        field(20, "notes", "text"),
    ];
    let object = ObjectDef { id: OBJECT, key: "people".into(), title: "name".into(), fields, ..ObjectDef::default() };
    Arc::new(Schema::new(vec![object]))
}

fn person(n: usize, dice: &mut Dice) -> Record {
    let mut random = [0; 10];
    random[..4].copy_from_slice(&(dice.roll(1 << 30) as u32).to_be_bytes());
    let id = RecordId::new(1_700_000_000_000 + n as u64, random);
    let (first, last) = (dice.pick(FIRST), dice.name());
    let low = format!("{}.{}{}", first.to_lowercase(), last.to_lowercase(), n);
    let labelled = |value: String| Value::Labelled(vec![Labelled { value, label: "work".into() }]);
    let link = |n: usize| {
        Value::Link(RecordId::new(5, (n as u64 + 7).to_be_bytes().repeat(2)[..10].try_into().unwrap_or_default()))
    };
    let tags = (0..dice.roll(3)).map(|_| dice.pick(&["vip", "news", "fair", "partner", "cold"]).to_string()).collect();
    let values = vec![
        (1, Value::Text(first.into())),
        (2, Value::Text(last.clone())),
        (4, labelled(format!("{low}@{}.example", dice.pick(SYLLABLES)))),
        (5, labelled(format!("+45{:08}", dice.roll(100_000_000)))),
        (6, link(dice.roll(50_000))),
        (7, Value::Text(format!("{} {}", dice.pick(&["Head of", "Junior", "Senior", "Chief"]), dice.pick(SYLLABLES)))),
        (8, link(dice.roll(20))),
        (9, Value::Text(dice.pick(STAGES).into())),
        (10, Value::Text(dice.pick(CITIES).into())),
        (11, Value::Text(dice.pick(&["DK", "IT", "DE", "FR", "GB", "ES"]).into())),
        (12, Value::Money(Money { minor: dice.roll(1_000_000_000) as i64, currency: Currency::EUR })),
        (13, Value::Decimal(Decimal::new(dice.roll(10_000) as i64, 2))),
        (14, Value::Int(dice.roll(1_000) as i64)),
        (15, Value::Bool(dice.roll(2) == 0)),
        (16, Value::Date(dice.roll(20_000) as i32)),
        (17, Value::DateTime(1_600_000_000_000 + dice.roll(1 << 30) as i64 * 100)),
        (18, Value::Texts(tags)),
        (19, Value::Text(format!("https://linkedin.example/in/{low}"))),
        (20, Value::Text(format!("Met {} in {}, likes {}", dice.name(), dice.pick(CITIES), dice.name()))),
    ];
    Record {
        id,
        object: OBJECT,
        version: 1,
        seq: n as u64,
        created_at: 1_700_000_000_000 + n as i64,
        updated_at: 1_700_000_000_000 + (n as i64 * 7_919) % 1_000_000_007,
        created_by: RecordId([0; 16]),
        updated_by: RecordId([0; 16]),
        trashed: false,
        values: values.into_iter().collect(),
    }
}

/// Resident memory of this process in MB.
fn resident_mb() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|l| l.starts_with("VmRSS:")).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|kb| kb.parse::<usize>().ok()).unwrap_or(0) / 1024
}

/// Milliseconds this thread has spent on a processor: on a busy machine the clock on the wall says little.
fn busy_ms() -> f64 {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    stat.split_whitespace().next().and_then(|ns| ns.parse::<f64>().ok()).unwrap_or(0.0) / 1e6
}

/// Seconds all threads have spent on processors.
fn process_s() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after = stat.rsplit(')').next().unwrap_or_default();
    after.split_whitespace().skip(11).take(2).filter_map(|t| t.parse::<f64>().ok()).sum::<f64>() / 100.0
}

fn timed(name: &str, mut ask: impl FnMut(usize) -> u64) {
    let (mut wall, mut busy) = (Vec::new(), Vec::new());
    let mut found = 0;
    for round in 0..60 {
        let (start, before) = (Instant::now(), busy_ms());
        found = ask(round);
        wall.push(start.elapsed().as_secs_f64() * 1_000.0);
        busy.push(busy_ms() - before);
    }
    wall.sort_by(f64::total_cmp);
    busy.sort_by(f64::total_cmp);
    println!(
        "{name:52} wall p50 {:8.3} p99 {:8.3} ms   cpu p50 {:8.3} p99 {:8.3} ms   found {found}",
        wall[30], wall[58], busy[30], busy[58]
    );
}

fn main() {
    let count: usize = std::env::args().nth(1).and_then(|n| n.parse().ok()).unwrap_or(1_000_000);
    let schema = schema();
    let image = Image::new(schema.clone(), "en");
    let mut dice = Dice(42);
    let mut spent = 0.0;
    for from in (0..count).step_by(2_048) {
        let batch: Vec<Record> = (from..(from + 2_048).min(count)).map(|n| person(n, &mut dice)).collect();
        let start = Instant::now();
        image.apply_many(batch);
        spent += start.elapsed().as_secs_f64();
    }
    println!("loading took {:.2} s of processors, making the people included", process_s());
    image.settle();
    println!(
        "{count} people applied in {spent:.2} s; image {} MB, resident {} MB",
        image.memory_bytes() >> 20,
        resident_mb()
    );

    let context = EvalContext { now_ms: 1_750_000_000_000, time_zone: "UTC".into(), me: None };
    let object = schema.objects()[0].clone();
    let expr = |text: &str| match Expr::parse(text).and_then(|e| e.resolve(&object)) {
        Ok(expr) => expr,
        Err(error) => panic!("{text}: {error}"),
    };
    let list = |filter: Option<&str>, sort: &[(&str, bool)]| {
        let sort = sort.iter().map(|(k, d)| (k.to_string(), *d)).collect();
        let filter = filter.map(expr);
        ImageQuery { object: OBJECT, filter, sort, limit: 50, total: true, ..ImageQuery::default() }
    };
    let run = |name: &str, filter: Option<&str>, sort: &[(&str, bool)]| {
        timed(name, |_| image.query(&list(filter, sort), &context).map_or(0, |p| p.total.unwrap_or(0)));
    };

    let cold = Instant::now();
    run("sort name, no order yet", None, &[("name", false)]);
    println!("  first answers took {:.2} s together", cold.elapsed().as_secs_f64());
    for key in ["name", "last_name", "first_name", "created_at", "updated_at", "revenue", "city", "born", "emails"] {
        let start = Instant::now();
        image.warm(OBJECT, &[key]);
        println!("order by {key}: {:.2} s", start.elapsed().as_secs_f64());
    }
    println!("image {} MB, resident {} MB", image.memory_bytes() >> 20, resident_mb());

    run("list, newest first", None, &[]);
    run("list by updated_at desc", None, &[("updated_at", true)]);
    run("sort name", None, &[("name", false)]);
    run("sort city, name desc", None, &[("city", false), ("name", true)]);
    run("sort stage, revenue desc", None, &[("stage", false), ("revenue", true)]);
    run("sort first_name, last_name", None, &[("first_name", false), ("last_name", false)]);
    run("sort score (no order)", None, &[("score", true)]);
    run("sort emails", None, &[("emails", false)]);
    for (name, filter) in [
        ("select", "stage == \"customer\""),
        ("range", "visits >= 100 && visits < 200"),
        ("money", "revenue.amount > 9000000"),
        ("decimal", "score < 10.0"),
        ("date", "last_contact > timestamp(\"2023-01-01T00:00:00Z\")"),
        ("contains, many distinct", "name.contains(\"rosan\")"),
        ("contains lower, many distinct", "name.lower().contains(\"rosan\")"),
        ("contains, few distinct", "city.contains(\"lan\")"),
        ("contains lower with accents", "city.lower().contains(\"øben\")"),
        ("starts with", "last_name.startsWith(\"Ro\")"),
        ("email ends with", "emails.exists(e, e.endsWith(\"@ros.example\"))"),
        ("email contains", "emails.exists(e, e.contains(\"anna.ros\"))"),
        ("tag", "\"vip\" in tags"),
        ("in list", "stage in [\"new\", \"lost\"] && country != \"DK\""),
        ("null test", "tags != null && subscribed"),
        ("or, not", "!(stage == \"lost\") && (visits > 900 || revenue.amount < 1000)"),
        ("owner", "owner == \"00000000-0005-7000-8000-000000070000\""),
        ("rare", "visits == 77 && city == \"Roma\" && stage == \"new\""),
        ("notes contain", "notes.contains(\"likes Ros\")"),
        ("row by row after columns", "visits == 77 && born < last_contact"),
    ] {
        run(&format!("filter {name}"), Some(filter), &[]);
        run(&format!("filter {name}, sort name"), Some(filter), &[("name", false)]);
        run(&format!("filter {name}, sort revenue desc, name"), Some(filter), &[("revenue", true), ("name", false)]);
    }
    let mut cursor = None;
    timed("next page by name", |_| {
        let query = ImageQuery { cursor: cursor.take(), ..list(None, &[("name", false)]) };
        image.query(&query, &context).map_or(0, |page| {
            cursor = page.next_cursor;
            page.records.len() as u64
        })
    });
    timed("groups by stage, sum revenue", |_| {
        image.groups(&list(None, &[]), "stage", Some("revenue"), &context).map_or(0, |g| g.len() as u64)
    });
    let ids: Vec<RecordId> = (0..60)
        .map(|n| {
            image
                .query(&ImageQuery { limit: 500, ..list(None, &[("updated_at", n % 2 == 0)]) }, &context)
                .map_or(RecordId([0; 16]), |p| p.records[n * 8].id)
        })
        .collect();
    timed("get by id", |n| image.get(ids[n]).map_or(0, |r| r.version));
    let start = Instant::now();
    image.lookup(OBJECT, 4, "nobody@x.example");
    println!("lookup on emails built in {:.2} s", start.elapsed().as_secs_f64());
    let mail = |n: usize| {
        image.get(ids[n]).map_or(String::new(), |r| match r.values.get(4) {
            Value::Labelled(list) => list[0].value.to_lowercase(),
            _ => String::new(),
        })
    };
    let mails: Vec<String> = (0..60).map(mail).collect();
    timed("lookup by e-mail", |n| image.lookup(OBJECT, 4, &mails[n]).len() as u64);
    let changed: Vec<Record> = (0..60).map(|n| Record { version: 2, ..person(count + n, &mut dice) }).collect();
    timed("apply one record", |n| {
        image.apply(&changed[n]);
        1
    });
    println!("image {} MB, resident {} MB", image.memory_bytes() >> 20, resident_mb());

    let start = Instant::now();
    let Ok(search) = SearchIndex::start(image.clone()) else { return };
    search.fill();
    search.settle();
    println!("search was filled after {:.2} s of processors in all", process_s());
    println!(
        "search filled in {:.2} s; index {} MB, resident {} MB",
        start.elapsed().as_secs_f64(),
        search.memory_bytes() >> 20,
        resident_mb()
    );
    let fields: Vec<u32> = (1..=20).collect();
    let scope = [(OBJECT, fields.clone())];
    for words in [
        "a",
        "an",
        "anna",
        "rossen",
        "anna ros",
        "rosenn",
        "marberlin",
        "anna.ros",
        "45 12 34",
        "kobenhavn anna",
        "linkedin",
        "zzzz",
    ] {
        timed(&format!("search '{words}'"), |_| search.search(words, &scope, 20).len() as u64);
        timed(&format!("list q='{words}', sort name"), |_| {
            let rows = search.rows_matching(words, OBJECT, &fields, false);
            image
                .query(&ImageQuery { rows, ..list(None, &[("name", false)]) }, &context)
                .map_or(0, |p| p.total.unwrap_or(0))
        });
    }
    let start = Instant::now();
    search.upsert(&changed[0]);
    search.settle();
    println!("one change searchable after {:.0} ms", start.elapsed().as_secs_f64() * 1_000.0);
    println!(
        "image {} MB, search {} MB, resident {} MB",
        image.memory_bytes() >> 20,
        search.memory_bytes() >> 20,
        resident_mb()
    );
}
