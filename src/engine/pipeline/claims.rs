//! Unique values under concurrency: only the writer decides, against the image, the transaction and the group so far.

use std::collections::HashMap;

use kith_base::RecordId;
use kith_model::Violation;

use super::{
    plan::{Claim, Planned},
    prepare::{Prepared, placed},
};
use crate::{EngineError, engine::Core};

/// Holds the values of unique fields against the image, the transaction itself and those that `claimed` knows.
///
/// # Errors
/// `record.not_unique`.
pub(crate) fn check_claims(
    core: &Core,
    prepared: &Prepared,
    claimed: &dyn Fn(&Claim) -> Option<RecordId>,
) -> Result<(), EngineError> {
    let mut taken: HashMap<&Claim, RecordId> = HashMap::new();
    for planned in &prepared.changes {
        for claim in &planned.claims {
            let id = planned.record.id;
            let twice = taken.insert(claim, id).or_else(|| claimed(claim)).is_some_and(|other| other != id);
            if twice || holder(core, prepared, claim, id).is_some() {
                return Err(placed(not_unique(planned, claim), planned.index, prepared.results.len()));
            }
        }
    }
    Ok(())
}

fn not_unique(planned: &Planned, claim: &Claim) -> EngineError {
    let field = planned.meta.field_by_id(claim.field);
    let key = field.map_or("", |f| f.key.as_str());
    let shown: String = claim.key.chars().take(80).collect();
    let said = format!("another record of '{}' has '{shown}' in '{key}'; it must be unique", planned.meta.def.key);
    EngineError::NotUnique(vec![Violation::new(key, "not_unique", said)])
}

/// A record outside the transaction and outside the trash that has this value.
fn holder(core: &Core, prepared: &Prepared, claim: &Claim, id: RecordId) -> Option<RecordId> {
    let others = core.image.lookup(claim.object, claim.field, &claim.key);
    others.into_iter().find(|other| {
        *other != id
            && core.image.meta(*other).is_some_and(|meta| !meta.trashed)
            && prepared.changes.iter().find(|p| p.record.id == *other).is_none_or(|p| p.still_holds(claim))
    })
}

impl Planned {
    /// Whether this new version has the value that another record claims.
    fn still_holds(&self, claim: &Claim) -> bool {
        !self.record.trashed
            && self.meta.field_by_id(claim.field).is_some_and(|field| {
                field.kind().unique_keys(field, self.record.values.get(claim.field)).contains(&claim.key)
            })
    }
}
