//! What can go wrong with a file as a whole, as situations with a next step. What is wrong with one row is a `Problem`, no error.

use kith_engine::EngineError;

/// Errors of import and export. `code()` is stable.
#[derive(Debug, thiserror::Error)]
pub enum ExchangeError {
    #[error("the file is empty; choose one with a row of headers and at least one row of data")]
    Empty,
    #[error("the file holds no table, no vCards and no JSON Lines ({0}); save it as CSV and try again")]
    NotUnderstood(String),
    #[error("'{0}' is not an encoding; use one such as utf-8, utf-16le or windows-1252")]
    UnknownEncoding(String),
    #[error("'{0}' is not a delimiter; use one of , ; | or tab")]
    UnknownDelimiter(String),
    #[error("the file has {found} columns; at most {max} are read")]
    TooManyColumns { found: usize, max: usize },
    #[error("it is not clear what the rows are; choose an object such as people, companies or deals")]
    ObjectUnclear,
    #[error("records of '{0}' cannot be imported; choose an object such as people, companies or deals")]
    NotImportable(String),
    #[error(
        "no column of the file fits a field of '{object}'; the columns are {columns}; say which is which in 'mapping'"
    )]
    NothingMapped { object: String, columns: String },
    #[error("the mapping names column '{0}', which the file does not have; its columns are {1}")]
    UnknownColumn(String, String),
    #[error("the mapping of column '{column}' names '{field}', which {reason}")]
    BadTarget { column: String, field: String, reason: String },
    #[error("{0}")]
    BadOption(String),
    #[error("there is no such import; GET /api/v1/records/imports lists them")]
    NotFound,
    #[error("this import is {0}; {1}")]
    Conflict(String, &'static str),
    #[error("'{0}' is not a format to export to; use csv, jsonl or vcard")]
    UnknownFormat(String),
    #[error("only people can be written as vCards; use csv or jsonl for '{0}'")]
    NoCards(String),
    #[error("the export could not be written: {0}")]
    Output(#[from] std::io::Error),
    #[error(transparent)]
    Engine(#[from] EngineError),
}

impl ExchangeError {
    /// A stable name for programs.
    pub fn code(&self) -> &'static str {
        match self {
            ExchangeError::Empty => "import.empty",
            ExchangeError::NotUnderstood(_) => "import.not_understood",
            ExchangeError::UnknownEncoding(_) => "import.unknown_encoding",
            ExchangeError::UnknownDelimiter(_) => "import.unknown_delimiter",
            ExchangeError::TooManyColumns { .. } => "import.too_many_columns",
            ExchangeError::ObjectUnclear => "import.object_unclear",
            ExchangeError::NotImportable(_) => "import.not_importable",
            ExchangeError::NothingMapped { .. } => "import.nothing_mapped",
            ExchangeError::UnknownColumn(..) => "import.unknown_column",
            ExchangeError::BadTarget { .. } => "import.bad_target",
            ExchangeError::BadOption(_) => "import.bad_option",
            ExchangeError::NotFound => "import.not_found",
            ExchangeError::Conflict(..) => "import.conflict",
            ExchangeError::UnknownFormat(_) => "export.unknown_format",
            ExchangeError::NoCards(_) => "export.no_cards",
            ExchangeError::Output(_) => "export.output",
            ExchangeError::Engine(error) => error.code(),
        }
    }
}
