//! `auto_number`: counts the records of its object, `config.prefix` in front when shown. The engine gives the number.

use serde_json::{Value as Json, json};

use super::{integer::Integer, shared};
use crate::{Column, FieldDef, FieldKind, Operator, ReadContext, Value, Violation};

pub struct AutoNumber;

pub const KEY: &str = "auto_number";

impl FieldKind for AutoNumber {
    fn key(&self) -> &'static str {
        KEY
    }

    fn column(&self) -> Column {
        Column::Int
    }

    fn can_be_unique(&self) -> bool {
        true
    }

    fn operators(&self) -> &'static [Operator] {
        shared::NUMBER_OPERATORS
    }

    fn check_field(&self, field: &FieldDef) -> Result<(), Violation> {
        let prefix = shared::config_text(field, "prefix").unwrap_or_default();
        if prefix.chars().count() > 20 || prefix.chars().any(char::is_control) {
            let message = format!("field '{}' has an unusable prefix; take up to 20 characters", field.key);
            return Err(shared::bad_definition(field, "bad_config", message));
        }
        Ok(())
    }

    fn read(&self, field: &FieldDef, context: &ReadContext, json: &Json) -> Result<Value, Violation> {
        Integer.read(field, context, json)
    }

    fn read_text(&self, field: &FieldDef, context: &ReadContext, text: &str) -> Result<Value, Violation> {
        let text = text.trim();
        let prefix = shared::config_text(field, "prefix").unwrap_or_default();
        Integer.read_text(field, context, text.strip_prefix(prefix).unwrap_or(text))
    }

    fn check_value(&self, field: &FieldDef, value: &Value) -> Result<(), Violation> {
        shared::holds(field, matches!(value, Value::Null | Value::Int(_)), self.key())
    }

    fn to_json(&self, field: &FieldDef, value: &Value) -> Json {
        Integer.to_json(field, value)
    }

    fn to_text(&self, field: &FieldDef, value: &Value) -> String {
        match value {
            Value::Int(n) => format!("{}{n}", shared::config_text(field, "prefix").unwrap_or_default()),
            _ => String::new(),
        }
    }

    fn json_schema(&self, _field: &FieldDef) -> Json {
        json!({"type": ["integer", "null"], "format": "int64", "readOnly": true})
    }

    fn to_cel(&self, field: &FieldDef, value: &Value) -> cel::Value {
        Integer.to_cel(field, value)
    }

    fn unique_keys(&self, _field: &FieldDef, value: &Value) -> Vec<String> {
        match value {
            Value::Int(n) => vec![n.to_string()],
            _ => Vec::new(),
        }
    }
}
