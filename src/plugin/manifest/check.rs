//! What must hold of a manifest before anything is run. Says everything that is wrong at once, with the section to look at.

use std::collections::BTreeMap;

use kith_engine::actions::check_input;
use kith_model::schema::is_key;
use serde_json::json;
use url::Url;

use super::{API, Field, Manifest};

/// Longest id: with its field's key it still fits a key of the schema.
pub const PLUGIN_ID_MAX: usize = 24;

const KEY_MAX: usize = 36;
const NAME_MAX: usize = 100;
const TEXT_MAX: usize = 2_000;
const BUDGET_MS_MAX: u32 = 250;
const QUOTA_KB_MAX: u32 = 64 * 1_024;

pub(super) fn check(manifest: &Manifest) -> Vec<String> {
    let mut wrong = Vec::new();
    about(manifest, &mut wrong);
    keys(manifest, &mut wrong);
    for (key, object) in &manifest.objects {
        if object.fields.is_empty() {
            wrong.push(format!("[objects.{key}] has no field; add [objects.{key}.fields.name]"));
        }
        if !object.title.is_empty() && !object.fields.contains_key(&object.title) {
            wrong.push(format!("[objects.{key}] title = '{}' is none of its fields", object.title));
        }
        fields(&format!("objects.{key}.fields"), &object.fields, &mut wrong);
    }
    for (object, added) in &manifest.fields {
        if manifest.objects.contains_key(object) {
            wrong.push(format!(
                "[fields.{object}] adds to an object of this manifest; put them into [objects.{object}.fields]"
            ));
        }
        fields(&format!("fields.{object}"), added, &mut wrong);
    }
    if let Some(hook) = &manifest.hooks.before_save {
        if hook.objects.is_empty() {
            wrong.push("[hooks.before-save] names no objects".into());
        }
        if !(1..=BUDGET_MS_MAX).contains(&hook.budget_ms) {
            wrong.push(format!("[hooks.before-save] budget-ms is 1 to {BUDGET_MS_MAX}"));
        }
    }
    if manifest.events.as_ref().is_some_and(|events| events.objects.is_empty()) {
        wrong.push("[events] names no objects".into());
    }
    for (key, action) in &manifest.actions {
        if action.objects.is_empty() {
            wrong.push(format!("[actions.{key}] names no objects"));
        }
        schema(&format!("actions.{key}] input"), action.input.as_ref(), &mut wrong);
    }
    for (key, endpoint) in &manifest.endpoints {
        let plain = endpoint.path.strip_suffix('*').unwrap_or(&endpoint.path);
        if !plain.starts_with('/') || plain.contains("..") || plain.contains('*') {
            wrong.push(format!("[endpoints.{key}] path starts with '/'; a '*' may only stand at its end"));
        }
    }
    for (key, job) in &manifest.jobs {
        if let Some(cron) = &job.cron
            && let Err(error) = cronexpr::parse_crontab(&format!("{cron} UTC"))
        {
            wrong.push(format!("[jobs.{key}] cron '{cron}': {error}"));
        }
    }
    network(manifest, &mut wrong);
    if let Some(kv) = &manifest.kv
        && !(1..=QUOTA_KB_MAX).contains(&kv.quota_kb)
    {
        wrong.push(format!("[kv] quota-kb is 1 to {QUOTA_KB_MAX}"));
    }
    schema("settings]", manifest.settings.as_ref(), &mut wrong);
    wrong
}

fn about(manifest: &Manifest, wrong: &mut Vec<String>) {
    let about = &manifest.plugin;
    if !is_plugin_id(&about.id) {
        wrong.push(format!(
            "[plugin] id is lower-case words joined by '-', up to {PLUGIN_ID_MAX} characters, such as 'lead-scoring'"
        ));
    }
    if version(&about.version).is_none() {
        wrong.push(format!("[plugin] version '{}' is not of the form 1.2.3", about.version));
    }
    if about.api != API {
        wrong.push(format!("[plugin] api is '{}', and this Kith speaks {API}", about.api));
    }
    if about.name.trim().is_empty() || about.name.chars().count() > NAME_MAX {
        wrong.push(format!("[plugin] name is 1 to {NAME_MAX} characters"));
    }
    if about.description.chars().count() > TEXT_MAX {
        wrong.push(format!("[plugin] description is at most {TEXT_MAX} characters"));
    }
    if !about.homepage.is_empty() && !about.homepage.starts_with("https://") {
        wrong.push("[plugin] homepage starts with https://".into());
    }
}

/// `1.2.3`, perhaps with a suffix after `-`, which counts for nothing here.
pub fn version(text: &str) -> Option<(u64, u64, u64)> {
    let plain = text.split(['-', '+']).next()?;
    let mut numbers = plain.split('.').map(str::parse::<u64>);
    match (numbers.next()?, numbers.next()?, numbers.next()?, numbers.next()) {
        (Ok(major), Ok(minor), Ok(patch), None) => Some((major, minor, patch)),
        _ => None,
    }
}

/// Lower-case words joined by `-`, short enough for the keys of its fields.
pub fn is_plugin_id(id: &str) -> bool {
    id.len() <= PLUGIN_ID_MAX
        && !id.contains('_')
        && !id.contains("--")
        && !id.ends_with('-')
        && is_key(&id.replace('-', "_"))
}

/// Names that become part of keys, routes and commands.
fn keys(manifest: &Manifest, wrong: &mut Vec<String>) {
    let words = |section: &str, names: &mut dyn Iterator<Item = &String>, wrong: &mut Vec<String>| {
        for name in names {
            if name.len() > KEY_MAX || !is_key(&name.replace('-', "_")) {
                wrong
                    .push(format!("[{section}.{name}]: a name is lower-case letters, digits and '-', up to {KEY_MAX}"));
            }
        }
    };
    words("actions", &mut manifest.actions.keys(), wrong);
    words("conditions", &mut manifest.conditions.keys(), wrong);
    words("endpoints", &mut manifest.endpoints.keys(), wrong);
    words("jobs", &mut manifest.jobs.keys(), wrong);
    words("panels", &mut manifest.panels.keys(), wrong);
    words("importers", &mut manifest.importers.keys(), wrong);
    words("secrets", &mut manifest.secrets.keys(), wrong);
    for key in manifest.objects.keys() {
        if key.len() > KEY_MAX || !is_key(key) {
            wrong.push(format!("[objects.{key}]: a key is lower-case letters, digits and '_', up to {KEY_MAX}"));
        }
    }
}

fn fields(section: &str, fields: &BTreeMap<String, Field>, wrong: &mut Vec<String>) {
    for (key, field) in fields {
        if key.len() > KEY_MAX || !is_key(key) {
            wrong.push(format!("[{section}.{key}]: a key is lower-case letters, digits and '_', up to {KEY_MAX}"));
        }
        if matches!(field.kind.as_str(), "computed" | "auto_number" | "secret") {
            wrong.push(format!("[{section}.{key}] kind '{}' is not for plugins; see 'computed = [..]'", field.kind));
        }
        if field.computed.as_ref().is_some_and(Vec::is_empty) {
            wrong.push(format!("[{section}.{key}] computed names no fields; '*' stands for all"));
        }
    }
}

fn network(manifest: &Manifest, wrong: &mut Vec<String>) {
    let allowed = manifest.http.as_ref().map_or(&[][..], |http| &http.allow);
    if manifest.http.is_some() && allowed.is_empty() {
        wrong.push("[http] allow names no hosts".into());
    }
    let check = |section: &str, entry: &String, wrong: &mut Vec<String>| {
        if let Some(key) = entry.strip_prefix("settings:") {
            let there = manifest.settings.as_ref().is_some_and(|s| s["properties"].get(key).is_some());
            if !there {
                wrong.push(format!("[{section}] '{entry}': [settings] has no property '{key}'"));
            }
        } else if origin(entry).as_deref() != Some(entry.as_str()) {
            wrong.push(format!("[{section}] '{entry}' is not of the form https://host or https://host:port"));
        }
    };
    for entry in allowed {
        check("http", entry, wrong);
    }
    for (name, secret) in &manifest.secrets {
        for entry in &secret.allow_hosts {
            check(&format!("secrets.{name}"), entry, wrong);
            if !allowed.contains(entry) {
                wrong.push(format!("[secrets.{name}] allow-hosts: '{entry}' is not in [http] allow"));
            }
        }
    }
}

/// Scheme, host and port of a URL, as a browser writes an origin.
pub(crate) fn origin(url: &str) -> Option<String> {
    let url = Url::parse(url).ok()?;
    let web = matches!(url.scheme(), "https" | "http");
    (web && url.host().is_some()).then(|| url.origin().ascii_serialization())
}

/// The part of JSON Schema that forms are drawn from.
fn schema(section: &str, schema: Option<&serde_json::Value>, wrong: &mut Vec<String>) {
    let Some(schema) = schema else { return };
    if schema["type"] != json!("object") || !schema["properties"].is_object() {
        wrong.push(format!("[{section} is a JSON Schema of type object with properties"));
        return;
    }
    let defaults: serde_json::Map<String, serde_json::Value> = schema["properties"]
        .as_object()
        .into_iter()
        .flatten()
        .filter_map(|(key, property)| Some((key.clone(), property.get("default")?.clone())))
        .collect();
    let mut lenient = schema.clone();
    if let Some(map) = lenient.as_object_mut() {
        map.remove("required");
    }
    if let Err(error) = check_input(&lenient, &serde_json::Value::Object(defaults)) {
        wrong.push(format!("[{section}: a default does not satisfy the schema: {error}"));
    }
}
