//! `datetime`: a moment, in milliseconds since 1970-01-01T00:00:00Z. Showing it in a zone is the reader's business.

use serde_json::{Value as Json, json};

use super::shared;
use crate::{Column, FieldDef, FieldKind, Operator, ReadContext, Value, Violation, local::times};

pub struct DateTime;

const RIGHT: &str = "write a time such as 2026-03-01T10:00:00Z";

impl FieldKind for DateTime {
    fn key(&self) -> &'static str {
        "datetime"
    }

    fn column(&self) -> Column {
        Column::Int
    }

    fn operators(&self) -> &'static [Operator] {
        shared::TIME_OPERATORS
    }

    fn read(&self, field: &FieldDef, context: &ReadContext, json: &Json) -> Result<Value, Violation> {
        let Some(text) = shared::text_in(field, json, "a time such as 2026-03-01T10:00:00Z")? else {
            return Ok(Value::Null);
        };
        match times::strict(text, &context.time_zone) {
            Some(ms) => Ok(Value::DateTime(ms)),
            None => Err(shared::unreadable(field, "bad_datetime", text, RIGHT)),
        }
    }

    fn read_text(&self, field: &FieldDef, context: &ReadContext, text: &str) -> Result<Value, Violation> {
        if text.trim().is_empty() {
            return Ok(Value::Null);
        }
        match times::parse(text, context.day_first, &context.time_zone) {
            Some(ms) => Ok(Value::DateTime(ms)),
            None => Err(shared::unreadable(field, "bad_datetime", text, RIGHT)),
        }
    }

    fn check_value(&self, field: &FieldDef, value: &Value) -> Result<(), Violation> {
        shared::holds(field, matches!(value, Value::Null | Value::DateTime(_)), self.key())
    }

    fn to_json(&self, _field: &FieldDef, value: &Value) -> Json {
        match value {
            Value::DateTime(ms) => times::show(*ms).map_or(Json::Null, Json::String),
            _ => Json::Null,
        }
    }

    fn to_text(&self, _field: &FieldDef, value: &Value) -> String {
        match value {
            Value::DateTime(ms) => times::show(*ms).unwrap_or_default(),
            _ => String::new(),
        }
    }

    fn json_schema(&self, _field: &FieldDef) -> Json {
        json!({"type": ["string", "null"], "format": "date-time"})
    }

    fn to_cel(&self, _field: &FieldDef, value: &Value) -> cel::Value {
        match value {
            Value::DateTime(ms) => cel_moment(*ms),
            _ => cel::Value::Null,
        }
    }

    fn from_cel(&self, _field: &FieldDef, value: &cel::Value) -> Option<Value> {
        match value {
            cel::Value::Timestamp(at) => Some(Value::DateTime(at.timestamp_millis())),
            cel::Value::String(text) => times::strict(text, "UTC").map(Value::DateTime),
            cel::Value::Null => Some(Value::Null),
            _ => None,
        }
    }
}

/// A moment in CEL; null outside the years it can hold.
pub fn cel_moment(ms: i64) -> cel::Value {
    match chrono::DateTime::from_timestamp_millis(ms) {
        Some(at) => cel::Value::Timestamp(at.fixed_offset()),
        None => cel::Value::Null,
    }
}
