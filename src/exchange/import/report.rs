//! What an import says: the preview, the counts, the problems. Shapes only; they are the JSON of the API.

use kith_base::RecordId;
use kith_model::ReadContext;
use serde::Serialize;
use serde_json::Value as Json;

use crate::read::Format;

/// Something that did not fit, in one cell or one row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// Header of the column; empty: the row as a whole.
    pub column: String,
    pub message: String,
}

impl Problem {
    pub fn new(column: &str, message: impl Into<String>) -> Problem {
        Problem { column: column.to_string(), message: message.into() }
    }
}

/// The same remark about many rows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Notice {
    pub column: String,
    pub message: String,
    pub rows: u64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    pub create: u64,
    pub update: u64,
    /// Duplicates left alone, and rows that would change nothing.
    pub skip: u64,
    pub refuse: u64,
    /// Cells that could not be read and were left out.
    pub warnings: u64,
    /// Companies, people, stages … made because rows name them.
    pub links_created: u64,
}

/// One column and where it goes.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ColumnView {
    pub header: String,
    pub samples: Vec<String>,
    /// Rows in which it holds something.
    pub filled: u64,
    /// None: it is left out.
    pub field: Option<String>,
    pub label: String,
    pub confidence: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum RowAction {
    Create,
    Update,
    Skip,
    Refuse,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PreviewRow {
    /// Line of the file.
    pub row: u64,
    pub action: RowAction,
    /// As the API shows values; links by the text that names their record.
    pub values: Json,
    pub problems: Vec<Problem>,
}

/// How local forms were read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Reading {
    pub country: String,
    pub currency: String,
    pub day_first: bool,
    pub decimal_comma: bool,
    pub time_zone: String,
}

impl From<&ReadContext> for Reading {
    fn from(context: &ReadContext) -> Self {
        Reading {
            country: context.country.clone(),
            currency: context.currency.clone(),
            day_first: context.day_first,
            decimal_comma: context.decimal_comma,
            time_zone: context.time_zone.clone(),
        }
    }
}

/// The answer of a dry run.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Inspection {
    pub object: String,
    pub format: Format,
    pub encoding: &'static str,
    pub delimiter: Option<char>,
    pub rows: u64,
    pub columns: Vec<ColumnView>,
    pub preview: Vec<PreviewRow>,
    pub counts: Counts,
    pub reading: Reading,
    pub notices: Vec<Notice>,
}

/// How far an import is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Progress {
    pub done: u64,
    pub rows: u64,
}

/// The outcome of an import.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ImportReport {
    pub id: RecordId,
    pub object: String,
    pub rows: u64,
    pub created: u64,
    pub updated: u64,
    pub skipped: u64,
    pub refused: u64,
    pub warnings: u64,
    pub links_created: u64,
    pub notices: Vec<Notice>,
    /// The first problems; all of them are in the file of refused rows.
    pub problems: Vec<PreviewRow>,
}

/// The outcome of undoing one.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct UndoReport {
    /// Created records that are in the trash now.
    pub removed: u64,
    /// Updated records that have their values of before again.
    pub reverted: u64,
    /// Records changed by somebody since: left as they are, wholly or in the fields changed since.
    pub kept: u64,
    /// The first of them.
    pub kept_ids: Vec<RecordId>,
}
