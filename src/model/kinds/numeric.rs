//! What the numeric kinds share: bounds of the configuration, numbers out of JSON. Rounds nothing.

use std::str::FromStr;

use rust_decimal::{Decimal, prelude::FromPrimitive};
use serde_json::Value as Json;

use super::shared;
use crate::{FieldDef, Violation};

/// The number in `json`, exact where it is written as text.
pub fn decimal_in(field: &FieldDef, json: &Json, expected: &str) -> Result<Option<Decimal>, Violation> {
    match json {
        Json::Number(number) => of_number(number)
            .map(Some)
            .ok_or_else(|| shared::unreadable(field, "bad_number", &number.to_string(), "at most 28 digits fit")),
        other => {
            let Some(text) = shared::text_in(field, other, expected)? else { return Ok(None) };
            Decimal::from_str(text.trim()).map(Some).map_err(|_| {
                shared::unreadable(field, "bad_number", text, "write digits with a point, such as 1250.50")
            })
        }
    }
}

fn of_number(number: &serde_json::Number) -> Option<Decimal> {
    if let Some(whole) = number.as_i64() {
        return Some(Decimal::from(whole));
    }
    let shown = number.to_string();
    Decimal::from_str(&shown)
        .or_else(|_| Decimal::from_scientific(&shown))
        .ok()
        .or_else(|| number.as_f64().and_then(Decimal::from_f64))
}

/// A bound of the configuration, written as number or text.
pub fn bound(field: &FieldDef, name: &str) -> Option<Decimal> {
    match field.config.get(name)? {
        Json::Number(number) => of_number(number),
        Json::String(text) => Decimal::from_str(text).ok(),
        _ => None,
    }
}

/// Refuses what lies outside `config.min` … `config.max`.
pub fn check_bounds(field: &FieldDef, number: Decimal) -> Result<(), Violation> {
    if field.config.is_empty() {
        return Ok(());
    }
    if let Some(min) = bound(field, "min")
        && number < min
    {
        let message = format!("field '{}' got {number}; the smallest value is {min}", field.key);
        return Err(Violation::new(&field.key, "too_small", message));
    }
    if let Some(max) = bound(field, "max")
        && number > max
    {
        let message = format!("field '{}' got {number}; the largest value is {max}", field.key);
        return Err(Violation::new(&field.key, "too_large", message));
    }
    Ok(())
}

/// Checks that the configured bounds are numbers and in order.
pub fn check_config(field: &FieldDef) -> Result<(), Violation> {
    for name in ["min", "max"] {
        if field.config.get(name).is_some_and(|set| !set.is_null()) && bound(field, name).is_none() {
            let message = format!("'{name}' of field '{}' is not a number", field.key);
            return Err(shared::bad_definition(field, "bad_config", message));
        }
    }
    match (bound(field, "min"), bound(field, "max")) {
        (Some(min), Some(max)) if min > max => {
            let message = format!("field '{}' has min {min} above max {max}; swap them", field.key);
            Err(shared::bad_definition(field, "bad_config", message))
        }
        _ => Ok(()),
    }
}

/// A finite double as a decimal, without the noise digits of binary fractions.
pub fn from_double(number: f64) -> Option<Decimal> {
    Decimal::from_f64(number).map(|d| d.normalize())
}
