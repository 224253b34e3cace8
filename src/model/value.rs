//! The value of a field, after parsing. Kinds decide which case they use; nothing here validates.

use kith_base::{Money, RecordId, TimestampMs};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// One field's value. The order of the cases is stored: append new ones at the end.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub enum Value {
    #[default]
    Null,
    Bool(bool),
    /// integer, rating, auto-number; duration in seconds
    Int(i64),
    /// decimal; percent as the number a person writes (`12.5` is 12.5 %)
    Decimal(#[serde(with = "exact")] Decimal),
    /// text, long text, URL, select (the option's key), single e-mail and phone
    Text(String),
    Money(Money),
    /// days since 1970-01-01
    Date(i32),
    /// milliseconds since 1970-01-01T00:00:00Z
    DateTime(TimestampMs),
    /// link, user
    Link(RecordId),
    /// links, file
    Links(Vec<RecordId>),
    /// multi-select (option keys), tags
    Texts(Vec<String>),
    /// e-mails and phones with their labels; the first is the primary one
    Labelled(Vec<Labelled>),
    Address(Box<Address>),
    Name(Box<PersonName>),
    /// JSON, as its compact text
    Json(String),
    /// write-only; never leaves the engine
    Secret(String),
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Labelled {
    pub value: String,
    pub label: String,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Address {
    pub street: String,
    pub city: String,
    pub region: String,
    pub postal_code: String,
    /// ISO 3166-1 alpha-2, or empty
    pub country: String,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersonName {
    pub prefix: String,
    pub first: String,
    pub middle: String,
    pub last: String,
    pub suffix: String,
}

impl Value {
    pub fn is_null(&self) -> bool {
        matches!(self, Value::Null)
    }
}

/// The values of one record by numeric field id, sorted by id, without nulls.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Values(Vec<(u32, Value)>);

impl Values {
    pub fn get(&self, field: u32) -> &Value {
        static NULL: Value = Value::Null;
        match self.0.binary_search_by_key(&field, |(id, _)| *id) {
            Ok(at) => &self.0[at].1,
            Err(_) => &NULL,
        }
    }

    /// Sets a value; `Null` removes it.
    pub fn set(&mut self, field: u32, value: Value) {
        match (self.0.binary_search_by_key(&field, |(id, _)| *id), value.is_null()) {
            (Ok(at), true) => {
                self.0.remove(at);
            }
            (Ok(at), false) => self.0[at].1 = value,
            (Err(_), true) => {}
            (Err(at), false) => self.0.insert(at, (field, value)),
        }
    }

    pub fn iter(&self) -> impl Iterator<Item = (u32, &Value)> {
        self.0.iter().map(|(id, value)| (*id, value))
    }

    /// The pairs, in order of field number.
    pub fn as_slice(&self) -> &[(u32, Value)] {
        &self.0
    }

    /// Takes pairs that are in strict order of field number and hold no null, as `codec` has checked.
    pub(crate) fn from_ordered(pairs: Vec<(u32, Value)>) -> Self {
        Values(pairs)
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromIterator<(u32, Value)> for Values {
    fn from_iter<I: IntoIterator<Item = (u32, Value)>>(pairs: I) -> Self {
        let mut values = Values::default();
        for (field, value) in pairs {
            values.set(field, value);
        }
        values
    }
}

/// Decimals as text where people read, as mantissa and scale where they do not.
mod exact {
    use rust_decimal::Decimal;
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

    pub fn serialize<S: Serializer>(number: &Decimal, s: S) -> Result<S::Ok, S::Error> {
        if s.is_human_readable() {
            return s.collect_str(number);
        }
        (number.mantissa(), number.scale()).serialize(s)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Decimal, D::Error> {
        if d.is_human_readable() {
            let text = std::borrow::Cow::<str>::deserialize(d)?;
            return text.parse().map_err(Error::custom);
        }
        let (mantissa, scale) = <(i128, u32)>::deserialize(d)?;
        Decimal::try_from_i128_with_scale(mantissa, scale).map_err(Error::custom)
    }
}
