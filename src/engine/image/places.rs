//! Where links lead, and what leads to a record. Object and row of each target are kept by dictionary code beside the column, since no
//! two tables are ever locked together; looked up when first asked for, and afterwards only for codes that are new.

use kith_base::RecordId;
use parking_lot::RwLock;

use super::{
    Image,
    bits::Bits,
    coding::{Coding, decode, ids_of, linked},
    column::Column,
    table::Table,
};

/// Codes looked up between two releases of a lock.
const CODES_PER_TURN: usize = 4_096;

/// No object has this number: the record was not there when it was looked for.
const NOWHERE: (u32, u32) = (0, 0);

/// The places of one column's targets. A place stays its record's own while the process lives.
#[derive(Default)]
pub struct Places {
    /// Object and row, from code 1 on.
    of: Vec<(u32, u32)>,
    /// Codes that lead nowhere yet.
    missing: Vec<u32>,
    /// Objects that are led to, each once.
    objects: Vec<u32>,
}

impl Places {
    fn put(&mut self, code: u32, place: (u32, u32)) {
        if place != NOWHERE && !self.objects.contains(&place.0) {
            self.objects.push(place.0);
        }
        let at = code as usize - 1;
        // Elsewhere another thread was first.
        if at == self.of.len() {
            self.of.push(place);
            if place == NOWHERE {
                self.missing.push(code);
            }
        } else if place != NOWHERE && self.of.get(at) == Some(&NOWHERE) {
            self.of[at] = place;
            self.missing.retain(|missing| *missing != code);
        }
    }

    pub fn heap_bytes(&self) -> usize {
        self.of.capacity() * 8 + self.missing.capacity() * 4
    }
}

impl Image {
    /// Numbers of the objects that the links of a field lead to.
    pub(crate) fn objects_led_to(&self, object: u32, field: u32) -> Vec<u32> {
        let Some(cell) = self.cell(object) else { return Vec::new() };
        let Some(slot) = cell.read().slot_of_field(field) else { return Vec::new() };
        if is_link(&cell.read(), slot) {
            self.look_up_places(&cell, slot);
            let table = cell.read();
            return table.slots[slot].column.places().map_or_else(Vec::new, |places| places.objects.clone());
        }
        let mut objects: Vec<u32> =
            self.places_of(&targets(&cell, slot).concat()).into_iter().map(|place| place.0).collect();
        objects.sort_unstable();
        objects.dedup();
        objects.retain(|object| *object != NOWHERE.0);
        objects
    }

    /// Rows without a value in a link field, and those of which a target is `seen`, given its object and row.
    pub(crate) fn rows_leading(&self, object: u32, field: u32, seen: &dyn Fn((u32, u32)) -> bool) -> Bits {
        let Some(cell) = self.cell(object) else { return Bits::default() };
        let Some(slot) = cell.read().slot_of_field(field) else { return Bits::default() };
        // Lists of links are few and short, so what they lead to is not kept.
        let listed: Option<Vec<bool>> = (!is_link(&cell.read(), slot)).then(|| {
            let led = |ids: &Vec<RecordId>| self.places_of(ids).into_iter().any(seen);
            targets(&cell, slot).iter().map(led).collect()
        });
        if listed.is_none() {
            self.look_up_places(&cell, slot);
        }
        let table = cell.read();
        let column = &table.slots[slot].column;
        let Column::Coded { codes, .. } = column else { return Bits::default() };
        let mut hits = Bits::default();
        hits.set(0, true);
        match (&listed, column.places()) {
            (Some(listed), _) => listed.iter().enumerate().for_each(|(at, seen)| hits.set(at + 1, *seen)),
            (None, Some(places)) => {
                places.of.iter().enumerate().for_each(|(at, place)| hits.set(at + 1, seen(*place)));
            }
            (None, None) => {}
        }
        let mut rows = codes.within(&hits);
        // A column ends where its last value is.
        (codes.len()..table.len()).for_each(|row| rows.set(row, true));
        rows
    }

    /// Records outside the trash whose links name `id`: object, field, record.
    pub fn pointing_at(&self, id: RecordId) -> Vec<(u32, u32, RecordId)> {
        self.pointing(id, false)
    }

    /// As `pointing_at`, with the trash.
    pub fn pointing_at_with_trash(&self, id: RecordId) -> Vec<(u32, u32, RecordId)> {
        self.pointing(id, true)
    }

    fn pointing(&self, id: RecordId, trash: bool) -> Vec<(u32, u32, RecordId)> {
        let mut found = Vec::new();
        for cell in self.cells() {
            let table = cell.read();
            for slot in table.slots.iter().filter(|s| s.known && s.def.id != u32::MAX) {
                let Column::Coded { coding, codes, words, .. } = &slot.column else { continue };
                let mut rows = match coding {
                    Coding::Link => match words.find(&id.0) {
                        Some(code) => codes.equal(code),
                        None => continue,
                    },
                    Coding::Links => codes.within(&words.matching(|list| ids_of(list).any(|i| i == id))),
                    Coding::Text | Coding::Any => continue,
                };
                if !trash {
                    rows.and(&table.live);
                }
                found.extend(rows.iter().map(|row| (table.def.id, slot.def.id, table.ids[row as usize])));
            }
        }
        found
    }

    /// Looks up what is new in a column of links, and what was not there before.
    fn look_up_places(&self, cell: &RwLock<Table>, slot: usize) {
        let mut again = true;
        loop {
            let retried = std::mem::take(&mut again);
            let wanted: Vec<(u32, RecordId)> = {
                let table = cell.read();
                let column = &table.slots[slot].column;
                let Column::Coded { words, .. } = column else { return };
                let none = Places::default();
                let known = column.places().unwrap_or(&none);
                let fresh = known.of.len() as u32 + 1..words.len() + 1;
                let missing = known.missing.iter().copied().filter(|_| retried);
                let codes = missing.chain(fresh.take(CODES_PER_TURN));
                codes.filter_map(|code| Some((code, RecordId(words.get(code).try_into().ok()?)))).collect()
            };
            if wanted.is_empty() {
                return;
            }
            let ids: Vec<RecordId> = wanted.iter().map(|(_, id)| *id).collect();
            let places = self.places_of(&ids);
            let mut table = cell.write();
            let Column::Coded { words, leads, .. } = &mut table.slots[slot].column else { return };
            let known = &mut leads.get_or_insert_default().places;
            for ((code, id), place) in wanted.iter().zip(places) {
                // The dictionary may have been built anew meanwhile.
                if words.get(*code) == id.0 {
                    known.put(*code, place);
                }
            }
        }
    }

    /// Object and row of each record; object 0 for those that are not there.
    pub(super) fn places_of(&self, ids: &[RecordId]) -> Vec<(u32, u32)> {
        let mut places = vec![NOWHERE; ids.len()];
        let tables: Vec<_> = self.inner.tables.read().iter().map(|(object, cell)| (*object, cell.clone())).collect();
        for (object, cell) in tables {
            let table = cell.read();
            if table.is_empty() {
                continue;
            }
            for (place, id) in places.iter_mut().zip(ids).filter(|(place, _)| **place == NOWHERE) {
                if let Some(row) = table.row(*id) {
                    *place = (object, row);
                }
            }
        }
        places
    }
}

fn is_link(table: &Table, slot: usize) -> bool {
    matches!(table.slots[slot].column, Column::Coded { coding: Coding::Link, .. })
}

/// What each dictionary entry of a column of links leads to, from code 1 on.
fn targets(cell: &RwLock<Table>, slot: usize) -> Vec<Vec<RecordId>> {
    let table = cell.read();
    let Column::Coded { coding, words, .. } = &table.slots[slot].column else { return Vec::new() };
    (1..=words.len()).map(|code| linked(&decode(*coding, words.get(code))).to_vec()).collect()
}
