//! The record of an import: what it was asked, how far it is, what came of it. The record is an ordinary one of `imports`; what the
//! import wrote is found by the journal, not by a second list.

use std::io::Read;

use kith_base::RecordId;
use kith_engine::{Actor, Cause, Command, CommitOptions, Engine, EngineError, Fields, Query, Record};
use kith_model::Value;
use serde_json::{Value as Json, json};

use super::{
    job::Outcome,
    options::ImportOptions,
    report::{Counts, Notice, Progress},
};
use crate::ExchangeError;

pub const OBJECT: &str = "imports";

/// Bytes of a file of refused rows.
const REFUSED_BYTES_MAX: u64 = 128 * 1024 * 1024;

/// The cause that every entry of an import names.
pub fn cause(id: RecordId) -> Cause {
    Cause::of("import", id.to_string())
}

/// Whoever may create the rows may keep the account of it, whatever the scopes of the token.
fn keeper(actor: &Actor) -> Actor {
    Actor { scopes: None, ..actor.clone() }
}

fn write(engine: &Engine, actor: &Actor, command: Command, id: RecordId) -> Result<(), EngineError> {
    engine.execute(&keeper(actor), vec![command], CommitOptions::caused_by(cause(id))).map(drop)
}

fn text(value: impl Into<String>) -> Value {
    Value::Text(value.into())
}

fn number(value: u64) -> Value {
    Value::Int(i64::try_from(value).unwrap_or(i64::MAX))
}

/// Makes the record of a new import.
pub fn begin(
    engine: &Engine,
    actor: &Actor,
    object: &str,
    format: &str,
    rows: u64,
    options: &ImportOptions,
) -> Result<RecordId, EngineError> {
    let id = RecordId::generate(engine.now_ms());
    let name = options.file_name.clone().unwrap_or_else(|| format!("{object}.{format}"));
    let values = vec![
        ("name".into(), text(name.chars().take(200).collect::<String>())),
        ("object".into(), text(object)),
        ("state".into(), text("running")),
        ("format".into(), text(format)),
        ("rows".into(), number(rows)),
        ("done".into(), number(0)),
        ("options".into(), Value::Json(serde_json::to_string(options).unwrap_or_default())),
        ("first_seq".into(), number(engine.head())),
    ];
    write(engine, actor, Command::Create { object: OBJECT.into(), id: Some(id), values: Fields::Parsed(values) }, id)?;
    Ok(id)
}

fn amend(engine: &Engine, actor: &Actor, id: RecordId, values: Vec<(String, Value)>) -> Result<(), EngineError> {
    write(
        engine,
        actor,
        Command::Update { object: OBJECT.into(), id, version: None, values: Fields::Parsed(values) },
        id,
    )
}

fn counted(counts: &Counts) -> Vec<(String, Value)> {
    vec![
        ("created".into(), number(counts.create)),
        ("updated".into(), number(counts.update)),
        ("skipped".into(), number(counts.skip)),
        ("refused".into(), number(counts.refuse)),
        ("links_created".into(), number(counts.links_created)),
    ]
}

/// Notes how far it is.
pub fn advance(engine: &Engine, actor: &Actor, id: RecordId, at: Progress, counts: &Counts) -> Result<(), EngineError> {
    let mut values = counted(counts);
    values.push(("done".into(), number(at.done)));
    amend(engine, actor, id, values)
}

/// Notes how it ended and keeps the file of refused rows.
pub fn finish(engine: &Engine, actor: &Actor, id: RecordId, outcome: Outcome) -> Result<(), ExchangeError> {
    let mut values = counted(&outcome.counts);
    values.push(("done".into(), number(outcome.rows)));
    values.push(("state".into(), text("done")));
    values.push(("finished_at".into(), Value::DateTime(engine.now_ms())));
    let said = summary(&outcome.counts, &outcome.notices);
    if !said.is_empty() {
        values.push(("message".into(), text(said)));
    }
    if let Some(bytes) = outcome.refused.finish() {
        let stored = engine.files().put(&mut bytes.as_slice(), REFUSED_BYTES_MAX).map_err(EngineError::from)?;
        values.push(("refused_file".into(), text(stored.name)));
    }
    values.push(("last_seq".into(), number(engine.head())));
    Ok(amend(engine, actor, id, values)?)
}

fn summary(counts: &Counts, notices: &[Notice]) -> String {
    let mut said = Vec::new();
    if counts.warnings > 0 {
        said.push(format!(
            "{} cells could not be read and were left out; the file of refused rows has them",
            counts.warnings
        ));
    }
    said.extend(notices.iter().take(10).map(|n| match n.column.as_str() {
        "" => n.message.clone(),
        column => format!("{column}: {} ({} rows)", n.message, n.rows),
    }));
    said.join(". ").replace('\n', " ")
}

/// Notes that it broke off.
pub fn fail(engine: &Engine, actor: &Actor, id: RecordId, why: &str) -> Result<(), EngineError> {
    let values = vec![
        ("state".into(), text("failed")),
        ("message".into(), text(why.replace('\n', " ").chars().take(500).collect::<String>())),
        ("finished_at".into(), Value::DateTime(engine.now_ms())),
        ("last_seq".into(), number(engine.head())),
    ];
    amend(engine, actor, id, values)
}

/// Notes that it was undone.
pub fn undone(engine: &Engine, actor: &Actor, id: RecordId, message: String) -> Result<(), EngineError> {
    amend(engine, actor, id, vec![("state".into(), text("undone")), ("message".into(), text(message))])
}

/// The record of an import, as the actor may see it.
///
/// # Errors
/// `import.not_found`.
pub fn get(engine: &Engine, actor: &Actor, id: RecordId) -> Result<Record, ExchangeError> {
    engine.get(&keeper(actor), OBJECT, id).map_err(|_| ExchangeError::NotFound)
}

/// A field of the record of an import.
pub fn value<'r>(engine: &Engine, record: &'r Record, key: &str) -> &'r Value {
    static NULL: Value = Value::Null;
    let schema = engine.schema();
    schema.object(OBJECT).and_then(|o| o.field(key)).map_or(&NULL, |field| record.values.get(field.id))
}

pub fn number_of(engine: &Engine, record: &Record, key: &str) -> u64 {
    match value(engine, record, key) {
        Value::Int(number) => u64::try_from(*number).unwrap_or(0),
        _ => 0,
    }
}

pub fn text_of(engine: &Engine, record: &Record, key: &str) -> String {
    match value(engine, record, key) {
        Value::Text(text) => text.clone(),
        _ => String::new(),
    }
}

/// Imports that an earlier process left running are marked as failed; they can be undone. Call once after opening, before any import.
///
/// # Errors
/// When the store cannot go on.
pub fn mark_interrupted(engine: &Engine) -> Result<u64, ExchangeError> {
    let system = Actor::system();
    let mut marked = 0;
    loop {
        let page = engine.query(&system, &Query::of(OBJECT).filter("state == \"running\"").limit(100))?;
        if page.records.is_empty() {
            return Ok(marked);
        }
        for record in page.records {
            fail(
                engine,
                &system,
                record.id,
                "the program stopped during this import; undo it, or import the file again",
            )?;
            marked += 1;
        }
    }
}

/// The file of refused rows; none where every row went in whole.
///
/// # Errors
/// `import.not_found`, or the store's.
pub fn refused(engine: &Engine, actor: &Actor, id: RecordId) -> Result<Option<Vec<u8>>, ExchangeError> {
    let record = get(engine, actor, id)?;
    let name = text_of(engine, &record, "refused_file");
    if name.is_empty() {
        return Ok(None);
    }
    let mut bytes = Vec::new();
    engine.files().read(&name).map_err(EngineError::from)?.read_to_end(&mut bytes)?;
    Ok(Some(bytes))
}

/// The import as the API shows it.
///
/// # Errors
/// `import.not_found`.
pub fn status(engine: &Engine, actor: &Actor, id: RecordId) -> Result<Json, ExchangeError> {
    let record = get(engine, actor, id)?;
    let mut shown = json!({"id": id});
    for key in ["state", "name", "object", "format", "message"] {
        shown[key] = Json::String(text_of(engine, &record, key));
    }
    for key in ["rows", "done", "created", "updated", "skipped", "refused", "links_created"] {
        shown[key] = Json::from(number_of(engine, &record, key));
    }
    shown["has_refused_file"] = Json::Bool(!text_of(engine, &record, "refused_file").is_empty());
    Ok(shown)
}
