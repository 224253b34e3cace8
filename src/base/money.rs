//! Money: integer minor units plus an ISO 4217 currency. Never a float.

use std::{fmt, str::FromStr};

use rust_decimal::{Decimal, prelude::ToPrimitive};
use serde::{Deserialize, Serialize};

pub use iso_currency::Currency;

/// An amount in the currency's minor unit (cents, øre, yen).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Money {
    pub minor: i64,
    // By code, never by position in the library's list: that list grows and would change what stored amounts mean.
    #[serde(with = "currency_code")]
    pub currency: Currency,
}

#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum MoneyError {
    #[error("'{0}' is not an ISO 4217 currency; use a code such as EUR, USD or DKK")]
    UnknownCurrency(String),
    #[error("'{0}' is not an amount; write digits with a point, such as 1250.50")]
    NotANumber(String),
    #[error("{currency} has {digits} decimals; '{amount}' has more")]
    TooPrecise { amount: String, currency: String, digits: u32 },
    #[error("'{0}' is too large to store")]
    TooLarge(String),
}

/// Decimals of a currency; metals and test codes, which have none defined, count as whole units.
pub fn minor_digits(currency: Currency) -> u32 {
    u32::from(currency.exponent().unwrap_or(0))
}

pub fn parse_currency(code: &str) -> Result<Currency, MoneyError> {
    Currency::from_str(&code.trim().to_ascii_uppercase())
        .map_err(|_| MoneyError::UnknownCurrency(code.chars().take(20).collect()))
}

mod currency_code {
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

    use super::{Currency, parse_currency};

    pub fn serialize<S: Serializer>(currency: &Currency, s: S) -> Result<S::Ok, S::Error> {
        let code = currency.code();
        if s.is_human_readable() {
            return s.serialize_str(code);
        }
        let mut bytes = [0u8; 3];
        for (into, from) in bytes.iter_mut().zip(code.bytes()) {
            *into = from;
        }
        bytes.serialize(s)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Currency, D::Error> {
        if d.is_human_readable() {
            let code = std::borrow::Cow::<str>::deserialize(d)?;
            return parse_currency(&code).map_err(Error::custom);
        }
        let bytes = <[u8; 3]>::deserialize(d)?;
        let code = std::str::from_utf8(&bytes).map_err(Error::custom)?;
        parse_currency(code).map_err(Error::custom)
    }
}

impl Money {
    /// `amount` in major units, as text with a decimal point: `1250.5`.
    pub fn parse(amount: &str, currency: Currency) -> Result<Self, MoneyError> {
        let shown = || amount.chars().take(40).collect::<String>();
        let value = Decimal::from_str(amount.trim()).map_err(|_| MoneyError::NotANumber(shown()))?;
        Money::from_decimal(value, currency)
    }

    pub fn from_decimal(value: Decimal, currency: Currency) -> Result<Self, MoneyError> {
        let digits = minor_digits(currency);
        let scale = Decimal::from(10u64.pow(digits));
        let minor = value.checked_mul(scale).ok_or_else(|| MoneyError::TooLarge(value.to_string()))?.normalize();
        if minor.scale() > 0 {
            return Err(MoneyError::TooPrecise {
                amount: value.to_string(),
                currency: currency.code().to_string(),
                digits,
            });
        }
        let minor = minor.to_i64().ok_or_else(|| MoneyError::TooLarge(value.to_string()))?;
        Ok(Money { minor, currency })
    }

    /// The amount in major units.
    pub fn to_decimal(self) -> Decimal {
        Decimal::new(self.minor, minor_digits(self.currency))
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.to_decimal(), self.currency.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_become_minor_units_of_their_currency() {
        assert_eq!(Money::parse("1250.5", Currency::EUR).unwrap().minor, 125_050);
        assert_eq!(Money::parse("1250", Currency::JPY).unwrap().minor, 1_250);
        assert_eq!(Money::parse("-0.01", Currency::USD).unwrap().to_string(), "-0.01 USD");
    }

    #[test]
    fn more_decimals_than_the_currency_has_are_refused() {
        assert!(matches!(Money::parse("1.005", Currency::EUR), Err(MoneyError::TooPrecise { .. })));
        assert!(matches!(Money::parse("1.5", Currency::JPY), Err(MoneyError::TooPrecise { .. })));
        assert!(Money::parse("1.50000", Currency::EUR).is_ok());
        assert!(Money::parse("99999999999999999999", Currency::EUR).is_err());
    }
}
