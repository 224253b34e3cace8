//! `person_name`: prefix, first, middle, last and suffix as parts. Guesses the parts only from text.

use serde_json::{Value as Json, json};

use super::shared;
use crate::{Column, FieldDef, FieldKind, Operator, PersonName, ReadContext, Value, Violation};

pub struct PersonNameKind;

const PARTS: [&str; 5] = ["prefix", "first", "middle", "last", "suffix"];
const EXPECTED: &str = "an object with prefix, first, middle, last and suffix";
const PREFIXES: &[&str] = &[
    "mr", "mrs", "ms", "miss", "dr", "prof", "sir", "dott", "dott.ssa", "sig", "sig.ra", "ing", "avv", "hr", "fru",
    "herr", "frau",
];
const SUFFIXES: &[&str] = &["jr", "sr", "ii", "iii", "iv", "phd", "md", "esq", "mba"];

impl FieldKind for PersonNameKind {
    fn key(&self) -> &'static str {
        "person_name"
    }

    fn column(&self) -> Column {
        Column::Other
    }

    fn sortable(&self) -> bool {
        false
    }

    fn operators(&self) -> &'static [Operator] {
        shared::PRESENCE_OPERATORS
    }

    fn read(&self, field: &FieldDef, context: &ReadContext, json: &Json) -> Result<Value, Violation> {
        let parts = match json {
            Json::Null => return Ok(Value::Null),
            Json::String(text) => return self.read_text(field, context, text),
            Json::Object(parts) => parts,
            other => return Err(shared::wrong_type(field, other, EXPECTED)),
        };
        if let Some(other) = parts.keys().find(|key| !PARTS.contains(&key.as_str())) {
            return Err(shared::unreadable(field, "wrong_type", other, &format!("it takes {EXPECTED}")));
        }
        let part = |name: &str| -> Result<String, Violation> {
            match shared::text_in(field, parts.get(name).unwrap_or(&Json::Null), "text in each part")? {
                Some(text) => Ok(shared::line(field, text)?.unwrap_or_default()),
                None => Ok(String::new()),
            }
        };
        Ok(kept(PersonName {
            prefix: part("prefix")?,
            first: part("first")?,
            middle: part("middle")?,
            last: part("last")?,
            suffix: part("suffix")?,
        }))
    }

    fn read_text(&self, field: &FieldDef, _context: &ReadContext, text: &str) -> Result<Value, Violation> {
        match shared::line(field, &shared::unwrapped(text))? {
            Some(text) => Ok(kept(taken_apart(&text))),
            None => Ok(Value::Null),
        }
    }

    fn check_value(&self, field: &FieldDef, value: &Value) -> Result<(), Violation> {
        shared::holds(field, matches!(value, Value::Null | Value::Name(_)), self.key())
    }

    fn to_json(&self, _field: &FieldDef, value: &Value) -> Json {
        let Value::Name(name) = value else { return Json::Null };
        let pairs = PARTS.into_iter().zip(parts_of(name));
        Json::Object(pairs.map(|(key, part)| (key.to_string(), Json::String(part.to_string()))).collect())
    }

    fn to_text(&self, _field: &FieldDef, value: &Value) -> String {
        let Value::Name(name) = value else { return String::new() };
        parts_of(name).into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
    }

    fn json_schema(&self, _field: &FieldDef) -> Json {
        let part = json!({"type": ["string", "null"]});
        let properties: serde_json::Map<String, Json> =
            PARTS.iter().map(|name| (name.to_string(), part.clone())).collect();
        json!({"type": ["object", "string", "null"], "properties": properties, "additionalProperties": false})
    }

    fn to_cel(&self, _field: &FieldDef, value: &Value) -> cel::Value {
        let Value::Name(name) = value else { return cel::Value::Null };
        shared::cel_map(PARTS.into_iter().zip(parts_of(name).into_iter().map(shared::cel_part)))
    }
}

fn parts_of(name: &PersonName) -> [&str; 5] {
    [&name.prefix, &name.first, &name.middle, &name.last, &name.suffix]
}

fn kept(name: PersonName) -> Value {
    if name == PersonName::default() { Value::Null } else { Value::Name(Box::new(name)) }
}

/// `Dr. Ada King Lovelace Jr.` or `Lovelace, Ada King`.
fn taken_apart(text: &str) -> PersonName {
    let is_in = |list: &[&str], word: &str| list.contains(&word.trim_end_matches('.').to_lowercase().as_str());
    let mut name = PersonName::default();
    let given = match text.split_once(',') {
        Some((last, rest)) if !is_in(SUFFIXES, rest.trim()) => {
            name.last = last.trim().to_string();
            rest
        }
        _ => text,
    };
    let mut words: Vec<&str> = given.split([' ', ',']).filter(|word| !word.is_empty()).collect();
    if words.len() > 1 && is_in(PREFIXES, words[0]) {
        name.prefix = words.remove(0).to_string();
    }
    if words.len() > 1
        && let Some(last) = words.pop_if(|word| is_in(SUFFIXES, word))
    {
        name.suffix = last.to_string();
    }
    if name.last.is_empty() && words.len() > 1 {
        name.last = words.pop().unwrap_or_default().to_string();
    }
    if !words.is_empty() {
        name.first = words.remove(0).to_string();
    }
    name.middle = words.join(" ");
    name
}
