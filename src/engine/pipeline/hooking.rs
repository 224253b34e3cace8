//! Runs the hooks on a draft, and shows them records as the transaction sees them. Knows no rule itself.

use std::sync::Arc;

use kith_base::RecordId;
use kith_model::{Value, Values};

use super::{
    hooks::{Draft, HookContext, RecordReader},
    plan::Planned,
    prepare::Drafting,
};
use crate::{EngineError, Record, meta::ObjectMeta};

impl Drafting<'_> {
    /// The values after all hooks of the object.
    pub(super) fn hook(
        &self,
        meta: &Arc<ObjectMeta>,
        id: RecordId,
        before: Option<&Record>,
        values: Values,
    ) -> Result<Values, EngineError> {
        let late = self.core.late_hooks.read().clone();
        let mut hooks = self.core.hooks.iter().chain(&late).filter(|h| h.concerns(&meta.def.key));
        let Some(first) = hooks.next() else { return Ok(values) };
        let context = self.hook_context();
        let mut draft = Draft { id, object: &meta.def, before, values };
        for hook in std::iter::once(first).chain(hooks) {
            hook.before_save(&context, &mut draft).map_err(EngineError::Invalid)?;
        }
        for field in &meta.computed {
            draft.values.set(*field, Value::Null);
        }
        Ok(draft.values)
    }

    /// Lets the hooks of the object refuse that the record goes into the trash.
    pub(super) fn hook_delete(&self, meta: &Arc<ObjectMeta>, record: &Record) -> Result<(), EngineError> {
        let late = self.core.late_hooks.read().clone();
        let context = self.hook_context();
        for hook in self.core.hooks.iter().chain(&late).filter(|h| h.concerns(&meta.def.key)) {
            hook.before_delete(&context, &meta.def, record).map_err(EngineError::Invalid)?;
        }
        Ok(())
    }

    fn hook_context(&self) -> HookContext<'_> {
        HookContext {
            records: self,
            schema: &self.meta.schema,
            actor: self.actor,
            cause: self.cause,
            now_ms: self.now_ms,
            read_context: self.context,
        }
    }
}

impl RecordReader for Drafting<'_> {
    fn get(&self, id: RecordId) -> Option<Record> {
        self.current(id)
    }

    fn find_by(&self, object: &str, field: &str, key: &str) -> Vec<RecordId> {
        let Ok(meta) = self.meta.object(object) else { return Vec::new() };
        let Some(field) = meta.field(field) else { return Vec::new() };
        let mut found = self.core.image.lookup(meta.def.id, field.id, key);
        found.retain(|id| !self.by_id.contains_key(id) && self.core.image.meta(*id).is_some_and(|m| !m.trashed));
        let holds = |p: &&Planned| {
            p.record.object == meta.def.id
                && !p.record.trashed
                && field.kind().unique_keys(field, p.record.values.get(field.id)).iter().any(|k| k == key)
        };
        found.extend(self.planned.iter().filter(holds).map(|p| p.record.id));
        found
    }
}
