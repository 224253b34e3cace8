//! What e-mails and phones share: one value, or with `many` a list of values with labels. Which values are right, the kinds decide.

use serde_json::{Value as Json, json};

use super::{shared, text};
use crate::{FieldDef, Labelled, ReadContext, Value, Violation};

/// Checks and normalises one entry.
pub type One = fn(&FieldDef, &ReadContext, &str) -> Result<String, Violation>;

pub fn read(
    field: &FieldDef,
    context: &ReadContext,
    json: &Json,
    one: One,
    expected: &str,
) -> Result<Value, Violation> {
    if !field.many {
        // A list of one comes from clients that treat every such field alike.
        let json = match json {
            Json::Array(list) if list.is_empty() => return Ok(Value::Null),
            Json::Array(list) if list.len() == 1 => &list[0],
            other => other,
        };
        return match entry(field, json, expected)? {
            Some((text, _)) => one(field, context, text).map(Value::Text),
            None => Ok(Value::Null),
        };
    }
    let mut list = Vec::new();
    for item in shared::entries_in(field, json, expected)? {
        if let Some((text, label)) = entry(field, item, expected)? {
            let label = shared::line(field, label)?.unwrap_or_default();
            if label.chars().count() > 100 {
                return Err(shared::unreadable(field, "too_long", &label, "a label has at most 100 characters"));
            }
            add(&mut list, Labelled { value: one(field, context, text)?, label });
        }
    }
    Ok(listed(list))
}

pub fn read_text(field: &FieldDef, context: &ReadContext, text: &str, one: One) -> Result<Value, Violation> {
    if text.trim().is_empty() {
        return Ok(Value::Null);
    }
    if !field.many {
        return one(field, context, text).map(Value::Text);
    }
    let mut list = Vec::new();
    // `:::` is how some address books join several values in one cell.
    let parts = text.split([';', ',', '\n', '|']).flat_map(|part| part.split(":::")).map(str::trim);
    for part in parts.filter(|part| !part.is_empty()) {
        add(&mut list, Labelled { value: one(field, context, part)?, label: String::new() });
    }
    shared::check_count(field, list.len())?;
    Ok(listed(list))
}

fn entry<'a>(field: &FieldDef, json: &'a Json, expected: &str) -> Result<Option<(&'a str, &'a str)>, Violation> {
    let Json::Object(parts) = json else { return Ok(shared::text_in(field, json, expected)?.map(|text| (text, ""))) };
    if let Some(other) = parts.keys().find(|key| *key != "value" && *key != "label") {
        return Err(shared::unreadable(field, "wrong_type", other, &format!("it takes {expected}")));
    }
    let value = shared::text_in(field, parts.get("value").unwrap_or(&Json::Null), expected)?;
    let label = shared::text_in(field, parts.get("label").unwrap_or(&Json::Null), "a label as text")?;
    Ok(value.map(|value| (value, label.unwrap_or_default())))
}

fn add(list: &mut Vec<Labelled>, entry: Labelled) {
    if !list.iter().any(|known| known.value.to_lowercase() == entry.value.to_lowercase()) {
        list.push(entry);
    }
}

fn listed(list: Vec<Labelled>) -> Value {
    if list.is_empty() { Value::Null } else { Value::Labelled(list) }
}

pub fn to_json(value: &Value) -> Json {
    let Value::Labelled(list) = value else { return text::text_json(value) };
    let entry = |one: &Labelled| {
        let mut parts = serde_json::Map::with_capacity(2);
        parts.insert("value".into(), Json::String(one.value.clone()));
        parts.insert("label".into(), Json::String(one.label.clone()));
        Json::Object(parts)
    };
    Json::Array(list.iter().map(entry).collect())
}

pub fn to_text(value: &Value, separator: &str) -> String {
    match value {
        Value::Text(text) => text.clone(),
        Value::Labelled(list) => list.iter().map(|one| one.value.as_str()).collect::<Vec<_>>().join(separator),
        _ => String::new(),
    }
}

/// A text, or with `many` the list of the values.
pub fn to_cel(value: &Value) -> cel::Value {
    match value {
        Value::Labelled(list) => shared::cel_list(list.iter().map(|one| shared::cel_text(&one.value))),
        other => text::text_cel(other),
    }
}

pub fn unique_keys(value: &Value) -> Vec<String> {
    match value {
        Value::Text(text) => vec![text.to_lowercase()],
        Value::Labelled(list) => list.iter().map(|one| one.value.to_lowercase()).collect(),
        _ => Vec::new(),
    }
}

pub fn json_schema(field: &FieldDef, format: &str) -> Json {
    let one = json!({"type": "string", "format": format});
    if !field.many {
        return json!({"type": ["string", "null"], "format": format});
    }
    json!({
        "type": ["array", "null"],
        "items": {"oneOf": [
            one.clone(),
            {
                "type": "object",
                "properties": {"value": one, "label": {"type": "string"}},
                "required": ["value"],
                "additionalProperties": false,
            },
        ]},
    })
}
