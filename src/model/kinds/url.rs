//! `url`: a web address. `acme.com` becomes `https://acme.com`; addresses that run code are refused.

use std::borrow::Cow;

use serde_json::{Value as Json, json};

use super::{shared, text};
use crate::{Column, FieldDef, FieldKind, Operator, ReadContext, Value, Violation};

pub struct Url;

/// Characters of an address. Browsers and mail programs cut off near 2,000.
const CHARS_MAX: usize = 2_000;

impl FieldKind for Url {
    fn key(&self) -> &'static str {
        "url"
    }

    fn column(&self) -> Column {
        Column::Text
    }

    fn can_be_unique(&self) -> bool {
        true
    }

    fn operators(&self) -> &'static [Operator] {
        shared::TEXT_OPERATORS
    }

    fn read(&self, field: &FieldDef, _context: &ReadContext, json: &Json) -> Result<Value, Violation> {
        let Some(text) = shared::text_in(field, json, "a web address")? else { return Ok(Value::Null) };
        let Some(text) = shared::line(field, text)? else { return Ok(Value::Null) };
        normal(&text)
            .map(Value::Text)
            .ok_or_else(|| shared::unreadable(field, "bad_url", &text, "write an address such as https://example.com"))
    }

    fn to_json(&self, _field: &FieldDef, value: &Value) -> Json {
        text::text_json(value)
    }

    fn to_text(&self, _field: &FieldDef, value: &Value) -> String {
        text::plain(value).to_string()
    }

    fn search_text<'a>(&self, _field: &FieldDef, value: &'a Value) -> Cow<'a, str> {
        Cow::Borrowed(text::plain(value))
    }

    fn json_schema(&self, _field: &FieldDef) -> Json {
        json!({"type": ["string", "null"], "format": "uri"})
    }

    fn to_cel(&self, _field: &FieldDef, value: &Value) -> cel::Value {
        text::text_cel(value)
    }

    fn from_cel(&self, _field: &FieldDef, value: &cel::Value) -> Option<Value> {
        match value {
            cel::Value::String(text) if text.trim().is_empty() => Some(Value::Null),
            cel::Value::String(text) => normal(text.trim()).map(Value::Text),
            cel::Value::Null => Some(Value::Null),
            _ => None,
        }
    }
}

fn normal(text: &str) -> Option<String> {
    if text.len() > CHARS_MAX * 4 || text.chars().count() > CHARS_MAX || text.contains(char::is_whitespace) {
        return None;
    }
    let full = if text.contains("://") { Cow::Borrowed(text) } else { Cow::Owned(format!("https://{text}")) };
    let parsed = ::url::Url::parse(&full).ok()?;
    if !matches!(parsed.scheme(), "http" | "https" | "ftp") {
        return None;
    }
    let host = parsed.host_str()?;
    // A word without a point is no address that somebody else could open.
    let named = host.contains('.') && !host.starts_with('.') || host == "localhost" || host.starts_with('[');
    if !named || !parsed.username().is_empty() || parsed.password().is_some() {
        return None;
    }
    let mut shown: String = parsed.into();
    let bare = shown.strip_suffix('/').filter(|rest| rest.matches('/').count() == 2 && !rest.contains(['?', '#']));
    if let Some(length) = bare.map(str::len) {
        shown.truncate(length);
    }
    Some(shown)
}
