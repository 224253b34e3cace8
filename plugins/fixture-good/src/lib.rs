//! A plugin that uses every capability once and behaves well. The tests of the host rely on what it does; README.md lists it.

mod doing;
mod drawing;

use kith_plugin::{Change, Error, Event, Record, Result, Verdict, Violation, fields, json, kv, log, records, settings};
use serde::Deserialize;

kith_plugin::plugin! {
    before_save: check,
    after_commit: hear,
    computed: { score: score },
    actions: {
        greet: doing::greet,
        wait: doing::wait,
        fetch: doing::fetch,
        remind: doing::remind,
        attach: doing::attach,
        reveal: doing::reveal,
    },
    conditions: { "has-email": has_email },
    endpoint: doing::serve,
    jobs: { count: doing::count, later: doing::later },
    panels: { about: drawing::about, home: drawing::home },
    importer: doing::pull,
    lifecycle: { installed: installed, removing: removing, health: health },
}

#[derive(Deserialize)]
struct Settings {
    base_url: String,
    follow: bool,
    points: i64,
}

/// Refuses the last name `Reject`, and begins first names with a capital.
fn check(change: &Change) -> Result<Verdict, Violation> {
    if change.text("last_name") == Some("Reject") {
        return Err(Violation::on("last_name", "rejected", "nobody is called Reject"));
    }
    let first = change.text("first_name").unwrap_or_default();
    let mut letters = first.chars();
    match letters.next() {
        Some(letter) if letter.is_lowercase() => {
            let capital = letter.to_uppercase().chain(letters).collect::<String>();
            Ok(Verdict::set("first_name", capital))
        }
        _ => Ok(Verdict::Accept),
    }
}

/// Counts what it hears under `heard:<kind>`, and makes one thing per person created.
fn hear(event: &Event) -> Result<()> {
    let key = format!("heard:{}", event.kind);
    let heard: u32 = kv::get(&key)?.unwrap_or_default();
    kv::put(&key, &(heard + 1))?;
    log::info_with("heard", &[("kind", &event.kind), ("event", &event.id)]);
    if let ("created", Some(person)) = (event.kind.as_str(), &event.after) {
        let thing = fields! { "name" => "Welcome", "person" => kith_plugin::Value::link(&person.id), "count" => 1 };
        records::create("things", thing, Some(&event.id))?;
    }
    let settings: Settings = settings::get()?;
    match &event.after {
        Some(person) if settings.follow => follow(event, person),
        _ => Ok(()),
    }
}

/// Keeps a thing for the change, named `gap` when one before it was never told. Told again, it leaves nothing more.
fn follow(event: &Event, person: &Record) -> Result<()> {
    let key = format!("seen:{}", person.id);
    let seen: u64 = kv::get(&key)?.unwrap_or_default();
    let name = if person.version > seen + 1 { "gap" } else { event.kind.as_str() };
    let thing = fields! {
        "name" => name, "person" => kith_plugin::Value::link(&person.id), "count" => person.version as i64,
    };
    records::create("things", thing, Some(&format!("follow:{}", event.id)))?;
    kv::put(&key, &person.version.max(seen))?;
    Ok(())
}

fn score(person: &Record) -> Result<i64> {
    let settings: Settings = settings::get()?;
    let titled = i64::from(person.text("job_title").is_some());
    Ok(person.texts("emails").len() as i64 * settings.points + titled)
}

fn has_email(person: &Record, _params: &kith_plugin::serde_json::Value) -> Result<bool> {
    Ok(!person.texts("emails").is_empty())
}

fn installed(previous: Option<&str>) -> Result<()> {
    kv::put("installed", &json!({ "previous": previous }))?;
    Ok(())
}

fn removing() -> Result<()> {
    log::info("going");
    Ok(())
}

fn health() -> Result<String, String> {
    let settings: Settings = settings::get().map_err(|error: Error| error.message())?;
    Ok(format!("ready for {}", settings.base_url))
}
