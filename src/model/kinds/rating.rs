//! `rating`: stars, from none to five, or to `config.max` where that is set.

use serde_json::{Value as Json, json};

use super::{integer::Integer, shared};
use crate::{Column, FieldDef, FieldKind, Operator, ReadContext, Value, Violation};

pub struct Rating;

const STARS: i64 = 5;
/// More stars than this nobody can tell apart.
const STARS_MAX: i64 = 10;

impl FieldKind for Rating {
    fn key(&self) -> &'static str {
        "rating"
    }

    fn column(&self) -> Column {
        Column::Int
    }

    fn operators(&self) -> &'static [Operator] {
        shared::NUMBER_OPERATORS
    }

    fn check_field(&self, field: &FieldDef) -> Result<(), Violation> {
        match field.config.get("max") {
            None | Some(Json::Null) => Ok(()),
            Some(max) if max.as_i64().is_some_and(|max| (1..=STARS_MAX).contains(&max)) => Ok(()),
            Some(_) => {
                let message = format!("field '{}' has an unusable 'max'; take 1 to {STARS_MAX}", field.key);
                Err(shared::bad_definition(field, "bad_config", message))
            }
        }
    }

    fn read(&self, field: &FieldDef, context: &ReadContext, json: &Json) -> Result<Value, Violation> {
        within(field, Integer.read(field, context, json)?)
    }

    fn read_text(&self, field: &FieldDef, context: &ReadContext, text: &str) -> Result<Value, Violation> {
        let text = text.trim();
        if !text.is_empty() && text.chars().all(|c| matches!(c, '★' | '☆' | '⭐' | '*')) {
            let stars = text.chars().filter(|c| *c != '☆').count();
            return within(field, Value::Int(i64::try_from(stars).unwrap_or(i64::MAX)));
        }
        within(field, Integer.read_text(field, context, text)?)
    }

    fn check_value(&self, field: &FieldDef, value: &Value) -> Result<(), Violation> {
        shared::holds(field, matches!(value, Value::Null | Value::Int(_)), self.key())?;
        within(field, value.clone()).map(|_| ())
    }

    fn to_json(&self, field: &FieldDef, value: &Value) -> Json {
        Integer.to_json(field, value)
    }

    fn to_text(&self, field: &FieldDef, value: &Value) -> String {
        Integer.to_text(field, value)
    }

    fn search_text<'a>(&self, _field: &FieldDef, _value: &'a Value) -> std::borrow::Cow<'a, str> {
        "".into()
    }

    fn json_schema(&self, field: &FieldDef) -> Json {
        json!({"type": ["integer", "null"], "minimum": 0, "maximum": stars(field)})
    }

    fn to_cel(&self, field: &FieldDef, value: &Value) -> cel::Value {
        Integer.to_cel(field, value)
    }

    fn from_cel(&self, field: &FieldDef, value: &cel::Value) -> Option<Value> {
        within(field, Integer.from_cel(field, value)?).ok()
    }
}

fn stars(field: &FieldDef) -> i64 {
    shared::config_int(field, "max").filter(|max| (1..=STARS_MAX).contains(max)).unwrap_or(STARS)
}

fn within(field: &FieldDef, value: Value) -> Result<Value, Violation> {
    match value {
        Value::Int(given) if !(0..=stars(field)).contains(&given) => {
            let message = format!("field '{}' got {given}; ratings go from 0 to {}", field.key, stars(field));
            let code = if given < 0 { "too_small" } else { "too_large" };
            Err(Violation::new(&field.key, code, message))
        }
        value => Ok(value),
    }
}
