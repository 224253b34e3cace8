//! What is wrong with one field of one record, said so that a person can mend it.

use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Violation {
    /// Key of the field; none when the record as a whole is at fault.
    pub field: Option<String>,
    /// Stable, such as `required`, `not_unique`, `bad_email`.
    pub code: String,
    /// Names the field, what was found and what would be right.
    pub message: String,
}

impl Violation {
    pub fn new(field: &str, code: &str, message: impl Into<String>) -> Self {
        Violation { field: Some(field.to_string()), code: code.to_string(), message: message.into() }
    }
}
