//! What can go wrong, and what is wrong with a record.

use crate::bindings::host::kith::plugin::http::HttpError;
pub use crate::bindings::host::kith::plugin::types::{Error, Violation};

/// What plugin functions return.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Violation {
    /// Something wrong with one field. `code`: lower-case words joined by `_`, for programs; `message`: a sentence for the person who saves.
    pub fn on(field: impl Into<String>, code: impl Into<String>, message: impl Into<String>) -> Violation {
        Violation { field: Some(field.into()), code: code.into(), message: message.into() }
    }

    /// Something wrong with the record as a whole.
    pub fn new(code: impl Into<String>, message: impl Into<String>) -> Violation {
        Violation { field: None, code: code.into(), message: message.into() }
    }
}

impl Error {
    /// A failure that has no better name.
    pub fn other(message: impl Into<String>) -> Error {
        Error::Other(message.into())
    }

    /// Something that may work later.
    pub fn unavailable(message: impl Into<String>) -> Error {
        Error::Unavailable(message.into())
    }

    /// One sentence for people and logs.
    pub fn message(&self) -> String {
        match self {
            Error::NotFound => "it does not exist, or may not be read".into(),
            Error::Conflict(version) => format!("the record is at version {version} by now"),
            Error::Invalid(violations) => {
                let texts: Vec<&str> = violations.iter().map(|violation| violation.message.as_str()).collect();
                texts.join("; ")
            }
            Error::Denied(why) => format!("denied: {why}"),
            Error::Limit(what) => format!("a limit is used up: {what}"),
            Error::Unavailable(why) => format!("unavailable: {why}"),
            Error::Other(what) => what.clone(),
        }
    }

    /// Whether the same call may work later.
    pub fn is_temporary(&self) -> bool {
        matches!(self, Error::Unavailable(_) | Error::Limit(_) | Error::Conflict(_))
    }
}

impl From<Violation> for Error {
    fn from(violation: Violation) -> Error {
        Error::Invalid(vec![violation])
    }
}

impl From<Vec<Violation>> for Error {
    fn from(violations: Vec<Violation>) -> Error {
        Error::Invalid(violations)
    }
}

impl From<String> for Error {
    fn from(message: String) -> Error {
        Error::Other(message)
    }
}

impl From<&str> for Error {
    fn from(message: &str) -> Error {
        Error::Other(message.into())
    }
}

impl From<serde_json::Error> for Error {
    fn from(error: serde_json::Error) -> Error {
        Error::Other(error.to_string())
    }
}

impl From<HttpError> for Error {
    fn from(error: HttpError) -> Error {
        let what = match error {
            HttpError::Denied(why) => return Error::Denied(why),
            HttpError::Dns => "the host name is not known",
            HttpError::Connect => "no connection could be made",
            HttpError::Tls => "the connection could not be secured",
            HttpError::Timeout => "no answer came in time",
            HttpError::TooLarge => return Error::Limit("the answer has more than 8 MiB".into()),
            HttpError::Other(what) => return Error::Unavailable(what),
        };
        Error::Unavailable(what.into())
    }
}
