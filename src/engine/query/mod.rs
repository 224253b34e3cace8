//! Questions to the image: which rows, in which order, from where, how many. A filter is CEL; columns answer what they can and the
//! rest is evaluated row by row, with the same outcome. Knows no actor: whoever asks brings the restrictions as further filters.

pub mod cursor;
mod error;
pub mod groups;
mod items;
mod leaf;
mod plan;
mod run;
mod scan;
mod sorted;
mod truth;

#[cfg(test)]
mod by_title;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;

use kith_base::RecordId;
use kith_model::expr::{EvalContext, Expr};

use self::{
    cursor::Position,
    sorted::{By, Sorter},
};
pub use self::{
    error::QueryError,
    groups::{Sum, ValueGroup},
};
use crate::{
    Page, Record,
    image::{Bits, Image, slot::Slot, table::ID, table::Table},
};

/// Tables below this size are sorted by comparison; an order index would not be noticed.
const ORDER_FROM_ROWS: usize = 4_096;

/// A list question, with every expression resolved against the object.
#[derive(Default)]
pub struct ImageQuery {
    /// Numeric id of the object.
    pub object: u32,
    pub filter: Option<Expr>,
    /// What the actor may see; all must hold.
    pub restrict: Vec<Expr>,
    /// Only these records.
    pub ids: Option<Vec<RecordId>>,
    /// Only these rows, as search gives them.
    pub rows: Option<Bits>,
    /// Field keys, or `id`, `created_at` and the like; true for descending. Empty: newest first.
    pub sort: Vec<(String, bool)>,
    /// Sort keys that may be compared in these rows only; in others they count as absent.
    pub clear: Vec<(String, Bits)>,
    pub limit: usize,
    pub cursor: Option<String>,
    /// The trash instead of everything outside it.
    pub trashed: bool,
    pub total: bool,
}

impl Image {
    /// One page of a list.
    ///
    /// # Errors
    /// An unknown object or field, a field that has no order, a cursor of another list.
    pub fn query(&self, query: &ImageQuery, context: &EvalContext) -> Result<Page, QueryError> {
        let cell = self.cell(query.object).ok_or(QueryError::UnknownObject(query.object))?;
        query.sort.iter().for_each(|(key, _)| self.sort_by_titles(query.object, key));
        let table = cell.read();
        let (by, ids_descending) = sort_of(&table, &query.sort)?;
        let shape = cursor::shape(query.object, &query.sort, query.trashed);
        let after = match &query.cursor {
            Some(text) => Some(Position::decode(text, shape, by.len())?),
            None => None,
        };
        let rows = selected(&table, query, context);
        let total = query.total.then(|| rows.count() as u64);
        let clear = |by: &By| {
            let slot = &table.slots[by.slot];
            query.clear.iter().find(|(key, _)| *key == slot.def.key).map(|(_, rows)| rows)
        };
        let clear = by.iter().map(clear).collect();
        let sorter = Sorter { table: &table, collation: self.collation(), by: &by, clear, ids_descending };
        let mut found = sorter.first(&rows, after.as_ref(), query.limit.saturating_add(1));
        let more = found.len() > query.limit;
        found.truncate(query.limit);
        let next_cursor = found.last().filter(|_| more).map(|last| {
            let keys = (0..by.len()).map(|level| sorter.key(level, *last).into_owned()).collect();
            Position::new(shape, keys, table.ids[*last as usize]).encode()
        });
        let records = found.iter().map(|row| table.record(*row)).collect();
        let missing: Vec<String> = by
            .iter()
            .map(|by| &table.slots[by.slot])
            .filter(|slot| slot.order.is_none() && table.len() >= ORDER_FROM_ROWS)
            .map(|slot| slot.def.key.clone())
            .collect();
        drop(table);
        if !missing.is_empty() {
            self.warm_in_background(query.object, missing);
        }
        Ok(Page { records, next_cursor, total })
    }

    /// The rows a question selects; sort, limit and cursor are ignored.
    ///
    /// # Errors
    /// An unknown object.
    pub fn rows(&self, query: &ImageQuery, context: &EvalContext) -> Result<Bits, QueryError> {
        let cell = self.cell(query.object).ok_or(QueryError::UnknownObject(query.object))?;
        let table = cell.read();
        Ok(selected(&table, query, context))
    }

    /// Rows of an object, in the trash or not, for which a resolved expression holds.
    pub fn rows_where(&self, object: u32, filter: &Expr, context: &EvalContext) -> Bits {
        let Some(cell) = self.cell(object) else { return Bits::default() };
        let table = cell.read();
        let mut all = table.live.clone();
        all.or(&table.trashed);
        all.grow(table.len());
        run::select(&table, filter, &all, context)
    }

    /// The records of some rows; for few.
    pub fn records_of_rows(&self, object: u32, rows: &Bits) -> Vec<(u32, Record)> {
        let Some(cell) = self.cell(object) else { return Vec::new() };
        let table = cell.read();
        rows.iter().map(|row| (row, table.record(row))).collect()
    }

    /// Ids of all records a question selects, unsorted; sort, limit and cursor are ignored.
    ///
    /// # Errors
    /// An unknown object.
    pub fn select(&self, query: &ImageQuery, context: &EvalContext) -> Result<Vec<RecordId>, QueryError> {
        let cell = self.cell(query.object).ok_or(QueryError::UnknownObject(query.object))?;
        let table = cell.read();
        let rows = selected(&table, query, context);
        Ok(rows.iter().map(|row| table.ids[row as usize]).collect())
    }

    /// Counts, and sums of `sum`, per value of the field `by` over the records that a question selects.
    ///
    /// # Errors
    /// An unknown object or field; a field that cannot be added up.
    pub fn groups(
        &self,
        query: &ImageQuery,
        by: &str,
        sum: Option<&str>,
        context: &EvalContext,
    ) -> Result<Vec<ValueGroup>, QueryError> {
        let cell = self.cell(query.object).ok_or(QueryError::UnknownObject(query.object))?;
        let table = cell.read();
        let by = slot(&table, by)?;
        let sum = match sum {
            Some(key) => {
                let column = &slot(&table, key)?.column;
                if !groups::summable(column) {
                    return Err(QueryError::NotSummable(key.to_string()));
                }
                Some(column)
            }
            None => None,
        };
        let rows = selected(&table, query, context);
        Ok(groups::groups(by, &rows, sum))
    }
}

/// The rows that a question is about.
fn selected(table: &Table, query: &ImageQuery, context: &EvalContext) -> Bits {
    let mut rows = if query.trashed { table.trashed.clone() } else { table.live.clone() };
    rows.grow(table.len());
    if let Some(only) = &query.rows {
        rows.and(only);
    }
    if let Some(ids) = &query.ids {
        let mut only = Bits::zeros(table.len());
        for row in ids.iter().filter_map(|id| table.row(*id)) {
            only.set(row as usize, true);
        }
        rows.and(&only);
    }
    for filter in query.filter.iter().chain(&query.restrict) {
        rows = run::select(table, filter, &rows, context);
    }
    rows
}

fn sort_of(table: &Table, sort: &[(String, bool)]) -> Result<(Vec<By>, bool), QueryError> {
    let mut by = Vec::new();
    for (key, descending) in sort {
        let at = table.slot_at(key).ok_or_else(|| unknown(table, key))?;
        if at == ID {
            // Ids are unique; what follows cannot matter.
            return Ok((by, *descending));
        }
        if !table.slots[at].def.kind().sortable() {
            return Err(QueryError::NotSortable(key.clone()));
        }
        by.push(By { slot: at, descending: *descending });
    }
    let ids_descending = by.first().is_none_or(|first| first.descending);
    Ok((by, ids_descending))
}

fn slot<'a>(table: &'a Table, key: &str) -> Result<&'a Slot, QueryError> {
    table.slot(key).ok_or_else(|| unknown(table, key))
}

fn unknown(table: &Table, key: &str) -> QueryError {
    let nearest = table.def.fields.iter().map(|f| &f.key).find(|known| close(known, key)).cloned();
    QueryError::UnknownField { object: table.def.key.clone(), field: key.chars().take(80).collect(), nearest }
}

/// Same beginning or one inside the other; enough for a hint.
fn close(known: &str, typed: &str) -> bool {
    let typed = typed.to_lowercase();
    !typed.is_empty() && (known.contains(&typed) || typed.contains(known))
}
