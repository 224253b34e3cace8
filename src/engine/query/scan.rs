//! Answers a recognised condition from the column: which of the rows that have a value meet it. Rows without one, and whether a
//! test on them is false or an error, are the caller's business. None: this column cannot answer that condition.

use std::cmp::Ordering;

use cel::Value as Cel;
use kith_base::RecordId;
use kith_model::{Column as Class, FieldDef, Value};

use super::{
    items::Item,
    leaf::{Compare, Leaf, Part, Within},
};
use crate::image::{
    Bits,
    coding::{Coding, ids_of},
    column::{Column, Shape, unit},
    slot::Slot,
};

/// Chooses the comparison once, outside the loop over rows.
macro_rules! by {
    ($op:expr, $items:expr, |$item:ident: $of:ty| $left:expr, $right:expr) => {{
        let right = $right;
        match $op {
            Compare::Equal => Bits::scan($items, |$item: $of| $left == right),
            Compare::NotEqual => Bits::scan($items, |$item: $of| $left != right),
            Compare::Less => Bits::scan($items, |$item: $of| $left < right),
            Compare::LessOrEqual => Bits::scan($items, |$item: $of| $left <= right),
            Compare::Greater => Bits::scan($items, |$item: $of| $left > right),
            Compare::GreaterOrEqual => Bits::scan($items, |$item: $of| $left >= right),
        }
    }};
}

pub fn scan(slot: &Slot, leaf: &Leaf) -> Option<Bits> {
    match (leaf, &slot.column) {
        (Leaf::Bare, Column::Bool { on, .. }) => Some(on.clone()),
        (Leaf::Compare(Part::Whole, op, Cel::Null), _) => match op {
            // Asked of rows with a value only.
            Compare::Equal => Some(Bits::default()),
            Compare::NotEqual => Some(Bits::ones(rows_of(&slot.column))),
            _ => None,
        },
        (Leaf::Compare(part, op, right), column) => compare(&slot.def, column, *part, *op, right),
        (Leaf::OneOf(part, list), column) => {
            let mut any = Bits::default();
            for item in list {
                any.or(&compare(&slot.def, column, *part, Compare::Equal, item)?);
            }
            Some(any)
        }
        (Leaf::Text(part, within, needle), column) => text(&slot.def, column, *part, *within, needle),
        (Leaf::Holds(Cel::String(id)), Column::Coded { coding: Coding::Links, codes, words, .. }) => {
            let id = canonical(id)?;
            Some(codes.within(&words.matching(|list| ids_of(list).any(|i| i == id))))
        }
        (Leaf::Holds(Cel::String(text)), Column::Coded { coding: Coding::Any, codes, words, .. }) => {
            Item::Is(text.to_string()).scan(&slot.def, codes, words)
        }
        (Leaf::Some(item), Column::Coded { coding: Coding::Any, codes, words, .. }) => {
            item.scan(&slot.def, codes, words)
        }
        _ => None,
    }
}

fn rows_of(column: &Column) -> usize {
    match column {
        Column::Bool { set, .. } | Column::Int { set, .. } | Column::Double { set, .. } | Column::Money { set, .. } => {
            set.len()
        }
        Column::Coded { codes, .. } => codes.len(),
    }
}

fn compare(def: &FieldDef, column: &Column, part: Part, op: Compare, right: &Cel) -> Option<Bits> {
    match (column, part) {
        (Column::Bool { on, .. }, Part::Whole) => match (op, right) {
            (Compare::Equal, Cel::Bool(true)) | (Compare::NotEqual, Cel::Bool(false)) => Some(on.clone()),
            (Compare::Equal, Cel::Bool(false)) | (Compare::NotEqual, Cel::Bool(true)) => Some(on.clone().flip()),
            _ => None,
        },
        (Column::Int { shape, values, .. }, Part::Whole) => integers(def, *shape, values, op, right),
        (Column::Double { values, .. }, Part::Whole) => {
            let right = number(right)?;
            Some(by!(op, values, |v: f64| v, right))
        }
        (Column::Money { minor, currency, currencies, .. }, Part::Amount) => {
            let right = number(right)?;
            let mut result = Bits::default();
            // One scan per currency keeps the inner loop to a comparison.
            for (code, name) in currencies.iter().enumerate() {
                let unit = unit(*name);
                let mut bits = by!(op, minor, |m: i64| m as f64 / unit, right);
                if currencies.len() > 1 {
                    bits.and(&Bits::scan(currency, |c: u8| usize::from(c) == code));
                }
                result.or(&bits);
            }
            Some(result)
        }
        (Column::Money { currency, currencies, .. }, Part::Currency) => {
            let Cel::String(wanted) = right else { return None };
            let code = currencies.iter().position(|c| c.code() == wanted.as_str());
            let equal = match code {
                Some(code) => Bits::scan(currency, |c: u8| usize::from(c) == code),
                None => Bits::zeros(currency.len()),
            };
            equality(op, equal)
        }
        (Column::Coded { coding: Coding::Text, codes, words, .. }, part @ (Part::Whole | Part::Lower)) => {
            let Cel::String(right) = right else { return None };
            if !plain_text(def) {
                return None;
            }
            if part == Part::Whole && matches!(op, Compare::Equal | Compare::NotEqual) {
                let equal = match words.find(right.as_bytes()) {
                    Some(code) => codes.equal(code),
                    None => Bits::zeros(codes.len()),
                };
                return equality(op, equal);
            }
            let test = |text: &str| holds(op, text.cmp(right.as_str()));
            Some(codes.within(&words.matching(|bytes| on_text(bytes, part, test))))
        }
        (Column::Coded { coding: Coding::Link, codes, words, .. }, Part::Whole) => {
            let Cel::String(right) = right else { return None };
            let equal = match canonical(right).and_then(|id| words.find(&id.0)) {
                Some(code) => codes.equal(code),
                None => Bits::zeros(codes.len()),
            };
            equality(op, equal)
        }
        _ => None,
    }
}

fn text(def: &FieldDef, column: &Column, part: Part, within: Within, needle: &str) -> Option<Bits> {
    let Column::Coded { coding: Coding::Text, codes, words, .. } = column else { return None };
    if !plain_text(def) {
        return None;
    }
    let hits = match (within, part) {
        (Within::Contains, Part::Whole) => words.containing(needle.as_bytes()),
        (Within::Contains, _) => words.containing_lowercase(needle),
        (within, part) => words.matching(|bytes| on_text(bytes, part, |text| within.holds(text, needle))),
    };
    Some(if hits.none() { Bits::zeros(codes.len()) } else { codes.within(&hits) })
}

fn on_text(bytes: &[u8], part: Part, test: impl Fn(&str) -> bool) -> bool {
    let text = std::str::from_utf8(bytes).unwrap_or_default();
    if part == Part::Lower { test(&text.to_lowercase()) } else { test(text) }
}

/// Compares whole numbers, dates (as days) and times (as milliseconds) with what the constant is in the same measure.
fn integers(def: &FieldDef, shape: Shape, values: &[i64], op: Compare, right: &Cel) -> Option<Bits> {
    let bound = match (shape, right) {
        (Shape::Unknown, _) => return None,
        (Shape::Int, Cel::Int(n)) => Bound::At(*n),
        (Shape::Int, Cel::Float(n)) => {
            if !n.is_finite() || n.abs() > 9.0e15 {
                return None;
            }
            Bound::of(n.floor() as i64, n.fract() != 0.0)
        }
        (Shape::Date | Shape::DateTime, Cel::Timestamp(time)) => {
            let unit = unit_ms(def, shape)?;
            let ms = time.timestamp_millis();
            let exact = time.timestamp_subsec_nanos() % 1_000_000 == 0 && ms.rem_euclid(unit) == 0;
            Bound::of(ms.div_euclid(unit), !exact)
        }
        _ => return None,
    };
    // Integers are made floats for a comparison with a float; beyond 2^53 that rounds, and the row-wise way decides.
    if matches!(right, Cel::Float(_)) && values.iter().any(|v| v.unsigned_abs() > 1 << 53) {
        return None;
    }
    Some(match bound {
        Bound::At(n) => by!(op, values, |v: i64| v, n),
        Bound::Above(n) => match op {
            Compare::Equal => Bits::zeros(values.len()),
            Compare::NotEqual => Bits::ones(values.len()),
            Compare::Less | Compare::LessOrEqual => Bits::scan(values, |v| v <= n),
            Compare::Greater | Compare::GreaterOrEqual => Bits::scan(values, |v| v > n),
        },
    })
}

enum Bound {
    At(i64),
    /// between this number and the next
    Above(i64),
}

impl Bound {
    fn of(floor: i64, between: bool) -> Bound {
        if between { Bound::Above(floor) } else { Bound::At(floor) }
    }
}

/// Milliseconds that one unit of the column stands for, if expressions see it as a time counted from 1970.
fn unit_ms(def: &FieldDef, shape: Shape) -> Option<i64> {
    let (probe, unit) = match shape {
        Shape::Date => (Value::Date(1), 86_400_000),
        Shape::DateTime => (Value::DateTime(1), 1),
        Shape::Int | Shape::Unknown => return None,
    };
    match def.kind().to_cel(def, &probe) {
        Cel::Timestamp(time) if time.timestamp_millis() == unit => Some(unit),
        _ => None,
    }
}

/// Whether expressions see the text of this field as it is stored.
fn plain_text(def: &FieldDef) -> bool {
    matches!(def.kind().column(), Class::Text | Class::Option)
        && matches!(def.kind().to_cel(def, &Value::Text("Aß".into())), Cel::String(text) if text.as_str() == "Aß")
}

/// The id, if the text is exactly as expressions see it.
fn canonical(text: &str) -> Option<RecordId> {
    text.parse::<RecordId>().ok().filter(|id| id.to_string() == text)
}

fn number(value: &Cel) -> Option<f64> {
    match value {
        Cel::Int(n) => Some(*n as f64),
        Cel::UInt(n) => Some(*n as f64),
        Cel::Float(n) if !n.is_nan() => Some(*n),
        _ => None,
    }
}

fn equality(op: Compare, equal: Bits) -> Option<Bits> {
    match op {
        Compare::Equal => Some(equal),
        Compare::NotEqual => Some(equal.flip()),
        _ => None,
    }
}

fn holds(op: Compare, order: Ordering) -> bool {
    match op {
        Compare::Equal => order == Ordering::Equal,
        Compare::NotEqual => order != Ordering::Equal,
        Compare::Less => order == Ordering::Less,
        Compare::LessOrEqual => order != Ordering::Greater,
        Compare::Greater => order == Ordering::Greater,
        Compare::GreaterOrEqual => order != Ordering::Less,
    }
}
