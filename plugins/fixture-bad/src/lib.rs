//! A plugin that does harm on purpose: `behaviour` in its settings says what, `where` in which capability. README.md lists them.
//! Everywhere else it accepts and does nothing.

mod harm;

use kith_plugin::{
    Action, Change, Chunk, Event, Job, Panel, Record, Request, Response, Result, Row, Source, View, fields, panel,
    settings,
};
use serde::Deserialize;

kith_plugin::plugin! {
    before_save: check,
    after_commit: hear,
    computed: { bad: compute },
    actions: { act: act },
    conditions: { ask: ask },
    endpoint: serve,
    jobs: { work: work },
    panels: { draw: draw },
    importer: pull,
    lifecycle: { installed: installed, health: health },
}

#[derive(Deserialize)]
pub struct Settings {
    pub behaviour: String,
    #[serde(rename = "where")]
    pub place: String,
    pub base_url: String,
    pub other_url: String,
}

/// The harm, if it is to happen here. What it has to say, if it comes back.
fn harm(place: &str) -> Result<String> {
    let settings: Settings = settings::get()?;
    if settings.place == place { harm::run(&settings) } else { Ok(String::new()) }
}

fn check(change: &Change) -> Result<kith_plugin::Verdict> {
    let settings: Settings = settings::get()?;
    let said = harm("before-save")?;
    Ok(match (settings.place.as_str(), settings.behaviour.as_str()) {
        // Not in `fields-write`.
        ("before-save", "amend-other-field") => kith_plugin::Verdict::set("name", "Taken over"),
        ("before-save", "amend-wrong-type") => kith_plugin::Verdict::set("description", 7),
        ("before-save", "say") if !change.is_delete() => kith_plugin::Verdict::set("description", said),
        _ => kith_plugin::Verdict::Accept,
    })
}

fn hear(event: &Event) -> Result<()> {
    let settings: Settings = settings::get()?;
    if let ("after-commit", "event-loop", Some(company)) = (&*settings.place, &*settings.behaviour, &event.after) {
        let rounds = company.integer("rounds").unwrap_or_default() + 1;
        kith_plugin::records::update("companies", &company.id, fields! { "rounds" => rounds })?;
    }
    harm("after-commit").map(|_| ())
}

fn compute(_: &Record) -> Result<i64> {
    Ok(harm("computed")?.len() as i64)
}

fn act(_: &Action) -> Result<String> {
    harm("action")
}

fn ask(_: &Record, _: &kith_plugin::serde_json::Value) -> Result<bool> {
    harm("condition").map(|_| true)
}

fn serve(_: &Request) -> Result<Response> {
    Ok(Response::plain(200, &harm("endpoint")?))
}

fn work(_: &Job) -> Result<String> {
    harm("job")
}

fn draw(_: &Panel) -> Result<View> {
    Ok(View::new("Bad").add(panel::text(harm("panel")?)))
}

fn pull(source: &Source) -> Result<Chunk> {
    let said = harm("importer")?;
    source.chunk(vec![Row::new("1", "companies", fields! { "name" => "Row", "description" => said })])
}

fn installed(_: Option<&str>) -> Result<()> {
    harm("installed").map(|_| ())
}

fn health() -> Result<String, String> {
    harm("health").map_err(|error| error.message())
}
