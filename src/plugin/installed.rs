//! A plugin as its record has it: which version, what was granted, what waits, what can be gone back to. Reads and writes records; runs nothing.

use kith_base::{RecordId, Secret, TimestampMs};
use kith_engine::{Actor, Cause, Command, CommitOptions, Engine, EngineError, Fields, Query, Record};
use kith_model::Value;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value as Json;

use crate::{
    PluginError,
    manifest::Manifest,
    objects::{
        ids::{plugins as p, secrets as s},
        record_of,
    },
    texts::Texts,
};

/// Key of the object.
pub const PLUGINS: &str = "plugins";
const SECRETS: &str = "plugin_secrets";

/// Plugins of one vault.
const PLUGINS_MAX: usize = 500;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    Enabled,
    Disabled,
    /// It was to run, and cannot; the message says why.
    Failed,
}

impl State {
    fn name(self) -> &'static str {
        match self {
            State::Enabled => "enabled",
            State::Disabled => "disabled",
            State::Failed => "failed",
        }
    }
}

/// One version with its file.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Version {
    pub manifest: Manifest,
    /// Of the file, as hexadecimal digits.
    pub sha256: String,
    pub size_bytes: u64,
    /// Key of who signed it, as hexadecimal digits; empty: nobody.
    #[serde(default)]
    pub author: String,
    /// In other languages; none in versions that were installed before they were kept.
    #[serde(default)]
    pub texts: Texts,
    /// Name of the file in the vault; kept in a field of its own, which backups follow.
    #[serde(skip)]
    pub wasm: String,
}

impl Version {
    pub fn number(&self) -> &str {
        &self.manifest.plugin.version
    }
}

/// See the module.
#[derive(Clone, Debug)]
pub struct Installed {
    pub record: RecordId,
    pub id: String,
    pub state: State,
    pub message: String,
    pub version: Version,
    /// What an administrator agreed to; none: nothing yet.
    pub granted: Option<Manifest>,
    pub settings: Json,
    pub previous: Option<Version>,
    /// Asks for more than was granted, and waits.
    pub pending: Option<Version>,
    /// The version that was last told that it is installed; empty: none.
    pub told: String,
    pub installed_at: TimestampMs,
    pub installed_by: RecordId,
}

impl Installed {
    fn of(record: &Record) -> Option<Installed> {
        let text = |field| match record.values.get(field) {
            Value::Text(text) => text.clone(),
            _ => String::new(),
        };
        let version = Version {
            manifest: json(record, p::MANIFEST)?,
            sha256: text(p::SHA256),
            size_bytes: match record.values.get(p::SIZE_BYTES) {
                Value::Int(bytes) => u64::try_from(*bytes).unwrap_or_default(),
                _ => 0,
            },
            author: text(p::AUTHOR),
            texts: json(record, p::TEXTS).unwrap_or_default(),
            wasm: text(p::WASM),
        };
        let other = |field, wasm| Some(Version { wasm: text(wasm), ..json(record, field)? });
        Some(Installed {
            record: record.id,
            id: text(p::KEY),
            state: match text(p::STATE).as_str() {
                "enabled" => State::Enabled,
                "failed" => State::Failed,
                _ => State::Disabled,
            },
            message: text(p::MESSAGE),
            version,
            granted: json(record, p::GRANTED),
            settings: json(record, p::SETTINGS).unwrap_or_else(|| Json::Object(Default::default())),
            previous: other(p::PREVIOUS, p::PREVIOUS_WASM),
            pending: other(p::PENDING, p::PENDING_WASM),
            told: text(p::TOLD),
            installed_at: record.created_at,
            installed_by: record.created_by,
        })
    }

    /// A version that nobody agreed to yet.
    pub fn new(engine: &Engine, version: Version) -> Installed {
        Installed {
            record: RecordId::generate(engine.now_ms()),
            id: version.manifest.plugin.id.clone(),
            state: State::Disabled,
            message: String::new(),
            version,
            granted: None,
            settings: Json::Object(Default::default()),
            previous: None,
            pending: None,
            told: String::new(),
            installed_at: engine.now_ms(),
            installed_by: RecordId([0; 16]),
        }
    }

    fn values(&self) -> Vec<(String, Value)> {
        let version = |version: &Option<Version>| match version {
            Some(version) => Value::Json(serde_json::to_string(version).unwrap_or_default()),
            None => Value::Null,
        };
        let wasm = |version: &Option<Version>| text(version.as_ref().map_or("", |version| &version.wasm));
        let about = &self.version.manifest.plugin;
        let size = i64::try_from(self.version.size_bytes).unwrap_or(i64::MAX);
        let values = [
            ("key", text(&self.id)),
            ("name", text(&about.name)),
            ("plugin_version", text(&about.version)),
            ("state", text(self.state.name())),
            ("message", text(&self.message)),
            ("manifest", as_json(&self.version.manifest)),
            ("granted", self.granted.as_ref().map_or(Value::Null, as_json)),
            ("settings", as_json(&self.settings)),
            ("wasm", text(&self.version.wasm)),
            ("sha256", text(&self.version.sha256)),
            ("size_bytes", Value::Int(size)),
            ("author", text(&self.version.author)),
            ("previous", version(&self.previous)),
            ("previous_wasm", wasm(&self.previous)),
            ("pending", version(&self.pending)),
            ("pending_wasm", wasm(&self.pending)),
            ("told", text(&self.told)),
            ("texts", as_json(&self.version.texts)),
        ];
        values.into_iter().map(|(key, value)| (key.to_string(), value)).collect()
    }

    /// Writes the record, a new one or over what was there.
    ///
    /// # Errors
    /// What the store says.
    pub fn save(&self, engine: &Engine, actor: &Actor) -> Result<(), EngineError> {
        let values = Fields::Parsed(self.values());
        let there = engine.get_for_change(&Actor::system(), PLUGINS, self.record).is_ok();
        let command = if there {
            Command::Update { object: PLUGINS.into(), id: self.record, version: None, values }
        } else {
            Command::Create { object: PLUGINS.into(), id: Some(self.record), values }
        };
        write(engine, actor, &self.id, vec![command])
    }

    /// Puts the record into the trash, without its files.
    ///
    /// # Errors
    /// What the store says.
    pub fn delete(mut self, engine: &Engine, actor: &Actor) -> Result<(), EngineError> {
        (self.previous, self.pending, self.granted) = (None, None, None);
        (self.state, self.message, self.told) = (State::Disabled, String::new(), String::new());
        self.version.wasm.clear();
        let update = Command::Update {
            object: PLUGINS.into(),
            id: self.record,
            version: None,
            values: Fields::Parsed(self.values()),
        };
        let delete = Command::Delete { object: PLUGINS.into(), id: self.record, version: None };
        write(engine, actor, &self.id, vec![update, delete])
    }
}

/// All plugins, by id.
///
/// # Errors
/// When the store cannot be read.
pub fn all(engine: &Engine) -> Result<Vec<Installed>, EngineError> {
    let query = Query::of(PLUGINS).sort_by("key", false).limit(PLUGINS_MAX);
    let page = engine.query(&Actor::system(), &query)?;
    Ok(page.records.iter().filter_map(Installed::of).collect())
}

/// One plugin.
///
/// # Errors
/// `plugin.not_found`
pub fn find(engine: &Engine, id: &str) -> Result<Installed, PluginError> {
    let missing = || PluginError::NotFound(id.chars().take(60).collect());
    all(engine)?.into_iter().find(|plugin| plugin.id == id).ok_or_else(missing)
}

/// The settings that a removed plugin left, where they were to stay.
///
/// # Errors
/// When the store cannot be read.
pub fn left_settings(engine: &Engine, id: &str) -> Result<Option<Json>, EngineError> {
    let query = Query { trashed: true, ..Query::of(PLUGINS).sort_by("updated_at", true).limit(PLUGINS_MAX) };
    let page = engine.query(&Actor::system(), &query)?;
    let newest = page.records.iter().filter_map(Installed::of).find(|plugin| plugin.id == id);
    Ok(newest.map(|plugin| plugin.settings))
}

/// A plugin's secret; none when it is not set.
pub fn secret(engine: &Engine, plugin: &str, name: &str) -> Option<Secret<String>> {
    let record = engine.get_for_change(&Actor::system(), SECRETS, record_of(s::OBJECT, plugin, name)).ok()?;
    match record.values.get(s::VALUE) {
        Value::Secret(secret) => Some(Secret::new(secret.clone())),
        _ => None,
    }
}

/// Sets or clears a plugin's secret.
///
/// # Errors
/// What the store says.
pub fn set_secret(
    engine: &Engine,
    actor: &Actor,
    plugin: &str,
    name: &str,
    secret: Option<&Secret<String>>,
) -> Result<(), EngineError> {
    let id = record_of(s::OBJECT, plugin, name);
    let value = secret.map_or(Value::Null, |secret| Value::Secret(secret.expose().clone()));
    let mut commands = Vec::new();
    match engine.get_for_change(&Actor::system(), SECRETS, id) {
        Ok(record) => {
            if record.trashed {
                commands.push(Command::Restore { object: SECRETS.into(), id });
            }
            let values = Fields::Parsed(vec![("value".into(), value)]);
            commands.push(Command::Update { object: SECRETS.into(), id, version: None, values });
        }
        Err(_) => {
            let values = vec![("plugin".into(), text(plugin)), ("name".into(), text(name)), ("value".into(), value)];
            commands.push(Command::Create { object: SECRETS.into(), id: Some(id), values: Fields::Parsed(values) });
        }
    }
    write(engine, actor, plugin, commands)
}

/// Changes of the host's own records, in the name of who asked for them.
pub(crate) fn write(engine: &Engine, actor: &Actor, plugin: &str, commands: Vec<Command>) -> Result<(), EngineError> {
    let options = CommitOptions::caused_by(Cause::of("plugin", plugin));
    engine.execute_trusted(actor, commands, options).map(drop)
}

fn text(text: &str) -> Value {
    if text.is_empty() { Value::Null } else { Value::Text(text.to_string()) }
}

fn as_json(value: &impl Serialize) -> Value {
    Value::Json(serde_json::to_string(value).unwrap_or_default())
}

fn json<T: DeserializeOwned>(record: &Record, field: u32) -> Option<T> {
    match record.values.get(field) {
        Value::Json(text) => serde_json::from_str(text).ok(),
        _ => None,
    }
}
