//! `money`: an amount and its ISO 4217 currency, in minor units. Converts between no currencies.

use rust_decimal::prelude::ToPrimitive;
use serde_json::{Value as Json, json};

use kith_base::{Currency, Money, money::parse_currency};

use super::{
    numeric,
    shared::{self, NUMBER_OPERATORS},
};
use crate::{Column, FieldDef, FieldKind, Operator, ReadContext, Value, Violation, local::amounts};

pub struct MoneyKind;

const EXPECTED: &str = "an amount with its currency, such as {\"amount\":\"1250.50\",\"currency\":\"EUR\"}";

impl FieldKind for MoneyKind {
    fn key(&self) -> &'static str {
        "money"
    }

    fn column(&self) -> Column {
        Column::Money
    }

    fn operators(&self) -> &'static [Operator] {
        NUMBER_OPERATORS
    }

    fn check_field(&self, field: &FieldDef) -> Result<(), Violation> {
        if let Some(code) = shared::config_text(field, "currency") {
            parse_currency(code).map_err(|e| shared::bad_definition(field, "bad_currency", e.to_string()))?;
        }
        numeric::check_config(field)
    }

    fn read(&self, field: &FieldDef, context: &ReadContext, json: &Json) -> Result<Value, Violation> {
        let Json::Object(parts) = json else {
            if let Json::String(text) = json {
                return self.parse(field, context, text, false);
            }
            let Some(amount) = numeric::decimal_in(field, json, EXPECTED)? else { return Ok(Value::Null) };
            return stored(field, amount, default_currency(field, context)?);
        };
        if let Some(other) = parts.keys().find(|key| *key != "amount" && *key != "currency") {
            return Err(shared::unreadable(field, "wrong_type", other, &format!("it takes {EXPECTED}")));
        }
        let amount = numeric::decimal_in(field, parts.get("amount").unwrap_or(&Json::Null), EXPECTED)?;
        let Some(amount) = amount else { return Ok(Value::Null) };
        let currency = match parts.get("currency") {
            None | Some(Json::Null) => default_currency(field, context)?,
            Some(Json::String(code)) => currency_named(field, code)?,
            Some(other) => return Err(shared::wrong_type(field, other, EXPECTED)),
        };
        stored(field, amount, currency)
    }

    fn read_text(&self, field: &FieldDef, context: &ReadContext, text: &str) -> Result<Value, Violation> {
        self.parse(field, context, text, context.decimal_comma)
    }

    fn to_json(&self, _field: &FieldDef, value: &Value) -> Json {
        let Value::Money(money) = value else { return Json::Null };
        let mut parts = serde_json::Map::with_capacity(2);
        parts.insert("amount".into(), Json::String(money.to_decimal().to_string()));
        parts.insert("currency".into(), Json::String(money.currency.code().to_string()));
        Json::Object(parts)
    }

    fn to_text(&self, _field: &FieldDef, value: &Value) -> String {
        match value {
            Value::Money(money) => money.to_string(),
            _ => String::new(),
        }
    }

    fn json_schema(&self, _field: &FieldDef) -> Json {
        json!({
            "type": ["object", "null"],
            "properties": {
                "amount": {"type": ["string", "number"], "format": "decimal"},
                "currency": {"type": "string", "minLength": 3, "maxLength": 3, "description": "ISO 4217"},
            },
            "required": ["amount"],
            "additionalProperties": false,
        })
    }

    fn to_cel(&self, _field: &FieldDef, value: &Value) -> cel::Value {
        let Value::Money(money) = value else { return cel::Value::Null };
        shared::cel_map([
            ("amount", money.to_decimal().to_f64().map_or(cel::Value::Null, cel::Value::Float)),
            ("currency", shared::cel_text(money.currency.code())),
        ])
    }

    fn from_cel(&self, field: &FieldDef, value: &cel::Value) -> Option<Value> {
        let (amount, currency) = match value {
            cel::Value::Null => return Some(Value::Null),
            cel::Value::Map(map) => {
                let part = |name: &str| map.get(&cel::objects::Key::from(name));
                let currency = match part("currency") {
                    Some(cel::Value::String(code)) => parse_currency(code).ok()?,
                    _ => return None,
                };
                (part("amount")?.clone(), Some(currency))
            }
            number => (number.clone(), None),
        };
        let amount = match amount {
            cel::Value::Int(n) => n.into(),
            cel::Value::UInt(n) => n.into(),
            cel::Value::Float(n) => numeric::from_double(n)?,
            _ => return None,
        };
        let code = || shared::config_text(field, "currency").and_then(|code| parse_currency(code).ok());
        let currency = currency.or_else(code).unwrap_or(Currency::EUR);
        // A computed amount has whatever decimals the arithmetic gave it; the currency decides how many count.
        let rounded = amount.round_dp(kith_base::money::minor_digits(currency));
        Money::from_decimal(rounded, currency).ok().map(Value::Money)
    }
}

impl MoneyKind {
    fn parse(
        &self,
        field: &FieldDef,
        context: &ReadContext,
        text: &str,
        decimal_comma: bool,
    ) -> Result<Value, Violation> {
        if text.trim().is_empty() {
            return Ok(Value::Null);
        }
        let default = shared::config_text(field, "currency").unwrap_or(&context.currency);
        match amounts::parse(text, decimal_comma, default) {
            Some((amount, Some(code))) => stored(field, amount, currency_named(field, &code)?),
            Some((amount, None)) => stored(field, amount, default_currency(field, context)?),
            None => Err(shared::unreadable(field, "bad_amount", text, "write an amount such as 1250.50 EUR")),
        }
    }
}

fn default_currency(field: &FieldDef, context: &ReadContext) -> Result<Currency, Violation> {
    currency_named(field, shared::config_text(field, "currency").unwrap_or(&context.currency))
}

fn currency_named(field: &FieldDef, code: &str) -> Result<Currency, Violation> {
    parse_currency(code).map_err(|e| Violation::new(&field.key, "bad_currency", format!("field '{}': {e}", field.key)))
}

fn stored(field: &FieldDef, amount: rust_decimal::Decimal, currency: Currency) -> Result<Value, Violation> {
    numeric::check_bounds(field, amount)?;
    Money::from_decimal(amount, currency)
        .map(Value::Money)
        .map_err(|e| Violation::new(&field.key, "bad_amount", format!("field '{}': {e}", field.key)))
}
