//! The one registry of actions: each has a name, an input schema, a permission and a run function. Buttons, the API, the CLI
//! and workflows all come here. Knows no action itself: the layers above bring theirs.

mod input;

use std::{cell::Cell, collections::BTreeMap, sync::Arc};

pub use input::check_input;
use kith_base::{RecordId, TimestampMs};
use kith_model::{ObjectDef, Schema, expr::Expr};
use parking_lot::RwLock;
use serde_json::Value as Json;

use crate::{
    Actor, Cause, Command, CommitOptions, Engine, EngineError, IdempotencyKey, Op, Record, access::Guard, idempotency,
    meta::ObjectMeta, pipeline::prepare::placed,
};

/// Something that can be done to one or several records of an object.
pub trait Action: Send + Sync {
    /// Lower-case words joined by `_`, unique within the object: `convert`.
    fn name(&self) -> &str;

    /// Key of the object whose records it takes.
    fn object(&self) -> &str;

    fn label(&self) -> &str;

    /// Name of an icon of the web app's set.
    fn icon(&self) -> &str;

    /// JSON Schema of the input: an object with `properties` and `required`.
    fn input(&self, schema: &Schema) -> Json;

    /// What the actor must be allowed to do with each of the records.
    fn permission(&self) -> Op;

    /// CEL over the record: only then it applies.
    fn when(&self) -> Option<&str> {
        None
    }

    /// Shown as a button of its own rather than in the menu.
    fn primary(&self) -> bool {
        false
    }

    /// Takes several records at once.
    fn many(&self) -> bool {
        true
    }

    /// Does it. Input and permission are already checked.
    ///
    /// # Errors
    /// Whatever keeps it from being done; nothing has been changed then.
    fn run(&self, context: &ActionContext<'_>, ids: &[RecordId], input: Json) -> Result<ActionResult, EngineError>;
}

/// What an action works with.
pub struct ActionContext<'a> {
    pub engine: &'a Engine,
    pub actor: &'a Actor,
    pub now_ms: TimestampMs,
    /// Names the client's request, where it has an idempotency key: the same for every repetition, another for everything else. For actions
    /// whose work is more than one transaction.
    pub request: Option<String>,
    /// The action's name.
    name: &'a str,
    /// The client's key, until the action's transaction has taken it.
    key: Cell<Option<IdempotencyKey>>,
}

impl ActionContext<'_> {
    /// Commits what the action does, with the actor's rights and the action as its cause. Call it once: the client's idempotency key
    /// goes with the transaction, so that a repeated request is answered with these records.
    ///
    /// # Errors
    /// As `Engine::execute`.
    pub fn commit(&self, commands: Vec<Command>) -> Result<Vec<Record>, EngineError> {
        let cause = Cause::of("action", self.name);
        let options = CommitOptions { idempotency: self.key.take(), ..CommitOptions::caused_by(cause) };
        self.engine.execute(self.actor, commands, options)
    }
}

/// What an action answers: the record to show next, others it touched, a sentence for the person.
#[derive(Clone, Debug, Default)]
pub struct ActionResult {
    pub record: Option<Record>,
    pub records: Vec<Record>,
    pub message: Option<String>,
}

impl ActionResult {
    /// What a transaction led to; the record of its first command is the one to show next.
    pub fn of(records: Vec<Record>) -> ActionResult {
        ActionResult { record: records.first().cloned(), records, message: None }
    }
}

/// All actions, by object and name. Those of plugins come and go while running.
#[derive(Default)]
pub struct Registry(RwLock<BTreeMap<(String, String), Arc<dyn Action>>>);

impl Registry {
    pub fn new(actions: Vec<Arc<dyn Action>>) -> Self {
        let registry = Registry::default();
        registry.add(actions);
        registry
    }

    fn add(&self, actions: Vec<Arc<dyn Action>>) {
        let keyed = actions.into_iter().map(|a| ((a.object().to_string(), a.name().to_string()), a));
        self.0.write().extend(keyed);
    }

    pub fn find(&self, object: &str, name: &str) -> Option<Arc<dyn Action>> {
        self.0.read().get(&(object.to_string(), name.to_string())).cloned()
    }

    /// The actions of one object, by name.
    pub fn of(&self, object: &str) -> Vec<Arc<dyn Action>> {
        self.0.read().values().filter(|action| action.object() == object).cloned().collect()
    }
}

impl Engine {
    /// Adds actions, in the place of earlier ones with their name.
    pub fn add_actions(&self, actions: Vec<Arc<dyn Action>>) {
        self.core().actions.add(actions);
    }

    /// Takes away the actions for which this holds.
    pub fn remove_actions(&self, gone: impl Fn(&dyn Action) -> bool) {
        self.core().actions.0.write().retain(|_, action| !gone(action.as_ref()));
    }
}

impl Engine {
    /// Runs an action on records of an object: checks the input against its schema, the permission on each record and its condition,
    /// then lets it run.
    ///
    /// # Errors
    /// `action.not_found`, `record.invalid` for input, `record.not_found`, `access.denied`, and what the action itself refuses.
    pub fn run_action(
        &self,
        actor: &Actor,
        object: &str,
        ids: &[RecordId],
        action: &str,
        input: Json,
    ) -> Result<ActionResult, EngineError> {
        self.run_action_once(actor, object, ids, action, input, None)
    }

    /// As `run_action`, once for each key: a repeated request is answered with the records that the first one wrote, whatever has
    /// become of them since, and none where the action wrote none. One that comes while the first is under way waits for it; where that
    /// fails it is done itself.
    ///
    /// # Errors
    /// As `run_action`; `idempotency.mismatch` when the key came with another request, `idempotency.in_progress` when too many wait.
    pub fn run_action_once(
        &self,
        actor: &Actor,
        object: &str,
        ids: &[RecordId],
        action: &str,
        input: Json,
        key: Option<IdempotencyKey>,
    ) -> Result<ActionResult, EngineError> {
        let meta = self.core().meta();
        let object = meta.object(object)?;
        let unknown = || EngineError::ActionNotFound {
            object: object.def.key.clone(),
            action: action.chars().take(60).collect(),
        };
        let action = self.core().actions.find(&object.def.key, action).ok_or_else(unknown)?;
        let Some(key) = key else { return self.run_checked(actor, object, ids, action.as_ref(), input, None) };
        let _held = self.core().idempotency.hold(&idempotency::stamp(actor, &key)?)?;
        // Before the condition: what the first request did is why the action no longer applies.
        if let Some(records) = self.replayed(actor, Some(&key))? {
            return Ok(ActionResult::of(records));
        }
        self.run_checked(actor, object, ids, action.as_ref(), input, Some(key))
    }

    fn run_checked(
        &self,
        actor: &Actor,
        object: &ObjectMeta,
        ids: &[RecordId],
        action: &dyn Action,
        input: Json,
        key: Option<IdempotencyKey>,
    ) -> Result<ActionResult, EngineError> {
        if ids.len() > kith_base::limits::BATCH_OPS_MAX {
            return Err(EngineError::BatchTooLarge(ids.len()));
        }
        let input = if input.is_null() { Json::Object(serde_json::Map::new()) } else { input };
        check_input(&action.input(&self.schema()), &input)?;
        let sight = self.sight(actor);
        let guard = Guard::new(actor);
        if !guard.may_some(&object.def, action.permission()) {
            return Err(guard.denied(&object.def, action.permission()));
        }
        let condition = action.when().map(|cel| condition(cel, &object.def)).transpose()?;
        for (index, id) in ids.iter().enumerate() {
            let refuse = |error: EngineError| placed(error, index, ids.len());
            let missing = || EngineError::RecordNotFound { object: object.def.key.clone(), id: *id };
            let record = self.core().image.get_of(object.def.id, *id).filter(|r| !r.trashed);
            let record = record.ok_or_else(missing).map_err(refuse)?;
            sight.check(&object.def, action.permission(), &record, &[]).map_err(refuse)?;
            if condition.as_ref().is_some_and(|when| !self.core().image.matches(&record, when, sight.context())) {
                let said = format!("'{}' does not apply to this record as it is now", action.label());
                return Err(refuse(EngineError::invalid("id", "does_not_apply", said)));
            }
        }
        let request =
            key.as_ref().map(|key| idempotency::stamp(actor, key).map(|stamp| stamp.to_string())).transpose()?;
        let (now_ms, name) = (self.now_ms(), action.name());
        let action_context = ActionContext { engine: self, actor, now_ms, request, name, key: Cell::new(key) };
        let result = action.run(&action_context, ids, input)?;
        if let Some(key) = action_context.key.take() {
            self.remember_key(actor, Cause::of("action", action.name()), &key)?;
        }
        Ok(result)
    }
}

fn condition(cel: &str, object: &ObjectDef) -> Result<Expr, EngineError> {
    let parsed = Expr::parse(cel).and_then(|expr| expr.resolve(object));
    parsed.map_err(|error| EngineError::Internal(format!("an action's condition cannot be read: {error}")))
}
