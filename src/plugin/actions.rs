//! Plugins' actions: in the engine's own registry, so that buttons, the API, the command line and workflows know no difference. One that has to
//! wait is parked as a record and called again.

use std::{sync::Arc, time::Duration};

use kith_base::RecordId;
use kith_engine::{Action, ActionContext, ActionResult, EngineError, Op};
use kith_model::{Schema, Violation};
use serde_json::{Value as Json, json};

use crate::{
    asking::clip,
    contract::{Call, Error, actions::exports::kith::plugin::actions::Step},
    jobs::Put,
    manifest::{self, Needs},
    plugin::Plugin,
    runtime::{CallError, CallInfo, Capability, Phase},
    services::Services,
    set::Loaded,
};

const BUDGET: Duration = Duration::from_secs(30);

/// Longest answer of an action.
const MESSAGE_CHARS_MAX: usize = 500;

/// One action of a plugin on one object.
pub struct PluginAction {
    services: Arc<Services>,
    loaded: Arc<Loaded>,
    plugin: String,
    key: String,
    /// As others call it: `<plugin>__<key>`.
    name: String,
    object: String,
    label: String,
    definition: manifest::Action,
}

/// The actions that a manifest adds.
pub fn of(services: &Arc<Services>, loaded: &Arc<Loaded>, plugin: &Plugin) -> Vec<Arc<dyn Action>> {
    let mut actions: Vec<Arc<dyn Action>> = Vec::new();
    for (key, definition) in &plugin.manifest.actions {
        for object in &definition.objects {
            actions.push(Arc::new(PluginAction {
                services: services.clone(),
                loaded: loaded.clone(),
                plugin: plugin.id.clone(),
                key: key.clone(),
                name: name(plugin, key),
                object: plugin.manifest.object_key(object),
                label: definition.label.clone(),
                definition: definition.clone(),
            }));
        }
    }
    actions
}

/// What others call a plugin's action.
pub fn name(plugin: &Plugin, key: &str) -> String {
    format!("{}{}", plugin.manifest.prefix(), key.replace('-', "_"))
}

/// Whether an action of the registry is this plugin's.
pub fn is_of(action: &dyn Action, plugin: &str) -> bool {
    action.name().starts_with(&manifest::prefix(plugin))
}

impl Action for PluginAction {
    fn name(&self) -> &str {
        &self.name
    }

    fn object(&self) -> &str {
        &self.object
    }

    fn label(&self) -> &str {
        &self.label
    }

    fn icon(&self) -> &str {
        if self.definition.icon.is_empty() { "plug" } else { &self.definition.icon }
    }

    fn input(&self, _schema: &Schema) -> Json {
        self.definition.input.clone().unwrap_or_else(|| json!({ "type": "object", "properties": {} }))
    }

    fn permission(&self) -> Op {
        match self.definition.permission {
            Needs::Read => Op::Read,
            Needs::Update => Op::Update,
            Needs::Delete => Op::Delete,
        }
    }

    fn when(&self) -> Option<&str> {
        self.definition.when.as_deref()
    }

    fn primary(&self) -> bool {
        self.definition.primary
    }

    fn run(&self, context: &ActionContext<'_>, ids: &[RecordId], input: Json) -> Result<ActionResult, EngineError> {
        let gone = || EngineError::ActionNotFound { object: self.object.clone(), action: self.name.clone() };
        let plugin = self.loaded.get(&self.plugin).ok_or_else(gone)?;
        let work = Work {
            run: context.request.clone().unwrap_or_else(|| RecordId::generate(context.now_ms).to_string()),
            name: &self.key,
            object: &self.object,
            ids: ids.to_vec(),
            input,
            actor: context.actor.user,
            depth: 0,
            called: 0,
            attempt: 1,
        };
        match work.call(&self.services, &plugin)? {
            Done::With(answer) => {
                let record = match ids {
                    [one] => Some(context.engine.get_for_change(context.actor, &self.object, *one)?),
                    _ => None,
                };
                Ok(ActionResult { record, records: Vec::new(), message: message(&answer) })
            }
            Done::Later(wait_ms) => {
                Put::action(&self.services.engine, &plugin.id, &work, wait_ms)?;
                let said = format!("{} works on it", plugin.manifest.plugin.name);
                Ok(ActionResult { message: Some(said), ..ActionResult::default() })
            }
        }
    }
}

fn message(answer: &str) -> Option<String> {
    let answer: Json = serde_json::from_str(answer).ok()?;
    let text = answer["message"].as_str()?;
    Some(clip(text, MESSAGE_CHARS_MAX))
}

/// One run of an action, from its first call to its last.
#[derive(Clone, Debug)]
pub(crate) struct Work<'a> {
    /// Names the run. A request that a client repeats, with its idempotency key, is the same run.
    pub run: String,
    pub name: &'a str,
    pub object: &'a str,
    pub ids: Vec<RecordId>,
    pub input: Json,
    pub actor: Option<RecordId>,
    pub depth: u8,
    /// Calls before this one, each of which asked for another.
    pub called: u32,
    /// Of this call.
    pub attempt: u32,
}

pub(crate) enum Done {
    /// The guest's answer: a JSON object.
    With(String),
    /// To be called again after so many milliseconds.
    Later(i64),
}

impl Work<'_> {
    /// # Errors
    /// What the plugin refuses, as violations where it says so.
    pub fn call(&self, services: &Arc<Services>, plugin: &Arc<Plugin>) -> Result<Done, EngineError> {
        let mut input = match &self.input {
            Json::Object(map) => map.clone(),
            _ => serde_json::Map::new(),
        };
        let ids: Vec<String> = self.ids.iter().map(ToString::to_string).collect();
        input.insert("ids".into(), json!(ids));
        input.insert("object".into(), json!(crate::values::short_object(&plugin.manifest, self.object)));
        let info = CallInfo {
            // Stable over attempts, so that what the guest does under this id is done once.
            id: if self.called == 0 { self.run.clone() } else { format!("{}.{}", self.run, self.called) },
            actor: self.actor,
            cause: if self.actor.is_some() { "user".into() } else { "api".into() },
            depth: self.depth,
            attempt: self.attempt,
            ..CallInfo::new(services, Capability::Actions, self.name, Phase::Doing, BUDGET)
        };
        let call = Call { id: info.id.clone(), attempt: info.attempt, dry_run: false };
        let resume = (self.called > 0).then(|| self.called.to_string());
        let input = Json::Object(input).to_string();
        let given = (&call, self.name, &input, &resume);
        let answer = plugin.call(services, info, "actions.run", &given, |store| {
            let guest = plugin.code.actions(store)?;
            guest.kith_plugin_actions().call_run(store, &call, self.name, &input, resume.as_deref())
        });
        match answer {
            Ok(Ok(Step::Done(answer))) => Ok(Done::With(answer)),
            Ok(Ok(Step::Wait(seconds))) => Ok(Done::Later(crate::backoff::asked(seconds))),
            Ok(Err(error)) => Err(refused(plugin, error)),
            Err(error) => Err(failed(plugin, &error)),
        }
    }
}

/// What a guest refused, as the person learns it.
pub(crate) fn refused(plugin: &Plugin, error: Error) -> EngineError {
    let one =
        |code: &str, message: String| EngineError::Invalid(vec![Violation { field: None, code: code.into(), message }]);
    let name = &plugin.manifest.plugin.name;
    match error {
        Error::Invalid(list) => EngineError::Invalid(
            list.into_iter().map(|v| Violation { field: v.field, code: v.code, message: v.message }).collect(),
        ),
        Error::NotFound => one("not_found", format!("{name} does not find what it needs")),
        Error::Denied(said) => one("plugin_denied", format!("{name} may not do that: {said}")),
        Error::Conflict(_) => one("conflict", "the record changed meanwhile; try again".into()),
        Error::Limit(said) | Error::Unavailable(said) | Error::Other(said) => {
            one("plugin_refused", format!("{name}: {said}"))
        }
    }
}

/// How a guest failed, as the person learns it.
pub(crate) fn failed(plugin: &Plugin, error: &CallError) -> EngineError {
    let said = format!(
        "the plugin '{}' {error}; try again, or ask an administrator to look at it",
        plugin.manifest.plugin.name
    );
    EngineError::Invalid(vec![Violation { field: None, code: "plugin_failed".into(), message: said }])
}
