//! The parts of `plugin.toml` that the Kith of the tests holds to, read by types of their own: the host's come with the host, which no author's
//! tests should have to build. Whether a manifest is right in all its parts, `kith plugin check` says.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value as Json;

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Manifest {
    pub plugin: About,
    #[serde(default)]
    pub objects: BTreeMap<String, Object>,
    #[serde(default)]
    pub fields: BTreeMap<String, BTreeMap<String, Field>>,
    #[serde(default)]
    pub hooks: Hooks,
    pub events: Option<Events>,
    #[serde(default)]
    pub actions: BTreeMap<String, Action>,
    #[serde(default)]
    pub conditions: BTreeMap<String, Json>,
    #[serde(default)]
    pub endpoints: BTreeMap<String, Endpoint>,
    #[serde(default)]
    pub jobs: BTreeMap<String, Json>,
    #[serde(default)]
    pub panels: BTreeMap<String, Json>,
    #[serde(default)]
    pub importers: BTreeMap<String, Json>,
    #[serde(default)]
    pub records: BTreeMap<String, Vec<String>>,
    pub http: Option<Http>,
    #[serde(default)]
    pub secrets: BTreeMap<String, Secret>,
    pub kv: Option<Json>,
    pub outbox: Option<Outbox>,
    pub blobs: Option<Blobs>,
    pub settings: Option<Json>,
}

#[derive(Deserialize)]
pub struct About {
    pub id: String,
}

#[derive(Deserialize)]
pub struct Object {
    #[serde(default)]
    pub fields: BTreeMap<String, Field>,
}

#[derive(Deserialize)]
pub struct Field {
    pub computed: Option<Vec<String>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Hooks {
    pub before_save: Option<BeforeSave>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct BeforeSave {
    pub objects: Vec<String>,
    #[serde(default)]
    pub fields_read: Vec<String>,
    #[serde(default)]
    pub fields_write: Vec<String>,
    #[serde(default)]
    pub on_failure: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Events {
    pub objects: Vec<String>,
    #[serde(default)]
    pub kinds: Vec<String>,
    #[serde(default)]
    pub hear_self: bool,
}

#[derive(Deserialize)]
pub struct Action {
    pub input: Option<Json>,
}

#[derive(Deserialize)]
pub struct Endpoint {
    pub path: String,
    #[serde(default = "get")]
    pub methods: Vec<String>,
    #[serde(default)]
    pub public: bool,
}

fn get() -> Vec<String> {
    vec!["GET".into()]
}

#[derive(Deserialize)]
pub struct Http {
    pub allow: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Secret {
    #[serde(default)]
    pub allow_hosts: Vec<String>,
    #[serde(default)]
    pub reveal: bool,
}

#[derive(Deserialize)]
pub struct Outbox {
    #[serde(default)]
    pub mail: bool,
    #[serde(default)]
    pub notify: bool,
}

#[derive(Deserialize)]
pub struct Blobs {
    #[serde(default)]
    pub read: bool,
    #[serde(default)]
    pub write: bool,
}

pub fn read(text: &str) -> Result<Manifest, String> {
    toml::from_str(text).map_err(|error| error.to_string())
}

impl Manifest {
    fn prefix(&self) -> String {
        format!("{}__", self.plugin.id.replace('-', "_"))
    }

    /// The short key of what is the plugin's own; other keys as they are.
    pub fn short<'k>(&self, key: &'k str) -> &'k str {
        key.strip_prefix(&self.prefix()).unwrap_or(key)
    }

    /// Fields of an object that the plugin computes, with the fields they read.
    pub fn computed(&self, object: &str) -> Vec<(String, Vec<String>)> {
        let own = self.objects.get(object).map(|object| &object.fields);
        let fields = own.into_iter().chain(self.fields.get(object)).flatten();
        fields.filter_map(|(key, field)| Some((key.clone(), field.computed.clone()?))).collect()
    }

    /// Whether the grant allows this; a plugin's own objects need no asking.
    pub fn may(&self, right: &str, object: &str) -> bool {
        let granted = self.records.get(object).is_some_and(|rights| rights.iter().any(|one| one == right));
        granted || self.objects.contains_key(object)
    }

    pub fn hears(&self, object: &str, kind: &str, by_itself: bool) -> bool {
        self.events.as_ref().is_some_and(|events| {
            let kinds = events.kinds.is_empty() || events.kinds.iter().any(|one| one == kind);
            events.objects.iter().any(|name| name == object) && kinds && (events.hear_self || !by_itself)
        })
    }

    /// Whether a list of hosts names the origin of a URL; `settings:<key>` stands for the origin of the URL in that setting.
    pub fn allows(&self, list: &[String], url: &str, settings: &Json) -> bool {
        let wanted = origin(url);
        list.iter().any(|entry| match entry.strip_prefix("settings:") {
            Some(key) => settings[key].as_str().and_then(origin) == wanted && wanted.is_some(),
            None => origin(entry) == wanted && wanted.is_some(),
        })
    }

    /// The endpoint that a request goes to: the longest path that fits.
    pub fn endpoint(&self, path: &str) -> Option<&Endpoint> {
        let fits = |endpoint: &&Endpoint| match endpoint.path.strip_suffix('*') {
            Some(beginning) => path.starts_with(beginning),
            None => endpoint.path == path,
        };
        self.endpoints.values().filter(fits).max_by_key(|endpoint| endpoint.path.len())
    }

    /// The defaults of the settings' schema.
    pub fn default_settings(&self) -> Json {
        defaults(self.settings.as_ref())
    }
}

/// The defaults of a schema's properties.
pub fn defaults(schema: Option<&Json>) -> Json {
    let properties = schema.and_then(|schema| schema["properties"].as_object());
    let defaults = properties
        .into_iter()
        .flatten()
        .filter_map(|(key, property)| property.get("default").map(|default| (key.clone(), default.clone())));
    Json::Object(defaults.collect())
}

/// `https://host:port`, lower case. Refuses names and passwords in front of the host.
fn origin(url: &str) -> Option<String> {
    let (scheme, rest) = url.split_once("://")?;
    let host = rest.split(['/', '?', '#']).next()?;
    (matches!(scheme, "http" | "https") && !host.is_empty() && !host.contains('@'))
        .then(|| format!("{scheme}://{host}").to_lowercase())
}
