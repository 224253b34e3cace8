//! Picks the first rows of a selection in a given order, after a position. Three ways, by estimated cost: walk the order of the
//! first field and test each row; split by the few values of the first field; or compare the selected rows themselves. All three
//! give the same rows.

use std::cmp::Ordering;

use kith_base::RecordId;

use super::cursor::Position;
use crate::image::{
    Bits,
    collate::Collation,
    column::Column,
    key::Key,
    slot::{Around, beside},
    table::Table,
};

/// One field of a sort, by its place in the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct By {
    pub slot: usize,
    pub descending: bool,
}

/// A first field with at most this many values splits the selection instead of being walked.
const SPLIT_VALUES_MAX: u32 = 64;

/// Walking costs a few nanoseconds a row; comparing two rows some tens.
const WALK_COST: usize = 3;
const COMPARE_COST_NUMBER: usize = 10;
const COMPARE_COST_TEXT: usize = 120;

pub struct Sorter<'a> {
    pub table: &'a Table,
    pub collation: &'a Collation,
    pub by: &'a [By],
    /// For each field, the rows in which it may be compared; none: all.
    pub clear: Vec<Option<&'a Bits>>,
    /// Ids break ties, in the direction of the first field.
    pub ids_descending: bool,
}

impl Sorter<'_> {
    /// The first `limit` rows of `rows` after `after`.
    pub fn first(&self, rows: &Bits, after: Option<&Position>, limit: usize) -> Vec<u32> {
        let mut found = Vec::new();
        self.collect(rows, 0, after, limit, &mut found);
        found
    }

    /// Appends rows in the order of the fields from `level` on, until `limit` are there. All of `rows` are equal in the fields before.
    fn collect(&self, rows: &Bits, level: usize, after: Option<&Position>, limit: usize, found: &mut Vec<u32>) {
        if found.len() >= limit {
            return;
        }
        let matches = rows.count();
        if matches == 0 {
            return;
        }
        let Some(by) = self.by.get(level) else {
            return self.collect_by_id(rows, after, limit, found);
        };
        match self.clear[level] {
            None => self.collect_by(*by, rows, level, after, limit, found),
            Some(clear) => {
                let absent = self.absent(level, clear);
                let (mut present, mut rest) = (rows.clone(), rows.clone());
                present.and_not(&absent);
                rest.and(&absent);
                let in_rest = after.is_some_and(|p| p.keys.get(level).is_some_and(Key::is_null));
                if !in_rest && !present.none() {
                    self.collect_by(*by, &present, level, after, limit, found);
                }
                self.collect(&rest, level + 1, after.filter(|_| in_rest), limit, found);
            }
        }
    }

    /// Rows whose field counts as absent: there is nothing to compare by, or it may not be compared.
    fn absent(&self, level: usize, clear: &Bits) -> Bits {
        let slot = &self.table.slots[self.by[level].slot];
        let mut present = match (&slot.column, slot.column.titles()) {
            (Column::Coded { codes, words, .. }, Some(titles)) => codes.within(&titles.blank(words.len())).flip(),
            (column, _) => column.present(self.table.len()),
        };
        present.and(clear);
        present.grow(self.table.len());
        present.flip()
    }

    fn collect_by(
        &self,
        by: By,
        rows: &Bits,
        level: usize,
        after: Option<&Position>,
        limit: usize,
        found: &mut Vec<u32>,
    ) {
        let matches = rows.count();
        let last = level + 1 == self.by.len();
        if !last && matches > 256 && self.split(by, rows, level, after, limit, found) {
            return;
        }
        let slot = &self.table.slots[by.slot];
        let wanted = limit - found.len();
        let text = matches!(slot.column, Column::Coded { .. });
        let walked = (self.table.len() / matches).max(1).saturating_mul(wanted).min(self.table.len());
        let compared = matches * if text { COMPARE_COST_TEXT } else { COMPARE_COST_NUMBER };
        if slot.order.is_some() && walked * WALK_COST < compared {
            self.walk(by, rows, level, after, limit, found);
        } else {
            self.select(rows, level, after, limit, found);
        }
    }

    /// Walks the order of one field. Rows that are equal in it form a run, which the further fields order.
    fn walk(&self, by: By, rows: &Bits, level: usize, after: Option<&Position>, limit: usize, found: &mut Vec<u32>) {
        let slot = &self.table.slots[by.slot];
        let Some(order) = &slot.order else { return };
        order.ask();
        // With one field, ties are in the order already when ids run the same way.
        let exact = level + 1 == self.by.len() && by.descending == self.ids_descending;
        let around = self.table.around(self.collation);
        let start = after.and_then(|p| p.keys.get(level).map(|key| (key, p.id)));
        // An exact order is entered at the position itself; otherwise the run it lies in is read again from its beginning.
        let id = |id| if exact { id } else { RecordId(if by.descending { [255; 16] } else { [0; 16] }) };
        let keyed = |other: u32| match start {
            Some((key, at)) => beside(&slot.def, &slot.column, other, key, id(at), around),
            None => Ordering::Equal,
        };
        let by_id = |other: u32| match start {
            Some((_, at)) => self.table.ids[other as usize].cmp(&id(at)),
            None => Ordering::Equal,
        };
        let in_nulls = start.is_some_and(|(key, _)| key.is_null());
        let keyed_from: Option<&dyn Fn(u32) -> Ordering> = if start.is_some() { Some(&keyed) } else { None };
        let nulls_from: Option<&dyn Fn(u32) -> Ordering> = if in_nulls { Some(&by_id) } else { None };
        let mut run = Run { sorter: self, level, exact, after, limit, rows: Vec::new(), found };
        // Rows without a value come last in both directions.
        if by.descending {
            let values = order.keyed.descending(keyed_from).take_while(|_| !in_nulls);
            run.all(values.chain(order.nulls.descending(nulls_from)), rows, around, by);
        } else {
            let values = order.keyed.ascending(keyed_from).take_while(|_| !in_nulls);
            run.all(values.chain(order.nulls.ascending(nulls_from)), rows, around, by);
        }
    }

    /// Splits the selection by the values of a field that has few, in their order. False when it has many.
    fn split(
        &self,
        by: By,
        rows: &Bits,
        level: usize,
        after: Option<&Position>,
        limit: usize,
        found: &mut Vec<u32>,
    ) -> bool {
        let slot = &self.table.slots[by.slot];
        let mut groups: Vec<(Key<'_>, Bits)> = match &slot.column {
            Column::Bool { set, on } => {
                let mut off = set.clone();
                off.and_not(on);
                let mut on = on.clone();
                on.and(set);
                vec![(Key::Int(0), off), (Key::Int(1), on)]
            }
            Column::Coded { codes, words, .. } if words.len() <= SPLIT_VALUES_MAX => (1..=words.len())
                .map(|code| (crate::image::key::key_of_code(&slot.def, &slot.column, code), codes.equal(code)))
                .collect(),
            _ => return false,
        };
        let before = |a: &Key<'_>, b: &Key<'_>| {
            let order = a.compare(b, self.collation);
            // Null is last in both directions.
            if by.descending && !a.is_null() && !b.is_null() { order.reverse() } else { order }
        };
        groups.sort_by(|(a, _), (b, _)| before(a, b));
        // Different values may have equal keys (options that the schema no longer has); they are one group.
        groups.dedup_by(|(a, rows), (b, kept)| {
            let same = a.compare(b, self.collation) == Ordering::Equal;
            if same {
                kept.or(rows);
            }
            same
        });
        let mut without = slot.column.present(self.table.len()).flip();
        groups.retain(|(key, rows)| {
            if key.is_null() {
                without.or(rows);
            }
            !key.is_null()
        });
        groups.push((Key::Null, without));
        let start = after.and_then(|p| p.keys.get(level));
        for (key, mut group) in groups {
            let place = start.map_or(Ordering::Greater, |start| before(&key, start));
            if place == Ordering::Less {
                continue;
            }
            group.and(rows);
            group.grow(self.table.len());
            let after = if place == Ordering::Equal { after } else { None };
            self.collect(&group, level + 1, after, limit, found);
            if found.len() >= limit {
                break;
            }
        }
        true
    }

    fn collect_by_id(&self, rows: &Bits, after: Option<&Position>, limit: usize, found: &mut Vec<u32>) {
        let wanted = limit - found.len();
        let Table { ids, by_id, .. } = self.table;
        // Rows that came out of order are walked through, selected or not.
        let matches = rows.count().max(1);
        let walked = (by_id.late() / matches).max(1).saturating_mul(wanted).min(by_id.late());
        if walked * WALK_COST > matches * COMPARE_COST_NUMBER {
            return self.select(rows, self.by.len(), after, limit, found);
        }
        by_id.walk(ids, rows, after.map(|p| p.id), self.ids_descending, wanted, found);
    }

    /// Compares the selected rows themselves and keeps the best.
    fn select(&self, rows: &Bits, level: usize, after: Option<&Position>, limit: usize, found: &mut Vec<u32>) {
        let wanted = limit - found.len();
        let mut best: Vec<u32> = Vec::with_capacity(wanted * 4 + 64);
        let mut worst: Option<u32> = None;
        for row in rows.iter() {
            if after.is_some_and(|p| self.against(row, p, level) != Ordering::Greater) {
                continue;
            }
            if worst.is_some_and(|worst| self.rows(row, worst, level) == Ordering::Greater) {
                continue;
            }
            best.push(row);
            if best.len() == best.capacity() && best.len() > wanted {
                best.select_nth_unstable_by(wanted - 1, |a, b| self.rows(*a, *b, level));
                best.truncate(wanted);
                worst = best.last().copied();
            }
        }
        best.sort_unstable_by(|a, b| self.rows(*a, *b, level));
        best.truncate(wanted);
        found.extend(best);
    }

    /// How two rows compare in the list, looking at the fields from `level` on.
    fn rows(&self, a: u32, b: u32, level: usize) -> Ordering {
        for (level, by) in self.by.iter().enumerate().skip(level) {
            let order = self.keys(&self.key(level, a), &self.key(level, b), by.descending);
            if order != Ordering::Equal {
                return order;
            }
        }
        self.ids(self.table.ids[a as usize].cmp(&self.table.ids[b as usize]))
    }

    /// How a row compares to a position.
    fn against(&self, row: u32, position: &Position, level: usize) -> Ordering {
        for (level, (by, key)) in self.by.iter().zip(&position.keys).enumerate().skip(level) {
            let order = self.keys(&self.key(level, row), key, by.descending);
            if order != Ordering::Equal {
                return order;
            }
        }
        self.ids(self.table.ids[row as usize].cmp(&position.id))
    }

    /// What a row is sorted by in the field of this level.
    pub fn key(&self, level: usize, row: u32) -> Key<'_> {
        match self.clear[level] {
            Some(clear) if !clear.get(row as usize) => Key::Null,
            _ => self.table.slots[self.by[level].slot].key(row),
        }
    }

    fn keys(&self, a: &Key<'_>, b: &Key<'_>, descending: bool) -> Ordering {
        let order = a.compare(b, self.collation);
        if descending && !a.is_null() && !b.is_null() { order.reverse() } else { order }
    }

    fn ids(&self, order: Ordering) -> Ordering {
        if self.ids_descending { order.reverse() } else { order }
    }
}

/// Collects a walk: rows equal in the walked field are held back until the run is complete.
struct Run<'r, 'a> {
    sorter: &'r Sorter<'a>,
    level: usize,
    exact: bool,
    after: Option<&'r Position>,
    limit: usize,
    rows: Vec<u32>,
    found: &'r mut Vec<u32>,
}

impl Run<'_, '_> {
    fn all(&mut self, walk: impl Iterator<Item = u32>, selected: &Bits, around: Around<'_>, by: By) {
        let slot = &self.sorter.table.slots[by.slot];
        for row in walk.filter(|row| selected.get(*row as usize)) {
            if self.exact {
                if self.after.is_some_and(|p| self.sorter.against(row, p, self.level) != Ordering::Greater) {
                    continue;
                }
                self.found.push(row);
                if self.found.len() >= self.limit {
                    return;
                }
                continue;
            }
            let same = self
                .rows
                .last()
                .is_none_or(|last| slot.key(*last).compare(&slot.key(row), around.collation) == Ordering::Equal);
            if !same {
                self.close();
                if self.found.len() >= self.limit {
                    return;
                }
            }
            self.rows.push(row);
        }
        self.close();
    }

    fn close(&mut self) {
        let run = std::mem::take(&mut self.rows);
        if run.len() < 512 {
            let level = self.level;
            let mut run = run;
            run.retain(|row| self.after.is_none_or(|p| self.sorter.against(*row, p, level) == Ordering::Greater));
            run.sort_unstable_by(|a, b| self.sorter.rows(*a, *b, level));
            run.truncate(self.limit.saturating_sub(self.found.len()));
            self.found.extend(run);
            return;
        }
        let mut rows = Bits::zeros(self.sorter.table.len());
        run.iter().for_each(|row| rows.set(*row as usize, true));
        // The position may lie in this run or before it; only its comparison as a whole can tell.
        let position = self.after.filter(|p| {
            let by = self.sorter.by[self.level];
            let slot = &self.sorter.table.slots[by.slot];
            p.keys
                .get(self.level)
                .is_some_and(|key| slot.key(run[0]).compare(key, self.sorter.collation) == Ordering::Equal)
        });
        self.sorter.collect(&rows, self.level + 1, position, self.limit, self.found);
    }
}
