//! A field's place in a table: its definition, its column, and the indexes that exist for it. Keeps them in step on every write.

use std::{cmp::Ordering, sync::Arc};

use kith_base::RecordId;
use kith_model::{FieldDef, Value};

use super::{
    collate::Collation,
    column::Column,
    key::{Key, key_of},
    lookup::Lookup,
    order::Order,
};

/// Rows that are moved one by one when the title they sort by changes; with more the order is built anew, in the background.
const MOVED_MAX: usize = 4_096;

pub struct Slot {
    /// For computed fields: with the kind of the result.
    pub def: Arc<FieldDef>,
    pub column: Column,
    pub order: Option<Order>,
    pub lookup: Option<Lookup>,
    /// Counts what makes earlier codes or keys meaningless: a rebuilt dictionary, a changed definition.
    pub epoch: u64,
    /// The schema knows the field. Values of removed fields stay, so that restoring the field restores them.
    pub known: bool,
}

/// What a slot must see of its table to keep an order.
#[derive(Clone, Copy)]
pub struct Around<'a> {
    pub ids: &'a [RecordId],
    pub collation: &'a Collation,
}

impl Slot {
    pub fn new(def: FieldDef, known: bool) -> Slot {
        let def = effective(def);
        Slot { column: Column::for_field(&def), def: Arc::new(def), order: None, lookup: None, epoch: 0, known }
    }

    pub fn key(&self, row: u32) -> Key<'_> {
        key_of(&self.def, &self.column, row)
    }

    /// Takes a new definition. Values stay; they move to another kind of column when the kind asks for one.
    pub fn redefine(&mut self, def: &FieldDef, rows: usize) {
        let def = effective(def.clone());
        self.known = true;
        if *self.def == def {
            return;
        }
        let moves = self.def.kind().column() != def.kind().column() || self.def.many != def.many;
        self.def = Arc::new(def);
        if moves {
            let mut column = Column::for_field(&self.def);
            let mut scratch = Vec::new();
            for row in 0..rows as u32 {
                column.set(row, &self.column.get(row), &mut scratch);
            }
            column.grow(rows);
            self.column = column;
        }
        self.forget();
    }

    /// Drops what was derived from codes and keys.
    pub fn forget(&mut self) {
        self.order = None;
        self.lookup = None;
        self.epoch += 1;
    }

    /// Writes a value and keeps the indexes in step. `new`: the row has never been written before.
    pub fn write(&mut self, row: u32, value: &Value, new: bool, around: Around<'_>, scratch: &mut Vec<u8>) {
        if !new {
            if self.column.get(row) == *value {
                return;
            }
            self.unlink(row, around);
        }
        let general = self.column.set(row, value, scratch);
        if general || self.column.compact() {
            self.forget();
            return;
        }
        self.link(row, around);
    }

    /// Removes a value so that its bytes leave memory too, unless another row has the same.
    pub fn erase(&mut self, row: u32, around: Around<'_>, scratch: &mut Vec<u8>) {
        let code = self.column.code(row);
        self.write(row, &Value::Null, false, around, scratch);
        self.column.wipe(row, code);
    }

    /// Begins to sort a column of links by the titles of what it leads to.
    pub fn keep_titles(&mut self) {
        if let Column::Coded { leads, .. } = &mut self.column {
            leads.get_or_insert_default().titles.get_or_insert_default();
        }
        self.order = None;
        self.epoch += 1;
    }

    /// Forgets the titles, until they are asked for again.
    pub fn drop_titles(&mut self) {
        if let Column::Coded { leads: Some(leads), .. } = &mut self.column {
            leads.titles = None;
        }
        self.order = None;
        self.epoch += 1;
    }

    /// Sets the title of what a code leads to, and moves its rows to where it puts them.
    pub fn retitle(&mut self, code: u32, title: Option<Box<str>>, around: Around<'_>) {
        let Column::Coded { codes, .. } = &self.column else { return };
        let moved: Vec<u32> = if self.order.is_some() { codes.equal(code).iter().collect() } else { Vec::new() };
        if moved.len() > MOVED_MAX || self.order.is_none() {
            // An order that is being built goes by the title before.
            self.order = None;
            self.epoch += 1;
        }
        if self.order.is_some() {
            moved.iter().for_each(|row| self.leave(*row, around));
        }
        if let Some(titles) = self.column.titles_mut() {
            titles.set(code, title);
        }
        if self.order.is_some() {
            moved.iter().for_each(|row| self.enter(*row, around));
        }
    }

    /// Drops the order of texts when many records come and nobody asks for it.
    pub fn forget_unwanted_order(&mut self) {
        let texts = matches!(self.column, Column::Coded { .. });
        if texts && self.order.as_mut().is_some_and(|order| !order.is_wanted()) {
            self.order = None;
        }
    }

    fn link(&mut self, row: u32, around: Around<'_>) {
        let Slot { def, column, lookup, .. } = self;
        if let Some(lookup) = lookup {
            lookup.insert(def, column, row);
        }
        self.enter(row, around);
    }

    /// Puts a row into the order.
    fn enter(&mut self, row: u32, around: Around<'_>) {
        let Slot { def, column, order, .. } = self;
        if let Some(order) = order {
            let key = key_of(def, column, row);
            let id = around.ids[row as usize];
            if key.is_null() {
                order.nulls.insert(row, |other| around.ids[other as usize].cmp(&id));
            } else {
                order.keyed.insert(row, |other| beside(def, column, other, &key, id, around));
            }
        }
    }

    fn unlink(&mut self, row: u32, around: Around<'_>) {
        let Slot { def, column, lookup, .. } = self;
        if let Some(lookup) = lookup {
            lookup.remove(def, column, row);
        }
        self.leave(row, around);
    }

    /// Takes a row out of the order.
    fn leave(&mut self, row: u32, around: Around<'_>) {
        let Slot { def, column, order, .. } = self;
        let Some(present) = order else { return };
        let key = key_of(def, column, row);
        let id = around.ids[row as usize];
        let found = if key.is_null() {
            present.nulls.remove(row, |other| around.ids[other as usize].cmp(&id))
        } else {
            present.keyed.remove(row, |other| beside(def, column, other, &key, id, around))
        };
        // An order that does not hold a row where it must be is not to be trusted; it is built anew when next asked for.
        if !found {
            tracing::error!(field = %def.key, "the order of a field was out of step and is rebuilt");
            *order = None;
        }
    }
}

/// How `other` compares to a key and id.
#[inline]
pub fn beside(
    def: &FieldDef,
    column: &Column,
    other: u32,
    key: &Key<'_>,
    id: RecordId,
    around: Around<'_>,
) -> Ordering {
    key_of(def, column, other).compare(key, around.collation).then_with(|| around.ids[other as usize].cmp(&id))
}

/// A computed field behaves as the kind of its result (`config.kind`, text where none is named).
pub fn effective(mut def: FieldDef) -> FieldDef {
    if def.expression.is_some() {
        def.kind = def.config.get("kind").and_then(|k| k.as_str()).unwrap_or("text").to_string();
    }
    def
}
