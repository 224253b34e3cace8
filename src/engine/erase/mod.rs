//! Erasing for good: records with everything that names them, out of journal, records, image, search and files. Previewed, confirmed,
//! audited, and carried to its end after a kill. Never touches text that merely mentions somebody: that is listed for a person to decide.

mod held;
mod mentions;
mod plan;
mod run;
mod work;

#[cfg(test)]
pub(crate) mod tests;

use kith_base::RecordId;
use serde::Serialize;

pub use held::Held;
pub use mentions::Mention;
pub use plan::{ErasePlan, Hanging};
pub use work::Given;
pub(crate) use work::Work;

use crate::{EngineError, Title};

/// Records that one erasure may take, what hangs on them included. Each erasure rebuilds the record store, so many at once are
/// better than many one by one; ids and notes must fit the head of one entry.
pub const RECORDS_MAX: usize = 10_000;

/// Records that one request may name.
pub const ROOTS_MAX: usize = 1_000;

/// Characters of a reason.
const REASON_CHARS_MAX: usize = 300;

/// Titles shown per group of a plan.
const SAMPLES: usize = 10;

/// What should be erased.
#[derive(Clone, Debug, Default)]
pub struct EraseRequest {
    pub object: String,
    pub ids: Vec<RecordId>,
    /// Objects whose records stay though they hang on what is erased; their links are cleared.
    pub keep: Vec<String>,
    /// Objects whose records go too, because they cannot be without what is erased.
    pub with: Vec<String>,
    /// Why, for the audit. No personal data.
    pub reason: String,
}

/// What was erased.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct EraseOutcome {
    /// The record of `erasures` that says so.
    pub erasure: Option<RecordId>,
    /// Number of the journal entry that says so.
    pub seq: Option<u64>,
    pub records: u64,
    pub files: u64,
    /// Links to what was erased that were cleared in other records.
    pub links: u64,
    /// Links that could not be cleared, because their records are not valid any more; they point at nothing.
    pub links_left: u64,
    /// Everything named had been erased before; nothing was done.
    pub already: bool,
}

/// Checks the words for the audit.
fn check_reason(reason: &str) -> Result<(), EngineError> {
    if reason.chars().count() > REASON_CHARS_MAX || reason.chars().any(char::is_control) {
        let said = format!("a reason has at most {REASON_CHARS_MAX} characters on one line");
        return Err(EngineError::Request(said));
    }
    Ok(())
}

fn titled(title: Title) -> serde_json::Value {
    serde_json::json!({ "id": title.id, "object": title.object, "title": title.title })
}
