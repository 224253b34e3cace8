//! Plugins that Kith brings along: what `cargo xtask plugins` built, and none where nothing did. They lie here as files; an administrator
//! installs one like anybody's, after the same look at what it asks for.

use kith_plugin_host::{
    manifest::{is_plugin_id, version_of},
    shown::described,
};
use rust_embed::RustEmbed;
use serde_json::{Value as Json, json};

use crate::{problem::Problem, web::hex};

#[derive(RustEmbed)]
#[folder = "../../plugins/dist"]
struct Files;

/// One line for each, beside what is installed: `installed` is a list of plugins as the API shows them.
pub fn list(installed: &[Json]) -> Vec<Json> {
    ids().iter().filter_map(|id| line(id, installed)).collect()
}

/// The file of one.
///
/// # Errors
/// `plugin.not_bundled`
pub fn file(id: &str) -> Result<Vec<u8>, Problem> {
    content(id).ok_or_else(|| {
        let known = ids().join(", ");
        let shown: String = id.chars().filter(|c| !c.is_control()).take(60).collect();
        Problem::new(
            "plugin.not_bundled",
            if known.is_empty() {
                format!("this Kith was built without its plugins, '{shown}' too; install it from a .wasm file")
            } else {
                format!(
                    "Kith brings no plugin '{shown}' along; it brings {known}; others are installed from a .wasm file"
                )
            },
        )
    })
}

/// Whether a plugin that is installed is the very file that Kith brings along.
pub fn is_that(id: &str, sha256: &str) -> bool {
    let file = is_plugin_id(id).then(|| Files::get(&format!("{id}.wasm"))).flatten();
    file.is_some_and(|file| hex(&file.metadata.sha256_hash()) == sha256)
}

fn ids() -> Vec<String> {
    let mut ids: Vec<String> = Files::iter().filter_map(|name| Some(name.strip_suffix(".wasm")?.to_string())).collect();
    ids.sort();
    ids
}

fn content(id: &str) -> Option<Vec<u8>> {
    // Development builds look into the folder itself, where a name of another form could lead elsewhere.
    let file = is_plugin_id(id).then(|| Files::get(&format!("{id}.wasm")))??;
    Some(file.data.into_owned())
}

fn line(id: &str, installed: &[Json]) -> Option<Json> {
    let content = content(id)?;
    let mut shown = described(&content).ok()?;
    let there = installed.iter().find(|plugin| plugin["id"] == id);
    let newest = there.and_then(|plugin| plugin["pending"]["version"].as_str().or(plugin["version"].as_str()));
    let newer =
        newest.is_some_and(|newest| version_of(shown["version"].as_str().unwrap_or_default()) > version_of(newest));
    shown["size_bytes"] = json!(content.len());
    shown["installed"] = there.map_or(Json::Null, |plugin| plugin["version"].clone());
    shown["newer"] = json!(newer);
    Some(shown)
}
