//! `date`: a day, without time or zone. Kept as days since 1970-01-01; in CEL it is midnight UTC of that day.

use serde_json::{Value as Json, json};

use super::{datetime, shared};
use crate::{Column, FieldDef, FieldKind, Operator, ReadContext, Value, Violation, local::dates};

pub struct Date;

const RIGHT: &str = "write a date such as 2026-03-01";

impl FieldKind for Date {
    fn key(&self) -> &'static str {
        "date"
    }

    fn column(&self) -> Column {
        Column::Int
    }

    fn operators(&self) -> &'static [Operator] {
        shared::TIME_OPERATORS
    }

    fn read(&self, field: &FieldDef, _context: &ReadContext, json: &Json) -> Result<Value, Violation> {
        let Some(text) = shared::text_in(field, json, "a date such as 2026-03-01")? else { return Ok(Value::Null) };
        match dates::strict(text.trim()) {
            Some(date) => Ok(Value::Date(dates::to_days(date))),
            None => Err(shared::unreadable(field, "bad_date", text, RIGHT)),
        }
    }

    fn read_text(&self, field: &FieldDef, context: &ReadContext, text: &str) -> Result<Value, Violation> {
        if text.trim().is_empty() {
            return Ok(Value::Null);
        }
        let date = dates::parse(text, context.day_first).map(dates::to_days);
        // A cell with a time in it still names a day; the time is not asked for.
        let of_moment = || {
            let ms = crate::local::times::parse(text, context.day_first, "UTC")?;
            i32::try_from(ms.div_euclid(86_400_000)).ok()
        };
        match date.or_else(of_moment) {
            Some(days) => Ok(Value::Date(days)),
            None => Err(shared::unreadable(field, "bad_date", text, RIGHT)),
        }
    }

    fn check_value(&self, field: &FieldDef, value: &Value) -> Result<(), Violation> {
        shared::holds(field, matches!(value, Value::Null | Value::Date(_)), self.key())
    }

    fn to_json(&self, field: &FieldDef, value: &Value) -> Json {
        let text = self.to_text(field, value);
        if text.is_empty() { Json::Null } else { Json::String(text) }
    }

    fn to_text(&self, _field: &FieldDef, value: &Value) -> String {
        let Value::Date(days) = value else { return String::new() };
        match dates::from_days(*days) {
            Some(date) => format!("{:04}-{:02}-{:02}", date.year(), date.month(), date.day()),
            None => String::new(),
        }
    }

    fn json_schema(&self, _field: &FieldDef) -> Json {
        json!({"type": ["string", "null"], "format": "date"})
    }

    fn to_cel(&self, _field: &FieldDef, value: &Value) -> cel::Value {
        match value {
            Value::Date(days) => datetime::cel_moment(i64::from(*days) * 86_400_000),
            _ => cel::Value::Null,
        }
    }

    fn from_cel(&self, _field: &FieldDef, value: &cel::Value) -> Option<Value> {
        match value {
            cel::Value::Timestamp(at) => i32::try_from(at.timestamp().div_euclid(86_400)).ok().map(Value::Date),
            cel::Value::String(text) => dates::strict(text).map(|date| Value::Date(dates::to_days(date))),
            cel::Value::Null => Some(Value::Null),
            _ => None,
        }
    }
}
