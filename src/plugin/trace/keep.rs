//! Where traces are kept: a sealed file each and a record that names it, so that an erasure finds it. Few for each plugin, and not for long; the
//! record of the oldest serves the next.

use std::{io::Read, sync::Arc};

use kith_base::{RecordId, TimestampMs};
use kith_engine::{Actor, Command, Engine, EngineError, Fields, Query, Record, read::rfc3339};
use kith_model::Value;
use serde_json::{Value as Json, json};

use super::{Made, Raw, Trace};
use crate::{
    PluginError,
    installed::{self, write},
    objects::ids::traces as ids,
    plugin::Plugin,
    plugins::Plugins,
    runtime::CallInfo,
    services::Services,
};

const OBJECT: &str = "plugin_traces";

/// Traces of one plugin.
const KEPT: usize = 50;

/// They hold rows of people, so they do not stay.
const KEPT_MS: TimestampMs = 14 * 24 * 3_600 * 1_000;

/// Bytes of one; input, host calls and answer are bounded before.
const BYTES_MAX: u64 = 8 << 20;

/// Keeps a trace, beside whoever waits for the call, and gives its id.
pub(crate) fn keep(services: &Arc<Services>, plugin: &Arc<Plugin>, info: &CallInfo, made: Made<'_>) -> String {
    let id = RecordId::generate(info.now_ms);
    let raw = Raw::of(made);
    let (services, plugin, info) = (services.clone(), plugin.clone(), info.clone());
    services.tokio.clone().spawn_blocking(move || {
        let error = raw.outcome.as_ref().err().cloned();
        let trace = raw.into_trace(id, &plugin, &info);
        if let Err(error) = store(&services, &trace, &info, error.as_deref()) {
            tracing::warn!(plugin = plugin.id, code = error.code(), "the trace of a call is not kept");
        }
    });
    id.to_string()
}

fn store(services: &Services, trace: &Trace, info: &CallInfo, error: Option<&str>) -> Result<(), EngineError> {
    let engine = &services.engine;
    let json = serde_json::to_vec(trace).map_err(|e| EngineError::Internal(e.to_string()))?;
    let _turn = services.tracing.lock();
    let there = records(engine, &trace.plugin)?;
    let file = engine.files().put(&mut &json[..], BYTES_MAX)?;
    let text = |text: &str| if text.is_empty() { Value::Null } else { Value::Text(text.to_string()) };
    let whole = |number: u64| Value::Int(i64::try_from(number).unwrap_or(i64::MAX));
    let values = [
        ("plugin", text(&trace.plugin)),
        ("key", text(&trace.id)),
        ("capability", text(trace.capability.name())),
        ("name", text(&trace.name)),
        ("call", text(&trace.call)),
        ("attempt", whole(trace.attempt.into())),
        ("at", Value::DateTime(info.now_ms)),
        ("plugin_version", text(&trace.version)),
        ("micros", whole(trace.micros)),
        ("error", error.map_or(Value::Null, text)),
        ("content", text(&file.name)),
        ("size_bytes", whole(file.size_bytes)),
    ];
    let values = Fields::Parsed(values.into_iter().map(|(key, value)| (key.to_string(), value)).collect());
    // Emptied by an erasure, or the oldest.
    let free = there.iter().find(|record| content(record).is_none());
    let oldest = there.iter().min_by_key(|record| at(record)).filter(|_| there.len() >= KEPT);
    let place = free.or(oldest);
    let command = match place {
        Some(record) => Command::Update { object: OBJECT.into(), id: record.id, version: None, values },
        None => Command::Create { object: OBJECT.into(), id: None, values },
    };
    if let Err(error) = write(engine, &Actor::system(), &trace.plugin, vec![command]) {
        // Nobody knows of it: it goes again.
        drop(engine.files().remove(&file.name));
        return Err(error);
    }
    match place.and_then(content) {
        Some(before) => Ok(engine.files().remove(before)?),
        None => Ok(()),
    }
}

/// Drops all traces of a plugin.
///
/// # Errors
/// What the store says.
pub(crate) fn forget(services: &Services, plugin: &str) -> Result<(), EngineError> {
    let _turn = services.tracing.lock();
    drop_all(&services.engine, &records(&services.engine, plugin)?)
}

/// Drops the traces of all plugins that have been kept long enough.
///
/// # Errors
/// What the store says.
pub(crate) fn expire(services: &Services) -> Result<(), EngineError> {
    let engine = &services.engine;
    let _turn = services.tracing.lock();
    let since = rfc3339(engine.now_ms() - KEPT_MS);
    let query = Query::of(OBJECT).filter(format!("at < timestamp(\"{since}\")")).limit(KEPT);
    let page = engine.query(&Actor::system(), &query)?;
    drop_all(engine, &page.records)
}

fn drop_all(engine: &Engine, records: &[Record]) -> Result<(), EngineError> {
    for record in records {
        let Value::Text(plugin) = record.values.get(ids::PLUGIN) else { continue };
        let id = record.id;
        let cleared = Fields::Parsed(vec![("content".into(), Value::Null), ("error".into(), Value::Null)]);
        let commands = vec![
            Command::Update { object: OBJECT.into(), id, version: None, values: cleared },
            Command::Delete { object: OBJECT.into(), id, version: None },
        ];
        write(engine, &Actor::system(), plugin, commands)?;
        if let Some(name) = content(record) {
            engine.files().remove(name)?;
        }
    }
    Ok(())
}

/// At most `KEPT`, newest first.
fn records(engine: &Engine, plugin: &str) -> Result<Vec<Record>, EngineError> {
    let query = Query::of(OBJECT).filter(format!("plugin == \"{plugin}\"")).sort_by("at", true).limit(KEPT);
    Ok(engine.query(&Actor::system(), &query)?.records)
}

fn content(record: &Record) -> Option<&str> {
    match record.values.get(ids::CONTENT) {
        Value::Text(name) => Some(name),
        _ => None,
    }
}

fn at(record: &Record) -> TimestampMs {
    match record.values.get(ids::AT) {
        Value::DateTime(at) => *at,
        _ => 0,
    }
}

impl Plugins {
    /// The traces that are kept of a plugin, newest first, and how many of its next calls leave one.
    ///
    /// # Errors
    /// `plugin.not_found`
    pub fn traces(&self, id: &str) -> Result<Json, PluginError> {
        installed::find(self.engine(), id)?;
        let records = records(self.engine(), id)?;
        let shown: Vec<Json> = records.iter().filter(|record| content(record).is_some()).map(line).collect();
        Ok(json!({ "items": shown, "tracing": self.watch(id).tracing() }))
    }

    /// Has the next calls of a plugin leave a trace; 0: only failures.
    ///
    /// # Errors
    /// `plugin.not_found`, `request.invalid`.
    pub fn trace_next(&self, id: &str, calls: u32) -> Result<Json, PluginError> {
        installed::find(self.engine(), id)?;
        if calls as usize > KEPT {
            let said = format!("'calls' is at most {KEPT}: no more traces are kept of one plugin");
            return Err(EngineError::Request(said).into());
        }
        self.watch(id).trace(calls);
        Ok(json!({ "tracing": calls }))
    }

    /// One trace.
    ///
    /// # Errors
    /// `plugin.not_found`, `record.not_found`.
    pub fn trace(&self, actor: &Actor, id: &str, trace: RecordId) -> Result<Json, PluginError> {
        installed::find(self.engine(), id)?;
        let missing = || EngineError::RecordNotFound { object: OBJECT.into(), id: trace };
        let key = trace.to_string();
        let is = |record: &&Record| matches!(record.values.get(ids::KEY), Value::Text(text) if *text == key);
        let records = records(self.engine(), id)?;
        let record = records.iter().find(is).ok_or_else(missing)?;
        // As this person, so that the audit says who looked.
        let record = self.engine().get(actor, OBJECT, record.id)?;
        let file = content(&record).filter(|_| is(&&record)).ok_or_else(missing)?;
        let mut json = Vec::new();
        let read = self.engine().files().read(file).map(|mut file| file.read_to_end(&mut json))?;
        let damaged = |e: &dyn std::fmt::Display| EngineError::Internal(format!("a trace cannot be read: {e}"));
        read.map_err(|e| damaged(&e))?;
        Ok(serde_json::from_slice(&json).map_err(|e| damaged(&e))?)
    }
}

fn line(record: &Record) -> Json {
    let text = |field: u32| match record.values.get(field) {
        Value::Text(text) => json!(text),
        Value::Int(number) => json!(number),
        Value::DateTime(at) => json!(rfc3339(*at)),
        _ => Json::Null,
    };
    json!({
        "id": text(ids::KEY), "at": text(ids::AT), "call": text(ids::CALL), "attempt": text(ids::ATTEMPT),
        "capability": text(ids::CAPABILITY), "name": text(ids::NAME), "version": text(ids::VERSION),
        "micros": text(ids::MICROS), "error": text(ids::ERROR), "size_bytes": text(ids::SIZE_BYTES),
    })
}
