//! What callers ask of the engine: commands, questions and their answers. Only shapes; nothing here decides.

use kith_base::RecordId;
use kith_model::{ReadContext, Value};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::Record;

/// One change that a caller wants. A list of them is one transaction.
#[derive(Clone, Debug)]
pub enum Command {
    /// `id`: chosen by the caller when other commands of the list link to it.
    Create { object: String, id: Option<RecordId>, values: Fields },
    /// `version`: refuse unless the record is at it. Without one, a concurrent change is merged field by field.
    Update { object: String, id: RecordId, version: Option<u64>, values: Fields },
    /// Into the trash.
    Delete { object: String, id: RecordId, version: Option<u64> },
    /// Out of the trash.
    Restore { object: String, id: RecordId },
}

impl Command {
    /// Key of the object whose record changes.
    pub fn object(&self) -> &str {
        match self {
            Command::Create { object, .. }
            | Command::Update { object, .. }
            | Command::Delete { object, .. }
            | Command::Restore { object, .. } => object,
        }
    }
}

/// Field values of a command, by field key. Null clears a field; fields not named stay as they are.
#[derive(Clone, Debug)]
pub enum Fields {
    /// As a client sent them.
    Json(serde_json::Map<String, Json>),
    /// Already read by a field kind (import, domain code); validated like the others.
    Parsed(Vec<(String, Value)>),
}

/// What set a change off; kept in the journal and shown in history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cause {
    /// `api`, `cli`, `import`, `action`, `seed`, …
    pub kind: String,
    /// Which one: the import's record id, the action's name; may be empty.
    pub id: String,
    /// How many automatic steps lie between a person and this change.
    pub depth: u8,
}

impl Cause {
    /// A cause set off by a person or a client directly.
    pub fn new(kind: &str) -> Cause {
        Cause { kind: kind.to_string(), id: String::new(), depth: 0 }
    }

    /// A cause that names which import, action, … it was.
    pub fn of(kind: &str, id: impl Into<String>) -> Cause {
        Cause { kind: kind.to_string(), id: id.into(), depth: 0 }
    }
}

impl Default for Cause {
    fn default() -> Self {
        Cause::new("api")
    }
}

/// A client's `Idempotency-Key` with a hash of the request it came with. Keys are per actor and kept for 24 hours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotencyKey {
    pub key: String,
    pub request: [u8; 32],
}

impl IdempotencyKey {
    /// `request`: method, path and body as sent; equal bytes mean the same request.
    pub fn new(key: impl Into<String>, request: &[u8]) -> Self {
        IdempotencyKey { key: key.into(), request: *blake3::hash(request).as_bytes() }
    }
}

/// How a transaction is committed.
#[derive(Clone, Debug, Default)]
pub struct CommitOptions {
    pub cause: Cause,
    pub idempotency: Option<IdempotencyKey>,
    /// Do everything but write: the records are returned as they would be.
    pub dry_run: bool,
    /// How to read local forms; the workspace's settings where none is given.
    pub context: Option<ReadContext>,
}

impl CommitOptions {
    pub fn caused_by(cause: Cause) -> Self {
        CommitOptions { cause, ..CommitOptions::default() }
    }
}

/// A list question. `filter` is CEL; `sort` holds field keys with true for descending.
#[derive(Clone, Debug)]
pub struct Query {
    pub object: String,
    pub filter: Option<String>,
    /// Words, as typed into a search box.
    pub q: Option<String>,
    pub sort: Vec<(String, bool)>,
    pub limit: usize,
    pub cursor: Option<String>,
    /// Only the trash instead of everything outside it.
    pub trashed: bool,
    pub total: bool,
}

impl Query {
    /// The first page of an object, newest first in no particular order asked for.
    pub fn of(object: &str) -> Query {
        Query {
            object: object.to_string(),
            filter: None,
            q: None,
            sort: Vec::new(),
            limit: kith_base::limits::PAGE_ROWS_DEFAULT,
            cursor: None,
            trashed: false,
            total: false,
        }
    }

    pub fn filter(mut self, cel: impl Into<String>) -> Query {
        self.filter = Some(cel.into());
        self
    }

    pub fn sort_by(mut self, field: &str, descending: bool) -> Query {
        self.sort.push((field.to_string(), descending));
        self
    }

    pub fn limit(mut self, rows: usize) -> Query {
        self.limit = rows;
        self
    }
}

/// One page of a list, masked by what the actor may see.
#[derive(Clone, Debug, Default)]
pub struct Page {
    pub records: Vec<Record>,
    pub next_cursor: Option<String>,
    /// Rows in all, when asked for.
    pub total: Option<u64>,
}

/// Counts and sums per value of one field: columns of a board, slices of a chart.
#[derive(Clone, Debug)]
pub struct GroupQuery {
    pub object: String,
    pub by: String,
    pub filter: Option<String>,
    pub q: Option<String>,
    /// A number or money field to add up.
    pub sum: Option<String>,
}

/// One group. `value` is an option key, a record id as text, another plain value, or null; `sum` is a number, a list of
/// amounts per currency, or null.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Group {
    pub value: Json,
    pub title: String,
    pub count: u64,
    pub sum: Json,
}

#[derive(Clone, Debug)]
pub struct SearchQuery {
    pub words: String,
    /// Keys of the objects to look in; empty: all that the actor may read.
    pub objects: Vec<String>,
    pub limit: usize,
}

/// One thing found, best first.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Hit {
    pub id: RecordId,
    pub object: String,
    pub title: String,
    pub subtitle: String,
    pub score: f32,
}

/// How a record is named where only its id is known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Title {
    pub id: RecordId,
    pub object: String,
    pub title: String,
    pub subtitle: String,
    /// The record is in the trash; its name still shows.
    pub trashed: bool,
}

/// Figures for `/metrics` and `kith doctor`.
#[derive(Clone, Debug, Default, Serialize)]
pub struct EngineMetrics {
    pub head: u64,
    /// Records outside the trash, per object key.
    pub records: Vec<(String, u64)>,
    pub commits: u64,
    /// Journal groups, each one sync; `commits / groups` is what group commit saves.
    pub groups: u64,
    pub refused: u64,
    pub queue: usize,
    pub image_bytes: u64,
    pub search_ready: bool,
}

/// A record that a new vault starts with. `id` is fixed, so that other seeds can link to it.
#[derive(Clone, Debug)]
pub struct Seed {
    pub id: RecordId,
    pub object: String,
    /// An object of field values, as a client would send them.
    pub values: Json,
}
