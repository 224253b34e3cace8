//! `tags`: free words, each once whatever its case; the first spelling stays.

use serde_json::{Value as Json, json};

use super::{multi_select, shared};
use crate::{Column, FieldDef, FieldKind, Operator, ReadContext, Value, Violation};

pub struct Tags;

/// Characters of one tag. Longer ones are sentences that belong in a note.
const TAG_CHARS_MAX: usize = 200;

impl FieldKind for Tags {
    fn key(&self) -> &'static str {
        "tags"
    }

    fn column(&self) -> Column {
        Column::Options
    }

    fn sortable(&self) -> bool {
        false
    }

    fn operators(&self) -> &'static [Operator] {
        shared::LIST_OPERATORS
    }

    fn read(&self, field: &FieldDef, _context: &ReadContext, json: &Json) -> Result<Value, Violation> {
        let mut tags = Vec::new();
        for entry in shared::entries_in(field, json, "a list of texts")? {
            if let Some(text) = shared::text_in(field, entry, "text")? {
                add(field, &mut tags, text)?;
            }
        }
        Ok(multi_select::listed(tags))
    }

    fn read_text(&self, field: &FieldDef, _context: &ReadContext, text: &str) -> Result<Value, Violation> {
        let mut tags = Vec::new();
        for part in multi_select::parts(text) {
            add(field, &mut tags, part)?;
        }
        shared::check_count(field, tags.len())?;
        Ok(multi_select::listed(tags))
    }

    fn to_json(&self, _field: &FieldDef, value: &Value) -> Json {
        multi_select::list_json(value)
    }

    fn to_text(&self, _field: &FieldDef, value: &Value) -> String {
        match value {
            Value::Texts(tags) => tags.join("; "),
            _ => String::new(),
        }
    }

    fn json_schema(&self, _field: &FieldDef) -> Json {
        json!({"type": ["array", "null"], "items": {"type": "string"}})
    }

    fn to_cel(&self, _field: &FieldDef, value: &Value) -> cel::Value {
        multi_select::list_cel(value)
    }

    fn from_cel(&self, field: &FieldDef, value: &cel::Value) -> Option<Value> {
        let mut tags = Vec::new();
        for text in multi_select::cel_texts(value)? {
            add(field, &mut tags, &text).ok()?;
        }
        Some(multi_select::listed(tags))
    }
}

fn add(field: &FieldDef, tags: &mut Vec<String>, text: &str) -> Result<(), Violation> {
    let Some(tag) = shared::line(field, &shared::unwrapped(text))? else { return Ok(()) };
    if tag.chars().count() > TAG_CHARS_MAX {
        return Err(shared::unreadable(
            field,
            "too_long",
            &tag,
            &format!("a tag has at most {TAG_CHARS_MAX} characters"),
        ));
    }
    let folded = tag.to_lowercase();
    if !tags.iter().any(|known| known.to_lowercase() == folded) {
        tags.push(tag);
    }
    Ok(())
}
