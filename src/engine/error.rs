//! What can go wrong in the engine, each case with a stable code. Does not know HTTP: the server maps codes to status.

use kith_base::RecordId;
use kith_model::Violation;
use kith_store::{StoreError, VaultError};

use crate::{auth::Challenge, query::QueryError};

/// Every refusal of the engine. The message names the next step; `code` is stable.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    #[error("there is no object '{0}'; GET /api/v1/objects lists them")]
    ObjectNotFound(String),
    #[error("there is no record {id} in '{object}', or you may not see it")]
    RecordNotFound { object: String, id: RecordId },
    /// The record is there now, and its state of an earlier moment is not.
    #[error("{0}")]
    NotThen(String),
    #[error("'{object}' has no field '{field}'{hint}")]
    FieldNotFound { object: String, field: String, hint: String },
    #[error("'{object}' has no action '{action}'; GET /api/v1/objects/{object} lists its actions")]
    ActionNotFound { object: String, action: String },
    #[error("'{object}' has no condition '{condition}'; GET /api/v1/objects/{object} lists its conditions")]
    ConditionNotFound { object: String, condition: String },
    #[error("{0}; try again, or ask an administrator to look at the plugin")]
    ConditionFailed(String),
    #[error("{0}")]
    AccessDenied(String),
    #[error("sign in first")]
    AuthRequired,
    #[error("e-mail or password is wrong")]
    AuthWrong,
    /// The password was right.
    #[error("send a code of your authenticator app, or a recovery code, with the challenge")]
    SecondFactor(Box<Challenge>),
    #[error("the code is wrong or was used already; wait for the next one and try again")]
    AuthWrongCode,
    #[error("the challenge is over; sign in again with e-mail and password")]
    AuthChallengeOver,
    #[error("too many failed sign-ins; wait {seconds} s and try again")]
    SlowDown { seconds: u64 },
    #[error("{}", listed(.0))]
    Invalid(Vec<Violation>),
    #[error("{}", listed(.0))]
    NotUnique(Vec<Violation>),
    #[error("record {id} is at version {found}, not {expected}; read it again and repeat the change")]
    VersionConflict { id: RecordId, expected: u64, found: u64 },
    #[error("{0}")]
    Filter(String),
    #[error("the cursor does not belong to this query; start again without one")]
    Cursor,
    #[error("{0}")]
    Request(String),
    #[error("{0} operations in one batch; send at most {max} at a time", max = kith_base::limits::BATCH_OPS_MAX)]
    BatchTooLarge(usize),
    #[error("this Idempotency-Key was already used for a different request; use a new key")]
    IdempotencyMismatch,
    #[error("a request with this Idempotency-Key is still being done; wait a moment and send it again")]
    IdempotencyInProgress,
    /// A repeated request for a token.
    #[error(
        "this request was done before, and a token is shown only once; if the answer was lost, revoke token {0} and ask again with a new Idempotency-Key"
    )]
    ShownOnce(RecordId),
    #[error("{}", listed(.0))]
    SchemaInvalid(Vec<Violation>),
    #[error("{0}")]
    SchemaConflict(String),
    #[error("{0}")]
    EraseUnconfirmed(String),
    #[error("{0}")]
    EraseBlocked(String),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Vault(#[from] VaultError),
    #[error("the engine is closing; try again in a moment")]
    Closing,
    #[error("{0}")]
    Internal(String),
    /// One operation of a batch; nothing of the batch was done.
    #[error("operation {index}: {error}")]
    At { index: usize, error: Box<EngineError> },
}

impl EngineError {
    /// Stable name of the case, such as `record.not_found`.
    pub fn code(&self) -> &'static str {
        match self {
            EngineError::ObjectNotFound(_) => "object.not_found",
            EngineError::RecordNotFound { .. } => "record.not_found",
            EngineError::NotThen(_) => "record.not_then",
            EngineError::FieldNotFound { .. } => "field.not_found",
            EngineError::ActionNotFound { .. } => "action.not_found",
            EngineError::ConditionNotFound { .. } => "condition.not_found",
            EngineError::ConditionFailed(_) => "condition.failed",
            EngineError::AccessDenied(_) => "access.denied",
            EngineError::AuthRequired => "auth.required",
            EngineError::AuthWrong => "auth.wrong",
            EngineError::SecondFactor(_) => "auth.second_factor",
            EngineError::AuthWrongCode => "auth.wrong_code",
            EngineError::AuthChallengeOver => "auth.challenge_over",
            EngineError::SlowDown { .. } => "auth.slow_down",
            EngineError::Invalid(_) => "record.invalid",
            EngineError::NotUnique(_) => "record.not_unique",
            EngineError::VersionConflict { .. } => "record.version_conflict",
            EngineError::Filter(_) => "filter.invalid",
            EngineError::Cursor => "cursor.invalid",
            EngineError::Request(_) => "request.invalid",
            EngineError::BatchTooLarge(_) => "batch.too_large",
            EngineError::IdempotencyMismatch => "idempotency.mismatch",
            EngineError::IdempotencyInProgress => "idempotency.in_progress",
            EngineError::ShownOnce(_) => "idempotency.shown_once",
            EngineError::SchemaInvalid(_) => "schema.invalid",
            EngineError::SchemaConflict(_) => "schema.conflict",
            EngineError::EraseUnconfirmed(_) => "erase.unconfirmed",
            EngineError::EraseBlocked(_) => "erase.blocked",
            EngineError::Store(error) => error.code(),
            EngineError::Vault(error) => error.code(),
            EngineError::Closing => "store.closing",
            EngineError::Internal(_) => "internal",
            EngineError::At { error, .. } => error.code(),
        }
    }

    /// What is wrong field by field; empty for errors that are not about fields.
    pub fn violations(&self) -> &[Violation] {
        match self {
            EngineError::Invalid(list) | EngineError::NotUnique(list) | EngineError::SchemaInvalid(list) => list,
            EngineError::At { error, .. } => error.violations(),
            _ => &[],
        }
    }

    /// Place of the failing operation in its batch.
    pub fn index(&self) -> Option<usize> {
        match self {
            EngineError::At { index, .. } => Some(*index),
            _ => None,
        }
    }

    /// The same error, said of one operation of a batch.
    pub fn at(self, index: usize) -> EngineError {
        match self {
            EngineError::At { .. } => self,
            error => EngineError::At { index, error: Box::new(error) },
        }
    }

    /// The error without the batch place it may carry.
    pub fn root(&self) -> &EngineError {
        match self {
            EngineError::At { error, .. } => error.root(),
            error => error,
        }
    }

    /// One violation as an error.
    pub fn invalid(field: &str, code: &str, message: impl Into<String>) -> EngineError {
        EngineError::Invalid(vec![Violation::new(field, code, message)])
    }
}

impl From<QueryError> for EngineError {
    fn from(error: QueryError) -> Self {
        match error {
            QueryError::UnknownObject(number) => EngineError::ObjectNotFound(number.to_string()),
            QueryError::UnknownField { object, field, nearest } => {
                let hint = nearest.map_or(String::new(), |key| format!("; did you mean '{key}'?"));
                EngineError::FieldNotFound { object, field, hint }
            }
            QueryError::BadCursor => EngineError::Cursor,
            QueryError::BadFilter(said) => EngineError::Filter(said),
            refused @ (QueryError::NotSortable(_) | QueryError::NotSummable(_)) => {
                EngineError::Request(refused.to_string())
            }
        }
    }
}

fn listed(violations: &[Violation]) -> String {
    let said: Vec<&str> = violations.iter().take(5).map(|v| v.message.as_str()).collect();
    let more = violations.len().saturating_sub(said.len());
    if more == 0 { said.join("; ") } else { format!("{}; and {more} more", said.join("; ")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_error_keeps_the_code_and_fields_of_its_cause() {
        let error = EngineError::invalid("email", "bad_email", "'x' is not an e-mail").at(7);
        assert_eq!((error.code(), error.index()), ("record.invalid", Some(7)));
        assert_eq!(error.violations()[0].field.as_deref(), Some("email"));
        assert_eq!(error.at(3).index(), Some(7), "the first place stays");
    }
}
