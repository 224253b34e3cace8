//! `email`: one address, or several with labels. The domain is kept in lower case; whether mail arrives is not asked.

use std::str::FromStr;

use email_address::{EmailAddress, Options};
use serde_json::Value as Json;

use super::{labelled, shared};
use crate::{Column, FieldDef, FieldKind, Operator, ReadContext, Value, Violation};

pub struct Email;

const EXPECTED: &str = "an e-mail address, or a list of {\"value\",\"label\"}";

impl FieldKind for Email {
    fn key(&self) -> &'static str {
        "email"
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

    fn read(&self, field: &FieldDef, context: &ReadContext, json: &Json) -> Result<Value, Violation> {
        labelled::read(field, context, json, one, EXPECTED)
    }

    fn read_text(&self, field: &FieldDef, context: &ReadContext, text: &str) -> Result<Value, Violation> {
        labelled::read_text(field, context, text, one)
    }

    fn to_json(&self, _field: &FieldDef, value: &Value) -> Json {
        labelled::to_json(value)
    }

    fn to_text(&self, _field: &FieldDef, value: &Value) -> String {
        labelled::to_text(value, "; ")
    }

    fn json_schema(&self, field: &FieldDef) -> Json {
        labelled::json_schema(field, "email")
    }

    fn to_cel(&self, _field: &FieldDef, value: &Value) -> cel::Value {
        labelled::to_cel(value)
    }

    fn unique_keys(&self, _field: &FieldDef, value: &Value) -> Vec<String> {
        labelled::unique_keys(value)
    }
}

fn one(field: &FieldDef, _context: &ReadContext, text: &str) -> Result<String, Violation> {
    let refuse = || shared::unreadable(field, "bad_email", text, "write an address such as ada@example.com");
    let clean = shared::line(field, text)?.ok_or_else(refuse)?;
    let bare = clean.strip_prefix("mailto:").unwrap_or(&clean);
    // `Ada Lovelace <ada@example.com>`: only the address is kept; the name has a field of its own.
    let bare = match (bare.rfind('<'), bare.strip_suffix('>')) {
        (Some(at), Some(open)) => &open[at + 1..],
        _ => bare,
    };
    let options = Options::default().without_display_text().without_domain_literal();
    let parsed = EmailAddress::parse_with_options(bare, options).map_err(|_| refuse())?;
    if EmailAddress::from_str(bare).is_err() || !parsed.domain().contains('.') && parsed.domain() != "localhost" {
        return Err(refuse());
    }
    Ok(format!("{}@{}", parsed.local_part(), parsed.domain().to_lowercase()))
}
