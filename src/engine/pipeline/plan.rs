//! One record's next version, and what follows from it: what differs, which unique values it takes, where it newly points.

use std::sync::Arc;

use kith_base::{RecordId, limits};
use kith_model::{Value, Values, Violation};

use super::head::ChangeKind;
use crate::{EngineError, Record, meta::ObjectMeta};

/// One record's next version.
pub(crate) struct Planned {
    /// Place of the command, for errors.
    pub index: usize,
    pub meta: Arc<ObjectMeta>,
    /// With its new version; `seq` still that of the version before.
    pub record: Record,
    pub before: Option<Record>,
    pub kind: ChangeKind,
    /// Numbers of the fields that differ from before.
    pub fields: Vec<u32>,
    /// Values of unique fields that this version takes anew.
    pub claims: Vec<Claim>,
    /// Records that this version newly points at.
    pub targets: Vec<Target>,
    /// Stored form; none while an auto-number is still to be given.
    pub encoded: Option<Vec<u8>>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Claim {
    pub object: u32,
    pub field: u32,
    pub key: String,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Target {
    pub field: u32,
    pub id: RecordId,
    /// Number of the object it must be of; none: any.
    pub object: Option<u32>,
}

impl Planned {
    /// Works out what differs from the version before the transaction.
    pub(super) fn describe(&mut self) {
        let (before, after) = (self.before.as_ref(), &self.record);
        self.kind = match before.map(|b| b.trashed) {
            None => ChangeKind::Created,
            Some(false) if after.trashed => ChangeKind::Deleted,
            Some(true) if !after.trashed => ChangeKind::Restored,
            Some(_) => ChangeKind::Updated,
        };
        self.fields = match before {
            None => Vec::new(),
            Some(before) => differing(&before.values, &after.values),
        };
        let fresh = |field: u32| match self.kind {
            ChangeKind::Created | ChangeKind::Restored => true,
            ChangeKind::Updated => self.fields.contains(&field),
            ChangeKind::Deleted | ChangeKind::Erased => false,
        };
        self.claims.clear();
        for id in self.meta.unique.iter().copied().filter(|id| fresh(*id)) {
            let (Some(field), value) = (self.meta.field_by_id(id), after.values.get(id)) else { continue };
            let claim = |key| Claim { object: after.object, field: id, key };
            self.claims.extend(field.kind().unique_keys(field, value).into_iter().map(claim));
        }
        self.targets.clear();
        // A restored record keeps the links it had, wherever their targets are now.
        let links =
            self.meta.links.iter().filter(|_| self.kind != ChangeKind::Restored).filter(|link| fresh(link.field));
        for link in links {
            let had = before.map_or(&Value::Null, |b| b.values.get(link.field));
            let target = |id: &RecordId| Target { field: link.field, id: *id, object: link.target };
            self.targets
                .extend(pointed(after.values.get(link.field)).filter(|id| !pointed(had).any(|h| h == *id)).map(target));
        }
    }

    /// The stored form, unless the writer still has to give a number.
    pub(super) fn finish(&mut self) -> Result<(), EngineError> {
        if self.kind == ChangeKind::Created && !self.meta.auto_numbers.is_empty() {
            return Ok(());
        }
        self.encoded = Some(encode(&self.record)?);
        Ok(())
    }
}

/// # Errors
/// `record.invalid` when the record is larger than the store takes.
pub(crate) fn encode(record: &Record) -> Result<Vec<u8>, EngineError> {
    let bytes = record.encode();
    if bytes.len() > limits::RECORD_BYTES_MAX {
        let said = format!(
            "the record has {} bytes and at most {} fit; put long content into attachments",
            bytes.len(),
            limits::RECORD_BYTES_MAX
        );
        return Err(EngineError::Invalid(vec![Violation { field: None, code: "too_large".into(), message: said }]));
    }
    Ok(bytes)
}

/// Ids a link value holds.
pub(crate) fn pointed(value: &Value) -> impl Iterator<Item = &RecordId> {
    match value {
        Value::Link(id) => std::slice::from_ref(id).iter(),
        Value::Links(ids) => ids.iter(),
        _ => [].iter(),
    }
}

/// Numbers of the fields in which two records differ, in order.
pub(crate) fn differing(before: &Values, after: &Values) -> Vec<u32> {
    let mut fields: Vec<u32> = before.iter().filter(|(id, value)| after.get(*id) != *value).map(|(id, _)| id).collect();
    fields.extend(after.iter().filter(|(id, _)| before.get(*id).is_null()).map(|(id, _)| id));
    fields.sort_unstable();
    fields
}
