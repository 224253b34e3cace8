//! A say in saves (`before_save`) and hearing of them (`after_commit`).

pub use crate::bindings::after_commit::exports::kith::plugin::after_commit::{Event, Outcome};
pub use crate::bindings::before_save::exports::kith::plugin::before_save::{Change, Kind, Verdict};
use crate::{Error, Field, Record, Value, Violation, log};

static NOTHING: Value = Value::Null;

impl Change {
    pub fn is_create(&self) -> bool {
        self.kind == Kind::Create
    }

    pub fn is_delete(&self) -> bool {
        self.kind == Kind::Delete
    }

    /// A field as it will be; `Value::Null` when the record is deleted.
    pub fn get(&self, field: &str) -> &Value {
        self.after.as_ref().map_or(&NOTHING, |record| record.get(field))
    }

    /// A text as it will be.
    pub fn text(&self, field: &str) -> Option<&str> {
        self.after.as_ref()?.text(field)
    }

    /// Whether this save changes the field. Everything of a new record counts as changed.
    pub fn changed(&self, field: &str) -> bool {
        match (&self.before, &self.after) {
            (Some(before), Some(after)) => before.get(field) != after.get(field),
            (None, Some(after)) => !after.get(field).is_null(),
            _ => false,
        }
    }

    /// The id of the record; none while it is created.
    pub fn id(&self) -> Option<&str> {
        let record = self.before.as_ref().or(self.after.as_ref())?;
        Some(record.id.as_str()).filter(|id| !id.is_empty())
    }
}

impl Verdict {
    /// Changes one field before it is saved.
    pub fn set(field: &str, value: impl Into<Value>) -> Verdict {
        Verdict::Amend(vec![Field::new(field, value)])
    }
}

/// What a `before_save` function may return: nothing, a [`Verdict`], fields to amend, or a `Result` of these. Violations in an error
/// refuse the save; any other error fails the call, and the manifest's `on-failure` decides.
pub trait IntoVerdict {
    fn into_verdict(self) -> Verdict;
}

impl IntoVerdict for Verdict {
    fn into_verdict(self) -> Verdict {
        self
    }
}

impl IntoVerdict for () {
    fn into_verdict(self) -> Verdict {
        Verdict::Accept
    }
}

impl IntoVerdict for Vec<Field> {
    fn into_verdict(self) -> Verdict {
        if self.is_empty() { Verdict::Accept } else { Verdict::Amend(self) }
    }
}

impl IntoVerdict for Vec<Violation> {
    fn into_verdict(self) -> Verdict {
        if self.is_empty() { Verdict::Accept } else { Verdict::Reject(self) }
    }
}

impl<T: IntoVerdict, E: Into<Error>> IntoVerdict for Result<T, E> {
    fn into_verdict(self) -> Verdict {
        match self.map_err(Into::into) {
            Ok(verdict) => verdict.into_verdict(),
            Err(Error::Invalid(violations)) => Verdict::Reject(violations),
            // There is no verdict for it, and accepting would be a guess: the call fails, the host does as the manifest says.
            Err(error) => panic!("before-save failed: {}", error.message()),
        }
    }
}

impl Event {
    /// The record as it is after the change, or as it was if it was deleted.
    pub fn record(&self) -> Option<&Record> {
        self.after.as_ref().or(self.before.as_ref())
    }

    /// The object the record belongs to.
    pub fn object(&self) -> &str {
        self.record().map_or("", |record| &record.object)
    }

    /// Whether the change touched the field.
    pub fn changed(&self, field: &str) -> bool {
        let value = |record: &Option<Record>| record.as_ref().map(|record| record.get(field).clone());
        value(&self.before).unwrap_or(Value::Null) != value(&self.after).unwrap_or(Value::Null)
    }

    /// Whether the field came to have this text by the change.
    pub fn became(&self, field: &str, text: &str) -> bool {
        self.changed(field) && self.after.as_ref().and_then(|record| record.text(field)) == Some(text)
    }
}

/// What an `after_commit` function may return: nothing, an [`Outcome`], or a `Result` of these. Errors that may pass are tried again,
/// others end in the list of failures.
pub trait IntoOutcome {
    fn into_outcome(self) -> Outcome;
}

impl IntoOutcome for Outcome {
    fn into_outcome(self) -> Outcome {
        self
    }
}

impl IntoOutcome for () {
    fn into_outcome(self) -> Outcome {
        Outcome::Done
    }
}

impl<T: IntoOutcome, E: Into<Error>> IntoOutcome for Result<T, E> {
    fn into_outcome(self) -> Outcome {
        match self.map_err(Into::into) {
            Ok(outcome) => outcome.into_outcome(),
            Err(error) if error.is_temporary() => {
                log::warn(&format!("the event is tried again: {}", error.message()));
                Outcome::Retry(back_off_s(crate::attempt()))
            }
            Err(error) => Outcome::Drop(error.message()),
        }
    }
}

/// 5 s, 30 s, 2 m, 10 m, then 1 h.
fn back_off_s(attempt: u32) -> u32 {
    [5, 30, 120, 600].get(attempt.saturating_sub(1) as usize).copied().unwrap_or(3_600)
}
