//! `user`: the id of one user. A link whose target is known.

use serde_json::Value as Json;

use super::link::Link;
use crate::{Column, FieldDef, FieldKind, Operator, ReadContext, Value, Violation};

pub struct User;

impl FieldKind for User {
    fn key(&self) -> &'static str {
        "user"
    }

    fn column(&self) -> Column {
        Link.column()
    }

    fn sortable(&self) -> bool {
        Link.sortable()
    }

    fn operators(&self) -> &'static [Operator] {
        Link.operators()
    }

    fn read(&self, field: &FieldDef, context: &ReadContext, json: &Json) -> Result<Value, Violation> {
        Link.read(field, context, json)
    }

    fn read_text(&self, field: &FieldDef, context: &ReadContext, text: &str) -> Result<Value, Violation> {
        Link.read_text(field, context, text)
    }

    fn to_json(&self, field: &FieldDef, value: &Value) -> Json {
        Link.to_json(field, value)
    }

    fn to_text(&self, field: &FieldDef, value: &Value) -> String {
        Link.to_text(field, value)
    }

    fn search_text<'a>(&self, _field: &FieldDef, _value: &'a Value) -> std::borrow::Cow<'a, str> {
        "".into()
    }

    fn json_schema(&self, field: &FieldDef) -> Json {
        Link.json_schema(field)
    }

    fn to_cel(&self, field: &FieldDef, value: &Value) -> cel::Value {
        Link.to_cel(field, value)
    }

    fn from_cel(&self, field: &FieldDef, value: &cel::Value) -> Option<Value> {
        Link.from_cel(field, value)
    }
}
