//! Retention: rules that move old records to the trash, empty the trash for good, or anonymise fields together with their history. Runs daily
//! or by hand, previewed, audited, and never touches more than a rule says without a confirmation.

mod due;
mod hook;
mod rule;
mod run;

#[cfg(test)]
mod tests;

use kith_base::RecordId;
use serde::Serialize;
use serde_json::Value as Json;

pub(crate) use hook::hook;

/// Records that one run of a rule touches at most; the next run goes on.
const RUN_RECORDS_MAX: usize = 10_000;

/// Titles shown of each object.
const SAMPLES: usize = 10;

/// What a rule would do with one object.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct RetentionPreview {
    /// None for a rule that is not saved.
    pub rule: Option<RecordId>,
    pub name: String,
    pub object: String,
    pub action: String,
    /// Records it would touch.
    pub count: usize,
    /// Records of the object, the trash included.
    pub of: usize,
    /// Whether that is within what the rule may touch without a confirmation.
    pub within: bool,
    /// The first of them that the actor may read.
    pub samples: Vec<Json>,
}

/// What a run of a rule did.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RetentionRun {
    pub rule: RecordId,
    pub name: String,
    /// `done`, `held` (more than the rule may touch; nothing was done with that object) or `failed`.
    pub state: String,
    /// Records moved, erased or anonymised.
    pub count: u64,
    /// Records left alone because something needs them or they are not valid.
    pub skipped: u64,
    pub message: String,
}
