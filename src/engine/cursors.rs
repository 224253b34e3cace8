//! How far each reader of the journal has come. Kept by the store, beside the journal: a reader's position is no change of a record.

use crate::{Engine, EngineError};

impl Engine {
    /// The number noted under `name`; 0 when none was.
    ///
    /// # Errors
    /// When the store is closed or stopped.
    pub fn cursor(&self, name: &str) -> Result<u64, EngineError> {
        Ok(self.storage().cursor(name)?)
    }

    /// Notes how far the reader `name` has come. Durable on return.
    ///
    /// # Errors
    /// When the store cannot write.
    pub fn set_cursor(&self, name: &str, seq: u64) -> Result<(), EngineError> {
        Ok(self.storage().set_cursor(name, seq)?)
    }
}
