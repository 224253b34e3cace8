//! Things a person, a workflow or a program can have done to records, and questions about records.

use serde::de::DeserializeOwned;
use serde_json::{Value as Json, json};

pub use crate::bindings::actions::exports::kith::plugin::actions::Step;
use crate::{Error, Record, Result, records};

/// One call of an action.
#[derive(Clone, Debug)]
pub struct Action {
    /// The action's name in the manifest.
    pub name: String,
    /// The object of the records; empty where there are none.
    pub object: String,
    /// Ids of the records it was called for.
    pub ids: Vec<String>,
    /// What the form was filled in with, `ids` and `object` included.
    pub input: Json,
    /// Present when `Step::Wait` was answered before.
    pub resume: Option<String>,
}

impl Action {
    pub(crate) fn read(name: String, input: &str, resume: Option<String>) -> Result<Action> {
        let input: Json = serde_json::from_str(input)?;
        let object = input["object"].as_str().unwrap_or_default().to_string();
        let ids = match input["ids"].as_array() {
            Some(ids) => ids.iter().filter_map(|id| id.as_str().map(str::to_string)).collect(),
            None => Vec::new(),
        };
        Ok(Action { name, object, ids, input, resume })
    }

    /// The form as a type of yours.
    pub fn input<T: DeserializeOwned>(&self) -> Result<T> {
        serde_json::from_value(self.input.clone())
            .map_err(|error| Error::Other(format!("the input of '{}' does not fit: {error}", self.name)))
    }

    /// The records it was called for, with these fields.
    pub fn records(&self, fields: &[&str]) -> Result<Vec<Record>> {
        let mut rows = Vec::with_capacity(self.ids.len());
        for ids in self.ids.chunks(500) {
            rows.extend(records::get_many(&self.object, ids, fields)?);
        }
        Ok(rows)
    }
}

/// What an action may return: nothing, a message for the person, an object for the program, or a [`Step`].
pub trait IntoStep {
    fn into_step(self) -> Step;
}

impl IntoStep for Step {
    fn into_step(self) -> Step {
        self
    }
}

impl IntoStep for () {
    fn into_step(self) -> Step {
        Step::Done("{}".into())
    }
}

impl IntoStep for &str {
    fn into_step(self) -> Step {
        Step::Done(json!({ "message": self }).to_string())
    }
}

impl IntoStep for String {
    fn into_step(self) -> Step {
        self.as_str().into_step()
    }
}

impl IntoStep for Json {
    fn into_step(self) -> Step {
        Step::Done(if self.is_object() { self.to_string() } else { json!({ "result": self }).to_string() })
    }
}
