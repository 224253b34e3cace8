//! `boolean`: yes or no. Not set is a third state, and stays one.

use serde_json::{Value as Json, json};

use super::shared;
use crate::{Column, FieldDef, FieldKind, Operator, ReadContext, Value, Violation};

pub struct Boolean;

const YES: &[&str] =
    &["true", "yes", "y", "1", "on", "x", "✓", "sì", "si", "vero", "ja", "j", "sandt", "wahr", "oui", "vrai"];
const NO: &[&str] = &["false", "no", "n", "0", "off", "falso", "nej", "nein", "falsk", "falsch", "non", "faux"];

impl FieldKind for Boolean {
    fn key(&self) -> &'static str {
        "boolean"
    }

    fn column(&self) -> Column {
        Column::Bool
    }

    fn operators(&self) -> &'static [Operator] {
        &[Operator::Is, Operator::IsEmpty, Operator::IsNotEmpty]
    }

    fn read(&self, field: &FieldDef, context: &ReadContext, json: &Json) -> Result<Value, Violation> {
        match json {
            Json::Null => Ok(Value::Null),
            Json::Bool(b) => Ok(Value::Bool(*b)),
            Json::String(text) if matches!(text.trim(), "" | "true" | "false") => self.read_text(field, context, text),
            other => Err(shared::wrong_type(field, other, "true or false")),
        }
    }

    fn read_text(&self, field: &FieldDef, _context: &ReadContext, text: &str) -> Result<Value, Violation> {
        let word = text.trim().to_lowercase();
        match word.as_str() {
            "" => Ok(Value::Null),
            word if YES.contains(&word) => Ok(Value::Bool(true)),
            word if NO.contains(&word) => Ok(Value::Bool(false)),
            _ => Err(shared::unreadable(field, "bad_boolean", text, "write yes or no")),
        }
    }

    fn to_json(&self, _field: &FieldDef, value: &Value) -> Json {
        match value {
            Value::Bool(b) => Json::Bool(*b),
            _ => Json::Null,
        }
    }

    fn to_text(&self, _field: &FieldDef, value: &Value) -> String {
        match value {
            Value::Bool(b) => b.to_string(),
            _ => String::new(),
        }
    }

    fn search_text<'a>(&self, _field: &FieldDef, _value: &'a Value) -> std::borrow::Cow<'a, str> {
        "".into()
    }

    fn json_schema(&self, _field: &FieldDef) -> Json {
        json!({"type": ["boolean", "null"]})
    }

    fn to_cel(&self, _field: &FieldDef, value: &Value) -> cel::Value {
        match value {
            Value::Bool(b) => cel::Value::Bool(*b),
            _ => cel::Value::Null,
        }
    }

    fn from_cel(&self, _field: &FieldDef, value: &cel::Value) -> Option<Value> {
        match value {
            cel::Value::Bool(b) => Some(Value::Bool(*b)),
            cel::Value::Null => Some(Value::Null),
            _ => None,
        }
    }
}
