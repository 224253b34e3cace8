//! Events that wait for another attempt, and those that were given up: records of `plugin_failures`. They name the journal's entry and hold
//! nothing of it, so that an erased person is not kept alive here.

use std::collections::{BTreeMap, HashSet};

use kith_base::{RecordId, TimestampMs};
use kith_engine::{Actor, Cause, Command, CommitOptions, Engine, EngineError, Fields, Happened, Query, Record};
use kith_model::Value;
use serde::Serialize;

use crate::objects::{ids::failures as ids, record_of};

const OBJECT: &str = "plugin_failures";
const CAPABILITY: &str = "after-commit";

/// Rows read at a time.
const PAGE: usize = 500;

/// The same over attempts, deliveries and restarts.
pub fn event_id(change: &Happened) -> String {
    format!("{}-{}", change.seq, change.id)
}

/// One event that waits.
#[derive(Clone, Debug)]
pub struct Parked {
    pub record: RecordId,
    pub seq: u64,
    pub about: RecordId,
    pub attempts: u32,
    pub due_at: TimestampMs,
}

/// All that waits for one plugin.
#[derive(Debug, Default)]
pub struct Waiting(BTreeMap<RecordId, Vec<Parked>>);

impl Waiting {
    /// The next one to try: of each record only its earliest.
    pub fn due(&self, now: TimestampMs) -> Option<&Parked> {
        self.0.values().filter_map(|of| of.first()).filter(|first| first.due_at <= now).min_by_key(|first| first.seq)
    }

    /// Records with something parked: what follows on them waits behind it.
    pub fn records(&self) -> HashSet<RecordId> {
        self.0.keys().copied().collect()
    }
}

/// What waits for this plugin.
///
/// # Errors
/// When the store cannot be read.
pub fn of(engine: &Engine, plugin: &str) -> Result<Waiting, EngineError> {
    let mut waiting = Waiting::default();
    for record in rows(engine, &format!("plugin == \"{plugin}\" && state == \"retrying\""))? {
        if let Some(parked) = parked(&record) {
            waiting.0.entry(parked.about).or_default().push(parked);
        }
    }
    waiting.0.values_mut().for_each(|of| of.sort_by_key(|parked| parked.seq));
    Ok(waiting)
}

fn parked(record: &Record) -> Option<Parked> {
    let whole = |field: u32| match record.values.get(field) {
        Value::Int(number) => u64::try_from(*number).ok(),
        _ => None,
    };
    let Value::Text(about) = record.values.get(ids::ABOUT) else { return None };
    let due_at = match record.values.get(ids::DUE_AT) {
        Value::DateTime(at) => *at,
        _ => 0,
    };
    Some(Parked {
        record: record.id,
        seq: whole(ids::SEQ)?,
        about: about.parse().ok()?,
        attempts: whole(ids::ATTEMPTS).and_then(|n| u32::try_from(n).ok()).unwrap_or(0),
        due_at,
    })
}

fn rows(engine: &Engine, filter: &str) -> Result<Vec<Record>, EngineError> {
    let mut rows = Vec::new();
    let mut query = Query::of(OBJECT).filter(filter).limit(PAGE);
    loop {
        let page = engine.query(&Actor::system(), &query)?;
        rows.extend(page.records);
        query.cursor = page.next_cursor;
        if query.cursor.is_none() {
            return Ok(rows);
        }
    }
}

/// Keeps an event for another attempt.
///
/// # Errors
/// When the store cannot write.
pub fn park(
    engine: &Engine,
    plugin: &str,
    change: &Happened,
    attempts: u32,
    wait: TimestampMs,
    reason: &str,
) -> Result<(), EngineError> {
    write(engine, plugin, change, attempts, "retrying", Some(engine.now_ms() + wait), reason)
}

/// Keeps an event that the plugin does not want.
///
/// # Errors
/// When the store cannot write.
pub fn give_up(engine: &Engine, plugin: &str, change: &Happened, reason: &str) -> Result<(), EngineError> {
    write(engine, plugin, change, 1, "open", None, reason)
}

fn write(
    engine: &Engine,
    plugin: &str,
    change: &Happened,
    attempts: u32,
    state: &str,
    due_at: Option<TimestampMs>,
    reason: &str,
) -> Result<(), EngineError> {
    let event = event_id(change);
    let id = record_of(ids::OBJECT, plugin, &event);
    let known = engine.get_for_change(&Actor::system(), OBJECT, id).is_ok();
    if known {
        // The same stretch of the journal came again after a crash: it is parked already.
        return Ok(());
    }
    let text = |text: &str| Value::Text(text.to_string());
    let schema = engine.schema();
    let object = schema.object_by_id(change.object).map_or("", |object| object.key.as_str());
    let values = vec![
        ("plugin".to_string(), text(plugin)),
        ("capability".to_string(), text(CAPABILITY)),
        ("event".to_string(), text(&event)),
        ("seq".to_string(), Value::Int(i64::try_from(change.seq).unwrap_or(i64::MAX))),
        ("about".to_string(), text(&change.id.to_string())),
        ("about_object".to_string(), text(object)),
        ("change".to_string(), text(change.kind.name())),
        ("reason".to_string(), text(reason)),
        ("attempts".to_string(), Value::Int(i64::from(attempts))),
        ("at".to_string(), Value::DateTime(engine.now_ms())),
        ("due_at".to_string(), due_at.map_or(Value::Null, Value::DateTime)),
        ("state".to_string(), text(state)),
    ];
    let command = Command::Create { object: OBJECT.into(), id: Some(id), values: Fields::Parsed(values) };
    execute(engine, plugin, command)
}

fn execute(engine: &Engine, plugin: &str, command: Command) -> Result<(), EngineError> {
    let options = CommitOptions::caused_by(Cause::of("plugin", plugin));
    engine.execute(&Actor::system(), vec![command], options).map(drop)
}

fn update(engine: &Engine, record: RecordId, values: Vec<(String, Value)>) -> Result<(), EngineError> {
    let command = Command::Update { object: OBJECT.into(), id: record, version: None, values: Fields::Parsed(values) };
    execute(engine, "", command)
}

/// The event was told, or is no more.
///
/// # Errors
/// When the store cannot write.
pub fn done(engine: &Engine, parked: &Parked, reason: &str) -> Result<(), EngineError> {
    let values = vec![("state", Value::Text("replayed".into())), ("reason", Value::Text(reason.into()))];
    update(engine, parked.record, values.into_iter().map(|(k, v)| (k.to_string(), v)).collect())
}

/// Another attempt later.
///
/// # Errors
/// When the store cannot write.
pub fn again(
    engine: &Engine,
    parked: &Parked,
    attempts: u32,
    wait: TimestampMs,
    reason: &str,
) -> Result<(), EngineError> {
    let values = vec![
        ("attempts".to_string(), Value::Int(i64::from(attempts))),
        ("due_at".to_string(), Value::DateTime(engine.now_ms() + wait)),
        ("reason".to_string(), Value::Text(reason.into())),
    ];
    update(engine, parked.record, values)
}

/// No more attempts, until an administrator asks for one.
///
/// # Errors
/// When the store cannot write.
pub fn dead(engine: &Engine, parked: &Parked, attempts: u32, reason: &str) -> Result<(), EngineError> {
    let values = vec![
        ("attempts".to_string(), Value::Int(i64::from(attempts))),
        ("due_at".to_string(), Value::Null),
        ("reason".to_string(), Value::Text(reason.into())),
        ("state".to_string(), Value::Text("open".into())),
    ];
    update(engine, parked.record, values)
}

/// An event that failed, as an administrator sees it.
#[derive(Clone, Debug, Serialize)]
pub struct Failure {
    pub id: RecordId,
    pub event: String,
    /// The journal's entry that holds the change.
    pub seq: u64,
    /// The record that changed, the key of its object, and how it is named now for whoever asks; none for one that is erased or out of sight.
    pub about: RecordId,
    pub object: String,
    pub title: Option<String>,
    /// What happened to it: `created`, `updated`, `deleted`, `restored`.
    pub change: String,
    pub attempts: u32,
    pub reason: String,
    /// `retrying`, `open`, `replayed`, `dismissed`.
    pub state: String,
    pub at: TimestampMs,
    pub due_at: Option<TimestampMs>,
}

/// What is parked or was given up for a plugin, newest first.
///
/// # Errors
/// When the store cannot be read.
pub fn failures(engine: &Engine, actor: &Actor, plugin: &str) -> Result<Vec<Failure>, EngineError> {
    let filter = format!("plugin == \"{plugin}\" && (state == \"retrying\" || state == \"open\")");
    let text = |record: &Record, field: u32| match record.values.get(field) {
        Value::Text(text) => text.clone(),
        _ => String::new(),
    };
    let moment = |record: &Record, field: u32| match record.values.get(field) {
        Value::DateTime(at) => Some(*at),
        _ => None,
    };
    let shown = |record: &Record| {
        let parked = parked(record)?;
        Some(Failure {
            id: record.id,
            event: text(record, ids::EVENT),
            seq: parked.seq,
            about: parked.about,
            object: text(record, ids::ABOUT_OBJECT),
            title: None,
            change: text(record, ids::CHANGE),
            attempts: parked.attempts,
            reason: text(record, ids::REASON),
            state: text(record, ids::STATE),
            at: moment(record, ids::AT).unwrap_or(record.created_at),
            due_at: moment(record, ids::DUE_AT),
        })
    };
    let mut failures: Vec<Failure> = rows(engine, &filter)?.iter().filter_map(shown).collect();
    failures.sort_by_key(|failure| std::cmp::Reverse(failure.seq));
    let about: Vec<RecordId> = failures.iter().map(|failure| failure.about).collect();
    let titles: BTreeMap<RecordId, String> =
        engine.titles(actor, &about).into_iter().map(|title| (title.id, title.title)).collect();
    for failure in &mut failures {
        failure.title = titles.get(&failure.about).cloned();
    }
    Ok(failures)
}

/// Has a failed event told again now, with all its attempts before it.
///
/// # Errors
/// `record.not_found` when this plugin has no such failure.
pub fn replay(engine: &Engine, plugin: &str, id: RecordId) -> Result<(), EngineError> {
    own(engine, plugin, id)?;
    let values = vec![
        ("state".to_string(), Value::Text("retrying".into())),
        ("attempts".to_string(), Value::Int(0)),
        ("due_at".to_string(), Value::DateTime(engine.now_ms())),
    ];
    update(engine, id, values)
}

/// Lets a failed event rest.
///
/// # Errors
/// `record.not_found` when this plugin has no such failure.
pub fn dismiss(engine: &Engine, plugin: &str, id: RecordId) -> Result<(), EngineError> {
    own(engine, plugin, id)?;
    update(engine, id, vec![("state".to_string(), Value::Text("dismissed".into()))])
}

fn own(engine: &Engine, plugin: &str, id: RecordId) -> Result<(), EngineError> {
    let record = engine.get_for_change(&Actor::system(), OBJECT, id)?;
    match record.values.get(ids::PLUGIN) {
        Value::Text(of) if of == plugin => Ok(()),
        _ => Err(EngineError::RecordNotFound { object: OBJECT.into(), id }),
    }
}
