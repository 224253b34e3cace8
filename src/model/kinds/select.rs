//! `select`: one of the field's options, kept by the option's key. Retired options stay readable.

use std::borrow::Cow;

use serde_json::{Value as Json, json};

use super::{shared, text};
use crate::{Column, FieldDef, FieldKind, Operator, ReadContext, Value, Violation};

pub struct Select;

impl FieldKind for Select {
    fn key(&self) -> &'static str {
        "select"
    }

    fn column(&self) -> Column {
        Column::Option
    }

    fn operators(&self) -> &'static [Operator] {
        shared::CHOICE_OPERATORS
    }

    fn check_field(&self, field: &FieldDef) -> Result<(), Violation> {
        check_options(field)
    }

    fn read(&self, field: &FieldDef, _context: &ReadContext, json: &Json) -> Result<Value, Violation> {
        let Some(text) = shared::text_in(field, json, "the key of an option")? else { return Ok(Value::Null) };
        option_key(field, text).map(Value::Text)
    }

    fn read_text(&self, field: &FieldDef, _context: &ReadContext, text: &str) -> Result<Value, Violation> {
        if text.trim().is_empty() {
            return Ok(Value::Null);
        }
        option_named(field, text).map(Value::Text)
    }

    fn check_value(&self, field: &FieldDef, value: &Value) -> Result<(), Violation> {
        match value {
            Value::Text(key) => option_key(field, key).map(|_| ()),
            other => shared::holds(field, other.is_null(), self.key()),
        }
    }

    fn to_json(&self, _field: &FieldDef, value: &Value) -> Json {
        text::text_json(value)
    }

    fn to_text(&self, field: &FieldDef, value: &Value) -> String {
        match value {
            Value::Text(key) => label(field, key).to_string(),
            _ => String::new(),
        }
    }

    fn search_text<'a>(&self, field: &FieldDef, value: &'a Value) -> Cow<'a, str> {
        Cow::Owned(self.to_text(field, value))
    }

    fn json_schema(&self, field: &FieldDef) -> Json {
        let mut keys: Vec<Json> = field.options.iter().map(|o| Json::String(o.key.clone())).collect();
        keys.push(Json::Null);
        json!({"type": ["string", "null"], "enum": keys})
    }

    fn to_cel(&self, _field: &FieldDef, value: &Value) -> cel::Value {
        text::text_cel(value)
    }

    fn from_cel(&self, field: &FieldDef, value: &cel::Value) -> Option<Value> {
        match value {
            cel::Value::String(key) if key.is_empty() => Some(Value::Null),
            cel::Value::String(key) => field.option(key).map(|option| Value::Text(option.key.clone())),
            cel::Value::Null => Some(Value::Null),
            _ => None,
        }
    }
}

/// What a person sees for an option; its key where the option is gone.
pub fn label<'a>(field: &'a FieldDef, key: &'a str) -> &'a str {
    match field.option(key) {
        Some(option) if !option.label.is_empty() => &option.label,
        _ => key,
    }
}

/// The option with this key.
pub fn option_key(field: &FieldDef, text: &str) -> Result<String, Violation> {
    let text = text.trim();
    match field.option(text) {
        Some(option) => Ok(option.key.clone()),
        None => Err(no_option(field, text)),
    }
}

/// The option with this key or label, whatever its case.
pub fn option_named(field: &FieldDef, text: &str) -> Result<String, Violation> {
    let wanted = folded(text);
    let by_key = field.options.iter().find(|o| folded(&o.key) == wanted);
    let found = by_key.or_else(|| field.options.iter().find(|o| folded(&o.label) == wanted));
    found.map(|option| option.key.clone()).ok_or_else(|| no_option(field, text))
}

fn folded(text: &str) -> String {
    let spaced = text.trim().to_lowercase().replace(['_', '-'], " ");
    spaced.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn no_option(field: &FieldDef, text: &str) -> Violation {
    const SHOWN: usize = 12;
    let mut offered: Vec<&str> = field.options.iter().filter(|o| !o.archived).map(|o| o.key.as_str()).collect();
    if offered.len() > SHOWN {
        offered.truncate(SHOWN);
        offered.push("…");
    }
    let message =
        format!("field '{}' has no option '{}'; options: {}", field.key, shared::clip(text), offered.join(", "));
    Violation::new(&field.key, "bad_option", message)
}

/// Options are there, with distinct keys.
pub fn check_options(field: &FieldDef) -> Result<(), Violation> {
    const OPTIONS_MAX: usize = 1_000;
    let refuse = |message: String| Err(shared::bad_definition(field, "bad_options", message));
    if field.options.is_empty() {
        let message = format!("field '{}' has no options; give it at least one", field.key);
        return Err(shared::bad_definition(field, "no_options", message));
    }
    if field.options.len() > OPTIONS_MAX {
        return refuse(format!("field '{}' has more than {OPTIONS_MAX} options; use a link to an object", field.key));
    }
    let mut seen = std::collections::HashSet::new();
    for option in &field.options {
        if option.key.trim() != option.key || option.key.is_empty() || option.key.chars().any(char::is_control) {
            return refuse(format!("field '{}' has an option without a usable key", field.key));
        }
        if option.key.len() > 200 || option.label.len() > 1_000 {
            return refuse(format!("option '{}' of field '{}' is too long", shared::clip(&option.key), field.key));
        }
        if !seen.insert(option.key.as_str()) {
            return refuse(format!("field '{}' has the option '{}' twice", field.key, shared::clip(&option.key)));
        }
    }
    Ok(())
}
