//! Plugins' conditions in the engine's registry. One source for all plugins, which looks at what is loaded at that moment.

use std::{sync::Arc, time::Duration};

use kith_engine::{Condition, ConditionContext, ConditionSource, EngineError, Record};
use kith_model::Schema;
use serde_json::{Value as Json, json};

use crate::{
    asking::Asker,
    contract::Call,
    plugin::Plugin,
    runtime::{CallInfo, Capability, Phase},
    services::Services,
    set::Loaded,
    values::entity,
};

/// For all rows together.
const BUDGET: Duration = Duration::from_secs(2);

/// See the module.
pub struct Conditions {
    services: Arc<Services>,
    loaded: Arc<Loaded>,
}

impl Conditions {
    pub fn new(services: Arc<Services>, loaded: Arc<Loaded>) -> Conditions {
        Conditions { services, loaded }
    }
}

impl ConditionSource for Conditions {
    fn of(&self, object: &str) -> Vec<Arc<dyn Condition>> {
        let mut found: Vec<Arc<dyn Condition>> = Vec::new();
        for plugin in self.loaded.all().iter() {
            for (key, condition) in &plugin.manifest.conditions {
                if condition.objects.iter().any(|own| plugin.manifest.object_key(own) == object) {
                    found.push(Arc::new(PluginCondition {
                        services: self.services.clone(),
                        plugin: plugin.clone(),
                        name: format!("{}{}", plugin.manifest.prefix(), key.replace('-', "_")),
                        key: key.clone(),
                        object: object.to_string(),
                    }));
                }
            }
        }
        found
    }
}

struct PluginCondition {
    services: Arc<Services>,
    plugin: Arc<Plugin>,
    name: String,
    /// Its name in the manifest.
    key: String,
    object: String,
}

impl Condition for PluginCondition {
    fn name(&self) -> &str {
        &self.name
    }

    fn object(&self) -> &str {
        &self.object
    }

    fn label(&self) -> &str {
        self.plugin.manifest.conditions.get(&self.key).map_or("", |condition| &condition.label)
    }

    fn input(&self, _: &Schema) -> Json {
        let input = self.plugin.manifest.conditions.get(&self.key).and_then(|condition| condition.input.clone());
        input.unwrap_or_else(|| json!({ "type": "object", "properties": {} }))
    }

    fn test(&self, context: &ConditionContext<'_>, rows: &[Record], params: &Json) -> Result<Vec<bool>, EngineError> {
        let schema = self.services.engine.schema();
        let object = schema.object(&self.object).ok_or_else(|| EngineError::ObjectNotFound(self.object.clone()))?;
        let shown: Vec<_> = rows.iter().map(|row| entity(&self.plugin.manifest, object, row, None)).collect();
        let info = CallInfo::new(&self.services, Capability::Conditions, &self.key, Phase::Asking, BUDGET);
        let info = Asker::of(context.actor.clone()).sign(&self.services, info);
        let call = Call { id: info.id.clone(), attempt: 1, dry_run: false };
        let params = params.to_string();
        let input = (&call, &self.key, &params, &shown);
        let answer = self.plugin.call(&self.services, info, "conditions.test", &input, |store| {
            let guest = self.plugin.code.conditions(store)?;
            guest.kith_plugin_conditions().call_test(store, &call, &self.key, &params, &shown)
        });
        let failed = |said: String| {
            EngineError::ConditionFailed(format!("the plugin '{}' {said}", self.plugin.manifest.plugin.name))
        };
        let answers = answer
            .map_err(|error| failed(error.to_string()))?
            .map_err(|said| failed(format!("cannot say: {}", crate::asking::clip(&said, 500))))?;
        if answers.len() != rows.len() {
            return Err(failed(format!("gave {} answers for {} records", answers.len(), rows.len())));
        }
        Ok(answers)
    }
}
