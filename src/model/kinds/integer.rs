//! `integer`: a whole number within `config.min` … `config.max`.

use rust_decimal::{Decimal, prelude::ToPrimitive};
use serde_json::{Value as Json, json};

use super::{
    numeric,
    shared::{self, NUMBER_OPERATORS},
};
use crate::{Column, FieldDef, FieldKind, Operator, ReadContext, Value, Violation, local::numbers};

pub struct Integer;

impl FieldKind for Integer {
    fn key(&self) -> &'static str {
        "integer"
    }

    fn column(&self) -> Column {
        Column::Int
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
        match numeric::decimal_in(field, json, "a whole number")? {
            Some(number) => whole(field, number),
            None => Ok(Value::Null),
        }
    }

    fn read_text(&self, field: &FieldDef, context: &ReadContext, text: &str) -> Result<Value, Violation> {
        if text.trim().is_empty() {
            return Ok(Value::Null);
        }
        match numbers::parse(text, context.decimal_comma) {
            Some(number) => whole(field, number),
            None => Err(shared::unreadable(field, "bad_number", text, "write a whole number, such as 1250")),
        }
    }

    fn check_value(&self, field: &FieldDef, value: &Value) -> Result<(), Violation> {
        shared::holds(field, matches!(value, Value::Null | Value::Int(_)), self.key())?;
        match value {
            Value::Int(n) => numeric::check_bounds(field, Decimal::from(*n)),
            _ => Ok(()),
        }
    }

    fn to_json(&self, _field: &FieldDef, value: &Value) -> Json {
        match value {
            Value::Int(n) => Json::from(*n),
            _ => Json::Null,
        }
    }

    fn to_text(&self, _field: &FieldDef, value: &Value) -> String {
        match value {
            Value::Int(n) => n.to_string(),
            _ => String::new(),
        }
    }

    fn json_schema(&self, field: &FieldDef) -> Json {
        let mut schema = json!({"type": ["integer", "null"], "format": "int64"});
        if let (Some(min), Some(into)) = (shared::config_int(field, "min"), schema.as_object_mut()) {
            into.insert("minimum".into(), Json::from(min));
        }
        if let (Some(max), Some(into)) = (shared::config_int(field, "max"), schema.as_object_mut()) {
            into.insert("maximum".into(), Json::from(max));
        }
        schema
    }

    fn to_cel(&self, _field: &FieldDef, value: &Value) -> cel::Value {
        match value {
            Value::Int(n) => cel::Value::Int(*n),
            _ => cel::Value::Null,
        }
    }

    fn from_cel(&self, _field: &FieldDef, value: &cel::Value) -> Option<Value> {
        match value {
            cel::Value::Int(n) => Some(Value::Int(*n)),
            cel::Value::UInt(n) => i64::try_from(*n).ok().map(Value::Int),
            cel::Value::Float(n) => numeric::from_double(n.round())?.to_i64().map(Value::Int),
            cel::Value::Null => Some(Value::Null),
            _ => None,
        }
    }
}

fn whole(field: &FieldDef, number: Decimal) -> Result<Value, Violation> {
    let number = number.normalize();
    let Some(whole) = number.to_i64().filter(|_| number.scale() == 0) else {
        let right = "write a whole number between -9223372036854775808 and 9223372036854775807";
        return Err(shared::unreadable(field, "bad_number", &number.to_string(), right));
    };
    numeric::check_bounds(field, number)?;
    Ok(Value::Int(whole))
}
