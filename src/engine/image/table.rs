//! All records of one object as columns. Row numbers are given once and never again, so that they may serve as handles while
//! the process lives. Knows no access and evaluates no expression.

use std::{
    collections::HashMap,
    hash::BuildHasher,
    sync::{Arc, LazyLock},
    thread,
};

use hashbrown::{DefaultHashBuilder, HashTable};
use kith_base::RecordId;
use kith_model::{FieldDef, ObjectDef, Value, Values};

use super::{
    bits::Bits,
    by_id::ById,
    coding::{Coding, linked},
    collate::Collation,
    column::Column,
    slot::{Around, Slot},
};
use crate::Record;

/// Places of what every record has, before the fields.
pub const ID: usize = 0;
pub const CREATED_AT: usize = 1;
pub const UPDATED_AT: usize = 2;
pub const CREATED_BY: usize = 3;
pub const UPDATED_BY: usize = 4;
pub const VERSION: usize = 5;
const META: [(&str, &str); 6] = [
    ("id", "text"),
    ("created_at", "datetime"),
    ("updated_at", "datetime"),
    ("created_by", "user"),
    ("updated_by", "user"),
    ("version", "integer"),
];

/// Batches from this size on are spread over threads, column by column.
pub const SPREAD_FROM: usize = 512;

/// New records at once that are part of something larger, such as an import.
const STREAM_FROM: usize = 128;

pub struct Table {
    pub def: Arc<ObjectDef>,
    pub ids: Vec<RecordId>,
    /// Rows in the order of their ids.
    pub by_id: ById,
    rows: HashTable<u32>,
    hasher: DefaultHashBuilder,
    seqs: Vec<u64>,
    /// Rows outside the trash; rows in it. Erased rows are in neither.
    pub live: Bits,
    pub trashed: Bits,
    /// `META` first, then the fields.
    pub slots: Vec<Slot>,
    by_key: HashMap<String, usize>,
    by_field: HashMap<u32, usize>,
}

impl Table {
    pub fn new(def: Arc<ObjectDef>) -> Table {
        let mut table = Table {
            def: Arc::new(ObjectDef { id: def.id, ..ObjectDef::default() }),
            ids: Vec::new(),
            by_id: ById::default(),
            rows: HashTable::new(),
            hasher: DefaultHashBuilder::default(),
            seqs: Vec::new(),
            live: Bits::default(),
            trashed: Bits::default(),
            slots: META.iter().map(|(key, kind)| Slot::new(meta_field(key, kind), true)).collect(),
            by_key: HashMap::new(),
            by_field: HashMap::new(),
        };
        table.slots[CREATED_BY].column = Column::coded(Coding::Link);
        table.slots[UPDATED_BY].column = Column::coded(Coding::Link);
        table.redefine(def);
        table
    }

    /// Takes a new definition of the object: columns come, change and are hidden; none is dropped.
    pub fn redefine(&mut self, def: Arc<ObjectDef>) {
        let rows = self.ids.len();
        for slot in self.slots.iter_mut().skip(META.len()) {
            slot.known = false;
        }
        for field in &def.fields {
            match self.by_field.get(&field.id) {
                Some(at) => self.slots[*at].redefine(field, rows),
                None => self.add_slot(field.clone(), true),
            }
        }
        self.by_key = META.iter().enumerate().map(|(at, (key, _))| (key.to_string(), at)).collect();
        for (at, slot) in self.slots.iter().enumerate().skip(META.len()) {
            if slot.known {
                self.by_key.insert(slot.def.key.clone(), at);
            }
        }
        self.def = def;
    }

    fn add_slot(&mut self, field: FieldDef, known: bool) {
        let mut slot = Slot::new(field, known);
        if !known {
            slot.column = Column::coded(Coding::Any);
        }
        slot.column.grow(self.ids.len());
        self.by_field.insert(slot.def.id, self.slots.len());
        self.slots.push(slot);
    }

    pub fn len(&self) -> usize {
        self.ids.len()
    }

    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    pub fn row(&self, id: RecordId) -> Option<u32> {
        self.rows.find(self.hasher.hash_one(id), |row| self.ids[*row as usize] == id).copied()
    }

    /// The slot of a field, or of `id`, `created_at` and the like.
    pub fn slot(&self, key: &str) -> Option<&Slot> {
        self.by_key.get(key).map(|at| &self.slots[*at])
    }

    pub fn slot_at(&self, key: &str) -> Option<usize> {
        self.by_key.get(key).copied()
    }

    pub fn slot_of_field(&self, field: u32) -> Option<usize> {
        self.by_field.get(&field).copied()
    }

    pub fn around<'a>(&'a self, collation: &'a Collation) -> Around<'a> {
        Around { ids: &self.ids, collation }
    }

    /// Version, sequence number and whether the row is in the trash.
    pub fn meta(&self, row: u32) -> (u64, u64, bool) {
        let at = row as usize;
        let version = match &self.slots[VERSION].column {
            Column::Int { values, .. } => values.get(at).copied().unwrap_or(0) as u64,
            _ => 0,
        };
        (version, self.seqs[at], self.trashed.get(at))
    }

    pub fn is_erased(&self, row: u32) -> bool {
        !self.live.get(row as usize) && !self.trashed.get(row as usize)
    }

    /// The record of a row, rebuilt from the columns.
    pub fn record(&self, row: u32) -> Record {
        let (version, seq, trashed) = self.meta(row);
        let time = |at: usize| match self.slots[at].column.get(row) {
            Value::DateTime(ms) => ms,
            _ => 0,
        };
        let actor = |at: usize| match self.slots[at].column.get(row) {
            Value::Link(id) => id,
            _ => RecordId([0; 16]),
        };
        let mut values: Vec<(u32, Value)> = Vec::with_capacity(self.slots.len());
        for slot in &self.slots[META.len()..] {
            let value = slot.column.get(row);
            if !value.is_null() {
                values.push((slot.def.id, value));
            }
        }
        values.sort_unstable_by_key(|(field, _)| *field);
        Record {
            id: self.ids[row as usize],
            object: self.def.id,
            version,
            seq,
            created_at: time(CREATED_AT),
            updated_at: time(UPDATED_AT),
            created_by: actor(CREATED_BY),
            updated_by: actor(UPDATED_BY),
            trashed,
            values: Values::from_iter(values),
        }
    }

    /// How a record is called where only its id is known: its title, else its subtitle. A title that is itself a link counts as none.
    pub fn title(&self, row: u32) -> Option<String> {
        [&self.def.title, &self.def.subtitle].into_iter().find_map(|key| {
            let slot = self.slot(key)?;
            let value = slot.column.get(row);
            if value.is_null() || !linked(&value).is_empty() {
                return None;
            }
            Some(slot.def.kind().to_text(&slot.def, &value)).filter(|text| !text.trim().is_empty())
        })
    }

    /// Sets the title of what a code of a column of links leads to, and moves its rows to where it puts them.
    pub fn retitle(&mut self, slot: usize, code: u32, title: Option<Box<str>>, collation: &Collation) {
        let around = Around { ids: &self.ids, collation };
        self.slots[slot].retitle(code, title, around);
    }

    /// Writes records of this object; later ones of the same id win.
    pub fn apply(&mut self, records: &[Record], collation: &Collation) {
        let mut rows = Vec::with_capacity(records.len());
        let mut fresh = true;
        for record in records {
            let (row, new) = self.place(record);
            fresh &= new;
            rows.push((row, new));
            for (field, _) in record.values.iter() {
                if !self.by_field.contains_key(&field) {
                    self.add_slot(FieldDef { id: field, kind: "json".into(), ..FieldDef::default() }, false);
                }
            }
        }
        if fresh && records.len() >= STREAM_FROM {
            self.slots.iter_mut().for_each(Slot::forget_unwanted_order);
        }
        let around = Around { ids: &self.ids, collation };
        if fresh && records.len() >= SPREAD_FROM {
            spread(&mut self.slots, &rows, records, around);
        } else {
            write_in_turn(&mut self.slots, &rows, records, around);
        }
    }

    /// The row of a record, a new one where it has none, with what is not a column set.
    fn place(&mut self, record: &Record) -> (u32, bool) {
        let (row, new) = match self.row(record.id) {
            Some(row) => (row, false),
            None => {
                let row = self.ids.len() as u32;
                self.ids.push(record.id);
                self.by_id.push(row, &self.ids);
                self.seqs.push(0);
                let Table { rows, hasher, ids, .. } = self;
                let hash = |id: RecordId| hasher.hash_one(id);
                rows.insert_unique(hash(record.id), row, |row| hash(ids[*row as usize]));
                (row, true)
            }
        };
        let at = row as usize;
        self.seqs[at] = record.seq;
        self.live.set(at, !record.trashed);
        self.trashed.set(at, record.trashed);
        (row, new)
    }

    /// Empties a row for good. Its number is not used again.
    pub fn erase(&mut self, id: RecordId, collation: &Collation) -> bool {
        let Some(row) = self.row(id) else { return false };
        let around = Around { ids: &self.ids, collation };
        let mut scratch = Vec::new();
        for slot in self.slots.iter_mut().skip(1) {
            slot.erase(row, around, &mut scratch);
        }
        self.live.set(row as usize, false);
        self.trashed.set(row as usize, false);
        if let Ok(entry) = self.rows.find_entry(self.hasher.hash_one(id), |r| *r == row) {
            entry.remove();
        }
        true
    }

    /// Gives back what growing left over beside the columns, after many records came at once.
    pub fn shrink(&mut self) {
        self.ids.shrink_to_fit();
        self.seqs.shrink_to_fit();
    }

    pub fn heap_bytes(&self) -> usize {
        let rows = self.ids.capacity() * 16 + self.seqs.capacity() * 8 + self.by_id.heap_bytes();
        let slots: usize = self
            .slots
            .iter()
            .map(|s| {
                s.column.heap_bytes()
                    + s.order.as_ref().map_or(0, |o| o.heap_bytes())
                    + s.lookup.as_ref().map_or(0, |l| l.heap_bytes())
            })
            .sum();
        rows + slots + self.rows.allocation_size() + self.live.heap_bytes() + self.trashed.heap_bytes()
    }
}

fn meta_field(key: &str, kind: &str) -> FieldDef {
    // Ids from the far end, where no field is.
    FieldDef {
        id: u32::MAX,
        key: key.to_string(),
        label: key.to_string(),
        kind: kind.to_string(),
        ..FieldDef::default()
    }
}

fn write_slot(at: usize, slot: &mut Slot, rows: &[(u32, bool)], records: &[Record], around: Around<'_>) {
    let mut scratch = Vec::new();
    for ((row, new), record) in rows.iter().zip(records) {
        let meta;
        let value = match at {
            ID => &Value::Null,
            CREATED_AT => {
                meta = Value::DateTime(record.created_at);
                &meta
            }
            UPDATED_AT => {
                meta = Value::DateTime(record.updated_at);
                &meta
            }
            CREATED_BY => {
                meta = Value::Link(record.created_by);
                &meta
            }
            UPDATED_BY => {
                meta = Value::Link(record.updated_by);
                &meta
            }
            VERSION => {
                meta = Value::Int(record.version as i64);
                &meta
            }
            _ => record.values.get(slot.def.id),
        };
        slot.write(*row, value, *new, around, &mut scratch);
    }
}

/// Slot by slot in the order of field numbers, in which values are too, so that none has to be searched for.
fn write_in_turn(slots: &mut [Slot], rows: &[(u32, bool)], records: &[Record], around: Around<'_>) {
    let (meta, fields) = slots.split_at_mut(META.len());
    for (at, slot) in meta.iter_mut().enumerate() {
        write_slot(at, slot, rows, records, around);
    }
    let mut fields: Vec<&mut Slot> = fields.iter_mut().collect();
    fields.sort_by_key(|slot| slot.def.id);
    let mut left: Vec<&[(u32, Value)]> = records.iter().map(|record| record.values.as_slice()).collect();
    let mut scratch = Vec::new();
    for slot in fields {
        for ((row, new), left) in rows.iter().zip(&mut left) {
            let value = match left.split_first() {
                Some(((field, value), rest)) if *field == slot.def.id => {
                    *left = rest;
                    value
                }
                _ => &Value::Null,
            };
            slot.write(*row, value, *new, around, &mut scratch);
        }
    }
}

/// Columns are independent of each other, so each thread takes the next one that nobody has.
fn spread(slots: &mut [Slot], rows: &[(u32, bool)], records: &[Record], around: Around<'_>) {
    let queue = parking_lot::Mutex::new(slots.iter_mut().enumerate());
    let work = || {
        loop {
            let next = queue.lock().next();
            let Some((at, slot)) = next else { return };
            write_slot(at, slot, rows, records, around);
        }
    };
    thread::scope(|scope| {
        for _ in 1..threads() {
            scope.spawn(work);
        }
        work();
    });
}

/// Threads that share one batch. Asked for once: the answer costs some twenty system calls.
pub(super) fn threads() -> usize {
    static THREADS: LazyLock<usize> = LazyLock::new(|| thread::available_parallelism().map_or(1, |n| n.get().min(4)));
    *THREADS
}
