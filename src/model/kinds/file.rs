//! `file`: ids of records of `files`, the attachments themselves being kept elsewhere.

use serde_json::Value as Json;

use super::links::Links;
use crate::{Column, FieldDef, FieldKind, Operator, ReadContext, Value, Violation};

pub struct File;

impl FieldKind for File {
    fn key(&self) -> &'static str {
        "file"
    }

    fn column(&self) -> Column {
        Links.column()
    }

    fn sortable(&self) -> bool {
        Links.sortable()
    }

    fn operators(&self) -> &'static [Operator] {
        Links.operators()
    }

    fn read(&self, field: &FieldDef, context: &ReadContext, json: &Json) -> Result<Value, Violation> {
        Links.read(field, context, json)
    }

    fn read_text(&self, field: &FieldDef, context: &ReadContext, text: &str) -> Result<Value, Violation> {
        Links.read_text(field, context, text)
    }

    fn to_json(&self, field: &FieldDef, value: &Value) -> Json {
        Links.to_json(field, value)
    }

    fn to_text(&self, field: &FieldDef, value: &Value) -> String {
        Links.to_text(field, value)
    }

    fn search_text<'a>(&self, _field: &FieldDef, _value: &'a Value) -> std::borrow::Cow<'a, str> {
        "".into()
    }

    fn json_schema(&self, field: &FieldDef) -> Json {
        Links.json_schema(field)
    }

    fn to_cel(&self, field: &FieldDef, value: &Value) -> cel::Value {
        Links.to_cel(field, value)
    }

    fn from_cel(&self, field: &FieldDef, value: &cel::Value) -> Option<Value> {
        Links.from_cel(field, value)
    }
}
