//! Settings and secrets of a plugin, as an administrator fills them in.

use std::sync::Arc;

use kith_base::Secret;
use kith_engine::{Actor, actions::check_input};
use serde_json::{Map, Value as Json};

use crate::{
    PluginError,
    installed::{self, Installed, State},
    manifest::Manifest,
    plugins::Plugins,
};

impl Plugins {
    /// Sets all settings; what is left out takes its default.
    ///
    /// # Errors
    /// `record.invalid` with what is wrong, field by field.
    pub fn set_settings(self: &Arc<Self>, actor: &Actor, id: &str, settings: Json) -> Result<Installed, PluginError> {
        self.allowed(actor)?;
        let _turn = self.changing.lock();
        let mut plugin = installed::find(self.engine(), id)?;
        let settings = with_defaults(&plugin.version.manifest, settings);
        check_input(&schema(&plugin.version.manifest), &settings)?;
        plugin.settings = settings;
        plugin.save(self.engine(), actor)?;
        self.again(&plugin)?;
        Ok(plugin)
    }

    /// Sets a secret, or clears it. It is never shown again.
    ///
    /// # Errors
    /// `plugin.no_secret` when the manifest has none of that name.
    pub fn set_secret(
        self: &Arc<Self>,
        actor: &Actor,
        id: &str,
        name: &str,
        secret: Option<&Secret<String>>,
    ) -> Result<(), PluginError> {
        self.allowed(actor)?;
        let _turn = self.changing.lock();
        let plugin = installed::find(self.engine(), id)?;
        let asked = &plugin.version.manifest.secrets;
        if !asked.contains_key(name) {
            let known: Vec<&str> = asked.keys().map(String::as_str).collect();
            return Err(PluginError::NoSecret {
                plugin: id.into(),
                name: name.chars().take(60).collect(),
                known: if known.is_empty() { "none".into() } else { known.join(", ") },
            });
        }
        installed::set_secret(self.engine(), actor, id, name, secret)?;
        self.again(&plugin)
    }

    /// Loads a running plugin anew, with what was changed.
    fn again(self: &Arc<Self>, plugin: &Installed) -> Result<(), PluginError> {
        if plugin.state == State::Enabled { self.load(plugin).map(drop) } else { Ok(()) }
    }
}

/// The schema of the settings; without one there is nothing to set.
pub fn schema(manifest: &Manifest) -> Json {
    manifest.settings.clone().unwrap_or_else(|| serde_json::json!({ "type": "object", "properties": {} }))
}

/// Settings for a version, from those of another: what still fits stays, the rest takes its default.
pub(crate) fn fitting(manifest: &Manifest, before: Option<&Json>) -> Json {
    let schema = schema(manifest);
    let mut kept = Map::new();
    for (key, value) in before.and_then(Json::as_object).into_iter().flatten() {
        let mut one = schema.clone();
        if let Some(map) = one.as_object_mut() {
            map.remove("required");
        }
        let alone = Json::Object(Map::from_iter([(key.clone(), value.clone())]));
        if check_input(&one, &alone).is_ok() {
            kept.insert(key.clone(), value.clone());
        }
    }
    with_defaults(manifest, Json::Object(kept))
}

fn with_defaults(manifest: &Manifest, mut settings: Json) -> Json {
    let schema = schema(manifest);
    if let (Some(map), Some(properties)) = (settings.as_object_mut(), schema["properties"].as_object()) {
        for (key, property) in properties {
            if map.get(key).is_none_or(Json::is_null)
                && let Some(default) = property.get("default")
            {
                map.insert(key.clone(), default.clone());
            }
        }
    }
    settings
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn manifest() -> Manifest {
        Manifest::parse(
            r#"
[plugin]
id = "a"
version = "1.0.0"
api = "0.1"
name = "A"
[settings]
type = "object"
required = ["url"]
[settings.properties.url]
type = "string"
[settings.properties.days]
type = "integer"
minimum = 1
default = 7
"#,
        )
        .unwrap()
    }

    #[test]
    fn what_still_fits_stays_and_the_rest_takes_its_default() {
        let before = json!({ "url": "https://x.example", "days": 0, "gone": true });
        assert_eq!(fitting(&manifest(), Some(&before)), json!({ "url": "https://x.example", "days": 7 }));
        assert_eq!(fitting(&manifest(), None), json!({ "days": 7 }));
    }
}
