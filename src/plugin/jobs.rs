//! Work put off and work on a schedule: records of `plugin_jobs`, so that a restart forgets nothing. A job is many short slices, each durable
//! before the next; an action that waits is one of them.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use kith_base::{RecordId, TimestampMs};
use kith_engine::{Actor, Cause, Command, CommitOptions, Engine, EngineError, Fields, Query, Record};
use kith_model::Value;
use serde_json::{Value as Json, json};
use tokio::{sync::watch, task::JoinHandle};

use crate::{
    actions::{Done, Work},
    asking::clip,
    backoff,
    contract::{Call, jobs::exports::kith::plugin::jobs::Progress},
    objects::{ids::jobs as ids, record_of},
    plugin::Plugin,
    runtime::{CallError, CallInfo, Capability, Phase},
    services::Services,
    set::Loaded,
};

const OBJECT: &str = "plugin_jobs";

/// One slice.
const SLICE: Duration = Duration::from_secs(30);

const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Jobs of a plugin, about, that are taken up in one look.
const AT_ONCE: usize = 16;

/// Bytes of the place where a job goes on.
const CURSOR_BYTES_MAX: usize = 64 << 10;

/// Characters of a note.
const NOTE_CHARS_MAX: usize = 500;

/// Runs what is due until it is dropped.
pub struct Jobs {
    task: JoinHandle<()>,
    closing: watch::Sender<bool>,
}

impl Jobs {
    pub fn start(services: Arc<Services>, loaded: Arc<Loaded>) -> Jobs {
        let (closing, mut closes) = watch::channel(false);
        let tokio = services.tokio.clone();
        let task = tokio.spawn(async move {
            // One plugin's jobs run one after the other, those of different plugins beside each other.
            let mut running: BTreeMap<String, JoinHandle<()>> = BTreeMap::new();
            while !*closes.borrow() {
                running.retain(|_, work| !work.is_finished());
                let (asked, set) = (services.clone(), loaded.clone());
                match tokio::task::spawn_blocking(move || look(&asked, &set)).await {
                    Ok(Ok(due)) => begin(&services, &loaded, due, &mut running),
                    Ok(Err(error)) => tracing::error!(code = error.code(), "plugins' jobs cannot be read"),
                    // A panic was reported by the runtime.
                    Err(_) => {}
                }
                tokio::select! {
                    () = tokio::time::sleep(LOOK_EVERY) => {}
                    _ = closes.changed() => {}
                }
            }
            for (_, work) in running {
                drop(work.await);
            }
        });
        Jobs { task, closing }
    }

    /// Ends after the slices under way.
    pub async fn stop(self) {
        self.closing.send_replace(true);
        drop(self.task.await);
    }
}

/// Begins what is due of plugins that are not at work already.
fn begin(
    services: &Arc<Services>,
    loaded: &Arc<Loaded>,
    due: Vec<Due>,
    running: &mut BTreeMap<String, JoinHandle<()>>,
) {
    let mut by_plugin: BTreeMap<String, Vec<Due>> = BTreeMap::new();
    for one in due.into_iter().filter(|one| !running.contains_key(&one.plugin)) {
        by_plugin.entry(one.plugin.clone()).or_default().push(one);
    }
    for (id, of) in by_plugin {
        let Some(plugin) = loaded.get(&id) else { continue };
        let services = services.clone();
        let work = tokio::task::spawn_blocking(move || {
            for one in of {
                if let Err(error) = one.run(&services, &plugin) {
                    tracing::error!(plugin = plugin.id, code = error.code(), "a job cannot be noted");
                }
            }
        });
        running.insert(id, work);
    }
}

/// Puts scheduled jobs on the list, and answers what is due.
fn look(services: &Arc<Services>, loaded: &Arc<Loaded>) -> Result<Vec<Due>, EngineError> {
    let all = loaded.all();
    if all.is_empty() {
        return Ok(Vec::new());
    }
    for plugin in all.iter() {
        for (name, job) in &plugin.manifest.jobs {
            if let Some(cron) = &job.cron {
                schedule(services, plugin, name, cron)?;
            }
        }
    }
    let now = services.engine.now_ms();
    let moment = kith_engine::read::rfc3339(now);
    let filter = format!("state == \"waiting\" && due_at <= timestamp(\"{moment}\")");
    let query = Query::of(OBJECT).filter(filter).sort_by("due_at", false).limit(AT_ONCE * all.len().max(1));
    let page = services.engine.query(&Actor::system(), &query)?;
    let due = page.records.iter().filter_map(Due::read);
    Ok(due.filter(|due| all.iter().any(|plugin| plugin.id == due.plugin)).collect())
}

/// Each scheduled job is one record, which says when it runs next. Runs that were missed while the server was down are one run.
fn schedule(services: &Arc<Services>, plugin: &Plugin, name: &str, cron: &str) -> Result<(), EngineError> {
    let engine = &services.engine;
    let id = scheduled(&plugin.id, name);
    if let Ok(record) = engine.get_for_change(&Actor::system(), OBJECT, id) {
        let waits = matches!(record.values.get(ids::STATE), Value::Text(state) if state == "waiting");
        let same = matches!(record.values.get(ids::KEY), Value::Text(key) if key == cron);
        if waits && same {
            return Ok(());
        }
    }
    let Some(next) = next(cron, &engine.read_context().time_zone, engine.now_ms()) else { return Ok(()) };
    let put =
        Put { plugin: &plugin.id, kind: "job", name, input: "{}", key: cron, due_at: next, actor: None, depth: 0 };
    put.write(engine, id)
}

fn scheduled(plugin: &str, name: &str) -> RecordId {
    record_of(ids::OBJECT, plugin, &format!("cron/{name}"))
}

/// The next moment of a schedule after `now`.
pub(crate) fn next(cron: &str, time_zone: &str, now: TimestampMs) -> Option<TimestampMs> {
    let crontab = cronexpr::parse_crontab(&format!("{cron} {time_zone}")).ok()?;
    let now = jiff::Timestamp::from_millisecond(now).ok()?;
    let next = crontab.find_next(now.to_string().as_str()).ok()?;
    Some(next.timestamp().as_millisecond())
}

/// Work to be written down.
pub(crate) struct Put<'a> {
    pub plugin: &'a str,
    pub kind: &'a str,
    pub name: &'a str,
    pub input: &'a str,
    pub key: &'a str,
    pub due_at: TimestampMs,
    pub actor: Option<RecordId>,
    pub depth: u8,
}

impl Put<'_> {
    /// Writes it under this id, over what was there.
    pub fn write(&self, engine: &Engine, id: RecordId) -> Result<(), EngineError> {
        let text = |text: &str| Value::Text(text.to_string());
        let values: Vec<(String, Value)> = vec![
            ("plugin".into(), text(self.plugin)),
            ("kind".into(), text(self.kind)),
            ("name".into(), text(self.name)),
            ("input".into(), text(self.input)),
            ("cursor".into(), Value::Null),
            ("due_at".into(), Value::DateTime(self.due_at)),
            ("key".into(), text(self.key)),
            ("attempt".into(), Value::Int(0)),
            ("state".into(), text("waiting")),
            ("actor".into(), self.actor.map_or(Value::Null, |id| text(&id.to_string()))),
            ("depth".into(), Value::Int(i64::from(self.depth))),
        ];
        let values = Fields::Parsed(values);
        let known = engine.get_for_change(&Actor::system(), OBJECT, id).is_ok();
        let command = if known {
            Command::Update { object: OBJECT.into(), id, version: None, values }
        } else {
            Command::Create { object: OBJECT.into(), id: Some(id), values }
        };
        let options = CommitOptions::caused_by(Cause::of("plugin", self.plugin));
        engine.execute(&Actor::system(), vec![command], options).map(drop)
    }

    /// Parks an action that is to be called again, once however often its request comes.
    pub(crate) fn action(
        engine: &Engine,
        plugin: &str,
        work: &Work<'_>,
        wait_ms: TimestampMs,
    ) -> Result<(), EngineError> {
        let now = engine.now_ms();
        let about: Vec<String> = work.ids.iter().map(ToString::to_string).collect();
        let id = record_of(ids::OBJECT, plugin, &format!("action/{}", work.run));
        if engine.get_for_change(&Actor::system(), OBJECT, id).is_ok() {
            return Ok(());
        }
        let input = json!({
            "run": work.run, "object": work.object, "ids": about, "input": work.input, "called": work.called + 1,
        });
        let (input, due_at) = (input.to_string(), now + wait_ms);
        let put = Put {
            plugin,
            kind: "action",
            name: work.name,
            input: &input,
            key: "",
            due_at,
            actor: work.actor,
            depth: work.depth,
        };
        put.write(engine, id)
    }
}

/// Something that is due.
struct Due {
    record: RecordId,
    plugin: String,
    kind: String,
    name: String,
    input: String,
    cursor: Option<String>,
    attempt: u32,
    actor: Option<RecordId>,
    depth: u8,
    /// It comes again by itself.
    scheduled: bool,
}

impl Due {
    fn read(record: &Record) -> Option<Due> {
        let text = |field: u32| match record.values.get(field) {
            Value::Text(text) => Some(text.clone()),
            _ => None,
        };
        let whole = |field: u32| match record.values.get(field) {
            Value::Int(number) => u32::try_from(*number).unwrap_or(0),
            _ => 0,
        };
        let (plugin, name) = (text(ids::PLUGIN)?, text(ids::NAME)?);
        Some(Due {
            record: record.id,
            scheduled: record.id == scheduled(&plugin, &name),
            plugin,
            kind: text(ids::KIND).unwrap_or_default(),
            name,
            input: text(ids::INPUT).unwrap_or_default(),
            cursor: text(ids::CURSOR),
            attempt: whole(ids::ATTEMPT),
            actor: text(ids::ACTOR).and_then(|id| id.parse().ok()),
            depth: u8::try_from(whole(ids::DEPTH)).unwrap_or(u8::MAX),
        })
    }

    fn run(&self, services: &Arc<Services>, plugin: &Arc<Plugin>) -> Result<(), EngineError> {
        let engine = &services.engine;
        let outcome = match self.kind.as_str() {
            "action" => self.act(services, plugin),
            _ => self.slice(services, plugin),
        };
        match outcome {
            Ok(Turn::Done(note)) => self.end(engine, plugin, "done", &note),
            Ok(Turn::On { cursor, note, wait_ms, input }) => {
                let mut values = vec![
                    ("due_at".to_string(), Value::DateTime(engine.now_ms() + wait_ms)),
                    ("attempt".to_string(), Value::Int(0)),
                    ("cursor".to_string(), cursor.map_or(Value::Null, Value::Text)),
                    ("message".to_string(), Value::Text(note)),
                ];
                values.extend(input.map(|input| ("input".to_string(), Value::Text(input))));
                self.note(engine, values)
            }
            // That was no attempt: the plugin rests.
            Ok(Turn::Rests) => Ok(()),
            Err(said) if self.attempt + 1 >= backoff::ATTEMPTS_MAX => self.end(engine, plugin, "failed", &said),
            Err(said) => {
                let attempt = self.attempt + 1;
                self.note(
                    engine,
                    vec![
                        ("due_at".to_string(), Value::DateTime(engine.now_ms() + backoff::after(attempt))),
                        ("attempt".to_string(), Value::Int(i64::from(attempt))),
                        ("message".to_string(), Value::Text(said)),
                    ],
                )
            }
        }
    }

    fn slice(&self, services: &Arc<Services>, plugin: &Arc<Plugin>) -> Result<Turn, String> {
        if !plugin.manifest.jobs.contains_key(&self.name) {
            return Ok(Turn::Done(format!("this version has no job '{}' any more", self.name)));
        }
        let info = CallInfo {
            id: self.record.to_string(),
            attempt: self.attempt + 1,
            actor: self.actor,
            depth: self.depth,
            ..CallInfo::new(services, Capability::Jobs, &self.name, Phase::Doing, SLICE)
        };
        let call = Call { id: info.id.clone(), attempt: info.attempt, dry_run: false };
        let input = (&call, &self.name, &self.input, &self.cursor);
        let answer = plugin.call(services, info, "jobs.run", &input, |store| {
            let guest = plugin.code.jobs(store)?;
            guest.kith_plugin_jobs().call_run(store, &call, &self.name, &self.input, self.cursor.as_deref())
        });
        match answer {
            Ok(Ok(Progress { done: true, note, .. })) => Ok(Turn::Done(note)),
            Ok(Ok(Progress { cursor: None, .. })) => Err("it is neither done nor has it a cursor to go on from".into()),
            Ok(Ok(Progress { cursor: Some(cursor), .. })) if cursor.len() > CURSOR_BYTES_MAX => Err(format!(
                "its cursor has {} bytes; at most {CURSOR_BYTES_MAX}, so keep more than a place in kv",
                cursor.len()
            )),
            Ok(Ok(Progress { cursor, note, .. })) => {
                Ok(Turn::On { cursor, note: short(&note), wait_ms: 0, input: None })
            }
            Ok(Err(error)) => Err(short(&crate::actions::refused(plugin, error).to_string())),
            Err(CallError::Resting(_) | CallError::Busy) => Ok(Turn::Rests),
            Err(error) => Err(format!("it {error}")),
        }
    }

    fn act(&self, services: &Arc<Services>, plugin: &Arc<Plugin>) -> Result<Turn, String> {
        let parked: Json = serde_json::from_str(&self.input).map_err(|e| e.to_string())?;
        let ids = parked["ids"].as_array().into_iter().flatten().filter_map(|id| id.as_str()?.parse().ok()).collect();
        let called = parked["called"].as_u64().and_then(|n| u32::try_from(n).ok()).unwrap_or(1);
        let work = Work {
            run: parked["run"].as_str().map_or_else(|| self.record.to_string(), str::to_string),
            name: &self.name,
            object: parked["object"].as_str().unwrap_or_default(),
            ids,
            input: parked["input"].clone(),
            actor: self.actor,
            depth: self.depth,
            called,
            attempt: self.attempt + 1,
        };
        match work.call(services, plugin) {
            Ok(Done::With(_)) => Ok(Turn::Done(String::new())),
            Ok(Done::Later(wait_ms)) => {
                let mut parked = parked;
                parked["called"] = json!(called + 1);
                Ok(Turn::On { cursor: None, note: String::new(), wait_ms, input: Some(parked.to_string()) })
            }
            Err(error) => Err(short(&error.to_string())),
        }
    }

    fn end(&self, engine: &Engine, plugin: &Plugin, state: &str, note: &str) -> Result<(), EngineError> {
        let now = engine.now_ms();
        let cron = plugin.manifest.jobs.get(&self.name).and_then(|job| job.cron.as_deref()).filter(|_| self.scheduled);
        let next = cron.and_then(|cron| next(cron, &engine.read_context().time_zone, now));
        let mut values = vec![
            ("message".to_string(), Value::Text(short(note))),
            ("finished_at".to_string(), Value::DateTime(now)),
            ("cursor".to_string(), Value::Null),
            ("attempt".to_string(), Value::Int(0)),
        ];
        match next {
            Some(next) => values.push(("due_at".to_string(), Value::DateTime(next))),
            None => values.push(("state".to_string(), Value::Text(state.into()))),
        }
        if state == "failed" {
            plugin.watch.note(&format!("the job '{}' was given up: {note}", self.name));
        }
        self.note(engine, values)
    }

    fn note(&self, engine: &Engine, values: Vec<(String, Value)>) -> Result<(), EngineError> {
        let command =
            Command::Update { object: OBJECT.into(), id: self.record, version: None, values: Fields::Parsed(values) };
        let options = CommitOptions::caused_by(Cause::of("plugin", &self.plugin));
        engine.execute(&Actor::system(), vec![command], options).map(drop)
    }
}

enum Turn {
    Done(String),
    /// There is more to do.
    On {
        cursor: Option<String>,
        note: String,
        wait_ms: TimestampMs,
        input: Option<String>,
    },
    Rests,
}

fn short(text: &str) -> String {
    clip(text, NOTE_CHARS_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(text: &str) -> TimestampMs {
        text.parse::<jiff::Timestamp>().unwrap().as_millisecond()
    }

    #[test]
    fn a_schedule_keeps_to_the_clock_of_the_workspace() {
        let after = |cron, zone, now| next(cron, zone, ms(now)).unwrap();
        assert_eq!(
            after("0 8 * * *", "Europe/Rome", "2026-03-28T12:00:00Z"),
            ms("2026-03-29T06:00:00Z"),
            "the clock went forward"
        );
        assert_eq!(after("*/15 * * * *", "UTC", "2026-03-01T12:00:00Z"), ms("2026-03-01T12:15:00Z"));
        assert_eq!(next("nonsense", "UTC", 0), None);
    }
}
