//! `secret`: written, never shown. Every way out of it says no more than that it is set.

use serde_json::{Value as Json, json};

use super::shared;
use crate::{Column, FieldDef, FieldKind, Operator, ReadContext, Value, Violation};

pub struct SecretKind;

impl FieldKind for SecretKind {
    fn key(&self) -> &'static str {
        "secret"
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
        match json {
            Json::Null => Ok(Value::Null),
            Json::String(text) if text.is_empty() => Ok(Value::Null),
            Json::String(text) if text.len() > kith_base::limits::TEXT_BYTES_MAX => {
                Err(Violation::new(&field.key, "too_long", format!("field '{}' is too long to be a secret", field.key)))
            }
            // Kept to the letter: blanks at the ends of a password count.
            Json::String(text) => Ok(Value::Secret(text.clone())),
            // Whatever it is, it is not repeated in a message.
            _ => {
                let message = format!("field '{}' takes text, or null to remove it", field.key);
                Err(Violation::new(&field.key, "wrong_type", message))
            }
        }
    }

    fn check_value(&self, field: &FieldDef, value: &Value) -> Result<(), Violation> {
        shared::holds(field, matches!(value, Value::Null | Value::Secret(_)), self.key())
    }

    fn to_json(&self, _field: &FieldDef, value: &Value) -> Json {
        match value {
            Value::Secret(_) => json!({"set": true}),
            _ => Json::Null,
        }
    }

    fn to_text(&self, _field: &FieldDef, _value: &Value) -> String {
        String::new()
    }

    fn json_schema(&self, _field: &FieldDef) -> Json {
        json!({"oneOf": [
            {"type": ["string", "null"], "writeOnly": true},
            {"type": "object", "properties": {"set": {"type": "boolean"}}, "readOnly": true},
        ]})
    }

    fn to_cel(&self, _field: &FieldDef, value: &Value) -> cel::Value {
        match value {
            Value::Secret(_) => cel::Value::Bool(true),
            _ => cel::Value::Null,
        }
    }

    fn unique_keys(&self, _field: &FieldDef, _value: &Value) -> Vec<String> {
        Vec::new()
    }
}
