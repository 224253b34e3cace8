//! `decimal`: an exact decimal number. In JSON it is text, so that no client turns it into a float.

use rust_decimal::{Decimal, prelude::ToPrimitive};
use serde_json::{Value as Json, json};

use super::{
    numeric,
    shared::{self, NUMBER_OPERATORS},
};
use crate::{Column, FieldDef, FieldKind, Operator, ReadContext, Value, Violation, local::numbers};

pub struct DecimalKind;

impl FieldKind for DecimalKind {
    fn key(&self) -> &'static str {
        "decimal"
    }

    fn column(&self) -> Column {
        Column::Decimal
    }

    fn can_be_unique(&self) -> bool {
        true
    }

    fn operators(&self) -> &'static [Operator] {
        NUMBER_OPERATORS
    }

    fn check_field(&self, field: &FieldDef) -> Result<(), Violation> {
        numeric::check_config(field)
    }

    fn read(&self, field: &FieldDef, _context: &ReadContext, json: &Json) -> Result<Value, Violation> {
        match numeric::decimal_in(field, json, "a number, as text")? {
            Some(number) => bounded(field, number),
            None => Ok(Value::Null),
        }
    }

    fn read_text(&self, field: &FieldDef, context: &ReadContext, text: &str) -> Result<Value, Violation> {
        if text.trim().is_empty() {
            return Ok(Value::Null);
        }
        match numbers::parse(text, context.decimal_comma) {
            Some(number) => bounded(field, number),
            None => Err(shared::unreadable(field, "bad_number", text, "write a number, such as 1250.50")),
        }
    }

    fn check_value(&self, field: &FieldDef, value: &Value) -> Result<(), Violation> {
        match value {
            Value::Decimal(n) => numeric::check_bounds(field, *n),
            other => shared::holds(field, other.is_null(), self.key()),
        }
    }

    fn to_json(&self, _field: &FieldDef, value: &Value) -> Json {
        match value {
            Value::Decimal(n) => Json::String(n.to_string()),
            _ => Json::Null,
        }
    }

    fn to_text(&self, _field: &FieldDef, value: &Value) -> String {
        match value {
            Value::Decimal(n) => n.to_string(),
            _ => String::new(),
        }
    }

    fn json_schema(&self, _field: &FieldDef) -> Json {
        json!({"type": ["string", "number", "null"], "format": "decimal"})
    }

    fn to_cel(&self, _field: &FieldDef, value: &Value) -> cel::Value {
        match value {
            Value::Decimal(n) => n.to_f64().map_or(cel::Value::Null, cel::Value::Float),
            _ => cel::Value::Null,
        }
    }

    fn from_cel(&self, _field: &FieldDef, value: &cel::Value) -> Option<Value> {
        match value {
            cel::Value::Int(n) => Some(Value::Decimal(Decimal::from(*n))),
            cel::Value::UInt(n) => Some(Value::Decimal(Decimal::from(*n))),
            cel::Value::Float(n) => numeric::from_double(*n).map(Value::Decimal),
            cel::Value::Null => Some(Value::Null),
            _ => None,
        }
    }

    fn unique_keys(&self, _field: &FieldDef, value: &Value) -> Vec<String> {
        match value {
            Value::Decimal(n) => vec![n.normalize().to_string()],
            _ => Vec::new(),
        }
    }
}

fn bounded(field: &FieldDef, number: Decimal) -> Result<Value, Violation> {
    numeric::check_bounds(field, number)?;
    // One zero: a negative one would print as -0 and count as another value.
    let number = if number.is_zero() { Decimal::ZERO } else { number.normalize() };
    Ok(Value::Decimal(number))
}
