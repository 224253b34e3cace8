//! Steps of reading that several kinds share: taking text out of JSON, cleaning it, and saying what is wrong. Decides nothing.

use kith_base::limits::TEXT_BYTES_MAX;
use serde_json::Value as Json;
use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};

use crate::{FieldDef, Operator, Violation};

/// Entries of one list value (links, tags, e-mails). More belong in records of their own.
pub const ENTRIES_MAX: usize = 1_000;

pub const TEXT_OPERATORS: &[Operator] = &[
    Operator::Contains,
    Operator::Is,
    Operator::IsNot,
    Operator::StartsWith,
    Operator::EndsWith,
    Operator::AnyOf,
    Operator::IsEmpty,
    Operator::IsNotEmpty,
];

pub const NUMBER_OPERATORS: &[Operator] = &[
    Operator::Is,
    Operator::IsNot,
    Operator::Less,
    Operator::LessOrEqual,
    Operator::Greater,
    Operator::GreaterOrEqual,
    Operator::Between,
    Operator::IsEmpty,
    Operator::IsNotEmpty,
];

pub const TIME_OPERATORS: &[Operator] =
    &[Operator::Is, Operator::Before, Operator::After, Operator::Between, Operator::IsEmpty, Operator::IsNotEmpty];

pub const CHOICE_OPERATORS: &[Operator] =
    &[Operator::Is, Operator::IsNot, Operator::AnyOf, Operator::NoneOf, Operator::IsEmpty, Operator::IsNotEmpty];

pub const LIST_OPERATORS: &[Operator] =
    &[Operator::AnyOf, Operator::AllOf, Operator::NoneOf, Operator::IsEmpty, Operator::IsNotEmpty];

/// Parts of a composed value can be filtered in CEL; the builder only offers presence.
pub const PRESENCE_OPERATORS: &[Operator] = &[Operator::IsEmpty, Operator::IsNotEmpty];

/// The found value, short enough for a message.
pub fn clip(text: &str) -> String {
    const SHOWN_CHARS: usize = 60;
    let mut shown: String =
        text.chars().take(SHOWN_CHARS).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
    if text.chars().nth(SHOWN_CHARS).is_some() {
        shown.push('…');
    }
    shown
}

pub fn wrong_type(field: &FieldDef, found: &Json, expected: &str) -> Violation {
    let found = match found {
        Json::Null => "null".to_string(),
        Json::Bool(b) => b.to_string(),
        Json::Number(n) => format!("the number {n}"),
        Json::String(s) => format!("the text '{}'", clip(s)),
        Json::Array(_) => "a list".to_string(),
        Json::Object(_) => "an object".to_string(),
    };
    Violation::new(&field.key, "wrong_type", format!("field '{}' got {found}; it takes {expected}", field.key))
}

/// A violation about a text that was found: `field 'x' cannot read 'found'; <right>`.
pub fn unreadable(field: &FieldDef, code: &str, found: &str, right: &str) -> Violation {
    Violation::new(&field.key, code, format!("field '{}' cannot read '{}'; {right}", field.key, clip(found)))
}

/// The text in `json`: none for null and for empty or blank text.
pub fn text_in<'a>(field: &FieldDef, json: &'a Json, expected: &str) -> Result<Option<&'a str>, Violation> {
    match json {
        Json::Null => Ok(None),
        Json::String(text) if text.trim().is_empty() => Ok(None),
        Json::String(text) => Ok(Some(text)),
        other => Err(wrong_type(field, other, expected)),
    }
}

/// The entries in `json`: a list, a lone text or object as a list of one, null as none.
pub fn entries_in<'a>(field: &FieldDef, json: &'a Json, expected: &str) -> Result<&'a [Json], Violation> {
    let entries = match json {
        Json::Null => &[],
        Json::Array(entries) => entries.as_slice(),
        Json::String(text) if text.trim().is_empty() => &[],
        Json::String(_) | Json::Object(_) => std::slice::from_ref(json),
        other => return Err(wrong_type(field, other, expected)),
    };
    check_count(field, entries.len())?;
    Ok(entries)
}

pub fn check_count(field: &FieldDef, count: usize) -> Result<(), Violation> {
    if count > ENTRIES_MAX {
        let message = format!("field '{}' got {count} entries; at most {ENTRIES_MAX} fit", field.key);
        return Err(Violation::new(&field.key, "too_many", message));
    }
    Ok(())
}

/// One line of text: trimmed, composed (NFC), without control characters. Blank text is none.
pub fn line(field: &FieldDef, text: &str) -> Result<Option<String>, Violation> {
    clean(field, text, |_| false, "remove line breaks, tabs and control characters")
}

/// Several lines of text: as `line`, with line breaks and tabs kept and line ends made uniform.
pub fn lines(field: &FieldDef, text: &str) -> Result<Option<String>, Violation> {
    if text.contains('\r') {
        let unix = text.replace("\r\n", "\n").replace('\r', "\n");
        return clean(field, &unix, |c| c == '\n' || c == '\t', "remove control characters");
    }
    clean(field, text, |c| c == '\n' || c == '\t', "remove control characters")
}

/// Text as other programs export it, made one line: line breaks and tabs become spaces.
pub fn unwrapped(text: &str) -> std::borrow::Cow<'_, str> {
    if text.contains(['\n', '\r', '\t']) {
        let words: Vec<&str> = text.split(['\n', '\r', '\t']).map(str::trim).filter(|w| !w.is_empty()).collect();
        std::borrow::Cow::Owned(words.join(" "))
    } else {
        std::borrow::Cow::Borrowed(text)
    }
}

fn clean(field: &FieldDef, text: &str, kept: impl Fn(char) -> bool, right: &str) -> Result<Option<String>, Violation> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    if let Some(found) = text.chars().find(|c| c.is_control() && !kept(*c)) {
        let message = format!("field '{}' holds the control character U+{:04X}; {right}", field.key, u32::from(found));
        return Err(Violation::new(&field.key, "bad_text", message));
    }
    let text = match is_nfc_quick(text.chars()) {
        IsNormalized::Yes => text.to_string(),
        _ => text.nfc().collect(),
    };
    check_bytes(field, &text)?;
    Ok(Some(text))
}

fn check_bytes(field: &FieldDef, text: &str) -> Result<(), Violation> {
    if text.len() > TEXT_BYTES_MAX {
        let message = format!(
            "field '{}' got {} bytes of text; at most {TEXT_BYTES_MAX} fit, longer texts belong in attachments",
            field.key,
            text.len()
        );
        return Err(Violation::new(&field.key, "too_long", message));
    }
    Ok(())
}

/// Refuses text of more than `config.max_length` characters.
pub fn check_length(field: &FieldDef, text: &str) -> Result<(), Violation> {
    let Some(max) = field.config.get("max_length").and_then(Json::as_u64) else { return Ok(()) };
    // Bytes are never fewer than characters, so most texts need no count.
    if text.len() as u64 > max {
        let count = text.chars().count() as u64;
        if count > max {
            let message = format!("field '{}' got {count} characters; at most {max} are allowed", field.key);
            return Err(Violation::new(&field.key, "too_long", message));
        }
    }
    Ok(())
}

/// Refuses a value of another kind.
pub fn holds(field: &FieldDef, fits: bool, kind: &str) -> Result<(), Violation> {
    if fits {
        return Ok(());
    }
    let message = format!("field '{}' cannot hold this value; it is of kind {kind}", field.key);
    Err(Violation::new(&field.key, "wrong_type", message))
}

/// A whole number of the field's configuration.
pub fn config_int(field: &FieldDef, name: &str) -> Option<i64> {
    field.config.get(name).and_then(Json::as_i64)
}

/// A text of the field's configuration.
pub fn config_text<'a>(field: &'a FieldDef, name: &str) -> Option<&'a str> {
    field.config.get(name).and_then(Json::as_str).filter(|text| !text.is_empty())
}

/// A violation of the definition itself.
pub fn bad_definition(field: &FieldDef, code: &str, message: String) -> Violation {
    Violation::new(&field.key, code, message)
}

pub fn cel_text(text: &str) -> cel::Value {
    cel::Value::String(std::sync::Arc::new(text.to_string()))
}

pub fn cel_list(items: impl Iterator<Item = cel::Value>) -> cel::Value {
    cel::Value::List(std::sync::Arc::new(items.collect()))
}

/// A map with text keys, as `address.city` reads it.
pub fn cel_map<'a>(pairs: impl IntoIterator<Item = (&'a str, cel::Value)>) -> cel::Value {
    let map: std::collections::HashMap<String, cel::Value> =
        pairs.into_iter().map(|(key, value)| (key.to_string(), value)).collect();
    map.into()
}

pub fn cel_part(text: &str) -> cel::Value {
    if text.is_empty() { cel::Value::Null } else { cel_text(text) }
}
