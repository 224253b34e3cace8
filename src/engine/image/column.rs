//! One field of all rows of an object: numbers as plain vectors, everything else as codes into a dictionary. A value that does
//! not fit its column turns the whole column into one that holds anything; no value is ever lost or bent.

use std::collections::HashMap;

use kith_base::{Currency, Money, money::minor_digits};
use kith_model::{Column as Class, FieldDef, Value};
use rust_decimal::{Decimal, prelude::ToPrimitive};

use super::{
    bits::Bits,
    codes::Codes,
    coding::{Coding, decode, encoded},
    dictionary::Dictionary,
    leads::Leads,
};

/// What the integers of a column mean; learned from the first value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Shape {
    Unknown,
    Int,
    Date,
    DateTime,
}

pub enum Column {
    Bool {
        set: Bits,
        on: Bits,
    },
    Int {
        shape: Shape,
        set: Bits,
        values: Vec<i64>,
    },
    /// `values` answers comparisons; with `scale` it gives the decimal back, except for those too long, which `exact` keeps.
    Double {
        set: Bits,
        values: Vec<f64>,
        scale: Vec<u8>,
        exact: HashMap<u32, Decimal>,
    },
    Money {
        set: Bits,
        minor: Vec<i64>,
        currency: Vec<u8>,
        currencies: Vec<Currency>,
    },
    Coded {
        coding: Coding,
        codes: Codes,
        words: Dictionary,
        stale: u32,
        /// What is known of the records that a column of links leads to; gone when codes change.
        leads: Option<Box<Leads>>,
    },
}

impl Column {
    pub fn for_field(def: &FieldDef) -> Column {
        match def.kind().column() {
            _ if def.many => Column::coded(Coding::Any),
            Class::Bool => Column::Bool { set: Bits::default(), on: Bits::default() },
            Class::Int => Column::Int { shape: Shape::Unknown, set: Bits::default(), values: Vec::new() },
            Class::Decimal => {
                let (values, scale, exact) = (Vec::new(), Vec::new(), HashMap::new());
                Column::Double { set: Bits::default(), values, scale, exact }
            }
            Class::Money => {
                let (minor, currency, currencies) = (Vec::new(), Vec::new(), Vec::new());
                Column::Money { set: Bits::default(), minor, currency, currencies }
            }
            Class::Text | Class::Option => Column::coded(Coding::Text),
            Class::Link => Column::coded(Coding::Link),
            Class::Links => Column::coded(Coding::Links),
            Class::Options | Class::Other => Column::coded(Coding::Any),
        }
    }

    pub fn coded(coding: Coding) -> Column {
        Column::Coded { coding, codes: Codes::default(), words: Dictionary::default(), stale: 0, leads: None }
    }

    /// Null beyond the end.
    pub fn get(&self, row: u32) -> Value {
        let at = row as usize;
        match self {
            Column::Bool { set, on } if set.get(at) => Value::Bool(on.get(at)),
            Column::Int { shape, set, values } if set.get(at) => match shape {
                Shape::Date => Value::Date(values[at] as i32),
                Shape::DateTime => Value::DateTime(values[at]),
                Shape::Int | Shape::Unknown => Value::Int(values[at]),
            },
            Column::Double { set, values, scale, exact } if set.get(at) => match exact.get(&row) {
                Some(decimal) => Value::Decimal(*decimal),
                None => restored(values[at], scale[at]).map_or(Value::Null, Value::Decimal),
            },
            Column::Money { set, minor, currency, currencies } if set.get(at) => {
                Value::Money(Money { minor: minor[at], currency: currencies[currency[at] as usize] })
            }
            Column::Coded { coding, codes, words, .. } => match codes.get(at) {
                0 => Value::Null,
                code => decode(*coding, words.get(code)),
            },
            _ => Value::Null,
        }
    }

    pub fn is_null(&self, row: u32) -> bool {
        match self {
            Column::Bool { set, .. }
            | Column::Int { set, .. }
            | Column::Double { set, .. }
            | Column::Money { set, .. } => !set.get(row as usize),
            Column::Coded { codes, .. } => codes.get(row as usize) == 0,
        }
    }

    /// Rows with a value, for a table of `rows` rows.
    pub fn present(&self, rows: usize) -> Bits {
        let mut bits = match self {
            Column::Bool { set, .. }
            | Column::Int { set, .. }
            | Column::Double { set, .. }
            | Column::Money { set, .. } => set.clone(),
            Column::Coded { codes, .. } => codes.equal(0).flip(),
        };
        bits.grow(rows);
        bits
    }

    /// Sets a value, or removes it with null. Returns true when the column had to become one that holds anything.
    pub fn set(&mut self, row: u32, value: &Value, scratch: &mut Vec<u8>) -> bool {
        if self.try_set(row, value, scratch) {
            return false;
        }
        self.generalise();
        // A column of coding `Any` takes every value.
        self.try_set(row, value, scratch);
        true
    }

    fn try_set(&mut self, row: u32, value: &Value, scratch: &mut Vec<u8>) -> bool {
        let at = row as usize;
        match self {
            Column::Coded { coding, codes, words, stale, .. } => {
                let code = match value {
                    Value::Null => 0,
                    value => match encoded(*coding, value, scratch) {
                        Some(bytes) => words.intern(bytes),
                        None => return false,
                    },
                };
                if codes.get(at) != 0 {
                    *stale += 1;
                }
                if code != 0 || at < codes.len() {
                    codes.set(at, code);
                }
                true
            }
            Column::Bool { set, .. }
            | Column::Int { set, .. }
            | Column::Double { set, .. }
            | Column::Money { set, .. }
                if value.is_null() =>
            {
                if at < set.len() {
                    set.set(at, false);
                }
                true
            }
            Column::Bool { set, on } => {
                let Value::Bool(value) = value else { return false };
                set.set(at, true);
                on.set(at, *value);
                true
            }
            Column::Int { shape, set, values } => {
                let (number, found) = match value {
                    Value::Int(v) => (*v, Shape::Int),
                    Value::Date(v) => (i64::from(*v), Shape::Date),
                    Value::DateTime(v) => (*v, Shape::DateTime),
                    _ => return false,
                };
                if *shape == Shape::Unknown {
                    *shape = found;
                }
                if *shape != found {
                    return false;
                }
                put(values, at, number);
                set.set(at, true);
                true
            }
            Column::Double { set, values, scale, exact } => {
                let Value::Decimal(decimal) = value else { return false };
                let number = decimal.to_f64().unwrap_or(f64::NAN);
                let digits = decimal.scale() as u8;
                put(values, at, number);
                put(scale, at, digits);
                match restored(number, digits) {
                    Some(back) if back == *decimal && back.scale() == decimal.scale() => exact.remove(&row),
                    _ => exact.insert(row, *decimal),
                };
                set.set(at, true);
                true
            }
            Column::Money { set, minor, currency, currencies } => {
                let Value::Money(money) = value else { return false };
                let code = match currencies.iter().position(|c| *c == money.currency) {
                    Some(code) => code,
                    None if currencies.len() < 256 => {
                        currencies.push(money.currency);
                        currencies.len() - 1
                    }
                    None => return false,
                };
                put(minor, at, money.minor);
                put(currency, at, code as u8);
                set.set(at, true);
                true
            }
        }
    }

    /// Turns the column into one that holds any value.
    fn generalise(&mut self) {
        let mut general = Column::coded(Coding::Any);
        let mut scratch = Vec::new();
        for row in 0..self.rows() {
            general.try_set(row as u32, &self.get(row as u32), &mut scratch);
        }
        *self = general;
    }

    fn rows(&self) -> usize {
        match self {
            Column::Bool { set, .. }
            | Column::Int { set, .. }
            | Column::Double { set, .. }
            | Column::Money { set, .. } => set.len(),
            Column::Coded { codes, .. } => codes.len(),
        }
    }

    /// The dictionary code of a row; 0 for null and for columns without a dictionary.
    pub fn code(&self, row: u32) -> u32 {
        match self {
            Column::Coded { codes, .. } => codes.get(row as usize),
            _ => 0,
        }
    }

    /// Overwrites what a row that is now null held before: its number, or the dictionary entry `code` if no row is left with it.
    pub fn wipe(&mut self, row: u32, code: u32) {
        let at = row as usize;
        match self {
            Column::Coded { codes, words, leads, .. } if code != 0 && codes.equal(code).none() => {
                words.wipe(code);
                if let Some(titles) = leads.as_mut().and_then(|leads| leads.titles.as_mut()) {
                    titles.set(code, None);
                }
            }
            Column::Bool { on, .. } if at < on.len() => on.set(at, false),
            Column::Int { values, .. } if at < values.len() => values[at] = 0,
            Column::Double { values, exact, .. } if at < values.len() => {
                values[at] = 0.0;
                exact.remove(&row);
            }
            Column::Money { minor, .. } if at < minor.len() => minor[at] = 0,
            _ => {}
        }
    }

    /// Drops dictionary entries that no row uses any more, once overwritten values may outnumber the living ones. Codes change;
    /// returns true when they did.
    pub fn compact(&mut self) -> bool {
        let Column::Coded { codes, words, stale, leads, .. } = self else { return false };
        if *stale < 4_096 || *stale < words.len() / 2 {
            return false;
        }
        *stale = 0;
        let mut to = vec![0u32; words.len() as usize + 1];
        let mut next = Dictionary::default();
        for row in 0..codes.len() {
            let code = codes.get(row);
            if code != 0 && to[code as usize] == 0 {
                to[code as usize] = next.intern(words.get(code));
            }
        }
        codes.remap(&to);
        *words = next;
        *leads = None;
        true
    }

    pub fn grow(&mut self, rows: usize) {
        match self {
            Column::Bool { set, on } => {
                set.grow(rows);
                on.grow(rows);
            }
            Column::Int { set, values, .. } => {
                set.grow(rows);
                values.resize(rows.max(values.len()), 0);
            }
            Column::Double { set, values, scale, .. } => {
                set.grow(rows);
                values.resize(rows.max(values.len()), 0.0);
                scale.resize(rows.max(scale.len()), 0);
            }
            Column::Money { set, minor, currency, .. } => {
                set.grow(rows);
                minor.resize(rows.max(minor.len()), 0);
                currency.resize(rows.max(currency.len()), 0);
            }
            Column::Coded { codes, .. } => codes.grow(rows),
        }
    }

    pub fn shrink(&mut self) {
        match self {
            Column::Bool { .. } => {}
            Column::Int { values, .. } => values.shrink_to_fit(),
            Column::Double { values, scale, .. } => {
                values.shrink_to_fit();
                scale.shrink_to_fit();
            }
            Column::Money { minor, currency, .. } => {
                minor.shrink_to_fit();
                currency.shrink_to_fit();
            }
            Column::Coded { codes, .. } => codes.shrink(),
        }
    }

    pub fn heap_bytes(&self) -> usize {
        match self {
            Column::Bool { set, on } => set.heap_bytes() + on.heap_bytes(),
            Column::Int { set, values, .. } => set.heap_bytes() + values.capacity() * 8,
            Column::Double { set, values, scale, exact } => {
                set.heap_bytes() + values.capacity() * 8 + scale.capacity() + exact.capacity() * 24
            }
            Column::Money { set, minor, currency, .. } => set.heap_bytes() + minor.capacity() * 8 + currency.capacity(),
            Column::Coded { codes, words, leads, .. } => {
                let leads = leads.as_ref().map_or(0, |leads| leads.heap_bytes());
                codes.heap_bytes() + words.heap_bytes() + leads
            }
        }
    }
}

fn put<T: Copy + Default>(items: &mut Vec<T>, at: usize, item: T) {
    if at >= items.len() {
        items.resize(at + 1, T::default());
    }
    items[at] = item;
}

/// The decimal that `number` was made from, when it has no more digits than a float carries.
fn restored(number: f64, scale: u8) -> Option<Decimal> {
    let mantissa = (number * 10f64.powi(i32::from(scale))).round();
    (scale <= 20 && mantissa.abs() < 9.0e14).then(|| Decimal::new(mantissa as i64, u32::from(scale)))
}

/// Major units of an amount, exactly as expressions see it.
pub fn major(minor: i64, currency: Currency) -> f64 {
    minor as f64 / unit(currency)
}

/// Minor units in one major unit.
pub fn unit(currency: Currency) -> f64 {
    10f64.powi(minor_digits(currency) as i32)
}

#[cfg(test)]
#[path = "column_tests.rs"]
mod tests;
