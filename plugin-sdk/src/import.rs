//! Rows out of files that Kith cannot read itself.

pub use crate::bindings::importer::exports::kith::plugin::importer::{Chunk, Row};
use crate::{Error, Field, Result, blobs};

/// Rows given at once; the host takes no more.
const ROWS: usize = 500;

/// The file to read from, and where the chunk before ended.
#[derive(Clone, Debug)]
pub struct Source {
    /// Id of the file, for `blobs`.
    pub id: String,
    pub cursor: Option<String>,
}

impl Source {
    pub fn info(&self) -> Result<blobs::Info> {
        blobs::stat(&self.id)
    }

    /// The whole file.
    pub fn content(&self) -> Result<Vec<u8>> {
        blobs::read_all(&self.id)
    }

    /// The chunk that is due, of all rows of the file: for files that fit into memory. The cursor counts rows.
    pub fn chunk(&self, rows: Vec<Row>) -> Result<Chunk> {
        let from: usize = match &self.cursor {
            None => 0,
            Some(cursor) => {
                cursor.parse().map_err(|_| Error::Other(format!("'{cursor}' is no cursor of this file")))?
            }
        };
        let left = rows.len().saturating_sub(from);
        let next = (left > ROWS).then(|| (from + ROWS).to_string());
        Ok(Chunk { rows: rows.into_iter().skip(from).take(ROWS).collect(), next })
    }
}

impl Row {
    /// `key` names the row in messages and makes a second import of the same file update it.
    pub fn new(key: impl Into<String>, object: &str, fields: Vec<Field>) -> Row {
        Row { key: key.into(), object: object.into(), fields }
    }
}
