//! What a row is sorted by. One comparison for order indexes, cursors and plain sorting, so that they can never disagree.

use std::{borrow::Cow, cmp::Ordering};

use kith_model::{Column as Class, FieldDef, Value};
use serde::{Deserialize, Serialize};

use super::{
    coding::{Coding, decode},
    collate::{Collation, clipped},
    column::{Column, major},
};

/// A sort key. All rows of one field have keys of one case, or null.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Key<'a> {
    Null,
    Int(i64),
    Double(f64),
    Text(Cow<'a, str>),
}

impl Key<'_> {
    pub fn is_null(&self) -> bool {
        matches!(self, Key::Null)
    }

    /// Ascending, null last. Keys of different cases only meet in forged cursors; they order by case.
    pub fn compare(&self, other: &Key<'_>, collation: &Collation) -> Ordering {
        match (self, other) {
            (Key::Int(a), Key::Int(b)) => a.cmp(b),
            (Key::Double(a), Key::Double(b)) => a.total_cmp(b),
            (Key::Text(a), Key::Text(b)) => collation.compare(a, b),
            (a, b) => a.case().cmp(&b.case()),
        }
    }

    fn case(&self) -> u8 {
        match self {
            Key::Int(_) => 0,
            Key::Double(_) => 1,
            Key::Text(_) => 2,
            Key::Null => 3,
        }
    }

    pub fn into_owned(self) -> Key<'static> {
        match self {
            Key::Null => Key::Null,
            Key::Int(v) => Key::Int(v),
            Key::Double(v) => Key::Double(v),
            Key::Text(v) => Key::Text(Cow::Owned(v.into_owned())),
        }
    }
}

/// The key of a row.
#[inline]
pub fn key_of<'a>(def: &FieldDef, column: &'a Column, row: u32) -> Key<'a> {
    let at = row as usize;
    match column {
        Column::Coded { codes, .. } => key_of_code(def, column, codes.get(at)),
        _ if column.is_null(row) => Key::Null,
        Column::Bool { on, .. } => Key::Int(i64::from(on.get(at))),
        Column::Int { values, .. } => Key::Int(values[at]),
        Column::Double { values, .. } => Key::Double(values[at]),
        Column::Money { minor, currency, currencies, .. } => {
            Key::Double(major(minor[at], currencies[currency[at] as usize]))
        }
    }
}

/// The key of a dictionary code.
pub fn key_of_code<'a>(def: &FieldDef, column: &'a Column, code: u32) -> Key<'a> {
    let Column::Coded { coding, words, .. } = column else { return Key::Null };
    if code == 0 {
        return Key::Null;
    }
    if let Some(titles) = column.titles() {
        return titles.get(code).map_or(Key::Null, |title| Key::Text(Cow::Borrowed(clipped(title))));
    }
    match coding {
        // Options sort as they are listed, the way stages follow each other; unknown ones come after.
        Coding::Text if def.kind().column() == Class::Option => {
            let text = words.text(code);
            let place = def.options.iter().position(|o| o.key == text).unwrap_or(def.options.len());
            Key::Int(place as i64)
        }
        Coding::Text => Key::Text(Cow::Borrowed(clipped(words.text(code)))),
        coding => {
            let value: Value = decode(*coding, words.get(code));
            let text = def.kind().to_text(def, &value);
            Key::Text(Cow::Owned(clipped(&text).to_string()))
        }
    }
}
