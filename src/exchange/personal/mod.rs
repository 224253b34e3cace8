//! Everything held on one person as one file to hand over: a tar of `data.json` for programs, `index.html` for people and the attachments. Holds
//! what the actor may export and see, says how much it left out, and changes nothing.

mod page;

use std::io::{Read, Seek, SeekFrom, Write};

use kith_base::RecordId;
use kith_engine::{
    Actor, Engine, EngineError, HistoryItem, Record,
    audit::{AuditKind, AuditQuery, Read as Noted},
    erase::Held,
    read::rfc3339,
};
use kith_model::{FieldDef, ObjectDef, Value};
use serde_json::{Value as Json, json};

use crate::ExchangeError;

/// Content type of the file.
pub const CONTENT_TYPE: &str = "application/x-tar";

/// Versions read at a time.
const VERSIONS: usize = 200;

/// Lines of the audit that are listed; more are counted.
const AUDIT_LINES_MAX: usize = 2_000;

/// Format of `data.json`.
const FORMAT: u32 = 1;

/// An attachment on its way into the file.
struct Attachment {
    path: String,
    stored: String,
    bytes: u64,
}

/// Writes the file. Checks everything before the first byte.
///
/// # Errors
/// `object.not_found`, `record.not_found`, `access.denied`, `export.output`.
pub fn write(
    engine: &Engine,
    actor: &Actor,
    object: &str,
    id: RecordId,
    out: &mut dyn Write,
) -> Result<(), ExchangeError> {
    let held = engine.held_on(actor, object, id)?;
    let (data, attachments) = gather(engine, actor, object, &held)?;
    engine.audit_read(actor, AuditKind::Exported, object, Noted::Records(&[id]));
    let mut tar = tar::Builder::new(out);
    let seconds = u64::try_from(engine.now_ms() / 1_000).unwrap_or(0);
    let text = serde_json::to_vec_pretty(&data).map_err(|e| EngineError::Internal(e.to_string()))?;
    add(&mut tar, "data.json", seconds, text.len() as u64, &mut text.as_slice())?;
    let page = page::html(&data);
    add(&mut tar, "index.html", seconds, page.len() as u64, &mut page.as_bytes())?;
    for attachment in attachments {
        let content = engine.files().read(&attachment.stored).map_err(EngineError::from)?;
        // As long as announced, whatever happens to it meanwhile: the file breaks off rather than being wrong.
        add(&mut tar, &attachment.path, seconds, attachment.bytes, &mut content.take(attachment.bytes))?;
    }
    tar.into_inner()?.flush()?;
    Ok(())
}

fn add<W: Write>(
    tar: &mut tar::Builder<W>,
    path: &str,
    seconds: u64,
    bytes: u64,
    content: &mut dyn Read,
) -> Result<(), ExchangeError> {
    let mut header = tar::Header::new_gnu();
    header.set_size(bytes);
    header.set_mode(0o600);
    header.set_mtime(seconds);
    tar.append_data(&mut header, path, content)?;
    Ok(())
}

fn gather(engine: &Engine, actor: &Actor, object: &str, held: &Held) -> Result<(Json, Vec<Attachment>), ExchangeError> {
    let schema = engine.schema();
    let Some(def) = schema.object_by_id(held.record.object) else {
        return Err(EngineError::ObjectNotFound(object.to_string()).into());
    };
    let mut attachments = Vec::new();
    let mut about = record(engine, actor, def, &held.record, &mut attachments)?;
    let mut dependents = Vec::new();
    for dependent in &held.dependents {
        if let Some(def) = schema.object_by_id(dependent.object) {
            dependents.push(record(engine, actor, def, dependent, &mut attachments)?);
        }
    }
    let link = |(title, field): &(kith_engine::Title, String)| json!({ "object": title.object, "id": title.id, "title": title.title, "field": field });
    let history = about["history"].take();
    let data = json!({
        "format": FORMAT,
        "made_at": rfc3339(engine.now_ms()),
        "object": def.label,
        "title": engine.title(actor, &held.record).map(|title| title.title),
        "record": { "id": about["id"], "object": about["object"], "created_at": about["created_at"], "updated_at": about["updated_at"],
                    "trashed": about["trashed"], "fields": about["fields"] },
        "consents": consents(&about["fields"], &history),
        "dependents": dependents,
        "links": held.links.iter().map(link).collect::<Vec<Json>>(),
        "history": history,
        "access": access(engine, actor, held.record.id)?,
        "attachments": attachments.iter().map(|a| json!({ "path": a.path, "bytes": a.bytes })).collect::<Vec<Json>>(),
        "left_out": held.unseen,
    });
    Ok((data, attachments))
}

/// A record with labels and its history; its content goes to `attachments`.
fn record(
    engine: &Engine,
    actor: &Actor,
    def: &ObjectDef,
    record: &Record,
    attachments: &mut Vec<Attachment>,
) -> Result<Json, ExchangeError> {
    let shown = engine.to_json(actor, record);
    let mut fields = Vec::new();
    for field in def.fields.iter().filter(|field| field.kind != "secret") {
        let value = record.values.get(field.id);
        if value.is_null() {
            continue;
        }
        if let Value::Text(stored) = value
            && field.stored()
        {
            let name = def.field(&def.title).map_or_else(String::new, |f| f.kind().to_text(f, record.values.get(f.id)));
            fields.extend(attach(engine, field, stored, &name, attachments));
            continue;
        }
        fields.push(json!({
            "key": field.key, "label": field.label, "value": shown["values"][&field.key], "text": text(engine, actor, field, value),
        }));
    }
    Ok(json!({
        "id": record.id, "object": def.key, "label": def.label, "title": engine.title(actor, record).map(|title| title.title),
        "created_at": shown["created_at"], "updated_at": shown["updated_at"], "trashed": record.trashed,
        "fields": fields, "history": history(engine, actor, &def.key, record.id)?,
    }))
}

fn attach(
    engine: &Engine,
    field: &FieldDef,
    stored: &str,
    name: &str,
    attachments: &mut Vec<Attachment>,
) -> Option<Json> {
    let mut reader = engine.files().read(stored).ok()?;
    let bytes = reader.seek(SeekFrom::End(0)).ok()?;
    let path = format!("files/{:03}-{}", attachments.len() + 1, safe(name));
    let shown = json!({ "key": field.key, "label": field.label, "value": path, "text": path });
    attachments.push(Attachment { path, stored: stored.to_string(), bytes });
    Some(shown)
}

/// A name that means the same thing in every file system and leads nowhere else.
fn safe(name: &str) -> String {
    let kept = |c: char| if c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | ' ') { c } else { '_' };
    let name: String = name.chars().map(kept).take(60).collect();
    let name = name.trim_matches([' ', '.']).to_string();
    if name.is_empty() { "file".into() } else { name }
}

/// A value as a person reads it; links by name.
fn text(engine: &Engine, actor: &Actor, field: &FieldDef, value: &Value) -> String {
    let ids = match value {
        Value::Link(id) => std::slice::from_ref(id),
        Value::Links(ids) => ids.as_slice(),
        _ => return field.kind().to_text(field, value),
    };
    let titles: Vec<String> = engine.titles(actor, ids).into_iter().map(|title| title.title).collect();
    titles.join(", ")
}

fn history(engine: &Engine, actor: &Actor, object: &str, id: RecordId) -> Result<Vec<Json>, ExchangeError> {
    let item = |item: &HistoryItem| {
        json!({
            "at": rfc3339(item.at), "by": item.actor.name, "by_kind": item.actor.kind, "kind": item.kind, "cause": item.cause.kind,
            "erased": item.erased, "changes": item.changes,
        })
    };
    let (mut items, mut before) = (Vec::new(), None);
    loop {
        let page = engine.history(actor, object, id, before, VERSIONS)?;
        items.extend(page.items.iter().map(item));
        before = page.next_seq;
        if before.is_none() {
            return Ok(items);
        }
    }
}

/// Fields that speak of consent, with when they changed.
fn consents(fields: &Json, history: &Json) -> Vec<Json> {
    let concerns = |key: &Json| key.as_str().is_some_and(|key| key.contains("consent") || key.contains("opt_in"));
    let fields = fields.as_array().into_iter().flatten().filter(|field| concerns(&field["key"]));
    fields
        .map(|field| {
            let mut changes = Vec::new();
            for item in history.as_array().into_iter().flatten() {
                let touched = item["changes"].as_array().into_iter().flatten().filter(|c| c["field"] == field["key"]);
                changes.extend(touched.map(|c| json!({ "at": item["at"], "by": item["by"], "after": c["after"] })));
            }
            json!({ "label": field["label"], "now": field["value"], "text": field["text"], "changes": changes })
        })
        .collect()
}

/// Who opened or exported the record. Null for those who may not read the audit.
fn access(engine: &Engine, actor: &Actor, id: RecordId) -> Result<Json, ExchangeError> {
    if !actor.is_admin() {
        return Ok(Json::Null);
    }
    let mut lines: Vec<Json> = Vec::new();
    for kind in ["opened", "exported"] {
        let mut query =
            AuditQuery { kind: Some(kind.into()), record: Some(id), limit: Some(500), ..AuditQuery::default() };
        loop {
            let page = engine.audit_page(actor, &query)?;
            for line in &page.items {
                lines.push(json!({ "at": rfc3339(line.at), "kind": kind, "by": line.actor.name }));
            }
            query.cursor = page.next_cursor;
            if query.cursor.is_none() || lines.len() > AUDIT_LINES_MAX {
                break;
            }
        }
    }
    lines.sort_by(|a, b| b["at"].as_str().cmp(&a["at"].as_str()));
    lines.truncate(AUDIT_LINES_MAX);
    Ok(Json::Array(lines))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_files_lead_nowhere_else() {
        assert_eq!(safe("../../etc/passwd"), "_.._etc_passwd");
        assert_eq!(
            (safe(""), safe("..."), safe("Zoë's plan.pdf")),
            ("file".into(), "file".into(), "Zoë_s plan.pdf".into())
        );
        assert_eq!(safe(&"x".repeat(500)).len(), 60);
    }
}
