//! `links`: ids of any number of records of the target object, in the order given, each once.

use kith_base::RecordId;
use serde_json::{Value as Json, json};

use super::{link, multi_select, shared};
use crate::{Column, FieldDef, FieldKind, Operator, ReadContext, Value, Violation};

pub struct Links;

impl FieldKind for Links {
    fn key(&self) -> &'static str {
        "links"
    }

    fn column(&self) -> Column {
        Column::Links
    }

    fn sortable(&self) -> bool {
        false
    }

    fn operators(&self) -> &'static [Operator] {
        shared::LIST_OPERATORS
    }

    fn check_field(&self, field: &FieldDef) -> Result<(), Violation> {
        link::check_target(field)
    }

    fn read(&self, field: &FieldDef, _context: &ReadContext, json: &Json) -> Result<Value, Violation> {
        let mut ids = Vec::new();
        for entry in shared::entries_in(field, json, "a list of ids of records")? {
            if let Some(text) = shared::text_in(field, entry, "the id of a record")? {
                add(&mut ids, link::id(field, text)?);
            }
        }
        Ok(listed(ids))
    }

    fn read_text(&self, field: &FieldDef, _context: &ReadContext, text: &str) -> Result<Value, Violation> {
        let mut ids = Vec::new();
        for part in multi_select::parts(text) {
            add(&mut ids, link::id(field, part)?);
        }
        shared::check_count(field, ids.len())?;
        Ok(listed(ids))
    }

    fn to_json(&self, _field: &FieldDef, value: &Value) -> Json {
        match value {
            Value::Links(ids) => Json::Array(ids.iter().map(|id| Json::String(id.to_string())).collect()),
            _ => Json::Null,
        }
    }

    fn to_text(&self, _field: &FieldDef, value: &Value) -> String {
        match value {
            Value::Links(ids) => ids.iter().map(RecordId::to_string).collect::<Vec<_>>().join("; "),
            _ => String::new(),
        }
    }

    fn search_text<'a>(&self, _field: &FieldDef, _value: &'a Value) -> std::borrow::Cow<'a, str> {
        "".into()
    }

    fn json_schema(&self, _field: &FieldDef) -> Json {
        json!({"type": ["array", "null"], "items": {"type": "string", "format": "uuid"}})
    }

    fn to_cel(&self, _field: &FieldDef, value: &Value) -> cel::Value {
        match value {
            Value::Links(ids) => shared::cel_list(ids.iter().map(|id| shared::cel_text(&id.to_string()))),
            _ => cel::Value::Null,
        }
    }
}

fn add(ids: &mut Vec<RecordId>, id: RecordId) {
    if !ids.contains(&id) {
        ids.push(id);
    }
}

fn listed(ids: Vec<RecordId>) -> Value {
    if ids.is_empty() { Value::Null } else { Value::Links(ids) }
}
