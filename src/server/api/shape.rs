//! Records as answers: chosen fields, and the titles of what they link to. Access was decided before; this only looks up names.

use std::collections::BTreeSet;

use kith_base::RecordId;
use kith_engine::{Actor, Engine, EngineError, Record, access::Guard};
use kith_model::{ObjectDef, Value};
use serde_json::{Map, Value as Json, json};

use crate::problem::Problem;

/// Whole records that `expand` may bring along with one page.
const EXPANDED_MAX: usize = 1_000;

/// Which fields an answer holds and which links it opens.
#[derive(Default)]
pub struct Shape {
    /// None: all that the actor may see.
    pub fields: Option<Vec<String>>,
    pub expand: Vec<String>,
}

impl Shape {
    /// Refuses names the actor does not know, the same way for hidden and for missing fields.
    pub fn check(&self, seen: &ObjectDef) -> Result<(), Problem> {
        let named = self.fields.iter().flatten().chain(&self.expand);
        for key in named {
            if seen.field(key).is_none() {
                return Err(unknown_field(seen, key));
            }
        }
        Ok(())
    }

    /// The record's JSON, cut down to the chosen fields.
    pub fn record(&self, engine: &Engine, actor: &Actor, record: &Record) -> Json {
        let mut body = engine.to_json(actor, record);
        if let (Some(fields), Some(values)) = (&self.fields, body["values"].as_object_mut()) {
            values.retain(|key, _| fields.contains(key));
        }
        body
    }

    /// Title of every record that the answer's fields link to, by id; the whole record too where `expand` names the field.
    pub fn included(&self, engine: &Engine, actor: &Actor, seen: &ObjectDef, records: &[Record]) -> Json {
        let (mut linked, mut expanded) = (BTreeSet::new(), BTreeSet::new());
        let shown = |key: &str| self.fields.as_ref().is_none_or(|fields| fields.iter().any(|field| field == key));
        for field in seen.fields.iter().filter(|field| shown(&field.key) || self.expand.contains(&field.key)) {
            let open = self.expand.contains(&field.key);
            for record in records {
                links_of(record.values.get(field.id), &mut |id| {
                    linked.insert(id);
                    if open && expanded.len() < EXPANDED_MAX {
                        expanded.insert(id);
                    }
                });
            }
        }
        let ids: Vec<RecordId> = linked.into_iter().collect();
        titles(engine, actor, &ids, &expanded)
    }
}

/// The object as the actor knows it.
///
/// # Errors
/// `object.not_found`
pub fn seen(engine: &Engine, actor: &Actor, object: &str) -> Result<std::sync::Arc<ObjectDef>, Problem> {
    let schema = engine.schema();
    let object = schema.object(object).ok_or_else(|| EngineError::ObjectNotFound(object.chars().take(60).collect()))?;
    Ok(Guard::new(actor).seen(object))
}

/// Titles of `ids` as the API's `included`, with the whole record for those in `expanded` that the actor may read.
pub fn titles(engine: &Engine, actor: &Actor, ids: &[RecordId], expanded: &BTreeSet<RecordId>) -> Json {
    let mut included = Map::new();
    for title in engine.titles(actor, ids) {
        let mut entry = json!({
            "id": title.id, "object": title.object, "title": title.title, "subtitle": title.subtitle, "trashed": title.trashed,
        });
        if expanded.contains(&title.id)
            && let Ok(record) = engine.get(actor, &title.object, title.id)
        {
            entry["record"] = engine.to_json(actor, &record);
        }
        included.insert(title.id.to_string(), entry);
    }
    Json::Object(included)
}

fn links_of(value: &Value, each: &mut impl FnMut(RecordId)) {
    match value {
        Value::Link(id) => each(*id),
        Value::Links(ids) => ids.iter().copied().for_each(each),
        _ => {}
    }
}

fn unknown_field(seen: &ObjectDef, key: &str) -> Problem {
    let shown: String = key.chars().take(60).collect();
    let known: Vec<&str> = seen.fields.iter().map(|field| field.key.as_str()).collect();
    Problem::new(
        "field.not_found",
        format!("'{}' has no field '{shown}'; its fields are {}", seen.key, known.join(", ")),
    )
}
