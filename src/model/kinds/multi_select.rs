//! `multi_select`: any number of the field's options, in the order given, each once.

use serde_json::{Value as Json, json};

use super::{select, shared};
use crate::{Column, FieldDef, FieldKind, Operator, ReadContext, Value, Violation};

pub struct MultiSelect;

impl FieldKind for MultiSelect {
    fn key(&self) -> &'static str {
        "multi_select"
    }

    fn column(&self) -> Column {
        Column::Options
    }

    fn sortable(&self) -> bool {
        false
    }

    fn operators(&self) -> &'static [Operator] {
        shared::LIST_OPERATORS
    }

    fn check_field(&self, field: &FieldDef) -> Result<(), Violation> {
        select::check_options(field)
    }

    fn read(&self, field: &FieldDef, _context: &ReadContext, json: &Json) -> Result<Value, Violation> {
        let mut keys = Vec::new();
        for entry in shared::entries_in(field, json, "a list of keys of options")? {
            if let Some(text) = shared::text_in(field, entry, "the key of an option")? {
                add(&mut keys, select::option_key(field, text)?);
            }
        }
        Ok(listed(keys))
    }

    fn read_text(&self, field: &FieldDef, _context: &ReadContext, text: &str) -> Result<Value, Violation> {
        let mut keys = Vec::new();
        for part in parts(text) {
            add(&mut keys, select::option_named(field, part)?);
        }
        Ok(listed(keys))
    }

    fn check_value(&self, field: &FieldDef, value: &Value) -> Result<(), Violation> {
        match value {
            Value::Texts(keys) => keys.iter().try_for_each(|key| select::option_key(field, key).map(|_| ())),
            other => shared::holds(field, other.is_null(), self.key()),
        }
    }

    fn to_json(&self, _field: &FieldDef, value: &Value) -> Json {
        list_json(value)
    }

    fn to_text(&self, field: &FieldDef, value: &Value) -> String {
        let Value::Texts(keys) = value else { return String::new() };
        let labels: Vec<&str> = keys.iter().map(|key| select::label(field, key)).collect();
        labels.join("; ")
    }

    fn json_schema(&self, field: &FieldDef) -> Json {
        let keys: Vec<&str> = field.options.iter().map(|o| o.key.as_str()).collect();
        json!({"type": ["array", "null"], "items": {"type": "string", "enum": keys}})
    }

    fn to_cel(&self, _field: &FieldDef, value: &Value) -> cel::Value {
        list_cel(value)
    }

    fn from_cel(&self, field: &FieldDef, value: &cel::Value) -> Option<Value> {
        let mut keys = Vec::new();
        for text in cel_texts(value)? {
            add(&mut keys, field.option(&text)?.key.clone());
        }
        Some(listed(keys))
    }
}

/// `a; b|c` or one to a line; commas only where nothing else separates, since labels may hold them.
pub fn parts(text: &str) -> impl Iterator<Item = &str> {
    let strong: &[char] = &[';', '|', '\n'];
    let marks: &[char] = if text.contains(strong) { strong } else { &[','] };
    text.split(marks).map(str::trim).filter(|part| !part.is_empty())
}

pub fn add(list: &mut Vec<String>, entry: String) {
    if !list.contains(&entry) {
        list.push(entry);
    }
}

pub fn listed(entries: Vec<String>) -> Value {
    if entries.is_empty() { Value::Null } else { Value::Texts(entries) }
}

pub fn list_json(value: &Value) -> Json {
    match value {
        Value::Texts(entries) => Json::Array(entries.iter().cloned().map(Json::String).collect()),
        _ => Json::Null,
    }
}

pub fn list_cel(value: &Value) -> cel::Value {
    match value {
        Value::Texts(entries) => shared::cel_list(entries.iter().map(|entry| shared::cel_text(entry))),
        _ => cel::Value::Null,
    }
}

/// The texts of a CEL list; null is an empty one.
pub fn cel_texts(value: &cel::Value) -> Option<Vec<String>> {
    match value {
        cel::Value::Null => Some(Vec::new()),
        cel::Value::List(items) => items
            .iter()
            .map(|item| match item {
                cel::Value::String(text) => Some(text.to_string()),
                _ => None,
            })
            .collect(),
        _ => None,
    }
}
