//! `json`: any JSON, kept as compact text. Bounded in depth and size; its meaning is its writer's business.

use kith_base::limits::{DEPTH_MAX, TEXT_BYTES_MAX};
use serde_json::{Value as Json, json};

use super::shared;
use crate::{Column, FieldDef, FieldKind, Operator, ReadContext, Value, Violation};

pub struct JsonKind;

impl FieldKind for JsonKind {
    fn key(&self) -> &'static str {
        "json"
    }

    fn column(&self) -> Column {
        Column::Other
    }

    fn sortable(&self) -> bool {
        false
    }

    fn operators(&self) -> &'static [Operator] {
        shared::PRESENCE_OPERATORS
    }

    fn read(&self, field: &FieldDef, _context: &ReadContext, json: &Json) -> Result<Value, Violation> {
        if json.is_null() {
            return Ok(Value::Null);
        }
        if deeper_than(json, DEPTH_MAX) {
            let message = format!("field '{}' got JSON nested deeper than {DEPTH_MAX} levels; flatten it", field.key);
            return Err(Violation::new(&field.key, "too_deep", message));
        }
        let text = json.to_string();
        if text.len() > TEXT_BYTES_MAX {
            let message =
                format!("field '{}' got {} bytes of JSON; at most {TEXT_BYTES_MAX} fit", field.key, text.len());
            return Err(Violation::new(&field.key, "too_long", message));
        }
        Ok(Value::Json(text))
    }

    fn read_text(&self, field: &FieldDef, context: &ReadContext, text: &str) -> Result<Value, Violation> {
        if text.trim().is_empty() {
            return Ok(Value::Null);
        }
        match serde_json::from_str(text) {
            Ok(json) => self.read(field, context, &json),
            Err(_) => Err(shared::unreadable(field, "bad_json", text, "write JSON, such as {\"a\": 1}")),
        }
    }

    fn check_value(&self, field: &FieldDef, value: &Value) -> Result<(), Violation> {
        shared::holds(field, matches!(value, Value::Null | Value::Json(_)), self.key())
    }

    fn to_json(&self, _field: &FieldDef, value: &Value) -> Json {
        match value {
            Value::Json(text) => serde_json::from_str(text).unwrap_or(Json::Null),
            _ => Json::Null,
        }
    }

    fn to_text(&self, _field: &FieldDef, value: &Value) -> String {
        match value {
            Value::Json(text) => text.clone(),
            _ => String::new(),
        }
    }

    fn search_text<'a>(&self, _field: &FieldDef, _value: &'a Value) -> std::borrow::Cow<'a, str> {
        "".into()
    }

    fn json_schema(&self, _field: &FieldDef) -> Json {
        json!({})
    }

    fn to_cel(&self, field: &FieldDef, value: &Value) -> cel::Value {
        cel_of(&self.to_json(field, value))
    }

    fn from_cel(&self, _field: &FieldDef, _value: &cel::Value) -> Option<Value> {
        None
    }
}

/// JSON inside CEL; whole numbers stay whole.
fn cel_of(json: &Json) -> cel::Value {
    match json {
        Json::Null => cel::Value::Null,
        Json::Bool(b) => cel::Value::Bool(*b),
        Json::Number(n) => match (n.as_i64(), n.as_f64()) {
            (Some(whole), _) => cel::Value::Int(whole),
            (None, Some(real)) => cel::Value::Float(real),
            (None, None) => cel::Value::Null,
        },
        Json::String(text) => shared::cel_text(text),
        Json::Array(items) => shared::cel_list(items.iter().map(cel_of)),
        Json::Object(parts) => shared::cel_map(parts.iter().map(|(key, value)| (key.as_str(), cel_of(value)))),
    }
}

fn deeper_than(json: &Json, levels: usize) -> bool {
    match json {
        Json::Array(items) => levels == 0 || items.iter().any(|item| deeper_than(item, levels - 1)),
        Json::Object(parts) => levels == 0 || parts.values().any(|item| deeper_than(item, levels - 1)),
        _ => false,
    }
}
