//! Which fields of a record search reads, and whether a record is found by certain of its fields alone. The index does not tell
//! fields apart; where an actor may not see all of them, each hit is verified here against those that the actor may see, so that
//! a hidden value cannot be found out by searching for it.

use kith_model::{Column as Class, FieldDef, Value};

use super::words;
use crate::image::{slot::Slot, table::Table};

/// Whether search reads a field: what people would type. Numbers and dates only where they identify the record.
pub(super) fn is_searchable(def: &FieldDef) -> bool {
    match def.kind().column() {
        Class::Text | Class::Option | Class::Options | Class::Other => true,
        Class::Int => def.unique || def.kind == "auto_number",
        Class::Bool | Class::Decimal | Class::Money | Class::Link | Class::Links => false,
    }
}

/// Calls `text` with what search reads of each field of a row.
pub(super) fn texts(table: &Table, row: u32, mut text: impl FnMut(&Slot, &str)) {
    for slot in table.slots.iter().filter(|s| s.known && s.def.id != u32::MAX && is_searchable(&s.def)) {
        match slot.column.get(row) {
            Value::Null | Value::Secret(_) | Value::Json(_) => {}
            value => text(slot, &slot.def.kind().search_text(&slot.def, &value)),
        }
    }
}

/// Whether the object has a field that search reads and `fields` does not list.
pub(super) fn hides_any(table: &Table, fields: &[u32]) -> bool {
    table.slots.iter().any(|s| s.known && s.def.id != u32::MAX && is_searchable(&s.def) && !fields.contains(&s.def.id))
}

/// Whether every word is found in these fields.
pub(super) fn found_in(table: &Table, row: u32, fields: &[u32], typed: &[String], slips: bool) -> bool {
    let mut found = vec![false; typed.len()];
    texts(table, row, |slot, text| {
        if !fields.contains(&slot.def.id) {
            return;
        }
        words::each_indexed(text, |word| {
            for (typed, found) in typed.iter().zip(found.iter_mut()) {
                *found |= word.starts_with(typed.as_str())
                    || (slips && words::begins_nearly(word, typed, words::slips(typed)));
            }
        });
    });
    found.iter().all(|f| *f)
}
