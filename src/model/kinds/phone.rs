//! `phone`: one number, or several with labels, in international form (`+4520123456`), an extension as ` x118`. Digits that no
//! country's numbers look like stay as written.
//! Whether somebody answers is not asked, nor whether the operator has handed the number out.

use phonenumber::Mode;
use serde_json::Value as Json;

use super::{labelled, shared};
use crate::{Column, FieldDef, FieldKind, Operator, ReadContext, Value, Violation};

pub struct Phone;

const EXPECTED: &str = "a phone number, or a list of {\"value\",\"label\"}";

impl FieldKind for Phone {
    fn key(&self) -> &'static str {
        "phone"
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
        labelled::json_schema(field, "phone")
    }

    fn to_cel(&self, _field: &FieldDef, value: &Value) -> cel::Value {
        labelled::to_cel(value)
    }

    fn unique_keys(&self, _field: &FieldDef, value: &Value) -> Vec<String> {
        labelled::unique_keys(value)
    }
}

/// Fewer digits are an extension or a short code, which belongs in a note; more than 15 no network has.
const DIGITS_MIN: usize = 5;
const DIGITS_MAX: usize = 15;

fn one(field: &FieldDef, context: &ReadContext, text: &str) -> Result<String, Violation> {
    let refuse = || {
        let right =
            format!("write a number such as +45 20 12 34 56; without +, it is read as one of {}", context.country);
        shared::unreadable(field, "bad_phone", text, &right)
    };
    let clean = shared::line(field, &shared::unwrapped(text))?.ok_or_else(refuse)?;
    let (number, extension) = split(&clean);
    let digits = number.chars().filter(char::is_ascii_digit).count();
    if number.len() > 60 || !(DIGITS_MIN..=DIGITS_MAX + 3).contains(&digits) || !plausible(number) {
        return Err(refuse());
    }
    let country = context.country.parse().ok();
    // 00 is how most of the world dials what + stands for, and begins no national number.
    let international = number.strip_prefix("00").map(|rest| format!("+{}", rest.trim_start_matches(['-', ' ', '.'])));
    let parsed = phonenumber::parse(country, international.as_deref().unwrap_or(number));
    let own_extension = parsed.as_ref().ok().and_then(|parsed| parsed.extension().map(ToString::to_string));
    let mut shown = match parsed {
        Ok(parsed) => parsed.format().mode(Mode::E164).to_string(),
        // What claims a country has to keep its word. Other digits may be a number of a kind the library does not know: losing
        // them would be worse than keeping them as they were written.
        Err(_) if number.contains('+') => return Err(refuse()),
        Err(_) => number.chars().filter(char::is_ascii_digit).collect(),
    };
    if shown.chars().filter(char::is_ascii_digit).count() > DIGITS_MAX {
        return Err(refuse());
    }
    if let Some(extension) = extension.or(own_extension) {
        shown.push_str(" x");
        shown.push_str(&extension);
    }
    Ok(shown)
}

/// The number, and the digits behind `x`, `ext.`, `;ext=` or `#`.
fn split(text: &str) -> (&str, Option<String>) {
    let text = text.strip_prefix("tel:").unwrap_or(text).trim();
    let digits_from = text
        .rfind(|c: char| !c.is_ascii_digit())
        .map_or(0, |at| at + text[at..].chars().next().map_or(1, char::len_utf8));
    let (head, tail) = text.split_at(digits_from);
    if tail.is_empty() || tail.len() > 8 {
        return (text, None);
    }
    let lower = head.to_ascii_lowercase();
    for mark in [";ext=", "extension", "ext.", "ext", "int.", "lok.", "x", "#"] {
        let trimmed = lower.trim_end_matches([' ', ':', '.']);
        let mark = mark.trim_end_matches('.');
        if let Some(rest) = trimmed.strip_suffix(mark) {
            return (head[..rest.len()].trim_end_matches([' ', ',', ';', '.']), Some(tail.to_string()));
        }
    }
    (text, None)
}

/// Digits and what is written between them; letters are words, not numbers.
fn plausible(number: &str) -> bool {
    number.chars().all(|c| c.is_ascii_digit() || c.is_whitespace() || "+-./()‐‑–\u{202a}\u{202c}\u{200e}".contains(c))
}
