//! Records with typed getters. A field that is empty, was not asked for or has another shape reads as none.

pub use crate::bindings::host::kith::plugin::types::{Entity as Record, Field};
use crate::{Money, Value};

/// A list of field values: `fields! { "title" => "Call back", "done" => false }`.
#[macro_export]
macro_rules! fields {
    ($($key:expr => $value:expr),* $(,)?) => {
        ::std::vec![$($crate::Field::new($key, $value)),*]
    };
}

impl Field {
    pub fn new(key: impl Into<String>, value: impl Into<Value>) -> Field {
        Field { name: key.into(), value: value.into() }
    }
}

impl Record {
    /// The value of a field; `Value::Null` where it is empty or was not asked for.
    pub fn get(&self, key: &str) -> &Value {
        self.fields.iter().find(|field| field.name == key).map_or(&Value::Null, |field| &field.value)
    }

    /// Whether the field was among those asked for.
    pub fn has(&self, key: &str) -> bool {
        self.fields.iter().any(|field| field.name == key)
    }

    /// Text, long text, choices, addresses of mail and web, and whatever else reads as text.
    pub fn text(&self, key: &str) -> Option<&str> {
        self.get(key).as_text().filter(|text| !text.is_empty())
    }

    /// Of tags, several e-mails or phones, several choices, links.
    pub fn texts(&self, key: &str) -> Vec<String> {
        self.get(key).texts()
    }

    /// The first of several, or the only one.
    pub fn first_text(&self, key: &str) -> Option<String> {
        self.texts(key).into_iter().next()
    }

    pub fn boolean(&self, key: &str) -> Option<bool> {
        match self.get(key) {
            Value::Boolean(yes) => Some(*yes),
            _ => None,
        }
    }

    pub fn integer(&self, key: &str) -> Option<i64> {
        match self.get(key) {
            Value::Integer(number) => Some(*number),
            _ => None,
        }
    }

    /// Integers, decimals and percentages as a float, for comparing and showing; never for money.
    pub fn number(&self, key: &str) -> Option<f64> {
        match self.get(key) {
            Value::Integer(number) => Some(*number as f64),
            Value::Decimal(text) => text.parse().ok(),
            _ => None,
        }
    }

    pub fn money(&self, key: &str) -> Option<Money> {
        self.get(key).read().ok()
    }

    /// `2026-03-01`
    pub fn date(&self, key: &str) -> Option<&str> {
        match self.get(key) {
            Value::Date(day) => Some(day),
            _ => None,
        }
    }

    /// RFC 3339 in UTC.
    pub fn timestamp(&self, key: &str) -> Option<&str> {
        match self.get(key) {
            Value::Timestamp(at) => Some(at),
            _ => None,
        }
    }

    /// The id of the record that a link or a user field points at.
    pub fn link(&self, key: &str) -> Option<&str> {
        match self.get(key) {
            Value::Ref(id) => Some(id),
            _ => None,
        }
    }

    /// The ids that a field of several links points at.
    pub fn links(&self, key: &str) -> &[String] {
        match self.get(key) {
            Value::Refs(ids) => ids,
            _ => &[],
        }
    }

    /// Sets or replaces a value, as tests and builders need it; nothing is saved by it.
    pub fn with(mut self, key: &str, value: impl Into<Value>) -> Record {
        self.set(key, value);
        self
    }

    pub(crate) fn set(&mut self, key: &str, value: impl Into<Value>) {
        self.fields.retain(|field| field.name != key);
        self.fields.push(Field::new(key, value));
    }
}
