//! `percent`: the number a person writes, `12.5` for 12.5 %. A decimal in everything but its sign.

use serde_json::{Value as Json, json};

use super::{decimal::DecimalKind, shared};
use crate::{Column, FieldDef, FieldKind, Operator, ReadContext, Value, Violation};

pub struct Percent;

impl FieldKind for Percent {
    fn key(&self) -> &'static str {
        "percent"
    }

    fn column(&self) -> Column {
        Column::Decimal
    }

    fn operators(&self) -> &'static [Operator] {
        shared::NUMBER_OPERATORS
    }

    fn check_field(&self, field: &FieldDef) -> Result<(), Violation> {
        DecimalKind.check_field(field)
    }

    fn read(&self, field: &FieldDef, context: &ReadContext, json: &Json) -> Result<Value, Violation> {
        match json {
            Json::String(text) if text.contains('%') => {
                DecimalKind.read(field, context, &Json::String(without_sign(text).to_string()))
            }
            other => DecimalKind.read(field, context, other),
        }
    }

    fn read_text(&self, field: &FieldDef, context: &ReadContext, text: &str) -> Result<Value, Violation> {
        DecimalKind.read_text(field, context, without_sign(text))
    }

    fn check_value(&self, field: &FieldDef, value: &Value) -> Result<(), Violation> {
        DecimalKind.check_value(field, value)
    }

    fn to_json(&self, field: &FieldDef, value: &Value) -> Json {
        DecimalKind.to_json(field, value)
    }

    fn to_text(&self, field: &FieldDef, value: &Value) -> String {
        DecimalKind.to_text(field, value)
    }

    fn json_schema(&self, _field: &FieldDef) -> Json {
        json!({"type": ["string", "number", "null"], "format": "decimal", "description": "12.5 means 12.5 %"})
    }

    fn to_cel(&self, field: &FieldDef, value: &Value) -> cel::Value {
        DecimalKind.to_cel(field, value)
    }

    fn from_cel(&self, field: &FieldDef, value: &cel::Value) -> Option<Value> {
        DecimalKind.from_cel(field, value)
    }
}

fn without_sign(text: &str) -> &str {
    let text = text.trim();
    text.strip_suffix('%').or_else(|| text.strip_prefix('%')).unwrap_or(text).trim()
}
