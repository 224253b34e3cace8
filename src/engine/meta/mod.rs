//! The schema at work: definitions compiled into tables, so that a change needs no search through lists of fields. Definitions
//! come from code (built-in ones) and from the records of `objects` and `fields`; `source` joins them.

mod define;
mod definition;
pub mod extension;
pub mod source;
pub mod view;

use std::{collections::HashMap, sync::Arc};

use kith_model::{FieldDef, ObjectDef, ReadContext, Schema, Value};

use crate::EngineError;

/// All objects, compiled. Immutable: a change of metadata makes a new one.
#[derive(Clone)]
pub struct Meta {
    pub schema: Arc<Schema>,
    /// Sequence number of the entry that last changed metadata; 0 while only built-in definitions exist.
    pub revision: u64,
    by_id: HashMap<u32, Arc<ObjectMeta>>,
    by_key: HashMap<String, Arc<ObjectMeta>>,
}

/// One object with its look-up tables.
pub struct ObjectMeta {
    pub def: Arc<ObjectDef>,
    by_id: HashMap<u32, usize>,
    by_key: HashMap<String, usize>,
    pub unique: Vec<u32>,
    pub links: Vec<LinkField>,
    pub auto_numbers: Vec<u32>,
    pub computed: Vec<u32>,
    /// Links to what the record hangs on.
    pub belongs: Vec<u32>,
    pub defaults: Vec<(u32, Value)>,
}

/// A field that points at records.
#[derive(Clone, Copy, Debug)]
pub struct LinkField {
    pub field: u32,
    /// Number of the object it must point at; none: any.
    pub target: Option<u32>,
}

impl Meta {
    pub fn new(schema: Arc<Schema>, revision: u64) -> Meta {
        let compiled: Vec<Arc<ObjectMeta>> =
            schema.objects().iter().map(|object| Arc::new(ObjectMeta::new(object.clone(), &schema))).collect();
        let by_id = compiled.iter().map(|o| (o.def.id, o.clone())).collect();
        let by_key = compiled.iter().map(|o| (o.def.key.clone(), o.clone())).collect();
        Meta { schema, revision, by_id, by_key }
    }

    /// # Errors
    /// `object.not_found`.
    pub fn object(&self, key: &str) -> Result<&Arc<ObjectMeta>, EngineError> {
        self.by_key.get(key).ok_or_else(|| EngineError::ObjectNotFound(key.chars().take(60).collect()))
    }

    pub fn object_by_id(&self, id: u32) -> Option<&Arc<ObjectMeta>> {
        self.by_id.get(&id)
    }

    /// Key of an object by number; `removed` for one that is gone.
    pub fn key_of(&self, object: u32) -> &str {
        self.by_id.get(&object).map_or("removed", |o| o.def.key.as_str())
    }
}

impl ObjectMeta {
    fn new(def: Arc<ObjectDef>, schema: &Schema) -> ObjectMeta {
        let fields = || def.fields.iter();
        let of_kind = |kind: &str| fields().filter(|f| f.kind == kind).map(|f| f.id).collect::<Vec<u32>>();
        let links = fields()
            .filter(|f| points(f))
            .map(|f| LinkField { field: f.id, target: target_of(f).and_then(|key| schema.object(key)).map(|o| o.id) })
            .collect();
        let context = ReadContext::default();
        let defaults = fields()
            .filter(|f| !f.default.is_null())
            .filter_map(|f| Some((f.id, f.kind().read(f, &context, &f.default).ok()?)))
            .collect();
        ObjectMeta {
            by_id: fields().enumerate().map(|(at, f)| (f.id, at)).collect(),
            by_key: fields().enumerate().map(|(at, f)| (f.key.clone(), at)).collect(),
            unique: fields().filter(|f| f.unique).map(|f| f.id).collect(),
            auto_numbers: of_kind("auto_number"),
            computed: of_kind("computed"),
            belongs: fields().filter(|f| f.belongs() && points(f)).map(|f| f.id).collect(),
            links,
            defaults,
            def,
        }
    }

    pub fn field(&self, key: &str) -> Option<&FieldDef> {
        self.by_key.get(key).map(|at| &self.def.fields[*at])
    }

    pub fn field_by_id(&self, id: u32) -> Option<&FieldDef> {
        self.by_id.get(&id).map(|at| &self.def.fields[*at])
    }

    pub fn is_computed(&self, field: u32) -> bool {
        self.computed.contains(&field)
    }

    /// `field.not_found` with the nearest keys.
    pub fn unknown_field(&self, key: &str) -> EngineError {
        let shown: String = key.chars().take(60).collect();
        let near = self.def.fields.iter().filter(|f| !f.hidden).find(|f| {
            !key.is_empty() && (f.key.starts_with(key) || key.starts_with(&f.key) || f.label.eq_ignore_ascii_case(key))
        });
        let hint = near.map_or(String::new(), |f| format!("; did you mean '{}'?", f.key));
        EngineError::FieldNotFound { object: self.def.key.clone(), field: shown, hint }
    }
}

/// Whether values of the field are ids of records.
pub fn points(field: &FieldDef) -> bool {
    use kith_model::Column;
    matches!(field.kind().column(), Column::Link | Column::Links)
}

fn target_of(field: &FieldDef) -> Option<&str> {
    match (field.target.as_deref(), field.kind.as_str()) {
        (Some(target), _) => Some(target),
        (None, "user") => Some("users"),
        (None, "file") => Some("files"),
        (None, _) => None,
    }
}
