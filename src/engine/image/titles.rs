//! Titles of the records that a field of links leads to, by dictionary code: what lists sort by. Made when a list is first sorted by
//! the field; from then on every change of a target brings its title along. Decides nothing about who may see them.

use kith_base::RecordId;
use parking_lot::RwLock;

use super::{Image, bits::Bits, coding::Coding, column::Column, table::Table};
use crate::Record;

/// Codes looked up between two releases of a lock.
const CODES_PER_TURN: usize = 4_096;

/// The titles of one column's targets.
#[derive(Default)]
pub struct Titles {
    /// From code 1 on. None: not looked up yet; none inside: the target is called nothing, or gone.
    of: Vec<Option<Option<Box<str>>>>,
    /// All codes below are looked up.
    open_from: usize,
}

/// A column whose titles are kept.
#[derive(Clone, Copy, PartialEq)]
pub(super) struct Named {
    pub object: u32,
    pub slot: usize,
    /// The object its links lead to; none: any.
    pub target: Option<u32>,
}

impl Titles {
    /// The title of a target; none where it has none or nobody has looked.
    pub fn get(&self, code: u32) -> Option<&str> {
        self.of.get((code as usize).checked_sub(1)?)?.as_ref()?.as_deref()
    }

    pub fn set(&mut self, code: u32, title: Option<Box<str>>) {
        let at = code as usize - 1;
        if at >= self.of.len() {
            self.of.resize(at + 1, None);
        }
        // What was erased must leave memory, here as in the dictionary.
        if let Some(Some(before)) = self.of[at].replace(title) {
            let mut bytes = before.into_boxed_bytes();
            bytes.fill(0);
            std::hint::black_box(&bytes);
        }
        while self.of.get(self.open_from).is_some_and(Option::is_some) {
            self.open_from += 1;
        }
    }

    fn is_known(&self, code: u32) -> bool {
        self.of.get(code as usize - 1).is_some_and(Option::is_some)
    }

    /// Codes without a title; 0, which stands for no target, is one.
    pub fn blank(&self, codes: u32) -> Bits {
        let mut blank = Bits::zeros(codes as usize + 1);
        (0..=codes).filter(|code| self.get(*code).is_none()).for_each(|code| blank.set(code as usize, true));
        blank
    }

    pub fn heap_bytes(&self) -> usize {
        let texts: usize = self.of.iter().flatten().flatten().map(|title| title.len()).sum();
        self.of.capacity() * 24 + texts
    }
}

impl Image {
    /// Makes sure that a field of links sorts by the titles of what it leads to; other fields stay as they are.
    pub(crate) fn sort_by_titles(&self, object: u32, key: &str) {
        let Some(cell) = self.cell(object) else { return };
        let Some(slot) = cell.read().slot_at(key) else { return };
        let kept = {
            let table = cell.read();
            let Column::Coded { coding: Coding::Link, words, .. } = &table.slots[slot].column else { return };
            match table.slots[slot].column.titles() {
                Some(titles) if titles.open_from >= words.len() as usize => return,
                titles => titles.is_some(),
            }
        };
        if !kept {
            cell.write().slots[slot].keep_titles();
        }
        let named = Named { object, slot, target: self.target_of(&cell.read(), slot) };
        // Before looking: from here on no change of a target goes unnoticed.
        let mut all = self.inner.named.write();
        if !all.contains(&named) {
            all.push(named);
        }
        drop(all);
        self.look_up_titles(named, &cell);
    }

    /// Brings titles up to records that have just been written.
    pub(super) fn follow_titles(&self, records: &[Record]) {
        for named in self.named_columns() {
            let Some(cell) = self.cell(named.object) else { continue };
            if records.iter().any(|record| record.object == named.object) {
                self.look_up_titles(named, &cell);
            }
            let led = |record: &&Record| named.target.is_none_or(|target| target == record.object);
            let ids: Vec<RecordId> = records.iter().filter(led).map(|record| record.id).collect();
            self.retitle(named, &cell, &ids);
        }
    }

    /// Forgets the title of a record that has been erased.
    pub(super) fn forget_title(&self, id: RecordId) {
        for named in self.named_columns() {
            if let Some(cell) = self.cell(named.object) {
                self.retitle(named, &cell, &[id]);
            }
        }
    }

    /// Titles may follow from other fields now; lists make them anew.
    pub(super) fn forget_titles(&self) {
        for named in std::mem::take(&mut *self.inner.named.write()) {
            if let Some(cell) = self.cell(named.object) {
                cell.write().slots[named.slot].drop_titles();
            }
        }
    }

    fn named_columns(&self) -> Vec<Named> {
        self.inner.named.read().clone()
    }

    /// Number of the object that a field of links is bound to.
    fn target_of(&self, table: &Table, slot: usize) -> Option<u32> {
        let def = &table.slots[slot].def;
        let key = match def.kind.as_str() {
            "user" => Some("users"),
            "file" => Some("files"),
            _ => def.target.as_deref(),
        };
        self.schema().object(key?).map(|object| object.id)
    }

    fn look_up_titles(&self, named: Named, cell: &RwLock<Table>) {
        loop {
            let wanted: Vec<(u32, RecordId)> = {
                let table = cell.read();
                let column = &table.slots[named.slot].column;
                let (Column::Coded { words, .. }, Some(titles)) = (column, column.titles()) else { return };
                let open = (titles.open_from as u32 + 1..words.len() + 1).filter(|code| !titles.is_known(*code));
                let id = |code: u32| Some((code, RecordId(words.get(code).try_into().ok()?)));
                open.take(CODES_PER_TURN).filter_map(id).collect()
            };
            if wanted.is_empty() {
                return;
            }
            let ids: Vec<RecordId> = wanted.iter().map(|(_, id)| *id).collect();
            let titles = self.titles_of(&ids, named.target);
            let mut table = cell.write();
            for ((code, id), title) in wanted.into_iter().zip(titles) {
                let column = &table.slots[named.slot].column;
                let (Column::Coded { words, .. }, Some(known)) = (column, column.titles()) else { return };
                // Whoever came first knew it as it is; and the dictionary may have been built anew.
                if !known.is_known(code) && words.get(code) == id.0 {
                    table.retitle(named.slot, code, title, &self.inner.collation);
                }
            }
        }
    }

    /// Takes over the titles of these records where the column leads to them.
    fn retitle(&self, named: Named, cell: &RwLock<Table>, ids: &[RecordId]) {
        let led: Vec<RecordId> = {
            let table = cell.read();
            let Column::Coded { words, .. } = &table.slots[named.slot].column else { return };
            ids.iter().copied().filter(|id| words.find(&id.0).is_some()).collect()
        };
        if led.is_empty() {
            return;
        }
        let titles = self.titles_of(&led, named.target);
        let mut table = cell.write();
        for (id, title) in led.iter().zip(titles) {
            let column = &table.slots[named.slot].column;
            let (Column::Coded { words, .. }, Some(known)) = (column, column.titles()) else { return };
            let Some(code) = words.find(&id.0) else { continue };
            if !known.is_known(code) || known.get(code) != title.as_deref() {
                table.retitle(named.slot, code, title, &self.inner.collation);
            }
        }
    }

    fn titles_of(&self, ids: &[RecordId], target: Option<u32>) -> Vec<Option<Box<str>>> {
        let mut titles = vec![None; ids.len()];
        let cells = match target {
            Some(object) => self.cell(object).into_iter().collect(),
            None => self.cells(),
        };
        for cell in cells {
            let table = cell.read();
            for (title, id) in titles.iter_mut().zip(ids) {
                if let Some(row) = table.row(*id) {
                    *title = table.title(row).map(String::into_boxed_str);
                }
            }
        }
        titles
    }
}
