//! The image: all records in memory, as compact columns with indexes made on demand. It answers; it never decides who may ask,
//! never validates, and never touches the disk. One lock per object; no two are ever held together.

pub mod bits;
mod build;
pub mod by_id;
pub mod codes;
pub mod coding;
pub mod collate;
pub mod column;
mod computed;
pub mod dictionary;
pub mod key;
pub mod leads;
pub mod lookup;
pub mod order;
pub mod places;
pub mod slot;
pub mod table;
pub mod titles;

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use kith_base::RecordId;
use kith_model::{
    Schema,
    expr::{EvalContext, Expr},
};
use parking_lot::RwLock;

pub use self::{bits::Bits, computed::value_of};
use self::{collate::Collation, column::Column, computed::Computed, table::Table};
use crate::Record;

/// What is known of a record without reading its values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Meta {
    pub object: u32,
    pub version: u64,
    pub seq: u64,
    pub trashed: bool,
}

/// All records. Cloning gives another handle to the same image.
#[derive(Clone)]
pub struct Image {
    inner: Arc<Inner>,
}

struct Inner {
    schema: RwLock<Arc<Schema>>,
    computed: RwLock<Arc<Computed>>,
    collation: Arc<Collation>,
    tables: RwLock<HashMap<u32, Arc<RwLock<Table>>>>,
    /// Columns of links that sort by titles.
    named: RwLock<Vec<titles::Named>>,
    /// A thread is building an order.
    building: AtomicBool,
}

impl Image {
    /// An empty image. `locale` is a BCP 47 name, such as `da`; it orders texts.
    pub fn new(schema: Arc<Schema>, locale: &str) -> Image {
        let tables = schema.objects().iter().map(|o| (o.id, Arc::new(RwLock::new(Table::new(o.clone()))))).collect();
        let computed = Arc::new(Computed::new(&schema));
        let inner = Inner {
            schema: RwLock::new(schema),
            computed: RwLock::new(computed),
            collation: Arc::new(Collation::new(locale)),
            tables: RwLock::new(tables),
            named: RwLock::default(),
            building: AtomicBool::new(false),
        };
        Image { inner: Arc::new(inner) }
    }

    /// Takes a new schema: columns come, change and are hidden in place; changed formulas are computed anew.
    pub fn set_schema(&self, schema: Arc<Schema>) {
        let computed = Arc::new(Computed::new(&schema));
        let before = std::mem::replace(&mut *self.inner.computed.write(), computed.clone());
        *self.inner.schema.write() = schema.clone();
        self.forget_titles();
        for object in schema.objects() {
            let cell = self.cell_or_new(object.id);
            cell.write().redefine(object.clone());
            let changed = match (before.of(object.id), computed.of(object.id)) {
                (_, None) => false,
                (Some(before), Some(now)) => !before.same_as(now),
                (None, Some(_)) => true,
            };
            if changed {
                self.recompute(&cell);
            }
        }
    }

    /// The schema the image follows.
    pub fn schema(&self) -> Arc<Schema> {
        self.inner.schema.read().clone()
    }

    pub(crate) fn collation(&self) -> &Arc<Collation> {
        &self.inner.collation
    }

    pub(crate) fn cell(&self, object: u32) -> Option<Arc<RwLock<Table>>> {
        self.inner.tables.read().get(&object).cloned()
    }

    fn cell_or_new(&self, object: u32) -> Arc<RwLock<Table>> {
        if let Some(cell) = self.cell(object) {
            return cell;
        }
        // Records of an object that the schema does not know are kept all the same: it may come back.
        let def = self
            .schema()
            .object_by_id(object)
            .cloned()
            .unwrap_or_else(|| Arc::new(kith_model::ObjectDef { id: object, ..kith_model::ObjectDef::default() }));
        let mut tables = self.inner.tables.write();
        tables.entry(object).or_insert_with(|| Arc::new(RwLock::new(Table::new(def)))).clone()
    }

    /// Takes in one record: new, changed, trashed or restored. Computed fields are evaluated here.
    pub fn apply(&self, record: &Record) {
        let mut record = record.clone();
        self.evaluate_computed(&mut record);
        self.cell_or_new(record.object).write().apply(std::slice::from_ref(&record), &self.inner.collation);
        self.follow_titles(std::slice::from_ref(&record));
    }

    /// Takes in many at once, of any objects; for opening and for large batches.
    pub fn apply_many(&self, mut records: Vec<Record>) {
        self.apply_batch(&mut records);
    }

    /// As `apply_many`; the records stay with the caller, in the order of their objects and with what was computed.
    pub fn apply_batch(&self, records: &mut [Record]) {
        // Runs of one object are the rule, so sorting (stable: later versions stay later) costs little.
        records.sort_by_key(|r| r.object);
        self.apply_in_order(records);
    }

    /// As `apply_batch`, without moving a record.
    pub(crate) fn apply_in_order(&self, records: &mut [Record]) {
        self.evaluate_many(records);
        for run in records.chunk_by(|a, b| a.object == b.object) {
            self.cell_or_new(run[0].object).write().apply(run, &self.inner.collation);
        }
        self.follow_titles(records);
    }

    /// Gives back spare memory, field by field between other people's work; to be called when opening is done.
    pub fn settle(&self) {
        for cell in self.cells() {
            let slots = cell.read().slots.len();
            cell.write().shrink();
            (0..slots).for_each(|slot| cell.write().slots[slot].column.shrink());
        }
    }

    /// Forgets a record for good.
    pub fn erase(&self, id: RecordId) {
        for cell in self.cells() {
            if cell.write().erase(id, &self.inner.collation) {
                return self.forget_title(id);
            }
        }
    }

    /// The record, computed fields included, whether in the trash or not.
    pub fn get(&self, id: RecordId) -> Option<Record> {
        self.cells().into_iter().find_map(|cell| {
            let table = cell.read();
            table.row(id).map(|row| table.record(row))
        })
    }

    /// As `get`, where the object is known.
    pub fn get_of(&self, object: u32, id: RecordId) -> Option<Record> {
        let cell = self.cell(object)?;
        let table = cell.read();
        table.row(id).map(|row| table.record(row))
    }

    pub fn meta(&self, id: RecordId) -> Option<Meta> {
        self.inner.tables.read().values().find_map(|cell| {
            let table = cell.read();
            table.row(id).map(|row| {
                let (version, seq, trashed) = table.meta(row);
                Meta { object: table.def.id, version, seq, trashed }
            })
        })
    }

    /// Object and row of a record: a handle that stays its own while the process lives.
    pub(crate) fn place(&self, id: RecordId) -> Option<(u32, u32)> {
        self.inner.tables.read().iter().find_map(|(object, cell)| Some((*object, cell.read().row(id)?)))
    }

    /// Ids of rows, in the order of the rows.
    pub(crate) fn ids_of_rows(&self, object: u32, rows: &Bits, limit: usize) -> Vec<RecordId> {
        let Some(cell) = self.cell(object) else { return Vec::new() };
        let table = cell.read();
        rows.iter().filter(|row| table.live.get(*row as usize)).take(limit).map(|row| table.ids[row as usize]).collect()
    }

    /// Largest whole number in a field, over all records, the trash included.
    pub fn int_max(&self, object: u32, field: u32) -> Option<i64> {
        let cell = self.cell(object)?;
        let table = cell.read();
        match &table.slots[table.slot_of_field(field)?].column {
            Column::Int { set, values, .. } => set.iter().map(|row| values[row as usize]).max(),
            _ => None,
        }
    }

    /// Sets the computed fields of a record that may not be in the image yet.
    pub fn evaluate_computed(&self, record: &mut Record) {
        let computed = self.inner.computed.read().clone();
        if let Some(formulas) = computed.of(record.object) {
            formulas.evaluate(record);
        }
    }

    fn evaluate_many(&self, records: &mut [Record]) {
        let computed = self.inner.computed.read().clone();
        let evaluate = |part: &mut [Record]| {
            for record in part {
                if let Some(formulas) = computed.of(record.object) {
                    formulas.evaluate(record);
                }
            }
        };
        if records.len() < table::SPREAD_FROM || table::threads() == 1 {
            return evaluate(records);
        }
        let share = records.len().div_ceil(table::threads());
        std::thread::scope(|scope| {
            for part in records.chunks_mut(share) {
                scope.spawn(|| evaluate(part));
            }
        });
    }

    /// Evaluates the computed fields of all rows anew.
    fn recompute(&self, cell: &RwLock<Table>) {
        const ROWS_PER_TURN: usize = 1_024;
        let mut from = 0;
        loop {
            let mut table = cell.write();
            let to = (from + ROWS_PER_TURN).min(table.len());
            if from >= to {
                return;
            }
            let mut records: Vec<Record> =
                (from as u32..to as u32).filter(|row| !table.is_erased(*row)).map(|row| table.record(row)).collect();
            self.evaluate_many(&mut records);
            table.apply(&records, &self.inner.collation);
            from = to;
        }
    }

    /// Rows of the object outside the trash whose field has this key, as `FieldKind::unique_keys` makes it. Ascending by age of row.
    pub fn lookup(&self, object: u32, field: u32, key: &str) -> Vec<RecordId> {
        let Some(cell) = self.cell(object) else { return Vec::new() };
        loop {
            {
                let table = cell.read();
                let Some(at) = table.slot_of_field(field) else { return Vec::new() };
                let slot = &table.slots[at];
                if let Some(lookup) = &slot.lookup {
                    let rows = lookup.find(&slot.def, &slot.column, key);
                    return rows
                        .into_iter()
                        .filter(|row| table.live.get(*row as usize))
                        .map(|row| table.ids[row as usize])
                        .collect();
                }
            }
            let table = cell.upgradable_read();
            let Some(at) = table.slot_of_field(field) else { return Vec::new() };
            if table.slots[at].lookup.is_none() {
                let slot = &table.slots[at];
                let built = lookup::Lookup::build(&slot.def, &slot.column, table.len());
                parking_lot::RwLockUpgradableReadGuard::upgrade(table).slots[at].lookup = Some(built);
            }
        }
    }

    /// Whether a filter holds for a record, which need not be in the image. An error counts as no.
    pub fn matches(&self, record: &Record, filter: &Expr, context: &EvalContext) -> bool {
        let schema = self.schema();
        let object = schema.object_by_id(record.object);
        let lookup = |key: &str| match object.and_then(|o| o.field(key)) {
            Some(field) if field.expression.is_some() => {
                let field = slot::effective(field.clone());
                field.kind().to_cel(&field, record.values.get(field.id))
            }
            field => value_of(record, key, |_| field),
        };
        matches!(filter.evaluate(&lookup, context), Ok(cel::Value::Bool(true)))
    }

    /// Whether reading would wait for nobody right now.
    pub(crate) fn is_calm(&self) -> bool {
        self.inner.tables.try_read().is_some_and(|tables| tables.values().all(|cell| cell.try_read().is_some()))
    }

    /// Records of the object outside the trash.
    pub fn count(&self, object: u32) -> u64 {
        self.cell(object).map_or(0, |cell| cell.read().live.count() as u64)
    }

    /// Ids of the object's records outside the trash; for small objects.
    pub fn living(&self, object: u32) -> Vec<RecordId> {
        let Some(cell) = self.cell(object) else { return Vec::new() };
        let table = cell.read();
        table.live.iter().map(|row| table.ids[row as usize]).collect()
    }

    /// Makes the orders of these fields (keys, or `created_at` and the like) and the look-ups of unique ones, so that the first list
    /// and the first write need not wait. Takes about a second for a million texts; call it from a thread of its own.
    pub fn warm(&self, object: u32, fields: &[&str]) {
        let Some(cell) = self.cell(object) else { return };
        for key in fields {
            let slot = cell.read().slot_at(key);
            if let Some(slot) = slot {
                build::build(&cell, slot, &self.inner.collation);
            }
        }
        let unique: Vec<u32> = cell.read().slots.iter().filter(|s| s.known && s.def.unique).map(|s| s.def.id).collect();
        for field in unique {
            self.lookup(object, field, "");
        }
    }

    /// As `warm`, without waiting. One builder at a time: lists work without an order, only slower.
    pub(crate) fn warm_in_background(&self, object: u32, fields: Vec<String>) {
        if self.inner.building.swap(true, Ordering::AcqRel) {
            return;
        }
        let image = self.clone();
        let build = move || {
            let keys: Vec<&str> = fields.iter().map(String::as_str).collect();
            image.warm(object, &keys);
            image.inner.building.store(false, Ordering::Release);
        };
        if let Err(error) = std::thread::Builder::new().name("kith-order".into()).spawn(build) {
            self.inner.building.store(false, Ordering::Release);
            tracing::warn!(%error, "no thread to build an order in; lists stay slower");
        }
    }

    /// Bytes held, indexes included.
    pub fn memory_bytes(&self) -> u64 {
        self.cells().iter().map(|cell| cell.read().heap_bytes() as u64).sum()
    }

    fn cells(&self) -> Vec<Arc<RwLock<Table>>> {
        self.inner.tables.read().values().cloned().collect()
    }
}
