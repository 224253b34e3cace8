//! `computed`: the result of a CEL expression. Behaves as the kind that `config.kind` names (text where it names none), and is
//! never written.

use serde_json::Value as Json;

use super::shared;
use crate::{Column, FieldDef, FieldKind, Operator, ReadContext, Value, Violation};

pub const KEY: &str = "computed";

/// A computed field with results of one kind.
pub struct Computed(&'static dyn FieldKind);

pub static TEXT: Computed = Computed(&super::text::Text);

static RESULTS: &[&Computed] = &[
    &TEXT,
    &Computed(&super::long_text::LongText),
    &Computed(&super::integer::Integer),
    &Computed(&super::decimal::DecimalKind),
    &Computed(&super::money::MoneyKind),
    &Computed(&super::percent::Percent),
    &Computed(&super::boolean::Boolean),
    &Computed(&super::date::Date),
    &Computed(&super::datetime::DateTime),
    &Computed(&super::duration::Duration),
    &Computed(&super::select::Select),
    &Computed(&super::tags::Tags),
    &Computed(&super::url::Url),
    &Computed(&super::link::Link),
    &Computed(&super::rating::Rating),
];

/// The behaviour of a computed field.
pub fn of(field: &FieldDef) -> &'static dyn FieldKind {
    let wanted = result_key(field);
    RESULTS.iter().find(|kind| kind.0.key() == wanted).map_or(&TEXT as &dyn FieldKind, |kind| *kind)
}

pub fn results() -> impl Iterator<Item = &'static str> {
    RESULTS.iter().map(|kind| kind.0.key())
}

fn result_key(field: &FieldDef) -> &str {
    shared::config_text(field, "kind").unwrap_or("text")
}

impl FieldKind for Computed {
    fn key(&self) -> &'static str {
        KEY
    }

    fn column(&self) -> Column {
        self.0.column()
    }

    fn sortable(&self) -> bool {
        self.0.sortable()
    }

    fn operators(&self) -> &'static [Operator] {
        self.0.operators()
    }

    fn check_field(&self, field: &FieldDef) -> Result<(), Violation> {
        if field.expression.as_deref().is_none_or(|text| text.trim().is_empty()) {
            let message = format!("field '{}' has no expression to compute", field.key);
            return Err(shared::bad_definition(field, "no_expression", message));
        }
        let wanted = result_key(field);
        if !results().any(|known| known == wanted) {
            let known: Vec<&str> = results().collect();
            let wanted = shared::clip(wanted);
            let message =
                format!("field '{}' cannot result in '{wanted}'; take one of {}", field.key, known.join(", "));
            return Err(shared::bad_definition(field, "bad_config", message));
        }
        self.0.check_field(field)
    }

    fn read(&self, field: &FieldDef, _context: &ReadContext, _json: &Json) -> Result<Value, Violation> {
        let message = format!("field '{}' is computed; change what it is computed from", field.key);
        Err(Violation::new(&field.key, "read_only", message))
    }

    fn check_value(&self, _field: &FieldDef, _value: &Value) -> Result<(), Violation> {
        // Results are not stored, so there is nothing that could be wrong with them.
        Ok(())
    }

    fn to_json(&self, field: &FieldDef, value: &Value) -> Json {
        self.0.to_json(field, value)
    }

    fn to_text(&self, field: &FieldDef, value: &Value) -> String {
        self.0.to_text(field, value)
    }

    fn search_text<'a>(&self, field: &FieldDef, value: &'a Value) -> std::borrow::Cow<'a, str> {
        self.0.search_text(field, value)
    }

    fn json_schema(&self, field: &FieldDef) -> Json {
        let mut schema = self.0.json_schema(field);
        if let Some(parts) = schema.as_object_mut() {
            parts.insert("readOnly".into(), Json::Bool(true));
        }
        schema
    }

    fn to_cel(&self, field: &FieldDef, value: &Value) -> cel::Value {
        self.0.to_cel(field, value)
    }

    fn from_cel(&self, field: &FieldDef, value: &cel::Value) -> Option<Value> {
        self.0.from_cel(field, value)
    }

    fn unique_keys(&self, field: &FieldDef, value: &Value) -> Vec<String> {
        self.0.unique_keys(field, value)
    }
}
