//! Where the domain and plugins take part in a change before it is validated. A hook may amend the draft or refuse it; it
//! cannot write anything else.

use kith_base::{RecordId, TimestampMs};
use kith_model::{ObjectDef, ReadContext, Schema, Value, Values, Violation};

use crate::{Actor, Cause, Record};

/// A rule of one object, run on every create and update of its records.
pub trait DomainHook: Send + Sync {
    /// Key of the object; `*` for all.
    fn object(&self) -> &str;

    /// Whether it has a say about this object now. A hook that may take long says no wherever it can, since those saves are prepared elsewhere.
    fn concerns(&self, object: &str) -> bool {
        self.object() == object || self.object() == "*"
    }

    /// Amends or refuses a draft. Runs again when the record changed meanwhile, so it must not have effects of its own.
    ///
    /// # Errors
    /// What is wrong, field by field.
    fn before_save(&self, context: &HookContext<'_>, draft: &mut Draft<'_>) -> Result<(), Vec<Violation>>;

    /// Refuses that a record goes into the trash.
    ///
    /// # Errors
    /// Why it has to stay.
    fn before_delete(
        &self,
        _context: &HookContext<'_>,
        _object: &ObjectDef,
        _record: &Record,
    ) -> Result<(), Vec<Violation>> {
        Ok(())
    }
}

/// What a hook may look at besides the draft.
pub struct HookContext<'a> {
    /// Records as the transaction sees them: its own earlier changes included.
    pub records: &'a dyn RecordReader,
    pub schema: &'a Schema,
    pub actor: &'a Actor,
    /// What set the change off.
    pub cause: &'a Cause,
    pub now_ms: TimestampMs,
    /// The workspace's country, currency and time zone.
    pub read_context: &'a ReadContext,
}

/// Reading by id and by indexed value, without access rules: hooks speak for the domain, not for the actor.
pub trait RecordReader {
    fn get(&self, id: RecordId) -> Option<Record>;

    /// Records outside the trash whose field has this value, compared as uniqueness compares (folded text).
    fn find_by(&self, object: &str, field: &str, key: &str) -> Vec<RecordId>;
}

/// A record about to be saved.
pub struct Draft<'a> {
    pub id: RecordId,
    pub object: &'a ObjectDef,
    /// None: it is being created.
    pub before: Option<&'a Record>,
    /// What it will hold.
    pub values: Values,
}

impl Draft<'_> {
    /// The value of a field by key; null for unknown ones.
    pub fn get(&self, field: &str) -> &Value {
        static NULL: Value = Value::Null;
        self.object.field(field).map_or(&NULL, |f| self.values.get(f.id))
    }

    /// The value before this change; null when created.
    pub fn before(&self, field: &str) -> &Value {
        static NULL: Value = Value::Null;
        match (self.before, self.object.field(field)) {
            (Some(record), Some(f)) => record.values.get(f.id),
            _ => &NULL,
        }
    }

    /// Sets a field by key; unknown keys are ignored, so that a domain rule survives an admin's removal of a field.
    pub fn set(&mut self, field: &str, value: Value) {
        if let Some(f) = self.object.field(field) {
            self.values.set(f.id, value);
        }
    }

    pub fn is_new(&self) -> bool {
        self.before.is_none()
    }

    /// Whether this save changes the field.
    pub fn changed(&self, field: &str) -> bool {
        self.get(field) != self.before(field)
    }

    pub fn text(&self, field: &str) -> Option<&str> {
        match self.get(field) {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    pub fn link(&self, field: &str) -> Option<RecordId> {
        match self.get(field) {
            Value::Link(id) => Some(*id),
            _ => None,
        }
    }
}
