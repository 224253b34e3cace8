//! A rule that could not run is refused where it is made, not at night.

use std::sync::Arc;

use kith_model::Violation;

use super::rule::Rule;
use crate::{
    Record,
    meta::Meta,
    pipeline::hooks::{DomainHook, Draft, HookContext},
    record::SYSTEM_ID,
};

/// The hook of `retention_rules`.
pub(crate) fn hook() -> Arc<dyn DomainHook> {
    Arc::new(Rules)
}

struct Rules;

impl DomainHook for Rules {
    fn object(&self) -> &str {
        "retention_rules"
    }

    fn before_save(&self, context: &HookContext<'_>, draft: &mut Draft<'_>) -> Result<(), Vec<Violation>> {
        // Incomplete drafts are refused by the fields themselves.
        if ["object", "action", "days"].iter().any(|key| draft.get(key).is_null()) {
            return Ok(());
        }
        let meta = Meta::new(Arc::new(context.schema.clone()), 0);
        let record = Record {
            id: draft.id,
            object: draft.object.id,
            version: 0,
            seq: 0,
            created_at: 0,
            updated_at: 0,
            created_by: SYSTEM_ID,
            updated_by: SYSTEM_ID,
            trashed: false,
            values: draft.values.clone(),
        };
        Rule::of(&meta, &record).map(drop)
    }
}
