//! A plugin as the API shows it. No secret is in it, only whether it is set.

use kith_base::RecordId;
use kith_engine::{Actor, EngineError, read::rfc3339};
use serde_json::{Map, Value as Json, json};

use crate::{
    PluginError,
    delivery::parked,
    install::Offer,
    installed::{self, Installed, Version},
    lifecycle,
    manifest::{
        Manifest,
        permissions::{difference, permissions},
    },
    package,
    plugins::Plugins,
    settings::schema,
    texts::{Translation, chosen},
    watch::Live,
};

impl Plugins {
    /// One line per plugin.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn list(&self, languages: &[String]) -> Result<Vec<Json>, EngineError> {
        Ok(installed::all(self.engine())?.iter().map(|plugin| self.line(plugin, languages)).collect())
    }

    /// Everything about one plugin but its log.
    ///
    /// # Errors
    /// `plugin.not_found`
    pub fn show(&self, id: &str, languages: &[String]) -> Result<Json, PluginError> {
        let plugin = installed::find(self.engine(), id)?;
        let mut shown = self.line(&plugin, languages);
        let manifest = &plugin.version.manifest;
        shown["permissions"] = json!(permissions(manifest));
        shown["settings"] = plugin.settings.clone();
        shown["settings_schema"] = schema(manifest);
        shown["secrets"] = Json::Array(self.secrets(&plugin));
        if let Some(texts) = chosen(&plugin.version.texts, languages) {
            let translation = Translation { manifest, texts };
            translation.schema(&mut shown["settings_schema"], "settings", &schema(manifest));
            for secret in shown["secrets"].as_array_mut().into_iter().flatten() {
                if let Some(text) =
                    translation.text(&format!("secrets.{}.label", secret["name"].as_str().unwrap_or_default()))
                {
                    secret["label"] = json!(text);
                }
            }
        }
        shown["manifest"] = json!(manifest);
        shown["pending"] = plugin.pending.as_ref().map_or(Json::Null, |pending| {
            let before = plugin.granted.as_ref().unwrap_or(manifest);
            let mut shown = version(pending);
            shown["permissions"] = json!(permissions(&pending.manifest));
            shown["changes"] = json!(difference(before, &pending.manifest));
            shown
        });
        shown["capabilities"] = match self.get(id) {
            Some(loaded) => loaded.code.capabilities().iter().map(|capability| json!(capability.name())).collect(),
            None => Json::Array(Vec::new()),
        };
        let watch = self.watch(id);
        shown["overview"] = json!(watch.overview(self.engine().now_ms()));
        Ok(shown)
    }

    /// Whether there is such a plugin.
    ///
    /// # Errors
    /// `plugin.not_found`
    pub fn installed(&self, id: &str) -> Result<(), PluginError> {
        installed::find(self.engine(), id).map(drop)
    }

    /// What the plugin says of itself. Runs it.
    ///
    /// # Errors
    /// `plugin.not_found`, `plugin.disabled`
    pub fn health(&self, id: &str) -> Result<Json, PluginError> {
        installed::find(self.engine(), id)?;
        let plugin = self.get(id).ok_or_else(|| PluginError::Disabled(id.into()))?;
        Ok(match lifecycle::health(&self.services, &plugin) {
            None => json!({ "ok": true, "message": null }),
            Some(Ok(said)) => json!({ "ok": true, "message": said }),
            Some(Err(said)) => json!({ "ok": false, "message": said }),
        })
    }

    /// The log, newest last, and the calls.
    ///
    /// # Errors
    /// `plugin.not_found`
    pub fn log(&self, id: &str) -> Result<Json, PluginError> {
        installed::find(self.engine(), id)?;
        let watch = self.watch(id);
        let lines: Vec<Json> = watch.lines().iter().map(|line| dated(json!(line))).collect();
        Ok(json!({ "items": lines, "left_out": watch.lines_left_out() }))
    }

    /// The last calls, newest last, with sums per capability.
    ///
    /// # Errors
    /// `plugin.not_found`
    pub fn calls(&self, id: &str) -> Result<Json, PluginError> {
        installed::find(self.engine(), id)?;
        let watch = self.watch(id);
        let calls: Vec<Json> = watch.calls().iter().map(|call| dated(json!(call))).collect();
        Ok(json!({ "items": calls, "overview": watch.overview(self.engine().now_ms()) }))
    }

    /// Events that failed, those that will be tried again included; newest first. Records are named as the actor may see them.
    ///
    /// # Errors
    /// `plugin.not_found`
    pub fn failures(&self, actor: &Actor, id: &str) -> Result<Json, PluginError> {
        installed::find(self.engine(), id)?;
        let one = |failure: &parked::Failure| {
            let mut shown = dated(json!(failure));
            shown["due_at"] = failure.due_at.map_or(Json::Null, |at| json!(rfc3339(at)));
            shown
        };
        Ok(json!({ "items": parked::failures(self.engine(), actor, id)?.iter().map(one).collect::<Vec<_>>() }))
    }

    /// Has a failed event told again, or lets it rest.
    ///
    /// # Errors
    /// `plugin.not_found`, `record.not_found`.
    pub fn settle_failure(&self, actor: &Actor, id: &str, failure: RecordId, again: bool) -> Result<(), PluginError> {
        self.allowed(actor)?;
        installed::find(self.engine(), id)?;
        let settle = if again { parked::replay } else { parked::dismiss };
        Ok(settle(self.engine(), id, failure)?)
    }

    fn line(&self, plugin: &Installed, languages: &[String]) -> Json {
        let mut shown = version(&plugin.version);
        if let Some(texts) = chosen(&plugin.version.texts, languages) {
            Translation { manifest: &plugin.version.manifest, texts }.about(&mut shown);
        }
        shown["id"] = json!(plugin.id);
        shown["state"] = json!(plugin.state);
        shown["message"] = if plugin.message.is_empty() { Json::Null } else { json!(plugin.message) };
        shown["granted"] = json!(plugin.granted.is_some());
        shown["previous"] = plugin.previous.as_ref().map_or(Json::Null, version);
        shown["pending"] = plugin.pending.as_ref().map_or(Json::Null, version);
        shown["installed_at"] = json!(rfc3339(plugin.installed_at));
        shown["installed_by"] = json!(plugin.installed_by.to_string());
        shown
    }

    fn secrets(&self, plugin: &Installed) -> Vec<Json> {
        let one = |(name, secret): (&String, &crate::manifest::Secret)| {
            json!({
                "name": name, "label": secret.label, "hosts": secret.allow_hosts, "reveal": secret.reveal,
                "set": installed::secret(self.engine(), &plugin.id, name).is_some(),
            })
        };
        plugin.version.manifest.secrets.iter().map(one).collect()
    }
}

impl Live {
    /// What kind it is and what is told.
    pub fn to_json(&self) -> (&'static str, Json) {
        match self {
            Live::Line(line) => ("log", dated(json!(line))),
            Live::Host(call) => ("host", dated(json!(call))),
            Live::Call(call) => ("call", dated(json!(call))),
        }
    }
}

impl Offer {
    pub fn to_json(&self) -> Json {
        let mut shown = about(&self.package.manifest);
        shown["id"] = json!(self.package.manifest.plugin.id);
        shown["sha256"] = json!(self.sha256);
        shown["author"] = json!(self.package.author.map(|key| data_encoding::HEXLOWER.encode(&key)));
        shown["permissions"] = json!(self.permissions);
        shown["texts"] = Json::Object(self.package.texts.clone());
        shown["settings_schema"] = schema(&self.package.manifest);
        shown["installed"] = match &self.installed {
            None => Json::Null,
            Some((version, changes)) => json!({
                "version": version, "changes": changes, "asks_for_more": changes.asks_for_more(),
            }),
        };
        shown["refusal"] = match &self.refusal {
            None => Json::Null,
            Some(error) => json!({ "code": error.code(), "detail": error.to_string() }),
        };
        shown
    }
}

/// A file's manifest and permissions, for those who only want to look. Needs no vault.
///
/// # Errors
/// Why the file is no plugin.
pub fn described(file: &[u8]) -> Result<Json, PluginError> {
    let package = package::read(file)?;
    let mut shown = about(&package.manifest);
    shown["id"] = json!(package.manifest.plugin.id);
    shown["author"] = json!(package.author.map(|key| data_encoding::HEXLOWER.encode(&key)));
    shown["permissions"] = json!(permissions(&package.manifest));
    Ok(shown)
}

fn version(version: &Version) -> Json {
    let mut shown = about(&version.manifest);
    shown["sha256"] = json!(version.sha256);
    shown["size_bytes"] = json!(version.size_bytes);
    shown["author"] = if version.author.is_empty() { Json::Null } else { json!(version.author) };
    shown
}

fn about(manifest: &Manifest) -> Json {
    let about = &manifest.plugin;
    let mut shown = Map::new();
    for (key, value) in [
        ("name", &about.name),
        ("version", &about.version),
        ("description", &about.description),
        ("license", &about.license),
        ("homepage", &about.homepage),
        ("icon", &about.icon),
    ] {
        shown.insert(key.into(), json!(value));
    }
    Json::Object(shown)
}

/// Times look the same in every answer.
fn dated(mut shown: Json) -> Json {
    if let Some(at) = shown["at"].as_i64() {
        shown["at"] = json!(rfc3339(at));
    }
    shown
}
