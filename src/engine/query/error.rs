//! Why a question cannot be answered.

/// The question is at fault; each message says what would be right.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QueryError {
    #[error("there is no object with the number {0}")]
    UnknownObject(u32),
    #[error("object '{object}' has no field '{field}'{}", hint(.nearest))]
    UnknownField { object: String, field: String, nearest: Option<String> },
    #[error("lists cannot be sorted by '{0}'; choose a field whose schema says sortable")]
    NotSortable(String),
    #[error("field '{0}' cannot be added up; choose a number or an amount of money")]
    NotSummable(String),
    #[error("the cursor does not belong to this list; leave it out to start from the first page")]
    BadCursor,
    #[error("{0}")]
    BadFilter(String),
}

impl QueryError {
    /// Stable code, as the API shows it.
    pub fn code(&self) -> &'static str {
        match self {
            QueryError::UnknownObject(_) => "object.not_found",
            QueryError::UnknownField { .. } => "field.not_found",
            QueryError::NotSortable(_) | QueryError::NotSummable(_) => "request.invalid",
            QueryError::BadCursor => "cursor.invalid",
            QueryError::BadFilter(_) => "filter.invalid",
        }
    }
}

fn hint(nearest: &Option<String>) -> String {
    nearest.as_ref().map(|key| format!("; did you mean '{key}'?")).unwrap_or_default()
}
