//! `long_text`: several lines of Markdown, kept as written. Renders nothing.

use std::borrow::Cow;

use serde_json::{Value as Json, json};

use super::{shared, text};
use crate::{Column, FieldDef, FieldKind, Operator, ReadContext, Value, Violation};

pub struct LongText;

impl FieldKind for LongText {
    fn key(&self) -> &'static str {
        "long_text"
    }

    fn column(&self) -> Column {
        Column::Text
    }

    fn sortable(&self) -> bool {
        false
    }

    fn operators(&self) -> &'static [Operator] {
        &[Operator::Contains, Operator::IsEmpty, Operator::IsNotEmpty]
    }

    fn read(&self, field: &FieldDef, _context: &ReadContext, json: &Json) -> Result<Value, Violation> {
        let Some(text) = shared::text_in(field, json, "text")? else { return Ok(Value::Null) };
        let Some(text) = shared::lines(field, text)? else { return Ok(Value::Null) };
        shared::check_length(field, &text)?;
        Ok(Value::Text(text))
    }

    fn check_value(&self, field: &FieldDef, value: &Value) -> Result<(), Violation> {
        match value {
            Value::Text(text) => shared::check_length(field, text),
            other => shared::holds(field, other.is_null(), self.key()),
        }
    }

    fn to_json(&self, _field: &FieldDef, value: &Value) -> Json {
        text::text_json(value)
    }

    fn to_text(&self, _field: &FieldDef, value: &Value) -> String {
        text::plain(value).to_string()
    }

    fn search_text<'a>(&self, _field: &FieldDef, value: &'a Value) -> Cow<'a, str> {
        Cow::Borrowed(text::plain(value))
    }

    fn json_schema(&self, _field: &FieldDef) -> Json {
        json!({"type": ["string", "null"], "format": "markdown"})
    }

    fn to_cel(&self, _field: &FieldDef, value: &Value) -> cel::Value {
        text::text_cel(value)
    }

    fn from_cel(&self, field: &FieldDef, value: &cel::Value) -> Option<Value> {
        text::Text.from_cel(field, value)
    }
}
