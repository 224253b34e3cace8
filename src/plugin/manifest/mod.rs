//! `plugin.toml`: what a plugin is, what it adds and what it asks for. Read strictly: a misspelt key must not look like a permission that
//! was never asked for.

pub(crate) mod check;
pub mod permissions;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

pub use check::{PLUGIN_ID_MAX, is_plugin_id, version as version_of};

/// The contract this host speaks.
pub const API: &str = "0.1";

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Manifest {
    pub plugin: About,
    #[serde(default)]
    pub objects: BTreeMap<String, Object>,
    /// Fields it adds, by object and key.
    #[serde(default)]
    pub fields: BTreeMap<String, BTreeMap<String, Field>>,
    #[serde(default)]
    pub hooks: Hooks,
    pub events: Option<Events>,
    #[serde(default)]
    pub actions: BTreeMap<String, Action>,
    #[serde(default)]
    pub conditions: BTreeMap<String, Condition>,
    #[serde(default)]
    pub endpoints: BTreeMap<String, Endpoint>,
    #[serde(default)]
    pub jobs: BTreeMap<String, Job>,
    #[serde(default)]
    pub panels: BTreeMap<String, Panel>,
    #[serde(default)]
    pub importers: BTreeMap<String, Importer>,
    /// What it may do through `records`, by object.
    #[serde(default)]
    pub records: BTreeMap<String, Vec<Right>>,
    pub http: Option<Http>,
    #[serde(default)]
    pub secrets: BTreeMap<String, Secret>,
    pub kv: Option<Kv>,
    pub outbox: Option<Outbox>,
    pub blobs: Option<Blobs>,
    /// JSON Schema of the settings form.
    pub settings: Option<Json>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct About {
    pub id: String,
    pub version: String,
    pub api: String,
    pub name: String,
    #[serde(default)]
    pub description: String,
    #[serde(default)]
    pub license: String,
    #[serde(default)]
    pub homepage: String,
    #[serde(default)]
    pub icon: String,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Object {
    pub label: String,
    #[serde(default)]
    pub label_plural: String,
    #[serde(default)]
    pub description: String,
    #[serde(default)]
    pub icon: String,
    /// Key of the field that names a record.
    #[serde(default)]
    pub title: String,
    #[serde(default)]
    pub subtitle: String,
    #[serde(default)]
    pub timeline: bool,
    pub fields: BTreeMap<String, Field>,
}

/// A field: what the API's field definitions take, and how it comes by its value.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Field {
    pub label: String,
    pub kind: String,
    #[serde(default)]
    pub help: String,
    #[serde(default)]
    pub required: bool,
    #[serde(default)]
    pub unique: bool,
    #[serde(default)]
    pub many: bool,
    #[serde(default)]
    pub in_list: bool,
    #[serde(default)]
    pub options: Vec<Json>,
    pub target: Option<String>,
    pub inverse: Option<Json>,
    pub default: Option<Json>,
    #[serde(default)]
    pub config: serde_json::Map<String, Json>,
    /// Place in forms; the order of keys unless said otherwise.
    pub position: Option<f64>,
    /// Keys of the fields it is worked out from; `*` for all.
    pub computed: Option<Vec<String>>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Hooks {
    pub before_save: Option<BeforeSave>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct BeforeSave {
    pub objects: Vec<String>,
    #[serde(default)]
    pub fields_read: Vec<String>,
    #[serde(default)]
    pub fields_write: Vec<String>,
    #[serde(default)]
    pub on_failure: OnFailure,
    /// Lower ones come first.
    #[serde(default = "default_priority")]
    pub priority: i32,
    #[serde(default = "default_budget_ms")]
    pub budget_ms: u32,
}

fn default_priority() -> i32 {
    100
}

fn default_budget_ms() -> u32 {
    50
}

/// What becomes of a save when the plugin fails.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnFailure {
    #[default]
    Reject,
    Skip,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Events {
    pub objects: Vec<String>,
    /// All when left out.
    #[serde(default)]
    pub kinds: Vec<EventKind>,
    #[serde(default)]
    pub hear_self: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EventKind {
    Created,
    Updated,
    Deleted,
    Restored,
}

/// What a person needs on each record to run an action.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Needs {
    Read,
    #[default]
    Update,
    Delete,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Action {
    pub label: String,
    pub objects: Vec<String>,
    #[serde(default)]
    pub icon: String,
    #[serde(default)]
    pub permission: Needs,
    #[serde(default)]
    pub primary: bool,
    pub when: Option<String>,
    pub input: Option<Json>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Condition {
    pub label: String,
    pub objects: Vec<String>,
    pub input: Option<Json>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Endpoint {
    /// Below `/plugins/<id>`; a `*` at the end stands for everything below.
    pub path: String,
    #[serde(default = "default_methods")]
    pub methods: Vec<String>,
    /// Answers without a session or token.
    #[serde(default)]
    pub public: bool,
}

fn default_methods() -> Vec<String> {
    vec!["GET".into()]
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Job {
    #[serde(default)]
    pub label: String,
    /// Five fields, in the workspace's time zone. None: only by `run-later`.
    pub cron: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Slot {
    Record,
    Settings,
    Home,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Panel {
    pub label: String,
    pub slot: Slot,
    #[serde(default)]
    pub objects: Vec<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Importer {
    pub label: String,
    #[serde(default)]
    pub file_types: Vec<String>,
    pub object: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Right {
    Read,
    Create,
    Update,
    Delete,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Http {
    /// `https://host[:port]`, or `settings:<key>`: the origin of the URL that an administrator wrote there.
    pub allow: Vec<String>,
    /// Asks for addresses of the private network.
    #[serde(default)]
    pub private: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Secret {
    pub label: String,
    /// Where the host may write it, in the forms of `http.allow`.
    #[serde(default)]
    pub allow_hosts: Vec<String>,
    /// May be read in the clear.
    #[serde(default)]
    pub reveal: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Kv {
    #[serde(default = "default_quota_kb")]
    pub quota_kb: u32,
}

fn default_quota_kb() -> u32 {
    256
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Outbox {
    #[serde(default)]
    pub mail: bool,
    #[serde(default)]
    pub notify: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Blobs {
    #[serde(default)]
    pub read: bool,
    #[serde(default)]
    pub write: bool,
}

/// Why a manifest is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ManifestError {
    #[error("plugin.toml cannot be read: {0}")]
    Unreadable(String),
    #[error("plugin.toml: {}", .0.join("; "))]
    Wrong(Vec<String>),
}

impl Manifest {
    /// Reads and checks a manifest.
    ///
    /// # Errors
    /// With the place, when it is no TOML of this shape; with everything that is wrong, when it is.
    pub fn parse(text: &str) -> Result<Manifest, ManifestError> {
        let manifest: Manifest =
            toml::from_str(text).map_err(|e| ManifestError::Unreadable(e.to_string().trim().to_string()))?;
        let wrong = check::check(&manifest);
        if wrong.is_empty() { Ok(manifest) } else { Err(ManifestError::Wrong(wrong)) }
    }

    pub fn id(&self) -> &str {
        &self.plugin.id
    }

    /// What stands before the keys of its fields and objects: `lead_scoring__`.
    pub fn prefix(&self) -> String {
        prefix(&self.plugin.id)
    }

    /// The schema's key for one of its objects; keys of others stay as they are.
    pub fn object_key(&self, key: &str) -> String {
        if self.objects.contains_key(key) { format!("{}{key}", self.prefix()) } else { key.to_string() }
    }

    /// The schema's key for a field of `object` (as the schema names it); keys of others' fields stay as they are.
    pub fn field_key(&self, object: &str, key: &str) -> String {
        let own = self.fields.get(object).is_some_and(|fields| fields.contains_key(key));
        if own { format!("{}{key}", self.prefix()) } else { key.to_string() }
    }

    /// The schema's key for a field of its own, on its own object or on another.
    pub fn own_field_key(&self, object: &str, key: &str) -> String {
        if self.fields.contains_key(object) { self.field_key(object, key) } else { key.to_string() }
    }

    /// Fields that `computed` works out: object as the schema names it, key in the manifest, definition.
    pub fn computed(&self) -> impl Iterator<Item = (String, &str, &Field)> {
        let added = self.fields.iter().map(|(object, fields)| (object.clone(), fields));
        let own = self.objects.iter().map(|(key, object)| (self.object_key(key), &object.fields));
        added.chain(own).flat_map(|(object, fields)| {
            fields
                .iter()
                .filter(|(_, field)| field.computed.is_some())
                .map(move |(key, field)| (object.clone(), key.as_str(), field))
        })
    }
}

/// What stands before the keys of a plugin's fields and objects. CEL can name it, unlike a colon.
pub fn prefix(plugin: &str) -> String {
    format!("{}__", plugin.replace('-', "_"))
}

#[cfg(test)]
mod tests;
