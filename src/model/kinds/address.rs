//! `address`: street, city, region, postal code, country. Knows countries; whether the street exists is not asked.

use serde_json::{Value as Json, json};

use super::shared;
use crate::{Address, Column, FieldDef, FieldKind, Operator, ReadContext, Value, Violation, local::countries};

pub struct AddressKind;

const PARTS: [&str; 5] = ["street", "city", "region", "postal_code", "country"];
const EXPECTED: &str = "an object with street, city, region, postal_code and country";

impl FieldKind for AddressKind {
    fn key(&self) -> &'static str {
        "address"
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

    fn read(&self, field: &FieldDef, _context: &ReadContext, json: &Json) -> Result<Value, Violation> {
        let parts = match json {
            Json::Null => return Ok(Value::Null),
            Json::String(text) if text.trim().is_empty() => return Ok(Value::Null),
            Json::Object(parts) => parts,
            other => return Err(shared::wrong_type(field, other, EXPECTED)),
        };
        if let Some(other) = parts.keys().find(|key| !PARTS.contains(&key.as_str())) {
            return Err(shared::unreadable(field, "wrong_type", other, &format!("it takes {EXPECTED}")));
        }
        let part = |name: &str| -> Result<String, Violation> {
            match shared::text_in(field, parts.get(name).unwrap_or(&Json::Null), "text in each part")? {
                Some(text) if name == "street" => Ok(shared::lines(field, text)?.unwrap_or_default()),
                Some(text) => Ok(shared::line(field, text)?.unwrap_or_default()),
                None => Ok(String::new()),
            }
        };
        let country = part("country")?;
        let country = match countries::find(&country) {
            Some(code) => code.to_string(),
            None if country.is_empty() => country,
            None => {
                let right = "write an ISO 3166 code such as IT, or the country's name";
                return Err(shared::unreadable(field, "bad_country", &country, right));
            }
        };
        Ok(kept(Address {
            street: part("street")?,
            city: part("city")?,
            region: part("region")?,
            postal_code: part("postal_code")?,
            country,
        }))
    }

    fn read_text(&self, field: &FieldDef, _context: &ReadContext, text: &str) -> Result<Value, Violation> {
        let Some(text) = shared::lines(field, text)? else { return Ok(Value::Null) };
        Ok(kept(taken_apart(&text)))
    }

    fn check_value(&self, field: &FieldDef, value: &Value) -> Result<(), Violation> {
        shared::holds(field, matches!(value, Value::Null | Value::Address(_)), self.key())
    }

    fn to_json(&self, _field: &FieldDef, value: &Value) -> Json {
        let Value::Address(address) = value else { return Json::Null };
        let pairs = PARTS.into_iter().zip(parts_of(address));
        Json::Object(pairs.map(|(name, part)| (name.to_string(), Json::String(part.to_string()))).collect())
    }

    fn to_text(&self, _field: &FieldDef, value: &Value) -> String {
        let Value::Address(address) = value else { return String::new() };
        let city = format!("{} {}", address.postal_code, address.city);
        let street = address.street.replace('\n', ", ");
        let country = countries::name(&address.country).unwrap_or(&address.country);
        let shown = [street.as_str(), city.trim(), &address.region, country];
        shown.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", ")
    }

    fn json_schema(&self, _field: &FieldDef) -> Json {
        let part = json!({"type": ["string", "null"]});
        let properties: serde_json::Map<String, Json> =
            PARTS.iter().map(|name| (name.to_string(), part.clone())).collect();
        json!({"type": ["object", "null"], "properties": properties, "additionalProperties": false})
    }

    fn to_cel(&self, _field: &FieldDef, value: &Value) -> cel::Value {
        let Value::Address(address) = value else { return cel::Value::Null };
        shared::cel_map(PARTS.into_iter().zip(parts_of(address).into_iter().map(shared::cel_part)))
    }
}

fn parts_of(address: &Address) -> [&str; 5] {
    [&address.street, &address.city, &address.region, &address.postal_code, &address.country]
}

fn kept(address: Address) -> Value {
    if address == Address::default() { Value::Null } else { Value::Address(Box::new(address)) }
}

/// An address in one cell: the last line may be a country, the one before it begins or ends with a postal code. What is not
/// recognised stays in the street, so that nothing is lost.
fn taken_apart(text: &str) -> Address {
    let marks: &[char] = if text.contains('\n') { &['\n'] } else { &[','] };
    let mut lines: Vec<&str> =
        text.split(marks).map(|l| l.trim().trim_end_matches(',')).filter(|l| !l.is_empty()).collect();
    let mut address = Address::default();
    if lines.len() > 1
        && let Some(code) = lines.last().and_then(|last| countries::find(last))
    {
        address.country = code.to_string();
        lines.pop();
    }
    if lines.len() > 1
        && let Some(at) = lines.iter().rposition(|line| split_city(line).is_some())
        && at > 0
        && lines.len() - at <= 2
        && let Some((code, city)) = split_city(lines[at])
    {
        (address.postal_code, address.city) = (code.to_string(), city.to_string());
        address.region = lines.get(at + 1).map(|region| region.to_string()).unwrap_or_default();
        lines.truncate(at);
    }
    address.street = lines.join("\n");
    address
}

/// `2100 København`, `DK-2100 København`: code and city.
fn split_city(line: &str) -> Option<(&str, &str)> {
    let (first, rest) = line.split_once(' ')?;
    let coded = first.bytes().filter(u8::is_ascii_digit).count() >= 3 && first.len() <= 10;
    let city = rest.trim();
    (coded && city.chars().next().is_some_and(char::is_alphabetic)).then_some((first, city))
}
