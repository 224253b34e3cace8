//! `link`: the id of one record of the target object. Whether that record exists is for the engine to say.

use kith_base::RecordId;
use serde_json::{Value as Json, json};

use super::shared;
use crate::{Column, FieldDef, FieldKind, Operator, ReadContext, Value, Violation};

pub struct Link;

impl FieldKind for Link {
    fn key(&self) -> &'static str {
        "link"
    }

    fn column(&self) -> Column {
        Column::Link
    }

    fn operators(&self) -> &'static [Operator] {
        shared::CHOICE_OPERATORS
    }

    fn check_field(&self, field: &FieldDef) -> Result<(), Violation> {
        check_target(field)
    }

    fn read(&self, field: &FieldDef, _context: &ReadContext, json: &Json) -> Result<Value, Violation> {
        match shared::text_in(field, json, "the id of a record")? {
            Some(text) => id(field, text).map(Value::Link),
            None => Ok(Value::Null),
        }
    }

    fn to_json(&self, _field: &FieldDef, value: &Value) -> Json {
        match value {
            Value::Link(id) => Json::String(id.to_string()),
            _ => Json::Null,
        }
    }

    fn to_text(&self, _field: &FieldDef, value: &Value) -> String {
        match value {
            Value::Link(id) => id.to_string(),
            _ => String::new(),
        }
    }

    fn search_text<'a>(&self, _field: &FieldDef, _value: &'a Value) -> std::borrow::Cow<'a, str> {
        "".into()
    }

    fn json_schema(&self, _field: &FieldDef) -> Json {
        json!({"type": ["string", "null"], "format": "uuid"})
    }

    fn to_cel(&self, _field: &FieldDef, value: &Value) -> cel::Value {
        match value {
            Value::Link(id) => shared::cel_text(&id.to_string()),
            _ => cel::Value::Null,
        }
    }

    fn from_cel(&self, _field: &FieldDef, value: &cel::Value) -> Option<Value> {
        match value {
            cel::Value::String(text) => text.parse().ok().map(Value::Link),
            cel::Value::Null => Some(Value::Null),
            _ => None,
        }
    }
}

pub fn id(field: &FieldDef, text: &str) -> Result<RecordId, Violation> {
    let bad = |_| {
        let right = "write the id of a record, such as 0199f2c4-5d1e-7a90-8c3b-2f6d4e8a1b07";
        shared::unreadable(field, "bad_id", text, right)
    };
    text.parse().map_err(bad)
}

pub fn check_target(field: &FieldDef) -> Result<(), Violation> {
    if field.target.as_deref().unwrap_or_default().is_empty() {
        let message = format!("field '{}' names no target; set it to the object it points at", field.key);
        return Err(shared::bad_definition(field, "no_target", message));
    }
    Ok(())
}
