//! People as vCard 4.0: names, addresses, numbers, company, birthday, notes. Lines are folded at 75 octets as RFC 6350 asks.

use std::io::Write;

use kith_base::RecordId;
use kith_engine::{Actor, Engine, Record};
use kith_model::{ObjectDef, Value};

use crate::{ExchangeError, map::target::takes_full_name};

const LINE_BYTES_MAX: usize = 75;

/// Whether records of the object are persons.
pub fn has_cards(object: &ObjectDef) -> bool {
    takes_full_name(object)
}

pub fn page(
    engine: &Engine,
    actor: &Actor,
    object: &ObjectDef,
    records: &[Record],
    out: &mut dyn Write,
) -> Result<(), ExchangeError> {
    for record in records {
        out.write_all(card(engine, actor, object, record).as_bytes())?;
    }
    Ok(())
}

fn card(engine: &Engine, actor: &Actor, object: &ObjectDef, record: &Record) -> String {
    let value = |key: &str| object.field(key).map_or(&Value::Null, |f| record.values.get(f.id));
    let text = |key: &str| match value(key) {
        Value::Text(text) => text.clone(),
        _ => String::new(),
    };
    let (first, last) = (text("first_name"), text("last_name"));
    let mut card = String::from("BEGIN:VCARD\r\nVERSION:4.0\r\n");
    line(&mut card, "UID", &format!("urn:uuid:{}", record.id));
    let full = engine.title(actor, record).map(|t| t.title).unwrap_or_default();
    line(&mut card, "FN", &escape(&full));
    line(&mut card, "N", &format!("{};{};;;", escape(&last), escape(&first)));
    for field in &object.fields {
        let held = record.values.get(field.id);
        let property = match field.kind.as_str() {
            "email" => "EMAIL",
            "phone" => "TEL",
            _ => continue,
        };
        match held {
            Value::Labelled(list) => {
                for entry in list {
                    line(&mut card, &format!("{property}{}", kind_of(&entry.label)), &escape(&entry.value));
                }
            }
            Value::Text(one) => line(&mut card, property, &escape(one)),
            _ => {}
        }
    }
    if let Some(company) =
        company(engine, actor, value("company")).or_else(|| Some(text("company_name")).filter(|t| !t.is_empty()))
    {
        let department =
            Some(text("department")).filter(|t| !t.is_empty()).map(|d| format!(";{}", escape(&d))).unwrap_or_default();
        line(&mut card, "ORG", &format!("{}{department}", escape(&company)));
    }
    for (property, key) in [("TITLE", "job_title"), ("URL", "website"), ("NOTE", "description")] {
        let held = text(key);
        if !held.is_empty() {
            line(&mut card, property, &escape(&held));
        }
    }
    if let (Value::Date(_), Some(field)) = (value("birthday"), object.field("birthday")) {
        line(&mut card, "BDAY", &field.kind().to_text(field, value("birthday")).replace('-', ""));
    }
    if let Value::Address(address) = value("address") {
        let parts = [&address.street, &address.city, &address.region, &address.postal_code, &address.country]
            .map(|p| escape(p));
        line(&mut card, "ADR;TYPE=work", &format!(";;{}", parts.join(";")));
    }
    if let Value::Texts(tags) = value("tags") {
        line(&mut card, "CATEGORIES", &tags.iter().map(|t| escape(t)).collect::<Vec<_>>().join(","));
    }
    card.push_str("END:VCARD\r\n");
    card
}

fn company(engine: &Engine, actor: &Actor, value: &Value) -> Option<String> {
    let Value::Link(id) = value else { return None };
    let ids: [RecordId; 1] = [*id];
    engine.titles(actor, &ids).pop().map(|t| t.title).filter(|t| !t.is_empty())
}

fn kind_of(label: &str) -> String {
    let kind = match label {
        "" => return String::new(),
        "mobile" => "cell",
        other => other,
    };
    let plain: String = kind.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').collect();
    if plain.is_empty() { String::new() } else { format!(";TYPE={plain}") }
}

fn escape(text: &str) -> String {
    text.replace('\\', "\\\\").replace('\n', "\\n").replace('\r', "").replace(',', "\\,").replace(';', "\\;")
}

/// One property, folded: further lines begin with a space, and no character is cut in two.
fn line(card: &mut String, name: &str, value: &str) {
    let whole = format!("{name}:{value}");
    let mut rest = whole.as_str();
    let mut room = LINE_BYTES_MAX;
    while rest.len() > room {
        let at = rest.floor_char_boundary(room);
        card.push_str(&rest[..at]);
        card.push_str("\r\n ");
        rest = &rest[at..];
        room = LINE_BYTES_MAX - 1;
    }
    card.push_str(rest);
    card.push_str("\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lines_are_folded_without_cutting_a_character() {
        let mut card = String::new();
        line(&mut card, "NOTE", &"é".repeat(100));
        assert!(card.lines().all(|l| l.len() <= LINE_BYTES_MAX));
        assert_eq!(card.replace("\r\n ", "").trim_end(), format!("NOTE:{}", "é".repeat(100)));
    }
}
