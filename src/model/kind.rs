//! What a kind of field must know. One implementation per kind in `kinds/`; nothing outside them matches on a kind's key.

use std::borrow::Cow;

use serde_json::Value as Json;

use crate::{FieldDef, Value, Violation};

/// How the image keeps a kind: the column's element type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Column {
    Bool,
    /// i64: integers, dates (days), date-times (ms), durations (s), ratings
    Int,
    /// exact decimal, ordered
    Decimal,
    /// minor units + currency
    Money,
    /// free text, in an arena
    Text,
    /// one of few: dictionary code + bitmaps
    Option,
    /// any number of few: bitmaps
    Options,
    /// one record id
    Link,
    /// many record ids
    Links,
    /// anything else: its encoded value; filtered row by row through `to_cel`
    Other,
}

/// A filter operation that the filter builder may offer; it writes CEL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Operator {
    Is,
    IsNot,
    Contains,
    StartsWith,
    EndsWith,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Between,
    Before,
    After,
    AnyOf,
    NoneOf,
    AllOf,
    IsEmpty,
    IsNotEmpty,
}

/// What reading a value may depend on besides the field.
#[derive(Clone, Debug)]
pub struct ReadContext {
    /// ISO 3166-1 alpha-2: phone numbers without country code are read as this country's.
    pub country: String,
    /// ISO 4217: amounts without currency.
    pub currency: String,
    /// Local text only: 3/4/2026 is the 3rd of April.
    pub day_first: bool,
    /// Local text only: 1.250,50 is one thousand two hundred and fifty and a half.
    pub decimal_comma: bool,
    /// IANA name: local date-times without offset.
    pub time_zone: String,
}

impl Default for ReadContext {
    fn default() -> Self {
        ReadContext {
            country: "US".into(),
            currency: "EUR".into(),
            day_first: false,
            decimal_comma: false,
            time_zone: "UTC".into(),
        }
    }
}

/// The behaviour of one kind of field.
pub trait FieldKind: Sync + Send {
    /// Stable key, used in the schema: `money`.
    fn key(&self) -> &'static str;

    fn column(&self) -> Column;

    /// Whether lists may sort by it.
    fn sortable(&self) -> bool {
        true
    }

    /// Whether it can carry `unique`.
    fn can_be_unique(&self) -> bool {
        false
    }

    fn operators(&self) -> &'static [Operator];

    /// Checks the definition itself: options present, target named, bounds in order.
    fn check_field(&self, _field: &FieldDef) -> Result<(), Violation> {
        Ok(())
    }

    /// Parses, validates and normalises what a client sent. `Json::Null` and empty text are `Value::Null`.
    fn read(&self, field: &FieldDef, context: &ReadContext, json: &Json) -> Result<Value, Violation>;

    /// Reads what a person or another program wrote: local numbers, dates, labels of options. Defaults to `read` of the text.
    fn read_text(&self, field: &FieldDef, context: &ReadContext, text: &str) -> Result<Value, Violation> {
        self.read(field, context, &Json::String(text.to_string()))
    }

    /// Checks a value that did not come through `read`: from code, or from a definition that has changed since.
    fn check_value(&self, field: &FieldDef, value: &Value) -> Result<(), Violation> {
        let fits = match (self.column(), value) {
            (_, Value::Null)
            | (Column::Bool, Value::Bool(_))
            | (Column::Int, Value::Int(_) | Value::Date(_) | Value::DateTime(_))
            | (Column::Decimal, Value::Decimal(_))
            | (Column::Money, Value::Money(_))
            | (Column::Option, Value::Text(_))
            | (Column::Options, Value::Texts(_))
            | (Column::Link, Value::Link(_))
            | (Column::Links, Value::Links(_)) => true,
            (Column::Text, Value::Text(_)) => !field.many,
            (Column::Text, Value::Labelled(_)) => field.many,
            (Column::Other, Value::Address(_) | Value::Name(_) | Value::Json(_) | Value::Secret(_)) => true,
            _ => false,
        };
        if fits {
            return Ok(());
        }
        let message = format!("field '{}' cannot hold this value; it is of kind {}", field.key, self.key());
        Err(Violation::new(&field.key, "wrong_type", message))
    }

    /// The JSON of the API. Round-trips through `read`, except for secrets.
    fn to_json(&self, field: &FieldDef, value: &Value) -> Json;

    /// One cell of text for CSV, titles and search; reads back through `read_text` where the kind allows it.
    fn to_text(&self, field: &FieldDef, value: &Value) -> String;

    /// Words that search should find this by. Default: `to_text`.
    fn search_text<'a>(&self, field: &FieldDef, value: &'a Value) -> Cow<'a, str> {
        Cow::Owned(self.to_text(field, value))
    }

    /// JSON Schema of the value, for OpenAPI.
    fn json_schema(&self, field: &FieldDef) -> Json;

    /// The value inside a CEL expression.
    fn to_cel(&self, field: &FieldDef, value: &Value) -> cel::Value;

    /// A CEL result back into a value, for computed fields of this result kind. None where it does not fit.
    #[allow(clippy::wrong_self_convention, reason = "the counterpart of to_cel; self is the kind, not the value")]
    fn from_cel(&self, _field: &FieldDef, _value: &cel::Value) -> Option<Value> {
        None
    }

    /// What uniqueness compares: folded text. None: nothing to compare.
    fn unique_keys(&self, field: &FieldDef, value: &Value) -> Vec<String> {
        if value.is_null() { Vec::new() } else { vec![self.to_text(field, value).to_lowercase()] }
    }
}
