//! The registry of conditions: named questions about records, for workflows and programs. Knows no condition itself: the layers above bring theirs.

use std::sync::Arc;

use kith_base::RecordId;
use kith_model::Schema;
use parking_lot::RwLock;
use serde_json::Value as Json;

use crate::{Actor, Engine, EngineError, Record, actions::check_input, pipeline::prepare::placed};

/// Records asked about at a time.
pub const ROWS_MAX: usize = 500;

/// A question that a record answers with yes or no.
pub trait Condition: Send + Sync {
    /// Lower-case words joined by `_`, unique within the object.
    fn name(&self) -> &str;

    /// Key of the object whose records it is about.
    fn object(&self) -> &str;

    fn label(&self) -> &str;

    /// JSON Schema of its parameters: an object with `properties` and `required`.
    fn input(&self, schema: &Schema) -> Json;

    /// One answer per row, in their order. Parameters are already checked, and the rows are those that the actor may read.
    ///
    /// # Errors
    /// Whatever keeps it from answering.
    fn test(&self, context: &ConditionContext<'_>, rows: &[Record], params: &Json) -> Result<Vec<bool>, EngineError>;
}

/// Who asks.
pub struct ConditionContext<'a> {
    pub engine: &'a Engine,
    pub actor: &'a Actor,
}

/// Conditions that may come and go while running.
pub trait ConditionSource: Send + Sync {
    /// Those about one object at this moment.
    fn of(&self, object: &str) -> Vec<Arc<dyn Condition>>;
}

/// All sources.
#[derive(Default)]
pub(crate) struct Conditions(RwLock<Vec<Arc<dyn ConditionSource>>>);

impl Conditions {
    pub fn of(&self, object: &str) -> Vec<Arc<dyn Condition>> {
        let sources = self.0.read().clone();
        let mut found: Vec<_> = sources.iter().flat_map(|source| source.of(object)).collect();
        found.sort_by(|a, b| a.name().cmp(b.name()));
        found
    }
}

impl Engine {
    /// Adds conditions to the registry.
    pub fn add_conditions(&self, source: Arc<dyn ConditionSource>) {
        self.core().conditions.0.write().push(source);
    }

    /// Asks a condition about records: checks the parameters against its schema and that the actor may read each record. One answer per id.
    /// Blocks, perhaps for seconds.
    ///
    /// # Errors
    /// `condition.not_found`, `record.invalid` for parameters, `record.not_found`, `condition.failed`.
    pub fn test_condition(
        &self,
        actor: &Actor,
        object: &str,
        ids: &[RecordId],
        name: &str,
        params: &Json,
    ) -> Result<Vec<bool>, EngineError> {
        let meta = self.core().meta();
        let object = meta.object(object)?;
        let key = &object.def.key;
        let found = self.core().conditions.of(key).into_iter().find(|condition| condition.name() == name);
        let condition = found.ok_or_else(|| EngineError::ConditionNotFound {
            object: key.clone(),
            condition: name.chars().take(60).collect(),
        })?;
        if ids.len() > ROWS_MAX {
            let said = format!("{} records at once; ask about at most {ROWS_MAX} at a time", ids.len());
            return Err(EngineError::Request(said));
        }
        check_input(&condition.input(&meta.schema), params)?;
        let mut rows = Vec::with_capacity(ids.len());
        for (index, id) in ids.iter().enumerate() {
            rows.push(self.get(actor, key, *id).map_err(|error| placed(error, index, ids.len()))?);
        }
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        condition.test(&ConditionContext { engine: self, actor }, &rows, params)
    }
}
