//! `text`: one line. `config.max_length` bounds it; `config.format` makes it a time zone, currency, country or key.

use std::borrow::Cow;

use serde_json::{Value as Json, json};

use super::shared::{self, TEXT_OPERATORS};
use crate::{Column, FieldDef, FieldKind, Operator, ReadContext, Value, Violation, local::countries};

pub struct Text;

const FORMATS: &[&str] = &["time_zone", "currency", "country", "key"];

impl FieldKind for Text {
    fn key(&self) -> &'static str {
        "text"
    }

    fn column(&self) -> Column {
        Column::Text
    }

    fn can_be_unique(&self) -> bool {
        true
    }

    fn operators(&self) -> &'static [Operator] {
        TEXT_OPERATORS
    }

    fn check_field(&self, field: &FieldDef) -> Result<(), Violation> {
        if let Some(format) = shared::config_text(field, "format")
            && !FORMATS.contains(&format)
        {
            let message =
                format!("'{}' is not a format of text; formats: {}", shared::clip(format), FORMATS.join(", "));
            return Err(shared::bad_definition(field, "bad_config", message));
        }
        Ok(())
    }

    fn read(&self, field: &FieldDef, _context: &ReadContext, json: &Json) -> Result<Value, Violation> {
        let Some(text) = shared::text_in(field, json, "text")? else { return Ok(Value::Null) };
        let Some(text) = shared::line(field, text)? else { return Ok(Value::Null) };
        shared::check_length(field, &text)?;
        formatted(field, text).map(Value::Text)
    }

    fn read_text(&self, field: &FieldDef, context: &ReadContext, text: &str) -> Result<Value, Violation> {
        self.read(field, context, &Json::String(shared::unwrapped(text).into_owned()))
    }

    fn check_value(&self, field: &FieldDef, value: &Value) -> Result<(), Violation> {
        match value {
            Value::Text(text) => shared::check_length(field, text),
            other => shared::holds(field, other.is_null(), self.key()),
        }
    }

    fn to_json(&self, _field: &FieldDef, value: &Value) -> Json {
        text_json(value)
    }

    fn to_text(&self, _field: &FieldDef, value: &Value) -> String {
        plain(value).to_string()
    }

    fn search_text<'a>(&self, _field: &FieldDef, value: &'a Value) -> Cow<'a, str> {
        Cow::Borrowed(plain(value))
    }

    fn json_schema(&self, field: &FieldDef) -> Json {
        match shared::config_int(field, "max_length") {
            Some(max) => json!({"type": ["string", "null"], "maxLength": max}),
            None => json!({"type": ["string", "null"]}),
        }
    }

    fn to_cel(&self, _field: &FieldDef, value: &Value) -> cel::Value {
        text_cel(value)
    }

    fn from_cel(&self, _field: &FieldDef, value: &cel::Value) -> Option<Value> {
        let text = match value {
            cel::Value::String(text) => text.trim().to_string(),
            cel::Value::Int(n) => n.to_string(),
            cel::Value::UInt(n) => n.to_string(),
            cel::Value::Float(n) if n.is_finite() => n.to_string(),
            cel::Value::Bool(b) => b.to_string(),
            cel::Value::Null => return Some(Value::Null),
            _ => return None,
        };
        Some(if text.is_empty() { Value::Null } else { Value::Text(text) })
    }
}

/// The text of a `Value::Text`, else nothing.
pub fn plain(value: &Value) -> &str {
    match value {
        Value::Text(text) => text,
        _ => "",
    }
}

pub fn text_json(value: &Value) -> Json {
    match value {
        Value::Text(text) => Json::String(text.clone()),
        _ => Json::Null,
    }
}

pub fn text_cel(value: &Value) -> cel::Value {
    match value {
        Value::Text(text) => shared::cel_text(text),
        _ => cel::Value::Null,
    }
}

fn formatted(field: &FieldDef, text: String) -> Result<String, Violation> {
    let refuse = |right: &str| Err(shared::unreadable(field, "bad_format", &text, right));
    match shared::config_text(field, "format") {
        Some("time_zone") => match jiff::tz::TimeZone::get(&text) {
            Ok(zone) => Ok(zone.iana_name().unwrap_or(&text).to_string()),
            Err(_) => refuse("write an IANA time zone such as Europe/Copenhagen"),
        },
        Some("currency") => match kith_base::money::parse_currency(&text) {
            Ok(currency) => Ok(currency.code().to_string()),
            Err(_) => refuse("write an ISO 4217 code such as EUR, USD or DKK"),
        },
        Some("country") => match countries::find(&text) {
            Some(code) => Ok(code.to_string()),
            None => refuse("write an ISO 3166 code such as IT, or the country's name"),
        },
        Some("key") if !crate::schema::is_key(&text) => {
            refuse("write lower-case letters, digits and underscores, a letter first")
        }
        _ => Ok(text),
    }
}
