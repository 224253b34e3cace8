//! `duration`: whole seconds. In CEL it is a duration, comparable with `duration("24h")`.

use serde_json::{Value as Json, json};

use super::{integer::Integer, shared};
use crate::{Column, FieldDef, FieldKind, Operator, ReadContext, Value, Violation, local::durations};

pub struct Duration;

/// A thousand years: beyond what anybody tracks, and within what CEL can hold.
const SECONDS_MAX: i64 = 1_000 * 366 * 86_400;

impl FieldKind for Duration {
    fn key(&self) -> &'static str {
        "duration"
    }

    fn column(&self) -> Column {
        Column::Int
    }

    fn operators(&self) -> &'static [Operator] {
        shared::NUMBER_OPERATORS
    }

    fn check_field(&self, field: &FieldDef) -> Result<(), Violation> {
        Integer.check_field(field)
    }

    fn read(&self, field: &FieldDef, context: &ReadContext, json: &Json) -> Result<Value, Violation> {
        bounded(field, Integer.read(field, context, json)?)
    }

    fn read_text(&self, field: &FieldDef, context: &ReadContext, text: &str) -> Result<Value, Violation> {
        if text.trim().is_empty() {
            return Ok(Value::Null);
        }
        match durations::parse(text, context.decimal_comma) {
            Some(seconds) => self.read(field, context, &Json::from(seconds)),
            None => Err(shared::unreadable(field, "bad_duration", text, "write a duration such as 1h 30m or 01:30")),
        }
    }

    fn check_value(&self, field: &FieldDef, value: &Value) -> Result<(), Violation> {
        shared::holds(field, matches!(value, Value::Null | Value::Int(_)), self.key())?;
        bounded(field, value.clone()).map(|_| ())
    }

    fn to_json(&self, field: &FieldDef, value: &Value) -> Json {
        Integer.to_json(field, value)
    }

    fn to_text(&self, _field: &FieldDef, value: &Value) -> String {
        match value {
            Value::Int(seconds) => durations::show(*seconds),
            _ => String::new(),
        }
    }

    fn json_schema(&self, _field: &FieldDef) -> Json {
        json!({"type": ["integer", "null"], "format": "int64", "description": "seconds"})
    }

    fn to_cel(&self, _field: &FieldDef, value: &Value) -> cel::Value {
        match value {
            Value::Int(seconds) => {
                chrono::Duration::try_seconds(*seconds).map_or(cel::Value::Null, cel::Value::Duration)
            }
            _ => cel::Value::Null,
        }
    }

    fn from_cel(&self, field: &FieldDef, value: &cel::Value) -> Option<Value> {
        match value {
            cel::Value::Duration(length) => Some(Value::Int(length.num_seconds())),
            other => Integer.from_cel(field, other),
        }
    }
}

fn bounded(field: &FieldDef, value: Value) -> Result<Value, Violation> {
    match value {
        Value::Int(seconds) if seconds.abs() > SECONDS_MAX => {
            let message = format!("field '{}' got {seconds} seconds; at most {SECONDS_MAX} fit", field.key);
            Err(Violation::new(&field.key, "too_large", message))
        }
        value => Ok(value),
    }
}
