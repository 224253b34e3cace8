//! Work on a schedule, or put off with `outbox::run_later`.

use serde::de::DeserializeOwned;

pub use crate::bindings::jobs::exports::kith::plugin::jobs::Progress;
use crate::{Error, Result};

/// One slice of a job: at most 30 seconds. What takes longer returns [`Progress::more`] and is called again with that cursor.
#[derive(Clone, Debug)]
pub struct Job {
    pub name: String,
    /// JSON given to `run_later`; empty when the schedule called.
    pub input: String,
    /// Where the slice before ended.
    pub cursor: Option<String>,
}

impl Job {
    pub fn input<T: DeserializeOwned>(&self) -> Result<T> {
        serde_json::from_str(&self.input)
            .map_err(|error| Error::Other(format!("the input of '{}' does not fit: {error}", self.name)))
    }
}

impl Progress {
    /// Done; the note is a sentence for the admin.
    pub fn done(note: impl Into<String>) -> Progress {
        Progress { cursor: None, done: true, note: note.into() }
    }

    /// Not done yet: the next slice goes on from the cursor.
    pub fn more(cursor: impl Into<String>, note: impl Into<String>) -> Progress {
        Progress { cursor: Some(cursor.into()), done: false, note: note.into() }
    }
}

impl From<()> for Progress {
    fn from((): ()) -> Progress {
        Progress::done("")
    }
}

impl From<String> for Progress {
    fn from(note: String) -> Progress {
        Progress::done(note)
    }
}
