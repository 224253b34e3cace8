//! Values of fields, to and from what Rust has. Money and decimals stay text: no plugin should compute them as floats by accident.

use serde::{Deserialize, Serialize, de::DeserializeOwned};

pub use crate::bindings::host::kith::plugin::types::Value;
use crate::{Error, Result};

/// An amount and its currency.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Money {
    /// `1250.50`
    pub amount: String,
    /// ISO 4217: `EUR`.
    pub currency: String,
}

impl Money {
    pub fn new(amount: impl Into<String>, currency: impl Into<String>) -> Money {
        Money { amount: amount.into(), currency: currency.into() }
    }

    /// The amount in the smallest unit of a currency with two digits: `12.50` is 1250.
    pub fn cents(&self) -> Option<i64> {
        let (sign, digits) = self.amount.strip_prefix('-').map_or((1, self.amount.as_str()), |rest| (-1, rest));
        let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
        if !part.chars().all(|digit| digit.is_ascii_digit()) {
            return None;
        }
        let part: i64 = format!("{part:0<2}").get(..2)?.parse().ok()?;
        Some(sign * whole.parse::<i64>().ok()?.checked_mul(100)?.checked_add(part)?)
    }
}

impl Value {
    /// The id of another record.
    pub fn link(id: impl Into<String>) -> Value {
        Value::Ref(id.into())
    }

    pub fn links<T: Into<String>>(ids: impl IntoIterator<Item = T>) -> Value {
        Value::Refs(ids.into_iter().map(Into::into).collect())
    }

    /// `2026-03-01`
    pub fn date(day: impl Into<String>) -> Value {
        Value::Date(day.into())
    }

    /// RFC 3339 in UTC.
    pub fn timestamp(at: impl Into<String>) -> Value {
        Value::Timestamp(at.into())
    }

    /// Digits, at most one point.
    pub fn decimal(number: impl Into<String>) -> Value {
        Value::Decimal(number.into())
    }

    /// Whatever the API shows as an object or a list.
    pub fn json(value: &impl Serialize) -> Result<Value> {
        Ok(Value::Json(serde_json::to_string(value)?))
    }

    pub fn is_null(&self) -> bool {
        matches!(self, Value::Null)
    }

    /// As the API shows it.
    pub fn to_json(&self) -> serde_json::Value {
        match self {
            Value::Null => serde_json::Value::Null,
            Value::Text(text)
            | Value::Decimal(text)
            | Value::Date(text)
            | Value::Timestamp(text)
            | Value::Ref(text) => text.as_str().into(),
            Value::Boolean(yes) => (*yes).into(),
            Value::Integer(number) => (*number).into(),
            Value::Refs(ids) => ids.clone().into(),
            Value::Json(text) | Value::Ext((_, text)) => {
                serde_json::from_str(text).unwrap_or_else(|_| text.as_str().into())
            }
        }
    }

    /// From JSON, where its shape says enough: numbers with a fraction become decimals, objects and lists stay JSON.
    pub fn from_json(value: &serde_json::Value) -> Value {
        match value {
            serde_json::Value::Null => Value::Null,
            serde_json::Value::Bool(yes) => Value::Boolean(*yes),
            serde_json::Value::Number(number) => {
                number.as_i64().map_or_else(|| Value::Decimal(number.to_string()), Value::Integer)
            }
            serde_json::Value::String(text) => Value::Text(text.clone()),
            other => Value::Json(other.to_string()),
        }
    }

    pub fn as_text(&self) -> Option<&str> {
        match self {
            Value::Text(text)
            | Value::Decimal(text)
            | Value::Date(text)
            | Value::Timestamp(text)
            | Value::Ref(text) => Some(text),
            _ => None,
        }
    }

    /// Several texts: of tags, several e-mails or phones (without their labels), links.
    pub fn texts(&self) -> Vec<String> {
        match self {
            Value::Refs(ids) => ids.clone(),
            Value::Json(_) => match self.to_json() {
                serde_json::Value::Array(items) => items.iter().filter_map(text_of).collect(),
                other => text_of(&other).into_iter().collect(),
            },
            other => other.as_text().map(str::to_string).into_iter().collect(),
        }
    }

    /// Reads what the API shows into a type of yours.
    ///
    /// # Errors
    /// `other`, when the value has another shape.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T> {
        serde_json::from_value(self.to_json()).map_err(Error::from)
    }
}

/// `"a@example.com"`, or the value of `{"value": "a@example.com", "label": "work"}`.
fn text_of(item: &serde_json::Value) -> Option<String> {
    item.as_str().or_else(|| item.get("value")?.as_str()).map(str::to_string)
}

impl From<&str> for Value {
    fn from(text: &str) -> Value {
        Value::Text(text.into())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Value {
        Value::Text(text)
    }
}

impl From<&String> for Value {
    fn from(text: &String) -> Value {
        Value::Text(text.clone())
    }
}

impl From<bool> for Value {
    fn from(yes: bool) -> Value {
        Value::Boolean(yes)
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Value {
        Value::Integer(number)
    }
}

impl From<i32> for Value {
    fn from(number: i32) -> Value {
        Value::Integer(number.into())
    }
}

impl From<u32> for Value {
    fn from(number: u32) -> Value {
        Value::Integer(number.into())
    }
}

impl From<Money> for Value {
    fn from(money: Money) -> Value {
        Value::Json(serde_json::json!({"amount": money.amount, "currency": money.currency}).to_string())
    }
}

impl From<serde_json::Value> for Value {
    fn from(value: serde_json::Value) -> Value {
        Value::from_json(&value)
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Value {
        value.map_or(Value::Null, Into::into)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_emails_are_read_without_their_labels() {
        let emails =
            Value::Json(r#"[{"value":"a@example.com","label":"work"},{"value":"b@example.com","label":""}]"#.into());
        assert_eq!(emails.texts(), ["a@example.com", "b@example.com"]);
        assert_eq!(Value::from("c@example.com").texts(), ["c@example.com"]);
        assert!(Value::Null.texts().is_empty());
    }

    #[test]
    fn cents_are_exact_and_refuse_what_is_no_amount() {
        let cents = |amount: &str| Money::new(amount, "EUR").cents();
        assert_eq!(cents("1250.50"), Some(125_050));
        assert_eq!(cents("-0.05"), Some(-5));
        assert_eq!(cents("7"), Some(700));
        assert_eq!(cents("1.2.3"), None);
        assert_eq!(cents("99999999999999999999"), None);
    }

    #[test]
    fn what_is_shown_as_json_comes_back_the_same() {
        let shown = serde_json::json!({"amount": "1.00", "currency": "EUR"});
        assert_eq!(Value::from_json(&shown).to_json(), shown);
        assert_eq!(Value::from_json(&serde_json::json!(2.5)), Value::decimal("2.5"));
    }
}
