//! What one call of a plugin was given, asked and answered, so that it can be run again without a server. A trace is a file of JSON, sealed like
//! every file of the vault; failures leave one, and as many other calls as an administrator asks for.

mod keep;
mod replay;
mod shape;

use kith_base::RecordId;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::{
    plugin::Plugin,
    runtime::{CallError, CallInfo, Capability, recorder::Recorder},
};

pub(crate) use keep::{expire, forget, keep};
pub use replay::{Difference, ReplayError, Replayed, replay};

/// The form of what is written here.
pub const FORMAT: u32 = 1;

/// See the module.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Trace {
    pub format: u32,
    pub id: String,
    pub plugin: String,
    /// The plugin's version.
    pub version: String,
    /// RFC 3339.
    pub at: String,
    /// The call's id, the same over attempts.
    pub call: String,
    pub attempt: u32,
    pub capability: Capability,
    pub name: String,
    /// Interface and function of the contract: `before-save.check`.
    pub export: String,
    /// Arguments, in the shape of the contract's types. None: they were too large to keep.
    pub input: Option<Vec<Json>>,
    /// Log lines are not among them: a changed plugin may write others.
    pub host: Vec<HostCall>,
    /// There were more host calls, or larger ones, than are kept.
    pub cut: bool,
    pub outcome: Outcome,
    pub micros: u64,
    pub budget_ms: u64,
    pub memory_bytes: usize,
}

/// One call of the host.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct HostCall {
    /// Interface and function: `records.get`.
    pub call: String,
    pub input: Json,
    pub answer: Json,
}

/// How a call ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// In the shape of the contract's types; none: too large to keep.
    Answer(Option<Json>),
    /// Completes "the plugin …".
    Failure(String),
}

/// A call that is over, not yet made into a trace: that is done away from whoever waits for it.
pub(crate) struct Made<'a> {
    pub export: &'static str,
    pub input: Option<String>,
    pub outcome: Result<Option<String>, &'a CallError>,
    pub micros: u64,
    pub recorder: Recorder,
}

/// The same, free of whoever made it.
struct Raw {
    export: &'static str,
    input: Option<String>,
    outcome: Result<Option<String>, String>,
    micros: u64,
    recorder: Recorder,
}

impl Raw {
    fn of(made: Made<'_>) -> Raw {
        let Made { export, input, outcome, micros, recorder } = made;
        Raw { export, input, outcome: outcome.map_err(ToString::to_string), micros, recorder }
    }

    fn into_trace(self, id: RecordId, plugin: &Plugin, info: &CallInfo) -> Trace {
        let read = |text: String| serde_json::from_str::<Json>(&text).ok().map(|json| masked(json, plugin));
        let (calls, cut) = self.recorder.into_json();
        let host = read(calls).and_then(|calls| serde_json::from_value(calls).ok()).unwrap_or_default();
        let input = self.input.and_then(read).map(|input| match input {
            Json::Array(list) => list,
            // What has no arguments is no list.
            _ => Vec::new(),
        });
        Trace {
            format: FORMAT,
            id: id.to_string(),
            plugin: plugin.id.clone(),
            version: plugin.manifest.plugin.version.clone(),
            at: kith_engine::read::rfc3339(info.now_ms),
            call: info.id.clone(),
            attempt: info.attempt,
            capability: info.capability,
            name: info.name.clone(),
            export: self.export.to_string(),
            input,
            host,
            cut,
            outcome: match self.outcome {
                Ok(answer) => Outcome::Answer(answer.and_then(read)),
                Err(said) => Outcome::Failure(said),
            },
            micros: self.micros,
            budget_ms: u64::try_from(info.budget.as_millis()).unwrap_or(u64::MAX),
            memory_bytes: plugin.memory_bytes,
        }
    }
}

/// Without the plugin's secrets, in texts and in bytes: whoever reads a trace need not know them.
fn masked(mut json: Json, plugin: &Plugin) -> Json {
    for (name, secret) in plugin.secrets.iter().filter(|(_, secret)| !secret.expose().is_empty()) {
        mask(&mut json, secret.expose(), &format!("{{{{secret:{name}}}}}"));
    }
    json
}

fn mask(json: &mut Json, secret: &str, mark: &str) {
    match json {
        Json::String(text) if text.contains(secret) => *text = text.replace(secret, mark),
        Json::Array(list) => {
            if let Some(bytes) = bytes(list)
                && let Some(clean) = without(&bytes, secret.as_bytes(), mark.as_bytes())
            {
                *list = clean.into_iter().map(Json::from).collect();
            }
            list.iter_mut().for_each(|item| mask(item, secret, mark));
        }
        Json::Object(map) => map.values_mut().for_each(|value| mask(value, secret, mark)),
        _ => {}
    }
}

/// A list that may be bytes, as those.
fn bytes(list: &[Json]) -> Option<Vec<u8>> {
    list.iter().map(|item| item.as_u64().and_then(|n| u8::try_from(n).ok())).collect()
}

/// `mark` in the place of every `secret`; none when there is nothing to replace.
fn without(bytes: &[u8], secret: &[u8], mark: &[u8]) -> Option<Vec<u8>> {
    let mut clean = Vec::new();
    let (mut at, mut found) = (0, false);
    while at < bytes.len() {
        if bytes[at..].starts_with(secret) {
            clean.extend_from_slice(mark);
            at += secret.len();
            found = true;
        } else {
            clean.push(bytes[at]);
            at += 1;
        }
    }
    found.then_some(clean)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_secret_is_masked_in_texts_and_in_bytes() {
        let mut trace = json!({"a": ["Bearer s3cret", {"b": "none"}], "body": b"x=s3cret&y".to_vec(), "n": [1, 2]});
        mask(&mut trace, "s3cret", "***");
        assert_eq!(trace, json!({"a": ["Bearer ***", {"b": "none"}], "body": b"x=***&y".to_vec(), "n": [1, 2]}));
    }
}
