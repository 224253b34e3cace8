//! What the callers of guests have in common: who asks, and how a failure is told. Calls nothing itself.

use kith_base::RecordId;
use kith_engine::{Actor, ActorKind, EngineError};
use kith_model::Value;

use crate::{
    contract::Error,
    runtime::{CallError, CallInfo},
    services::Services,
};

/// Longest message of a plugin that is shown to a person.
const MESSAGE_CHARS_MAX: usize = 500;

/// Who asks a plugin for something.
#[derive(Clone, Debug)]
pub struct Asker {
    pub actor: Actor,
    /// Languages asked for, best first; empty: the user's own.
    pub languages: Vec<String>,
}

impl Asker {
    /// Somebody without a wish for a language.
    pub fn of(actor: Actor) -> Asker {
        Asker { actor, languages: Vec::new() }
    }

    /// Languages to show texts in, best first.
    pub(crate) fn languages(&self, services: &Services) -> Vec<String> {
        if self.languages.is_empty() {
            return self.actor.user.and_then(|user| locale_of(services, user)).into_iter().collect();
        }
        self.languages.clone()
    }

    /// Fills in whom a call is for.
    pub(crate) fn sign(&self, services: &Services, info: CallInfo) -> CallInfo {
        let cause = match self.actor.kind {
            ActorKind::User => "user",
            ActorKind::Workflow => "workflow",
            ActorKind::System => "schedule",
            _ => "api",
        };
        let locale = self.languages(services).into_iter().next().unwrap_or(info.locale);
        CallInfo { actor: self.actor.user, cause: cause.into(), locale, ..info }
    }
}

/// The language a user chose.
fn locale_of(services: &Services, user: RecordId) -> Option<String> {
    let record = services.engine.get_for_change(&Actor::system(), "users", user).ok()?;
    let schema = services.engine.schema();
    match record.values.get(schema.object("users")?.field("locale")?.id) {
        Value::Text(text) if !text.is_empty() => Some(text.clone()),
        _ => None,
    }
}

/// Why a plugin gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    #[error("there is no plugin '{0}' at work; an administrator can look at it under Settings, Plugins")]
    NoPlugin(String),
    #[error("the plugin '{plugin}' has no {what}")]
    NoPart { plugin: String, what: String },
    #[error("the plugin '{plugin}' {error}")]
    Failed { plugin: String, error: CallError },
    /// In the plugin's own words.
    #[error("{plugin}: {said}")]
    Refused { plugin: String, said: String },
    #[error("{0}")]
    Stale(String),
    #[error(transparent)]
    Engine(#[from] EngineError),
}

impl AskError {
    /// A stable name for programs.
    pub fn code(&self) -> &'static str {
        match self {
            AskError::NoPlugin(_) | AskError::NoPart { .. } => "plugin.not_found",
            AskError::Failed { error: CallError::Resting(_) | CallError::Busy, .. } => "plugin.resting",
            AskError::Failed { .. } => "plugin.failed",
            AskError::Refused { .. } => "plugin.refused",
            AskError::Stale(_) => "plugin.stale",
            AskError::Engine(error) => error.code(),
        }
    }

    /// Seconds after which asking again makes sense.
    pub fn retry_after_s(&self, now_ms: i64) -> Option<u64> {
        match self {
            AskError::Failed { error: CallError::Busy, .. } => Some(1),
            AskError::Failed { error: CallError::Resting(until), .. } => {
                let until = until.parse::<jiff::Timestamp>().map_or(now_ms, jiff::Timestamp::as_millisecond);
                Some(u64::try_from((until - now_ms) / 1_000).unwrap_or(0) + 1)
            }
            _ => None,
        }
    }

    pub(crate) fn refused(plugin: &str, said: &str) -> AskError {
        let said = clip(said, MESSAGE_CHARS_MAX);
        let said = if said.is_empty() { "it refuses, and does not say why".into() } else { said };
        AskError::Refused { plugin: plugin.into(), said }
    }
}

/// One line of a guest's text, of at most so many characters.
pub(crate) fn clip(text: &str, most: usize) -> String {
    text.chars().filter(|c| !c.is_control()).take(most).collect()
}

/// A guest's error as a sentence.
pub(crate) fn said(error: &Error) -> String {
    match error {
        Error::NotFound => "what it looked for is not there".into(),
        Error::Conflict(version) => format!("the record is at version {version} by now"),
        Error::Invalid(list) => list.iter().map(|v| v.message.as_str()).collect::<Vec<_>>().join("; "),
        Error::Denied(said) | Error::Limit(said) | Error::Unavailable(said) | Error::Other(said) => said.clone(),
    }
}
