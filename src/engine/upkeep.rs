//! What follows from committed records inside the engine itself: the schema, the workspace's settings, the search index. Publishes
//! nothing and decides nothing.

use std::sync::{Arc, atomic::Ordering};

use kith_model::{ObjectDef, Value, expr::EvalContext};

use crate::{
    Engine, Record,
    engine::Core,
    meta::{Meta, source::SYSTEM_END},
    pipeline::{commit::from_settings, writer::is_metadata},
    query::ImageQuery,
    system::{ids, seeds},
};

impl Engine {
    /// Many records of an object have come: makes the orders of its usual lists in the background, where they were not kept up meanwhile.
    pub fn many_came(&self, object: &str) {
        if let Some(object) = self.schema().object(object) {
            let fields = usual(object).map(String::from);
            self.core().image.warm_in_background(object.id, fields.into());
        }
    }
}

impl Core {
    /// Takes note of records that the engine itself lives by. Some: the schema's new revision.
    pub(crate) fn note_records(&self, records: &[Record], seq: u64) -> Option<u64> {
        let mut defined = false;
        for record in records.iter().filter(|r| r.object < SYSTEM_END) {
            if is_metadata(record.object) {
                defined |= self.source.lock().put(record);
            } else if record.object == ids::settings::OBJECT && record.id == seeds::SETTINGS {
                *self.read_context.write() = Some(from_settings(record));
            }
            self.access.changed(record);
        }
        defined.then(|| {
            self.redefine(seq);
            seq
        })
    }

    /// Puts the schema that follows from the records of `objects` and `fields` in force, image first: nobody may ask for a column that
    /// is not there yet.
    fn redefine(&self, revision: u64) {
        let joined = self.source.lock().join(&self.builtins);
        self.image.set_schema(Arc::new(joined.kept));
        *self.meta.write() = Arc::new(Meta::new(Arc::new(joined.live), revision));
    }

    /// Tells the search index; those of administration are not searched.
    pub(crate) fn index(&self, records: &[Record]) {
        for record in records.iter().filter(|r| r.object >= SYSTEM_END) {
            self.search.upsert(record);
        }
    }

    /// Largest number an auto-number field has given, in the trash or not.
    pub(crate) fn newest_number(&self, object: u32, field: u32) -> i64 {
        let meta = self.meta();
        let Some(def) = meta.object_by_id(object).and_then(|o| o.field_by_id(field)) else { return 0 };
        let newest = |trashed| {
            let sort = vec![(def.key.clone(), true)];
            let asked = ImageQuery { object, sort, limit: 1, trashed, ..ImageQuery::default() };
            let page = self.image.query(&asked, &no_time()).unwrap_or_default();
            match page.records.first().map(|r| r.values.get(field)) {
                Some(Value::Int(number)) => *number,
                _ => 0,
            }
        };
        newest(false).max(newest(true))
    }

    /// Makes the orders of the usual lists, so that the first one need not wait.
    pub(crate) fn warm(&self) {
        for object in self.meta().schema.objects().iter().filter(|o| !o.system) {
            if self.closing.load(Ordering::Relaxed) {
                return;
            }
            self.image.warm(object.id, &usual(object));
        }
    }
}

/// Fields by which people usually sort.
fn usual(object: &ObjectDef) -> [&str; 3] {
    [object.title.as_str(), "created_at", "updated_at"]
}

/// For questions whose answer does not depend on who asks or when.
fn no_time() -> EvalContext {
    EvalContext { now_ms: 0, time_zone: "UTC".into(), me: None }
}
